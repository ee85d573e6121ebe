"""Small instances of a model: sizes, parameter values, parents and values, as rows of (U).

    log p(v | pa; Theta)  =  sum_j velocity_j(Theta) d log p / d theta_j + sum_k (r_k z_k + s_k)
                             d log p / d z_k + b(v) - H~(pa; Theta)

is linear in velocities, r, s, b and H~; all but the velocities of the parameters may depend on the
inputs.  A row is this equation at one point; the rows are kept as residues modulo a prime, in which
ranks are exact and quick.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, islice, product
from math import isfinite, prod
from random import Random
from typing import ParamSpec, TypeVar

from symelbo.criterion.factor import Factor, is_parent, symbols_of_statement
from symelbo.criterion.hold_conditions import Stated, state_conditions
from symelbo.index.build import category_extent
from symelbo.index.concretize import extent_value, index_tuples
from symelbo.index.interpret import Interpretation, interpret_functions
from symelbo.index.modular import PRIME, Dual, Modular, NoResidue, Place
from symelbo.index.signs import is_positive
from symelbo.index.substitute import formal_indices, symbols_of, walk_parts
from symelbo.index.terms import (
    Array,
    Domain,
    Entry,
    Extent,
    Given,
    Index,
    IndexTerm,
    Node,
    Number,
    Offset,
    Position,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
    literal_place,
)
from symelbo.limits import (
    BLOCK_PLACES,
    CONDITION_DRAWS,
    CONDITION_NUMBERS,
    CONDITION_WORSE,
    GENERIC_VALUES,
    NARROW_UNITS,
    PARTS_OF_ROW,
    SAMPLE_SEED,
    SAMPLED_INPUTS,
    SAMPLED_PARENTS,
    SAMPLED_SIZES,
    SAMPLED_VALUES,
    THINNED_POINTS,
)
from symelbo.values import dataclass, field

__all__ = ["Instance", "Row", "Values", "blocks_named", "small_sizes"]


Values = dict[Place, Fraction]
Configurations = list[tuple[int, Values]]  # the number of the values of the inputs; the nodes


@dataclass(frozen=True, slots=True)
class Row:
    """(U) of one factor at one point.

    place: its plate indices; point: which parameter value; inputs: which value of all inputs;
    parents and value: what the nodes are;
    numbers: which of the configurations and of the values at this place these are; logarithm and
    slopes: log p and its derivatives by the columns, as residues.
    """

    factor: int
    place: tuple[int, ...]
    point: int
    inputs: int
    parents: tuple[tuple[Place, Fraction], ...]
    value: tuple[tuple[Place, Fraction], ...]
    numbers: tuple[int, int]
    logarithm: int
    slopes: Mapping[tuple[object, ...], int]
    rational: bool  # whether log p and all slopes are rational numbers, up to the row's H~


# ---------------------------------------------------------------- sizes and functions


def small_sizes(
    factors: Sequence[Factor], admissible: Mapping[str, int] | None = None
) -> Iterator[dict[str, int]]:
    """Small values of the sizes, the smallest first; categories need two of them.

    Sizes of which more means more equations, those of plates, before those of parameters alone.
    admissible: the least values at which the whole model exists, not only these factors.
    """
    least: dict[str, int] = {}

    def need(extent: Extent, count: int) -> None:
        if extent.size is not None:
            least[extent.size] = max(least.get(extent.size, 1), count - extent.offset)

    for factor in factors:
        for index in factor.plates:
            need(index.extent, max(index.low, 1))
        for symbol in _symbols_of(factor):
            for extent in symbol.shape:
                need(extent, 1)
            if symbol.domain.rank == 1:
                need(symbol.shape[-1], 2)
            if (most := category_extent(symbol.domain)) is not None:
                need(most, 2)
        inner = factor.node.shape[len(factor.statement.places) :]
        node = Entry(factor.node, (*factor.statement.places, *formal_indices(inner)))
        given: list[Term | Array] = [node, *(array for _, array in factor.statement.arguments)]
        # a density of the user's own may use any size, and its support may end at one
        given.append(factor.log_density)
        for symbol in (*_symbols_of(factor), factor.value):
            ends = (symbol.domain.lower, symbol.domain.upper)
            given += [end for end in ends if end is not None]
        for item in given:
            for extent, count in _places_in(item):
                need(extent, count)
    for name, size in (admissible or {}).items():
        if name in least:
            least[name] = max(least[name], size)
    names = sorted(least)
    plates = {index.extent.size for factor in factors for index in factor.plates}
    costs = [1 if name in plates else 2 for name in names]
    choices = (pick for total in range(2 * sum(costs) + 1) for pick in _shares(total, costs))
    for choice in islice(choices, SAMPLED_SIZES):
        yield {name: least[name] + more for name, more in zip(names, choice, strict=True)}


def _shares(total: int, costs: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """2, (1, 1) -> (0, 2), (1, 1), (2, 0): all ways to spend it on 0, 1 or 2 of each, in order."""
    if not costs:
        yield from [()] * (total == 0)
        return
    cost, *others = costs
    for first in range(3):
        left = total - first * cost
        if 0 <= left <= 2 * sum(others):
            for rest in _shares(left, others):
                yield first, *rest


def blocks_named(
    factors: Sequence[Factor], sizes: Mapping[str, int]
) -> list[dict[int, frozenset[int]]]:
    """length -> the places of a definite matrix so long that a factor names, for each that names a
    few, the fewest first.
    """
    found: dict[tuple[int, frozenset[int]], None] = {}
    for factor in factors:
        named: dict[int, set[int]] = {}
        for part in walk_parts(factor.log_density):
            if isinstance(part, Entry) and part.symbol.domain.is_definite:
                own = named.setdefault(extent_value(part.symbol.shape[-1], sizes), set())
                ends = (place for place in part.indices[-2:] if isinstance(place, Position))
                own.update(extent_value(place.extent, sizes) for place in ends)
        for length, places in named.items():
            if 0 < len(places) <= BLOCK_PLACES and length > 2:
                found[length, frozenset(places)] = None
    order = sorted(found, key=lambda item: (len(item[1]), item[0], sorted(item[1])))
    return [{length: places} for length, places in order]


def _places_in(item: Node) -> Iterator[tuple[Extent, int]]:
    """(axis, the place that is read of it), for literal places; the extents of sums; sizes."""
    for part in walk_parts(item):
        if isinstance(part, Entry):
            for axis, place in zip(part.symbol.shape, part.indices, strict=True):
                last = literal_place(place)
                if last is not None:
                    yield axis, last
        if isinstance(part, Index):
            yield part.extent, max(part.low, 1)
        if isinstance(part, Sum):
            yield part.index.extent, max(part.index.low, 1)
        if isinstance(part, Size):
            yield Extent(part.name), 1


def _numbers_of_trials(factor: Factor) -> Iterator[Symbol]:
    """The constants that have to be natural numbers: n of a binomial, also of a parent."""
    statement = factor.statement
    for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True):
        if formal.domain.is_integer:
            yield from symbols_of(array)
    for symbol in _symbols_of(factor):
        if symbol.domain.is_integer and symbol.domain.upper is not None:
            yield from symbols_of(symbol.domain.upper)


def _symbols_of(factor: Factor) -> list[Symbol]:
    symbols = {*symbols_of_statement(factor.statement), factor.node}
    return sorted(symbols, key=lambda s: s.name)


# ---------------------------------------------------------------- an instance


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _known(draw: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """A drawn value; NoResidue where an end that it needs is not known."""
    try:
        return draw(*args, **kwargs)
    except LookupError as reason:
        raise NoResidue(str(reason)) from reason


def _at(symbol: Symbol, places: Sequence[tuple[int, ...]], entries: Sequence[Fraction]) -> Values:
    return {(symbol.name, at): x for at, x in zip(places, entries, strict=True)}


@dataclass
class Instance:
    """Concrete sizes and functions; parameter points and rows are drawn in a fixed order.

    generic: random rational numbers, at which nothing holds by accident; else simple ones, of which
    a certificate can be made.
    """

    factors: Sequence[Factor]
    sizes: Mapping[str, int]
    functions: Mapping[Symbol, Interpretation]
    generic: bool
    points: int
    seed: int = SAMPLE_SEED
    still: bool = False  # no latent may move
    single: bool = False  # each parameter value differs from the first in one parameter only
    origin: bool = False  # the first one is where the most functions are rational: 0, 1
    narrow: bool = False  # of many parents only the first ones vary, all others are 0 or simple
    # length -> the places of definite matrices so long, and of vectors beside them, that vary
    blocks: Mapping[int, frozenset[int]] = field(default_factory=dict)
    most: int | None = None  # rows of each factor: of a long plate only the first places are taken
    beside: Sequence[Factor] = ()  # others of the model, whose conditions hold at all points too
    rows: list[Row] = field(default_factory=list)
    parameters: list[Values] = field(default_factory=list)
    known: Values = field(default_factory=dict)
    inputs: list[Values] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.machine = Modular(self.sizes, {}, self.seed)
        self.counter = 0
        self.drawn: dict[tuple[int, tuple[int, ...]], tuple[Configurations, list[Values]]] = {}
        self.filled: set[tuple[int, int]] = set()
        symbols = {s.name: s for f in self.factors for s in _symbols_of(f)}
        for symbol in list(symbols.values()):
            bounds = (b for b in (symbol.domain.lower, symbol.domain.upper) if b is not None)
            symbols.update((s.name, s) for bound in bounds for s in symbols_of(bound))
        self.counts = {
            symbol.name for factor in self.factors for symbol in _numbers_of_trials(factor)
        }
        self.symbols = [symbols[name] for name in sorted(symbols)]
        self.by_name = {symbol.name: symbol for symbol in self.symbols}
        self.opened: dict[int, tuple[dict[Place, Dual], list[tuple[object, ...]]]] = {}
        self.continuous = self._continuous()
        constants = [s for s in self.symbols if s.role is Role.CONSTANT]
        for symbol in constants:
            self.known.update(self.draw(symbol, 0))
        self.stated = state_conditions(
            [*self.factors, *(f for f in self.beside if f not in self.factors)], self.functions
        )
        of_constants = [condition for condition in self.stated if condition.is_known]
        self.settle(self.known, constants, of_constants, self.seed)
        for point in range(self.points):
            self.parameters.append(self.draw_point(point))
        covariates = [s for s in self.symbols if s.role is Role.INPUT]
        # what the inputs are links factors, since latents may move with them
        self.is_linked = bool(self.continuous and covariates)
        self.simplest = self._simplest(covariates)
        if self.is_linked:
            self.inputs += self._draw_inputs(covariates)
        self.densities = [
            interpret_functions(factor.log_density, self.functions) for factor in self.factors
        ]
        self.arguments = [list(self._arguments(factor)) for factor in self.factors]

    def _arguments(self, factor: Factor) -> Iterator[tuple[Array, tuple[Term, ...]]]:
        """The arguments of a family with these functions, and what of each is not positive for
        sure and has to be.
        """
        statement = factor.statement
        for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True):
            body = interpret_functions(array.body, self.functions)
            margins = formal.domain.margins(body)
            yield Array(array.indices, body), tuple(m for m in margins if not is_positive(m))

    def _continuous(self) -> frozenset[str]:
        """The latents that may move if their own factors allow it."""
        if self.still:
            return frozenset()
        latents = (s for s in self.symbols if s.role is Role.LATENT)
        return frozenset(s.name for s in latents if s.domain.wider_motions is not None)

    def _simplest(self, symbols: Sequence[Symbol]) -> Values:
        """The simplest value of everything."""
        values: Values = {}
        for symbol in symbols:
            for _, places in self.units(symbol, self.places(symbol)):
                (entries,) = self.resting(symbol.domain, places)
                values.update(_at(symbol, places, entries))
        return values

    def _draw_inputs(self, covariates: Sequence[Symbol]) -> list[Values]:
        """A few different values of all inputs."""
        found: list[Values] = []
        for n in range(SAMPLED_INPUTS):
            self.counter = self.seed + n
            values = {at: x for symbol in covariates for at, x in self.draw(symbol, 0).items()}
            found += [] if values in found else [values]
        return found

    def number_of_inputs(self, some: Values) -> int:
        """Which values of the inputs these are, all others being the simplest."""
        values = {**self.simplest, **some}
        if values not in self.inputs:
            self.inputs.append(values)
        return self.inputs.index(values)

    def places(self, symbol: Symbol) -> list[tuple[int, ...]]:
        indices = formal_indices(symbol.shape)
        return index_tuples(indices, self.sizes)

    # ------------------------------------------------------------------ drawing

    def draw_point(self, point: int) -> Values:
        """Values of the parameters at which the conditions may hold, if some are found."""
        learned = [s for s in self.symbols if s.role is Role.PARAMETER]
        values: Values = {}
        self.counter = self.seed
        changed = []
        for n, symbol in enumerate(learned):
            if self.single and point and (point - 1) % len(learned) != n:
                self.counter += 0 if symbol.domain.rank else len(self.places(symbol))
                first = self.parameters[0]
                values.update({at: x for at, x in first.items() if at[0] == symbol.name})
            elif self.origin and not point:
                for _, places in self.units(symbol, self.places(symbol)):
                    (entries,) = self.resting(symbol.domain, places)
                    values.update(_at(symbol, places, entries))
                changed.append(symbol)
            else:
                values.update(self.draw(symbol, point))
                changed.append(symbol)
        self.settle(values, changed, self.stated, self.seed + point)
        return values

    def settle(
        self, values: Values, free: Sequence[Symbol], stated: Sequence[Stated], seed: int
    ) -> None:
        """Draw entries of some symbols again, one of a condition that fails at a time, until the
        conditions may hold; what is worse is mostly not taken.
        """
        chooser = Random(seed)
        machine = Modular(self.sizes, {}, self.seed)

        def failing(found: Values) -> list[Stated]:
            given = {**self.known, **found}
            return [c for c in stated if not c.may_hold(machine, given, self.options)]

        left = failing(values)
        for _ in range(CONDITION_DRAWS):
            named = [s for c in left for s in free if s in symbols_of(c.array)]
            if not named:
                return
            symbol = chooser.choice(named)
            _, places = chooser.choice(self.units(symbol, self.places(symbol)))
            drawn = self.draw_unit(symbol, places, chooser.randrange(CONDITION_NUMBERS))
            others = failing({**values, **drawn})
            if len(others) <= len(left) or chooser.random() < CONDITION_WORSE:
                values.update(drawn)
                left = others

    def options(self, symbol: Symbol) -> list[Values]:
        """A few simple values of a node, the same one at all its places."""
        places = self.places(symbol)
        given = self.given(symbol.domain, ((),))._replace(random=None)
        exact = _known(symbol.domain.exact_values, SAMPLED_VALUES, given)
        return [dict.fromkeys(((symbol.name, at) for at in places), x) for (x,) in exact]

    def draw(self, symbol: Symbol, point: int) -> Values:
        """Values of all entries of a symbol, in its domain."""
        values: Values = {}
        for n, (_, places) in enumerate(self.units(symbol, self.places(symbol))):
            if symbol.domain.rank:
                number = point + n
            else:  # distinct from its neighbours, and from 0 and 1 where it can be
                self.counter += 1
                number = self.counter + (0 if symbol.name in self.counts else 3 * point)
            values.update(self.draw_unit(symbol, places, number))
        return values

    def draw_unit(self, symbol: Symbol, places: Sequence[tuple[int, ...]], number: int) -> Values:
        """Values of what is chosen together: an entry, a vector or a matrix."""
        if symbol.name in self.counts:
            return _at(symbol, places, [Fraction(2 + number % 3)] * len(places))
        if symbol.domain.is_definite and self.length(symbol) in self.blocks:
            return self.draw_block(symbol, places, number)
        given = self.given(symbol.domain, places)
        return _at(symbol, places, _known(symbol.domain.draw_exact, number, given))

    def draw_block(self, symbol: Symbol, places: Sequence[tuple[int, ...]], number: int) -> Values:
        """A matrix that is one in its block, and the unit matrix beside it."""
        order = {k: n for n, k in enumerate(sorted(self.blocks[self.length(symbol)]), start=1)}
        inside = [at for at in places if set(at[-2:]) <= set(order)]
        small = [(*at[:-2], order[at[-2]], order[at[-1]]) for at in inside]
        drawn = symbol.domain.draw_exact(number, self.given(symbol.domain, small))
        unit = {(symbol.name, at): Fraction(at[-1] == at[-2]) for at in places}
        return {**unit, **_at(symbol, inside, drawn)}

    def given(self, domain: Domain, places: Sequence[tuple[int, ...]]) -> Given:
        """What exact values are drawn from."""
        random = self.random if self.generic else None
        return Given(places, random, self.end(domain.lower), self.end(domain.upper))

    def resting(self, domain: Domain, places: Sequence[tuple[int, ...]]) -> list[list[Fraction]]:
        """The simplest value, which parents have that do not vary."""
        given = self.given(domain, places)._replace(random=None)
        return _known(domain.exact_values, 1, given)[:1]

    def end(self, bound: Term | None) -> Fraction | None:
        """A bound of a support as a number; one that is irrational is replaced by one near it."""
        if bound is None:
            return None
        if isinstance(bound, Number):
            return bound.value
        entries = {at: Modular.rational(x) for at, x in self.known.items()}
        try:
            value = Modular(self.sizes, entries, self.seed).term(bound, {})
        except NoResidue:
            return None
        if value.exact is not None:
            return value.exact
        near = Fraction(value.size).limit_denominator(64) if isfinite(value.size) else None
        return near

    def configurations(
        self, units: Sequence[tuple[Symbol, tuple[tuple[int, ...], ...]]], most: int
    ) -> list[Values]:
        """Joint values of what can be chosen on its own: entries, vectors, matrices."""
        choices: list[list[Values]] = []
        for n, (symbol, places) in enumerate(units):
            domain, given = symbol.domain, self.given(symbol.domain, places)
            if self.narrow and n >= NARROW_UNITS:
                exact = self.resting(domain, places)
            else:
                exact = _known(domain.exact_values, SAMPLED_VALUES, given)
            choices.append([_at(symbol, places, entries) for entries in exact])
        whole = prod(len(options) for options in choices)
        picks: Iterable[tuple[int, ...]]
        if whole <= most:
            ranges = (range(len(options)) for options in choices)
            picks = sorted(product(*ranges), key=lambda c: (sum(c), c))
        else:
            picks = islice(self._picks([len(options) for options in choices]), most)
        found = []
        for pick in picks:
            values: Values = {}
            for options, n in zip(choices, pick, strict=True):
                values.update(options[n])
            if values not in found:
                found.append(values)
        return found

    def _picks(self, counts: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The simplest choice, single changes of it, then mixtures; each once."""
        seen = set()
        first = tuple(0 for _ in counts)
        singles = [tuple(int(n == m) for m in range(len(counts))) for n in range(len(counts))]
        for pick in (first, *singles):
            if all(n < count for n, count in zip(pick, counts, strict=True)) and pick not in seen:
                seen.add(pick)
                yield pick
        draw = Random(self.seed)
        for _ in range(200):
            pick = tuple(draw.randrange(count) for count in counts)
            if pick not in seen:
                seen.add(pick)
                yield pick

    # ------------------------------------------------------------------ rows

    def units(
        self, symbol: Symbol, places: Sequence[tuple[int, ...]]
    ) -> list[tuple[Symbol, tuple[tuple[int, ...], ...]]]:
        """The entries at some places, grouped by what has to be chosen together."""
        depth = symbol.domain.rank
        if not depth:
            return [(symbol, (at,)) for at in places]
        blocks: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for at in places:
            blocks.setdefault(at[:-depth], []).append(at)
        return [(symbol, tuple(group)) for group in blocks.values()]

    def most_rows(self) -> int:
        """An upper bound of the number of rows at one parameter value, and at one of the inputs
        where these link the factors.
        """
        count = 0
        for factor in self.factors:
            parents = SAMPLED_PARENTS if self.varying_parents(factor) else 1
            count += len(self.plate_places(factor)) * parents
        return count * SAMPLED_VALUES

    def row_work(self) -> int:
        """An upper bound of the work of all rows at one parameter value, as so many short rows."""
        count = 0
        for factor, density in zip(self.factors, self.densities, strict=True):
            parents = SAMPLED_PARENTS if self.varying_parents(factor) else 1
            each = 1 + len(list(walk_parts(density))) // PARTS_OF_ROW
            count += len(self.plate_places(factor)) * parents * each
        return count * SAMPLED_VALUES

    def varying_parents(self, factor: Factor) -> bool:
        """Whether rows of a factor differ in its parents, those that link all factors apart."""
        return any(s.role is not Role.INPUT or not self.is_linked for s in factor.parents())

    def plate_places(self, factor: Factor) -> list[tuple[int, ...]]:
        """Where rows of a factor are taken, at one place at least."""
        found = index_tuples(factor.plates, self.sizes)
        if self.most is None:
            return found
        parents = SAMPLED_PARENTS if self.varying_parents(factor) else 1
        return found[: max(1, self.most // (parents * THINNED_POINTS * SAMPLED_VALUES))]

    def fill(self, points: int, inputs: int = 1) -> None:
        """Draw the rows of all factors at all their places, for the first parameter values; where
        the inputs link the factors, for the first of these, else for all.
        """
        for point in range(points):
            wanted = {n for n in range(inputs) if (point, n) not in self.filled}
            if not wanted:
                continue
            self.filled.update((point, n) for n in wanted)
            for number_of, factor in enumerate(self.factors):
                own = {factor.node.name}
                parents = {s.name for s in self.symbols if is_parent(s)} - own
                self.machine.watch(frozenset(parents), frozenset(own))
                for place in self.plate_places(factor):
                    self.fill_factor(number_of, factor, place, point, wanted)

    def fill_factor(
        self,
        number_of: int,
        factor: Factor,
        place: tuple[int, ...],
        point: int,
        wanted: Container[int],
    ) -> None:
        env = dict(zip(factor.plates, place, strict=True))
        if (number_of, place) not in self.drawn:
            self.drawn[number_of, place] = self.nodes(factor, env)
        configurations, values = self.drawn[number_of, place]
        opened, sought = self.open_point(point)
        entries, machine = dict(opened), self.machine
        shown = [tuple(sorted(value.items())) for value in values]
        for m, (inputs, parents) in enumerate(configurations):
            if self.is_linked and inputs not in wanted:
                continue
            columns = list(sought)
            entries.update(self.open_nodes(self.inputs[inputs], point, inputs, columns))
            entries.update(self.open_nodes(parents, point, inputs, columns))
            machine.move_to(entries)
            if not self.is_admissible(number_of, machine, env):
                continue
            beside, given = len(columns), tuple(sorted(parents.items()))
            for n, value in enumerate(values):
                del columns[beside:]
                entries.update(self.open_nodes(value, point, inputs, columns))
                machine.move_to(entries, 1)
                try:
                    found = machine.term(self.densities[number_of], env)
                except (NoResidue, ZeroDivisionError, ValueError):
                    continue
                slopes: dict[tuple[object, ...], int] = {}
                for k, slope in found.slopes.items():
                    if slope:
                        key = columns[k]
                        slopes[key] = (slopes.get(key, 0) + slope) % PRIME
                self.rows.append(
                    Row(
                        number_of,
                        place,
                        point,
                        inputs,
                        given,
                        shown[n],
                        (m, n),
                        found.value,
                        slopes,
                        found.exact is not None,
                    )
                )

    def open_nodes(
        self, values: Values, point: int, inputs: int, columns: list[tuple[object, ...]]
    ) -> dict[Place, Dual]:
        """The entries of nodes, and with them r and s of those that may move as more columns."""
        entries = {}
        for at, x in values.items():
            known = Modular.rational(x)
            if at[0] in self.continuous:
                gradient: dict[int, int] = {}
                symbol = self.by_name[at[0]]
                motions = symbol.domain.wider_motions
                assert motions is not None
                if motions.scales:
                    about = motions.about.value if isinstance(motions.about, Number) else 0
                    of = at[1][: len(at[1]) - symbol.domain.rank] if motions.whole else at[1]
                    gradient[len(columns)] = Modular.rational(x - about).value
                    columns.append(("r", point, at[0], of, inputs))
                if motions.shifts:
                    gradient[len(columns)] = 1
                    columns.append(("s", point, *at, inputs))
                known = known._replace(gradient=gradient)
            entries[at] = known
        return entries

    def nodes(
        self, factor: Factor, env: Mapping[Index, int]
    ) -> tuple[Configurations, list[Values]]:
        """Values of inputs and parents, and of the node, the same ones for all parameter values."""
        own = self.own_places(factor, env)
        units = self.parent_units(factor, own)
        if self.is_linked:
            units = [unit for unit in units if unit[0].role is not Role.INPUT]
            nodes = self.configurations(units, SAMPLED_PARENTS)
            configurations = [(n, values) for n in range(len(self.inputs)) for values in nodes]
        else:
            if self.narrow:  # a base measure may depend on inputs, but on no other parent
                units.sort(key=lambda unit: unit[0].role is Role.INPUT)
            both = self.configurations(units, SAMPLED_PARENTS)
            configurations = [self.apart(values) for values in both]
        of_node = self.units(factor.node, own)
        length = self.length(factor.node)
        if len(of_node) > 1 and factor.node.domain.is_line and length in self.blocks:
            return configurations, self.values_of_block(of_node, length)
        most = GENERIC_VALUES if self.generic else SAMPLED_VALUES
        return configurations, self.configurations(of_node, most)

    def values_of_block(
        self, units: Sequence[tuple[Symbol, tuple[tuple[int, ...], ...]]], length: int
    ) -> list[Values]:
        """Values of a vector that tell all functions of degree two of some entries apart: 0, e_i,
        another multiple of e_i, and e_i + e_j, with any numbers for 0 and 1.
        """
        choices = []
        for symbol, places in units:
            given = self.given(symbol.domain, places)
            choices.append(_known(symbol.domain.exact_values, SAMPLED_VALUES, given))
        varying = [n for n, (_, (at,)) in enumerate(units) if at[-1] in self.blocks[length]]
        picks = [(), *(((n, k),) for k in (1, 2) for n in varying)]
        picks += [((n, 1), (m, 1)) for n, m in combinations(varying, 2)]
        found = []
        for pick in map(dict, picks):
            values: Values = {}
            for n, (symbol, places) in enumerate(units):
                values.update(_at(symbol, places, choices[n][pick.get(n, 0)]))
            found.append(values)
        return found

    def apart(self, values: Values) -> tuple[int, Values]:
        """Inputs and nodes -> the number of the first, and the second."""
        given = {at: x for at, x in values.items() if self.by_name[at[0]].role is Role.INPUT}
        return self.number_of_inputs(given), {at: x for at, x in values.items() if at not in given}

    def parent_units(
        self, factor: Factor, own: Sequence[tuple[int, ...]]
    ) -> list[tuple[Symbol, tuple[tuple[int, ...], ...]]]:
        """What can be chosen of the parents, each on its own."""
        units = []
        for symbol in (s for s in _symbols_of(factor) if is_parent(s)):
            if symbol in symbols_of_statement(factor.statement):
                at = [p for p in self.places(symbol) if symbol != factor.node or p not in own]
                units += self.units(symbol, at)
        return units

    @property
    def is_wide(self) -> bool:
        """Whether a factor has so many parents that some of them need not vary, or a matrix so
        many places.
        """
        many = any(len(self.parent_units(f, ())) > 2 * NARROW_UNITS for f in self.factors)
        return many or bool(self.blocks)

    def own_places(self, factor: Factor, env: Mapping[Index, int]) -> list[tuple[int, ...]]:
        """The places of the factor's own value."""

        def at(place: IndexTerm) -> int:
            match place:
                case Index():
                    return env[place]
                case Offset(index, by):
                    return env[index] + by
                case Position(extent):
                    return extent_value(extent, self.sizes)
            raise TypeError("a node cannot be a place on the left")

        plates = tuple(at(place) for place in factor.statement.places)
        events = factor.node.shape[len(plates) :]
        indices = formal_indices(events)
        return [(*plates, *event) for event in index_tuples(indices, self.sizes)]

    def is_admissible(self, number_of: int, machine: Modular, env: Mapping[Index, int]) -> bool:
        """Whether the arguments of the family lie in their domains, as far as signs tell; False
        where one has no value.
        """
        statement = self.factors[number_of].statement
        arguments = self.arguments[number_of]
        try:
            return all(
                self.is_inside(formal.domain, array, margins, machine, env)
                for formal, (array, margins) in zip(
                    statement.form.arguments, arguments, strict=True
                )
            )
        except (NoResidue, ZeroDivisionError, ValueError):
            return False

    def is_inside(
        self,
        domain: Domain,
        array: Array,
        margins: Sequence[Term],
        machine: Modular,
        env: Mapping[Index, int],
    ) -> bool:
        if not margins and not domain.is_integer:
            return True
        for where in index_tuples(array.indices, self.sizes):
            inner = {**env, **dict(zip(array.indices, where, strict=True))}
            if any(machine.term(margin, inner).sign != 1 for margin in margins):
                return False
            if domain.is_integer:
                value = machine.term(array.body, inner).exact
                if value is None or value < 0:
                    return False
        return True

    def length(self, symbol: Symbol) -> int:
        """The last place of the last axis."""
        return extent_value(symbol.shape[-1], self.sizes) if symbol.shape else 0

    def open_point(self, point: int) -> tuple[dict[Place, Dual], list[tuple[object, ...]]]:
        """The entries of constants and parameters, and the velocities that they can have."""
        if point not in self.opened:
            columns: list[tuple[object, ...]] = []
            given = {**self.known, **self.parameters[point]}
            entries = {at: Modular.rational(x) for at, x in given.items()}
            for symbol in self.symbols:
                if symbol.role is Role.PARAMETER:
                    self.open(symbol, point, entries, columns)
            self.opened[point] = entries, columns
        return self.opened[point]

    def open(
        self,
        symbol: Symbol,
        point: int,
        entries: dict[Place, Dual],
        columns: list[tuple[object, ...]],
    ) -> None:
        """Give the entries of a parameter their tangent directions."""
        domain, length = symbol.domain, self.length(symbol)
        for at in self.places(symbol):
            if not domain.is_free(at, length):
                continue
            n = len(columns)
            columns.append(("beta", point, symbol.name, at))
            for place, by in domain.direction(at, length):
                dual = entries[symbol.name, place]
                gradient = {**dual.slopes, n: by % PRIME}
                entries[symbol.name, place] = dual._replace(gradient=gradient)
