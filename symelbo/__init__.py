"""symelbo: does the ELBO of a model equal a sum of entropies at every stationary point?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symelbo.api import Derivation, derive
    from symelbo.errors import SpecError, SymelboError
    from symelbo.model.model import Model
    from symelbo.model.read_model import read_model

__version__ = "0.1.0"
__all__ = ["Derivation", "Model", "SpecError", "SymelboError", "derive", "read_model"]

_HOMES = {
    "Derivation": "symelbo.api",
    "Model": "symelbo.model.model",
    "SpecError": "symelbo.errors",
    "SymelboError": "symelbo.errors",
    "derive": "symelbo.api",
    "read_model": "symelbo.model.read_model",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `symelbo --help` stays quick."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'symelbo' has no attribute {name!r}")
