"""Log-normal distribution, by mean and variance of the logarithm."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="LogNormal",
    summary="a positive value, by mean and variance of its logarithm",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("mean", Domain("real")), Argument("variance", Domain("positive"))),
            "-(log(x) - mean)**2/(2*variance) - log(2*PI*variance)/2 - log(x)",
        ),
    ),
)
