"""Nodes and weights over the supports of nodes: double exponential rules, and enumeration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import cosh, exp, pi, sinh, tanh

from symelbo.index.terms import Symbol
from symelbo.trial.evaluate import Place, World, evaluate, places

__all__ = ["Node", "Point", "axis_of", "nodes_of"]

Point = dict[Place, float]
Node = tuple[float, Point]  # a weight, and the entries


def nodes_of(latents: Sequence[Symbol], world: World, count: int, most: int) -> list[Node] | None:
    """Nodes of a quadrature over all latents; None if there are too many, or none is known."""
    axes: list[list[Node]] = []
    total = 1
    for symbol in latents:
        for block in _blocks(symbol, world, count):
            if block is None:
                return None
            axes.append(block)
            total *= len(block)
            if total > most:
                return None
    nodes = []
    for choice in product(*axes):
        weight, point = 1.0, {}
        for w, part in choice:
            weight *= w
            point.update(part)
        nodes.append((weight, point))
    return nodes


def _blocks(symbol: Symbol, world: World, count: int) -> Iterator[list[Node] | None]:
    """The axes of one latent: an entry each, or a vector that is one of several."""
    if symbol.domain.kind in ("simplex", "posdef", "counts"):
        yield None
        return
    if symbol.domain.kind == "onehot":
        n = world.length(symbol.shape[-1])
        for outer in places(world, symbol.shape[:-1]):
            yield [
                (1.0, {(symbol.name, (*outer, k)): float(k == chosen) for k in range(1, n + 1)})
                for chosen in range(1, n + 1)
            ]
        return
    for where in places(world, symbol.shape):
        axis = axis_of(symbol, world, count)
        yield None if axis is None else [(w, {(symbol.name, where): x}) for w, x in axis]


def axis_of(
    symbol: Symbol, world: World, count: int, *, further: float = 0.0
) -> list[tuple[float, float]] | None:
    """Nodes and weights over the support of one entry; None where no rule is known.

    further: how much the nodes reach beyond their usual range, before the change of variables.
    """
    domain = symbol.domain
    lower = None if domain.lower is None else evaluate(domain.lower, world).value
    upper = None if domain.upper is None else evaluate(domain.upper, world).value
    match domain.kind:
        case "binary":
            return [(1.0, 0.0), (1.0, 1.0)]
        case "category":
            return None if upper is None else [(1.0, float(k)) for k in range(1, int(upper) + 1)]
        case "naturals":
            most = count if upper is None else int(upper)
            return [(1.0, float(k)) for k in range(most + 1)]
        case "real":
            return _double_exponential(count, 1.8 + further, lambda u: (sinh(u), cosh(u)))
        case "positive":
            return _double_exponential(count, 2.9 + further, lambda u: (exp(u), exp(u)))
        case "unit":
            return _between(count, 0.0, 1.0)
        case "interval" | "angle":
            if lower is not None and upper is not None:
                return _between(count, lower, upper)
            if lower is not None:
                return _double_exponential(count, 2.9 + further, lambda u: (lower + exp(u), exp(u)))
    return None


def _double_exponential(
    count: int, reach: float, change: Callable[[float], tuple[float, float]]
) -> list[tuple[float, float]]:
    """Nodes x(t) with weights x'(t) h, x = change(pi/2 sinh t): exponentially exact on the line."""
    h = 2 * reach / (count - 1)
    nodes = []
    for n in range(count):
        t = -reach + n * h
        u = pi / 2 * sinh(t)
        x, slope = change(u)
        nodes.append((h * slope * pi / 2 * cosh(t), x))
    return nodes


def _between(count: int, lower: float, upper: float) -> list[tuple[float, float]]:
    half = (upper - lower) / 2

    def change(u: float) -> tuple[float, float]:
        return lower + half * (1 + tanh(u)), half / cosh(u) ** 2

    return _double_exponential(count, 2.9, change)
