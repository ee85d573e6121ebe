"""derivation -> the plan of a numeric module.

entropy_sum always; elbo, gap and profiled_scales where the expectations have a closed form or are
finite sums, and the last where every parameter that the field moves has a stationary value in
closed form that depends on no other of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from symelbo.answer.derivation import Derivation
from symelbo.code.lower import Lowering
from symelbo.code.ops import Length, Op
from symelbo.code.plan import Argument, Function, Line, Plan, Unsupported
from symelbo.code.plan_arguments import (
    as_optional,
    conditions_on,
    list_arguments,
    sizes_in,
    symbol_argument,
)
from symelbo.code.plan_functions import (
    Body,
    plan_elbo,
    plan_entropy_sum,
    plan_gap,
    plan_profiles,
)
from symelbo.code.setting import Setting
from symelbo.code.share_operations import share_operations
from symelbo.criterion.result import Holds
from symelbo.model.names import text_notation
from symelbo.page.summary import motion_texts, what_it_needs, where_it_holds
from symelbo.words import join_words

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
    if derivation.verdict == "proved":
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
        return _function(setting, body, "entropy_terms", summary)
    where = what_it_needs(setting.derivation)
    condition = f" and {where}" if where else ""
    summary = [
        "Entropy sum per data point, in nats.",
        f"Equal to the ELBO where the ELBO is stationary along the motion (see `gap`){condition};"
        " elsewhere it is not a bound.",
    ]
    return _function(setting, body, "entropy_sum", summary)


def _elbo_function(setting: Setting) -> Function:
    body = plan_elbo(setting)
    summary = ["ELBO per data point, in nats.", body.averaged, body.infinite]
    return _function(setting, body, "elbo", summary)


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
        body.infinite,
    ]
    return _function(setting, body, "gap", summary, elbo.arguments)


def _profile_function(setting: Setting) -> Function:
    body = plan_profiles(setting)
    names = [symbol.name for symbol in body.profiled]
    summary = [
        f"{join_words(names)} where the ELBO is stationary in"
        f" {'it' if len(names) == 1 else 'them'}.",
        "All else is held fixed. `entropy_sum` at these values equals the ELBO there, whatever"
        " the other parameters and q are.",
    ]
    return _function(setting, body, "profiled_scales", summary)


def _function(
    setting: Setting,
    body: Body,
    name: str,
    summary: Sequence[str],
    accepted: Sequence[Argument] = (),
) -> Function:
    """A function with the arguments that its body needs, and those accepted besides."""
    lines, returned = _lower(setting, body)
    reads = sizes_in(lines, returned)
    data_first = name in ("elbo", "gap", "profiled_scales")
    arguments = list_arguments(setting, body, reads, data_first=data_first)
    if accepted:
        own = {argument.name: argument for argument in arguments}
        known = {argument.name for argument in accepted}
        others = tuple(own.get(a.name, as_optional(a)) for a in accepted)
        arguments = (*others, *(a for a in arguments if a.name not in known))
    symbols = {setting.variables[symbol].symbol: symbol for symbol in setting.names}
    return Function(
        name,
        tuple(filter(None, summary)),
        arguments,
        conditions_on(setting, arguments),
        body.statements,
        body.result,
        lines,
        returned,
        reads,
        body.comment,
        tuple(symbol_argument(setting, symbols[variable]) for variable in body.profiled),
    )


def _lower(setting: Setting, body: Body) -> tuple[tuple[Line, ...], Op | None]:
    lowering = Lowering((setting.data, setting.over), Length(setting.sets), body.by_data)
    lines = tuple(
        Line(
            statement.target.name,
            lowering.value(statement.value, statement.axes, symmetric=statement.symmetric),
            statement.comment,
        )
        for statement in body.statements
    )
    returned = None if body.result is None else lowering.value(body.result)
    return share_operations(lines, returned, setting.taken)


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
