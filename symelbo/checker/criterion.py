"""The form-free criterion (U), proved of a motion for all sizes, values, parents and parameters.

    log p - D log p  =  b - H~ + d,     D b constant in v

D is the derivative along the motion (parameters, latents as parents, the factor's own value); b is
free of parents and parameters, H~ of the value v, d is the divergence of the motion in v.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

from .forms import Hypotheses
from .prove import Ground, is_zero, prove_defined, prove_zero
from .statement import Density, Identity, Motion, Symbol
from .terms import (
    ONE,
    ZERO,
    Array,
    Field,
    NotShown,
    Raw,
    RawIndex,
    derivative,
    formal_indices,
    fresh,
    has_bound,
    map_entries,
    minus,
    negative,
    put,
    sum_of,
    walk,
)

__all__ = [
    "check_closure",
    "check_identity",
    "check_motion",
    "free_indices",
    "hypotheses_of",
    "inside_support",
    "mentions_value",
    "names_in",
    "users_of",
]

Symbols = Mapping[str, Symbol]

# what the velocity of a parameter may depend on; functions of parameters too
KNOWN: Final = ("parameter", "constant", "function")
# q has parameters of its own for every data point: their velocities may depend on the data
KNOWN_OF_LATENTS: Final = (*KNOWN, "input")  # r and s, which a data point has for itself
KNOWN_OF_Q: Final = (*KNOWN, "variational", "observed", "input")
KNOWN_OF_BASE: Final = ("constant", "input", "function")
PARENTS: Final = ("latent", "observed", "input")
MAX_NODES: Final = 3  # binary ones in a condition, of which both values are used


# ---------------------------------------------------------------- hypotheses


def hypotheses_of(
    densities: Iterable[Density],
    nonzero: Sequence[Raw],
    least: Mapping[str, int],
    symbols: Symbols,
) -> Hypotheses:
    """What is stated as a condition: on arguments, on what is divided by, on sizes."""
    positive: list[Raw] = []
    definite: list[Array] = []
    for density in densities:
        for condition in density.conditions:
            if condition.domain.is_definite:
                indices, body = condition.array
                new = tuple(map(fresh, indices))
                definite.append((new, put(body, dict(zip(indices, new, strict=True)))))
            for raw in condition.domain.positive_of(condition.array[1]):
                positive += _at_all_values(raw, symbols)
        value = _value(density)
        if density.support.is_integer and value is not None:
            positive += density.support.inside(value, lambda _: False)
    sizes = tuple(sorted((name, k) for name, k in least.items() if k > 1))
    every = tuple(positive)
    return Hypotheses(tuple(nonzero), every, tuple(definite), sizes, patterns=every)


def _at_all_values(raw: Raw, symbols: Symbols) -> list[Raw]:
    """A condition holds whatever the nodes are: at both values of binary ones as well."""
    bits = [
        name
        for name in sorted(names_in(raw))
        if symbols[name].role in PARENTS and symbols[name].domain.is_free_bit()
    ][:MAX_NODES]
    found = []
    for values in product((None, ZERO, ONE), repeat=len(bits)):
        chosen: dict[str, Array] = {}
        for name, value in zip(bits, values, strict=True):
            if value is not None:
                formals = formal_indices(symbols[name].shape)
                chosen[name] = tuple(formals), value
        found.append(put(raw, None, arrays=chosen) if chosen else raw)
    return found


def _value(density: Density) -> Raw | None:
    """The value of a density, None if it is no scalar."""
    node = density.node
    if len(density.places) != len(node.shape) or node.domain.is_place:
        return None
    return ("v", node.name, node.kind, density.places)


# ---------------------------------------------------------------- the motion


def check_motion(motion: Motion, given: Ground, symbols: Symbols) -> list[str]:
    """Reasons why the motion is not admissible; empty if it is.

    Velocities of parameters depend on parameters and constants alone and are tangent to
    constraints; r and s, which may depend on inputs too, keep the supports of the latents.  They
    have a value at all parameters, or `given` says at which.
    """
    reasons = []
    for arrays, allowed, role in (
        (motion.parameters, KNOWN, "parameter"),
        (motion.rates, KNOWN_OF_LATENTS, "latent"),
        (motion.shifts, KNOWN_OF_LATENTS, "latent"),
        (motion.variational, KNOWN_OF_Q, "variational"),
    ):
        for name, array in arrays.items():
            if symbols[name].role != role:
                reasons.append(f"{name} is no {role}")
            reasons += _form(symbols[name], array, allowed, symbols)
    if reasons:
        return reasons
    for name, array in (*motion.parameters.items(), *motion.variational.items()):
        reasons += _tangent(symbols[name], array, given)
    for name, array in motion.arrays():
        try:
            prove_defined(array[1], given=given)
        except NotShown as reason:
            reasons.append(f"the velocity of {name} is not defined everywhere: {reason}")
    if set(motion.rates) != set(motion.shifts):
        return [*reasons, "a latent has a rate or a shift, but not both"]
    for name in motion.rates:
        reasons += _keeps_support(symbols[name], motion.rates[name], motion.shifts[name], given)
    return reasons


def _form(symbol: Symbol, array: Array, allowed: Sequence[str], symbols: Symbols) -> list[str]:
    found = []
    indices, body = array
    if tuple(i[2:] for i in indices) != tuple((1, *extent) for extent in symbol.shape):
        found.append(f"the velocity of {symbol.name} has not the shape of {symbol.name}")
    for other in sorted(names_in(body)):
        role = symbols[other].role
        if role not in allowed:
            found.append(f"the velocity of {symbol.name} depends on {other} ({role})")
    if free_indices(body) - set(indices):
        found.append(f"the velocity of {symbol.name} has a free index")
    return found


def _tangent(symbol: Symbol, array: Array, given: Ground) -> list[str]:
    """On a simplex velocities sum to zero; a covariance stays symmetric; integers do not move."""
    domain = symbol.domain
    try:
        prove_zero(domain.tangent_equation(*array), given=given)
    except NotShown as reason:
        return [f"the velocity of {symbol.name} is not tangent to its {domain.word}: {reason}"]
    return []


def _keeps_support(node: Symbol, rate: Array, shift: Array, given: Ground) -> list[str]:
    """What moves it is one of the motions that keep its domain."""
    domain = node.domain
    motions = domain.motions
    if motions is None:
        return [f"{node.name} moves, but its support ({domain.word}) does not allow it"]
    found = []
    for name, allowed, array in (("rate", motions.scales, rate), ("shift", motions.shifts, shift)):
        if not allowed and not is_zero(array[1], given=given):
            found.append(f"the {name} of {node.name} does not keep its support")
    events = set(rate[0][-domain.depth :]) if motions.whole else set()
    if events & {item for item in walk(rate[1]) if item[0] == "i"}:
        found.append(f"the rate of {node.name} differs within one matrix")
    return found


# ---------------------------------------------------------------- a factor


def check_identity(
    density: Density, identity: Identity, motion: Motion, given: Ground, symbols: Symbols
) -> list[str]:
    """Reasons why (U) is not shown of a factor along the motion; empty if it is."""
    name, own = density.name, density.places
    base, entropy = _at_own_place(identity.base, density, given), identity.entropy
    reasons = _moving_ends(density, motion, given) + _leaves_support(density, motion, given)
    for node in motion.rates:
        if symbols[node].domain.is_periodic and not _is_periodic(density.log_density, node):
            reasons.append(f"{name} is not periodic in {node}, which turns")
    for other in sorted(names_in(base)):
        if other != density.node.name and symbols[other].role not in KNOWN_OF_BASE:
            reasons.append(f"the base measure of {name} depends on {other}")
    own_places = _places(base, density.node.name)
    for places in own_places:
        if places[: len(own)] != own:
            reasons.append(f"the base measure of {name} depends on another entry of {name}")
    for what, term in (
        ("the entropy", entropy),
        ("the divergence", identity.divergence),
        ("the change of the base measure", identity.base_change),
    ):
        if mentions_value(term, density):
            reasons.append(f"{what} of {name} depends on its value")
    terms = (base, entropy, identity.divergence, identity.base_change)
    if any(free_indices(term) - set(density.plates) for term in terms):
        reasons.append(f"what is stated of {name} has a free index")
    for other in sorted(names_in(identity.divergence) | names_in(identity.base_change)):
        if symbols[other].role not in (*KNOWN_OF_BASE, *KNOWN):
            reasons.append(f"the divergence of {name} depends on {other}")
    if reasons:
        return reasons
    inside = inside_support(density, symbols)
    if inside:
        given = Ground(given.given._replace(positive=(*given.given.positive, *inside)))
    try:
        field = _field(motion, symbols)
        change = derivative(density.log_density, field)
        base_moves = derivative(base, field)
        divergence = _divergence(density, motion)
    except NotShown as reason:
        return [f"the motion of {name}: {reason}"]
    if own_places and is_zero(change, given=given):
        return [f"nothing moves in {name}, so that its density would have to be constant"]
    away = given  # the value is not 0 almost everywhere, and the derivative of log|v| divides by it
    value = _value(density)
    if density.node.domain.is_line and value and any(i[:2] == ("f", "log") for i in walk(base)):
        away = Ground(given.given._replace(nonzero=(*given.given.nonzero, value)))
    sides = [density.log_density, negative(change), negative(base)]
    sides += [entropy, negative(identity.divergence)]
    for what, raw, ground in (
        ("(U)", sum_of(*sides), given),
        ("the change of the base measure", minus(base_moves, identity.base_change), away),
        ("the divergence", minus(divergence, identity.divergence), given),
    ):
        try:
            prove_zero(raw, given=ground)
        except NotShown as reason:
            reasons.append(f"{what} of {name}: {reason}")
    return reasons


def _at_own_place(base: Raw, density: Density, given: Ground) -> Raw:
    """delta(k, 1) x[1] -> delta(k, 1) x[k], where all of a term may be written of x[k]."""
    own = density.places
    elsewhere = {
        part: (*part[:3], (*own, *part[3][len(own) :]))
        for part in walk(base)
        if part[0] == "v" and part[1] == density.node.name and part[3][: len(own)] != own
    }
    if not elsewhere or any(has_bound(i) for part in elsewhere for i in part[3]):
        return base
    here = map_entries(base, elsewhere)
    return here if is_zero(minus(base, here), given=given) else base


def check_closure(q: Density, motion: Motion, given: Ground, symbols: Symbols) -> list[str]:
    """Reasons why D log q + d = 0 is not shown of a statement of q; empty if it is.

    Then the family of q follows the motion of the latents to first order, its own parameters
    moving: the derivative of the ELBO along the motion is one along parameters of model and q.
    The ends of its support go where the values go that are there.
    """
    for node in motion.rates:
        if symbols[node].domain.is_periodic and not _is_periodic(q.log_density, node):
            return [f"q of {q.name} is not periodic in {node}, which turns"]
    ends = [end for end in (q.support.lower, q.support.upper) if end is not None]
    reasons = [] if ends else _leaves_support(q, motion, given)
    if reasons:
        return reasons
    inside = inside_support(q, symbols)
    within = Ground(given.given._replace(positive=(*given.given.positive, *inside)))
    try:
        field = _field(motion, symbols)
        change = derivative(q.log_density, field)
        prove_zero(sum_of(change, _divergence(q, motion)), given=within if inside else given)
        for end in ends:
            prove_zero(minus(derivative(end, field), _motion_at(q, field, end)), given=given)
    except NotShown as reason:
        return [f"q of {q.name}: {reason}"]
    return []


def _motion_at(density: Density, field: Field, end: Raw) -> Raw:
    """How a value at an end of the support moves."""
    node, value = density.node, _value(density)
    if node.name not in field or node.domain.is_periodic:
        return ZERO
    if value is None:
        raise NotShown(f"{node.name} is no scalar, and its support has ends")
    formals, body = field[node.name]
    velocity = put(body, dict(zip(formals, density.places, strict=True)))
    return map_entries(velocity, {value: end})


def _is_periodic(raw: Raw, angle: str) -> bool:
    """Whether an angle occurs in sines and cosines of whole multiples of it alone.

    Else what is carried across the end of (-pi, pi] meets a jump, which no derivative sees.
    """
    stack, seen = [raw], set()
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if part[:2] in (("f", "sin"), ("f", "cos")):
            inner = part[2]
            parts = inner[1:] if inner[0] == "+" else (inner,)
            stack += [p for p in parts if not _is_whole_multiple(p)]
        elif part[0] == "v" and part[1] == angle:
            return False
        else:
            stack += _tuples(part)
    return True


def _tuples(item: Any) -> list[Raw]:
    """The parts of a term that have a head, through plain tuples."""
    found = []
    for part in item:
        if isinstance(part, tuple):
            found += [part] if part and isinstance(part[0], str) else _tuples(part)
    return found


def _is_whole_multiple(raw: Raw) -> bool:
    """z, or n z for a whole n."""
    if raw[0] == "*" and len(raw) == 3 and raw[1][0] == "q":
        return bool(raw[1][1].denominator == 1 and raw[2][0] == "v")
    return bool(raw[0] == "v")


def inside_support(density: Density, symbols: Symbols) -> list[Raw]:
    """What is positive of a scalar value between bounds that are no numbers, or where the support
    is narrower than the domain of the node.
    """

    def is_positive(end: Raw) -> bool:
        return bool(end[0] == "v" and symbols[end[1]].domain.is_positive)

    value = _value(density)
    found: list[Raw] = []
    if value is None:
        return []
    for domain in dict.fromkeys((density.node.domain, density.support)):
        found += domain.inside(value, is_positive)
    if density.support != density.node.domain:
        found += density.support.positive_of(value)
    return found


def _field(motion: Motion, symbols: Symbols) -> Field:
    """Every velocity, r (z - end) + s for the latents."""
    field: dict[str, Array] = {**motion.parameters, **motion.variational}
    for name, (indices, rate) in motion.rates.items():
        node = symbols[name]
        value: Raw = ("v", name, node.kind, indices)
        allowed = node.domain.motions
        if allowed is not None and allowed.about is not None:
            value = minus(value, allowed.about)
        formals, shift = motion.shifts[name]
        if tuple(i[2:] for i in formals) != tuple(i[2:] for i in indices):
            raise NotShown("the rate and the shift of a latent have different shapes")
        moved = put(shift, dict(zip(formals, indices, strict=True)))
        field[name] = indices, sum_of(("*", rate, value), moved)
    return field


def _divergence(density: Density, motion: Motion) -> Raw:
    """That of the motion of the value, all its events."""
    node = density.node
    rate = motion.rates.get(node.name)
    if rate is None:
        return ZERO
    indices, term = rate
    events = {i: fresh(i) for i in indices[len(density.places) :]}
    env = dict(zip(indices, density.places, strict=False))
    body = put(term, {**env, **events})
    return node.domain.divergence(body, tuple(events.values()), node.shape)


# ---------------------------------------------------------------- small parts


def names_in(raw: Any) -> set[str]:
    """The names of all entries, categories and functions in a term."""
    return {item[1] for item in walk(raw) if item[0] in ("v", "e", "A")}


def users_of(raw: Raw, name: str) -> set[int]:
    """The identities of all parts of a term that mention a name."""
    found: set[int] = set()
    seen: set[int] = set()

    def visit(item: tuple[Any, ...]) -> bool:
        if id(item) not in seen:
            seen.add(id(item))
            inside = [visit(part) for part in item if isinstance(part, tuple)]
            if any(inside) or (item and item[0] in ("v", "e", "A") and item[1] == name):
                found.add(id(item))
        return id(item) in found

    visit(raw)
    return found


def free_indices(raw: Raw) -> set[RawIndex]:
    """The index variables of a term that nothing in it binds."""
    bound: set[RawIndex] = set()
    found: set[RawIndex] = set()
    for item in walk(raw):
        if item[0] == "S":
            bound.add(item[1])
        elif item[0] in ("Inv", "LD"):
            bound.update(item[1][0])
        elif item[0] == "A":
            bound.update(i for indices, _ in item[3] for i in indices)
        elif item[0] == "i":
            found.add(item)
    return found - bound


def mentions_value(raw: Raw, density: Density) -> bool:
    """Whether some entry in a term might be one of the density's own value."""
    places = _places(raw, density.node.name)
    return any(_may_be_value(place, density.places) for place in places)


def _may_be_value(places: tuple[RawIndex | None, ...], own: tuple[RawIndex, ...]) -> bool:
    """Whether an entry of the node might be one of the factor's own value.

    Only z[t-1] beside z[t], and literal places that differ, are certainly others.
    """

    def split(place: RawIndex | None) -> tuple[object, int]:
        if place is not None and place[0] == "o":
            return place[1], place[2]
        if place is not None and place[0] == "p":
            return place[1], place[2]
        return place, 0

    for here, there in zip(own, places, strict=False):
        (base, by), (other, shift) = split(here), split(there)
        if base == other and by != shift:
            return False
    return True


def _places(raw: Raw, name: str) -> list[tuple[RawIndex | None, ...]]:
    """The places of all entries of a node; None for what a sum runs over: its t is another t."""
    found = []
    for item in walk(raw):
        if item[0] in ("v", "e") and item[1] == name:
            where = item[3] if item[0] == "v" else item[4]
            found.append(tuple(None if has_bound(i) else i for i in where))
    return found


def _leaves_support(density: Density, motion: Motion, given: Ground) -> list[str]:
    """A support narrower than the domain of the node, which the motion of the value has to keep."""
    node, support = density.node, density.support
    if node.name not in motion.rates or support == node.domain:
        return []
    own, here = node.domain.motions, support.motions
    if own is not None and here is not None and (own.about or ZERO) != (here.about or ZERO):
        return [f"{node.name} moves about another point than the end of its support"]
    rate, shift = motion.rates[node.name], motion.shifts[node.name]
    return _keeps_support(node._replace(domain=support), rate, shift, given)


def _moving_ends(density: Density, motion: Motion, given: Ground) -> list[str]:
    """A support whose ends move: values are left behind, and scores have no mean of zero."""
    ends = [density.node.domain.lower, density.node.domain.upper]
    ends += [density.support.lower, density.support.upper]
    named = names_in(tuple(end for end in ends if end is not None))
    return [
        f"the support of {density.node.name} moves with {name}"
        for name, array in motion.arrays()
        if name in named and not is_zero(array[1], given=given)
    ]
