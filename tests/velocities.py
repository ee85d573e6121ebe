"""The motion of a derivation at the values of the arguments of its emitted functions."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from arguments import Arguments
from numpy.typing import NDArray

from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting
from symelbo.index.terms import Array, Symbol
from symelbo.trial.evaluate import World, evaluate, places

__all__ = ["velocities_of"]

Floats = NDArray[np.float64]


def velocities_of(derivation: Derivation, given: Arguments) -> dict[str, Floats]:
    """The motion of the whole model at the given values, by the checker's own evaluator.

    Samples of a latent move as it does, and the entropy of their q by its divergence.
    """
    setting = Setting(derivation)
    motion = derivation.motion
    known = (*derivation.model.parameters, *derivation.model.constants)
    values = _entries(setting, known, given)
    moved = {}
    for symbol, array in motion.parameters.items():
        moved[setting.names[symbol]] = _evaluate(setting, given, symbol, array, values)
    for symbol, array in motion.variational.items():
        own = (*motion.variational, *derivation.model.inputs, *setting.observed)
        rows = [
            _evaluate(setting, given, symbol, array, values | _entries(setting, own, given, n))
            for n in range(len(given[setting.names[symbol]]))
        ]
        moved[setting.names[symbol]] = np.array(rows)
    for node, latent in motion.latents.items():
        rate = _evaluate(setting, given, node, latent.rate, values)
        if (chain := setting.chain) is not None and chain.spread is not None:
            shift = _evaluate(setting, given, node, latent.shift, values)
            mean, spread, pair = (given[setting.names[symbol]] for symbol in chain.symbols)
            moved[setting.names[chain.single]] = rate * mean + shift
            rates = rate if rate.ndim > 1 else rate[:, None]
            within = rates[:, :, None] + rates[:, None, :]
            across = rates[1:, :, None] + rates[:-1, None, :]
            moved[setting.names[chain.spread]] = within.reshape(spread.shape[1:]) * spread
            moved[setting.names[chain.pair]] = across.reshape(pair.shape[1:]) * pair
            continue
        if setting.names.get(node) in inspect.signature(derivation.function().elbo).parameters:
            shift = _evaluate(setting, given, node, latent.shift, values)
            moved[setting.names[node]] = rate * given[setting.names[node]] + shift
        name = setting.entropy_q_name
        moved[name] = moved.get(name, np.float64(0)) + np.sum(rate)
    return moved


def _entries(
    setting: Setting, symbols: tuple[Symbol, ...], given: Arguments, *data: int
) -> dict[tuple[str, tuple[int, ...]], float]:
    world = _world(setting, given, {})
    return {
        (s.name, where): float(
            np.asarray(given[setting.names[s]])[(*data, *(i - 1 for i in where))]
        )
        for s in symbols
        for where in places(world, s.shape)
    }


def _world(setting: Setting, given: Arguments, values: Any) -> World:
    sizes = {n: given[setting.sizes[n]] for n in setting.derivation.model.sizes}
    return World(sizes, values)


def _evaluate(
    setting: Setting, given: Arguments, symbol: Symbol, array: Array, values: Any
) -> Floats:
    """The array at every place of the symbol."""
    world = _world(setting, given, values)
    shape = tuple(world.length(extent) for extent in symbol.shape)
    result = np.zeros(shape)
    for where in places(world, symbol.shape):
        env = dict(zip(array.indices, where, strict=True))
        result[tuple(i - 1 for i in where)] = evaluate(array.body, world, env).value
    return result
