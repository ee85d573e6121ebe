"""Arguments of an emitted module, and what of the model is known by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symelbo.api import Derivation
from symelbo.code.setting import Setting
from symelbo.index.terms import Array, Role, Symbol
from symelbo.trial.evaluate import World, evaluate, places

__all__ = ["Floats", "Given"]

Floats: TypeAlias = NDArray[np.float64]


class Given:
    """A derivation, and arguments of its emitted functions by their names there."""

    def __init__(self, derivation: Derivation, arguments: Mapping[str, Any]) -> None:
        self.derivation = derivation
        self.arguments = dict(arguments)
        self.setting = Setting(derivation)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The sizes of the model that the arguments imply, by their names in the model."""
        found: dict[str, int] = {}
        for symbol, variable in self.setting.variables.items():
            value = self.arguments.get(self.setting.names[symbol])
            if value is None:
                continue
            for extent, length in zip(variable.symbol.shape, np.shape(value), strict=True):
                if extent.size in self.derivation.model.sizes:
                    found[extent.size] = length - extent.offset
        return found

    @cached_property
    def world(self) -> World:
        """What velocities depend on, as the evaluator of the trials takes it."""
        values = {}
        for symbol, name in self.setting.names.items():
            if symbol.role in (Role.PARAMETER, Role.CONSTANT) and name in self.arguments:
                for where, entry in np.ndenumerate(np.asarray(self.arguments[name], dtype=float)):
                    values[symbol.name, tuple(i + 1 for i in where)] = float(entry)
        return World(self.sizes, values)

    def values(self, array: Array, symbol: Symbol) -> Floats:
        """An array over the places of a symbol, in numbers."""
        shape = tuple(self.world.length(extent) for extent in symbol.shape)
        entries = [
            evaluate(array.body, self.world, dict(zip(array.indices, where, strict=True))).value
            for where in places(self.world, symbol.shape)
        ]
        return np.array(entries, dtype=float).reshape(shape)

    def call(self, function: Callable[..., Any], **changed: Any) -> float:
        """An emitted function at the arguments that it has, and at sizes where it asks for them."""
        known = {self.setting.sizes[name]: length for name, length in self.sizes.items()}
        known |= {**self.arguments, **changed}
        names = inspect.signature(function).parameters
        return float(function(**{name: known[name] for name in names if name in known}))
