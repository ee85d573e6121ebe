"""Inverse gamma distribution, by shape and scale."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="InverseGamma",
    summary="a positive value whose reciprocal is gamma distributed",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("shape", Positive()), Argument("scale", Positive())),
            "shape*log(scale) - loggamma(shape) - (shape + 1)*log(x) - scale/x",
        ),
    ),
)
