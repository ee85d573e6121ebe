r"""The letters of a proof document, none of which a name of the model uses, and its displays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from symelbo.index.substitute import formal_indices, symbols_of
from symelbo.index.terms import (
    Add,
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Symbol,
    Term,
)
from symelbo.model.model import Model
from symelbo.model.names import indices_in, names_in
from symelbo.model.quantities import left_side
from symelbo.notation.arrange import arrange, leads_with_minus
from symelbo.notation.break_lines import Piece, break_lines, join_pieces
from symelbo.notation.names import RESERVED, latex_extent, latex_name, name_array_indices
from symelbo.notation.print_latex import (
    LATEX,
    latex_array,
    latex_summands,
    latex_width,
    print_latex,
)
from symelbo.values import dataclass, replace

__all__ = ["Notation", "Row", "choose_notation", "ranges", "sum_signs"]

LINE: Final = 38.0  # em: an 11pt article of 6.5in has 42.9, less the number and some air
_SIZES: Final = ((43.0, ""), (47.0, "small"), (53.5, "footnotesize"), (64.0, "scriptsize"))
_TINY: Final = "tiny"

# role in the document -> letter, and the bold one for a model that uses the letter itself
_LETTERS: Final = {
    "N": ("N", r"\mathbf{N}"),
    "n": ("n", r"\mathbf{n}"),
    "q": ("q", r"\mathbf{q}"),
    "p": ("p", r"\mathbf{p}"),
    "r": ("r", r"\mathbf{r}"),
    "v": ("v", r"\mathbf{v}"),
    "f": ("f", r"\mathbf{f}"),
    "s": ("s", r"\mathbf{s}"),
    "A": ("A", r"\mathbf{A}"),
    "h": ("h", r"\mathsf{h}"),
    "T": ("T", r"\mathbf{T}"),
    "b": ("b", r"\mathsf{b}"),
    "c": ("c", r"\mathbf{c}"),
    "d": ("d", r"\mathrm{d}"),
    "eta": (r"\eta", r"\boldsymbol{\eta}"),
    "beta": (r"\beta", r"\boldsymbol{\beta}"),
    "omega": (r"\omega", r"\boldsymbol{\omega}"),
    "theta": (r"\theta", r"\boldsymbol{\theta}"),
    "Lambda": (r"\Lambda", r"\boldsymbol{\Lambda}"),
}


@dataclass(frozen=True, slots=True)
class Row:
    r"""One row of a display: left = step = step; a step is a term, or the pieces of one.

    tail: LaTeX behind a comma after the last line, where it fits, else on a line of its own.
    """

    left: str
    steps: tuple[Term | tuple[Piece, ...], ...]
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
        return print_latex(item, avoid=RESERVED)

    def marked(self, item: Term | Array) -> str:
        """A formula in which data carry the superscript of their data point."""
        return print_latex(item, avoid=RESERVED, marks=self.marks)

    def array(self, array: Array) -> str:
        """In matrix notation where it is known."""
        return latex_array(array, avoid=RESERVED)

    def summands(self, term: Term, *, width: float = LINE, marked: bool = False) -> list[Piece]:
        """Its pieces, as `Row` wants them."""
        marks = self.marks if marked else {}
        return latex_summands(term, width=width, avoid=RESERVED, marks=marks)

    def wrapped(self, term: Term) -> str:
        """A factor: bracketed if it is a sum or has a sign."""
        shown = self.term(term)
        if not isinstance(term, Add) and not leads_with_minus(arrange(term)):
            return shown
        tall = r"\frac" in shown or r"\sum" in shown
        return rf"\Bigl({shown}\Bigr)" if tall else f"({shown})"

    def of_data_points(self, model: Model) -> Notation:
        """The same, in which quantities that depend on data carry the superscript as well."""
        varying = (s.name for s, a in model.definitions if _reads(a) & self.marks.keys())
        return replace(self, marks={**self.marks, **dict.fromkeys(varying, f"({self['n']})")})

    def entries(self, symbol: Symbol) -> tuple[Index, ...]:
        """Pleasant indices for all entries of a symbol."""
        formal = formal_indices(symbol.shape)
        named = name_array_indices(Array(formal, Entry(symbol, formal)), RESERVED)
        return named.indices

    def fresh(self, names: Iterable[str]) -> str:
        """The first of the names that the model does not use."""
        return next(name for name in names if name not in self.taken)

    def abbreviations(self, pairs: Iterable[tuple[Symbol, Array]], end: str) -> str:
        """What symbols stand for, one line each; empty if there are none."""
        rows = [Row(self.term(left_side(s, array)), (array.body,)) for s, array in pairs]
        return self.display(rows, end) if rows else ""

    def display(self, rows: Sequence[Row], end: str = "") -> str:
        """An equation, or an align with one line per step.

        end: its punctuation; with it, commas stand between the rows.
        """
        return _display(self, rows, end)


def choose_notation(model: Model) -> Notation:
    """Letters that no symbol, size or index of the model uses; bold ones instead of those."""
    names = names_in(model)
    letters_taken = names | indices_in(array for _, array in model.formulas)
    letters = {role: both[role in letters_taken] for role, both in _LETTERS.items()}
    data = {s.name for s in model.inputs} | {s.name for s in model.variational_symbols}
    mark = f"({letters['n']})"
    marks = dict.fromkeys(sorted(data | set(model.observed)), mark)
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in model.stem)
    return Notation(letters, names, marks, f"symelbo:{stem}")


def _reads(array: Array) -> set[str]:
    return {symbol.name for symbol in symbols_of(array)}


def sum_signs(indices: Sequence[Index]) -> str:
    r"""\sum_{d=1}^{D} \sum_{h=1}^{H}"""
    return " ".join(
        rf"\sum_{{{latex_name(i.name)}={i.low}}}^{{{latex_extent(i.extent)}}}" for i in indices
    )


def ranges(indices: Sequence[Index]) -> str:
    r"""d=1,\dots,D"""
    return r",\; ".join(
        rf"{latex_name(i.name)} = {i.low}, \dots, {latex_extent(i.extent)}"
        if i.extent != Extent(None, i.low)
        else f"{latex_name(i.name)} = {i.low}"
        for i in indices
    )


def _display(notation: Notation, rows: Sequence[Row], end: str) -> str:
    blocks: list[list[str]] = []
    widest = 0.0
    for number, row in enumerate(rows):
        lines, width = _row_lines(notation, row)
        widest = max(widest, width)
        mark = end if number == len(rows) - 1 or not end else ","
        blocks.append([*lines[:-1], f"{lines[-1]} {mark}".rstrip()])
    numbered = any(row.label for row in rows)
    star = "" if numbered else "*"
    if len(blocks) == 1 and len(blocks[0]) == 1:
        line, label = blocks[0][0], rows[0].label
        tag = rf"\label{{{label}}}" if label else ""
        body = (
            f"\\begin{{equation{star}}}{tag}\n  {line.replace('&', '', 1)}\n\\end{{equation{star}}}"
        )
    else:
        silent = r" \notag" if numbered else ""
        shown = []
        for lines, row in zip(blocks, rows, strict=True):
            last = rf" \label{{{row.label}}}" if row.label else silent
            # no page ends within a row
            shown.append(" \\\\*\n  ".join([*(s + silent for s in lines[:-1]), lines[-1] + last]))
        inner = " \\\\\n  ".join(shown)
        body = f"\\begin{{align{star}}}\n  {inner}\n\\end{{align{star}}}"
    size = next((name for limit, name in _SIZES if widest <= limit), _TINY)
    return f"{{\\{size}\n{body}}}\\ignorespaces" if size else body


def _row_lines(notation: Notation, row: Row) -> tuple[list[str], float]:
    """The lines of a row with their alignment marks, and the estimated width of the widest."""
    left = latex_width(row.left) + 1.4
    reserve = 3.0 if row.label else 0.0
    apart = left > LINE / 2 and bool(row.steps)
    margin = 2.0 if apart else left
    room = LINE - margin - reserve
    lines: list[str] = [f"& {row.left}"] if apart else []
    indent = r"\qquad " if apart else ""
    tail = rf",\qquad {row.tail}" if row.tail else ""
    steps = _join_steps(notation, row, latex_width(tail), 0.0 if apart else room)
    for number, step in enumerate(steps):
        parts = step if isinstance(step, tuple) else notation.summands(step, width=room)
        pieces = break_lines(parts, room, LATEX)
        head = "" if number or apart else row.left + " "
        opening = f"{indent}{row.relation} " if apart else f"{row.relation} "
        lines.append(f"{head}&{opening if apart else ' ' + opening}{pieces[0]}")
        lines += [rf"&{indent}\qquad {piece}" for piece in pieces[1:]]
    if not row.steps:
        lines.append(f"& {row.left}")
    if tail:
        last, space = latex_width(lines[-1]), latex_width(tail)
        fits = room - last > space if apart else last - left + space + 2.0 <= room + 1.0
        if fits:
            lines[-1] += f" {tail}"
        else:
            lines[-1] += " ,"
            lines.append(rf"&{indent} \qquad {row.tail}")
    widths = [
        latex_width(line.replace("&", "")) + (left if line.startswith("&") and not apart else 0.0)
        for line in lines
    ]
    return lines, max(widths) + reserve


def _join_steps(
    notation: Notation, row: Row, tail: float, room: float
) -> tuple[Term | tuple[Piece, ...], ...]:
    """a = b = c as one step, if it fits in one line with its tail."""
    if len(row.steps) < 2:
        return row.steps
    steps = (s if isinstance(s, tuple) else notation.summands(s) for s in row.steps)
    joined = f" {row.relation} ".join(join_pieces(step, LATEX) for step in steps)
    return ((Piece(joined),),) if latex_width(joined) + tail <= room else row.steps
