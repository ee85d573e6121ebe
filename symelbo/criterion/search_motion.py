"""The motions of a model in order of preference: no latent moves, few latents move, alike for all
inputs or not; h constant, textbook, shifted.

A model is decided component by component: factors are linked by the parameters that they share, by
the latents that move, and by statements of q that name either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heappop, heappush
from itertools import combinations

from symelbo.criterion.factor import Factor, symbols_of_statement
from symelbo.criterion.find_motion import Attempt, Missing, Proposal, closes, find_motion
from symelbo.criterion.motion import Motion
from symelbo.criterion.probe import allow_probes
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, base_share, takes_base
from symelbo.index.build import ZERO
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import is_zero
from symelbo.index.solve import NotFound
from symelbo.index.terms import Role, Symbol
from symelbo.index.work import Allowance
from symelbo.limits import MOTION_ATTEMPTS, MOVING_SUBSETS
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
    """All attempts for one model; the answers are kept."""

    factors: tuple[Factor, ...]
    variational: tuple[Factor, ...]
    known: dict[object, Proposal | NotFound] = field(default_factory=dict)
    exhausted: bool = False
    cut: str = ""  # the pass that came to its bound
    limit: int = MOTION_ATTEMPTS
    opened: bool = True  # whether long literal lengths are taken for any lengths
    probes: Allowance = field(default_factory=allow_probes)

    @cached_property
    def least(self) -> Mapping[str, int]:
        """The least sizes at which every factor exists, where these are not 1."""
        return least_values(f.statement for f in (*self.factors, *self.variational))

    @cached_property
    def learned(self) -> frozenset[Symbol]:
        """The parameters of all factors."""
        return frozenset(p for factor in self.factors for p in factor.parameters())

    # ------------------------------------------------------------------ which latents may move

    def movable(self) -> tuple[Symbol, ...]:
        """The continuous latents whose supports allow a motion, in the order of the model."""
        nodes = dict.fromkeys(f.node for f in self.factors if f.node.role is Role.LATENT)
        still = {f.node for f in self.factors if not f.can_move}
        return tuple(node for node in nodes if node not in still)

    def subsets(self, failing: Sequence[Component]) -> Iterator[Moving]:
        """Sets of latents to move, small ones first, that touch every failing component."""
        latents = self.movable()
        count = 0
        for size in range(1, len(latents) + 1):
            for chosen in combinations(latents, size):
                if all(self._touches(component, chosen) for component in failing):
                    yield dict.fromkeys(chosen, Travel.AFFINE)
                    count += 1
                    if count >= MOVING_SUBSETS:
                        yield dict.fromkeys(latents, Travel.AFFINE)
                        return
        for node in latents:
            if node.domain.is_line:
                yield {node: Travel.SHIFT}

    @staticmethod
    def ways(moving: Moving, *, informed: bool) -> list[Way]:
        """How some latents may move, the simplest way first."""
        each = any(node.shape for node in moving)
        return [Way(common, informed) for common in ([True, False] if each else [True])]

    @cached_property
    def has_inputs(self) -> bool:
        """Whether there are inputs with which latents might move."""
        everything = (*self.factors, *self.variational)
        return any(
            s.role is Role.INPUT for f in everything for s in symbols_of_statement(f.statement)
        )

    def motions(self, failing: Sequence[Component]) -> Iterator[tuple[Moving, Way]]:
        """Which latents to move and how, in the order of preference."""
        for informed in (False, True) if self.has_inputs else (False,):
            for moving in self.subsets(failing):
                for way in self.ways(moving, informed=informed):
                    yield moving, way

    def _touches(self, component: Component, chosen: Sequence[Symbol]) -> bool:
        return any(self._mentions(self.factors[n], chosen) for n in component.members)

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
        for choice in _ranked([len(gauges) for gauges in options], starts):
            chosen = tuple(gauges[n] for gauges, n in zip(options, choice, strict=True))
            answer = self.attempt(members, chosen, moving, qs, way)
            if isinstance(answer, Proposal):
                return answer
            first = first or answer
        return first or NotFound(ZERO)

    def may_be_constant(self, number: int) -> bool:
        """Whether a factor by itself has a constant base measure, if all latents move freely."""
        moving = dict.fromkeys(self.movable(), Travel.AFFINE)
        start, _ = self._alone(number, [Gauge.CONSTANT], moving, Way(False, self.has_inputs))
        return start is not None

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
        inside = [self.factors[n] for n in members] + [self.variational[n] for n in qs]
        own = {
            node: travel
            for node, travel in moving.items()
            if any(self._mentions(factor, [node]) for factor in inside)
        }
        key = (tuple(members), tuple(gauges), frozenset(own.items()), tuple(qs), way)
        if key in self.known:
            return self.known[key]
        if len(self.known) >= self.limit:
            self.exhausted = True
            return NotFound(ZERO)
        chosen = tuple(self.factors[n] for n in members)
        closed = tuple(self.variational[n] for n in qs)
        attempt = Attempt(
            chosen,
            tuple(gauges),
            own,
            closed,
            way.common,
            way.informed,
            self.opened,
            self.least,
        )
        answer = find_motion(attempt, self.probes)
        if isinstance(answer, Missing) and answer.cut:
            self.cut = answer.cut
        if isinstance(answer, Proposal) and _is_trivial(answer):
            answer = NotFound(answer.attempt.factors[0].log_density)
        self.known[key] = answer
        return answer

    def broken(self, motion: Motion) -> tuple[str, ...]:
        """The statements of q that do not follow a given motion of parameters and latents: not by
        themselves, or not beside those that have to, whose free parameters they name.
        """
        moving = {*motion.parameters, *motion.latents}
        ordered = sorted(
            self.variational,
            key=lambda q: moving.isdisjoint({q.node, *symbols_of_statement(q.statement)}),
        )
        follow: list[Factor] = []
        for q in ordered:
            if closes([*follow, q], motion):
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


def _ranked(counts: Sequence[int], starts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All choices of one option each from the starts on, the smallest sums first; lazily."""
    heap = [(sum(starts), tuple(starts))]
    seen = {tuple(starts)}
    while heap:
        _, choice = heappop(heap)
        yield choice
        for n, count in enumerate(counts):
            if choice[n] + 1 < count:
                following = (*choice[:n], choice[n] + 1, *choice[n + 1 :])
                if following not in seen:
                    seen.add(following)
                    heappush(heap, (sum(following), following))


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
