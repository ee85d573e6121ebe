"""Arrays with exact derivatives, in float64 or in 100 digits.

A `Num` is an array of numbers (one per sample) that remembers how it was computed.  `gradient`
applies the chain rule backwards; nothing is approximated but by rounding.  Inside
`high_precision()` the entries are `flint.arb` balls of 333 bits instead of float64.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import count
from typing import Any

import flint
import numpy as np
from scipy import special  # type: ignore[import-untyped,unused-ignore]

Array = np.ndarray[Any, Any]
Part = tuple["Num", Callable[[], Any]]

DIGITS = 100
_clock = count()
_high = False


@contextmanager
def high_precision() -> Iterator[None]:
    """Within it, new numbers have 100 digits."""
    global _high
    before, precision = _high, flint.ctx.prec
    _high, flint.ctx.prec = True, int(DIGITS * 3.33)
    try:
        yield
    finally:
        _high, flint.ctx.prec = before, precision


def _to_arb(x: Any) -> flint.arb:
    if isinstance(x, Fraction):
        return flint.arb(x.numerator) / flint.arb(x.denominator)
    return x if isinstance(x, flint.arb) else flint.arb(float(x))


_arbs = np.frompyfunc(_to_arb, 1, 1)


def field(x: Any) -> Array:
    """x as an array of the present precision; floats and fractions convert exactly."""
    if _high:
        return np.asarray(_arbs(np.asarray(x, dtype=object)), dtype=object)
    return np.asarray(x, dtype=float)


def pi() -> Array:
    """The number pi in the present precision."""
    return np.asarray(flint.arb.pi() if _high else np.pi)


class Num:
    """An array of numbers and the parts it was computed from."""

    __slots__ = ("age", "name", "parts", "x")

    def __init__(self, x: Array, parts: tuple[Part, ...] = (), name: Hashable = None) -> None:
        self.x = x
        self.parts = parts
        self.name = name
        self.age = next(_clock)

    @property
    def active(self) -> bool:
        """Whether a named leaf is behind it."""
        return bool(self.parts) or self.name is not None

    def __add__(self, other: Num) -> Num:
        return make(self.x + other.x, (self, _one), (other, _one))

    def __sub__(self, other: Num) -> Num:
        return make(self.x - other.x, (self, _one), (other, _minus_one))

    def __neg__(self) -> Num:
        return make(-self.x, (self, _minus_one))

    def __mul__(self, other: Num) -> Num:
        a, b = self.x, other.x
        return make(a * b, (self, lambda: b), (other, lambda: a))

    def __truediv__(self, other: Num) -> Num:
        a, b = self.x, other.x
        return make(a / b, (self, lambda: 1 / b), (other, lambda: -a / b**2))

    def __pow__(self, other: Num) -> Num:
        a, b = self.x, other.x
        return make(a**b, (self, lambda: b * a ** (b - 1)), (other, lambda: log(Num(a)).x * a**b))


def _one() -> int:
    return 1


def _minus_one() -> int:
    return -1


def make(x: Any, *parts: Part) -> Num:
    """A computed number; parts without a leaf behind them are forgotten."""
    return Num(np.asarray(x), tuple(p for p in parts if p[0].active))


def constant(x: Any) -> Num:
    """A number that nothing is differentiated by."""
    return Num(field(x))


def leaf(x: Any, name: Hashable) -> Num:
    """A number that derivatives are taken by."""
    return Num(field(x), (), name)


def gradient(out: Num) -> dict[Hashable, Array]:
    """d out / d leaf, sample by sample, for every leaf behind `out`."""
    nodes: dict[int, Num] = {}
    stack = [out]
    while stack:
        node = stack.pop()
        if node.age not in nodes:
            nodes[node.age] = node
            stack.extend(p for p, _ in node.parts)
    sums: dict[int, Any] = {out.age: 1}
    found: dict[Hashable, Array] = {}
    for age in sorted(nodes, reverse=True):
        node, above = nodes[age], sums.pop(age)
        if node.name is not None:
            found[node.name] = np.asarray(found.get(node.name, 0) + np.asarray(above))
        for part, slope in node.parts:
            change = above * slope()
            sums[part.age] = sums[part.age] + change if part.age in sums else change
    return found


# Functions: float64 by SciPy, balls by FLINT.


def _both(floats: Callable[[Any], Any], balls: Callable[[Any], Any]) -> Callable[[Array], Array]:
    each = np.frompyfunc(balls, 1, 1)

    def apply(x: Array) -> Array:
        return np.asarray(each(x), dtype=object) if x.dtype == object else floats(x)

    return apply


_exp = _both(np.exp, lambda a: a.exp())
_log = _both(np.log, lambda a: a.log())
_sqrt = _both(np.sqrt, lambda a: a.sqrt())
_abs = _both(np.abs, abs)
_sign = _both(np.sign, lambda a: a.sgn())
_tanh = _both(np.tanh, lambda a: a.tanh())
_sigmoid = _both(special.expit, lambda a: 1 / (1 + (-a).exp()))
_softplus = _both(lambda x: np.logaddexp(0, x), lambda a: (1 + a.exp()).log())
_log1p = _both(np.log1p, lambda a: a.log1p())
_lgamma = _both(special.gammaln, lambda a: a.lgamma())
_digamma = _both(special.psi, lambda a: a.digamma())
_trigamma = _both(lambda x: special.polygamma(1, x), lambda a: flint.arb(2).zeta(a))
_erf = _both(special.erf, lambda a: a.erf())
_erf_slope = _both(
    lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2)),
    lambda a: 2 * (-a * a).exp() / flint.arb.pi().sqrt(),
)
_cos = _both(np.cos, lambda a: a.cos())
_sin = _both(np.sin, lambda a: a.sin())
_log_i0 = _both(
    lambda x: np.log(special.i0e(x)) + np.abs(x), lambda a: a.bessel_i(flint.arb(0)).log()
)
_i1_i0 = _both(
    lambda x: special.i1e(x) / special.i0e(x),
    lambda a: a.bessel_i(flint.arb(1)) / a.bessel_i(flint.arb(0)),
)


def exp(a: Num) -> Num:
    y = _exp(a.x)
    return make(y, (a, lambda: y))


def log(a: Num) -> Num:
    return make(_log(a.x), (a, lambda: 1 / a.x))


def sqrt(a: Num) -> Num:
    y = _sqrt(a.x)
    return make(y, (a, lambda: 1 / (2 * y)))


def absolute(a: Num) -> Num:
    return make(_abs(a.x), (a, lambda: _sign(a.x)))


def tanh(a: Num) -> Num:
    y = _tanh(a.x)
    return make(y, (a, lambda: 1 - y**2))


def sigmoid(a: Num) -> Num:
    y = _sigmoid(a.x)
    return make(y, (a, lambda: y * (1 - y)))


def softplus(a: Num) -> Num:
    return make(_softplus(a.x), (a, lambda: _sigmoid(a.x)))


def log1p(a: Num) -> Num:
    return make(_log1p(a.x), (a, lambda: 1 / (1 + a.x)))


def loggamma(a: Num) -> Num:
    return make(_lgamma(a.x), (a, lambda: _digamma(a.x)))


def digamma(a: Num) -> Num:
    return make(_digamma(a.x), (a, lambda: _trigamma(a.x)))


def erf(a: Num) -> Num:
    return make(_erf(a.x), (a, lambda: _erf_slope(a.x)))


def cos(a: Num) -> Num:
    return make(_cos(a.x), (a, lambda: -_sin(a.x)))


def log_i0(a: Num) -> Num:
    return make(_log_i0(a.x), (a, lambda: _i1_i0(a.x)))


def power(a: Num, exponent: Fraction) -> Num:
    """a to a known rational power; a may be negative where the power is an integer."""
    if exponent == 0:
        return constant(1)
    e: Any = exponent.numerator if exponent.denominator == 1 else field(exponent)[()]
    if not _high:
        e = float(exponent)
    return make(a.x**e, (a, lambda: e * a.x ** (e - 1)))


def affine(weights: list[float], terms: list[Num], offset: float) -> Num:
    """offset + sum of weight * term, as one step."""
    known = [field(w) for w in weights]
    x: Any = field(offset)
    for w, t in zip(known, terms, strict=True):
        x = x + w * t.x
    return make(x, *((t, lambda w=w: w) for w, t in zip(known, terms, strict=True)))


def choose(index: Num, options: list[Num]) -> Num:
    """options[index - 1], sample by sample."""
    places = [np.asarray(index.x == k + 1, dtype=bool) for k in range(len(options))]
    pairs = [(field(p.astype(float)), o) for p, o in zip(places, options, strict=True)]
    return make(sum(m * o.x for m, o in pairs), *((o, lambda m=m: m) for m, o in pairs))


def total(terms: list[Num]) -> Num:
    """The sum; 0 of nothing."""
    x = sum((t.x for t in terms[1:]), start=terms[0].x) if terms else field(0)
    return make(x, *((t, _one) for t in terms))


FUNCTIONS: dict[str, Callable[[Num], Num]] = {
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "abs": absolute,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "log1p": log1p,
    "loggamma": loggamma,
    "digamma": digamma,
    "erf": erf,
}
