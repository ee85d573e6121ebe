"""Emitted modules in every array library: values, derivatives, compilers, dtypes and refusals."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from libraries import OTHERS, library

import symelbo
from symelbo.answer.derivation import Derivation

ROOT = Path(__file__).resolve().parents[1]
STEMS = [path.stem for path in sorted((ROOT / "models").glob("*.yaml"))]


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(ROOT / "models" / f"{stem}.yaml")


def functions_of(stem: str) -> dict[str, Any]:
    """The functions of a module by name, without those that call a function of the user's."""
    if not derived(stem).python():
        return {}
    module = derived(stem).function()
    found = {name: getattr(module, name) for name in module.__all__ if name != "check"}
    return {
        name: function
        for name, function in found.items()
        if not any("Callable" in str(a) for a in inspect.get_annotations(function).values())
    }


def calls_of(stem: str, seed: int) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """name, function, arguments in NumPy; where these are admissible"""
    every: dict[str, Any] = Arguments(derived(stem), seed)
    for name, function in functions_of(stem).items():
        parameters = inspect.signature(function).parameters
        # means that are asked for, and log-densities, are numbers
        given = {p: every.get(p, 0.5) for p in parameters}
        try:
            function(**given)
        except ValueError:
            continue
        yield name, function, given


def move(given: dict[str, Any], name: str) -> dict[str, Any]:
    """The same arguments as arrays of a library; numbers stay."""
    chosen = library(name)
    return {p: v if isinstance(v, int | float) else chosen.array(v) for p, v in given.items()}


def apply(function: Any, given: dict[str, Any], name: str) -> Any:
    """The value at arrays of a library; in JAX of the compiled function."""
    moved = move(given, name)
    if name != "jax":
        return function(**moved)
    import jax

    fixed = {p: v for p, v in moved.items() if isinstance(v, int | float)}
    arrays = {p: v for p, v in moved.items() if p not in fixed}
    return jax.jit(lambda arrays: function(**arrays, **fixed))(arrays)


def leaves(value: Any) -> list[Any]:
    return [value[key] for key in sorted(value)] if isinstance(value, dict) else [value]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("stem", STEMS)
def test_values_are_those_of_numpy(stem: str, name: str) -> None:
    chosen, tried = library(name), set()
    for seed in range(3):
        for which, function, given in calls_of(stem, seed):
            tried.add(which)
            found, wanted = apply(function, given, name), function(**given)
            for one, other in zip(leaves(found), leaves(wanted), strict=True):
                assert type(one).__module__.startswith((name, "jaxlib"))
                assert one.dtype == chosen.float64 and one.shape == np.shape(other)
                assert np.allclose(np.asarray(one), other, rtol=1e-11, atol=1e-12), (which, seed)
    assert tried == functions_of(stem).keys()
