"""Bernoulli distribution on {0, 1}, by probability or by log-odds."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Binary, Real, Unit

FAMILY = Family(
    name="Bernoulli",
    summary="a binary value",
    value="x",
    support=Binary(),
    forms=(
        Form((Argument("p", Unit()),), "x*log(p) + (1 - x)*log(1 - p)"),
        Form((Argument("logit", Real()),), "x*logit - softplus(logit)"),
    ),
)
