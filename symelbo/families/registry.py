"""Every built-in family by name: the files of this folder, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from symelbo.families.family import Family

__all__ = ["FAMILIES"]

_NO_FAMILIES: Final = ("__init__", "density", "family", "registry")


class _Registry(Mapping[str, Family]):
    """`ChiSquared` -> the FAMILY of `chi_squared.py`; in the order of the alphabet."""

    def __init__(self) -> None:
        stems = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
        self._modules = {
            stem.title().replace("_", ""): stem for stem in stems if stem not in _NO_FAMILIES
        }

    def __getitem__(self, name: str) -> Family:
        family: Family = import_module(f"{__package__}.{self._modules[name]}").FAMILY
        return family

    def __contains__(self, name: object) -> bool:
        return name in self._modules  # without an import

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


FAMILIES: Final[Mapping[str, Family]] = _Registry()
