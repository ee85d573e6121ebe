"""One motion for a set of factors: velocities, r and s as the unknowns of one linear problem.

What is found here is proposed; (U) is proved of it elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from symelbo.criterion.balance_degrees import find_by_degrees
from symelbo.criterion.factor import Equations, Factor, symbols_of_statement
from symelbo.criterion.motion import Latent, Motion
from symelbo.criterion.open_factors import (
    close_motion,
    find_opening,
    open_factor,
)
from symelbo.criterion.probe import find_multiples, is_solvable_somewhere
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel
from symelbo.index.build import ONE, ZERO, add, mul, number
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.open_lengths import Opening
from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range
from symelbo.index.solve import (
    Found,
    NotFound,
    divisors,
    find_by_elimination,
    unknown_like,
)
from symelbo.index.substitute import formal_indices, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Role, Symbol, Term
from symelbo.index.tidy import tidy_short
from symelbo.index.work import Allowance, TooLong
from symelbo.values import dataclass, field, replace

__all__ = [
    "Attempt",
    "Missing",
    "Proposal",
    "Unknowns",
    "closes",
    "closure_equations",
    "find_motion",
    "find_remainder",
    "is_spectator",
    "make_unknowns",
    "open_attempt",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is asked: factors, a base measure for each, which latents may move and how.

    variational: factors of q whose family has to be closed under the motion; common: one r for all
    entries of a latent in place of one for each; informed: whether r and s may depend on the
    inputs, which are known of a data point; opened: whether long literal lengths are taken for
    any lengths; least: the sizes from which on the whole model exists, where these are not 1.
    """

    factors: tuple[Factor, ...]
    gauges: tuple[Gauge, ...]
    moving: Mapping[Symbol, Travel] = field(default_factory=dict)
    variational: tuple[Factor, ...] = ()
    common: bool = True
    informed: bool = False
    opened: bool = True
    least: Mapping[str, int] = field(default_factory=dict)

    @property
    def everything(self) -> tuple[Factor, ...]:
        """The factors of the model, then those of q."""
        return (*self.factors, *self.variational)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A motion that solves the equations of an attempt; nonzero: what its velocities divide by."""

    attempt: Attempt
    motion: Motion
    nonzero: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Unknowns:
    """The unknowns, the velocities made of them, and what each is a multiple of for a scaling.

    known: on which data an unknown may depend.  The velocities of q's parameters on all of a data
    point, since q has parameters of its own for each; r and s on its inputs.
    """

    order: tuple[Symbol, ...]
    parameters: Mapping[Symbol, Array]
    variational: Mapping[Symbol, Array]
    latents: Mapping[Symbol, Latent]
    bases: Mapping[Symbol, Array]
    known: Mapping[Symbol, frozenset[Role]]

    def velocities(self) -> dict[Symbol, Array]:
        return Motion(self.parameters, self.latents, self.variational).velocities()

    def scaled(self) -> dict[Symbol, Symbol]:
        """What is multiplied by a number -> the unknown in which that is; nothing if some latent
        is scaled about a point other than 0.
        """
        for node, latent in self.latents.items():
            motions = node.domain.motions
            if latent.scales and motions is not None and motions.about is not None:
                return {}
        arrays = {**self.parameters, **self.variational}
        arrays.update((node, latent.rate) for node, latent in self.latents.items())
        return {
            symbol: unknown
            for symbol, array in arrays.items()
            for unknown in symbols_of(array) & self.bases.keys()
        }


@dataclass(frozen=True, slots=True)
class Missing(NotFound):
    """No motion was found for an attempt; cut: the pass that came to its bound, if one did."""

    attempt: Attempt
    cut: str = ""


def find_motion(attempt: Attempt, work: Allowance) -> Proposal | NotFound:
    """A motion for which (U) holds of every factor of the attempt, or what was left over.

    work: of the probes.
    """
    opening = find_opening(attempt.everything) if attempt.opened else None
    if opening is None:
        return _find_motion(attempt, work)
    found = _find_motion(open_attempt(attempt, opening), work)
    if isinstance(found, Proposal):
        nonzero = tuple(map(opening.close, found.nonzero))
        return Proposal(attempt, close_motion(found.motion, opening), nonzero)
    return Missing(ZERO, attempt, found.cut if isinstance(found, Missing) else "")


def open_attempt(attempt: Attempt, opening: Opening) -> Attempt:
    """The attempt for lengths of any value."""
    return replace(
        attempt,
        factors=tuple(open_factor(factor, opening) for factor in attempt.factors),
        moving={opening.open_symbol(s): travel for s, travel in attempt.moving.items()},
        variational=tuple(open_factor(q, opening) for q in attempt.variational),
    )


def _find_motion(attempt: Attempt, work: Allowance) -> Proposal | NotFound:
    """By the arguments of the families, then by the statistics themselves: the latter also finds
    motions where the arguments are not determined (logits up to a constant).
    """
    unknowns = make_unknowns(attempt)
    systems = [_equations(attempt, unknowns, direct) for direct in (False, True)]
    cut = ""
    for equations in filter(None, systems):
        try:
            found = _scale(attempt, equations, unknowns, work)
        except TooLong as bound:
            cut = str(bound)
            continue
        if found is not None:
            return _propose(attempt, unknowns, found)
    for equations in filter(None, systems):
        try:
            answer = _solve_apart(attempt, equations, unknowns, work)
        except TooLong as bound:
            cut = str(bound)
            continue
        if isinstance(answer, Found):
            return _propose(attempt, unknowns, answer)
    return Missing(ZERO, attempt, cut)


def _solve_apart(
    attempt: Attempt, equations: Equations, unknowns: Unknowns, work: Allowance
) -> Found | NotFound:
    """Equations that share no unknown, one group after the other: by scaling, else elimination,
    unless random points exclude a solution.

    requires: all together are not solved by scaling.
    """
    values: dict[Symbol, Array] = {}
    groups = _split_apart(equations, unknowns)
    for part, own in groups:
        found: Found | NotFound | None
        found = _scale(attempt, part, own, work) if len(groups) > 1 else None
        if found is None and not is_solvable_somewhere(
            attempt.everything, part, own.order, work, least=attempt.least, known=own.known
        ):
            return NotFound(ZERO)
        found = found or _eliminate(part, own, attempt.least)
        if isinstance(found, NotFound):
            return found
        values.update(found.values)
    return Found(values)


def _split_apart(equations: Equations, unknowns: Unknowns) -> list[tuple[Equations, Unknowns]]:
    """Groups of equations, each with the unknowns that only they have, in the order given.

    An equation without unknowns, and unknowns without an equation, are a group by themselves.
    """
    terms = (*equations.exact, *equations.shifted)
    sought = frozenset(unknowns.order)
    groups: list[tuple[frozenset[Symbol], set[Term]]] = [
        (frozenset((unknown,)), set()) for unknown in unknowns.order
    ]
    for term in terms:
        own = symbols_of(term) & sought
        met = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        together = own.union(*(symbols for symbols, _ in met))
        groups.append((together, {term}.union(*(inside for _, inside in met))))
    return [
        (
            Equations(
                tuple(term for term in equations.exact if term in inside),
                tuple(term for term in equations.shifted if term in inside),
            ),
            replace(
                unknowns,
                order=tuple(u for u in unknowns.order if u in symbols),
                bases={u: basis for u, basis in unknowns.bases.items() if u in symbols},
            ),
        )
        for symbols, inside in groups
    ]


def find_remainder(answer: NotFound) -> Term:
    """What elimination leaves over of an attempt without a motion, from which nothing followed."""
    if not isinstance(answer, Missing):
        return answer.residual
    unknowns = make_unknowns(answer.attempt)
    systems = [_equations(answer.attempt, unknowns, direct) for direct in (False, True)]
    for equations in filter(None, systems):
        try:
            left = _eliminate(equations, unknowns, answer.attempt.least)
        except TooLong:
            continue
        if isinstance(left, NotFound) and left.residual != ZERO:
            return left.residual
    return answer.attempt.factors[0].log_density


def _eliminate(
    equations: Equations, unknowns: Unknowns, least: Mapping[str, int]
) -> Found | NotFound:
    return find_by_elimination(
        equations.exact,
        unknowns.order,
        is_spectator,
        shifted=equations.shifted,
        least=least,
        known=unknowns.known,
    )


def _scale(
    attempt: Attempt, equations: Equations, unknowns: Unknowns, work: Allowance
) -> Found | None:
    """A solution in which every parameter is multiplied by a number, the simplest to read."""
    if equations.shifted:
        return None
    found = _balance(attempt, equations, unknowns, work)
    if found is not None:
        return found
    still = {u: Array(formal_indices(u.shape), ZERO) for u in unknowns.order}
    still = {u: a for u, a in still.items() if u not in unknowns.bases}
    scaled = [replace_symbols(e, still) for e in equations.exact]
    multiples = find_multiples(
        attempt.everything, scaled, unknowns.bases, work, least=attempt.least
    )
    if multiples is None:
        return None
    return _multiply(unknowns, multiples)


def _balance(
    attempt: Attempt, equations: Equations, unknowns: Unknowns, work: Allowance
) -> Found | None:
    """The same, of the degrees of the arguments, where these say it."""
    scaled = unknowns.scaled()
    if not scaled or attempt.variational:
        return None
    factors = [
        (factor, gauge, factor.travel(attempt.moving))
        for factor, gauge in zip(attempt.factors, attempt.gauges, strict=True)
    ]
    multiples = find_by_degrees(factors, scaled, tuple(unknowns.bases))
    if multiples is None:
        return None
    found = _multiply(unknowns, multiples)
    left = tuple(replace_symbols(equation, found.values) for equation in equations.exact)
    everything = attempt.everything
    holds = is_solvable_somewhere(everything, Equations(left), (), work, least=attempt.least)
    return found if holds else None


def _multiply(unknowns: Unknowns, multiples: Mapping[Symbol, Fraction]) -> Found:
    """Every unknown as a number times its basis; those without a basis are 0."""
    values = {u: Array(formal_indices(u.shape), ZERO) for u in unknowns.order}
    for unknown, basis in unknowns.bases.items():
        values[unknown] = Array(basis.indices, mul(number(multiples[unknown]), basis.body))
    return Found(values)


def is_spectator(symbol: Symbol) -> bool:
    """Whether the velocity of a parameter may not depend on the symbol: nodes and covariates."""
    return symbol.role in (Role.LATENT, Role.OBSERVED, Role.INPUT)


# ---------------------------------------------------------------- the unknowns


_INPUTS = frozenset({Role.INPUT})
_DATA = frozenset({Role.INPUT, Role.OBSERVED})


def make_unknowns(attempt: Attempt) -> Unknowns:
    """The unknowns of an attempt, whatever its base measures are."""
    statements = [factor.statement for factor in attempt.everything]
    mentioned = frozenset().union(*(symbols_of_statement(s) for s in statements))
    bases: dict[Symbol, Array] = {}
    order: list[Symbol] = []
    known: dict[Symbol, frozenset[Role]] = {}

    def velocity(symbol: Symbol) -> Array:
        """theta -> its velocity in a new unknown: theta U where theta is positive, else U."""
        indices = formal_indices(symbol.shape)
        unknown = unknown_like(symbol, "beta ")
        own = Entry(symbol, indices)
        order.append(unknown)
        if domain_range(symbol.domain) == POSITIVE:
            bases[unknown] = Array(indices, ONE)
            return Array(indices, mul(own, Entry(unknown, indices)))
        bases[unknown] = Array(indices, own)
        return Array(indices, Entry(unknown, indices))

    def named(role: Role) -> list[Symbol]:
        return sorted((s for s in mentioned if s.role is role), key=lambda s: s.name)

    parameters = {s: velocity(s) for s in named(Role.PARAMETER)}
    count = len(order)
    variational = {s: velocity(s) for s in named(Role.VARIATIONAL)}
    known.update(dict.fromkeys(order[count:], _DATA))
    count = len(order)
    latents: dict[Symbol, Latent] = {}
    for node, travel in sorted(attempt.moving.items(), key=lambda item: item[0].name):
        latents[node] = _move(node, travel, attempt.common, order, bases)
    if attempt.informed:
        known.update(dict.fromkeys(order[count:], _INPUTS))
    return Unknowns(tuple(order), parameters, variational, latents, bases, known)


def _move(
    node: Symbol, travel: Travel, common: bool, order: list[Symbol], bases: dict[Symbol, Array]
) -> Latent:
    """r and s of a latent as unknowns, as far as its support and the attempt allow them."""
    indices = formal_indices(node.shape)
    rate: Term = ZERO
    shift: Term = ZERO
    motions = node.domain.motions
    assert motions is not None
    common = common or motions.whole
    if travel.shifts and motions.shifts:
        symbol = Symbol(f"s {node.name}", Role.UNKNOWN, Real(), node.shape)
        shift = Entry(symbol, indices)
        order.append(symbol)
    if travel.scales and motions.scales:
        symbol = Symbol(f"r {node.name}", Role.UNKNOWN, Real(), () if common else node.shape)
        rate = Entry(symbol, () if common else indices)
        order.append(symbol)
        bases[symbol] = Array(() if common else indices, ONE)
    return Latent(Array(indices, rate), Array(indices, shift))


# ---------------------------------------------------------------- the equations


def _equations(attempt: Attempt, unknowns: Unknowns, direct: bool) -> Equations | None:
    """(U) of all factors; None if the short form is asked for and no factor has one."""
    velocities = unknowns.velocities()
    exact: list[Term] = []
    shifted: list[Term] = []
    short = False
    for factor, gauge in zip(attempt.factors, attempt.gauges, strict=True):
        travel = factor.travel(attempt.moving)
        given = (gauge, travel, velocities, unknowns.latents)
        found = None if direct else factor.equations(*given)
        short = short or found is not None
        found = found or factor.direct_equations(*given)
        exact += found.exact
        shifted += found.shifted
    if not direct and not short:
        return None
    exact += (term for q in attempt.variational for term in closure_equations(q, unknowns))
    return Equations(tuple(exact), tuple(shifted))


def closure_equations(q: Factor, unknowns: Unknowns) -> list[Term]:
    """D log q + d = 0: the family of q follows the motion of the latents to first order.

    Its values are latents like all others.
    """
    change = derivative_along(q.log_density, unknowns.velocities())
    return [add(change, Motion({}, unknowns.latents).divergence(q.statement))]


def closes(q: Sequence[Factor], motion: Motion, held: Collection[Symbol]) -> bool:
    """Whether some motion of the own parameters of statements of q follows that of all else.

    held: parameters that are not q's own, which move as the motion says or stand still.
    """
    attempt = Attempt((), (), {}, tuple(q))
    unknowns = make_unknowns(attempt)
    own = {symbol: array for symbol, array in unknowns.parameters.items() if symbol not in held}
    given = replace(unknowns, parameters={**own, **motion.parameters}, latents=motion.latents)
    equations = [term for statement in q for term in closure_equations(statement, given)]
    try:
        return isinstance(_eliminate(Equations(tuple(equations)), unknowns, {}), Found)
    except TooLong:
        return False


# ---------------------------------------------------------------- the proposal


def _propose(attempt: Attempt, unknowns: Unknowns, found: Found) -> Proposal:
    values = dict(found.values)

    def solved(array: Array) -> Array:
        return Array(array.indices, tidy_short(replace_symbols(array.body, values)))

    def moving(arrays: Mapping[Symbol, Array]) -> dict[Symbol, Array]:
        found = {symbol: solved(array) for symbol, array in arrays.items()}
        return {symbol: array for symbol, array in found.items() if array.body != ZERO}

    latents = {}
    for node, latent in unknowns.latents.items():
        rate, shift = solved(latent.rate), solved(latent.shift)
        if rate.body != ZERO or shift.body != ZERO:
            latents[node] = Latent(rate, shift)
    motion = Motion(moving(unknowns.parameters), latents, moving(unknowns.variational))
    arrays = [*motion.parameters.values(), *motion.variational.values()]
    arrays += (array for latent in latents.values() for array in (latent.rate, latent.shift))
    nonzero = dict.fromkeys(term for array in arrays for term in divisors(array.body))
    return Proposal(attempt, motion, tuple(nonzero))
