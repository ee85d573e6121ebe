"""certificate -> its rows with eta and the Jacobian evaluated, for display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symelbo.criterion.factor import Factor, parameters_of
from symelbo.index.build import mul
from symelbo.index.concretize import Values, concretize, index_tuples
from symelbo.index.differentiate import derivative_along
from symelbo.index.interpret import Interpretation, interpret_functions
from symelbo.index.normal import normal
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import replace_index, replace_symbols
from symelbo.index.terms import (
    Array,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.verify.certificate import Certificate, Row, tangent_field

__all__ = ["CertificateLine", "evaluate_certificate"]


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """One row: its weight c, eta and the entries of the Jacobian row by `directions`."""

    row: Row
    eta: Term
    slopes: tuple[Term, ...]


def evaluate_certificate(
    factors: Sequence[Factor], certificate: Certificate
) -> tuple[list[Entry], list[CertificateLine]]:
    """certificate -> (the entries of the parameters that vary, the evaluated rows).

    A simplex parameter varies in its first C - 1 entries, the last being one minus their sum.
    """
    by_name = {factor.name: factor for factor in factors}
    sizes = dict(certificate.sizes)
    point = {(name, place): value for name, place, value in certificate.point}
    meaning = {f: Interpretation(formals, array) for f, formals, array in certificate.functions}
    parameters = sorted(
        frozenset().union(*(parameters_of(f.statement) for f in factors)), key=lambda s: s.name
    )
    names = {p.name for p in parameters}
    directions = [entry for p in parameters for entry in _entries(p, sizes)]
    lines = []
    for row in certificate.rows:
        factor = by_name[row.factor]
        block = factor.blocks[row.component]
        sample = {(n, at): v for n, at, v in certificate.samples[row.sample]}
        natural = interpret_functions(block.natural, meaning)
        for index, at in zip((*factor.plates, *block.indices), row.place, strict=True):
            natural = replace_index(natural, index, Position(Extent(None, at)))
        known = {**point, **sample}
        kept = {key: value for key, value in known.items() if key[0] not in names}
        opened = concretize(natural, sizes, _lookup(kept))
        slopes = tuple(
            normal(concretize(derivative_along(opened, _unit(entry)), sizes, _lookup(known)))
            for entry in directions
        )
        eta = normal(concretize(opened, sizes, _lookup(known)))
        lines.append(CertificateLine(row, eta, slopes))
    return directions, lines


def _lookup(values: Mapping[tuple[str, tuple[int, ...]], Fraction]) -> Values:
    return lambda name, place: values.get((name, place))


def _entries(parameter: Symbol, sizes: dict[str, int]) -> list[Entry]:
    indices = tuple(Index(f"p{n}", extent) for n, extent in enumerate(parameter.shape))
    found = []
    for place in index_tuples(indices, sizes):
        last = sizes.get(parameter.shape[-1].size or "", 0) if parameter.shape else 0
        if parameter.domain.kind == "simplex" and place[-1] == last:
            continue
        if parameter.domain.kind == "posdef" and place[-1] < place[-2]:
            continue
        found.append(Entry(parameter, tuple(Position(Extent(None, at)) for at in place)))
    return found


def _unit(entry: Entry) -> dict[Symbol, Array]:
    """The tangent field of one entry."""
    symbol = entry.symbol
    velocity = Symbol("velocity", Role.UNKNOWN, Domain("real"), symbol.shape)
    indices, body = tangent_field(symbol, velocity)
    formal = formal_indices(symbol.shape)
    unit = mul(*(Delta(i, at) for i, at in zip(formal, entry.indices, strict=True)))
    return {symbol: Array(indices, replace_symbols(body, {velocity: Array(formal, unit)}))}
