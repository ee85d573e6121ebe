"""Half-normal distribution: the absolute value of a centred normal with variance scale2."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="HalfNormal",
    summary="the absolute value of a centred normal, by its variance",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("scale2", Domain("positive")),),
            "-x**2/(2*scale2) + log(2/(PI*scale2))/2",
        ),
    ),
)
