"""Categorical distribution on 1..K, by probabilities or by logits."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Category, Real, Simplex
from symelbo.index.terms import Size

FAMILY = Family(
    name="Categorical",
    summary="one of K categories, counted from 1",
    value="x",
    support=Category(Size("K")),
    forms=(
        Form((Argument("p", Simplex(), ("K",), zeros=True),), "log(p[x])"),
        Form(
            (Argument("logits", Real(), ("K",)),),
            "logits[x] - log(sum(exp(logits[k]) for k in 1:K))",
        ),
    ),
)
