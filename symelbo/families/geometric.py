"""Geometric distribution on 0, 1, 2, ...: failures before the first success."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="Geometric",
    summary="failures before the first success",
    value="x",
    support=Domain("naturals"),
    forms=(Form((Argument("p", Domain("unit")),), "x*log(1 - p) + log(p)"),),
)
