"""A body -> a function: its operations, and the arguments that they need."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.code.lower import Lowering
from symelbo.code.ops import Length, Op
from symelbo.code.plan import Argument, Field, Function, Line
from symelbo.code.plan_arguments import (
    as_optional,
    conditions_on,
    let_sizes_follow,
    list_arguments,
    sizes_in,
    symbol_argument,
)
from symelbo.code.plan_functions import Body
from symelbo.code.rearrange import own_places
from symelbo.code.setting import Setting
from symelbo.code.share_operations import share_operations

__all__ = ["make_function"]


def make_function(
    setting: Setting,
    body: Body,
    name: str,
    summary: Sequence[str],
    accepted: Sequence[Argument] = (),
    own: Sequence[Argument] = (),
) -> Function:
    """A function with the arguments that its body needs, and those accepted besides.

    own: what it reads as a method.
    """
    lowering = Lowering((setting.data, setting.over), Length(setting.sets), body.by_data)
    lines, returned = _lower(setting, body, lowering)
    fields = tuple(
        Field(name, text, own_places(axes)[0], lowering.value(value, axes))
        for name, text, axes, value in body.fields
    )
    reads = sizes_in(lines, (returned, *(f.op for f in fields)))
    data_first = name in ("elbo", "gap", "profiled_scales", "statistics", "terms")
    arguments = list_arguments(setting, body, reads, data_first=data_first, known=own)
    if accepted:
        needed = {argument.name: argument for argument in arguments}
        known = {argument.name for argument in accepted}
        others = tuple(needed.get(a.name, as_optional(a)) for a in accepted)
        arguments = (*others, *(a for a in arguments if a.name not in known))
    if not own and name != "statistics":  # whose optional arguments are left out
        arguments = let_sizes_follow(setting, arguments)
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
        fields,
        tuple(own),
    )


def _lower(setting: Setting, body: Body, lowering: Lowering) -> tuple[tuple[Line, ...], Op | None]:
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
