"""The array libraries that emitted modules serve; a test is skipped where its own is missing."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

__all__ = ["LIBRARIES", "OTHERS", "Library", "library"]

LIBRARIES = ("numpy", "torch", "jax")
OTHERS = LIBRARIES[1:]


@dataclass(frozen=True)
class Library:
    """A library: its array API, its special functions, and how arrays get there and back."""

    name: str
    xp: Any
    special: Any
    make: Callable[[Any], Any]
    float32: Any
    float64: Any

    def array(self, value: Any, dtype: str = "float64") -> Any:
        """An array of real numbers of this dtype, or of whole numbers as they are."""
        found = np.array(value)
        return self.make(found.astype(dtype) if found.dtype.kind in "fb" else found)

    @property
    def space(self) -> dict[str, Any]:
        """The names that printed expressions take for given."""
        real = {"dtype": self.float64, "device": None}
        return {"xp": self.xp, "special": self.special, "math": math, "real": real}


@cache
def library(name: str) -> Library:
    """One of LIBRARIES, in double precision; the test that asks is skipped where it is missing."""
    special = {"numpy": "scipy.special", "torch": "torch.special", "jax": "jax.scipy.special"}
    compat = {"numpy": "numpy", "torch": "array_api_compat.torch", "jax": "jax.numpy"}
    pytest.importorskip("array_api_compat" if name == "torch" else name)
    module = pytest.importorskip(name)
    if name == "jax":
        module.config.update("jax_enable_x64", True)
    xp = importlib.import_module(compat[name])
    make = {"numpy": np.asarray, "torch": getattr(module, "from_numpy", None), "jax": xp.asarray}
    return Library(
        name, xp, importlib.import_module(special[name]), make[name], xp.float32, xp.float64
    )
