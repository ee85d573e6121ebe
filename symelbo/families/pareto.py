"""Pareto distribution; an exponential family only where its minimum is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Interval, Positive
from symelbo.index.terms import Entry, Role, Symbol

_MINIMUM = Symbol("minimum", Role.ARGUMENT, Positive())

FAMILY = Family(
    name="Pareto",
    summary="a value above a minimum, with a power tail",
    value="x",
    support=Interval(Entry(_MINIMUM), None),
    forms=(
        Form(
            (Argument("minimum", Positive()), Argument("shape", Positive())),
            "log(shape) + shape*log(minimum) - (shape + 1)*log(x)",
        ),
    ),
)
