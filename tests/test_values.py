"""The frozen values are those that `dataclasses` makes, only sooner."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from symelbo.values import dataclass, field, fields, replace


@dataclass(frozen=True, slots=True)
class Base:
    """A value."""

    first: int
    second: str = "b"


@dataclass(frozen=True, slots=True)
class Derived(Base):
    third: tuple[int, ...] = ()
    hidden: int = field(default=0, compare=False, repr=False)
    made: dict[str, int] = field(default_factory=dict)
    later: int = field(default=7, init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "later", self.first + 1)


@dataclass(frozen=True, slots=True)
class OwnText:
    only: int

    def __repr__(self) -> str:
        return "own"

    def __hash__(self) -> int:
        return 5


@dataclass(frozen=True, slots=True)
class Empty:
    pass


def of_the_library(cls: type) -> Any:
    """The same class by the decorator of the standard library."""
    body = {k: v for k, v in vars(cls).items() if k in ("__module__", "__qualname__", "__doc__")}
    for item in dataclasses.fields(cls):  # type: ignore[arg-type]
        if item.default is not dataclasses.MISSING or (
            item.default_factory is not dataclasses.MISSING
        ):
            body[item.name] = dataclasses.field(
                **{
                    name: getattr(item, name)
                    for name in ("default", "default_factory", "init", "repr", "compare")
                    if getattr(item, name) is not dataclasses.MISSING
                }
            )
    if hasattr(cls, "__post_init__"):
        body["__post_init__"] = cls.__post_init__
    annotations = {item.name: item.type for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    made = type(cls.__name__, (), {**body, "__annotations__": annotations})
    return dataclasses.dataclass(frozen=True, slots=True)(made)


VALUES = [
    (Base, (1,), {}),
    (Base, (1,), {"second": "c"}),
    (Derived, (1, "c", (2,)), {}),
    (Derived, (), {"first": 3, "made": {}, "hidden": 4}),
    (Empty, (), {}),
]


@pytest.mark.parametrize(("cls", "positional", "named"), VALUES)
def test_values_are_those_of_the_library(cls: Any, positional: Any, named: Any) -> None:
    library = of_the_library(cls)
    ours, theirs = cls(*positional, **named), library(*positional, **named)
    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert cls.__match_args__ == library.__match_args__
    assert not hasattr(ours, "__dict__")
    assert [f.name for f in fields(ours)] == [f.name for f in dataclasses.fields(theirs)]
    assert ours == cls(*positional, **named) and ours != theirs
    if "made" not in {f.name for f in fields(cls)}:
        assert hash(ours) == hash(theirs)
    for again in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert again == ours and repr(again) == repr(ours)


def test_values_are_compared_by_what_is_compared() -> None:
    assert Derived(1, hidden=1) == Derived(1, hidden=2)
    assert Derived(1) != Derived(2)
    assert Base(1) != Derived(1)
    assert len({Base(1), Base(1), Base(2)}) == 2


def test_values_are_frozen_and_replaced() -> None:
    value = Derived(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.first = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.first  # type: ignore[misc]
    assert replace(value, first=4) == Derived(4)
    assert replace(value, first=4).later == 5


def test_wrong_arguments_are_refused() -> None:
    for arguments in (
        (),
        (1, "b", (), 0, {}, 7),
    ):
        with pytest.raises(TypeError):
            Derived(*arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Base(1, third=2)  # type: ignore[call-arg]


def test_what_a_class_says_of_itself_is_kept() -> None:
    assert (repr(OwnText(1)), hash(OwnText(1))) == ("own", 5)
    assert OwnText(1) == OwnText(1)
    match Base(1, "x"):
        case Base(first, second):
            assert (first, second) == (1, "x")


def test_a_default_factory_makes_a_new_one_each_time() -> None:
    assert Derived(1).made is not Derived(1).made
