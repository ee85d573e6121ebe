"""What a family is: its log-density and its domain, nothing else.

Natural parameters, sufficient statistics, log-partition, base measure, mean parameters, entropies
and the radial field are derived from this declaration by `symelbo.expfam`.
"""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.build import category_extent, extent_length
from symelbo.index.terms import Domain, Extent
from symelbo.values import dataclass

__all__ = ["Argument", "Family", "Form"]


@dataclass(frozen=True, slots=True)
class Argument:
    """A formal argument; `shape` names its event extents, e.g. ("K",) for a vector of K entries.

    constant: must be known and the same for all parents (a number of trials); above: ("K", -1) if
    it has to exceed K - 1; zeros: of a simplex, entries may be 0, where the density has a limit.
    """

    name: str
    domain: Domain
    shape: tuple[str, ...] = ()
    constant: bool = False
    above: tuple[str, int] | None = None
    zeros: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write the arguments, with the log-density in them (the language of the specs).

    The value is called by the family's `value`; formal extents may be used as ranges and numbers.
    """

    arguments: tuple[Argument, ...]
    log_density: str


@dataclass(frozen=True, slots=True)
class Family:
    """A named family of densities.

    support: domain of the value (its entries, if it has event extents), its ends in the arguments
    and formal extents: 1..Size("K") of a category;
    shape: formal event extents of the value, () for a scalar;
    forms: the first is the positional one;
    abstract: an exponential family known only to exist (the paper's Propositions 4 and 5).
    """

    name: str
    summary: str
    value: str
    support: Domain
    forms: tuple[Form, ...]
    shape: tuple[str, ...] = ()
    reference: str = ""
    abstract: bool = False
    constant_base_measure: bool = True  # of an abstract family: what is assumed
    builtin: bool = True

    @property
    def functions(self) -> dict[str, str]:
        """The names of eta, T, A and h of an abstract family, and of H, its entropy."""
        return {letter: f"{letter}_{self.name}" for letter in ("eta", "T", "A", "h", "H")}

    @property
    def categories(self) -> str:
        """The formal extent that counts the categories; "" if the value is none."""
        extent = category_extent(self.support)
        return "" if extent is None or extent.size is None else extent.size

    def support_of(self, extents: Mapping[str, Extent]) -> Domain:
        """The support, its formal extent in it replaced by the one here where that is known."""
        if self.categories not in extents:
            return self.support.with_ends(None, None) if self.categories else self.support
        return self.support.with_ends(None, extent_length(extents[self.categories]))
