"""Beta distribution on the unit interval."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive, Unit

FAMILY = Family(
    name="Beta",
    summary="a value between 0 and 1",
    value="x",
    support=Unit(),
    forms=(
        Form(
            (Argument("a", Positive()), Argument("b", Positive())),
            "(a - 1)*log(x) + (b - 1)*log(1 - x) + loggamma(a + b) - loggamma(a) - loggamma(b)",
        ),
    ),
)
