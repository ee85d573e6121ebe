"""Signs: what is positive, what is not 0, and the range of the values of an atom.

A sign is "+" (positive), "0" (not negative) or "" (unknown).  An unknown sign is no statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from math import comb, gcd, lcm
from typing import Final

from .domains import End, domain_of
from .interval import certainly_positive
from .polynomial import (
    UNIT,
    Atom,
    Monomial,
    Poly,
    Polynomials,
    Rational,
    add_polys,
    freeze,
    primitive_of,
    scale_poly,
)
from .squares import is_sum_of_squares
from .terms import NotShown, Raw, RawIndex

__all__ = ["MINUS", "Signs"]

MAX_DEGREE = 12  # along a range
MAX_SUMMED = 4  # ranges of a sum, and sums that are taken together
MAX_CHOICES = 16  # of the range that such sums have in common
MINUS: Final = frozenset((-1,))  # the factor -1 of a product


class Signs(Polynomials):
    """Rules for signs; each is sound at every admissible value of the entries."""

    def sign(self, a: int) -> str:
        """ "+" positive, "0" not negative, "" unknown.

        >>> [F.sign(F.intern(atom)) for atom in (a, z, x)]
        ['+', '0', '']
        """
        if a not in self.signs:
            self.signs[a] = self._sign(self.atoms[a])
            if self.signs[a] != "+" and self.patterns:
                self.instantiate(self.variables[a])
        return self.signs[a]

    def _sign(self, atom: Atom) -> str:
        head = atom[0]
        if head in ("n", "c", "N"):
            return "+" if head != "c" or atom[1] in ("pi", "PI") else ""
        if head == "v" or (head == "A" and not atom[5]):
            return domain_of(atom[2]).sign(atom[2], atom[3] if head == "v" else ())
        if head == "iv":
            if atom[1][0] == "p" and not atom[1][1]:
                return ""
            span = self.span(atom[1])
            return "+" if span is not None and span[0] >= 1 else ""
        if head == "f":
            if atom[1] == "exp":
                return "+"
            if atom[1] == "log":  # log a > 0 where a > 1
                return "+" if self.positive(add_polys(dict(atom[2]), UNIT, -1)) else ""
            if atom[1] == "erf":
                return "+" if self.positive(dict(atom[2])) else ""
            if atom[1] == "polygamma" and dict(atom[2]).get((), 0) % 2 == 1 and len(atom[2]) == 1:
                return "+" if self.positive(dict(atom[3])) else ""
            closed = self.closed_term(self._one(self.numbers[atom])) if len(atom) == 3 else None
            if closed is not None and certainly_positive(closed):
                return "+"
            return ""
        if head == "P":
            return "+" if self.positive(dict(atom[1])) else ""
        if head == "H":
            return self.poly_sign(dict(atom[1]))
        if head == "d":
            return "0"
        if head == "S":
            sign = self.monomial_sign(atom[2])
            if sign == "+" and not all(self.length_at_least(v) >= 1 for v in atom[1]):
                return "0"
            try:
                return sign or self.sign_of_sum(atom)
            except NotShown:
                return ""
        if head == "Inv" and atom[2] == atom[3] and self.posdef(atom[1]):
            return "+"
        return ""

    def length_at_least(self, variable: RawIndex) -> int:
        """How many places a range has at the smallest sizes."""
        _, _, low, size, offset = variable
        return int((self.least.get(size, 1) if size else 0) + offset - low + 1)

    def monomial_sign(self, monomial: Monomial, turned: bool = False) -> str:
        """The sign of a product of powers, from those of its factors; even powers are not negative,
        nor is a product of two that are, nor one that is assumed to be positive.  turned: of minus
        the product.

        >>> (monomial,) = poly(("*", a, power(x, 2)))
        >>> F.monomial_sign(monomial)
        '0'
        """
        result = "+"
        unknown: set[int] = set()
        sizes = self._sizes(monomial)
        for a, e in monomial:
            sign = self.sign(a)
            if sign == "+":
                continue
            if a in sizes:
                result = "0"
                continue
            even = e.denominator == 1 and e % 2 == 0
            if e.denominator == 1 and not sign and self.negative(a):
                turned ^= not even
                continue
            if e > 0 and even and a in self.assumed_atoms:
                continue
            if e > 0 and (sign == "0" or even):
                result = "0"
            elif e < 0 and e.denominator == 1 and (e % 2 == 0 or sign == "0"):
                continue  # an inverted factor has been shown to be nonzero
            elif e.denominator == 1 and not sign and self.assumed_products:
                unknown.add(a)
            else:
                return ""
        left = self.left_of_product(frozenset(unknown)) ^ (MINUS if turned else frozenset())
        return "" if left else result

    def left_of_product(self, factors: frozenset[int]) -> frozenset[int]:
        """The factors of a product without those of products that are assumed to be positive.

        >>> left = F.left_of_product(frozenset((F.intern(x),)))
        >>> left == {F.intern(x)}
        True
        """
        for factor in factors & self.assumed_products.keys():
            factors ^= self.assumed_products[factor]
        return factors

    def _sizes(self, monomial: Monomial) -> set[int]:
        """The factors a and sign(a) of a^n sign(a), n odd, which is not negative."""
        found: set[int] = set()
        for a, e in monomial:
            atom = self.atoms[a]
            if e != 1 or atom[:2] != ("f", "sign") or len(atom[2]) != 1:
                continue
            ((inner, c),) = atom[2]
            if len(inner) == 1 and inner[0][1] == 1 and c > 0:
                n = dict(monomial).get(inner[0][0], 0)
                if n > 0 and n.denominator == 1 and n % 2:
                    found |= {a, inner[0][0]}
        return found

    def positive(self, poly: Poly) -> bool:
        """Whether a polynomial is shown to be positive."""
        if self.poly_sign(poly) == "+":
            return True
        if not self.patterns:
            return False
        variables = frozenset(v for m in poly for a, _ in m for v in self.variables[a])
        return self.instantiate(variables) and self.poly_sign(poly) == "+"

    def poly_sign(self, poly: Poly) -> str:
        """Positive coefficients on signed monomials, or on squares; else along the range of an
        atom, as a square, a size or a sum of what has a sign.

        >>> F.poly_sign(poly(sum_of(a, power(x, 2))))
        '+'
        >>> F.poly_sign(poly(minus(a, b)))
        ''
        """
        if not poly:
            return "0"
        self.spend(len(poly))
        result = "0"
        for m, c in poly.items():
            sign = self.monomial_sign(m, c < 0)
            if not sign:
                result = ""
                break
            if sign == "+":
                result = "+"
        if result == "+" or freeze(primitive_of(poly)) in self.assumed_positive:
            return "+"
        if result:
            return "0"
        key = freeze(poly), len(self.assumed_atoms)
        if key not in self.signs_by_rule:
            self.signs_by_rule[key] = self._sign_by_rule(poly)
        return self.signs_by_rule[key]

    def _sign_by_rule(self, poly: Poly) -> str:
        found = ""
        for rule in self._rules(poly):
            try:
                sign = rule()
            except NotShown:  # of a power or a sum that it takes on its way
                continue
            if sign == "+":
                return sign
            if sign:
                found = sign
                break
        closed = self.closed_term(poly)  # a square of numbers may be told from 0
        return "+" if closed is not None and certainly_positive(closed) else found

    def _rules(self, poly: Poly) -> Iterator[Callable[[], str]]:
        """What may tell the sign of a polynomial, cheap rules first."""
        self.spend(len(poly))
        for a, e in {(a, e): None for m in poly for a, e in m if e < 0}:
            if self.atoms[a][0] == "P" and self.sign(a) == "+":
                least = min(dict(m).get(a, 0) for m in poly)
                if e == least and e.denominator == 1:  # times a positive denominator
                    yield partial(self._sign_times, poly, a, -e)
                    return
        yield partial(self.sign_of_squares, poly)
        for a in {a: None for m in poly for a, _ in m}:
            for rule in (self.sign_along, self.sign_of_square, self.sign_of_size):
                yield partial(rule, poly, a)
        yield partial(self.sign_under_sum, poly)

    def _sign_times(self, poly: Poly, a: int, e: Rational) -> str:
        """The sign of p a^e, a positive."""
        return self.poly_sign(self.times(poly, a, e))

    def sign_along(self, poly: Poly, a: int) -> str:
        """The sign of sum_k c_k y^k, y = a^g in a range, from those of its Bernstein coefficients.

        At an infinite end they are those of the powers of the distance from the other.  An end
        that is not attained may have the sign 0.

        >>> F.positive(poly(minus(ONE, p)))
        True
        >>> F.positive(poly(minus(ONE, power(p, 3))))
        True
        """
        if self.atoms[a][0] == "iv":
            return self.sign_along_index(poly, a)
        ends = self.range_of(a)
        if ends is None or ends == (None, None):
            return ""
        exponents = {Fraction(dict(m).get(a, 0)) for m in poly}
        lowest = min(exponents)
        if self.sign(a) == "+":
            least = ends[0]
            if least is None or least[0] < 0:
                ends = (0, True), ends[1]
            poly = self.times(poly, a, -lowest) if lowest < 0 else poly
            exponents = {Fraction(dict(m).get(a, 0)) for m in poly}
            lowest = min(exponents)
        bottom = lcm(*(e.denominator for e in exponents))
        step = Fraction(gcd(*(int(e * bottom) for e in exponents)), bottom)
        if lowest < 0 or not step or max(exponents) / step > MAX_DEGREE:
            return ""
        reached = self._power_of_range(ends, step)
        if reached is None:
            return ""
        parts: list[Poly] = [{} for _ in range(int(max(exponents) / step) + 1)]
        for m, v in poly.items():
            table = dict(m)
            degree = table.pop(a, 0)
            parts[int(degree / step)][self._sorted(table)] = v
        return self._sign_between(parts, *reached)

    @staticmethod
    def _power_of_range(
        ends: tuple[End | None, End | None], e: Fraction
    ) -> tuple[End | None, End | None] | None:
        """The ends of y^e for e > 0 and y between ends, where these are rational."""
        low, high = ends
        if e == 1:
            return ends
        whole = e.denominator == 1
        if whole and e % 2 == 0 and (low is None or low[0] < 0):
            if low is None or high is None:
                return (0, False), None
            return (0, False), (max(low[0] ** int(e), high[0] ** int(e)), low[1] and high[1])
        if not whole and any(end is not None and end[0] not in (0, 1) for end in ends):
            return None
        return (
            low and (low[0] ** int(e) if whole else low[0], low[1]),
            high and (high[0] ** int(e) if whole else high[0], high[1]),
        )

    def _sign_between(self, parts: list[Poly], low: End | None, high: End | None) -> str:
        """The sign of sum_k c_k y^k for y between ends of which one is a number."""
        if low is None:
            assert high is not None
            low, high = (-high[0], high[1]), None  # y -> -y
            parts = [scale_poly(c, (-1) ** k) for k, c in enumerate(parts)]
        top = len(parts) - 1
        width = Fraction(1) if high is None else Fraction(high[0]) - low[0]

        def combine(parts: list[Poly], weight: Callable[[int, int], Rational]) -> list[Poly]:
            found = []
            for k in range(top + 1):
                total: Poly = {}
                for i, part in enumerate(parts):
                    total = add_polys(total, part, by) if (by := weight(k, i)) else total
                found.append(total)
            return found

        start = low[0]
        shifted = combine(
            parts, lambda k, i: comb(i, k) * start ** (i - k) * width**k if i >= k else 0
        )
        if high is not None:
            shifted = combine(shifted, lambda k, i: Fraction(comb(k, i), comb(top, i)))
        signs = []
        for part in shifted:
            signs.append(self.poly_sign(part))
            if not signs[-1]:
                return ""
        at_low, at_high = low[1] or signs[0] == "+", high is None or high[1] or signs[-1] == "+"
        return "+" if "+" in signs and at_low and at_high else "0"

    def sign_of_square(self, poly: Poly, a: int) -> str:
        """c0 + c1 x + c2 x^2 is positive where c2 > 0 and 4 c0 c2 > c1^2.

        >>> F.positive(poly(sum_of(power(x, 2), x, ONE)))
        True
        """
        parts: dict[Rational, Poly] = {0: {}, 1: {}, 2: {}}
        for m, v in poly.items():
            table = dict(m)
            degree = table.pop(a, 0)
            if degree not in parts:
                return ""
            parts[degree][tuple(sorted(table.items()))] = v
        if not parts[1] or not parts[2] or self.poly_sign(parts[2]) != "+":
            return ""
        square = self.mul(parts[1], parts[1])
        rest = add_polys(scale_poly(self.mul(parts[0], parts[2]), 4), square, -1)
        return "+" if self.poly_sign(rest) == "+" else ""

    def sign_of_squares(self, poly: Poly) -> str:
        """Of a sum of squares of polynomials: positive where one of them is.

        >>> F.positive(poly(sum_of(power(sum_of(("*", x, y), a), 2), power(x, 2), ONE)))
        True
        """

        def signed(a: int) -> bool:
            return self.sign(a) != ""

        if not is_sum_of_squares(poly, signed, self._idempotent):
            return ""
        for m, c in poly.items():
            strict = c > 0 and self.monomial_sign(m) == "+"
            if strict and is_sum_of_squares(poly, signed, self._idempotent, m):
                return "+"
        return "0"

    def sign_of_size(self, poly: Poly, a: int) -> str:
        """c0 + c1 |b| has the sign of c0 where c1 is not negative.

        >>> F.positive(poly(sum_of(ONE, ("f", "abs", sum_of(x, y)))))
        True
        """
        atom = self.atoms[a]
        if atom[:2] != ("f", "sign") or {dict(m).get(a, 0) for m in poly} - {0, 1}:
            return ""
        inner = dict(atom[2])
        constant = {m: c for m, c in poly.items() if a not in dict(m)}
        left = self.times({m: c for m, c in poly.items() if a in dict(m)}, a, -1)
        top = max(inner)
        quotient: Poly = {}
        for _ in range(len(left)):
            m = max(left)
            table = dict(m)
            for b, e in top:
                self._bump(table, b, -e)
            by: Poly = {self._sorted(table): Fraction(left[m]) / inner[top]}
            quotient = add_polys(quotient, by)
            left = add_polys(left, self.mul(by, inner), -1)
            if not left:
                break
        inverted = {b for m in poly for b, e in m if e < 0}
        if left or any(
            e < 0 and b not in inverted and self.sign(b) != "+" for m in quotient for b, e in m
        ):
            return ""
        return self.poly_sign(constant) if self.poly_sign(quotient) else ""

    def sign_of_sum(self, atom: Atom) -> str:
        """Of sum_ij f(i, j): that of sum_j f(i, j).

        >>> squares = poly(("S", k, power(("S", l, ("*", ("f", "exp", v(k)), v(l))), 2)))
        >>> F.poly_sign(squares)
        '0'
        """
        if not 1 < len(atom[1]) <= MAX_SUMMED:
            return ""
        odd: dict[object, int] = {}
        for a, e in atom[2]:
            if self.atoms[a][:2] == ("f", "sign"):
                break
            if not self.sign(a) and not (e.denominator == 1 and e % 2 == 0):
                odd[self.atoms[a][1]] = odd.get(self.atoms[a][1], 0) + 1
        else:
            if any(n % 2 for n in odd.values()):
                return ""  # no square
        variables, body = self.open(atom[1], {atom[2]: 1}, frozenset())
        for v in variables:
            sign = self.poly_sign(self.total([w for w in variables if w != v], body))
            if sign:
                return sign if self.length_at_least(v) >= 1 else "0"
        return ""

    def sign_under_sum(self, poly: Poly) -> str:
        """c + sum_i f(i) + sum_i g(i): that of c + sum_i (f(i) + g(i)).

        >>> absolute = ("f", "abs", sum_of(v(k), w(k)))
        >>> F.positive(poly(sum_of(ONE, ("S", k, absolute))))
        True
        """
        sums = {m: [a for a, e in m if self.atoms[a][0] == "S" and e == 1] for m in poly}
        chosen = {
            m: [(a, v) for a in sums[m] for v in self.atoms[a][1]]
            for m, c in poly.items()
            if sums[m] and not (c > 0 and self.monomial_sign(m))
        }
        for over in dict.fromkeys(v[2:] for options in chosen.values() for _, v in options):
            options = {
                m: [(a, v) for a in sums[m] for v in self.atoms[a][1] if v[2:] == over]
                for m in poly
            }
            inside = [m for m in poly if options[m]]
            outside = {m: c for m, c in poly.items() if not options[m]}
            choices = 1
            for m in inside:
                choices *= len(options[m])
            if not 1 < len(inside) <= MAX_SUMMED or choices > MAX_CHOICES:
                continue
            rest = self.poly_sign(outside)
            if not rest:
                continue
            for choice in product(*(options[m] for m in inside)):
                sign = self._sign_of_summand({m: poly[m] for m in inside}, choice)
                if sign:
                    strict = sign == "+" and self.length_at_least(choice[0][1]) >= 1
                    return "+" if strict or rest == "+" else "0"
        return ""

    def _sign_of_summand(self, poly: Poly, choice: Sequence[tuple[int, RawIndex]]) -> str:
        """The sign of f(i) of sum_i f(i), where each monomial says what its i is."""
        common = self.new(choice[0][1])
        total: Poly = {}
        for (m, c), (a, v) in zip(poly.items(), choice, strict=True):
            _, bound, monomial = self.atoms[a]
            variables, body = self.open(bound, {monomial: 1}, frozenset())
            mine = variables.pop(self.atoms[a][1].index(v))
            inner = self.replace(self.total(variables, body), {mine: common})
            table = dict(m)
            self._bump(table, a, -1)
            total = add_polys(total, self.mul({self._sorted(table): 1}, inner), c)
        return self.poly_sign(total)

    def sign_along_index(self, poly: Poly, a: int) -> str:
        """The sign of c0 + c1 i for an index i, from both ends of its range.

        >>> F.positive(poly(sum_of(("iv", i), ONE)))
        True
        """
        constant: Poly = {}
        slope: Poly = {}
        for m, v in poly.items():
            table = dict(m)
            degree = table.pop(a, 0)
            if degree not in (0, 1):
                return ""
            (slope if degree else constant)[self._sorted(table)] = v
        span = self.span(self.atoms[a][1])
        if span is None:
            return ""
        low, size, offset = span
        high: Poly = {(): offset} if offset else {}
        if size:
            high = add_polys(high, self.atom(("n", size)))
        at_low = self.poly_sign(add_polys(constant, slope, low))
        at_high = self.poly_sign(add_polys(constant, self.mul(slope, high)))
        if not at_low or not at_high:
            return ""
        return "+" if (at_low, at_high) == ("+", "+") else "0"

    def range_of(self, a: int) -> tuple[End | None, End | None] | None:
        """The ends (value, whether it is excluded; None: infinite) of the values of an atom.

        >>> F.range_of(F.intern(p))
        ((0, True), (1, True))
        """
        atom = self.atoms[a]
        head = atom[0]
        if head == "v" or (head == "A" and not atom[5]):
            return domain_of(atom[2]).range(atom[2], self.least)
        if head == "iv":  # its ends may be symbolic: see `sign_along_index`
            return (1, False), None
        if head == "n":
            return (self.least.get(atom[1], 1), False), None
        if head == "f" and atom[1] == "exp":
            if self.positive(dict(atom[2])):
                return (1, True), None
            if self.positive(scale_poly(dict(atom[2]), -1)):
                return (0, True), (1, True)
        if head == "f" and atom[1] == "log":
            if self.positive(add_polys(dict(atom[2]), UNIT, -1)):
                return (0, True), None
            if self.positive(add_polys(UNIT, dict(atom[2]), -1)):
                return None, (0, True)
        if head == "f" and atom[1] in ("erf", "besselratio"):
            return (-1, True), (1, True)
        if head == "f" and atom[1] in ("sin", "cos"):
            return (-1, False), (1, False)
        return None

    def closed_term(self, poly: Poly) -> Raw | None:
        """The polynomial as a term, if it holds numbers and elementary functions of these only.

        >>> F.closed_term(poly(x)) is None
        True
        """
        self.spend(len(poly))
        parts: list[Raw] = []
        for monomial, c in poly.items():
            factors: list[Raw] = [("q", Fraction(c))]
            for a, e in monomial:
                if a not in self.closed:
                    self.closed[a] = self.closed_atom(self.atoms[a])
                base = self.closed[a]
                if base is None:
                    return None
                factors.append(("^", base, ("q", Fraction(e))))
            parts.append(("*", *factors))
        return ("+", *parts)

    def closed_atom(self, atom: Atom) -> Raw | None:
        """The atom as a term, if it is a number or an elementary function of numbers.

        >>> F.closed_atom(("c", "pi"))
        ('c', 'pi')
        """
        if atom[0] == "N":
            return ("q", Fraction(atom[1]))
        if atom[0] == "c":
            return atom
        if atom[0] in ("P", "H"):
            return self.closed_term(dict(atom[1]))
        if atom[0] == "f" and len(atom) == 3:
            argument = self.closed_term(dict(atom[2]))
            return None if argument is None else ("f", atom[1], argument)
        return None

    def nonzero_atom(self, a: int) -> bool:
        """Whether an atom differs from 0: by its sign, by assumption, or since it is a sign."""
        atom = self.atoms[a]
        if atom[:2] == ("f", "sign") and self.generic(dict(atom[2])):
            return True
        return self.sign(a) == "+" or a in self.assumed_atoms or self.negative(a)

    def negative(self, a: int) -> bool:
        """Whether an atom is negative, as the logarithm of a probability is.

        >>> F.negative(F.intern(("f", "log", freeze(poly(p)))))
        True
        """
        high = (self.range_of(a) or (None, None))[1]
        return high is not None and (high[0] < 0 or high == (0, True))

    def nonzero(self, poly: Poly) -> bool:
        """For a canonical prime polynomial.

        >>> F.nonzero(poly(sum_of(a, ONE))), F.nonzero(poly(x))
        (True, False)
        """
        if self.positive(poly) or self.positive(scale_poly(poly, -1)):
            return True
        return freeze(poly) in self.assumed or freeze(scale_poly(poly, -1)) in self.assumed

    def generic(self, part: Poly) -> bool:
        """Whether something is 0 almost nowhere: linear in a continuous entry that is alone.

        Densities count almost everywhere, and velocities are continuous: so it may be inverted.

        >>> F.generic(poly(x)), F.generic(poly(minus(z, z2)))
        (True, False)
        """
        if self.nonzero(part) or (len(part) == 1 and self._is_assumed(part)):
            return True
        if self.everywhere:
            return False
        for monomial in part:
            for a, e in monomial:
                atom = self.atoms[a]
                if atom[0] != "v" or not domain_of(atom[2]).is_continuous or e != 1:
                    continue
                others = [m for m in part if m != monomial]
                beside = [(b, x) for b, x in monomial if b != a]
                if any(self.occurs(a, m) for m in (*others, tuple(beside))):
                    continue
                if all(self.sign(b) == "+" for b, _ in beside):
                    self.assumed.add(freeze(part))
                    if len(part) == len(monomial) == 1:
                        self.assumed_atoms.add(a)
                    return True
        return False

    def _is_assumed(self, part: Poly) -> bool:
        (monomial,) = part
        return all(a in self.assumed_atoms for a, _ in monomial)

    def occurs(self, a: int, monomial: Monomial) -> bool:
        """Whether an entry, or one that may be the same, occurs anywhere in a monomial."""
        name = self.atoms[a][1]
        return any(
            self.atoms[b][0] in ("v", "A") and self.atoms[b][1] == name
            for b in self.all_atoms({monomial: 1})
        )
