"""Derivation -> derivation.json: the whole answer as plain data, for other programs.

Every formula is {"latex": ..., "text": ...}; `text` is the language of the specifications.  A
formula with free indices lists them under "indices", as in ["d in 1:D"]: it holds for all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Any, Final, TypeAlias

from symelbo import __version__
from symelbo.criterion.factor import Factor
from symelbo.criterion.reparameterize_prior import NotReparameterized, Reparameterization
from symelbo.criterion.result import Outside, Refutation, Undecided
from symelbo.derivation import Derivation, EntropySum, FactorEntropy, FactorResult, Slope, Step
from symelbo.expfam.form import Gauge
from symelbo.index.build import ZERO
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import replace_symbols
from symelbo.index.terms import Array, Entry, Index, Term
from symelbo.render.names import name_array_indices
from symelbo.render.print_latex import print_latex
from symelbo.render.print_text import print_text
from symelbo.verify.certificate import Certificate

__all__ = ["SCHEMA", "derivation_data", "render_json", "residual_bound"]

SCHEMA: Final = "symelbo/derivation/1"
LEAST_BOUND: Final = -15  # rounding errors below 1e-15 differ between machines

Json: TypeAlias = dict[str, Any]


def render_json(derivation: Derivation) -> str:
    """The text of derivation.json, the same for the same derivation everywhere."""
    return json.dumps(derivation_data(derivation), ensure_ascii=False, indent=2) + "\n"


def residual_bound(residual: float | None) -> float | None:
    """The smallest power of ten above the residual, at least 1e-15; so that it is reproducible."""
    if residual is None:
        return None
    exponent = LEAST_BOUND if residual <= 0 else math.floor(math.log10(residual)) + 1
    return float(f"1e{max(exponent, LEAST_BOUND)}")


def derivation_data(derivation: Derivation) -> Json:
    """The derivation as dicts, lists, strings and numbers; keys in the order of reading."""
    entropy_sum = derivation.entropy_sum
    # one entropy per factor that holds, in the order of the factors
    entropies = iter(entropy_sum.entropies if entropy_sum is not None else ())
    factors = []
    for statement, result in zip(derivation.model.statements, derivation.factors, strict=True):
        entropy = next(entropies) if result.verdict == "holds" else None
        factors.append(_factor(statement.family.name, result, entropy))
    return {
        "schema": SCHEMA,
        "symelbo_version": __version__,
        "spec_sha256": derivation.model.sha256,
        "model": dict(derivation.model.normalized),
        "verdict": derivation.verdict,
        "theorem": derivation.theorem,
        "entropy_sum": _entropy_sum(entropy_sum),
        "factors": factors,
        "assumptions": [
            {"kind": a.kind, "text": a.text, "latex": a.latex} for a in derivation.assumptions
        ],
        "conditions": list(derivation.conditions),
        "residual": residual_bound(derivation.residual),
        "trials": derivation.trials,
        "steps": [_step(step) for step in derivation.steps],
    }


# ---------------------------------------------------------------- formulas


def _formula(term: Term) -> Json:
    return {"latex": print_latex(term), "text": print_text(term)}


def _optional(term: Term | None) -> Json | None:
    return None if term is None else _formula(term)


def _entry(term: Term, *indices: Iterable[Index]) -> Json:
    """A term at each value of its free indices, which get names that cannot be confused."""
    array = name_array_indices(Array(tuple(chain(*indices)), term))
    ranges = [f"{i.name} in {i.low}:{i.extent}" for i in array.indices]
    return {"indices": ranges, **_formula(array.body)}


# ---------------------------------------------------------------- factors


def _factor(family: str, result: FactorResult, entropy: FactorEntropy | None) -> Json:
    factor = result.factor
    data: Json = {
        "node": result.node,
        "family": family,
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
        "field": {},
        "nonzero": [],
        "reparameterization": _reparameterization(result),
        "entropy": None if entropy is None else _formula(entropy.display),
        "entropy_expanded": None if entropy is None else _formula(entropy.term),
        "abbreviations": {} if entropy is None else _abbreviations(entropy),
        "entropy_kind": None if entropy is None else entropy.kind,
        "entropy_depends_on": [] if entropy is None else [s.name for s in entropy.parents],
        "residual": residual_bound(result.residual),
        "certificate": None,
        "reason": "",
        "remedy": "",
        "joint_with": [],
        "left_over": None,
    }
    if factor is not None:
        data.update(_form(factor))
        data["jacobian"] = [_slope(factor, slope) for slope in result.slopes]
        if result.means is not None:
            means = [_entry(m.body, factor.plates, m.indices) for m in result.means]
            data["mean_parameters"] = means
    for parameter, array in sorted(result.field.items(), key=lambda item: item[0].name):
        data["field"][parameter.name] = _entry(array.body, array.indices)
    match result.result:
        case Refutation(certificate=certificate, cause=cause, remedy=remedy, joint=joint):
            data["certificate"] = None if certificate is None else _certificate(certificate)
            data["reason"], data["remedy"] = cause, remedy
            data["joint_with"] = list(joint)
        case Undecided(residual=left_over, missing=missing):
            data["reason"], data["left_over"] = missing, _formula(left_over)
        case Outside(reason=reason, piece=piece):
            data["reason"], data["left_over"] = reason, _optional(piece)
        case solution:
            data["nonzero"] = [_formula(term) for term in solution.nonzero]
    return data


def _abbreviations(entropy: FactorEntropy) -> Json:
    """What the names in an entropy stand for that are no names of the model."""
    return {symbol.name: _entry(a.body, a.indices) for symbol, a in entropy.abbreviations}


def _form(factor: Factor) -> Json:
    plates = factor.plates
    return {
        "form": "conditional" if factor.conditional else "standard",
        "natural_parameters": [_entry(b.natural, plates, b.indices) for b in factor.blocks],
        "sufficient_statistics": [_entry(b.statistic, plates, b.indices) for b in factor.blocks],
        "log_partition": _entry(factor.log_partition, plates),
        "base_measure": {"log": _entry(factor.log_base, plates)},
        "base_measure_constant": factor.gauge is Gauge.CONSTANT,
        "gauge": {
            "kind": factor.gauge.value,
            "shift": [
                _entry(shift, plates, block.indices)
                for block, shift in zip(factor.blocks, factor.shifts, strict=True)
                if shift != ZERO
            ],
        },
    }


def _slope(factor: Factor, slope: Slope) -> Json:
    """d eta[block] / d parameter; the last indices are those of the parameter."""
    indices = factor.plates, factor.blocks[slope.block].indices, slope.indices
    return {
        "block": slope.block,
        "parameter": slope.parameter.name,
        **_entry(slope.term, *indices),
    }


def _reparameterization(result: FactorResult) -> Json | None:
    match result.reparameterization:
        case Reparameterization() as change:
            return {
                "applied": True,
                "argument": change.argument,
                "known_value": _entry(change.value, change.statement.plates),
                "scale": change.scale.name,
                "condition_on_q": change.q_condition,
                "compensation": _compensation(change),
            }
        case NotReparameterized() as refusal:
            return {"applied": False, "reason": refusal.reason}
    return None


def _compensation(change: Reparameterization) -> Json:
    """The velocities that move all other factors as z -> (1 + s stretch) z does."""
    stretch = replace(change.stretch, name=f"stretch_{change.node.name}")
    indices = formal_indices(stretch.shape)
    named = {change.stretch: Array(indices, Entry(stretch, indices))}
    return {
        parameter.name: _entry(replace_symbols(array.body, named), array.indices)
        for parameter, array in sorted(change.compensation.items(), key=lambda p: p[0].name)
    }


# ---------------------------------------------------------------- certificates


Values: TypeAlias = tuple[tuple[str, tuple[int, ...], Fraction], ...]


def _certificate(certificate: Certificate) -> Json:
    """sum_i c_i' J_i = 0 and sum_i c_i' eta_i = value != 0, with every number exact."""
    return {
        "sizes": dict(certificate.sizes),
        "functions": [
            {
                "name": function.name,
                "arguments": [argument.name for argument in arguments],
                "result": _entry(array.body, array.indices),
            }
            for function, arguments, array in certificate.functions
        ],
        "point": _values(certificate.point),
        "samples": [_values(sample) for sample in certificate.samples],
        "rows": [
            {
                "sample": row.sample,
                "factor": row.factor,
                "block": row.component,
                "place": list(row.place),
                "weight": _formula(row.weight),
            }
            for row in certificate.rows
        ],
        "value": _formula(certificate.value),
        "excludes_shifts": certificate.excludes_shifts,
    }


def _values(values: Values) -> list[Json]:
    return [{"name": name, "place": list(place), "value": str(x)} for name, place, x in values]


# ---------------------------------------------------------------- sums and steps


def _entropy_sum(entropy_sum: EntropySum | None) -> Json | None:
    if entropy_sum is None:
        return None
    return {
        "q_entropy": _optional(entropy_sum.q_entropy),
        "q_depends_on_data": entropy_sum.q_depends_on_data,
        "terms": [
            {
                "node": entropy.node,
                "kind": entropy.kind,
                "depends_on": [symbol.name for symbol in entropy.parents],
                **_formula(entropy.display),
            }
            for entropy in entropy_sum.entropies
        ],
        "base_measures": [{"node": node, **_formula(term)} for node, term in entropy_sum.bases],
        "closed_form": _optional(entropy_sum.closed_form),
        "without_entropy": list(entropy_sum.remainders),
    }


def _step(step: Step) -> Json:
    return {
        "rule": step.rule,
        "subject": step.subject,
        "before": _optional(step.before),
        "after": _optional(step.after),
        "reason": step.reason,
        "conditions": list(step.conditions),
        "evidence": step.evidence,
    }
