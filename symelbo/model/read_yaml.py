"""Bytes (or a dict) -> nodes with places.  Every scalar stays text; nothing is ever constructed.

Only the event stream of the YAML library is used, one event at a time, so that depth, tags, aliases
and size are judged before anything is built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from symelbo.errors import Fault, Place, SpecError
from symelbo.language.fault import TextError, quote
from symelbo.limits import SPEC_BYTES, SPEC_NESTING, SPEC_NODES
from symelbo.values import dataclass

__all__ = [
    "MappingNode",
    "Node",
    "Scalar",
    "Sequence",
    "nodes_of_bytes",
    "nodes_of_mapping",
]

_CORE_TAG: Final = "tag:yaml.org,2002:"
_CORE_TYPES: Final = frozenset(("str", "int", "float", "bool", "null", "map", "seq"))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; `exact` if the text stands in the file as it is, from `place` on."""

    place: Place
    text: str
    exact: bool = True

    def at(self, offset: int) -> Place:
        """The place of the character at a 0-based offset (of the start, if the text is folded)."""
        if not self.exact:
            return self.place
        place = self.place
        return Place(place.file, place.line, place.column + offset, place.path)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, in block or flow style."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys in the order of the file, no two the same."""

    place: Place
    items: tuple[tuple[Scalar, Node], ...]


Node: TypeAlias = Scalar | Sequence | MappingNode


class _Open:
    """A collection whose end has not been reached."""

    __slots__ = ("children", "is_mapping", "place")

    def __init__(self, place: Place, is_mapping: bool) -> None:
        self.place = place
        self.is_mapping = is_mapping
        self.children: list[Node] = []


def nodes_of_bytes(data: bytes, file: str) -> MappingNode:
    """The bytes of a YAML file -> its top mapping; SpecError on anything else."""
    text = _decode(data, file)
    faults: list[Fault] = []
    top = _compose(text, file, faults)
    if top is not None and not isinstance(top, MappingNode):
        found = "a list" if isinstance(top, Sequence) else "a single value"
        if isinstance(top, Scalar) and not top.text:
            found = "an empty file"
        faults.append(Fault(top.place, found, "a mapping", "begin with `name: My model`"))
    if faults or not isinstance(top, MappingNode):
        raise SpecError(faults)
    return top


def _decode(data: bytes, file: str) -> str:
    start = Place(file, 1, 1)
    if len(data) > SPEC_BYTES:
        raise SpecError([Fault(start, "a file over 1 MiB", "at most 1 MiB (1,048,576 bytes)")])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise SpecError(
            [
                Fault(
                    Place(file, line, column),
                    f"the byte 0x{data[error.start]:02x}, which is not UTF-8",
                    "a file in UTF-8",
                    "save it as UTF-8 in your editor",
                )
            ]
        ) from None
    return text.removeprefix("\ufeff")


def _compose(text: str, file: str, faults: list[Fault]) -> Node | None:
    """Build nodes from events with a stack of our own: no recursion, whatever the input."""
    top: Node | None = None
    documents = 0
    stack: list[_Open] = []
    count = 0
    for event in _events(text, file):
        kind = type(event).__name__
        mark = event.start_mark
        place = Place(file, mark.line + 1, mark.column + 1)
        if kind == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise SpecError([Fault(place, "a second document", "one document per file")])
            continue
        if kind == "AliasEvent":
            raise SpecError(
                [
                    Fault(
                        place,
                        f"the alias {quote('*' + str(event.anchor))}",
                        "the value itself",
                        "write the value out; YAML aliases are refused",
                    )
                ]
            )
        finished: Node | None = None
        if kind == "ScalarEvent":
            _check_event(event, place, faults)
            finished = _scalar(event, text, place)
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            _check_event(event, place, faults)
            if len(stack) >= SPEC_NESTING:
                raise SpecError(
                    [Fault(place, f"YAML nested deeper than {SPEC_NESTING} levels", "fewer levels")]
                )
            stack.append(_Open(place, kind == "MappingStartEvent"))
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            finished = _close(stack.pop(), faults)
        if finished is None:
            continue
        count += 1
        if count > SPEC_NODES:
            raise SpecError(
                [Fault(place, f"more than {SPEC_NODES:,} YAML values", "a smaller file")]
            )
        if stack:
            stack[-1].children.append(finished)
        else:
            top = finished
    if top is None:
        faults.append(
            Fault(Place(file, 1, 1), "an empty file", "a mapping", "begin with `name: My model`")
        )
    return top


def _events(text: str, file: str) -> Iterator[Any]:
    """The events of the YAML library; its errors become faults."""
    # the one untyped border: ruamel's events are read by class name and attribute
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        raise SpecError([_yaml_fault(place, error, text)]) from None
    except ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        before = text[:position]
        column = position - (before.rfind("\n") + 1) + 1
        place = Place(file, before.count("\n") + 1, column)
        shown = f"the character {quote(text[position : position + 1])}"
        raise SpecError(
            [Fault(place, shown, "text", "control characters have no place in a file")]
        ) from None
    except Exception as error:
        # ruamel leaves malformed directives and escapes to whatever Python raises: OverflowError
        # for "\\UFFFFFFFF", ValueError, IndexError; all of them mean that this is no YAML
        found = f"YAML that cannot be read ({quote(str(error))})"
        raise SpecError([Fault(Place(file, 1, 1), found, "well-formed YAML 1.2")]) from None


def _yaml_fault(place: Place, error: Any, text: str) -> Fault:
    problem = str(error.problem or "malformed YAML").splitlines()[0]
    line = text.splitlines()[place.line - 1] if place.line <= len(text.splitlines()) else ""
    rest = line[place.column - 1 :]
    hint = ""
    if rest.startswith("[") and "flow" in str(error.context):
        hint = 'inside { } put the type in quotes: {W: "real[D, H]"}'
        if line.lstrip().startswith("observed"):
            hint = "data are whole arrays, without indices: observed: [x]"
    elif "\\t" in problem or rest.startswith("\t"):
        hint = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in problem:
        hint = "a `: ` inside a text needs quotes around the whole text; ranges are written 1:H"
    elif rest[:1] in ("%", "@", "`", "!", "&", "*") and place.column > 1:
        hint = "put the text in quotes"
    return Fault(place, f"YAML that cannot be read: {problem}", "", hint)


def _check_event(event: Any, place: Place, faults: list[Fault]) -> None:
    """Tags and anchors: core tags say nothing new, every other one is refused."""
    tag = event.tag
    if tag is not None:
        tag = str(tag)
        if tag != "!" and tag.removeprefix(_CORE_TAG) not in _CORE_TYPES:
            shown = "!!" + tag.removeprefix(_CORE_TAG) if tag.startswith(_CORE_TAG) else tag
            faults.append(Fault(place, f"the tag {quote(shown)}", "plain text, lists and mappings"))
    if event.anchor is not None:
        faults.append(
            Fault(
                place,
                f"the anchor {quote('&' + str(event.anchor))}",
                "no anchor",
                "write every value out; YAML anchors and aliases are refused",
            )
        )


def _scalar(event: Any, text: str, place: Place) -> Scalar:
    """Where the value stands in the file character for character, offsets can be mapped."""
    value = str(event.value)
    start = event.start_mark.index + (1 if event.style in ("'", '"') else 0)
    shift = event.start_mark.column + 1 + (1 if event.style in ("'", '"') else 0)
    exact = event.style in (None, "", "'", '"') and text.startswith(value, start)
    if exact and value:
        return Scalar(Place(place.file, place.line, shift), value)
    return Scalar(place, value, exact=False)


def _close(opened: _Open, faults: list[Fault]) -> Node:
    children = opened.children
    if not opened.is_mapping:
        return Sequence(opened.place, tuple(children))
    items: list[tuple[Scalar, Node]] = []
    first: dict[str, Place] = {}
    for key, value in zip(children[::2], children[1::2], strict=True):
        if not isinstance(key, Scalar):
            faults.append(Fault(key.place, "a key that is a list or a mapping", "a name"))
        elif key.text in first:
            faults.append(
                Fault(
                    key.place,
                    f"the key {quote(key.text)} a second time",
                    "each key once",
                    f"it stands first in line {first[key.text].line}",
                )
            )
        else:
            first[key.text] = key.place
            items.append((key, value))
    return MappingNode(opened.place, tuple(items))


def _is_of_sympy(value: object) -> bool:
    """Whether a value is an expression of SymPy, which is not imported to find out."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Expr)


def nodes_of_mapping(source: Mapping[Any, Any], file: str = "<dict>") -> MappingNode:
    """A dict with the content of a file -> nodes whose places read `<dict>: parameters.W`."""
    faults: list[Fault] = []
    count = 0

    def place(path: str) -> Place:
        return Place(file, count, 1, path or "the specification")

    def convert(value: Any, path: str, depth: int) -> Node:
        nonlocal count
        count += 1
        here = place(path)
        if depth > SPEC_NESTING or count > SPEC_NODES:
            raise SpecError([Fault(here, "a dict that is nested too deeply or too large")])
        if isinstance(value, str):
            return Scalar(here, value)
        if value is None:
            return Scalar(here, "")
        if isinstance(value, bool):
            return Scalar(here, "true" if value else "false")
        if isinstance(value, int | float):
            return Scalar(here, repr(value))
        if isinstance(value, Mapping):
            items: list[tuple[Scalar, Node]] = []
            for key, item in value.items():
                shown = quote(str(key))[1:-1]  # a place is printed; the key may be anything
                inner = f"{path}.{shown}" if path else shown
                if not isinstance(key, str):
                    faults.append(Fault(here, f"the key {quote(repr(key))}", "a string"))
                    continue
                count += 1
                items.append((Scalar(place(inner), key), convert(item, inner, depth + 1)))
            return MappingNode(here, tuple(items))
        if isinstance(value, list | tuple):
            return Sequence(
                here,
                tuple(convert(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)),
            )
        if path.endswith(".log_density") and _is_of_sympy(value):
            from symelbo.language.from_sympy import text_of_expression

            try:
                return Scalar(here, text_of_expression(value))
            except TextError as error:
                fault = error.fault
                faults.append(Fault(here, fault.found, fault.expected, fault.hint))
                return Scalar(here, "0")
        faults.append(
            Fault(here, f"a value of type {type(value).__name__}", "a string, a list or a dict")
        )
        return Scalar(here, "")

    top = convert(source, "", 0)
    if faults or not isinstance(top, MappingNode):
        raise SpecError(faults)
    return top
