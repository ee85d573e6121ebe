"""Linear equations at random points, as residues: can they be solved, and by which multiples?

The equations are evaluated as they stand, as graphs, and nothing is expanded.  What is found here
is proposed, and what is excluded has almost surely no solution; nothing is proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product
from random import Random
from typing import TypeAlias

from symelbo.criterion.factor import Equations, Factor
from symelbo.criterion.residues import solve_in_fractions
from symelbo.criterion.sample import Instance, Values, small_sizes
from symelbo.index.build import mul
from symelbo.index.concretize import extent_value
from symelbo.index.domains import Real
from symelbo.index.modular import PRIME, Dual, Modular, NoResidue, Place
from symelbo.index.sparse import is_consistent
from symelbo.index.substitute import free_indices, replace_symbols, symbols_of
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Index,
    Node,
    Number,
    Role,
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.work import Allowance, spend_work
from symelbo.limits import (
    COLUMNS_OF_ROW,
    PROBE_COLUMNS,
    PROBE_DRAWS,
    PROBE_FAILURES,
    PROBE_INPUTS,
    PROBE_NARROW,
    PROBE_PATIENCE,
    PROBE_PLACES,
    PROBE_VALUES,
    PROBE_WORK,
    TABLE_POINTS,
    TABLE_WORK,
)
from symelbo.values import dataclass

__all__ = [
    "Rows",
    "allow_probes",
    "allow_tables",
    "find_multiples",
    "find_rows",
    "is_solvable_somewhere",
]


Column: TypeAlias = tuple[object, ...]
Entries: TypeAlias = dict[Place, Dual]
_END = -1  # the column of the value
_CONSTANT = "constant"  # the first part of the keys of the columns of constants
_SPECTATORS = (Role.LATENT, Role.OBSERVED, Role.INPUT)


class _Machine(Modular):
    """Values of terms at one point, each computed once; abstract functions are random ones.

    work: counts the values, each with its slopes.
    """

    def __init__(self, sizes: Mapping[str, int], seed: int, work: Allowance) -> None:
        super().__init__(sizes, {}, seed)
        self.work = work
        self.known: dict[Node | tuple[object, ...], Dual] = {}
        self.given: dict[tuple[object, ...], tuple[int, ...]] = {}
        self.indices: dict[Node, tuple[Index, ...]] = {}

    def stand_at(self, entries: Mapping[Place, Dual]) -> None:
        """Other values of the entries."""
        self.move_to(entries)
        self.known, self.given = {}, {}

    def term(self, term: Term, env: Mapping[Index, int]) -> Dual:
        kind = type(term)
        if kind is Entry:
            return self._entry(term, env)  # type: ignore[arg-type]
        if kind is Number:
            return self._number(term, env)  # type: ignore[arg-type]
        free = self.indices.get(term)
        if free is None:
            free = self.free(term)
        key = (term, *[env[index] for index in free]) if free else term
        found = self.known.get(key)
        if found is None:
            found = self.apply(term, env) if isinstance(term, Apply) else self.at_node(term, env)
            self.known[key] = found
            self.work.spend(1 + len(found.gradient))
        return found

    def free(self, item: Node) -> tuple[Index, ...]:
        found = self.indices.get(item)
        if found is None:
            found = self.indices[item] = tuple(sorted(free_indices(item), key=sort_key))
        return found

    def apply(self, term: Apply, env: Mapping[Index, int]) -> Dual:
        """A value that depends on the function, the place and the arguments alone."""
        where = tuple([self.index(i, env) for i in term.indices])
        slots = tuple([(n, tuple([self.index(i, env) for i in at])) for n, at in term.derivatives])
        given = tuple([self.entries_of(array, env) for array in term.arguments])
        domain, name = term.function.domain, term.function.name
        if domain.is_symmetric:
            where = (*where[:-2], *sorted(where[-2:]))
        size = domain.smooth[0]
        if domain.entry_sum is not None and where[-1] == self.length(term.function.shape[-1]):
            rest = [(*where[:-1], n) for n in range(1, where[-1])]
            others = sum(self.random(name, slots, at, given) for at in rest)
            return Dual(((0 if slots else domain.entry_sum) - others) % PRIME, None, {}, size)
        value = self.random(name, slots, where, given)
        return Dual(value, None, {}, value % 2001 / 1000 - 1 if domain.is_line else size)

    def entries_of(self, array: Array, env: Mapping[Index, int]) -> tuple[int, ...]:
        key = (array, *[env[index] for index in self.free(array)])
        known = self.given.get(key)
        if known is None:
            ranges = [range(i.low, self.length(i.extent) + 1) for i in array.indices]
            inner = dict(env)
            found = []
            for at in product(*ranges):
                inner.update(zip(array.indices, at, strict=True))
                found.append(self.term(array.body, inner).value)
            known = self.given[key] = tuple(found)
        return known


class _Basis:
    """Independent rows modulo the prime; of many unknowns, enough different rows."""

    def __init__(self) -> None:
        self.pivots: dict[int, dict[int, int]] = {}
        self.wide: set[tuple[tuple[int, int], ...]] = set()
        self.asked: set[int] = set()

    @property
    def is_contradictory(self) -> bool:
        """Whether the rows have no solution."""
        return _END in self.pivots

    def takes(self, row: Mapping[int, int]) -> bool:
        """Whether a row says more than those before, which it joins."""
        if len(row) > PROBE_NARROW:
            self.asked.update(row)
            key = tuple(sorted(row.items()))
            if key in self.wide or len(self.wide) > len(self.asked) + PROBE_PATIENCE:
                return False
            self.wide.add(key)
            return True
        left = dict(row)
        while left:
            lead = max(left)
            pivot = self.pivots.get(lead)
            if pivot is None:
                scale = pow(left[lead], -1, PRIME)
                self.pivots[lead] = {k: x * scale % PRIME for k, x in left.items()}
                return True
            factor = left.pop(lead)
            for k, x in pivot.items():
                if k != lead:
                    rest = (left.get(k, 0) - factor * x) % PRIME
                    if rest:
                        left[k] = rest
                    else:
                        left.pop(k, None)
        return False


class _Probe:
    """Some equations at given sizes: rows of what they ask of the unknowns at random points."""

    def __init__(
        self,
        factors: Sequence[Factor],
        equations: Sequence[Term],
        unknowns: Iterable[Symbol],
        sizes: Mapping[str, int],
        seed: int,
        work: Allowance,
        exact: int | None = None,
        known: Mapping[Symbol, frozenset[Role]] | None = None,
    ) -> None:
        """exact: of how many the value has to be 0 and not a constant; None: of all.  known: the
        roles of the data on which an unknown may depend.
        """
        self.equations, self.sizes = equations, sizes
        self.known = {unknown.name: roles for unknown, roles in (known or {}).items()}
        self.unknowns = {unknown.name: unknown for unknown in unknowns}
        self.random = Random(seed)
        self.instance = Instance(factors, sizes, {}, True, 0, seed)
        self.symbols = [
            sorted(
                (s for s in symbols_of(e) if s.role not in (Role.UNKNOWN, Role.FUNCTION)),
                key=lambda s: (s.name, s.role.value),
            )
            for e in equations
        ]
        self.machines = (_Machine(sizes, seed, work), _Machine(sizes, seed, work))
        # where an unknown may depend on all of a data point, that is one and the same
        self.fixes = [
            any(Role.OBSERVED in self.known.get(s.name, ()) for s in symbols_of(e))
            for e in equations
        ]
        self.exact = len(equations) if exact is None else exact
        self.bases = [_Basis() for _ in equations]
        self.valued = [False] * len(equations)
        self.repeats, self.failures = [0] * len(equations), [0] * len(equations)
        # values of few are drawn again and again
        self.patience = [
            4 * PROBE_PATIENCE if any(s.domain.is_integer for s in own) else PROBE_PATIENCE
            for own in self.symbols
        ]
        self.columns: dict[Column, int] = {}
        self.data: dict[Symbol, Entries] = {}  # the one of these
        self.sought: dict[tuple[object, ...], dict[Place, Dual]] = {}
        self.sought_at(())
        if any(self.fixes):
            self.data = self.draw((Role.OBSERVED, Role.INPUT))

    def sought_at(self, group: tuple[object, ...]) -> dict[Place, Dual]:
        """The entries of the unknowns; of those that may depend on data, at some of these."""
        if not self.known:
            group = ()
        found = self.sought.get(group)
        if found is None:
            found = self.sought[group] = {}
            for unknown in self.unknowns.values():
                which = group if self.known.get(unknown.name) else ()
                for at in self.instance.places(unknown):
                    place = at
                    if unknown.domain.is_symmetric:
                        place = (*at[:-2], *sorted(at[-2:]))
                    column = self.column(unknown.name, place, *which)
                    found[unknown.name, at] = Dual(0, Fraction(0), {column: 1}, 0.0)
        return found

    @property
    def first_group(self) -> tuple[object, ...]:
        """That of the first inputs, which are those of the one data point."""
        return (0,) if any(s.role is Role.INPUT for own in self.symbols for s in own) else ()

    def draw_data(self) -> Iterator[tuple[dict[Symbol, Entries], tuple[int, ...]]]:
        """Values of nodes and inputs, and the number of the latter if there are any.

        An unknown that may depend on the inputs is sought at a few of these.
        """
        most = PROBE_DRAWS + len(self.columns)
        few = PROBE_INPUTS if self.known else most
        inputs: list[dict[Symbol, Entries]] = []
        for draws in range(most):
            number = draws // 4 % few
            if number == len(inputs):
                inputs.append(self.draw_inputs(number))
            moving = {**inputs[number], **self.draw((Role.LATENT, Role.OBSERVED), draws)}
            yield moving, (number,) if inputs[number] else ()

    def draw_inputs(self, number: int) -> dict[Symbol, Entries]:
        """Values of the inputs; the first ones are those of the one data point, if there is one."""
        if self.data and not number:
            return {s: values for s, values in self.data.items() if s.role is Role.INPUT}
        return self.draw((Role.INPUT,))

    def column(self, *key: object) -> int:
        return self.columns.setdefault(key, len(self.columns))

    def tangents(self) -> Iterator[dict[int, int]]:
        """What moves on a simplex moves by nothing in sum."""
        for unknown in self.unknowns.values():
            if unknown.domain.entry_sum != 0:
                continue
            rows: dict[tuple[int, ...], dict[int, int]] = {}
            for at in self.instance.places(unknown):
                rows.setdefault(at[:-1], {})[self.columns[unknown.name, at]] = 1
            yield from rows.values()

    # ------------------------------------------------------------------ points

    def draw(self, roles: Sequence[Role], number: int = 1) -> dict[Symbol, Entries]:
        """Values of the symbols of some roles; in every other draw all bits are 1."""
        found: dict[Symbol, Entries] = {}
        for own in self.symbols:
            for symbol in own:
                if symbol.role in roles and symbol not in found:
                    values = self.values(symbol, ones=number % 2 == 0)
                    found[symbol] = {at: Modular.rational(x) for at, x in values.items()}
        return found

    def rows_at_zero(self, still: Mapping[Symbol, Entries]) -> list[tuple[dict[int, int], int]]:
        """The rows where all real nodes and covariates are 0, of many unknowns.

        Most have no part in them, so that one row shows what contradicts itself; that such a row
        says nothing new says nothing of others.
        """
        if len(self.columns) <= PROBE_NARROW:
            return []
        moving = self.draw(_SPECTATORS)
        for symbol, values in moving.items():
            if symbol.domain.is_line:
                moving[symbol] = dict.fromkeys(values, Modular.rational(Fraction(0)))
        state = list(self.repeats), list(self.failures), list(self.valued)
        found = list(self.rows(still, moving, ("zero",)))
        self.repeats, self.failures, self.valued = state
        return found

    def values(self, symbol: Symbol, *, ones: bool) -> Values:
        """Random values of its entries."""
        if symbol.role is Role.CONSTANT:
            known = {at: x for at, x in self.instance.known.items() if at[0] == symbol.name}
            if known:
                return known
        found: Values = {}
        domain = symbol.domain
        for _, places in self.instance.units(symbol, self.instance.places(symbol)):
            given = self.instance.given(domain, places)
            few = domain.is_integer or domain.lower is not None or domain.upper is not None
            try:
                if ones and domain.is_bit and not domain.rank:
                    entries = [Fraction(1)]
                elif few:
                    entries = self.random.choice(domain.exact_values(PROBE_VALUES, given))
                else:
                    entries = domain.draw_exact(self.random.randrange(99), given)
            except LookupError:
                continue  # a term that needs it has no value then
            found.update({(symbol.name, at): x for at, x in zip(places, entries, strict=True)})
        return found

    def places(self, equation: Term) -> list[dict[Index, int]]:
        """Values of its free indices, of which it has to vanish at all."""
        free = sorted(free_indices(equation), key=sort_key)
        ranges = [range(i.low, extent_value(i.extent, self.sizes) + 1) for i in free]
        found = [dict(zip(free, at, strict=True)) for at in islice(product(*ranges), 200)]
        if len(found) > PROBE_PLACES:
            found = self.random.sample(found, PROBE_PLACES)
        return found

    def rows(
        self,
        still: Mapping[Symbol, Entries],
        moving: Mapping[Symbol, Entries],
        group: tuple[object, ...] = (),
    ) -> Iterator[tuple[dict[int, int], int]]:
        """(row, value) of the equations of which more is to be known, where that is new.

        group: tells covariates apart, with which the constant of a shifted equation may vary, and
        the unknowns that may depend on them.
        """
        for fixes, machine in zip((False, True), self.machines, strict=True):
            chosen = [n for n, own in enumerate(self.fixes) if own is fixes and self.is_open(n)]
            if not chosen:
                continue
            entries = dict(self.sought_at(self.first_group if fixes else group))
            given = {**still, **moving, **(self.data if fixes else {})}
            for found in given.values():
                entries.update(found)
            machine.stand_at(entries)
            for n in chosen:
                told = False
                places = self.places(self.equations[n])
                spend_work(len(places) * (1 + len(self.columns) // COLUMNS_OF_ROW))
                for env in places:
                    try:
                        value = machine.term(self.equations[n], env)
                    except (NoResidue, ZeroDivisionError, ValueError):
                        self.failures[n] += 1
                        continue
                    self.valued[n] = True
                    row = {k: slope for k, slope in value.slopes.items() if slope}
                    if n >= self.exact:
                        at = (*((index.name, k) for index, k in env.items()), *group)
                        row[self.column(_CONSTANT, n, *at)] = PRIME - 1
                    if self.bases[n].takes({**row, _END: value.value} if value.value else row):
                        told = True
                        yield row, value.value
                self.repeats[n] = 0 if told else self.repeats[n] + 1

    def share(self, term: Term, equation: Term, key: Column) -> int:
        """A term of constants, at the place that the column of an equation's constant is for."""
        at = {part[0]: part[1] for part in key[2:] if isinstance(part, tuple)}
        env = {i: at[i.name] for i in free_indices(equation) if i in free_indices(term)}
        return self.machines[0].term(term, env).value

    def is_open(self, n: int) -> bool:
        """Whether more rows of an equation may say more."""
        return self.repeats[n] < self.patience[n] and self.failures[n] < PROBE_FAILURES

    @property
    def is_done(self) -> bool:
        """Whether no equation has more to say."""
        return not any(map(self.is_open, range(len(self.equations))))

    @property
    def is_contradictory(self) -> bool:
        """Whether one equation has no solution by itself at the points so far."""
        return any(basis.is_contradictory for basis in self.bases)

    @property
    def is_known(self) -> bool:
        """Whether every equation had values."""
        return all(self.valued)


_STILL = (Role.PARAMETER, Role.VARIATIONAL, Role.CONSTANT, Role.ARGUMENT, Role.VALUE)


def allow_probes() -> Allowance:
    """The work of all probes for one model."""
    return Allowance(PROBE_WORK, "the probe of equations at random points")


def allow_tables() -> Allowance:
    """The work of all tables for one model."""
    return Allowance(TABLE_WORK, "the table of all motions, at random points")


def is_solvable_somewhere(
    factors: Sequence[Factor],
    equations: Equations,
    unknowns: Sequence[Symbol],
    work: Allowance,
    seed: int = 1,
    *,
    least: Mapping[str, int] | None = None,
    known: Mapping[Symbol, frozenset[Role]] | None = None,
) -> bool:
    """Whether the equations can be solved at a random value of all that velocities may depend on.

    least: of the sizes of the model; known: on which data an unknown may depend.  False means
    almost surely that they have no solution.  TooLong where the work is done.
    """
    everything = (*equations.exact, *equations.shifted)
    sizes = _sizes_of(factors, 1, least)
    exact = len(equations.exact)
    probe = _Probe(factors, everything, unknowns, sizes, seed, work, exact, known)
    if not everything or len(probe.columns) > PROBE_COLUMNS:
        return True
    still = probe.draw(_STILL)
    table = list(probe.tangents())
    ends: list[int] = [0] * len(table)
    for row, value in probe.rows_at_zero(still):
        table.append(row)
        ends.append(value)
    if probe.is_contradictory:
        return False
    asked = 1
    for moving, group in probe.draw_data():
        for row, value in probe.rows(still, moving, group):
            table.append(row)
            ends.append(value)
        if probe.is_contradictory:
            return False
        if probe.is_done:
            break
        if len(table) >= asked:  # most that have no solution have none at few points
            asked = 2 * len(table)
            if not _is_solvable(table, ends):
                return False
    return _is_solvable(table, ends)


def find_multiples(
    factors: Sequence[Factor],
    equations: Sequence[Term],
    bases: Mapping[Symbol, Array],
    work: Allowance,
    seed: int = 2,
    *,
    least: Mapping[str, int] | None = None,
) -> dict[Symbol, Fraction] | None:
    """Rational k such that unknown = k * basis solves the equations, at random points; None: none.

    least: of the sizes of the model.  Those that the equations leave open are 0.  TooLong where the
    work is done.
    """
    factor_of = {u: Symbol(f"k {u.name}", Role.UNKNOWN, Real()) for u in bases}
    arrays = {
        u: Array(basis.indices, mul(Entry(factor_of[u]), basis.body)) for u, basis in bases.items()
    }
    scaled = [replace_symbols(equation, arrays) for equation in equations]
    columns = {symbol.name: n for n, symbol in enumerate(factor_of.values())}
    table = [{n: 1} for n, u in enumerate(bases) if u.domain.entry_sum == 0]
    ends = [0] * len(table)
    tried: list[dict[str, int]] = []
    # of few unknowns all rows are compared; those at other sizes count if they say more
    basis = _Basis()
    for more in (1, 2):
        sizes = _sizes_of(factors, more, least)
        probe = _Probe(factors, scaled, factor_of.values(), sizes, seed + more, work)
        # constants have one value in an instance: what holds at one of them alone is no multiple
        if sizes in tried and not probe.instance.known:
            break
        probe.bases = [basis] * len(scaled)
        tried.append(sizes)
        names = {n: columns[str(key[0])] for key, n in probe.columns.items()}
        rows: Iterable[tuple[dict[int, int], int]] = probe.rows_at_zero(probe.draw(_STILL))
        for draws in range(PROBE_DRAWS + len(columns)):
            for row, value in rows:
                table.append({names[n]: slope for n, slope in row.items()})
                ends.append(value)
            if basis.is_contradictory:
                return None
            if probe.is_done:
                break
            moving = probe.draw(_SPECTATORS, draws)
            rows = probe.rows(probe.draw(_STILL), moving)
        if not probe.is_known:
            return None
    found = solve_in_fractions(table, ends, len(columns))
    return None if found is None else dict(zip(bases, found, strict=True))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of equations at a few values of all that velocities may depend on, with their ends.

    moved: the columns of an unknown, one for each entry and value; constants: the columns of the
    constant of a shifted equation, each with the residue of its share.
    """

    rows: Sequence[tuple[Mapping[int, int], int]]
    columns: int
    moved: Mapping[str, Sequence[int]]
    constants: Sequence[Mapping[int, int]]


def find_rows(
    factors: Sequence[Factor],
    equations: Equations,
    shares: Sequence[Term],
    unknowns: Sequence[Symbol],
    work: Allowance,
    seed: int = 3,
    *,
    least: Mapping[str, int] | None = None,
    known: Mapping[Symbol, frozenset[Role]] | None = None,
) -> Rows | None:
    """The rows of equations at a few random values of the parameters; None: there are too many.

    A constant is the same at all of them.  shares: of each shifted equation, a term of constants.
    least: of the sizes of the model; known: on which data an unknown may depend.  TooLong where the
    work is done.
    """
    everything = (*equations.exact, *equations.shifted)
    exact = len(equations.exact)
    sizes = _sizes_of(factors, 1, least)
    probes = [
        _Probe(factors, everything, unknowns, sizes, seed, work, exact, known)
        for _ in range(TABLE_POINTS)
    ]
    first = probes[0]
    if len(first.columns) > PROBE_COLUMNS:
        return None
    still = []
    columns: dict[Column, int] = {}
    rows: list[tuple[Mapping[int, int], int]] = []

    def place(point: int, row: Mapping[int, int], keys: Sequence[Column]) -> dict[int, int]:
        """The row with columns of the table: of each point its own, but for the constants."""
        found = {}
        for n, slope in row.items():
            key = keys[n]
            whole = key if key[0] == _CONSTANT else (point, *key)
            found[columns.setdefault(whole, len(columns))] = slope
        return found

    for point, probe in enumerate(probes):
        probe.random = Random(seed + point)
        still.append(probe.draw(_STILL))
        rows += ((place(point, row, list(probe.columns)), 0) for row in probe.tangents())
    for moving, group in first.draw_data():
        for point, probe in enumerate(probes):
            drawn = list(probe.rows(still[point], moving, group))
            keys = list(probe.columns)
            rows += ((place(point, row, keys), value) for row, value in drawn)
        if all(probe.is_done for probe in probes):
            break
    moved: dict[str, list[int]] = {}
    constants: list[dict[int, int]] = [{} for _ in equations.shifted]
    for key, n in columns.items():
        if key[0] == _CONSTANT:
            number = int(str(key[1])) - exact
            constants[number][n] = first.share(shares[number], everything[exact + number], key)
        else:
            moved.setdefault(str(key[1]), []).append(n)
    return Rows(rows, len(columns), moved, constants)


# ---------------------------------------------------------------- small parts


def _sizes_of(
    factors: Sequence[Factor], more: int, least: Mapping[str, int] | None
) -> dict[str, int]:
    """Small sizes, in which the least ones are exceeded."""
    smallest = next(iter(small_sizes(factors, least)))
    return {name: n + 1 + k % more for k, (name, n) in enumerate(smallest.items(), 1)}


def _is_solvable(table: Sequence[Mapping[int, int]], ends: Sequence[int]) -> bool:
    """Whether some x satisfies row . x + end = 0 for all rows."""
    return is_consistent([{**row, _END: end} for row, end in zip(table, ends, strict=True)], _END)
