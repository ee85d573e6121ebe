"""Names as LaTeX: symbols, sizes, indices and free text; whatever a user wrote, it stays text.

`name_indices` gives bound indices the letters an author would choose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Offset,
    Position,
    Power,
    Size,
    Sum,
    Symbol,
    Term,
)

__all__ = [
    "Letter",
    "escape_latex",
    "latex_extent",
    "latex_name",
    "latex_symbol",
    "letter_of_symbol",
    "name_array_indices",
    "name_indices",
    "subterms",
    "symbol_names",
]

_LOWER_GREEK: Final = (
    r"alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau"
    r"|upsilon|phi|chi|psi|omega"
)
_GREEK: Final = re.compile(
    _LOWER_GREEK + r"|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
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


def letter_of_symbol(symbol: Symbol) -> Letter:
    """sigma2 -> sigma to the power 2, mu0 -> mu with subscript 0, log_rate -> a word."""
    if _SQUARED.fullmatch(symbol.name) and domain_range(symbol.domain) == POSITIVE:
        return replace(_letter_of_name(symbol.name[:-1]), power=2)
    return _letter_of_name(symbol.name)


def _set_letter(letter: Letter) -> str:
    power = f"^{{{letter.power}}}" if letter.power != 1 else ""
    subscript = f"_{{{letter.subscript}}}" if letter.subscript else ""
    return letter.glyph + power + subscript


def latex_symbol(symbol: Symbol) -> str:
    r"""A symbol without indices: `\sigma^{2}`, `\mu_{0}`, `\mathit{log\_rate}`."""
    return _set_letter(letter_of_symbol(symbol))


def latex_name(name: str) -> str:
    """The name of a size or an index as LaTeX."""
    return _set_letter(_letter_of_name(name))


def latex_extent(extent: Extent) -> str:
    """C-1 -> `C-1`"""
    if extent.size is None:
        return str(extent.offset)
    return latex_name(extent.size) + (f"{extent.offset:+d}" if extent.offset else "")


_Node = Term | IndexTerm | Array


def _children(node: _Node) -> tuple[_Node, ...]:
    match node:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Power(base, exponent):
            return (base, exponent)
        case Call(_, arguments):
            return arguments
        case Entry(_, indices):
            return indices
        case IndexValue(index) | Offset(index, _):
            return (index,)
        case Delta(left, right):
            return (left, right)
        case Sum(index, body):
            return (index, body)
        case Array(indices, body):
            return (*indices, body)
        case Apply(_, arguments, indices, derivatives):
            return (*arguments, *indices, *(at for _, where in derivatives for at in where))
        case Inverse(matrix, row, column):
            return (matrix, row, column)
        case LogDet(matrix):
            return (matrix,)
    return ()


def subterms(node: _Node) -> Iterator[_Node]:
    """The node and everything in it, binders and index places too, from outside in."""
    yield node
    for child in _children(node):
        yield from subterms(child)


def symbol_names(node: _Node) -> frozenset[str]:
    """Names of all symbols that occur, those of functions and selecting categories too."""
    return frozenset(
        part.symbol.name if isinstance(part, Entry) else part.function.name
        for part in subterms(node)
        if isinstance(part, Entry | Apply)
    )


def _size_names(node: _Node) -> frozenset[str]:
    names: set[str] = set()
    for part in subterms(node):
        match part:
            case Size(name):
                names.add(name)
            case Index(_, Extent(size)) | Position(Extent(size)) if size is not None:
                names.add(size)
    return frozenset(names)


def _free_indices(node: _Node) -> frozenset[Index]:
    match node:
        case Index():
            return frozenset({node})
        case Sum(index, body):
            return _free_indices(body) - {index}
        case Array(indices, body):
            return _free_indices(body) - set(indices)
    return frozenset().union(*map(_free_indices, _children(node)))


@dataclass(frozen=True, slots=True)
class _Renaming:
    """Bound index -> its new self on the way in; `taken` are the names no binder may use."""

    taken: frozenset[str]
    sizes: frozenset[str]
    mapping: tuple[tuple[Index, Index], ...] = ()

    def bind(self, indices: Iterable[Index]) -> tuple[tuple[Index, ...], _Renaming]:
        fresh: list[Index] = []
        taken, mapping = self.taken, dict(self.mapping)
        for index in indices:
            name = next(n for n in self._candidates(index) if n not in taken)
            taken |= {name}
            mapping[index] = replace(index, name=name)
            fresh.append(mapping[index])
        return tuple(fresh), replace(self, taken=taken, mapping=tuple(mapping.items()))

    def _candidates(self, index: Index) -> Iterator[str]:
        # A letter the author chose stays, but for `e`, which would read as Euler's number.
        if re.fullmatch("[a-df-z]", index.name):
            yield index.name
        size = index.extent.size or ""
        natural = size.lower() if re.fullmatch("[A-DF-Z]", size) else ""
        if natural:
            yield natural
        reserved = {other.lower() for other in self.sizes if other != size}
        yield from (letter for letter in "ijklmpqrstuv" if letter not in reserved)
        primes = "'"
        while True:  # at worst i''', so a name is always found
            yield (natural or "i") + primes
            primes += "'"

    def index(self, item: IndexTerm) -> IndexTerm:
        match item:
            case Index():
                return dict(self.mapping).get(item, item)
            case Offset(index, by):
                return Offset(dict(self.mapping).get(index, index), by)
            case Entry(symbol, indices):
                return Entry(symbol, self.indices(indices))
        return item

    def indices(self, items: tuple[IndexTerm, ...]) -> tuple[IndexTerm, ...]:
        return tuple(map(self.index, items))

    def array(self, array: Array) -> Array:
        fresh, inner = self.bind(array.indices)
        return Array(fresh, inner.term(array.body))

    def terms(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(map(self.term, terms))

    def term(self, term: Term) -> Term:
        match term:
            case IndexValue(index):
                return IndexValue(self.index(index))
            case Entry(symbol, indices):
                return Entry(symbol, self.indices(indices))
            case Add(terms):
                return Add(self.terms(terms))
            case Mul(factors):
                return Mul(self.terms(factors))
            case Power(base, exponent):
                return Power(self.term(base), self.term(exponent))
            case Call(name, arguments):
                return Call(name, self.terms(arguments))
            case Delta(left, right):
                return Delta(self.index(left), self.index(right))
            case Sum(index, body):
                (fresh,), inner = self.bind((index,))
                return Sum(fresh, inner.term(body))
            case Apply(function, arguments, indices, derivatives):
                return Apply(
                    function,
                    tuple(map(self.array, arguments)),
                    self.indices(indices),
                    tuple((slot, self.indices(where)) for slot, where in derivatives),
                )
            case Inverse(matrix, row, column):
                return Inverse(self.array(matrix), self.index(row), self.index(column))
            case LogDet(matrix):
                return LogDet(self.array(matrix))
        return term


def _renaming(node: _Node, avoid: Iterable[str]) -> _Renaming:
    free = {index.name for index in _free_indices(node)}
    return _Renaming(frozenset(avoid) | free | symbol_names(node), _size_names(node))


def name_indices(term: Term, avoid: Iterable[str] = ()) -> Term:
    """An equal term whose bound indices have pleasant letters (H -> h, then i, j, ..., h').

    No binder takes a name that is free in the term, the name of a symbol in it, that of an
    enclosing binder, or one in `avoid`; so nothing is captured.  Single letters stay.
    """
    return _renaming(term, avoid).term(term)


def name_array_indices(array: Array, avoid: Iterable[str] = ()) -> Array:
    """`name_indices` for an array, whose own indices are bound too."""
    return _renaming(array, avoid).array(array)
