"""A decision, its forms and its sum -> the result worked out, with the steps that were taken."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.derivation import FactorResult
from symelbo.answer.worked import Step, Worked, WorkedFactor
from symelbo.criterion.result import Decision, Holds
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.entropy.summand import EntropySum, Summand
from symelbo.index.tidy import tidy, tidy_array
from symelbo.model.model import Model
from symelbo.model.quantities import write_process
from symelbo.proof.find_shorthand import find_shorthand
from symelbo.proof.quantity_names import QuantityNames
from symelbo.proof.work_form import work_form
from symelbo.proof.work_identity import work_identity
from symelbo.proof.work_motion import work_motion
from symelbo.proof.work_refutation import work_refutation
from symelbo.values import replace

__all__ = ["work_out"]


def work_out(
    model: Model,
    decision: Decision,
    factors: Sequence[FactorResult],
    entropy_sum: EntropySum | None,
    posterior: ExactPosterior | None,
) -> Worked:
    """Every formula that a document prints, from the passes that find it."""
    motion, steps = work_motion(decision.motion, decision.nonzero)
    other = decision.alternative
    alternative = None if other is None else work_motion(other.motion, other.nonzero)[0]
    entropies = {} if entropy_sum is None else entropy_sum.by_factor
    names = QuantityNames.of(model, decision.motion.velocities())
    found = []
    for factor in factors:
        worked, more = _work_factor(factor, decision, entropies.get(factor.node), names)
        found.append(worked)
        steps += more
    shown = None
    if posterior is not None:
        steps.append(_posterior_step(posterior))
        shown = replace(
            posterior,
            precision=tidy_array(posterior.precision),
            entropy=tidy(posterior.entropy),
        )
    process = write_process(model, model.statements)
    known = {item[0].name for item in process if isinstance(item, tuple)}
    whole = Worked(
        motion,
        alternative,
        tuple(found),
        shown,
        tuple(steps),
        process=process,
        declared=write_process(model, model.declared, known),
    )
    everything = (model.statements, model.declared, decision, factors, entropy_sum, whole)
    return replace(whole, shorthand=find_shorthand(everything, names.taken, model.quantities))


def _work_factor(
    factor: FactorResult,
    decision: Decision,
    entropy: Summand | None,
    names: QuantityNames,
) -> tuple[WorkedFactor, list[Step]]:
    form = None
    if factor.form is not None:
        form = work_form(factor.factor, factor.form, factor.motion, entropy, names)
    result = factor.result
    if isinstance(result, Holds):
        identity, steps = work_identity(result.identity, decision.motion, entropy, names)
        return WorkedFactor(identity, form, nonzero=tuple(map(tidy, result.nonzero))), steps
    cases, step = work_refutation(result)
    return WorkedFactor(None, form, cases), [step]


def _posterior_step(posterior: ExactPosterior) -> Step:
    return Step(
        "derive_exact_posterior",
        posterior.latent.name,
        posterior.precision.body,
        posterior.entropy,
        "log p(x, z) is a polynomial of degree two in z, so the posterior is normal with this"
        " precision",
    )
