"""`posdef[C, D, D]` -> domain and shape."""

from __future__ import annotations

from collections.abc import Callable

from symelbo.index.domains import TYPES
from symelbo.index.terms import Domain, Extent
from symelbo.language.fault import TextError, TextFault, quote, suggest
from symelbo.language.parse import parse_type as parse_type_syntax
from symelbo.language.resolve import Resolver

__all__ = ["parse_type", "spelled_types"]

_LENGTHS = ("", "[C]", "[D, D]")  # of a value that spans so many axes


def spelled_types() -> list[str]:
    """Every type as one writes it: real, ..., posdef[D, D]."""
    return [name + _LENGTHS[domain.rank] for name, domain in TYPES.items()]


def parse_type(
    text: str, resolver: Resolver, report: Callable[[TextFault], None]
) -> tuple[Domain, tuple[Extent, ...]] | None:
    """A type -> (domain of the entries, shape); None after a fault has been reported."""
    try:
        syntax = parse_type_syntax(text)
    except TextError as error:
        report(error.fault)
        return None
    domain = TYPES.get(syntax.base)
    if domain is None:
        report(
            TextFault(
                syntax.at,
                f"unknown type {quote(syntax.base)}",
                f"one of {', '.join(spelled_types())}",
                _hint(syntax.base),
            )
        )
        return None
    extents = [resolver.extent(node) for node in syntax.extents]
    shape = tuple(extent for extent in extents if extent is not None)
    if len(shape) != len(extents):
        return None
    kind = domain.kind
    if domain.rank == 1 and not shape:
        report(TextFault(syntax.at, f"`{kind}` without a length", f"its length, as in {kind}[C]"))
        return None
    if domain.rank == 2 and (len(shape) < 2 or shape[-1] != shape[-2]):
        report(
            TextFault(
                syntax.at,
                f"the type {quote(text.strip())}",
                "two equal last extents",
                f"a covariance matrix is {kind}[D, D], C of them are {kind}[C, D, D]",
            )
        )
        return None
    return domain, shape


def _hint(base: str) -> str:
    hint = {
        "float": "write `real`",
        "int": "a known whole number is a constant of type `positive`",
        "vector": "a vector is `real[D]`",
        "matrix": "a matrix is `real[D, H]`",
        "probability": "a probability is `unit`",
        "cov_matrix": "a covariance matrix is `posdef[D, D]`",
    }.get(base.lower(), "")
    return hint or suggest(base, TYPES)
