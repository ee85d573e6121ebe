"""Refutations as data, checked in exact arithmetic (Lücke & Warnken (2022), Example 3).

The criterion fails if finitely many equations of it, at admissible samples of the parents, combine
to
sum_i c_i' J_i = 0 and sum_i c_i' eta_i != 0; with sum_i c_i = 0 no constant shift helps either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexValue,
    Mul,
    Number,
    Position,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.verify.evaluate import walk
from symelbo.verify.instance import Exact, admissible, function_admissible, length
from symelbo.verify.interval import certainly_nonzero
from symelbo.verify.kernel import Poly
from symelbo.verify.language import Field, Instance, NotShown

__all__ = ["Certificate", "Row", "check_certificate", "tangent_field"]

NODES = (Role.LATENT, Role.OBSERVED, Role.VALUE)
PARENTS = (*NODES, Role.INPUT)


@dataclass(frozen=True, slots=True)
class Row:
    """One equation of the criterion at one sample, with its weight c."""

    sample: int  # index into the samples
    factor: str  # name of the node
    component: int  # which block of natural parameters of that factor
    place: tuple[int, ...]  # concrete plate and block indices
    weight: Term  # closed, usually a Number


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything needed to see that the criterion fails, and nothing else.

    A sample gives the parents (nodes and inputs).  It may also give learned parameters other values
    than the point does: then c' J = 0 is required for each parameter value on its own, while c' eta
    is summed over all (a shift of the base measure is the same for all parameter values).
    """

    sizes: tuple[tuple[str, int], ...]
    functions: tuple[tuple[Symbol, tuple[Symbol, ...], Array], ...]  # f, formal arguments, result
    point: tuple[tuple[str, tuple[int, ...], Fraction], ...]  # parameters, constants, inputs
    samples: tuple[tuple[tuple[str, tuple[int, ...], Fraction], ...], ...]  # values of the parents
    rows: tuple[Row, ...]
    value: Term  # sum of c * eta: closed, not zero
    excludes_shifts: bool  # per (factor, component, place) the weights sum to zero


Naturals = Mapping[tuple[str, int], tuple[tuple[Index, ...], Term]]


def check_certificate(
    certificate: Certificate, naturals: Naturals, parameters: Sequence[Symbol]
) -> list[str]:
    """Reasons why the certificate does not refute the criterion; empty if it does."""
    try:
        return _Check(certificate, naturals, parameters).reasons()
    except NotShown as reason:
        return [f"not shown: {reason}"]
    except KeyError as reason:
        return [f"no size or entry {reason}"]


def tangent_field(symbol: Symbol, velocity: Symbol) -> tuple[tuple[Index, ...], Term]:
    """Every direction tangent to the symbol's domain, linear in the entries of `velocity`."""
    formals = tuple(Index(f"k{n}", extent) for n, extent in enumerate(symbol.shape))
    entry: Term = Entry(velocity, formals)
    if symbol.domain.kind == "posdef":
        swapped = Entry(velocity, (*formals[:-2], formals[-1], formals[-2]))
        return formals, Add((entry, swapped))
    if symbol.domain.kind == "simplex":
        # v_k at k < C, and minus their sum at C
        extent, last = symbol.shape[-1], formals[-1]
        other = Index("other", Extent(extent.size, extent.offset - 1))
        at_last = Delta(last, Position(extent))
        minus = Number(Fraction(-1))
        rest = Sum(other, Entry(velocity, (*formals[:-1], other)))
        return formals, Add((entry, Mul((minus, at_last, entry)), Mul((minus, at_last, rest))))
    return formals, entry


class _Check:
    def __init__(
        self, certificate: Certificate, naturals: Naturals, parameters: Sequence[Symbol]
    ) -> None:
        self.certificate, self.naturals, self.parameters = certificate, naturals, parameters
        self.sizes = dict(certificate.sizes)
        self.functions = {f.name: (formals, a) for f, formals, a in certificate.functions}
        self.point = {(name, place): x for name, place, x in certificate.point}
        self.samples = [
            {(name, place): x for name, place, x in sample} for sample in certificate.samples
        ]
        self.symbols: dict[str, Symbol] = {p.name: p for p in parameters}
        self.categories: dict[str, Extent] = {}
        self.used: dict[str, Symbol] = {}  # abstract functions
        self.clashes: list[str] = []
        for item in walk([term for _, term in naturals.values()]):
            if isinstance(item, Apply):
                self.used[item.function.name] = item.function
            elif isinstance(item, Entry):
                if self.symbols.setdefault(item.symbol.name, item.symbol) != item.symbol:
                    self.clashes.append(f"{item.symbol.name} is two symbols")
                for index, extent in zip(item.indices, item.symbol.shape, strict=False):
                    if isinstance(index, Entry):
                        self.categories.setdefault(index.symbol.name, extent)

    def reasons(self) -> list[str]:
        return self._well_formed() or self._admissible() or self._equations()

    def _well_formed(self) -> list[str]:
        certificate = self.certificate
        found = [*self.clashes]
        found += [f"size {n} = {k} is not positive" for n, k in certificate.sizes if k < 1]
        if not certificate.rows:
            found.append("no rows")
        learned = {p.name for p in self.parameters}
        for symbol in self.symbols.values():
            if symbol.role is Role.PARAMETER and symbol.name not in learned:
                found.append(f"{symbol.name} is a parameter but not listed as one")
            elif symbol.role in NODES and symbol.name in learned:
                found.append(f"{symbol.name} is a node, not a parameter")
        if len({name for name, _ in self.point}) and len(self.point) != len(certificate.point):
            found.append("a value of the point is given twice")
        for sample in self.samples:
            for name, place in sample:
                role = self.symbols[name].role if name in self.symbols else Role.LATENT
                if role is Role.PARAMETER and (name, place) in self.point:
                    continue
                if role not in PARENTS:
                    found.append(f"a sample gives {name}, which is neither parent nor parameter")
                elif (name, place) in self.point:
                    found.append(f"a sample changes {name}, which the point gives")
        for row in certificate.rows:
            if (row.factor, row.component) not in self.naturals:
                found.append(f"no natural parameters {row.factor}, {row.component}")
                continue
            if not 0 <= row.sample < len(self.samples):
                found.append(f"no sample {row.sample}")
            indices, _ = self.naturals[row.factor, row.component]
            ranges = [(i.low, length(i.extent, self.sizes)) for i in indices]
            inside = len(ranges) == len(row.place) and all(
                low <= k <= high for (low, high), k in zip(ranges, row.place, strict=True)
            )
            if not inside:
                found.append(f"place {row.place} of {row.factor}, {row.component} does not exist")
        for term in (certificate.value, *(row.weight for row in certificate.rows)):
            if not _closed(term):
                found.append("a weight or the value is not closed")
        return found

    def _admissible(self) -> list[str]:
        found: list[str] = []
        for name, symbol in self.used.items():
            if name not in self.functions:
                found.append(f"no function given for {name}")
                continue
            formals, array = self.functions[name]
            found += function_admissible(symbol, formals, array, Instance(self.sizes))
        symbols = [s for s in self.symbols.values() if s.role is not Role.FUNCTION]
        instance = Instance(self.sizes)
        for k in sorted({row.sample for row in self.certificate.rows}):
            values = {**self.point, **self.samples[k]}
            for symbol in symbols:
                reasons = admissible(symbol, values, instance, self.categories)
                found += [f"sample {k}: {reason}" for reason in reasons]
        return found

    def _equations(self) -> list[str]:
        exact = Exact(Instance(self.sizes))
        field: dict[str, tuple[tuple[Index, ...], Term]] = {}
        for p in self.parameters:
            velocity = Symbol(f"velocity of {p.name}", Role.UNKNOWN, Domain("real"), p.shape)
            field[p.name] = tangent_field(p, velocity)
        along: Field = field
        jacobians: dict[frozenset[object], Poly] = {}
        total = exact.scale(exact.number(self.certificate.value), -1)
        sums: dict[tuple[str, int, tuple[int, ...]], Poly] = {}
        for row in self.certificate.rows:
            values = {**self.point, **self.samples[row.sample]}
            exact.instance = self._instance(values)
            indices, eta = self.naturals[row.factor, row.component]
            weight = exact.number(row.weight)
            moved = exact.block(indices, row.place, eta, values, along)
            at = self._parameter_point(row.sample)
            jacobians[at] = exact.add(jacobians.get(at, {}), exact.forms.mul(weight, moved))
            here = exact.block(indices, row.place, eta, values)
            total = exact.add(total, exact.forms.mul(weight, here))
            key = (row.factor, row.component, row.place)
            sums[key] = exact.add(sums.get(key, {}), weight)
        found = []
        for jacobian in jacobians.values():
            if not exact.vanishes(jacobian):
                found.append("the weights do not annihilate the Jacobian: " + exact.show(jacobian))
        if not exact.vanishes(total):
            found.append(
                "the weighted natural parameters differ from the value by " + exact.show(total)
            )
        if not certainly_nonzero(self.certificate.value):
            found.append("the value is not shown to be different from zero")
        if self.certificate.excludes_shifts:
            for (factor, component, place), weights in sums.items():
                if not exact.vanishes(weights):
                    found.append(
                        f"the weights of {factor}, {component}, {place} do not sum to zero, "
                        "so a constant shift is not excluded"
                    )
        return found

    def _parameter_point(self, sample: int) -> frozenset[object]:
        """What identifies the parameter value of a sample: the entries it gives other values."""
        learned = {p.name for p in self.parameters}
        return frozenset(
            (name, place, x)
            for (name, place), x in self.samples[sample].items()
            if name in learned and self.point[name, place] != x
        )

    def _instance(self, values: Mapping[tuple[str, tuple[int, ...]], Fraction]) -> Instance:
        categories = {
            (name, place): int(x)
            for (name, place), x in values.items()
            if name in self.symbols and self.symbols[name].domain.kind == "category"
        }
        return Instance(self.sizes, categories, self.functions)


def _closed(term: Term) -> bool:
    """No entries, symbolic sizes, functions or free indices."""
    bound: set[Index] = set()
    for item in walk((term,)):
        if isinstance(item, (Entry, Size, Apply)):
            return False
        if isinstance(item, Extent) and item.size is not None:
            return False
        if isinstance(item, Sum):
            bound.add(item.index)
        elif isinstance(item, Index) and item not in bound:
            return False
        elif isinstance(item, IndexValue) and item.index in bound:
            continue
    return True
