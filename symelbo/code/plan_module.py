"""derivation -> the plan of a numeric module.

entropy_sum always; elbo, gap and profiled_scales where the expectations have a closed form or are
finite sums, and the last where every parameter that the field moves has a stationary value in
closed form that depends on no other of them.
"""

from __future__ import annotations

from contextlib import suppress

from symelbo.answer.derivation import Derivation
from symelbo.code.make_function import make_function
from symelbo.code.plan import Function, Plan, Unsupported
from symelbo.code.plan_class import describe_profiles, plan_class
from symelbo.code.plan_functions import (
    plan_elbo,
    plan_entropy_sum,
    plan_gap,
    plan_profiles,
)
from symelbo.code.setting import Setting
from symelbo.criterion.result import Holds
from symelbo.index.build import divide
from symelbo.index.domains import Positive
from symelbo.index.normal import normal
from symelbo.index.terms import Entry, Number
from symelbo.model.names import text_notation
from symelbo.page.summary import motion_texts, what_it_needs, where_it_holds

__all__ = ["plan_module"]


def plan_module(derivation: Derivation) -> Plan | None:
    """The functions of a derivation; None if no factor has an entropy."""
    if derivation.entropy_sum is None:
        return None
    setting = Setting(derivation)
    functions = [_entropy_function(setting)]
    try:
        elbo = _elbo_function(setting)
        functions.append(elbo)
        if not derivation.entropy_sum.remainders:
            functions.append(_gap_function(setting, elbo))
    except Unsupported:
        del functions[1:]
    sums = None
    if derivation.verdict == "proved":
        with suppress(Unsupported):
            sums = plan_class(setting)
        with suppress(Unsupported):
            functions.append(_profile_function(setting))
    model = derivation.model
    return Plan(
        model.name,
        model.reference,
        _verdict_text(derivation),
        model.sha256,
        setting.renamed(),
        setting.sizes,
        tuple(functions),
        sums,
    )


def _entropy_function(setting: Setting) -> Function:
    body = plan_entropy_sum(setting)
    if remainders := setting.entropy_sum.remainders:
        missing = ", ".join(remainders)
        summary = [
            "Entropies of q and of the factors that hold, per data point, in nats.",
            f"This is NOT the ELBO at stationary points: the factors of {missing} have no"
            " entropy term, and their mean log-densities are not included.",
        ]
        return make_function(setting, body, "entropy_terms", summary)
    where = what_it_needs(setting.derivation)
    condition = f" and {where}" if where else ""
    summary = [
        "Entropy sum per data point, in nats.",
        f"Equal to the ELBO where the ELBO is stationary along the motion (see `gap`){condition};"
        " elsewhere it is not a bound.",
    ]
    return make_function(setting, body, "entropy_sum", summary)


def _elbo_function(setting: Setting) -> Function:
    body = plan_elbo(setting)
    summary = ["ELBO per data point, in nats.", body.averaged, body.infinite]
    return make_function(setting, body, "elbo", summary)


def _gap_function(setting: Setting, elbo: Function) -> Function:
    body, derivation = plan_gap(setting), setting.derivation
    summary = [
        "ELBO minus entropy sum, per data point, in nats.",
        "Computed as the derivative of the ELBO along the motion",
        *(
            f"    {text}"
            for text in motion_texts(text_notation(derivation.model), derivation.worked.motion)
        ),
        f"It vanishes at stationary points{where_it_holds(derivation)}.",
        _heads(setting),
        body.infinite,
    ]
    return make_function(setting, body, "gap", summary, elbo.arguments)


def _heads(setting: Setting) -> str:
    """Which heads of an encoder follow parameters of q that scale: v' = c v"""
    linear, logarithmic = [], []
    for symbol, velocity in setting.derivation.motion.variational.items():
        rate = normal(divide(velocity.body, Entry(symbol, velocity.indices)))
        if isinstance(rate, Number):
            name = setting.names[symbol]
            if symbol.domain.is_line:
                linear.append(name)
            elif isinstance(symbol.domain, Positive):
                logarithmic.append(name)
    said = []
    if linear:
        said.append(f"that of {' and '.join(linear)} by a linear last layer")
    if logarithmic:
        names = " and ".join(logarithmic)
        said.append(f"that of {names} by a free bias of the logarithm, not by a softplus")
    return f"An encoder has to follow the motion: {', '.join(said)}." if said else ""


def _profile_function(setting: Setting) -> Function:
    body = plan_profiles(setting)
    return make_function(setting, body, "profiled_scales", describe_profiles(body.profiled))


def _verdict_text(derivation: Derivation) -> str:
    if derivation.verdict == "proved":
        form = {1: "entropies", 2: "pseudo-entropies relative to the base measures"}
        return (
            f"Verdict: proved (Theorem {derivation.theorem}). The ELBO and the entropy sum, made of"
            f" {form[derivation.theorem or 1]}, are equal at stationary points"
            f"{where_it_holds(derivation)}."
        )
    failing = ", ".join(
        f"{r.node} ({r.verdict})" for r in derivation.factors if not isinstance(r.result, Holds)
    )
    return (
        f"Verdict: {derivation.verdict}. The ELBO is not shown to equal a sum of entropies at"
        f" stationary points; factors without an entropy: {failing}."
    )
