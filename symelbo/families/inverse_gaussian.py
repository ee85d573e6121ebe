"""Inverse Gaussian (Wald) distribution, by mean and shape."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="InverseGaussian",
    summary="a first-passage time, by mean and shape",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("mean", Domain("positive")), Argument("shape", Domain("positive"))),
            "log(shape/(2*PI))/2 - 3*log(x)/2 - shape*(x - mean)**2/(2*mean**2*x)",
        ),
    ),
)
