"""Python expressions as trees, and statements of them in lines of at most 88 columns.

A tree knows its operators and brackets: a line is broken where a formatter breaks it, and no text
is read again to learn what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from textwrap import wrap
from typing import NamedTuple

__all__ = [
    "WIDTH",
    "Bracket",
    "Expression",
    "Level",
    "call",
    "chain",
    "expression",
    "lay_out",
    "lay_out_error",
    "negative",
    "wrap_text",
]

WIDTH = 88


# ---------------------------------------------------------------- expressions


class Level(IntEnum):
    """How tightly the outermost operator of an expression binds."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


class Bracket(NamedTuple):
    """What stands between `ends` and is separated by commas; comma: behind the only item."""

    ends: str
    items: tuple[Expression, ...]
    comma: str = ""

    @property
    def inner(self) -> str:
        """What stands between the ends, in one line."""
        return ", ".join([item.text for item in self.items]) + self.comma

    @property
    def text(self) -> str:
        """All of it in one line."""
        return self.ends[0] + self.inner + self.ends[1]


class Expression(NamedTuple):
    """An expression in one line, and where it can be broken.

    parts: the text, and the brackets in it that stand in no other; operands: what its outermost
    operators join, each behind its operator; none where there are no such operators.
    """

    text: str
    parts: tuple[str | Bracket, ...]
    level: Level = Level.ATOM
    operands: tuple[tuple[str, Expression], ...] = ()

    def at(self, level: Level) -> Expression:
        """The expression as an operand of an operator that binds at `level`."""
        return self if self.level >= level else expression(Bracket("()", (self,)))


def expression(*parts: str | Bracket, level: Level = Level.ATOM) -> Expression:
    """What is not joined by operators that a line is broken at."""
    text = "".join([part if isinstance(part, str) else part.text for part in parts])
    return Expression(text, parts, level)


def call(name: str, *arguments: Expression | str) -> Expression:
    """name(arguments)"""
    items = [expression(item) if isinstance(item, str) else item for item in arguments]
    return expression(name, Bracket("()", tuple(items)))


def chain(level: Level, operands: Iterable[tuple[str, Expression]]) -> Expression:
    """a + b - c, of ("", a), ("+", b), ("-", c); one operand is itself.

    requires: each is written as it stands, see `Expression.at`.
    """
    (_, first), *rest = operands
    if not rest:
        return first
    # a sum that starts with -a*b is no product, and a power of a power is in brackets
    goes_on = first.operands and first.level is level is Level.PRODUCT
    joined = first.operands if goes_on else (("", first),)
    text, parts = first.text, first.parts
    for operator, operand in rest:
        text += f" {operator} {operand.text}"
        parts += (f" {operator} ", *operand.parts)
    return Expression(text, parts, level, (*joined, *rest))


def negative(operand: Expression) -> Expression:
    """-a, -a * b, -(a**b): the sign stands before the first factor"""
    if operand.level is Level.PRODUCT and operand.operands:
        (_, first), *rest = operand.operands
        return chain(Level.PRODUCT, [("", negative(first)), *rest])._replace(level=Level.SUM)
    return expression("-", *operand.at(Level.ATOM).parts, level=Level.SUM)


# ---------------------------------------------------------------- lines


def lay_out(head: str, body: Expression, indent: int) -> list[str]:
    """`name = `, `return ` or nothing, and an expression, as indented lines."""
    pad = " " * indent
    if indent + len(head) + len(body.text) <= WIDTH:
        return [pad + head + body.text]
    if not head:
        return _break_bracket(body, indent)
    if _ends_in_bracket(body) and (lines := _open_in_turn(head, body, indent)) is not None:
        return lines
    return [f"{pad}{head.rstrip()} (", *_break(body, indent + 4), f"{pad})"]


def lay_out_error(text: str, indent: int) -> list[str]:
    """`raise ValueError("text")`, a long text as several literals, which Python joins."""
    pad = " " * indent
    whole = f'{pad}raise ValueError("{text}")'
    if len(whole) <= WIDTH:
        return [whole]
    room = WIDTH - indent - len('    " "')
    *first, last = wrap(text, room, break_long_words=False, break_on_hyphens=False)
    literals = [f'{pad}    "{part} "' for part in first]
    return [f"{pad}raise ValueError(", *literals, f'{pad}    "{last}"', f"{pad})"]


def wrap_text(text: str, indent: int, hanging: int = 0) -> list[str]:
    """Words -> lines of at most 88 columns."""
    lines: list[str] = []
    words: list[str] = []
    used = -1  # columns of the words, and of the blanks between them
    for word in text.split():
        if words and indent + used + 1 + len(word) > WIDTH:
            lines.append(" " * indent + " ".join(words))
            indent, hanging = indent + hanging, 0
            words, used = [], -1
        words.append(word)
        used += 1 + len(word)
    return [*lines, " " * indent + " ".join(words)]


def _ends_in_bracket(body: Expression) -> bool:
    """a - f(...), x[...] or {...}: brackets are opened, and none is put around the whole.

    Nor around f(...).T and f(...)[1], where only one pair has something to be broken.
    """
    *before, last = body.parts
    opened = [part for part in body.parts if isinstance(part, Bracket) and _can_open(part)]
    if not body.operands and len(opened) == 1 and opened[0].ends == "()":
        return True
    if isinstance(last, str):
        return False
    if last.ends == "()":
        return len(body.operands) <= 2
    if not body.operands and not _can_open(last):
        return True  # f(...)[1]
    return not body.operands and all(isinstance(part, str) for part in before)


def _open_in_turn(head: str, body: Expression, indent: int) -> list[str] | None:
    """From left to right each bracket is opened unless there is room up to the next one.

    None if some line does not fit then.
    """
    pad = " " * indent
    lines: list[str] = []
    line = pad + head
    for n, part in enumerate(body.parts):
        if isinstance(part, str) or not _can_open(part):
            line += part if isinstance(part, str) else part.text
            continue
        tail = ""
        for other in body.parts[n + 1 :]:
            if isinstance(other, Bracket) and _can_open(other):
                tail += other.ends[0]
                break
            tail += other if isinstance(other, str) else other.text
        if len(line) + len(part.text) + len(tail) <= WIDTH:
            line += part.text
            continue
        lines += [line + part.ends[0], *_items(part, indent + 4)]
        line = pad + part.ends[1]
    lines.append(line)
    return lines if all(len(text) <= WIDTH for text in lines) else None


def _can_open(bracket: Bracket) -> bool:
    return len(bracket.inner) > 1


def _break(body: Expression, indent: int, before: int = 0, after: int = 0) -> list[str]:
    """An expression inside brackets; so many columns are taken by what stands around it."""
    if indent + before + len(body.text) + after <= WIDTH:
        return [" " * indent + body.text]
    if not body.operands:
        return _break_bracket(body, indent)
    lines: list[str] = []
    for n, (operator, operand) in enumerate(body.operands):
        sign = f"{operator} " if operator else ""
        outside = before if n == 0 else 0
        more = after if n == len(body.operands) - 1 else 0
        first, *others = _break(operand, indent, outside + len(sign), more)
        lines += [" " * indent + sign + first.lstrip(), *others]
    return lines


def _break_bracket(body: Expression, indent: int) -> list[str]:
    """prefix(arguments)rest: of the brackets with something in them, the last one is opened."""
    pad = " " * indent
    opened = [(at, part) for at, part in _brackets(body) if _can_open(part)]
    if not opened:
        return [pad + body.text]
    within = [pair for pair in opened if indent + pair[0] < WIDTH]
    at, bracket = within[-1] if within else opened[0]
    lines = _items(bracket, indent + 4)
    return [pad + body.text[: at + 1], *lines, pad + body.text[at + len(bracket.inner) + 1 :]]


def _items(bracket: Bracket, indent: int) -> list[str]:
    """What stands between the brackets, in one line or each item from a line of its own on."""
    if indent + len(bracket.inner) <= WIDTH:
        return [" " * indent + bracket.inner]
    lines: list[str] = []
    comma = "," if len(bracket.items) > 1 else bracket.comma
    for item in bracket.items:
        lines += _break(item, indent, after=len(comma))
        lines[-1] += comma
    return lines


def _brackets(body: Expression) -> Iterator[tuple[int, Bracket]]:
    """The outermost brackets, each with its place in the text."""
    at = 0
    for part in body.parts:
        if isinstance(part, str):
            at += len(part)
        else:
            yield at, part
            at += len(part.text)
