"""Multinomial distribution: counts of K categories in a known number n of trials."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Counts, Naturals, Simplex
from symelbo.index.terms import Entry, Role, Symbol

FAMILY = Family(
    name="Multinomial",
    summary="counts of K categories in n trials, n known",
    value="x",
    support=Counts(Entry(Symbol("n", Role.ARGUMENT, Naturals()))),
    shape=("K",),
    forms=(
        Form(
            (
                Argument("n", Naturals(), constant=True),
                Argument("p", Simplex(), ("K",), zeros=True),
            ),
            # the last count is n minus the others: minimal statistics
            "sum(x[k]*(log(p[k]) - log(p[K])) for k in 1:K-1) + n*log(p[K])"
            " + loggamma(n + 1) - sum(loggamma(x[k] + 1) for k in 1:K)",
        ),
    ),
)
