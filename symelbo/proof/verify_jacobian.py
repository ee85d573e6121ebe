"""J beta = eta, line by line: the Jacobian of natural parameters along the motion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symelbo.answer.worked import (
    Centred,
    Product,
    Slope,
    Velocity,
    WorkedJacobian,
    name_velocities,
    visible,
)
from symelbo.criterion.factor import Factor
from symelbo.expfam.form import Block
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import is_zero, normal
from symelbo.index.substitute import formal_indices, instantiate
from symelbo.index.terms import Array, Entry, Index, Symbol, Term
from symelbo.index.tidy import expand_short, tidy, tidy_array, tidy_short
from symelbo.notation.names import RESERVED
from symelbo.words import fresh_name

__all__ = ["differentiate_blocks", "verify_jacobian"]


def differentiate_blocks(blocks: Sequence[Block], moved: Iterable[Symbol]) -> tuple[Slope, ...]:
    """eta, theta -> d eta / d theta for all blocks and parameters, apart from what is 0."""
    found = []
    for parameter in moved:
        whole = formal_indices(parameter.shape, "r")
        indices = _free(parameter, whole)
        for number, block in enumerate(blocks):
            term = expand_short(derivative_by(block.natural, parameter, indices))
            if term != ZERO:
                found.append(Slope(number, parameter, indices, term))
    return tuple(found)


def _free(parameter: Symbol, indices: tuple[Index, ...]) -> tuple[Index, ...]:
    """The entries that are coordinates: those of a simplex but the last."""
    extents = parameter.domain.free_shape(tuple(index.extent for index in indices))
    return tuple(Index(i.name, e, i.low) for i, e in zip(indices, extents, strict=True))


def verify_jacobian(
    factor: Factor, blocks: Sequence[Block], moved: Mapping[Symbol, Array], taken: frozenset[str]
) -> WorkedJacobian | None:
    """The entries of the Jacobian, and J beta line by line; None if eta does not move.

    Blocks whose natural parameter is 0 are left out, as they are in the form.
    """
    shown = visible(blocks)
    bound = [*factor.plates, *(i for n in shown for i in blocks[n].indices)]
    avoid = [*RESERVED, *taken, *(i.name for i in bound)]
    velocities = name_velocities({s: tidy_array(a) for s, a in moved.items()}, avoid)
    entries: list[Slope] = []
    products: list[Product] = []
    for number in shown:
        found, product = _line(number, blocks[number], velocities)
        entries += found
        products += [] if product is None else [product]
    if not entries:
        return None
    tangent = tuple(v for v in velocities if _is_tangent(v))
    centred = _centred(velocities, [blocks[n] for n in shown], taken)
    return WorkedJacobian(tuple(entries), tuple(products), tangent, centred)


def _line(
    number: int, block: Block, velocities: Sequence[Velocity]
) -> tuple[list[Slope], Product | None]:
    """One line of J, and of J beta."""
    entries: list[Slope] = []
    summands: list[tuple[tuple[Index, ...], Term, Term]] = []
    whole: list[Term] = []
    for moved in velocities:
        free = _free(moved.symbol, moved.indices)
        slope = tidy_short(derivative_by(block.natural, moved.symbol, free))
        if slope == ZERO:
            continue
        entries.append(Slope(number, moved.symbol, moved.indices, slope))
        velocity = moved.velocity
        for old, new in zip(moved.indices, free, strict=True):
            if old != new:
                velocity = instantiate(Array((old,), velocity), (new,))
        product = mul(slope, velocity)
        for index in reversed(free):
            product = total(index, product)
        whole.append(product)
        summands.append((free, slope, velocity))
    if not summands:
        return entries, None
    result = normal(add(*whole))
    equal = is_zero(subtract(result, block.natural))
    return entries, Product(number, tuple(summands), None if equal else tidy(result))


def _is_tangent(moved: Velocity) -> bool:
    """Whether the velocities of a simplex sum to zero over the last index."""
    return moved.symbol.domain.entry_sum is not None and is_zero(
        total(moved.indices[-1], moved.velocity)
    )


def _centred(
    velocities: Sequence[Velocity], blocks: Sequence[Block], taken: frozenset[str]
) -> Centred | None:
    """alpha_i = pi_i (zeta_i - sum_c pi_c zeta_c), where the velocity is shown to be that."""
    if len(velocities) != 1 or len(blocks) != 1 or len(blocks[0].indices) != 1:
        return None
    (moved,), (block,) = velocities, blocks
    if moved.symbol.domain.entry_sum != 1 or len(moved.indices) != 1:
        return None
    (i,) = block.indices
    j = Index(fresh_name("j", {i.name, *taken}, "k", "l", "m"), i.extent)
    eta_j = instantiate(Array((i,), block.natural), (j,))
    weight = Entry(moved.symbol, (i,))
    mean = total(j, mul(Entry(moved.symbol, (j,)), eta_j))
    centred = mul(weight, subtract(block.natural, mean))
    here = instantiate(Array(moved.indices, moved.velocity), (i,))
    return Centred(moved.symbol, i, j) if is_zero(subtract(centred, here)) else None
