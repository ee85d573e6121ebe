"""Poisson distribution on 0, 1, 2, ..., by rate or by its logarithm."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Poisson",
    summary="a count",
    value="x",
    support=Domain("naturals"),
    forms=(
        Form((Argument("rate", Domain("positive")),), "x*log(rate) - rate - loggamma(x + 1)"),
        Form(
            (Argument("log_rate", Domain("real")),), "x*log_rate - exp(log_rate) - loggamma(x + 1)"
        ),
    ),
)
