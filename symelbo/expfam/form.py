"""The exponential-family form of a density, as data.

    p(v | a) = h(v) exp( sum_k eta_k(a)' T_k(v) - A(a) )

Blocks are scalars, vectors or (symmetric, half-vectorised) matrices of natural parameters.
"""

from __future__ import annotations

from enum import Enum

from symelbo.families.density import Density
from symelbo.index.terms import Index, Symbol, Term
from symelbo.values import dataclass

__all__ = ["Block", "ExponentialForm", "Gauge", "Inseparable", "Separation"]


class Gauge(Enum):
    """Which base measure a form uses; strongest first (Luecke & Warnken, Theorems 1 and 2)."""

    CONSTANT = "constant"  # h = 1
    TEXTBOOK = "textbook"  # what the separated log-density leaves to the value alone
    SHIFTED = "shifted"  # textbook, and a known constant moved from eta into h


@dataclass(frozen=True, slots=True)
class Block:
    """One block eta_k[indices] with its statistic T_k[indices]; symmetric: half-vectorised."""

    indices: tuple[Index, ...]
    natural: Term
    statistic: Term
    symmetric: bool = False


@dataclass(frozen=True, slots=True)
class ExponentialForm:
    """blocks, A and log h, in the density's value and its moving arguments."""

    density: Density
    moving: tuple[Symbol, ...]
    blocks: tuple[Block, ...]
    log_partition: Term
    log_base: Term
    gauge: Gauge


@dataclass(frozen=True, slots=True)
class Separation:
    """The forms that a density admits, strongest base measure first; never empty."""

    forms: tuple[ExponentialForm, ...]


@dataclass(frozen=True, slots=True)
class Inseparable:
    """No finite separation into parameter times statistic was found: the reason, and the piece.

    searched: the reason is that the rules found none (not that none is possible).
    """

    reason: str
    piece: Term | None
    searched: bool = False
