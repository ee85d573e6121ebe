"""Multinomial distribution: counts of K categories in a known number n of trials."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain, Entry, Role, Symbol

FAMILY = Family(
    name="Multinomial",
    summary="counts of K categories in n trials, n known",
    value="x",
    support=Domain("counts", None, Entry(Symbol("n", Role.ARGUMENT, Domain("naturals")))),
    shape=("K",),
    forms=(
        Form(
            (
                Argument("n", Domain("naturals"), constant=True),
                Argument("p", Domain("simplex"), ("K",)),
            ),
            # the last count is n minus the others: minimal statistics
            "sum(x[k]*(log(p[k]) - log(p[K])) for k in 1:K-1) + n*log(p[K])"
            " + loggamma(n + 1) - sum(loggamma(x[k] + 1) for k in 1:K)",
        ),
    ),
)
