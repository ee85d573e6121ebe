"""A function while it is planned: variables with their axes, assignments, and means of terms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress

from symelbo.code.ops import FUNCTIONS, Axes
from symelbo.code.plan import Assignment, Average, Unsupported, Value, symbols_in
from symelbo.code.rearrange import map_unfolded, own_places, pull_out, swap_term
from symelbo.code.setting import Setting, Variable, fresh
from symelbo.code.stable_form import settle, stable_form
from symelbo.code.stable_rules import WHOLE
from symelbo.entropy.sum_entropies import SHORT_NAMES
from symelbo.index.build import call
from symelbo.index.domains import Positive, Real
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.name_residuals import name_residuals
from symelbo.index.normal import normal_array
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    count_subterms,
    depth_of,
    free_indices,
    instantiate,
    replace_index,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Apply,
    Array,
    Call,
    Domain,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Node,
    Origin,
    Role,
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.tidy import sum_over
from symelbo.limits import NAMED_FROM, NEAR_SUBTERMS, REPEATED_FROM, SHORT_SUBTERMS, WRITTEN_DEPTH
from symelbo.model.model import Statement
from symelbo.values import dataclass, field

__all__ = ["Draft", "may_be_infinite", "plain_name"]

_LINKS = frozenset(("exp", "sigmoid", "softplus", "tanh"))
_MAY_BE_INFINITE = frozenset(("logzero", "xlogy"))


@dataclass
class Draft:
    """The assignments of one function.

    A term of the model becomes a placed one by `place`; what is written is placed.
    given: latent -> what stands for it now (its category's axis, its mean), empty for samples.
    """

    setting: Setting
    statements: list[Assignment] = field(default_factory=list)
    given: Mapping[Symbol, Array] = field(default_factory=dict)
    pending: str = ""  # the comment on the next assignment
    variables: dict[Symbol, Variable] = field(default_factory=dict)
    infinite: set[Symbol] = field(default_factory=set)  # variables that may be minus infinity
    by_data: set[Symbol] = field(default_factory=set)  # variables that vary with the data
    _matrices: dict[Array, Variable] = field(default_factory=dict)  # normal array -> its variable
    _placed: dict[Term, Term] = field(default_factory=dict)
    _common: dict[Array, str] = field(default_factory=dict)  # what is repeated -> its name
    _shared: dict[tuple[str, Array], Symbol] = field(default_factory=dict)
    _assigned: dict[tuple[str, Term], Entry] = field(default_factory=dict)
    apart: bool = False  # whether residuals stay written out, since data parts are taken apart
    written_out: Callable[[Term], bool] | None = None  # and which arguments of families do
    _quantities: dict[object, KnownArrays] = field(default_factory=dict)  # by what is given
    _settled: dict[object, KnownArrays] = field(default_factory=dict)  # those used several times

    def __post_init__(self) -> None:
        setting = self.setting
        self.taken = set(setting.taken)
        self.leading: Axes = (setting.data, setting.over)
        self.variables = dict(setting.variables)
        own = (
            v.symbol for v in self.variables.values() if setting.data in v.batch and not v.shared
        )
        self.by_data = {*own, setting.weights}
        if setting.mixture is not None:
            (latent,) = setting.latents
            del self.variables[latent]
            self.given = {latent: Array((), IndexValue(setting.mixture))}

    # ------------------------------------------------------------------ terms of the model

    def place(self, term: Term) -> Term:
        """A term of the model -> a stable term in the variables, with the axes of data and q.

        requires: latents are samples, or have something `given` for them.
        ensures: the same value at every data point and sample; its free indices are its axes.
        Unsupported where a symbol has no value, or a function no numbers.
        """
        shared = self._share(self.stated(term))
        placed = self._place(self._name_quantities(settle(shared, self.setting.facts)))
        return pull_out(placed, frozenset(self.leading))

    def stated(self, term: Term) -> Term:
        """A term of the model -> the same with what is given for latents, and with values"""
        return replace_symbols(self.setting.values.replace(term), self.given)

    def is_shared(self, placed: Term) -> bool:
        """Whether a placed term has an axis of data points that may be of length one."""
        by_point = self.setting.data in free_indices(placed)
        return by_point and self.by_data.isdisjoint(symbols_of(placed))

    def _name_quantities(self, term: Term) -> Term:
        """A settled term -> the same, in which a quantity that the model uses several times is a
        variable, unless it is the term itself.
        """
        repeated = self._repeated_quantities
        if not repeated.arrays:
            return term
        known: dict[Term, Term] = {}

        def visit(part: Term) -> Term:
            if part not in known:
                entry = None if part is term else repeated.entry_of(part)
                known[part] = map_unfolded(part, visit) if entry is None else self._variable(entry)
            return known[part]

        return visit(term)

    def _variable(self, entry: Entry) -> Term:
        """The variable of a quantity, at the places of an entry."""
        whole = self.quantities.arrays[entry.symbol]
        body = self._share(whole.body)
        domain = Positive() if is_positive(body) else Real()
        named = self.name_array(entry.symbol.name, domain, Array(whole.indices, body))
        return instantiate(named, entry.indices)

    def _place(self, term: Term) -> Term:
        if term not in self._placed:
            self._placed[term] = self._place_parts(term)
        return self._placed[term]

    def _place_parts(self, term: Term) -> Term:
        match term:
            case Entry(symbol, places):
                variable = self.variables.get(symbol)
                if variable is None:
                    raise Unsupported(f"{symbol.name} has no value here")
                own = tuple(map(self._place_index, places))
                return Entry(variable.symbol, (*variable.batch, *own))
            case Inverse(matrix, _, _) | LogDet(matrix) if self._matrices:
                known = self._matrices.get(normal_array(matrix))
                if known is not None:
                    places = (*known.batch, *matrix.indices)
                    whole = Array(matrix.indices, Entry(known.symbol, places))
                    if isinstance(term, LogDet):
                        return LogDet(whole)
                    return Inverse(whole, *map(self._place_index, (term.row, term.column)))
            case Call(name) if name not in FUNCTIONS and name not in _LOWERED:
                raise Unsupported(f"no numeric form of {name}")
            case Apply(function) if function not in WHOLE:
                raise Unsupported(f"{function.name} is an abstract function")
        return map_unfolded(term, self._place, self._place_index)

    def _place_index(self, place: IndexTerm) -> IndexTerm:
        if not isinstance(place, Entry):
            return place
        placed = self._place(place)
        assert isinstance(placed, Entry)
        return placed

    def formal(
        self,
        statement: Statement,
        term: Term,
        plates: tuple[Index, ...] | None = None,
    ) -> Term:
        """A term in a family's symbols -> a term of the model, summed over the plates.

        ensures: arguments that are long and residuals that are repeated are variables.
        """
        plates = statement.plates if plates is None else plates
        mapping: dict[Symbol, Array] = {}
        for symbol, array in statement.actual().items():
            array = Array(array.indices, self.stated(array.body))
            if symbol != statement.density.value and symbol in symbols_of(term):
                array = self._abbreviate_argument(symbol, array, statement.plates)
            mapping[symbol] = array
        term, residuals = (term, {}) if self.apart else name_residuals(term)
        for symbol, array in residuals.items():
            body = replace_symbols(array.body, mapping)
            if _count(term, symbol) > 1:
                whole = Array((*statement.plates, *array.indices), body)
                named = self.name_array(symbol.name, symbol.domain, whole)
                mapping[symbol] = Array(array.indices, named.body)
            else:
                mapping[symbol] = Array(array.indices, body)
        return sum_over(plates, replace_symbols(term, mapping))

    def _abbreviate_argument(self, symbol: Symbol, array: Array, plates: Axes) -> Array:
        """An argument of a family by the name of the user's quantity, or by its own.

        A quantity with a name is one variable at all its places, whatever statements read it.
        """
        entry = self.quantities.entry_of(array.body)
        if entry is None:
            name = SHORT_NAMES.get(symbol.name, symbol.name)
            return self.abbreviate(name, symbol.domain, array, plates)
        name = entry.symbol.name
        if entry.symbol in self._repeated_quantities.arrays:
            whole = self.quantities.arrays[entry.symbol]
            short = self.abbreviate(name, symbol.domain, whole, ())
            if isinstance(short.body, Entry):
                return Array(array.indices, instantiate(short, entry.indices))
        return self.abbreviate(name, symbol.domain, array, plates)

    def know_matrix(self, matrix: Array, variable: Variable) -> None:
        """From here on, what is made of the matrix is made of the variable."""
        self._matrices[normal_array(matrix)] = variable
        self._placed.clear()

    # ------------------------------------------------------------------ variables

    @property
    def quantities(self) -> KnownArrays:
        """Those that the user named, of what is given for the latents."""
        key = tuple(self.given.items())
        if key not in self._quantities:
            pairs = self.setting.model.quantities
            known = KnownArrays()
            for symbol, array in pairs:
                with suppress(Unsupported):  # of an abstract function that nothing reads
                    known.add(symbol, Array(array.indices, self.stated(array.body)))
            self._quantities[key] = known
        return self._quantities[key]

    @property
    def _repeated_quantities(self) -> KnownArrays:
        """Those that stand several times in what the user wrote, in their stable form."""
        key = tuple(self.given.items())
        if key not in self._settled:
            uses = self.setting.model.quantity_uses
            arrays = ((s, a) for s, a in self.quantities.arrays.items() if uses[s] > 1)
            facts = self.setting.facts
            stable = ((s, Array(a.indices, settle(a.body, facts))) for s, a in arrays)
            self._settled[key] = KnownArrays(stable)
        return self._settled[key]

    def abbreviate(
        self, name: str, domain: Domain, array: Array, plates: tuple[Index, ...]
    ) -> Array:
        """A long array by the name of a variable; exp, sigmoid and the like stay in sight.

        Rules for log(sigmoid(a)) and the like only apply where they see the function.
        """
        if count_subterms(array.body) <= SHORT_SUBTERMS:
            return array
        if self.written_out is not None and self.written_out(array.body):
            return array
        array = Array(array.indices, self._share(array.body))
        shown = stable_form(array.body, self.setting.facts)
        links = list(dict.fromkeys(_links_in(shown)))
        around = count_subterms(shown) - sum(count_subterms(link) - 1 for link in links)
        if not links or around > NEAR_SUBTERMS:
            whole = Array((*plates, *array.indices), array.body)
            return Array(array.indices, self.name_array(name, domain, whole).body)
        for link in links:
            short = self._abbreviate_inside(name, link, array.indices, plates)
            shown = swap_term(shown, link, short)
        return Array(array.indices, shown)

    def _abbreviate_inside(self, name: str, link: Call, indices: Axes, plates: Axes) -> Term:
        """f(a) -> f(variable), where a may have indices that are bound around it

        Each of these goes by the name of an index of the same range that a has not, so that
        exp(a[k]) and the exp(a[j]) of a sum over j are of one variable.
        """
        (inner,) = link.arguments
        free = free_indices(inner)
        outer = (*plates, *indices)
        bound = sorted(free - {*outer, *self.leading}, key=sort_key)
        unused = [index for index in outer if index not in free]
        back: list[tuple[Index, Index]] = []
        for index in bound:
            same = (i for i in unused if (i.extent, i.low) == (index.extent, index.low))
            if (other := next(same, None)) is not None:
                unused.remove(other)
                inner = replace_index(inner, index, other)
                back.append((other, index))
        if bound:  # it varies with an index of its own: what it does not vary with is left out
            added = tuple(index for index in bound if index in free_indices(inner))
            indices = (*(index for index in indices if index not in unused), *added)
            plates = tuple(index for index in plates if index not in unused)
        own = f"log_{name}" if link.name == "exp" else "a"
        body = self.abbreviate(own, Real(), Array(indices, inner), plates).body
        for other, index in back:
            body = replace_index(body, other, index)
        return call(link.name, body)

    def name_array(self, name: str, domain: Domain, array: Array) -> Array:
        """The array by the name of a variable, which holds the places of its indices alone.

        m over t in 2:T is a variable of T - 1 places; its value at t stands in place t - 1.
        """
        shape, places = own_places(array.indices)
        local = self.define(Symbol(name, Role.ARGUMENT, domain, shape), array)
        return Array(array.indices, Entry(local, places))

    def define(self, symbol: Symbol, array: Array, *, symmetric: bool = False) -> Symbol:
        """symbol, array -> the symbol that stands for the array, a variable of this name.

        ensures: the same name and value are assigned once, whatever its places are called;
        symmetric: either order of its two axes will do.
        """
        body = self.stated(array.body)
        formal = tuple(i.like(f"k{n}", Origin.PASSING) for n, i in enumerate(array.indices))
        key = symbol.name, Array(formal, instantiate(Array(array.indices, body), formal))
        if key in self._shared:
            known = self._shared[key]
            self.variables.setdefault(symbol, self.variables[known])
            return known
        placed = self.place(body)
        free = free_indices(placed)
        batch = tuple(axis for axis in self.leading if axis in free)
        shape = (*(axis.extent for axis in batch), *symbol.shape)
        name = self.fresh(symbol.name)
        if symbol in self.variables:  # the same name for another value
            again = f"{symbol.name}'{len(self._shared)}"
            symbol = Symbol(again, symbol.role, symbol.domain, symbol.shape)
        variable = Symbol(name, Role.ARGUMENT, symbol.domain, shape)
        self.write(variable, (*batch, *array.indices), placed, symmetric=symmetric)
        self.variables[symbol] = Variable(variable, batch, variable not in self.by_data)
        self._shared[key] = symbol
        return symbol

    def _share(self, term: Term) -> Term:
        """A large term -> the same, in which what stands several times is a variable, and what is
        nested deep.

        ensures: what is settled, lowered and printed grows like the term as a graph.
        """
        if count_subterms(term) <= REPEATED_FROM and depth_of(term) <= WRITTEN_DEPTH:
            return term
        nodes = list(walk_parts(term))
        uses = Counter(part for node in nodes for part in node.parts())
        uses.update(node.body for node in nodes if isinstance(node, Array) and uses[node] > 1)
        known: dict[Term, Term] = {}
        quantities = self.quantities

        def visit(item: Term) -> Term:
            if item not in known:
                rebuilt = map_unfolded(item, visit)
                deep = item is not term and depth_of(rebuilt) >= WRITTEN_DEPTH
                named = uses[item] > 1 or deep
                entry = quantities.entry_of(item) if named else None
                own = "" if entry is None else entry.symbol.name
                known[item] = self._name_shared(rebuilt, own) if named else rebuilt
            return known[item]

        return visit(term)

    def _name_shared(self, term: Term, own: str = "") -> Term:
        """A long term by the name of a variable; exp, sigmoid and the like stay in sight.

        own: the name that the user gave it.
        """
        if isinstance(term, Call) and term.name in _LINKS:
            return Call(term.name, tuple(map(self._name_shared, term.arguments)))
        if count_subterms(term) < NAMED_FROM and not own:
            return term
        places = free_indices(term) - set(self.leading)
        ordered = tuple(sorted(places, key=sort_key))
        domain = Positive() if is_positive(term) else Real()
        array = Array(ordered, term)
        name = own or self._common.setdefault(array, f"shared{len(self._common) + 1}")
        return self.name_array(name, domain, array).body

    def fresh(self, name: str) -> str:
        """A variable for a name that may be a place, such as log_z[t+1]."""
        name = fresh(plain_name(name), self.taken)
        self.taken.add(name)
        return name

    def write(self, target: Symbol, axes: Axes, value: Value, *, symmetric: bool = False) -> None:
        """Add an assignment, under the comment that is pending."""
        self.statements.append(Assignment(target, axes, value, self.pending, symmetric))
        self.pending = ""
        pooled = isinstance(value, Average) and self.setting.data in value.kept
        shared = isinstance(value, Term) and self.is_shared(value)
        if self.setting.data in axes and not (pooled or shared):
            self.by_data.add(target)
        if isinstance(value, Term) and may_be_infinite(value):
            self.infinite.add(target)

    def assign(self, name: str, term: Term, kept: Axes = ()) -> Average:
        """name = term, and its mean over q and the data."""
        return self.average(self.assign_placed(name, self.place(term), kept), kept)

    def assign_placed(self, name: str, placed: Term, kept: Axes = ()) -> Entry:
        """name = a placed term, once; the entry that stands for it"""
        if (name, placed) in self._assigned:
            self.pending = ""
            return self._assigned[name, placed]
        free = free_indices(placed)
        first = (axis for axis in self.leading if axis in free and axis not in kept)
        axes = (*first, *self._rest(free, kept))
        shape = tuple(axis.extent for axis in axes)
        target = Symbol(self.fresh(name), Role.ARGUMENT, Real(), shape)
        self.write(target, axes, placed)
        self._assigned[name, placed] = Entry(target, axes)
        return self._assigned[name, placed]

    def _rest(self, free: frozenset[Index], kept: Axes) -> Axes:
        if not free <= {*self.leading, *kept}:
            raise Unsupported("an index is left over")
        return tuple(axis for axis in kept if axis in free)

    # ------------------------------------------------------------------ means

    def average(self, value: Term, kept: Axes = ()) -> Average:
        """The mean of a placed term over q and over the data; axes `kept` are left."""
        free, data, over = free_indices(value), self.setting.data, self.setting.over
        self._rest(free, kept)
        shared = self.is_shared(value)
        if over not in free and over not in kept:
            return Average(value, data, kept=kept, shared=shared)
        guarded = isinstance(value, Entry) and value.symbol in self.infinite
        weights = self.setting.weights
        return Average(value, data, over, weights, kept, guarded, shared=shared)

    # ------------------------------------------------------------------ the end

    def live_statements(
        self, results: Sequence[Value], given: Container[Symbol] = ()
    ) -> tuple[Assignment, ...]:
        """The assignments that the results need, in their order; the others are left out, and those
        of what is given.
        """
        wanted = frozenset().union(*map(symbols_in, results))
        live: list[Assignment] = []
        for statement in reversed(self.statements):
            if statement.target in wanted and statement.target not in given:
                live.append(statement)
                wanted |= symbols_in(statement.value)
        return tuple(reversed(live))


# functions that `lower` takes apart
_LOWERED = frozenset(("raised", "over", "logbesseli0e", "besselratio", "logbesseli0"))


def may_be_infinite(placed: Term) -> bool:
    """Whether a placed term may be minus infinity."""
    parts = walk_parts(placed)
    return any(isinstance(part, Call) and part.name in _MAY_BE_INFINITE for part in parts)


def plain_name(name: str) -> str:
    """log_z[t+1] -> log_z_t_1"""
    return re.sub(r"\W+_?", "_", name).strip("_")


def _links_in(term: Term) -> Iterator[Call]:
    """The outermost exponentials, sigmoids and the like."""
    seen, stack = set[Node](), [term]
    while stack:
        top = stack.pop()
        if top in seen:
            continue
        seen.add(top)
        if not isinstance(top, Call):
            stack += reversed([part for part in top.parts() if isinstance(part, Term)])
        elif top.name in _LINKS:
            yield top


def _count(term: Term, symbol: Symbol) -> int:
    """How often the symbol stands in a term."""
    known: dict[Node, int] = {}

    def visit(item: Node) -> int:
        if item not in known:
            own = int(isinstance(item, Entry) and item.symbol == symbol)
            known[item] = own + sum(map(visit, item.parts()))
        return known[item]

    return visit(term)
