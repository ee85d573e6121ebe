"""What the passes found -> the verdict, the theorem, and what they rest on."""

from __future__ import annotations

from symelbo.answer.derivation import Assumption
from symelbo.answer.worked import Worked, WorkedMotion, name_velocities
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted, Undecided
from symelbo.model.least_sizes import find_least_sizes
from symelbo.model.model import Model
from symelbo.model.names import text_notation
from symelbo.notation.print_text import TextNotation
from symelbo.values import dataclass

__all__ = ["Conclusion", "conclude"]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """verdict: proved, refuted, outside or undecided; theorem: 1, 2, or None if nothing is proved.

    assumptions: all that the result rests on.
    """

    verdict: str
    theorem: int | None
    assumptions: tuple[Assumption, ...]


def conclude(model: Model, decision: Decision, worked: Worked) -> Conclusion:
    """The weakest answer of a factor is that of the model; Theorem 1 if all entropies are such."""
    verdict, theorem = _weigh(decision)
    return Conclusion(verdict, theorem, tuple(_list_assumptions(model, decision, worked)))


def _weigh(decision: Decision) -> tuple[str, int | None]:
    kinds = {type(result) for result in decision.results}
    for kind, verdict in ((Refuted, "refuted"), (Outside, "outside"), (Undecided, "undecided")):
        if kind in kinds:
            return verdict, None
    if decision.closure is Closure.BROKEN:
        return "undecided", None
    return "proved", 1 if decision.by_theorem_1 else 2


def _list_assumptions(model: Model, decision: Decision, worked: Worked) -> list[Assumption]:
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
    notation = text_notation(model)
    families = dict.fromkeys(s.family for s in model.statements)
    for family in (f for f in families if not f.builtin and not f.abstract):
        text = f"the density of {family.name} integrates to 1 for all its arguments"
        assumptions.append(Assumption("family", text))
    for term in dict.fromkeys(term for factor in worked.factors for term in factor.nonzero):
        text = f"the motion divides by {notation.print(term)}, which must not be 0"
        assumptions.append(Assumption("nonzero", text, term=term))
    for size, least in find_least_sizes(model.all_statements).items():
        text = f"{size} >= {least.value} ({least.needed_by} is used)"
        assumptions.append(Assumption("size", text, size=(size, least.value)))
    for condition in model.conditions:
        assumptions.append(Assumption("domain", f"{condition.text} ({condition.reason})"))
    closure = _describe_closure(decision, worked.motion, notation)
    if closure:
        assumptions.append(Assumption("variational", closure))
    return assumptions


def _describe_closure(decision: Decision, motion: WorkedMotion, notation: TextNotation) -> str:
    """What is asked of q, and how it is known; "" if nothing is."""
    if decision.closure is Closure.NOT_NEEDED:
        return ""
    moved = ", ".join(_latent_texts(motion, notation))
    closed = f"the family of q is closed under {moved}, to first order, for all data points at once"
    if not moved:
        closed = "the derivative of the ELBO through the parameters that q names vanishes"
    return {
        Closure.ASSUMED: closed,
        Closure.EXACT: f"{closed} (holds: q is the exact posterior)",
        Closure.SHOWN: f"{closed} (shown for the declared q"
        + (", whose parameters are free for every data point)" if motion.variational else ")"),
        Closure.BROKEN: f"{closed} (NOT shown for the declared q"
        + (f": {', '.join(decision.broken)})" if decision.broken else ")"),
    }[decision.closure]


def _latent_texts(motion: WorkedMotion, notation: TextNotation) -> list[str]:
    """z[h]' = z[h]/2, for every latent that moves."""
    velocities = {node: latent.velocity for node, latent in motion.latents.items()}
    return [
        f"{notation.print(moved.entry)}' = {notation.print(moved.velocity)}"
        for moved in name_velocities(velocities)
    ]
