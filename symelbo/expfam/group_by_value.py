"""A term as a sum of coefficients times functions of the value: sum_k C_k[i]' T_k(v)[i] + rest."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symelbo.index.build import ZERO, add, exp, subtract, total
from symelbo.index.normal import Monomial, from_monomial, monomials_of, normal
from symelbo.index.substitute import (
    free_indices,
    replace_index,
    replace_selector,
    selectors_of,
    symbols_of,
)
from symelbo.index.terms import (
    Call,
    Delta,
    Extent,
    Index,
    Position,
    Symbol,
    Term,
    sort_key,
)
from symelbo.values import dataclass, replace

__all__ = [
    "Group",
    "first_place",
    "gather",
    "is_symmetric",
    "select_by_indicator",
    "split_exponentials",
    "split_monomial",
    "swap",
    "symbols_of_monomial",
]

_BLOCK_NAMES = ("i", "j", "k", "l")


@dataclass(frozen=True, slots=True)
class Group:
    """coefficient[indices]' statistic[indices], summed over the indices."""

    indices: tuple[Index, ...]
    statistic: Term
    coefficient: Term


def gather(pieces: Iterable[Group]) -> list[Group]:
    """Pieces -> one group for each statistic whose coefficient is not zero, simplest first.

    Ensures that the statistics are linearly independent as far as sums of entries go.
    """
    found: dict[Term, tuple[tuple[Index, ...], list[Term]]] = {}
    for piece in pieces:
        found.setdefault(piece.statistic, (piece.indices, []))[1].append(piece.coefficient)
    groups = [Group(i, statistic, normal(add(*c))) for statistic, (i, c) in found.items()]
    groups = _fold_sums([group for group in groups if group.coefficient != ZERO])
    groups.sort(key=lambda g: (len(g.indices), _degree(g.statistic), sort_key(g.statistic)))
    return groups


def _fold_sums(groups: list[Group]) -> list[Group]:
    """C' T + b sum_i T_i -> (C + b)' T, once, where several T have the same sum."""
    result = list(groups)
    for vector in groups:
        if not vector.indices:
            continue
        whole = vector.statistic
        for index in reversed(vector.indices):
            whole = total(index, whole)
        whole = normal(whole)
        for scalar in [group for group in result if not group.indices]:
            if normal(scalar.statistic) == whole:
                joined = normal(add(vector.coefficient, scalar.coefficient))
                folded = replace(vector, coefficient=joined)
                result = [folded if g is vector else g for g in result if g is not scalar]
                vector = folded
    return result


def _degree(statistic: Term) -> int:
    """x before x**2: the number of factors counted with their powers."""
    degree = Fraction(0)
    for monomial in monomials_of(statistic):
        degree += sum((abs(e) for _, e in monomial.factors), Fraction(0))
    return int(degree)


def select_by_indicator(term: Term, value: Symbol) -> tuple[Term, Group | None]:
    """f(v) -> f(K) + sum_{i<K} (f(i) - f(K)) delta(v, i), where v stands in an index place.

    The minimal form of a density that a category v enters as an index (Eqn 40 of the paper).
    """
    selectors = [(e, axis) for e, axis in selectors_of(term) if e.symbol == value]
    if not selectors:
        return term, None
    entry, extent = selectors[0]
    index = Index("i", Extent(extent.size, extent.offset - 1))
    at_last = replace_selector(term, entry, Position(extent))
    change = subtract(replace_selector(term, entry, index), at_last)
    return at_last, Group((index,), Delta(entry, index), change)


def split_exponentials(
    monomial: Monomial, value: Symbol, whole: frozenset[Symbol] = frozenset()
) -> Monomial:
    """exp(a(v) + b) -> exp(a(v)) exp(b), which the normal form keeps joined.

    One of whose a(v) mentions a symbol in `whole` stays as it is.
    """
    factors: list[tuple[Term, Fraction]] = []
    for atom, exponent in monomial.factors:
        if isinstance(atom, Call) and atom.name == "exp" and value in symbols_of(atom):
            of_value: list[Term] = []
            rest: list[Term] = []
            for part, scale in monomials_of(atom.arguments[0]).items():
                term = from_monomial(part, scale)
                (of_value if value in symbols_of(term) else rest).append(term)
            if not any(symbols_of(term) & whole for term in of_value):
                factors += [(exp(add(*terms)), exponent) for terms in (of_value, rest) if terms]
                continue
        factors.append((atom, exponent))
    return Monomial(monomial.bound, tuple(factors))


def split_monomial(monomial: Monomial, scale: Fraction, value: Symbol) -> Group:
    """c sum_i a_i t_i -> (i), t_i, c a_i with block indices named i, j, k."""
    statistic = [f for f in monomial.factors if value in symbols_of(f[0])]
    natural = tuple(f for f in monomial.factors if value not in symbols_of(f[0]))
    needed = [b for b in monomial.bound if any(b in free_indices(a) for a, _ in statistic)]
    inner = tuple(b for b in monomial.bound if b not in needed)
    # an index that only the statistic needs is summed within it
    shared = [b for b in needed if any(b in free_indices(a) for a, _ in natural)]
    summed = tuple(b for b in needed if b not in shared)
    if summed:
        own = [f for f in statistic if free_indices(f[0]) & set(summed)]
        term = normal(from_monomial(Monomial(summed, tuple(own))))
        statistic = [f for f in statistic if f not in own] + [(term, Fraction(1))]
    shared.sort(key=lambda b: first_place(b, statistic))
    names = {b: Index(_BLOCK_NAMES[n], b.extent, b.low) for n, b in enumerate(shared)}
    coefficient = from_monomial(Monomial(inner, natural), scale)
    for old, new in names.items():
        coefficient = replace_index(coefficient, old, new)
        statistic = [(replace_index(a, old, new), e) for a, e in statistic]
    ordered = tuple(sorted(statistic, key=lambda f: sort_key(f[0])))
    return Group(tuple(names.values()), from_monomial(Monomial((), ordered)), coefficient)


def first_place(index: Index, factors: list[tuple[Term, Fraction]]) -> tuple[int, str]:
    """Where an index stands first among factors: sorts the indices of a statistic."""
    for position, (atom, _) in enumerate(sorted(factors, key=lambda f: sort_key(f[0]))):
        if index in free_indices(atom):
            return position, index.name
    return len(factors), index.name


def swap(indices: tuple[Index, ...], term: Term) -> Term:
    """f[i, j] -> f[j, i]"""
    i, j = indices
    spare = Index("swap", i.extent, i.low)
    return replace_index(replace_index(replace_index(term, i, spare), j, i), spare, j)


def is_symmetric(indices: tuple[Index, ...], term: Term) -> bool:
    """Whether f[i, j] = f[j, i]; False where there are not two indices of one extent."""
    if len(indices) != 2 or indices[0].extent != indices[1].extent:
        return False
    return monomials_of(swap(indices, term)) == monomials_of(term)


def symbols_of_monomial(monomial: Monomial) -> frozenset[Symbol]:
    """The symbols in its factors."""
    return frozenset().union(*(symbols_of(atom) for atom, _ in monomial.factors))
