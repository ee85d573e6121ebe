"""Categorical distribution on 1..K, by probabilities or by logits."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Category, Real, Simplex

FAMILY = Family(
    name="Categorical",
    summary="one of K categories, counted from 1",
    value="x",
    support=Category(),
    forms=(
        Form((Argument("p", Simplex(), ("K",)),), "log(p[x])"),
        Form(
            (Argument("logits", Real(), ("K",)),),
            "logits[x] - log(sum(exp(logits[k]) for k in 1:K))",
        ),
    ),
)
