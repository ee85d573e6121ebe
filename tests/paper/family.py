"""Members of the abstract families: true ones, so that sums over their support are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paper.point import Vector

Pair = tuple[float, float]


class FiniteFamily:
    """p(v) = h(v) exp(eta(theta)' T(v) - A(theta)) on a few reals v, with L curved parameters.

    eta(theta) = theta + tanh(B theta) with |B| small: its Jacobian is invertible everywhere.
    """

    def __init__(self, size: int, rng: np.random.Generator, constant: bool = True) -> None:
        self.size = size
        self.support = np.linspace(-1.4, 1.5, size + 3) + rng.uniform(-0.1, 0.1, size + 3)
        self.mixing = rng.uniform(-0.5, 0.5, (size, size)) / size
        self.scales = rng.uniform(0.3, 2.0, 2)
        self.constant = constant

    def natural(self, theta: Any) -> Any:
        """eta(theta)"""
        return theta + np.tanh(self.mixing @ theta)

    def jacobian(self, theta: Any) -> Any:
        """d eta_i / d theta_j"""
        return np.eye(self.size) + (1 - np.tanh(self.mixing @ theta) ** 2)[:, None] * self.mixing

    def statistic(self, v: float) -> Vector:
        """T(v)"""
        return np.asarray(np.cos(np.arange(1, self.size + 1) * v + 0.4))

    def log_base(self, v: float) -> float:
        """log h(v)"""
        return 0.0 if self.constant else float(-self.scales[0] * v**2 + np.sin(self.scales[1] * v))

    def log_partition(self, theta: Any) -> Any:
        """A(theta)"""
        exponents = [
            self.natural(theta) @ self.statistic(v) + self.log_base(v) for v in self.support
        ]
        return np.log(np.sum(np.exp(exponents)))

    def mean(self, theta: Vector) -> Vector:
        """E[T]"""
        masses = np.exp([self.log_density(v, theta) for v in self.support])
        return np.asarray(masses @ [self.statistic(v) for v in self.support])

    def log_density(self, v: float, theta: Any) -> Any:
        """log p(v)"""
        linear = self.natural(theta) @ self.statistic(v)
        return linear - self.log_partition(theta) + self.log_base(v)

    def entropy(self, theta: Vector) -> float:
        """H~ = -sum p log(p / h), by its definition; H where h = 1."""
        logs = np.array([self.log_density(v, theta) for v in self.support])
        bases = np.array([self.log_base(v) for v in self.support])
        return float(-np.sum(np.exp(logs) * (logs - bases)))

    def functions(self, name: str = "F") -> dict[str, Any]:
        """What the abstract functions of the family are, for the evaluator."""
        return {
            f"eta_{name}": self._natural_pair,
            f"A_{name}": self._partition_pair,
            f"T_{name}": lambda arguments, where, slots: (
                float(self.statistic(arguments[0][()][0])[where[0] - 1]),
                0.0,
            ),
            f"h_{name}": lambda arguments, where, slots: (
                float(np.exp(self.log_base(arguments[0][()][0]))),
                0.0,
            ),
        }

    def _natural_pair(
        self, arguments: Sequence[Any], where: tuple[int, ...], slots: tuple[Any, ...]
    ) -> Pair:
        theta, moved = _vector(arguments[0])
        row = self.jacobian(theta)[where[0] - 1]
        if not slots:
            return float(self.natural(theta)[where[0] - 1]), float(row @ moved)
        ((_, (column,)),) = slots
        assert not moved.any()
        return float(row[column - 1]), 0.0

    def _partition_pair(
        self, arguments: Sequence[Any], where: tuple[int, ...], slots: tuple[Any, ...]
    ) -> Pair:
        theta, moved = _vector(arguments[0])
        slope = self.jacobian(theta).T @ self.mean(theta)
        if not slots:
            return float(self.log_partition(theta)), float(slope @ moved)
        ((_, (column,)),) = slots
        assert not moved.any()
        return float(slope[column - 1]), 0.0


class CurvedMean:
    """A mean function mu(z, w) of D dimensions, for a scalar latent z and P parameters w."""

    def __init__(self, dimension: int, parameters: int, rng: np.random.Generator) -> None:
        self.inner = rng.normal(size=(dimension, parameters))
        self.outer = rng.normal(size=dimension)

    def __call__(self, z: float, w: Any) -> Any:
        """mu(z, w)"""
        return np.tanh(self.inner @ w * z) + self.outer * z**2

    def functions(self, name: str = "mu") -> dict[str, Any]:
        """For the evaluator; the parameters w do not move."""

        def pair(arguments: Sequence[Any], where: tuple[int, ...], slots: Any) -> Pair:
            assert not slots
            w, moved = _vector(arguments[1])
            assert not moved.any()
            return float(self(arguments[0][()][0], w)[where[0] - 1]), 0.0

        return {name: pair}


def _vector(entries: Mapping[tuple[int, ...], Pair]) -> tuple[Vector, Vector]:
    places = sorted(entries)
    return (
        np.array([entries[p][0] for p in places]),
        np.array([entries[p][1] for p in places]),
    )
