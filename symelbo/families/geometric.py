"""Geometric distribution on 0, 1, 2, ...: failures before the first success."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Naturals, Unit

FAMILY = Family(
    name="Geometric",
    summary="failures before the first success",
    value="x",
    support=Naturals(),
    forms=(Form((Argument("p", Unit()),), "x*log(1 - p) + log(p)"),),
)
