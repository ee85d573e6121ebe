"""Rayleigh distribution, by the square of its scale."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Rayleigh",
    summary="the length of a centred normal in the plane, by sigma squared",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("scale2", Domain("positive")),),
            "log(x) - log(scale2) - x**2/(2*scale2)",
        ),
    ),
)
