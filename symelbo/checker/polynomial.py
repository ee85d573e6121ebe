"""Laurent polynomials over interned atoms: products, powers, partial fractions.

A normal form is {monomial: rational}, a monomial a sorted tuple of (atom number, exponent).
Composite denominators are atoms ("P", polynomial) with negative exponents.  A long sum in a product
may be held: it is an atom ("H", polynomial), and what holds of any number in its place holds of it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from math import gcd, isqrt, lcm
from typing import Any, Final, TypeAlias

from .domains import Domain, domain_of
from .terms import NotShown, Raw, RawIndex, bound_index, is_bound, shift
from .work import Cut, work_left

__all__ = [
    "UNIT",
    "Atom",
    "Monomial",
    "Poly",
    "Polynomials",
    "Rational",
    "Values",
    "accumulate",
    "add_polys",
    "freeze",
    "primes_of",
    "primitive_of",
    "rational_of",
    "scale_poly",
]

Rational: TypeAlias = int | Fraction
Monomial: TypeAlias = tuple[tuple[int, Rational], ...]
Poly: TypeAlias = dict[Monomial, Rational]
Atom: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[tuple[str, tuple[int, ...]], Fraction]

MAX_TERMS = 20_000  # of a polynomial
MAX_TEXT = 2000  # characters of a polynomial that are shown
MAX_SKELETON = 200  # characters, before a digest takes their place
MAX_BITS = 1 << 16  # of a number
LONG = 16  # monomials from which a sum counts by itself
LARGE = 256  # bits from which the length of a number counts
MAX_POWER = 64  # of a sum that is multiplied out
MAX_FACTOR = 8  # monomials of a factor that is multiplied out where sums are held
MAX_PRODUCT = 64  # of a product of sums that is multiplied out there
_REDUCED: Final = ("sign", "sin", "cos")  # functions whose powers or products are others
UNIT: Final[Poly] = {(): 1}


def rational_of(value: Rational) -> Rational:
    """A fraction that is whole as an int, which is faster; long numbers are counted."""
    top, bottom = value.numerator, value.denominator
    if top.bit_length() > LARGE or bottom.bit_length() > LARGE:
        count_bits(top.bit_length() + bottom.bit_length())
    return top if bottom == 1 else value


def count_bits(bits: int) -> None:
    """Work with a number of so many bits, which is quadratic: fractions are reduced."""
    if bits > MAX_BITS:
        raise NotShown("a number that is too long")
    work_left().spend((bits >> 9) + (bits * bits >> 23), "long numbers")


def primes_of(value: int) -> list[tuple[int, int]]:
    """n -> its prime factors with powers; of large ones the rest as it is.

    >>> primes_of(12)
    [(2, 2), (3, 1)]
    """
    found: list[tuple[int, int]] = []
    divisor = 2
    steps = min(isqrt(value), 10_000)
    work_left().spend(steps * (512 + value.bit_length()) >> 13, "the factors of a number")
    while divisor * divisor <= value and divisor < 10_000:
        power = 0
        while value % divisor == 0:
            value //= divisor
            power += 1
        if power:
            found.append((divisor, power))
        divisor += 1
    return [*found, (value, 1)] if value > 1 else found


def add_polys(left: Poly, right: Poly, scale: Rational = 1) -> Poly:
    """p, q, c -> p + c q"""
    if len(left) + len(right) > LONG:
        work_left().spend((len(left) + 4 * len(right)) // 8, "a sum")
    return accumulate(dict(left), right, scale)


def accumulate(result: Poly, addend: Poly, scale: Rational) -> Poly:
    """p, q, c -> p + c q, put into p"""
    for monomial, c in addend.items():
        value = rational_of(result.get(monomial, 0) + scale * c)
        if value:
            result[monomial] = value
        else:
            result.pop(monomial, None)
    if len(result) > MAX_TERMS:
        raise Cut("the polynomial is too long")
    return result


def scale_poly(poly: Poly, c: Rational) -> Poly:
    """p, c -> c p"""
    return {m: rational_of(c * v) for m, v in poly.items()} if c else {}


def primitive_of(poly: Poly) -> Poly:
    """A positive multiple with coprime integers, the same for all positive multiples."""
    return scale_poly(poly, 1 / common_factor(poly))


def common_factor(poly: Poly) -> Fraction:
    """The positive number that leaves coprime integers."""
    bottom = 1
    for v in poly.values():
        if v.denominator != 1:
            bottom = lcm(bottom, v.denominator)
            if bottom.bit_length() > LARGE:
                count_bits(bottom.bit_length())
    return Fraction(gcd(*(v.numerator for v in poly.values())), bottom)


def freeze(poly: Poly) -> tuple[tuple[Monomial, Rational], ...]:
    """A polynomial as a key: the same for equal ones."""
    return tuple(sorted(poly.items()))


def _roots(poly: Poly) -> int:
    """How many exponents are no whole numbers, which take longer."""
    return sum(type(e) is not int for m in poly for _, e in m)


def _shared_powers(poly: Poly) -> dict[int, Rational]:
    """The powers that all monomials but 1 have."""
    tables = [dict(m) for m in poly if m]
    first, *others = tables
    least = {a: min([e, *(t.get(a, 0) for t in others)]) for a, e in first.items()}
    return {a: e for a, e in least.items() if e > 0}


def _is_value(atom: Atom) -> bool:
    """An entry, or a value of an abstract function and none of its derivatives."""
    return bool(atom[0] == "v" or (atom[0] == "A" and not atom[5]))


def _start(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."


def _bits(c: Rational) -> int:
    return max(abs(c.numerator), c.denominator).bit_length()


class Polynomials:
    """Interned atoms, and the arithmetic of polynomials over them.

    What is inverted or has its root taken needs a proof of its sign: see `signs`.
    """

    def __init__(
        self,
        cores: Mapping[str, tuple[int, int]],
        apart: frozenset[Any],
        values: Values,
        least: Iterable[tuple[str, int]] = (),
        *,
        kinks: bool = True,
    ) -> None:
        self.cores, self.apart, self.values = cores, apart, values
        self.kinks = kinks  # whether the slope of |a| where a is 0 may be taken as 0
        self.least = dict(least)  # the smallest value of a size
        self.atoms: list[Atom] = []
        self.numbers: dict[Atom, int] = {}
        self.variables: list[frozenset[RawIndex]] = []  # free index variables of each atom
        self.heights: list[int] = []  # 0, or more than the height of every sum inside
        self.skeletons: dict[int, str] = {}  # atoms without the names of bound indices
        self.rigid: set[int] = set()  # sums whose bound indices are in order whatever their names
        self.signs: dict[int, str] = {}
        self.texts: dict[int, str] = {}  # atoms, to be read
        self.signs_by_rule: dict[Any, str] = {}  # of polynomials, as far as signs are known
        self.closed: dict[int, Raw | None] = {}  # atoms as terms, None if they are no numbers
        self.lead: dict[int, Monomial] = {}  # of a denominator
        self.shared: dict[int, dict[int, Rational]] = {}  # powers that a denominator holds
        self.fractions: dict[Monomial, Poly | None] = {}  # partial ones, as far as signs are known
        self.moved: dict[Any, dict[int, Poly]] = {}  # atoms, by what is put for their indices
        self.terms: dict[int, tuple[Any, Poly]] = {}  # normal forms of terms, by identity
        self.assumed_atoms: set[int] = set()
        self.assumed: set[Any] = set()
        self.assumed_positive: set[Any] = set()
        # a factor -> the factors of a product that is positive, this one among them and in no other
        self.assumed_products: dict[int, frozenset[int]] = {}
        self.assumed_posdef: set[Any] = set()
        self.everywhere = False
        self.holds = False  # whether long sums in products are held
        self.held = False  # whether some were
        self.patterns: tuple[Raw, ...] = ()  # positive at all values of their free indices
        self.free_of_pattern: dict[int, list[RawIndex]] = {}
        self.instances: set[Any] = set()  # of these that are assumed
        self.fresh = 0
        self.work = work_left()

    def at(self, values: Values) -> None:
        """Go on with other values of the entries."""
        if values is not self.values:
            self.values = values
            self.moved.clear()
            self.terms.clear()

    def _domain(self, a: int) -> type[Domain] | None:
        """The domain of an atom that is an entry or a value of an abstract function."""
        atom = self.atoms[a]
        return domain_of(atom[2]) if _is_value(atom) else None

    # ------------------------------------------------- what the rules of other groups decide

    def sign(self, a: int) -> str:
        """Of an atom: "+" positive, "0" not negative, "" unknown."""
        raise NotImplementedError

    def positive(self, poly: Poly) -> bool:
        """Whether a polynomial is shown to be positive."""
        raise NotImplementedError

    def nonzero(self, poly: Poly) -> bool:
        """Whether a canonical prime polynomial is shown to differ from 0."""
        raise NotImplementedError

    def nonzero_atom(self, a: int) -> bool:
        """Whether an atom is shown to differ from 0."""
        raise NotImplementedError

    def generic(self, part: Poly) -> bool:
        """Whether something is 0 almost nowhere."""
        raise NotImplementedError

    def instantiate(self, variables: frozenset[RawIndex]) -> bool:
        """Assume what is stated of all indices of these; whether there was anything new."""
        raise NotImplementedError

    def negative(self, a: int) -> bool:
        """Whether an atom is negative."""
        raise NotImplementedError

    def posdef(self, array: tuple[Any, Any]) -> bool:
        """Whether a matrix is shown to be positive definite."""
        raise NotImplementedError

    def open(
        self, variables: Sequence[RawIndex], body: Poly, taken: frozenset[RawIndex]
    ) -> tuple[list[RawIndex], Poly]:
        """(indices, body) under names that are free nowhere in it, and not taken."""
        raise NotImplementedError

    def replace(self, poly: Poly, what: Mapping[RawIndex, RawIndex]) -> Poly:
        """Index variables replaced everywhere, in normal form again."""
        raise NotImplementedError

    def total(self, variables: Sequence[RawIndex], poly: Poly) -> Poly:
        """sum over the variables, the last one innermost."""
        raise NotImplementedError

    def spend(self, amount: int) -> None:
        """Count work, so that whatever is asked ends."""
        work = self.work
        work.left -= amount
        if work.left < 0:
            work.spend(0, "a normal form")

    # ---------------------------------------------------------------------------- atoms

    def intern(self, atom: Atom) -> int:
        """The number of an atom."""
        number = self.numbers.get(atom)
        if number is None:
            number = self.numbers[atom] = len(self.atoms)
            self.spend(self._size(atom))
            self.atoms.append(atom)
            self.variables.append(self._variables(atom))
            self.heights.append(self._height(atom))
        return number

    def atom(self, atom: Atom, exponent: Rational = 1) -> Poly:
        """An atom as a polynomial."""
        return {((self.intern(atom), exponent),): 1}

    def _index_variables(self, index: RawIndex) -> frozenset[RawIndex]:
        if index[0] == "i":
            return frozenset((index,))
        if index[0] == "o":
            return self._index_variables(index[1])
        if index[0] == "e":
            return frozenset((index,)).union(*(self._index_variables(i) for i in index[4]))
        return frozenset()

    def _variables(self, atom: Atom) -> frozenset[RawIndex]:
        empty: frozenset[RawIndex] = frozenset()
        head = atom[0]
        if head == "iv":
            return self._index_variables(atom[1])
        if head == "v":
            return empty.union(*(self._index_variables(i) for i in atom[3]))
        if head == "d":
            return self._index_variables(atom[1]) | self._index_variables(atom[2])
        if head == "f":
            return empty.union(*(self._of_frozen(p) for p in atom[2:]))
        if head in ("P", "H"):
            return self._of_frozen(atom[1])
        if head == "S":
            return empty.union(*(self.variables[a] for a, _ in atom[2])) - set(atom[1])
        if head == "Inv":
            inner = self._of_frozen(atom[1][1]) - set(atom[1][0])
            return inner | self._index_variables(atom[2]) | self._index_variables(atom[3])
        if head == "LD":
            return self._of_frozen(atom[1][1]) - set(atom[1][0])
        if head == "A":
            inner = empty.union(*(self._of_frozen(p) - set(v) for v, p in atom[3]))
            places = [*atom[4], *(i for _, where in atom[5] for i in where)]
            return inner.union(*(self._index_variables(i) for i in places))
        return empty

    def _of_frozen(self, frozen: Any) -> frozenset[RawIndex]:
        empty: frozenset[RawIndex] = frozenset()
        return empty.union(*(self.variables[a] for m, _ in frozen for a, _ in m))

    @staticmethod
    def _size(atom: Atom) -> int:
        """How much of an atom is looked at: of the polynomials in it, their monomials."""
        head = atom[0]
        if head in ("f", "P", "H"):
            return 1 + sum(len(p) for p in atom[1:] if type(p) is tuple)
        if head in ("Inv", "LD"):
            return 1 + len(atom[1][1])
        if head == "A":
            return 1 + sum(len(p) for _, p in atom[3])
        return 1

    def _height(self, atom: Atom) -> int:
        def of(frozen: Any) -> int:
            return max((self.heights[a] for m, _ in frozen for a, _ in m), default=0)

        head = atom[0]
        if head == "f":
            return max((of(p) for p in atom[2:]), default=0)
        if head in ("P", "H"):
            return of(atom[1])
        if head == "S":
            return 1 + max((self.heights[a] for a, _ in atom[2]), default=0)
        if head in ("Inv", "LD"):
            return 1 + of(atom[1][1])
        if head == "A":
            return max((1 + of(p) for _, p in atom[3]), default=0)
        return 0

    def skeleton_of(self, a: int) -> str:
        """An atom as a text that renaming bound indices does not change."""
        if a not in self.skeletons:
            text = self._skeleton(self.atoms[a])
            if len(text) > MAX_SKELETON:  # that of a shared part would stand in many others
                text = blake2b(text.encode(), digest_size=16).hexdigest()
            self.skeletons[a] = text
        return self.skeletons[a]

    def _skeleton(self, item: Any) -> str:
        """A text that renaming bound indices does not change."""
        if not isinstance(item, tuple):
            return str(item)
        if is_bound(item):
            return f"*{item[3]}"
        if len(item) == 2 and isinstance(item[0], int) and isinstance(item[1], (int, Fraction)):
            return f"{self.skeleton_of(item[0])}^{item[1]}"  # an atom number and its exponent
        parts = [self._skeleton(part) for part in item]
        if item and isinstance(item[0], tuple):
            parts.sort()
        return f"({' '.join(parts)})"

    def new(self, like: RawIndex) -> RawIndex:
        """A bound index of the same range under a name of its own."""
        self.fresh += 1
        return bound_index(f"{self.fresh}n", like)

    # -------------------------------------------------------------------------- ranges

    def span(self, index: RawIndex) -> tuple[int, str, int] | None:
        """low, size, offset of the values an index takes; None if unknown."""
        if index[0] == "i":
            return index[2], index[3], index[4]
        if index[0] == "o":
            inner = self.span(index[1])
            return inner and (inner[0] + index[2], inner[1], inner[2] + index[2])
        if index[0] == "e":
            return 1, index[2], index[3]
        return None

    def inside(self, index: RawIndex, variable: RawIndex) -> bool:
        """Every value of the index is in the range of the variable, for all sizes.

        >>> F.inside(("p", "", 2), i), F.inside(("p", "D", 0), i)
        (False, True)
        >>> two, few = ("e", "c", "", 2, ()), ("i", "k", 1, "", 4)
        >>> F.inside(two, few), F.inside(two, i), F.inside(("e", "c", "", 1, ()), i)
        (True, False, True)
        """
        _, _, low, size, offset = variable
        smallest = self.least.get(size, 1)
        if index[0] == "p":
            if index[1] == size:
                lowest = index[2] + (smallest if size else 0)
                return bool(low <= lowest and index[2] <= offset)
            # a fixed place in a symbolic range: there at every size only if at the smallest
            return bool(index[1] == "" and low <= index[2] <= smallest + offset)
        span = self.span(index)
        if span is None or span[0] < low:
            return False
        if span[1] != size:  # a fixed number of places, likewise
            return bool(span[1] == "" and span[2] <= smallest + offset)
        return bool(span[2] <= offset)

    def delta(self, a: RawIndex, b: RawIndex) -> Poly:
        """1 where equal, 0 where the ranges or the case exclude it, else an atom.

        >>> show(F.delta(i, ("o", i, 1)))
        '0'
        >>> show(F.delta(i, j))
        'delta(i,j)'
        """
        if a == b:
            return UNIT
        if frozenset((a, b)) in self.apart:
            return {}
        base_a, by_a = (a[1], a[2]) if a[0] == "o" else (a, 0)
        base_b, by_b = (b[1], b[2]) if b[0] == "o" else (b, 0)
        if base_a == base_b:
            return {}
        if a[0] == "p" and b[0] == "p" and a[1] == b[1]:
            return {}
        for point, other in ((a, b), (b, a)):
            # the place 1, and the last of two or more
            apart = point[0] == other[0] == "p" and not point[1]
            if apart and point[2] < self.least.get(other[1], 1) + other[2]:
                return {}
            span = self.span(other)
            if point[0] == "p" and span is not None:
                if point[1] == span[1] and (
                    point[2] > span[2] or (not span[1] and point[2] < span[0])
                ):
                    return {}
                if point[1] == "" and point[2] < span[0]:
                    return {}
        if by_a and by_b:
            # i + m = j + n is written i + (m - n) = j
            a, b = shift(base_a, by_a - by_b), base_b
        return self.atom(("d", *sorted((a, b), key=repr)))

    # --------------------------------------------------------------------- polynomials

    def mul(self, left: Poly, right: Poly) -> Poly:
        """p, q -> p q, in normal form.

        >>> show(F.mul(poly(x), poly(minus(x, y))))
        'x^2 + -1*x*y'
        """
        if left is UNIT:
            return right
        if right is UNIT:
            return left
        self.spend(len(left) * len(right))
        for one, other in ((left, right), (right, left)):
            if len(one) == 1 and () in one:
                return scale_poly(other, one[()])
        result: Poly = {}
        for m, c in left.items():
            for n, e in right.items():
                result = accumulate(result, self.merge(m, n), c * e)
        return result

    def hold(self, poly: Poly, longest: int = MAX_FACTOR) -> Poly:
        """A factor of a product: c S -> c H(S) for a sum S of more terms, where sums are held.

        Products of products of sums would grow with every level.  An identity in which S may be
        any number holds of S; where none is found, sums are multiplied out.

        >>> F.holds = True
        >>> long = poly(sum_of(*(power(x, n) for n in range(9))))
        >>> len(long), len(F.mul(long, poly(y))), len(F.mul(F.hold(long), poly(y)))
        (9, 9, 1)
        """
        if not self.holds or len(poly) <= longest:
            return poly
        self.held = True
        prime = primitive_of(poly)
        first = max(prime)
        if prime[first] < 0:
            prime = scale_poly(prime, -1)
        return {((self.intern(("H", freeze(prime))), 1),): Fraction(poly[first], prime[first])}

    def merge(self, m: Monomial, n: Monomial) -> Poly:
        """The product of two monomials, in normal form."""
        if not m:
            return {n: 1}
        if not n:
            return {m: 1}
        exponents = dict(m)
        for a, e in n:
            total = rational_of(exponents.get(a, 0) + e)
            if total:
                exponents[a] = total
            else:
                del exponents[a]
        return self.reduce(exponents)

    def reduce(self, exponents: dict[int, Rational]) -> Poly:
        """One monomial -> normal form: z^2 = z, denominators expanded or split.

        >>> show(poly(power(z, 3)))
        'z'
        >>> show(poly(power(("f", "sin", x), 2)))
        '1 + -1*cos(x)^2'
        """
        scale: Rational = 1
        expand: list[Poly] = []
        angles: list[int] = []  # sines and cosines of numbers
        for a, e in list(exponents.items()):
            atom = self.atoms[a]
            head = atom[0]
            if e > MAX_POWER and (head == "P" or (head == "f" and atom[1] in ("sin", "cos"))):
                raise NotShown("a power that is too high to be multiplied out")
            if head == "f" and atom[1] not in _REDUCED:
                continue
            if head == "d" or (head == "v" and domain_of(atom[2]).is_bit):
                if e > 1 and e == int(e):
                    exponents[a] = 1  # 0 and 1 are their own powers
            elif head == "f" and atom[1] == "sign" and e != 1:
                part = dict(atom[2])
                if e.denominator != 1 or not (
                    self.generic(part) or (e > 0 and self.divides(part, exponents))
                ):
                    raise NotShown("a power of the sign of something that may be 0")
                self._set(exponents, a, e % 2)  # away from 0, or both sides are 0 there
            elif head == "f" and atom[1] == "sin" and e >= 2 and e.denominator == 1:
                cosine = self.intern(("f", "cos", *atom[2:]))
                self._set(exponents, a, e % 2)
                expand += [{(): 1, ((cosine, 2),): -1}] * (int(e) // 2)
            elif head == "f" and self._angle(atom) is not None and e > 0 and e.denominator == 1:
                angles += [a] * int(e)
            elif head == "N" and not 0 < e < 1:
                whole = e.numerator // e.denominator
                scale *= Fraction(atom[1]) ** whole
                self._set(exponents, a, rational_of(e - whole))
            elif head == "P" and e >= 1:
                whole = int(e)
                self._set(exponents, a, rational_of(e - whole))
                expand += [dict(atom[1])] * whole
            elif head == "P" and e <= -1 and len(atom[1]) == 1 and atom[1][0][1] < 0:  # -a
                whole = int(e)
                self._set(exponents, a, rational_of(e - whole))
                expand.append(self.power(dict(atom[1]), whole))
        if len(angles) > 1:
            for a in angles[:2]:
                self._set(exponents, a, exponents[a] - 1)
            expand.append(self.add_angles(angles[0], angles[1]))
        monomial = tuple(sorted(exponents.items()))
        poly: Poly = {monomial: rational_of(scale)}
        if not expand:
            self.spend(len(monomial) // 4)  # a monomial is the unit, and most are short
            if monomial not in self.fractions:
                self.fractions[monomial] = self.split(exponents)
            split = self.fractions[monomial]
            if split is None:
                return poly
            self.spend(len(split) // 2)
            return dict(split) if scale == 1 else scale_poly(split, scale)
        for factor in expand:
            poly = self.mul(poly, factor)
        return poly

    @staticmethod
    def divides(part: Poly, exponents: Mapping[int, Rational]) -> bool:
        """Whether a product is 0 wherever a part is, which is a monomial: x^2 (sign x)^2 = x^2.

        >>> show(poly(power(("f", "abs", ("S", k, ("*", v(k), w(k)))), 2)))
        'sum[#1.0=1..D](v[#1.0]*w[#1.0])^2'
        """
        return len(part) == 1 and all(
            exponents.get(a, 0) >= e > 0 for monomial in part for a, e in monomial
        )

    @staticmethod
    def _angle(atom: Atom) -> Rational | None:
        """p of sin p and cos p, for a number p."""
        if atom[1] in ("sin", "cos") and len(atom[2]) == 1 and not atom[2][0][0]:
            return atom[2][0][1]  # type: ignore[no-any-return]
        return None

    def add_angles(self, a: int, b: int) -> Poly:
        """sin p cos q -> (sin(p + q) + sin(p - q))/2 and its like, for numbers p and q.

        Sines and cosines of several numbers are independent over the rational numbers only where
        they are not multiplied (Lindemann): sin(2) cos(1) - cos(2) sin(1) = sin(1).

        >>> one, two = (("f", "sin", ("q", Fraction(n))) for n in (1, 2))
        >>> show(poly(("*", one, two)))
        '1/2*cos(1) + -1/2*cos(3)'
        """

        def turn(name: str, angle: Rational) -> Poly:
            if not angle:
                return UNIT if name == "cos" else {}
            size: Poly = {(): angle if angle > 0 else -angle}
            turned = self.atom(("f", name, freeze(size)))
            return scale_poly(turned, -1) if angle < 0 and name == "sin" else turned

        if self.atoms[a][1] == "cos" and self.atoms[b][1] == "sin":
            a, b = b, a
        p, q = self._angle(self.atoms[a]), self._angle(self.atoms[b])
        assert p is not None and q is not None
        name = "cos" if self.atoms[a][1] == self.atoms[b][1] else "sin"
        sign = -1 if self.atoms[a][1] == self.atoms[b][1] == "sin" else 1
        outer, inner = turn(name, p + q), turn(name, p - q)
        return scale_poly(add_polys(inner, outer, sign), Fraction(1, 2))

    @staticmethod
    def _set(exponents: dict[int, Rational], a: int, e: Rational) -> None:
        if e:
            exponents[a] = e
        else:
            del exponents[a]

    def split(self, exponents: dict[int, Rational]) -> Poly | None:
        """Partial fractions over one denominator Q; None if there is nothing to do.

        lead(Q)/Q = 1 - (Q - lead(Q))/Q, and 1/(x^k Q) = (1/x^k - s/Q)/r where Q = r + x^k s, r a
        number.

        >>> show(poly(("*", a, power(sum_of(ONE, a), -1))))
        '1 + -1*(1 + a)^-1'
        """
        for a, e in exponents.items():
            if e >= 0 or self.atoms[a][0] != "P":
                continue
            poly: Poly = dict(self.atoms[a][1])
            lead = self.lead.get(a)
            if lead is None:
                order = sorted(
                    {b for m in poly for b, _ in m}, key=lambda b: (self.skeleton_of(b), b)
                )
                lead = max(poly, key=lambda m: self._graded(m, order))
                self.lead[a] = lead
            if all(exponents.get(b, 0) >= x for b, x in lead):
                rest = dict(exponents)
                for b, x in lead:
                    self._set(rest, b, rational_of(rest[b] - x))
                c = poly[lead]
                others = {m: v for m, v in poly.items() if m != lead}
                first = dict(rest)
                self._set(first, a, rational_of(e + 1))
                result = self.mul(self.reduce(rest), scale_poly(others, -1))
                return scale_poly(add_polys(self.reduce(first), result), Fraction(1) / c)
            apart = self.split_inverse(exponents, a, lead)
            if apart is not None:
                return apart
            number = poly.get(())
            if number is None:
                continue
            shared = self.shared.get(a)
            if shared is None:
                shared = self.shared[a] = _shared_powers(poly)
            for b, x in exponents.items():
                by = shared.get(b, 0)
                if x < 0 and by >= 1:
                    by = max(1, min(by, -x))  # e^1000 is one step, not a thousand
                    others = {}
                    for m, v in poly.items():
                        if m:
                            lower = dict(m)
                            self._set(lower, b, rational_of(lower[b] - by))
                            others[tuple(sorted(lower.items()))] = v
                    first = dict(exponents)
                    self._set(first, a, rational_of(e + 1))
                    second = dict(exponents)
                    self._set(second, b, rational_of(x + by))
                    result = self.mul(self.reduce(second), scale_poly(others, -1))
                    return scale_poly(add_polys(self.reduce(first), result), Fraction(1) / number)
        return None

    def split_inverse(self, exponents: dict[int, Rational], a: int, lead: Monomial) -> Poly | None:
        """1/(x Q) = (1/x - c/Q)/r where Q = r + c x, x the leading atom and r one positive product.

        It ends, since the exponent of x rises to 0.

        >>> show(poly(("*", power(a, -1), power(sum_of(a, b), -1))))
        'a^-1*b^-1 + -1*b^-1*(a + b)^-1'
        """
        poly: Poly = dict(self.atoms[a][1])
        if len(poly) != 2 or len(lead) != 1 or lead[0][1] != 1:
            return None
        x = lead[0][0]
        ((rest, scale),) = ((m, v) for m, v in poly.items() if m != lead)
        if exponents.get(x, 0) >= 0 or not rest or x in dict(rest):
            return None
        if any(self.sign(b) != "+" for b, _ in rest):
            return None
        first, second = dict(exponents), dict(exponents)
        self._bump(first, a, 1)
        self._bump(second, x, 1)
        difference = add_polys(self.reduce(first), self.reduce(second), -poly[lead])
        inverse: Poly = {tuple((b, -e) for b, e in rest): Fraction(1) / scale}
        return self.mul(difference, inverse)

    @staticmethod
    def _graded(monomial: Monomial, order: Sequence[int]) -> tuple[Rational, ...]:
        """Graded lexicographic, which products respect: splitting ends."""
        table = dict(monomial)
        return (sum(table.values()), *(table.get(b, 0) for b in order))

    def content(self, poly: Poly) -> tuple[Monomial, Rational, Poly]:
        """poly = c * monomial * prime, with prime canonical and free of denominators.

        >>> F.content(poly(sum_of(("*", TWO, a, x), ("*", TWO, a, y))))[1]
        Fraction(2, 1)
        """
        outside: dict[int, Rational] = {}
        while poly:
            self.spend(len(poly))
            tables = [dict(m) for m in poly]
            least = {
                a: lowest
                for a in {a: None for t in tables for a in t}
                if (lowest := min(t.get(a, 0) for t in tables)) and not self._idempotent(a)
            }
            if not least:
                break
            for a, e in least.items():
                self._bump(outside, a, e)
            quotient: Poly = {}
            for table, c in zip(tables, poly.values(), strict=True):
                for a, e in least.items():
                    self._bump(table, a, -e)
                quotient = accumulate(quotient, self.expand(table), c)
            poly = quotient
        if not poly:
            raise NotShown("zero is inverted or put under a logarithm")
        if len(poly) == 1:
            ((monomial, c),) = poly.items()
            return self._sorted(outside), c, ({monomial: 1} if monomial else UNIT)
        # coprime integers: a scale that does not depend on the names of indices
        c = common_factor(poly)
        if poly[max(poly)] < 0:
            c = -c
        prime = scale_poly(poly, 1 / Fraction(c))
        if not self.positive(prime):
            negative = scale_poly(prime, -1)
            if self.positive(negative):
                prime, c = negative, -c
        for factor, cofactor in self.unit_factors(prime):
            # 1 - 2p + p^2 is (1 - p)^2, which has a sign
            more, c2, last = self.content(cofactor)
            self._bump(outside, self.intern(("P", freeze(factor))), 1)
            for a, e in more:
                self._bump(outside, a, e)
            return self._sorted(outside), rational_of(c * c2), last
        return self._sorted(outside), c, prime

    @staticmethod
    def _sorted(table: Mapping[int, Rational]) -> Monomial:
        return tuple(sorted(table.items()))

    @staticmethod
    def _bump(table: dict[int, Rational], a: int, by: Rational) -> None:
        """Add to an exponent."""
        e = rational_of(table.get(a, 0) + by)
        if e:
            table[a] = e
        else:
            table.pop(a, None)

    def unit_factors(self, poly: Poly) -> list[tuple[Poly, Poly]]:
        """A factor 1 - p, p < 1, of a polynomial that has more, with its cofactor.

        >>> len(F.unit_factors(poly(power(minus(ONE, p), 2))))
        1
        """
        for a in {a: None for m in poly for a, _ in m}:
            domain = self._domain(a)
            ends = None if domain is None else domain.range(self.atoms[a][2], self.least)
            if ends is None or ends[1] != (1, True):
                continue
            degrees: dict[Rational, Poly] = {}
            for m, v in poly.items():
                table = dict(m)
                degree = table.pop(a, 0)
                if degree.denominator != 1 or degree < 0:
                    return []
                degrees.setdefault(degree, {})[tuple(sorted(table.items()))] = v
            top = int(max(degrees))
            if top > MAX_POWER or (top == 1 and len(poly) == 2 and () in poly) or top < 1:
                continue
            # synthetic division by (1 - p): q_k = a_0 + ... + a_k, remainder the sum of all
            total: Poly = {}
            quotient: Poly = {}
            for k in range(top + 1):
                total = add_polys(total, degrees.get(k, {}))
                if k < top:
                    for m, v in total.items():
                        key = tuple(sorted({**dict(m), **({a: k} if k else {})}.items()))
                        quotient[key] = v
            if not total and len(poly) > 2:
                return [({(): 1, ((a, 1),): -1}, quotient)]
        return []

    def times(self, poly: Poly, a: int, e: Rational) -> Poly:
        """poly * a^e, denominators expanded."""
        result: Poly = {}
        for m, c in poly.items():
            table = dict(m)
            self._bump(table, a, e)
            result = accumulate(result, self.expand(table), c)
        return result

    def expand(self, table: dict[int, Rational]) -> Poly:
        """A monomial whose denominators may not be split again while they are being cleared."""
        poly: Poly = {(): 1}
        plain: dict[int, Rational] = {}
        for a, e in table.items():
            if self.atoms[a][0] == "P" and e >= 1:
                if e > MAX_POWER:
                    raise NotShown("a power that is too high to be multiplied out")
                for _ in range(int(e)):
                    poly = self._plain_mul(poly, dict(self.atoms[a][1]))
                e = rational_of(e - int(e))
            if e:
                plain[a] = e
        return self._plain_mul(poly, {tuple(sorted(plain.items())): 1})

    def _plain_mul(self, left: Poly, right: Poly) -> Poly:
        self.spend(
            len(left) * len(right) + 2 * (_roots(left) * len(right) + _roots(right) * len(left))
        )
        result: Poly = {}
        for m, c in left.items():
            for n, v in right.items():
                table = dict(m)
                for a, e in n:
                    table[a] = rational_of(table.get(a, 0) + e)
                    if not table[a]:
                        del table[a]
                for a, e in table.items():
                    if e > 1 and self._idempotent(a):
                        table[a] = 1
                key = tuple(sorted(table.items()))
                result = accumulate(result, {key: 1}, c * v)
        return result

    def _idempotent(self, a: int) -> bool:
        domain = self._domain(a)
        return self.atoms[a][0] == "d" or (domain is not None and domain.is_bit)

    def power(self, poly: Poly, e: Rational) -> Poly:
        """poly^e for a rational e; what is inverted must be shown nonzero, roots need signs.

        >>> show(F.power(poly(a), -2))
        'a^-2'
        >>> F.power(poly(x), -1)
        Traceback (most recent call last):
            ...
        symelbo.checker.work.NotShown: not shown to be nonzero: x
        """
        e = rational_of(e)
        if e.denominator == 1 and e >= 0:
            if len(poly) > 1 and e > MAX_POWER:
                raise NotShown("a power that is too high to be multiplied out")
            if len(poly) == 1 and e > 1:
                return self.power_of_monomial(poly, int(e))
            result = UNIT
            for _ in range(int(e)):
                result = self.mul(result, poly)
            return dict(result)
        monomial, c, prime = self.content(poly)
        whole = e.denominator == 1
        if not whole:
            monomial, c = self.turn_negative(monomial, c)
        if not whole and c < 0:
            raise NotShown("a root of something not shown to be positive")
        if prime != UNIT and not (self.nonzero(prime) if whole else self.positive(prime)):
            raise NotShown("not shown to be nonzero: " + self.show(prime))
        for a, x in monomial:
            good = self.sign(a) == "+" or (whole and (x < 0 or self.nonzero_atom(a)))
            if not good and not (e > 0 and x > 0 and self.sign(a) == "0"):
                raise NotShown("not shown to be nonzero: " + self.show(self._one(a)))
        result = self.reduce({a: rational_of(x * e) for a, x in monomial})
        result = self.mul(result, self.number_power(c, e))
        if prime != UNIT:
            result = self.mul(result, self.reduce({self.intern(("P", freeze(prime))): e}))
        return result

    def turn_negative(self, monomial: Monomial, c: Rational) -> tuple[Monomial, Rational]:
        """c a^n -> (-c) (-a)^n for n odd and a negative.

        >>> monomial, c = F.turn_negative(((F.intern(("f", "log", freeze(poly(p)))), 3),), -2)
        >>> show({monomial: c})
        '2*(-1*log(p))^3'
        """
        table: dict[int, Rational] = {}
        for a, e in monomial:
            if e.denominator == 1 and e % 2 and self.sign(a) != "+" and self.negative(a):
                a, c = self.intern(("P", freeze({((a, 1),): -1}))), -c
            self._bump(table, a, e)  # -a may be a factor already
        return self._sorted(table), c

    def power_of_monomial(self, poly: Poly, e: int) -> Poly:
        """(c m)^n -> c^n m^n, by repeated squares."""
        result, square = UNIT, poly
        while e:
            if e % 2:
                result = self.mul(result, square)
            e //= 2
            if e:
                square = self.mul(square, square)
        return dict(result)

    def number_power(self, c: Rational, e: Rational) -> Poly:
        """c^e as a number times roots of primes.

        >>> show(F.number_power(12, Fraction(1, 2)))
        '2*3^1/2'
        """
        if _bits(c) * max(e, -e) > MAX_BITS:
            raise NotShown("a power that is too large")
        if e.denominator == 1:
            return {(): rational_of(Fraction(c) ** int(e))}
        exponents: dict[int, Rational] = {}
        parts: tuple[tuple[int, int], ...] = ((c.numerator, 1), (c.denominator, -1))
        for value, sign in parts:
            for prime, k in primes_of(value):
                exponents[self.intern(("N", prime))] = sign * k * e
        return self.reduce(exponents)

    def _one(self, a: int) -> Poly:
        return {((a, 1),): 1}

    def all_atoms(self, poly: Poly, known: Container[int] = ()) -> list[int]:
        """The atoms of a polynomial, those inside others too, but for those that are known."""
        seen: dict[int, None] = {}
        stack = [a for m in poly for a, _ in m]
        while stack:
            a = stack.pop()
            if a in seen or a in known:
                continue
            seen[a] = None
            atom = self.atoms[a]
            if atom[0] == "f":
                stack += [b for p in atom[2:] for m, _ in p for b, _ in m]
            elif atom[0] in ("P", "H"):
                stack += [b for m, _ in atom[1] for b, _ in m]
            elif atom[0] == "S":
                stack += [b for b, _ in atom[2]]
            elif atom[0] in ("Inv", "LD"):
                stack += [b for m, _ in atom[1][1] for b, _ in m]
            elif atom[0] == "A":
                stack += [b for _, p in atom[3] for m, _ in p for b, _ in m]
        self.spend(len(seen))
        return sorted(seen)

    # ------------------------------------------------------------------------- text

    def show(self, poly: Poly) -> str:
        """The start of a polynomial, to be read."""
        parts = []
        for m, c in list(poly.items())[:12]:
            factors = [self._text(a) + (f"^{e}" if e != 1 else "") for a, e in m]
            parts.append("*".join([*([str(c)] if c != 1 or not m else []), *factors]))
        return _start(" + ".join(parts) or "0")

    def _text(self, a: int) -> str:
        """An atom, to be read: of a long one the start, since it may stand in many others."""
        if a not in self.texts:
            self.texts[a] = _start(self._show_atom(self.atoms[a]))
        return self.texts[a]

    def _show_index(self, i: RawIndex) -> str:
        if i[0] == "i":
            return str(i[1])
        if i[0] == "o":
            return f"{self._show_index(i[1])}{i[2]:+d}"
        if i[0] == "p":
            return f"{i[1]}{i[2]:+d}" if i[1] and i[2] else i[1] or str(i[2])
        return str(i[1]) + (f"[{','.join(map(self._show_index, i[4]))}]" if i[4] else "")

    def _show_atom(self, atom: Atom) -> str:
        head = atom[0]
        if head in ("n", "c", "N"):
            return str(atom[1])
        if head == "iv":
            return self._show_index(atom[1])
        if head == "v":
            return f"{atom[1]}[{','.join(map(self._show_index, atom[3]))}]".replace("[]", "")
        if head == "d":
            return f"delta({self._show_index(atom[1])},{self._show_index(atom[2])})"
        if head == "f":
            return f"{atom[1]}({', '.join(self.show(dict(p)) for p in atom[2:])})"
        if head in ("P", "H"):
            return f"({self.show(dict(atom[1]))})"
        if head == "S":
            names = ",".join(
                f"{v[1]}={v[2]}..{v[3]}{v[4]:+d}" if v[4] else f"{v[1]}={v[2]}..{v[3]}"
                for v in atom[1]
            )
            return f"sum[{names}]({self.show({atom[2]: 1})})"
        if head in ("Inv", "LD"):
            where = (
                f"[{self._show_index(atom[2])},{self._show_index(atom[3])}]"
                if head == "Inv"
                else ""
            )
            return f"{head}({self.show(dict(atom[1][1]))}){where}"
        if head == "A":
            arrays = ", ".join(self.show(dict(p)) for _, p in atom[3])
            where = ",".join(map(self._show_index, atom[4]))
            return f"{atom[1]}{chr(39) * len(atom[5])}({arrays})[{where}]"
        return str(head)
