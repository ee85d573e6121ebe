"""Random values for the functions of an emitted module."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting
from symelbo.index.build import category_extent
from symelbo.index.terms import Extent

__all__ = ["Arguments", "draw"]


def draw(rng: np.random.Generator, kind: str, shape: tuple[int, ...], upper: int) -> Any:
    match kind:
        case "positive":
            return rng.uniform(0.3, 2.5, shape)
        case "unit":
            return rng.uniform(0.1, 0.9, shape)
        case "simplex":
            parts = rng.uniform(0.2, 1, shape)
            return parts / parts.sum(-1, keepdims=True)
        case "posdef":
            root = rng.normal(size=shape)
            return root @ np.swapaxes(root, -1, -2) / shape[-1] + np.eye(shape[-1]) / 2
        case "binary":
            return rng.integers(0, 2, shape)
        case "naturals":
            return rng.integers(0, 6, shape)
        case "category":
            return rng.integers(1, upper + 1, shape)
    return rng.normal(size=shape)


def _draw_chain(
    rng: np.random.Generator, data: int, steps: int, given: dict[str, Any], setting: Setting
) -> dict[str, Any]:
    """Marginals of a Markov chain, which agree with each other."""
    chain = setting.chain
    assert chain is not None
    single, *_, pair = (setting.names[symbol] for symbol in chain.symbols)
    if chain.spread is None:
        states = given[single].shape[-1]
        gamma = np.empty((data, steps, states))
        xi = np.empty((data, steps - 1, states, states))
        gamma[:, 0] = draw(rng, "simplex", (data, states), 0)
        for t in range(1, steps):
            xi[:, t - 1] = gamma[:, t - 1, :, None] * draw(
                rng, "simplex", (data, states, states), 0
            )
            gamma[:, t] = xi[:, t - 1].sum(axis=1)
        return {single: gamma, pair: xi}
    size = math.prod(given[single].shape[2:])
    cov = np.empty((data, steps, size, size))
    lag = np.empty((data, steps - 1, size, size))
    cov[:, 0] = draw(rng, "posdef", (data, size, size), 0)
    for t in range(1, steps):
        step = rng.normal(size=(data, size, size)) / 2
        lag[:, t - 1] = step @ cov[:, t - 1]
        noise = draw(rng, "posdef", (data, size, size), 0)
        cov[:, t] = lag[:, t - 1] @ np.swapaxes(step, -1, -2) + noise
    found = {setting.names[chain.spread]: cov, pair: lag}
    return {n: v.reshape(given[n].shape) for n, v in found.items()}


class Arguments(dict[str, Any]):
    """Random values for every keyword argument of the functions of one module.

    lengths: those of the sizes of the model, of data and of samples, by their names in the module;
    own: whether every data point has samples of its own.
    """

    def __init__(
        self,
        derivation: Derivation,
        seed: int,
        *,
        ones: bool = False,
        lengths: Mapping[str, int] | None = None,
        own: bool = False,
    ) -> None:
        rng = np.random.default_rng(seed)
        setting = Setting(derivation)
        sizes = {n: 1 if ones else int(rng.integers(1, 5)) for n in derivation.model.sizes}
        data, points = (1, 1) if ones else (int(rng.integers(2, 6)), int(rng.integers(2, 6)))
        if lengths is not None:
            sizes = {n: lengths[setting.sizes[n]] for n in sizes}
            data, points = (lengths[str(i.extent)] for i in (setting.data, setting.samples))

        def length(extent: Extent) -> int:
            return extent.offset + (sizes[extent.size] if extent.size else 0)

        for symbol, name in setting.names.items():
            shape, variable = tuple(map(length, symbol.shape)), setting.variables[symbol]
            leading = {setting.data: data, setting.samples: points}
            batch = variable.batch[variable.shared and not own :]
            shape = (*(leading[a] if a in leading else length(a.extent) for a in batch), *shape)
            extent = category_extent(symbol.domain)
            self[name] = draw(rng, symbol.domain.kind, shape, length(extent) if extent else 0)
        if setting.chain is not None:
            steps = length(setting.chain.node.shape[0])
            self |= _draw_chain(rng, data, steps, self, setting)
        if setting.mixture is not None:
            q = rng.uniform(size=(data, length(setting.mixture.extent)))
            q[0, 1:] = 0  # zeros are allowed
            self[setting.q_name] = q / q.sum(axis=1, keepdims=True)
        weights = rng.uniform(size=(data, points))
        self[setting.weights_name] = weights / weights.sum(axis=1, keepdims=True)
        self[setting.entropy_q_name] = rng.normal()
        self |= {setting.sizes[name]: value for name, value in sizes.items()}

    def call(self, function: Any, **changed: Any) -> float:
        values = {**self, **changed}
        names = inspect.signature(function).parameters
        return float(function(**{n: values[n] for n in names if n in values}))
