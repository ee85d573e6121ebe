"""The resolved form of a family: its log-density as a term, read once and used by all passes."""

from __future__ import annotations

from symelbo.index.terms import Symbol, Term
from symelbo.values import dataclass

__all__ = ["Density"]


@dataclass(frozen=True, slots=True)
class Density:
    """log p(value; arguments) as a term in Entry(value, ...) and Entry(argument, ...), in nats.

    The extents are those of the statement that uses the family; a category value stands in index
    places as Entry(value).
    """

    value: Symbol  # role VALUE, domain = the family's support
    arguments: tuple[Symbol, ...]  # role ARGUMENT, in the order of the form
    term: Term
