"""Half-normal distribution: the absolute value of a centred normal with variance scale2."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="HalfNormal",
    summary="the absolute value of a centred normal, by its variance",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("scale2", Positive()),),
            "-x**2/(2*scale2) + log(2/(PI*scale2))/2",
        ),
    ),
)
