"""factors -> per factor Solution | Refutation | Undecided | Outside, one joint field per component.

Factors that share parameters need one field that serves all of them, so they are decided together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from symelbo.criterion.explain_refutation import explain_refutation
from symelbo.criterion.factor import (
    Factor,
    factor_candidates,
    parameters_of,
    rank_of_separation,
)
from symelbo.criterion.refute_criterion import find_certificate
from symelbo.criterion.result import Outside, Refutation, Result, Solution, Undecided
from symelbo.criterion.solve_field import is_degenerate, solve_field
from symelbo.expfam.form import Gauge, Inseparable
from symelbo.expfam.rank_evidence import POINTS
from symelbo.index.build import ZERO
from symelbo.index.normal import normal
from symelbo.index.solve import (
    Found,
)
from symelbo.index.terms import Array, Symbol, Term
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
            outside[number] = _judge_outside(statement, reason)
    inside = [n for n in range(len(statements)) if n not in outside]
    results: dict[int, Result] = dict(outside)
    if inside:
        decided = _decide_inside([candidates[n] for n in inside], bool(outside))
        results.update(zip(inside, decided, strict=True))
    return [results[n] for n in range(len(statements))]


def _judge_outside(statement: Statement, reason: Inseparable) -> Outside:
    """A separation that was not found is excluded by rank evidence, or the question stays open."""
    label, family = statement.label, statement.family.name
    if not reason.searched:
        return Outside(label, family, reason.reason, reason.piece)
    rank = rank_of_separation(statement)
    if rank is None:
        return Outside(label, family, reason.reason, reason.piece)
    evidence = f"{reason.reason}: it would need at least {rank} terms"
    if rank >= POINTS:
        return Outside(label, family, evidence, reason.piece)
    missing = f"a rule that separates the log-density, whose rank is at least {rank}"
    return Outside(label, family, missing, reason.piece, decided=False)


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
        others = any(factor.conditional or is_degenerate(factor) for factor in choice)
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
