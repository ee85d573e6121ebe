"""Gamma distribution on the positive reals, by shape and rate."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Gamma",
    summary="a positive value, by shape and rate",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("shape", Domain("positive")), Argument("rate", Domain("positive"))),
            "shape*log(rate) - loggamma(shape) + (shape - 1)*log(x) - rate*x",
        ),
    ),
)
