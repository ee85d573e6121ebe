"""The exact identity behind the theorems, tried at random sizes, parameters, data and q.

    sum_s w_s log p  =  sum_s w_s (b - H~ + d)  +  d/ds [sum_s w_s log p] along the motion

holds at every parameter value for every q if and only if the motion satisfies (U) and H~ is the
pseudo-entropy: Luecke & Warnken 2022 (arXiv 2209.03077), stronger form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import isfinite, nan
from random import Random

from symelbo.index.terms import (
    Apply,
    Array,
    Domain,
    Entry,
    Extent,
    Index,
    Position,
    Role,
    Size,
    Symbol,
    Term,
    literal_place,
)
from symelbo.limits import (
    DRAWN_NATURAL,
    IDENTITY_ATTEMPTS,
    IDENTITY_OPERATIONS,
    Q_POINTS,
    REDRAWS,
    TRIED_ENTRIES,
)
from symelbo.trial.evaluate import Place, Smooth, World, evaluate, free_indices, places, walk
from symelbo.trial.operations import count_entries, count_operations
from symelbo.trial.remember import remember
from symelbo.values import dataclass, replace

__all__ = [
    "Scene",
    "draw_entries",
    "draw_world",
    "identity_residual",
    "is_short",
    "make_scene",
    "satisfies",
    "velocities_at",
]

_NODES = (Role.LATENT, Role.OBSERVED, Role.VALUE, Role.INPUT)  # what differs between points


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to draw: symbols in order, sizes with their least value, category ranges.

    counts: the names of what has to be a natural number; telling: the least sizes at which every
    range has a place.
    """

    symbols: tuple[Symbol, ...]
    functions: tuple[Symbol, ...]
    sizes: Mapping[str, int]
    categories: Mapping[str, Extent]
    counts: frozenset[str]
    telling: Mapping[str, int]


def identity_residual(
    log_density: Term,
    entropy: Term,
    rest: Term,
    field: Mapping[Symbol, Array],
    conditions: Sequence[tuple[Array, Domain]] = (),
    *,
    seed: int,
    trials: int = 3,
    least: Mapping[str, int] | None = None,
) -> float:
    """The largest relative residual of log p - D log p = rest - H~, about 1e-15 if it holds.

    rest: b + d.  All three terms are summed over the factor's plates.  The field moves parameters
    and latents; conditions: what the drawn points have to satisfy, as (array, domain); least: of
    the sizes of the model.  Points are drawn until they do, at sizes at which they take no more
    than so many operations; nan if none was found, so that nothing was tried.
    """
    random = Random(seed)
    mentioned = {s for s in walk((log_density, entropy, rest)) if isinstance(s, Symbol)}
    field = {symbol: array for symbol, array in field.items() if symbol in mentioned}
    items = [log_density, entropy, rest, *field.keys(), *field.values()]
    scene = make_scene(items, conditions, least)
    once = remember({"density": log_density, "entropy": entropy, "rest": rest})
    log_density, entropy, rest = once["density"], once["entropy"], once["rest"]
    evaluated: tuple[Term | Array, ...] = (log_density, entropy, rest, *field.values())
    worst = 0.0
    for trial in range(trials):
        for attempt in range(IDENTITY_ATTEMPTS):
            sizes = draw_sizes(scene, random, smallest=2 * attempt >= IDENTITY_ATTEMPTS)
            if not is_short(evaluated, scene, sizes, IDENTITY_OPERATIONS):
                continue  # smaller sizes
            base = replace(draw_world(scene, random, sizes=sizes), careful=True)
            try:
                worst = max(
                    worst,
                    _trial(log_density, entropy, rest, field, conditions, scene, base, random),
                )
                break
            except (ValueError, ZeroDivisionError, OverflowError):
                continue  # outside the model's domain: draw again
        else:
            return nan if not trial else worst
    return worst


def _trial(
    log_density: Term,
    entropy: Term,
    rest: Term,
    field: Mapping[Symbol, Array],
    conditions: Sequence[tuple[Array, Domain]],
    scene: Scene,
    base: World,
    random: Random,
) -> float:
    weights = [random.uniform(0.2, 1.0) for _ in range(Q_POINTS)]
    worlds = [_admissible(base, scene, conditions, random) for _ in weights]
    left = right = size = 0.0
    moving = {s: a for s, a in field.items() if s.role in _NODES}
    steady = {s: a for s, a in field.items() if s.role not in _NODES}
    # once: a field of parameters that depends on the nodes must not pass
    velocities = velocities_at(steady, worlds[0])
    for still, weight in zip(worlds, weights, strict=True):
        world = still.along({**velocities, **velocities_at(moving, still)})
        w = weight / sum(weights)
        density = evaluate(log_density, world)
        pseudo = evaluate(entropy, world).value
        log_h = evaluate(rest, world).value
        left += w * density.value
        right += w * (density.tangent - pseudo + log_h)
        size += w * (abs(density.tangent) + abs(pseudo) + abs(log_h))
    residual = abs(left - right) / (1 + abs(left) + size)
    if not isfinite(residual):
        raise OverflowError("a number out of range")
    return residual


def _admissible(
    base: World, scene: Scene, conditions: Sequence[tuple[Array, Domain]], random: Random
) -> World:
    """Random values of all nodes at which the conditions hold."""
    for _ in range(REDRAWS if conditions else 1):
        world = _with_nodes(base, scene, random)
        if all(satisfies(array, domain, world) for array, domain in conditions):
            return world
    raise ValueError("the conditions do not hold here")


def satisfies(array: Array, domain: Domain, world: World) -> bool:
    """Whether what has to be positive of an argument is, at every place of its plates."""
    margins = domain.margins(array.body)
    open_indices = sorted(free_indices(array.body), key=repr)
    ranges = [range(i.low, world.length(i.extent) + 1) for i in open_indices]
    for where in product(*ranges):
        env = dict(zip(open_indices, where, strict=True))
        if not all(evaluate(margin, world, env).value > 0 for margin in margins):
            return False
    return True


def velocities_at(field: Mapping[Symbol, Array], world: World) -> dict[Place, float]:
    """The velocity of every entry that a field moves, at one point."""
    moved: dict[Place, float] = {}
    for symbol, array in field.items():
        for where in places(world, symbol.shape):
            env = dict(zip(array.indices, where, strict=True))
            moved[symbol.name, where] = evaluate(array.body, world, env).value
    return moved


# ------------------------------------------------------------------------------------- drawing


def make_scene(
    items: Sequence[object],
    conditions: Sequence[tuple[Array, Domain]] = (),
    least: Mapping[str, int] | None = None,
) -> Scene:
    """What is to be drawn to evaluate the items; least: of the sizes of the whole model."""
    items = [*items, *(array for array, _ in conditions)]
    whole = [array for array, domain in conditions if domain.is_integer]
    counts = {i.name for i in walk(whole) if isinstance(i, Symbol) and i.role is Role.CONSTANT}
    symbols: dict[str, Symbol] = {}
    functions: dict[str, Symbol] = {}
    sizes: dict[str, int] = {}
    telling: dict[str, int] = {}
    categories: dict[str, Extent] = {}

    def need(extent: Extent, count: int, found: dict[str, int] = sizes) -> None:
        if extent.size is not None:
            found[extent.size] = max(found.get(extent.size, 1), count - extent.offset)

    for item in walk(items):
        if isinstance(item, Symbol):
            if item.role is Role.FUNCTION:
                functions[item.name] = item
            else:
                symbols[item.name] = item
            if item.domain.is_place and isinstance(item.domain.upper, Size):
                categories.setdefault(item.name, Extent(item.domain.upper.name))
        elif isinstance(item, Extent):
            need(item, 0)
        elif isinstance(item, Index):
            need(item.extent, item.low - 1)
            need(item.extent, item.low, telling)
        elif isinstance(item, Size):
            need(Extent(item.name), 1)
        elif isinstance(item, Position):
            need(item.extent, 1)
        if isinstance(item, (Entry, Apply)):
            symbol = item.symbol if isinstance(item, Entry) else item.function
            for index, extent in zip(item.indices, symbol.shape, strict=True):
                if isinstance(index, Entry):
                    categories.setdefault(index.symbol.name, extent)
                elif (last := literal_place(index)) is not None:
                    need(extent, last)
    for symbol in (*symbols.values(), *functions.values()):
        for extent in symbol.shape:
            need(extent, 0)
    for name, number in sizes.items():
        sizes[name] = max(number, (least or {}).get(name, 1))
        telling[name] = max(sizes[name], telling.get(name, 1))
    for function in functions:
        symbols.pop(function, None)
    return Scene(
        tuple(symbols.values()),
        tuple(functions.values()),
        sizes,
        categories,
        frozenset(counts),
        telling,
    )


def is_short(
    items: Sequence[Term | Array], scene: Scene, sizes: Mapping[str, int], most: int
) -> bool:
    """Whether some items are evaluated within so many operations, and few entries are drawn."""
    world = World(sizes, {})
    few = count_entries(scene.symbols, world) <= TRIED_ENTRIES
    return few and count_operations(items, world) <= most


def draw_world(
    scene: Scene,
    random: Random,
    *,
    smallest: bool = False,
    sizes: Mapping[str, int] | None = None,
) -> World:
    """Random functions and values of all that is no node, at random sizes where none are given;
    smallest: the least sizes.
    """
    drawn = draw_sizes(scene, random, smallest=smallest) if sizes is None else sizes
    values: dict[Place, float] = {}
    functions: dict[str, Smooth] = {}
    world = World(drawn, values, {}, functions)
    for symbol in scene.symbols:
        if symbol.role not in _NODES:
            values.update(_draw(symbol, world, scene, random))
    for f in scene.functions:
        functions[f.name] = Smooth(f, world.length, random.randrange(10**9))
    return world


def draw_sizes(scene: Scene, random: Random, *, smallest: bool) -> dict[str, int]:
    """Small sizes; smallest: the least ones."""
    sizes = {}
    likely_two = {e.size for e in scene.categories.values() if e.size is not None} | {
        s.shape[-1].size for s in scene.symbols if s.domain.entry_sum is not None
    }
    for name, least in scene.sizes.items():
        if smallest:
            sizes[name] = max(least, 2 if name in likely_two else 1)
            continue
        # a single category makes most statements trivial
        drawn = random.choice((1, 2, 2, 3, 3, 3) if name in likely_two else (1, 2, 3))
        sizes[name] = max(drawn, least if drawn == 1 else scene.telling[name])
    return sizes


def _with_nodes(base: World, scene: Scene, random: Random) -> World:
    """The same world with random values of all nodes: one point of q and of the data."""
    return draw_entries(base, [s for s in scene.symbols if s.role in _NODES], scene, random)


def draw_entries(base: World, symbols: Sequence[Symbol], scene: Scene, random: Random) -> World:
    """The same world with random values of some symbols."""
    values = dict(base.values)
    world = World(base.sizes, values, {}, base.functions, careful=base.careful)
    for symbol in symbols:
        values.update(_draw(symbol, world, scene, random))
    return world


def _draw(
    symbol: Symbol, world: World, scene: Scene, random: Random
) -> Iterable[tuple[Place, float]]:
    domain = symbol.domain
    lower, upper = (_end(end, world) for end in (domain.lower, domain.upper))
    if domain.is_place and upper is None and symbol.name in scene.categories:
        upper = world.length(scene.categories[symbol.name])
    if domain.is_integer and not domain.is_place and not domain.rank and upper is None:
        upper = DRAWN_NATURAL
    for outer in places(world, symbol.shape[: len(symbol.shape) - domain.rank]):
        inner = list(places(world, symbol.shape[len(outer) :]))
        if symbol.name in scene.counts:
            entries = [float(random.randint(DRAWN_NATURAL, DRAWN_NATURAL + 3)) for _ in inner]
        else:
            n = world.length(symbol.shape[-1]) if domain.rank else 1
            entries = domain.draw(random, n, (lower, upper))
        for at, x in zip(inner, entries, strict=True):
            yield (symbol.name, (*outer, *at)), x


def _end(end: Term | None, world: World) -> float | None:
    return None if end is None else evaluate(end, world).value
