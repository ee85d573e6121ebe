"""What is repeated in long formulas, by a name: what is printed grows like the graph of the terms.

A formula that is short enough stays as it is, and where all are short nothing is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from symelbo.answer.derivation import Derivation
from symelbo.index.substitute import is_long, rebuild_named
from symelbo.index.terms import Array, Node, Term
from symelbo.values import fields, replace

__all__ = ["held_by", "shorten"]


def shorten(derivation: Derivation) -> Derivation:
    """The derivation as it is printed, the repeated parts of its long formulas by their names."""
    shorthand = derivation.worked.shorthand
    if not shorthand.definitions:
        return derivation
    visit = rebuild_named(lambda part, short: shorthand.entries.get(part, short))
    known: dict[int, tuple[object, object]] = {}  # with what is known, so that its id is not reused

    def on_value(value: Any) -> Any:
        if isinstance(value, Term):
            return visit(value) if is_long(value) else value
        if isinstance(value, Array):
            return Array(value.indices, on_value(value.body))
        if id(value) not in known:
            known[id(value)] = value, _map_inside(value, on_value)
        return known[id(value)][1]

    short: Derivation = on_value(derivation)
    return replace(short, worked=replace(short.worked, shorthand=shorthand))


def held_by(value: Any) -> Iterable[Any]:
    """What a record, a mapping or a sequence holds immediately."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, tuple | list):
        return value
    if _is_record(value):
        return [getattr(value, field.name) for field in fields(value)]
    return ()


def _map_inside(value: Any, on_value: Callable[[Any], Any]) -> Any:
    """A record or collection with what it holds mapped; keys of mappings stay."""
    held = list(held_by(value))
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
