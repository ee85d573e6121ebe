"""Negative binomial distribution on 0, 1, 2, ... with a known number r of successes."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="NegativeBinomial",
    summary="failures before the r-th success, r known",
    value="x",
    support=Domain("naturals"),
    forms=(
        Form(
            (Argument("r", Domain("positive"), constant=True), Argument("p", Domain("unit"))),
            "loggamma(x + r) - loggamma(r) - loggamma(x + 1) + r*log(p) + x*log(1 - p)",
        ),
    ),
)
