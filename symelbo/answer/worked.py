"""The result worked out for its reader: every formula of a document, as the passes found it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symelbo.criterion.express_form import FactorForm
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.expfam.form import Block
from symelbo.index.build import ZERO
from symelbo.index.substitute import instantiate
from symelbo.index.terms import Array, Entry, Index, Symbol, Term
from symelbo.model.model import Statement
from symelbo.model.quantities import Definition
from symelbo.notation.names import name_array_indices
from symelbo.values import dataclass, field

__all__ = [
    "Abbreviations",
    "Centred",
    "Moved",
    "Product",
    "Shorthand",
    "Slope",
    "Step",
    "Velocity",
    "Worked",
    "WorkedCase",
    "WorkedFactor",
    "WorkedForm",
    "WorkedIdentity",
    "WorkedJacobian",
    "WorkedMotion",
    "name_velocities",
    "visible",
]

Abbreviations = tuple[tuple[Symbol, Array], ...]  # what a symbol of role ARGUMENT stands for


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


# ---------------------------------------------------------------- the motion


@dataclass(frozen=True, slots=True)
class Velocity:
    """One symbol that moves: its entry, and the velocity of this entry."""

    symbol: Symbol
    indices: tuple[Index, ...]
    velocity: Term

    @property
    def entry(self) -> Entry:
        """theta[indices]"""
        return Entry(self.symbol, self.indices)


def name_velocities(arrays: Mapping[Symbol, Array], avoid: Iterable[str] = ()) -> list[Velocity]:
    """The velocities, with letters for the indices of their symbols."""
    found = []
    for symbol, array in arrays.items():
        indices = name_array_indices(array, avoid).indices
        found.append(Velocity(symbol, indices, instantiate(array, indices)))
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """A latent: its velocity, and the r and s that it is made of."""

    velocity: Array
    rate: Array
    shift: Array


@dataclass(frozen=True, slots=True)
class WorkedMotion:
    """The velocities for reading, and what must not be 0."""

    parameters: Mapping[Symbol, Array]
    latents: Mapping[Symbol, Moved]
    variational: Mapping[Symbol, Array]
    nonzero: tuple[Term, ...] = ()

    def velocities(self) -> dict[Symbol, Array]:
        """symbol -> velocity, of everything that moves."""
        moved = {node: latent.velocity for node, latent in self.latents.items()}
        return {**self.parameters, **self.variational, **moved}


# ---------------------------------------------------------------- the factors


@dataclass(frozen=True, slots=True)
class WorkedIdentity:
    """log p - D log p = b - H~ + d of one factor, its long arguments abbreviated."""

    abbreviations: Abbreviations
    logarithm: Term  # log p
    speeds: tuple[tuple[Term, Term], ...]  # argument, its derivative along the motion
    change: Term  # D log p, by the chain rule
    base: Term
    entropy: Term
    divergence: Term


@dataclass(frozen=True, slots=True)
class Slope:
    """d eta[block] / d parameter[indices]: one block of the Jacobian, for the moved parameters."""

    block: int
    parameter: Symbol
    indices: tuple[Index, ...]
    term: Term


@dataclass(frozen=True, slots=True)
class Product:
    """Line `block` of J times the motion: sums over indices of slope * velocity, and the result.

    result: None where it is eta itself.
    """

    block: int
    summands: tuple[tuple[tuple[Index, ...], Term, Term], ...]
    result: Term | None


@dataclass(frozen=True, slots=True)
class Centred:
    """pi_i (eta_i - sum_j pi_j eta_j), which the velocity of a simplex pi is."""

    symbol: Symbol
    index: Index
    other: Index


def visible(blocks: Sequence[Block]) -> list[int]:
    """The blocks whose natural parameter does not vanish identically, or all."""
    return [n for n, b in enumerate(blocks) if b.natural != ZERO] or list(range(len(blocks)))


@dataclass(frozen=True, slots=True)
class WorkedJacobian:
    """The Jacobian by the parameters that move, its product with the motion, and of simplexes
    that the motion is tangent to them.
    """

    entries: tuple[Slope, ...]
    products: tuple[Product, ...]
    tangent: tuple[Velocity, ...]
    centred: Centred | None


@dataclass(frozen=True, slots=True)
class WorkedForm:
    """The exponential-family form, its long arguments abbreviated; slopes: of the form itself."""

    form: FactorForm
    abbreviations: Abbreviations
    blocks: tuple[Block, ...]
    log_partition: Term
    log_base: Term
    slopes: tuple[Slope, ...] = ()
    jacobian: WorkedJacobian | None = None


@dataclass(frozen=True, slots=True)
class WorkedCase:
    """One case of a certificate: what the weights leave, and the factors in which nothing moves."""

    matrix: tuple[tuple[Term, ...], ...]
    idle: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkedFactor:
    """What a document shows of one factor; nonzero: what the motion that it feels divides by."""

    identity: WorkedIdentity | None = None
    form: WorkedForm | None = None
    cases: tuple[WorkedCase, ...] = ()
    nonzero: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Shorthand:
    """Names of what is repeated in long formulas, which are printed by these.

    definitions: what each stands for, in terms of those before it; entries: part of a formula ->
    the name that is printed for it, at its places.
    """

    definitions: Abbreviations = ()
    entries: Mapping[Term, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worked:
    """The whole result; posterior: with precision and entropy for reading.

    process, declared: the statements of the model and of q in the names of the user's quantities,
    among the definitions of these.
    """

    motion: WorkedMotion
    alternative: WorkedMotion | None
    factors: tuple[WorkedFactor, ...]
    posterior: ExactPosterior | None
    steps: tuple[Step, ...]
    shorthand: Shorthand = Shorthand()
    process: tuple[Statement | Definition, ...] = ()
    declared: tuple[Statement | Definition, ...] = ()
