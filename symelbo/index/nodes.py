"""Interned nodes: equal data are one object, so that equality is identity and terms are graphs.

A class of nodes is declared with `@node`: its fields, and what it says of itself in the methods of
`Node`.  All traversals are generic over these (`substitute`, `sort_key`, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING
from functools import wraps
from typing import Any, ClassVar, TypeVar, dataclass_transform
from weakref import ref

from symelbo.values import fields, take_fields

__all__ = ["Interned", "Memo", "Node", "kept", "node", "synthesized"]

K = TypeVar("K")
T = TypeVar("T")
_set = object.__setattr__


class _Reference(ref):  # type: ignore[type-arg]
    """A weak reference that takes its entry out of the table when the node is gone."""

    __slots__ = ("key", "table")
    key: tuple[object, ...]
    table: dict[tuple[object, ...], _Reference]


def _forget(reference: _Reference) -> None:
    if reference.table.get(reference.key) is reference:
        del reference.table[reference.key]


class _Interning(type):
    """Calling a class of nodes gives the node with these fields, a new one if there is none."""

    _interned: tuple[
        int, Callable[..., tuple[object, ...]] | None, dict[tuple[object, ...], _Reference]
    ]
    """How many fields, what tells the values apart, and the table of those that there are."""
    _defaults: dict[str, object]
    _rest: tuple[object, ...]
    """The defaults of all fields in order, MISSING where there is none."""
    __match_args__: tuple[str, ...]

    def __call__(cls, *values: Any, **named: Any) -> Any:
        count, identify, table = cls._interned
        if len(values) != count:
            values = cls._complete(values, named)
        key = values if identify is None else identify(*values)
        known = table.get(key)
        if known is not None:
            found = known()
            if found is not None:
                return found
        made: Any = object.__new__(cls)  # type: ignore[arg-type]
        for name, value in zip(cls.__match_args__, values):  # noqa: B905  they are as many
            _set(made, name, value)
        reference = _Reference(made, _forget)
        reference.key, reference.table = key, table
        first = table.setdefault(key, reference)
        if first is not reference:
            found = first()  # another thread was quicker
            if found is not None:
                return found
            table[key] = reference
        return made

    def _complete(cls, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        if not named:
            rest = cls._rest[len(values) :]
            if MISSING not in rest and len(values) < len(cls._rest):
                return values + rest
        names = cls.__match_args__
        given = {**cls._defaults, **dict(zip(names, values, strict=False)), **named}
        if len(values) > len(names) or given.keys() != set(names):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(names)}")
        return tuple(given[name] for name in names)


class Interned(metaclass=_Interning):
    """A frozen value of which there is one object: it equals nothing but itself."""

    __slots__ = ("__weakref__",)
    _identify: ClassVar[Callable[..., tuple[object, ...]] | None] = None
    """Fields -> what tells the values apart, where that is hashed faster than the fields."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __repr__(self) -> str:
        fields = (f"{name}={getattr(self, name)!r}" for name in type(self).__match_args__)
        return f"{type(self).__name__}({', '.join(fields)})"

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), tuple(getattr(self, name) for name in type(self).__match_args__)


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: type[T]) -> type[T]:
    """Declare a class of interned values: its annotated fields, in order."""
    made: Any = take_fields(cls, slots=True)
    made._interned = len(made.__match_args__), made._identify, {}
    made._rest = tuple([field.default for field in fields(made)])
    made._defaults = {
        field.name: field.default for field in fields(made) if field.default is not MISSING
    }
    return made  # type: ignore[no-any-return]


class Node(Interned):
    """A part of a term: it declares its parts, what it binds, and how it is made again."""

    __slots__ = (
        *("_bounds", "_depth", "_free", "_height", "_key", "_renamed", "_size", "_symbols"),
        "_written",
    )

    rank: ClassVar[int]
    """Its place among the classes of nodes in the order of terms."""
    selects: ClassVar[bool] = False
    """Whether its parts that are no arrays are index places, and not terms."""

    def parts(self) -> tuple[Node, ...]:
        """Terms, arrays and places immediately inside, in order; no binders."""
        return ()

    def bound(self) -> tuple[Any, ...]:
        """The indices that it binds in its parts."""
        return ()

    def heads(self) -> tuple[Any, ...]:
        """The symbols that it names itself."""
        return ()

    def label(self) -> tuple[object, ...]:
        """What tells it from a node of the same class with the same parts, for the order."""
        return ()

    def rebuilt(self, bound: tuple[Any, ...], parts: Sequence[Any]) -> Node:
        """The node of this class with other parts, as they are; `build.rebuild` folds."""
        return self


def kept(slot: str) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Keep what is computed of a node in a slot of it, for as long as there is the node.

    Of the parts only what is asked for is computed; see `synthesized`.
    """

    def decorate(compute: Callable[[Any], T]) -> Callable[[Any], T]:
        @wraps(compute)
        def value_of(item: Any) -> T:
            try:
                return getattr(item, slot)  # type: ignore[no-any-return]
            except AttributeError:
                value = compute(item)
            _set(item, slot, value)
            return value

        return value_of

    return decorate


def synthesized(slot: str) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Keep what is computed of a node, from what is computed of its parts, in a slot of it.

    The parts are computed before the node, without recursion, each once however often it is shared.
    """

    def decorate(combine: Callable[[Any], T]) -> Callable[[Any], T]:
        @wraps(combine)
        def value_of(item: Any) -> T:
            try:
                return getattr(item, slot)  # type: ignore[no-any-return]
            except AttributeError:
                pass
            stack: list[Node] = [item]
            while stack:
                top = stack[-1]
                waiting = [part for part in top.parts() if not hasattr(part, slot)]
                if waiting:
                    stack += waiting
                else:
                    _set(stack.pop(), slot, combine(top))
            return getattr(item, slot)  # type: ignore[no-any-return]

        return value_of

    return decorate


class Memo(dict[K, T]):
    """What a rule makes of parts, of each once; the rule is handed the memo, to ask for more.

    A function that remembers what it makes, and calls itself, is a circle that outlives its pass
    with all it has made.  This is none.

    >>> Memo(lambda memo, n: n if n < 2 else memo[n - 1] + memo[n - 2])[80]
    23416728348467685
    """

    __slots__ = ("rule",)

    def __init__(self, rule: Callable[[Memo[K, T], K], T]) -> None:
        self.rule = rule

    def __missing__(self, part: K) -> T:
        made = self[part] = self.rule(self, part)
        return made
