"""Whether conditions can hold together: a point is sought at which they are shown to hold.

Under conditions that contradict each other everything is proved.  Nodes have no value at such a
point: a condition holds whatever they are.  That none is found says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Final, TypeAlias

from .instance import Ends, Exact, length, places_of, shape_places
from .polynomial import Poly, Values
from .statement import Condition, Density, Place, Symbol
from .terms import FREE, Instance, NotShown, Raw, RawIndex, map_indices, put, walk

__all__ = ["can_hold"]

Symbols: TypeAlias = Mapping[str, Symbol]

TRIES: Final = 24  # points that are looked at
MAX_CHOICES: Final = 64  # of categories
NUMBERS: Final = tuple(
    map(Fraction, ("1", "2", "1/2", "-1", "3", "1/3", "2/3", "-2", "1/4", "3/4", "4", "0", "5"))
)
# what a point gives values to, in the order in which the ends of domains may depend on others
ROLES: Final = ("constant", "parameter", "input", "variational")


def can_hold(
    densities: Iterable[Density],
    nonzero: Sequence[Raw],
    symbols: Symbols,
    sizes: Mapping[str, int],
    known: Values | None = None,
    instance: Instance | None = None,
) -> bool:
    """Whether a point is found at which all conditions on the densities hold, what is stated to
    differ from 0 does, and domains with ends are not empty; known: entries that have their values.
    """
    conditions = [(d.plates, c) for d in densities for c in d.conditions]
    terms = [*nonzero, *(c.array[1] for _, c in conditions)]
    named = {item[1] for raw in terms for item in walk(raw) if item[0] in ("v", "e", "A")}
    named |= {n for n, s in symbols.items() if s.role in ROLES and s.domain.upper is not None}
    chosen = [
        symbols[name] for role in ROLES for name in sorted(named) if symbols[name].role == role
    ]
    if not conditions and not nonzero and not any(s.domain.upper is not None for s in chosen):
        return True
    try:
        at = instance or Instance(sizes, {}, {})
        at = at._replace(functions={**_constant_functions(terms, symbols), **at.functions})
        exact = Exact(at)
        for number in range(TRIES):
            values = _values(chosen, dict(known or {}), at, Random(number) if number else None)
            if (
                values is not None
                and all(_holds(exact, plates, c, values, symbols) for plates, c in conditions)
                and all(_differs(exact, raw, values) for raw in nonzero)
            ):
                return True
    except (NotShown, KeyError):
        pass
    return False


# ---------------------------------------------------------------- a point


def _values(
    chosen: Sequence[Symbol], values: dict[Place, Fraction], at: Instance, random: Random | None
) -> dict[Place, Fraction] | None:
    """Values of all entries, simple ones first; None if a domain has none that is known here."""
    for symbol in chosen:
        depth = symbol.domain.depth
        blocks: dict[tuple[int, ...], list[Place]] = {}
        for place in shape_places(symbol, at.sizes):
            if (symbol.name, place) not in values:
                outer = place[: len(place) - depth]
                blocks.setdefault(outer, []).append((symbol.name, place))
        ends = Ends(values, at)
        for block in blocks.values():
            n = length(symbol.shape[-1], at.sizes) if depth else 0
            found = _block(symbol, block, n, ends, random)
            if found is None:
                return None
            values.update(found)
    return values


def _block(
    symbol: Symbol, block: Sequence[Place], n: int, ends: Ends, random: Random | None
) -> dict[Place, Fraction] | None:
    """Values of what is chosen together: an entry, a vector or a matrix of n rows."""
    domain = symbol.domain
    if not domain.depth:
        low, high = ends.number(domain.lower), ends.number(domain.upper)
        near = [] if low is None else [low + 1, low + (1 if high is None else (high - low) / 2)]
        near += [] if high is None else [high - 1]
        options = [x for x in (*NUMBERS, *near) if domain.admits(x, ends)]
        if not options:
            return None
        x = random.choice(options) if random else options[0]
        return {place: x for place in block}
    scale = random.choice((1, 2, 3)) if random else 1
    weights = [Fraction(random.choice((1, 2, 3)) if random else 1) for _ in block]
    if domain.is_definite:
        found = {(_, at): Fraction(scale * (at[-1] == at[-2])) for _, at in block}
    else:
        found = {place: w / sum(weights) for place, w in zip(block, weights, strict=True)}
    inner = {at[len(at) - domain.depth :]: x for (_, at), x in found.items()}
    return found if domain.admits_block(inner, n, ends) else None


def _constant_functions(
    terms: Iterable[Raw], symbols: Symbols
) -> dict[str, tuple[tuple[str, ...], tuple[tuple[RawIndex, ...], Raw]]]:
    """Abstract functions that are 1, or 1/2, everywhere."""
    found = {}
    for raw in terms:
        for item in walk(raw):
            if item[0] == "A" and item[1] not in found:
                symbol = symbols[item[1]]
                margins = symbol.domain.margins or ()
                options = (x for x in NUMBERS if all(a + b * x > 0 for a, b in margins))
                formals = tuple(f"{FREE}{n}" for n in range(len(item[3])))
                indices = tuple(("i", f"{FREE}k{n}", 1, *e) for n, e in enumerate(symbol.shape))
                body: Raw = ("q", next(options))
                found[symbol.name] = formals, (indices, body)
    return found


# ---------------------------------------------------------------- what holds there


def _holds(
    exact: Exact,
    plates: Sequence[RawIndex],
    condition: Condition,
    values: Values,
    symbols: Symbols,
) -> bool:
    """Whether a condition holds at all places, whatever the nodes are."""
    formals, body = condition.array
    sizes = exact.instance.sizes
    exact.forms.at(values)
    for outer in places_of([(i[2], length(i[3:], sizes)) for i in plates]):
        terms: dict[tuple[int, ...], Raw] = {}
        for where in places_of([(i[2], length(i[3:], sizes)) for i in formals]):
            at = zip((*plates, *formals), (*outer, *where), strict=True)
            terms[where] = put(body, {i: ("p", "", k) for i, k in at}, exact.instance)
        for choice in _choices(terms.values()):
            entries: dict[tuple[int, ...], Poly] = {
                where: exact.forms.poly(map_indices(term, choice)) for where, term in terms.items()
            }
            if not exact.lies_in(condition.domain, entries):
                return False
    return True


def _choices(terms: Iterable[Raw]) -> Iterator[dict[RawIndex, RawIndex]]:
    """Every place that the categories in some terms may select."""
    found = {item for term in terms for item in walk(term) if item[0] == "e"}
    if any(item[2] or (item[4] and any(i[0] != "p" for i in item[4])) for item in found):
        raise NotShown("a category at a place that is not known")
    order = sorted(found, key=repr)
    number = 1
    for item in order:
        number *= item[3]
    if number > MAX_CHOICES:
        raise NotShown("too many choices of categories")
    for pick in product(*(range(1, item[3] + 1) for item in order)):
        yield {item: ("p", "", k) for item, k in zip(order, pick, strict=True)}


def _differs(exact: Exact, raw: Raw, values: Values) -> bool:
    """Whether a term is shown to differ from 0 at all places."""
    free = sorted(
        {i for i in walk(raw) if i[0] == "i"} - {i[1] for i in walk(raw) if i[0] == "S"}, key=repr
    )
    sizes = exact.instance.sizes
    exact.forms.at(values)
    for place in places_of([(i[2], length(i[3:], sizes)) for i in free]):
        env = {i: ("p", "", k) for i, k in zip(free, place, strict=True)}
        poly = exact.forms.poly(put(raw, env, exact.instance))
        if not set(poly) - {()}:
            if not poly:
                return False
        elif not any(exact.forms.positive(exact.affine(0, by, poly)) for by in (1, -1)):
            return False
    return True
