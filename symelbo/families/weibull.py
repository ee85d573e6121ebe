"""Weibull distribution; an exponential family only where its shape is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Weibull",
    summary="a positive life time, by shape and scale",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("shape", Domain("positive")), Argument("scale", Domain("positive"))),
            "log(shape) - shape*log(scale) + (shape - 1)*log(x) - x**shape*scale**(-shape)",
        ),
    ),
)
