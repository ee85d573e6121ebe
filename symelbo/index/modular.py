"""Terms as residues modulo a large prime, with their derivatives: exact linear algebra at a point.

Rational numbers go to their residues.  Transcendental values (log 2, exp(1/3), psi(1)) go to random
residues that obey the same functional equations, so that a linear dependence that holds over the
rational functions of such values holds here, and one that does not is almost surely none here.
What is found in this arithmetic is a proposal; it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from math import cos, e, erf, exp, inf, lgamma, log, nan, pi, sin
from sys import float_info
from typing import Any, NamedTuple, TypeAlias

from symelbo.index.gradient import Gradient, combine, keep, slopes_of
from symelbo.index.substitute import free_indices, symbols_of
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Node,
    Number,
    Offset,
    Position,
    Power,
    Size,
    Sum,
    Term,
)
from symelbo.limits import EXACT_BITS, LINE_PARTS, TINY

__all__ = ["PRIME", "Dual", "Modular", "NoResidue", "Place", "residue_of"]

# 1 modulo 24, and all primes below 40 are squares modulo it, so that roots of small numbers exist
PRIME = 4611686018427228049
LARGEST_LOGARITHM = log(float_info.max)
ROOTS = 720  # exp(1) is the ROOTS-th power of a random residue: exp(1/3) is one as well

Place: TypeAlias = tuple[str, tuple[int, ...]]


class NoResidue(Exception):
    """A value that has no residue: a logarithm of 0, the sign of a transcendental number."""


class Dual(NamedTuple):
    """A residue, the rational number it stands for (None: none is known), its gradient, and the
    number as a float (nan where that is not computed), which only signs are taken from.
    """

    value: int
    exact: Fraction | None
    gradient: Gradient
    size: float

    @property
    def slopes(self) -> Mapping[int, int]:
        """{column: slope}, of the columns that it may depend on."""
        return slopes_of(self.gradient, PRIME)

    @property
    def sign(self) -> int | None:
        """The sign of the number, None where it is not known."""
        if self.exact is not None:
            above = self.exact.numerator
            return (above > 0) - (above < 0)
        if self.size > TINY or self.size < -TINY:
            return 1 if self.size > 0 else -1
        return None


_UNIT, _MINUS = Fraction(1), Fraction(-1)
_ZERO = Dual(0, Fraction(0), {}, 0.0)
_ONE = Dual(1, Fraction(1), {}, 1.0)


def residue_of(value: Fraction | int) -> int:
    """n/d -> n d^-1 modulo the prime"""
    n, d = value.as_integer_ratio()
    return n % PRIME if d == 1 else n * pow(d, -1, PRIME) % PRIME


class Modular:
    """Evaluates terms at points of concrete sizes; entries are given as duals by their place."""

    def __init__(self, sizes: Mapping[str, int], entries: Mapping[Place, Dual], seed: int) -> None:
        self.sizes, self.entries, self.seed = sizes, entries, seed
        self.numbers: dict[Term, Dual] = {}
        self.drawn: dict[object, int] = {}
        self.logs: dict[int, int] = {}  # of residues whose logarithm is known
        self.powers: dict[int, tuple[tuple[Dual, Fraction], ...]] = {}  # what residues are made of
        self.sums: dict[int, tuple[Dual, Dual]] = {}  # the same, by addition
        self.lines: dict[int, Mapping[int, Fraction]] = {}  # what `linear` has found
        # of rational numbers: log gamma, and from 0 on the polygammas
        self.gammas: dict[tuple[int, Fraction], int] = {}
        self.antilogs: dict[int, Dual] = {}  # numbers whose logarithms are these residues
        self.stages: tuple[frozenset[str], ...] = ()
        self.lasting: dict[Node, tuple[int, tuple[Index, ...]]] = {}
        self.kept: list[dict[tuple[object, ...], Dual]] = []
        # inverses at these entries, of which every entry is read one by one
        self.inverted: dict[tuple[object, ...], tuple[list[list[Dual]], Dual]] = {}

    # ------------------------------------------------------------------ points

    def watch(self, *stages: frozenset[str]) -> None:
        """Names whose entries change more and more often; values that rest meanwhile are kept.

        What is in no stage never changes.  Values that the last stage takes part in are not kept.
        """
        self.stages = stages
        self.lasting = {}
        self.kept = [{} for _ in stages]

    def move_to(self, entries: Mapping[Place, Dual], stage: int = 0) -> None:
        """Other entries: those of this stage (from 0) and of later ones have changed."""
        self.entries = entries
        self.inverted.clear()
        for kept in self.kept[stage + 1 :]:
            kept.clear()

    def lasts(self, term: Term | Array) -> tuple[int, tuple[Index, ...]]:
        """How many stages do not take part in a term before one does, and its free indices."""
        found = self.lasting.get(term)
        if found is None:
            names = {symbol.name for symbol in symbols_of(term)}
            takes = (n + 1 for n, stage in reversed([*enumerate(self.stages)]) if stage & names)
            indices = tuple(sorted(free_indices(term), key=lambda i: (i.name, i.low)))
            found = self.lasting[term] = next(takes, 0), indices
        return found

    # ------------------------------------------------------------------ arithmetic

    def random(self, *key: object) -> int:
        """A residue that depends on the key alone."""
        found = self.drawn.get(key)
        if found is None:
            digest = blake2b(f"{self.seed}:{key}".encode(), digest_size=16).digest()
            found = self.drawn[key] = 2 + int.from_bytes(digest) % (PRIME - 3)
        return found

    @staticmethod
    def rational(value: Fraction | int) -> Dual:
        """The dual of a known number."""
        exact = Fraction(value) if isinstance(value, int) else value
        return Dual(residue_of(value), exact, {}, _float_of(exact))

    def add(self, left: Dual, right: Dual) -> Dual:
        if left is _ZERO:
            return right
        a, x, gradient, size = left
        b, y, other, more = right
        exact = None if x is None or y is None else _unless_long(x + y)
        if other:
            gradient = combine([(1, gradient), (1, other)], PRIME) if gradient else other
        value = (a + b) % PRIME
        if exact is None and a and b:
            self.sums.setdefault(value, (left, right))
        return Dual(value, exact, gradient, size + more)

    def add_all(self, parts: Iterable[Dual]) -> Dual:
        """As `add`, of many, with one gradient."""
        bare = _ZERO
        gradients: list[tuple[int, Gradient]] = []
        for part in parts:
            value, exact, gradient, size = part
            if gradient:
                gradients.append((1, gradient))
                part = Dual(value, exact, {}, size)
            bare = self.add(bare, part)
        if not gradients:
            return bare
        return Dual(bare.value, bare.exact, combine(gradients, PRIME), bare.size)

    def mul(self, left: Dual, right: Dual) -> Dual:
        if left is _ONE:
            return right
        a, x, along, size = left
        b, y, other, more = right
        exact = None
        if x is not None and y is not None:
            exact = _unless_long(x * y)
        elif (not a and x == 0) or (not b and y == 0):
            exact = Fraction(0)
        gradient: Gradient = {}
        if along or other:
            parts = [(b, along)] if along and b else []
            if other and a:
                parts.append((a, other))
            gradient = combine(parts, PRIME) if parts else {}
        value = a * b % PRIME
        if exact is None and value not in self.powers:
            self.powers[value] = ((left, _UNIT), (right, _UNIT))
        return Dual(value, exact, gradient, size * more)

    @staticmethod
    def chain(
        value: int, exact: Fraction | None, slope: int, argument: Dual, size: float = nan
    ) -> Dual:
        """f(a) from its value, its slope, the argument, and the value as a float."""
        moved = argument.gradient
        gradient = combine([(slope % PRIME, moved)], PRIME) if moved else {}
        size = size if exact is None else _float_of(exact)
        return Dual(value % PRIME, exact, gradient, size)

    def inverse_of(self, dual: Dual) -> Dual:
        if not dual.value:
            raise NoResidue("division by zero")
        value = pow(dual.value, -1, PRIME)
        exact = None if dual.exact is None else 1 / dual.exact
        if exact is None and value not in self.powers:
            self.powers[value] = ((dual, _MINUS),)
        return self.chain(value, exact, -value * value, dual, _float(lambda a: 1 / a, dual))

    # ------------------------------------------------------------------ terms

    def index(self, index: IndexTerm, env: Mapping[Index, int]) -> int:
        match index:
            case Index():
                return env[index]
            case Offset(base, by):
                return env[base] + by
            case Position(extent):
                return self.length(extent)
            case Entry(symbol, indices):
                at = tuple(self.index(i, env) for i in indices)
                exact = self.entries[symbol.name, at].exact
                if exact is None or exact.denominator != 1:
                    raise NoResidue(f"{symbol.name} selects, but is no integer")
                return int(exact)
        raise TypeError(f"no index: {index!r}")

    def length(self, extent: Extent) -> int:
        return extent.offset + (self.sizes[extent.size] if extent.size is not None else 0)

    def term(self, term: Term, env: Mapping[Index, int]) -> Dual:
        """The dual of a term; `env` gives its free indices their values."""
        kind = type(term)
        if not self.stages or kind in _SMALL:
            return self.at_node(term, env)
        stage, indices = self.lasting.get(term) or self.lasts(term)
        if stage == len(self.stages):
            return self.at_node(term, env)
        key = (term, *[env[i] for i in indices])
        kept = self.kept[stage]
        found = kept.get(key)
        if found is None:
            found = kept[key] = self.at_node(term, env)
            keep(found.gradient)
        return found

    def at_node(self, term: Term, env: Mapping[Index, int]) -> Dual:
        """The dual of a term from those of its parts."""
        return _EVALUATE[type(term)](self, term, env)

    def _number(self, term: Number, env: Mapping[Index, int]) -> Dual:
        known = self.numbers.get(term)
        if known is None:
            known = self.numbers[term] = self.rational(term.value)
        return known

    def _constant(self, term: Constant, env: Mapping[Index, int]) -> Dual:
        if term.name == "e":
            return Dual(self.exp_residue(Fraction(1)), None, {}, e)
        return Dual(self.random("constant", term.name.lower()), None, {}, pi)

    def _size(self, term: Size, env: Mapping[Index, int]) -> Dual:
        return self.rational(self.sizes[term.name])

    def _index_value(self, term: IndexValue, env: Mapping[Index, int]) -> Dual:
        return self.rational(self.index(term.index, env))

    def _entry(self, term: Entry, env: Mapping[Index, int]) -> Dual:
        indices = [env[i] if type(i) is Index else self.index(i, env) for i in term.indices]
        place = term.symbol.name, tuple(indices)
        found = self.entries.get(place)
        if found is None:
            raise NoResidue(f"no entry {place}")
        return found

    def _add(self, term: Add, env: Mapping[Index, int]) -> Dual:
        return self.add_all([self.term(part, env) for part in term.terms])

    def _mul(self, term: Mul, env: Mapping[Index, int]) -> Dual:
        result = _ONE
        for part in term.factors:
            result = self.mul(result, self.term(part, env))
        return result

    def _power(self, term: Power, env: Mapping[Index, int]) -> Dual:
        return self.power(self.term(term.base, env), self.term(term.exponent, env))

    def _call(self, term: Call, env: Mapping[Index, int]) -> Dual:
        return self.call(term.name, [self.term(a, env) for a in term.arguments])

    def _sum(self, term: Sum, env: Mapping[Index, int]) -> Dual:
        inner, index, parts = dict(env), term.index, []
        for k in range(index.low, self.length(index.extent) + 1):
            inner[index] = k
            parts.append(self.term(term.body, inner))
        return self.add_all(parts)

    def _delta(self, term: Delta, env: Mapping[Index, int]) -> Dual:
        return _ONE if self.index(term.left, env) == self.index(term.right, env) else _ZERO

    def _inverse(self, term: Inverse, env: Mapping[Index, int]) -> Dual:
        inverse, _ = self.matrix(term.matrix, env)
        low, other = term.matrix.indices[0].low, term.matrix.indices[1].low
        row, column = self.index(term.row, env), self.index(term.column, env)
        return inverse[row - other][column - low]

    def _log_det(self, term: LogDet, env: Mapping[Index, int]) -> Dual:
        return self.matrix(term.matrix, env)[1]

    def _apply(self, term: Apply, env: Mapping[Index, int]) -> Dual:
        raise NoResidue("an abstract function")

    # ------------------------------------------------------------------ powers and functions

    def power(self, base: Dual, exponent: Dual) -> Dual:
        if exponent.gradient or exponent.exact is None:
            return self.call("exp", [self.mul(exponent, self.call("log", [base]))])
        by = exponent.exact
        if by.denominator == 1:
            n = int(by)
            if n < 0:
                return self.power(self.inverse_of(base), self.rational(-n))
            if n == 0:
                return _ONE
            exact = None if base.exact is None else _power_unless_long(base.exact, n)
            slope = n * pow(base.value, n - 1, PRIME)
            size = _float(lambda a: a**n, base)
            value = pow(base.value, n, PRIME)
            if exact is None:
                self.powers.setdefault(value, ((base, by),))
            return self.chain(value, exact, slope, base, size)
        if base.sign != 1:
            raise NoResidue("a root of what is not positive")
        value, exact = self.root(base, by)
        slope = self.rational(by).value * value * pow(base.value, -1, PRIME)
        if exact is None:
            self.powers.setdefault(value, ((base, by),))
        return self.chain(value, exact, slope, base, _float(lambda a: a ** float(by), base))

    def root(self, base: Dual, e: Fraction) -> tuple[int, Fraction | None]:
        """base ** e for a broken e, from the roots of the primes of a rational base."""
        if base.exact is None:
            if e.denominator != 2:
                return self.random("root", base.value, e), None
            half = self.random("root", base.value, Fraction(1, 2))
            return half * pow(base.value, (e.numerator - 1) // 2, PRIME) % PRIME, None
        if base.exact < 0:
            raise NoResidue("a root of a negative number")
        value, exact = 1, Fraction(1)
        known = True
        for prime, k in _primes(base.exact):
            power = k * e
            whole = power.numerator // power.denominator
            rest = power - whole
            value = value * pow(self.rational(prime).value, whole, PRIME) % PRIME
            exact *= Fraction(prime) ** whole
            if rest:
                known = False
                unit = self.prime_root(prime, rest.denominator)
                value = value * pow(unit, rest.numerator, PRIME) % PRIME
        return value, exact if known else None

    def prime_root(self, prime: int, denominator: int) -> int:
        if denominator == 2:
            root = _square_root(prime % PRIME)
            if root is not None:
                return root
        return self.random("prime root", prime, denominator)

    def exp_residue(self, exponent: Fraction) -> int:
        scaled = _scaled(exponent)
        if scaled is None:
            return self.random("exp", exponent)
        return pow(self.random("e"), scaled, PRIME)

    def call(self, name: str, arguments: list[Dual]) -> Dual:
        if name == "polygamma":
            order, argument = arguments
            if order.exact is None:
                raise NoResidue("polygamma of an unknown order")
            return self.polygamma(int(order.exact), argument)
        (a,) = arguments
        match name:
            case "exp":
                return self.exp(a)
            case "log":
                return self.log(a)
            case "abs" | "sign":
                sign = a.sign
                if not sign:
                    raise NoResidue("the sign of a number that is not known")
                if name == "sign":
                    return self.rational(sign)
                exact = None if a.exact is None else abs(a.exact)
                return self.chain(sign * a.value, exact, sign, a, abs(a.size))
            case "sigmoid":
                grown = self.exp(a)
                share = self.mul(grown, self.inverse_of(self.add(_ONE, grown)))
                if share.exact is None:
                    self.logs.setdefault((1 - share.value) % PRIME, -self.softplus_residue(a))
                return share
            case "tanh":
                grown = self.exp(self.add(a, a))
                minus = self.add(grown, self.rational(-1))
                return self.mul(minus, self.inverse_of(self.add(_ONE, grown)))
            case "softplus":
                return self.log(self.add(_ONE, self.exp(a)))
            case "loggamma":
                return self.loggamma(a)
            case "digamma":
                return self.polygamma(0, a)
            case "erf":
                return self.erf(a)
            case "sin" | "cos":
                return self.circle(name, a)
            case "logbesseli0":
                slope = self.random("besselratio", a.exact or a.value)
                return self.chain(self.random(name, a.exact or a.value), None, slope, a)
            case "besselratio":
                value = self.random(name, a.exact or a.value)
                slope = 1 - value * pow(a.value, -1, PRIME) - value * value
                return self.chain(value, None, slope, a)
        raise NoResidue(f"no residue of {name}")

    def exp(self, a: Dual) -> Dual:
        size = inf if a.size > LARGEST_LOGARITHM else _float(exp, a)
        value = 1
        for part, by in self.linear(a).items():
            value = value * self.exp_part(part, by) % PRIME
        exact = None if a.value or a.exact != 0 else _UNIT
        if exact is None:
            self.logs.setdefault(value, a.value)
            self.logs.setdefault((1 + value) % PRIME, self.softplus_residue(a))
        return self.chain(value, exact, value, a, size)

    def linear(self, a: Dual) -> Mapping[int, Fraction]:
        """a as a rational combination of 1 and of residues that are no such combinations; a long
        one is one of those.
        """
        if a.exact is not None:
            return {1: a.exact}
        value = a.value
        known = self.lines.get(value)
        if known is not None:
            return known
        line = {value: _UNIT} if value <= PRIME // 2 else {PRIME - value: _MINUS}
        self.lines[value] = line  # set first: a number is also itself less 1, plus 1
        found: dict[int, Fraction] = {}
        is_met = False  # whether two parts have an atom in common, which may cancel
        for part, by in self.addends(value):
            for atom, k in self.linear(part).items():
                share = k if by is _UNIT else by * k
                if atom in found:
                    is_met = True
                    share += found[atom]
                found[atom] = share
        if 0 < len(found) <= LINE_PARTS:
            line = {atom: k for atom, k in found.items() if k} if is_met else found
            self.lines[value] = line
        return line

    def addends(self, value: int) -> Sequence[tuple[Dual, Fraction]]:
        """Numbers, with their rational factors, of which a residue is known to be the sum."""
        if value in self.sums:
            return [(part, _UNIT) for part in self.sums[value]]
        made = self.powers.get(value, ())
        if len(made) != 2:
            return ()
        (left, _), (right, _) = made  # a product
        if left.exact is not None and right.exact is None:
            return [(right, left.exact)]
        if right.exact is not None and left.exact is None:
            return [(left, right.exact)]
        return ()

    def exp_part(self, part: int, by: Fraction) -> int:
        """exp(by part) for a part of a linear combination; exp(k log a) = a^k."""
        if part == 1:
            return self.exp_residue(by)
        if part in self.antilogs:
            return self.power(self.antilogs[part], self.rational(by)).value
        if PRIME - part in self.antilogs:
            return self.power(self.antilogs[PRIME - part], self.rational(-by)).value
        scaled = _scaled(by)
        if scaled is None:
            return self.random("exp", part, by)
        return pow(self.random("exp", part), scaled, PRIME)

    def softplus_residue(self, a: Dual) -> int:
        """log(1 + e^a), where softplus(a) - softplus(-a) = a."""
        if a.value <= PRIME // 2:
            return self.random("softplus", a.value)
        return self.random("softplus", PRIME - a.value) + a.value

    def log(self, a: Dual) -> Dual:
        if a.value == 0 or a.sign != 1:
            raise NoResidue("log of what is not positive")
        slope, size = pow(a.value, -1, PRIME), _float(log, a)
        exact = Fraction(0) if a.exact == 1 else None
        value = self.log_residue(a) % PRIME
        if exact is None:
            self.antilogs.setdefault(value, a)
        return self.chain(value, exact, slope, a, size)

    def log_residue(self, a: Dual) -> int:
        """log |a|, of products and powers from the logarithms of what they are made of."""
        if a.exact is not None:
            return sum(int(k) * self.random("log prime", p) for p, k in _primes(abs(a.exact)))
        value = a.value if a.sign == 1 else PRIME - a.value
        if value not in self.logs:
            # set first: a number is also the inverse of its inverse
            self.logs[value] = self.random("log", value)
            parts = self.powers.get(value) or self.powers.get(PRIME - value, ())
            if parts and all(part.value and part.sign for part, _ in parts):
                known = sum(self.rational(e).value * self.log_residue(part) for part, e in parts)
                self.logs[value] = known % PRIME
        return self.logs[value]

    def loggamma(self, a: Dual) -> Dual:
        slope = self.polygamma_value(0, a)
        size = _float(lgamma, a)
        if a.exact is None:
            return self.chain(self.random("loggamma", a.value), None, slope, a, size)
        value = self.gammas.get((-1, a.exact))
        if value is None:
            base, steps = _unit_shift(a.exact)
            value = 0 if base == 1 else self.random("loggamma", base)
            for step in steps:
                value += self.log(self.rational(step)).value
            self.gammas[-1, a.exact] = value
        return self.chain(value, Fraction(0) if a.exact in (1, 2) else None, slope, a, size)

    def polygamma(self, order: int, a: Dual) -> Dual:
        slope = self.polygamma_value(order + 1, a)
        return self.chain(self.polygamma_value(order, a), None, slope, a)

    def polygamma_value(self, order: int, a: Dual) -> int:
        if a.exact is None:
            return self.random("polygamma", order, a.value)
        known = self.gammas.get((order, a.exact))
        if known is not None:
            return known
        base, steps = _unit_shift(a.exact)
        value = self.random("polygamma", order, base)
        factor = 1
        for k in range(1, order + 1):
            factor *= -k
        for step in steps:
            value += factor * pow(self.rational(step).value, -(order + 1), PRIME)
        value = self.gammas[order, a.exact] = value % PRIME
        return value

    def erf(self, a: Dual) -> Dual:
        square = self.exp(self.mul(self.rational(-1), self.mul(a, a)))
        root = self.random("root", self.random("constant", "pi"), Fraction(1, 2))
        slope = 2 * square.value * pow(root, -1, PRIME)
        if a.exact is None:
            return self.chain(self.random("erf", a.value), None, slope, a, _float(erf, a))
        sign = 1 if a.exact > 0 else -1
        value = sign * self.random("erf", abs(a.exact)) if a.exact else 0
        exact = Fraction(0) if a.exact == 0 else None
        return self.chain(value, exact, slope, a, _float(erf, a))

    def circle(self, name: str, a: Dual) -> Dual:
        """sin and cos from powers of a random point of the circle."""
        unit = _square_root(PRIME - 1)
        assert unit is not None
        if a.exact is not None:
            scaled = _scaled(a.exact)
            turn = (
                self.random("turn", a.exact)
                if scaled is None
                else pow(self.random("turn"), scaled, PRIME)
            )
        else:
            turn = self.random("turn", a.value)
        back = pow(turn, -1, PRIME)
        half = pow(2, -1, PRIME)
        cosine = (turn + back) * half % PRIME
        sine = (turn - back) * half % PRIME * pow(unit, -1, PRIME) % PRIME
        if name == "cos":
            exact = Fraction(1) if a.exact == 0 else None
            return self.chain(cosine, exact, -sine, a, _float(cos, a))
        exact = Fraction(0) if a.exact == 0 else None
        return self.chain(sine, exact, cosine, a, _float(sin, a))

    # ------------------------------------------------------------------ matrices

    def matrix(self, array: Array, env: Mapping[Index, int]) -> tuple[list[list[Dual]], Dual]:
        """The inverse and log |det| of a matrix, found once for all of its entries."""
        key = (array, *[env[i] for i in self.lasts(array)[1]])
        found = self.inverted.get(key)
        if found is None:
            found = self.inverted[key] = self.invert(array, env)
        return found

    def invert(self, array: Array, env: Mapping[Index, int]) -> tuple[list[list[Dual]], Dual]:
        """The same by elimination on duals."""
        row, column = array.indices
        inner = dict(env)
        rows: list[list[Dual]] = []
        for i in range(row.low, self.length(row.extent) + 1):
            inner[row] = i
            line = []
            for j in range(column.low, self.length(column.extent) + 1):
                inner[column] = j
                line.append(self.term(array.body, inner))
            rows.append(line)
        n = len(rows)
        if any(len(line) != n for line in rows):
            raise NoResidue("a matrix that is not square")
        wide = [
            [*line, *(_ONE if i == j else _ZERO for j in range(n))] for i, line in enumerate(rows)
        ]
        determinant = _ONE
        minus = self.rational(-1)
        for k in range(n):
            pivot = next((i for i in range(k, n) if wide[i][k].value), None)
            if pivot is None:
                raise NoResidue("a singular matrix")
            if pivot != k:
                wide[k], wide[pivot] = wide[pivot], wide[k]
                determinant = self.mul(determinant, minus)
            determinant = self.mul(determinant, wide[k][k])
            scale = self.inverse_of(wide[k][k])
            wide[k] = [self.mul(scale, x) for x in wide[k]]
            for i in range(n):
                if i != k and (wide[i][k].value or wide[i][k].gradient):
                    factor = self.mul(minus, wide[i][k])
                    wide[i] = [
                        self.add(x, self.mul(factor, y))
                        for x, y in zip(wide[i], wide[k], strict=True)
                    ]
        if determinant.sign == -1:
            determinant = self.mul(determinant, minus)
        return [line[n:] for line in wide], self.log(determinant)


_EVALUATE: dict[type[Term], Callable[[Modular, Any, Mapping[Index, int]], Dual]] = {
    Number: Modular._number,
    Constant: Modular._constant,
    Size: Modular._size,
    IndexValue: Modular._index_value,
    Entry: Modular._entry,
    Add: Modular._add,
    Mul: Modular._mul,
    Power: Modular._power,
    Call: Modular._call,
    Sum: Modular._sum,
    Delta: Modular._delta,
    Inverse: Modular._inverse,
    LogDet: Modular._log_det,
    Apply: Modular._apply,
}
_SMALL = (Number, Constant, Size, IndexValue, Entry, Delta)


# ---------------------------------------------------------------- numbers


def _float(function: Callable[[float], float], argument: Dual) -> float:
    """f(a) as a float, nan where it has none."""
    try:
        return function(argument.size)
    except (ValueError, OverflowError, ZeroDivisionError):
        return nan


def _scaled(exponent: Fraction) -> int | None:
    """The exponent of a ROOTS-th root, None where that is no integer."""
    n, d = exponent.as_integer_ratio()
    return None if ROOTS % d else n * (ROOTS // d) % (PRIME - 1)


def _primes(value: Fraction) -> list[tuple[int, int]]:
    """12/5 -> (2, 2), (3, 1), (5, -1); large cofactors are left whole."""
    found = []
    for part, sign in ((value.numerator, 1), (value.denominator, -1)):
        n, p = part, 2
        while p * p <= n and p < 1000:
            count = 0
            while n % p == 0:
                n //= p
                count += 1
            if count:
                found.append((p, sign * count))
            p += 1
        if n > 1:
            found.append((n, sign))
    return found


def _unit_shift(value: Fraction) -> tuple[Fraction, list[Fraction]]:
    """7/2 -> 1/2, [1/2, 3/2, 5/2]: gamma(7/2) = 5/2 3/2 1/2 gamma(1/2); integers end at 1."""
    if value <= 0:
        raise NoResidue("gamma of a number that is not positive")
    if value > 60:
        return value, []
    steps = []
    while value > 1:
        value -= 1
        steps.append(value)
    return value, steps


_KNOWN_ROOTS: dict[int, int | None] = {}


def _square_root(value: int) -> int | None:
    """A square root modulo PRIME (Tonelli and Shanks), always the same; None if there is none."""
    if value not in _KNOWN_ROOTS:
        _KNOWN_ROOTS[value] = _find_square_root(value)
    return _KNOWN_ROOTS[value]


def _find_square_root(value: int) -> int | None:
    if pow(value, (PRIME - 1) // 2, PRIME) != 1:
        return None
    odd, twos = PRIME - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    nonresidue = next(n for n in range(2, 1000) if pow(n, (PRIME - 1) // 2, PRIME) != 1)
    c, x = pow(nonresidue, odd, PRIME), pow(value, (odd + 1) // 2, PRIME)
    t, m = pow(value, odd, PRIME), twos
    while t != 1:
        k, square = 0, t
        while square != 1:
            square, k = square * square % PRIME, k + 1
        b = pow(c, 1 << (m - k - 1), PRIME)
        x, c = x * b % PRIME, b * b % PRIME
        t, m = t * c % PRIME, k
    return x


def _unless_long(value: Fraction) -> Fraction | None:
    """A rational number; None if its size grows beyond all use."""
    n, d = value.as_integer_ratio()
    return value if max(n.bit_length(), d.bit_length()) <= EXACT_BITS else None


def _power_unless_long(base: Fraction, n: int) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    return base**n if bits * n <= EXACT_BITS else None


def _float_of(value: Fraction) -> float:
    """The nearest float, infinite beyond all floats."""
    n, d = value.as_integer_ratio()
    try:
        return n / d
    except OverflowError:
        return inf if n > 0 else -inf
