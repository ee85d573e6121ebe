"""A result, tried in numbers: (U) at random points, and the printed sum against F itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan

from symelbo.answer.derivation import FactorResult, Trial
from symelbo.criterion.result import Closure, Decision
from symelbo.entropy.exact_posterior import log_joint
from symelbo.entropy.summand import EntropySum, Summand
from symelbo.errors import Fault, SpecError
from symelbo.index.build import add
from symelbo.index.terms import Array, Domain, Term
from symelbo.limits import IDENTITY_TOLERANCE, IDENTITY_TRIALS, SUM_TOLERANCE
from symelbo.model.least_sizes import least_values
from symelbo.model.model import Model, OwnFamily
from symelbo.trial.identity import identity_residual
from symelbo.trial.normalization import find_wrong_mass, is_of_integers
from symelbo.trial.printed_sum import Kind, PrintedSum, printed_residual

__all__ = ["CheckFailed", "try_densities", "try_printed_sum", "try_result"]


class CheckFailed(Exception):
    """A result that the engine found was rejected by its checkers: a defect of symelbo."""


def try_result(
    model: Model,
    decision: Decision,
    factors: Sequence[FactorResult],
    entropy_sum: EntropySum | None,
) -> Trial | None:
    """The largest relative residuals, None if nothing holds; CheckFailed if one is large.

    What takes too many operations, or has no admissible values, is listed as not tried.
    """
    least = least_values(model.all_statements)
    residuals = {
        factor.node: _try_identity(decision, factor, n, least)
        for n, factor in enumerate(factors)
        if factor.identity is not None
    }
    if not residuals:
        return None
    untried = tuple(name for name, residual in residuals.items() if isnan(residual))
    worst = max((r for r in residuals.values() if not isnan(r)), default=nan)
    trials = 0 if isnan(worst) else IDENTITY_TRIALS
    printed = None
    if decision.holds and decision.closure is not Closure.BROKEN and entropy_sum is not None:
        printed = try_printed_sum(model, decision, entropy_sum)
    if printed is None:
        return Trial(worst, trials, untried=untried)
    residual, count = printed
    if not residual < SUM_TOLERANCE:
        raise CheckFailed(f"F differs from the printed sum: relative residual {residual:.1e}")
    return Trial(worst, trials, residual, count, untried)


def _try_identity(
    decision: Decision, result: FactorResult, seed: int, least: Mapping[str, int]
) -> float:
    factor, identity = result.factor, result.identity
    assert identity is not None
    residual = identity_residual(
        factor.over_plates(factor.log_density),
        factor.over_plates(identity.entropy),
        factor.over_plates(add(identity.base, identity.divergence)),
        decision.motion.velocities(),
        [(c.array, c.domain) for c in factor.statement.conditions],
        seed=seed,
        trials=IDENTITY_TRIALS,
        least=least,
    )
    if residual >= IDENTITY_TOLERANCE:
        raise CheckFailed(
            f"the exact identity fails for {factor.name}: relative residual {residual:.1e}"
        )
    return residual


# ---------------------------------------------------------------- the user's densities


def try_densities(model: Model) -> None:
    """Raises SpecError if a density of the user's own does not integrate to one."""
    faults = []
    for own in model.families:
        if own.family.abstract or own.family.shape:
            continue
        density = own.density
        wrong = find_wrong_mass(density.term, density.value, density.arguments)
        if wrong is None:
            continue
        mass, arguments = wrong
        shown = f"{mass:.4g}" if abs(mass - 1) > 0.01 else f"{mass:.8g}"  # where it differs from 1
        given = ", ".join(f"{name} = {x:.4g}" for name, x in arguments.items())
        at = f" at {given}" if given else ""
        hint = f"subtract log({shown}), as a function of the parameters, from log_density"
        first = is_of_integers(density.term, density.value, density.arguments)
        if first is not None:
            hint = _word_counts(own, first)
        faults.append(
            Fault(
                own.place,
                f"the density of `{own.family.name}`, which integrates to {shown}{at}",
                "1",
                hint,
            )
        )
    if faults:
        raise SpecError(faults)


def _word_counts(own: OwnFamily, first: int) -> str:
    """How to write a density of counts that was given on real numbers."""
    v = own.family.value
    shift = f", of the counts less {first}, with {v} + {first} in place of {v}" if first else ""
    return (
        f"its sum over the integers is 1, and bounds are of real numbers: for counts write"
        f" `support: naturals` (0, 1, 2, ...){shift}"
    )


# ---------------------------------------------------------------- the printed sum


def try_printed_sum(
    model: Model,
    decision: Decision,
    entropy_sum: EntropySum,
    *,
    seed: int = 0,
    trials: int = 1,
    most: int = 128,
) -> tuple[float, int] | None:
    """F - dF/ds against S as it is printed; None if no small instance could be integrated."""
    kind = Kind.ANY
    log_q: Term | None = None
    if isinstance(model.variational, tuple):
        kind = Kind.DECLARED
        log_q = log_joint(model.variational)
        if {s.node for s in model.variational} != {s.node for s in model.latents}:
            return None
    elif model.variational == "exact":
        kind = Kind.EXACT
    conditions: list[tuple[Array, Domain]] = [
        (condition.array, condition.domain)
        for statement in model.statements
        for condition in statement.conditions
    ]
    return printed_residual(
        log_joint(model.statements),
        log_q,
        [_as_printed(entropy_sum.summands), _as_printed(entropy_sum.printed)],
        decision.motion.velocities(),
        kind,
        conditions,
        seed=seed,
        trials=trials,
        most=most,
        least=least_values(model.all_statements),
    )


def _as_printed(summands: Sequence[Summand]) -> PrintedSum:
    """The sum for one data point: what stays H[q], and all else averaged under q."""
    known = [summand.signed for summand in summands if summand.term is not None]
    return PrintedSum(len(known) < len(summands), add(*known))
