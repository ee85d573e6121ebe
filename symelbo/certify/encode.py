"""Terms of the model to the table of a certificate: no term is built, simplified or expanded.

    ["q", 3]  ["n", "D"]  ["c", "pi"]  ["iv", index]  ["v", "W", index...]  ["+", term...]
    ["*", term...]  ["^", term, term]  ["f", "exp", term]  ["S", index, term]  ["d", index, index]
    ["A", "m", [[indices, term]...], [index...], [[slot, [index...]]...]]
    ["Inv", indices, term, index, index]  ["LD", indices, term]

A term is a number: its place in the table.  An index is a name, ["o", name, 1], ["p", extent] or
["e", category, index...].  Arguments are put in on the way: what a formal symbol stands for is
encoded in its place.  Bound indices end in ', so that nothing free is captured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

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
    Origin,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.values import dataclass, field

__all__ = ["Clash", "Encoder", "Given", "Json", "encode_extent"]

Json: TypeAlias = dict[str, Any]
Given: TypeAlias = Mapping[str, Array]  # what formal symbols stand for

_FORMAL = (Role.ARGUMENT, Role.VALUE)


class Clash(Exception):
    """Two symbols of one name; or a term that has no form in a certificate."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What indices and formal symbols mean here; used: names that a bound index may not have.

    known, arrays: what was encoded here before; what several functions share is encoded once.
    """

    env: Mapping[Index, Any] = field(default_factory=dict)
    given: Mapping[str, tuple[Array, _Scope]] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    known: dict[Term, int] = field(default_factory=dict)
    arrays: dict[Array, tuple[list[str], int]] = field(default_factory=dict)


def encode_extent(extent: Extent) -> Any:
    """C, C-1, 3 -> "C", ["C", -1], 3"""
    if extent.size is None:
        return extent.offset
    return [extent.size, extent.offset] if extent.offset else extent.size


class Encoder:
    """One table of symbols, indices and terms; what is the same is in it once."""

    def __init__(self) -> None:
        self.names: dict[Symbol, str] = {}
        self.symbols: dict[str, Json] = {}
        self.ranges: dict[str, tuple[int, Extent]] = {}
        self.free: dict[Index, str] = {}
        self.terms: list[list[Any]] = []
        self.numbers: dict[str, int] = {}

    def tables(self) -> Json:
        """What has been encoded so far."""
        return {
            "symbols": dict(sorted(self.symbols.items())),
            "indices": {
                name: [low, encode_extent(extent)]
                for name, (low, extent) in sorted(self.ranges.items())
            },
            "terms": self.terms,
        }

    # ------------------------------------------------------------ names

    def symbol(self, symbol: Symbol) -> str:
        """The name of a symbol; a formal one that is called like another gets a name of its own."""
        if symbol not in self.names:
            name = symbol.name
            number = 1
            while name in self.symbols:
                if symbol.role not in _FORMAL:
                    raise Clash(f"{name} is two symbols")
                number += 1
                name = f"{symbol.name}_{number}"
            self.names[symbol] = name
            self.symbols[name] = {"role": symbol.role.value}
            self.symbols[name]["domain"] = self.domain(symbol.domain)
            self.symbols[name]["shape"] = [encode_extent(e) for e in symbol.shape]
        return self.names[symbol]

    def domain(self, domain: Domain, given: Given | None = None) -> Any:
        """A domain: its kind, or with the ends that it has."""
        ends = {"lower": domain.lower, "upper": domain.upper}
        if not any(ends.values()):
            return domain.kind
        encoded = {k: self.term(t, given=given) for k, t in ends.items() if t is not None}
        return {"kind": domain.kind, **encoded}

    def index_name(self, wanted: str, index: Index, used: frozenset[str], mark: str) -> str:
        """A name for an index that has its range wherever it stands, and is not used here."""
        number = 1
        name = wanted + mark
        while name in used or self.ranges.get(name, (index.low, index.extent)) != (
            index.low,
            index.extent,
        ):
            number += 1
            name = f"{wanted}{number}{mark}"
        self.ranges[name] = index.low, index.extent
        return name

    def free_index(self, index: Index) -> str:
        """The name of an index that nothing binds."""
        if index not in self.free:
            taken = frozenset(self.free.values())
            self.free[index] = self.index_name(_letter(index), index, taken, "")
        return self.free[index]

    def bind(self, indices: Sequence[Index], scope: _Scope) -> tuple[list[str], _Scope]:
        """Names for bound indices, and what is meant inside."""
        if len(set(indices)) != len(indices):
            raise Clash("an array with one index twice")
        env, used, names = dict(scope.env), scope.used, []
        for index in indices:
            name = self.index_name(_letter(index), index, used, "'")
            for other in [o for o in env if _is_namesake(o, index)]:
                del env[other]  # an occurrence of the outer one is another index
            env[index] = name
            used = used | {name}
            names.append(name)
        return names, _Scope(env, scope.given, used)

    # ------------------------------------------------------------ terms

    def term(self, term: Term, given: Given | None = None) -> int:
        """The number of a term, formal symbols replaced by what they stand for."""
        scope = _Scope(given={name: (array, _Scope()) for name, array in (given or {}).items()})
        return self._term(term, scope)

    def array(self, array: Array, given: Given | None = None) -> Json:
        """An array: its indices, and the number of its body."""
        scope = _Scope(given={name: (a, _Scope()) for name, a in (given or {}).items()})
        names, inner = self.bind(array.indices, scope)
        return {"indices": names, "body": self._term(array.body, inner)}

    def arrays(self, arrays: Mapping[Symbol, Array]) -> Json:
        """{name: array}, in the order of the names."""
        found = {self.symbol(symbol): self.array(array) for symbol, array in arrays.items()}
        return dict(sorted(found.items()))

    def place(self, index: IndexTerm) -> Any:
        """An index that nothing binds."""
        return self._index(index, _Scope())

    def _add(self, *entry: Any) -> int:
        key = repr(entry)
        if key not in self.numbers:
            self.numbers[key] = len(self.terms)
            self.terms.append(list(entry))
        return self.numbers[key]

    def _index(self, index: IndexTerm, scope: _Scope) -> Any:
        match index:
            case Index():
                if index in scope.env:
                    return scope.env[index]
                if any(_is_namesake(other, index) for other in scope.env):
                    raise Clash(f"index {index.name} has two ranges")
                return self.free_index(index)
            case Offset(base, by):
                return _shift(self._index(base, scope), by)
            case Position(extent):
                return ["p", encode_extent(extent)]
            case Entry(symbol, _) if symbol.role in _FORMAL and symbol.name in scope.given:
                body, inner = self._put(index, scope)
                match body:
                    case Entry():
                        return self._index(body, inner)
                    case IndexValue(place):
                        return self._index(place, inner)
                raise Clash(f"{symbol.name} selects, and is no category")
            case Entry(symbol, indices):
                return ["e", self.symbol(symbol), *(self._index(i, scope) for i in indices)]

    def _put(self, entry: Entry, scope: _Scope) -> tuple[Term, _Scope]:
        """What an entry of a formal symbol stands for, and the scope of that."""
        array, outer = scope.given[entry.symbol.name]
        if len(array.indices) != len(entry.indices):
            raise Clash(f"{entry.symbol.name} needs {len(array.indices)} indices")
        where = (self._index(i, scope) for i in entry.indices)
        env = {**outer.env, **dict(zip(array.indices, where, strict=True))}
        return array.body, _Scope(env, outer.given, scope.used | outer.used)

    def _term(self, term: Term, scope: _Scope) -> int:
        known = scope.known.get(term)
        if known is None:
            known = scope.known[term] = self._new(term, scope)
        return known

    def _new(self, term: Term, scope: _Scope) -> int:
        match term:
            case Number(value):
                whole = value.denominator == 1
                return self._add("q", value.numerator if whole else str(value))
            case Constant("e"):
                return self._add("f", "exp", self._add("q", 1))
            case Constant("pi" | "PI"):
                return self._add("c", "pi")
            case Size(name):
                return self._add("n", name)
            case IndexValue(index):
                return self._add("iv", self._index(index, scope))
            case Entry(symbol, _) if symbol.role in _FORMAL and symbol.name in scope.given:
                return self._term(*self._put(term, scope))
            case Entry(symbol, indices):
                if len(indices) != len(symbol.shape):
                    raise Clash(f"{symbol.name} needs {len(symbol.shape)} indices")
                return self._add(
                    "v", self.symbol(symbol), *(self._index(i, scope) for i in indices)
                )
            case Add(()):
                return self._add("q", 0)
            case Mul(()):
                return self._add("q", 1)
            case Add(parts):
                return self._add("+", *(self._term(t, scope) for t in parts))
            case Mul(parts):
                return self._add("*", *(self._term(t, scope) for t in parts))
            case Power(base, exponent):
                return self._add("^", self._term(base, scope), self._term(exponent, scope))
            case Call(name, arguments):
                return self._add("f", name, *(self._term(t, scope) for t in arguments))
            case Sum(index, body):
                (name,), inner = self.bind((index,), scope)
                return self._add("S", name, self._term(body, inner))
            case Delta(left, right):
                return self._add("d", self._index(left, scope), self._index(right, scope))
            case Inverse(matrix, row, column):
                places = self._index(row, scope), self._index(column, scope)
                return self._add("Inv", *self._array(matrix, scope), *places)
            case LogDet(matrix):
                return self._add("LD", *self._array(matrix, scope))
            case Apply():
                return self._apply(term, scope)
        raise Clash(f"{type(term).__name__} has no form in a certificate")

    def _array(self, array: Array, scope: _Scope) -> tuple[list[str], int]:
        if array not in scope.arrays:
            names, inner = self.bind(array.indices, scope)
            scope.arrays[array] = names, self._term(array.body, inner)
        return scope.arrays[array]

    def _apply(self, term: Apply, scope: _Scope) -> int:
        arrays = [list(self._array(array, scope)) for array in term.arguments]
        where = [self._index(i, scope) for i in term.indices]
        slots = [[slot, [self._index(i, scope) for i in at]] for slot, at in term.derivatives]
        return self._add("A", self.symbol(term.function), arrays, where, slots)


def _is_namesake(left: Index, right: Index) -> bool:
    """Two indices that people call the same, and are not."""
    return left != right and (left.name, left.origin) == (right.name, right.origin)


def _letter(index: Index) -> str:
    """What an index is called that was called by nobody."""
    called = index.origin in (Origin.NAMED, Origin.FORMAL)
    return index.name.replace("'", "") if called and index.name else "i"


def _shift(index: Any, by: int) -> Any:
    """h, n -> h + n"""
    if isinstance(index, str):
        return ["o", index, by] if by else index
    if index[0] == "o":
        return _shift(index[1], index[2] + by)
    if index[0] == "p":
        size, offset = index[1] if isinstance(index[1], list) else (index[1], 0)
        if isinstance(size, int):
            return ["p", size + by]
        return ["p", [size, offset + by] if offset + by else size]
    raise Clash("an offset from a category")
