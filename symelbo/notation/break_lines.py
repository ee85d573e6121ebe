"""Formulas in lines: pieces, each with the sign that joins it, filled in from the left.

break_lines([a, +b, -c], width) is a + b - c, broken before a piece that would not fit; a piece
that fits in no line is cut between its factors, where it has some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain

from symelbo.values import dataclass, replace

__all__ = ["Joint", "Piece", "Style", "break_lines", "cut_pieces", "enclose", "join_pieces", "turn"]


class Joint(Enum):
    """How a piece follows what is before it."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    NEXT = ","  # as the next of a list, whose comma belongs to the piece before


_OPPOSITE = {Joint.PLUS: Joint.MINUS, Joint.MINUS: Joint.PLUS}


@dataclass(frozen=True, slots=True)
class Piece:
    """What stays on one line if it fits in one, without the sign that joins it.

    inside: of brackets that an earlier piece opens; factors: their product is the piece.
    """

    text: str
    joint: Joint = Joint.PLUS
    inside: bool = False
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How joints are set: in front of all, within a line, and where a line goes on with them.

    width: of a text; gap: that of the blank between pieces; wrap: a text wider than a line.
    """

    first: Mapping[Joint, str]
    within: Mapping[Joint, str]
    continued: Mapping[Joint, str]
    width: Callable[[str], float]
    gap: float = 0.0
    wrap: Callable[[str, float], list[str]] = lambda text, width: [text]


def turn(pieces: Iterable[Piece]) -> list[Piece]:
    """a - b [c + d] -> -a + b [c + d]"""
    return [
        piece if piece.inside else replace(piece, joint=_OPPOSITE.get(piece.joint, piece.joint))
        for piece in pieces
    ]


def cut_pieces(pieces: Sequence[Piece], most: int) -> tuple[list[Piece], int]:
    """The first summands, with what is inside their brackets, and how many are left out."""
    starts = [n for n, piece in enumerate(pieces) if not piece.inside]
    end = starts[most] if len(starts) > most else len(pieces)
    return list(pieces[:end]), max(0, len(starts) - most)


def enclose(
    head: str, pieces: Sequence[Piece], end: str, joint: Joint, style: Style
) -> list[Piece]:
    """head, a + b, end -> one piece that opens with `head a`, and the others up to `b end`."""
    first, *rest = pieces
    opened = Piece(head + style.first[first.joint] + first.text, joint)
    inner = [opened, *(replace(piece, inside=True) for piece in rest)]
    inner[-1] = replace(inner[-1], text=inner[-1].text + end)
    return inner


def join_pieces(pieces: Iterable[Piece], style: Style) -> str:
    """All in one line."""
    text = ""
    for piece in pieces:
        sign = style.within if text else style.first
        text += (" " if text else "") + sign[piece.joint] + piece.text
    return text


def break_lines(pieces: Iterable[Piece], width: float, style: Style) -> list[str]:
    """Lines of at most `width`, each filled with as many pieces as fit."""
    lines: list[str] = []
    used = 0.0
    for piece in chain.from_iterable(_cut(whole, width, style) for whole in pieces):
        shown = (style.within if lines else style.first)[piece.joint] + piece.text
        space = style.width(shown)
        if lines and used + style.gap + space <= width:
            lines[-1] += " " + shown
            used += style.gap + space
            continue
        fresh = style.continued[piece.joint] + piece.text if lines else shown
        lines += [fresh] if space <= width else style.wrap(fresh, width)
        used = style.width(lines[-1])
    return lines


def _cut(piece: Piece, width: float, style: Style) -> list[Piece]:
    if len(piece.factors) < 2 or style.width(style.within[piece.joint] + piece.text) <= width:
        return [piece]
    first, *rest = piece.factors
    return [
        Piece(first, piece.joint, piece.inside),
        *(Piece(factor, Joint.TIMES, inside=True) for factor in rest),
    ]
