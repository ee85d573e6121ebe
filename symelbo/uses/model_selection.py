"""Model selection by the Bayesian information criterion, with the dimension read off the model.

Source: Schwarz (1978), Ann. Stat. 6(2); with an entropy sum in the place of the log-likelihood:
Damm et al. (2023), arXiv 2010.14860.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, prod

from symelbo.entropy.exact_posterior import log_joint
from symelbo.index.build import ZERO, add, category_extent, extent_length, mul, negate, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.normal import normal
from symelbo.index.substitute import formal_indices, symbols_of
from symelbo.index.terms import (
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Origin,
    Role,
    Symbol,
    Term,
)
from symelbo.model.model import Model
from symelbo.trial.evaluate import World, evaluate

__all__ = ["bic", "count_dimensions", "find_rotations"]


def bic(
    model: Model, value: float, *, count: int, sizes: Mapping[str, int], networks: int = 0
) -> float:
    """k log N - 2 N F: of several models of the same data, the least one is to be preferred.

    value: F per data point, in nats, at the best parameters found; there the entropy sum is the
    same number, elsewhere it is no bound, so look at the gap first.  count: N, of data points;
    sizes, networks: see `count_dimensions`.
    """
    return count_dimensions(model, sizes, networks=networks) * log(count) - 2 * count * value


def count_dimensions(model: Model, sizes: Mapping[str, int], *, networks: int = 0) -> int:
    """k: the dimension of the family of distributions of the data, as far as it is seen.

    The coordinates of the parameters of p, each by its domain (C - 1 of a simplex, D (D + 1)/2 of a
    covariance), less the rotations of the latents that the data do not see (H (H - 1)/2 of
    H factors).  Parameters of q alone, and those that no density depends on, do not count.  Other
    redundant directions do: the scale of a latent with a learned one, a shift of all logits.

    sizes: those of the model, by name; networks: the dimension of the abstract functions, as far as
    it is in none of their declared arguments.
    """
    if missing := [name for name in model.sizes if name not in sizes]:
        raise ValueError(f"the sizes {', '.join(missing)} of {model.name} are not given")
    world = World(sizes, {})
    joint = normal(log_joint(model.statements))
    found = networks
    for symbol in model.parameters:
        if symbol in symbols_of(joint):
            rank = symbol.domain.rank
            plates = symbol.shape[: len(symbol.shape) - rank]
            own = symbol.shape[-1] if rank else Extent(None, 1)
            dimension = evaluate(symbol.domain.dimension(extent_length(own)), world).value
            found += prod(map(world.length, plates)) * round(dimension)
    for size, copies, symbols in find_rotations(model):
        found -= _orbit(size, copies, symbols, world)
    return found


def find_rotations(
    model: Model,
) -> list[tuple[str, tuple[Extent, ...], tuple[Symbol, ...]]]:
    """The sizes H of which a rotation of all axes leaves log p(x, z) as it is.

    D log p(x, z) = 0 along v' = g v on every axis of length H, g any antisymmetric matrix,
    v the real latents and parameters; data, covariates and constants have no such axis.  Then
    p(x) is the same at rotated parameters, for the rotation keeps volumes.  Where it may be another
    one in each category of the latents, it is: `copies` are their extents.

    ensures: for each size, the extents of the categories, and the parameters that move.
    """
    joint = log_joint(model.statements)
    symbols = [s for s in symbols_of(joint) if s.role is not Role.FUNCTION]
    symbols.sort(key=lambda symbol: symbol.name)
    places = [s for s in symbols if s.role is Role.LATENT and s.domain.is_place and not s.shape]
    found = []
    for size in model.sizes:
        axis = Extent(size)
        own = [s for s in symbols if axis in s.shape]
        fixed = (Role.OBSERVED, Role.INPUT, Role.CONSTANT)
        turned = [s for s in own if s.domain.is_line or s.domain.is_definite]
        if any(s.role in fixed for s in own) or not any(s.role is Role.LATENT for s in turned):
            continue
        for selecting in ([places] if places else []) + [[]]:
            motion = {s: _turn(s, axis, selecting) for s in turned}
            if normal(derivative_along(joint, motion)) == ZERO:
                copies = tuple(_extent(symbol) for symbol in selecting)
                moved = tuple(s for s in turned if s.role is Role.PARAMETER)
                found.append((size, copies, moved))
                break
    return found


def _turn(symbol: Symbol, axis: Extent, selecting: Sequence[Symbol]) -> Array:
    """v -> g v on each of its axes of this extent; g by the categories that are selected."""
    at = formal_indices(symbol.shape)
    copies = tuple(_extent(place) for place in selecting)
    turn = Symbol("turn", Role.CONSTANT, Real(), (*copies, axis, axis))
    chosen: list[IndexTerm] = []
    for place, extent in zip(selecting, copies, strict=True):
        own = [index for index in at if index.extent == extent]
        chosen.append(own[0] if own else Entry(place))
    parts: list[Term] = []
    for n, index in enumerate(at):
        if index.extent == axis:
            other = Index("j", axis, origin=Origin.FORMAL)
            pairs = (index, other), (other, index)
            ahead, back = (Entry(turn, (*chosen, *pair)) for pair in pairs)
            moved = Entry(symbol, (*at[:n], other, *at[n + 1 :]))
            parts.append(total(other, mul(add(ahead, negate(back)), moved)))
    return Array(at, add(*parts))


def _orbit(size: str, copies: Sequence[Extent], symbols: Sequence[Symbol], world: World) -> int:
    """The dimension in which rotations move the parameters, for parameters in general position.

    H (H - 1)/2, less that of the rotations that keep them, which turn what they do not span.
    """
    count = prod(map(world.length, copies))
    length = world.sizes[size]
    spanned = 0
    for symbol in symbols:
        rows = prod(world.length(extent) for extent in symbol.shape) // length
        spanned += rows // count if set(copies) <= set(symbol.shape) else rows
    free = max(length - spanned, 0)
    return count * (length * (length - 1) - free * (free - 1)) // 2


def _extent(place: Symbol) -> Extent:
    extent = category_extent(place.domain)
    assert extent is not None
    return extent
