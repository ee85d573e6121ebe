r"""The letters of a proof document, none of which a name of the model uses, and its displays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from symelbo.index.terms import (
    Add,
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Mul,
    Number,
    Role,
    Symbol,
    Term,
)
from symelbo.render.names import latex_extent, latex_name, name_array_indices, subterms
from symelbo.render.print_latex import (
    break_lines,
    latex_array,
    latex_summands,
    latex_width,
    print_latex,
)
from symelbo.spec.model import Model

__all__ = ["Notation", "Row", "choose_notation", "is_compound", "join_words", "sum_signs"]

LINE: Final = 38.0  # em: an 11pt article of 6.5in has 42.9, less the number and some air
_SIZES: Final = ((43.0, ""), (47.0, "small"), (53.5, "footnotesize"), (64.0, "scriptsize"))
_TINY: Final = "tiny"

# role in the document -> letter, and the bold one for a model that uses the letter itself
_LETTERS: Final = {
    "N": ("N", r"\mathbf{N}"),
    "n": ("n", r"\mathbf{n}"),
    "q": ("q", r"\mathbf{q}"),
    "p": ("p", r"\mathbf{p}"),
    "s": ("s", r"\mathbf{s}"),
    "i": ("i", r"\mathbf{i}"),
    "A": ("A", r"\mathbf{A}"),
    "h": ("h", r"\mathsf{h}"),
    "T": ("T", r"\mathbf{T}"),
    "J": ("J", r"\mathbf{J}"),
    "c": ("c", r"\mathbf{c}"),
    "d": ("d", r"\mathrm{d}"),
    "eta": (r"\eta", r"\boldsymbol{\eta}"),
    "zeta": (r"\zeta", r"\boldsymbol{\zeta}"),
    "beta": (r"\beta", r"\boldsymbol{\beta}"),
    "omega": (r"\omega", r"\boldsymbol{\omega}"),
    "theta": (r"\theta", r"\boldsymbol{\theta}"),
    "Theta": (r"\Theta", r"\boldsymbol{\Theta}"),
    "Lambda": (r"\Lambda", r"\boldsymbol{\Lambda}"),
}
_AVOIDED: Final = ("n", "q", "s", "p")  # no bound index is called so, nor as a node


@dataclass(frozen=True, slots=True)
class Row:
    r"""One row of a display: left = step = step; a step is a term, or signed summands.

    tail: LaTeX after the last line, where it fits, else on a line of its own.
    """

    left: str
    steps: tuple[Term | tuple[str, ...], ...]
    tail: str = ""
    label: str = ""
    relation: str = "="


@dataclass(frozen=True, slots=True)
class Notation:
    """Letters by role, and the printers of this document."""

    letters: Mapping[str, str]
    taken: frozenset[str]  # names of the model
    marks: Mapping[str, str]  # names that belong to a data point -> superscript
    prefix: str  # of all labels

    def __getitem__(self, role: str) -> str:
        return self.letters[role]

    def label(self, name: str) -> str:
        """A label that no other appendix of the same paper uses."""
        return f"{self.prefix}:{name}"

    def term(self, item: Term | IndexTerm | Array) -> str:
        """A formula for one data point."""
        return print_latex(item, avoid=_AVOIDED)

    def marked(self, item: Term | Array) -> str:
        """A formula in which data carry the superscript of their data point."""
        return print_latex(item, avoid=_AVOIDED, marks=self.marks)

    def array(self, array: Array) -> str:
        """In matrix notation where it is known."""
        return latex_array(array, avoid=_AVOIDED)

    def summands(self, term: Term, *, width: float = LINE, marked: bool = False) -> list[str]:
        """Signed summands, as `Row` wants them."""
        marks = self.marks if marked else {}
        return latex_summands(term, width=width, avoid=_AVOIDED, marks=marks)

    def wrapped(self, term: Term) -> str:
        """A factor: bracketed if it is a sum or has a sign."""
        shown = self.term(term)
        if not is_compound(term) and not shown.startswith("-"):
            return shown
        tall = r"\frac" in shown or r"\sum" in shown
        return rf"\Bigl({shown}\Bigr)" if tall else f"({shown})"

    def entries(self, symbol: Symbol, avoid: Iterable[Index] = ()) -> tuple[Index, ...]:
        """Pleasant indices for all entries of a symbol."""
        formal = tuple(Index(f"k{n}", extent) for n, extent in enumerate(symbol.shape))
        named = name_array_indices(
            Array(formal, Entry(symbol, formal)), (*_AVOIDED, *(i.name for i in avoid))
        )
        return named.indices

    def display(self, rows: Sequence[Row], end: str = "") -> str:
        """An equation, or an align with one line per step; `end` is its punctuation."""
        return _display(self, rows, end)


def choose_notation(model: Model) -> Notation:
    """Letters that no symbol, size or index of the model uses; bold ones instead of those."""
    names = {s.name for s in (*model.parameters, *model.constants, *model.inputs, *model.functions)}
    names |= {s.name for s in model.variational_symbols} | set(model.sizes)
    own = list(model.statements)
    if not isinstance(model.variational, str):
        own += model.variational
    for statement in own:
        names.add(statement.node.name)
        names |= {index.name for index in statement.plates}
        for _, array in statement.arguments:
            names |= {part.name for part in subterms(array) if isinstance(part, Index)}
    letters = {role: both[role in names] for role, both in _LETTERS.items()}
    data = {s.name for s in model.inputs} | {s.name for s in model.variational_symbols}
    mark = f"({letters['n']})"
    marks = dict.fromkeys(sorted(data | set(model.observed)), mark)
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in model.stem)
    return Notation(letters, frozenset(names), marks, f"symelbo:{stem}")


def is_compound(term: Term) -> bool:
    """Whether the term needs brackets as a factor."""
    return isinstance(term, Add)


def is_negative(term: Term) -> bool:
    """Whether the term is a product with a negative number."""
    if isinstance(term, Mul):
        term = term.factors[0]
    return isinstance(term, Number) and term.value < 0


def sum_signs(indices: Sequence[Index]) -> str:
    r"""\sum_{d=1}^{D} \sum_{h=1}^{H}"""
    return " ".join(_limits(r"\sum", index) for index in indices)


def _limits(sign: str, index: Index) -> str:
    return rf"{sign}_{{{latex_name(index.name)}={index.low}}}^{{{latex_extent(index.extent)}}}"


def product_signs(indices: Sequence[Index]) -> str:
    r"""\prod_{d=1}^{D}"""
    return " ".join(_limits(r"\prod", index) for index in indices)


def ranges(indices: Sequence[Index]) -> str:
    r"""d=1,\dots,D"""
    return r",\; ".join(
        rf"{latex_name(i.name)} = {i.low}, \dots, {latex_extent(i.extent)}"
        if i.extent != Extent(None, i.low)
        else f"{latex_name(i.name)} = {i.low}"
        for i in indices
    )


def join_words(words: Sequence[str], last: str = "and") -> str:
    """a, b and c"""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" {last} {words[-1]}"


def _display(notation: Notation, rows: Sequence[Row], end: str) -> str:
    shown: list[tuple[str, str]] = []  # line, label
    widest = 0.0
    for row in rows:
        lines, width = _row_lines(notation, row)
        widest = max(widest, width)
        shown += [(line, "") for line in lines[:-1]] + [(lines[-1], row.label)]
    if end:
        shown[-1] = (f"{shown[-1][0]} {end}", shown[-1][1])
    numbered = any(label for _, label in shown)
    star = "" if numbered else "*"
    if len(shown) == 1:
        line, label = shown[0]
        tag = rf"\label{{{label}}}" if label else ""
        body = (
            f"\\begin{{equation{star}}}{tag}\n  {line.replace('&', '', 1)}\n\\end{{equation{star}}}"
        )
    else:
        marked = [
            line + (rf" \label{{{label}}}" if label else r" \notag" if numbered else "")
            for line, label in shown
        ]
        inner = " \\\\\n  ".join(marked)
        body = f"\\begin{{align{star}}}\n  {inner}\n\\end{{align{star}}}"
    size = next((name for limit, name in _SIZES if widest <= limit), _TINY)
    return f"{{\\{size}\n{body}}}" if size else body


def _row_lines(notation: Notation, row: Row) -> tuple[list[str], float]:
    """The lines of a row with their alignment marks, and the estimated width of the widest."""
    left = latex_width(row.left) + 1.4
    reserve = 3.0 if row.label else 0.0
    apart = left > LINE / 2 and bool(row.steps)
    margin = 2.0 if apart else left
    room = LINE - margin - reserve
    lines: list[str] = [f"& {row.left}"] if apart else []
    indent = r"\qquad " if apart else ""
    for number, step in enumerate(row.steps):
        summands = step if isinstance(step, tuple) else notation.summands(step, width=room)
        pieces = break_lines(summands, room)
        head = "" if number or apart else row.left + " "
        opening = f"{indent}{row.relation} " if apart else f"{row.relation} "
        lines.append(f"{head}&{opening if apart else ' ' + opening}{pieces[0]}")
        lines += [rf"&{indent}\qquad {piece}" for piece in pieces[1:]]
    if not row.steps:
        lines.append(f"& {row.left}")
    if row.tail:
        free = room - latex_width(lines[-1])
        if (
            not apart and latex_width(lines[-1]) - left + latex_width(row.tail) + 2.0 <= room + 1.0
        ) or (apart and free > latex_width(row.tail)):
            lines[-1] += rf" {row.tail}"
        else:
            lines.append(f"&{indent} {row.tail}")
    widths = [
        latex_width(line.replace("&", "")) + (left if line.startswith("&") and not apart else 0.0)
        for line in lines
    ]
    return lines, max(widths) + reserve


def varies(symbol: Symbol) -> bool:
    """Whether the symbol belongs to a data point."""
    return symbol.role in (Role.OBSERVED, Role.INPUT, Role.VARIATIONAL)
