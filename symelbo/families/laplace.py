"""Laplace distribution; an exponential family only where its location is known."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Laplace",
    summary="a real value with two-sided exponential tails",
    value="x",
    support=Domain("real"),
    forms=(
        Form(
            (Argument("location", Domain("real")), Argument("scale", Domain("positive"))),
            "-abs(x - location)/scale - log(2*scale)",
        ),
    ),
)
