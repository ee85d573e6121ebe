"""Binomial distribution on 0..n with a known number n of trials."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Naturals, Real, Unit
from symelbo.index.terms import Entry, Role, Symbol

_TRIALS = Argument("n", Naturals(), constant=True)
_CHOICES = "loggamma(n + 1) - loggamma(x + 1) - loggamma(n - x + 1)"

FAMILY = Family(
    name="Binomial",
    summary="successes in n trials, n known",
    value="x",
    support=Naturals(Entry(Symbol("n", Role.ARGUMENT, Naturals()))),
    forms=(
        Form((_TRIALS, Argument("p", Unit())), f"x*log(p) + (n - x)*log(1 - p) + {_CHOICES}"),
        Form(
            (_TRIALS, Argument("logit", Real())),
            f"x*logit - n*softplus(logit) + {_CHOICES}",
        ),
    ),
)
