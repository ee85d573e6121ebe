"""(U) of some factors at random points as one table of residues, of which a case is a choice of
columns: which latents rest, and which base measures are constant.

What moves may not have any base measure, so that cases have to be told apart; here one is asked
for after the other, and their number grows with those of latents and factors.  What is found is
proposed, and what is excluded has almost surely no solution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symelbo.criterion.factor import Equations, Factor, generalize, symbols_of_statement
from symelbo.criterion.find_motion import (
    Attempt,
    Unknowns,
    closure_equations,
    make_unknowns,
    open_attempt,
)
from symelbo.criterion.open_factors import find_opening
from symelbo.criterion.probe import Rows, find_rows
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, takes_base
from symelbo.expfam.separate_change import Part
from symelbo.index.echelon import echelon_of
from symelbo.index.modular import PRIME
from symelbo.index.sparse import is_consistent
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Role, Symbol, Term
from symelbo.index.work import Allowance

__all__ = ["Tableau", "make_tableau"]


class Tableau:
    """The rows of (U) of some factors, in which every latent of an attempt may move freely, and
    every base measure may have any share of a statistic of the value alone.
    """

    def __init__(
        self,
        factors: Sequence[Factor],
        moving: Iterable[Symbol],
        unknowns: Unknowns,
        parts: Sequence[tuple[int, Part]],
        table: Rows,
    ) -> None:
        """factors, unknowns: with lengths opened as those of the table are; moving: as they are
        given; parts: of each shifted equation the number of the factor, and the part of its change.

        What no case fixes is eliminated once for all.
        """
        self.factors, self.moving = factors, tuple(moving)
        motions = {node.name: latent for node, latent in unknowns.latents.items()}
        self.names = frozenset(motions)

        def columns(array: Array) -> list[int]:
            names = (s.name for s in symbols_of(array.body) if s.role is Role.UNKNOWN)
            return [n for name in names for n in table.moved.get(name, ())]

        self.rates = {node: columns(motions[node.name].rate) for node in self.moving}
        self.shifts = {node: columns(motions[node.name].shift) for node in self.moving}
        self.bases = [
            (number, part, shares)
            for (number, part), shares in zip(parts, table.constants, strict=True)
        ]
        cased = {n for found in (self.rates, self.shifts) for own in found.values() for n in own}
        cased.update(n for shares in table.constants for n in shares)
        order = [*(n for n in range(table.columns) if n not in cased), *sorted(cased)]
        place = {n: k for k, n in enumerate(order)}
        first, self.end = table.columns - len(cased), table.columns
        given = (
            {**{place[n]: x for n, x in row.items()}, self.end: value} for row, value in table.rows
        )
        echelon = echelon_of([{n: x for n, x in row.items() if x} for row in given])
        self.rows = [{start: 1, **row} for start, row in echelon.items() if start >= first]
        self.place = place

    # ------------------------------------------------------------------ one case

    def is_solvable(self, case: Mapping[Symbol, Travel], gauges: Sequence[Gauge | None]) -> bool:
        """Whether the case has a solution at the points of the table.

        case: how a latent moves; of one that is not in it nothing is said.  gauges: None for any
        base measure, as far as the motion of the value allows it.
        """
        said = {node.name: travel for node, travel in case.items()}
        known: dict[int, int] = {}
        for node, travel in case.items():
            if not travel.scales:
                known.update(dict.fromkeys(self.rates[node], 0))
            if not travel.shifts:
                known.update(dict.fromkeys(self.shifts[node], 0))
        for number, part, shares in self.bases:
            factor, gauge = self.factors[number], gauges[number]
            if self._is_idle(factor, said):
                gauge = Gauge.CONSTANT
            # of a latent of which nothing is said, the base measure is not either
            travel = said.get(factor.node.name, Travel.REST)
            if gauge is Gauge.CONSTANT or not takes_base(factor.change, part, travel):
                known.update(dict.fromkeys(shares, 0))
            elif gauge is Gauge.TEXTBOOK:
                known.update(shares)
        fixed = {self.place[n]: x for n, x in known.items()}
        rows = []
        for row in self.rows:
            left = {n: x for n, x in row.items() if n not in fixed}
            if len(left) < len(row):
                end = sum(x * fixed[n] for n, x in row.items() if n in fixed)
                left[self.end] = (left.get(self.end, 0) + end) % PRIME
            rows.append({n: x for n, x in left.items() if x})
        return is_consistent(rows, self.end)

    def _is_idle(self, factor: Factor, said: Mapping[str, Travel]) -> bool:
        """Whether nothing moves in the factor: no parameter, no parent, not its value."""
        own = {s.name for s in (factor.node, *symbols_of_statement(factor.statement))}
        return not factor.parameters() and not any(
            said.get(name) is not Travel.REST for name in own & self.names
        )

    # ------------------------------------------------------------------ many cases

    def find_moving(self, *, constant: bool) -> dict[Symbol, Travel] | None:
        """Latents that have to move, and how, no fewer of which would do; None: no case will.

        What moves is scaled too where it may be.  Where some latents are as good as others, the
        last ones rest.  constant: all base measures are.
        """
        gauges: list[Gauge | None] = [Gauge.CONSTANT if constant else None] * len(self.factors)
        case = self._propagate({}, gauges)
        while case is not None and (left := [n for n in self.moving if n not in case]):
            at_rest = {**case, **dict.fromkeys(left, Travel.REST)}
            if self.is_solvable(at_rest, gauges):
                return _moving_of(at_rest, self.moving)
            last = left[-1]
            found = self._propagate({**case, last: Travel.REST}, gauges)
            case = found or self._propagate(self._move(case, last, gauges), gauges)
        return None if case is None else _moving_of(case, self.moving)

    def _propagate(
        self, case: Mapping[Symbol, Travel] | None, gauges: Sequence[Gauge | None]
    ) -> dict[Symbol, Travel] | None:
        """The case with the latents that have to move in it, one for the sake of the other; None if
        it has no solution.
        """
        if case is None or not self.is_solvable(case, gauges):
            return None
        found = dict(case)
        while True:
            before = len(found)
            for node in self.moving:
                if node not in found and not self.is_solvable({**found, node: Travel.REST}, gauges):
                    moved = self._move(found, node, gauges)
                    if moved is None:
                        return None
                    found = moved
            if len(found) == before:
                return found

    def _move(
        self, case: Mapping[Symbol, Travel], node: Symbol, gauges: Sequence[Gauge | None]
    ) -> dict[Symbol, Travel] | None:
        """The case with one latent more that moves."""
        ways = (Travel.AFFINE, Travel.SHIFT, Travel.SCALE) if node.domain.is_line else ()
        for travel in ways or (Travel.AFFINE,):
            moved = {**case, node: travel}
            if self.is_solvable(moved, gauges):
                return moved
        return None

    def find_gauges(
        self, case: Mapping[Symbol, Travel], options: Sequence[Sequence[Gauge]]
    ) -> tuple[Gauge, ...] | None:
        """The strongest base measures, each as strong as those before it leave it; None: none.

        options: of each factor, the strongest first, the last of which allows all others.
        """
        gauges = [own[-1] for own in options]
        if not self.is_solvable(case, gauges):
            return None
        for n, own in enumerate(options):
            for gauge in own[:-1]:
                if self.is_solvable(case, [*gauges[:n], gauge, *gauges[n + 1 :]]):
                    gauges[n] = gauge
                    break
        return tuple(gauges)


def _moving_of(case: Mapping[Symbol, Travel], order: Iterable[Symbol]) -> dict[Symbol, Travel]:
    return {node: case[node] for node in order if case[node] is not Travel.REST}


def make_tableau(attempt: Attempt, work: Allowance) -> Tableau | None:
    """The table of an attempt, whatever its base measures are; None where it is too large.

    TooLong where the work of probes is done.
    """
    opening = find_opening(attempt.everything) if attempt.opened else None
    own = attempt if opening is None else open_attempt(attempt, opening)
    unknowns = make_unknowns(own)
    exact: list[Term] = []
    shifted: list[Term] = []
    shares: list[Term] = []
    parts: list[tuple[int, Part]] = []
    for number, factor in enumerate(own.factors):
        mapping = factor.moved(unknowns.velocities(), unknowns.latents)
        for part in factor.parts():
            terms = generalize([replace_symbols(part.coefficient, mapping)])
            if not part.pure:
                exact += terms
                continue
            shifted += terms
            shares += [replace_symbols(part.textbook, mapping)] * len(terms)
            parts += [(number, part)] * len(terms)
    exact += (term for q in own.variational for term in closure_equations(q, unknowns))
    equations = Equations(tuple(exact), tuple(shifted))
    found = find_rows(
        own.everything,
        equations,
        shares,
        unknowns.order,
        work,
        least=attempt.least,
        known=unknowns.known,
    )
    if found is None:
        return None
    return Tableau(own.factors, attempt.moving, unknowns, parts, found)
