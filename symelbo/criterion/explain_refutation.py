"""Why a criterion fails, in words: the smallest cause, and a change that was tried and works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symelbo.criterion.factor import Factor, factor_candidates, parameters_of
from symelbo.criterion.solve_field import solve_field
from symelbo.index.build import add, mul
from symelbo.index.solve import Found
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Domain, Entry, Role, Symbol
from symelbo.spec.model import Statement

__all__ = ["explain_refutation"]

GENERAL = (
    "free a parameter that scales them: a separate weight for every term, a free offset for every"
    " constant, or a free scale"
)


def explain_refutation(factors: Sequence[Factor]) -> tuple[str, str]:
    """factors without a common field -> (the smallest cause, what to change)."""
    alone = [isinstance(solve_field([factor]), Found) for factor in factors]
    if len(factors) > 1 and all(alone):
        names = _join([factor.name for factor in factors])
        shared = frozenset.intersection(*(parameters_of(f.statement) for f in factors))
        if not shared:  # linked pairwise
            shared = frozenset().union(*(parameters_of(f.statement) for f in factors))
        shared_names = _join(sorted(s.name for s in shared))
        return (
            f"{names} each satisfy the criterion alone, but they share {shared_names}, and no"
            " single field serves both",
            f"give each of {names} parameters of its own instead of the shared {shared_names}",
        )
    factor = factors[alone.index(False)]
    if not parameters_of(factor.statement):
        cause = f"{factor.name} has no parameters, so its natural parameters cannot be scaled"
        return cause, _suggest(factor) or f"give {factor.name} a learnable scale"
    return _blame_arguments(factor), _suggest(factor) or GENERAL


def _blame_arguments(factor: Factor) -> str:
    """The arguments of the family that cannot be scaled by moving the parameters, if any alone."""
    radial = factor.radial or {}
    blamed = []
    for argument in radial:
        only = {a: velocity for a, velocity in radial.items() if a == argument}
        if not isinstance(solve_field([replace(factor, radial=only)], radial_only=True), Found):
            blamed.append(argument.name.replace("_", " "))
    if not radial or len(blamed) == len(radial) > 1:
        return f"the natural parameters of {factor.name} cannot be scaled by moving its parameters"
    if not blamed:
        names = _join([argument.name.replace("_", " ") for argument in radial])
        return f"the {names} of {factor.name} can be moved as needed one by one, but not together"
    return f"no motion of the parameters moves the {_join(blamed)} of {factor.name} as needed"


def _suggest(factor: Factor) -> str:
    """The first small change of one argument after which a field is found; \"\" if none is."""
    for changed, words in _changes(factor.statement):
        for candidate in factor_candidates(changed):
            if isinstance(candidate, Factor):
                found = solve_field([candidate])
                if isinstance(found, Found) and not found.nonzero:
                    return words
    return ""


def _changes(statement: Statement) -> Iterator[tuple[Statement, str]]:
    """One argument times a free factor, plus a free offset, or replaced by a free parameter."""
    taken = frozenset().union(*(symbols_of(array) for _, array in statement.arguments))
    name = next(n for n in ("g", "scale", "free_factor") if n not in {s.name for s in taken})
    kinds = {argument.name: argument.domain.kind for argument in statement.form.arguments}
    each = f", one for each {_join([i.name for i in statement.plates])}" if statement.plates else ""
    label = statement.label
    ordered = sorted(statement.arguments, key=lambda item: kinds[item[0]] != "positive")
    for argument, array in ordered:  # a scale before a location
        kind = kinds[argument]
        if kind not in ("real", "positive") or array.indices:
            continue
        shape = tuple(index.extent for index in statement.plates)
        free = Entry(Symbol(name, Role.PARAMETER, Domain(kind), shape), statement.plates)
        shown = argument.replace("_", " ")
        sign = "positive " if kind == "positive" else ""
        varies = any(s.role is not Role.CONSTANT for s in symbols_of(array))
        options = [
            (mul(free, array.body), f"multiply the {shown} of {label} by a free {sign}factor{each}")
        ]
        if kind == "real":
            options.append(
                (add(array.body, free), f"add a free offset to the {shown} of {label}{each}")
            )
        if not varies:
            options.insert(0, (free, f"make the {shown} of {label} a free {sign}parameter{each}"))
        for body, words in options:
            arguments = tuple(
                (n, Array((), body) if n == argument else a) for n, a in statement.arguments
            )
            yield replace(statement, arguments=arguments), words


def _join(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)
