"""Poisson distribution on 0, 1, 2, ..., by rate or by its logarithm."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Naturals, Positive, Real

FAMILY = Family(
    name="Poisson",
    summary="a count",
    value="x",
    support=Naturals(),
    forms=(
        Form((Argument("rate", Positive()),), "x*log(rate) - rate - loggamma(x + 1)"),
        Form((Argument("log_rate", Real()),), "x*log_rate - exp(log_rate) - loggamma(x + 1)"),
    ),
)
