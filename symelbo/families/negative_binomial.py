"""Negative binomial distribution on 0, 1, 2, ... with a known number r of successes."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Naturals, Positive, Unit

FAMILY = Family(
    name="NegativeBinomial",
    summary="failures before the r-th success, r known",
    value="x",
    support=Naturals(),
    forms=(
        Form(
            (Argument("r", Positive(), constant=True), Argument("p", Unit())),
            "loggamma(x + r) - loggamma(r) - loggamma(x + 1) + r*log(p) + x*log(1 - p)",
        ),
    ),
)
