"""Ranges of real numbers, with their arithmetic: plain numbers, no terms.

Only ever too wide: what a range excludes is impossible, what it allows is merely not excluded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from symelbo.limits import BOUND_BITS
from symelbo.values import dataclass

__all__ = ["NONNEGATIVE", "NOTHING_BUT_ZERO", "POSITIVE", "REAL", "UNIT", "Range", "call_range"]

_ZERO: Final = Fraction(0)
_ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Range:
    """From lower to upper, None is infinite; an open end is not attained."""

    lower: Fraction | None = None
    upper: Fraction | None = None
    lower_open: bool = True
    upper_open: bool = True

    def within(self, other: Range) -> bool:
        """Whether every value of this range lies in the other."""
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

    def misses(self, other: Range) -> bool:
        """Whether no value of this range lies in the other."""
        return _before(self, other) or _before(other, self)

    @classmethod
    def point(cls, value: Fraction | int) -> Range:
        """One number."""
        return cls(Fraction(value), Fraction(value), False, False)

    def __add__(self, other: Range) -> Range:
        lower = None if self.lower is None or other.lower is None else self.lower + other.lower
        upper = None if self.upper is None or other.upper is None else self.upper + other.upper
        return _rounded(
            Range(
                lower,
                upper,
                self.lower_open or other.lower_open,
                self.upper_open or other.upper_open,
            )
        )

    def __mul__(self, other: Range) -> Range:
        products = [_times(a, b) for a in _ends(self) for b in _ends(other)]
        low = min(products, key=lambda end: (end[0], end[1], not end[2]))
        high = max(products, key=lambda end: (end[0], end[1], end[2]))
        return _rounded(
            Range(
                None if low[0] else low[1],
                None if high[0] else high[1],
                not low[2],
                not high[2],
            )
        )

    def power_between(self, exponents: Range) -> Range:
        """To an exponent in a range: p**a of p in (0, 1) and a > 0 is in (0, 1)."""
        if not self.within(POSITIVE):
            return REAL
        for sign, side in ((_ONE, POSITIVE), (-_ONE, Range(None, _ZERO))):
            if exponents.within(side):
                return _monotone_unit(self, sign)
        return POSITIVE

    def power(self, exponent: Fraction) -> Range:
        """To an exponent."""
        positive = self.within(POSITIVE)
        if exponent.denominator != 1:
            if not positive:
                return NONNEGATIVE if exponent > 0 else POSITIVE
            return _monotone_unit(self, exponent)
        power = int(exponent)
        if 0 < power <= 8:
            result = self
            for _ in range(power - 1):
                result = result * self
            if power % 2:
                return result
            if not result.within(NONNEGATIVE):
                zero_free = self.within(POSITIVE) or self.within(Range(None, _ZERO))
                result = Range(_ZERO, result.upper, zero_free, result.upper_open)
            return result
        if power % 2 == 0:
            zero_free = power < 0 or positive or self.within(Range(None, _ZERO))
            return POSITIVE if zero_free else NONNEGATIVE
        if power < 0 and positive:
            lower = None if self.upper is None else 1 / self.upper ** min(-power, 8)
            if power == -1:
                upper = None if not self.lower else 1 / self.lower
                return _rounded(Range(lower or _ZERO, upper, self.upper_open, self.lower_open))
            return _monotone_unit(self, exponent)
        if positive:
            return _monotone_unit(self, exponent)
        if power < 0 and self.within(Range(None, _ZERO)):
            return Range(None, _ZERO)
        if power > 0 and self.within(NONNEGATIVE):
            return NONNEGATIVE
        return REAL


REAL: Final = Range()
POSITIVE: Final = Range(_ZERO)
NONNEGATIVE: Final = Range(_ZERO, lower_open=False)
UNIT: Final = Range(_ZERO, _ONE)
NOTHING_BUT_ZERO: Final = Range(_ZERO, _ZERO, False, False)
_FUNCTIONS: Final = {
    "exp": POSITIVE,
    "softplus": POSITIVE,
    "sigmoid": UNIT,
    "tanh": Range(-_ONE, _ONE),
    "erf": Range(-_ONE, _ONE),
    "abs": NONNEGATIVE,
}


def _before(first: Range, second: Range) -> bool:
    if first.upper is None or second.lower is None:
        return False
    if first.upper == second.lower:
        return first.upper_open or second.lower_open
    return first.upper < second.lower


def _rounded(wide: Range) -> Range:
    """Drop bounds that have grown long: outwards, to 0 or to infinity."""
    lower, upper = wide.lower, wide.upper
    lower_open, upper_open = wide.lower_open, wide.upper_open
    if lower is not None and _is_long(lower):
        # a positive bound may be replaced by 0, which is never attained then
        lower, lower_open = (_ZERO, True) if lower > 0 else (None, True)
    if upper is not None and _is_long(upper):
        upper, upper_open = (_ZERO, True) if upper < 0 else (None, True)
    return Range(lower, upper, lower_open, upper_open)


def _is_long(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > BOUND_BITS


# An end of a range while multiplying: (sign of infinity, value, whether attained).
_End = tuple[int, Fraction, bool]


def _ends(wide: Range) -> tuple[_End, _End]:
    lower: _End = (-1, _ZERO, False)
    upper: _End = (1, _ZERO, False)
    if wide.lower is not None:
        lower = (0, wide.lower, not wide.lower_open)
    if wide.upper is not None:
        upper = (0, wide.upper, not wide.upper_open)
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


def _monotone_unit(base: Range, exponent: Fraction) -> Range:
    """base**exponent of a positive base, compared with 1 only."""
    rising = exponent > 0
    if base.upper is not None and base.upper <= 1:
        closed = base.upper == 1 and not base.upper_open
        return (
            Range(_ZERO, _ONE, True, not closed) if rising else Range(_ONE, None, not closed, True)
        )
    if base.lower is not None and base.lower >= 1:
        closed = base.lower == 1 and not base.lower_open
        return (
            Range(_ONE, None, not closed, True) if rising else Range(_ZERO, _ONE, True, not closed)
        )
    return POSITIVE


def call_range(name: str, arguments: list[Range]) -> Range:
    """The values of a named function of arguments in these ranges."""
    first = arguments[0] if arguments else REAL
    at_least_zero = first.within(NONNEGATIVE)
    above_zero = first.within(POSITIVE)
    if name == "exp":
        if above_zero or at_least_zero:
            return Range(_ONE, None, above_zero, True)
        if first.upper is not None and first.upper <= 0:
            attained = first.upper == 0 and not first.upper_open
            return Range(_ZERO, _ONE, True, not attained)
    if name == "log":
        if first.lower is not None and first.lower >= 1:
            attained = first.lower == 1 and not first.lower_open
            return Range(_ZERO, None, not attained, True)
        if first.upper is not None and first.upper <= 1:
            attained = first.upper == 1 and not first.upper_open
            return Range(None, _ZERO, True, not attained)
    if name in ("tanh", "erf") and (above_zero or at_least_zero):
        return Range(_ZERO, _ONE, above_zero, True)
    if name == "abs" and (above_zero or first.within(Range(None, _ZERO))):
        return POSITIVE
    return _FUNCTIONS.get(name, REAL)
