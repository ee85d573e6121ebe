"""Log-normal distribution, by mean and variance of the logarithm."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive, Real

FAMILY = Family(
    name="LogNormal",
    summary="a positive value, by mean and variance of its logarithm",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("mean", Real()), Argument("variance", Positive())),
            "-(log(x) - mean)**2/(2*variance) - log(2*PI*variance)/2 - log(x)",
        ),
    ),
)
