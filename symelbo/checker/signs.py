"""Signs: what is positive, what is not 0, and the range of the values of an atom.

A sign is "+" (positive), "0" (not negative) or "" (unknown).  An unknown sign is no statement.
"""

from __future__ import annotations

from fractions import Fraction

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
from .terms import Raw, RawIndex

__all__ = ["Signs"]


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
        if head == "d":
            return "0"
        if head == "S":
            sign = self.monomial_sign(atom[2])
            if sign == "+" and not all(self.length_at_least(v) >= 1 for v in atom[1]):
                return "0"
            return sign
        if head == "Inv" and atom[2] == atom[3] and self.posdef(atom[1]):
            return "+"
        return ""

    def length_at_least(self, variable: RawIndex) -> int:
        """How many places a range has at the smallest sizes."""
        _, _, low, size, offset = variable
        return int((self.least.get(size, 1) if size else 0) + offset - low + 1)

    def monomial_sign(self, monomial: Monomial) -> str:
        """The sign of a product of powers, from those of its factors; even powers are not negative.

        >>> (monomial,) = poly(("*", a, power(x, 2)))
        >>> F.monomial_sign(monomial)
        '0'
        """
        result = "+"
        for a, e in monomial:
            sign = self.sign(a)
            if sign == "+":
                continue
            even = e.denominator == 1 and e % 2 == 0
            if e > 0 and even and a in self.assumed_atoms:
                continue
            if e > 0 and (sign == "0" or even):
                result = "0"
            elif e < 0 and e.denominator == 1 and (e % 2 == 0 or sign == "0"):
                continue  # an inverted factor has been shown to be nonzero
            else:
                return ""
        return result

    def positive(self, poly: Poly) -> bool:
        """Whether a polynomial is shown to be positive."""
        if self.poly_sign(poly) == "+":
            return True
        if not self.patterns:
            return False
        variables = frozenset(v for m in poly for a, _ in m for v in self.variables[a])
        return self.instantiate(variables) and self.poly_sign(poly) == "+"

    def poly_sign(self, poly: Poly) -> str:
        """Positive coefficients on signed monomials; else affine in an atom of a known range (or in
        its square): the signs at the ends of the range.

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
            sign = self.monomial_sign(m) if c > 0 else ""
            if not sign:
                break
            if sign == "+":
                result = "+"
        else:
            return result
        if freeze(primitive_of(poly)) in self.assumed_positive:
            return "+"
        for a, e in {(a, e): None for m in poly for a, e in m if e < 0}:
            if self.atoms[a][0] == "P" and self.sign(a) == "+":
                least = min(dict(m).get(a, 0) for m in poly)
                if e == least and e.denominator == 1:  # times a positive denominator
                    return self.poly_sign(self.times(poly, a, -e))
        for a in {a: None for m in poly for a, _ in m}:
            sign = self.sign_along(poly, a) or self.sign_of_square(poly, a)
            if sign:
                return sign
        closed = self.closed_term(poly)
        return "+" if closed is not None and certainly_positive(closed) else ""

    def sign_along(self, poly: Poly, a: int) -> str:
        """The sign of c0 + c1 x, x = a or a^2 in a range, from the signs at its two ends.

        At an infinite end: from the sign of c1.  An end that is not attained may have the sign 0.

        >>> F.positive(poly(minus(ONE, p)))
        True
        """
        degrees = {dict(m).get(a, 0) for m in poly}
        bounds = self.range_of(a)
        if bounds is None or not (degrees <= {0, 1} or degrees <= {0, 2}):
            return ""
        constant: Poly = {}
        slope: Poly = {}
        for m, v in poly.items():
            table = dict(m)
            target = slope if table.pop(a, 0) else constant
            target[tuple(sorted(table.items()))] = v
        low, high = bounds
        if self.atoms[a][0] == "iv" and degrees <= {0, 1}:
            return self.sign_along_index(constant, slope, a)
        if max(degrees) == 2:
            if low is None or high is None:
                return ""
            strict = low[1] and high[1]
            low, high = (0, False), (max(low[0] * low[0], high[0] * high[0]), strict)
        if low is None:
            if high is None:
                return ""
            low, high = (-high[0], high[1]), None  # x -> -x
            slope = scale_poly(slope, -1)
        at_low = self.poly_sign(add_polys(constant, slope, low[0]))
        at_high = self.poly_sign(slope if high is None else add_polys(constant, slope, high[0]))
        if not at_low or not at_high:
            return ""
        open_high = high is None or high[1]
        if at_low == "+" and (at_high == "+" or open_high):
            return "+"
        return "+" if at_high == "+" and low[1] else "0"

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

    def sign_along_index(self, constant: Poly, slope: Poly, a: int) -> str:
        """The sign of c0 + c1 i for an index i, from both ends of its range.

        >>> F.positive(poly(sum_of(("iv", i), ONE)))
        True
        """
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
            return domain_of(atom[2]).range(atom[2])
        if head == "iv":  # its ends may be symbolic: see `sign_along_index`
            return (1, False), None
        if head == "n":
            return (self.least.get(atom[1], 1), False), None
        if head == "f" and atom[1] == "exp":
            if self.positive(dict(atom[2])):
                return (1, True), None
            if self.positive(scale_poly(dict(atom[2]), -1)):
                return (0, True), (1, True)
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
        if atom[0] == "P":
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
        return self.sign(a) == "+" or a in self.assumed_atoms

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
