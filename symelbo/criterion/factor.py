"""A factor of a model, p(v | parents), and what the criterion (U) asks of its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from symelbo.criterion.motion import Latent
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, base_share, respond, takes_base, value_at
from symelbo.expfam.separate_change import (
    Change,
    Part,
    rate_symbol,
    separate_change,
    shift_symbol,
    speed,
)
from symelbo.families.density import Density
from symelbo.index.angles import split_angles
from symelbo.index.binary import expand_binary
from symelbo.index.build import ZERO, subtract, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    formal_indices,
    free_indices,
    indices_apart,
    instantiate,
    replace_selector,
    replace_symbols,
    selectors_of,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Array,
    Call,
    Index,
    Number,
    Origin,
    Power,
    Role,
    Symbol,
    Term,
)
from symelbo.limits import KEPT_CHANGES, KEPT_FACTORS
from symelbo.model.model import Statement
from symelbo.values import dataclass, replace

__all__ = [
    "Equations",
    "Factor",
    "generalize",
    "is_parent",
    "make_factor",
    "open_density",
    "parameters_of",
    "symbols_of_statement",
]

_VARYING = (Role.PARAMETER, Role.LATENT, Role.OBSERVED, Role.INPUT, Role.FUNCTION, Role.VARIATIONAL)


@dataclass(frozen=True, slots=True)
class Equations:
    """What must vanish for all parents and indices; `shifted`: up to a constant (a share of h)."""

    exact: tuple[Term, ...]
    shifted: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Factor:
    """p(node | parents) at one point of its plates.

    change: log p - D log p in the family's symbols, whose arguments are those that vary with
    parameters or parents; log_density: in the model's symbols.
    """

    statement: Statement
    change: Change
    log_density: Term

    @property
    def name(self) -> str:
        """The node, with its places where several statements share it: z[1], z[t]."""
        return self.statement.label

    @property
    def node(self) -> Symbol:
        """The node whose value the factor is a density of."""
        return self.statement.node

    @property
    def plates(self) -> tuple[Index, ...]:
        """The indices over which the factor is a product."""
        return self.statement.plates

    @property
    def value(self) -> Symbol:
        """The value in the family's symbols; its domain is the support."""
        return self.change.density.value

    @property
    def can_move(self) -> bool:
        """Whether the support allows the value to move, if it is a latent."""
        return self.node.role is Role.LATENT and self.value.domain.motions is not None

    @property
    def is_finite(self) -> bool:
        """Whether no logarithm or pole makes log p infinite at some value: on the whole line its
        base measure has no c log|v - a| then.
        """
        for part in walk_parts(self.change.density.term):
            match part:
                case Call("exp" | "abs" | "tanh" | "sigmoid" | "softplus" | "sin" | "cos" | "erf"):
                    continue
                case Call(_, arguments):
                    shown = all(map(is_positive, arguments))
                case Power(base, exponent):
                    natural = isinstance(exponent, Number) and exponent.value.denominator == 1
                    shown = is_positive(base) or (natural and is_positive(exponent))
                case _:
                    continue
            if not shown and self.value in symbols_of(part):
                return False
        return True

    def arguments(self) -> Mapping[Symbol, Array]:
        """formal argument -> what the model puts there, of the arguments that vary"""
        given = dict(self.statement.arguments)
        return {symbol: given[symbol.name] for symbol in self.change.density.arguments}

    def parents(self) -> frozenset[Symbol]:
        """The nodes and inputs that the arguments mention."""
        return frozenset(s for s in symbols_of_statement(self.statement) if is_parent(s))

    def parameters(self) -> frozenset[Symbol]:
        """The learned parameters that the arguments mention."""
        return parameters_of(self.statement)

    def over_plates(self, term: Term) -> Term:
        """f -> the sum of f over the plates."""
        for index in reversed(self.plates):
            term = total(index, term)
        return term

    def travel(self, moving: Mapping[Symbol, Travel]) -> Travel:
        """How the value moves while the latents in `moving` do."""
        return moving.get(self.node, Travel.REST)

    def actual(self) -> dict[Symbol, Array]:
        """formal symbol -> what the model puts there: all arguments, and the value."""
        return self.statement.actual()

    def moved(
        self, field: Mapping[Symbol, Array], latents: Mapping[Symbol, Latent]
    ) -> dict[Symbol, Array]:
        """As `actual`, with the speeds of the arguments and the r and s of the value."""
        mapping = self.actual()
        for argument, array in self.arguments().items():
            speeds = derivative_along(array.body, field)
            mapping[speed(argument)] = Array(array.indices, speeds)
        value, latent = self.value, latents.get(self.node)
        events = formal_indices(value.shape, "v")
        at = (*self.statement.places, *events)
        for symbol, found in (
            (rate_symbol(value), latent.rate if latent else None),
            (shift_symbol(value), latent.shift if latent else None),
        ):
            body = ZERO if found is None else instantiate(found, at)
            mapping[symbol] = Array(events if symbol.shape else (), body)
        return mapping

    def equations(
        self,
        gauge: Gauge,
        travel: Travel,
        field: Mapping[Symbol, Array],
        latents: Mapping[Symbol, Latent],
    ) -> Equations | None:
        """(U), one equation per argument of the family; None if the family has no such form."""
        response = respond(self.change, gauge, travel)
        if response is None or gauge is Gauge.SHIFTED:
            return None
        mapping = self.moved(field, latents)
        found = []
        for argument, array in self.arguments().items():
            wanted = instantiate(response.values[argument], array.indices)
            change = derivative_along(array.body, field)
            found.append(subtract(change, replace_symbols(wanted, mapping)))
        found += [replace_symbols(left, mapping) for left in response.left]
        return Equations(generalize(found))

    def direct_equations(
        self,
        gauge: Gauge,
        travel: Travel,
        field: Mapping[Symbol, Array],
        latents: Mapping[Symbol, Latent],
    ) -> Equations:
        """(U), one equation per statistic: C_k - c_k."""
        mapping = self.moved(field, latents)
        still = value_at(self.value, travel)
        exact: list[Term] = []
        shifted: list[Term] = []
        for part in self.parts():
            share = base_share(self.change, part, gauge, travel)
            formal = replace_symbols(subtract(part.coefficient, share), still)
            term = replace_symbols(formal, mapping)
            free = gauge is Gauge.SHIFTED and takes_base(self.change, part, travel)
            (shifted if free else exact).append(term)
        return Equations(generalize(exact), generalize(shifted))

    def parts(self) -> tuple[Part, ...]:
        """The parts of the change, with block indices that no plate is called like."""
        taken = {index.name for index in self.plates}
        return tuple(_rename_part(part, taken) for part in self.change.parts)


def _rename_part(part: Part, taken: set[str]) -> Part:
    places = indices_apart(part.indices, taken)
    statistic, coefficient, textbook = (
        instantiate(Array(part.indices, term), places)
        for term in (part.statistic, part.coefficient, part.textbook)
    )
    return replace(
        part, indices=places, statistic=statistic, coefficient=coefficient, textbook=textbook
    )


def parameters_of(statement: Statement) -> frozenset[Symbol]:
    """The learned parameters that a statement's arguments mention."""
    return frozenset(s for s in symbols_of_statement(statement) if s.role is Role.PARAMETER)


def symbols_of_statement(statement: Statement) -> frozenset[Symbol]:
    """All symbols that a statement's arguments mention."""
    return frozenset().union(*(symbols_of(array) for _, array in statement.arguments))


def is_parent(symbol: Symbol) -> bool:
    """Whether the symbol varies with the data point: nodes and inputs."""
    return symbol.role in (Role.LATENT, Role.OBSERVED, Role.INPUT)


def generalize(terms: list[Term]) -> tuple[Term, ...]:
    """A category in an index place stands for any of its values, hence for a free index; functions
    of binary entries are written out.
    """
    result = []
    for term in terms:
        for number, (entry, axis) in enumerate(selectors_of(term)):
            chosen = Index(f"{entry.symbol.name}{number}", axis, origin=Origin.CHOSEN)
            term = replace_selector(term, entry, chosen)
        if term != ZERO:
            result.append(expand_binary(term))
    return tuple(result)


# ---------------------------------------------------------------- making factors


@lru_cache(maxsize=KEPT_FACTORS)
def make_factor(statement: Statement) -> Factor:
    """statement -> its factor; arguments that are known enter the density as constants."""
    density = _split_angles(statement.density)
    given = dict(statement.arguments)
    closed = {
        symbol: given[symbol.name]
        for symbol in density.arguments
        if not symbols_of(given[symbol.name]) and not free_indices(given[symbol.name])
    }
    term = replace_symbols(density.term, closed)
    varying = tuple(s for s in density.arguments if _varies(given[s.name]))
    formal = Density(density.value, varying, expand_binary(term))
    factor = Factor(statement, _change(formal), ZERO)
    return replace(factor, log_density=replace_symbols(formal.term, factor.actual()))


def open_density(statement: Statement) -> Density:
    """The density with every argument that may vary in the family open, known or not."""
    density = _split_angles(statement.density)
    held = {argument.name for argument in statement.form.arguments if argument.constant}
    support = statement.family.support
    for bound in (support.lower, support.upper):  # a density whose support moves has no score
        held |= set() if bound is None else {symbol.name for symbol in symbols_of(bound)}
    varying = tuple(s for s in density.arguments if s.name not in held)
    return Density(density.value, varying, density.term)


def _split_angles(density: Density) -> Density:
    return replace(density, term=split_angles(density.term, density.value))


def _varies(array: Array) -> bool:
    return any(s.role in _VARYING for s in symbols_of(array))


@lru_cache(maxsize=KEPT_CHANGES)
def _change(density: Density) -> Change:
    return separate_change(density)
