"""The sum as it is printed against the ELBO itself: F by quadrature and enumeration, from log p, q.

    F = E_q[log p(x, z) - log q(z)],      F - dF/ds = S

at every parameter value and data point: for any q (its points carried along), for a declared q
(whose parameters move as stated), and for the exact posterior (F = log p(x)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from math import exp, isfinite, log
from random import Random

from symelbo.index.terms import Array, Domain, Role, Symbol, Term
from symelbo.limits import (
    DRAWN_OPERATIONS,
    SUM_AGREEMENT,
    SUM_ATTEMPTS,
    SUM_COUNTS,
    SUM_DRAWN,
    SUM_GROSS,
    SUM_LOST,
    SUM_OPERATIONS,
    SUM_RETRIES,
    SUM_SMALL,
    SUM_STEP,
)
from symelbo.trial.evaluate import World, evaluate, places, walk
from symelbo.trial.identity import (
    Scene,
    draw_entries,
    draw_world,
    is_short,
    make_scene,
    satisfies,
    velocities_at,
)
from symelbo.trial.operations import count_operations
from symelbo.trial.quadrature import Node, Point, nodes_of
from symelbo.trial.remember import remember
from symelbo.values import dataclass

__all__ = ["Kind", "PrintedSum", "printed_residual"]


class Kind(Enum):
    """Where q comes from."""

    ANY = "any"
    DECLARED = "declared"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class PrintedSum:
    """S in one of the forms in which it is printed, for one data point.

    of_q: whether H[q] stays a term of its own; under_q: all other terms, averaged under q.
    """

    of_q: bool
    under_q: Term


@dataclass(frozen=True, slots=True)
class _Setting:
    log_joint: Term
    log_q: Term | None
    printed: Sequence[PrintedSum]
    velocities: Mapping[Symbol, Array]
    kind: Kind
    latents: tuple[Symbol, ...]

    @property
    def items(self) -> tuple[Term | Array, ...]:
        """What is evaluated at every node."""
        forms = (form.under_q for form in self.printed)
        return (self.log_joint, *forms, *self.velocities.values())


def printed_residual(
    log_joint: Term,
    log_q: Term | None,
    printed: Sequence[PrintedSum],
    velocities: Mapping[Symbol, Array],
    kind: Kind,
    conditions: Sequence[tuple[Array, Domain]] = (),
    *,
    seed: int,
    trials: int,
    most: int = 64,
    least: Mapping[str, int] | None = None,
) -> tuple[float, int] | None:
    """The largest relative residual of F - dF/ds - S, and how many points it is of.

    log_q: of a declared q; velocities: of parameters, latents and the parameters of q; most: nodes
    of the joint quadrature; least: of the sizes of the model.  None if no small instance could be
    integrated, which is no failure.
    """
    random = Random(seed)
    items = [log_joint, *(p.under_q for p in printed), *velocities.keys(), *velocities.values()]
    items += [] if log_q is None else [log_q]
    scene = make_scene(items, conditions, least)
    latents = tuple(s for s in scene.symbols if s.role is Role.LATENT)
    # the joint density and q by themselves: they are evaluated at other points
    log_joint = remember({"joint": log_joint})["joint"]
    log_q = None if log_q is None else remember({"q": log_q})["q"]
    setting = _Setting(log_joint, log_q, printed, velocities, kind, latents)
    worst, done = 0.0, 0
    for _ in range(trials):
        for sizes in _sizes(scene, latents):
            found = _try_at(setting, scene, sizes, conditions, random, most)
            if found is not None:
                worst, done = max(worst, found), done + 1
                break
    return (worst, done) if done else None


def _sizes(scene: Scene, latents: Sequence[Symbol]) -> list[Mapping[str, int]]:
    """Small sizes, the telling ones first: at size one a missing factor D is not seen."""
    of_latents = {extent.size for latent in latents for extent in latent.shape}
    levels = ((scene.telling, (3, 2)), (scene.telling, (3, 1)), (scene.sizes, (1, 1)))
    found = [
        {name: max(least, level[name in of_latents]) for name, least in sizes.items()}
        for sizes, level in levels
    ]
    return [sizes for k, sizes in enumerate(found) if sizes not in found[:k]]


def _try_at(
    setting: _Setting,
    scene: Scene,
    sizes: Mapping[str, int],
    conditions: Sequence[tuple[Array, Domain]],
    random: Random,
    most: int,
) -> float | None:
    """The residual at random values, None if they cannot be integrated at these sizes."""
    failed = 0
    if not is_short(setting.items, scene, sizes, SUM_OPERATIONS):
        return None
    for _ in range(SUM_ATTEMPTS):
        try:
            world = draw_world(scene, random, sizes=sizes)
            fixed = [s for s in scene.symbols if s.role in (Role.OBSERVED, Role.INPUT)]
            world = draw_entries(world, fixed, scene, random)
            found = _residual(setting, world, scene, conditions, random, most)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue  # outside the model's domain: draw again
        failed += found is None
        if found is not None or failed == SUM_RETRIES:
            return found
    return None


def _residual(
    setting: _Setting,
    world: World,
    scene: Scene,
    conditions: Sequence[tuple[Array, Domain]],
    random: Random,
    most: int,
) -> float | None:
    center = {s: random.uniform(-0.5, 0.5) for s in setting.latents}
    results: list[tuple[float, ...]] = []
    residual = 0.0
    cost = count_operations(setting.items, world)
    for count in SUM_COUNTS:
        nodes = nodes_of(setting.latents, world, count, most * count // SUM_COUNTS[0])
        if nodes is None and setting.kind is Kind.ANY and SUM_DRAWN * cost <= DRAWN_OPERATIONS:
            nodes = _draw_nodes(setting, world, scene, random)
        if nodes is not None and setting.kind is Kind.ANY and len(nodes) > SUM_DRAWN:
            nodes = random.sample(nodes, SUM_DRAWN)  # some points are a q as well
        if nodes is None or len(nodes) * cost > SUM_OPERATIONS:
            return None
        for _, point in nodes[:: max(1, len(nodes) // 4)]:
            if not all(satisfies(array, domain, _at(world, point)) for array, domain in conditions):
                raise ValueError("a condition does not hold here")
        # a finer difference as well: where that matters, the two resolutions disagree
        found = _compare(setting, world, nodes, center, SUM_STEP * SUM_COUNTS[0] / count)
        if not all(map(isfinite, found)):
            return None
        results.append(found)
        elbo, slope, total, _, spread = found
        if spread > SUM_SMALL:  # no integral is in it
            return spread
        residual = abs(elbo - slope - total) / (1 + abs(elbo) + abs(slope) + abs(total))
        # any weights of the points are a q, so that there is nothing to integrate
        if residual < SUM_SMALL or setting.kind is Kind.ANY:
            return residual
    coarse, fine = results
    lost = abs(fine[3] - 1)  # of the mass of q
    scale = 1 + abs(fine[0]) + abs(fine[1])
    error = max(lost, *(abs(a - b) for a, b in zip(coarse, fine, strict=True))) / scale
    certain = error <= SUM_AGREEMENT or (lost < SUM_LOST and residual > max(SUM_GROSS, 100 * error))
    return residual if certain else None


def _draw_nodes(setting: _Setting, world: World, scene: Scene, random: Random) -> list[Node]:
    """A few random points of all latents, where there are too many for a quadrature."""
    names = {symbol.name for symbol in setting.latents}
    nodes = []
    for _ in range(SUM_DRAWN):
        values = draw_entries(world, setting.latents, scene, random).values
        nodes.append((1.0, {place: x for place, x in values.items() if place[0] in names}))
    return nodes


def _compare(
    setting: _Setting,
    world: World,
    nodes: Sequence[Node],
    center: Mapping[Symbol, float],
    step: float,
) -> tuple[float, float, float, float, float]:
    """F, dF/ds, S, the mass of q, which has to be 1, and how far the forms of S are apart.

    step: of the difference that dF/ds is made of.
    """
    weights, elbo = _weights_and_elbo(setting, world, nodes, center)
    mass = sum(q for q, _ in weights)
    moved = [_moved(setting, world, sign * step) for sign in (1, -1)]
    if setting.kind is Kind.ANY:
        slope = _slope_with_points(setting, world, nodes, weights)
    else:
        ahead, behind = (_weights_and_elbo(setting, there, nodes, center)[1] for there in moved)
        slope = (ahead - behind) / (2 * step)
    totals = _totals(setting, world, nodes, weights)
    spread = _spread(setting, world, max(zip(weights, nodes, strict=True), key=_probability)[1][1])
    # a sum is printed factor by factor and merged: what counts is the one that is further off
    return elbo, slope, max(totals, key=lambda total: abs(elbo - slope - total)), mass, spread


def _probability(item: tuple[tuple[float, float], Node]) -> float:
    return item[0][0]


def _spread(setting: _Setting, world: World, point: Point) -> float:
    """How far apart at one point is what the forms average: equal there, not in the mean only."""
    there = _at(world, point)
    values = [evaluate(form.under_q, there).value for form in setting.printed]
    return (max(values) - min(values)) / (1 + max(map(abs, values)))


def _totals(
    setting: _Setting, world: World, nodes: Sequence[Node], weights: Sequence[tuple[float, float]]
) -> list[float]:
    """S in each of its forms."""

    def average(term: Term) -> float:
        symbols = (item for item in walk((term,)) if isinstance(item, Symbol))
        if not any(symbol.role is Role.LATENT for symbol in symbols):
            return evaluate(term, world).value
        return sum(
            q * evaluate(term, _at(world, point)).value
            for (q, _), (_, point) in zip(weights, nodes, strict=True)
            if q > 0
        )

    entropy = -sum(q * log_q for q, log_q in weights if q > 0)
    return [average(form.under_q) + (entropy if form.of_q else 0.0) for form in setting.printed]


# ---------------------------------------------------------------- q and F


def _at(world: World, point: Point) -> World:
    return World(world.sizes, {**world.values, **point}, {}, world.functions)


def _weights_and_elbo(
    setting: _Setting, world: World, nodes: Sequence[Node], center: Mapping[Symbol, float]
) -> tuple[list[tuple[float, float]], float]:
    """(probability, log-density) of q at every node, and F."""
    if setting.kind is Kind.EXACT:
        joint = [evaluate(setting.log_joint, _at(world, point)).value for _, point in nodes]
        evidence = _log_sum(list(zip((w for w, _ in nodes), joint, strict=True)))
        weights = [
            (w * exp(value - evidence), value - evidence)
            for (w, _), value in zip(nodes, joint, strict=True)
        ]
        at_nodes = zip(joint, weights, strict=True)
        return weights, sum(q * (value - log_q) for value, (q, log_q) in at_nodes if q > 0)
    weights = _weights_of_q(setting, world, nodes, center)
    elbo = sum(
        q * (evaluate(setting.log_joint, _at(world, point)).value - log_q)
        for (_, point), (q, log_q) in zip(nodes, weights, strict=True)
        if q > 0
    )
    return weights, elbo


def _weights_of_q(
    setting: _Setting, world: World, nodes: Sequence[Node], center: Mapping[Symbol, float]
) -> list[tuple[float, float]]:
    """(probability, log-density) at every node, of a q that is declared, or any."""
    if setting.kind is Kind.DECLARED:
        assert setting.log_q is not None
        densities = [evaluate(setting.log_q, _at(world, point)).value for _, point in nodes]
    else:
        densities = [_some_density(point, center) for _, point in nodes]
        total = _log_sum(list(zip((w for w, _ in nodes), densities, strict=True)))
        densities = [value - total for value in densities]
    return [(w * exp(v), v) for (w, _), v in zip(nodes, densities, strict=True)]


def _some_density(point: Point, center: Mapping[Symbol, float]) -> float:
    """An arbitrary log-density of q, up to a constant: of all entries jointly."""
    shift = sum(center.values())
    value = 0.0
    for number, x in enumerate(point.values()):
        y = x if abs(x) < 1e100 else 0.0
        value -= 0.5 * (y - shift - 0.3 * number) ** 2 + (0.1 * y if number % 2 else 0.0)
    return value


def _log_sum(pairs: Sequence[tuple[float, float]]) -> float:
    most = max(value for _, value in pairs)
    return most + log(sum(w * exp(value - most) for w, value in pairs))


# ---------------------------------------------------------------- dF/ds


def _moved(setting: _Setting, world: World, step: float) -> World:
    """The world a step along the motion of everything but the latents."""
    steady = {s: a for s, a in setting.velocities.items() if s.role is not Role.LATENT}
    values = dict(world.values)
    for place, velocity in velocities_at(steady, world).items():
        values[place] += step * velocity
    return World(world.sizes, values, {}, world.functions)


def _slope_with_points(
    setting: _Setting, world: World, nodes: Sequence[Node], weights: Sequence[tuple[float, float]]
) -> float:
    """E_q[D log p] + E_q[div]: the points of q move along, and with them its entropy."""
    moving = {s: a for s, a in setting.velocities.items() if s.role is Role.LATENT}
    rest = {s: a for s, a in setting.velocities.items() if s not in moving}
    steady = velocities_at(rest, world)
    total = 0.0
    for (_, point), (q, _) in zip(nodes, weights, strict=True):
        if not q > 0:
            continue
        there = _at(world, point)
        there = there.along({**steady, **velocities_at(moving, there)})
        values = dict(there.values)  # of which one is moved at a time
        total += q * evaluate(setting.log_joint, there).tangent
        for symbol, array in moving.items():
            for where in places(world, symbol.shape):
                if symbol.shape and not symbol.domain.is_free(
                    where, world.length(symbol.shape[-1])
                ):
                    continue  # one entry with its mirror image
                env = dict(zip(array.indices, where, strict=True))
                here = evaluate(array.body, there, env).value
                values[symbol.name, where] += 1
                ahead = evaluate(array.body, World(world.sizes, values, {}, world.functions), env)
                values[symbol.name, where] = there.values[symbol.name, where]
                total += q * (ahead.value - here)
    return total
