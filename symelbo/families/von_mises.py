"""Von Mises distribution of an angle, on (-PI, PI)."""

from fractions import Fraction

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Constant, Domain, Mul, Number

FAMILY = Family(
    name="VonMises",
    summary="an angle between -PI and PI",
    value="x",
    support=Domain("angle", Mul((Number(Fraction(-1)), Constant("pi"))), Constant("pi")),
    forms=(
        Form(
            (Argument("mean", Domain("real")), Argument("concentration", Domain("positive"))),
            "concentration*cos(mean)*cos(x) + concentration*sin(mean)*sin(x)"
            " - log(2*PI) - logbesseli0(concentration)",
        ),
    ),
)
