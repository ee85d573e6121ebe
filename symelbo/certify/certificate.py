"""Refutations as data: weights on finitely many points that no motion survives.

What they have to satisfy is checked by `symelbo.checker.refutation`.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from symelbo.index.terms import Array, Symbol, Term
from symelbo.values import dataclass

__all__ = [
    "Case",
    "Certificate",
    "CertificateRow",
    "Given",
    "Moved",
    "Place",
    "Unknown",
    "What",
]

Place = tuple[str, tuple[int, ...]]
Given = tuple[tuple[Place, Fraction], ...]
Moved = tuple[Place, int]  # a latent entry, at one of the values of the inputs


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """(U) of one factor at one point, with its weight in each of the combinations.

    place: the values of the factor's plate indices; point: which parameter value; inputs: which
    value of the inputs; parents and value: what the nodes are.
    """

    factor: str
    place: tuple[int, ...]
    point: int
    inputs: int
    parents: Given
    value: Given
    weights: tuple[Fraction, ...]


class What(Enum):
    """What an unknown is of a symbol, or of a factor: the c of its base measure."""

    VELOCITY = "velocity"
    RATE = "rate"
    SHIFT = "shift"
    BASE = "base"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that a combination of rows may leave: a velocity at a parameter value, r or s at
    one and a value of the inputs, or the factor c of the base measure of a latent that moves, at a
    value of the inputs.

    point, inputs: None where it is the same for all.
    """

    what: What
    of: str
    place: tuple[int, ...]
    point: int | None
    inputs: int | None

    @property
    def name(self) -> str:
        """velocity of v"""
        return f"{self.what.value} of {self.of}"


@dataclass(frozen=True, slots=True)
class Case:
    """Rows that contradict (U) if the entries in `moving` move at some of the parameter values and
    those in `resting` at none; each at one value of the inputs.

    shifted: those of `moving` that are real and have r = 0 at all parameter values; the other real
    ones have r different from 0 at some.

    matrix: one line for each combination of the rows: what it leaves of the unknowns, and last the
    weighted sum of log p.  It is square, and its determinant is not 0; without unknowns it is one
    number.  dependent: other unknowns, which occur in the same combination of these everywhere; its
    coefficients are numbers in closed form.
    """

    moving: tuple[Moved, ...]
    resting: tuple[Moved, ...]
    rows: tuple[CertificateRow, ...]
    unknowns: tuple[Unknown, ...]
    matrix: tuple[tuple[Term, ...], ...]
    dependent: tuple[tuple[Unknown, tuple[Term, ...]], ...] = ()
    shifted: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything needed to see that no motion satisfies (U), and nothing else.

    functions: what is put for the abstract ones; constants, points and inputs: known numbers, the
    values of the parameters, and those of the inputs; still: that no latent may move is given
    (`reparameterize: never`).
    """

    sizes: tuple[tuple[str, int], ...]
    functions: tuple[tuple[Symbol, tuple[Symbol, ...], Array], ...]  # f, formal arguments, result
    constants: Given
    points: tuple[Given, ...]
    inputs: tuple[Given, ...]
    cases: tuple[Case, ...]
    still: bool = False
