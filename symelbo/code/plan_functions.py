"""What each function of a module assigns and returns: entropy sum, ELBO, gap, profiled scales."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from symelbo.answer.derivation import FactorResult
from symelbo.code.draft import Draft
from symelbo.code.moments_of_q import rows_of
from symelbo.code.ops import Axes
from symelbo.code.plan import Assignment, Average, Ratio, Total, Unsupported, Value, symbols_in
from symelbo.code.plan_expectations import Expectations
from symelbo.code.plan_profile import (
    Profile,
    find_owner,
    profile_of_argument,
    profile_of_simplex,
)
from symelbo.code.setting import Setting
from symelbo.code.stable_rules import SOFTMAX
from symelbo.entropy.summand import Kind
from symelbo.index.build import ONE, add, divide, exp, number, subtract
from symelbo.index.domains import Real
from symelbo.index.normal import normal
from symelbo.index.substitute import free_indices, replace_symbols, symbols_of
from symelbo.index.terms import (
    Apply,
    Array,
    Call,
    Delta,
    Entry,
    Index,
    IndexTerm,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.index.tidy import sum_over, tidy
from symelbo.model.model import Statement
from symelbo.values import dataclass

__all__ = [
    "Body",
    "average_entropy_of_q",
    "average_profile",
    "axes_of",
    "compute_q",
    "find_profiles",
    "finish",
    "plan_elbo",
    "plan_entropy_sum",
    "plan_gap",
    "plan_profiles",
    "profile_of",
]

Parts = list[tuple[bool, Average]]


@dataclass(frozen=True, slots=True)
class Body:
    """What a function computes, and what its documentation may say of it.

    result: what it returns; if None, the variables `profiled` by their names, or
    `fields`: their names, what they are, their axes and values.
    asked: arguments that are means of abstract functions, with what they are.
    by_data: the variables that vary with the data.
    """

    statements: tuple[Assignment, ...]
    result: Value | None
    comment: str = ""
    profiled: tuple[Symbol, ...] = ()
    asked: tuple[tuple[Symbol, str], ...] = ()
    averaged: str = ""
    infinite: str = ""
    fields: tuple[tuple[str, str, Axes, Value], ...] = ()
    by_data: frozenset[str] = frozenset()

    @property
    def reads(self) -> frozenset[Symbol]:
        """The variables that are read, arguments and others."""
        values = [statement.value for statement in self.statements]
        values += [] if self.result is None else [self.result]
        values += [value for *_, value in self.fields]
        return frozenset().union(*map(symbols_in, values))


def plan_entropy_sum(setting: Setting) -> Body:
    """H[q] - sum_f E H_f (+ sum_f E log h_f)"""
    sums = setting.entropy_sum
    if sums.closed_form is not None:
        with suppress(Unsupported):  # of an abstract family, whose entropy is asked for
            return _plan_closed_form(setting, sums.closed_form)
    means = Expectations(setting)
    statements = {statement.label: statement for statement in setting.model.statements}
    draft, parts, asked = means.draft, Parts(), list[tuple[Symbol, str]]()
    if setting.computes_q:
        compute_q(draft)
    parts += [(False, mean) for mean in average_entropy_of_q(means)]
    for summand in sums.of(Kind.ENTROPY, Kind.PSEUDO_ENTROPY, Kind.BASE):
        node, base = summand.node, summand.kind is Kind.BASE
        what = "logarithm of the base measure" if base else summand.kind.value.replace("_", "-")
        name = f"log_base_{node}" if base else f"entropy_{node}"
        display = summand.known if base else summand.display
        draft.pending = f"{what} of {node}"
        means.turn_to(statements[node])
        try:
            term = means.of_term(summand.known, display, summand.abbreviations)
            mean = draft.assign(name, term)
        except Unsupported:
            mean = _ask(draft, asked, name, f"{what} of {node} under q")
        parts.append((summand.sign < 0, mean))
    return finish(means, Total(tuple(parts)), asked=asked)


def _plan_closed_form(setting: Setting, closed: Term) -> Body:
    means = Expectations(setting)
    value = Average(means.draft.place(closed), setting.data)
    return finish(means, value, "closed form of the entropy sum")


def plan_elbo(setting: Setting) -> Body:
    """H[q] + sum_f E log p_f"""
    model, means = setting.model, Expectations(setting)
    draft, parts = means.draft, Parts()
    if setting.computes_q:
        compute_q(draft)
    exact = means.moments.use_exact()
    if not exact:
        parts += [(False, mean) for mean in average_entropy_of_q(means)]
    for statement, result in zip(model.statements, setting.derivation.factors, strict=True):
        means.turn_to(statement)
        draft.pending = f"log-density of {result.node}"
        make = partial(means.of_formal, statement, statement.density.term, only_at_mean=exact)
        parts += [(False, mean) for mean in means.average_terms(f"log_{result.node}", make)]
    if exact:
        # H[q] plus half the trace of Hessian times covariance, which is -H/2
        posterior = setting.derivation.posterior
        assert posterior is not None
        length: Term = number(1)
        if posterior.latent.shape:
            extent = posterior.latent.shape[0]
            length = number(extent.offset)
            if extent.size is not None:
                length = add(Size(extent.size), length)
        term = normal(subtract(posterior.entropy, divide(length, number(2))))
        draft.pending = "the posterior is normal, so log p(x) = log p(x, mode) + this"
        parts.append((False, draft.assign("log_volume", term)))
    return finish(means, Total(tuple(parts)))


def plan_gap(setting: Setting) -> Body:
    """sum_f E (D log p_f + d_f): the derivative of the ELBO along the motion

    The values of abstract functions stand still, as their arguments do.
    """
    require_still(setting)
    means = Expectations(setting)
    draft, parts = means.draft, Parts()
    if setting.computes_q:
        compute_q(draft)
    means.moments.use_exact()
    for statement, result in zip(setting.model.statements, setting.derivation.factors, strict=True):
        means.turn_to(statement)
        draft.pending = f"derivative of log p({result.node}) along the motion"
        make = partial(means.of_change, statement, result)
        parts += [(False, mean) for mean in means.average_terms(f"slope_{result.node}", make)]
    return finish(means, Total(tuple(parts)))


def require_still(setting: Setting) -> None:
    """Unsupported where the motion moves an argument of an abstract function."""
    if not setting.values.stand_still(setting.derivation.motion):
        raise Unsupported("the motion moves an argument of an abstract function")


def plan_profiles(setting: Setting) -> Body:
    """The parameters that the field moves, each from its own stationarity."""
    means = Expectations(setting)
    draft, found = means.draft, find_profiles(setting)
    if setting.computes_q:
        compute_q(draft)
    for profile in found:
        _assign_profile(means, profile)
    profiled = tuple(setting.variables[profile.parameter].symbol for profile in found)
    reads = frozenset().union(*(symbols_in(s.value) for s in draft.statements))
    if not reads.isdisjoint(profiled):
        raise Unsupported("a stationary value depends on another")
    return finish(means, None, profiled=profiled)


# ---------------------------------------------------------------- parts of the sums


def _ask(draft: Draft, asked: list[tuple[Symbol, str]], name: str, what: str) -> Average:
    """A number that the caller gives where a mean is that of an abstract function."""
    draft.pending = ""
    symbol = Symbol(draft.fresh(name), Role.ARGUMENT, Real())
    asked.append((symbol, what))
    return Average(Entry(symbol), draft.setting.data)


def average_entropy_of_q(means: Expectations) -> list[Average]:
    """The mean of H[q_n], which the caller gives where nothing else does."""
    draft, setting, sums = means.draft, means.setting, means.sums
    symbol, known = setting.entropy_q, setting.entropy_sum.q_entropy
    if setting.chain is not None:
        known = setting.chain.entropy
    if not setting.latents:
        return []
    draft.pending = "entropy of q"
    if setting.mixture is not None:
        weights = Entry(setting.weights, draft.leading)
        value: Term = Sum(setting.mixture, Call("entr", (weights,)))
    elif known is None:
        draft.pending = ""
        given = Average(Entry(symbol), setting.data)
        return [given if sums is None else sums.keep(symbol.name, given)]
    elif sums is not None:
        return means.average_terms(symbol.name, lambda: [tidy(known)])
    else:
        value = draft.place(tidy(known))
    axes = tuple(axis for axis in draft.leading if axis in free_indices(value))
    target = Symbol(symbol.name, symbol.role, symbol.domain, tuple(i.extent for i in axes))
    draft.write(target, axes, value)
    mean = draft.average(Entry(target, axes))
    return [mean if sums is None else sums.keep(symbol.name, mean)]


def compute_q(draft: Draft) -> None:
    """The responsibilities from the exact posterior or the declared q."""
    setting = draft.setting
    model = setting.model
    if model.variational == "exact":
        logs = []
        for statement, result in zip(model.statements, setting.derivation.factors, strict=True):
            draft.pending = f"log-density of {result.node}"
            term = draft.formal(statement, statement.density.term)
            logs.append(draft.assign_placed(f"log_{result.node}", draft.place(term)))
        draft.pending = "responsibilities, the exact posterior"
        joint = Array((setting.over,), add(*logs))
        value: Term = Apply(SOFTMAX, (joint,), (setting.over,))
    else:
        assert not isinstance(model.variational, str)
        (statement,) = model.variational
        value = draft.place(exp(draft.formal(statement, statement.density.term)))
    draft.write(setting.weights, draft.leading, value)


def finish(
    means: Expectations,
    result: Value | None,
    comment: str = "",
    *,
    profiled: tuple[Symbol, ...] = (),
    asked: Sequence[tuple[Symbol, str]] = (),
) -> Body:
    """What is read of what was assigned."""
    draft = means.draft
    wanted: list[Value] = [] if result is None else [result]
    wanted += [Entry(symbol, rows_of(symbol, "i")) for symbol in profiled]
    statements = draft.live_statements(wanted)
    parts = result.parts if isinstance(result, Total) else ()
    infinite = any(not draft.infinite.isdisjoint(symbols_of(p.value)) for _, p in parts)
    return Body(
        statements,
        result,
        comment,
        profiled,
        tuple(asked),
        _how_averaged(means),
        "Minus infinity where a category of probability 0 has weight." * infinite,
        by_data=frozenset(symbol.name for symbol in draft.by_data),
    )


def _how_averaged(means: Expectations) -> str:
    """A sentence on how the expectation over q is taken."""
    setting = means.setting
    if setting.mixture is not None or not setting.latents:
        return ""
    if means.sampled:
        return (
            "Expectations under q are weighted sums over the given samples: exact for an"
            " enumeration, an estimate otherwise."
        )
    if setting.derivation.posterior is not None:
        return "With the exact posterior this is the mean log-likelihood."
    if means.moments.folded:
        return (
            "Expectations under q are exact: log p(x, z) is made of squares and absolute values"
            " of sums of latents, and q is normal."
        )
    return "Expectations under q are exact: log p(x, z) is quadratic in the latents."


# ---------------------------------------------------------------- profiled parameters


def find_profiles(setting: Setting) -> list[Profile]:
    """One profile for every parameter that moves."""
    derivation = setting.derivation
    if setting.model.variational == "exact":
        raise Unsupported("the exact posterior changes with the parameters")
    if derivation.motion.latents:
        raise Unsupported("a latent moves")
    moved = list(dict.fromkeys(p for r in derivation.factors for p in r.field))
    if not moved:
        raise Unsupported("no parameter moves")
    return [profile_of(parameter, *find_owner(derivation, parameter)) for parameter in moved]


def profile_of(parameter: Symbol, result: FactorResult, statement: Statement, name: str) -> Profile:
    """Of an argument of a factor that is a scalar, or of the probabilities of categories."""
    if parameter.domain.entry_sum == 1:
        return profile_of_simplex(parameter, result, statement, name)
    return profile_of_argument(parameter, statement, statement.density, name)


def _assign_profile(means: Expectations, profile: Profile) -> None:
    """parameter = E above / E below"""
    draft, setting = means.draft, means.setting
    name = setting.names[profile.parameter]
    draft.pending = f"{name}, where the ELBO is stationary in it"
    above, below, axes = average_profile(means, profile)
    target = setting.variables[profile.parameter].symbol
    draft.write(target, axes, above if below is None else Ratio(above, below))


def average_profile(means: Expectations, profile: Profile) -> tuple[Average, Average | None, Axes]:
    """E above, E below (None if it is one), and the axes of the places of the parameter."""
    setting = means.setting
    means.turn_to(profile.statement, setting.names[profile.parameter])
    kept = tuple(_axis(setting, place) for place in profile.places)
    above, axes = _profile_means(means, profile, profile.above, kept)
    below, _ = _profile_means(means, profile, profile.below, kept)
    if below == [Average(ONE, setting.data, kept=kept)]:
        return _added(means, above, kept), None, axes
    return _added(means, above, kept), _added(means, below, kept), axes


def _added(means: Expectations, parts: list[Average], kept: Axes) -> Average:
    """The sum of means, a variable if there are several."""
    if len(parts) == 1:
        return parts[0]
    draft = means.draft
    own = tuple(axis for axis in kept if any(axis in axes_of(part) for part in parts))
    shape = tuple(axis.extent for axis in own)
    total = Symbol(draft.fresh(f"sum_{means.moments.subject}"), Role.ARGUMENT, Real(), shape)
    draft.write(total, own, Total(tuple((False, part) for part in parts)))
    return Average(Entry(total, own), means.setting.data, kept=kept)


def _axis(setting: Setting, place: IndexTerm) -> Index:
    if isinstance(place, Index):
        return place
    if setting.mixture is None:
        raise Unsupported("a latent category selects")
    return setting.over


def _profile_means(
    means: Expectations, profile: Profile, term: Term, kept: Axes
) -> tuple[list[Average], Axes]:
    """The mean of one side of a profile, and the axes of the places of the parameter."""
    draft, over, sums = means.draft, means.setting.over, means.sums
    name = f"sum_{profile.parameter.name}"
    if profile.formal:
        make = partial(means.of_formal, profile.statement, term, plates=profile.summed)
        return means.average_terms(name, make, kept), kept
    selected = replace_symbols(sum_over(profile.summed, term), draft.given)
    if isinstance(selected, Delta) and {selected.left, selected.right} == {over, kept[-1]}:
        # the statistic of category k is 1 for k alone: its mean is the weight of k
        whole = (*kept[:-1], over)
        return [draft.average(ONE, whole) if sums is None else sums.fixed(ONE, whole)], whole
    if sums is None or term == ONE:
        return [draft.average(draft.place(selected), kept)], kept
    return means.average_terms(name, lambda: [selected], kept), kept


def axes_of(average: Average) -> frozenset[Index]:
    """The axes that a mean is left with."""
    over = frozenset((average.over,)) if average.over in average.kept else frozenset()
    return (free_indices(average.value) | over) & frozenset(average.kept)
