r"""One factor as the document shows it: every formula from a term of the derivation."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.derivation import Derivation
from symelbo.answer.worked import (
    Abbreviations,
    Centred,
    Product,
    WorkedForm,
    WorkedIdentity,
    WorkedJacobian,
    visible,
)
from symelbo.criterion.factor import is_parent
from symelbo.entropy.summand import Summand
from symelbo.expfam.form import Block
from symelbo.index.build import ZERO, add, negate
from symelbo.index.substitute import symbols_of, walk_parts
from symelbo.index.terms import (
    Add,
    Array,
    Entry,
    Index,
    Role,
    Symbol,
    sort_key,
)
from symelbo.model.model import Model, Statement
from symelbo.model.quantities import Definition, explain_names, left_side
from symelbo.notation.arrange import arrange, leads_with_minus
from symelbo.notation.break_lines import Joint, Piece, enclose
from symelbo.notation.names import escape_latex, latex_extent, latex_symbol
from symelbo.notation.print_latex import LATEX, latex_width
from symelbo.page.document_notation import LINE, Notation, Row, ranges, sum_signs
from symelbo.values import dataclass, replace
from symelbo.words import join_words

__all__ = ["FactorPart", "make_factor_part", "process_row"]


@dataclass(frozen=True, slots=True)
class FactorPart:
    """The formulas of one factor, ready for the templates."""

    number: int
    label: str  # as the derivation names the factor
    symbol: str  # z or z_{t}: names the factor's part of the ELBO
    entry: str  # z_{h}
    density: str  # p(x_d | z)
    joint: str  # p(x | z)
    signs: str  # sum_d, over the plates
    family: str
    observed: bool
    holds: bool
    summed: bool  # its entropy is a term of the sum
    abbreviations: str = ""  # display, "" if there are none
    logarithm: str = ""  # display: log p
    speeds: str = ""  # display: d/ds of the arguments, "" if none moves
    change: str = ""  # display: d/ds log p
    identity: str = ""  # display: log p - d/ds log p = b - H~ + d
    based: bool = False  # whether b is not constant
    form: str = ""  # display: eta, T, A, h, means
    form_abbreviations: str = ""
    conditional: str = ""  # what T depends on, in words
    dropped: bool = False  # a statistic whose natural parameter vanishes identically
    symmetric: bool = False
    jacobian: str = ""
    check: str = ""
    tangent: tuple[str, ...] = ()
    centred: str = ""


def entry_of(statement: Statement) -> Entry:
    """The node at one point of its plates; events are left out."""
    node = statement.node
    bare = Symbol(node.name, node.role, node.domain, node.shape[: len(statement.places)])
    return Entry(bare, statement.places)


def parents_of(notation: Notation, statement: Statement) -> list[str]:
    """The parents in a density: z_t where only z[t,k] is read for all k, else the whole array."""
    found: dict[str, set[Entry]] = {}
    for _, array in statement.arguments:
        for part in walk_parts(array):
            if isinstance(part, Entry) and is_parent(part.symbol):
                found.setdefault(part.symbol.name, set()).add(_leading(part, statement))
    shown: list[str] = []
    for name, entries in sorted(found.items()):
        if len(entries) == 1 or name == statement.node.name:  # earlier places of the same node
            shown += [notation.term(entry) for entry in sorted(entries, key=sort_key)]
        else:
            shown.append(latex_symbol(next(iter(entries)).symbol))
    return shown


def _leading(entry: Entry, statement: Statement) -> Entry:
    """z[t-1,j] -> z[t-1]: without the places that a sum runs over, and all after them."""
    bound = [{i for i in walk_parts(p) if isinstance(i, Index)} for p in entry.indices]
    open_ = [n for n, indices in enumerate(bound) if indices - set(statement.plates)]
    count = open_[0] if open_ else len(entry.indices)
    symbol = entry.symbol
    short = Symbol(symbol.name, symbol.role, symbol.domain, symbol.shape[:count])
    return Entry(short, entry.indices[:count])


def joint_symbol(notation: Notation, statement: Statement) -> str:
    """z_{2:T} for z[t,k], t = 2..T, k = 1..K: all that one of several statements is about."""
    shown = []
    for place, axis in zip(statement.places, statement.node.shape, strict=False):
        if not isinstance(place, Index):
            shown.append(notation.term(place))
        elif place.low == 1 and place.extent == axis:
            shown.append("")
        else:
            shown.append(f"{place.low}:{latex_extent(place.extent)}")
    while shown and not shown[-1]:
        shown.pop()
    subscript = ",".join(text or ":" for text in shown)
    return latex_symbol(statement.node) + (f"_{{{subscript}}}" if subscript else "")


def parent_symbols(statement: Statement) -> list[Symbol]:
    """The nodes and inputs that a statement's arguments mention, by name."""
    symbols = (symbols_of(array) for _, array in statement.arguments)
    return sorted((s for s in frozenset().union(*symbols) if is_parent(s)), key=lambda s: s.name)


def process_row(notation: Notation, item: Statement | Definition, *, marked: bool = False) -> Row:
    """x[d] ~ Family(arguments), d = 1..D, or a[d] = formula, d = 1..D.

    marked: data carry the superscript of their point.
    """
    if isinstance(item, tuple):
        return _definition_row(notation, *item, marked=marked)
    statement = item
    positional = statement.family.forms[0] == statement.form
    pieces: list[Piece] = []  # a long line breaks between them
    for name, array in statement.arguments:
        label = "" if positional else rf"\mathrm{{{escape_latex(name)}}} = "
        if array.indices:
            whole = notation.marked(array) if marked else notation.array(array)
            shown = [Piece(whole)]
        else:
            shown = notation.summands(array.body, marked=marked)
        if pieces:
            pieces[-1] = replace(pieces[-1], text=pieces[-1].text + r",\,")
        pieces += enclose(label, shown, "", Joint.NEXT, LATEX)
    tall = any(sign in piece.text for piece in pieces for sign in (r"\sum", r"\frac", r"\Bigl"))
    left, right = (r"\Bigl(", r"\Bigr)") if tall else ("(", ")")
    family = rf"\mathrm{{{escape_latex(statement.family.name)}}}"
    pieces = enclose(f"{family}{left}", pieces, right, Joint.PLUS, LATEX)
    tail = ranges(statement.plates) if statement.plates else ""
    return Row(notation.term(entry_of(statement)), (tuple(pieces),), tail, relation=r"\sim")


def _definition_row(notation: Notation, symbol: Symbol, array: Array, *, marked: bool) -> Row:
    """a[d] = formula, d = 1..D."""
    entry = left_side(symbol, array)
    free = [index for index in array.indices if index in entry.indices]
    left = notation.marked(entry) if marked else notation.term(entry)
    return Row(left, (tuple(notation.summands(array.body, marked=marked)),), ranges(free))


def _superscripts(count: int) -> list[str]:
    return [f"^{{({n})}}" for n in range(1, count + 1)] if count > 1 else [""] * count


def make_factor_part(
    notation: Notation, derivation: Derivation, number: int, entropy: Summand | None
) -> FactorPart:
    """Everything the document says of one factor."""
    result = derivation.factors[number]
    statement = derivation.model.statements[number]
    entry = notation.term(entry_of(statement))
    parents = parents_of(notation, statement)
    given = r" \mid " + ", ".join(parents) if parents else ""
    density = f"{notation['p']}({entry}{given})"
    same = [s for s in derivation.model.statements if s.node == statement.node]
    arrays: dict[str, None] = {}
    for parent in parent_symbols(statement):
        own = [s for s in same if s != statement] if parent == statement.node else []
        arrays |= dict.fromkeys(joint_symbol(notation, s) for s in own)
        if not own:
            arrays[latex_symbol(parent)] = None
    whole = r" \mid " + ", ".join(arrays) if arrays else ""
    symbol = latex_symbol(statement.node) if len(same) == 1 else joint_symbol(notation, statement)
    common = FactorPart(
        number=number,
        label=result.node,
        symbol=symbol,
        entry=entry,
        density=density,
        joint=f"{notation['p']}({symbol}{whole})",
        signs=(sum_signs(statement.plates) + " " if statement.plates else ""),
        family=escape_latex(statement.family.name),
        observed=statement.node.role is Role.OBSERVED,
        holds=result.identity is not None,
        summed=entropy is not None,
    )
    printer = _Printer(derivation.model, notation, common)
    worked = derivation.worked.factors[number]
    part = common
    if worked.form is not None:
        part = printer.with_form(part, worked.form)
    return part if worked.identity is None else printer.with_identity(part, worked.identity)


@dataclass(frozen=True, slots=True)
class _Printer:
    model: Model
    notation: Notation
    common: FactorPart

    # -- the identity (U)

    def with_identity(self, part: FactorPart, worked: WorkedIdentity) -> FactorPart:
        p = rf"\log {self.common.density}"
        along = self.along(p)
        speeds = [
            Row(self.along(self.notation.term(argument)), (speed,))
            for argument, speed in worked.speeds
        ]
        return replace(
            part,
            abbreviations=self.abbreviations(worked.abbreviations),
            logarithm=self.notation.display([Row(p, (worked.logarithm,))], "."),
            speeds=self.notation.display(speeds, ",") if speeds else "",
            change=self.notation.display([Row(along, (worked.change,))], "."),
            identity=self.notation.display([self.identity_row(p, along, worked)], "."),
            based=worked.base != ZERO,
        )

    def abbreviations(self, chosen: Abbreviations) -> str:
        """What stands for what, apart from the quantities that the model defines."""
        pairs = explain_names(self.model, chosen)
        defined = {symbol.name for symbol, _ in self.model.formulas}
        return self.notation.abbreviations([p for p in pairs if p[0].name not in defined], ",")

    def along(self, shown: str) -> str:
        d = self.notation["d"]
        return rf"\frac{{{d}}}{{{d}{self.notation['s']}}} {shown}"

    def identity_row(self, p: str, along: str, worked: WorkedIdentity) -> Row:
        """log p - d/ds log p = b - H~ + d, with what these are."""
        pieces: list[Piece] = []
        if worked.base != ZERO:
            pieces += self.notation.summands(worked.base)
        known = worked.entropy
        shown = self.notation.wrapped(known)
        negative = not pieces and leads_with_minus(arrange(known))
        if isinstance(known, Add) and (negative or latex_width(shown) > LINE / 2):
            pieces += self.notation.summands(add(*map(negate, known.terms)))
        elif known != ZERO:
            pieces.append(Piece(shown, Joint.MINUS))
        if worked.divergence != ZERO:
            pieces += self.notation.summands(worked.divergence)
        return Row(f"{p} - {along}", (tuple(pieces) or (Piece("0"),),))

    # -- the exponential-family form

    def eta(self, block: Block, mark: str) -> str:
        base = f"{self.notation['eta']}{mark}_{{{self.common.entry}}}"
        return self.indexed(base, block)

    def statistic(self, block: Block, mark: str) -> str:
        return self.indexed(f"{self.notation['T']}{mark}_{{{self.common.entry}}}", block)

    def indexed(self, base: str, block: Block) -> str:
        if not block.indices:
            return base
        return rf"\bigl({base}\bigr)_{{{''.join(self.notation.term(i) for i in block.indices)}}}"

    def visible(self, blocks: Sequence[Block]) -> list[tuple[int, str, Block]]:
        """The blocks that are shown, with their marks."""
        kept = visible(blocks)
        marks = _superscripts(len(kept))
        return [(n, mark, blocks[n]) for mark, n in zip(marks, kept, strict=True)]

    def with_form(self, part: FactorPart, worked: WorkedForm) -> FactorPart:
        held = [rf"\emph{{{escape_latex(a.name.replace('_', ' '))}}}" for a in worked.form.held]
        empty = [block.natural == ZERO for block in worked.form.blocks]
        part = replace(
            part,
            form=self.form(worked),
            form_abbreviations=self.abbreviations(worked.abbreviations),
            conditional=join_words(held),
            dropped=any(empty) and not all(empty),
            symmetric=any(b.symmetric for b in worked.form.blocks),
        )
        if worked.jacobian is None:
            return part
        return self.with_jacobian(part, worked.blocks, worked.jacobian)

    def form(self, worked: WorkedForm) -> str:
        notation = self.notation
        rows = []
        for _, mark, block in self.visible(worked.blocks):
            shown = f"{self.statistic(block, mark)} = {notation.term(block.statistic)}"
            span = ranges(block.indices)
            tail = rf"{shown},\qquad {span}" if span else shown
            rows.append(Row(self.eta(block, mark), (block.natural,), tail))
        rows.append(Row(f"{notation['A']}_{{{self.common.entry}}}", (worked.log_partition,)))
        base = f"{notation['h']}_{{{self.common.entry}}}"
        if worked.form.log_base == ZERO:
            rows.append(Row(base, ((Piece("1"),),)))
        else:
            rows.append(Row(rf"\log {base}", (worked.log_base,)))
        return notation.display(rows, ".")

    def with_jacobian(
        self, part: FactorPart, blocks: Sequence[Block], worked: WorkedJacobian
    ) -> FactorPart:
        """The derivatives of eta by the parameters that move, and their sum along the motion."""
        etas = {n: self.eta(block, mark) for n, mark, block in self.visible(blocks)}
        entries = [
            Row(self.partial(etas[e.block], Entry(e.parameter, e.indices)), (e.term,))
            for e in worked.entries
        ]
        products = [self.product(etas[p.block], p) for p in worked.products]
        tangent = (
            f"{sum_signs([v.indices[-1]])} {self.along(self.notation.term(v.entry))} = 0"
            for v in worked.tangent
        )
        return replace(
            part,
            jacobian=self.notation.display(entries, ","),
            check=self.notation.display(products, ".") if products else "",
            tangent=tuple(tangent),
            centred="" if worked.centred is None else self.centred(worked.centred, blocks),
        )

    def partial(self, function: str, variable: Entry) -> str:
        return rf"\frac{{\partial {function}}}{{\partial {self.notation.term(variable)}}}"

    def product(self, eta: str, product: Product) -> Row:
        """One line of J beta."""
        notation = self.notation
        pieces = []
        for free, slope, velocity in product.summands:
            signs = sum_signs(free) + " " if free else ""
            factors = signs + notation.wrapped(slope), notation.wrapped(velocity)
            pieces.append(Piece(r" \cdot ".join(factors), factors=factors))
        d, theta = notation["d"], notation["theta"]
        speed = rf"\frac{{{d} {theta}}}{{{d}{notation['s']}}}"
        left = rf"\sum_{{{theta}}} \frac{{\partial {eta}}}{{\partial {theta}}}\, {speed}"
        result = (Piece(eta),) if product.result is None else product.result
        return Row(left, (tuple(pieces), result))

    def centred(self, worked: Centred, blocks: Sequence[Block]) -> str:
        """alpha_i = pi_i (zeta_i - sum_c pi_c zeta_c), which was shown."""
        ((_, mark, block),) = self.visible(blocks)
        notation, i, j = self.notation, worked.index, worked.other
        pi_i, pi_j = (notation.term(Entry(worked.symbol, (k,))) for k in (i, j))
        at_i, at_j = (self.eta(replace(block, indices=(k,)), mark) for k in (i, j))
        shown = rf"{pi_i} \Bigl[{at_i} - {sum_signs([j])} {pi_j}\, {at_j}\Bigr]"
        speed = self.along(pi_i)
        return notation.display([Row(speed, ((Piece(shown),),), ranges([i]))], ".")
