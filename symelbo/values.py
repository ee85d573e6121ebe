"""Frozen values: the dataclasses of the standard library, of which most work is put off.

`@dataclass(frozen=True, slots=True)` makes the class that the decorator of `dataclasses` makes, in
a quarter of the time: comparison, hash and text are shared functions; `__init__` is written when
the first value is made.  A sixth of a run went into code that was written and mostly never called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "fields", "replace"]

_set = object.__setattr__


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A value -> what its fields hold, to be compared and hashed."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda self: (getattr(self, names[0]),)) if names else (lambda self: ())


def _first_init(made: Any) -> Callable[..., None]:
    """The `__init__` that writes the true one, and calls it."""

    def init(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _write_init(made)
        made.__init__(self, *values, **named)

    return init


def _write_init(made: Any) -> Any:
    names: dict[str, Any] = {"_set": _set, "_missing": MISSING}
    head, body = ["self"], []
    for item in fields(made):
        value = item.name
        if item.default_factory is not MISSING:
            names[f"_f_{item.name}"] = item.default_factory
            value = f"_f_{item.name}()"
            if item.init:
                value = f"{item.name} if {item.name} is not _missing else {value}"
        elif item.default is not MISSING:
            names[f"_d_{item.name}"] = item.default
        if item.init:
            default = "_missing" if item.default_factory is not MISSING else f"_d_{item.name}"
            optional = default.lstrip("_") == "missing" or default in names
            head.append(f"{item.name}={default}" if optional else item.name)
        elif item.default is not MISSING:
            value = f"_d_{item.name}"
        elif item.default_factory is MISSING:
            continue
        body.append(f"_set(self, {item.name!r}, {value})")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    lines = "\n    ".join(body or ["pass"])
    exec(f"def __init__({', '.join(head)}):\n    {lines}", names)
    written = names["__init__"]
    written.__qualname__ = f"{made.__qualname__}.__init__"
    return written


def _freeze(cls: Any) -> Any:
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # the standard library would write its signature
    own = set(cls.__dict__)
    if own & {"__init__", "__eq__"}:
        return dataclasses.dataclass(frozen=True, slots=True)(cls)
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    listed = fields(made)
    names = tuple(item.name for item in listed)
    key = _values_of(tuple(item.name for item in listed if item.compare))
    shown = tuple(item.name for item in listed if item.repr)

    def eq(self: Any, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def text(self: Any) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({', '.join(parts)})"

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restore(self: Any, values: list[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            _set(self, name, value)

    shared: dict[str, Any] = {
        "__init__": _first_init(made),
        "__eq__": eq,
        "__hash__": lambda self: hash(key(self)),
        "__repr__": text,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__getstate__": state,
        "__setstate__": restore,
    }
    for name, function in shared.items():
        if name not in own:
            setattr(made, name, function)
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, **options):
        """As of the standard library."""
        if options != {"frozen": True, "slots": True}:
            return dataclasses.dataclass(cls, **options)
        return _freeze
