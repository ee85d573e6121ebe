"""Term -> an interval that is sure to hold its value, from the domains of the symbols.

The one sign analysis of the engine.  Only ever too wide: what an interval excludes is impossible,
what it allows is merely not excluded.  (The checkers have their own, on purpose.)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from symelbo.index.polynomial import Poly, from_poly
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
    Symbol,
    Term,
)

__all__ = [
    "NONNEGATIVE",
    "POSITIVE",
    "REAL",
    "Interval",
    "bounds",
    "domain_interval",
    "is_integer",
    "is_nonzero",
    "is_posdef",
    "is_positive",
    "is_positive_poly",
]

MAX_BITS: Final = 256  # of a bound; beyond, it is rounded away to infinity or to zero


@dataclass(frozen=True, slots=True)
class Interval:
    """From lower to upper, None is infinite; an open end is not attained."""

    lower: Fraction | None = None
    upper: Fraction | None = None
    lower_open: bool = True
    upper_open: bool = True

    def within(self, other: Interval) -> bool:
        """Whether every value of this interval lies in the other."""
        if other.lower is not None:
            if self.lower is None or self.lower < other.lower:
                return False
            if self.lower == other.lower and other.lower_open and not self.lower_open:
                return False
        if other.upper is not None:
            if self.upper is None or self.upper > other.upper:
                return False
            if self.upper == other.upper and other.upper_open and not self.upper_open:
                return False
        return True

    def misses(self, other: Interval) -> bool:
        """Whether no value of this interval lies in the other."""
        return _before(self, other) or _before(other, self)


def _before(first: Interval, second: Interval) -> bool:
    if first.upper is None or second.lower is None:
        return False
    if first.upper == second.lower:
        return first.upper_open or second.lower_open
    return first.upper < second.lower


_ZERO: Final = Fraction(0)
_ONE: Final = Fraction(1)
REAL: Final = Interval()
POSITIVE: Final = Interval(_ZERO)
NONNEGATIVE: Final = Interval(_ZERO, lower_open=False)
UNIT: Final = Interval(_ZERO, _ONE)
_NOTHING: Final = Interval(_ZERO, _ZERO, False, False)
_DOMAINS: Final = {
    "positive": POSITIVE,
    "unit": UNIT,
    "simplex": Interval(_ZERO, _ONE, upper_open=False),  # a single entry is 1
    "binary": Interval(_ZERO, _ONE, False, False),
    "onehot": Interval(_ZERO, _ONE, False, False),
    "naturals": NONNEGATIVE,
    "counts": NONNEGATIVE,
    "category": Interval(_ONE, lower_open=False),
}
_FUNCTIONS: Final = {
    "exp": POSITIVE,
    "softplus": POSITIVE,
    "sigmoid": UNIT,
    "tanh": Interval(-_ONE, _ONE),
    "erf": Interval(-_ONE, _ONE),
    "abs": NONNEGATIVE,
}


def domain_interval(domain: Domain) -> Interval:
    """The values a domain allows an entry, as an interval."""
    if domain.kind in ("interval", "angle"):
        lower, upper = (
            None if bound is None else bounds(bound) for bound in (domain.lower, domain.upper)
        )
        return Interval(
            None if lower is None else lower.lower,
            None if upper is None else upper.upper,
            lower_open=False,
            upper_open=False,
        )
    return _DOMAINS.get(domain.kind, REAL)


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
    return bounds(term).misses(_NOTHING)


@lru_cache(maxsize=100_000)
def bounds(term: Term) -> Interval:
    """An interval that holds every value the term can take."""
    match term:
        case Number(value):
            return Interval(value, value, False, False)
        case Constant("pi"):
            return Interval(Fraction(314, 100), Fraction(315, 100))
        case Constant(_):
            return Interval(Fraction(271, 100), Fraction(272, 100))
        case Size(_):
            return Interval(_ONE, lower_open=False)
        case IndexValue(index):
            return _index(index)
        case Entry(symbol, indices):
            return _entry(symbol, indices)
        case Add(terms):
            result = bounds(terms[0])
            for part in terms[1:]:
                result = _add(result, bounds(part))
            return result
        case Mul(factors):
            result = bounds(factors[0])
            for part in factors[1:]:
                result = _multiply(result, bounds(part))
            return result
        case Power(base, exponent):
            return _power(bounds(base), exponent)
        case Call(name, arguments):
            return _call(name, [bounds(argument) for argument in arguments])
        case Sum(index, body):
            return _sum(index, body)
        case Delta():
            return Interval(_ZERO, _ONE, False, False)
        case Apply(function, _, _, ()):
            return domain_interval(function.domain)
        case Inverse(matrix, row, column) if row == column and is_posdef(matrix):
            return POSITIVE
        case Inverse() | LogDet() | Apply():
            return REAL
    raise TypeError(f"no term: {term!r}")


def is_integer(term: Term) -> bool:
    """Whether the term is evidently an integer."""
    match term:
        case Number(value):
            return value.denominator == 1
        case Size() | IndexValue() | Delta():
            return True
        case Entry(symbol, _):
            return symbol.domain.is_bit or symbol.domain.kind in ("naturals", "counts", "category")
        case Add(parts) | Mul(parts):
            return all(map(is_integer, parts))
        case Power(base, Number(value)):
            return value.denominator == 1 and value >= 0 and is_integer(base)
        case Sum(_, body):
            return is_integer(body)
    return False


def _index(index: IndexTerm) -> Interval:
    match index:
        case Index(_, extent, low):
            return Interval(Fraction(low), _integer(extent), False, False)
        case Offset(Index(_, extent, low), by):
            upper = _integer(extent)
            shifted = None if upper is None else upper + by
            return Interval(Fraction(low + by), shifted, False, False)
        case Position(Extent(None, place)):
            return Interval(Fraction(place), Fraction(place), False, False)
        case Position(Extent(_, offset)):
            return Interval(Fraction(1 + offset), lower_open=False)
        case Entry(symbol, _) if symbol.domain.upper is not None:
            return Interval(_ONE, bounds(symbol.domain.upper).upper, False, False)
    return Interval(_ONE, lower_open=False)


def _integer(extent: Extent) -> Fraction | None:
    return Fraction(extent.offset) if extent.size is None else None


def _entry(symbol: Symbol, indices: tuple[IndexTerm, ...]) -> Interval:
    if symbol.domain.kind == "posdef":
        return POSITIVE if len(indices) > 1 and indices[-1] == indices[-2] else REAL
    return domain_interval(symbol.domain)


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
        return None
    match core[0]:
        case Entry(symbol, indices) if symbol.domain.kind == "posdef":
            whole = {*indices[-2:]} == pair and not pair & {*indices[:-2]}
            return strict if whole else None
        case Inverse(inner, i, j) if {i, j} == pair and is_posdef(inner):
            return strict
        case Sum(index, inner) if _is_gram(inner, index, row, column):
            return False
    return None


def _is_gram(term: Term, index: Index, row: Index, column: Index) -> bool:
    """c_k w_k(row) w_k(column) with c_k >= 0 and one function w."""
    factors = term.factors if isinstance(term, Mul) else (term,)
    left = [f for f in factors if row in free_indices(f)]
    right = [f for f in factors if column in free_indices(f)]
    rest = [f for f in factors if f not in left and f not in right]
    if any(f in right for f in left) or not all(bounds(f).within(NONNEGATIVE) for f in rest):
        return False
    return bool(left) and [replace_index(f, row, column) for f in left] == right


def _rounded(interval: Interval) -> Interval:
    """Drop bounds that have grown long: outwards, to 0 or to infinity."""
    lower, upper = interval.lower, interval.upper
    lower_open, upper_open = interval.lower_open, interval.upper_open
    if lower is not None and _is_long(lower):
        # a positive bound may be replaced by 0, which is never attained then
        lower, lower_open = (_ZERO, True) if lower > 0 else (None, True)
    if upper is not None and _is_long(upper):
        upper, upper_open = (_ZERO, True) if upper < 0 else (None, True)
    return Interval(lower, upper, lower_open, upper_open)


def _is_long(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS


def _add(left: Interval, right: Interval) -> Interval:
    lower = None if left.lower is None or right.lower is None else left.lower + right.lower
    upper = None if left.upper is None or right.upper is None else left.upper + right.upper
    return _rounded(
        Interval(
            lower,
            upper,
            left.lower_open or right.lower_open,
            left.upper_open or right.upper_open,
        )
    )


# An end of an interval while multiplying: (sign of infinity, value, whether attained).
_End = tuple[int, Fraction, bool]


def _ends(interval: Interval) -> tuple[_End, _End]:
    lower: _End = (-1, _ZERO, False)
    upper: _End = (1, _ZERO, False)
    if interval.lower is not None:
        lower = (0, interval.lower, not interval.lower_open)
    if interval.upper is not None:
        upper = (0, interval.upper, not interval.upper_open)
    return lower, upper


def _times(left: _End, right: _End) -> _End:
    (a, x, p), (b, y, q) = left, right
    if (not a and not x) or (not b and not y):
        # 0 times anything finite is 0; it is attained where the zero is
        attained = (not a and not x and p) or (not b and not y and q)
        return (0, _ZERO, attained)
    if a or b:
        sign = (a or (1 if x > 0 else -1)) * (b or (1 if y > 0 else -1))
        return (sign, _ZERO, False)
    return (0, x * y, p and q)


def _multiply(left: Interval, right: Interval) -> Interval:
    products = [_times(a, b) for a in _ends(left) for b in _ends(right)]
    low = min(products, key=lambda end: (end[0], end[1], not end[2]))
    high = max(products, key=lambda end: (end[0], end[1], end[2]))
    return _rounded(
        Interval(
            None if low[0] else low[1],
            None if high[0] else high[1],
            not low[2],
            not high[2],
        )
    )


def _power(base: Interval, exponent: Term) -> Interval:
    positive = base.within(POSITIVE)
    if not isinstance(exponent, Number):
        return POSITIVE if positive else REAL
    value = exponent.value
    if value.denominator != 1:
        if not positive:
            return NONNEGATIVE if value > 0 else POSITIVE
        return _monotone_unit(base, value)
    power = int(value)
    if power > 0 and power <= 8:
        result = base
        for _ in range(power - 1):
            result = _multiply(result, base)
        if power % 2:
            return result
        if not result.within(NONNEGATIVE):
            zero_free = base.within(POSITIVE) or base.within(Interval(None, _ZERO))
            result = Interval(_ZERO, result.upper, zero_free, result.upper_open)
        return result
    if power % 2 == 0:
        zero_free = power < 0 or positive or base.within(Interval(None, _ZERO))
        return POSITIVE if zero_free else NONNEGATIVE
    if power < 0 and positive:
        lower = None if base.upper is None else 1 / base.upper ** min(-power, 8)
        if power == -1:
            upper = None if not base.lower else 1 / base.lower
            return _rounded(Interval(lower or _ZERO, upper, base.upper_open, base.lower_open))
        return _monotone_unit(base, value)
    if positive:
        return _monotone_unit(base, value)
    if power < 0 and base.within(Interval(None, _ZERO)):
        return Interval(None, _ZERO)
    if power > 0 and base.within(NONNEGATIVE):
        return NONNEGATIVE
    return REAL


def _monotone_unit(base: Interval, exponent: Fraction) -> Interval:
    """base**exponent of a positive base, compared with 1 only."""
    rising = exponent > 0
    if base.upper is not None and base.upper <= 1:
        closed = base.upper == 1 and not base.upper_open
        return (
            Interval(_ZERO, _ONE, True, not closed)
            if rising
            else Interval(_ONE, None, not closed, True)
        )
    if base.lower is not None and base.lower >= 1:
        closed = base.lower == 1 and not base.lower_open
        return (
            Interval(_ONE, None, not closed, True)
            if rising
            else Interval(_ZERO, _ONE, True, not closed)
        )
    return POSITIVE


def _call(name: str, arguments: list[Interval]) -> Interval:
    first = arguments[0] if arguments else REAL
    at_least_zero = first.within(NONNEGATIVE)
    above_zero = first.within(POSITIVE)
    if name == "exp":
        if above_zero or at_least_zero:
            return Interval(_ONE, None, above_zero, True)
        if first.upper is not None and first.upper <= 0:
            attained = first.upper == 0 and not first.upper_open
            return Interval(_ZERO, _ONE, True, not attained)
    if name == "log":
        if first.lower is not None and first.lower >= 1:
            attained = first.lower == 1 and not first.lower_open
            return Interval(_ZERO, None, not attained, True)
        if first.upper is not None and first.upper <= 1:
            attained = first.upper == 1 and not first.upper_open
            return Interval(None, _ZERO, True, not attained)
    if name in ("tanh", "erf") and (above_zero or at_least_zero):
        return Interval(_ZERO, _ONE, above_zero, True)
    if name == "abs" and (above_zero or first.within(Interval(None, _ZERO))):
        return POSITIVE
    return _FUNCTIONS.get(name, REAL)


def _sum(index: Index, body: Term) -> Interval:
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
        return _multiply(Interval(count, count, False, False), each)
    if each.within(NONNEGATIVE):
        return POSITIVE if inhabited and each.within(POSITIVE) else NONNEGATIVE
    if each.within(Interval(None, _ZERO, upper_open=False)):
        strict = inhabited and each.within(Interval(None, _ZERO))
        return Interval(None, _ZERO, True, strict)
    return REAL


def _mixture(index: Index, body: Term) -> Interval | None:
    """sum_c p_c a_c with p in a simplex lies between the smallest and the largest a_c."""
    factors = body.factors if isinstance(body, Mul) else (body,)
    for n, factor in enumerate(factors):
        if (
            isinstance(factor, Entry)
            and factor.symbol.domain.kind == "simplex"
            and factor.indices[-1] == index
            and index.low == 1
            and factor.symbol.shape[-1] == index.extent
            and index not in factor.indices[:-1]
        ):
            result = Interval(_ONE, _ONE, False, False)
            for m, other in enumerate(factors):
                if m != n:
                    result = _multiply(result, bounds(other))
            return result
    return None
