"""The domains: one class each, which answers all that is asked of a domain anywhere.

To add one, write its class here and its check in `templates/python/module.py.j2`, and tell the
checker its word.  What the answers mean is said at `Domain`; what a class does not say is so for a
scalar that may be any real number, or is no question of it.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from symelbo.index.terms import Domain

__all__ = [
    "DOMAINS",
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

DOMAINS: Final[Mapping[str, Domain]] = {
    domain.kind: domain
    for domain in (
        Real(),
        Positive(),
        Unit(),
        Simplex(),
        PosDef(),
        Binary(),
        Naturals(),
        Counts(),
        OneHot(),
        Category(),
        Interval(),
        Angle(),
        Symmetric(),
        Tangent(),
        Invertible(),
    )
}
# what a quantity may be declared to be, and what values a family of the user's own may have
TYPES: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Simplex(), PosDef())}
SUPPORTS: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Naturals(), Binary())}
