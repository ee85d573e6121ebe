"""Where the package keeps its data: beside the code in a wheel, at the top in a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["models_directory", "templates_directory"]

_PACKAGE = Path(__file__).resolve().parent


def models_directory() -> Path:
    """The folder of the example models, `*.yaml`."""
    return _find("models")


def templates_directory() -> Path:
    """The folder of the templates, `latex/` and `python/`."""
    return _find("templates")


def _find(name: str) -> Path:
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"the installation of symelbo is incomplete: no folder {name}")
