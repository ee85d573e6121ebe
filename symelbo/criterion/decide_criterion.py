"""factors -> per factor Solution | Refutation | Undecided | Outside, one joint field per component.

Factors that share parameters need one field that serves all of them, so they are decided together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from symelbo.criterion.factor import (
    Factor,
    criterion_equations,
    factor_candidates,
    is_parent,
    parameters_of,
)
from symelbo.criterion.refute_criterion import find_certificate
from symelbo.criterion.result import Outside, Refutation, Result, Solution, Undecided
from symelbo.expfam.form import Gauge, Inseparable
from symelbo.index.build import ZERO
from symelbo.index.normal import normal
from symelbo.index.solve import (
    Found,
    NotFound,
    find_by_elimination,
    find_scaling,
    formal_indices,
    unknown_like,
)
from symelbo.index.terms import Array, Entry, Symbol, Term
from symelbo.index.tidy import tidy_array
from symelbo.spec.model import Statement
from symelbo.verify.certificate import Certificate

__all__ = ["connect_statements", "decide_criterion"]

MAX_COMBINATIONS = 64


def decide_criterion(statements: Sequence[Statement]) -> list[Result]:
    """One result per statement, in order.

    Source: Warnken et al. (2025), Definition 1, per factor; shared parameters need one field.
    """
    results: dict[int, Result] = {}
    for group in connect_statements(statements):
        members = [statements[n] for n in group]
        for number, result in zip(group, _decide_component(members), strict=True):
            results[number] = result
    return [results[n] for n in range(len(statements))]


def connect_statements(statements: Sequence[Statement]) -> list[list[int]]:
    """Groups of statements linked by shared parameters."""
    groups: list[tuple[set[Symbol], list[int]]] = []
    for number, statement in enumerate(statements):
        symbols = set(parameters_of(statement))
        members = [number]
        apart = []
        for other_symbols, other in groups:
            if symbols & other_symbols:
                symbols |= other_symbols
                members = other + members
            else:
                apart.append((other_symbols, other))
        groups = [*apart, (symbols, members)]
    return sorted((sorted(members) for _, members in groups), key=lambda g: g[0])


def _decide_component(statements: Sequence[Statement]) -> list[Result]:
    candidates: list[list[Factor]] = []
    outside: dict[int, Outside] = {}
    for number, statement in enumerate(statements):
        options = list(factor_candidates(statement))
        factors = [option for option in options if isinstance(option, Factor)]
        candidates.append(factors)
        if not factors:
            reason = next(o for o in options if isinstance(o, Inseparable))
            outside[number] = Outside(
                statement.label, statement.family.name, reason.reason, reason.piece
            )
    inside = [n for n in range(len(statements)) if n not in outside]
    results: dict[int, Result] = dict(outside)
    if inside:
        decided = _decide_inside([candidates[n] for n in inside], bool(outside))
        results.update(zip(inside, decided, strict=True))
    return [results[n] for n in range(len(statements))]


def _decide_inside(candidates: list[list[Factor]], beside_outside: bool) -> list[Result]:
    rejected = [
        f"{options[0].name}: {options[0].why_not_constant}"
        for options in candidates
        if options[0].why_not_constant
    ]
    residual: Term = ZERO
    for choice in _combinations(candidates):
        found = solve_field(choice)
        if isinstance(found, Found):
            return [
                Solution(factor, _restrict(found.values, factor), found.nonzero, tuple(rejected))
                for factor in choice
            ]
        if residual == ZERO:
            residual = found.residual
        rejected.append(_describe_rejection(choice))
    first = [options[0] for options in candidates]
    if not any(parameters_of(factor.statement) for factor in first) and all(
        factor.form.gauge is Gauge.CONSTANT and not factor.parents() for factor in first
    ):
        return [Refutation(factor, None, *explain_refutation([factor])) for factor in first]
    certificate = _refute_every_form(first, candidates)
    if certificate is None:
        return [Undecided(factor, residual, _missing_rule(factor)) for factor in first]
    cause, remedy = explain_refutation(first)
    names = [factor.name for factor in first]
    return [
        Refutation(factor, certificate, cause, remedy, tuple(n for n in names if n != factor.name))
        for factor in first
    ]


def _refute_every_form(
    first: Sequence[Factor], candidates: list[list[Factor]]
) -> Certificate | None:
    """A certificate against the strongest form that holds, or is repeated, for all forms.

    A gauge-proof one excludes all base measures and all conditional forms; otherwise every
    form that was tried needs a certificate of its own.
    """
    certificate = find_certificate(first)
    if certificate is None or certificate.excludes_shifts:
        return certificate
    for choice in _combinations(candidates):
        others = any(factor.conditional or _is_degenerate(factor) for factor in choice)
        if others or list(choice) == list(first):
            continue
        if find_certificate(choice) is None:
            return None
    return certificate


def _combinations(candidates: list[list[Factor]]) -> Iterator[tuple[Factor, ...]]:
    """Choices of one form per factor; the strongest base measures come first."""
    ranked = product(*(list(enumerate(options)) for options in candidates))
    choices = list(islice(ranked, MAX_COMBINATIONS))
    choices.sort(key=lambda choice: (sum(n for n, _ in choice), [n for n, _ in choice]))
    for choice in choices:
        yield tuple(factor for _, factor in choice)


def solve_field(factors: Sequence[Factor]) -> Found | NotFound:
    """One field on the parameters along which every factor's eta grows as e^s eta."""
    parameters = sorted(
        frozenset().union(*(parameters_of(f.statement) for f in factors)), key=lambda s: s.name
    )
    if any(_is_degenerate(factor) for factor in factors):
        return NotFound(ZERO)
    unknowns = {parameter: unknown_like(parameter, "beta_") for parameter in parameters}
    velocity: dict[Symbol, Array] = {}
    for parameter, unknown in unknowns.items():
        indices = formal_indices(parameter.shape)
        velocity[parameter] = Array(indices, Entry(unknown, indices))
    equations = [e for factor in factors for e in criterion_equations(factor, velocity)]
    found = find_scaling(equations, {u: p for p, u in unknowns.items()})
    if not isinstance(found, Found):
        found = find_by_elimination(equations, tuple(unknowns.values()), is_parent)
    if isinstance(found, NotFound):
        return found
    return Found({p: found.values[u] for p, u in unknowns.items()}, found.nonzero)


def _is_degenerate(factor: Factor) -> bool:
    """All of eta moved into the base measure would make the statement a tautology."""
    if factor.gauge is Gauge.CONSTANT:
        return False
    if not factor.blocks:
        return True
    return all(block.natural == ZERO for block in factor.blocks) and factor.gauge is Gauge.SHIFTED


def _restrict(values: Mapping[Symbol, Array], factor: Factor) -> dict[Symbol, Array]:
    own = parameters_of(factor.statement)
    return {p: tidy_array(a) for p, a in values.items() if p in own and normal(a.body) != ZERO}


def _describe_rejection(choice: Sequence[Factor]) -> str:
    forms = ", ".join(
        f"{factor.name}: {factor.gauge.value} base measure"
        + (" (conditional form)" if factor.conditional else "")
        for factor in choice
    )
    return f"no field for {forms}"


def _missing_rule(factor: Factor) -> str:
    return (
        f"a rule that decides whether the natural parameters of {factor.name} lie in the range of "
        "their Jacobian; the residual above is what remained after all known rules"
    )


def explain_refutation(factors: Sequence[Factor]) -> tuple[str, str]:
    """The smallest cause in words, and what to change."""
    if len(factors) > 1:
        alone = [isinstance(solve_field([factor]), Found) for factor in factors]
        names = " and ".join(factor.name for factor in factors)
        shared = frozenset.intersection(*(parameters_of(f.statement) for f in factors))
        shared_names = ", ".join(sorted(s.name for s in shared))
        if all(alone):
            return (
                f"{names} each satisfy the criterion alone, but they share {shared_names}, and no"
                " single field serves both",
                f"give each of {names} parameters of its own instead of the shared {shared_names}",
            )
    factor = factors[0]
    if not parameters_of(factor.statement):
        return (
            f"{factor.name} has no parameters, so its natural parameters cannot be scaled",
            f"give {factor.name} a learnable scale",
        )
    return (
        f"the natural parameters of {factor.name} cannot be scaled by moving its parameters",
        "free a parameter that scales them: a separate weight for every term, a free offset for"
        " every constant, or a free scale",
    )
