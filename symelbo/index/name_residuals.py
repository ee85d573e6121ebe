"""Differences that are factors get names: neither documents nor modules expand them."""

from __future__ import annotations

from symelbo.index.build import mul, power
from symelbo.index.domains import Real
from symelbo.index.substitute import free_indices, instantiate, map_parts, symbols_of
from symelbo.index.terms import Add, Array, Entry, Mul, Origin, Power, Role, Symbol, Term

__all__ = ["name_residuals"]


def name_residuals(term: Term) -> tuple[Term, dict[Symbol, Array]]:
    """(x[i] - m[i]) (x[j] - m[j]) -> r[i] r[j], r: sums that are factors stay unexpanded.

    >>> named, residuals = name_residuals(term("(z[h] - x)^2/s"))
    >>> show(named)
    residual[h]**2/s
    >>> show(tuple(residuals.values()))
    (r0: z[r0] - x)
    """
    found: dict[Array, Symbol] = {}

    def name_sum(part: Term) -> Term:
        places = sorted(free_indices(part), key=lambda i: (i.name, i.low))
        formal = tuple(i.like(f"r{n}", Origin.PASSING) for n, i in enumerate(places))
        array = Array(formal, instantiate(Array(tuple(places), part), formal))
        if array not in found:
            name = "residual" + (str(len(found) + 1) if found else "")
            shape = tuple(i.extent for i in formal)
            found[array] = Symbol(name, Role.HIDDEN, Real(), shape)
        return Entry(found[array], tuple(places))

    def on_term(part: Term) -> Term:
        if isinstance(part, Mul):
            return mul(*(name_sum(f) if _is_residual(f) else on_term(f) for f in part.factors))
        if isinstance(part, Power) and _is_residual(part.base):
            return power(name_sum(part.base), part.exponent)
        return map_parts(part, on_term, lambda place: place, on_array)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    result = on_term(term)
    return result, {symbol: array for array, symbol in found.items()}


def _is_residual(term: Term) -> bool:
    """x - m: a sum in which a value meets something else."""
    if not isinstance(term, Add) or not all(i.low == 1 for i in free_indices(term)):
        return False
    values = (Role.VALUE, Role.OBSERVED, Role.LATENT)
    symbols = [symbols_of(part) for part in term.terms]
    with_value = [any(s.role in values for s in found) for found in symbols]
    others = [bool(found) and not value for found, value in zip(symbols, with_value, strict=True)]
    return any(with_value) and any(others)
