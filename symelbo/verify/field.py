"""Does a vector field solve the parameterization criterion, for all sizes and all parents?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symelbo.index.terms import Array, Entry, Index, Number, Role, Sum, Symbol, Term
from symelbo.verify.evaluate import walk
from symelbo.verify.kernel import derivative_along, encode, minus, prove_zero
from symelbo.verify.language import Field, NotShown, Raw

__all__ = ["check_field"]

# what differs between samples or data points may not enter a field, nor what is still unknown
_FORBIDDEN = (
    Role.LATENT,
    Role.OBSERVED,
    Role.VALUE,
    Role.INPUT,
    Role.VARIATIONAL,
    Role.ARGUMENT,
    Role.UNKNOWN,
)


def check_field(
    naturals: Mapping[tuple[str, int], tuple[tuple[Index, ...], Term]],
    shifts: Mapping[tuple[str, int], Term],
    field: Mapping[Symbol, Array],
    parameters: Sequence[Symbol],
    nonzero: Sequence[Term] = (),
) -> list[str]:
    """Reasons why the field is not shown to scale every eta - c; empty if it does.

    d/ds eta = eta - c along the field for every block (Lücke & Warnken (2022), criterion (A) and
    (B), with c the choice of a base measure); the field is tangent to every domain, free of nodes.
    """
    reasons = _form(shifts, field, parameters)
    if reasons:
        return reasons
    along: Field = {p.name: (array.indices, array.body) for p, array in field.items()}
    for symbol, array in field.items():
        reasons += _tangent(symbol, array, nonzero)
    for (factor, component), (indices, eta) in naturals.items():
        if _has_foreign_index(Array(indices, eta)):
            reasons.append(f"block {component} of {factor} has an index that is not its own")
            continue
        try:
            target: Raw = encode(eta)
            shift = shifts.get((factor, component))
            if shift is not None:
                target = minus(target, encode(shift))
            prove_zero(minus(derivative_along(eta, along), target), nonzero=nonzero)
        except NotShown as reason:
            reasons.append(f"block {component} of {factor}: {reason}")
    return reasons


def _form(
    shifts: Mapping[tuple[str, int], Term],
    field: Mapping[Symbol, Array],
    parameters: Sequence[Symbol],
) -> list[str]:
    found = []
    learned = set(parameters)
    if all(isinstance(a.body, Number) and a.body.value == 0 for a in field.values()):
        found.append("the field moves nothing")
    for symbol, array in field.items():
        name = symbol.name
        if symbol not in learned:
            found.append(f"{name} is not among the parameters")
        if symbol.role is not Role.PARAMETER:
            found.append(f"{name} is not learned")
        if [(i.extent, i.low) for i in array.indices] != [(e, 1) for e in symbol.shape]:
            found.append(f"the field of {name} has not the shape of {name}")
        for other in _symbols(array):
            if other.role in _FORBIDDEN:
                found.append(f"the field of {name} depends on {other.name} ({other.role.value})")
        if _has_foreign_index(array):
            found.append(f"the field of {name} has a free index")
    for (factor, component), term in shifts.items():
        for other in _symbols(term):
            if other.role is not Role.CONSTANT:
                what = f"{other.name} ({other.role.value})"
                found.append(f"the shift of {factor}, {component} depends on {what}")
    return found


def _tangent(symbol: Symbol, array: Array, nonzero: Sequence[Term]) -> list[str]:
    """On a simplex the velocities sum to zero; a covariance stays symmetric."""
    kind = symbol.domain.kind
    try:
        if kind == "simplex":
            prove_zero(Sum(array.indices[-1], array.body), nonzero=nonzero)
        elif kind == "posdef":
            i, j = array.indices[-2:]
            a, b = (("i", name, 1, *encode_extent(i)) for name in (i.name, j.name))
            swapped = encode(array.body, {i: b, j: a})
            prove_zero(minus(encode(array.body, {i: a, j: b}), swapped), nonzero=nonzero)
    except NotShown as reason:
        return [f"the field of {symbol.name} is not tangent to its {kind}: {reason}"]
    return []


def encode_extent(index: Index) -> tuple[str, int]:
    """The kernel's form of an extent."""
    return index.extent.size or "", index.extent.offset


def _symbols(item: object) -> list[Symbol]:
    found = [s for s in walk((item,)) if isinstance(s, Symbol)]
    found += [s.symbol for s in walk((item,)) if isinstance(s, Entry)]
    return list(dict.fromkeys(found))


def _has_foreign_index(array: Array) -> bool:
    bound: set[Index] = set(array.indices)
    for item in walk((array.body,)):
        if isinstance(item, Sum):
            bound.add(item.index)
        elif isinstance(item, Array):
            bound.update(item.indices)
        elif isinstance(item, Index) and item not in bound:
            return True
    return False
