"""Inverse gamma distribution, by shape and scale."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="InverseGamma",
    summary="a positive value whose reciprocal is gamma distributed",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("shape", Domain("positive")), Argument("scale", Domain("positive"))),
            "shape*log(scale) - loggamma(shape) - (shape + 1)*log(x) - scale/x",
        ),
    ),
)
