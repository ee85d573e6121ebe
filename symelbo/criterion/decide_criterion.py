"""A model -> the motion along which (U) holds of its factors, or a certificate against one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from symelbo.criterion.confirm import confirm_component, confirm_refutation
from symelbo.criterion.factor import Factor, make_factor, symbols_of_statement
from symelbo.criterion.find_motion import Proposal
from symelbo.criterion.identity import state_identity
from symelbo.criterion.motion import Motion
from symelbo.criterion.refute import find_certificate, is_solvable
from symelbo.criterion.result import (
    Closure,
    Decision,
    Holds,
    Outside,
    Refuted,
    Result,
    Undecided,
)
from symelbo.criterion.search_motion import Component, Moving, Search
from symelbo.expfam.form import Gauge, Inseparable
from symelbo.expfam.separate_density import separate_density
from symelbo.index.solve import NotFound
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Role, Symbol, Term
from symelbo.spec.model import Model
from symelbo.verify.certificate import Certificate
from symelbo.words import join_words

__all__ = ["decide_criterion"]

MAX_SUBSETS = 12  # of failing factors, against which a certificate is sought


def decide_criterion(model: Model) -> Decision:
    """One motion for all factors, in the order of preference, or why there is none.

    Source: the form-free criterion (U), which contains Warnken et al. (2025), Definition 1.
    """
    factors = tuple(make_factor(s) for s in model.statements)
    unbounded = [_support_reason(factor) for factor in factors]
    declared = () if isinstance(model.variational, str) else model.variational
    search = Search(factors, tuple(make_factor(s) for s in declared))
    decider = _Decider(model, search, unbounded)
    decision = decider.decide()
    if decision.holds and decision.closure is not Closure.BROKEN:
        return replace(decision, alternative=decider.alternative(decision))
    return decision


class _Decider:
    def __init__(
        self, model: Model, search: Search, unbounded: Sequence[tuple[str, Term] | None]
    ) -> None:
        self.model, self.search, self.unbounded = model, search, unbounded
        self.factors = search.factors
        self.refused: list[str] = []  # by the checker, of what was found

    # ------------------------------------------------------------------ the whole model

    def decide(self) -> Decision:
        """The first motion that serves all factors and q; else the partial answer."""
        if any(self.unbounded):
            return self.partial(self.search.decide({}, with_q=False))
        for with_q in (True, False) if self.search.variational else (True,):
            still = self.confirmed({}, with_q=with_q)
            if all(component.holds for component in still):
                return self.whole(still, {}, with_q)
            if self.model.reparameterize == "never":
                continue
            failing = [component for component in still if not component.holds]
            for moving, common in self.motions(failing):
                found = self.confirmed(moving, common=common, with_q=with_q)
                if all(component.holds for component in found):
                    return self.whole(found, moving, with_q)
        return self.partial(self.confirmed({}, with_q=False))

    def motions(self, failing: Sequence[Component]) -> Iterator[tuple[Moving, bool]]:
        """Which latents to move, with one r for all entries of each or one for every entry.

        Small sets first; where none of the smallest serves, an instance with numbers tells whether
        it is worth while to go on.
        """
        for count, moving in enumerate(self.search.subsets(failing)):
            if count == len(self.search.movable()) and not self.worth_while():
                return
            yield moving, True
            if any(node.shape for node in moving):
                yield moving, False

    def worth_while(self) -> bool:
        return is_solvable(self.factors, quick=True)

    def confirmed(self, moving: Moving, *, common: bool = True, with_q: bool) -> list[Component]:
        """The components, a motion counting only if the checker proves (U) along it."""
        components = self.search.decide(moving, common=common, with_q=with_q)
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
                    _why_not_constant(factor, gauge),
                )
        return found

    def closure(
        self, motion: Motion, moving: Moving, with_q: bool
    ) -> tuple[Closure, tuple[str, ...]]:
        """How it is known that q follows the motion, and the statements of q that break it."""
        if not with_q:
            return Closure.BROKEN, self.broken(motion)
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

    def broken(self, motion: Motion) -> tuple[str, ...]:
        """The statements of q whose families do not follow the motion."""
        return tuple(q.name for q in self.search.variational if not self.search.closes(q, motion))

    def alternative(self, decision: Decision) -> Decision | None:
        """Theorem 1 with a latent motion, where theorem 2 holds without one.

        The conditions on q differ, so that neither result is stronger.
        """
        if decision.motion.latents or self.model.reparameterize == "never":
            return None
        shifted = [
            n
            for n, result in enumerate(decision.results)
            if isinstance(result, Holds)
            and not result.identity.is_entropy
            and result.factor.can_move
        ]
        if not shifted:
            return None
        nodes = {self.factors[n].node for n in shifted}
        components = [
            component
            for component in self.search.decide({})
            if any(self.factors[n].node in nodes for n in component.members)
        ]
        for moving in self.search.subsets(components):
            found = self.confirmed(moving, with_q=True)
            if not all(component.holds for component in found):
                continue
            other = self.whole(found, moving, True)
            if all(isinstance(r, Holds) and r.identity.is_entropy for r in other.results):
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
        failing = [c for c in components if not c.holds]
        for component in failing:
            missing = [n for n in component.members if n not in results]
            if missing:
                results.update(self.judge(component, missing))
        holding = [
            component
            for component in components
            if component.holds and all(n in results for n in component.members)
        ]
        ordered = tuple(results[n] for n in range(len(self.factors)))
        return Decision(ordered, _union(holding))

    def judge(self, component: Component, members: Sequence[int]) -> dict[int, Result]:
        """Refuted, outside or undecided, for the factors of a component without a motion."""
        assert isinstance(component.answer, NotFound)
        if not any(self.unbounded):
            for chosen in self.suspects(members):
                group = tuple(self.factors[n] for n in chosen)
                certificate = find_certificate(group, self.model.reparameterize == "never")
                if certificate is None or confirm_refutation(certificate, group):
                    continue
                blamed = [n for n in members if n in chosen] or list(members)
                found: dict[int, Result] = {n: self.refuted(n, certificate, group) for n in blamed}
                for n in members:
                    if n not in found:
                        found[n] = self.open(n, component.answer.residual)
                return found
        return {n: self.open(n, component.answer.residual) for n in members}

    def suspects(self, members: Sequence[int]) -> list[tuple[int, ...]]:
        """Sets of factors that may contradict each other, small ones first."""
        linked = self.neighbours(members)
        found: dict[tuple[int, ...], None] = {}
        for n in members:
            found[(n,)] = None
        found[tuple(members)] = None
        for size in (1, 2):
            for others in combinations([n for n in linked if n not in members], size):
                found[tuple(sorted((*members, *others)))] = None
        found[tuple(linked)] = None
        found[tuple(range(len(self.factors)))] = None
        return list(found)[:MAX_SUBSETS]

    def neighbours(self, members: Sequence[int]) -> list[int]:
        """The factors that share parameters or movable latents with some of these."""
        latents = set(self.search.movable())
        links: set[Symbol] = set()
        for n in members:
            links |= self.symbols(n) & (latents | set(self.factors[n].parameters()))
        return [n for n in range(len(self.factors)) if self.symbols(n) & links or n in members]

    def symbols(self, number: int) -> set[Symbol]:
        factor = self.factors[number]
        return {factor.node, *symbols_of_statement(factor.statement)}

    def refuted(self, number: int, certificate: Certificate, group: tuple[Factor, ...]) -> Result:
        factor = self.factors[number]
        inseparable = _inseparable(factor)
        if inseparable is not None:
            return Outside(factor, inseparable.reason, inseparable.piece, certificate, group)
        return Refuted(factor, certificate, group, _cause(factor, group))

    def open(self, number: int, residual: Term) -> Result:
        factor = self.factors[number]
        missing = (
            f"a rule that decides whether some motion satisfies (U) of {factor.name}: neither a"
            " motion nor a certificate against one was found"
        )
        if self.refused:
            refusals = "; ".join(dict.fromkeys(self.refused))
            missing = f"a rule of the checker: a motion was found, but not confirmed: {refusals}"
        elif self.search.exhausted:
            missing = "an answer within the bound on the work: not every base measure was tried"
        return Undecided(factor, residual, missing)


# ---------------------------------------------------------------- small parts


def _union(components: Sequence[Component]) -> Motion:
    parameters: dict[Symbol, object] = {}
    latents: dict[Symbol, object] = {}
    variational: dict[Symbol, object] = {}
    for component in components:
        if isinstance(component.answer, Proposal):
            parameters.update(component.answer.motion.parameters)
            latents.update(component.answer.motion.latents)
            variational.update(component.answer.motion.variational)
    return Motion(_sorted(parameters), _sorted(latents), _sorted(variational))  # type: ignore[arg-type]


def _sorted(arrays: Mapping[Symbol, object]) -> dict[Symbol, object]:
    return dict(sorted(arrays.items(), key=lambda item: item[0].name))


def _restrict(motion: Motion, factor: Factor) -> Motion:
    """The part of a motion that a factor feels."""
    own = {factor.node, *symbols_of_statement(factor.statement)}
    return Motion(
        {s: a for s, a in motion.parameters.items() if s in own},
        {s: latent for s, latent in motion.latents.items() if s in own},
    )


def _why_not_constant(factor: Factor, gauge: Gauge) -> tuple[str, ...]:
    if gauge is Gauge.CONSTANT:
        return ()
    return (f"no motion satisfies (U) of {factor.name} with a constant base measure",)


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


def _cause(factor: Factor, group: Sequence[Factor]) -> str:
    """In words, what the certificate excludes."""
    own = f"{factor.name} has no parameters, so a latent would have to move"
    if len(group) > 1:
        names = join_words([member.name for member in group])
        shared = frozenset.intersection(*(member.parameters() for member in group))
        if shared:
            listed = join_words(sorted(s.name for s in shared))
            return f"{names} share {listed}, and no single motion serves them all"
        if not factor.parameters():
            others = join_words([m.name for m in group if m is not factor])
            return f"{own}, and no motion that serves {factor.name} serves {others}"
        return f"no single motion serves {names}"
    if not factor.parameters():
        return f"{factor.name} has no parameters, and nothing else that could move with it"
    return f"no motion of its parameters satisfies (U) of {factor.name}"
