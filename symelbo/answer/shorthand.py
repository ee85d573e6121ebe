"""What is repeated in long formulas, by a name: what is printed grows like the graph of the terms.

A formula that is short enough stays as it is, and where all are short nothing is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from symelbo.answer.derivation import Derivation
from symelbo.answer.worked import Abbreviations
from symelbo.index.build import rebuild
from symelbo.index.domains import Real
from symelbo.index.substitute import count_written, free_indices, walk_parts
from symelbo.index.terms import Array, Entry, Node, Role, Symbol, Term, sort_key
from symelbo.limits import NAMED_FROM, WRITTEN_SUBTERMS
from symelbo.values import fields, replace

__all__ = ["find_shorthand", "shorten"]

T = TypeVar("T")
_STEMS = ("t", "u", "v", "w", "y", "g", "h", "k", "a", "b", "c", "d", "e", "f", "shared")


def find_shorthand(answer: object, taken: frozenset[str]) -> Abbreviations:
    """Names for the repeated parts of all long formulas in an answer, each made of those before it.

    taken: names that mean something else.
    """
    long = [term for term in dict.fromkeys(_terms_in(answer)) if _is_long(term)]
    if not long:
        return ()
    nodes = dict.fromkeys(node for term in long for node in walk_parts(term))
    uses = Counter(part for node in nodes for part in dict.fromkeys(node.parts()))
    stem = next(s for s in _STEMS if not any(name.startswith(s) for name in taken))
    found: list[tuple[Symbol, Array]] = []

    def name(term: Term, short: Term) -> Term:
        if uses[term] < 2 or count_written(term) < NAMED_FROM:
            return short
        places = tuple(sorted(free_indices(term), key=sort_key))
        shape = tuple(index.extent for index in places)
        symbol = Symbol(f"{stem}{len(found) + 1}", Role.ARGUMENT, Real(), shape)
        found.append((symbol, Array(places, short)))
        return Entry(symbol, places)

    visit = _replacing(name)
    for term in long:
        visit(term)
    return tuple(found)


def shorten(derivation: Derivation) -> Derivation:
    """The derivation as it is printed, the repeated parts of its long formulas by their names."""
    shorthand = derivation.worked.shorthand
    if not shorthand:
        return derivation
    names = {array.body: Entry(symbol, array.indices) for symbol, array in shorthand}
    visit = _replacing(lambda _, short: names.get(short, short))
    known: dict[int, tuple[object, object]] = {}  # with what is known, so that its id is not reused

    def on_value(value: Any) -> Any:
        if isinstance(value, Term):
            return visit(value) if _is_long(value) else value
        if isinstance(value, Array):
            return Array(value.indices, on_value(value.body))
        if id(value) not in known:
            known[id(value)] = value, _map_inside(value, on_value)
        return known[id(value)][1]

    short: Derivation = on_value(derivation)
    return replace(short, worked=replace(short.worked, shorthand=shorthand))


def _is_long(term: Term) -> bool:
    return count_written(term) > WRITTEN_SUBTERMS


def _replacing(name: Callable[[Term, Term], Term]) -> Callable[[Term], Term]:
    """term -> the term made again from the inside, `name(part, part made again)` for each part."""
    known: dict[Node, Any] = {}

    def visit(item: Any) -> Any:
        if item not in known:
            is_term = isinstance(item, Term)
            parts = [
                visit(part) if isinstance(part, Array) or not item.selects else part
                for part in item.parts()
            ]
            made = rebuild(item, item.bound(), parts)
            known[item] = name(item, made) if is_term else made
        return known[item]

    return visit


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
            stack += reversed(list(_held_by(top)))


def _held_by(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, tuple | list):
        return value
    if _is_record(value):
        return [getattr(value, field.name) for field in fields(value)]
    return ()


def _map_inside(value: Any, on_value: Callable[[Any], Any]) -> Any:
    """A record or collection with what it holds mapped; keys of mappings stay."""
    held = list(_held_by(value))
    made = list(map(on_value, held))
    if all(new is old for new, old in zip(made, held, strict=True)):
        return value
    if isinstance(value, Mapping):
        return dict(zip(value, made, strict=True))
    if isinstance(value, list):
        return made
    if isinstance(value, tuple):
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return replace(value, **dict(zip((f.name for f in fields(value)), made, strict=True)))


def _is_record(value: Any) -> bool:
    return not isinstance(value, Node | type) and hasattr(value, "_value_fields")
