"""tr(f'' C)/2, term by term of a sum: second derivatives at the places that each term reads.

Where a covariance is given for some pairs of places alone, or a place is one of several that are
related (t and t-1), a derivative by all entries of a latent at once would ask for the others too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symelbo.index.build import ONE, ZERO, add, divide, mul, number, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.domains import Real
from symelbo.index.normal import normal
from symelbo.index.substitute import (
    free_indices,
    instantiate,
    map_terms,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Add,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Mul,
    Offset,
    Origin,
    Position,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.values import dataclass

__all__ = ["Places", "declared_covariance", "reads_related_places", "spread_of"]

Places = tuple[IndexTerm, ...]
Covariance = Callable[[Symbol, Places, Places], Term]


@dataclass(frozen=True)
class _Local:
    """The entries of a latent at some places of a term; None is an axis that is run through."""

    symbol: Symbol
    latent: Symbol
    places: tuple[IndexTerm | None, ...]

    def at(self, stem: str) -> tuple[tuple[Index, ...], Places]:
        """Indices of the axes that are run through, and all places."""
        own = tuple(
            Index(f"{stem}{n}", extent, origin=Origin.FORMAL)
            for n, extent in enumerate(self.symbol.shape)
        )
        rest = iter(own)
        return own, tuple(next(rest) if place is None else place for place in self.places)


def spread_of(term: Term, latents: frozenset[Symbol], covariance: Covariance) -> Term:
    """f -> E f - f(E z), for a sum of polynomials of degree two

    covariance: of two places of a latent.
    """
    if latents.isdisjoint(symbols_of(term)):
        return ZERO
    match term:
        case Add(parts):
            return add(*(spread_of(part, latents, covariance) for part in parts))
        case Sum(index, body):
            return total(index, spread_of(body, latents, covariance))
        case Mul(factors):
            own = [factor for factor in factors if not latents.isdisjoint(symbols_of(factor))]
            if len(own) == 1 and len(factors) > 1:
                rest = (factor for factor in factors if factor is not own[0])
                return mul(*rest, spread_of(own[0], latents, covariance))
    return _spread_at(term, latents, covariance)


def _spread_at(term: Term, latents: frozenset[Symbol], covariance: Covariance) -> Term:
    locals_: dict[tuple[Symbol, tuple[IndexTerm | None, ...]], _Local] = {}

    def visit(part: Term, free: frozenset[Index]) -> Term:
        """free: those indices of the term that nothing around the part binds anew."""
        if not isinstance(part, Entry) or part.symbol not in latents:
            inside = free.difference(part.bound())
            return map_terms(part, lambda inner: visit(inner, inside))
        fixed = tuple(place if free_indices(place) <= free else None for place in part.indices)
        key = part.symbol, fixed
        if key not in locals_:
            pairs = zip(part.symbol.shape, fixed, strict=True)
            shape = tuple(extent for extent, place in pairs if place is None)
            name = f"{part.symbol.name}'{len(locals_)}"
            locals_[key] = _Local(Symbol(name, Role.LATENT, Real(), shape), *key)
        run = tuple(p for p, place in zip(part.indices, fixed, strict=True) if place is None)
        return Entry(locals_[key].symbol, run)

    local = visit(term, free_indices(term))
    found = []
    for one in locals_.values():
        rows, row_places = one.at("row")
        slope = derivative_by(local, one.symbol, rows)
        for other in locals_.values():
            if other.latent != one.latent:
                continue
            columns, column_places = other.at("column")
            second = normal(derivative_by(slope, other.symbol, columns))
            if second == ZERO:
                continue
            part = mul(second, covariance(one.latent, row_places, column_places))
            for index in (*columns, *rows):
                part = total(index, part)
            found.append(part)
    return divide(add(*found), number(2))


def declared_covariance(arrays: Mapping[Symbol, Array]) -> Covariance:
    """Of latents of which the entries at other places of the plates are independent.

    arrays: over (plates, events, events).
    """

    def covariance(latent: Symbol, rows: Places, columns: Places) -> Term:
        array = arrays[latent]
        plates = 2 * len(latent.shape) - len(array.indices)
        body = instantiate(array, (*rows, *columns[plates:]))
        return mul(*map(_same, rows[:plates], columns[:plates]), body)

    return covariance


def _same(one: IndexTerm, other: IndexTerm) -> Term:
    """1 where two places are the same, else 0"""
    if one == other:
        return ONE
    match one, other:
        case (Offset(a, _), Offset(b, _)) | (Offset(a, _), Index() as b) if a == b:
            return ZERO
        case (Index() as a, Offset(b, _)) if a == b:
            return ZERO
        case Position(Extent(size, _)), Position(Extent(other_size, _)) if size == other_size:
            return ZERO
    return Delta(one, other)


def reads_related_places(term: Term, latents: frozenset[Symbol]) -> bool:
    """Whether an entry of a latent stands at a place that is more than an index of a whole axis."""
    for part in walk_parts(term):
        if isinstance(part, Entry) and part.symbol in latents:
            for place, extent in zip(part.indices, part.symbol.shape, strict=True):
                if not isinstance(place, Index) or (place.low, place.extent) != (1, extent):
                    return True
    return False
