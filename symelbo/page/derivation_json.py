"""Derivation -> derivation.json: the whole answer as plain data, for other programs.

Every formula is {"latex": ..., "text": ...}; `text` is the language of the specifications.  A
formula with free indices lists them under "indices", as in ["d in 1:D"]: it holds for all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final, TypeAlias

from symelbo import __version__
from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.answer.shorthand import shorten
from symelbo.answer.worked import Abbreviations, Slope, Step, WorkedFactor, WorkedMotion
from symelbo.certify.certificate import Case, Certificate, Given, Moved, Unknown
from symelbo.criterion.express_form import FactorForm
from symelbo.criterion.result import Decision, Outside, Refuted, Undecided
from symelbo.entropy.summand import EntropySum, Summand
from symelbo.expfam.form import Gauge
from symelbo.index.terms import Array, Index, Symbol, Term
from symelbo.model.names import text_notation
from symelbo.notation.names import name_array_indices
from symelbo.notation.print_latex import print_latex
from symelbo.notation.print_text import TextNotation
from symelbo.values import dataclass

__all__ = [
    "LEAST_BOUND",
    "PRINTED_BOUND",
    "SCHEMA",
    "derivation_data",
    "render_json",
    "residual_bound",
]

SCHEMA: Final = "symelbo/derivation/1"
LEAST_BOUND: Final = -15  # rounding errors below 1e-15 differ between machines
PRINTED_BOUND: Final = -6  # of the printed sum, whose slopes are differences

Json: TypeAlias = dict[str, Any]


def render_json(derivation: Derivation) -> str:
    """The text of derivation.json, the same for the same derivation everywhere."""
    return json.dumps(derivation_data(derivation), ensure_ascii=False, indent=2) + "\n"


def residual_bound(residual: float | None, least: int = LEAST_BOUND) -> float | None:
    """The smallest power of ten above the residual, at least 1e-15; so that it is reproducible.

    least: the exponent below which rounding, or differences in place of derivatives, decide.
    """
    if residual is None or math.isnan(residual):
        return None
    exponent = least if residual <= 0 else math.floor(math.log10(residual)) + 1
    return float(f"1e{max(exponent, least)}")


def derivation_data(derivation: Derivation) -> Json:
    """The derivation as dicts, lists, strings and numbers; keys in the order of reading.

    shorthand: only where long formulas have repeated parts, which are printed by these names.
    """
    derivation = shorten(derivation)
    shorthand = derivation.worked.shorthand.definitions
    write = _Writer(text_notation(derivation.model))
    entropy_sum = derivation.entropy_sum
    entropies = derivation.entropies
    factors = [
        write.factor(result, worked, derivation.worked.motion, entropies.get(result.node))
        for result, worked in zip(derivation.factors, derivation.worked.factors, strict=True)
    ]
    trial = derivation.trial
    unused = [
        {"name": u.name, "kind": u.what.split()[-1], "line": u.place.line, "column": u.place.column}
        for u in derivation.model.unused
    ]
    return {
        "schema": SCHEMA,
        "symelbo_version": __version__,
        "spec_sha256": derivation.model.sha256,
        "model": dict(derivation.model.normalized),
        "verdict": derivation.verdict,
        "theorem": derivation.theorem,
        **({"shorthand": write.abbreviations(shorthand)} if shorthand else {}),
        "entropy_sum": write.entropy_sum(entropy_sum),
        "motion": write.motion(derivation.worked.motion, derivation.decision),
        "alternative": write.alternative(derivation),
        "factors": factors,
        "assumptions": [
            {"kind": a.kind, "text": a.text, "term": write.optional(a.term)}
            for a in derivation.assumptions
        ],
        "conditions": list(derivation.conditions),
        **({"unused": unused} if unused else {}),
        "residual": None if trial is None else residual_bound(trial.residual),
        "trials": 0 if trial is None else trial.trials,
        **({"untried": list(trial.untried)} if trial is not None and trial.untried else {}),
        "printed_residual": None if trial is None else residual_bound(trial.printed, PRINTED_BOUND),
        "printed_trials": 0 if trial is None else trial.printed_trials,
        "steps": [write.step(step) for step in derivation.steps],
    }


@dataclass(frozen=True, slots=True)
class _Writer:
    """The parts of the data, with formulas in one notation."""

    notation: TextNotation

    # ---------------------------------------------------------------- the motion

    def motion(self, motion: WorkedMotion, decision: Decision) -> Json:
        """Velocities of parameters, r and s of latents, and how q is known to follow."""
        return {
            "parameters": self.velocities(motion.parameters),
            "latents": {
                node.name: {
                    "velocity": self.array(latent.velocity),
                    "rate": self.array(latent.rate),
                    "shift": self.array(latent.shift),
                }
                for node, latent in motion.latents.items()
            },
            "variational": self.velocities(motion.variational),
            "nonzero": [self.formula(term) for term in motion.nonzero],
            "condition_on_q": decision.closure.value,
            "broken_by": list(decision.broken),
        }

    def velocities(self, arrays: Mapping[Symbol, Array]) -> Json:
        ordered = sorted(arrays.items(), key=lambda item: item[0].name)
        return {symbol.name: self.array(array) for symbol, array in ordered}

    def array(self, array: Array) -> Json:
        return self.entry(array.body, array.indices)

    def alternative(self, derivation: Derivation) -> Json | None:
        """The same by theorem 1, with a motion of latents, where that holds as well."""
        motion, decision = derivation.worked.alternative, derivation.decision.alternative
        if motion is None or decision is None:
            return None
        return {"theorem": 1, "motion": self.motion(motion, decision)}

    # ---------------------------------------------------------------- formulas

    def formula(self, term: Term) -> Json:
        return {"latex": print_latex(term), "text": self.notation.print(term)}

    def optional(self, term: Term | None) -> Json | None:
        return None if term is None else self.formula(term)

    def entry(self, term: Term, *indices: Iterable[Index]) -> Json:
        """A term at each value of its free indices, which get names that cannot be confused."""
        array = name_array_indices(Array(tuple(chain(*indices)), term))
        ranges = [f"{i.name} in {i.low}:{i.extent}" for i in array.indices]
        return {"indices": ranges, **self.formula(array.body)}

    # ---------------------------------------------------------------- factors

    def factor(
        self,
        result: FactorResult,
        worked: WorkedFactor,
        motion: WorkedMotion,
        entropy: Summand | None,
    ) -> Json:
        data: Json = {
            "node": result.node,
            "family": result.factor.statement.family.name,
            "verdict": result.verdict,
            "form": None,
            "natural_parameters": [],
            "sufficient_statistics": [],
            "mean_parameters": None,
            "log_partition": None,
            "base_measure": None,
            "base_measure_constant": None,
            "gauge": None,
            "jacobian": [],
            "field": self.velocities({s: motion.parameters[s] for s in result.field}),
            "nonzero": [],
            "log_density": self.entry(result.factor.log_density, result.factor.plates),
            "divergence": None,
            "entropy": None if entropy is None else self.formula(entropy.display),
            "entropy_expanded": None if entropy is None else self.formula(entropy.known),
            "abbreviations": {} if entropy is None else self.abbreviations(entropy.abbreviations),
            "entropy_kind": None if entropy is None else entropy.kind.value,
            "entropy_depends_on": [] if entropy is None else [s.name for s in entropy.over],
            "certificate": None,
            "reason": "",
            "remedy": "",
            "joint_with": [],
            "left_over": None,
        }
        if result.form is not None and worked.form is not None:
            data.update(self.form(result, result.form))
            slopes = worked.form.slopes
            data["jacobian"] = [self.slope(result, result.form, slope) for slope in slopes]
            if result.form.means is not None:
                plates = result.factor.plates
                data["mean_parameters"] = [
                    self.entry(m.body, plates, m.indices) for m in result.form.means
                ]
        match result.result:
            case Refuted(certificate=certificate, cause=cause, remedy=remedy, joint=joint):
                data["certificate"] = self.certificate(certificate)
                data["reason"], data["remedy"] = cause, remedy
                data["joint_with"] = list(joint)
            case Undecided(residual=left_over, missing=missing):
                data["reason"], data["left_over"] = missing, self.formula(left_over)
            case Outside(reason=reason, piece=piece, certificate=certificate):
                data["reason"], data["left_over"] = reason, self.optional(piece)
                data["certificate"] = None if certificate is None else self.certificate(certificate)
            case holds:
                data["nonzero"] = [self.formula(term) for term in worked.nonzero]
                identity = holds.identity
                plates = result.factor.plates
                data["divergence"] = self.entry(identity.divergence, plates)
                data["base_measure"] = {"log": self.entry(identity.base, plates)}
                data["base_measure_constant"] = identity.is_entropy
                data["gauge"] = {"kind": identity.gauge.value}
        return data

    def abbreviations(self, chosen: Abbreviations) -> Json:
        """What the names in an entropy stand for that are no names of the model."""
        return {symbol.name: self.entry(a.body, a.indices) for symbol, a in chosen}

    def form(self, result: FactorResult, form: FactorForm) -> Json:
        plates = result.factor.plates
        return {
            "form": "conditional" if form.conditional else "standard",
            "natural_parameters": [self.entry(b.natural, plates, b.indices) for b in form.blocks],
            "sufficient_statistics": [
                self.entry(b.statistic, plates, b.indices) for b in form.blocks
            ],
            "log_partition": self.entry(form.log_partition, plates),
            "base_measure": {"log": self.entry(form.log_base, plates)},
            "base_measure_constant": form.gauge is Gauge.CONSTANT,
            "gauge": {"kind": form.gauge.value},
        }

    def slope(self, result: FactorResult, form: FactorForm, slope: Slope) -> Json:
        """d eta[block] / d parameter; the last indices are those of the parameter."""
        indices = result.factor.plates, form.blocks[slope.block].indices, slope.indices
        return {
            "block": slope.block,
            "parameter": slope.parameter.name,
            **self.entry(slope.term, *indices),
        }

    # ---------------------------------------------------------------- certificates

    def certificate(self, certificate: Certificate) -> Json:
        """Weights that leave of (U) a square system without a solution; every number exact."""
        return {
            "sizes": dict(certificate.sizes),
            "functions": [
                {
                    "name": function.name,
                    "arguments": [argument.name for argument in arguments],
                    "result": self.entry(array.body, array.indices),
                }
                for function, arguments, array in certificate.functions
            ],
            "constants": _values(certificate.constants),
            "points": [_values(point) for point in certificate.points],
            "inputs": [_values(inputs) for inputs in certificate.inputs],
            "latents_may_move": not certificate.still,
            "cases": [self.case(case) for case in certificate.cases],
        }

    def case(self, case: Case) -> Json:
        return {
            "moving": [_moved(entry) for entry in case.moving],
            "resting": [_moved(entry) for entry in case.resting],
            "shifted": [_moved(entry) for entry in case.shifted],
            "rows": [
                {
                    "factor": row.factor,
                    "place": list(row.place),
                    "point": row.point,
                    "inputs": row.inputs,
                    "parents": _values(row.parents),
                    "value": _values(row.value),
                    "weights": [str(weight) for weight in row.weights],
                }
                for row in case.rows
            ],
            "unknowns": [_unknown(unknown) for unknown in case.unknowns],
            "dependent": [
                {**_unknown(unknown), "combination": [self.formula(x) for x in combination]}
                for unknown, combination in case.dependent
            ],
            "matrix": [[self.formula(term) for term in line] for line in case.matrix],
        }

    # ---------------------------------------------------------------- sums and steps

    def entropy_sum(self, entropy_sum: EntropySum | None) -> Json | None:
        if entropy_sum is None:
            return None
        return {
            "q_entropy": self.optional(entropy_sum.q_entropy),
            "q_depends_on_data": entropy_sum.q_depends_on_data,
            "terms": [
                {
                    "node": entropy.node,
                    "kind": entropy.kind.value,
                    "depends_on": [symbol.name for symbol in entropy.over],
                    **self.formula(entropy.display),
                }
                for entropy in entropy_sum.entropies
            ],
            "base_measures": [{"node": b.node, **self.formula(b.known)} for b in entropy_sum.bases],
            "closed_form": self.optional(entropy_sum.closed_form),
            "without_entropy": list(entropy_sum.remainders),
        }

    def step(self, step: Step) -> Json:
        return {
            "rule": step.rule,
            "subject": step.subject,
            "before": self.optional(step.before),
            "after": self.optional(step.after),
            "reason": step.reason,
            "conditions": list(step.conditions),
            "evidence": step.evidence,
        }


def _unknown(unknown: Unknown) -> Json:
    return {
        "name": unknown.name,
        "place": list(unknown.place),
        "point": unknown.point,
        "inputs": unknown.inputs,
    }


def _moved(entry: Moved) -> Json:
    (name, at), inputs = entry
    return {"name": name, "place": list(at), "inputs": inputs}


def _values(values: Given) -> list[Json]:
    return [{"name": name, "place": list(at), "value": str(x)} for (name, at), x in values]
