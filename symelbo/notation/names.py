"""Names as LaTeX: symbols, sizes, indices and free text; whatever a user wrote, it stays text.

`name_indices` gives bound indices the letters an author would choose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeVar

from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range
from symelbo.index.substitute import free_indices, symbols_of, walk_parts
from symelbo.index.terms import (
    Array,
    Extent,
    Index,
    Node,
    Position,
    Size,
    Symbol,
    Term,
)
from symelbo.limits import KEPT_NAMES, KEPT_RENAMED
from symelbo.values import dataclass, field, replace

__all__ = [
    "RESERVED",
    "Letter",
    "escape_latex",
    "latex_extent",
    "latex_name",
    "latex_symbol",
    "letter_of_symbol",
    "name_array_indices",
    "name_indices",
    "set_letter",
    "symbol_names",
]

RESERVED: Final = ("n", "q", "s", "p")  # letters of the documents: no bound index is called so

_LOWER_GREEK: Final = (
    r"alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau"
    r"|upsilon|phi|chi|psi|omega"
)
_GREEK: Final = re.compile(
    _LOWER_GREEK + r"|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
_LETTER: Final = re.compile("[a-df-z]")
_CAPITAL: Final = re.compile("[A-DF-Z]")
# Positive letters whose trailing 2 reads as a square (sigma2), not as a number (W2).
_SQUARED: Final = re.compile(rf"(?:{_LOWER_GREEK}|s|scale)2")

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
} | {character: "\\" + character for character in "$%#&_{}"}

# What inputenc's utf8 can set in the T1 encoding, beyond ASCII.
_T1: Final = frozenset(
    "¡£§«»¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİıĲĳĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŊŋŌōŎŏŐőŒœ"
    "ŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚț—“”„"
    "\u2013\u2018\u2019\u201a\u2039\u203a"  # en dash and single quotation marks
)


def escape_latex(text: str) -> str:
    """Free text -> LaTeX text that shows it (T1, utf8): no character of it is ever a command.

    What pdflatex cannot set becomes `?`; every white space becomes a blank.
    """
    shown = []
    for character in unicodedata.normalize("NFC", text):
        if character in _SPECIAL:
            shown.append(_SPECIAL[character])
        elif character.isspace():
            shown.append(" ")
        elif " " <= character <= "~" or character in _T1:
            shown.append(character)
        else:
            shown.append("?")
    return "".join(shown)


@dataclass(frozen=True, slots=True)
class Letter:
    """A name taken apart for setting: glyph, subscript and the power its name stands for."""

    glyph: str
    subscript: str = ""
    power: int = 1


@lru_cache(maxsize=KEPT_NAMES)
def _letter_of_name(name: str) -> Letter:
    if re.fullmatch(r"[A-Za-z]'*", name):
        return Letter(name)
    if _GREEK.fullmatch(name):
        return Letter("\\" + name)
    match = re.fullmatch(r"([A-Za-z]+?)(?:_?([0-9]+)|_([A-Za-z][A-Za-z0-9]*))", name)
    if match and (len(match[1]) == 1 or _GREEK.fullmatch(match[1])):
        glyph = match[1] if len(match[1]) == 1 else "\\" + match[1]
        word = match[2] or match[3]
        if _GREEK.fullmatch(word):
            return Letter(glyph, "\\" + word)
        return Letter(glyph, word if word.isdigit() or len(word) == 1 else rf"\mathrm{{{word}}}")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        return Letter(rf"\mathit{{{escape_latex(name)}}}")
    return Letter(rf"\text{{{escape_latex(name)}}}")


@lru_cache(maxsize=KEPT_NAMES)
def letter_of_symbol(symbol: Symbol) -> Letter:
    """sigma2 -> sigma to the power 2, mu0 -> mu with subscript 0, log_rate -> a word."""
    if _SQUARED.fullmatch(symbol.name) and domain_range(symbol.domain) == POSITIVE:
        return replace(_letter_of_name(symbol.name[:-1]), power=2)
    return _letter_of_name(symbol.name)


def set_letter(letter: Letter) -> str:
    r"""A letter with its power and subscript: `\mu_{0}`."""
    power = f"^{{{letter.power}}}" if letter.power != 1 else ""
    subscript = f"_{{{letter.subscript}}}" if letter.subscript else ""
    return letter.glyph + power + subscript


def latex_symbol(symbol: Symbol) -> str:
    r"""A symbol without indices: `\sigma^{2}`, `\mu_{0}`, `\mathit{log\_rate}`."""
    return set_letter(letter_of_symbol(symbol))


@lru_cache(maxsize=KEPT_NAMES)
def latex_name(name: str) -> str:
    """The name of a size or an index as LaTeX."""
    return set_letter(_letter_of_name(name))


def latex_extent(extent: Extent) -> str:
    """C-1 -> `C-1`"""
    if extent.size is None:
        return str(extent.offset)
    return latex_name(extent.size) + (f"{extent.offset:+d}" if extent.offset else "")


def symbol_names(node: Node) -> frozenset[str]:
    """Names of all symbols that occur, those of functions and selecting categories too."""
    return frozenset(symbol.name for symbol in symbols_of(node))


@lru_cache(maxsize=KEPT_NAMES)
def _size_names(node: Node) -> frozenset[str]:
    names: set[str] = set()
    for part in walk_parts(node, binders=True):
        match part:
            case Size(name):
                names.add(name)
            case Index(_, Extent(size)) | Position(Extent(size)) if size is not None:
                names.add(size)
    return frozenset(names)


N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class _Renaming:
    """Bound index -> its new self on the way in; `taken` are the names no binder may use in the
    whole.
    """

    whole: Node
    taken: frozenset[str]
    mapping: Mapping[Index, Index] = field(default_factory=dict)

    def bind(self, indices: Iterable[Index]) -> tuple[tuple[Index, ...], _Renaming]:
        fresh: list[Index] = []
        taken, mapping = self.taken, dict(self.mapping)
        for index in indices:
            name = next(n for n in self._candidates(index) if n not in taken)
            taken |= {name}
            mapping[index] = index.like(name)
            fresh.append(mapping[index])
        return tuple(fresh), _Renaming(self.whole, taken, mapping)

    def _candidates(self, index: Index) -> Iterator[str]:
        # A letter the author chose stays, but for `e`, which would read as Euler's number.
        if _LETTER.fullmatch(index.name):
            yield index.name
        size = index.extent.size or ""
        natural = size.lower() if _CAPITAL.fullmatch(size) else ""
        if natural:
            yield natural
        reserved = {other.lower() for other in _size_names(self.whole) if other != size}
        yield from (letter for letter in "ijklmpqrstuv" if letter not in reserved)
        primes = "'"
        while True:  # at worst i''', so a name is always found
            yield (natural or "i") + primes
            primes += "'"

    def of(self, item: N) -> N:
        """The item with its indices renamed, bound ones to what is free here."""
        return self._of(item, {})

    def _of(self, item: N, known: dict[Node, Node]) -> N:
        if isinstance(item, Index):
            return self.mapping.get(item, item)  # type: ignore[return-value]
        if item not in known:
            bound = item.bound()
            fresh, inner = self.bind(bound) if bound else ((), self)
            within = {} if fresh else known
            parts = [inner._of(part, within) for part in item.parts()]
            known[item] = item.rebuilt(fresh, parts) if parts else item
        return known[item]  # type: ignore[return-value]


@lru_cache(maxsize=KEPT_RENAMED)
def _rename(node: N, avoid: frozenset[str]) -> N:
    free = (index.name for index in free_indices(node))
    return _Renaming(node, avoid.union(free, symbol_names(node))).of(node)


def name_indices(term: Term, avoid: Iterable[str] = ()) -> Term:
    """An equal term whose bound indices have pleasant letters (H -> h, then i, j, ..., h').

    No binder takes a name that is free in the term, the name of a symbol in it, that of an
    enclosing binder, or one in `avoid`; so nothing is captured.  Single letters stay.
    """
    named: Term = _rename(term, frozenset(avoid))
    return named


def name_array_indices(array: Array, avoid: Iterable[str] = ()) -> Array:
    """`name_indices` for an array, whose own indices are bound too."""
    named: Array = _rename(array, frozenset(avoid))
    return named
