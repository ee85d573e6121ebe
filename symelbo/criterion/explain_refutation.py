"""Why no motion serves a factor, in words, and a change of the model after which one does.

Nothing is guessed: that an argument is to blame is shown by a certificate for it alone, and a
change is named only if the search then finds a motion that the checker accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from symelbo.certify.certificate import Case
from symelbo.criterion.confirm import confirm_component, first_confirmed
from symelbo.criterion.factor import (
    Factor,
    is_parent,
    make_factor,
    parameters_of,
    symbols_of_statement,
)
from symelbo.criterion.find_motion import Proposal
from symelbo.criterion.refute import Budget, find_certificates, is_solvable
from symelbo.criterion.result import Decision, Holds, Refuted, Result
from symelbo.criterion.search_motion import Moving, Search
from symelbo.index.build import add, exp, mul, total
from symelbo.index.domains import Real
from symelbo.index.interpret import Interpretation, interpret_functions
from symelbo.index.substitute import formal_indices, replace_symbols, symbols_of, walk_parts
from symelbo.index.terms import (
    Apply,
    Array,
    Call,
    Domain,
    Entry,
    Extent,
    Index,
    Role,
    Symbol,
    Term,
)
from symelbo.index.work import OutOfWork, limit_work
from symelbo.limits import (
    BLAME_WORK,
    HINT_WORK,
    LOOKS,
    REMEDY_ATTEMPTS,
    REMEDY_CHANGES,
    REMEDY_WORK,
)
from symelbo.model.model import Statement
from symelbo.values import dataclass, replace
from symelbo.words import fresh_name, join_words

__all__ = ["explain_cause", "explain_refutations", "find_idle", "find_remedy"]


def explain_refutations(decision: Decision, *, still: bool) -> Decision:
    """decision -> the same with the cause of each refutation and a change that cures it.

    Requires confirmed certificates.  still: no latent may move.
    """
    factors = [result.factor for result in decision.results]
    number = {factor.name: n for n, factor in enumerate(factors)}
    holding = {n for n, result in enumerate(decision.results) if isinstance(result, Holds)}
    remedies: dict[tuple[int, ...], str] = {}
    budget = Budget(HINT_WORK)
    results: list[Result] = []
    for result in decision.results:
        if isinstance(result, Refuted):
            blamed = tuple(number[factor.name] for factor in result.factors)
            if blamed not in remedies:
                remedies[blamed] = find_remedy(factors, blamed, holding, budget, still=still)
            cause = explain_cause(result.factor, result.factors, still)
            result = replace(result, cause=cause, remedy=remedies[blamed])
        results.append(result)
    return replace(decision, results=tuple(results))


# ---------------------------------------------------------------- the cause


def find_idle(case: Case, factors: Sequence[Factor], *, still: bool) -> tuple[Factor, ...]:
    """The factors with rows in a case in which nothing moves: they need a constant density.

    still: no latent may move.
    """
    resting = {(name, inputs) for (name, _), inputs in case.resting}
    named = dict.fromkeys((row.factor, row.inputs) for row in case.rows)

    def moves(factor: Factor, inputs: int) -> bool:
        own = {factor.node, *symbols_of_statement(factor.statement)}
        latents = (s for s in own if s.role is Role.LATENT and s.domain.motions)
        return bool(factor.parameters()) or any(
            (s.name, inputs) not in resting and not still for s in latents
        )

    return tuple(f for f in factors if any(f.name == name and not moves(f, n) for name, n in named))


def explain_cause(factor: Factor, group: Sequence[Factor], still: bool) -> str:
    """What the certificate against a group of factors excludes, seen from one of them."""
    learned = sorted(s.name for s in factor.parameters())
    if len(group) > 1:
        names = join_words([member.name for member in group])
        shared = frozenset.intersection(*(member.parameters() for member in group))
        if shared:
            listed = join_words(sorted(s.name for s in shared))
            return f"{names} share {listed}, and no single motion serves them all"
        if not learned and not still:
            others = join_words([m.name for m in group if m is not factor])
            return (
                f"{factor.name} has no parameters, so a latent would have to move, and no motion"
                f" that serves {factor.name} serves {others}"
            )
        return f"no single motion serves {names}"
    if not learned:
        return f"{factor.name} has no parameters, and nothing else that could move with it"
    moves = f"no motion of {join_words(learned)}"
    varying = [a for a in factor.arguments() if factor.arguments()[a].body]
    if len(varying) == 1:
        return f"{moves} moves the {_shown(varying[0].name)} of {factor.name} as (U) asks"
    blamed = [a for a in varying if _is_to_blame(factor, a, still)]
    if blamed and len(blamed) < len(varying):
        names = join_words([_shown(a.name) for a in blamed])
        return f"{moves} moves the {names} of {factor.name} as (U) asks"
    if not blamed and all(_can_be_served(factor, a) for a in varying):
        names = join_words([_shown(a.name) for a in varying])
        return f"the {names} of {factor.name} can be moved as (U) asks, but not together"
    return f"{moves} satisfies (U) of {factor.name}"


def _shown(argument: str) -> str:
    return argument.replace("_", " ")


def _alone(factor: Factor, argument: Symbol) -> Factor:
    """The factor with free parameters in all places but one."""
    statement = factor.statement
    taken = {s.name for s in symbols_of_statement(statement)}
    arguments = []
    for formal, (name, array) in zip(statement.form.arguments, statement.arguments, strict=True):
        if name != argument.name and any(a.name == name for a in factor.arguments()):
            symbol = _free_symbol(formal.domain, statement.plates, array.indices, taken)
            array = Array(array.indices, Entry(symbol, (*statement.plates, *array.indices)))
        arguments.append((name, array))
    return make_factor(replace(statement, arguments=tuple(arguments)))


def _is_to_blame(factor: Factor, argument: Symbol, still: bool) -> bool:
    group = (_alone(factor, argument),)
    budget = Budget(BLAME_WORK)
    proposals = find_certificates(group, budget, still=still)
    return first_confirmed(proposals, group, budget) is not None


def _can_be_served(factor: Factor, argument: Symbol) -> bool:
    search = Search((_alone(factor, argument),), ())
    return _may_be_served(search, {0}, Budget()) and _is_served(search, {0})


# ---------------------------------------------------------------- the remedy


@dataclass(frozen=True, slots=True)
class _Change:
    """Statements in place of those of the model, and what was done, as an instruction."""

    statements: tuple[Statement, ...]
    words: str


def find_remedy(
    factors: Sequence[Factor],
    blamed: Sequence[int],
    holding: AbstractSet[int],
    budget: Budget,
    *,
    still: bool,
) -> str:
    """A small change after which (U) holds of the blamed factors and of all that held; "" if none.

    blamed: the factors of a certificate; budget: for all remedies of one model, none of which is
    sought when it is used up; still: no latent may move.
    """
    try:
        with limit_work(REMEDY_WORK):
            return _find_remedy(factors, blamed, {*blamed, *holding}, budget, still)
    except OutOfWork:
        return ""


def _find_remedy(
    factors: Sequence[Factor],
    blamed: Sequence[int],
    wanted: AbstractSet[int],
    budget: Budget,
    still: bool,
) -> str:
    left = REMEDY_ATTEMPTS // max(1, len(factors) - 1)  # those of many factors are larger
    for count, change in enumerate(_changes([f.statement for f in factors], blamed)):
        if count == REMEDY_CHANGES or budget.exhausted:
            break
        search = Search(tuple(map(make_factor, change.statements)), (), limit=left)
        # few factors are quicker than all, and numbers than a search in vain
        groups = dict.fromkeys((frozenset(blamed), frozenset(wanted)))
        if all(_may_be_served(search, some, budget, still) for some in groups) and _is_served(
            search, wanted, still
        ):
            return change.words
        left -= len(search.known)
        if left <= 0:
            break
    return ""


def _may_be_served(
    search: Search, wanted: AbstractSet[int], budget: Budget, still: bool = False
) -> bool:
    """Whether numbers do not exclude a motion that serves all wanted factors."""
    own = Budget(BLAME_WORK)
    found = is_solvable(
        [search.factors[n] for n in sorted(wanted)], own, instances=LOOKS[0], still=still
    )
    budget.spend(BLAME_WORK - own.left)
    return found


def _is_served(search: Search, wanted: AbstractSet[int], still: bool = False) -> bool:
    """Whether a motion that the checker accepts serves all wanted factors."""
    failing = [c for c in search.decide({}) if not c.holds and not wanted.isdisjoint(c.members)]
    if not failing:
        return _is_confirmed(search, {}, wanted)
    if still:
        return False
    for moving in search.movings(failing):
        if _is_confirmed(search, moving, wanted):
            return True
        if search.exhausted:
            return False
    return False


def _is_confirmed(search: Search, moving: Moving, wanted: AbstractSet[int]) -> bool:
    for component in search.decide(moving):
        if wanted.isdisjoint(component.members):
            continue
        answer = component.answer
        if not isinstance(answer, Proposal) or answer.nonzero or confirm_component(answer):
            return False
    return True


def _changes(statements: Sequence[Statement], blamed: Sequence[int]) -> Iterator[_Change]:
    """Small changes, the more telling ones first."""
    yield from _part_parameters(statements, blamed)
    yield from _linear_layers(statements, blamed)
    for number in blamed:
        for changed, words in _free_arguments(statements[number], _names(statements)):
            yield _Change(_with(statements, number, changed), words)


def _with(
    statements: Sequence[Statement], number: int, changed: Statement
) -> tuple[Statement, ...]:
    return (*statements[:number], changed, *statements[number + 1 :])


def _names(statements: Sequence[Statement]) -> set[str]:
    taken = {s.node.name for s in statements}
    for statement in statements:
        taken |= {s.name for s in symbols_of_statement(statement)}
    return taken


def _part_parameters(statements: Sequence[Statement], blamed: Sequence[int]) -> Iterator[_Change]:
    """Parameters of its own for one of the factors that share some."""
    taken = _names(statements)
    for number in reversed(blamed):
        statement = statements[number]
        others = frozenset().union(*(parameters_of(statements[n]) for n in blamed if n != number))
        shared = sorted(parameters_of(statement) & others, key=lambda s: s.name)
        if not shared:
            continue
        own = {}
        for symbol in shared:
            indices = formal_indices(symbol.shape)
            fresh = replace(symbol, name=_fresh(f"{symbol.name}_own", taken))
            own[symbol] = Array(indices, Entry(fresh, indices))
        arguments = tuple((n, _replace_in(a, own)) for n, a in statement.arguments)
        listed = join_words([s.name for s in shared])
        words = f"give {statement.label} parameters of its own in place of {listed}"
        yield _Change(_with(statements, number, replace(statement, arguments=arguments)), words)


def _replace_in(array: Array, own: dict[Symbol, Array]) -> Array:
    return Array(array.indices, replace_symbols(array.body, own))


def _linear_layers(statements: Sequence[Statement], blamed: Sequence[int]) -> Iterator[_Change]:
    """m(z, w) -> m(W z + c, w), where z is a latent as a whole"""
    for number in blamed:
        statement = statements[number]
        for call in _calls(statement):
            names = _names(statements)
            formals = tuple(
                Symbol(f"{n}", Role.ARGUMENT, Real(), tuple(i.extent for i in a.indices))
                for n, a in enumerate(call.arguments)
            )
            linear = [
                _linear(argument, formal, names)
                for argument, formal in zip(call.arguments, formals, strict=True)
            ]
            if not any(is_changed for _, _, is_changed in linear):
                continue
            indices = formal_indices(call.function.shape)
            body = Apply(call.function, tuple(array for array, _, _ in linear), indices)
            meaning = {call.function: Interpretation(formals, Array(indices, body))}
            arguments = tuple(
                (name, Array(a.indices, interpret_functions(a.body, meaning)))
                for name, a in statement.arguments
            )
            changed = replace(statement, arguments=arguments)
            texts = ", ".join(text for _, text, _ in linear)
            words = f"write the first layer linear: {call.function.name}({texts})"
            yield _Change(_with(statements, number, changed), words)


def _calls(statement: Statement) -> list[Apply]:
    """The abstract functions of latents among the arguments, one call each."""
    found: dict[Symbol, Apply] = {}
    for _, array in statement.arguments:
        for part in walk_parts(array):
            if isinstance(part, Apply) and any(is_parent(s) for s in symbols_of(part)):
                found.setdefault(part.function, part)
    return list(found.values())


def _linear(argument: Array, formal: Symbol, taken: set[str]) -> tuple[Array, str, bool]:
    """z -> W z + c with parameters of its own, as text, and whether it is changed."""
    inner = formal_indices(formal.shape)
    value = Entry(formal, inner)
    body = argument.body
    shown = body.symbol.name if isinstance(body, Entry) else "..."
    if (
        not isinstance(body, Entry)
        or body.symbol.role is not Role.LATENT
        or not body.symbol.domain.is_line
    ):
        return Array(inner, value), shown, False

    def parameter(name: str, *shape: Extent) -> Symbol:
        return Symbol(_fresh(name, taken), Role.PARAMETER, Real(), shape)

    if not inner:
        slope, offset = parameter("a"), parameter("c")
        line = add(mul(Entry(slope), value), Entry(offset))
        return Array((), line), f"{slope.name} {shown} + {offset.name}", True
    outer = Index("layer", Extent(_fresh("K", taken)))
    weights = parameter("W", outer.extent, *formal.shape)
    offsets = parameter("c", outer.extent)
    product: Term = mul(Entry(weights, (outer, *inner)), value)
    for index in reversed(inner):
        product = total(index, product)
    line = add(product, Entry(offsets, (outer,)))
    return Array((outer,), line), f"{weights.name} {shown} + {offsets.name}", True


def _free_arguments(statement: Statement, taken: set[str]) -> Iterator[tuple[Statement, str]]:
    """One argument replaced by a free parameter, times a free factor, or plus a free offset."""
    kinds = {argument.name: argument.domain for argument in statement.form.arguments}
    plates = statement.plates
    each = f", one for each {join_words([i.name for i in plates])}" if plates else ""
    label = statement.label
    ordered = sorted(statement.arguments, key=lambda item: kinds[item[0]].is_line)
    for argument, array in ordered:  # a scale before a location
        domain = kinds[argument]
        motions = domain.motions
        if motions is None or not motions.scales or motions.about is not None or array.indices:
            continue
        symbol = _free_symbol(domain, plates, (), set(taken))
        free = Entry(symbol, plates)
        shown = _shown(argument)
        sign = "" if motions.shifts else "positive "
        varies = any(s.role is not Role.CONSTANT for s in symbols_of(array))
        options = [
            (mul(free, array.body), f"multiply the {shown} of {label} by a free {sign}factor{each}")
        ]
        if motions.shifts:
            options.append(
                (add(array.body, free), f"add a free offset to the {shown} of {label}{each}")
            )
        if not motions.shifts and isinstance(array.body, Call):
            link, (inner, *_) = array.body.name, array.body.arguments
            words = f"write the {shown} of {label} with exp in place of {link}"
            options.append((exp(inner), words))
        if not varies:
            options = [(free, f"make the {shown} of {label} a free {sign}parameter{each}")]
        for body, words in options:
            arguments = tuple(
                (n, Array((), body) if n == argument else a) for n, a in statement.arguments
            )
            yield replace(statement, arguments=arguments), words


def _free_symbol(
    domain: Domain, plates: Sequence[Index], events: Sequence[Index], taken: set[str]
) -> Symbol:
    shape = tuple(index.extent for index in (*plates, *events))
    return Symbol(_fresh("g", taken), Role.PARAMETER, domain, shape)


def _fresh(name: str, taken: set[str]) -> str:
    """A name that is not taken yet, and is from now on."""
    fresh = fresh_name(name, taken)
    taken.add(fresh)
    return fresh
