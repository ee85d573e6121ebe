"""Multivariate normal distribution with a full covariance."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import PosDef, Real

FAMILY = Family(
    name="MvNormal",
    summary="a real vector with full covariance",
    value="x",
    support=Real(),
    shape=("K",),
    forms=(
        Form(
            (
                Argument("mean", Real(), ("K",)),
                Argument("covariance", PosDef(), ("K", "K")),
            ),
            "-sum((x[i] - mean[i])*inv(covariance)[i,j]*(x[j] - mean[j]) for i in 1:K, j in 1:K)/2"
            " - logdet(covariance)/2 - K*log(2*PI)/2",
        ),
    ),
)
