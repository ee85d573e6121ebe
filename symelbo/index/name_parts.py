"""Long terms in parts: a part has a name, and what is asked of a term is asked of each part alone.

The answers are short however deep the parts are nested, and how a part moves is known once.
"""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.build import ZERO
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Positive, Real
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    count_subterms,
    free_indices,
    is_long,
    mentions,
    rebuild_named,
    rename_indices,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Entry,
    Origin,
    Role,
    Sum,
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.tidy import shorter_form
from symelbo.limits import NAMED_PART, WHOLE_TERM

__all__ = ["PartNamer", "derivative_form"]

_VARYING = (Role.PARAMETER, Role.LATENT, Role.OBSERVED, Role.INPUT)
_NODES = (Role.LATENT, Role.OBSERVED, Role.INPUT)


class PartNamer:
    """Names for the parts of long terms, each over its free indices: of a latent where a node is in
    it, else of a parameter.

    definitions: what each name stands for, in names of smaller parts, which come first.  Parts that
    differ in their free indices alone are entries of one array.
    """

    def __init__(self) -> None:
        self.definitions: dict[Symbol, Array] = {}
        self._symbols: dict[Array, Symbol] = {}
        self._visit = rebuild_named(self._short)

    def put(self, term: Term) -> Term:
        """A term with names in the place of its parts, if it is long.

        ensures: with what they stand for in the place of the names, it is what it was.
        """
        few = sum(1 for _ in walk_parts(term)) <= WHOLE_TERM
        return term if few else self._visit(term)

    def meanings(self) -> dict[Symbol, Array]:
        """What the names stand for, without names."""
        found: dict[Symbol, Array] = {}
        for symbol, array in self.definitions.items():
            found[symbol] = Array(array.indices, replace_symbols(array.body, found))
        return found

    def _short(self, term: Term, made: Term) -> Term:
        """A term whose parts have names, or its own name."""
        large = isinstance(term, Add | Sum | Call | Apply) and count_subterms(made) > NAMED_PART
        if not large or not mentions(term, lambda symbol: symbol.role in _VARYING):
            return made
        return self._name(made, term)

    def _name(self, made: Term, whole: Term) -> Entry:
        """The name of a part, at its indices."""
        free = sorted(free_indices(made), key=sort_key)
        formal = [i.like(f"part{n}", Origin.FORMAL) for n, i in enumerate(free)]
        array = Array(tuple(formal), rename_indices(made, dict(zip(free, formal, strict=True))))
        if array not in self._symbols:
            node = mentions(whole, lambda symbol: symbol.role in _NODES)
            symbol = Symbol(
                f"part {len(self._symbols) + 1}",
                Role.LATENT if node else Role.PARAMETER,
                Positive() if is_positive(whole) else Real(),
                tuple(index.extent for index in free),
            )
            self._symbols[array] = symbol
            self.definitions[symbol] = array
        return Entry(self._symbols[array], tuple(free))


def derivative_form(term: Term, field: Mapping[Symbol, Array]) -> Term:
    """f, {x: v} -> the normal form of d/ds f(x + s v) at s = 0; of a long one that of each part.

    A part that stands still is found to do so by itself, however deep it is.

    >>> show(derivative_form(term("x^2"), {x: Array((), term("y"))}))
    2*x*y
    """
    whole = derivative_along(term, field)
    if not is_long(whole):
        return shorter_form(whole)
    namer = PartNamer()
    named = namer.put(term)
    moving: dict[Symbol, Array] = {}
    speeds: dict[Symbol, Array] = {}

    def change(body: Term) -> Term:
        moved = {s: a for s in symbols_of(body) if (a := moving.get(s) or field.get(s)) is not None}
        return shorter_form(derivative_along(body, moved))

    for symbol, array in namer.definitions.items():
        speed = change(array.body)
        if speed != ZERO:
            own = Symbol(f"speed of {symbol.name}", symbol.role, Real(), symbol.shape)
            moving[symbol] = Array(array.indices, Entry(own, array.indices))
            speeds[own] = Array(array.indices, speed)
    meanings = namer.meanings()
    opened: dict[Symbol, Array] = dict(meanings)
    for own, array in speeds.items():
        opened[own] = Array(array.indices, replace_symbols(array.body, opened))
    return replace_symbols(change(named), opened)
