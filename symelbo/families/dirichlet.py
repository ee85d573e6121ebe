"""Dirichlet distribution on the simplex."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive, Simplex

FAMILY = Family(
    name="Dirichlet",
    summary="K positive values that sum to one",
    value="x",
    support=Simplex(),
    shape=("K",),
    forms=(
        Form(
            (Argument("concentration", Positive(), ("K",)),),
            "sum((concentration[k] - 1)*log(x[k]) - loggamma(concentration[k]) for k in 1:K)"
            " + loggamma(sum(concentration[k] for k in 1:K))",
        ),
    ),
)
