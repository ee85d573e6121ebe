"""Chi-squared distribution, by degrees of freedom."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive

FAMILY = Family(
    name="ChiSquared",
    summary="a sum of squares of standard normals",
    value="x",
    support=Positive(),
    forms=(
        Form(
            (Argument("dof", Positive()),),
            "(dof/2 - 1)*log(x) - x/2 - dof*log(2)/2 - loggamma(dof/2)",
        ),
    ),
)
