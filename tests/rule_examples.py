"""The names that the examples in the docstrings of the calculus use."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import calculus
from calculus import SYMBOLS

from symelbo.index import build
from symelbo.index.domains import Category, Real, Simplex
from symelbo.index.normal import RING
from symelbo.index.polynomial import Factors, Poly, from_monomial, from_poly
from symelbo.index.terms import (
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    Inverse,
    Mul,
    Node,
    Position,
    Power,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.language.fault import TextFault
from symelbo.language.parse import parse_expression
from symelbo.language.resolve import Resolver
from symelbo.language.scope import SizeName
from symelbo.notation.print_text import print_text

__all__ = ["SHARES", "names"]

CATEGORY = Symbol("cat", Role.LATENT, Category(Size("C")))
FUNCTION = Symbol("m", Role.FUNCTION, Real())
UNKNOWN = Symbol("u", Role.UNKNOWN, Real())
SHARES = Symbol("shares", Role.PARAMETER, Simplex(), (Extent(None, 3),))
SIZES = {name: SizeName(Extent(name)) for name in "CDH"}
ENTITIES = {s.name: s for s in (*SYMBOLS, CATEGORY, FUNCTION, UNKNOWN, SHARES)} | SIZES
INDICES = (
    *(calculus.d, calculus.d2, calculus.d3, calculus.h, calculus.h2),
    *(calculus.c, calculus.c2, calculus.inner),
)
LOOPS = {index.name: index for index in INDICES}


def term(text: str) -> Term:
    """x, y real; s, t positive; p in (0, 1); W[d,h], mu[d] real, v[h] positive; pi[c] on a
    simplex, shares on one of three places; Sigma[d,e] positive definite, z[h] 0 or 1; cat a
    category, m(x) a function, u unknown.

    Indices: d, e, f in 1:D; h, g in 1:H; c, k in 1:C; i in 1:C-1.
    """
    faults: list[TextFault] = []
    resolver = Resolver(text, ENTITIES, faults.append, density=True)
    found = resolver.scalar(parse_expression(text), LOOPS)
    assert not faults, (text, faults)
    return found


def poly(text: str) -> Poly:
    """A term as a polynomial."""
    return RING.to_poly(term(text))


def factors(*items: Term | str) -> Factors:
    """a, b**2 -> {a: 1, b: 2}, as rules on products are given them."""
    whole = build.mul(*(term(item) if isinstance(item, str) else item for item in items))
    found: Factors = {}
    for factor in whole.factors if isinstance(whole, Mul) else (whole,):
        match factor:
            case Power(base, exponent):
                found[base] = exponent.value  # type: ignore[attr-defined]
            case _:
                found[factor] = Fraction(1)
    return found


def show(item: Any) -> None:
    """Print terms as text, inside tuples and polynomials too."""
    print(_text(item))


def _text(item: Any) -> str:
    match item:
        case dict():
            return print_text(from_poly(item))
        case Array():
            return f"{','.join(index.name for index in item.indices)}: {print_text(item.body)}"
        case Node():
            return print_text(item)  # type: ignore[arg-type]
        case _ if hasattr(item, "bound"):
            return print_text(from_monomial(item))
        case tuple():
            return f"({', '.join(map(_text, item))})"
    return str(item)


def names() -> dict[str, Any]:
    """What an example may name, beside what stands in its module."""
    return {
        **{symbol.name: symbol for symbol in SYMBOLS},
        **LOOPS,
        "cat": CATEGORY,
        "m": FUNCTION,
        "u": UNKNOWN,
        **{"Array": Array, "Delta": Delta, "Entry": Entry, "Extent": Extent, "Index": Index},
        **{"Inverse": Inverse, "Position": Position, "RING": RING, "Fraction": Fraction},
        "matrix": calculus.matrix(),
        "factors": factors,
        "poly": poly,
        "show": show,
        "term": term,
    }
