"""Chi-squared distribution, by degrees of freedom."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

FAMILY = Family(
    name="ChiSquared",
    summary="a sum of squares of standard normals",
    value="x",
    support=Domain("positive"),
    forms=(
        Form(
            (Argument("dof", Domain("positive")),),
            "(dof/2 - 1)*log(x) - x/2 - dof*log(2)/2 - loggamma(dof/2)",
        ),
    ),
)
