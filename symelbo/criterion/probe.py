"""Linear equations at random points, as residues: whether they can be solved, and by which multiples.

The equations are evaluated as they stand, as graphs, and nothing is expanded.  What is found here is
proposed, and what is excluded has almost surely no solution; nothing is proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product
from random import Random
from typing import TypeAlias

import flint
from flint import fmpq

from symelbo.criterion.factor import Equations, Factor
from symelbo.criterion.sample import Instance, Values, small_sizes
from symelbo.index.build import mul
from symelbo.index.concretize import extent_value
from symelbo.index.modular import PRIME, Dual, Modular, NoResidue, Place
from symelbo.index.substitute import free_indices, replace_symbols, symbols_of
from symelbo.index.terms import (
    Apply,
    Array,
    Domain,
    Entry,
    Index,
    Node,
    Role,
    Symbol,
    Term,
    sort_key,
)

__all__ = ["find_multiples", "is_solvable_somewhere"]

MAX_COLUMNS = 1200  # unknown numbers at one point
MAX_PLACES = 12  # values of the free indices of an equation
MORE = 6  # rows beyond the number of unknowns
MAX_DRAWS = 40  # of what varies, beyond those that are needed

Column: TypeAlias = tuple[object, ...]
_SPECTATORS = (Role.LATENT, Role.OBSERVED, Role.INPUT)
_SIZES = {"positive": 1.5, "naturals": 1.5, "unit": 0.5, "simplex": 0.5}


class _Machine(Modular):
    """Values of terms at one point, each computed once; abstract functions are random ones."""

    def __init__(self, sizes: Mapping[str, int], seed: int) -> None:
        super().__init__(sizes, {}, seed)
        self.known: dict[tuple[object, ...], Dual] = {}
        self.indices: dict[Node, tuple[Index, ...]] = {}

    def stand_at(self, entries: Mapping[Place, Dual]) -> None:
        """Other values of the entries."""
        self.entries = entries
        self.known = {}

    def term(self, term: Term, env: Mapping[Index, int]) -> Dual:
        key = (term, *[env[index] for index in self.free(term)])
        if key not in self.known:
            abstract = isinstance(term, Apply)
            self.known[key] = self.apply(term, env) if abstract else super().term(term, env)
        return self.known[key]

    def free(self, item: Node) -> tuple[Index, ...]:
        if item not in self.indices:
            self.indices[item] = tuple(sorted(free_indices(item), key=sort_key))
        return self.indices[item]

    def apply(self, term: Apply, env: Mapping[Index, int]) -> Dual:
        """A value that depends on the function, the place and the arguments, and on nothing else."""
        where = tuple(self.index(i, env) for i in term.indices)
        slots = tuple((n, tuple(self.index(i, env) for i in at)) for n, at in term.derivatives)
        given = tuple(self.entries_of(array, env) for array in term.arguments)
        kind = term.function.domain.kind
        if kind == "posdef":
            where = (*where[:-2], *sorted(where[-2:]))
        if kind == "simplex" and where[-1] == self.length(term.function.shape[-1]):
            rest = [(*where[:-1], n) for n in range(1, where[-1])]
            others = [self.random(term.function.name, slots, at, given) for at in rest]
            return Dual((int(not slots) - sum(others)) % PRIME, None, {}, 0.5)
        value = self.random(term.function.name, slots, where, given)
        return Dual(value, None, {}, _SIZES.get(kind, value % 2001 / 1000 - 1))

    def entries_of(self, array: Array, env: Mapping[Index, int]) -> tuple[int, ...]:
        ranges = [range(i.low, self.length(i.extent) + 1) for i in array.indices]
        inner = dict(env)
        found = []
        for at in product(*ranges):
            inner.update(zip(array.indices, at, strict=True))
            found.append(self.term(array.body, inner).value)
        return tuple(found)


class _Probe:
    """Some equations at given sizes: rows of what they ask of the unknowns at random points."""

    def __init__(
        self,
        factors: Sequence[Factor],
        equations: Sequence[Term],
        unknowns: Iterable[Symbol],
        sizes: Mapping[str, int],
        seed: int,
    ) -> None:
        self.equations, self.sizes = equations, sizes
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
        self.machines = (_Machine(sizes, seed), _Machine(sizes, seed))
        moving = {s.name for own in self.symbols for s in own if s.role in _SPECTATORS}
        # data that a velocity of q may depend on are constants of the same name
        self.fixes = [
            any(s.name in moving and s.role is Role.CONSTANT for s in own) for own in self.symbols
        ]
        self.columns: dict[Column, int] = {}
        self.sought: dict[Place, Dual] = {}
        for unknown in self.unknowns.values():
            for at in self.instance.places(unknown):
                place = at
                if unknown.domain.kind == "symmetric":
                    place = (*at[:-2], *sorted(at[-2:]))
                column = self.column(unknown.name, place)
                self.sought[unknown.name, at] = Dual(0, fmpq(0), {column: 1}, 0.0)

    def column(self, *key: object) -> int:
        return self.columns.setdefault(key, len(self.columns))

    def tangents(self) -> Iterator[dict[int, int]]:
        """What moves on a simplex moves by nothing in sum."""
        for unknown in self.unknowns.values():
            if unknown.domain.kind != "tangent":
                continue
            rows: dict[tuple[int, ...], dict[int, int]] = {}
            for at in self.instance.places(unknown):
                rows.setdefault(at[:-1], {})[self.columns[unknown.name, at]] = 1
            yield from rows.values()

    # ------------------------------------------------------------------ points

    def draw(self, roles: Sequence[Role]) -> dict[Symbol, Values]:
        """Values of the symbols of some roles."""
        found: dict[Symbol, Values] = {}
        for own in self.symbols:
            for symbol in own:
                if symbol.role in roles and symbol not in found:
                    found[symbol] = self.values(symbol)
        return found

    def values(self, symbol: Symbol) -> Values:
        kind = symbol.domain.kind
        if symbol.role is Role.CONSTANT and symbol.name in self.instance.by_name:
            known = {at: x for at, x in self.instance.known.items() if at[0] == symbol.name}
            if known:
                return known
        if kind in ("simplex", "posdef", "counts", "onehot") and symbol.shape:
            units = self.instance.units(symbol, self.instance.places(symbol))
            blocks = (self.instance.block(symbol, at, self.random.randrange(12)) for _, at in units)
            return {at: x for block in blocks for at, x in block.items()}
        places = self.instance.places(symbol)
        return {(symbol.name, at): self.scalar(symbol) for at in places}

    def scalar(self, symbol: Symbol) -> Fraction:
        match symbol.domain.kind:
            case "binary" | "onehot" | "category" | "naturals" | "counts":
                return self.random.choice(self.instance.support(symbol))
            case "interval" | "angle":
                offset = Fraction(self.random.randint(3, 40), 13)
                return self.instance.inside(symbol.domain, offset)
        return self.instance.scalar(symbol.domain, 0)

    def places(self, equation: Term) -> list[dict[Index, int]]:
        """Values of its free indices, of which it has to vanish at all."""
        free = sorted(free_indices(equation), key=sort_key)
        ranges = [range(i.low, extent_value(i.extent, self.sizes) + 1) for i in free]
        found = [dict(zip(free, at, strict=True)) for at in islice(product(*ranges), 200)]
        if len(found) > MAX_PLACES:
            found = self.random.sample(found, MAX_PLACES)
        return found

    def rows(
        self, still: Mapping[Symbol, Values], moving: Mapping[Symbol, Values]
    ) -> Iterator[tuple[int, dict[Index, int], Dual]]:
        """(number, place, value) of every equation at every place, where it has a value."""
        for fixes, machine in zip((False, True), self.machines, strict=True):
            chosen = [n for n, own in enumerate(self.fixes) if own is fixes]
            if not chosen:
                continue
            entries = dict(self.sought)
            for found in (*still.values(), *(() if fixes else moving.values())):
                entries.update({at: Modular.rational(x) for at, x in found.items()})
            machine.stand_at(entries)
            for n in chosen:
                for env in self.places(self.equations[n]):
                    try:
                        yield n, env, machine.term(self.equations[n], env)
                    except (NoResidue, ZeroDivisionError, ValueError):
                        continue


_STILL = (Role.PARAMETER, Role.VARIATIONAL, Role.CONSTANT, Role.ARGUMENT, Role.VALUE)


def is_solvable_somewhere(
    factors: Sequence[Factor], equations: Equations, unknowns: Sequence[Symbol], seed: int = 1
) -> bool:
    """Whether the equations can be solved at a random value of all that velocities may depend on.

    False means almost surely that they have no solution.
    """
    everything = (*equations.exact, *equations.shifted)
    exact = len(equations.exact)
    probe = _Probe(factors, everything, unknowns, _sizes_of(factors, 1), seed)
    if not everything or len(probe.columns) > MAX_COLUMNS:
        return True
    still = probe.draw(_STILL)
    table = list(probe.tangents())
    ends: list[int] = [0] * len(table)
    wanted = len(table) + len(probe.columns) + MORE
    inputs: dict[Symbol, Values] = {}
    draws, valued = 0, set[int]()
    while len(table) < wanted and draws < MAX_DRAWS + wanted:
        if draws % 4 == 0:
            inputs = probe.draw((Role.INPUT,))
        moving = {**inputs, **probe.draw((Role.LATENT, Role.OBSERVED))}
        for n, env, value in probe.rows(still, moving):
            valued.add(n)
            row = dict(value.gradient)
            if n >= exact:
                key = ("constant", n, draws // 4, *sorted(env.values()), *map(str, env))
                row[probe.column(*key)] = PRIME - 1
            table.append(row)
            ends.append(value.value)
        draws += 1
        if draws > MORE and not valued:
            break  # nothing has a value
        if not moving:
            break  # every draw is the same
    return _solve(table, ends, len(probe.columns)) is not None


def find_multiples(
    factors: Sequence[Factor],
    equations: Sequence[Term],
    bases: Mapping[Symbol, Array],
    seed: int = 2,
) -> dict[Symbol, Fraction] | None:
    """Rational k such that unknown = k * basis solves the equations, at random points; None: none.

    Those that the equations leave open are 0.
    """
    factor_of = {u: Symbol(f"k {u.name}", Role.UNKNOWN, Domain("real")) for u in bases}
    arrays = {
        u: Array(basis.indices, mul(Entry(factor_of[u]), basis.body)) for u, basis in bases.items()
    }
    scaled = [replace_symbols(equation, arrays) for equation in equations]
    columns = {symbol.name: n for n, symbol in enumerate(factor_of.values())}
    table = [{n: 1} for n, u in enumerate(bases) if u.domain.kind == "tangent"]
    ends = [0] * len(table)
    for more in (1, 2):
        probe = _Probe(factors, scaled, factor_of.values(), _sizes_of(factors, more), seed + more)
        names = {n: columns[str(key[0])] for key, n in probe.columns.items()}
        wanted = len(table) + len(columns) + MORE
        valued: set[int] = set()
        for draws in range(MAX_DRAWS + len(columns)):
            for number, _, value in probe.rows(probe.draw(_STILL), probe.draw(_SPECTATORS)):
                valued.add(number)
                row = {names[n]: slope for n, slope in value.gradient.items() if slope}
                if row or value.value:
                    table.append(row)
                    ends.append(value.value)
            if len(table) >= wanted or (draws == MORE and not table):
                break
        if len(valued) < len(scaled):
            return None  # nothing is known of the others
    solution = _solve(table, ends, len(columns))
    if solution is None:
        return None
    found = [_rational(residue) for residue in solution]
    if None in found:
        return None
    return dict(zip(bases, found, strict=True))  # type: ignore[arg-type]


# ---------------------------------------------------------------- small parts


def _sizes_of(factors: Sequence[Factor], more: int) -> dict[str, int]:
    """Small sizes, not all equal."""
    least = next(iter(small_sizes(factors)))
    return {name: n + 1 + (k + more) % 2 for k, (name, n) in enumerate(least.items())}


def _solve(table: Sequence[Mapping[int, int]], ends: Sequence[int], count: int) -> list[int] | None:
    """row . x + end = 0 for all rows -> x modulo the prime, 0 where it is open; None: none."""
    if not table:
        return [0] * count
    matrix = flint.nmod_mat(len(table), count + 1, PRIME)
    for i, (row, end) in enumerate(zip(table, ends, strict=True)):
        for n, slope in row.items():
            matrix[i, n] = slope
        matrix[i, count] = -end % PRIME
    reduced, rank = matrix.rref()
    solution = [0] * count
    for i in range(rank):
        lead = next(n for n in range(count + 1) if int(reduced[i, n]))
        if lead == count:
            return None
        solution[lead] = int(reduced[i, count])
    return solution


def _rational(residue: int) -> Fraction | None:
    """The fraction of small numerator and denominator that has this residue."""
    small = 1 << 20
    a, b, x, y = PRIME, residue, 0, 1
    while b > small:
        q = a // b
        a, b, x, y = b, a - q * b, y, x - q * y
    return Fraction(b, y) if y and abs(y) <= small else None
