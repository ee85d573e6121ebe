"""A model -> the motion along which (U) holds of its factors, or a certificate against one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, combinations, islice

from symelbo.certify.certificate import Certificate
from symelbo.checker.terms import readable
from symelbo.criterion.confirm import confirm_component, first_confirmed
from symelbo.criterion.factor import Factor, make_factor, symbols_of_statement
from symelbo.criterion.find_motion import Proposal, find_remainder
from symelbo.criterion.identity import state_identity
from symelbo.criterion.motion import Motion
from symelbo.criterion.open_factors import find_opening, has_many_entries
from symelbo.criterion.refute import (
    Budget,
    find_certificates,
    is_known_to_fail,
    is_solvable,
)
from symelbo.criterion.result import (
    Closure,
    Decision,
    Holds,
    Outside,
    Refuted,
    Result,
    Undecided,
)
from symelbo.criterion.search_motion import ALIKE, Component, Moving, Search, Way
from symelbo.expfam.form import Inseparable
from symelbo.expfam.separate_density import separate_density
from symelbo.index.solve import NotFound
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Role, Symbol, Term
from symelbo.limits import FAILING_SUBSETS
from symelbo.model.model import Model
from symelbo.values import replace
from symelbo.words import join_words

__all__ = ["decide_criterion"]


def decide_criterion(model: Model) -> Decision:
    """One motion for all factors, in the order of preference, or why there is none.

    Source: the form-free criterion (U), which contains Warnken et al. (2025), Definition 1.
    """
    factors = tuple(make_factor(s) for s in model.statements)
    q = tuple(make_factor(s) for s in model.declared)
    unbounded = [_support_reason(factor) for factor in factors]
    everything = (*factors, *q)
    deciders = [_Decider(model, factors, q, unbounded)]
    if find_opening(everything) is not None and not has_many_entries(everything):
        # what does not hold at all lengths may hold at those that are given
        deciders.append(_Decider(model, factors, q, unbounded, opened=False))
    for decider in deciders:  # a motion is found, or not, sooner than a certificate
        if (found := decider.find()) is not None:
            return found
    for decider in deciders:
        decision = decider.partial(decider.confirmed({}, with_q=False))
        if not any(isinstance(result, Undecided) for result in decision.results):
            break
    return decision


class _Decider:
    def __init__(
        self,
        model: Model,
        factors: tuple[Factor, ...],
        q: tuple[Factor, ...],
        unbounded: Sequence[tuple[str, Term] | None],
        *,
        opened: bool = True,
    ) -> None:
        self.model, self.factors, self.unbounded = model, factors, unbounded
        self.still = model.reparameterize == "never"
        self.search = Search(factors, q, opened=opened)
        self.budget = self.search.budget = Budget.of_model(factors, self.search.least)
        self.refused: list[str] = []  # by the checker, of what was found
        self.certificates: dict[tuple[int, ...], Certificate | None] = {}

    # ------------------------------------------------------------------ the whole model

    def find(self) -> Decision | None:
        """The first motion that serves all factors and q; None if there is none."""
        if any(self.unbounded):
            return None
        for with_q in (True, False) if self.search.variational else (True,):
            still = self.confirmed({}, with_q=with_q)
            if all(component.holds for component in still):
                return self.preferred(self.whole(still, {}, with_q), still)
            if self.still:
                continue
            failing = [component for component in still if not component.holds]
            for moving, way in self.search.motions(failing, with_q=with_q):
                found = self.confirmed(moving, way, with_q=with_q)
                if all(component.holds for component in found):
                    return self.preferred(self.whole(found, moving, with_q), still)
        return None

    def confirmed(
        self, moving: Moving, way: Way = ALIKE, *, with_q: bool, constant: bool = False
    ) -> list[Component]:
        """The components, a motion counting only if the checker proves (U) along it.

        constant: by constant base measures alone.
        """
        components = self.search.decide(moving, way=way, with_q=with_q, constant=constant)
        result = []
        for component in components:
            if isinstance(component.answer, Proposal):
                reasons = confirm_component(component.answer)
                if reasons:
                    self.refused += reasons
                    residual = component.answer.attempt.factors[0].log_density
                    component = replace(component, answer=NotFound(residual))
            result.append(component)
        return result

    def whole(self, components: Sequence[Component], moving: Moving, with_q: bool) -> Decision:
        """The decision for a model of which every component holds."""
        motion = _union(components)
        results = self.results(components)
        closure, broken = self.closure(motion, moving, with_q)
        nonzero = dict.fromkeys(
            term
            for component in components
            if isinstance(component.answer, Proposal)
            for term in component.answer.nonzero
        )
        ordered = tuple(results[n] for n in range(len(self.factors)))
        return Decision(ordered, motion, closure, broken, tuple(nonzero))

    def results(self, components: Sequence[Component]) -> dict[int, Result]:
        """The identities of all factors that hold, by the factor's number."""
        found: dict[int, Result] = {}
        for component in components:
            answer = component.answer
            if not isinstance(answer, Proposal):
                continue
            for number, factor, gauge in zip(
                component.members, answer.attempt.factors, answer.attempt.gauges, strict=True
            ):
                travel = factor.travel(answer.attempt.moving)
                identity = state_identity(factor, gauge, travel, answer.motion)
                found[number] = Holds(
                    factor,
                    identity,
                    _restrict(answer.motion, factor),
                    answer.nonzero,
                )
        return found

    def closure(
        self, motion: Motion, moving: Moving, with_q: bool
    ) -> tuple[Closure, tuple[str, ...]]:
        """How it is known that q follows the motion, and the statements of q that break it."""
        if not with_q:
            return Closure.BROKEN, self.search.broken(motion)
        q_moves = any(
            not symbols_of_statement(q.statement).isdisjoint(motion.parameters)
            for q in self.search.variational
        )
        if not motion.latents and not q_moves:
            return Closure.NOT_NEEDED, ()
        if self.model.variational == "exact":
            return Closure.EXACT, ()
        if self.model.variational == "any":
            return Closure.ASSUMED, ()
        return Closure.SHOWN, ()

    def preferred(self, found: Decision, still: Sequence[Component]) -> Decision:
        """A decision, or the same by theorem 1, or both where neither condition on q is weaker.

        Theorem 2 with no latent motion asks nothing of q, which is nothing where q is exact; once
        latents move, a constant base measure comes first.  still: the components at rest.
        """
        if found.by_theorem_1 or found.closure is Closure.BROKEN or self.still:
            return found
        other = self.by_theorem_1(found, still)
        if other is None:
            return found
        if found.motion.latents or self.model.variational == "exact":
            return other
        return replace(found, alternative=other)

    def by_theorem_1(self, found: Decision, still: Sequence[Component]) -> Decision | None:
        """Constant base measures for all factors, by the motion of the fewest latents.

        It may divide by no more than what was found does.
        """
        failing = [component for component in still if not component.is_constant]
        for moving, way in self.search.motions(failing, constant=True):
            components = self.confirmed(moving, way, with_q=True, constant=True)
            if all(component.holds for component in components):
                other = self.whole(components, moving, True)
                if other.by_theorem_1 and set(other.nonzero) <= set(found.nonzero):
                    return other
        return None

    # ------------------------------------------------------------------ what does not hold

    def partial(self, components: Sequence[Component]) -> Decision:
        """What holds without a latent motion, and a certificate or a remainder for the rest."""
        results = self.results(components)
        open_parameters = frozenset(
            p
            for component in components
            if not component.holds
            for n in component.members
            for p in self.factors[n].parameters()
        )
        for n in list(results):
            result = results[n]
            if isinstance(result, Holds) and not open_parameters.isdisjoint(
                result.motion.parameters
            ):
                del results[n]
        for n, reason in enumerate(self.unbounded):
            if reason is not None:
                results[n] = Outside(self.factors[n], *reason)
        for component in self.hopeless_first([c for c in components if not c.holds]):
            missing = [n for n in component.members if n not in results]
            if missing:
                results.update(self.judge(component, missing))
        moved = [c for c in components if c.holds and all(n in results for n in c.members)]
        ordered = tuple(results[n] for n in range(len(self.factors)))
        return Decision(ordered, _union(moved))

    def hopeless_first(self, failing: Sequence[Component]) -> Sequence[Component]:
        """Those that no motion of latents serves before others: on these the search for a
        certificate spends its work.
        """
        if self.still or len(failing) < 2 or any(self.unbounded):
            return failing
        return sorted(failing, key=lambda c: any(self.search.movings([c], with_q=False)))

    def judge(self, component: Component, members: Sequence[int]) -> dict[int, Result]:
        """Refuted, outside or undecided, for the factors of a component without a motion."""
        assert isinstance(component.answer, NotFound)
        residual = find_remainder(component.answer)
        for chosen in self.suspects(members):
            certificate = self.certificate(chosen)
            if certificate is None:
                continue
            group = tuple(self.factors[n] for n in chosen)
            blamed = [n for n in members if n in chosen] or list(members)
            return {
                n: _refute(self.factors[n], certificate, group)
                if n in blamed
                else _open_beside(self.factors[n], residual, group)
                for n in members
            }
        together = [self.factors[n] for n in members]
        failing = is_known_to_fail(together, self.budget, still=self.still)
        return {n: self.open(n, residual, together if failing else ()) for n in members}

    def certificate(self, chosen: tuple[int, ...]) -> Certificate | None:
        """A certificate against some factors that the checker accepts, None if none was found."""
        if chosen not in self.certificates:
            group = tuple(self.factors[n] for n in chosen)
            proposals = find_certificates(group, self.budget, still=self.still)
            self.certificates[chosen] = first_confirmed(proposals, group, self.budget, self.factors)
        return self.certificates[chosen]

    def suspects(self, members: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Sets of factors that may contradict each other, small ones first, but before all others
        those that do where more factors had no solution.

        None where all that are linked have a solution together at every instance that was tried.
        """
        if any(self.unbounded):
            return
        whole = self.linked(members)
        if len(whole) > 1 and is_solvable(
            [self.factors[n] for n in whole], self.budget, still=self.still
        ):
            return
        together = (tuple(members), tuple(whole))
        others = [n for n in whole if n not in members]
        beside = chain(combinations(others, 1), combinations(others, 2))
        larger = (tuple(sorted((*members, *more))) for more in beside)
        small = chain(dict.fromkeys((*((n,) for n in members), together[0])), larger)
        chosen = dict.fromkeys((*islice(small, FAILING_SUBSETS), *together))
        later = []
        for numbers in chosen:
            group = [self.factors[n] for n in numbers]
            if is_known_to_fail(group, self.budget, still=self.still):
                yield numbers
            else:
                later.append(numbers)
        yield from later

    def linked(self, members: Sequence[int]) -> list[int]:
        """The factors that share parameters or movable latents with some of these, or with those
        that do.
        """
        found, links = set(members), set[Symbol]()
        left = {n: own for n, own in enumerate(self.shared) if n not in found}
        more = list(found)
        while more:
            links.update(*(self.shared[n] for n in more))
            more = [n for n, own in left.items() if not own.isdisjoint(links)]
            for n in more:
                del left[n]
            found.update(more)
        return sorted(found)

    @cached_property
    def shared(self) -> list[set[Symbol]]:
        """The parameters and movable latents that each factor mentions, its own node included."""
        links = {*self.search.movable(), *(p for f in self.factors for p in f.parameters())}
        return [{f.node, *symbols_of_statement(f.statement)} & links for f in self.factors]

    def open(self, number: int, residual: Term, failing: Sequence[Factor] = ()) -> Result:
        """Undecided, with what would decide it; failing: factors that have no motion together, as
        points with numbers say.
        """
        factor = self.factors[number]
        missing = (
            f"a rule that decides whether some motion satisfies (U) of {factor.name}: neither a"
            " motion nor a certificate against one was found"
        )
        if failing and not self.budget.exhausted:
            names = join_words([f.name for f in failing])
            missing = (
                "a certificate that the checker accepts: at points that were tried no motion"
                f" satisfies (U) of {names}, but no weights were found that show it exactly"
            )
        elif self.refused and not failing:
            refusals = readable("; ".join(dict.fromkeys(self.refused)))
            missing = f"a rule of the checker, if there is a motion: one was tried, but {refusals}"
        elif self.search.cut:
            missing = f"an answer within the bound on the work of one pass: {self.search.cut}"
        elif self.search.exhausted:
            missing = "an answer within the bound on the work: not every base measure was tried"
        elif self.budget.untried:
            missing = (
                "an answer within the bound on the work: at the sizes that are given there are too"
                " many entries for a certificate to be sought"
            )
        elif self.budget.exhausted:
            missing = "an answer within the bound on the work: the search for a certificate was cut"
        return Undecided(factor, residual, missing)


# ---------------------------------------------------------------- small parts


def _refute(factor: Factor, certificate: Certificate, group: tuple[Factor, ...]) -> Result:
    """Refuted, or outside if the certificate is against the factor by itself."""
    inseparable = _inseparable(factor) if group == (factor,) else None
    if inseparable is not None:  # several may contradict each other where each has a motion
        return Outside(factor, inseparable.reason, inseparable.piece, certificate, group)
    return Refuted(factor, certificate, group, f"no motion satisfies (U) of {factor.name}")


def _open_beside(factor: Factor, residual: Term, group: Sequence[Factor]) -> Undecided:
    """A factor that no motion serves together with others, with which it shares what moves."""
    names = join_words([other.name for other in group])
    missing = f"a motion that serves {factor.name} together with {names}: there is none"
    return Undecided(factor, residual, missing)


def _union(components: Sequence[Component]) -> Motion:
    """The motions of components as one.  Requires: nothing moves in two of them."""
    kinds: tuple[dict[Symbol, object], ...] = ({}, {}, {})
    for component in components:
        if isinstance(component.answer, Proposal):
            motion = component.answer.motion
            for kind, own in zip(
                kinds, (motion.parameters, motion.latents, motion.variational), strict=True
            ):
                if not kind.keys().isdisjoint(own):
                    raise ValueError("two components move the same")
                kind.update(own)
    return Motion(*map(_sorted, kinds))  # type: ignore[arg-type]


def _sorted(arrays: Mapping[Symbol, object]) -> dict[Symbol, object]:
    return dict(sorted(arrays.items(), key=lambda item: item[0].name))


def _restrict(motion: Motion, factor: Factor) -> Motion:
    """The part of a motion that a factor feels."""
    own = {factor.node, *symbols_of_statement(factor.statement)}
    return Motion(
        {s: a for s, a in motion.parameters.items() if s in own},
        {s: latent for s, latent in motion.latents.items() if s in own},
    )


def _support_reason(factor: Factor) -> tuple[str, Term] | None:
    """Why (U) does not apply: the support moves with parameters or latents."""
    domain = factor.statement.family.support
    given = dict(factor.statement.arguments)
    for bound in (domain.lower, domain.upper):
        if bound is None:
            continue
        for symbol in symbols_of(bound):
            array = given.get(symbol.name)
            if array is not None and any(
                s.role in (Role.PARAMETER, Role.LATENT, Role.OBSERVED) for s in symbols_of(array)
            ):
                return "the support depends on a parameter or a parent", bound
    return None


def _inseparable(factor: Factor) -> Inseparable | None:
    """Why the factor is no exponential family in its varying arguments, as far as rules tell."""
    density = factor.change.density
    separation = separate_density(density, density.arguments)
    return separation if isinstance(separation, Inseparable) else None
