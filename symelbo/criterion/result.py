"""What the criterion answers: a solution, a certificate against one, or what was left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symelbo.criterion.factor import Factor
from symelbo.index.terms import Array, Symbol, Term
from symelbo.verify.certificate import Certificate

__all__ = ["Outside", "Refutation", "Result", "Solution", "Undecided"]


@dataclass(frozen=True, slots=True)
class Solution:
    """eta = J beta for all parents: the field beta on the parameters it moves.

    rejected: why the stronger base measures were not taken; nonzero: what must not vanish.
    """

    factor: Factor
    field: Mapping[Symbol, Array]
    nonzero: tuple[Term, ...] = ()
    rejected: tuple[str, ...] = ()
    reparameterized: bool = False


@dataclass(frozen=True, slots=True)
class Refutation:
    """No field exists at an admissible point; certificate None: the factor has no parameters."""

    factor: Factor
    certificate: Certificate | None
    cause: str
    remedy: str
    joint: tuple[str, ...] = ()  # the other factors whose shared parameters take part


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither a field nor a certificate was found; the residual would have to vanish."""

    factor: Factor
    residual: Term
    missing: str


@dataclass(frozen=True, slots=True)
class Outside:
    """The factor is no exponential family in its parameters.

    decided: False if no separation was found but none was excluded either.
    """

    node: str
    family: str
    reason: str
    piece: Term | None
    decided: bool = True


Result = Solution | Refutation | Undecided | Outside
