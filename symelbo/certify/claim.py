"""What is claimed of a model, in its terms: densities with their arguments, motions, identities.

A density is the family's, as the text of the family says it, beside what the model puts in the
places of the arguments; they meet in the encoding and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.terms import Array, Domain, Index, IndexTerm, Symbol, Term
from symelbo.model.model import Statement
from symelbo.values import dataclass, field

__all__ = [
    "DensityClaim",
    "IdentityClaim",
    "MotionClaim",
    "MotionWithIdentities",
    "state_density",
]


@dataclass(frozen=True, slots=True)
class DensityClaim:
    """node[places] ~ log_density, independent over the plates.

    given: what formal symbols in log_density and support stand for; arguments: (name, domain,
    what stands there) of the family; conditions: (kind, what has to be of this kind); support:
    where it may be another one than the domain of the node, as that of q.
    """

    name: str
    node: Symbol
    plates: tuple[Index, ...]
    places: tuple[IndexTerm, ...]
    log_density: Term
    given: Mapping[str, Array] = field(default_factory=dict)
    arguments: tuple[tuple[str, Domain, Array], ...] = ()
    conditions: tuple[tuple[str, Array], ...] = ()
    support: Domain | None = None
    family: str = ""


@dataclass(frozen=True, slots=True)
class MotionClaim:
    """parameters and variational: velocities; rates and shifts: r and s of each latent that moves.

    A latent moves with velocity r (z - end) + s; end: the one that its support has, 0 if none.
    """

    parameters: Mapping[Symbol, Array] = field(default_factory=dict)
    rates: Mapping[Symbol, Array] = field(default_factory=dict)
    shifts: Mapping[Symbol, Array] = field(default_factory=dict)
    variational: Mapping[Symbol, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """(U) of a factor at one point of its plates, with D b as a term free of the value."""

    factor: str
    base: Term
    entropy: Term
    divergence: Term
    base_change: Term


@dataclass(frozen=True, slots=True)
class MotionWithIdentities:
    """(U) of some factors along one motion; nonzero: what it divides by.

    q_follows: the declared q is closed under the motion.
    """

    motion: MotionClaim
    identities: tuple[IdentityClaim, ...]
    nonzero: tuple[Term, ...] = ()
    q_follows: bool = False


def state_density(statement: Statement) -> DensityClaim:
    """A statement of the model or of q -> its density, as the family and the model say it."""
    given = {symbol.name: array for symbol, array in statement.actual().items()}
    arguments = tuple(
        (name, formal.domain, array)
        for formal, (name, array) in zip(statement.form.arguments, statement.arguments, strict=True)
    )
    support, whole = statement.family.support, statement.node.domain
    narrower = not support.is_integer and type(support) is not type(whole)
    return DensityClaim(
        statement.label,
        statement.node,
        statement.plates,
        statement.places,
        statement.density.term,
        given,
        arguments,
        tuple((c.domain.kind, c.array) for c in statement.conditions),
        support if support.has_ends or narrower else None,
        statement.family.name,
    )
