"""Pareto distribution; an exponential family only where its minimum is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain, Entry, Role, Symbol

_MINIMUM = Symbol("minimum", Role.ARGUMENT, Domain("positive"))

FAMILY = Family(
    name="Pareto",
    summary="a value above a minimum, with a power tail",
    value="x",
    support=Domain("interval", Entry(_MINIMUM), None),
    forms=(
        Form(
            (Argument("minimum", Domain("positive")), Argument("shape", Domain("positive"))),
            "log(shape) + shape*log(minimum) - (shape + 1)*log(x)",
        ),
    ),
)
