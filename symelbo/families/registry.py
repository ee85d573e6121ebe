"""Every built-in family by name; to add one, write its file and name it here."""

from symelbo.families.bernoulli import BERNOULLI
from symelbo.families.categorical import CATEGORICAL
from symelbo.families.exponential import EXPONENTIAL
from symelbo.families.family import Family
from symelbo.families.gamma import GAMMA
from symelbo.families.laplace import LAPLACE
from symelbo.families.mvnormal import MVNORMAL
from symelbo.families.normal import NORMAL
from symelbo.families.poisson import POISSON

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        BERNOULLI,
        CATEGORICAL,
        EXPONENTIAL,
        GAMMA,
        LAPLACE,
        MVNORMAL,
        NORMAL,
        POISSON,
    )
}
