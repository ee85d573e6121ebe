"""The emitted functions agree with what a person wrote by hand, who knew nothing of them."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments

import symelbo
from benchmarks.by_hand import BY_HAND
from symelbo.answer.derivation import Derivation

ROOT = Path(__file__).resolve().parents[1]


@cache
def derived(model: str) -> Derivation:
    return symelbo.derive(ROOT / "models" / f"{model}.yaml")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("key", BY_HAND)
def test_values_agree(key: str, seed: int) -> None:
    model, name = key.split(".")
    derivation = derived(model)
    emitted = getattr(derivation.function(), name)
    every = Arguments(derivation, seed, ones=seed == 3)
    given: dict[str, Any] = {n: every[n] for n in inspect.signature(emitted).parameters}
    if "q" in given:  # where a share is 0, entropies by hand are NaN or not
        q = np.asarray(given["q"]) + 0.1
        given["q"] = q / q.sum(axis=1, keepdims=True)
    assert np.isclose(emitted(**given), BY_HAND[key](**given), rtol=1e-11, atol=1e-12)
