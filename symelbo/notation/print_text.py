"""Terms as one line of ASCII in the language of the specifications.

    sum(W[d,h]*z[h] for h in 1:H) + mu[d]        D/2*log(2*PI*e*sigma2)        psi(a)

Beyond that language: delta(i,j), logdet(matrix), inv(matrix)[i,j], D(f, a[i]) for a derivative,
`[body for i in 1:K]` for an array, and words of its own, such as e, psi and mean.

A word of the notation that is also a name of the model is written with an underscore in front, as
no name of a model begins: log(2*PI*_e*e) in a model that calls something e.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from textwrap import wrap
from typing import Final

from symelbo.index.terms import (
    Array,
    Constant,
    Delta,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Number,
    Offset,
    Position,
    Size,
    Term,
)
from symelbo.limits import KEPT_SET, KEPT_TEXTS
from symelbo.notation.arrange import (
    Applied,
    Determinant,
    Display,
    Function,
    Inverted,
    Product,
    Raised,
    Root,
    Shared,
    Summation,
    Table,
    Total,
    Whole,
    arrange,
    arrange_array,
)
from symelbo.notation.break_lines import Joint, Piece, Style, join_pieces
from symelbo.notation.names import name_array_indices, name_indices
from symelbo.values import dataclass

__all__ = [
    "BARE_WORDS",
    "TEXT",
    "TextNotation",
    "has_marked_word",
    "print_text",
]

_NAMES = {"digamma": "psi"}
_CONSTANTS = {"pi": "PI"}


class _Level(IntEnum):
    """How tightly the outermost operator of a piece of text binds."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


BARE_WORDS: Final = frozenset({"e", "F"})  # not followed by a bracket: a size may look like one


def print_text(item: Term | IndexTerm | Array, *, avoid: Iterable[str] = ()) -> str:
    """A term, index or array as text; bound indices get letters, none of them in `avoid`."""
    return _PLAIN.print(item, avoid=avoid)


def has_marked_word(text: str) -> bool:
    """Whether a word in it is marked as one of the notation: no name of a model begins with _."""
    return re.search(r"(?<!\w)_[A-Za-z]", text) is not None


def _wrap(text: str, width: float) -> list[str]:
    return wrap(
        text, int(width), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


_SIGNS: Final = {Joint.PLUS: "+ ", Joint.MINUS: "- ", Joint.TIMES: "* ", Joint.NEXT: ""}
TEXT: Final = Style(
    first={Joint.PLUS: "", Joint.MINUS: "-", Joint.TIMES: "", Joint.NEXT: ""},
    within=_SIGNS,
    continued=_SIGNS,
    width=len,
    gap=1,
    wrap=_wrap,
)


def _index(index: IndexTerm) -> str:
    match index:
        case Index(name):
            return name.replace("'", "_")  # h' is no identifier
        case Offset(inner, by):
            return f"{_index(inner)}{by:+d}" if by else _index(inner)
        case Position(extent):
            return str(extent)
        case Entry(symbol, indices):
            return symbol.name + _indices(indices)


def _indices(indices: tuple[IndexTerm, ...]) -> str:
    return f"[{','.join(map(_index, indices))}]" if indices else ""


def _ranges(indices: tuple[Index, ...]) -> str:
    return ", ".join(f"{_index(i)} in {i.low}:{i.extent}" for i in indices)


@dataclass(frozen=True, slots=True)
class TextNotation:
    """How terms are written beside the names of one model; taken: what a word might be read as."""

    taken: frozenset[str] = frozenset()

    def word(self, word: str) -> str:
        """A word of the notation, with an underscore where the model has it as a name."""
        return f"_{word}" if word in self.taken else word

    def print(self, item: Term | IndexTerm | Array, *, avoid: Iterable[str] = ()) -> str:
        """A term, index or array as text; bound indices get letters, none of them in `avoid`."""
        return _print(self, item, frozenset(avoid))

    def summands(self, term: Term, *, avoid: Iterable[str] = ()) -> list[Piece]:
        """The term as pieces for `break_lines`, one for each summand."""
        return self._pieces(arrange(name_indices(term, avoid)))

    def print_anew(self, item: Term | IndexTerm | Array, avoid: frozenset[str]) -> str:
        """As `print`, which keeps what this has made."""
        match item:
            case Array():
                return self._table(arrange_array(name_array_indices(item, avoid)))
            case Index() | Offset() | Position():
                return _index(item)
        return self._text(arrange(name_indices(item, avoid)), _Level.SUM)

    def _text(self, display: Display, level: _Level) -> str:
        """The display as an operand of an operator that binds at `level`."""
        text, own = self._with_level(display)
        return text if own >= level else f"({text})"

    def _with_level(self, display: Display) -> tuple[str, _Level]:
        """The text of a display, and how tightly it binds; of what is shared it is made once."""
        if isinstance(display, Total | Function | Summation):
            return _make_once(self, Shared(display))
        return self.with_level_anew(display)

    def with_level_anew(self, display: Display) -> tuple[str, _Level]:
        """As `_with_level`, of its parts."""
        match display:
            case Total():
                return join_pieces(self._pieces(display), TEXT), _Level.SUM
            case Product():
                return self._product(display), _Level.SUM if display.negative else _Level.PRODUCT
            case Raised(base, exponent):
                raised = f"{self._text(base, _Level.ATOM)}**{self._text(exponent, _Level.ATOM)}"
                return raised, _Level.POWER
            case Number(value) if value.denominator != 1:
                return self._atom(display), _Level.PRODUCT
            case IndexValue(Offset()):
                return self._atom(display), _Level.SUM
            case IndexValue(Position(extent)) if extent.size is not None and extent.offset:
                return self._atom(display), _Level.SUM
        return self._atom(display), _Level.ATOM

    def _pieces(self, display: Display) -> list[Piece]:
        terms = display.terms if isinstance(display, Total) else (display,)
        return [
            Piece(self._unsigned(term), Joint.MINUS)
            if isinstance(term, Product) and term.negative
            else Piece(self._text(term, _Level.PRODUCT if len(terms) > 1 else _Level.SUM))
            for term in terms
        ]

    def _product(self, product: Product) -> str:
        return ("-" if product.negative else "") + self._unsigned(product)

    def _unsigned(self, product: Product) -> str:
        text = "*".join(self._text(factor, _Level.POWER) for factor in product.above)
        if product.below:
            below = "*".join(self._text(factor, _Level.POWER) for factor in product.below)
            text = (text or "1") + ("/" + (below if len(product.below) == 1 else f"({below})"))
        after = [self._text(factor, _Level.POWER) for factor in product.after]
        return "*".join([text, *after] if text else after)

    def _atom(self, display: Display) -> str:
        match display:
            case Number(value):
                return str(value)
            case Constant(name):
                return self.word(_CONSTANTS.get(name, name))
            case Size(name):
                return name
            case IndexValue(index):
                return _index(index)
            case Entry(symbol, indices) | Whole(symbol, indices):
                return symbol.name + _indices(indices)
            case Delta(left, right):
                return f"{self.word('delta')}({_index(left)},{_index(right)})"
            case Root(radicand):
                return f"sqrt({self._text(radicand, _Level.SUM)})"
            case Function(name, arguments):
                shown = ", ".join(self._text(argument, _Level.SUM) for argument in arguments)
                return f"{self.word(_NAMES.get(name, name))}({shown})"
            case Summation(indices, body):
                return f"sum({self._text(body, _Level.SUM)} for {_ranges(indices)})"
            case Applied():
                return self._applied(display)
            case Inverted(matrix, row, column):
                return f"{self.word('inv')}({self._table(matrix)}){_indices((row, column))}"
            case Determinant(matrix):
                return f"{self.word('logdet')}({self._table(matrix)})"
        raise TypeError(f"no text for {display!r}")

    def _applied(self, applied: Applied) -> str:
        arguments = [self._table(table) for table in applied.arguments]
        text = f"{applied.function.name}({', '.join(arguments)}){_indices(applied.indices)}"
        for slot, where in applied.derivatives:
            text = f"{self.word('D')}({text}, {arguments[slot]}{_indices(where)})"
        return text

    def _table(self, table: Table) -> str:
        match table.form:
            case Whole(transposed=False) as whole:
                return self._atom(whole)
        body = self._text(table.body, _Level.SUM)
        return f"[{body} for {_ranges(table.indices)}]" if table.indices else body


@lru_cache(maxsize=KEPT_SET)
def _make_once(notation: TextNotation, shared: Shared) -> tuple[str, _Level]:
    return notation.with_level_anew(shared.display)


@lru_cache(maxsize=KEPT_TEXTS)
def _print(notation: TextNotation, item: Term | IndexTerm | Array, avoid: frozenset[str]) -> str:
    return notation.print_anew(item, avoid)


_PLAIN: Final = TextNotation()
