"""Normal distribution, by mean and variance or by mean and precision."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.domains import Positive, Real

_MEAN = Argument("mean", Real())

FAMILY = Family(
    name="Normal",
    summary="a real value, by mean and variance (not standard deviation)",
    value="x",
    support=Real(),
    forms=(
        Form(
            (_MEAN, Argument("variance", Positive())),
            "-(x - mean)**2/(2*variance) - log(2*PI*variance)/2",
        ),
        Form(
            (_MEAN, Argument("precision", Positive())),
            "-precision*(x - mean)**2/2 + log(precision/(2*PI))/2",
        ),
    ),
)
