"""A model, data and a finite q: the ELBO as the paper prints it against the derived entropy sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from paper.point import Point, Values, Vector, derive_model, slope_along
from symelbo.answer.derivation import Derivation

Check = tuple[str, Any, Any]  # what, printed, derived


class Draw:
    """Random sizes and numbers; the first draw has sizes 1, the second sizes 2."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = np.random.default_rng(1000 + seed)

    def sizes(self, *names: str) -> dict[str, int]:
        """One length per name."""
        if self.seed < 2:
            return dict.fromkeys(names, self.seed + 1)
        return {name: int(self.rng.integers(1, 4)) for name in names}


@dataclass(frozen=True)
class Case:
    """What the paper prints for one model, and the derivation at the same numbers.

    latents: every state k that q covers; data: every point n; q[n, k].  The printed functions map
    the parameters to log p(z_k), to log p(x_n | z_k) and to the entropies per node and state.
    """

    derivation: Derivation
    sizes: Mapping[str, int]
    parameters: Values
    latents: Sequence[Values]
    data: Sequence[Values]
    q: Vector
    log_prior: Callable[[Values], Any]
    log_likelihood: Callable[[Values], Any]
    entropies: Callable[[Values], Mapping[str, Vector]]
    functions: Mapping[str, Any] = field(default_factory=dict)

    def point(self, state: int = 0, datum: int = 0) -> Point:
        """The derivation at one latent state and one data point."""
        values = {**self.parameters, **self.latents[state], **self.data[datum]}
        return Point(self.derivation, self.sizes, values, self.functions)

    def points(self) -> Iterator[Point]:
        """At all latent states and data points."""
        for state in range(len(self.latents)):
            for datum in range(len(self.data)):
                yield self.point(state, datum)

    def at(self, **parameters: Any) -> Case:
        """The same with other parameters."""
        return replace(self, parameters={**self.parameters, **parameters})

    @property
    def mean_q(self) -> Vector:
        """The aggregate posterior, Eqn 4."""
        return np.asarray(self.q.mean(axis=0))

    def field(self, *nodes: str) -> dict[str, Vector]:
        """The derived field of some factors (all if none is named)."""
        point = self.point()
        names = nodes or tuple(result.node for result in self.derivation.factors)
        return {name: v for node in names for name, v in point.field(node).items()}

    # ------------------------------------------------------------------ as the paper prints it

    def q_entropy(self) -> float:
        """(1/N) sum_n H[q_n]"""
        return float(-np.mean(np.sum(self.q * np.log(self.q), axis=1)))

    def expected(self, table: Any) -> Any:
        """(1/N) sum_n E_{q_n} of a table [n, k] or [k]."""
        return np.mean(np.sum(self.q * table, axis=1))

    def elbo(self, parameters: Values | None = None) -> Any:
        """Eqn 2."""
        values = self.parameters if parameters is None else parameters
        return self.q_entropy() + self.expected(
            self.log_prior(values) + self.log_likelihood(values)
        )

    def printed_entropy(self, node: str) -> float:
        """E_qbar H[p(node | parents)]"""
        return float(self.mean_q @ self.entropies(self.parameters)[node])

    def printed_sum(self) -> float:
        """Eqn 3 (and 50): H[q] less all entropies."""
        nodes = self.entropies(self.parameters)
        return self.q_entropy() - sum(self.printed_entropy(node) for node in nodes)

    def log_marginal(self) -> float:
        """L: (1/N) sum_n log p(x_n)"""
        joint = self.log_prior(self.parameters) + self.log_likelihood(self.parameters)
        return float(np.mean(logsumexp(joint, axis=1)))

    def posterior(self) -> Vector:
        """p(z_k | x_n)"""
        joint = self.log_prior(self.parameters) + self.log_likelihood(self.parameters)
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    # ------------------------------------------------------------------ as symelbo derives it

    def derived_entropy(self, node: str) -> float:
        """E_qbar of the derived entropy of one factor."""
        states = range(len(self.latents))
        return float(self.mean_q @ [self.point(k).entropy(node) for k in states])

    def derived_bases(self) -> float:
        """The derived E log h: of the data, and under q of the latents."""
        bases = [point.entropy_sum_bases() for point in self.points()]
        return float(self.expected(np.reshape(bases, (len(self.latents), len(self.data))).T))

    def derived_sum(self) -> float:
        """The whole derived entropy sum."""
        nodes = [result.node for result in self.derivation.factors]
        entropies = sum(self.derived_entropy(node) for node in nodes)
        return self.q_entropy() - entropies + self.derived_bases()

    def derived_elbo(self) -> float:
        """Eqn 2 with the derived exponential-family forms as densities."""
        nodes = [result.node for result in self.derivation.factors]
        logs = [sum(point.log_density(node) for node in nodes) for point in self.points()]
        table = np.reshape(logs, (len(self.latents), len(self.data))).T
        return self.q_entropy() + float(self.expected(table))

    def identity(self) -> Iterator[Check]:
        """F = S + dF along the derived field, at any parameters: the statement of each theorem.

        It makes F = S wherever the derivative along the field vanishes, stationary points above
        all; F and its (complex-step) derivative are the printed ones.  The latents stand still, so
        that q does.
        """
        assert self.derivation.verdict == "proved"
        assert not self.derivation.motion.latents
        total = self.derived_sum()
        slope = slope_along(self.elbo, self.parameters, self.field())
        yield "F less its derivative along the field", self.elbo() - slope, total
        yield "the ELBO", self.elbo(), self.derived_elbo()

    def split_identity(self) -> Iterator[Check]:
        """The same for Psi and Theta separately: one factor, its own field."""
        latents = [r.node for r in self.derivation.factors if r.node in self.latents[0]]
        observed = [r.node for r in self.derivation.factors if r.node in self.data[0]]
        for nodes, log_density in ((latents, self.log_prior), (observed, self.log_likelihood)):

            def part(values: Values, log_density: Callable[[Values], Any] = log_density) -> Any:
                return self.expected(log_density(values))

            entropy = sum(self.derived_entropy(node) for node in nodes)
            slope = slope_along(part, self.parameters, self.field(*nodes))
            bases = self.derived_bases() if nodes is observed else 0.0
            yield f"E log p of {nodes}", part(self.parameters) - slope, bases - entropy


def make_case(
    stem: str | Derivation,
    sizes: Mapping[str, int],
    parameters: Values,
    latents: Sequence[Values],
    data: Sequence[Values],
    rng: np.random.Generator,
    **printed: Any,
) -> Case:
    """A case with a random q of full support."""
    derivation = derive_model(stem) if isinstance(stem, str) else stem
    q = rng.dirichlet(np.full(len(latents), 2.0), len(data))
    return Case(derivation, sizes, parameters, latents, data, q, **printed)
