"""A specification to its derivation: every pass in order, and every result checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from symelbo.answer.derivation import Assumption, Derivation, FactorResult, Step
from symelbo.criterion.confirm import least_sizes
from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.explain_refutation import explain_refutations
from symelbo.criterion.express_form import FactorForm, express_form
from symelbo.criterion.motion import Motion
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted, Result, Undecided
from symelbo.entropy.exact_posterior import ExactPosterior, derive_exact_posterior
from symelbo.entropy.sum_entropies import sum_entropies
from symelbo.index.build import add, negate
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import normal
from symelbo.index.terms import Entry
from symelbo.index.tidy import tidy, tidy_array
from symelbo.model.model import Model
from symelbo.model.read_model import read_model
from symelbo.notation.names import name_array_indices
from symelbo.notation.print_text import print_text
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
    model = source if isinstance(source, Model) else read_model(source)
    try_densities(model)
    decision = decide_criterion(model)
    if explain:
        decision = explain_refutations(decision, still=model.reparameterize == "never")
    factors = tuple(_express(result) for result in decision.results)
    posterior = derive_exact_posterior(model) if model.variational == "exact" else None
    verdict, theorem = _conclude(decision)
    entropy_sum = sum_entropies(model, decision.results, posterior)
    return Derivation(
        model=model,
        verdict=verdict,
        theorem=theorem,
        decision=decision,
        factors=factors,
        assumptions=tuple(_list_assumptions(model, decision)),
        conditions=tuple(f"{c.text} ({c.reason})" for c in model.conditions),
        entropy_sum=entropy_sum,
        posterior=posterior,
        steps=tuple(_list_steps(decision, factors, posterior)),
        trial=try_result(model, decision, factors, entropy_sum),
    )


def _express(result: Result) -> FactorResult:
    """Add the exponential-family form to a result of the criterion."""
    identity = result.identity if isinstance(result, Holds) else None
    form = express_form(result.factor, identity)
    return FactorResult(result.factor.name, result, form if isinstance(form, FactorForm) else None)


# ---------------------------------------------------------------- conclusions


def _conclude(decision: Decision) -> tuple[str, int | None]:
    kinds = {type(result) for result in decision.results}
    for kind, verdict in ((Refuted, "refuted"), (Outside, "outside"), (Undecided, "undecided")):
        if kind in kinds:
            return verdict, None
    if decision.closure is Closure.BROKEN:
        return "undecided", None
    identities = [r.identity for r in decision.results if isinstance(r, Holds)]
    return "proved", 1 if all(identity.is_entropy for identity in identities) else 2


def _list_assumptions(model: Model, decision: Decision) -> list[Assumption]:
    holding = [r for r in decision.results if isinstance(r, Holds)]
    if not holding:
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
    families = dict.fromkeys(s.family for s in model.statements)
    for family in (f for f in families if not f.builtin and not f.abstract):
        text = f"the density of {family.name} integrates to 1 for all its arguments"
        assumptions.append(Assumption("family", text))
    nonzero = dict.fromkeys(term for result in holding for term in result.nonzero)
    for term in nonzero:
        text = f"the motion divides by {print_text(tidy(term))}, which must not be 0"
        assumptions.append(Assumption("nonzero", text, term=term))
    for size, least in least_sizes(model.statements).items():
        text = f"{size} >= {least} (place {least} is used)"
        assumptions.append(Assumption("size", text, size=(size, least)))
    for condition in model.conditions:
        assumptions.append(Assumption("domain", f"{condition.text} ({condition.reason})"))
    closure = _describe_closure(decision)
    if closure:
        assumptions.append(Assumption("variational", closure))
    return assumptions


def _describe_closure(decision: Decision) -> str:
    """What is asked of q, and how it is known; "" if nothing is."""
    if decision.closure is Closure.NOT_NEEDED:
        return ""
    moved = ", ".join(latent_texts(decision.motion))
    closed = f"the family of q is closed under {moved}, to first order, for all data points at once"
    if not moved:
        closed = "the derivative of the ELBO through the parameters that q names vanishes"
    return {
        Closure.ASSUMED: closed,
        Closure.EXACT: f"{closed} (holds: q is the exact posterior)",
        Closure.SHOWN: f"{closed} (shown for the declared q, whose parameters are free for every"
        " data point)",
        Closure.BROKEN: f"{closed} (NOT shown for the declared q"
        + (f": {', '.join(decision.broken)})" if decision.broken else ")"),
    }[decision.closure]


def latent_texts(motion: Motion) -> list[str]:
    """z[h]' = z[h]/2, for every latent that moves."""
    found = []
    for node, latent in motion.latents.items():
        named = name_array_indices(tidy_array(latent.velocity(node)))
        left = print_text(Entry(node, named.indices))
        found.append(f"{left}' = {print_text(named.body)}")
    return found


def _list_steps(
    decision: Decision, factors: Sequence[FactorResult], posterior: ExactPosterior | None
) -> list[Step]:
    steps: list[Step] = []
    velocities = decision.motion.velocities()
    for symbol, array in velocities.items():
        steps.append(
            Step(
                "find_motion",
                symbol.name,
                Entry(symbol, array.indices),
                tidy(normal(array.body)),
                "the velocity of the motion along which (U) holds",
                evidence="substituted back for all sizes by the kernel",
            )
        )
    for result in factors:
        match result.result:
            case Outside(reason=reason, piece=piece):
                steps.append(Step("separate_density", result.node, None, piece, reason))
            case Holds(factor=factor, identity=identity):
                change = normal(derivative_along(factor.log_density, velocities))
                steps.append(
                    Step(
                        "differentiate_density",
                        result.node,
                        factor.log_density,
                        change,
                        "D log p along the motion",
                    )
                )
                steps.append(
                    Step(
                        "state_identity",
                        result.node,
                        change,
                        add(identity.base, identity.divergence, negate(identity.entropy)),
                        "log p - D log p = b - H~ + d",
                        evidence="proved for all sizes by the kernel, and tried at random points",
                    )
                )
            case Refuted(certificate=certificate, cause=cause):
                value = certificate.cases[0].matrix[0][-1]
                evidence = "certificate re-checked in exact arithmetic"
                steps.append(
                    Step("refute_criterion", result.node, None, value, cause, evidence=evidence)
                )
            case Undecided(residual=residual, missing=missing):
                steps.append(Step("find_motion", result.node, None, residual, missing))
    if posterior is not None:
        steps.append(
            Step(
                "derive_exact_posterior",
                posterior.latent.name,
                posterior.precision.body,
                posterior.entropy,
                "log p(x, z) is a polynomial of degree two in z, so the posterior is normal with"
                " this precision",
            )
        )
    return steps
