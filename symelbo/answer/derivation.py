"""A derivation, as data: what was asked, what was found, how it is known.

Documents are printed from these values; a step that was not taken cannot be printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from symelbo.criterion.express_form import FactorForm, Slope
from symelbo.criterion.factor import Factor
from symelbo.criterion.identity import Identity
from symelbo.criterion.motion import Motion
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted, Result, Undecided
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.entropy.summand import EntropySum
from symelbo.index.terms import Array, Symbol, Term
from symelbo.model.model import Model

if TYPE_CHECKING:
    from types import ModuleType

    from symelbo.sympy_edge.express import Expressions

__all__ = [
    "Assumption",
    "Derivation",
    "FactorResult",
    "Slope",
    "Step",
    "Trial",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One rewriting: rule, before -> after, why, under what, and how it is known.

    before and after are terms (None where the step concerns no single term).
    """

    rule: str
    subject: str  # the node, or "" for the whole model
    before: Term | None
    after: Term | None
    reason: str
    conditions: tuple[str, ...] = ()
    evidence: str = "derived"


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

    residual: the largest relative residual of (U) over all factors; printed: that of F - S - dF/ds,
    F by quadrature or enumeration under several q (None: no small instance could be integrated).
    """

    residual: float
    trials: int
    printed: float | None = None
    printed_trials: int = 0


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
    """The answer for one model; `symelbo.derive` makes it."""

    model: Model
    verdict: str  # proved, refuted, outside or undecided
    theorem: int | None  # 1, 2 or None
    decision: Decision
    factors: tuple[FactorResult, ...]
    assumptions: tuple[Assumption, ...]
    conditions: tuple[str, ...]
    entropy_sum: EntropySum | None
    posterior: ExactPosterior | None
    steps: tuple[Step, ...]
    trial: Trial | None

    @property
    def motion(self) -> Motion:
        """The motion along which (U) holds, of parameters, latents and q."""
        return self.decision.motion

    @property
    def closure(self) -> Closure:
        """How the family of q is known to follow the motion of the latents."""
        return self.decision.closure

    @property
    def residual(self) -> float | None:
        """The largest relative residual of (U) in the numerical trials, None without any."""
        return None if self.trial is None else self.trial.residual

    def latex(self) -> str:
        """The complete proof document."""
        from symelbo.page.documents import render_proof

        return render_proof(self)

    def python(self) -> str:
        """The source of the standalone numeric module; "" if there is no entropy sum to compute."""
        from symelbo.code.numpy_module import render_python

        return render_python(self)

    def function(self) -> ModuleType:
        """The numeric module, compiled: `.entropy_sum(...)`, `.elbo(...)`, `.gap(...)`."""
        return self._module

    @cached_property
    def _module(self) -> ModuleType:
        from types import ModuleType

        module = ModuleType(self.model.stem)
        exec(compile(self.python(), f"{self.model.stem}.py", "exec"), module.__dict__)
        return module

    def sympy(self, **sizes: int) -> Expressions:
        """As SymPy expressions, written out for the sizes that are given; needs SymPy."""
        from symelbo.sympy_edge.express import express

        return express(self, sizes)

    def summary(self) -> str:
        """What the command line prints, without colours."""
        from symelbo.page.summary import render_summary

        return render_summary(self)

    def _repr_latex_(self) -> str:
        from symelbo.page.documents import render_headline

        return f"$\\displaystyle {render_headline(self)}$"
