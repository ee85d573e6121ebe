"""A derivation at numbers: what symelbo derived, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import symelbo
from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.criterion.express_form import FactorForm
from symelbo.criterion.factor import Factor
from symelbo.index.build import subtract
from symelbo.index.terms import Array, Index, Offset, Position, Symbol, Term
from symelbo.proof.verify_jacobian import differentiate_blocks
from symelbo.trial.evaluate import World, evaluate

MODELS = Path(__file__).parents[2] / "models"
Vector = NDArray[np.float64]
Values = Mapping[str, Any]
EPSILON = 1e-30  # of the complex step: exact to rounding


@lru_cache
def derive_model(stem: str) -> Derivation:
    """models/stem.yaml, derived once."""
    return symelbo.derive(MODELS / f"{stem}.yaml")


@dataclass(frozen=True)
class Point:
    """A derivation at given sizes and values (parameters, latents, data: name -> array).

    Everything is flattened in the order block, plates, indices, so that the natural parameters of
    D normals are all D linear ones, then all D quadratic ones, as in Eqn 33.
    """

    derivation: Derivation
    sizes: Mapping[str, int]
    values: Values
    functions: Mapping[str, Any]

    def with_values(self, **changes: Any) -> Point:
        """The same point with other values of some symbols."""
        return replace(self, values={**self.values, **changes})

    def world(self, velocities: Values | None = None) -> World:
        """As the evaluator wants it; indices count from 1."""
        return World(
            self.sizes, _entries(self.values), _entries(velocities or {}), dict(self.functions)
        )

    def result(self, node: str) -> FactorResult:
        """What is known of p(node | parents)."""
        (result,) = (r for r in self.derivation.factors if r.node == node)
        return result

    def factor(self, node: str) -> Factor:
        """p(node | parents) as the model states it."""
        return self.result(node).factor

    def form(self, node: str) -> FactorForm:
        """The exponential-family form of p(node | parents)."""
        form = self.result(node).form
        assert form is not None
        return form

    def number(self, term: Term) -> float:
        """The value of a term without free indices."""
        return evaluate(term, self.world()).value

    def number_along(self, term: Term, velocities: Values) -> float:
        """The derivative of a term without free indices while the named symbols move."""
        return evaluate(term, self.world(velocities)).tangent

    def array(self, array: Array) -> Vector:
        """The value of an array, in its own shape."""
        world = self.world()
        shape = [world.length(index.extent) for index in array.indices]
        return np.reshape([v for v, _ in self._run(array.indices, array.body, world)], shape)

    def natural(self, node: str) -> Vector:
        """eta, all blocks."""
        return self._blocks(node, "natural")

    def natural_along(self, node: str, velocities: Values) -> Vector:
        """d eta / ds while the named symbols move, by dual numbers."""
        return self._blocks(node, "natural", velocities, tangent=True)

    def statistic(self, node: str) -> Vector:
        """T, all blocks."""
        return self._blocks(node, "statistic")

    def statistic_along(self, node: str, velocities: Values) -> Vector:
        """d T / ds while the named symbols move, by dual numbers."""
        return self._blocks(node, "statistic", velocities, tangent=True)

    def log_partition(self, node: str) -> float:
        """A, summed over the plates."""
        return self.number(self.factor(node).over_plates(self.form(node).log_partition))

    def log_base(self, node: str) -> float:
        """log h, summed over the plates."""
        return self.number(self.factor(node).over_plates(self.form(node).log_base))

    def log_density(self, node: str) -> float:
        """log p as the derived exponential family: eta' T - A + log h."""
        linear = float(self.natural(node) @ self.statistic(node))
        return linear - self.log_partition(node) + self.log_base(node)

    def log_density_along(self, node: str, velocities: Values) -> float:
        """d log p / ds of the derived exponential family, by dual numbers."""
        factor, form = self.factor(node), self.form(node)
        linear = self.natural_along(node, velocities) @ self.statistic(node)
        linear += self.natural(node) @ self.statistic_along(node, velocities)
        scalar = factor.over_plates(subtract(form.log_base, form.log_partition))
        return float(linear) + self.number_along(scalar, velocities)

    def means(self, node: str) -> Vector:
        """E[T] = grad A, all blocks."""
        means = self.form(node).means
        assert means is not None
        plates, world = self.factor(node).plates, self.world()
        parts = [self._run((*plates, *m.indices), m.body, world) for m in means]
        return np.array([value for part in parts for value, _ in part])

    def entropy(self, node: str) -> float:
        """H (or H~) of a factor, as it enters the derived entropy sum."""
        total = self.derivation.entropy_sum
        assert total is not None
        (entropy,) = (e for e in total.entropies if e.node == node)
        return self.number(entropy.known)

    def entropy_sum_bases(self) -> float:
        """The log h that the derived entropy sum adds, at this point of q and of the data."""
        total = self.derivation.entropy_sum
        assert total is not None
        return sum((self.number(base.known) for base in total.bases), start=0.0)

    def field(self, node: str) -> dict[str, Vector]:
        """parameter -> velocity, for the parameters that move."""
        return {p.name: self.array(a) for p, a in self.result(node).field.items()}

    def velocities(self) -> dict[str, Vector]:
        """symbol -> velocity along the derived motion: parameters, latents, q's parameters."""
        moved = self.derivation.motion.velocities()
        return {symbol.name: self.array(array) for symbol, array in moved.items()}

    def divergence(self, node: str) -> float:
        """The divergence of the derived motion in the value of a node: the trace of its slopes."""
        factor = self.factor(node)
        symbol = factor.node
        if symbol not in self.derivation.motion.latents:
            return 0.0
        latent = self.derivation.motion.latents[symbol]
        velocity, value = latent.velocity(symbol), np.asarray(self.values[symbol.name], dtype=float)
        total = 0.0
        for place in self._own_places(factor, value.shape):
            unit = np.zeros(value.shape)
            unit[place] = 1.0
            at = dict(zip(velocity.indices, (k + 1 for k in place), strict=True))
            total += evaluate(velocity.body, self.world({symbol.name: unit}), at).tangent
        return total

    def _own_places(self, factor: Factor, shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """This factor's own entries of the node's array: z[1], or z[t] for t in 2:T."""
        world, plates, left = self.world(), factor.plates, factor.statement.places
        ranges = (range(i.low, world.length(i.extent) + 1) for i in plates)
        for where in product(*ranges):
            env = dict(zip(plates, where, strict=True))
            start = tuple(
                env[p] - 1
                if isinstance(p, Index)
                else env[p.index] + p.by - 1
                if isinstance(p, Offset)
                else world.length(p.extent) - 1
                for p in left
                if isinstance(p, Index | Offset | Position)
            )
            yield from ((*start, *rest) for rest in np.ndindex(shape[len(left) :]))

    def jacobian(self, node: str, *parameters: str) -> Vector:
        """The derived d eta / d theta': rows as `natural`, columns as the parameters flattened.

        Without names: all that move.  Of a simplex the first C - 1 entries.
        """
        result, form, world = self.result(node), self.form(node), self.world()
        plates = self.factor(node).plates
        slopes = differentiate_blocks(form.blocks, result.field)
        columns = []
        moving = {symbol.name: symbol for symbol in result.field}
        for name in parameters or tuple(moving):
            places = list(product(*(range(1, n + 1) for n in self.free_shape(moving[name]))))
            for place in places:
                column: list[float] = []
                for number, block in enumerate(form.blocks):
                    indices = (*plates, *block.indices)
                    part = np.zeros(len(list(self._run(indices, block.natural, world))))
                    for slope in slopes:
                        if slope.block == number and slope.parameter.name == name:
                            at = dict(zip(slope.indices, place, strict=True))
                            part += [v for v, _ in self._run(indices, slope.term, world, at)]
                    column.extend(part)
                columns.append(column)
        return np.array(columns).reshape(len(columns), len(self.natural(node))).T

    def free_shape(self, parameter: Symbol) -> list[int]:
        """The shape of a parameter; of a simplex without its last entry."""
        shape = [self.world().length(extent) for extent in parameter.shape]
        if parameter.domain.kind == "simplex":
            shape[-1] -= 1
        return shape

    def field_vector(self, node: str, *parameters: str) -> Vector:
        """The derived field, as the columns of `jacobian`."""
        result, field = self.result(node), self.field(node)
        moving = {symbol.name: symbol for symbol in result.field}
        parts = []
        for name in parameters or tuple(moving):
            box = tuple(slice(n) for n in self.free_shape(moving[name]))
            parts.append(field[name][box].ravel())
        return np.concatenate(parts) if parts else np.zeros(0)

    def _blocks(
        self, node: str, part: str, velocities: Values | None = None, tangent: bool = False
    ) -> Vector:
        plates, world = self.factor(node).plates, self.world(velocities)
        values: list[float] = []
        for block in self.form(node).blocks:
            pairs = self._run((*plates, *block.indices), getattr(block, part), world)
            values.extend(pair[tangent] for pair in pairs)
        return np.array(values)

    def _run(
        self,
        indices: Sequence[Index],
        term: Term,
        world: World,
        fixed: Mapping[Index, int] | None = None,
    ) -> Iterator[tuple[float, float]]:
        ranges = (range(i.low, world.length(i.extent) + 1) for i in indices)
        for where in product(*ranges):
            yield evaluate(term, world, {**(fixed or {}), **dict(zip(indices, where, strict=True))})


def _entries(values: Values) -> dict[tuple[str, tuple[int, ...]], float]:
    return {
        (name, tuple(k + 1 for k in place)): float(entry)
        for name, array in values.items()
        for place, entry in np.ndenumerate(np.asarray(array, dtype=float))
    }


def draw_domain(kind: str, shape: tuple[int, ...], rng: np.random.Generator, top: int = 1) -> Any:
    """Random values of a domain; top: the number of categories."""
    match kind:
        case "positive":
            return rng.uniform(0.4, 2.5, shape)
        case "unit":
            return rng.uniform(0.1, 0.9, shape)
        case "simplex":
            return rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1])
        case "posdef":
            root = rng.normal(size=shape)
            return root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(shape[-1])
        case "binary":
            return rng.integers(0, 2, shape)
        case "naturals":
            return rng.integers(0, 6, shape)
        case "category":
            return rng.integers(1, top + 1, shape)
    return rng.normal(size=shape)


def slope_along(
    function: Callable[[Values], Any], values: Values, field: Mapping[str, Vector]
) -> float:
    """The derivative of an analytic NumPy function of the parameters along a field."""
    moved = {
        name: np.asarray(value) + 1j * EPSILON * field[name] if name in field else value
        for name, value in values.items()
    }
    return float(np.imag(function(moved)) / EPSILON)
