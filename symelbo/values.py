"""Values: the dataclasses of the standard library, made without writing any code.

`@dataclass(frozen=True, slots=True)` makes the class that the decorator of `dataclasses` makes, in
a tenth of the time: its functions are closures over the names of the fields, where the standard
library compiles new ones for each class.  A fifth of a run went into such code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

__all__ = ["dataclass", "field", "fields", "replace", "take_fields"]

Listed: TypeAlias = dict[str, Field[Any]]
_set = object.__setattr__
_LISTED: Final = "_value_fields"  # where a class keeps its fields
_GIVEN: Final = "_value_given"  # and the names of those that are given when a value is made


def take_fields(
    cls: Any, *, slots: bool, functions: Callable[[Any, Listed], Mapping[str, Any]] | None = None
) -> Any:
    """The class with its annotated fields, those of its bases first, listed; `slots` holds them.

    functions: what the class is given for its fields, where it does not say otherwise.
    """
    own = dict(cls.__dict__)
    inherited: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= base.__dict__.get(_LISTED, {})
    listed: Listed = dict(inherited)
    for name, kind in own.get("__annotations__", {}).items():
        if not kind.startswith("ClassVar"):
            default = own.get(name, MISSING)
            listed[name] = default if isinstance(default, Field) else field(default=default)
            listed[name].name, listed[name].type = name, kind
    given = tuple([name for name, item in listed.items() if item.init])
    made = {_LISTED: listed, _GIVEN: given, "__dataclass_fields__": _LIBRARY_FIELDS}
    if cls.__doc__ is None:
        made["__doc__"] = cls.__name__  # the standard library would write its signature
    more = {"__match_args__": given, **(functions(cls, listed) if functions else {})}
    made |= {name: value for name, value in more.items() if name not in own}
    if slots:
        # all at once: what is set on a class later on costs as much as the class
        own |= made
        own["__slots__"] = tuple(name for name in listed if name not in inherited)
        for name in (*listed, "__dict__", "__weakref__"):
            own.pop(name, None)
        own["__qualname__"] = cls.__qualname__
        return type(cls)(cls.__name__, cls.__bases__, own)
    for name, value in made.items():
        setattr(cls, name, value)
    for name, item in listed.items():
        if item.default is not MISSING:
            setattr(cls, name, item.default)
        elif name in own:
            delattr(cls, name)
    return cls


class _LibraryFields:
    """The fields as `dataclasses` lists them, for its functions; made when one asks."""

    def __get__(self, value: Any, cls: Any) -> dict[str, Field[Any]]:
        listed: dict[str, Field[Any]] = getattr(cls, _LISTED)
        options = ("default", "default_factory", "init", "repr", "compare")
        body: dict[str, Any] = {
            name: dataclasses.field(**{option: getattr(item, option) for option in options})
            for name, item in listed.items()
        }
        body["__annotations__"] = {name: item.type for name, item in listed.items()}
        model = type(cls.__name__, (), body)
        made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(model)
        return made.__dataclass_fields__  # type: ignore[no-any-return]


_LIBRARY_FIELDS: Final = _LibraryFields()


def fields(item: Any) -> tuple[Field[Any], ...]:
    """The fields of a class or of a value, in order."""
    return tuple(getattr(item, _LISTED).values())


if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def dataclass(cls=None, /, **options):
        """As of the standard library: frozen, slots, eq, repr."""
        return _make(**options) if cls is None else _make(**options)(cls)

    def replace(value, /, **changes):
        """The value with some fields changed."""
        take = changes.pop
        given = getattr(value, _GIVEN)
        every = [take(name) if name in changes else getattr(value, name) for name in given]
        return value.__class__(*every, **changes)


# ---------------------------------------------------------------- what a class is given


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A value -> what its fields hold, to be compared and hashed."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda self: (getattr(self, names[0]),)) if names else (lambda self: ())


def _make_init(cls: Any, listed: Listed) -> Callable[..., None]:
    given = tuple([name for name, item in listed.items() if item.init])
    later = [item for item in listed.values() if not item.init and _has_default(item)]
    count, post = len(given), hasattr(cls, "__post_init__")
    items = [listed[name] for name in given]
    makers = tuple([None if i.default_factory is MISSING else i.default_factory for i in items])
    plain = tuple([i.default for i in items])
    least = max((n + 1 for n, item in enumerate(items) if not _has_default(item)), default=0)
    is_plain = not any(makers)

    def complete(values: tuple[object, ...], named: dict[str, object]) -> list[object]:
        """All fields in order: those given by place, by name, and the defaults of the others."""
        if len(values) > count:
            raise TypeError(f"{cls.__name__} has the fields {', '.join(given)}")
        every = list(values)
        for name in given[len(values) :]:
            if name in named:
                every.append(named.pop(name))
            elif _has_default(listed[name]):
                every.append(_default(listed[name]))
            else:
                raise TypeError(f"{cls.__name__} needs {name!r}")
        if named:
            raise TypeError(f"{cls.__name__} has no field, or twice: {', '.join(named)}")
        return every

    def fresh(n: int) -> tuple[object, ...]:
        """The defaults of the fields from the n-th on, of which some are made anew each time."""
        return tuple([make() if make else plain[k] for k, make in enumerate(makers[n:], n)])

    def init(self: Any, *values: Any, **named: Any) -> None:
        every: Sequence[object] = values
        if named or len(values) > count or len(values) < least:
            every = complete(values, named)
        elif len(values) < count:
            n = len(values)
            every = values + (plain[n:] if is_plain else fresh(n))
        for name, value in zip(given, every):  # noqa: B905  they are as many
            _set(self, name, value)

    def init_and_more(self: Any, *values: Any, **named: Any) -> None:
        init(self, *values, **named)
        for item in later:
            _set(self, item.name, _default(item))
        if post:
            self.__post_init__()

    return init_and_more if later or post else init


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _default(item: Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _make(
    *, frozen: bool = False, slots: bool = False, eq: bool = True, repr: bool = True
) -> Callable[[Any], Any]:
    """The decorator for these options."""

    def functions(cls: Any, listed: Listed) -> dict[str, Any]:
        names = tuple(listed)
        key = _values_of(tuple([name for name, item in listed.items() if item.compare]))
        shown = tuple([name for name, item in listed.items() if item.repr])

        def equals(self: Any, other: object) -> Any:
            if other.__class__ is self.__class__:
                return key(self) == key(other)
            return NotImplemented

        def text(self: Any) -> str:
            parts = (f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{self.__class__.__qualname__}({', '.join(parts)})"

        def state(self: Any) -> list[Any]:
            return [getattr(self, name) for name in names]

        def restore(self: Any, values: list[Any]) -> None:
            for name, value in zip(names, values, strict=True):
                _set(self, name, value)

        given: dict[str, Any] = {"__init__": _make_init(cls, listed)}
        if repr:
            given["__repr__"] = text
        if eq and "__eq__" not in cls.__dict__:
            hashed = (lambda self: hash(key(self))) if frozen else None
            given |= {"__eq__": equals, "__hash__": hashed}
        if frozen:
            given |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        if slots:
            given |= {"__getstate__": state, "__setstate__": restore}
        return given

    return lambda cls: take_fields(cls, slots=slots, functions=functions)
