"""Terms as numbers: forward-mode dual numbers in plain floats, at concrete sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from random import Random
from typing import Any, NamedTuple, TypeAlias

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
    Interned,
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
    Symbol,
    Term,
)
from symelbo.limits import KEPT_SCOPES, KEPT_SERIES, LOST_DIGITS, LOST_PIVOT
from symelbo.trial.remember import Remembered
from symelbo.trial.special import bessel_ratio, digamma, log_bessel_i0, polygamma
from symelbo.values import dataclass, field

__all__ = ["Dual", "Smooth", "World", "evaluate", "free_indices", "places", "walk"]


class Dual(NamedTuple):
    """value + tangent * epsilon"""

    value: float
    tangent: float


Pair: TypeAlias = tuple[float, float]
Env: TypeAlias = dict[Index, int]
Place: TypeAlias = tuple[str, tuple[int, ...]]
Function: TypeAlias = Callable[
    [Sequence[Mapping[tuple[int, ...], Pair]], tuple[int, ...], tuple[Any, ...]], Pair
]


@dataclass(frozen=True, slots=True)
class World:
    """Concrete sizes, entries and their velocities, and meanings of the abstract functions.

    careful: a difference that lost most of its digits is not inverted or put under a logarithm.
    """

    sizes: Mapping[str, int]
    values: Mapping[Place, float]
    velocities: Mapping[Place, float] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    careful: bool = False
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)  # once computed

    def along(self, velocities: Mapping[Place, float]) -> World:
        """The same point, where its entries move: nothing is kept that was computed at rest."""
        return World(self.sizes, self.values, velocities, self.functions, self.careful)

    def length(self, extent: Extent) -> int:
        """The last place of an extent."""
        return extent.offset + (self.sizes[extent.size] if extent.size is not None else 0)


def places(world: World, extents: Sequence[Extent]) -> Iterator[tuple[int, ...]]:
    """All index tuples of a shape, counted from 1."""
    return product(*(range(1, world.length(extent) + 1) for extent in extents))


def evaluate(term: Term, world: World, env: Mapping[Index, int] | None = None) -> Dual:
    """The value of a term and its derivative along the world's velocities."""
    return Dual(*_EVALUATE[type(term)](term, world, dict(env or {})))


# ------------------------------------------------------------------------------ node by node


def _term(term: Term, world: World, env: Env) -> Pair:
    return _EVALUATE[type(term)](term, world, env)


def _index(index: IndexTerm, world: World, env: Env) -> int:
    if isinstance(index, Index):
        return env[index]
    if isinstance(index, Offset):
        return env[index.index] + index.by
    if isinstance(index, Position):
        return world.length(index.extent)
    where = tuple([_index(i, world, env) for i in index.indices])
    return int(world.values[index.symbol.name, where])


def _number(term: Number, world: World, env: Env) -> Pair:
    numerator, denominator = term.value.as_integer_ratio()
    return numerator / denominator, 0.0


def _constant(term: Constant, world: World, env: Env) -> Pair:
    return {"pi": math.pi, "PI": math.pi, "e": math.e}[term.name], 0.0


def _size(term: Size, world: World, env: Env) -> Pair:
    return float(world.sizes[term.name]), 0.0


def _index_value(term: IndexValue, world: World, env: Env) -> Pair:
    return float(_index(term.index, world, env)), 0.0


def _entry(term: Entry, world: World, env: Env) -> Pair:
    where: tuple[int, ...] = ()
    if term.indices:
        where = tuple(
            [
                env[i] if type(i) is Index else _index(i, world, env)  # as most places are
                for i in term.indices
            ]
        )
    place = term.symbol.name, where
    velocities = world.velocities
    return world.values[place], (velocities.get(place, 0.0) if velocities else 0.0)


def _add(term: Add, world: World, env: Env) -> Pair:
    value = tangent = 0.0
    for part in term.terms:
        v, t = _EVALUATE[type(part)](part, world, env)
        value += v
        tangent += t
    return value, tangent


def _careful(term: Term, world: World, env: Env) -> Pair:
    """As `_term`, of what is inverted or put under a logarithm."""
    if world.careful and type(term) is Remembered:
        return _recall(term, world, env, _careful)
    if not world.careful or type(term) is not Add:
        return _EVALUATE[type(term)](term, world, env)
    parts = [_EVALUATE[type(part)](part, world, env) for part in term.terms]
    value, tangent = sum(v for v, _ in parts), sum(t for _, t in parts)
    if abs(value) < LOST_DIGITS * max(abs(v) for v, _ in parts):
        raise ValueError("a difference without digits")
    return value, tangent


def _mul(term: Mul, world: World, env: Env) -> Pair:
    value, tangent = 1.0, 0.0
    for part in term.factors:
        v, t = _EVALUATE[type(part)](part, world, env)
        value, tangent = value * v, value * t + tangent * v
    return value, tangent


def _power(term: Power, world: World, env: Env) -> Pair:
    a, da = _careful(term.base, world, env)
    if type(term.exponent) is Number:
        n, d = term.exponent.value.as_integer_ratio()
        e = n if d == 1 else n / d
        if a < 0 and not isinstance(e, int):
            raise ValueError("a root of a negative number")
        return a**e, (e * a ** (e - 1) * da if da else 0.0)
    b, db = _term(term.exponent, world, env)
    if a <= 0:
        raise ValueError("a power of a number that is not positive")
    value = a**b
    return value, value * (db * math.log(a) + b * da / a)


def _sum(term: Sum, world: World, env: Env) -> Pair:
    value = tangent = 0.0
    index, body = term.index, term.body
    evaluate_body = _EVALUATE[type(body)]
    inner = dict(env)
    for k in range(index.low, world.length(index.extent) + 1):
        inner[index] = k
        v, t = evaluate_body(body, world, inner)
        value += v
        tangent += t
    return value, tangent


def _delta(term: Delta, world: World, env: Env) -> Pair:
    return float(_index(term.left, world, env) == _index(term.right, world, env)), 0.0


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


_FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "exp": (math.exp, math.exp),
    "expm1": (math.expm1, math.exp),
    "log": (math.log, lambda a: 1 / a),
    "log1p": (math.log1p, lambda a: 1 / (1 + a)),
    "sqrt": (math.sqrt, lambda a: 0.5 / math.sqrt(a)),
    "abs": (abs, lambda a: math.copysign(1.0, a)),
    "sign": (lambda a: math.copysign(1.0, a) if a else 0.0, lambda a: 0.0),
    "tanh": (math.tanh, lambda a: 1 - math.tanh(a) ** 2),
    "sigmoid": (_sigmoid, lambda a: _sigmoid(a) * _sigmoid(-a)),
    "softplus": (lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))), _sigmoid),
    "loggamma": (math.lgamma, digamma),
    "digamma": (digamma, lambda a: polygamma(1, a)),
    "sin": (math.sin, math.cos),
    "cos": (math.cos, lambda a: -math.sin(a)),
    "erf": (math.erf, lambda a: 2 / math.sqrt(math.pi) * math.exp(-a * a)),
    "logbesseli0": (log_bessel_i0, bessel_ratio),
    "besselratio": (
        bessel_ratio,
        lambda a: 1 - (bessel_ratio(a) / a if a else 0.5) - bessel_ratio(a) ** 2,
    ),
}


def _call(term: Call, world: World, env: Env) -> Pair:
    if term.name == "polygamma":
        order = int(_term(term.arguments[0], world, env)[0])
        a, da = _term(term.arguments[1], world, env)
        return polygamma(order, a), (polygamma(order + 1, a) * da if da else 0.0)
    if len(term.arguments) != 1 or term.name not in _FUNCTIONS:
        raise NotImplementedError(f"no numbers for {term.name}")
    (argument,) = term.arguments
    evaluate_argument = _careful if term.name == "log" else _term
    a, da = evaluate_argument(argument, world, env)
    if term.name == "loggamma" and a <= 0:
        raise ValueError("loggamma needs a positive argument")
    function, slope = _FUNCTIONS[term.name]
    return function(a), (slope(a) * da if da else 0.0)


def _entries(array: Array, world: World, env: Env) -> dict[tuple[int, ...], Pair]:
    ranges = [range(i.low, world.length(i.extent) + 1) for i in array.indices]
    inner = dict(env)
    result = {}
    for where in product(*ranges):
        inner.update(zip(array.indices, where, strict=True))
        result[where] = _term(array.body, world, inner)
    return result


def _apply(term: Apply, world: World, env: Env) -> Pair:
    """The value of an abstract function; once per place."""
    found: Pair = _once((term, *[env[i] for i in _free(term)]), _applied, term, world, env)
    return found


def _once(
    key: tuple[object, ...],
    compute: Callable[[Any, World, Env], Any],
    item: Any,
    world: World,
    env: Env,
) -> Any:
    """What is computed of an item in a world, which keeps it under the key."""
    found = world._kept.get(key)
    if found is None:
        found = world._kept[key] = compute(item, world, env)
    return found


def _applied(term: Apply, world: World, env: Env) -> Pair:
    where = tuple([_index(i, world, env) for i in term.indices])
    slots = tuple(
        (slot, tuple([_index(i, world, env) for i in at])) for slot, at in term.derivatives
    )
    arguments = [
        _once((_entries, a, *[env[i] for i in _free(a)]), _entries, a, world, env)
        for a in term.arguments
    ]
    return world.functions[term.function.name](arguments, where, slots)


def _matrix(array: Array, world: World, env: Env) -> Any:
    """(inverse, log|det|, its tangent), the inverse as {(i, j): pair}; once per matrix."""
    return _once((array, *[env[i] for i in _free(array)]), _inverted, array, world, env)


def _inverted(array: Array, world: World, env: Env) -> Any:
    entries = _entries(array, world, env)
    n = math.isqrt(len(entries))
    if n * n != len(entries):
        raise ValueError("a matrix that is not square")
    low = array.indices[0].low, array.indices[1].low
    a = [[entries[i + low[0], j + low[1]][0] for j in range(n)] for i in range(n)]
    inverse, logdet = _eliminate(a)
    da = [[entries[i + low[0], j + low[1]][1] for j in range(n)] for i in range(n)]
    r = range(n)
    moved = [[sum(inverse[i][k] * da[k][j] for k in r) for j in r] for i in r]
    tangent = sum(moved[i][i] for i in r)
    pairs = {
        (j + low[1], i + low[0]): (
            inverse[j][i],
            -sum(moved[j][k] * inverse[k][i] for k in r),
        )
        for i in r
        for j in r
    }
    return pairs, (logdet, tangent)


def _eliminate(matrix: list[list[float]]) -> tuple[list[list[float]], float]:
    """Inverse and log|det| by Gauss-Jordan with partial pivoting."""
    n = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    logdet = 0.0
    largest = max((abs(x) for row in matrix for x in row), default=0.0)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        head = rows[k][k]
        if abs(head) <= LOST_PIVOT * largest:
            raise ZeroDivisionError("a singular matrix")
        logdet += math.log(abs(head))
        rows[k] = [x / head for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows], logdet


def _inverse(term: Inverse, world: World, env: Env) -> Pair:
    pairs, _ = _matrix(term.matrix, world, env)
    pair: Pair = pairs[_index(term.row, world, env), _index(term.column, world, env)]
    return pair


def _logdet(term: LogDet, world: World, env: Env) -> Pair:
    pair: Pair = _matrix(term.matrix, world, env)[1]
    return pair


def _remember(term: Remembered, world: World, env: Env) -> Pair:
    return _recall(term, world, env, _term)


def _recall(
    term: Remembered, world: World, env: Env, compute: Callable[[Term, World, Env], Pair]
) -> Pair:
    """The pair that `compute` made of the term at these indices, made once."""
    key = (term, compute, *[env[index] for index in _free(term)])
    found: Pair = _once(key, compute, term.term, world, env)
    return found


_EVALUATE: dict[type, Callable[[Any, World, Env], Pair]] = {
    Number: _number,
    Constant: _constant,
    Size: _size,
    IndexValue: _index_value,
    Entry: _entry,
    Add: _add,
    Mul: _mul,
    Power: _power,
    Call: _call,
    Sum: _sum,
    Delta: _delta,
    Apply: _apply,
    Inverse: _inverse,
    LogDet: _logdet,
    Remembered: _remember,
}


# --------------------------------------------------------------------------- abstract functions


class Smooth:
    """A random smooth function f(arguments)[places]: c + sum_k a_k tanh(b_k . arguments + d_k).

    Linear in the tanh, so that derivatives of every order are exact; c > sum |a_k| where f must be
    positive, both within (0, 1) where it must be a probability.  Simplex and posdef results are
    built from such functions, without derivative slots.
    """

    TERMS = 2

    def __init__(self, symbol: Symbol, length: Callable[[Extent], int], seed: int) -> None:
        self.symbol, self.length, self.seed = symbol, length, seed
        self.weights: dict[tuple[Any, ...], float] = {}
        self.center, self.height = symbol.domain.smooth

    def __call__(
        self,
        arguments: Sequence[Mapping[tuple[int, ...], Pair]],
        where: tuple[int, ...],
        slots: tuple[Any, ...],
    ) -> Pair:
        domain = self.symbol.domain
        if not domain.rank:
            return self.scalar(arguments, where, slots)
        if slots:
            raise NotImplementedError(f"derivatives of a function with values in a {domain.kind}")
        n = self.length(self.symbol.shape[-1])
        return domain.from_reals(lambda at: self.scalar(arguments, at, ()), where, n)

    def draw(self, key: tuple[Any, ...]) -> float:
        """A number in (-1, 1) that depends on the key alone."""
        known = self.weights.get(key)
        if known is None:
            seed = f"{self.seed}:{self.symbol.name}:{key}"
            known = self.weights[key] = Random(seed).uniform(-1, 1)
        return known

    def scalar(
        self,
        arguments: Sequence[Mapping[tuple[int, ...], Pair]],
        where: tuple[int, ...],
        slots: tuple[Any, ...],
    ) -> Pair:
        value, tangent = (0.0 if slots else self.center), 0.0
        for k in range(self.TERMS):
            u, du = self.draw((where, k)), 0.0
            for slot, entries in enumerate(arguments):
                for at, (v, t) in entries.items():
                    b = self.draw((where, k, slot, at))
                    u += b * v
                    du += b * t
            a = self.height / self.TERMS * (0.6 + 0.4 * self.draw((where, k, "height")))
            for slot, at in slots:
                a *= self.draw((where, k, slot, at))
            value += a * _tanh(len(slots), u)
            if du:
                tangent += a * _tanh(len(slots) + 1, u) * du
        return value, tangent


@lru_cache(maxsize=KEPT_SERIES)
def _tanh_polynomial(order: int) -> tuple[int, ...]:
    """tanh^(n) = P_n(tanh), P_{n+1} = P_n' (1 - x^2)."""
    if order == 0:
        return 0, 1
    slope = [k * c for k, c in enumerate(_tanh_polynomial(order - 1))][1:]
    result = [*slope, 0, 0]
    for k, c in enumerate(slope):
        result[k + 2] -= c
    return tuple(result)


def _tanh(order: int, u: float) -> float:
    x = math.tanh(u)
    if not order:
        return x
    return sum(c * x**k for k, c in enumerate(_tanh_polynomial(order)))


# --------------------------------------------------------------------------------- walking


def walk(items: Iterable[object]) -> Iterator[Any]:
    """Every term, array, index and symbol inside, in a fixed order."""
    stack, seen = list(items)[::-1], set()
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(reversed(item))
        elif isinstance(item, Interned):
            if item not in seen:
                seen.add(item)
                yield item
                names = reversed(type(item).__match_args__)
                stack.extend([getattr(item, name) for name in names])
        elif isinstance(item, Domain):
            stack += [item.upper, item.lower]


@lru_cache(maxsize=KEPT_SCOPES)
def free_indices(item: Node | tuple[object, ...]) -> frozenset[Index]:
    """The index variables that no sum and no array around them binds."""
    if isinstance(item, Index):
        return frozenset((item,))
    parts, bound = (item, ()) if isinstance(item, tuple) else (item.parts(), item.bound())
    inner = (free_indices(part) for part in parts if isinstance(part, Node | tuple))
    return frozenset().union(*inner).difference(bound)


@lru_cache(maxsize=KEPT_SCOPES)
def _free(item: Node) -> tuple[Index, ...]:
    """The same in an order of their own."""
    return tuple(sorted(free_indices(item), key=lambda index: (index.name, index.low)))
