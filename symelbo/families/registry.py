"""Every built-in family by name; to add one, write its file and name it here."""

from symelbo.families.bernoulli import BERNOULLI
from symelbo.families.beta import BETA
from symelbo.families.binomial import BINOMIAL
from symelbo.families.categorical import CATEGORICAL
from symelbo.families.chi_squared import CHI_SQUARED
from symelbo.families.dirichlet import DIRICHLET
from symelbo.families.exponential import EXPONENTIAL
from symelbo.families.family import Family
from symelbo.families.gamma import GAMMA
from symelbo.families.geometric import GEOMETRIC
from symelbo.families.half_normal import HALF_NORMAL
from symelbo.families.inverse_gamma import INVERSE_GAMMA
from symelbo.families.inverse_gaussian import INVERSE_GAUSSIAN
from symelbo.families.laplace import LAPLACE
from symelbo.families.log_normal import LOG_NORMAL
from symelbo.families.multinomial import MULTINOMIAL
from symelbo.families.mvnormal import MVNORMAL
from symelbo.families.negative_binomial import NEGATIVE_BINOMIAL
from symelbo.families.normal import NORMAL
from symelbo.families.pareto import PARETO
from symelbo.families.poisson import POISSON
from symelbo.families.rayleigh import RAYLEIGH
from symelbo.families.von_mises import VON_MISES
from symelbo.families.weibull import WEIBULL
from symelbo.families.wishart import WISHART

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        BERNOULLI,
        BETA,
        BINOMIAL,
        CATEGORICAL,
        CHI_SQUARED,
        DIRICHLET,
        EXPONENTIAL,
        GAMMA,
        GEOMETRIC,
        HALF_NORMAL,
        INVERSE_GAMMA,
        INVERSE_GAUSSIAN,
        LAPLACE,
        LOG_NORMAL,
        MULTINOMIAL,
        MVNORMAL,
        NEGATIVE_BINOMIAL,
        NORMAL,
        PARETO,
        POISSON,
        RAYLEIGH,
        VON_MISES,
        WEIBULL,
        WISHART,
    )
}
