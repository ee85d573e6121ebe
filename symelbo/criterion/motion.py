"""A motion: velocities of the parameters, and an affine velocity r z + s of continuous latents."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.build import ZERO, add, extent_length, mul, subtract, total
from symelbo.index.normal import normal
from symelbo.index.substitute import formal_indices, instantiate
from symelbo.index.terms import Array, Entry, Symbol, Term
from symelbo.model.model import Statement
from symelbo.values import dataclass, field

__all__ = ["Latent", "Motion"]


@dataclass(frozen=True, slots=True)
class Latent:
    """z[i] moves with velocity rate[i] (z[i] - end) + shift[i], i over the whole shape of z."""

    rate: Array
    shift: Array

    def velocity(self, node: Symbol) -> Array:
        """The velocity as one array over the shape of the node."""
        indices = formal_indices(node.shape)
        value: Term = Entry(node, indices)
        motions = node.domain.motions
        if motions is not None and motions.about is not None:
            value = subtract(value, motions.about)
        moved = mul(instantiate(self.rate, indices), value)
        return Array(indices, add(moved, instantiate(self.shift, indices)))

    @property
    def scales(self) -> bool:
        """Whether r is not 0."""
        return self.rate.body != ZERO

    @property
    def shifts(self) -> bool:
        """Whether s is not 0."""
        return self.shift.body != ZERO


@dataclass(frozen=True, slots=True)
class Motion:
    """parameters: velocity arrays; latents: r and s; variational: velocities of q's parameters.

    Only what moves is listed.  Source: the form-free criterion (U).
    """

    parameters: Mapping[Symbol, Array] = field(default_factory=dict)
    latents: Mapping[Symbol, Latent] = field(default_factory=dict)
    variational: Mapping[Symbol, Array] = field(default_factory=dict)

    def velocities(self) -> dict[Symbol, Array]:
        """symbol -> velocity, of everything that moves."""
        moved = {**self.parameters, **self.variational}
        moved.update((node, latent.velocity(node)) for node, latent in self.latents.items())
        return moved

    def divergence(self, statement: Statement) -> Term:
        """d: the sum of r over the independent entries of a statement's value, at one point."""
        latent = self.latents.get(statement.node)
        return ZERO if latent is None else divergence_at(latent, statement)


def divergence_at(latent: Latent, statement: Statement) -> Term:
    """sum of r over the events of the value; n (n + 1)/2 r for a symmetric matrix."""
    node = statement.node
    motions = node.domain.motions
    assert motions is not None
    plates = statement.places
    events = node.shape[len(plates) :]
    if motions.whole:
        at = (*plates, *formal_indices(events, "e"))
        count = node.domain.dimension(extent_length(events[-1]))
        return normal(mul(instantiate(latent.rate, at), count))
    indices = formal_indices(events, "e")
    result = instantiate(latent.rate, (*plates, *indices))
    for index in reversed(indices):
        result = total(index, result)
    return normal(result)
