"""Closed terms as intervals of rational numbers: is a number certainly not zero?

An interval is two integers, its ends times 2^bits; every operation rounds outwards, and every
series carries a bound of what it leaves out.  Never a comparison of floats: what is not shown is
not claimed.  References: NIST DLMF 4.24, 5.11, 5.15, 7.6, 10.25.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import factorial, isqrt
from typing import Final, TypeAlias

from .terms import Raw, RawIndex, children
from .work import work_left

__all__ = [
    "Intervals",
    "Unbounded",
    "certainly_nonsingular",
    "certainly_positive",
    "determinant_bounds",
    "enclose",
]

Interval: TypeAlias = tuple[int, int]

PRECISIONS: Final = (64, 256, 1024, 4096)  # bits
MAX_EXPONENT: Final = 1 << 15  # of exp
MAX_ANGLE: Final = 1 << 20
MAX_SIZE: Final = 1 << 18  # bits of an end
MAX_ORDER: Final = 20  # of a polygamma
MAX_SUM: Final = 10_000  # places
MAX_WORK: Final = 150_000  # of one enclosure at one precision
MAX_KEPT: Final = 50_000  # parts under sums whose enclosures are kept


class Unbounded(Exception):
    """The term is not closed, or it has no rigorous bound here."""


class Vanishing(Unbounded):
    """What has to differ from zero is so near to it that more digits would hardly tell."""


def certainly_nonsingular(matrix: Sequence[Sequence[Raw]]) -> bool:
    """True only if some enclosure of the determinant of closed terms excludes zero.

    >>> one, two = ("q", Fraction(1)), ("q", Fraction(2))
    >>> certainly_nonsingular([[one, two], [one, ("f", "exp", one)]])
    True
    """
    for bits in PRECISIONS:
        try:
            low, high = Intervals(bits).determinant(matrix)
        except Vanishing:
            if bits > PRECISIONS[0]:
                return False
        except Unbounded:
            continue
        else:
            if low > 0 or high < 0:
                return True
    return False


def certainly_positive(term: Raw) -> bool:
    """True only if some enclosure of the closed term lies above zero; False: not shown."""
    for bits in PRECISIONS[:2]:
        try:
            if Intervals(bits).term(term, {})[0] > 0:
                return True
        except Unbounded:
            continue
    return False


def enclose(term: Raw, bits: int = 512) -> tuple[Fraction, Fraction]:
    """Rational bounds of a closed term; Unbounded if there are none.

    >>> low, high = enclose(("f", "log", ("q", Fraction(2))), 64)
    >>> low < Fraction(6931471805599453094, 10**19) < high
    True
    """
    return Intervals(bits).bounds(term)


def determinant_bounds(matrix: Sequence[Sequence[Raw]]) -> tuple[Fraction, Fraction]:
    """Rational bounds of the determinant of closed terms; Unbounded if there are none."""
    coarse, fine = PRECISIONS[2:]
    try:
        bits, (low, high) = coarse, Intervals(coarse).determinant(matrix)
    except Unbounded:  # large entries, of which as many digits cancel
        bits, (low, high) = fine, Intervals(fine).determinant(matrix)
    return Fraction(low, 1 << bits), Fraction(high, 1 << bits)


# ---------------------------------------------------------------- constants


def _bernoulli(n: int) -> Fraction:
    """B_n for an even n > 0, exactly, from the tangent numbers: B_2k = +-2k T_k/(4^k (4^k - 1)).

    >>> _bernoulli(4)
    Fraction(-1, 30)
    """
    k = n // 2
    tangent = _tangent_numbers(1 << max(6, k.bit_length()))[k]
    sign = 1 if k % 2 else -1
    return Fraction(sign * n * tangent, 4**k * (4**k - 1))


@lru_cache(maxsize=8)
def _tangent_numbers(most: int) -> list[int]:
    """T_1, T_2, ... = 1, 2, 16, 272, ...: the Taylor coefficients of tan times (2k-1)!."""
    found = [0, 1]
    for k in range(2, most + 1):
        found.append((k - 1) * found[k - 1])
    for k in range(2, most + 1):
        for j in range(k, most + 1):
            found[j] = (j - k) * found[j - 1] + (j - k + 2) * found[j]
    return found


@lru_cache(maxsize=64)
def _log_two(bits: int) -> Interval:
    """log 2 = 2 artanh(1/3)."""
    low, high = _artanh(((1 << bits) // 3, (1 << bits) // 3 + 1), bits)
    return 2 * low, 2 * high


@lru_cache(maxsize=64)
def _pi(bits: int) -> Interval:
    """pi = 16 arctan(1/5) - 4 arctan(1/239), at 16 more bits to stay sharp."""
    wide = bits + 16
    five, other = _arctan_of_inverse(5, wide), _arctan_of_inverse(239, wide)
    low, high = 16 * five[0] - 4 * other[1], 16 * five[1] - 4 * other[0]
    return low >> 16, -(-high >> 16)


def _arctan_of_inverse(n: int, bits: int) -> Interval:
    """sum_k (-1)^k / ((2k+1) n^(2k+1)): each quotient is at most one unit too small."""
    total, power, k = 0, (1 << bits) // n, 0
    while power:
        total += -(power // (2 * k + 1)) if k % 2 else power // (2 * k + 1)
        power //= n * n
        k += 1
    # k quotients and k roundings of the power, and the rest of an alternating series
    return total - 2 * k - 2, total + 2 * k + 2


def _artanh(t: Interval, bits: int) -> Interval:
    """sum_k t^(2k+1)/(2k+1) for 0 <= t <= 1/2; what follows a term is at most 4/3 of the next."""
    low_power, high_power = t
    low_square, high_square = t[0] * t[0] >> bits, -(-t[1] * t[1] >> bits)
    low = high = k = 0
    while True:
        n = 2 * k + 1
        low += low_power // n
        high += -(-high_power // n)
        low_power = low_power * low_square >> bits
        high_power = -(-high_power * high_square >> bits)
        k += 1
        if high_power <= 1:
            return low, high + 2 * high_power + 2


# ---------------------------------------------------------------- intervals at one precision


class Intervals:
    """Enclosures of closed terms: integers over 2^bits."""

    def __init__(self, bits: int, left: list[int] | None = None) -> None:
        self.bits = bits
        self.work = work_left()
        self.left = [MAX_WORK] if left is None else left
        self.one = 1 << bits
        self.found: dict[tuple[str, Interval], Interval] = {}
        self.closed: dict[int, tuple[Raw, Interval]] = {}  # terms without indices, by identity
        self.inner: dict[tuple[int, ...], Interval] = {}  # parts under sums, by their indices
        self.free: dict[int, tuple[Raw, tuple[RawIndex, ...]]] = {}  # indices of a part

    def spend(self, number: int, bits: int) -> None:
        """Count so many products of numbers of some bits, here and of the part that is shown."""
        amount = number * (1 + (bits >> 10) + (bits * bits >> 22))
        self.left[0] -= amount
        if self.left[0] < 0:
            raise Unbounded("too many numbers, or too long ones")
        self.work.spend(amount, "an enclosure")

    # ------------------------------------------------------------ arithmetic

    def add(self, a: Interval, b: Interval) -> Interval:
        """a + b, exactly."""
        return a[0] + b[0], a[1] + b[1]

    def negate(self, a: Interval) -> Interval:
        """-a, exactly."""
        return -a[1], -a[0]

    def multiply(self, a: Interval, b: Interval) -> Interval:
        """a b, from the products of the ends."""
        ends = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
        low, high = min(ends) >> self.bits, -(-max(ends) >> self.bits)
        size = max(-low, high).bit_length()
        if size > MAX_SIZE:
            raise Unbounded("a number that is too large")
        self.spend(1, size)
        return low, high

    def divide(self, a: Interval, b: Interval) -> Interval:
        """a / b where b excludes 0."""
        if b[0] <= 0 <= b[1]:
            raise Unbounded("a divisor that may be zero")
        self.spend(2, self.bits + max(-a[0], a[1]).bit_length())
        ends = [(end << self.bits, by) for end in a for by in b]
        return min(x // y for x, y in ends), max(-(-x // y) for x, y in ends)

    def rational(self, value: Fraction | int) -> Interval:
        """A rational number, rounded outwards."""
        value = Fraction(value)
        self.spend(1, self.bits + max(abs(value.numerator), value.denominator).bit_length())
        scaled = value.numerator << self.bits
        return scaled // value.denominator, -(-scaled // value.denominator)

    def abs(self, a: Interval) -> Interval:
        """|a|"""
        if a[0] >= 0:
            return a
        return self.negate(a) if a[1] <= 0 else (0, max(-a[0], a[1]))

    def power(self, a: Interval, n: int) -> Interval:
        """a^n for a whole n, an even power being no product of a with another number."""
        if n < 0:
            return self.divide((self.one, self.one), self.power(a, -n))
        if n > MAX_EXPONENT:
            raise Unbounded("a power that is too high")
        if n % 2 == 0:
            a = self.abs(a)
        result, square = (self.one, self.one), a
        while n:
            if n % 2:
                result = self.multiply(result, square)
            n //= 2
            if n:
                square = self.multiply(square, square)
        return result

    def wider(self, extra: int) -> Intervals:
        """The same with more bits, and what is left of the work."""
        return Intervals(self.bits + extra, self.left)

    def widen(self, a: Interval, extra: int) -> Interval:
        """An interval as `wider` writes it."""
        return a[0] << extra, a[1] << extra

    def narrow(self, a: Interval, extra: int) -> Interval:
        """An interval of `wider`, rounded outwards."""
        return a[0] >> extra, -(-a[1] >> extra)

    # ------------------------------------------------------------ elementary functions

    def exp(self, a: Interval) -> Interval:
        """exp, which increases: from both ends."""
        return self.exp_at(a[0])[0], self.exp_at(a[1])[1]

    def exp_at(self, x: int) -> Interval:
        """exp(x) = 2^k exp(r / 2^h)^(2^h) with r = x - k log 2, |r| / 2^h < 1/2; the rest of the
        series is at most twice its first term.
        """
        whole = abs(x) >> self.bits
        if x < 0 and whole > self.bits + 8:
            return 0, 1  # exp(-n) < 2^-n
        if whole > MAX_EXPONENT:
            raise Unbounded("an exponent that is too large")
        halved = 8
        extra = whole.bit_length() + halved + 40
        wide = self.wider(extra)
        two = _log_two(wide.bits)
        k = (x << extra) // two[0]
        ends = (k * two[0], k * two[1])
        argument = ((x << extra) - max(ends)) >> halved, -((min(ends) - (x << extra)) >> halved)
        total = term = (wide.one, wide.one)
        n = 0
        while max(-term[0], term[1]) > 1:
            n += 1
            low, high = wide.multiply(term, argument)
            term = low // n, -(-high // n)
            total = wide.add(total, term)
        total = total[0] - 4, total[1] + 4  # terms of size 2^-wide halve at least
        total = max(total[0], 0), total[1]
        for _ in range(halved):
            total = wide.multiply(total, total)
        if k > extra:
            return self.widen(total, k - extra)
        return self.narrow(total, extra - k)

    def log(self, a: Interval) -> Interval:
        """log, which increases, of what is shown to be positive."""
        if a[0] <= 0:
            raise Unbounded("an argument not shown to be positive")
        return self.log_at(a[0])[0], self.log_at(a[1])[1]

    def log_at(self, x: int) -> Interval:
        """log(m 2^e) = e log 2 + 2 artanh((m - 1)/(m + 1)), 1 <= m < 2."""
        length = x.bit_length()
        exponent = length - 1 - self.bits
        extra = 24 + abs(exponent).bit_length()
        wide = self.wider(extra)
        by = wide.bits - (length - 1)
        m = (x << by, x << by) if by >= 0 else (x >> -by, (x >> -by) + 1)
        t = wide.divide((m[0] - wide.one, m[1] - wide.one), (m[0] + wide.one, m[1] + wide.one))
        self.spend(wide.bits // 4, wide.bits)  # so many terms of the series, about
        low, high = _artanh((max(t[0], 0), t[1]), wide.bits)
        two = _log_two(wide.bits)
        ends = (exponent * two[0], exponent * two[1])
        return self.narrow((2 * low + min(ends), 2 * high + max(ends)), extra)

    def tanh(self, a: Interval) -> Interval:
        """1 - 2/(1 + exp(2 a))"""
        more = self.add((self.one, self.one), self.exp((2 * a[0], 2 * a[1])))
        share = self.divide((2 * self.one, 2 * self.one), more)
        return self.one - share[1], self.one - share[0]

    def circular(self, a: Interval, odd: int) -> Interval:
        """sin (odd = 1) or cos: at the middle, and no slope is larger than 1."""
        if max(-a[0], a[1]) >> self.bits > MAX_ANGLE:
            raise Unbounded("an angle that is too large")
        extra = 40
        wide = self.wider(extra)
        low, high = self.widen(a, extra)
        pi = _pi(wide.bits)
        turns = (low + high) // 2 // (2 * pi[0])
        turn = sorted((2 * turns * pi[0], 2 * turns * pi[1]))
        low, high = low - turn[1], high - turn[0]
        middle = (low + high) // 2
        radius = high - low
        total, term, n = (0, 0), (wide.one, wide.one), 0
        point = (middle, middle)
        # the derivatives are at most 1: what follows is at most the next term, and terms decrease
        # from n = 8 > |middle| on
        while n < 10 or max(-term[0], term[1]) > 1:
            if n % 2 == odd:
                signed = term if (n // 2) % 2 == 0 else wide.negate(term)
                total = wide.add(total, signed)
            n += 1
            below, above = wide.multiply(term, point)
            term = below // n, -(-above // n)
        found = total[0] - 4 - radius, total[1] + 4 + radius
        low, high = self.narrow(found, extra)
        return max(low, -self.one), min(high, self.one)

    # ------------------------------------------------------------ special functions

    def sqrt(self, a: Interval) -> Interval:
        """The square root of what is not negative."""
        if a[0] < 0:
            raise Unbounded("a root of something not shown to be positive")
        return isqrt(a[0] << self.bits), isqrt(a[1] << self.bits) + 1

    def erf(self, a: Interval) -> Interval:
        """erf, which increases and is odd: from both ends."""
        return self.erf_at(a[0])[0], self.erf_at(a[1])[1]

    def erf_at(self, x: int) -> Interval:
        """2/sqrt(pi) exp(-x^2) x sum_n (2 x^2)^n/(2n+1)!!; where the terms halve, what follows is
        at most twice the next one.
        """
        if x < 0:
            return self.negate(self.erf_at(-x))
        square = (x * x >> 2 * self.bits) + 1
        if x > self.one and square > self.bits + 16:
            return self.one - 1, self.one  # 1 - erf(x) < exp(-x^2) for x > 1
        extra = 3 * square + 40
        wide = self.wider(extra)
        point = self.widen((x, x), extra)
        twice = wide.multiply(point, point)
        twice = 2 * twice[0], 2 * twice[1]
        total = term = (wide.one, wide.one)
        n = 0
        while term[1] > 1 or 2 * twice[1] > (2 * n + 3) * wide.one:
            n += 1
            low, high = wide.multiply(term, twice)
            term = low // (2 * n + 1), -(-high // (2 * n + 1))
            total = wide.add(total, term)
        total = total[0], total[1] + 2 * term[1] + 2
        half = wide.multiply(twice, (wide.one >> 1, wide.one >> 1))
        scale = wide.multiply(point, wide.exp(wide.negate(half)))
        value = wide.divide(wide.multiply(scale, total), wide.sqrt(_pi(wide.bits)))
        low, high = self.narrow((2 * value[0], 2 * value[1]), extra)
        return max(low, 0), min(high, self.one)

    def shifted(self, a: Interval) -> tuple[int, Interval]:
        """n and a + n, large enough for Stirling's series; a is positive."""
        if a[0] <= 0:
            raise Unbounded("an argument not shown to be positive")
        n = max(0, self.bits // 4 + 8 - (a[0] >> self.bits))
        return n, (a[0] + n * self.one, a[1] + n * self.one)

    def stirling(self, y: Interval, coefficient: Callable[[int], Fraction], power: int) -> Interval:
        """sum_k coefficient(k) / y^(2k + power), k = 1, 2, ...: an enveloping series, so that what
        follows is between 0 and the next term.
        """
        total = (0, 0)
        square = self.power(y, 2)
        divisor = self.power(y, 2 + power)
        k = 1
        smallest = None
        while True:
            term = self.divide(self.rational(coefficient(k)), divisor)
            size = max(-term[0], term[1])
            if size <= 1 or (smallest is not None and size >= smallest):
                return total[0] - size, total[1] + size
            total, smallest = self.add(total, term), size
            divisor = self.multiply(divisor, square)
            k += 1

    def loggamma(self, a: Interval) -> Interval:
        """(y - 1/2) log y - y + log(2 pi)/2 + sum_k B_2k / (2k (2k-1) y^(2k-1)), less the logarithm
        of a (a + 1) ... (y - 1).
        """
        n, y = self.shifted(a)
        half = self.one >> 1
        result = self.multiply((y[0] - half, y[1] - half), self.log(y))
        result = self.add(result, self.negate(y))
        pi = _pi(self.bits)
        circle = self.log((2 * pi[0], 2 * pi[1]))
        result = self.add(result, (circle[0] >> 1, -(-circle[1] >> 1)))
        series = self.stirling(y, lambda k: _bernoulli(2 * k) / (2 * k * (2 * k - 1)), -1)
        product = (self.one, self.one)
        for i in range(n):
            product = self.multiply(product, (a[0] + i * self.one, a[1] + i * self.one))
        return self.add(self.add(result, series), self.negate(self.log(product)))

    def polygamma(self, order: int, a: Interval) -> Interval:
        """The derivative of order + 1 of loggamma: log y - 1/(2y) - sum_k B_2k/(2k y^2k) for order
        0, less 1/a + ... ; the derivatives of these for others.
        """
        if not 0 <= order <= MAX_ORDER:
            raise Unbounded("a polygamma of this order")
        n, y = self.shifted(a)
        one = (self.one, self.one)
        if order == 0:
            result = self.add(self.log(y), self.negate(self.divide(one, (2 * y[0], 2 * y[1]))))
            series = self.stirling(y, lambda k: -_bernoulli(2 * k) / (2 * k), 0)
            result = self.add(result, series)
        else:
            m = order

            def coefficient(k: int) -> Fraction:
                return _bernoulli(2 * k) * Fraction(factorial(2 * k + m - 1), factorial(2 * k))

            first = self.divide(self.rational(factorial(m - 1)), self.power(y, m))
            second = self.divide(self.rational(Fraction(factorial(m), 2)), self.power(y, m + 1))
            result = self.add(self.add(first, second), self.stirling(y, coefficient, m))
            result = result if m % 2 else self.negate(result)
        steps = (0, 0)
        for i in range(n):
            below = self.power((a[0] + i * self.one, a[1] + i * self.one), order + 1)
            steps = self.add(steps, self.divide(one, below))
        scale = factorial(order) * (-1 if order % 2 else 1)
        ends = sorted((scale * steps[0], scale * steps[1]))
        return result[0] - ends[1], result[1] - ends[0]

    def bessel(self, a: Interval) -> tuple[Interval, Interval]:
        """I0 and I1 / (a/2) at |a|: sums of q^k/(k!)^2 and q^k/(k! (k+1)!), q = a^2/4; where the
        terms halve, what follows is at most twice the next one.
        """
        a = self.abs(a)
        if a[1] >> self.bits > 2000:
            raise Unbounded("an argument that is too large")
        q = self.power(a, 2)
        q = q[0] >> 2, -(-q[1] >> 2)
        first, second = (self.one, self.one), (self.one, self.one)
        sums = [first, second]
        k = 0
        while first[1] > 1 or 2 * q[1] > (k + 1) * (k + 1) * self.one:
            k += 1
            low, high = self.multiply(first, q)
            first = low // (k * k), -(-high // (k * k))
            low, high = self.multiply(second, q)
            second = low // (k * (k + 1)), -(-high // (k * (k + 1)))
            sums = [self.add(sums[0], first), self.add(sums[1], second)]
        rest = (0, 2 * max(first[1], second[1]) + 2)
        return self.add(sums[0], rest), self.add(sums[1], rest)

    def bessel_ratio(self, a: Interval) -> Interval:
        """I1/I0, which increases and is odd: from both ends."""

        def at(x: int) -> Interval:
            if x < 0:
                return self.negate(at(-x))
            zero, one = self.bessel((x, x))
            return self.divide(self.multiply((x >> 1, -(-x >> 1)), one), zero)

        return at(a[0])[0], at(a[1])[1]

    # ------------------------------------------------------------ terms

    def index(self, index: RawIndex, env: Mapping[RawIndex, int]) -> int:
        """The number that an index stands for."""
        if index in env:
            return env[index]
        if index[0] == "o":
            return self.index(index[1], env) + int(index[2])
        if index[0] == "p" and not index[1]:
            return int(index[2])
        raise Unbounded("a free index")

    def term(self, raw: Raw, env: Mapping[RawIndex, int]) -> Interval:
        """The enclosure of a term whose indices have the values in `env`; a part that occurs twice
        at the same values of its indices is enclosed once.
        """
        here = tuple(i for i in self.indices(raw) if i in env) if env else ()
        if not here:
            known = self.closed.get(id(raw))
            if known is not None:
                return known[1]
        key = (id(raw), *map(env.__getitem__, here))
        if key in self.inner:
            return self.inner[key]
        self.spend(1, 0)
        try:
            found = self.by_head(raw, env)
        except (OverflowError, MemoryError) as error:
            raise Unbounded("a number that is too large") from error
        if not here:
            self.closed[id(raw)] = raw, found
        else:
            if len(self.inner) > MAX_KEPT:
                self.inner.clear()
            self.inner[key] = found
        return found

    def indices(self, raw: Raw) -> tuple[RawIndex, ...]:
        """The indices in a term, those that are bound in it too: each has a name of its own."""
        known = self.free.get(id(raw))
        if known is None:
            found: dict[RawIndex, None] = {}
            for index in raw[1:] if raw[0] in ("iv", "d") else ():
                found[index[1] if index[0] == "o" else index] = None
            for part in children(raw):
                found.update(dict.fromkeys(self.indices(part)))
            self.spend(1 + len(found), 0)
            known = self.free[id(raw)] = raw, tuple(found)
        return known[1]

    def bounds(self, raw: Raw) -> tuple[Fraction, Fraction]:
        """Rational bounds of a closed term; Unbounded if there are none."""
        self.left[0] = MAX_WORK
        low, high = self.term(raw, {})
        return Fraction(low, self.one), Fraction(high, self.one)

    def by_head(self, raw: Raw, env: Mapping[RawIndex, int]) -> Interval:
        """The same by the head of the term."""
        head = raw[0]
        if head == "q":
            return self.rational(raw[1])
        if head == "c" and raw[1] == "pi":
            return _pi(self.bits)
        if head == "iv":
            return self.rational(self.index(raw[1], env))
        if head == "d":
            return self.rational(int(self.index(raw[1], env) == self.index(raw[2], env)))
        if head == "+":
            result = (0, 0)
            for part in raw[1:]:
                result = self.add(result, self.term(part, env))
            return result
        if head == "*":
            result = (self.one, self.one)
            for part in raw[1:]:
                result = self.multiply(result, self.term(part, env))
            return result
        if head == "^":
            base = self.term(raw[1], env)
            if raw[2][0] == "q" and Fraction(raw[2][1]).denominator == 1:
                return self.power(base, int(raw[2][1]))
            return self.exp(self.multiply(self.log(base), self.term(raw[2], env)))
        if raw[:2] == ("f", "polygamma") and raw[2][0] == "q" and raw[2][1].denominator == 1:
            return self.polygamma(int(raw[2][1]), self.term(raw[3], env))
        if head == "f" and len(raw) == 3 and raw[1] in _FUNCTIONS:
            key = raw[1], self.term(raw[2], env)  # the same values come again and again
            if key not in self.found:
                self.found[key] = _FUNCTIONS[raw[1]](self, key[1])
            return self.found[key]
        if head == "S" and not raw[1][3]:
            _, _, low, _, high = raw[1]
            if high - low > MAX_SUM:
                raise Unbounded("a sum that is too long")
            result = (0, 0)
            for k in range(low, high + 1):
                result = self.add(result, self.term(raw[2], {**env, raw[1]: k}))
            return result
        raise Unbounded(f"no rigorous bound for {head}")

    def determinant(self, matrix: Sequence[Sequence[Raw]]) -> Interval:
        """By elimination with the pivot that is furthest from 0; Vanishing if all are near it."""
        rows = [[self.term(term, {}) for term in line] for line in matrix]
        result = (self.one, self.one)
        size = len(rows)
        for k in range(size):
            pivot = max(range(k, size), key=lambda i: self.away(rows[i][k]))
            if self.away(rows[pivot][k]) <= 0:
                ends = [end for row in rows[k:] for end in row[k]]
                if max(map(abs, ends)) < 1 << self.bits // 2:
                    raise Vanishing("no pivot is told from zero")
                if k < size - 1:
                    raise Unbounded("no pivot is shown to differ from zero")
            if k == size - 1:
                return self.multiply(result, rows[k][k])
            if pivot != k:
                rows[k], rows[pivot] = rows[pivot], rows[k]
                result = self.negate(result)
            result = self.multiply(result, rows[k][k])
            for i in range(k + 1, size):
                factor = self.divide(rows[i][k], rows[k][k])
                for j in range(k + 1, size):
                    change = self.multiply(factor, rows[k][j])
                    rows[i][j] = self.add(rows[i][j], self.negate(change))
        return result

    @staticmethod
    def away(a: Interval) -> int:
        """How far an interval is from 0."""
        return max(a[0], -a[1], 0)


_FUNCTIONS: Final[Mapping[str, Callable[[Intervals, Interval], Interval]]] = {
    "exp": Intervals.exp,
    "log": Intervals.log,
    "abs": Intervals.abs,
    "tanh": Intervals.tanh,
    "sigmoid": lambda of, a: of.divide(
        (of.one, of.one), of.add((of.one, of.one), of.exp(of.negate(a)))
    ),
    "softplus": lambda of, a: of.log(of.add((of.one, of.one), of.exp(a))),
    "loggamma": Intervals.loggamma,
    "digamma": lambda of, a: of.polygamma(0, a),
    "erf": Intervals.erf,
    "sin": lambda of, a: of.circular(a, 1),
    "cos": lambda of, a: of.circular(a, 0),
    "logbesseli0": lambda of, a: of.log(of.bessel(a)[0]),
    "besselratio": Intervals.bessel_ratio,
}
