"""A derivation, as data: what was asked, what was found, how it is known.

Documents are printed from these values; a step that was not taken cannot be printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from symelbo.criterion.factor import Factor
from symelbo.criterion.reparameterize_prior import NotReparameterized, Reparameterization
from symelbo.criterion.result import Outside, Refutation, Result, Solution, Undecided
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.expfam.form import Gauge
from symelbo.index.terms import Array, Index, Symbol, Term
from symelbo.index.tidy import sum_over
from symelbo.spec.model import Model

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "Assumption",
    "Derivation",
    "EntropySum",
    "FactorEntropy",
    "FactorResult",
    "Slope",
    "Step",
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
    """What a result rests on; kind: standing, family, domain, variational or nonzero."""

    kind: str
    text: str  # plain text, formulas in the language of the specs
    latex: str = ""  # the same for the documents, "" if text has no formulas


@dataclass(frozen=True, slots=True)
class Slope:
    """d eta[block] / d parameter[indices]: one block of the Jacobian, for the moved parameters."""

    block: int
    parameter: Symbol
    indices: tuple[Index, ...]
    term: Term


@dataclass(frozen=True, slots=True)
class FactorResult:
    """What is known of one factor p(node | parents).

    verdict: holds, refuted, outside or undecided; residual: largest relative residual of the exact
    identity (None where there is none to try).
    """

    node: str
    result: Result
    slopes: tuple[Slope, ...] = ()
    means: tuple[Array, ...] | None = None
    residual: float | None = None
    reparameterization: Reparameterization | NotReparameterized | None = None

    @property
    def verdict(self) -> str:
        """holds | refuted | outside | undecided"""
        match self.result:
            case Solution():
                return "holds"
            case Refutation():
                return "refuted"
            case Outside(decided=decided):
                return "outside" if decided else "undecided"
            case Undecided():
                return "undecided"

    @property
    def factor(self) -> Factor | None:
        """The exponential-family form; None if there is none."""
        return None if isinstance(self.result, Outside) else self.result.factor

    @property
    def field(self) -> Mapping[Symbol, Array]:
        """parameter -> velocity, on the parameters that move (theta); empty unless it holds."""
        return self.result.field if isinstance(self.result, Solution) else {}

    @property
    def entropy_kind(self) -> str:
        """entropy where the base measure is constant, else pseudo_entropy"""
        factor = self.factor
        constant = factor is not None and factor.gauge is Gauge.CONSTANT
        return "entropy" if constant else "pseudo_entropy"


@dataclass(frozen=True, slots=True)
class FactorEntropy:
    """H (or H~) of one factor.

    term: summed over the plates, canonical; pointwise: at one point of the plates, for reading, in
    which a long argument of the family is abbreviated by a symbol of role ARGUMENT over the plates
    (and event indices); abbreviations: what these symbols stand for; parents: the nodes and inputs
    that the entropy still depends on, over which it is averaged.
    """

    node: str
    term: Term
    kind: str  # entropy or pseudo_entropy
    parents: tuple[Symbol, ...]
    plates: tuple[Index, ...]
    pointwise: Term
    abbreviations: tuple[tuple[Symbol, Array], ...] = ()

    @property
    def display(self) -> Term:
        """The sum over the plates, for reading."""
        return sum_over(self.plates, self.pointwise)


@dataclass(frozen=True, slots=True)
class EntropySum:
    """S = mean H[q] - sum_f E_qbar H_f (+ sum_f mean E log h_f), nats per data point.

    q_entropy: closed form of H[q_n] (declared or exact q), None if it stays H[q_n];
    bases: log h of factors whose base measure is not constant, summed over plates;
    closed_form: the whole sum where it depends on parameters alone (no q, no data).
    remainders: cross-entropy terms -E log p_f of factors without an entropy (partial results).
    """

    q_entropy: Term | None
    q_depends_on_data: bool
    entropies: tuple[FactorEntropy, ...]
    bases: tuple[tuple[str, Term], ...]
    closed_form: Term | None
    remainders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Derivation:
    """The answer for one model; `symelbo.derive` makes it."""

    model: Model
    verdict: str  # proved, refuted, outside or undecided
    theorem: int | None  # 1, 2 or None
    factors: tuple[FactorResult, ...]
    assumptions: tuple[Assumption, ...]
    conditions: tuple[str, ...]
    entropy_sum: EntropySum | None
    posterior: ExactPosterior | None
    steps: tuple[Step, ...]
    residual: float | None  # the largest over the factors
    trials: int

    def latex(self) -> str:
        """The complete proof document."""
        from symelbo.render.documents import render_proof

        return render_proof(self)

    def python(self) -> str:
        """The source of the standalone numeric module; "" if there is no entropy sum to compute."""
        from symelbo.render.python_module import render_python

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

    def summary(self) -> str:
        """What the command line prints, without colours."""
        from symelbo.render.summary import render_summary

        return render_summary(self)

    def _repr_latex_(self) -> str:
        from symelbo.render.documents import render_headline

        return f"$\\displaystyle {render_headline(self)}$"
