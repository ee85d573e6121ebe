"""Beta distribution on the unit interval."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Beta",
    summary="a value between 0 and 1",
    value="x",
    support=Domain("unit"),
    forms=(
        Form(
            (Argument("a", Domain("positive")), Argument("b", Domain("positive"))),
            "(a - 1)*log(x) + (b - 1)*log(1 - x) + loggamma(a + b) - loggamma(a) - loggamma(b)",
        ),
    ),
)
