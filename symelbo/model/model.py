"""A model, read and checked: the frozen value that every later pass starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from symelbo.errors import Place
from symelbo.families.density import Density
from symelbo.families.family import Family, Form
from symelbo.index.signs import place_bounds
from symelbo.index.substitute import formal_indices, replace_symbols, symbols_of
from symelbo.index.terms import (
    Array,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Node,
    Offset,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.values import dataclass, field, replace

__all__ = ["Condition", "Model", "OwnFamily", "Place", "Statement", "Unused", "tell_apart"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something the specification does not imply and the result needs, e.g. 0 < p < 1."""

    text: str  # as the user would write it: "0 < w*z[h] + 1/2 < 1 for h in 1:H"
    reason: str  # "p of Bernoulli at z"
    place: Place
    array: Array  # what it is about, in the plate indices of its statement
    domain: Domain  # that the array has to lie in


@dataclass(frozen=True, slots=True)
class Statement:
    """node[plates] ~ family(arguments), independent over the plates given the parents.

    node.shape = plate extents followed by event extents.  An argument is an Array over its event
    indices (a scalar argument has none) whose body may use the plate indices; deterministic nodes
    are inlined.  A discrete parent that selects stands as an Entry in an index place.
    """

    node: Symbol
    plates: tuple[Index, ...]
    family: Family
    form: Form
    arguments: tuple[tuple[str, Array], ...]  # in the order of form.arguments
    extents: tuple[tuple[str, Extent], ...]  # formal extent of the family -> extent here
    density: Density = field(repr=False, compare=False)  # of a value with its support here
    place: Place
    places: tuple[IndexTerm, ...] = ()  # as on the left of `~`: plate indices, z[1], z[t+1]
    conditions: tuple[Condition, ...] = ()  # on its arguments
    shows_ranges: bool = False  # where another statement of the node has the same indices

    @property
    def label(self) -> str:
        """The node's name, with its places where the statement does not cover the whole array.

        z[1], z[t]; where indices do not tell the statements apart, their ranges: z[1:2], z[3:T].
        """
        covered = all(
            isinstance(place, Index) and place.low == 1 and place.extent == extent
            for place, extent in zip(self.places, self.node.shape, strict=False)
        )
        if covered:
            return self.node.name
        show = _show_range if self.shows_ranges else _show_place
        return f"{self.node.name}[{','.join(map(show, self.places))}]"

    def argument(self, name: str) -> Array:
        """The actual argument called `name`; KeyError if the form has none."""
        return dict(self.arguments)[name]

    def actual(self) -> dict[Symbol, Array]:
        """formal symbol of `density` -> what stands there: every argument, and the node."""
        value = self.density.value
        events = formal_indices(value.shape, "v")
        arrays = (array for _, array in self.arguments)
        return {
            **dict(zip(self.density.arguments, arrays, strict=True)),
            value: Array(events, Entry(self.node, (*self.places, *events))),
        }

    @property
    def log_density(self) -> Term:
        """log p(node | parents) at one point of the plates, in the model's symbols; nats."""
        return replace_symbols(self.density.term, self.actual())


def _show_place(place: IndexTerm) -> str:
    match place:
        case Index(name, _, _):
            return name
        case Offset(index, by):
            return f"{index.name}{by:+d}"
        case Position(extent):
            return str(extent)
    raise ValueError("a node cannot be a place on the left")


def _show_range(place: IndexTerm) -> str:
    ends = place_bounds(place)
    if ends is None or ends[0] == ends[1]:
        return _show_place(place)
    return f"{ends[0]}:{ends[1]}"


def tell_apart(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements, each with a label of its own."""
    labels = Counter(statement.label for statement in statements)
    return tuple(replace(s, shows_ranges=labels[s.label] > 1) for s in statements)


def _entries_in(term: Term) -> Counter[Symbol]:
    """How often each quantity stands in a term, as it is written."""
    known: dict[Node, Counter[Symbol]] = {}

    def visit(node: Node) -> Counter[Symbol]:
        if node not in known:
            named = isinstance(node, Entry) and node.symbol.role is Role.ARGUMENT
            start = Counter([node.symbol] if isinstance(node, Entry) and named else ())
            known[node] = sum(map(visit, node.parts()), start)
        return known[node]

    return visit(term)


@dataclass(frozen=True, slots=True)
class OwnFamily:
    """A family that the specification states, its density resolved; its extents are sizes here."""

    family: Family
    extents: tuple[tuple[str, Extent], ...]  # of its arguments, by their text: D, C-1, 3
    density: Density
    place: Place  # of the log-density

    @property
    def form(self) -> Form:
        """The one way to write its arguments."""
        (form,) = self.family.forms
        return form


@dataclass(frozen=True, slots=True)
class Unused:
    """A declared quantity on which no density depends, of the model or of q."""

    name: str
    what: str  # a parameter, a constant, an input, a function
    place: Place


@dataclass(frozen=True, slots=True)
class Model:
    """A generative model, as the specification states it (spec-language contract)."""

    name: str
    stem: str  # file name without suffix; names the output folder and the Python module
    sizes: tuple[str, ...]
    parameters: tuple[Symbol, ...]
    constants: tuple[Symbol, ...]
    inputs: tuple[Symbol, ...]
    functions: tuple[Symbol, ...]
    statements: tuple[Statement, ...]  # in topological order, parents first
    observed: tuple[str, ...]
    variational: str | tuple[Statement, ...]  # "any", "exact", or statements for q
    variational_symbols: tuple[Symbol, ...] = ()  # role VARIATIONAL, from the statements for q
    reparameterize: str = "auto"  # or "never"
    reference: str = ""
    description: str = ""
    conditions: tuple[Condition, ...] = ()
    unused: tuple[Unused, ...] = ()
    families: tuple[OwnFamily, ...] = ()  # the user's own
    definitions: tuple[tuple[Symbol, Array], ...] = ()  # of deterministic quantities, inner first
    formulas: tuple[tuple[Symbol, Array], ...] = ()  # the same, each in the names of the others
    written: Mapping[Term, Term] = field(default_factory=dict)  # an argument -> it in these names
    normalized: Mapping[str, object] = field(default_factory=dict)  # the spec, for the JSON
    sha256: str = ""  # of the bytes of the specification

    @property
    def quantities(self) -> tuple[tuple[Symbol, Array], ...]:
        """The deterministic quantities that one statement defines, and so one formula."""
        statements = Counter(symbol for symbol, _ in self.definitions)
        return tuple(pair for pair in self.definitions if statements[pair[0]] == 1)

    @property
    def quantity_uses(self) -> Counter[Symbol]:
        """How often each stands in the statements of the model and in other quantities."""
        arguments = (array for statement in self.statements for _, array in statement.arguments)
        written = [self.written.get(array.body, array.body) for array in arguments]
        terms = [*written, *(array.body for _, array in self.formulas)]
        return sum(map(_entries_in, terms), Counter())

    @property
    def declared(self) -> tuple[Statement, ...]:
        """The statements of q; none where q is any or exact."""
        return () if isinstance(self.variational, str) else self.variational

    @property
    def all_statements(self) -> tuple[Statement, ...]:
        """The statements of the model, then those of q."""
        return (*self.statements, *self.declared)

    @property
    def named_by_q(self) -> frozenset[Symbol]:
        """What the statements of q mention."""
        arrays = (array for statement in self.declared for _, array in statement.arguments)
        return frozenset().union(*map(symbols_of, arrays))

    @property
    def latents(self) -> tuple[Statement, ...]:
        """Statements of nodes that are not data, parents first."""
        return tuple(s for s in self.statements if s.node.role is Role.LATENT)
