"""The entropy sum as data: signed summands, each with what it is averaged over."""

from __future__ import annotations

from enum import Enum

from symelbo.index.build import ZERO, add, negate
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Index, Role, Symbol, Term
from symelbo.index.tidy import sum_over
from symelbo.values import dataclass

__all__ = ["Average", "EntropySum", "Kind", "Summand", "varying"]


class Kind(Enum):
    """What a summand is."""

    OF_Q = "entropy of q"
    ENTROPY = "entropy"
    PSEUDO_ENTROPY = "pseudo_entropy"  # relative to a base measure that is not constant
    BASE = "base measure"  # b, its logarithm
    REMAINDER = "cross-entropy"  # E log p_f of a factor without an entropy
    MERGED = "merged"  # several of these, what cancels cancelled


class Average(Enum):
    """How a summand is averaged."""

    NONE = "none"  # it is the same for all data points and latents
    DATA = "mean"  # over the data points
    Q = "E_q"  # under q, then over the data points


def varying(term: Term) -> tuple[Symbol, ...]:
    """What of a term changes with the data point or under q, by name."""
    roles = (Role.LATENT, Role.OBSERVED, Role.INPUT, Role.VARIATIONAL)
    return tuple(sorted((s for s in symbols_of(term) if s.role in roles), key=lambda s: s.name))


@dataclass(frozen=True, slots=True)
class Summand:
    """sign * average of a term, nats per data point.

    nodes: the factors that it is of, none for H[q]; over: what it is averaged over; term: summed
    over the plates, canonical, None where it stays H[q_n] or E log p_f; pointwise: the same at one
    point of the plates, for reading, in which a long argument of the family is abbreviated by a
    symbol of role ARGUMENT over the plates (and event indices); abbreviations: what these symbols
    stand for.
    """

    kind: Kind
    sign: int
    nodes: tuple[str, ...]
    over: tuple[Symbol, ...]
    term: Term | None
    pointwise: Term | None = None
    plates: tuple[Index, ...] = ()
    abbreviations: tuple[tuple[Symbol, Array], ...] = ()

    @property
    def node(self) -> str:
        """The factor, of a summand of a single one."""
        (node,) = self.nodes
        return node

    @property
    def known(self) -> Term:
        """The canonical term, of a summand that has one."""
        assert self.term is not None
        return self.term

    @property
    def display(self) -> Term:
        """The sum over the plates, for reading, without its sign."""
        assert self.pointwise is not None
        return sum_over(self.plates, self.pointwise)

    @property
    def written_out(self) -> Term:
        """What is read, with what is abbreviated written out."""
        shown = replace_symbols(self.display, dict(self.abbreviations))
        # the entropy of an abstract family is a name of its own
        return shown if _functions(shown) <= _functions(self.known) else self.known

    @property
    def signed(self) -> Term:
        """What is read, written out and with its sign."""
        return self.written_out if self.sign > 0 else negate(self.written_out)

    @property
    def is_entropy(self) -> bool:
        """Whether it is the entropy or pseudo-entropy of a factor."""
        return self.kind in (Kind.ENTROPY, Kind.PSEUDO_ENTROPY)

    @property
    def average(self) -> Average:
        """How it is averaged."""
        if any(symbol.role is Role.LATENT for symbol in self.over):
            return Average.Q
        if self.over or self.term is None:
            return Average.DATA
        return Average.NONE


def _functions(term: Term) -> set[Symbol]:
    return {symbol for symbol in symbols_of(term) if symbol.role is Role.FUNCTION}


@dataclass(frozen=True, slots=True)
class EntropySum:
    """S = mean H[q] - sum_f E_qbar H_f (+ sum_f mean E b_f), nats per data point.

    summands: as the theorem has them, factor by factor; printed: the same sum for reading, in
    which what cancels is cancelled and what is repeated is merged.  Both are to be summed up.
    """

    summands: tuple[Summand, ...]
    printed: tuple[Summand, ...]

    def of(self, *kinds: Kind) -> tuple[Summand, ...]:
        """The theorem's summands of these kinds."""
        return tuple(summand for summand in self.summands if summand.kind in kinds)

    @property
    def entropies(self) -> tuple[Summand, ...]:
        """Those of the factors, in their order."""
        return self.of(Kind.ENTROPY, Kind.PSEUDO_ENTROPY)

    @property
    def by_factor(self) -> dict[str, Summand]:
        """The factors that hold -> the entropy of each."""
        return {summand.node: summand for summand in self.entropies}

    @property
    def abbreviations(self) -> tuple[tuple[Symbol, Array], ...]:
        """What the names in `printed` stand for, each once."""
        pairs = (pair for summand in self.printed for pair in summand.abbreviations)
        return tuple(dict.fromkeys(pairs))

    @property
    def bases(self) -> tuple[Summand, ...]:
        """b, the log base measures that are not constant."""
        return self.of(Kind.BASE)

    @property
    def remainders(self) -> tuple[str, ...]:
        """The factors without an entropy, of a partial result."""
        return tuple(summand.node for summand in self.of(Kind.REMAINDER))

    @property
    def q_entropy(self) -> Term | None:
        """H[q_n] in closed form, None if it stays H[q_n]; 0 without latents."""
        found = self.of(Kind.OF_Q)
        return found[0].term if found else ZERO

    @property
    def q_depends_on_data(self) -> bool:
        """Whether H[q_n] is known to vary with n, or not known not to."""
        return any(s.average is not Average.NONE for s in self.of(Kind.OF_Q))

    @property
    def closed_form(self) -> Term | None:
        """The whole sum where it depends on parameters alone (no q, no data)."""
        if any(summand.average is not Average.NONE for summand in self.printed):
            return None
        return add(*(summand.signed for summand in self.printed))
