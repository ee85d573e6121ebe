"""A derivation, as data: what was asked, what was found, how it is known.

Documents are printed from these values; a step that was not taken cannot be printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from symelbo.answer.worked import Step, Worked
from symelbo.criterion.express_form import FactorForm
from symelbo.criterion.factor import Factor
from symelbo.criterion.identity import Identity
from symelbo.criterion.motion import Motion
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted, Result, Undecided
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.entropy.summand import EntropySum, Summand
from symelbo.index.terms import Array, Symbol, Term
from symelbo.model.model import Model
from symelbo.values import dataclass

__all__ = [
    "Assumption",
    "Derivation",
    "FactorResult",
    "Trial",
]


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a result rests on; kind: standing, family, domain, variational, nonzero or size."""

    kind: str
    text: str  # plain text, formulas in the language of the specs
    term: Term | None = None  # what is not 0
    size: tuple[str, int] | None = None  # a size and its least value


@dataclass(frozen=True, slots=True)
class Trial:
    """A numerical trial of the result as it is printed.

    residual: the largest relative residual of (U) over all factors (nan: of none); printed: that of
    F - S - dF/ds, F by quadrature or enumeration under several q (None: no small instance could be
    integrated); untried: the factors of which (U) was not tried, by their names.
    """

    residual: float
    trials: int
    printed: float | None = None
    printed_trials: int = 0
    untried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FactorResult:
    """What is known of one factor p(node | parents).

    form: the exponential-family form, None if none was found.
    """

    node: str
    result: Result
    form: FactorForm | None = None

    @property
    def verdict(self) -> str:
        """holds | refuted | outside | undecided"""
        match self.result:
            case Holds():
                return "holds"
            case Refuted():
                return "refuted"
            case Outside():
                return "outside"
            case Undecided():
                return "undecided"

    @property
    def factor(self) -> Factor:
        """The factor itself."""
        return self.result.factor

    @property
    def identity(self) -> Identity | None:
        """log p - D log p = b - H~ + d, where (U) holds."""
        return self.result.identity if isinstance(self.result, Holds) else None

    @property
    def motion(self) -> Motion:
        """What of the motion the factor feels; empty unless it holds."""
        return self.result.motion if isinstance(self.result, Holds) else Motion()

    @property
    def field(self) -> Mapping[Symbol, Array]:
        """parameter -> velocity, on the parameters that move (theta); empty unless it holds."""
        return self.motion.parameters


@dataclass(frozen=True)
class Derivation:
    """The answer for one model; `symelbo.api` has it with methods that print."""

    model: Model
    verdict: str  # proved, refuted, outside or undecided
    theorem: int | None  # 1, 2 or None
    decision: Decision
    factors: tuple[FactorResult, ...]
    assumptions: tuple[Assumption, ...]
    conditions: tuple[str, ...]
    entropy_sum: EntropySum | None
    posterior: ExactPosterior | None
    worked: Worked
    trial: Trial | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that were taken, in order."""
        return self.worked.steps

    @property
    def motion(self) -> Motion:
        """The motion along which (U) holds, of parameters, latents and q."""
        return self.decision.motion

    @property
    def entropies(self) -> Mapping[str, Summand]:
        """The factors that hold, by name -> the entropy of each in the sum."""
        return {} if self.entropy_sum is None else self.entropy_sum.by_factor

    @property
    def closure(self) -> Closure:
        """How the family of q is known to follow the motion of the latents."""
        return self.decision.closure

    @property
    def residual(self) -> float | None:
        """The largest relative residual of (U) in the numerical trials, None without any."""
        return None if self.trial is None or isnan(self.trial.residual) else self.trial.residual
