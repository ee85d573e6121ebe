"""Exponential distribution on the positive reals."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="Exponential",
    summary="a positive waiting time",
    value="x",
    support=Positive(),
    forms=(Form((Argument("rate", Positive()),), "log(rate) - rate*x"),),
)
