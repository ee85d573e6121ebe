"""A judge that knows no rules: terms evaluated at random points, at all sizes 1, 2 and 3 (1 and 2
where there are three sizes or more).

And every one-token change of a term, so that a checker's rules can be swept: whatever a checker
accepts of these has to be true for the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from fractions import Fraction
from itertools import product
from random import Random

from symelbo.index.substitute import free_indices, replace_index
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import Place, Smooth, World, evaluate, places, walk

__all__ = ["Verdict", "draw_entries", "is_true", "judge", "mutants", "symbols_in", "worlds"]

SIZES = (1, 2, 3)
_UNDEFINED = (ValueError, ZeroDivisionError, TypeError)


# ---------------------------------------------------------------- worlds


def symbols_in(items: Iterable[object]) -> list[Symbol]:
    """Every symbol, those in the bounds of supports included, in a fixed order."""
    found: dict[str, Symbol] = {}
    for item in walk(items):
        for symbol in (item, getattr(item, "symbol", None), getattr(item, "function", None)):
            if isinstance(symbol, Symbol):
                found.setdefault(symbol.name, symbol)
    return list(found.values())


def sizes_in(items: Iterable[object]) -> list[str]:
    """The names of all symbolic sizes."""
    names = {i.size for i in walk(items) if isinstance(i, Extent) and i.size is not None}
    names |= {i.name for i in walk(items) if isinstance(i, Size)}
    names |= {e.size for s in symbols_in(items) for e in s.shape if e.size is not None}
    return sorted(names)


def category_extents(items: Iterable[object]) -> dict[str, Extent]:
    """What a category selects from, where its domain does not say."""
    found: dict[str, Extent] = {}
    for item in walk(items):
        if isinstance(item, (Entry, Apply)):
            symbol = item.symbol if isinstance(item, Entry) else item.function
            for place, extent in zip(item.indices, symbol.shape, strict=True):
                if isinstance(place, Entry):
                    found.setdefault(place.symbol.name, extent)
    return found


def worlds(
    items: Sequence[object],
    *,
    draws: int = 2,
    seed: int = 0,
    least: Mapping[str, int] | None = None,
) -> Iterator[World]:
    """Random worlds at every combination of sizes 1, 2, 3 from their smallest values on.

    Of three sizes and more: 1 and 2.
    """
    names, symbols, extents = sizes_in(items), symbols_in(items), category_extents(items)
    smallest = [(least or {}).get(name, 1) for name in names]
    most = 2 if len(names) < 3 else 1  # beside the smallest: of many sizes 2 is enough
    for chosen in product(*(range(low, max(low, most) + 2) for low in smallest)):
        sizes = dict(zip(names, chosen, strict=True))
        for draw in range(draws):
            random = Random(f"{seed}:{sorted(sizes.items())}:{draw}")
            values: dict[Place, float] = {}
            functions: dict[str, Smooth] = {}
            world = World(sizes, values, {}, functions)
            for symbol in symbols:
                if symbol.role is not Role.FUNCTION:
                    values.update(draw_entries(symbol, world, random, extents))
            for s in symbols:
                if s.role is Role.FUNCTION:
                    functions[s.name] = Smooth(s, world.length, random.randrange(10**9))
            yield world


def draw_entries(
    symbol: Symbol, world: World, random: Random, extents: Mapping[str, Extent] | None = None
) -> dict[Place, float]:
    """Admissible random values of all entries; of a support with ends also values at them."""
    kind, name = symbol.domain.kind, symbol.name
    if kind in ("simplex", "onehot", "counts", "posdef"):
        depth = 2 if kind == "posdef" else 1
        n = world.length(symbol.shape[-1])
        found: dict[Place, float] = {}
        for outer in places(world, symbol.shape[:-depth]):
            for at, value in _block(kind, n, random).items():
                found[name, (*outer, *at)] = value
        return found
    return {
        (name, at): _scalar(symbol, world, random, extents or {})
        for at in places(world, symbol.shape)
    }


def _block(kind: str, n: int, random: Random) -> dict[tuple[int, ...], float]:
    if kind == "posdef":
        root = [[random.gauss(0, 1) for _ in range(n)] for _ in range(n)]
        return {
            (i + 1, j + 1): sum(a * b for a, b in zip(root[i], root[j], strict=True))
            + (0.5 if i == j else 0.0)
            for i in range(n)
            for j in range(n)
        }
    if kind == "simplex":
        parts = [random.uniform(0.1, 1.0) for _ in range(n)]
        return {(k + 1,): part / sum(parts) for k, part in enumerate(parts)}
    chosen = [random.randrange(n) for _ in range(1 if kind == "onehot" else 3)]
    return {(k + 1,): float(chosen.count(k)) for k in range(n)}


def _scalar(symbol: Symbol, world: World, random: Random, extents: Mapping[str, Extent]) -> float:
    domain = symbol.domain
    lower = None if domain.lower is None else evaluate(domain.lower, world).value
    upper = None if domain.upper is None else evaluate(domain.upper, world).value
    match domain.kind:
        case "positive":
            return random.choice((random.uniform(0.02, 0.5), random.uniform(0.5, 4.0)))
        case "unit":
            return random.uniform(0.03, 0.97)
        case "binary":
            return float(random.randint(0, 1))
        case "naturals":
            return float(random.randint(0, 4 if upper is None else int(upper)))
        case "category":
            if upper is None:
                extent = extents.get(symbol.name, Extent(None, 1))
                upper = world.length(extent)
            return float(random.randint(1, int(upper)))
        case "interval" | "angle":
            low = -3.0 if lower is None else lower
            high = low + 6.0 if upper is None else upper
            ends = [e for e in (lower, upper) if e is not None]
            return random.choice((*ends, *(random.uniform(low, high) for _ in range(4))))
    return random.gauss(0, 1.2)


# ---------------------------------------------------------------- truth


class Verdict(Enum):
    """What the numbers say of a statement."""

    TRUE = "true"
    FALSE = "false"
    UNDEFINED = "undefined"  # it has no value at some admissible point
    NOWHERE = "nowhere"  # its places exist at no size, or there are no numbers for a function


def is_true(
    statement: Term,
    *,
    draws: int = 2,
    seed: int = 0,
    least: Mapping[str, int] | None = None,
) -> bool:
    """Whether a term vanishes at all admissible points; where it has no value, it is not true."""
    return judge(statement, draws=draws, seed=seed, least=least) is Verdict.TRUE


def judge(
    statement: Term,
    *,
    draws: int = 2,
    seed: int = 0,
    least: Mapping[str, int] | None = None,
) -> Verdict:
    """Whether a term vanishes at random points of all small sizes.

    Everything counts almost everywhere: continuous entries never hit a given point.
    """
    free = sorted(free_indices(statement), key=repr)
    found = Verdict.NOWHERE
    for world in worlds([statement, *free], draws=draws, seed=seed, least=least):
        ranges = [range(i.low, world.length(i.extent) + 1) for i in free]
        for where in product(*ranges):
            env = dict(zip(free, where, strict=True))
            try:
                if not _vanishes(statement, world, env):
                    return Verdict.FALSE
                found = Verdict.TRUE
            except (KeyError, OverflowError, NotImplementedError):
                continue  # a place that does not exist at these sizes, or no number for a float
            except _UNDEFINED:
                return Verdict.UNDEFINED
    return found


def _vanishes(term: Term, world: World, env: Mapping[Index, int]) -> bool:
    parts = term.terms if isinstance(term, Add) else (term,)
    values = [evaluate(part, world, env).value for part in parts]
    scale = 1.0 + sum(map(abs, values))
    return bool(abs(sum(values)) <= 1e-8 * scale)


# ---------------------------------------------------------------- one-token changes

_SAME_SIGNATURE = ("exp", "log", "abs", "sign", "tanh", "sigmoid", "softplus", "loggamma", "erf")


def mutants(term: Term, others: Sequence[Symbol] = ()) -> Iterator[Term]:
    """Every one-token change; others: symbols that may stand in for those of the same shape."""
    yield Mul((Number(Fraction(-1)), term))
    match term:
        case Number(value):
            yield Number(value + 1)
            if value:
                yield Number(-value)
        case Entry(symbol, where):
            yield Mul((Number(Fraction(2)), term))
            for other in others:
                if other.shape == symbol.shape and other != symbol:
                    yield Entry(other, where)
            for n, (place, extent) in enumerate(zip(where, symbol.shape, strict=True)):
                for new in _other_places(place, extent, where):
                    yield Entry(symbol, (*where[:n], new, *where[n + 1 :]))
        case IndexValue(Index() as place):
            yield IndexValue(Offset(place, 1))
        case Power(base, exponent):
            yield base
            yield from (Power(m, exponent) for m in mutants(base, others))
            if isinstance(exponent, Number):
                for value in (exponent.value - 1, exponent.value + 1, -exponent.value):
                    yield Power(base, Number(value))
            else:
                yield from (Power(base, m) for m in mutants(exponent, others))
        case Add(parts) | Mul(parts):
            make = type(term)
            for n, part in enumerate(parts):
                rest = (*parts[:n], *parts[n + 1 :])
                if rest:
                    yield rest[0] if len(rest) == 1 else make(rest)
                yield from (make((*parts[:n], m, *parts[n + 1 :])) for m in mutants(part, others))
            yield Mul(parts) if make is Add else Add(parts)
        case Call(name, (argument,)):
            yield argument
            for other in _SAME_SIGNATURE:
                if other != name:
                    yield Call(other, (argument,))
            yield from (Call(name, (m,)) for m in mutants(argument, others))
        case Call(name, (order, argument)):
            yield Call(name, (Add((order, Number(Fraction(1)))), argument))
            yield from (Call(name, (order, m)) for m in mutants(argument, others))
        case Sum(index, body):
            for changed in _other_ranges(index):
                yield Sum(changed, replace_index(body, index, changed))
            yield from (Sum(index, m) for m in mutants(body, others))
        case Delta(left, right):
            yield Number(Fraction(1))
            for n, place in enumerate((left, right)):
                if isinstance(place, Index):
                    for new in (Offset(place, 1), Offset(place, -1)):
                        yield Delta(new, right) if n == 0 else Delta(left, new)
                if isinstance(place, Position):
                    moved = Position(replace(place.extent, offset=place.extent.offset - 1))
                    yield Delta(moved, right) if n == 0 else Delta(left, moved)
        case Inverse(matrix, row, column):
            yield Inverse(matrix, row, row)
            yield Inverse(matrix, column, column)
            yield from (Inverse(m, row, column) for m in _other_matrices(matrix, others))
        case LogDet(matrix):
            yield from (LogDet(m) for m in _other_matrices(matrix, others))
        case Apply(function, arguments, where, slots):
            for n, argument in enumerate(arguments):
                for m in mutants(argument.body, others):
                    new = (*arguments[:n], Array(argument.indices, m), *arguments[n + 1 :])
                    yield Apply(function, new, where, slots)


def _other_places(
    place: IndexTerm, extent: Extent, where: Sequence[IndexTerm]
) -> Iterator[IndexTerm]:
    """Other places of an axis: its ends, its second to last, the neighbour, another index."""
    candidates: list[IndexTerm] = [Position(extent), Position(Extent(None, 1))]
    if extent.size is not None:
        candidates.append(Position(replace(extent, offset=extent.offset - 1)))
    if isinstance(place, Index):
        candidates += [Offset(place, 1), Offset(place, -1)]
    candidates += [
        i for i in where if isinstance(i, Index) and i.extent.size == extent.size and i != place
    ]
    yield from (c for c in dict.fromkeys(candidates) if c != place)


def _other_ranges(index: Index) -> Iterator[Index]:
    for by in (-1, 1):
        yield replace(index, extent=Extent(index.extent.size, index.extent.offset + by))
    yield replace(index, low=index.low + 1)


def _other_matrices(matrix: Array, others: Sequence[Symbol]) -> Iterator[Array]:
    i, j = matrix.indices
    for changed_i, changed_j in zip(_other_ranges(i), _other_ranges(j), strict=True):
        body = replace_index(replace_index(matrix.body, i, changed_i), j, changed_j)
        yield Array((changed_i, changed_j), body)
        yield Array((changed_i, j), replace_index(matrix.body, i, changed_i))
    yield from (Array(matrix.indices, m) for m in mutants(matrix.body, others))
