"""Certificates back to terms, by code that shares nothing with the checker: for judges."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from all_domains import DOMAINS
from encoded import FactorClaim, RefutedFactor

from symelbo.certify.certificate import Case, Certificate, CertificateRow, Moved, Unknown, What
from symelbo.certify.claim import MotionClaim
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)

__all__ = ["Decoder"]


class Decoder:
    """The terms of a certificate, as far as they are needed."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.known: dict[int, Term] = {}
        self.symbols: dict[str, Symbol] = {}

    def extent(self, data: Any) -> Extent:
        if isinstance(data, list):
            return Extent(data[0], data[1])
        return Extent(None, data) if isinstance(data, int) else Extent(data)

    def domain(self, data: Any) -> Domain:
        if isinstance(data, str):
            return DOMAINS[data]
        ends = {k: self.term(data[k]) for k in ("lower", "upper") if data.get(k) is not None}
        return type(DOMAINS[data["kind"]])(**ends)

    def symbol(self, name: str) -> Symbol:
        if name not in self.symbols:
            data = self.data["symbols"][name]
            shape = tuple(map(self.extent, data["shape"]))
            domain = self.domain(data["domain"])
            self.symbols[name] = Symbol(name, Role(data["role"]), domain, shape)
        return self.symbols[name]

    def index(self, data: Any) -> IndexTerm:
        if isinstance(data, str):
            low, extent = self.data["indices"][data]
            return Index(data, self.extent(extent), low)
        match data:
            case ["o", name, by]:
                base = self.index(name)
                assert isinstance(base, Index)
                return Offset(base, by)
            case ["p", extent]:
                return Position(self.extent(extent))
            case ["e", name, *where]:
                return Entry(self.symbol(name), tuple(map(self.index, where)))
        raise AssertionError(data)

    def indices(self, names: list[str]) -> tuple[Index, ...]:
        found = tuple(map(self.index, names))
        assert all(isinstance(i, Index) for i in found)
        return found  # type: ignore[return-value]

    def array(self, data: Any) -> Array:
        return Array(self.indices(data["indices"]), self.term(data["body"]))

    def arrays(self, data: Mapping[str, Any]) -> dict[Symbol, Array]:
        return {self.symbol(name): self.array(array) for name, array in data.items()}

    def term(self, number: int) -> Term:
        if number not in self.known:
            self.known[number] = self.make(self.data["terms"][number])
        return self.known[number]

    def make(self, entry: list[Any]) -> Term:
        head, *rest = entry
        match head, rest:
            case "q", [value]:
                return Number(Fraction(value))
            case "n", [name]:
                return Size(name)
            case "c", [name]:
                return Constant(name)
            case "iv", [index]:
                return IndexValue(self.index(index))
            case "v", [name, *where]:
                return Entry(self.symbol(name), tuple(map(self.index, where)))
            case "+" | "*", []:  # a change may take all operands but one, or that one too
                return Number(Fraction(head == "*"))
            case "+" | "*", [part]:
                return self.term(part)
            case "+", parts:
                return Add(tuple(map(self.term, parts)))
            case "*", parts:
                return Mul(tuple(map(self.term, parts)))
            case "^", [base, exponent]:
                return Power(self.term(base), self.term(exponent))
            case "f", [name, *parts]:
                return Call(name, tuple(map(self.term, parts)))
            case "S", [index, body]:
                return Sum(*self.indices([index]), self.term(body))
            case "d", [left, right]:
                return Delta(self.index(left), self.index(right))
            case "Inv", [indices, body, row, column]:
                matrix = Array(self.indices(indices), self.term(body))
                return Inverse(matrix, self.index(row), self.index(column))
            case "LD", [indices, body]:
                return LogDet(Array(self.indices(indices), self.term(body)))
            case "A", [name, arrays, where, slots]:
                return Apply(
                    self.symbol(name),
                    tuple(Array(self.indices(v), self.term(b)) for v, b in arrays),
                    tuple(map(self.index, where)),
                    tuple((slot, tuple(map(self.index, at))) for slot, at in slots),
                )
        raise AssertionError(entry)

    # ------------------------------------------------------------ claims

    def motion(self, data: Mapping[str, Any]) -> MotionClaim:
        keys = ("parameters", "rates", "shifts", "variational")
        return MotionClaim(*(self.arrays(data[key]) for key in keys))

    def factor(self, density: Mapping[str, Any], identity: Mapping[str, Any]) -> FactorClaim:
        keys = ("base", "entropy", "divergence", "base_change")
        return FactorClaim(
            density["name"],
            self.symbol(density["node"]),
            tuple(map(self.index, density["places"])),
            self.term(density["log_density"]),
            *(self.term(identity[key]) for key in keys),
        )

    def refuted(self, density: Mapping[str, Any]) -> RefutedFactor:
        return RefutedFactor(
            density["name"],
            self.symbol(density["node"]),
            self.indices(density["plates"]),
            tuple(map(self.index, density["places"])),
            self.term(density["log_density"]),
            (),
        )

    def certificate(self, data: Mapping[str, Any]) -> Certificate:
        return Certificate(
            tuple(data["sizes"].items()),
            tuple(
                (
                    self.symbol(name),
                    tuple(map(self.symbol, f["arguments"])),
                    Array(self.indices(f["indices"]), self.term(f["body"])),
                )
                for name, f in data["functions"].items()
            ),
            _values(data["constants"]),
            tuple(map(_values, data["points"])),
            tuple(map(_values, data["inputs"])),
            tuple(self.case(case) for case in data["cases"]),
            not data["latents_may_move"],
        )

    def case(self, data: Mapping[str, Any]) -> Case:
        def moved(items: list[Any]) -> tuple[Moved, ...]:
            return tuple(((item["of"][0], tuple(item["of"][1:])), item["inputs"]) for item in items)

        def unknown(item: Mapping[str, Any]) -> Unknown:
            name, *place = item["of"]
            what, _, of = name.partition(" of ")
            return Unknown(What(what), of, tuple(place), item["point"], item["inputs"])

        return Case(
            moved(data["moving"]),
            moved(data["resting"]),
            tuple(
                CertificateRow(
                    row["factor"],
                    tuple(row["place"]),
                    row["point"],
                    row["inputs"],
                    _values(row["parents"]),
                    _values(row["value"]),
                    tuple(map(Fraction, row["weights"])),
                )
                for row in data["rows"]
            ),
            tuple(map(unknown, data["unknowns"])),
            tuple(tuple(map(self.term, line)) for line in data["matrix"]),
            tuple((unknown(d), tuple(map(self.term, d["combination"]))) for d in data["dependent"]),
            moved(data["shifted"]),
        )


def _values(data: list[Any]) -> tuple[tuple[tuple[str, tuple[int, ...]], Fraction], ...]:
    return tuple(((at[0], tuple(at[1:])), Fraction(x)) for at, x in data)
