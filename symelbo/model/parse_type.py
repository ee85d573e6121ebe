"""`posdef[C, D, D]` -> domain and shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symelbo.index.terms import Domain, Extent
from symelbo.language.fault import TextError, TextFault, quote, suggest
from symelbo.language.parse import parse_type as parse_type_syntax
from symelbo.language.resolve import Resolver

__all__ = ["TYPES", "parse_type"]

TYPES: Final = ("real", "positive", "unit", "simplex", "posdef")


def parse_type(
    text: str, resolver: Resolver, report: Callable[[TextFault], None]
) -> tuple[Domain, tuple[Extent, ...]] | None:
    """A type -> (domain of the entries, shape); None after a fault has been reported."""
    try:
        syntax = parse_type_syntax(text)
    except TextError as error:
        report(error.fault)
        return None
    known = "one of real, positive, unit, simplex[C], posdef[D, D]"
    if syntax.base not in TYPES:
        report(
            TextFault(syntax.at, f"unknown type {quote(syntax.base)}", known, _hint(syntax.base))
        )
        return None
    extents = [resolver.extent(node) for node in syntax.extents]
    shape = tuple(extent for extent in extents if extent is not None)
    if len(shape) != len(extents):
        return None
    if syntax.base == "simplex" and not shape:
        report(TextFault(syntax.at, "`simplex` without a length", "its length, as in simplex[C]"))
        return None
    if syntax.base == "posdef" and (len(shape) < 2 or shape[-1] != shape[-2]):
        report(
            TextFault(
                syntax.at,
                f"the type {quote(text.strip())}",
                "two equal last extents",
                "a covariance matrix is posdef[D, D], C of them are posdef[C, D, D]",
            )
        )
        return None
    return Domain(syntax.base), shape


def _hint(base: str) -> str:
    hint = {
        "float": "write `real`",
        "vector": "a vector is `real[D]`",
        "matrix": "a matrix is `real[D, H]`",
        "probability": "a probability is `unit`",
        "cov_matrix": "a covariance matrix is `posdef[D, D]`",
    }.get(base.lower(), "")
    return hint or suggest(base, TYPES)
