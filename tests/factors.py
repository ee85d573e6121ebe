"""Factors of a few lines of a specification, and (U) of them in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symelbo.criterion.factor import Factor, make_factor
from symelbo.model.model import Model
from symelbo.model.read_model import read_model
from symelbo.trial.evaluate import Place, World, evaluate

__all__ = ["change_of", "factors_of", "log_density_at", "model_of"]


def model_of(
    model: Sequence[str], parameters: Mapping[str, str], *, observed: str = "x", **keys: Any
) -> Model:
    """A model as `read_model` reads it; observed: names of one letter each."""
    source = {"name": "m", "sizes": ["D", "H", "C"], "parameters": dict(parameters), **keys}
    return read_model({**source, "model": list(model), "observed": list(observed)})


def factors_of(
    model: Sequence[str], parameters: Mapping[str, str], *, observed: str = "x", **keys: Any
) -> tuple[Factor, ...]:
    """The factors of such a model, in its order."""
    read = model_of(model, parameters, observed=observed, **keys)
    return tuple(make_factor(statement) for statement in read.statements)


def log_density_at(
    factor: Factor,
    sizes: Mapping[str, int],
    plate: Sequence[int],
    values: Mapping[Place, Fraction | float],
    velocities: Mapping[Place, float] | None = None,
) -> tuple[float, float]:
    """log p at one point of the plates, and its slope along velocities, by dual numbers."""
    numbers = {place: float(value) for place, value in values.items()}
    world = World(sizes, numbers, velocities or {})
    return evaluate(
        factor.statement.log_density, world, dict(zip(factor.plates, plate, strict=True))
    )


def change_of(
    factor: Factor,
    sizes: Mapping[str, int],
    plate: Sequence[int],
    values: Mapping[Place, Fraction | float],
    velocities: Mapping[Place, float],
) -> float:
    """log p - D log p: by (U) the sum of a function of the value and of one of all else."""
    value, slope = log_density_at(factor, sizes, plate, values, velocities)
    return value - slope
