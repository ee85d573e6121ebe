"""Normal distribution, by mean and variance or by mean and precision."""

from symelbo.families.family import Argument, Family, Form
from symelbo.index.terms import Domain

_MEAN = Argument("mean", Domain("real"))

FAMILY = Family(
    name="Normal",
    summary="a real value, by mean and variance (not standard deviation)",
    value="x",
    support=Domain("real"),
    forms=(
        Form(
            (_MEAN, Argument("variance", Domain("positive"))),
            "-(x - mean)**2/(2*variance) - log(2*PI*variance)/2",
        ),
        Form(
            (_MEAN, Argument("precision", Domain("positive"))),
            "-precision*(x - mean)**2/2 + log(precision/(2*PI))/2",
        ),
    ),
)
