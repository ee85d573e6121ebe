"""Weibull distribution; an exponential family only where its shape is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="Weibull",
    summary="a positive life time, by shape and scale",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("shape", Positive()), Argument("scale", Positive())),
            "log(shape) - shape*log(scale) + (shape - 1)*log(x) - x**shape*scale**(-shape)",
        ),
    ),
)
