"""Linear equations for unknown arrays, over symbolic sizes.

An equation is a term that must vanish for all values of its free indices and of the spectators (the
parents of a factor).  They are solved by matching the functions of the spectators, then entry by
entry: sufficient only, and what is found is checked elsewhere.

Some unknowns may depend on some spectators.  Of these the functions are matched once no such
unknown is left in an equation: an equation is solved for the one that may depend on most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from types import MappingProxyType
from typing import TypeAlias

from symelbo.index import build
from symelbo.index.build import ZERO, mul, power
from symelbo.index.domains import Real
from symelbo.index.factor_divisors import factor_divisors
from symelbo.index.normal import (
    RING,
    Monomial,
    Poly,
    clear_denominators,
    free_shares,
    from_monomial,
    from_poly,
    is_zero,
    normal,
    split_content,
    to_poly,
)
from symelbo.index.polynomial import F1
from symelbo.index.signs import is_nonzero, is_within
from symelbo.index.substitute import (
    formal_indices,
    free_indices,
    instantiate,
    rename_indices,
    replace_index,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Apply,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Inverse,
    Mul,
    Node,
    Number,
    Origin,
    Position,
    Power,
    Role,
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.work import Allowance
from symelbo.limits import ELIMINATION_GROWTH, ELIMINATION_MONOMIALS, ELIMINATION_ROUNDS
from symelbo.values import dataclass

Factors = tuple[tuple[Term, Fraction], ...]
_Pivot: TypeAlias = tuple[Entry, Term, Poly]  # an unknown, what it is multiplied by, and the rest

__all__ = ["Found", "NotFound", "divisors", "find_by_elimination", "unknown_like"]


@dataclass(frozen=True, slots=True)
class Found:
    """values: one array per unknown; nonzero: what these divide by and is not certainly nonzero.

    left: equations without unknowns that remained, where these were asked for.
    """

    values: Mapping[Symbol, Array]
    nonzero: tuple[Term, ...] = ()
    left: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class NotFound:
    """What was left over: a term that would have to vanish and contains no unknown."""

    residual: Term


def unknown_like(symbol: Symbol, prefix: str) -> Symbol:
    """x -> an unknown direction in which x may move."""
    return Symbol(f"{prefix}{symbol.name}", Role.UNKNOWN, symbol.domain.tangent, symbol.shape)


# ---------------------------------------------------------------- elimination


def find_by_elimination(
    equations: Sequence[Term],
    unknowns: Sequence[Symbol],
    is_spectator: Callable[[Symbol], bool] = lambda _: False,
    *,
    collect: bool = False,
    shifted: Sequence[Term] = (),
    least: Mapping[str, int] = MappingProxyType({}),
    known: Mapping[Symbol, frozenset[Role]] | None = None,
) -> Found | NotFound:
    """equations f(u) = 0 -> u, the unknowns; those left undetermined are zero.

    Unknowns of kind `tangent` sum to zero over their last index.  An equation is solved for an
    unknown whose coefficient is certainly nonzero, if there is one; of these the first unknowns are
    solved for first, so that the last ones are more often zero.  collect: an equation in which no
    unknown is left does not end the search, but is returned in `left`.  shifted: terms that need
    vanish only up to a constant, which is sought as well: it may depend on known constants and
    covariates, on no parameter and on no other spectator.  least: the smallest value of a
    size, 1 if not.  known: the roles of the spectators on which an unknown may depend, where
    there are any.

    >>> found = find_by_elimination([term("(2*u - y)*x")], [u], lambda symbol: symbol is x)
    >>> show(found.values[u].body)
    y/2
    """
    solver = _Elimination(tuple(unknowns), is_spectator, collect, least, known or {})
    try:
        return solver.solve(equations, shifted)
    except ZeroDivisionError:  # by a pivot that was not seen to be zero
        return NotFound(ZERO)


class _Elimination:
    """The state of one elimination: equations still open, and rules unknown -> array."""

    def __init__(
        self,
        unknowns: tuple[Symbol, ...],
        is_spectator: Callable[[Symbol], bool],
        collect: bool,
        least: Mapping[str, int],
        known: Mapping[Symbol, frozenset[Role]],
    ) -> None:
        self.collect = collect
        self.least = least
        self.known = dict(known)
        self.later: list[Term] = []  # what need vanish only up to a constant, not yet queued
        self.left: list[Term] = []
        self.unknowns = set(unknowns)
        self.order = {u: n for n, u in enumerate(unknowns)}
        self.all = unknowns
        self.is_spectator = is_spectator
        self.rules: dict[Symbol, Array] = {}
        self.extra = 0
        self.open: list[Poly] = []
        # U, (., K) -> the unknown U[., K]; None stands for an axis that is left open
        self.places: dict[tuple[Symbol, tuple[IndexTerm | None, ...]], Symbol] = {}
        self.constants: set[Symbol] = set()
        self.constants_apart: list[Term] = []  # the equations in which these are
        self.work = Allowance(0, "an elimination")

    # -- the loop

    def solve(self, equations: Sequence[Term], shifted: Sequence[Term] = ()) -> Found | NotFound:
        self.later = list(shifted)
        given = [to_poly(equation) for equation in (*equations, *self.ripe())]
        given += [poly for unknown in self.all for poly in self.constraints(unknown)]
        self.work.left = ELIMINATION_MONOMIALS + ELIMINATION_GROWTH * sum(map(len, given))
        for poly in given:
            self.push(poly)
        for _ in range(ELIMINATION_ROUNDS):
            if not self.open and not self.take_later():
                break
            residual = self.advance()
            if residual is not None:
                return NotFound(residual)
        else:
            return NotFound(from_poly(self.open[0]))
        return self.finish([*equations, *self.constants_apart])

    def ripe(self) -> list[Term]:
        """Equations of the terms that need vanish only up to a constant, of those in which no
        unknown is left that may depend on a spectator.
        """
        ready, self.later = self.later, []
        if self.known:
            self.later = [t for t in ready if self.known_in(self.held(to_poly(t)))]
            ready = [t for t in ready if t not in self.later]
        found = [part for term in ready for part in self.shift(term)]
        self.constants_apart += found
        return found

    def take_later(self) -> bool:
        """Queue what was left for later; an unknown that may depend on a spectator, and is still
        open, is zero.
        """
        if not self.later:
            return False
        self.later = [self.apply(term) for term in self.later]
        for term in self.later:
            for entry in self.held(to_poly(term)):
                if self.known_to(entry) and entry.symbol in self.unknowns:
                    self.assign(entry.symbol, Array(formal_indices(entry.symbol.shape), ZERO))
        self.later = [self.apply(term) for term in self.later]
        for part in self.ripe():
            self.push(to_poly(part))
        return bool(self.open)

    def shift(self, term: Term) -> list[Term]:
        """f = c up to spectators -> one equation per function of these, with - c where allowed."""
        parts = []
        for key, poly in self.split_with_keys(to_poly(term), self.has_spectator):
            part = from_poly(poly)
            if all(map(_is_known, key)):
                part = from_poly(self.divide_content(poly, _is_known))
                free = tuple(sorted(free_indices(part), key=sort_key))
                name = f"constant {len(self.constants)}"
                constant = Symbol(name, Role.UNKNOWN, Real(), tuple(i.extent for i in free))
                self.constants.add(constant)
                self.unknowns.add(constant)
                self.order[constant] = 900 + len(self.constants)
                part = build.subtract(part, Entry(constant, free))
            parts.append(part)
        return parts

    @staticmethod
    def constraints(unknown: Symbol) -> list[Poly]:
        """sum_i U[i] = 0 where the domain says so"""
        if unknown.domain.entry_sum != 0:
            return []
        indices = formal_indices(unknown.shape, "t")
        return [to_poly(build.total(indices[-1], Entry(unknown, indices)))]

    def finish(self, equations: Sequence[Term]) -> Found | NotFound:
        self.assemble_places()
        leftover = {s: Array(formal_indices(s.shape), ZERO) for s in self.unknowns}
        everything = {**leftover, **self.rules}
        values = {}
        for unknown in (*self.all, *self.constants):
            array = everything[unknown]
            body = normal(replace_symbols(array.body, leftover))
            values[unknown] = Array(array.indices, factor_divisors(body))
        for equation in () if self.left else equations:
            left = replace_symbols(equation, values)
            if not is_zero(left):
                left = from_poly(self.settle(to_poly(left)))
                if not is_zero(left):
                    return NotFound(normal(left))
        values = {unknown: values[unknown] for unknown in self.all}
        used = dict.fromkeys(d for a in values.values() for d in divisors(a.body))
        return Found(values, tuple(used), tuple(self.left))

    def assemble_places(self) -> None:
        """U[1], U[2] known, U[i] never asked for -> U[i] = delta(i, 1) U[1] + delta(i, 2) U[2]."""
        for unknown in (*self.all, *sorted(self.constants, key=lambda s: self.order[s])):
            if unknown not in self.rules and self.named_places(unknown):
                self.assemble(unknown)

    def named_places(self, unknown: Symbol) -> list[tuple[IndexTerm | None, ...]]:
        return [at for symbol, at in self.places if symbol == unknown]

    def assemble(self, unknown: Symbol) -> None:
        """U[i] = delta(i, 1) U[1] + delta(i, 2) U[2], of a symmetric one at the mirrored places
        too.
        """
        indices = formal_indices(unknown.shape)
        parts = []
        for at in self.named_places(unknown):
            own = self.apply(Entry(self.places[unknown, at], _open_axes(indices, at)))
            for where in dict.fromkeys((at, _mirrored(at) if unknown.domain.is_symmetric else at)):
                pairs = zip(indices, where, strict=True)
                deltas = [Delta(index, place) for index, place in pairs if place is not None]
                parts.append(mul(*deltas, own))
        self.assign(unknown, Array(indices, build.add(*parts)))

    def fill_rest(self) -> bool:
        """U[1], U[2] named, sum_i U[i] = 0 -> U of these and of the last other place, which takes
        the rest; U[1, .] named, sum_j U[i, j] = 0 -> U of these, which have that sum themselves.
        """
        for unknown in (*self.all, *self.places.values()):
            named = self.named_places(unknown)
            if unknown.domain.entry_sum != 0 or unknown in self.rules or not named:
                continue
            ends = {at[-1] for at in named}
            if ends == {None}:
                self.assemble(unknown)
                return True
            if len({at[:-1] for at in named}) > 1 or None in ends:
                continue
            rest = self.find_other(unknown.shape[-1], ends)
            if rest is not None:
                outer = formal_indices(unknown.shape)[:-1]
                self.place_entry(unknown, (*outer, rest))
            self.assemble(unknown)
            return True
        return False

    def assemble_whole(self) -> bool:
        """U[1], U[2] named, U of length 2 -> U[i] = delta(i, 1) U[1] + delta(i, 2) U[2]."""
        for unknown in self.all:
            named = self.named_places(unknown)
            if unknown in self.rules or not named or None in (e for at in named for e in at):
                continue
            if any(e.size for e in unknown.shape):
                continue
            if len(named) == prod(e.offset for e in unknown.shape):
                self.assemble(unknown)
                return True
        return False

    def find_other(self, axis: Extent, taken: Collection[IndexTerm | None]) -> Position | None:
        """A place of an axis that is none of those taken: one that is none of them at any size, if
        there is one; the last one, if it is.
        """
        shortest = axis.offset + (self.least.get(axis.size, 1) if axis.size else 0)
        backwards = [Extent(axis.size, axis.offset - back) for back in range(len(taken) + 1)]
        forwards = [Extent(None, place) for place in range(1, min(shortest, len(taken) + 1) + 1)]
        extents = (backwards[0], *forwards, *backwards[1:]) if axis.size else backwards
        places = [Position(e) for e in extents if e.size or e.offset >= 1]
        others = [place for place in places if place not in taken]
        certain = (
            place
            for place in others
            if all(isinstance(t, Position) and self.are_apart(place, t) for t in taken)
        )
        return next(certain, others[0] if others else None)

    def are_apart(self, one: Position, other: Position) -> bool:
        """Whether two places differ at all sizes."""
        if one.extent.size == other.extent.size:
            return one.extent.offset != other.extent.offset
        low, high = (one, other) if one.extent.size is None else (other, one)
        if low.extent.size is not None:
            return False
        return self.least.get(high.extent.size or "", 1) + high.extent.offset > low.extent.offset

    def push(self, poly: Poly) -> None:
        """Queue an equation, split by the spectators' functions.

        Where constants alone are unknown, by the functions of the parameters too: a constant is
        the same for all of them.  TooLong where all that was queued outgrew what was given.
        """
        self.work.spend(len(poly))
        poly = self.settle(poly)
        for part in self.split_hidden(clear_denominators(poly)):
            part = self.divide_content(part)
            held = self.held(part)
            if held and all(entry.symbol in self.constants for entry in held):
                pieces = self.split(free_shares(part), _has_parameter)
            else:
                pieces = [part]
            self.open.extend(piece for piece in pieces if piece)

    def advance(self) -> Term | None:
        """Solve one equation for one unknown; returns a residual if that is impossible."""
        self.open = [poly for poly in self.open if poly and not self.vanishes(poly)]
        if not self.open:
            return None
        self.open.sort(key=self.effort)
        poly = self.open[0]
        if not self.held(poly):
            if not self.collect:
                return from_poly(poly)
            self.left.append(from_poly(poly))
            del self.open[0]
            return None
        for attempt in (
            self.pivot_surely,
            self.pivot,
            self.isolate,
            self.take_places,
            self.separate,
            self.split_indices,
            self.spread,
            self.split_places,
        ):
            for poly in self.open:
                if attempt(poly):
                    return None
        if self.fill_rest() or self.assemble_whole():
            return None
        for poly in self.open:  # homogeneous: zero solves it
            symbols = {entry.symbol for entry in self.held(poly)}
            if all(self.held_in(monomial) for monomial in poly):
                for symbol in sorted(symbols, key=lambda s: s.name):
                    self.assign(symbol, Array(formal_indices(symbol.shape), ZERO))
                return None
        return from_poly(self.open[0])

    def settle(self, poly: Poly) -> Poly:
        """delta(1, C) f + sum_i delta(i, 2) g(i) -> g(2), where C >= 2"""
        result: Poly = {}
        for monomial, scale in poly.items():
            settled = self.settle_delta(monomial)
            for inner, value in ({monomial: F1} if settled is None else settled).items():
                _add(result, inner, scale * value)
        return result

    def settle_delta(self, monomial: Monomial) -> Poly | None:
        """The same of one monomial and one delta in it; None if there is none."""
        for atom, exponent in monomial.factors:
            match atom:
                case Delta(Position() as one, Position() as other) if self.are_apart(one, other):
                    return {}
                case Delta(Index() as i, Position() as place) | Delta(
                    Position() as place, Index() as i
                ) if i in monomial.bound and exponent == 1 and self.holds(i, place):
                    bound = tuple(b for b in monomial.bound if b != i)
                    factors = tuple(f for f in monomial.factors if f[0] is not atom)
                    rest = replace_index(from_monomial(Monomial(bound, factors)), i, place)
                    return self.settle(to_poly(rest))
        return None

    def holds(self, index: Index, place: Position) -> bool:
        """Whether a place is in the range of an index at all sizes."""
        if is_within(place, index.extent, index.low):
            return True
        low, end = place.extent, index.extent
        shortest = end.offset + self.least.get(end.size or "", 1)
        return low.size is None and end.size is not None and index.low <= low.offset <= shortest

    def vanishes(self, poly: Poly) -> bool:
        return not self.held(poly) and is_zero(from_poly(poly))

    def effort(self, poly: Poly) -> tuple[object, ...]:
        held = self.held(poly)
        contracted = any(monomial.bound for monomial in poly if self.held_in(monomial))
        rank = min((self.order.get(entry.symbol, 999) for entry in held), default=-1)
        return (len(held), contracted, rank, len(poly), repr(sort_key(from_poly(poly))))

    # -- what an equation holds

    def held_in(self, monomial: Monomial) -> Entry | None:
        for atom, _ in monomial.factors:
            if isinstance(atom, Entry) and atom.symbol in self.unknowns:
                return atom
        return None

    def held(self, poly: Poly) -> list[Entry]:
        entries = (self.held_in(monomial) for monomial in poly)
        return sorted({e for e in entries if e is not None}, key=sort_key)

    def has_spectator(self, atom: Term) -> bool:
        return any(self.is_spectator(symbol) for symbol in symbols_of(atom))

    def known_to(self, entry: Entry) -> frozenset[Role]:
        """The roles of the spectators on which an unknown may depend."""
        return self.known.get(entry.symbol, frozenset())

    def known_in(self, held: Iterable[Entry]) -> frozenset[Role]:
        """The roles of the spectators on which some of these unknowns may depend."""
        return frozenset[Role]().union(*map(self.known_to, held))

    def split_hidden(self, poly: Poly) -> list[Poly]:
        """Match the functions of the spectators on which no unknown of an equation may depend."""
        known = self.known_in(self.held(poly)) if self.known else frozenset[Role]()
        if not known:
            return self.split(poly, self.has_spectator)

        def is_hidden(atom: Term) -> bool:
            return any(self.is_spectator(s) and s.role not in known for s in symbols_of(atom))

        found = []
        for part in self.split(poly, is_hidden):
            fewer = self.known_in(self.held(part)) < known
            found += self.split_hidden(part) if fewer else [part]
        return found

    # -- moves

    def divide_content(self, poly: Poly, test: Callable[[Term], bool] = lambda _: True) -> Poly:
        """a_i b_j (f + g) = 0 -> f + g = 0, for known factors that all monomials share and that
        satisfy the test.
        """
        if len(poly) < 2:
            return poly
        content, _, _ = split_content(poly)
        shared = [(a, e) for a, e in content.factors if a not in self.held(poly) and test(a)]
        if not shared:
            return poly
        inverse = from_monomial(Monomial((), tuple((a, -e) for a, e in shared)))
        return to_poly(mul(inverse, from_poly(poly)))

    def split(self, poly: Poly, test: Callable[[Term], bool]) -> list[Poly]:
        """Group monomials by the factors that satisfy the test; bound indices of these get free."""
        return [part for _, part in self.split_with_keys(poly, test)]

    def split_with_keys(
        self, poly: Poly, test: Callable[[Term], bool]
    ) -> list[tuple[tuple[Term, ...], Poly]]:
        """As `split`, with the factors of each group."""
        groups: dict[Factors, Poly] = {}
        for monomial, scale in poly.items():
            held = self.held_in(monomial)
            chosen = [(a, e) for a, e in monomial.factors if a != held and test(a)]
            if not chosen:
                _add(groups.setdefault((), {}), monomial, scale)
                continue
            freed = [i for i in monomial.bound if any(i in free_indices(a) for a, _ in chosen)]
            names = _order_of_appearance(freed, chosen)
            mapping = {i: i.like(f"~{n}", Origin.FREED) for n, i in enumerate(names)}
            key = tuple(
                sorted(
                    ((rename_indices(a, mapping), e) for a, e in chosen),
                    key=lambda f: sort_key(f[0]),
                )
            )
            rest = tuple((a, e) for a, e in monomial.factors if (a, e) not in chosen)
            kept = tuple(i for i in monomial.bound if i not in mapping)
            coefficient = rename_indices(from_monomial(Monomial(kept, rest), scale), mapping)
            group = groups.setdefault(key, {})
            for inner, value in to_poly(coefficient).items():
                _add(group, inner, value)
        self.gather_places(groups)
        # names freed here must not meet those of a later split
        return [
            (tuple(atom for atom, _ in key), self.freshen(group)) for key, group in groups.items()
        ]

    def gather_places(self, groups: dict[Factors, Poly]) -> None:
        """c u[2] + sum_i U[i] u[i] -> sum_i (U[i] + delta(i, 2) c) u[i], where no unknown is in c,
        which alone would have to vanish.
        """
        for key in [key for key, group in groups.items() if not self.held(group)]:
            for other, group in groups.items():
                at = _places_of(other, key)
                if not at or not all(self.holds(i, place) for i, place in at.items()):
                    continue
                deltas = [Delta(index, place) for index, place in at.items()]
                for inner, value in to_poly(mul(*deltas, from_poly(groups[key]))).items():
                    _add(group, inner, value)
                del groups[key]
                break

    def freshen(self, poly: Poly) -> Poly:
        term = from_poly(poly)
        for index in sorted(free_indices(term), key=sort_key):
            if index.origin is Origin.FREED:
                self.extra += 1
                term = replace_index(term, index, index.like(f"f{self.extra}", Origin.FORMAL))
        return to_poly(term)

    def pivot_surely(self, poly: Poly) -> bool:
        """The same as `pivot`, where a is certainly nonzero: nothing need be asked of the model."""
        return self.pivot_by(poly, lambda pivots: [p for p in pivots if is_nonzero(p[1])])

    def pivot(self, poly: Poly) -> bool:
        """a U[i, j] + rest = 0 -> U[i, j] = -rest / a, where i, j are all free indices.

        By the a of the fewest factors that may vanish, so that the number of conditions does not
        hang on the names of parameters.
        """
        return self.pivot_by(poly, lambda ps: sorted(ps, key=lambda p: _count_conditions(p[1])))

    def pivot_by(self, poly: Poly, rank: Callable[[Iterator[_Pivot]], Iterable[_Pivot]]) -> bool:
        """By the first of the pivots, in this order, of which something can be made."""
        known, poly = self.known_in(self.held(poly)), self.name_places(poly)
        if self.known_in(self.held(poly)) < known:  # what may depend on spectators is solved by now
            self.open = [other for other in self.open if other is not poly]
            self.push(poly)
            return True
        for entry, divisor, rest in rank(self.find_pivots(poly)):
            rest, contraction = self.name_contraction(rest, entry.symbol)
            if any(e.symbol == entry.symbol for e in self.held(rest)):
                continue
            body = normal(mul(build.MINUS_ONE, from_poly(rest), power(divisor, -1)))
            self.open = [other for other in self.open if other is not poly]
            self.define(entry, body)
            if contraction is not None:
                symbol, meaning = contraction
                self.push(to_poly(build.subtract(Entry(symbol), self.apply(meaning))))
            return True
        return False

    def find_pivots(self, poly: Poly) -> Iterator[_Pivot]:
        """a U[i, j] + rest -> (U[i, j], a, rest) for the unknowns that may depend on most, where
        i, j are all free indices and a is not 0; the first unknowns first.
        """
        free = free_indices(from_poly(poly))
        entries = sorted(
            self.held(poly), key=lambda e: (self.order.get(e.symbol, 999), sort_key(e))
        )
        most = max((len(self.known_to(entry)) for entry in entries), default=0)
        for entry in entries:
            if len(self.known_to(entry)) < most:
                continue
            plain = [i for i in entry.indices if isinstance(i, Index) and i in free]
            if len(set(plain)) != len(entry.indices) or not free <= set(plain):
                continue
            coefficient: Poly = {}
            rest: Poly = {}
            for monomial, scale in poly.items():
                if self.held_in(monomial) == entry and free_indices(entry).isdisjoint(
                    monomial.bound
                ):
                    factors = tuple(f for f in monomial.factors if f[0] != entry)
                    _add(coefficient, Monomial(monomial.bound, factors), scale)
                else:
                    _add(rest, monomial, scale)
            divisor = from_poly(coefficient)
            if not coefficient or is_zero(divisor):
                continue
            if entry.symbol in self.constants and not self.is_constant(rest):
                continue
            yield entry, divisor, rest

    def is_constant(self, rest: Poly) -> bool:
        """Whether no parameter, and no unknown that may depend on one, is in what a constant of the
        gauge would be.
        """
        atoms = [atom for monomial in rest for atom, _ in monomial.factors]
        named = frozenset[Symbol]().union(*map(symbols_of, atoms))
        unknown = {symbol for symbol in named if symbol.role is Role.UNKNOWN}
        return unknown <= self.constants and not any(map(_has_parameter, atoms))

    def define(self, entry: Entry, body: Term) -> None:
        """Record U[i] = body(i), patched with deltas where the equation's range is shorter."""
        indices = formal_indices(entry.symbol.shape)
        patches: list[Term] = []
        for axis, (index, formal) in enumerate(zip(entry.indices, indices, strict=True)):
            assert isinstance(index, Index)
            full = entry.symbol.shape[axis]
            missing = _missing_places(index, full)
            body = replace_index(body, index, formal)
            for place in missing:
                patches.append(self.patch(entry.symbol, indices, axis, place, body))
        if patches:
            body = normal(build.add(body, *patches))
        named = [(at, own) for (symbol, at), own in self.places.items() if symbol == entry.symbol]
        self.assign(entry.symbol, Array(indices, body))
        for at, own in named:  # U[K] was a symbol of its own so far
            where = tuple(place or i for i, place in zip(indices, at, strict=True))
            rest = tuple(i for i in where if i in indices)
            there = instantiate(Array(indices, self.apply(body)), where)
            self.push(to_poly(build.subtract(self.apply(Entry(own, rest)), there)))

    def patch(
        self, symbol: Symbol, indices: tuple[Index, ...], axis: int, place: Position, body: Term
    ) -> Term:
        """delta(i, K) (U[K] - body(K)), which vanishes where the rule extends to K."""
        at: tuple[IndexTerm, ...] = (*indices[:axis], place, *indices[axis + 1 :])
        own = self.place_entry(symbol, at)
        there = build.subtract(own, replace_index(body, indices[axis], place))
        if is_zero(there):
            return ZERO
        return mul(Delta(indices[axis], place), there)

    def place_entry(self, symbol: Symbol, at: tuple[IndexTerm, ...]) -> Entry:
        """U, (i, K) -> an entry of the unknown U[., K], a symbol of its own; of U[1, K] over the
        unknown U[1, .], where that is one whole value.
        """
        first = len(at) - symbol.domain.rank
        if not _is_open(at[:first]) and not _is_open(at[first:]):
            within = formal_indices(symbol.shape)[first:]
            whole = self.place_entry(symbol, (*at[:first], *within))
            return self.place_entry(whole.symbol, (*whole.indices[: -len(within)], *at[first:]))
        where: tuple[IndexTerm | None, ...]
        where = tuple(None if isinstance(i, Index) else i for i in at)
        if symbol.domain.is_symmetric:  # U[2, 1] is U[1, 2]
            where = min(where, _mirrored(where), key=repr)
        key = (symbol, where)
        found = self.places.get(key)
        if found is None:
            shape = tuple(e for e, i in zip(symbol.shape, at, strict=True) if isinstance(i, Index))
            name = f"{symbol.name} at {len(self.places)}"
            domain = symbol.domain if _is_open(at[first:]) else Real()
            found = Symbol(name, Role.UNKNOWN, domain, shape)
            self.places[key] = found
            self.unknowns.add(found)
            self.known[found] = self.known.get(symbol, frozenset())
            self.order[found] = 500 + len(self.places)
            self.open += self.constraints(found)
        return Entry(found, tuple(i for i in at if isinstance(i, Index)))

    def name_places(self, poly: Poly) -> Poly:
        """U[i, K] -> an unknown of its own; the link is restored by `define`."""
        arrays: dict[Entry, Entry] = {}
        for entry in self.held(poly):
            if any(isinstance(i, Position) for i in entry.indices):
                arrays[entry] = self.place_entry(entry.symbol, entry.indices)
        if not arrays:
            return poly
        result: Poly = {}
        for monomial, scale in poly.items():
            held = self.held_in(monomial)
            factors = tuple((arrays.get(a, a) if a == held else a, e) for a, e in monomial.factors)
            term = from_monomial(Monomial(monomial.bound, factors), scale)
            for inner, value in to_poly(self.apply(term)).items():  # it may be solved by now
                _add(result, inner, value)
        self.open = [result if other is poly else other for other in self.open]
        return result

    def name_contraction(
        self, rest: Poly, symbol: Symbol
    ) -> tuple[Poly, tuple[Symbol, Term] | None]:
        """b sum_j c_j U[j] -> b rho: a closed contraction becomes an unknown scalar."""
        result: Poly = {}
        contraction: Term | None = None
        self.extra += 1
        rho = Symbol(f"rho {self.extra}", Role.UNKNOWN, Real())
        for monomial, scale in rest.items():
            held = self.held_in(monomial)
            if held is None or held.symbol != symbol or not monomial.bound:
                _add(result, monomial, scale)
                continue
            bound = set(monomial.bound)
            inside = tuple(f for f in monomial.factors if free_indices(f[0]) & bound)
            outside = tuple(f for f in monomial.factors if f not in inside)
            meaning = from_monomial(Monomial(monomial.bound, inside))
            if free_indices(meaning) or contraction not in (None, meaning):
                _add(result, monomial, scale)
                continue
            contraction = meaning
            factors = sorted((*outside, (Entry(rho), Fraction(1))), key=lambda f: sort_key(f[0]))
            _add(result, Monomial((), tuple(factors)), scale)
        if contraction is None:
            return rest, None
        self.unknowns.add(rho)
        self.known[rho] = self.known.get(symbol, frozenset())
        self.order[rho] = 600 + self.extra
        return result, (rho, contraction)

    def spread(self, poly: Poly) -> bool:
        """a[t] sum_{i=1..C} U[i, t] + rest[t] = 0 -> U[i, t] = -rest[t] / (a[t] C), alike for all
        i.
        """
        entries = self.held(poly)
        inside = [monomial for monomial in poly if self.held_in(monomial)]
        if len(entries) != 1 or len(inside) != 1 or len(poly) == 1:
            return False
        (entry,), (monomial,) = entries, inside
        free = free_indices(from_poly(poly))
        over = {*entry.indices}
        if len(over) < len(entry.indices) or over != {*monomial.bound} | free:
            return False
        factors = tuple(f for f in monomial.factors if f[0] != entry)
        divisor = from_poly(RING.reduce_monomial(monomial.bound, dict(factors)))
        if is_zero(divisor):
            return False
        rest = from_poly({m: c / -poly[monomial] for m, c in poly.items() if m != monomial})
        self.open = [other for other in self.open if other is not poly]
        self.define(entry, normal(mul(rest, power(divisor, -1))))
        return True

    def isolate(self, poly: Poly) -> bool:
        """sum_j M[i, j] U[j] + ... = 0 -> multiply by the inverse of M at [a, i], sum over i."""
        free = free_indices(from_poly(poly))
        for monomial in sorted(poly, key=repr):
            held = self.held_in(monomial)
            if held is None or not monomial.bound:
                continue
            touched = free_indices(held) & set(monomial.bound)
            for atom, _ in monomial.factors:
                for mine, other, inverse in _inverses_along(atom):
                    if mine in free and other in touched:
                        self.extra += 1
                        fresh = mine.like(f"f{self.extra}")
                        product = build.total(mine, mul(inverse(fresh), from_poly(poly)))
                        self.open = [p for p in self.open if p is not poly]
                        self.push(to_poly(product))
                        return True
        return False

    def split_indices(self, poly: Poly) -> bool:
        """Match the functions of free indices that no single unknown covers."""
        free = free_indices(from_poly(poly))
        entries = self.held(poly)
        if not entries:
            return False
        best = max(
            entries, key=lambda e: (len(free_indices(e) & free), -self.order.get(e.symbol, 0))
        )
        uncovered = free - free_indices(best)
        if not uncovered:
            return False
        parts = self.split(poly, lambda atom: bool(free_indices(atom) & uncovered))
        return self.replace(poly, parts)

    def separate(self, poly: Poly) -> bool:
        """U[i] + f(i) + V[j] + g(j) = 0 -> U[i] + f(i) = 0 and V[j] + g(j) = 0."""
        groups: dict[frozenset[Index], Poly] = {}
        for monomial, scale in poly.items():
            key = free_indices(from_monomial(monomial))
            _add(groups.setdefault(key, {}), monomial, scale)
        held = [{entry.symbol for entry in self.held(group)} for group in groups.values()]
        symbols = [symbol for own in held for symbol in own]
        if len(groups) < 2 or not all(held) or len(set(symbols)) != len(symbols):
            return False
        return self.replace(poly, list(groups.values()))

    def split_places(self, poly: Poly) -> bool:
        """f(i) + g(j) = 0 -> f(i) = 0 and g(j) = 0 (monomials that share no free index)."""
        groups: dict[frozenset[Index], Poly] = {}
        for monomial, scale in poly.items():
            key = free_indices(from_monomial(monomial))
            _add(groups.setdefault(key, {}), monomial, scale)
        return self.replace(poly, list(groups.values()))

    def take_places(self, poly: Poly) -> bool:
        """f(i) = 0 for i in 1:2 -> f(1) = 0 and f(2) = 0, where an unknown does not vary with i and
        f tells the places apart.
        """
        term = from_poly(poly)
        for index in sorted(free_indices(term), key=sort_key):
            places = {
                atom.left if atom.right == index else atom.right
                for monomial in poly
                for atom, _ in monomial.factors
                if isinstance(atom, Delta) and index in (atom.left, atom.right)
            }
            if index.extent.size is not None or not (places or index.extent.offset == index.low):
                continue
            if all(index in free_indices(entry) for entry in self.held(poly)):
                continue
            self.open = [other for other in self.open if other is not poly]
            for place in range(index.low, index.extent.offset + 1):
                self.push(to_poly(replace_index(term, index, Position(Extent(None, place)))))
            return True
        return False

    def replace(self, poly: Poly, parts: list[Poly]) -> bool:
        parts = [part for part in parts if part]
        if len(parts) < 2 and (not parts or parts[0] == poly):
            return False
        if (
            len(parts) == 1
            and len(parts[0]) == len(poly)
            and free_indices(from_poly(parts[0])) >= free_indices(from_poly(poly))
        ):
            return False
        self.open = [other for other in self.open if other is not poly]
        self.open.extend(part for some in parts for part in self.split_hidden(some))
        return True

    # -- rules

    def apply(self, term: Term) -> Term:
        return replace_symbols(term, self.rules)

    def assign(self, symbol: Symbol, array: Array) -> None:
        rule = {symbol: array}
        self.rules = {
            s: Array(a.indices, normal(replace_symbols(a.body, rule)))
            for s, a in self.rules.items()
        }
        self.rules[symbol] = array
        self.unknowns.discard(symbol)
        reopened = self.open
        self.open = []
        for poly in reopened:
            term = from_poly(poly)
            if symbol in symbols_of(term):
                self.push(to_poly(replace_symbols(term, rule)))
            else:
                self.open.append(poly)


def _inverses_along(
    atom: Term,
) -> list[tuple[Index, IndexTerm, Callable[[Index], Term]]]:
    """M[i, j] -> (i, j, a -> inv(M)[a, i]) where M is an inverse or an invertible Jacobian."""
    found: list[tuple[Index, IndexTerm, Callable[[Index], Term]]] = []
    if isinstance(atom, Inverse):
        for mine, other in ((atom.row, atom.column), (atom.column, atom.row)):
            if isinstance(mine, Index):
                found.append(
                    (mine, other, lambda a, i=mine: instantiate(atom.matrix, (a, i)))  # type: ignore[misc]
                )
    invertible = isinstance(atom, Apply) and atom.function.domain.is_invertible
    if isinstance(atom, Apply) and invertible and len(atom.derivatives) == len(atom.indices) == 1:
        ((slot, (other,)),) = atom.derivatives
        (mine,) = atom.indices
        moved = atom.arguments[slot].indices[0]  # along all of it, wherever this derivative is
        row, column = formal_indices((atom.function.shape[0], moved.extent), "row")
        slope = Apply(atom.function, atom.arguments, (row,), ((slot, (column,)),))
        if isinstance(mine, Index):
            jacobian = Array((row, column), slope)
            found.append((mine, other, lambda a, i=mine: Inverse(jacobian, a, i)))  # type: ignore[misc]
    return found


def _places_of(free: Factors, fixed: Factors) -> dict[Index, Position]:
    """u[i, j] v[j], u[i, 2] v[2] -> {j: 2}; nothing where these do not differ so."""
    found: dict[Index, Position] = {}
    if [exponent for _, exponent in free] != [exponent for _, exponent in fixed]:
        return {}
    for (one, _), (other, _) in zip(free, fixed, strict=True):
        if not (isinstance(one, Entry) and isinstance(other, Entry)) or one.symbol != other.symbol:
            return {}
        for index, place in zip(one.indices, other.indices, strict=True):
            if isinstance(index, Index) and isinstance(place, Position):
                found.setdefault(index, place)
    for index, place in found.items():
        free = tuple((replace_index(atom, index, place), exponent) for atom, exponent in free)
    return found if free == fixed else {}


def _is_open(at: tuple[IndexTerm, ...]) -> bool:
    """Whether no place is a literal one."""
    return all(isinstance(place, Index) for place in at)


def _open_axes(indices: tuple[Index, ...], at: tuple[IndexTerm | None, ...]) -> tuple[Index, ...]:
    """(i, j), (., K) -> (i,)"""
    return tuple(index for index, place in zip(indices, at, strict=True) if place is None)


def _mirrored(at: tuple[IndexTerm | None, ...]) -> tuple[IndexTerm | None, ...]:
    """(c, 1, 2) -> (c, 2, 1), where both places are fixed."""
    return at if None in at[-2:] else (*at[:-2], at[-1], at[-2])


def _missing_places(index: Index, extent: Extent) -> list[Position]:
    """The places of 1..extent that low..index.extent leaves out, if these are end points."""
    missing = [Position(Extent(None, n)) for n in range(1, index.low)]
    if index.extent.size == extent.size:
        for offset in range(index.extent.offset + 1, extent.offset + 1):
            missing.append(Position(Extent(extent.size, offset)))
    elif not is_within(Position(extent), index.extent):
        raise ValueError(f"an unknown over 1..{extent} is not determined by {index.extent}")
    return missing


def _is_known(atom: Term) -> bool:
    """Whether constants and covariates are all that an atom depends on."""
    return all(s.role in (Role.INPUT, Role.CONSTANT) for s in symbols_of(atom))


def _has_parameter(atom: Term) -> bool:
    return any(s.role in (Role.PARAMETER, Role.VARIATIONAL) for s in symbols_of(atom))


def divisors(item: Node) -> list[Term]:
    """What a term divides by, at any depth, and is not certainly different from 0."""
    found: dict[Term, None] = {}
    for part in walk_parts(item):
        match part:
            case Power(base, Number(exponent)) if exponent < 0:
                factors = base.factors if isinstance(base, Mul) else (base,)
                found |= dict.fromkeys(f for f in factors if not is_nonzero(f))
    return list(found)


def _count_conditions(divisor: Term) -> int:
    """How many factors of a divisor are not certainly different from 0."""
    return len(divisors(factor_divisors(power(divisor, -1))))


def _order_of_appearance(
    indices: list[Index], factors: Iterable[tuple[Term, Fraction]]
) -> list[Index]:
    seen: list[Index] = []
    for atom, _ in sorted(factors, key=lambda f: sort_key(f[0])):
        for index in walk_parts(atom):
            if isinstance(index, Index) and index in indices and index not in seen:
                seen.append(index)
    return seen


def _add(poly: Poly, monomial: Monomial, scale: Fraction) -> None:
    value = poly.get(monomial, Fraction(0)) + scale
    if value:
        poly[monomial] = value
    else:
        poly.pop(monomial, None)
