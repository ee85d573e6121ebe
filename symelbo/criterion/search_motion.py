"""The motions of a model in order of preference: no latent moves, no more than have to, alike for
all inputs or not; h constant, textbook, shifted.

A model is decided component by component: factors are linked by the parameters that they share, by
the latents that move, and by statements of q that name either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from symelbo.criterion.factor import Factor, symbols_of_statement
from symelbo.criterion.find_motion import Attempt, Missing, Proposal, closes, find_motion
from symelbo.criterion.motion import Motion
from symelbo.criterion.probe import allow_probes, allow_tables
from symelbo.criterion.refute import Budget, is_solvable
from symelbo.criterion.tableau import Tableau, make_tableau
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, base_share, takes_base
from symelbo.index.build import ZERO
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import is_zero
from symelbo.index.solve import NotFound
from symelbo.index.terms import Role, Symbol
from symelbo.index.work import Allowance, TooLong
from symelbo.limits import LOOKED_AT_FIRST, LOOKS, MOTION_ATTEMPTS
from symelbo.model.least_sizes import least_values
from symelbo.values import dataclass, field

__all__ = ["ALIKE", "Component", "Moving", "Search", "Way"]


Moving = Mapping[Symbol, Travel]


@dataclass(frozen=True, slots=True)
class Way:
    """How latents may move: with one r for all entries of each, or one for every entry; alike for
    all inputs, or not.
    """

    common: bool = True
    informed: bool = False


ALIKE = Way()


@dataclass(frozen=True, slots=True)
class Component:
    """Factors that need one motion, and what was found for them."""

    members: tuple[int, ...]
    variational: tuple[int, ...]
    answer: Proposal | NotFound

    @property
    def holds(self) -> bool:
        """Whether a motion was found."""
        return isinstance(self.answer, Proposal)

    @property
    def is_constant(self) -> bool:
        """Whether a motion with constant base measures was found."""
        answer = self.answer
        return isinstance(answer, Proposal) and set(answer.attempt.gauges) <= {Gauge.CONSTANT}


@dataclass
class Search:
    """All attempts for one model; the answers are kept.

    budget: of the numbers that are asked before a long table of all motions; None: they are not.
    """

    factors: tuple[Factor, ...]
    variational: tuple[Factor, ...]
    known: dict[object, Proposal | NotFound] = field(default_factory=dict)
    tables: dict[object, Tableau | None] = field(default_factory=dict)
    exhausted: bool = False
    cut: str = ""  # the pass that came to its bound
    limit: int = MOTION_ATTEMPTS
    opened: bool = True  # whether long literal lengths are taken for any lengths
    probes: Allowance = field(default_factory=allow_probes)
    table_work: Allowance = field(default_factory=allow_tables)
    budget: Budget | None = None

    @cached_property
    def least(self) -> Mapping[str, int]:
        """The least sizes at which every factor exists, where these are not 1."""
        return least_values(f.statement for f in (*self.factors, *self.variational))

    @cached_property
    def learned(self) -> frozenset[Symbol]:
        """The parameters of all factors and of q, which may name some that no factor does."""
        return frozenset(p for f in (*self.factors, *self.variational) for p in f.parameters())

    # ------------------------------------------------------------------ which latents may move

    def movable(self) -> tuple[Symbol, ...]:
        """The continuous latents whose supports allow a motion, in the order of the model."""
        nodes = dict.fromkeys(f.node for f in self.factors if f.node.role is Role.LATENT)
        still = {f.node for f in self.factors if not f.can_move}
        return tuple(node for node in nodes if node not in still)

    @cached_property
    def has_inputs(self) -> bool:
        """Whether there are inputs with which latents might move."""
        everything = (*self.factors, *self.variational)
        return any(
            s.role is Role.INPUT for f in everything for s in symbols_of_statement(f.statement)
        )

    def motions(
        self, failing: Sequence[Component], *, with_q: bool = True, constant: bool = False
    ) -> Iterator[tuple[Moving, Way]]:
        """Which latents to move and how, in the order of preference."""
        for informed in (False, True) if self.has_inputs else (False,):
            for moving in self.movings(failing, informed, with_q=with_q, constant=constant):
                for common in (True, False) if any(node.shape for node in moving) else (True,):
                    yield moving, Way(common, informed)

    def movings(
        self,
        failing: Sequence[Component],
        informed: bool = False,
        *,
        with_q: bool = True,
        constant: bool = False,
    ) -> Iterator[Moving]:
        """Latents that have to move for the failing components to hold; none if nothing helps.

        First no more than are needed, then all that are linked with them.  informed: in another way
        at other inputs; constant: for base measures that are all constant.
        """
        free: Moving = dict.fromkeys(self.movable(), Travel.AFFINE)
        needed: dict[Symbol, Travel] = {}
        linked: dict[Symbol, Travel] = {}
        wanted = {n for component in failing for n in component.members}
        for members, qs in self.components(free, with_q):
            if wanted.isdisjoint(members):
                continue
            attempt = self._attempt(members, (), free, qs, Way(False, informed))
            own = self.find_moving(attempt, constant)
            if own is None:
                return
            needed.update(own)
            linked.update(attempt.moving)
        if needed:
            yield needed
        if linked and linked != needed:
            yield linked

    def find_moving(self, attempt: Attempt, constant: bool) -> Mapping[Symbol, Travel] | None:
        """The latents of an attempt that have to move; all where that is not known; None: no motion
        will do.
        """
        if not attempt.moving:
            return None
        asks = len(self.learned) > LOOKED_AT_FIRST * len(attempt.factors)
        own = self.budget if asks else None
        if own is not None and not is_solvable(attempt.factors, own, instances=LOOKS[0]):
            return None
        tableau = self.tableau(attempt)
        return attempt.moving if tableau is None else tableau.find_moving(constant=constant)

    def tableau(self, attempt: Attempt) -> Tableau | None:
        """All cases of an attempt in one table, made once; None where it is too large."""
        key = (attempt.factors, attempt.variational, tuple(attempt.moving), attempt.informed)
        if key not in self.tables:
            try:
                self.tables[key] = make_tableau(attempt, self.table_work)
            except TooLong as bound:
                self.cut = str(bound)
                self.tables[key] = None
        return self.tables[key]

    @staticmethod
    def _mentions(factor: Factor, symbols: Sequence[Symbol]) -> bool:
        own = {factor.node, *symbols_of_statement(factor.statement)}
        return not own.isdisjoint(symbols)

    # ------------------------------------------------------------------ components

    def decide(
        self,
        moving: Moving,
        *,
        way: Way = ALIKE,
        with_q: bool = True,
        constant: bool = False,
    ) -> list[Component]:
        """Every component under these moving latents, with its best motion.

        constant: of those with constant base measures.
        """
        return [
            Component(members, qs, self.solve(members, qs, moving, way, constant))
            for members, qs in self.components(moving, with_q)
        ]

    def components(
        self, moving: Moving, with_q: bool
    ) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """(factors, statements of q) linked by shared parameters, of q too, and moving latents."""
        groups: list[tuple[set[Symbol], list[int], list[int]]] = []
        items = [(f, n, True) for n, f in enumerate(self.factors)]
        if with_q:
            items += [(q, n, False) for n, q in enumerate(self.variational)]
        for factor, number, is_model in items:
            links = self._links(factor, moving)
            members, others = ([number], []) if is_model else ([], [number])
            apart = []
            for symbols, inside, qs in groups:
                if links & symbols:
                    links |= symbols
                    members, others = inside + members, qs + others
                else:
                    apart.append((symbols, inside, qs))
            groups = [*apart, (links, members, others)]
        # statements of q that no factor is linked to stay as they are
        found = [(tuple(sorted(m)), tuple(sorted(q))) for _, m, q in groups if m]
        return sorted(found)

    def _links(self, factor: Factor, moving: Moving) -> set[Symbol]:
        mentioned = {factor.node, *symbols_of_statement(factor.statement)}
        return {
            s for s in mentioned if s in moving or s in self.learned or s.role is Role.VARIATIONAL
        }

    # ------------------------------------------------------------------ one component

    def solve(
        self,
        members: Sequence[int],
        qs: Sequence[int],
        moving: Moving,
        way: Way,
        constant: bool = False,
    ) -> Proposal | NotFound:
        """The strongest base measures for which one motion serves the component."""
        options = [
            [Gauge.CONSTANT]
            if constant
            else _gauges(self.factors[n], self.factors[n].travel(moving))
            for n in members
        ]
        first: NotFound | None = None
        starts = []
        for number, gauges in zip(members, options, strict=True):
            start, residual = self._alone(number, gauges, moving, way)
            first = first or residual
            if start is None:
                return residual or NotFound(ZERO)
            starts.append(start)
        for chosen in self.choices(members, options, starts, moving, qs, way):
            answer = self.attempt(members, chosen, moving, qs, way)
            if isinstance(answer, Proposal):
                return answer
            first = first or answer
        return first or NotFound(ZERO)

    def choices(
        self,
        members: Sequence[int],
        options: Sequence[Sequence[Gauge]],
        starts: Sequence[int],
        moving: Moving,
        qs: Sequence[int],
        way: Way,
    ) -> Iterator[tuple[Gauge, ...]]:
        """Base measures to be tried together: what each may have by itself, what each may have
        beside the others, and what allows all others.
        """
        first = tuple(own[n] for own, n in zip(options, starts, strict=True))
        yield first
        last = tuple(own[-1] for own in options)
        if first == last:
            return
        attempt = self._attempt(members, last, moving, qs, way)
        tableau = self.tableau(attempt)
        left = [own[n:] for own, n in zip(options, starts, strict=True)]
        chosen = last if tableau is None else tableau.find_gauges(attempt.moving, left)
        if chosen is None:
            return
        if chosen != first:
            yield chosen
        if last not in (first, chosen):
            yield last

    def _alone(
        self, number: int, gauges: Sequence[Gauge], moving: Moving, way: Way
    ) -> tuple[int | None, NotFound | None]:
        """The first base measure for which the factor by itself has a motion: a lower bound."""
        first = None
        for n, gauge in enumerate(gauges):
            answer = self.attempt((number,), (gauge,), moving, (), way)
            if isinstance(answer, Proposal):
                return n, first
            first = first or answer
        return None, first

    def attempt(
        self,
        members: Sequence[int],
        gauges: Sequence[Gauge],
        moving: Moving,
        qs: Sequence[int],
        way: Way,
    ) -> Proposal | NotFound:
        """`find_motion`, once per attempt, without the trivial answers."""
        attempt = self._attempt(members, gauges, moving, qs, way)
        key = (tuple(members), tuple(gauges), frozenset(attempt.moving.items()), tuple(qs), way)
        if key in self.known:
            return self.known[key]
        if len(self.known) >= self.limit:
            self.exhausted = True
            return NotFound(ZERO)
        answer = find_motion(attempt, self.probes)
        if isinstance(answer, Missing) and answer.cut:
            self.cut = answer.cut
        if isinstance(answer, Proposal) and _is_trivial(answer):
            answer = NotFound(answer.attempt.factors[0].log_density)
        self.known[key] = answer
        return answer

    def _attempt(
        self,
        members: Sequence[int],
        gauges: Sequence[Gauge],
        moving: Moving,
        qs: Sequence[int],
        way: Way,
    ) -> Attempt:
        """The attempt, with the moving latents that it mentions."""
        chosen = tuple(self.factors[n] for n in members)
        closed = tuple(self.variational[n] for n in qs)
        own = {
            node: travel
            for node, travel in moving.items()
            if any(self._mentions(factor, [node]) for factor in (*chosen, *closed))
        }
        return Attempt(
            chosen,
            tuple(gauges),
            own,
            closed,
            way.common,
            way.informed,
            self.opened,
            self.least,
        )

    def broken(self, motion: Motion) -> tuple[str, ...]:
        """The statements of q that do not follow a given motion of parameters and latents: not by
        themselves, or not beside those that have to, whose free parameters they name.
        """
        moving = {*motion.parameters, *motion.latents}
        held = frozenset(p for factor in self.factors for p in factor.parameters())
        ordered = sorted(
            self.variational,
            key=lambda q: moving.isdisjoint({q.node, *symbols_of_statement(q.statement)}),
        )
        follow: list[Factor] = []
        for q in ordered:
            if closes([*follow, q], motion, held):
                follow.append(q)
        return tuple(q.name for q in self.variational if q not in follow)


def _gauges(factor: Factor, travel: Travel) -> list[Gauge]:
    """The base measures that make a difference, strongest first."""
    change = factor.change
    gauges = [Gauge.CONSTANT]
    shares = (base_share(change, part, Gauge.TEXTBOOK, travel) for part in change.parts)
    if any(share != ZERO for share in shares):
        gauges.append(Gauge.TEXTBOOK)
    if any(takes_base(change, part, travel) for part in change.parts):
        gauges.append(Gauge.SHIFTED)
    return gauges


def _is_trivial(proposal: Proposal) -> bool:
    """Whether some factor satisfies (U) only because all of it went into its base measure.

    A factor in which nothing moves satisfies (U) only if its density is constant.
    """
    for factor, gauge in zip(proposal.attempt.factors, proposal.attempt.gauges, strict=True):
        if gauge is not Gauge.CONSTANT and is_idle(factor, proposal.motion):
            return True
    return False


def is_idle(factor: Factor, motion: Motion) -> bool:
    """Whether the motion leaves the density as it is."""
    return is_zero(derivative_along(factor.log_density, motion.velocities()))
