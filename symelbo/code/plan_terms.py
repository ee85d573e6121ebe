"""The parts of the ELBO by name, of sums over the data: what `statistics` and `terms` compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from symelbo.code.draft import plain_name
from symelbo.code.moments_of_q import rows_of
from symelbo.code.ops import Axes
from symelbo.code.plan import Assignment, Average, Ratio, Total, Unsupported, Value, symbols_in
from symelbo.code.plan_expectations import Expectations
from symelbo.code.plan_functions import (
    Body,
    average_entropy_of_q,
    average_profile,
    axes_of,
    compute_q,
    find_profiles,
    profile_of,
    require_still,
)
from symelbo.code.plan_profile import find_owner
from symelbo.code.plan_sums import Sums
from symelbo.code.rearrange import own_places
from symelbo.code.setting import Setting, fresh
from symelbo.entropy.summand import Kind, Summand
from symelbo.index.build import ONE, add, divide, mul, negate
from symelbo.index.domains import Positive, Real
from symelbo.index.substitute import free_indices
from symelbo.index.terms import Call, Entry, Index, Role, Symbol, Term
from symelbo.values import dataclass, field, replace

__all__ = ["SumsBody", "plan_terms"]


TOTALS = {"elbo": "ELBO", "entropy_sum": "entropy sum", "gap": "ELBO minus entropy sum"}
_WHAT = {
    Kind.ENTROPY: "entropy",
    Kind.PSEUDO_ENTROPY: "pseudo-entropy",
    Kind.BASE: "logarithm of the base measure",
}


@dataclass(frozen=True, slots=True)
class SumsBody:
    """Statistics of the data, and what is made of them and parameters.

    collect: its fields are means over the data, which times their number are the sums; terms,
    profiles: of the sums.  points: the number of data points; weights: those of the data points,
    which the caller may give, and of mean one; centres: data, the variable of their centre, and the
    field of it.
    """

    collect: Body
    terms: Body
    profiles: Body | None
    points: Symbol
    weights: Symbol
    centres: tuple[tuple[Symbol, Symbol, str], ...]


@dataclass
class _Terms:
    """The parts while they are planned: each a variable of the draft by the name of a field."""

    means: Expectations
    sums: Sums
    found: dict[str, tuple[str, Entry]] = field(default_factory=dict)

    def name(self, name: str, text: str, value: Value, axes: Axes = ()) -> Entry:
        """A field, and the entry that stands for it."""
        draft = self.means.draft
        if isinstance(value, Average) and value.over is None and isinstance(value.value, Entry):
            draft.pending = ""
            entry = value.value
        else:
            entry = self.write(name, value, axes)
        self.found[fresh(name, {*TOTALS, *self.found})] = text, entry
        return entry

    def write(self, name: str, value: Value, axes: Axes = ()) -> Entry:
        """A variable for a value."""
        shape = tuple(axis.extent for axis in axes)
        target = Symbol(self.means.draft.fresh(name), Role.ARGUMENT, Real(), shape)
        self.means.draft.write(target, axes, value)
        return Entry(target, axes)

    def total(self, name: str, text: str, averages: list[Average]) -> Entry:
        """A field that is the sum of means."""
        if len(averages) == 1:
            return self.name(name, text, averages[0])
        return self.name(name, text, Total(tuple((False, average) for average in averages)))


def plan_terms(setting: Setting) -> SumsBody:
    """H[q], the entropies and base measures of the factors, their slopes along the motion, ratios

    By (U) it is E log p_f = b - E H_f + slope, so that the ELBO is the entropy sum plus the gap.
    """
    if setting.entropy_sum.remainders:
        raise Unsupported("a factor without an entropy has no slope")
    require_still(setting)
    means = Expectations(setting, by_sums=True)
    assert means.sums is not None
    terms = _Terms(means, means.sums)
    if setting.computes_q:
        compute_q(means.draft)
    means.moments.use_exact()
    sums = _add_entropies(terms)
    gaps = _add_slopes(terms)
    _add_ratios(terms)
    values = add(*sums, *gaps), add(*sums), add(*gaps)
    totals = {name: terms.write(name, value) for name, value in zip(TOTALS, values, strict=True)}
    profiled = _plan_profiles(terms)
    return _cut(terms, totals, profiled)


def _add_entropies(terms: _Terms) -> list[Term]:
    """The summands of the entropy sum, with their signs."""
    means, found = terms.means, list[Term]()
    statements = {statement.label: statement for statement in means.setting.model.statements}
    if entropy := average_entropy_of_q(means):
        found.append(terms.total("entropy_q", "entropy of q", entropy))
    for summand in means.setting.entropy_sum.of(Kind.ENTROPY, Kind.PSEUDO_ENTROPY, Kind.BASE):
        stem = "base" if summand.kind is Kind.BASE else "entropy"
        name = plain_name(f"{stem}_{summand.node}")
        text = f"{_WHAT[summand.kind]} of {summand.node}"
        means.draft.pending = text
        means.turn_to(statements[summand.node])

        def make(summand: Summand = summand) -> list[Term]:
            if summand.kind is Kind.BASE:
                return [means.of_term(summand.known, summand.known, ())]
            return [means.of_term(summand.known, summand.display, summand.abbreviations)]

        mean = terms.total(name, text, means.average_terms(name, make))
        found.append(mean if summand.sign > 0 else negate(mean))
    return found


def _add_slopes(terms: _Terms) -> list[Term]:
    means, found = terms.means, list[Term]()
    setting = means.setting
    for statement, result in zip(setting.model.statements, setting.derivation.factors, strict=True):
        means.turn_to(statement)
        text = f"derivative of log p({result.node}) along the motion"
        means.draft.pending = text
        make = partial(means.of_change, statement, result)
        name = plain_name(result.node)
        averages = means.average_terms(f"slope_{name}", make)
        found.append(terms.total(f"gap_{name}", text, averages))
    return found


def _add_ratios(terms: _Terms) -> None:
    """What a scale that moves is, divided by what it should be, all else as it is."""
    means = terms.means
    setting = means.setting
    moved = dict.fromkeys(p for r in setting.derivation.factors for p in r.field)
    for parameter in moved:
        if parameter.domain.entry_sum == 1:
            continue
        with suppress(Unsupported):
            profile = profile_of(parameter, *find_owner(setting.derivation, parameter))
            above, below, axes = average_profile(means, profile)
            name = setting.names[parameter]
            should = _written(terms, f"sum_{name}", above, axes)
            weight = ONE if below is None else _written(terms, f"weight_{name}", below, axes)
            own = Entry(setting.variables[parameter].symbol, axes)
            text = f"{name} divided by its value where the ELBO is stationary in it"
            terms.name(f"ratio_{name}", text, Call("ratio", (mul(own, weight), should)), axes)


def _written(terms: _Terms, name: str, average: Average, axes: Axes) -> Entry:
    """A mean as a variable, over those of the axes that it has."""
    if average.over is None and isinstance(average.value, Entry):
        return average.value
    return terms.write(name, average, tuple(axis for axis in axes if axis in axes_of(average)))


def _plan_profiles(terms: _Terms) -> list[Assignment]:
    """The parameters that move, each from its own stationarity.

    None if one needs another, or more of the data than their sums.
    """
    means = terms.means
    setting = means.setting
    found = []
    try:
        for profile in find_profiles(setting):
            above, below, axes = average_profile(means, profile)
            target = setting.variables[profile.parameter].symbol
            value = above if below is None else Ratio(above, below)
            comment = f"{target.name}, where the ELBO is stationary in it"
            found.append(Assignment(target, axes, value, comment))
    except Unsupported:
        return []
    live = means.draft.live_statements([a.value for a in found], terms.sums.found)
    read = frozenset().union(*(symbols_in(a.value) for a in (*live, *found)))
    needs_others = any(a.target in read for a in found)
    return [] if needs_others or terms.sums.reads_data((*live, *found), ()) else found


# ---------------------------------------------------------------- on both sides of the sums


def _cut(terms: _Terms, totals: dict[str, Entry], profiled: list[Assignment]) -> SumsBody:
    """The statements for the sums, and those that need nothing of the data but these."""
    draft, sums = terms.means.draft, terms.sums
    centres = {centre: rows_of(centre, "row") for centre in sums.centres.values()}
    given = {**sums.found, **centres}
    fields: list[tuple[str, str, Axes, Value]] = [
        (name, TOTALS[name], (), value) for name, value in totals.items()
    ]
    fields += [(name, text, _axes(e), e) for name, (text, e) in terms.found.items()]
    values = [value for *_, value in fields]
    own = draft.live_statements(values, given)
    more = (*draft.live_statements([a.value for a in profiled], given), *profiled)
    asked = frozenset().union(*map(symbols_in, (*values, *(a.value for a in (*own, *more)))))
    needed = {symbol: axes for symbol, axes in given.items() if symbol in asked}
    names = ("points", "data_weights", "weighted_q")
    summed = {
        symbol: replace(symbol, name=draft.fresh(f"sum_{symbol.name.removeprefix('mean_')}"))
        for symbol in needed
    }
    points, weights, weighted = (
        Symbol(draft.fresh(name), Role.ARGUMENT, Positive(), shape)
        for name, shape in zip(names, ((), (draft.setting.data.extent,), ()), strict=True)
    )
    collected = draft.live_statements([_whole(symbol, axes) for symbol, axes in needed.items()])

    def of_sums(statements: Sequence[Assignment], values: Sequence[Value]) -> list[Assignment]:
        """The means that are read, and the statements."""
        read = frozenset().union(*map(symbols_in, (*values, *(s.value for s in statements))))
        means = [
            Assignment(symbol, axes, divide(_whole(summed[symbol], axes), Entry(points)))
            for symbol, axes in needed.items()
            if symbol in read
        ]
        return [*means, *statements]

    if sums.reads_data(own, values):
        raise Unsupported("the data are read beside their sums")
    by_data = frozenset(symbol.name for symbol in draft.by_data)
    terms_body = Body(tuple(of_sums(own, values)), None, fields=tuple(fields), by_data=by_data)
    profiles = None
    if profiled:
        targets = tuple(a.target for a in profiled)
        profiles = Body(tuple(of_sums(more, ())), None, profiled=targets, by_data=by_data)
    kept: list[tuple[str, str, Axes, Value]] = [
        (summed[s].name, "", axes, _whole(s, axes)) for s, axes in needed.items()
    ]
    weighed = _weigh_data(collected, draft.setting, weights, weighted)
    collect = Body(tuple(weighed), None, fields=tuple(kept), by_data=by_data)
    used = tuple((x, c, summed[c].name) for x, c in sums.centres.items() if c in needed)
    return SumsBody(collect, terms_body, profiles, points, weights, used)


def _whole(variable: Symbol, axes: Axes) -> Entry:
    """What holds the places of these axes alone."""
    return Entry(variable, own_places(axes)[1])


def _axes(entry: Entry) -> Axes:
    return tuple(place for place in entry.indices if isinstance(place, Index))


def _weigh_data(
    statements: Sequence[Assignment], setting: Setting, by: Symbol, weighted: Symbol
) -> Iterator[Assignment]:
    """Means over the data -> means with weights of the data points, of mean one"""
    both = (setting.data, setting.over)
    weighted = replace(weighted, shape=setting.weights.shape)
    known = False
    for statement in statements:
        value = statement.value
        if isinstance(value, Average) and value.over is not None and not known:
            known = True
            product = mul(Entry(setting.weights, both), Entry(by, both[:1]))
            yield Assignment(weighted, both, product, "weights of data points and of q")
        yield replace(statement, value=_weigh(value, by, weighted))


def _weigh(value: Value, by: Symbol, weighted: Symbol) -> Value:
    match value:
        case Average(over=None):
            varies = value.data in free_indices(value.value) and value.data not in value.kept
            return replace(value, by=by) if varies else value
        case Average():
            return replace(value, weights=weighted)
        case Total(parts):
            weighed = ((sign, _weigh(part, by, weighted)) for sign, part in parts)
            return Total(tuple((sign, part) for sign, part in weighed if isinstance(part, Average)))
        case Ratio(above, below):
            return Ratio(_weigh(above, by, weighted), _weigh(below, by, weighted))
    return value
