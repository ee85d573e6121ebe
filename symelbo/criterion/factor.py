"""A factor of a model in exponential-family form: one conditional density p(v | parents)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from symelbo.expfam.derive_radial import derive_entropy, derive_means, derive_radial
from symelbo.expfam.form import (
    Block,
    ExponentialForm,
    Gauge,
    Inseparable,
    RadialField,
    Separation,
)
from symelbo.expfam.rank_evidence import separation_rank
from symelbo.expfam.separate_density import separate_density
from symelbo.families.family import Family, Form
from symelbo.index.binary import expand_binary
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import from_monomial, normal, to_poly
from symelbo.index.substitute import (
    instantiate,
    replace_index,
    replace_selector,
    replace_symbols,
    selectors_of,
    symbols_of,
)
from symelbo.index.terms import Array, Entry, Extent, Index, Number, Role, Symbol, Term
from symelbo.language.density import Density, density_term
from symelbo.spec.model import Statement

__all__ = [
    "Factor",
    "criterion_equations",
    "factor_candidates",
    "is_parent",
    "parameters_of",
    "rank_of_separation",
]

_VARYING = (Role.PARAMETER, Role.LATENT, Role.OBSERVED, Role.INPUT)


@dataclass(frozen=True, slots=True)
class Factor:
    """p(node | parents) = h exp(eta' T - A) at one point of its plates, in the model's symbols.

    blocks: natural parameters eta and statistics T; entropy: H~ = A - eta' grad A where the radial
    field gives it (else None, and it follows from the field); held: arguments that the criterion
    keeps fixed (conditional form); shift: the known constant moved from eta into h.
    """

    statement: Statement
    form: ExponentialForm
    radial: RadialField | None
    blocks: tuple[Block, ...]
    log_partition: Term
    log_base: Term
    log_density: Term
    entropy: Term | None
    held: tuple[Symbol, ...]
    shifts: tuple[Term, ...]
    why_not_constant: str  # why no constant base measure exists, "" if one does

    @property
    def name(self) -> str:
        """The node, with its places where several statements share it: z[1], z[t]."""
        return self.statement.label

    @property
    def plates(self) -> tuple[Index, ...]:
        """The indices over which the factor is a product."""
        return self.statement.plates

    @property
    def gauge(self) -> Gauge:
        """Which base measure is used."""
        return Gauge.SHIFTED if any(s != ZERO for s in self.shifts) else self.form.gauge

    @property
    def conditional(self) -> bool:
        """Whether some argument that depends on parents or parameters is held fixed."""
        return bool(self.held)

    def arguments(self) -> Mapping[Symbol, Array]:
        """formal argument -> what the model puts there"""
        given = dict(self.statement.arguments)
        return {symbol: given[symbol.name] for symbol in self.form.density.arguments}

    def parents(self) -> frozenset[Symbol]:
        """The nodes and inputs that the arguments mention."""
        symbols = (symbols_of(array) for _, array in self.statement.arguments)
        return frozenset(s for s in frozenset().union(*symbols) if is_parent(s))

    def means(self) -> tuple[Array, ...] | None:
        """E[T_k] per block, in the model's symbols; None where it was not derived."""
        formal = derive_means(self.form)
        if formal is None:
            return None
        mapping = _symbol_mapping(self.statement, self.form.density)
        return tuple(Array(m.indices, normal(replace_symbols(m.body, mapping))) for m in formal)

    def over_plates(self, term: Term) -> Term:
        """f -> the sum of f over the plates."""
        for index in reversed(self.plates):
            term = total(index, term)
        return term


def parameters_of(statement: Statement) -> frozenset[Symbol]:
    """The learned parameters that a statement's arguments mention."""
    symbols = (symbols_of(array) for _, array in statement.arguments)
    return frozenset(s for s in frozenset().union(*symbols) if s.role is Role.PARAMETER)


def is_parent(symbol: Symbol) -> bool:
    """Whether the symbol varies with the data point: nodes and inputs."""
    return symbol.role in (Role.LATENT, Role.OBSERVED, Role.INPUT)


def varying_arguments(statement: Statement, density: Density) -> tuple[Symbol, ...]:
    """The formal arguments whose actual ones depend on parameters or parents."""
    given = dict(statement.arguments)
    return tuple(
        symbol
        for symbol in density.arguments
        if any(s.role in _VARYING for s in symbols_of(given[symbol.name]))
        or any(s.role is Role.FUNCTION for s in symbols_of(given[symbol.name]))
    )


def rank_of_separation(statement: Statement) -> int | None:
    """A certified number of terms that any separation of the log-density needs at least."""
    density = _density(statement.family, statement.form, statement.extents)
    varying = varying_arguments(statement, density)
    return separation_rank(_put_numbers(statement, density), varying)


def factor_candidates(statement: Statement) -> Iterator[Factor | Inseparable]:
    """Every exponential-family form of a statement, strongest first.

    Constant base measure, textbook base measure, textbook with a shift; then the conditional forms,
    in which only some arguments move.  An Inseparable is yielded where a form does not exist.
    """
    density = _density(statement.family, statement.form, statement.extents)
    varying = varying_arguments(statement, density)
    density = _put_numbers(statement, density)
    if not varying:
        yield from _known_candidates(statement, density)
        return
    yield from _candidates(statement, density, varying, ())
    if len(varying) < 2:
        return
    for moving in varying[::-1]:  # a scale comes after a location in every family here
        held = tuple(a for a in varying if a != moving)
        yield from _candidates(statement, density, (moving,), held)


def _known_candidates(statement: Statement, density: Density) -> Iterator[Factor | Inseparable]:
    """A factor without parameters and parents: its form in as many arguments as separate.

    Only the constant base measure is offered: any other would hold all of eta.
    """
    scalars = tuple((argument,) for argument in density.arguments[::-1])
    for moving in dict.fromkeys((density.arguments, *scalars)):
        separation = _separation(density, moving, ())
        if isinstance(separation, Inseparable):
            yield separation
        elif separation.forms[0].gauge is Gauge.CONSTANT:
            yield _make_factor(statement, separation.forms[0], (), "")
            return


def _candidates(
    statement: Statement, density: Density, moving: tuple[Symbol, ...], held: tuple[Symbol, ...]
) -> Iterator[Factor | Inseparable]:
    separation = _separation(density, moving, held)
    if isinstance(separation, Inseparable):
        yield separation
        return
    for form in separation.forms:
        yield _make_factor(statement, form, held, separation.why_not_constant)
    if not held:
        last = separation.forms[-1]
        unshifted = _make_factor(statement, last, held, separation.why_not_constant)
        shifts = _known_parts(unshifted)
        if any(shift != ZERO for shift in shifts):
            yield _shift_factor(unshifted, shifts)


def _put_numbers(statement: Statement, density: Density) -> Density:
    """Arguments that are plain numbers enter the density, so that what vanishes drops out."""
    numbers = {
        symbol: array
        for symbol, array in ((s, statement.argument(s.name)) for s in density.arguments)
        if isinstance(array.body, Number)
    }
    kept = tuple(s for s in density.arguments if s not in numbers)
    if not kept or not numbers:
        return density  # a factor without any free argument keeps its form
    return Density(density.value, kept, replace_symbols(density.term, numbers))


@lru_cache(maxsize=1000)
def _density(family: Family, form: Form, extents: tuple[tuple[str, Extent], ...]) -> Density:
    return density_term(family, form, dict(extents))


@lru_cache(maxsize=1000)
def _separation(
    density: Density, moving: tuple[Symbol, ...], held: tuple[Symbol, ...]
) -> Separation | Inseparable:
    return separate_density(density, moving, held)


_RADIAL: dict[ExponentialForm, RadialField | None] = {}


def _radial(form: ExponentialForm) -> RadialField | None:
    if form not in _RADIAL:
        _RADIAL[form] = derive_radial(form)
    return _RADIAL[form]


def _symbol_mapping(statement: Statement, density: Density) -> dict[Symbol, Array]:
    given = dict(statement.arguments)
    mapping = {symbol: given[symbol.name] for symbol in density.arguments}
    events = tuple(Index(f"v{n}", extent) for n, extent in enumerate(density.value.shape))
    mapping[density.value] = Array(events, Entry(statement.node, (*statement.places, *events)))
    return mapping


def _make_factor(
    statement: Statement,
    form: ExponentialForm,
    held: tuple[Symbol, ...],
    why_not_constant: str,
) -> Factor:
    mapping = _symbol_mapping(statement, form.density)
    radial = _radial(form)
    blocks = []
    for formal in form.blocks:
        block = _rename_block(formal, {index.name for index in statement.plates})
        blocks.append(
            Block(
                block.indices,
                normal(replace_symbols(block.natural, mapping)),
                normal(replace_symbols(block.statistic, mapping)),
                block.symmetric,
            )
        )
    entropy = None
    if radial is not None:
        entropy = normal(replace_symbols(derive_entropy(form, radial), mapping))
    return Factor(
        statement,
        form,
        radial,
        tuple(blocks),
        normal(replace_symbols(form.log_partition, mapping)),
        normal(replace_symbols(form.log_base, mapping)),
        replace_symbols(form.density.term, mapping),
        entropy,
        held,
        tuple(ZERO for _ in blocks),
        why_not_constant,
    )


def _rename_block(block: Block, taken: set[str]) -> Block:
    """The same block with indices that no plate is called like."""
    natural, statistic = block.natural, block.statistic
    renamed: list[Index] = []
    for index in block.indices:
        names = (
            n for n in ("i", "j", "k", "l", "m", "o", "r", "t", "u", "v", "w") if n not in taken
        )
        fresh = index if index.name not in taken else Index(next(names), index.extent, index.low)
        taken = taken | {fresh.name}
        natural = replace_index(natural, index, fresh)
        statistic = replace_index(statistic, index, fresh)
        renamed.append(fresh)
    return Block(tuple(renamed), natural, statistic, block.symmetric)


def _known_parts(factor: Factor) -> tuple[Term, ...]:
    """The additive parts of eta that no parameter and no node enters (known covariates may)."""
    shifts = []
    for block in factor.blocks:
        known = [
            from_monomial(monomial, scale)
            for monomial, scale in to_poly(block.natural).items()
            if not any(
                (s.role in _VARYING and s.role is not Role.INPUT) or s.role is Role.FUNCTION
                for atom, _ in monomial.factors
                for s in symbols_of(atom)
            )
        ]
        shifts.append(normal(add(*known)) if known else ZERO)
    return tuple(shifts)


def _shift_factor(factor: Factor, shifts: tuple[Term, ...]) -> Factor:
    """eta -> eta - c, log h -> log h + c' T; the entropy then follows from the field."""
    blocks = []
    moved = []
    for block, shift in zip(factor.blocks, shifts, strict=True):
        natural = normal(subtract(block.natural, shift))
        blocks.append(Block(block.indices, natural, block.statistic, block.symmetric))
        part = mul(shift, block.statistic)
        for index in reversed(block.indices):
            part = total(index, part)
        moved.append(part)
    return Factor(
        factor.statement,
        factor.form,
        None,
        tuple(blocks),
        factor.log_partition,
        normal(add(factor.log_base, *moved)),
        factor.log_density,
        None,
        factor.held,
        shifts,
        factor.why_not_constant,
    )


def criterion_equations(factor: Factor, field: Mapping[Symbol, Array]) -> list[Term]:
    """What must vanish for all parents and indices if eta grows as e^s eta along the field.

    By the radial field where the family has one (one equation per argument), else by eta itself.
    A category parent in an index place stands for any of its values, hence for a free index.
    """
    equations = []
    if factor.radial is not None:
        mapping = _symbol_mapping(factor.statement, factor.form.density)
        for argument, array in factor.arguments().items():
            if argument in factor.radial:
                wanted = instantiate(factor.radial[argument], array.indices)
                growth = replace_symbols(wanted, mapping)
                equations.append(subtract(derivative_along(array.body, field), growth))
            elif argument in factor.held:
                equations.append(derivative_along(array.body, field))
    else:
        for block in factor.blocks:
            change = derivative_along(block.natural, field)
            equations.append(subtract(change, block.natural))
        for argument, array in factor.arguments().items():
            if argument in factor.held:
                equations.append(derivative_along(array.body, field))
    return [
        expand_binary(_generalize_selectors(equation)) for equation in equations if equation != ZERO
    ]


def _generalize_selectors(term: Term) -> Term:
    for number, (entry, axis) in enumerate(selectors_of(term)):
        term = replace_selector(term, entry, Index(f"{entry.symbol.name}!{number}", axis))
    return term
