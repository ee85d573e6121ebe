"""Where the package keeps its data: beside the code in a wheel, at the top in a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["models_directory"]

_PACKAGE = Path(__file__).resolve().parent


def models_directory() -> Path:
    """The folder of the example models, `*.yaml`."""
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / "models").is_dir():
            return parent / "models"
    raise FileNotFoundError("the installation of symelbo is incomplete: no folder models")
