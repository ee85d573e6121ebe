"""Functions of normal forms: exp, log, gamma functions, abs, sign, sines and cosines."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

from .polynomial import UNIT, Poly, Rational, add_polys, freeze, primes_of, scale_poly
from .signs import Signs
from .terms import NotShown

__all__ = ["FUNCTIONS", "Functions"]

MAX_ORDER = 100  # of a polygamma
# what a certificate may call, and with how many arguments
FUNCTIONS = {
    **dict.fromkeys(
        ("exp", "log", "abs", "sign", "tanh", "sigmoid", "softplus", "loggamma", "digamma"), 1
    ),
    **dict.fromkeys(("erf", "sin", "cos", "logbesseli0", "besselratio"), 1),
    "polygamma": 2,
}


class Functions(Signs):
    """Rules for named functions; an argument outside the domain of its function is not shown."""

    def log(self, poly: Poly) -> Poly:
        """log of a positive product: the sum of the logarithms of the sizes of its factors.

        >>> show(F.log(poly(("*", a, power(b, 2)))))
        'log(a) + 2*log(b)'
        >>> F.log(poly(x))
        Traceback (most recent call last):
            ...
        symelbo.checker.work.NotShown: a logarithm of something not shown to be positive: x
        """
        monomial, c, prime = self.content(poly)
        monomial, c = self.turn_negative(monomial, c)
        odd = [(a, e) for a, e in monomial if self.sign(a) != "+" and (e.denominator != 1 or e % 2)]
        signed = prime == UNIT or self.positive(prime)
        if not signed:
            odd.append((self.intern(("P", freeze(prime))), 1))
        if (odd or c < 0) and self.monomial_sign(tuple(odd), c < 0) != "+":
            raise NotShown("a logarithm of something not shown to be positive: " + self.show(poly))
        result: Poly = {}
        for a, e in monomial:
            if self.sign(a) != "+":
                result = add_polys(result, self.log_abs(self._one(a)), e)  # log(a^2) = 2 log|a|
                continue
            atom = self.atoms[a]
            if atom[0] == "f" and atom[1] == "exp":
                result = add_polys(result, dict(atom[2]), e)
            elif atom[0] == "N":
                result = add_polys(result, self.log({(): atom[1]}), e)
            elif atom[0] == "P":
                result = add_polys(result, self.atom(("f", "log", atom[1])), e)
            else:
                result = add_polys(result, self.atom(("f", "log", freeze(self._one(a)))), e)
        for value, sign in ((abs(c.numerator), 1), (c.denominator, -1)):
            for p, k in primes_of(value):
                result = add_polys(result, self.atom(("f", "log", freeze({(): p}))), sign * k)
        if not signed:
            return add_polys(result, self.log_abs(prime))
        if prime != UNIT:
            result = add_polys(result, self.atom(("f", "log", freeze(prime))))
        return result

    def log_abs(self, poly: Poly) -> Poly:
        """log|a b^n| = log|a| + n log|b|, where a and b are positive or almost never 0.

        >>> show(F.log_abs(poly(("*", a, x))))
        'log(a) + log(x*sign(x))'
        """
        monomial, c, prime = self.content(poly)
        size: Poly = {(): max(c, -c)}
        result = self.log(size)
        parts = [(self._one(a), e) for a, e in monomial]
        parts += [(prime, 1)] if prime != UNIT else []
        for part, e in parts:
            if self.positive(part):
                result = add_polys(result, self.log(part), e)
                continue
            if not self.generic(part):
                raise NotShown("the logarithm of the size of something that may be 0")
            absolute = self.mul(part, self.parity("sign", part))
            result = add_polys(result, self.atom(("f", "log", freeze(absolute))), e)
        return result

    def exp(self, poly: Poly) -> Poly:
        """exp(sum c m) = product of exp(m)^c; exp(c log a) = a^c.

        >>> show(F.exp(poly(sum_of(x, ("f", "log", a)))))
        'a*exp(x)'
        """
        result = UNIT
        for m, c in poly.items():
            is_log = len(m) == 1 and m[0][1] == 1 and self.atoms[m[0][0]][:2] == ("f", "log")
            if is_log and (c.denominator == 1 or self.positive(dict(self.atoms[m[0][0]][2]))):
                result = self.mul(result, self.power(dict(self.atoms[m[0][0]][2]), c))
            else:
                result = self.mul(result, self.atom(("f", "exp", freeze({m: 1})), c))
        return dict(result)

    def call(self, name: str, arguments: Sequence[Poly]) -> Poly:
        """A named function of normal forms.

        >>> show(F.call("tanh", [poly(x)]))
        '1 + -2*(1 + exp(x)^2)^-1'
        """
        a = arguments[-1]
        match name:
            case "exp":
                return self.exp(a)
            case "log":
                return self.log(a)
            case "softplus":
                return self.log(add_polys(UNIT, self.exp(a)))
            case "sigmoid":
                e = self.exp(a)
                return self.mul(e, self.power(add_polys(UNIT, e), -1))
            case "tanh":
                e = self.exp(scale_poly(a, 2))
                return self.mul(add_polys(e, UNIT, -1), self.power(add_polys(UNIT, e), -1))
            case "loggamma" | "digamma" | "polygamma":
                return self.gamma(name, arguments)
            case "sin" | "cos" if len(a) > 1:
                return self.angles_apart(name, a)
            case "abs" | "sign" | "erf" | "sin" | "cos" | "besselratio":
                return self.parity(name, a)
        return self.atom(("f", name, *map(freeze, arguments)))

    def gamma(self, name: str, arguments: Sequence[Poly]) -> Poly:
        """f(a + 1) -> f(a) + ..., so that the number in a is in [0, 1), or as far as a is positive.

        Requires a > 0.  loggamma is 0 at 1 and 2, and so of 1 + b for b = 0 or 1.

        >>> show(F.gamma("digamma", [poly(sum_of(a, ONE))]))
        'a^-1 + digamma(a)'
        >>> F.gamma("loggamma", [poly(x)])
        Traceback (most recent call last):
            ...
        symelbo.checker.work.NotShown: loggamma of something not shown to be positive: x
        """
        a = arguments[-1]
        order: Rational = -2 if name == "loggamma" else -1
        if name == "digamma":
            order = 0
        elif name == "polygamma":
            if set(arguments[0]) - {()}:
                raise NotShown("polygamma of a symbolic order")
            order = arguments[0].get((), 0)
            if order == 0:
                name = "digamma"
            elif order.denominator != 1 or not 0 < order <= MAX_ORDER:
                raise NotShown("polygamma of an order that is no natural number, or too high")
        if not self.positive(a):
            raise NotShown(f"{name} of something not shown to be positive: {self.show(a)}")

        def step(at: Poly) -> Poly:
            """f(a + 1) - f(a)"""
            if name == "loggamma":
                return self.log(at)
            k = int(order)
            return scale_poly(self.power(at, -(k + 1)), (-1) ** k * factorial(k))

        result: Poly = {}
        for _ in range(100):
            number = a.get((), 0)
            if number < 0:
                result = add_polys(result, step(a), -1)
                a = add_polys(a, UNIT)
                continue
            lower = add_polys(a, UNIT, -1)
            if number < 1 or not self.positive(lower):
                break
            a = lower
            result = add_polys(result, step(a))
        if name == "loggamma" and (a == UNIT or self._is_one_or_two(a)):
            return result
        if name == "polygamma":
            return add_polys(result, self.atom(("f", name, freeze({(): order}), freeze(a))))
        return add_polys(result, self.atom(("f", name, freeze(a))))

    def _is_one_or_two(self, a: Poly) -> bool:
        """1 + b or 2 - b, where b is 0 or 1.

        >>> show(F.gamma("loggamma", [poly(sum_of(ONE, z))]))
        '0'
        >>> show(F.gamma("loggamma", [poly(sum_of(ONE, p))]))
        'log(p) + loggamma(p)'
        """
        bits = [monomial for monomial in a if monomial]
        if len(bits) != 1 or not all(e == 1 and self._idempotent(atom) for atom, e in bits[0]):
            return False
        return a in ({(): 1, bits[0]: 1}, {(): 2, bits[0]: -1})

    def parity(self, name: str, a: Poly) -> Poly:
        """f(-a) = +-f(a); |a| = a sign a, sign(a b) = sign a sign b, sign a = 1 where a > 0.

        (sign a)^2 = 1, where a is 0 almost nowhere.

        >>> show(F.parity("sin", poly(negative(x))))
        '-1*sin(x)'
        >>> show(F.parity("abs", poly(a)))
        'a'
        """
        if not a:
            if name == "sign" and not self.kinks:
                raise NotShown("the slope of |a| where a is 0")
            return UNIT if name == "cos" else {}
        if name == "abs":  # |a| = a sign a, whatever the sign of 0 is
            return self.mul(a, self.sign_of(a, at_zero=False))
        if name == "sign":
            return self.sign_of(a, at_zero=True)
        if name == "besselratio":
            return self.atom(("f", name, freeze(a)))
        negative = a[max(a)] < 0
        argument = scale_poly(a, -1) if negative else a
        odd = -1 if negative and name != "cos" else 1
        return scale_poly(self.atom(("f", name, freeze(argument))), odd)

    def angles_apart(self, name: str, a: Poly) -> Poly:
        """sin(a + b) -> sin a cos b + cos a sin b, cos(a + b) -> cos a cos b - sin a sin b.

        >>> show(F.call("cos", [poly(sum_of(x, y))]))
        'cos(y)*cos(x) + -1*sin(y)*sin(x)'
        """
        last = max(a)
        one: Poly = {last: a[last]}
        rest = {m: c for m, c in a.items() if m != last}
        sines = self.parity("sin", one), self.call("sin", (rest,))
        cosines = self.parity("cos", one), self.call("cos", (rest,))
        if name == "sin":
            left = self.mul(sines[0], cosines[1])
            return add_polys(left, self.mul(cosines[0], sines[1]))
        return add_polys(self.mul(*cosines), self.mul(*sines), -1)

    def sign_of(self, a: Poly, *, at_zero: bool) -> Poly:
        """The product of the signs of all factors; at_zero: whether it matters where a is 0.

        >>> show(F.sign_of(poly(("*", a, x)), at_zero=False))
        'sign(x)'
        """
        monomial, c, prime = self.content(a)
        result: Poly = {(): 1 if c > 0 else -1}
        parts = [(self._one(b), e) for b, e in monomial]
        parts += [(prime, 1)] if prime != UNIT else []
        for part, e in parts:
            if self.positive(part):
                continue
            if e.denominator != 1:
                raise NotShown("a root under abs")
            if e.numerator % 2:
                result = self.mul(result, self.atom(("f", "sign", freeze(part))))
            elif at_zero and e > 0 and not self.generic(part):
                raise NotShown("the sign of a square that may be 0")
        return result
