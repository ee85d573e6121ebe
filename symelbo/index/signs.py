"""Term -> a range that is sure to hold its value, from the domains of the symbols; places too.

The one sign analysis of the engine: only ever too wide.  (The checkers have their own, on purpose.)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from symelbo.index.build import extent_of
from symelbo.index.nodes import kept
from symelbo.index.polynomial import Poly, from_poly
from symelbo.index.range import NONNEGATIVE, NOTHING_BUT_ZERO, POSITIVE, REAL, Range, call_range
from symelbo.index.substitute import free_indices, replace_index
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
    Size,
    Sum,
    Term,
)

__all__ = [
    "are_equal",
    "at_least",
    "bounds",
    "domain_range",
    "is_integer",
    "is_nonzero",
    "is_posdef",
    "is_positive",
    "is_positive_poly",
    "is_within",
    "place_bounds",
]

_ZERO: Final = Fraction(0)
_ONE: Final = Fraction(1)


def _least(end: Term) -> Fraction | None:
    return bounds(end).lower


def _most(end: Term) -> Fraction | None:
    return bounds(end).upper


def domain_range(domain: Domain, places: tuple[IndexTerm, ...] = (), length: int = 1) -> Range:
    """The values a domain allows the entry at these places; length: the least of the last axis."""
    return domain.interval(_least, _most, places, length)


def is_positive(term: Term) -> bool:
    """Whether the term is certainly > 0 wherever it is defined."""
    return bounds(term).within(POSITIVE)


def is_positive_poly(poly: Poly) -> bool:
    """Whether a polynomial in atoms is certainly > 0."""
    return bool(poly) and is_positive(from_poly(poly))


def is_nonzero(term: Term) -> bool:
    """Whether the term certainly never vanishes where it is defined."""
    match term:
        case Mul(factors):
            return all(map(is_nonzero, factors))
        case Power(base, _):
            return is_nonzero(base)
    return bounds(term).misses(NOTHING_BUT_ZERO)


@kept("_bounds")
def bounds(term: Term) -> Range:
    """An interval that holds every value the term can take."""
    match term:
        case Number(value):
            return Range.point(value)
        case Constant("pi"):
            return Range(Fraction(314, 100), Fraction(315, 100))
        case Constant(_):
            return Range(Fraction(271, 100), Fraction(272, 100))
        case Size(_):
            return Range(_ONE, lower_open=False)
        case IndexValue(index):
            return _place(index)
        case Entry(symbol, indices):
            return domain_range(symbol.domain, indices, _least_length(symbol.shape))
        case Add(terms):
            result = bounds(terms[0])
            for part in terms[1:]:
                result = result + bounds(part)
            return result
        case Mul(factors):
            result = bounds(factors[0])
            for part in factors[1:]:
                result = result * bounds(part)
            return result
        case Power(base, exponent):
            if isinstance(exponent, Number):
                return bounds(base).power(exponent.value)
            return bounds(base).power_between(bounds(exponent))
        case Call(name, arguments):
            return call_range(name, [bounds(argument) for argument in arguments])
        case Sum(index, body):
            return _sum(index, body)
        case Delta():
            return Range(_ZERO, _ONE, False, False)
        case Apply(function, _, _, ()):
            return domain_range(function.domain, (), _least_length(function.shape))
        case Inverse(matrix, row, column) if row == column and is_posdef(matrix):
            return POSITIVE
        case Inverse() | LogDet() | Apply():
            return REAL
    raise TypeError(f"no term: {term!r}")


def _least_length(shape: tuple[Extent, ...]) -> int:
    """Of the last axis, where sizes are 1 at least."""
    return shape[-1].offset + (shape[-1].size is not None) if shape else 1


def is_integer(term: Term) -> bool:
    """Whether the term is evidently an integer."""
    match term:
        case Number(value):
            return value.denominator == 1
        case Size() | IndexValue() | Delta():
            return True
        case Entry(symbol, _):
            return symbol.domain.is_integer
        case Add(parts) | Mul(parts):
            return all(map(is_integer, parts))
        case Power(base, Number(value)):
            return value.denominator == 1 and value >= 0 and is_integer(base)
        case Sum(_, body):
            return is_integer(body)
    return False


def _place(place: IndexTerm) -> Range:
    """A place as a number."""
    ends = place_bounds(place)
    if ends is None:
        return Range(_ONE, lower_open=False)
    least, most = ends
    return Range(
        Fraction(least.offset + (0 if least.size is None else 1)),  # a size is 1 at least
        Fraction(most.offset) if most.size is None else None,
        False,
        most.size is not None,
    )


def is_posdef(matrix: Array) -> bool:
    """Whether a matrix is certainly symmetric positive definite, from its form.

    Positive multiples of positive definite entries and their inverses, positive diagonals, and sums
    of these with Gram matrices sum_k c_k w_k(i) w_k(j), c_k >= 0.
    """
    row, column = matrix.indices
    if (row.extent, row.low) != (column.extent, column.low):
        return False
    body = matrix.body
    summands = body.terms if isinstance(body, Add) else (body,)
    strict = [_definite_summand(part, row, column) for part in summands]
    return None not in strict and any(strict)


def _definite_summand(term: Term, row: Index, column: Index) -> bool | None:
    """True: positive definite.  False: positive semidefinite.  None: not shown."""
    factors = term.factors if isinstance(term, Mul) else (term,)
    pair = {row, column}
    core = [f for f in factors if free_indices(f) & pair]
    scale = [bounds(f) for f in factors if not free_indices(f) & pair]
    if not all(interval.within(NONNEGATIVE) for interval in scale):
        return None
    strict = all(interval.within(POSITIVE) for interval in scale)
    deltas = [f for f in core if isinstance(f, Delta) and {f.left, f.right} == pair]
    if deltas:
        diagonal = [bounds(f) for f in core if f not in deltas]
        if not all(interval.within(NONNEGATIVE) for interval in diagonal):
            return None
        return strict and all(interval.within(POSITIVE) for interval in diagonal)
    if len(core) != 1:
        return False if _is_gram(core, row, column) else None
    match core[0]:
        case Entry(symbol, indices) if symbol.domain.is_definite:
            whole = {*indices[-2:]} == pair and not pair & {*indices[:-2]}
            return strict if whole else None
        case Inverse(inner, i, j) if {i, j} == pair and is_posdef(inner):
            return strict
        case Sum(_, inner):
            factors = inner.factors if isinstance(inner, Mul) else (inner,)
            return False if _is_gram(factors, row, column) else None
    return None


def _is_gram(factors: Sequence[Term], row: Index, column: Index) -> bool:
    """Whether their product is c_k w_k(row) w_k(column) with c_k >= 0 and one function w."""
    left = [f for f in factors if row in free_indices(f)]
    right = [f for f in factors if column in free_indices(f)]
    rest = [f for f in factors if f not in left and f not in right]
    if any(f in right for f in left) or not all(bounds(f).within(NONNEGATIVE) for f in rest):
        return False
    return bool(left) and [replace_index(f, row, column) for f in left] == right


def _sum(index: Index, body: Term) -> Range:
    mixture = _mixture(index, body)
    if mixture is not None:
        return mixture
    each = bounds(body)
    extent = index.extent
    # 1:H holds a place whatever H; 1:C-1 may be empty
    inhabited = (
        extent.offset >= index.low if extent.size is None else (1 + extent.offset >= index.low)
    )
    if extent.size is None:
        count = Fraction(extent.offset - index.low + 1)
        return Range.point(count) * each
    if each.within(NONNEGATIVE):
        return POSITIVE if inhabited and each.within(POSITIVE) else NONNEGATIVE
    if each.within(Range(None, _ZERO, upper_open=False)):
        strict = inhabited and each.within(Range(None, _ZERO))
        return Range(None, _ZERO, True, strict)
    return REAL


def _mixture(index: Index, body: Term) -> Range | None:
    """sum_c p_c a_c with p in a simplex lies between the smallest and the largest a_c."""
    factors = body.factors if isinstance(body, Mul) else (body,)
    for n, factor in enumerate(factors):
        if (
            isinstance(factor, Entry)
            and factor.symbol.domain.entry_sum == 1
            and bounds(factor).within(NONNEGATIVE)
            and factor.indices[-1] == index
            and index.low == 1
            and factor.symbol.shape[-1] == index.extent
            and index not in factor.indices[:-1]
        ):
            result = Range.point(1)
            for m, other in enumerate(factors):
                if m != n:
                    result = result * bounds(other)
            return result
    return None


# ---------------------------------------------------------------- places on an axis


def at_least(left: Extent, right: Extent) -> bool:
    """Whether left >= right is certain for all sizes >= 1."""
    if left.size == right.size:
        return left.offset >= right.offset
    return right.size is None and left.size is not None and 1 + left.offset >= right.offset


def place_bounds(place: IndexTerm) -> tuple[Extent, Extent] | None:
    """The least and the greatest place it may be; None where that is not known."""
    match place:
        case Index(_, extent, low):
            return Extent(None, low), extent
        case Offset(Index(_, extent, low), by):
            return Extent(None, low + by), Extent(extent.size, extent.offset + by)
        case Position(extent):
            return extent, extent
        case Entry(symbol, _):
            most = extent_of(symbol.domain.upper)
            return None if most is None else (Extent(None, 1), most)
    return None


def is_within(place: IndexTerm, extent: Extent, low: int = 1) -> bool:
    """Whether the place certainly lies in low..extent."""
    ends = place_bounds(place)
    if ends is None:
        return False
    return at_least(ends[0], Extent(None, low)) and at_least(extent, ends[1])


def are_equal(left: IndexTerm, right: IndexTerm) -> bool | None:
    """True: always equal.  False: never equal.  None: it depends."""
    if left == right:
        return True
    if isinstance(left, Offset) and isinstance(right, Offset) and left.index == right.index:
        return False  # equal objects were caught above
    if isinstance(left, Offset) and left.index == right and left.by:
        return False
    if isinstance(right, Offset) and right.index == left and right.by:
        return False
    mine, other = place_bounds(left), place_bounds(right)
    if mine is None or other is None:
        return None
    for (low, _), (_, high) in ((mine, other), (other, mine)):
        if at_least(low, Extent(high.size, high.offset + 1)):
            return False
    return None
