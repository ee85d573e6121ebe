"""Wishart distribution of a positive definite matrix."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import PosDef, Positive

FAMILY = Family(
    name="Wishart",
    summary="a positive definite matrix, by degrees of freedom (> K - 1) and scale matrix",
    value="X",
    support=PosDef(),
    shape=("K", "K"),
    forms=(
        Form(
            (
                Argument("dof", Positive(), above=("K", -1)),
                Argument("scale", PosDef(), ("K", "K")),
            ),
            "(dof - K - 1)*logdet(X)/2 - sum(inv(scale)[i,j]*X[i,j] for i in 1:K, j in 1:K)/2"
            " - dof*K*log(2)/2 - dof*logdet(scale)/2 - K*(K - 1)*log(PI)/4"
            " - sum(loggamma((dof + 1 - j)/2) for j in 1:K)",
        ),
    ),
)
