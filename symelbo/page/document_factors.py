r"""One factor as the document shows it: every formula from a term of the derivation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.code.rearrange import name_residuals
from symelbo.criterion.express_form import FactorForm
from symelbo.criterion.factor import Factor, is_parent
from symelbo.criterion.identity import Identity
from symelbo.entropy.summand import Summand
from symelbo.expfam.form import Block
from symelbo.expfam.respond import respond, value_at
from symelbo.expfam.separate_change import rate_symbol, shift_symbol, value_velocity
from symelbo.index.build import ZERO, add, mul, negate, subtract, total
from symelbo.index.differentiate import derivative_along, derivative_by
from symelbo.index.normal import is_zero, normal
from symelbo.index.substitute import (
    count_subterms,
    instantiate,
    rename_indices,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import Add, Array, Entry, Index, Role, Symbol, Term, sort_key
from symelbo.index.tidy import tidy
from symelbo.model.model import Statement
from symelbo.notation.names import (
    escape_latex,
    latex_extent,
    latex_symbol,
    name_array_indices,
)
from symelbo.notation.print_latex import latex_width
from symelbo.page.document_notation import LINE, Notation, Row, ranges, sum_signs
from symelbo.words import join_words

__all__ = ["FactorPart", "Velocity", "make_factor_part", "process_row", "velocities_of"]

_SHORT = 3  # an argument of more parts than this is abbreviated
_NAMES = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}


@dataclass(frozen=True, slots=True)
class Velocity:
    """One symbol that moves: its entry, and the velocity of this entry."""

    symbol: Symbol
    indices: tuple[Index, ...]
    velocity: Term

    @property
    def entry(self) -> Entry:
        """theta[indices]"""
        return Entry(self.symbol, self.indices)


def velocities_of(
    notation: Notation, arrays: Mapping[Symbol, Array], avoid: Sequence[Index] = ()
) -> list[Velocity]:
    """The velocities, with letters for the indices of their symbols."""
    found = []
    for symbol, array in arrays.items():
        reserved = ["n", "q", "s", "p", *notation.taken, *(i.name for i in avoid)]
        named = name_array_indices(array, reserved)
        found.append(Velocity(symbol, named.indices, tidy(normal(named.body))))
    return found


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


@dataclass(frozen=True, slots=True)
class _Short:
    """A factor whose long arguments are abbreviated by symbols."""

    factor: Factor
    mapping: Mapping[Symbol, Array]
    chosen: tuple[tuple[Symbol, Array], ...]  # the abbreviations

    def put(self, term: Term) -> Term:
        return tidy(normal(replace_symbols(term, self.mapping)))

    def put_squares(self, term: Term) -> Term:
        """The same, squares of differences kept as they are."""
        return replace_symbols(tidy_residuals(term), self.mapping)


def tidy_residuals(term: Term) -> Term:
    """A simplified term whose squares stay squares."""
    named, residuals = name_residuals(term)
    return replace_symbols(tidy(named), residuals)


def shorten(
    notation: Notation,
    factor: Factor,
    entropy: Summand | None,
    keep: frozenset[Symbol] = frozenset(),
) -> _Short:
    """Abbreviate the long arguments of a factor that none of the symbols in `keep` enters."""
    known = dict(entropy.abbreviations) if entropy is not None else {}
    mapping: dict[Symbol, Array] = dict(factor.actual())
    chosen: list[tuple[Symbol, Array]] = []
    taken = set(notation.taken) | {s.name for s in known}
    for argument, array in factor.arguments().items():
        if count_subterms(array.body) <= _SHORT or symbols_of(array) & keep:
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
    return _Short(factor, mapping, tuple(chosen))


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
        observed=statement.node.name in derivation.model.observed,
        holds=result.identity is not None,
        summed=entropy is not None,
    )
    maker = _Maker(notation, derivation, result, entropy, common)
    part = maker.with_form(common)
    return maker.with_identity(part) if result.identity is not None else part


@dataclass(frozen=True, slots=True)
class _Maker:
    notation: Notation
    derivation: Derivation
    result: FactorResult
    entropy: Summand | None
    common: FactorPart

    @property
    def factor(self) -> Factor:
        return self.result.factor

    # -- the identity (U)

    def with_identity(self, part: FactorPart) -> FactorPart:
        identity = self.result.identity
        assert identity is not None
        short = shorten(self.notation, self.factor, self.entropy)
        p = rf"\log {self.common.density}"
        along = self.along(p)
        logarithm = short.put_squares(self.factor.change.density.term)
        speeds = self.speeds(short)
        change = self.change(short, identity)
        return replace(
            part,
            abbreviations=self.notation.abbreviations(short.chosen, ","),
            logarithm=self.notation.display([Row(p, (logarithm,))], "."),
            speeds=speeds,
            change=self.notation.display([Row(along, (change,))], "."),
            identity=self.notation.display([self.identity_row(p, along, identity)], "."),
            based=identity.base != ZERO,
        )

    def along(self, shown: str) -> str:
        d = self.notation["d"]
        return rf"\frac{{{d}}}{{{d}{self.notation['s']}}} {shown}"

    def speeds(self, short: _Short) -> str:
        """d/ds of every argument of the family, with the velocities of what it mentions."""
        rows = []
        velocities = self.derivation.motion.velocities()
        for argument, array in self.factor.arguments().items():
            speed = tidy(normal(derivative_along(array.body, velocities)))
            shown = short.mapping[argument]
            left = self.along(self.notation.term(instantiate(shown, array.indices)))
            row = Row(left, (speed,))
            if row not in rows:  # Gamma(a, a) has one argument twice
                rows.append(row)
        return self.notation.display(rows, ",") if rows else ""

    def change(self, short: _Short, identity: Identity) -> Term:
        """d/ds log p by the chain rule, in the abbreviated arguments."""
        factor = self.factor
        response = respond(factor.change, identity.gauge, identity.travel)
        if response is None or identity.formal is None:
            velocities = self.derivation.motion.velocities()
            return tidy(normal(derivative_along(factor.log_density, velocities)))
        field = dict(response.values)
        own = value_velocity(factor.value)
        if own is not None:
            still = value_at(factor.value, identity.travel)
            field[factor.value] = Array(own.indices, replace_symbols(own.body, still))
        formal = derivative_along(factor.change.density.term, field)
        mapping = self.numbers(short.mapping)
        return replace_symbols(tidy_residuals(replace_symbols(formal, mapping)), short.mapping)

    def numbers(self, mapping: Mapping[Symbol, Array]) -> dict[Symbol, Array]:
        """r and s of the value as the motion has them."""
        moved = self.factor.moved({}, self.derivation.motion.latents)
        symbols = rate_symbol(self.factor.value), shift_symbol(self.factor.value)
        return {symbol: moved[symbol] for symbol in symbols}

    def identity_row(self, p: str, along: str, identity: Identity) -> Row:
        """log p - d/ds log p = b - H~ + d, with what these are."""
        summands: list[str] = []
        if identity.base != ZERO:
            summands += self.notation.summands(tidy(identity.base))
        known = tidy(identity.entropy)
        if self.entropy is not None and self.entropy.pointwise is not None:
            known = self.entropy.pointwise
        shown = self.notation.wrapped(known)
        tall = r"\frac" in shown or r"\sum" in shown
        if not shown.startswith(("(", r"\Bigl(")) and is_sum(known):
            shown = rf"\Bigl({shown}\Bigr)" if tall else f"({shown})"
        negative = not summands and self.notation.term(known).startswith("-")
        if isinstance(known, Add) and (negative or latex_width(shown) > LINE / 2):
            for summand in self.notation.summands(add(*map(negate, known.terms))):
                signed = summand.startswith(("+", "-")) or not summands
                summands.append(summand if signed else f"+ {summand}")
        else:
            summands.append(f"- {shown}" if summands else f"-{shown}")
        if identity.divergence != ZERO:
            for summand in self.notation.summands(tidy(identity.divergence)):
                summands.append(summand if summand.startswith(("+", "-")) else f"+ {summand}")
        return Row(f"{p} - {along}", (tuple(summands),))

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
        """The blocks whose natural parameter does not vanish identically, with their marks."""
        kept = [(n, b) for n, b in enumerate(blocks) if b.natural != ZERO] or list(
            enumerate(blocks)
        )
        marks = _superscripts(len(kept))
        return [(n, mark, b) for mark, (n, b) in zip(marks, kept, strict=True)]

    def with_form(self, part: FactorPart) -> FactorPart:
        form = self.result.form
        if form is None:
            return part
        moved = frozenset(self.result.field)
        short = shorten(self.notation, self.factor, self.entropy, keep=moved)
        part = replace(
            part,
            form=self.form(short, form),
            form_abbreviations=self.notation.abbreviations(short.chosen, ","),
            conditional=join_words(
                [rf"\emph{{{escape_latex(a.name.replace('_', ' '))}}}" for a in form.held]
            ),
            dropped=any(b.natural == ZERO for b in form.blocks)
            and any(b.natural != ZERO for b in form.blocks),
            symmetric=any(b.symmetric for b in form.blocks),
        )
        still = not self.result.motion.latents
        return self.with_jacobian(part, short, form) if moved and still else part

    def blocks(self, short: _Short, form: FactorForm) -> list[Block]:
        """The blocks with abbreviated arguments, a shift of the base measure taken off."""
        found = []
        for formal, actual in zip(form.formal.blocks, form.blocks, strict=True):
            shown = short.put(formal.natural)
            whole = normal(replace_symbols(formal.natural, self.factor.actual()))
            renamed = dict(zip(formal.indices, actual.indices, strict=True))
            whole = _rename(whole, renamed)
            shift = normal(subtract(whole, actual.natural))
            natural = tidy(normal(subtract(_rename(shown, renamed), shift)))
            statistic = _rename(short.put(formal.statistic), renamed)
            found.append(Block(actual.indices, natural, statistic, actual.symmetric))
        return found

    def form(self, short: _Short, form: FactorForm) -> str:
        notation = self.notation
        rows = []
        blocks = self.visible(self.blocks(short, form))
        for _, mark, block in blocks:
            shown = f"{self.statistic(block, mark)} = {notation.term(block.statistic)}"
            tail = rf",\qquad {shown}"
            span = ranges(block.indices)
            if span:
                tail += rf",\qquad {span}"
            rows.append(Row(self.eta(block, mark), (block.natural,), tail))
        partition = short.put(form.formal.log_partition)
        rows.append(Row(f"{notation['A']}_{{{self.common.entry}}}", (partition,)))
        base = f"{notation['h']}_{{{self.common.entry}}}"
        if form.log_base == ZERO:
            rows.append(Row(base, (("1",),)))
        else:
            rows.append(Row(rf"\log {base}", (tidy(form.log_base),)))
        return notation.display(rows, ".")

    def with_jacobian(self, part: FactorPart, short: _Short, form: FactorForm) -> FactorPart:
        """The derivatives of eta by the parameters that move, and their sum along the motion."""
        blocks = self.visible(self.blocks(short, form))
        bound = [*self.factor.plates, *(i for _, _, b in blocks for i in b.indices)]
        velocities = velocities_of(self.notation, self.result.field, bound)
        jacobian, check = self.verification(blocks, velocities)
        if not jacobian:
            return part
        return replace(
            part,
            jacobian=self.notation.display(jacobian, ","),
            check=self.notation.display(check, ".") if check else "",
            tangent=tuple(self.tangent(velocities)),
            centred=self.centred(velocities, blocks),
        )

    def verification(
        self, blocks: Sequence[tuple[int, str, Block]], velocities: Sequence[Velocity]
    ) -> tuple[list[Row], list[Row]]:
        """The entries of the Jacobian, and J beta line by line."""
        notation = self.notation
        entries: list[Row] = []
        products: list[Row] = []
        for _, mark, block in blocks:
            eta = self.eta(block, mark)
            summands: list[str] = []
            whole: list[Term] = []
            for moved in velocities:
                extents = moved.symbol.domain.free_shape(tuple(i.extent for i in moved.indices))
                free = tuple(
                    Index(i.name, e, i.low) for i, e in zip(moved.indices, extents, strict=True)
                )
                slope = tidy(normal(derivative_by(block.natural, moved.symbol, free)))
                if slope == ZERO:
                    continue
                variable = notation.term(moved.entry)
                left = rf"\frac{{\partial {eta}}}{{\partial {variable}}}"
                entries.append(Row(left, (slope,)))
                velocity = moved.velocity
                for old, new in zip(moved.indices, free, strict=True):
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
            equal = is_zero(subtract(result, block.natural))
            steps.append((eta,) if equal else tidy(result))
            theta = notation["theta"]
            partial = rf"\frac{{\partial {eta}}}{{\partial {theta}}}"
            d = notation["d"]
            speed = rf"\frac{{{d} {theta}}}{{{d}{notation['s']}}}"
            left = rf"\sum_{{{theta}}} {partial}\, {speed}"
            products.append(Row(left, tuple(steps)))
        return entries, products

    def tangent(self, velocities: Sequence[Velocity]) -> list[str]:
        """Simplex parameters: the velocities sum to zero over the last index."""
        shown = []
        for moved in velocities:
            if moved.symbol.domain.entry_sum is None:
                continue
            last = moved.indices[-1]
            if not is_zero(total(last, moved.velocity)):
                continue
            speed = self.along(self.notation.term(moved.entry))
            shown.append(f"{sum_signs([last])} {speed} = 0")
        return shown

    def centred(
        self, velocities: Sequence[Velocity], blocks: Sequence[tuple[int, str, Block]]
    ) -> str:
        """alpha_i = pi_i (zeta_i - sum_c pi_c zeta_c), where the velocity is shown to be that."""
        if len(velocities) != 1 or len(blocks) != 1 or len(blocks[0][2].indices) != 1:
            return ""
        (moved,), ((_, mark, block),) = velocities, blocks
        if moved.symbol.domain.entry_sum != 1 or len(moved.indices) != 1:
            return ""
        (i,) = block.indices
        spare = [n for n in ("j", "k", "l", "m") if n != i.name and n not in self.notation.taken]
        j = Index(spare[0], i.extent)
        eta_j = instantiate(Array((i,), block.natural), (j,))
        weight = Entry(moved.symbol, (i,))
        mean = total(j, mul(Entry(moved.symbol, (j,)), eta_j))
        centred = mul(weight, subtract(block.natural, mean))
        here = instantiate(Array(moved.indices, moved.velocity), (i,))
        if not is_zero(subtract(centred, here)):
            return ""
        notation = self.notation
        pi_i, pi_j = notation.term(weight), notation.term(Entry(moved.symbol, (j,)))
        at_i = self.eta(block, mark)
        at_j = self.eta(Block((j,), block.natural, block.statistic), mark)
        shown = rf"{pi_i} \Bigl[{at_i} - {sum_signs([j])} {pi_j}\, {at_j}\Bigr]"
        speed = self.along(pi_i)
        return notation.display([Row(speed, ((shown,),), rf",\qquad {ranges([i])}")], ".")


def is_sum(term: Term) -> bool:
    """Whether a term reads as a sum."""
    return isinstance(term, Add)


def _rename(term: Term, names: Mapping[Index, Index]) -> Term:
    return rename_indices(term, {old: new for old, new in names.items() if old != new})
