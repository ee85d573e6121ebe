"""Bernoulli distribution on {0, 1}, by probability or by log-odds."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Bernoulli",
    summary="a binary value",
    value="x",
    support=Domain("binary"),
    forms=(
        Form((Argument("p", Domain("unit")),), "x*log(p) + (1 - x)*log(1 - p)"),
        Form((Argument("logit", Domain("real")),), "x*logit - softplus(logit)"),
    ),
)
