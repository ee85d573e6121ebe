"""Does a density integrate to one?  Tried in numbers, for values that are scalars."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isfinite
from random import Random

from symelbo.index.terms import Number, Role, Symbol, Term
from symelbo.limits import (
    MASS_AGREEMENT,
    MASS_ATTEMPTS,
    MASS_COUNTS,
    MASS_DOUBT,
    MASS_FURTHER,
    MASS_INTEGERS,
    MASS_MISSED,
    MASS_OFF,
    MASS_POINTS,
    MASS_SEEN,
)
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.identity import draw_world, make_scene
from symelbo.trial.quadrature import axis_of

__all__ = ["find_wrong_mass", "is_of_integers"]


def find_wrong_mass(
    log_density: Term, value: Symbol, arguments: Sequence[Symbol], *, seed: int = 0
) -> tuple[float, dict[str, float]] | None:
    """The integral of exp(log_density) at some arguments where it is not 1, and these arguments.

    None if it is 1 wherever it could be integrated: a wide or a wild density may be neither.
    """
    random = Random(seed)
    scene = make_scene([log_density, value, *arguments])
    for _ in range(MASS_POINTS):
        for _ in range(MASS_ATTEMPTS):
            world = draw_world(scene, random, smallest=True)
            try:
                coarse, fine = (_mass(log_density, value, world, count) for count in MASS_COUNTS)
            except (ValueError, ZeroDivisionError, OverflowError):
                continue
            agree = isfinite(fine) and abs(coarse - fine) <= MASS_AGREEMENT * (1 + fine)
            if agree and fine > MASS_MISSED and abs(fine - 1) > MASS_SEEN:
                wide = _mass(log_density, value, world, MASS_COUNTS[1], wide=True)
                if not abs(wide - fine) <= MASS_AGREEMENT * (1 + fine):
                    break
                # the better the resolutions agree, the smaller an error is seen
                doubt = MASS_DOUBT * max(abs(coarse - fine), abs(wide - fine))
                if abs(fine - 1) <= min(MASS_OFF, max(MASS_SEEN, doubt)):
                    break
                given = {
                    f"{name}{list(place) if place else ''}": x
                    for (name, place), x in world.values.items()
                    if any(s.name == name and s.role is Role.ARGUMENT for s in arguments)
                }
                return fine, given
            break
    return None


def is_of_integers(log_density: Term, value: Symbol, arguments: Sequence[Symbol]) -> int | None:
    """The first place of a density on lower..oo that is one of the integers: it sums to 1 there."""
    lower = value.domain.lower
    if not isinstance(lower, Number) or lower.value.denominator != 1 or value.domain.upper:
        return None
    first = int(lower.value)
    random = Random(0)
    scene = make_scene([log_density, value, *arguments])
    for _ in range(MASS_POINTS):
        world = draw_world(scene, random, smallest=True)
        total = 0.0
        for x in range(first, first + MASS_INTEGERS):
            there = World(world.sizes, {**world.values, (value.name, ()): x}, {}, world.functions)
            try:
                total += exp(evaluate(log_density, there).value)
            except (ValueError, ZeroDivisionError, OverflowError):
                return None
        if abs(total - 1) > MASS_SEEN:
            return None
    return first


def _mass(
    log_density: Term, value: Symbol, world: World, count: int, *, wide: bool = False
) -> float:
    """The integral; wide: further out, where nodes out of the range of floats are left out."""
    axis = axis_of(
        value, world, 2 * count if wide else count, further=MASS_FURTHER if wide else 0.0
    )
    if axis is None:
        raise ValueError("no quadrature over this support")
    total = 0.0
    for weight, x in axis:
        there = World(world.sizes, {**world.values, (value.name, ()): x}, {}, world.functions)
        try:
            total += weight * exp(evaluate(log_density, there).value)
        except (ValueError, ZeroDivisionError, OverflowError):
            if not wide:
                raise
    return total
