"""The gap, parameter by parameter: by differences of the emitted ELBO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symelbo.api import Derivation
from symelbo.limits import DIFFERENCE_STEP, DIRECTIONS
from symelbo.uses.given import Floats, Given

__all__ = ["slopes_at_rest", "split_gap"]


def split_gap(derivation: Derivation, arguments: Mapping[str, Any]) -> dict[str, float]:
    """The derivative of the ELBO while one parameter alone moves as in the motion, q held fixed.

    arguments: those of the emitted `elbo`, by their names there.  The values add up to `gap` where
    nothing but parameters moves, or q is the exact posterior; one that is not 0 says which of the
    parameters is not stationary.
    """
    given = Given(derivation, arguments)
    found = {}
    for symbol, velocity in derivation.motion.parameters.items():
        name = given.setting.names[symbol]
        value = np.asarray(arguments[name], dtype=float)
        direction = given.values(velocity, symbol)
        ratio = 1.0
        if not symbol.domain.is_line:  # it must not leave its domain
            away = value != 0
            ratio = max(1.0, float(np.max(np.abs(direction[away] / value[away]), initial=0)))
        found[name] = _slope(given, name, direction, DIFFERENCE_STEP / ratio)
    return found


def slopes_at_rest(derivation: Derivation, arguments: Mapping[str, Any]) -> dict[str, float]:
    """The length of the gradient of the ELBO in each real parameter that the motion leaves at rest.

    The entropy sum asks nothing of these; a stationary point of all parameters does.  The length is
    estimated from a few random directions: it is 0 if and, but for a set of directions of measure
    0, only if the gradient is.
    """
    given = Given(derivation, arguments)
    rng = np.random.default_rng(0)
    found = {}
    for symbol in derivation.model.parameters:
        if symbol in derivation.motion.parameters or not symbol.domain.is_line:
            continue
        name = given.setting.names[symbol]
        shape = np.shape(arguments[name])
        total = 0.0
        for _ in range(DIRECTIONS):
            direction = np.asarray(rng.normal(size=shape))
            direction /= np.linalg.norm(direction)
            total += _slope(given, name, direction, DIFFERENCE_STEP) ** 2
        found[name] = float(np.sqrt(direction.size * total / DIRECTIONS))
    return found


def _slope(given: Given, name: str, direction: Floats, step: float) -> float:
    """The derivative of the ELBO by one argument, along a direction."""
    elbo = given.derivation.function().elbo
    value = np.asarray(given.arguments[name], dtype=float)

    def at(steps: int) -> float:
        return given.call(elbo, **{name: value + steps * step * direction})

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
