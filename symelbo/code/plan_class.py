"""The class of sums over the data, and the functions that make one and are made of one."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.code.make_function import make_function
from symelbo.code.plan import Argument, Function, Sums
from symelbo.code.plan_arguments import list_arguments, shape_text
from symelbo.code.plan_functions import Body
from symelbo.code.plan_terms import SumsBody, plan_terms
from symelbo.code.setting import Setting
from symelbo.index.terms import Symbol
from symelbo.values import replace
from symelbo.words import join_words

__all__ = ["describe_profiles", "plan_class"]


def plan_class(setting: Setting) -> Sums:
    """`statistics`, whose sums have `terms` and `profiled_scales`, and `terms` of the data."""
    body = plan_terms(setting)
    collect = _collect_function(setting, body)
    own = [Argument(body.points.name, "array", "a number.")]
    own += [
        Argument(f.name, "array", f"{shape_text(f.shape, setting)}.", f.shape)
        for f in collect.fields
    ]
    summary = ["The ELBO and its parts, per data point, in nats."]
    terms = _method(setting, body.terms, "terms", summary, own)
    profiles = None
    if body.profiles is not None:
        summary = describe_profiles(body.profiles.profiled)
        profiles = _method(setting, body.profiles, "profiled_scales", summary, own)
    both = Body((*body.collect.statements, *body.terms.statements), None, fields=body.terms.fields)
    read = collect.reads | terms.reads
    whole = list_arguments(setting, both, read, data_first=True)
    centres = tuple(
        (name, centre.name, setting.variables[data].symbol.name)
        for data, centre, name in body.centres
    )
    return Sums(body.points.name, collect, terms, profiles, whole, centres)


def describe_profiles(profiled: Sequence[Symbol]) -> list[str]:
    """What the scales at which the ELBO is stationary are."""
    names = [symbol.name for symbol in profiled]
    return [
        f"{join_words(names)} where the ELBO is stationary in"
        f" {'it' if len(names) == 1 else 'them'}.",
        "All else is held fixed. `entropy_sum` at these values equals the ELBO there, whatever"
        " the other parameters and q are.",
    ]


def _method(
    setting: Setting, body: Body, name: str, summary: Sequence[str], own: Sequence[Argument]
) -> Function:
    """A function of sums, and of the parameters that it needs."""
    read = {symbol.name for symbol in body.reads}
    return make_function(setting, body, name, summary, own=[a for a in own if a.name in read])


def _collect_function(setting: Setting, body: SumsBody) -> Function:
    function = make_function(setting, body.collect, "statistics", [])
    needed = tuple(a for a in function.arguments if not a.optional or a.kind == "samples")
    given = {setting.variables[s].symbol.name for s in setting.model.parameters}
    parameters = [a.name for a in needed if a.name in given]
    summary = ["Sums over the data points, of which those of batches add up."]
    if parameters:
        summary.append(
            f"Not all of log p can be taken apart into data and parameters: these are sums at"
            f" {join_words(parameters)}, and what is made of them has to be given the same."
        )
    shape = (setting.data.extent,)
    text = f"{shape_text(shape, setting)}; how much each data point counts, 1 if not given."
    more = [Argument(body.weights.name, "data_weights", text, shape, optional=True)]
    for data, centre, _ in body.centres:
        name = setting.variables[data].symbol.name
        text = f"{shape_text(data.shape, setting)}; what is taken off {name}, zero if not given:"
        text += " a value near the mean keeps digits. Sums of one centre alone can be added."
        more.append(Argument(centre.name, "centre", text, data.shape, optional=True))
    return replace(function, summary=tuple(summary), arguments=(*needed, *more))
