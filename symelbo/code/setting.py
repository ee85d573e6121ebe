"""What the functions of one module share: names, sizes, the form of q, and what is known."""

from __future__ import annotations

import keyword
from functools import cached_property

from symelbo.answer.derivation import Derivation
from symelbo.code.chain_of_q import Chain, find_chain
from symelbo.code.facts import find_facts
from symelbo.code.function_values import FunctionValues
from symelbo.code.moments_of_q import MomentsOfQ, find_moments_of_q, rows_of
from symelbo.code.ops import Axes
from symelbo.entropy.summand import EntropySum
from symelbo.index.build import category_extent
from symelbo.index.domains import Real, Simplex
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import (
    Array,
    Constant,
    Entry,
    Extent,
    Index,
    Mul,
    Number,
    Origin,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.values import dataclass

__all__ = ["Setting", "Variable", "fresh"]

_RESERVED = frozenset(
    (
        *keyword.kwlist,
        *("np", "xp", "special", "real", "math", "float", "sizes"),
        *("self", "sums", "statistics", "Statistics", "Terms"),
    )
)


@dataclass(frozen=True, slots=True)
class Variable:
    """What holds a symbol in a function: its axes are `batch`, and then those of the symbol.

    shared: it varies with the samples alone, so that its axis of data points is of length one
    where all data points share the samples.
    """

    symbol: Symbol
    batch: Axes = ()
    shared: bool = False


class Setting:
    """What the functions of one module share.

    names, sizes: symbols and sizes of the model -> their names in the module, where no two are
    equal and none is reserved; data, samples: the axes of the module alone; sets: the length of
    the axis of data points of what varies with samples, which is one where these are shared;
    mixture: the axis of the categories, if the only latent is one category; over: that axis, or
    the axis of samples; values: of the abstract functions; variables: the arguments of the
    functions; chain: q by the marginals of neighbours, if it is any and that is enough;
    variational: what the caller gives of q.
    """

    def __init__(self, derivation: Derivation) -> None:
        assert derivation.entropy_sum is not None
        self.derivation = derivation
        self.model = derivation.model
        self.entropy_sum: EntropySum = derivation.entropy_sum
        self.chain: Chain | None = find_chain(self.model)
        nodes = dict.fromkeys(statement.node for statement in self.model.statements)
        self.observed = tuple(s for s in nodes if s.role is Role.OBSERVED)
        self.latents = tuple(s for s in nodes if s.role is Role.LATENT)
        self.variational = self.model.variational_symbols
        if self.chain is not None:
            self.variational = self.chain.symbols
        self.values = FunctionValues(self.model)
        self.functions = tuple(self.values.shown)
        self.taken = set(_RESERVED)
        self.names: dict[Symbol, str] = {}
        for symbol in (
            *self.model.parameters,
            *self.model.constants,
            *self.model.inputs,
            *self.functions,
            *self.variational,
            *(node for node in nodes if self.chain is None or node != self.chain.node),
        ):
            self.names[symbol] = self._take(symbol.name)
        self.sizes = {name: self._take(name) for name in self.model.sizes}
        self.data, self.samples = self._axis("n", "N"), self._axis("s", "S")
        self.sets = self._take("sets")
        self.sizes[self.sets] = self.sets
        self.q_name = self._take("q")
        self.entropy_q_name = self._take("entropy_q")
        self.weights_name = self._take("weights")
        self.mixture = self._find_mixture()
        self.over = self.mixture or self.samples
        exact = self.model.variational == "exact"
        declared = not isinstance(self.model.variational, str)
        self.computes_q = self.mixture is not None and (exact or declared)
        self.facts = find_facts(self.model)
        self.closed: dict[str, bool] = {}  # factor -> whether its mean under q needs no samples
        self.variables = {symbol: self._variable(symbol) for symbol in self.names}

    @cached_property
    def moments(self) -> MomentsOfQ | None:
        """Those of a declared q, where they have a closed form."""
        return find_moments_of_q(self.model)

    @property
    def weights(self) -> Symbol:
        """The weights of q, over data points and samples or categories."""
        name = self.q_name if self.mixture is not None else self.weights_name
        shape = (self.data.extent, self.over.extent)
        return Symbol(name, Role.ARGUMENT, Simplex(), shape)

    @property
    def entropy_q(self) -> Symbol:
        """The mean entropy of q, where the caller gives it."""
        return Symbol(self.entropy_q_name, Role.ARGUMENT, Real())

    def _variable(self, symbol: Symbol) -> Variable:
        """The argument that holds a symbol of the model."""
        by_data = symbol.role in (Role.INPUT, Role.OBSERVED, Role.VARIATIONAL)
        by_latents = symbol.role is Role.LATENT
        if symbol in self.functions:
            by_data, by_latents = self.values.reads(symbol)
        shared = by_latents and not by_data and self.mixture is None
        batch: Axes = (self.data,) if by_data or shared else ()
        batch = (*batch, self.over) if by_latents else batch
        shape = (*(axis.extent for axis in batch), *symbol.shape)
        variable = Symbol(self.names[symbol], symbol.role, symbol.domain, shape)
        return Variable(variable, batch, shared)

    def _axis(self, name: str, size: str) -> Index:
        """An axis that no model has; its size has a name that is free in the module."""
        size = self._take(size)
        self.sizes[size] = size
        return Index(name, Extent(size), origin=Origin.PLANNED)

    def _take(self, name: str) -> str:
        name = fresh(name, self.taken)
        self.taken.add(name)
        return name

    def _find_mixture(self) -> Index | None:
        if len(self.model.latents) != 1:
            return None
        (statement,) = self.model.latents
        if not statement.node.domain.is_place or statement.node.shape:
            return None
        extent = category_extent(statement.node.domain)
        assert extent is not None
        return Index(statement.node.name, extent, origin=Origin.PLANNED)

    def bounds(self, symbol: Symbol) -> tuple[Term | None, Term | None]:
        """The least and the greatest value, where a check can state them."""
        lower, upper = dict(self.facts.bounds).get(symbol, (None, None))
        return self._bound(lower), self._bound(upper)

    def total(self, symbol: Symbol) -> Term | None:
        """The sum of counts, where a check can state it."""
        return self._bound(dict(self.facts.totals).get(symbol))

    def bounding(self, symbol: Symbol) -> frozenset[Symbol]:
        """The symbols that bound the values of another one."""
        arrays = [*dict(self.facts.bounds).get(symbol, ()), dict(self.facts.totals).get(symbol)]
        return frozenset().union(*(symbols_of(array) for array in arrays if array is not None))

    def _bound(self, array: Array | None) -> Term | None:
        """A size, a number, or an argument that broadcasts over the places; else nothing."""
        if array is None:
            return None
        match array.body:
            case Number() | Size() | Constant("pi"):
                return array.body
            case Mul((Number(value), Constant("pi"))) if value == -1:
                return array.body
            case Entry(other, places) if other in self.names:
                last = array.indices[len(array.indices) - len(places) :]
                whole = tuple(i.extent for i in last) == other.shape
                variable = self.variables[other].symbol
                return Entry(variable, rows_of(variable, "i")) if places == last and whole else None
        return None

    def renamed(self) -> tuple[tuple[str, str], ...]:
        """(name in the spec, name in the module) where they differ."""
        pairs = [(symbol.name, name) for symbol, name in self.names.items()]
        pairs += [(size, self.sizes[size]) for size in self.model.sizes]
        return tuple((old, new) for old, new in pairs if old != new)


def fresh(name: str, taken: set[str]) -> str:
    """The name, with underscores appended until it is free."""
    while name in taken:
        name += "_"
    return name
