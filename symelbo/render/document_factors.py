r"""One factor as the document shows it: every formula from a term of the derivation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symelbo.criterion.factor import Factor, is_parent
from symelbo.criterion.result import Solution
from symelbo.derivation import Derivation, FactorEntropy, FactorResult
from symelbo.expfam.derive_radial import derive_means
from symelbo.expfam.form import Block, Gauge
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_along, derivative_by
from symelbo.index.normal import is_zero, normal
from symelbo.index.substitute import count_subterms, instantiate, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Extent, Index, Role, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.render.document_notation import (
    Notation,
    Row,
    join_words,
    ranges,
    sum_signs,
)
from symelbo.render.names import escape_latex, latex_symbol, name_array_indices, subterms
from symelbo.spec.model import Statement

__all__ = ["FactorPart", "Motion", "make_factor_part", "motions_of", "process_row"]

_SHORT = 3  # an argument of more parts than this is abbreviated
_NAMES = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}


@dataclass(frozen=True, slots=True)
class Motion:
    """One parameter that a field moves: its entry, and the velocity of this entry."""

    symbol: Symbol
    indices: tuple[Index, ...]
    velocity: Term

    @property
    def entry(self) -> Entry:
        """theta[indices]"""
        return Entry(self.symbol, self.indices)


def motions_of(
    notation: Notation, field: Mapping[Symbol, Array], avoid: Sequence[Index] = ()
) -> list[Motion]:
    """The field, with letters for the indices of its parameters."""
    motions = []
    for symbol, array in field.items():
        reserved = ["n", "q", "s", "p", *notation.taken, *(i.name for i in avoid)]
        named = name_array_indices(array, reserved)
        motions.append(Motion(symbol, named.indices, tidy(named.body)))
    return motions


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
    form: str = ""  # display: eta, T, A, h, means
    abbreviations: str = ""  # display, "" if there are none
    conditional: str = ""  # what is held fixed, in words
    dropped: bool = False  # a statistic whose natural parameter vanishes identically
    symmetric: bool = False
    gauge: str = ""
    rejected: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    nonzero: tuple[str, ...] = ()
    jacobian: str = ""
    check: str = ""
    tangent: tuple[str, ...] = ()
    centred: str = ""
    entropy: str = ""


@dataclass(frozen=True, slots=True)
class _Short:
    """A factor whose long arguments are abbreviated by symbols."""

    factor: Factor
    mapping: Mapping[Symbol, Array]
    chosen: tuple[tuple[Symbol, Array], ...]  # the abbreviations

    def put(self, term: Term) -> Term:
        return tidy(normal(replace_symbols(term, self.mapping)))

    def blocks(self) -> list[Block]:
        """The blocks with abbreviated arguments, a shift of the base measure taken off."""
        pairs = zip(self.factor.form.blocks, self.factor.shifts, strict=True)
        return [
            Block(
                block.indices,
                tidy(normal(subtract(replace_symbols(block.natural, self.mapping), shift))),
                self.put(block.statistic),
                block.symmetric,
            )
            for block, shift in pairs
        ]


def shorten(
    notation: Notation,
    factor: Factor,
    entropy: FactorEntropy | None,
    keep: frozenset[Symbol] = frozenset(),
) -> _Short:
    """Abbreviate the long arguments of a factor that none of the symbols in `keep` enters."""
    statement = factor.statement
    known = dict(entropy.abbreviations) if entropy is not None else {}
    mapping: dict[Symbol, Array] = {}
    chosen: list[tuple[Symbol, Array]] = []
    taken = set(notation.taken) | {s.name for s in known}
    for argument, array in factor.arguments().items():
        if count_subterms(array.body) <= _SHORT or symbols_of(array) & keep:
            mapping[argument] = array
            continue
        places = (*factor.plates, *array.indices)
        meaning = Array(places, array.body)
        symbol = next((s for s, a in known.items() if a == meaning), None)
        if symbol is None:
            name = _NAMES.get(argument.name, argument.name[0])
            while name in taken:
                name = f"{name[0]}_{factor.name}" if "_" not in name else f"{name}x"
            symbol = Symbol(name, Role.ARGUMENT, argument.domain, tuple(i.extent for i in places))
        taken.add(symbol.name)
        mapping[argument] = Array(array.indices, Entry(symbol, places))
        chosen.append((symbol, meaning))
    value = factor.form.density.value
    events = tuple(Index(f"v{n}", extent) for n, extent in enumerate(value.shape))
    mapping[value] = Array(events, Entry(statement.node, (*statement.places, *events)))
    return _Short(factor, mapping, tuple(chosen))


def entry_of(statement: Statement) -> Entry:
    """The node at one point of its plates; events are left out."""
    node = statement.node
    bare = Symbol(node.name, node.role, node.domain, node.shape[: len(statement.places)])
    return Entry(bare, statement.places)


def parents_of(notation: Notation, statement: Statement) -> list[str]:
    """The parents in a density: an entry where only one is read, else the whole array."""
    found: dict[str, set[Entry]] = {}
    whole: set[str] = set()
    symbols: dict[str, Symbol] = {}
    for _, array in statement.arguments:
        for part in subterms(array):
            if isinstance(part, Entry) and is_parent(part.symbol):
                symbols[part.symbol.name] = part.symbol
                found.setdefault(part.symbol.name, set()).add(part)
                used = {i for i in subterms(part) if isinstance(i, Index)}
                if used - set(statement.plates):
                    whole.add(part.symbol.name)
    shown = []
    for name in sorted(found):
        if name in whole or len(found[name]) > 1:
            shown.append(latex_symbol(symbols[name]))
        else:
            (entry,) = found[name]
            shown.append(notation.term(entry))
    return shown


def parent_symbols(statement: Statement) -> list[Symbol]:
    """The nodes and inputs that a statement's arguments mention, by name."""
    symbols = (symbols_of(array) for _, array in statement.arguments)
    return sorted((s for s in frozenset().union(*symbols) if is_parent(s)), key=lambda s: s.name)


def process_row(notation: Notation, statement: Statement, *, marked: bool = False) -> Row:
    """x[d] ~ Family(arguments), d = 1..D; marked: data carry the superscript of their point."""
    positional = statement.family.forms[0] == statement.form
    pieces: list[str] = []  # a long line breaks between them
    for name, array in statement.arguments:
        shown = [notation.marked(array) if marked else notation.array(array)]
        if not array.indices:
            shown = notation.summands(array.body, marked=marked)
        if not positional:
            shown[0] = rf"\mathrm{{{escape_latex(name)}}} = {shown[0]}"
        if pieces:
            pieces[-1] += r",\,"
        pieces += shown
    tall = any(sign in piece for piece in pieces for sign in (r"\sum", r"\frac", r"\Bigl"))
    left, right = (r"\Bigl(", r"\Bigr)") if tall else ("(", ")")
    family = rf"\mathrm{{{escape_latex(statement.family.name)}}}"
    tail = rf",\qquad {ranges(statement.plates)}" if statement.plates else ""
    pieces[0] = f"{family}{left}{pieces[0]}"
    pieces[-1] += right
    return Row(notation.term(entry_of(statement)), (tuple(pieces),), tail, relation=r"\sim")


def _superscripts(count: int) -> list[str]:
    return [f"^{{({n})}}" for n in range(1, count + 1)] if count > 1 else [""]


def make_factor_part(
    notation: Notation, derivation: Derivation, number: int, entropy: FactorEntropy | None
) -> FactorPart:
    """Everything the document says of one factor."""
    result = derivation.factors[number]
    statement = derivation.model.statements[number]
    entry = notation.term(entry_of(statement))
    parents = parents_of(notation, statement)
    given = r" \mid " + ", ".join(parents) if parents else ""
    density = f"{notation['p']}({entry}{given})"
    arrays = dict.fromkeys(latex_symbol(s) for s in parent_symbols(statement))
    whole = r" \mid " + ", ".join(arrays) if arrays else ""
    same = [s for s in derivation.model.statements if s.node == statement.node]
    symbol = latex_symbol(statement.node) if len(same) == 1 else entry
    common = FactorPart(
        number=number,
        label=result.node,
        symbol=symbol,
        entry=entry,
        density=density,
        joint=f"{notation['p']}({symbol}{whole})",
        signs=(sum_signs(statement.plates) + " " if statement.plates else ""),
        family=escape_latex(statement.family.name),
        observed=statement.node.name in derivation.model.observed,
        holds=isinstance(result.result, Solution),
        summed=entropy is not None,
    )
    factor = result.factor
    if factor is None:
        return common
    maker = _Maker(notation, result, factor, entropy, common)
    return maker.make()


@dataclass(frozen=True, slots=True)
class _Maker:
    notation: Notation
    result: FactorResult
    factor: Factor
    entropy: FactorEntropy | None
    common: FactorPart

    # -- names

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
        """The blocks whose natural parameter does not vanish identically, with their marks."""
        kept = [(n, b) for n, b in enumerate(blocks) if b.natural != ZERO] or list(
            enumerate(blocks)
        )
        marks = _superscripts(len(kept))
        return [(n, mark, b) for mark, (n, b) in zip(marks, kept, strict=True)]

    # -- parts

    def make(self) -> FactorPart:
        short = shorten(self.notation, self.factor, self.entropy)
        part = replace(
            self.common,
            form=self.form(short),
            abbreviations=self.abbreviations(short),
            conditional=self.held(),
            dropped=any(b.natural == ZERO for b in self.factor.blocks)
            and any(b.natural != ZERO for b in self.factor.blocks),
            symmetric=any(b.symmetric for b in self.factor.blocks),
            gauge=self.factor.gauge.value,
            shifts=self.shifts(),
        )
        match self.result.result:
            case Solution():
                return self.solved(part)
            case _:
                return part

    def abbreviations(self, short: _Short) -> str:
        return self.notation.abbreviations(short.chosen, ",")

    def shifts(self) -> tuple[str, ...]:
        """The known constants that were moved into the base measure."""
        return tuple(self.notation.term(s) for s in self.factor.shifts if s != ZERO)

    def held(self) -> str:
        names = [rf"\emph{{{escape_latex(a.name.replace('_', ' '))}}}" for a in self.factor.held]
        return join_words(names)

    def form(self, short: _Short) -> str:
        notation, factor = self.notation, self.factor
        rows = []
        blocks = self.visible(short.blocks())
        for _, mark, block in blocks:
            shown = f"{self.statistic(block, mark)} = {notation.term(block.statistic)}"
            tail = rf",\qquad {shown}"
            span = ranges(block.indices)
            if span:
                tail += rf",\qquad {span}"
            rows.append(Row(self.eta(block, mark), (block.natural,), tail))
        partition = short.put(factor.form.log_partition)
        rows.append(Row(f"{notation['A']}_{{{self.common.entry}}}", (partition,)))
        base = f"{notation['h']}_{{{self.common.entry}}}"
        if factor.gauge is Gauge.CONSTANT:
            rows.append(Row(base, (("1",),)))
        else:
            rows.append(Row(rf"\log {base}", (tidy(factor.log_base),)))
        means = self.means(short)
        for number, mark, block in blocks:
            if means is not None:
                mean = means[number]
                body = instantiate(mean, block.indices)
                left = rf"\mathbb{{E}}\bigl[{self.statistic(block, mark)}\bigr]"
                rows.append(Row(left, (tidy(body),)))
        return notation.display(rows, ".")

    def means(self, short: _Short) -> tuple[Array, ...] | None:
        if self.result.means is None:
            return None
        formal = derive_means(self.factor.form)
        if formal is None:
            return None
        return tuple(Array(m.indices, short.put(m.body)) for m in formal)

    def solved(self, part: FactorPart) -> FactorPart:
        assert isinstance(self.result.result, Solution)
        solution = self.result.result
        moved = frozenset(solution.field)
        short = shorten(self.notation, self.factor, self.entropy, keep=moved)
        blocks = self.visible(short.blocks())
        motions = motions_of(self.notation, solution.field, self.bound(blocks))
        jacobian, check = self.verification(blocks, motions)
        return replace(
            part,
            rejected=tuple(escape_latex(text) for text in solution.rejected),
            nonzero=tuple(self.notation.term(tidy(t)) for t in solution.nonzero),
            jacobian=self.notation.display(jacobian, ","),
            check=self.notation.display(check, "."),
            tangent=tuple(self.tangent(motions)),
            centred=self.centred(motions, blocks),
            entropy=self.entropy_display(self.entropy) if self.entropy is not None else "",
        )

    def bound(self, blocks: Sequence[tuple[int, str, Block]]) -> list[Index]:
        return [*self.factor.plates, *(i for _, _, b in blocks for i in b.indices)]

    def verification(
        self, blocks: Sequence[tuple[int, str, Block]], motions: Sequence[Motion]
    ) -> tuple[list[Row], list[Row]]:
        """The entries of the Jacobian, and J beta = eta line by line."""
        notation = self.notation
        entries: list[Row] = []
        products: list[Row] = []
        for _, mark, block in blocks:
            eta = self.eta(block, mark)
            summands: list[str] = []
            whole: list[Term] = []
            for motion in motions:
                free = list(motion.indices)
                if motion.symbol.domain.kind == "simplex":
                    last = free[-1].extent
                    free[-1] = Index(free[-1].name, Extent(last.size, last.offset - 1))
                slope = tidy(normal(derivative_by(block.natural, motion.symbol, tuple(free))))
                if slope == ZERO:
                    continue
                variable = notation.term(motion.entry)
                left = rf"\frac{{\partial {eta}}}{{\partial {variable}}}"
                entries.append(Row(left, (slope,)))
                velocity = motion.velocity
                for old, new in zip(motion.indices, free, strict=True):
                    if old != new:
                        velocity = instantiate(Array((old,), velocity), (new,))
                product = mul(slope, velocity)
                for index in reversed(free):
                    product = total(index, product)
                whole.append(product)
                signs = sum_signs(free) + " " if free else ""
                factors = rf"{notation.wrapped(slope)} \cdot {notation.wrapped(velocity)}"
                summands.append(("+ " if summands else "") + signs + factors)
            if not summands:
                continue
            steps: list[Term | tuple[str, ...]] = [tuple(summands)]
            result = normal(add(*whole))
            if is_zero(subtract(result, block.natural)):
                steps.append(tidy(result))
            theta, beta = notation["theta"], notation["beta"]
            partial = rf"\frac{{\partial {eta}}}{{\partial {theta}}}"
            left = rf"\sum_{{{theta}}} {partial}\, {beta}_{{{theta}}}"
            products.append(Row(left, (*steps, (eta,))))
        return entries, products

    def tangent(self, motions: Sequence[Motion]) -> list[str]:
        """Simplex parameters: the field sums to zero over the last index."""
        shown = []
        for motion in motions:
            if motion.symbol.domain.kind != "simplex":
                continue
            last = motion.indices[-1]
            if not is_zero(total(last, motion.velocity)):
                continue
            beta = f"{self.notation['beta']}_{{{self.notation.term(motion.entry)}}}"
            shown.append(f"{sum_signs([last])} {beta} = 0")
        return shown

    def centred(self, motions: Sequence[Motion], blocks: Sequence[tuple[int, str, Block]]) -> str:
        """alpha_i = pi_i (zeta_i - sum_c pi_c zeta_c), where the field is shown to be that."""
        if len(motions) != 1 or len(blocks) != 1 or len(blocks[0][2].indices) != 1:
            return ""
        (motion,), ((_, mark, block),) = motions, blocks
        if motion.symbol.domain.kind != "simplex" or len(motion.indices) != 1:
            return ""
        (i,) = block.indices
        spare = [n for n in ("j", "k", "l", "m") if n != i.name and n not in self.notation.taken]
        j = Index(spare[0], i.extent)
        eta_j = instantiate(Array((i,), block.natural), (j,))
        weight = Entry(motion.symbol, (i,))
        mean = total(j, mul(Entry(motion.symbol, (j,)), eta_j))
        centred = mul(weight, subtract(block.natural, mean))
        here = instantiate(Array(motion.indices, motion.velocity), (i,))
        if not is_zero(subtract(centred, here)):
            return ""
        notation = self.notation
        pi_i, pi_j = notation.term(weight), notation.term(Entry(motion.symbol, (j,)))
        at_i = self.eta(block, mark)
        at_j = self.eta(Block((j,), block.natural, block.statistic), mark)
        shown = rf"{pi_i} \Bigl[{at_i} - {sum_signs([j])} {pi_j}\, {at_j}\Bigr]"
        beta = f"{notation['beta']}_{{{pi_i}}}"
        return notation.display([Row(beta, ((shown,),), rf",\qquad {ranges([i])}")], ".")

    def entropy_display(self, known: FactorEntropy) -> str:
        """A, its derivative along the field, and their difference."""
        assert isinstance(self.result.result, Solution)
        notation, factor, field = self.notation, self.factor, self.result.result.field
        if factor.radial is not None:
            short = shorten(notation, factor, known)
            partition = short.put(factor.form.log_partition)
            change = short.put(derivative_along(factor.form.log_partition, factor.radial))
        else:
            partition = tidy(factor.log_partition)
            change = tidy(normal(derivative_along(factor.log_partition, field)))
        a = f"{notation['A']}_{{{self.common.entry}}}"
        d = notation["d"]
        slope = rf"\frac{{{d} {a}}}{{{d}{notation['s']}}}"
        entropy = self.name_of_entropy()
        difference = tidy(normal(subtract(partition, change)))
        same = is_zero(subtract(difference, known.pointwise))
        rows = [
            Row(slope, (change,)),
            Row(entropy, ((a, rf"- {slope}"), known.pointwise if same else difference)),
        ]
        return notation.display(rows, ".")

    def name_of_entropy(self) -> str:
        letter = r"\mathcal{H}"
        if self.result.entropy_kind != "entropy":
            letter = r"\widetilde{\mathcal{H}}"
        return rf"{letter}_{{{self.common.entry}}}"
