"""Arguments of an emitted module, and what of the model is known by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
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
        for symbol, name in self.setting.names.items():
            # its own axes are the last ones, behind those of data points and samples
            own = np.shape(self.arguments.get(name, 0))[-len(symbol.shape) or None :]
            for extent, length in zip(symbol.shape, own, strict=False):
                if extent.size in self.derivation.model.sizes:
                    found[extent.size] = length - extent.offset
        return found

    @cached_property
    def world(self) -> World:
        """Parameters and constants, as the evaluator of the trials takes them."""
        return World(self.sizes, self._entries((Role.PARAMETER, Role.CONSTANT)))

    def world_at(self, point: int) -> World:
        """The same at a data point, counted from 0, with what is given for it."""
        own = self._entries((Role.VARIATIONAL, Role.INPUT, Role.OBSERVED), point)
        return World(self.sizes, {**self.world.values, **own})

    def _entries(
        self, roles: Collection[Role], *point: int
    ) -> dict[tuple[str, tuple[int, ...]], float]:
        """The entries of all arguments of these roles, at a data point."""
        found = {}
        for symbol, name in self.setting.names.items():
            if symbol.role in roles and name in self.arguments:
                values = np.asarray(self.arguments[name], dtype=float)[point]
                for where, entry in np.ndenumerate(values):
                    found[symbol.name, tuple(i + 1 for i in where)] = float(entry)
        return found

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
