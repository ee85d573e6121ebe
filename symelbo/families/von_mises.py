"""Von Mises distribution of an angle, on (-PI, PI)."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Angle, Positive, Real

FAMILY = Family(
    name="VonMises",
    summary="an angle between -PI and PI",
    value="x",
    support=Angle(),
    forms=(
        Form(
            (Argument("mean", Real()), Argument("concentration", Positive())),
            "concentration*cos(mean)*cos(x) + concentration*sin(mean)*sin(x)"
            " - log(2*PI) - logbesseli0(concentration)",
        ),
    ),
)
