r"""Terms as LaTeX mathematics (amsmath), set the way a careful author would.

Fractions in front, brackets that grow with what they hold, indices without needless commas:
`\frac{D}{2} \log(2 \pi e \sigma^{2})`, `\sum_{h=1}^{H} W_{dh} z_{h} + \mu_{d}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from symelbo.index.build import ONE
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
from symelbo.limits import KEPT_NAMES, KEPT_PIECES, KEPT_SET, KEPT_TEXTS
from symelbo.notation.arrange import (
    Applied,
    Chain,
    Determinant,
    Diagonal,
    Display,
    Function,
    Identity,
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
from symelbo.notation.break_lines import Joint, Piece, Style, enclose
from symelbo.notation.names import (
    escape_latex,
    latex_extent,
    latex_name,
    letter_of_symbol,
    name_array_indices,
    name_indices,
    set_letter,
    symbol_names,
)
from symelbo.values import dataclass, field, replace

__all__ = [
    "LATEX",
    "latex_array",
    "latex_summands",
    "latex_velocity",
    "latex_width",
    "print_latex",
]

_UNMARKED: Final[Mapping[str, str]] = {}
LINE_WIDTH: Final = 34.0  # em; a line of an 11pt article with 1in margins has 42.9
_SHORT_EXPONENT: Final = 6.0  # em as set; longer ones read better as exp(...)

_OPERATORS: Final = {
    "digamma": r"\psi",
    "erf": r"\operatorname{erf}",
    "exp": r"\exp",
    "loggamma": r"\log\Gamma",
    "sigmoid": r"\operatorname{sigmoid}",
    "tanh": r"\tanh",
}
_SIZES: Final = ("", "big", "Big", "bigg", "Bigg")


def print_latex(
    item: Term | IndexTerm | Array,
    *,
    avoid: Iterable[str] = (),
    marks: Mapping[str, str] = _UNMARKED,
) -> str:
    """A term, index or array as LaTeX; bound indices get letters, none of them in `avoid`.

    marks: name of a symbol -> a superscript for it, as the (n) of a data point.
    """
    return _print(item, frozenset(avoid), tuple(marks.items()))


@lru_cache(maxsize=KEPT_TEXTS)
def _print(
    item: Term | IndexTerm | Array, avoid: frozenset[str], marked: tuple[tuple[str, str], ...]
) -> str:
    marks = dict(marked)
    match item:
        case Array():
            return latex_array(item, avoid=avoid, marks=marks)
        case Index() | Offset() | Position():
            return _index(item)
    return _setter(item, marks).set(arrange(name_indices(item, avoid))).latex


def latex_array(
    array: Array, *, avoid: Iterable[str] = (), marks: Mapping[str, str] = _UNMARKED
) -> str:
    """An array in matrix notation where it is known, else as the family of its entries."""
    table = arrange_array(name_array_indices(array, avoid))
    return _setter(array, marks).table(table).latex


def latex_summands(
    term: Term,
    *,
    width: float = LINE_WIDTH,
    avoid: Iterable[str] = (),
    marks: Mapping[str, str] = _UNMARKED,
) -> list[Piece]:
    """The term as pieces for `break_lines`, one for each summand; one that is too wide is cut in
    its brackets, or has factors.
    """
    return _setter(term, marks).summands(arrange(name_indices(term, avoid)), width)


# -- width -----------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_SINGLE: Final = re.compile(r"\\[A-Za-z]+|[A-Za-z]'*|[0-9]")
_SCRIPT: Final = 0.72
_INVISIBLE: Final = re.compile(r"[{} ]|\\(big|Big|bigg|Bigg)[lr]|\\(math\w+|operatorname|text)")
_WIDE: Final = {
    r"\sum": 1.5,
    r"\log": 1.5,
    r"\exp": 1.7,
    r"\det": 1.6,
    r"\tanh": 2.4,
    r"\textbackslash": 0.6,
    r"\quad": 1.0,
    r"\,": 0.17,
    r"\;": 0.3,
    r"\dots": 1.3,
    "+": 1.25,
    "-": 1.25,
    "=": 1.35,
    "W": 1.0,
    "M": 1.0,
    "m": 0.9,
    "w": 0.75,
    "(": 0.45,
    ")": 0.45,
    "[": 0.4,
    "]": 0.4,
    "'": 0.3,
    ",": 0.45,
    "|": 0.3,
}


@lru_cache(maxsize=KEPT_PIECES)
def latex_width(latex: str) -> float:
    """A generous estimate of the width in em of display mathematics printed by this module."""
    return _width(_TOKEN.findall(latex))


def _width(tokens: list[str]) -> float:
    total = 0.0
    scripts = 0.0  # of the nucleus just read: sub- and superscript stand above each other
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token in ("_", "^"):
            inner, at = _group(tokens, at)
            wide = _SCRIPT * _width(inner)
            total += max(0.0, wide - scripts)
            scripts = max(scripts, wide)
            continue
        if token == "'":
            total += _WIDE[token]
            continue
        scripts = 0.0
        if token == r"\frac":
            above, at = _group(tokens, at)
            below, at = _group(tokens, at)
            total += max(_width(above), _width(below)) + 0.3
        elif token == r"\sqrt":
            inner, at = _group(tokens, at)
            total += _width(inner) + 0.9
        elif token == r"\sum":
            total += _WIDE[token]
            scripts = _WIDE[token]  # limits stand over and under the sign
        else:
            total += _width_of(token)
    return total


@lru_cache(maxsize=KEPT_NAMES)
def _width_of(token: str) -> float:
    return 0.0 if _INVISIBLE.fullmatch(token) else _WIDE.get(token, 0.65)


def _group(tokens: list[str], at: int) -> tuple[list[str], int]:
    """The tokens of the argument that starts at `at`, and where it ends."""
    if tokens[at] != "{":
        return [tokens[at]], at + 1
    depth, end = 1, at + 1
    while depth:
        if tokens[end] == "{":
            depth += 1
        elif tokens[end] == "}":
            depth -= 1
        end += 1
    return tokens[at + 1 : end - 1], end


_SIGNS: Final = {Joint.PLUS: "+ ", Joint.MINUS: "- ", Joint.TIMES: r"{}\cdot ", Joint.NEXT: ""}
LATEX: Final = Style(
    first={Joint.PLUS: "", Joint.MINUS: "-", Joint.TIMES: "", Joint.NEXT: ""},
    within=_SIGNS,
    # an empty group makes the leading sign of a continued line a binary operator
    continued={**_SIGNS, Joint.PLUS: "{}+ ", Joint.MINUS: "{}- "},
    width=latex_width,
)


# -- indices ---------------------------------------------------------------------------------------


def _index(index: IndexTerm) -> str:
    match index:
        case Index(name):
            return latex_name(name)
        case Offset(inner, by):
            return f"{latex_name(inner.name)}{by:+d}" if by else latex_name(inner.name)
        case Position(extent):
            return latex_extent(extent)
        case Entry(symbol, indices):
            return _entry(symbol.name, indices)


def _entry(name: str, indices: tuple[IndexTerm, ...]) -> str:
    return latex_name(name) + (f"_{{{_subscript('', indices)}}}" if indices else "")


def _is_single(index: IndexTerm) -> bool:
    """Whether the index is set as one letter or digit, so that no comma is needed."""
    return _SINGLE.fullmatch(_index(index)) is not None


def _subscript(first: str, indices: tuple[IndexTerm, ...]) -> str:
    """The list of `first` (a subscript of the name itself) and the indices."""
    shown = [*([first] if first else []), *map(_index, indices)]
    if not first and all(map(_is_single, indices)):
        # a blank ends a command such as \beta before the next letter
        return "".join(f"{part} " if part.startswith("\\") else part for part in shown).strip()
    return ",".join(shown)


def latex_velocity(entry: Entry) -> str:
    r"""An entry with a dot: w1[d] -> \dot{w}_{1,d}, sigma2[d] -> \dot{\sigma^{2}}_{d}"""
    letter = letter_of_symbol(entry.symbol)
    shown = _subscript(letter.subscript, entry.indices)
    dotted = rf"\dot{{{set_letter(replace(letter, subscript=''))}}}"
    return dotted + (f"_{{{shown}}}" if shown else "")


# -- displays --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """LaTeX with what brackets around it must know; sizes are places in _SIZES, -1 is none."""

    latex: str
    height: int = 0  # a bracket of this size covers it
    round: int = -1  # size of its outermost round brackets
    square: int = -1  # of its outermost square brackets
    opening: tuple[str, Total, str] | None = None  # head, a sum in brackets at the end, end


def _bracket(piece: _Piece, kind: str = "") -> _Piece:
    """( ) and [ ] alternate from inside out; `kind` forces a pair such as "()" or "||".

    A pair directly within one of its own kind is the smaller one.
    """
    pair = kind or ("[]" if piece.round >= 0 else "()")
    inside = {"()": piece.round, "[]": piece.square}.get(pair, -1)
    nested = 1 if max(piece.round, piece.square) >= 0 else 0
    size = min(max(piece.height, inside + 1, nested), len(_SIZES) - 1)
    left, right = (rf"\{_SIZES[size]}l", rf"\{_SIZES[size]}r") if size else ("", "")
    latex = left + pair[0] + piece.latex + right + pair[1]
    return _Piece(latex, size, size if pair == "()" else -1, size if pair == "[]" else -1)


def _open(bracketed: _Piece, inner: _Piece, total: Total) -> _Piece:
    """A sum in its brackets, which may be opened there to break a line."""
    head, _, end = bracketed.latex.partition(inner.latex)
    return replace(bracketed, opening=(head, total, end))


def _before(text: str, piece: _Piece) -> _Piece:
    """A piece behind a sign or the like."""
    if not text:
        return piece
    opening = piece.opening
    if opening is not None:
        opening = (text + opening[0], *opening[1:])
    return replace(piece, latex=text + piece.latex, opening=opening)


def _join(pieces: Iterable[_Piece], separator: str = " ") -> _Piece:
    """Pieces side by side."""
    listed = list(pieces)
    opening = None
    if listed and listed[-1].opening is not None:
        head, inner, end = listed[-1].opening
        before = "".join(piece.latex + separator for piece in listed[:-1])
        opening = (before + head, inner, end)
    return _Piece(
        separator.join(piece.latex for piece in listed),
        max((piece.height for piece in listed), default=0),
        max((piece.round for piece in listed), default=-1),
        max((piece.square for piece in listed), default=-1),
        opening,
    )


def _setter(item: Term | IndexTerm | Array, marks: Mapping[str, str]) -> _Setter:
    # a symbol of the name e forces Euler's number to be set upright
    return _Setter(r"\mathrm{e}" if "e" in symbol_names(item) else "e", marks=marks)


@dataclass(frozen=True, slots=True)
class _Setter:
    """Sets displays; `inline` where no fraction or limit may be stacked (in exponents)."""

    euler: str
    inline: bool = False
    small: bool = False  # within a fraction, where fractions and sums are smaller
    marks: Mapping[str, str] = field(default_factory=dict)  # superscripts that belong to names

    def set(self, display: Display) -> _Piece:
        """The piece of a display; what is shared is set once."""
        if type(display) in _LONG:
            return _set_once(
                Shared(display), self.euler, self.inline, self.small, *self.marks.items()
            )
        return self._set(display)

    def _set(self, display: Display) -> _Piece:
        """The piece of a display, of its parts."""
        match display:
            case Number(value):
                return _Piece(str(value))
            case Constant(name):
                return _Piece({"pi": r"\pi", "e": self.euler}.get(name, latex_name(name)))
            case Size(name):
                return _Piece(latex_name(name))
            case IndexValue(index):
                return _Piece(_index(index))
            case Entry():
                return self._entry(display, ONE)
            case Delta(left, right):
                return _Piece(rf"\delta_{{{_subscript('', (left, right))}}}")
            case Total(terms):
                return self._total(terms)
            case Product():
                return self._product(display)
            case Raised(base, exponent):
                return self._raised(base, exponent)
            case Root(Entry(symbol) as entry) if letter_of_symbol(symbol).power == 2:
                return self._entry(entry, Number(ONE.value / 2))
            case Root(radicand):
                inner = self.set(radicand)
                return replace(inner, latex=rf"\sqrt{{{inner.latex}}}", opening=None)
            case Function(name, arguments):
                return self._function(name, arguments)
            case Summation(indices, body):
                return self._summation(indices, body)
            case Applied():
                return self._applied(display)
            case Inverted(matrix, row, column):
                return self._inverted(matrix, (row, column))
            case Determinant(matrix):
                return self._operator(r"\log\det", self.table(matrix), _is_single_array(matrix))
        return self._form(display)

    # sums and products

    def _total(self, terms: tuple[Display, ...]) -> _Piece:
        return _join([self._signed(term, first=not place) for place, term in enumerate(terms)])

    def _signed(self, term: Display, *, first: bool) -> _Piece:
        signs = LATEX.first if first else LATEX.within
        if isinstance(term, Product) and term.negative:
            return _before(signs[Joint.MINUS], self._unsigned(term))
        return _before(signs[Joint.PLUS], self.set(term))

    def _product(self, product: Product) -> _Piece:
        return _before("-" if product.negative else "", self._unsigned(product))

    def _unsigned(self, product: Product) -> _Piece:
        """A product without its sign, but with the brackets that the sign asks for."""
        if self.inline and product.below:
            above = self._factors(product.above + product.after or (ONE,))
            below = self._factors(product.below)
            if len(product.below) > 1:
                below = _bracket(below)
            return replace(_join([above, below], "/"), opening=None)
        parts = [self._fraction(product)] if product.below else []
        factors = product.after if product.below else product.above + product.after
        if factors:
            # behind a fraction even a sole factor needs its brackets, as it does behind a sign
            alone = not parts and not product.negative
            parts.append(self._factors(factors, alone=alone))
        return _join(parts)

    def _fraction(self, product: Product) -> _Piece:
        inner = replace(self, small=True)
        above = inner._factors(product.above or (ONE,), alone=len(product.above) == 1)
        below = inner._factors(product.below, alone=len(product.below) == 1)
        grown = 1 if max(above.height, below.height) else 0
        latex = rf"\frac{{{above.latex}}}{{{below.latex}}}"
        height = (1 if self.small else 2) + grown
        return replace(_join([above, below]), latex=latex, height=height, opening=None)

    def _factors(self, factors: tuple[Display, ...], *, alone: bool = False) -> _Piece:
        """Factors side by side; `alone` if the only one needs no brackets for its place."""
        separated = self._separated(factors, alone=alone)
        return _join([_before(separator, piece) for separator, piece in separated])

    def _separated(
        self, factors: tuple[Display, ...], *, alone: bool = False
    ) -> list[tuple[str, _Piece]]:
        """Factors, each with what stands before it: a dot, a thin space or nothing."""
        found: list[tuple[str, _Piece]] = []
        for place, factor in enumerate(factors):
            last = place == len(factors) - 1
            piece = self._factor(factor, last=last, alone=alone and len(factors) == 1)
            separator = ""
            if found and piece.latex[0].isdigit():
                separator = r"\cdot "
            elif found and any(r"\mathit" in part.latex for part in (found[-1][1], piece)):
                # words run into each other without a thin space
                separator = r"\, "
            found.append((separator, piece))
        return found

    def _factor(self, factor: Display, *, last: bool, alone: bool) -> _Piece:
        match factor:
            case Total() if not alone:
                inner = self.set(factor)
                return _open(_bracket(inner), inner, factor)
            case Product() if not alone:
                return _bracket(self.set(factor))
            case Summation() | Function("log" | "loggamma" | "softplus") | Determinant():
                piece = self.set(factor)
                return piece if last else _bracket(piece)
        return self.set(factor)

    def _summation(self, indices: tuple[Index, ...], body: Display) -> _Piece:
        inner = self.set(body)
        if isinstance(body, Total):
            inner = _open(_bracket(inner), inner, body)
        height = max(inner.height, 1 if self.small else 2)
        return replace(_before(f"{_sum_signs(indices)} ", inner), height=height)

    def summands(self, display: Display, width: float) -> list[Piece]:
        """The display as pieces, one for each summand; see `latex_summands`."""
        terms = display.terms if isinstance(display, Total) else (display,)
        found: list[Piece] = []
        for term in terms:
            joint, shown = Joint.PLUS, None
            if isinstance(term, Product) and term.negative:
                joint, shown = Joint.MINUS, self._unsigned(term)
            shown = shown or self.set(term)
            sign = (LATEX.within if found else LATEX.first)[joint]
            if latex_width(sign + shown.latex) <= width:
                found.append(Piece(shown.latex, joint))
            elif shown.opening is not None:
                head, inner, end = shown.opening
                parts = self.summands(inner, width - latex_width(end))
                found += enclose(head, parts, end, joint, LATEX)
            else:
                found.append(Piece(shown.latex, joint, factors=tuple(self._cut(term))))
        return found

    def _cut(self, term: Display) -> list[str]:
        """The factors between which a dot or a thin space stands."""
        match term:
            case Product():
                fraction = [self._fraction(term).latex] if term.below else []
                factors = term.after if term.below else term.above + term.after
                alone = not term.below and not term.negative
                texts = fraction
                for separator, piece in self._separated(factors, alone=alone):
                    if texts and not separator:
                        texts[-1] += " " + piece.latex
                    else:
                        texts.append(piece.latex)
                return texts
            case Summation(indices, body) if not isinstance(body, Total):
                first, *rest = self._cut(body)
                return [f"{_sum_signs(indices)} {first}", *rest]
        return [self.set(term).latex]

    # powers and functions

    def _entry(self, entry: Entry | Whole, exponent: Number) -> _Piece:
        """An indexed symbol to a rational power; sigma2 is the square of its letter."""
        letter = letter_of_symbol(entry.symbol)
        power = letter.power * exponent.value
        mark = self.marks.get(entry.symbol.name)
        if mark is not None and power != 1 != exponent.value and isinstance(entry, Entry):
            root = replace(entry.symbol, name=entry.symbol.name.removesuffix("2"))
            base = entry if letter.power == 1 else replace(entry, symbol=root)
            marks = {base.symbol.name: mark}
            bracketed = _bracket(replace(self, marks=marks)._entry(base, ONE), "()")
            return replace(bracketed, latex=f"{bracketed.latex}^{{{power}}}")
        superscript = [str(power)] if power != 1 else []
        joint = " " if mark is None else r" \, "
        if mark is not None:
            superscript.insert(0, mark)
        if isinstance(entry, Whole) and entry.transposed:
            superscript.append(r"\top")
        latex = letter.glyph + (f"^{{{joint.join(superscript)}}}" if superscript else "")
        if letter.subscript or entry.indices:
            latex += f"_{{{_subscript(letter.subscript, entry.indices)}}}"
        return _Piece(latex)

    def _raised(self, base: Display, exponent: Display) -> _Piece:
        if isinstance(base, Entry) and isinstance(exponent, Number):
            return self._entry(base, exponent)
        shown = self.set(base)
        match base:
            case Number() | Constant() | Size() | Root():
                pass
            case Entry(symbol) if letter_of_symbol(symbol).power == 1:
                pass
            case Delta() | Applied() | Inverted():
                pass
            case Function("sigmoid" | "digamma" | "erf" | "tanh" | "abs"):
                pass
            case _:
                shown = _bracket(shown)
        script = replace(self, inline=True).set(exponent)
        return replace(shown, latex=f"{shown.latex}^{{{script.latex}}}", opening=None)

    def _function(self, name: str, arguments: tuple[Display, ...]) -> _Piece:
        match name, arguments:
            case "exp", (argument,):
                script = replace(self, inline=True).set(argument)
                if script.height == 0 and _SCRIPT * latex_width(script.latex) <= _SHORT_EXPONENT:
                    return _Piece(f"{self.euler}^{{{script.latex}}}")
            case "log", (argument,):
                bare = _needs_no_bracket(argument, self.inline)
                return self._operator(r"\log", self.set(argument), bare)
            case "softplus", (argument,):
                return self.set(Function("log", (Total((ONE, Function("exp", (argument,)))),)))
            case "loggamma", (Total((Entry(symbol) as count, Number(value))),) if (
                value == 1 and symbol.domain.is_integer
            ):
                return _Piece(rf"\log {self._entry(count, ONE).latex}!")
            case "abs", (argument,):
                return _bracket(self.set(argument), "||")
            case "polygamma", (Number(order), argument):
                mark = {0: "", 1: "'", 2: "''"}.get(int(order), f"^{{({order})}}")
                return self._operator(rf"\psi{mark}", self.set(argument))
        shown = _join([self.set(argument) for argument in arguments], ", ")
        return self._operator(_operator_name(name), shown)

    def _operator(self, operator: str, argument: _Piece, bare: bool = False) -> _Piece:
        if bare:
            blank = "" if argument.latex.startswith("\\") else " "
            return replace(argument, latex=operator + blank + argument.latex, opening=None)
        bracketed = _bracket(argument, "()")
        return replace(bracketed, latex=operator + bracketed.latex)

    # arrays

    def table(self, table: Table) -> _Piece:
        """An array: in matrix notation, or the family of its entries over their ranges."""
        if table.form is not None:
            return self.set(table.form)
        body = self.set(table.body)
        if not table.indices:
            return body
        bracketed = _bracket(body, "()")
        return replace(bracketed, latex=bracketed.latex + _ranges(table.indices))

    def _form(self, form: Display) -> _Piece:
        match form:
            case Whole():
                return self._entry(form, ONE)
            case Identity():
                return _Piece("I")
            case Diagonal(vector, exponent):
                shown = self._entry(vector, Number(exponent))
                return self._operator(r"\operatorname{diag}", shown)
            case Chain(factors):
                return _join(map(self._form, factors))
        raise TypeError(f"no LaTeX for {form!r}")

    def _inverted(self, matrix: Table, place: tuple[IndexTerm, IndexTerm]) -> _Piece:
        match matrix.form:
            case Whole(symbol, indices, False):
                name = Entry(symbol, indices)
                inner = _Piece(self._entry(name, Number(-ONE.value)).latex)
            case None:
                names = _subscript("", matrix.indices)
                body = _bracket(self.set(matrix.body), "()")
                inner = replace(body, latex=rf"{body.latex}_{{{names}}}^{{-1}}")
            case form:
                body = _bracket(self.set(form), "()")
                inner = replace(body, latex=rf"{body.latex}^{{-1}}")
        outer = _bracket(inner)
        return replace(outer, latex=rf"{outer.latex}_{{{_subscript('', place)}}}")

    def _applied(self, applied: Applied) -> _Piece:
        partials = "".join(
            rf"\partial_{{{self._slot(applied.arguments[slot], slot, where)}}}"
            for slot, where in applied.derivatives
        )
        function = self._entry(Entry(applied.function, applied.indices), ONE)
        shown = _join([self.table(table) for table in applied.arguments], ", ")
        call = self._operator(function.latex, shown)
        return replace(call, latex=f"{partials} {call.latex}" if partials else call.latex)

    def _slot(self, table: Table, slot: int, where: tuple[IndexTerm, ...]) -> str:
        """What is differentiated by: the entry of a named argument, else its place, from 1."""
        match table:
            case Table(form=Whole(symbol, indices, False)):
                return self._entry(Entry(symbol, indices + where), ONE).latex
            case Table(indices=(), body=Entry() as entry):
                return self._entry(entry, ONE).latex
        return _subscript(str(slot + 1), where)


_LONG: Final = frozenset({Total, Summation, Function, Raised, Root, Applied})


@lru_cache(maxsize=KEPT_SET)
def _set_once(
    shared: Shared, euler: str, inline: bool, small: bool, *marks: tuple[str, str]
) -> _Piece:
    return _Setter(euler, inline, small, dict(marks))._set(shared.display)


def _sum_signs(indices: tuple[Index, ...]) -> str:
    return "".join(
        rf"\sum_{{{latex_name(i.name)}={i.low}}}^{{{latex_extent(i.extent)}}}" for i in indices
    )


def _is_single_array(table: Table) -> bool:
    """Whether the array is printed as one symbol, or brings its own brackets."""
    match table.form:
        case Whole(transposed=transposed):
            return not transposed
        case None:
            return True
    return False


def _needs_no_bracket(argument: Display, inline: bool) -> bool:
    """log x, log pi_h, log of one stacked fraction; anything longer is bracketed."""
    match argument:
        case Number() | Constant() | Size() | Entry() | Delta() | Applied():
            return True
        case Function("sigmoid" | "abs"):
            return True
        case Product(False, _, (_, *_), ()):
            return not inline
    return False


def _operator_name(name: str) -> str:
    return _OPERATORS.get(name, rf"\operatorname{{{escape_latex(name)}}}")


def _ranges(indices: tuple[Index, ...]) -> str:
    """_{d=1}^{D}; indices of one range share it: _{h,k=1}^{H}; else d <= D, h <= H."""
    first = indices[0]
    if all((i.low, i.extent) == (first.low, first.extent) for i in indices):
        names = ",".join(latex_name(i.name) for i in indices)
        return f"_{{{names}={first.low}}}^{{{latex_extent(first.extent)}}}"
    bounds = (rf"{latex_name(i.name)} \le {latex_extent(i.extent)}" for i in indices)
    return f"_{{{', '.join(bounds)}}}"
