"""The ELBO, its derivative along a motion, and entropies, as numbers from log p and q alone.

`random_point(instance, seed)` draws parameters, data and q: every combination of the discrete
latents with random weights (counts up to 4), times a normal, log-normal or logistic-normal density
for each continuous entry (at most two), on quadrature nodes.  Then

    elbo(instance, point)                      F per data point
    derivative(instance, point, motion)        dF/ds, q carried along by the motion of the latents
    gap(instance, point, motion, value)        F - value - dF/ds: 0 for a right claim
    conditional_entropies(instance, point)     per factor, E_q H[p(v | parents)]

and for theorem 1 the value is  point.entropy.mean() - sum(conditional_entropies).
A motion is three dicts of arrays by the names of the specification: velocities of parameters, and r
and s of latents, z' = r z + s entry by entry (so s = -r lo for a support that begins at lo).

All in float64: a probability that rounds to 1 gives nan, and entropies are not accurate where much
of the mass is at the edge of the numbers (Student-t of one degree of freedom, Beta(1, 0.2)).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.oracle import tape
from tests.oracle.families import Value
from tests.oracle.sampling import sample_values
from tests.oracle.spec import Factor, Index, Instance, Unsupported, World, boxed, draw
from tests.oracle.tape import Array, Num

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Point:
    """Everything F depends on.  inputs and data: (N, *shape); latents: (N, S, *shape)."""

    parameters: Arrays
    constants: Arrays
    inputs: Arrays
    data: Arrays
    latents: Arrays
    weights: Array  # (N, S), of the points of q
    entropy: Array  # (N,), of q


@dataclass(frozen=True)
class Motion:
    velocities: Arrays = field(default_factory=dict)
    r: Arrays = field(default_factory=dict)
    s: Arrays = field(default_factory=dict)


# q and data.


def random_point(
    instance: Instance, seed: int = 0, data_points: int = 3, panels: int = 40
) -> Point:
    """Random parameters, data and q.  `panels` of 8 nodes for one continuous entry."""
    rng = np.random.default_rng([seed, 17])
    model = instance.model
    parameters = {n: instance.draw_parameter(rng, n, ()) for n in model.parameters}
    inputs = {
        n: draw(rng, t.base, instance.shapes[n], (data_points,)) for n, t in model.inputs.items()
    }
    data: Arrays = {}
    latent = [f for f in instance.factors if not f.observed]
    for f in instance.factors:
        if f.observed:
            some = sample_values(f.support, 9, rng)
            target = data.setdefault(f.node, np.zeros((data_points, *instance.shapes[f.node])))
            chosen = some[rng.integers(len(some), size=data_points)]
            where: Any = (slice(None), *(i - 1 for i in f.place))
            target[where] = chosen
    discrete = [f for f in latent if f.support.discrete]
    continuous = [f for f in latent if not f.support.discrete]
    if sum(len(f.entries) for f in continuous) > 2:
        raise Unsupported("more than two continuous entries")
    choices = [sample_values(f.support, 5, rng) for f in discrete]
    combinations = list(itertools.product(*(range(len(c)) for c in choices)))
    probabilities = rng.dirichlet(np.ones(len(combinations)) * 2, size=data_points)
    nodes, node_weights, panel_entropy = [], [], []
    if len(continuous) > 1:
        panels = max(6, panels // 4)
    for f in continuous:
        points, weights, entropy = _density(f, rng, (data_points, len(combinations)), panels)
        nodes.append(points)
        node_weights.append(weights)
        panel_entropy.append(entropy)
    grid = list(itertools.product(*(range(n.shape[-1]) for n in nodes)))
    index = np.array(grid, dtype=int).reshape(len(grid), len(nodes))
    weights = probabilities[..., None] * np.ones(len(grid))
    entropy = -(probabilities * np.log(probabilities)).sum(-1)
    latents: Arrays = {}

    def put(f: Factor, values: Array) -> None:
        shape = instance.shapes[f.node]
        full = latents.setdefault(f.node, np.zeros((*weights.shape, *shape)))
        where: Any = (..., *(i - 1 for i in f.place))
        full[where] = values

    for f, choice, position in zip(discrete, choices, range(len(discrete)), strict=True):
        picked = choice[[c[position] for c in combinations]]
        event = picked.shape[1:]
        put(f, np.broadcast_to(picked[None, :, None], (*weights.shape, *event)))
    for j, f in enumerate(continuous):
        put(f, nodes[j][..., index[:, j]])
        weights = weights * node_weights[j][..., index[:, j]]
        entropy = entropy + (probabilities * panel_entropy[j]).sum(-1)
    flat = {n: v.reshape(data_points, -1, *instance.shapes[n]) for n, v in latents.items()}
    return Point(
        parameters,
        dict(instance.constants),
        inputs,
        data,
        flat,
        weights.reshape(data_points, -1),
        entropy,
    )


def _density(
    f: Factor, rng: np.random.Generator, shape: Index, panels: int
) -> tuple[Array, Array, Array]:
    """Nodes, weights (with the density in them) and entropy of a random q, per data point."""
    if f.support.event:
        raise Unsupported(f"q of a {f.support.kind}")
    mean = rng.normal(size=(*shape, 1)) * 0.6
    width = np.exp(rng.uniform(-1.5, -0.3, (*shape, 1)))
    nodes, node_weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(-9, 9, panels + 1)
    half = (edges[1:] - edges[:-1]) / 2
    unit = ((edges[1:] + edges[:-1])[:, None] / 2 + half[:, None] * nodes).ravel()
    step = (half[:, None] * node_weights).ravel()
    u = mean + width * unit
    weights = np.broadcast_to(step * np.exp(-(unit**2) / 2) / np.sqrt(2 * np.pi), u.shape)
    normal = np.log(width[..., 0]) + 0.5 * np.log(2 * np.pi * np.e)
    match f.support.kind:
        case "real" | "angle":
            return u, weights, normal
        case "positive" | "lower":
            return f.support.lower + np.exp(u), weights, normal + mean[..., 0]
        case "unit" | "interval":
            low, high = (0.0, 1.0) if f.support.kind == "unit" else (
                f.support.lower, f.support.upper
            )  # fmt: skip
            v = 1 / (1 + np.exp(-u))
            slope = np.log((high - low) * v * (1 - v))
            return low + (high - low) * v, weights, normal + (weights * slope).sum(-1)
    raise Unsupported(f"q on {f.support.kind}")


# F and its derivative.


def _entries(name: str, value: Array, lead: int, tag: str | None) -> Value:
    """An array with `lead` axes of samples (filled up to three) as numbers or leaves."""
    value = np.asarray(value, dtype=float)
    shape = value.shape[lead:]

    def one(place: Index) -> Num:
        key: Any = (..., *place)
        x = np.asarray(value[key])
        x = x.reshape(x.shape + (1,) * (3 - lead)) if lead else x
        return tape.leaf(x, (tag, name, place)) if tag else tape.constant(x)

    if not shape:
        return one(())
    out = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        out[place] = one(place)
    return out


def world(instance: Instance, point: Point) -> World:
    """All names on the axes (data point, point of q, 1), as leaves where they may move."""
    values: dict[str, Value] = {n: boxed(v) for n, v in point.constants.items()}
    values |= {n: _entries(n, v, 0, "p") for n, v in point.parameters.items()}
    values |= {n: _entries(n, v, 1, None) for n, v in (point.inputs | point.data).items()}
    values |= {n: _entries(n, v, 2, "z") for n, v in point.latents.items()}
    return World(values, instance)


def log_densities(instance: Instance, point: Point) -> list[tuple[Factor, Num]]:
    """log p of every factor, (N, S, 1)."""
    with np.errstate(all="ignore"):
        return [
            (f, instance.log_density(f.statement, f.loops, f.place, world(instance, point))[0])
            for f in instance.factors
        ]


def elbo(instance: Instance, point: Point) -> float:
    """F = (1/N) sum_n H[q_n] + E_q log p."""
    logs = sum(n.x for _, n in log_densities(instance, point))
    return float(np.mean(point.entropy)) + _mean(point, np.asarray(logs)[..., 0])


def _mean(point: Point, values: Array) -> float:
    """(1/N) sum_n E_q of values (N, S); what q gives less than 1e-16 does not count."""
    full = np.broadcast_to(values, point.weights.shape)
    counts = point.weights > 1e-16  # elsewhere log p may be infinite
    return float((point.weights * np.where(counts, full, 0)).sum(-1).mean())


def along(point: Point, density: Num, motion: Motion) -> Array:
    """D log p: the derivative of one log-density while parameters and latents move."""
    change: Array = np.zeros(())
    with np.errstate(all="ignore"):
        slopes = tape.gradient(density)
    for key, slope in slopes.items():
        assert isinstance(key, tuple)
        tag, name, place = key
        if tag == "p":
            speed = np.asarray(motion.velocities.get(name, np.zeros(slope.shape)))
            change = change + slope * (speed[place] if name in motion.velocities else 0)
        else:
            z = point.latents[name][(..., *place)][..., None]
            r, s = (
                _at(arrays[name], place) if name in arrays else 0 for arrays in (motion.r, motion.s)
            )
            change = change + slope * (r * z + s)
    return change


def _at(array: Array, place: tuple[int, ...]) -> Array:
    """An entry of r or s: one number, or one for every data point, on axes (N, S, 1)."""
    found = np.asarray(array)[(..., *place)]
    return np.asarray(found[:, None, None] if found.ndim else found)


def divergence(instance: Instance, motion: Motion) -> float:
    """The sum of r over the free entries of the latents: how fast H[q] grows, on average."""
    total = 0.0
    for name, r in motion.r.items():
        shape = instance.shapes[name]
        count = len(r) if np.ndim(r) > len(shape) else 1
        full = np.broadcast_to(r, (count, *shape))
        if instance.nodes[name].kind == "posdef":
            size = full.shape[-1]
            full = full[..., *np.triu_indices(size)]
        total += float(np.sum(full)) / count
    return total


def derivative(instance: Instance, point: Point, motion: Motion) -> float:
    """dF/ds."""
    with np.errstate(all="ignore"):
        changes = sum(along(point, n, motion) for _, n in log_densities(instance, point))
        flat = np.broadcast_to(changes, (*point.weights.shape, 1))[..., 0]
        return divergence(instance, motion) + _mean(point, flat)


def gap(instance: Instance, point: Point, motion: Motion, value: float) -> float:
    """F - value - dF/ds."""
    return elbo(instance, point) - value - derivative(instance, point, motion)


# Entropies of the factors.


def conditional_entropies(instance: Instance, point: Point) -> list[float]:
    """E_q H[p_f(. | parents)] of every factor, by sums and quadrature over its own value."""
    found = []
    for f in instance.factors:
        with np.errstate(all="ignore"):
            found.append(_mean(point, _entropy(instance, point, f)))
    return found


def _entropy(instance: Instance, point: Point, f: Factor) -> Array:
    """H[p_f] at every point of q, (N, S) or broadcastable."""
    rng = np.random.default_rng(0)
    kind = f.support.kind
    if f.support.finite:
        logs = _own(instance, point, f, sample_values(f.support, 0, rng))
        return np.asarray(-np.where(np.exp(logs) > 0, np.exp(logs) * logs, 0).sum(-1))
    if kind == "naturals":
        logs = _own(instance, point, f, np.arange(400.0))
        return np.asarray(-np.where(np.exp(logs) > 0, np.exp(logs) * logs, 0).sum(-1))
    if f.support.event or kind == "pareto":
        raise Unsupported(f"the entropy of {f.label}")

    def chart(u: Array) -> tuple[Array, Array]:
        """v and log dv/du"""
        match kind:
            case "real":
                return u, np.zeros(u.shape)
            case "positive" | "lower":
                return f.support.lower + np.exp(u), u
            case "angle":
                inside = np.abs(u) < np.pi
                return np.clip(u, -np.pi, np.pi), np.where(inside, 0.0, -np.inf)
        low, high = (0.0, 1.0) if kind == "unit" else (f.support.lower, f.support.upper)
        v = 1 / (1 + np.exp(-u))
        return low + (high - low) * v, np.log(high - low) + np.log(v) + np.log1p(-v)

    def moments(u: Array, step: Array) -> tuple[Array, Array]:
        v, slope = chart(u)
        mass = np.exp(_own(instance, point, f, v) + slope) * step
        mass = np.where(np.isfinite(mass), mass, 0)
        norm = mass.sum(-1, keepdims=True)
        mean = (mass * u).sum(-1, keepdims=True) / norm
        return mean, np.sqrt((mass * (u - mean) ** 2).sum(-1, keepdims=True) / norm)

    if kind == "angle":
        t = (np.arange(2000) + 0.5) / 2000 * 2 - 1
        u, step = np.pi * t, np.full(2000, np.pi / 1000)
    else:
        t = np.linspace(-5, 5, 1201)
        u, step = np.sinh(t), np.cosh(t) * (t[1] - t[0])
        mean, width = moments(u, step)
        t = np.linspace(-7, 7, 1401)
        u = mean + width * np.sinh(t)
        step = width * np.cosh(t) * (t[1] - t[0])
    v, slope = chart(u)
    logs = _own(instance, point, f, v)
    mass = np.exp(logs + slope) * step
    good = np.isfinite(mass) & np.isfinite(logs)
    return np.asarray(-np.where(good, mass * np.where(good, logs, 0), 0).sum(-1))


def _own(instance: Instance, point: Point, f: Factor, values: Array) -> Array:
    """log p_f with its own value at `values` (last axis), parents as in the point."""
    place = world(instance, point)
    target = place.values[f.node]
    event = f.support.event
    shaped = values.reshape((1, 1, *values.shape)) if values.ndim == 1 + len(event) else values
    if isinstance(target, Num):
        place.values[f.node] = tape.constant(shaped)
    else:
        for entry in f.entries:
            tail = tuple(i - 1 for i in entry[len(f.place) :])
            where: Any = (..., *tail)
            target[tuple(i - 1 for i in entry)] = tape.constant(shaped[where] if event else shaped)
    density, _ = instance.log_density(f.statement, f.loops, f.place, place)
    return np.asarray(density.x)
