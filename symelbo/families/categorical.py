"""Categorical distribution on 1..K, by probabilities or by logits."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Categorical",
    summary="one of K categories, counted from 1",
    value="x",
    support=Domain("category"),
    forms=(
        Form((Argument("p", Domain("simplex"), ("K",)),), "log(p[x])"),
        Form(
            (Argument("logits", Domain("real"), ("K",)),),
            "logits[x] - log(sum(exp(logits[k]) for k in 1:K))",
        ),
    ),
)
