"""Gamma distribution on the positive reals, by shape and rate."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="Gamma",
    summary="a positive value, by shape and rate",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("shape", Positive()), Argument("rate", Positive())),
            "shape*log(rate) - loggamma(shape) + (shape - 1)*log(x) - rate*x",
        ),
    ),
)
