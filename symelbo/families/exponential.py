"""Exponential distribution on the positive reals."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Exponential",
    summary="a positive waiting time",
    value="x",
    support=Domain("positive"),
    forms=(Form((Argument("rate", Domain("positive")),), "log(rate) - rate*x"),),
)
