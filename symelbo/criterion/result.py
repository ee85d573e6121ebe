"""What the criterion answers for each factor, and for the model as a whole."""

from __future__ import annotations

from enum import Enum

from symelbo.certify.certificate import Certificate
from symelbo.criterion.factor import Factor
from symelbo.criterion.identity import Identity
from symelbo.criterion.motion import Motion
from symelbo.index.terms import Term
from symelbo.values import dataclass, field

__all__ = [
    "Closure",
    "Decision",
    "Holds",
    "Outside",
    "Refuted",
    "Result",
    "Undecided",
]


@dataclass(frozen=True, slots=True)
class Holds:
    """(U) holds of the factor along the motion of its component."""

    factor: Factor
    identity: Identity
    motion: Motion
    nonzero: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuted:
    """No motion satisfies (U) of the factor, alone or together with the factors in `joint`."""

    factor: Factor
    certificate: Certificate
    factors: tuple[Factor, ...]  # all that the certificate is about
    cause: str
    remedy: str = ""

    @property
    def joint(self) -> tuple[str, ...]:
        """The other factors that take part."""
        return tuple(f.name for f in self.factors if f.name != self.factor.name)


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither a motion nor a certificate was found; the residual would have to vanish."""

    factor: Factor
    residual: Term
    missing: str


@dataclass(frozen=True, slots=True)
class Outside:
    """The criterion does not apply: the support depends on a parameter; or the factor is no
    exponential family in any of its arguments, and (U) fails (certificate).
    """

    factor: Factor
    reason: str
    piece: Term | None
    certificate: Certificate | None = None
    factors: tuple[Factor, ...] = ()


Result = Holds | Refuted | Undecided | Outside


class Closure(Enum):
    """How the family of q is known to follow the motion of the latents, to first order."""

    NOT_NEEDED = "not needed"  # no latent moves, and q names nothing that moves
    ASSUMED = "assumed"  # q is any family: a condition of the result
    EXACT = "exact posterior"  # F is stationary in q in every direction
    SHOWN = "shown"  # a motion of q's own parameters was found and checked
    BROKEN = "not shown"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for a model.

    motion: one for all factors that hold; closure: of q under it, with the statements that break
    it; alternative: the same sum by theorem 1, with a latent motion, where the main result is by
    theorem 2 without one.
    """

    results: tuple[Result, ...]
    motion: Motion = field(default_factory=Motion)
    closure: Closure = Closure.NOT_NEEDED
    broken: tuple[str, ...] = ()
    nonzero: tuple[Term, ...] = ()
    alternative: Decision | None = None

    @property
    def holds(self) -> bool:
        """Whether (U) holds of every factor along the motion."""
        return all(isinstance(result, Holds) for result in self.results)

    @property
    def by_theorem_1(self) -> bool:
        """Whether (U) holds of every factor with a constant base measure."""
        return all(isinstance(r, Holds) and r.identity.is_entropy for r in self.results)
