"""The domains: one class each, which answers all that is asked of a domain anywhere.

To add one, write its class here and its check in `templates/python/module.py.j2`, and tell the
checker its word (CONTRIBUTING has the recipe).  What the answers mean is said at `Domain`; what a
class does not say is so for a scalar that may be any real number, or is no question of it.
"""

from __future__ import annotations

from typing import Final

from symelbo.index.domains.arrays import PosDef, Simplex, Symmetric, Tangent
from symelbo.index.domains.continuous import (
    Angle,
    Continuous,
    Interval,
    Invertible,
    Positive,
    Real,
    Scalar,
    Unit,
)
from symelbo.index.domains.integers import Binary, Category, Counts, Integers, Naturals, OneHot

__all__ = [
    "SUPPORTS",
    "TYPES",
    "Angle",
    "Binary",
    "Category",
    "Continuous",
    "Counts",
    "Integers",
    "Interval",
    "Invertible",
    "Naturals",
    "OneHot",
    "PosDef",
    "Positive",
    "Real",
    "Scalar",
    "Simplex",
    "Symmetric",
    "Tangent",
    "Unit",
]

# what a quantity may be declared to be, and what values a family of the user's own may have
TYPES: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Simplex(), PosDef())}
SUPPORTS: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Naturals(), Binary())}
