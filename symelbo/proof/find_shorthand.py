"""Names for what is repeated in the long formulas of an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from symelbo.answer.shorthand import held_by
from symelbo.answer.worked import Abbreviations, Shorthand
from symelbo.index.domains import Real
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.substitute import (
    count_written,
    depth_of,
    free_indices,
    is_long,
    rebuild_named,
    walk_parts,
)
from symelbo.index.terms import Array, Entry, Role, Symbol, Term, sort_key
from symelbo.limits import NAMED_FROM, WRITTEN_DEPTH
from symelbo.words import fresh_name

__all__ = ["find_shorthand"]

_STEMS: Final = ("u", "y", "g", "h", "k", "a", "c", "d", "f", "w", "v", "b", "s", "shared")


def find_shorthand(
    answer: object, taken: frozenset[str], quantities: Abbreviations = ()
) -> Shorthand:
    """Names for the repeated parts of all long formulas in an answer, and for what is nested deep;
    each made of those before it.

    taken: names that mean something else; quantities: names that the user gave to such parts.
    ensures: parts that differ in their places alone are entries of one array.
    """
    long = [term for term in dict.fromkeys(_terms_in(answer)) if is_long(term)]
    if not long:
        return Shorthand()
    nodes = dict.fromkeys(node for term in long for node in walk_parts(term))
    uses = Counter(part for node in nodes for part in dict.fromkeys(node.parts()))
    # the body of an array that several nodes share is shared as well
    uses.update(node.body for node in nodes if isinstance(node, Array) and uses[node] > 1)
    beginnings = {name[:n] for name in taken for n in range(1, len(name) + 1)}
    stem = fresh_name("t", beginnings, *_STEMS)
    known = KnownArrays(quantities)
    own = known.arrays.copy()
    found: dict[Symbol, Array] = {}
    entries: dict[Term, Entry] = {}

    def name(term: Term, short: Term) -> Term:
        entry = known.entry_of(term)
        if entry is None:
            repeated = uses[term] > 1 and count_written(term) >= NAMED_FROM
            if not repeated and depth_of(short) < WRITTEN_DEPTH:
                return short
            places = tuple(sorted(free_indices(term), key=sort_key))
            shape = tuple(index.extent for index in places)
            number = len(found.keys() - own.keys()) + 1
            symbol = Symbol(f"{stem}{number}", Role.ARGUMENT, Real(), shape)
            known.add(symbol, Array(places, term))
            found[symbol] = Array(places, short)
            entry = Entry(symbol, places)
        elif entry.symbol not in found:
            whole = own[entry.symbol]
            if term is whole.body:
                found[entry.symbol] = Array(whole.indices, short)
            else:
                visit(whole.body)
        entries[term] = entry
        return entry

    visit = rebuild_named(name)
    for term in long:
        visit(term)
    return Shorthand(tuple(found.items()), entries)


def _terms_in(value: Any) -> Iterator[Term]:
    """The terms that a value holds, however deep."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, Term):
            yield top
        elif isinstance(top, Array):
            yield top.body
        elif id(top) not in seen:
            seen.add(id(top))
            stack += reversed(list(held_by(top)))
