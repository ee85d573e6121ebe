"""Model -> Derivation: every pass in order, and every result checked before it is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.factor import Factor, parameters_of
from symelbo.criterion.reparameterize_prior import (
    NotReparameterized,
    Reparameterization,
    reparameterize_prior,
)
from symelbo.criterion.result import Outside, Refutation, Result, Solution, Undecided
from symelbo.derivation import Assumption, Derivation, FactorResult, Slope, Step
from symelbo.entropy.exact_posterior import ExactPosterior, derive_exact_posterior
from symelbo.entropy.sum_entropies import entropy_of, sum_entropies
from symelbo.expfam.form import Gauge
from symelbo.index.binary import binary_cases, binary_entries
from symelbo.index.build import ZERO, mul, negate
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import normal
from symelbo.index.solve import formal_indices
from symelbo.index.terms import Array, Entry, Extent, Index, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.render.print_text import print_text
from symelbo.spec.model import Model
from symelbo.spec.read_model import read_model
from symelbo.verify.field import check_field
from symelbo.verify.identity import identity_residual
from symelbo.verify.kernel import derivative_along as kernel_derivative
from symelbo.verify.kernel import is_zero as kernel_is_zero

__all__ = ["CheckFailed", "derive"]

TRIALS = 3
TOLERANCE = 1e-8  # of the exact identity, relative


class CheckFailed(Exception):
    """A result that the engine found was rejected by its checkers: a defect of symelbo."""


def derive(source: str | Path | Mapping[str, object] | Model) -> Derivation:
    """A model file, dict or Model -> its derivation.

    Raises SpecError for a bad specification (all faults at once), CheckFailed for a defect.
    """
    model = source if isinstance(source, Model) else read_model(source)
    results = decide_criterion(model.statements)
    factors = [_complete(model, number, result) for number, result in enumerate(results)]
    factors = [_confirm(model, factor) for factor in factors]
    factors = [
        replace(factor, residual=_try_identity(factor, n)) for n, factor in enumerate(factors)
    ]
    posterior = derive_exact_posterior(model) if model.variational == "exact" else None
    verdict, theorem = _conclude(factors)
    entropy_sum = sum_entropies(model, factors, posterior)
    residuals = [factor.residual for factor in factors if factor.residual is not None]
    return Derivation(
        model=model,
        verdict=verdict,
        theorem=theorem,
        factors=tuple(factors),
        assumptions=tuple(_list_assumptions(model, factors)),
        conditions=tuple(f"{c.text} ({c.reason})" for c in model.conditions),
        entropy_sum=entropy_sum,
        posterior=posterior,
        steps=tuple(_list_steps(factors, posterior)),
        residual=max(residuals, default=None),
        trials=TRIALS,
    )


# ---------------------------------------------------------------- completing one factor


def _complete(model: Model, number: int, result: Result) -> FactorResult:
    """Add the reparameterization, the Jacobian and the means to a result of the criterion."""
    statement = model.statements[number]
    change: Reparameterization | NotReparameterized | None = None
    if (
        isinstance(result, Refutation)
        and not parameters_of(statement)
        and result.certificate is None
    ):
        change = reparameterize_prior(model, statement)
        if isinstance(change, Reparameterization):
            (learned,) = decide_criterion([change.statement])
            if isinstance(learned, Solution):
                result = replace(learned, reparameterized=True)
            else:
                change = NotReparameterized(
                    statement.node, "its learnable form does not satisfy (A)"
                )
    if isinstance(result, Outside):
        return FactorResult(statement.label, result, reparameterization=change)
    slopes: tuple[Slope, ...] = ()
    means = None
    if isinstance(result, Solution):
        slopes = tuple(_jacobian(result.factor, result.field))
        means = result.factor.means()
    return FactorResult(statement.label, result, slopes, means, None, change)


def _jacobian(factor: Factor, field: Mapping[Symbol, Array]) -> list[Slope]:
    """d eta_k / d theta for the parameters that the field moves."""
    slopes = []
    for parameter in field:
        shape = list(parameter.shape)
        if parameter.domain.kind == "simplex":
            shape[-1] = Extent(shape[-1].size, shape[-1].offset - 1)
        indices = tuple(Index(f"r{n}", extent) for n, extent in enumerate(shape))
        for number, block in enumerate(factor.blocks):
            term = normal(derivative_by(block.natural, parameter, indices))
            if term != ZERO:
                slopes.append(Slope(number, parameter, indices, term))
    return slopes


# ---------------------------------------------------------------- checks


def _confirm(model: Model, result: FactorResult) -> FactorResult:
    """A field counts only if the checker confirms it; otherwise the factor stays undecided."""
    if not isinstance(result.result, Solution):
        return result
    reasons = _check_symbolically(model, result, result.result, cases=False)
    if reasons:
        reasons = _check_symbolically(model, result, result.result, cases=True)
    if not reasons:
        return result
    factor = result.result.factor
    missing = "a rule of the checker: a field was found, but not confirmed: " + "; ".join(reasons)
    open_result = Undecided(factor, factor.blocks[0].natural if factor.blocks else ZERO, missing)
    return FactorResult(result.node, open_result)


def _check_symbolically(
    model: Model, result: FactorResult, solution: Solution, *, cases: bool
) -> list[str]:
    """Substitute the field back, for all sizes, with code that shares nothing with the finder.

    cases: check at every combination of values of the binary parents instead.
    """
    factor = solution.factor
    naturals = {}
    for n, block in enumerate(factor.blocks):
        entries = binary_entries(block.natural) if cases else ()
        for m, natural in enumerate(binary_cases(block.natural, entries)):
            key = (factor.name, n + m * len(factor.blocks))
            naturals[key] = ((*factor.plates, *block.indices), natural)
    parameters = sorted(parameters_of(factor.statement), key=lambda s: s.name)
    if solution.field:
        reasons = check_field(naturals, {}, solution.field, parameters, solution.nonzero)
    else:  # a known uniform factor: eta = 0 needs no field
        reasons = [
            f"{n} of {f} is not 0"
            for (f, n), (_, eta) in naturals.items()
            if not kernel_is_zero(eta)
        ]
    along = {p.name: (a.indices, a.body) for p, a in solution.field.items()}
    for argument in factor.held:
        body = dict(factor.statement.arguments)[argument.name].body
        if not kernel_is_zero(kernel_derivative(body, along)):
            reasons.append(f"the held argument {argument.name} of {factor.name} moves")
    if isinstance(result.reparameterization, Reparameterization):
        reasons += _check_compensation(model, result.reparameterization)
    return reasons


def _check_compensation(model: Model, change: Reparameterization) -> list[str]:
    """Stretching the latent and moving the weights against it leaves all other factors alone."""
    formal = formal_indices(change.node.shape)
    stretch = mul(Entry(change.stretch, formal), Entry(change.node, formal))
    along: dict[str, tuple[tuple[Index, ...], Term]] = {change.node.name: (formal, stretch)}
    for parameter, array in change.compensation.items():
        along[parameter.name] = (array.indices, negate(array.body))
    reasons = []
    for statement in model.statements:
        if statement.node == change.node:
            continue
        for name, array in statement.arguments:
            if not kernel_is_zero(kernel_derivative(array.body, along)):
                reasons.append(
                    f"stretching {change.node.name} changes {name} of {statement.node.name}"
                )
    return reasons


def _try_identity(result: FactorResult, seed: int) -> float | None:
    """The exact identity at random sizes, parameters, data and q; its largest relative residual."""
    if not isinstance(result.result, Solution):
        return None
    factor, field = result.result.factor, result.result.field
    residual = identity_residual(
        factor.over_plates(factor.log_density),
        factor.over_plates(entropy_of(factor, field)),
        factor.over_plates(factor.log_base),
        field,
        seed=seed,
        trials=TRIALS,
    )
    if not residual < TOLERANCE:
        raise CheckFailed(
            f"the exact identity fails for {factor.name}: relative residual {residual:.1e}"
        )
    return residual


# ---------------------------------------------------------------- conclusions


def _conclude(factors: Sequence[FactorResult]) -> tuple[str, int | None]:
    verdicts = {factor.verdict for factor in factors}
    for bad in ("refuted", "outside", "undecided"):
        if bad in verdicts:
            return bad, None
    gauges = [factor.factor.gauge for factor in factors if factor.factor is not None]
    return "proved", 1 if all(gauge is Gauge.CONSTANT for gauge in gauges) else 2


def _list_assumptions(model: Model, factors: Sequence[FactorResult]) -> list[Assumption]:
    if not any(isinstance(factor.result, Solution) for factor in factors):
        return []
    assumptions = [
        Assumption("standing", "the parameters lie in an open set (relative to their constraints)"),
        Assumption(
            "standing", "natural parameters are continuously differentiable in the parameters"
        ),
        Assumption(
            "standing", "natural parameters lie in the interior of the natural parameter space"
        ),
        Assumption("standing", "expectations are finite and exchangeable with derivatives"),
    ]
    for family in dict.fromkeys(s.family for s in model.statements if s.family.abstract):
        text = (
            f"the map from the parameters of {family.name} to its natural parameters has an"
            " invertible Jacobian everywhere"
        )
        assumptions.append(Assumption("family", text))
    for factor in factors:
        if isinstance(factor.result, Solution):
            for term in factor.result.nonzero:
                shown = print_text(tidy(term))
                text = f"{shown} is not 0 (the field of {factor.node} divides by it)"
                assumptions.append(Assumption("nonzero", text))
    for condition in model.conditions:
        assumptions.append(Assumption("domain", f"{condition.text} ({condition.reason})"))
    for factor in factors:
        change = factor.reparameterization
        if isinstance(change, Reparameterization):
            assumptions.append(_variational_assumption(change))
    return assumptions


def _variational_assumption(change: Reparameterization) -> Assumption:
    node = change.node.name
    each = f"each {node}[{','.join('h' for _ in change.node.shape)}]" if change.node.shape else node
    closed = f"the family of q is closed under scaling {each}, for all data points at once"
    how = {
        "assumed": closed,
        "exact posterior": f"{closed} (holds: q is the exact posterior)",
        "shown": f"{closed} (shown for the declared q with free parameters for every data point)",
    }[change.q_condition]
    return Assumption("variational", how)


def _list_steps(factors: Sequence[FactorResult], posterior: ExactPosterior | None) -> list[Step]:
    steps: list[Step] = []
    for result in factors:
        if isinstance(result.result, Outside):
            out = result.result
            steps.append(Step("separate_density", result.node, None, out.piece, out.reason))
            continue
        factor = result.result.factor
        steps.append(
            Step(
                "separate_density",
                result.node,
                factor.log_density,
                factor.over_plates(factor.log_partition),
                "log p is a finite sum of parameter terms times statistics",
            )
        )
        if isinstance(result.reparameterization, Reparameterization):
            steps.append(
                Step(
                    "reparameterize_prior",
                    result.node,
                    result.reparameterization.value,
                    Entry(result.reparameterization.scale, factor.plates),
                    "a scale of the latent can be moved between the prior and the next layer",
                    (result.reparameterization.q_condition,),
                    "checked for all sizes by the kernel",
                )
            )
        match result.result:
            case Solution(field=field):
                for parameter, array in field.items():
                    steps.append(
                        Step(
                            "solve_criterion",
                            result.node,
                            Entry(parameter, array.indices),
                            array.body,
                            "eta grows as e^s eta when this parameter moves with this velocity",
                            evidence="substituted back for all sizes by the kernel",
                        )
                    )
                steps.append(
                    Step(
                        "derive_entropy",
                        result.node,
                        factor.log_partition,
                        entropy_of(factor, field),
                        "A - eta' grad A, with eta' grad A = dA/ds along the field",
                        evidence="exact identity tried at random points",
                    )
                )
            case Refutation(certificate=certificate, cause=cause):
                value = certificate.value if certificate is not None else None
                steps.append(
                    Step(
                        "refute_criterion",
                        result.node,
                        None,
                        value,
                        cause,
                        evidence="certificate re-checked in exact arithmetic",
                    )
                )
            case Undecided(residual=residual, missing=missing):
                steps.append(Step("solve_criterion", result.node, None, residual, missing))
    if posterior is not None:
        steps.append(
            Step(
                "derive_exact_posterior",
                posterior.latent.name,
                posterior.precision.body,
                posterior.entropy,
                "log p(x, z) is quadratic in z, so the posterior is normal with this precision",
            )
        )
    return steps
