"""From terms to normal forms, and the last step of the zero test: denominators are cleared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import permutations
from typing import Final, NamedTuple

from .domains import domain_of
from .matrices import Matrices
from .polynomial import (
    MAX_FACTOR,
    MAX_POWER,
    MAX_PRODUCT,
    UNIT,
    Poly,
    Rational,
    accumulate,
    add_polys,
    freeze,
    primitive_of,
    rational_of,
    scale_poly,
)
from .signs import MINUS
from .terms import Array, NotShown, Raw, RawIndex, is_bound, map_entries, map_indices, walk

__all__ = ["NOTHING", "Forms", "Hypotheses"]

MAX_PATTERN = 3  # free indices of what is positive everywhere


class Hypotheses(NamedTuple):
    """What may be used without proof, because it is stated as a condition of the result.

    nonzero, positive: terms; posdef: matrices; least: the smallest value of each size, 1 if not
    given.  everywhere: nothing is left out because it happens almost nowhere.  patterns: terms that
    are positive at all values of their free indices.
    """

    nonzero: tuple[Raw, ...] = ()
    positive: tuple[Raw, ...] = ()
    posdef: tuple[Array, ...] = ()
    least: tuple[tuple[str, int], ...] = ()
    everywhere: bool = False
    patterns: tuple[Raw, ...] = ()

    def map(self, what: Mapping[RawIndex, RawIndex]) -> Hypotheses:
        """The same with free indices replaced."""
        return self._each(lambda raw: map_indices(raw, what))

    def put(self, entries: Mapping[Raw, Raw]) -> Hypotheses:
        """The same with entries replaced."""
        return self._each(lambda raw: map_entries(raw, entries))

    def _each(self, change: Callable[[Raw], Raw]) -> Hypotheses:
        return self._replace(
            nonzero=tuple(map(change, self.nonzero)),
            positive=tuple(map(change, self.positive)),
            posdef=tuple((v, change(b)) for v, b in self.posdef),
        )


NOTHING: Final = Hypotheses()


def _without_inverses(raw: Raw) -> Raw:
    """a b^-n -> a b^n, of the same sign where the former has a value, as what is assumed has."""
    if raw[0] == "*":
        return ("*", *map(_without_inverses, raw[1:]))
    if raw[0] == "^" and raw[2][0] == "q" and raw[2][1] < 0 and raw[2][1].denominator == 1:
        return ("^", raw[1], ("q", -raw[2][1]))
    return raw


class Forms(Matrices):
    """One zero test: a term is zero if its normal form, denominators cleared, is empty."""

    def assume(self, given: Hypotheses) -> None:
        """Assumed conditions: what may be inverted, or has a sign, although no proof is found."""
        self.everywhere = given.everywhere
        self.patterns = given.patterns
        for variables, body in given.posdef:
            self.assumed_posdef.add(self.array(variables, self.poly(body)))
        waiting = given.positive
        while waiting:
            left = [(raw, reason) for raw in waiting if (reason := self._try_to_assume(raw))]
            if len(left) == len(waiting):
                raise left[0][1]
            waiting = tuple(raw for raw, _ in left)
        for raw in given.nonzero:
            self.assume_nonzero(raw)

    def _try_to_assume(self, raw: Raw) -> NotShown | None:
        """Assume that a term is positive, or say what keeps it from having a value: one condition
        may be what another needs.
        """
        try:
            self.assume_positive_term(raw)
        except NotShown as reason:
            return reason
        return None

    def count_assumed(self) -> int:
        """How much is assumed; more than before if something was, almost everywhere, in a proof."""
        sets = (self.assumed_atoms, self.assumed, self.assumed_positive, self.assumed_posdef)
        return sum(map(len, sets)) + len(self.assumed_products) + len(self.instances)

    def instantiate(self, variables: frozenset[RawIndex]) -> bool:
        """Assume what is stated of all indices of these; whether there was anything new."""
        here = sorted((v for v in variables if v[0] == "i"), key=repr)
        found = False
        self.spend(1 + len(self.patterns) // 8)
        for number, pattern in enumerate(self.patterns):
            own = self._pattern_indices(number)
            if not own or len(own) > MAX_PATTERN or len(here) > MAX_PATTERN:
                continue
            for chosen in permutations(here, len(own)):
                key = (number, chosen)
                if key in self.instances or not all(map(self.inside, chosen, own)):
                    continue
                self.instances.add(key)
                try:
                    self.assume_positive_term(
                        map_indices(pattern, dict(zip(own, chosen, strict=True)))
                    )
                except NotShown:
                    continue
                found = True
        return found

    def _pattern_indices(self, number: int) -> list[RawIndex]:
        """The free indices of what is positive at all values of them."""
        if number not in self.free_of_pattern:
            items = walk(self.patterns[number])
            free = {i for i in items if i[0] == "i" and not is_bound(i)}
            self.free_of_pattern[number] = sorted(free, key=repr)
        return self.free_of_pattern[number]

    def assume_nonzero(self, raw: Raw) -> None:
        """A product is nonzero only if all its factors are.

        >>> F.assume_nonzero(("*", x, minus(y, a)))
        >>> F.generic(poly(x)), F.nonzero(poly(minus(y, a)))
        (True, True)
        """
        monomial, _, prime = self.content(self.poly(raw))
        self.assumed_atoms.update(a for a, e in monomial if e > 0)
        if prime != UNIT:
            self.assumed.add(freeze(prime))

    def assume_positive_term(self, raw: Raw) -> None:
        """A positive product has no factor that is 0, and no power of one.

        >>> F.assume_positive_term(power(minus(x, y), 2))
        >>> F.nonzero(poly(minus(x, y)))
        True
        """
        raw = _without_inverses(raw)
        self.assume_positive(self.poly(raw))
        for factor in raw[1:] if raw[0] == "*" else (raw,):
            if factor[0] == "^" and factor[2][0] == "q" and factor[2][1] > 0:
                self.assume_nonzero(factor[1])

    def assume_positive(self, poly: Poly) -> None:
        """A product of known signs and one unknown factor gives this factor its sign; of several
        none is 0, and their product has a sign.

        >>> F.assume_positive(poly(("*", a, x, sum_of(ONE, b))))
        >>> F.positive(poly(x))
        True
        >>> F.assume_positive(poly(("*", y, v(c))))
        >>> F.positive(poly(y)), F.positive(poly(("*", TWO, power(y, 3), v(c))))
        (False, True)
        """
        monomial, c, prime = self.content(poly)
        unknown = [(a, e) for a, e in monomial if self.sign(a) != "+"]
        known = prime == UNIT or self.positive(prime)
        if known and len(unknown) == 1 and c > 0 and unknown[0][1].denominator == 1:
            if unknown[0][1] % 2:
                self.signs[unknown[0][0]] = "+"
            else:
                self.assumed_atoms.add(unknown[0][0])
        elif (known or unknown) and all(e.denominator == 1 for _, e in unknown):
            self.assumed_atoms.update(a for a, _ in unknown)
            odd = frozenset(a for a, e in unknown if e % 2)
            if not known:
                self.assumed.add(freeze(prime))
                odd |= {self.intern(("P", freeze(prime)))}
            self.assume_product(odd if c > 0 else odd ^ MINUS)
        elif not unknown and prime != UNIT:
            positive = prime if c > 0 else scale_poly(prime, -1)
            self.assumed_positive.add(freeze(primitive_of(positive)))
        self.fractions.clear()
        self.signs_by_rule.clear()

    def assume_product(self, odd: frozenset[int]) -> None:
        """A product of atoms that is positive, each taken once: in echelon form with the others.

        >>> one, other = F.intern(x), F.intern(y)
        >>> F.assume_product(frozenset((one, other)))
        >>> F.positive(poly(("*", x, y))), F.positive(poly(x))
        (True, False)
        """
        odd = self.left_of_product(odd)
        if not odd - MINUS:
            return
        pivot = max(odd - MINUS)
        for other, product in self.assumed_products.items():
            if pivot in product:
                self.assumed_products[other] = product ^ odd
        self.assumed_products[pivot] = odd

    # ----------------------------------------------------------------------- zero test

    def clear(self, poly: Poly) -> Poly:
        """Multiply by every denominator; on concrete sizes use that a simplex sums to one.

        >>> show(F.clear(poly(minus(power(sum_of(ONE, power(x, 2)), -1), ONE))))
        '-1*x^2'
        """
        for _ in range(50):
            needed: dict[int, Rational] = {}
            for m in poly:
                for a, e in m:
                    if self.atoms[a][0] == "P" and e < 0:
                        needed[a] = max(needed.get(a, 0), -e)
            if not needed:
                break
            a = next(iter(needed))
            poly = self.times(poly, a, needed[a])
        else:
            raise NotShown("the denominators do not clear")
        return self.last_of_simplex(poly)

    def last_of_simplex(self, poly: Poly) -> Poly:
        """On C places p_C = 1 - p_1 - ... - p_{C-1}, so that what is left is free.

        >>> first, last = (("v", "pi", ("simplex", "", 2), (("p", "", n),)) for n in (1, 2))
        >>> show(F.last_of_simplex(poly(last)))
        '1 + -1*pi[1]'
        """
        for a in sorted({a for m in poly for a, _ in m}):
            atom = self.atoms[a]
            if atom[0] != "v" or not domain_of(atom[2]).sums_to_one or atom[2][1] != "":
                continue
            if atom[3][-1] != ("p", "", atom[2][2]):
                continue
            lowest = min([0, *(dict(m).get(a, 0) for m in poly)])
            result: Poly = {}
            rest = dict(UNIT)
            for k in range(1, atom[2][2]):
                place = (*atom[3][:-1], ("p", "", k))
                rest = add_polys(rest, self.entry((*atom[:3], place)), -1)
            for m, c in poly.items():
                table = dict(m)
                e = table.pop(a, 0) - lowest
                if e.denominator != 1 or e > MAX_POWER:
                    return poly
                new: Poly = {tuple(sorted(table.items())): 1}
                for _ in range(int(e)):
                    new = self._plain_mul(new, rest)
                result = accumulate(result, new, c)
            poly = result
        return poly

    def coincidence(self, poly: Poly) -> tuple[RawIndex, RawIndex] | None:
        """Two free indices whose equality the normal form still asks for.

        >>> F.coincidence(poly(("*", ("d", i, j), v(i)))) == (i, j)
        True
        """
        for a in self.all_atoms(poly):
            atom = self.atoms[a]
            if atom[0] != "d":
                continue
            free = self.variables[a]
            if free and not any(map(is_bound, free)):
                left, right = atom[1], atom[2]
                if {left[0], right[0]} <= {"i", "e", "p", "o"} and not (
                    left[0] in "po" and right[0] in "po"
                ):
                    return left, right
        return None

    # --------------------------------------------------------------------- raw -> poly

    def poly(self, raw: Raw) -> Poly:
        """The normal form of a term; of a part that occurs twice it is taken once.

        >>> show(poly(("*", sum_of(x, y), minus(x, y))))
        'x^2 + -1*y^2'
        """
        known = self.terms.get(id(raw))
        if known is None:
            known = self.terms[id(raw)] = raw, self.poly_of(raw)
        return known[1]

    def factor(self, raw: Raw, longest: int = MAX_FACTOR) -> Poly:
        """The normal form of a factor of a product, held where sums are.

        >>> F.holds = True
        >>> len(F.factor(sum_of(*(power(x, n) for n in range(9)))))
        1
        """
        return self.hold(self.poly(raw), longest)

    def product(self, raw: Raw) -> Poly:
        """p q -> the normal form; where sums are held, long ones are, and if the product is long
        all of them.

        >>> F.holds = True
        >>> len(F.product(("*", sum_of(x, y), sum_of(x, a))))
        4
        >>> len(F.product(("*", *(sum_of(x, power(y, n)) for n in range(1, 8)))))
        1
        """
        result, count = UNIT, 1
        for part in raw[1:]:
            factor = self.factor(part)
            count *= len(factor)
            if self.holds and count > MAX_PRODUCT:
                return self.multiply(self.held_factors(raw))
            result = self.mul(result, factor)
        return dict(result)

    def multiply(self, factors: Iterable[Poly]) -> Poly:
        """p, q, ... -> p q ...

        >>> show(F.multiply([poly(x), poly(y), poly(x)]))
        'x^2*y'
        """
        result = UNIT
        for factor in factors:
            result = self.mul(result, factor)
        return dict(result)

    def held_factors(self, raw: Raw) -> list[Poly]:
        """p (q + r)^2 -> p and H(q + r)^2

        >>> F.holds = True
        >>> [show(p) for p in F.held_factors(("*", x, power(sum_of(x, y), 2)))]
        ['x', '(x + y)^2']
        """
        if raw[0] == "*":
            return [factor for part in raw[1:] for factor in self.held_factors(part)]
        if raw[0] == "^" and raw[2][0] == "q" and raw[2][1] in range(2, MAX_POWER):
            return [self.power(p, rational_of(raw[2][1])) for p in self.held_factors(raw[1])]
        return [self.factor(raw, 1)]

    def poly_of(self, raw: Raw) -> Poly:
        """The normal form by the head of a term."""
        self.spend(len(raw))
        head = raw[0]
        if head == "q":
            return {(): rational_of(raw[1])} if raw[1] else {}
        if head in ("n", "c"):
            return self.atom(("c", "pi") if raw == ("c", "PI") else raw)
        if head == "iv":
            return self.index_value(raw[1])
        if head == "v":
            return self.entry(raw)
        if head == "+":
            total: Poly = {}
            for t in raw[1:]:
                part = self.poly(t)
                self.spend(len(part))
                total = accumulate(total, part, 1)
            return total
        if head == "*":
            return self.product(raw)
        if head == "^":
            return self.raw_power(raw[1], raw[2])
        if head == "f":
            if raw[1] == "log":
                return self.raw_log(raw[2])
            return self.call(raw[1], [self.poly(t) for t in raw[2:]])
        if head == "S":
            return self.total([raw[1]], self.poly(raw[2]))
        if head == "d":
            return self.delta(raw[1], raw[2])
        if head == "Inv":
            (variables, body) = raw[1]
            return self.inverse(variables, self.poly(body), raw[2], raw[3])
        if head == "LD":
            return self.logdet(raw[1][0], self.poly(raw[1][1]))
        if head == "A":
            arrays = tuple(self.array(v, self.poly(b)) for v, b in raw[3])
            return self.atom((*raw[:3], arrays, raw[4], raw[5]))
        raise NotShown(f"unknown head {head}")

    def raw_power(self, base: Raw, exponent: Raw) -> Poly:
        """a^x = exp(x log a) where a is positive; a rational power by its own rules.

        >>> show(poly(("^", a, x)))
        'exp(x*log(a))'
        """
        power = self.poly(exponent)
        if set(power) - {()}:
            return self.exp(self.mul(power, self.raw_log(base)))
        e = power.get((), 0)
        if base[:2] == ("f", "abs") and e.denominator != 1:
            return self.exp(scale_poly(self.raw_log(base), e))
        if e < 0 and e.denominator == 1:
            # 1/(a b) = 1/a 1/b keeps factors that expanding would hide
            if base[0] == "*":
                result = UNIT
                for factor in base[1:]:
                    result = self.mul(result, self.raw_power(factor, ("q", Fraction(e))))
                return dict(result)
            if (
                base[0] == "^"
                and base[2][0] == "q"
                and base[2][1].denominator == 1
                and base[2][1] > 0
            ):
                return self.raw_power(base[1], ("q", Fraction(e * base[2][1])))
        inner = self.poly(base)
        if self.holds and e.denominator == 1 and e > 1 and len(inner) ** e > MAX_PRODUCT:
            return self.multiply(self.power(factor, e) for factor in self.held_factors(base))
        return self.power(inner, e)

    def raw_log(self, raw: Raw) -> Poly:
        """log(a b^n) = log a + n log b where every factor is positive.

        >>> show(poly(("f", "log", ("*", a, b))))
        'log(a) + log(b)'
        """
        if raw[:2] == ("f", "abs"):
            return self.log_abs(self.poly(raw[2]))
        try:
            if raw[0] == "*":
                result: Poly = {}
                for factor in raw[1:]:
                    result = add_polys(result, self.raw_log(factor))
                return result
            if raw[0] == "^" and raw[2][0] == "q":
                return scale_poly(self.raw_log(raw[1]), rational_of(raw[2][1]))
        except NotShown:
            pass  # some factor has no sign of its own; the product may
        return self.log(self.poly(raw))
