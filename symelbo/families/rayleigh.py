"""Rayleigh distribution, by the square of its scale."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="Rayleigh",
    summary="the length of a centred normal in the plane, by sigma squared",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("scale2", Positive()),),
            "log(x) - log(scale2) - x**2/(2*scale2)",
        ),
    ),
)
