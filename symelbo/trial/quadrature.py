"""Nodes and weights over the supports of nodes: double exponential rules, and enumeration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import cosh, exp, pi, sinh, tanh

from symelbo.index.terms import Symbol, Term
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
    rank = symbol.domain.rank
    if rank:
        values = _values(symbol, world, count)
        for outer in places(world, symbol.shape[:-rank]):
            inner = [(symbol.name, (*outer, *at)) for at in places(world, symbol.shape[-rank:])]
            if values is None:
                yield None
            else:
                yield [(1.0, dict(zip(inner, value, strict=True))) for value in values]
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
    if domain.rank or domain.is_integer:
        values = None if domain.rank else _values(symbol, world, count)
        return None if values is None else [(1.0, value) for (value,) in values]

    def end(term: Term) -> Fraction:
        return Fraction(evaluate(term, world).value)

    ends = domain.interval(end, end)
    if ends.lower is None and ends.upper is None:
        return _double_exponential(count, 1.8 + further, lambda u: (sinh(u), cosh(u)))
    if ends.lower is None:
        return None
    lower = float(ends.lower)
    if ends.upper is not None:
        return _between(count, lower, float(ends.upper))
    return _double_exponential(count, 2.9 + further, lambda u: (lower + exp(u), exp(u)))


def _values(symbol: Symbol, world: World, count: int) -> list[list[float]] | None:
    """All values of a domain that has a list of them."""
    domain = symbol.domain
    upper = None if domain.upper is None else evaluate(domain.upper, world).value
    n = world.length(symbol.shape[-1]) if domain.rank else 1
    return domain.values(n, upper, count)


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
