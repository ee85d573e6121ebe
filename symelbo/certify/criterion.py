"""The form-free criterion (U), proved of a motion for all sizes, values, parents and parameters.

    log p - D log p  =  b - H~ + d,     D b constant in v

D is the derivative along the motion (parameters, latents as parents, the factor's own value); b is
free of parents and parameters, H~ of the value v, d is the divergence of the motion in v.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symelbo.certify.kernel import (
    Hypotheses,
    derivative_along,
    encode,
    is_zero,
    minus,
    prove_defined,
    prove_zero,
)
from symelbo.certify.language import Field, NotShown, Raw, fresh
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Mul,
    Number,
    Offset,
    Position,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import free_indices, walk

__all__ = ["FactorClaim", "MotionClaim", "check_closure", "check_factor", "check_motion"]

_NODES = (Role.LATENT, Role.OBSERVED)
# what a velocity of the model may depend on; functions of parameters too
_KNOWN = (Role.PARAMETER, Role.CONSTANT, Role.FUNCTION)
# q has parameters of its own for every data point: their velocities may depend on the data
_KNOWN_OF_Q = (*_KNOWN, Role.VARIATIONAL, Role.OBSERVED, Role.INPUT)
_ABOVE_ZERO = ("positive", "unit")
_DISCRETE = ("binary", "naturals", "counts", "onehot", "category")
_KNOWN_OF_BASE = (Role.CONSTANT, Role.INPUT, Role.FUNCTION)


@dataclass(frozen=True, slots=True)
class MotionClaim:
    """parameters and variational: velocities; rates and shifts: r and s of each latent that moves.

    A latent moves with velocity r (z - lower) + s, lower being the end of its support (0 if none).
    """

    parameters: Mapping[Symbol, Array]
    rates: Mapping[Symbol, Array]
    shifts: Mapping[Symbol, Array]
    variational: Mapping[Symbol, Array]


@dataclass(frozen=True, slots=True)
class FactorClaim:
    """One factor at one point of its plates, with b, H~ and d, and D b as a term free of v."""

    name: str
    node: Symbol
    places: tuple[IndexTerm, ...]
    log_density: Term
    base: Term
    entropy: Term
    divergence: Term
    base_change: Term


# ---------------------------------------------------------------- the motion


def check_motion(motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why the motion is not admissible; empty if it is.

    Velocities depend on parameters and constants alone, are tangent to constraints, and keep the
    supports of the latents.  They have a value at all parameters, or `given` says at which.
    """
    reasons = _two_of_one_name(_named_arrays(motion))
    for arrays, allowed, role in (
        (motion.parameters, _KNOWN, Role.PARAMETER),
        (motion.rates, _KNOWN, Role.LATENT),
        (motion.shifts, _KNOWN, Role.LATENT),
        (motion.variational, _KNOWN_OF_Q, Role.VARIATIONAL),
    ):
        for symbol, array in arrays.items():
            if symbol.role is not role:
                reasons.append(f"{symbol.name} is no {role.value}")
            reasons += _form(symbol, array, allowed)
    if reasons:
        return reasons
    for symbol, array in (*motion.parameters.items(), *motion.variational.items()):
        reasons += _tangent(symbol, array, given)
    for symbol, array in _named_arrays(motion):
        try:
            prove_defined(array.body, given=given)
        except NotShown as reason:
            reasons.append(f"the velocity of {symbol.name} is not defined everywhere: {reason}")
    if set(motion.rates) != set(motion.shifts):
        return [*reasons, "a latent has a rate or a shift, but not both"]
    for node in motion.rates:
        reasons += _keeps_support(node, motion.rates[node], motion.shifts[node], given)
    return reasons


def _form(symbol: Symbol, array: Array, allowed: Sequence[Role]) -> list[str]:
    found = []
    if [(i.extent, i.low) for i in array.indices] != [(e, 1) for e in symbol.shape]:
        found.append(f"the velocity of {symbol.name} has not the shape of {symbol.name}")
    for other in _symbols(array):
        if other.role not in allowed:
            found.append(
                f"the velocity of {symbol.name} depends on {other.name} ({other.role.value})"
            )
    if len(set(array.indices)) != len(array.indices):
        found.append(f"the velocity of {symbol.name} has one index twice")
    if free_indices(array):
        found.append(f"the velocity of {symbol.name} has a free index")
    return found


def _tangent(symbol: Symbol, array: Array, given: Hypotheses) -> list[str]:
    """On a simplex velocities sum to zero; a covariance stays symmetric; integers do not move."""
    kind = symbol.domain.kind
    try:
        if kind in _DISCRETE:
            prove_zero(array.body, given=given)
        elif kind == "simplex":
            prove_zero(Sum(array.indices[-1], array.body), given=given)
        elif kind == "posdef":
            i, j = array.indices[-2:]
            a, b = (("i", name, 1, *_extent(i)) for name in (i.name, j.name))
            swapped = encode(array.body, {i: b, j: a})
            prove_zero(minus(encode(array.body, {i: a, j: b}), swapped), given=given)
    except NotShown as reason:
        return [f"the velocity of {symbol.name} is not tangent to its {kind}: {reason}"]
    return []


def _keeps_support(node: Symbol, rate: Array, shift: Array, given: Hypotheses) -> list[str]:
    """Real: r z + s.  Positive or from a number on: r alone.  Definite: one r.  Angle: s alone."""
    domain = node.domain
    still = {"real": (), "positive": ("shift",), "posdef": ("shift",), "angle": ("rate",)}
    needed = still.get(domain.kind)
    if domain.kind == "interval" and isinstance(domain.lower, Number) and domain.upper is None:
        needed = ("shift",)
    if needed is None:
        return [f"{node.name} moves, but its support ({domain.kind}) does not allow it"]
    found = []
    for name, array in (("rate", rate), ("shift", shift)):
        if name in needed:
            try:
                prove_zero(array.body, given=given)
            except NotShown:
                found.append(f"the {name} of {node.name} does not keep its support")
    events = {i for i in rate.indices[-2:]} if domain.kind == "posdef" else set()
    if events & {i for i in walk((rate.body,)) if isinstance(i, Index)}:
        found.append(f"the rate of {node.name} differs within one matrix")
    return found


# ---------------------------------------------------------------- a factor


def check_factor(factor: FactorClaim, motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why (U) is not shown of a factor along the motion; empty if it is."""
    name, own = factor.name, factor.places
    reasons = _two_of_one_name((factor.node, *_terms(factor), *_named_arrays(motion)))
    reasons += _moving_ends(factor.node, motion, given)
    for node in motion.rates:
        if node.domain.kind == "angle" and not _is_periodic(factor.log_density, node):
            reasons.append(f"{name} is not periodic in {node.name}, which turns")
    for other in _symbols(factor.base):
        if other != factor.node and other.role not in _KNOWN_OF_BASE:
            reasons.append(f"the base measure of {name} depends on {other.name}")
    for places in _places(factor.base, factor.node):
        if places[: len(own)] != own:
            reasons.append(f"the base measure of {name} depends on another entry of {name}")
    for what, term in (
        ("the entropy", factor.entropy),
        ("the divergence", factor.divergence),
        ("the change of the base measure", factor.base_change),
    ):
        for places in _places(term, factor.node):
            if _may_be_value(places, own):
                reasons.append(f"{what} of {name} depends on its value")
    for other in (*_symbols(factor.divergence), *_symbols(factor.base_change)):
        if other.role not in _KNOWN_OF_BASE and other.role not in _KNOWN:
            reasons.append(f"the divergence of {name} depends on {other.name}")
    if reasons:
        return reasons
    given = replace(given, positive=(*given.positive, *_inside_support(factor)))
    try:
        field = _field(motion)
        change = derivative_along(factor.log_density, field)
        base_moves = derivative_along(factor.base, field)
        divergence = _divergence(factor, motion)
    except NotShown as reason:
        return [f"the motion of {name}: {reason}"]
    if _places(factor.base, factor.node) and is_zero(change, given=given):
        return [f"nothing moves in {name}, so that its density would have to be constant"]
    steps: tuple[tuple[str, Raw], ...] = (
        (
            "(U)",
            _sum(
                encode(factor.log_density),
                _negative(change),
                _negative(encode(factor.base)),
                encode(factor.entropy),
                _negative(encode(factor.divergence)),
            ),
        ),
        (
            "the change of the base measure",
            minus(base_moves, encode(factor.base_change)),
        ),
        ("the divergence", minus(divergence, encode(factor.divergence))),
    )
    for what, raw in steps:
        try:
            prove_zero(raw, given=given)
        except NotShown as reason:
            reasons.append(f"{what} of {name}: {reason}")
    return reasons


def check_closure(q: FactorClaim, motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why D log q + d = 0 is not shown of a statement of q; empty if it is.

    Then the family of q follows the motion of the latents to first order, its own parameters
    moving: the derivative of the ELBO along the motion is one along parameters of model and q.
    """
    clashes = _two_of_one_name((q.node, *_terms(q), *_named_arrays(motion)))
    if clashes:
        return clashes
    for node in motion.rates:
        if node.domain.kind == "angle" and not _is_periodic(q.log_density, node):
            return [f"q of {q.name} is not periodic in {node.name}, which turns"]
    try:
        change = derivative_along(q.log_density, _field(motion))
        prove_zero(_sum(change, _divergence(q, motion)), given=given)
    except NotShown as reason:
        return [f"q of {q.name}: {reason}"]
    return []


def _is_periodic(item: object, angle: Symbol) -> bool:
    """Whether an angle occurs in sines and cosines of whole multiples of it alone.

    Else what is carried across the end of (-pi, pi] meets a jump, which no derivative sees.
    """
    match item:
        case Call("sin" | "cos", (Add(terms),)):
            return all(_is_multiple(term, angle) for term in terms)
        case Call("sin" | "cos", (argument,)):
            return _is_multiple(argument, angle)
        case Entry(symbol, indices):
            return symbol != angle and _is_periodic(indices, angle)
        case tuple():
            return all(_is_periodic(part, angle) for part in item)
        case Term() | Array():
            slots: tuple[str, ...] = getattr(type(item), "__slots__", ())
            return all(_is_periodic(getattr(item, s), angle) for s in slots)
    return True


def _is_multiple(term: Term, angle: Symbol) -> bool:
    """n z, for a whole n; or nothing of z."""
    match term:
        case Entry():
            return True
        case Mul((Number(n), Entry())):
            return n.denominator == 1 or _is_periodic(term, angle)
    return _is_periodic(term, angle)


def _inside_support(factor: FactorClaim) -> list[Raw]:
    """What is positive of a scalar value between bounds that are no numbers."""
    domain = factor.node.domain
    if len(factor.places) != len(factor.node.shape):
        return []
    value = encode(Entry(factor.node, factor.places))
    found: list[Raw] = []
    if domain.kind == "naturals" and domain.upper is not None:
        found.append(_sum(encode(domain.upper), _negative(value), ("q", Fraction(1))))
    if domain.kind == "interval":
        if domain.lower is not None:
            found.append(minus(value, encode(domain.lower)))
            if isinstance(domain.lower, Entry) and domain.lower.symbol.domain.kind in _ABOVE_ZERO:
                found.append(value)
        if domain.upper is not None:
            found.append(minus(encode(domain.upper), value))
    return found


def _field(motion: MotionClaim) -> Field:
    """Every velocity, r (z - lower) + s for the latents."""
    field = {s.name: (a.indices, a.body) for s, a in motion.parameters.items()}
    field.update({s.name: (a.indices, a.body) for s, a in motion.variational.items()})
    for node, rate in motion.rates.items():
        value: Term = Entry(node, rate.indices)
        if node.domain.kind == "interval" and isinstance(node.domain.lower, Number):
            value = Add((value, Number(-node.domain.lower.value)))
        shift = motion.shifts[node]
        moved = _rename(shift, rate.indices)
        field[node.name] = (rate.indices, Add((Mul((rate.body, value)), moved)))
    return field


def _rename(array: Array, indices: tuple[Index, ...]) -> Term:
    if array.indices != indices:
        raise NotShown("the rate and the shift of a latent have different indices")
    return array.body


def _divergence(factor: FactorClaim, motion: MotionClaim) -> Raw:
    """The sum of r over the independent entries of the value: over its events."""
    rate = motion.rates.get(factor.node)
    if rate is None:
        return ("q", Fraction(0))
    if factor.node.domain.kind == "angle":
        return ("q", Fraction(0))
    plates = factor.places
    env = {i: encode_index(p) for i, p in zip(rate.indices, plates, strict=False)}
    events = rate.indices[len(plates) :]
    bound = {i: fresh(("i", i.name, i.low, *_extent(i))) for i in events}
    body = encode(rate.body, {**env, **bound})
    if factor.node.domain.kind == "posdef":
        size, offset = _extent(events[-1])
        n: Raw = ("q", Fraction(offset))
        if size:
            n = ("+", ("n", size), n)
        count = ("*", n, ("+", n, ("q", Fraction(1))), ("q", Fraction(1, 2)))
        return ("*", count, body)
    for index in reversed(events):
        body = ("S", bound[index], body)
    return body


def encode_index(place: IndexTerm) -> Raw:
    """A place as the kernel writes it."""
    raw = encode(IndexValue(place))
    return raw[1] if raw[0] == "iv" else raw


# ---------------------------------------------------------------- small parts


def _sum(*raws: Raw) -> Raw:
    return ("+", *raws)


def _negative(raw: Raw) -> Raw:
    return ("*", ("q", Fraction(-1)), raw)


def _extent(index: Index) -> tuple[str, int]:
    return index.extent.size or "", index.extent.offset


def _may_be_value(places: tuple[IndexTerm | None, ...], own: tuple[IndexTerm, ...]) -> bool:
    """Whether an entry of the node might be one of the factor's own value.

    Only z[t-1] beside z[t], and literal places that differ, are certainly others.
    """

    def split(place: IndexTerm | None) -> tuple[object, int]:
        match place:
            case Offset(index, by):
                return index, by
            case Position(extent):
                return extent.size, extent.offset
        return place, 0

    for here, there in zip(own, places, strict=False):
        (base, by), (other, shift) = split(here), split(there)
        if base == other and by != shift:
            return False
    return True


def _places(
    item: object, node: Symbol, bound: frozenset[Index] = frozenset()
) -> list[tuple[IndexTerm | None, ...]]:
    """The places of all entries of a node; None for what a sum runs over: its t is another t."""
    match item:
        case Sum(index, body):
            return _places(body, node, bound | {index})
        case Array(indices, body):
            return _places(body, node, bound | set(indices))
        case Entry(symbol, indices):
            found = [p for index in indices for p in _places(index, node, bound)]
            if symbol.name == node.name:
                found.append(tuple(None if free_indices(i) & bound else i for i in indices))
            return found
        case tuple():
            return [p for part in item for p in _places(part, node, bound)]
        case Term() | Offset():
            names: tuple[str, ...] = getattr(type(item), "__slots__", ())
            return [p for slot in names for p in _places(getattr(item, slot), node, bound)]
    return []


def _terms(factor: FactorClaim) -> tuple[Term, ...]:
    return (
        factor.log_density,
        factor.base,
        factor.entropy,
        factor.divergence,
        factor.base_change,
    )


def _named_arrays(motion: MotionClaim) -> list[tuple[Symbol, Array]]:
    every = (motion.parameters, motion.rates, motion.shifts, motion.variational)
    return [item for arrays in every for item in arrays.items()]


def _two_of_one_name(items: Iterable[object]) -> list[str]:
    """The kernel knows symbols by their names: a constant may not be called like a latent."""
    known: dict[str, Symbol] = {}
    clashes = [s.name for s in _symbols(tuple(items)) if known.setdefault(s.name, s) != s]
    return [f"{name} is two symbols" for name in dict.fromkeys(clashes)]


def _moving_ends(node: Symbol, motion: MotionClaim, given: Hypotheses) -> list[str]:
    """A support whose ends move: values are left behind, and scores have no mean of zero."""
    found = []
    for symbol in _symbols((node.domain,)):
        for other, array in _named_arrays(motion):
            if other.name == symbol.name and not is_zero(array.body, given=given):
                found.append(f"the support of {node.name} moves with {symbol.name}")
    return found


def _symbols(item: object) -> list[Symbol]:
    found = [s for s in walk((item,)) if isinstance(s, Symbol)]
    found += [s.symbol for s in walk((item,)) if isinstance(s, Entry)]
    return list(dict.fromkeys(found))
