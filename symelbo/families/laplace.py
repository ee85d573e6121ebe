"""Laplace distribution; an exponential family only where its location is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive, Real

FAMILY = Family(
    name="Laplace",
    summary="a real value with two-sided exponential tails",
    value="x",
    support=Real(),
    forms=(
        Form(
            (Argument("location", Real()), Argument("scale", Positive())),
            "-abs(x - location)/scale - log(2*scale)",
        ),
    ),
)
