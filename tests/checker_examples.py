"""The names that the examples in the docstrings of the checker use."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symelbo.checker.forms import Forms
from symelbo.checker.prove import (
    is_definite,
    is_positive,
    is_zero,
    prove_defined,
    prove_zero,
)
from symelbo.checker.terms import ONE, Raw, bound_index, minus, negative, sum_of

__all__ = ["names"]


def names() -> dict[str, Any]:
    """Fresh ones: x, y real; a, b positive; p unit; z, z2 binary; indices of the sizes D and C."""
    forms = Forms({}, frozenset(), {})
    scalars = {
        name: ("v", name, (kind,), ())
        for kind, letters in {
            "real": ("x", "y"),
            "positive": ("a", "b"),
            "unit": ("p",),
            "binary": ("z", "z2"),
        }.items()
        for name in letters
    }
    free = {name: ("i", name, 1, "D", 0) for name in "ij"}
    bound = {name: bound_index(name, free["i"]) for name in "kl"}

    def array(name: str, *kind: Any) -> Any:
        return lambda *where: ("v", name, kind, where)

    def power(base: Raw, n: int) -> Raw:
        return ("^", base, ("q", Fraction(n)))

    def show(poly: Any) -> str:
        return forms.show(poly)

    of_three = bound_index("t", ("i", "", 1, "", 3))
    s = array("s", "posdef")
    return {
        **scalars,
        **free,
        **bound,
        "F": forms,
        "Fraction": Fraction,
        "ONE": ONE,
        "S": ((bound["k"], bound["l"]), s(bound["k"], bound["l"])),
        "TWO": ("q", Fraction(2)),
        "c": bound_index("c", ("i", "", 1, "C", 0)),
        "is_definite": is_definite,
        "is_positive": is_positive,
        "is_zero": is_zero,
        "minus": minus,
        "negative": negative,
        "of_three": of_three,
        "pi": array("pi", "simplex", "C", 0),
        "poly": forms.poly,
        "power": power,
        "prove_defined": prove_defined,
        "prove_zero": prove_zero,
        "s": s,
        "show": show,
        "sum_of": sum_of,
        "v": array("v", "real"),
        "w": array("w", "real"),
    }
