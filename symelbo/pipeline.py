"""A specification to its derivation: every pass in order, and every result checked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.conclude import conclude
from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.explain_refutation import explain_refutations
from symelbo.criterion.express_form import FactorForm, express_form
from symelbo.criterion.result import Holds, Result
from symelbo.entropy.exact_posterior import derive_exact_posterior
from symelbo.entropy.sum_entropies import sum_entropies
from symelbo.limits import NESTED_CALLS
from symelbo.model.model import Model
from symelbo.model.read_model import read_model
from symelbo.proof.work_out import work_out
from symelbo.try_result import CheckFailed, try_densities, try_result

__all__ = ["CheckFailed", "derive"]


def derive(
    source: str | Path | Mapping[str, object] | Model, *, explain: bool = True
) -> Derivation:
    """A model file, dict or Model -> its derivation.

    explain: seek the causes of refutations and changes that cure them, which may take as long as
    the answer.

    Raises SpecError for a bad specification (all faults at once), CheckFailed for a defect.
    """
    sys.setrecursionlimit(max(NESTED_CALLS, sys.getrecursionlimit()))  # passes go down into terms
    model = source if isinstance(source, Model) else read_model(source)
    try_densities(model)
    decision = decide_criterion(model)
    if explain:
        decision = explain_refutations(decision, still=model.reparameterize == "never")
    factors = tuple(_express(result) for result in decision.results)
    posterior = derive_exact_posterior(model) if model.variational == "exact" else None
    entropy_sum = sum_entropies(model, decision.results, posterior)
    worked = work_out(model, decision, factors, entropy_sum, posterior)
    conclusion = conclude(model, decision, worked)
    return Derivation(
        model=model,
        verdict=conclusion.verdict,
        theorem=conclusion.theorem,
        decision=decision,
        factors=factors,
        assumptions=conclusion.assumptions,
        conditions=tuple(f"{c.text} ({c.reason})" for c in model.conditions),
        entropy_sum=entropy_sum,
        posterior=posterior,
        worked=worked,
        trial=try_result(model, decision, factors, entropy_sum),
    )


def _express(result: Result) -> FactorResult:
    """Add the exponential-family form to a result of the criterion."""
    identity = result.identity if isinstance(result, Holds) else None
    form = express_form(result.factor, identity)
    return FactorResult(result.factor.name, result, form if isinstance(form, FactorForm) else None)
