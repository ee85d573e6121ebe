"""Inverse Gaussian (Wald) distribution, by mean and shape."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="InverseGaussian",
    summary="a first-passage time, by mean and shape",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("mean", Positive()), Argument("shape", Positive())),
            "log(shape/(2*PI))/2 - 3*log(x)/2 - shape*(x - mean)**2/(2*mean**2*x)",
        ),
    ),
)
