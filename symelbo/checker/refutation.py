"""Refutations, checked in exact arithmetic: no motion satisfies the criterion (U).

(U) is linear in the velocities, in r and s, in b and in H~.  Weights on finitely many points that
annihilate all of these, and not log p, exclude every solution:

    at each parameter value        sum w D log p = 0  for all velocities of parameters
    at equal inputs too            sum w D log p = 0  for all r and s
    at equal parents too           sum w = 0          so that H~ drops out
    at equal values and inputs     sum w = 0          so that b drops out
    over everything                sum w log p != 0

r and s, b and H~ may depend on the inputs, that is on all inputs of a data point, whichever of them
a factor mentions; the velocities of the parameters may not.

More generally, k systems of rational weights may leave k - 1 of the unknowns: what they leave is k
equations, and if the determinant of their coefficients and of sum w log p is not 0, they have no
solution.  So coefficients may be transcendental: determinants are enclosed by intervals.

As D b is constant, b is constant for a real latent that is scaled at some parameter value, c v for
one that is only shifted, c log v or c log|v - end| for others that move; a factor in which
nothing moves has to have a constant density: all that at each value of the inputs.  Where it is
used, there is one case for each choice of the latent entries that rest, are shifted, and are
scaled there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Final

from .criterion import free_indices, names_in, users_of
from .instance import (
    Exact,
    Part,
    admissible_entries,
    function_admissible,
    length,
    places_of,
)
from .interval import Intervals, Unbounded, certainly_nonsingular
from .polynomial import Poly
from .statement import Case, Density, Moved, Place, Refutation, Row, Symbol, Unknown
from .terms import (
    FREE,
    ONE,
    Array,
    Field,
    Instance,
    NotShown,
    Raw,
    RawIndex,
    minus,
    put,
    sum_of,
    walk,
)
from .witness import can_hold
from .work import Cut, work_left

__all__ = ["check_refutation"]

MAX_CASES: Final = 6  # latent entries, at values of the inputs, that cases tell apart
AGREEMENT: Final = 256  # bits to which what is stated agrees with what is found
WIDER: Final = (2, 8)  # times these bits are calculated with: large numbers may cancel
REGULAR: Final = ("exp", "abs", "tanh", "sigmoid", "softplus", "sin", "cos", "erf")


def check_refutation(
    refutation: Refutation,
    factors: Sequence[Density],
    symbols: Mapping[str, Symbol],
    least: Mapping[str, int],
) -> list[str]:
    """Reasons why the weights do not refute (U) of the factors together; empty if they do.

    factors: all of the model; the conditions on them say which parameter values there are.  least:
    of each size; at smaller ones some factor of the model does not exist.
    """
    try:
        return _Check(refutation, factors, symbols, least).reasons()
    except Cut:
        raise
    except NotShown as reason:
        return [f"not shown: {reason}"]
    except KeyError as reason:
        return [f"no size or entry {reason}"]


class _Check:
    def __init__(
        self,
        refutation: Refutation,
        factors: Sequence[Density],
        symbols: Mapping[str, Symbol],
        least: Mapping[str, int],
    ) -> None:
        self.least = least
        self.densities = factors
        self.refutation = refutation
        self.factors = {f.name: f for f in factors if f.name in refutation.factors}
        self.sizes = refutation.sizes
        self.constants = dict(refutation.constants)
        self.points = [dict(point) for point in refutation.points]
        self.inputs = [dict(values) for values in refutation.inputs]
        self.declared = symbols
        self.mirrored: set[str] = set()  # V + V': V[i,j] and V[j,i] are one direction
        self.learned: set[str] = set()  # the unknowns that are the same for all inputs
        named: dict[str, None] = {}
        for factor in self.factors.values():
            terms = [factor.log_density, *(array[1] for _, array in factor.arguments)]
            named.update(dict.fromkeys(sorted(set().union(*map(names_in, terms)))))
            named[factor.node.name] = None
        known = {name: symbols[name] for name in named}
        self.symbols = {n: s for n, s in known.items() if s.role != "function"}
        self.used = {n: s for n, s in known.items() if s.role == "function"}
        self.clashes = [
            f"{name} is the name of an unknown"
            for name in known
            if name.startswith(("velocity of ", "rate of ", "shift of "))
        ]
        self.exact = Exact(Instance(self.sizes, {}, refutation.functions))
        self.moving = self.field()
        self.intervals = [Intervals(times * AGREEMENT) for times in WIDER]

    def reasons(self) -> list[str]:
        """Why it is no refutation; the later parts rely on the earlier ones."""
        return self.well_formed() or self.admissible() or self.equations() or self.coverage()

    # ------------------------------------------------------------------ form

    def well_formed(self) -> list[str]:
        """Sizes that the model has, points of parameters and constants, one weight for each row and
        each combination, and as many combinations as unknowns are left and one more.
        """
        refutation = self.refutation
        found = [*self.clashes]
        if len(self.factors) == 0 or not refutation.cases:
            found.append("no factors or no cases")
        if not refutation.points or not refutation.inputs:
            found.append("no parameter values, or no values of the inputs")
        for name, size in refutation.sizes.items():
            if size < 1:
                found.append(f"size {name} = {size} is not positive")
            elif size < self.least.get(name, 1):
                found.append(f"size {name} = {size}, but the model needs {self.least[name]}")
        for given, role in (
            (self.constants, "constant"),
            *((point, "parameter") for point in self.points),
            *((values, "input") for values in self.inputs),
        ):
            for name, _ in given:
                if name not in self.symbols or self.symbols[name].role != role:
                    found.append(f"{name} is no {role}")
        for case in refutation.cases:
            if not case.rows:
                found.append("a case without rows")
            for row in case.rows:
                work_left().spend(5, "the rows of a case")
                found += self.row_reasons(row)
            size = len(case.matrix)
            if len(case.unknowns) != size - 1 or any(len(line) != size for line in case.matrix):
                found.append("as many combinations are needed as unknowns are left, and one more")
            if any(len(row.weights) != size for row in case.rows):
                found.append("a row without a weight in every combination")
            if any(len(combination) != size - 1 for _, combination in case.dependent):
                found.append("a dependent unknown without a factor for every unknown")
            named = [*case.unknowns, *(unknown for unknown, _ in case.dependent)]
            if len(set(named)) != len(named):
                found.append("an unknown that is named twice")
            terms = (*case.matrix, *(combination for _, combination in case.dependent))
            if not all(_closed(term) for line in terms for term in line):
                found.append("a coefficient or a value is not closed")
        return found

    def row_reasons(self, row: Row) -> list[str]:
        """(U) of a factor at a place that it has, with its whole value and parents alone."""
        factor = self.factors.get(row.factor)
        if factor is None:
            return [f"no factor {row.factor}"]
        if not 0 <= row.point < len(self.points):
            return [f"no parameter value {row.point}"]
        if not 0 <= row.inputs < len(self.inputs):
            return [f"no value {row.inputs} of the inputs"]
        ranges = [(i[2], length(i[3:], self.sizes)) for i in factor.plates]
        if len(ranges) != len(row.place) or not all(
            low <= k <= high for (low, high), k in zip(ranges, row.place, strict=True)
        ):
            return [f"place {row.place} of {row.factor} does not exist"]
        own = set(self.own_places(factor, row))
        found = []
        if {at for at, _ in row.value} != own or len(row.value) != len(own):
            found.append(f"a row of {row.factor} does not give its value")
        for at, _ in row.parents:
            role = self.symbols[at[0]].role if at[0] in self.symbols else None
            if role not in ("latent", "observed") or at in own:
                found.append(f"a row of {row.factor} gives {at[0]}, which is no parent")
        return found

    def own_places(self, factor: Density, row: Row) -> list[Place]:
        """The entries that one value of the factor has at the place of a row."""
        env = dict(zip(factor.plates, row.place, strict=True))

        def at(place: RawIndex) -> int:
            if place[0] == "i":
                return env[place]
            if place[0] == "o":
                return env[place[1]] + int(place[2])
            return length(place[1:], self.sizes)

        plates = tuple(map(at, factor.places))
        events = factor.node.shape[len(plates) :]
        ranges = [(1, length(e, self.sizes)) for e in events]
        return [(factor.node.name, (*plates, *event)) for event in places_of(ranges)]

    # ------------------------------------------------------------------ admissible points

    def admissible(self) -> list[str]:
        """Points, data and arguments lie in their domains, and every function is of its domain."""
        found: list[str] = []
        functions = self.refutation.functions
        for name, symbol in self.used.items():
            if name not in functions:
                found.append(f"no function given for {name}")
                continue
            formals, array = functions[name]
            found += function_admissible(symbol, formals, array, self.sizes, self.declared)
        if found:
            return found
        for given in (self.constants, *self.points, *self.inputs):
            found += self.domains(given, complete=True)
        rows = [row for case in self.refutation.cases for row in case.rows]
        for row in rows:
            found += self.domains({**dict(row.parents), **dict(row.value)}, complete=False)
        found = found or [r for row in rows for r in (*self.support(row), *self.arguments(row))]
        return found or self.conditions()

    def domains(self, given: Mapping[Place, Fraction], *, complete: bool) -> list[str]:
        """Every value lies in the domain of its symbol."""
        by_name: dict[str, dict[tuple[int, ...], Fraction]] = {}
        for (name, at), x in given.items():
            by_name.setdefault(name, {})[at] = x
        found = []
        for name, entries in by_name.items():
            if name in self.symbols:
                found += admissible_entries(
                    self.symbols[name],
                    entries,
                    self.constants,
                    Instance(self.sizes),
                    complete=complete,
                )
        return found

    def support(self, row: Row) -> list[str]:
        """The value lies in the support, where the density is what is stated."""
        factor, values = self.factors[row.factor], self.values(row)
        support = factor.support
        if support == factor.node.domain:
            return []
        env = {i: ("p", "", k) for i, k in zip(factor.plates, row.place, strict=True)}
        ends = (None if e is None else put(e, env) for e in (support.lower, support.upper))
        return admissible_entries(
            factor.node._replace(domain=type(support)(*ends)),
            {at: x for (_, at), x in row.value},
            values,
            self.instance(values),
            complete=False,
        )

    def conditions(self) -> list[str]:
        """Each parameter value is one of the model, and each value of the inputs beside it:
        conditions can hold there, also on factors that are not refuted.
        """
        sizes = {name: max(k, 1) for name, k in self.least.items()} | dict(self.sizes)
        rows = (row for case in self.refutation.cases for row in case.rows)
        used = dict.fromkeys((row.point, row.inputs) for row in rows)
        return [
            "a parameter value at which the conditions of the result are not shown to hold"
            for point, inputs in used
            if not can_hold(
                self.densities,
                (),
                self.declared,
                sizes,
                {**self.constants, **self.points[point], **self.inputs[inputs]},
                Instance(sizes, {}, self.refutation.functions),
            )
        ][:1]

    def arguments(self, row: Row) -> list[str]:
        """The arguments of the family lie in their domains, so that log p is a log-density."""
        factor = self.factors[row.factor]
        values = self.values(row)
        self.exact.instance = self.instance(values)
        found = []
        conditions = ((condition.domain, condition.array) for condition in factor.conditions)
        for domain, (formals, body) in (*factor.arguments, *conditions):
            ranges = [(i[2], length(i[3:], self.sizes)) for i in formals]
            entries: dict[tuple[int, ...], Poly] = {}
            for where in places_of(ranges):
                place = (*row.place, *where)
                indices = (*factor.plates, *formals)
                entries[where] = self.exact.block(indices, place, body, values)
                self.exact.require_values(entries[where])
            if not self.exact.lies_in(domain, entries):
                found.append(f"an argument of {row.factor} is not shown to lie in its domain")
        return found

    # ------------------------------------------------------------------ the equations

    def values(self, row: Row) -> dict[Place, Fraction]:
        """Every entry that has a value in a row."""
        given = {**self.constants, **self.points[row.point], **self.inputs[row.inputs]}
        return {**given, **dict(row.parents), **dict(row.value)}

    def instance(self, values: Mapping[Place, Fraction]) -> Instance:
        """The sizes, with the categories that are given."""
        categories = {
            (name, place): int(x)
            for (name, place), x in values.items()
            if name in self.symbols and self.symbols[name].domain.is_place
        }
        return Instance(self.sizes, categories, self.refutation.functions)

    def equations(self) -> list[str]:
        """Each case leaves a system without a solution."""
        found = []
        for number, case in enumerate(self.refutation.cases, start=1):
            reasons = self.held_reasons(case)
            if reasons is None:
                self.exact.forms.hold_sums(False)
                reasons = self.case_reasons(case)
            found += [f"case {number}: {reason}" for reason in reasons]
        return found

    def held_reasons(self, case: Case) -> list[str] | None:
        """Those that are left where any number may stand for a long one; None if some stood."""
        forms = self.exact.forms
        forms.hold_sums(True)
        try:
            reasons = self.case_reasons(case)
        except NotShown:
            if not forms.held:
                raise
            return None
        return None if reasons and forms.held else reasons

    def case_reasons(self, case: Case) -> list[str]:
        """The weights annihilate all but the unknowns that are left; of these and of log p they
        leave the stated matrix, whose determinant is not 0.
        """
        columns, totals = self.combine(case)
        found = []
        for unknown, combination in case.dependent:
            for other, factor in zip(case.unknowns, combination, strict=True):
                if unknown in columns and other in columns:
                    share = self.exact.number(factor)
                    columns[unknown] = [
                        self.exact.add(poly, self.exact.mul(share, same), -1)
                        for poly, same in zip(columns[unknown], columns[other], strict=True)
                    ]
        for key, polys in columns.items():
            if key in case.unknowns:
                continue
            if not all(self.exact.vanishes(poly) for poly in polys):
                found.append(f"the weights do not annihilate {_describe(key)}")
        left = [(_describe(u), columns.get(u, [{}] * len(totals))) for u in case.unknowns]
        matrix = [list(line) for line in case.matrix]
        for n, (what, polys) in enumerate([*left, ("log p", totals)]):
            for line, poly in zip(matrix, polys, strict=True):
                rest = self.exact.add(poly, self.exact.number(line[n]), -1)
                if self.exact.vanishes(rest):
                    continue
                own = self.own_coefficient(poly, rest)
                if own is None:
                    found.append(
                        f"the weighted sum of {what} differs from what is stated by "
                        + self.exact.show(rest)
                    )
                else:
                    line[n] = own
        if not found and not certainly_nonsingular(matrix):
            found.append("the determinant is not shown to be different from zero")
        return found

    def own_coefficient(self, poly: Poly, rest: Poly) -> Raw | None:
        """What the weights leave, where it is written in another way than it is stated.

        The determinant is of what is found here; what is stated has to agree to many digits.
        """
        own, difference = map(self.exact.forms.closed_term, (poly, rest))
        if own is None or difference is None:
            return None
        for intervals in self.intervals:
            try:
                low, high = intervals.bounds(difference)
            except Unbounded:
                continue
            if not low <= 0 <= high:
                return None
            if (high - low) * 2**AGREEMENT < 1:
                return own
        return None

    def combine(self, case: Case) -> tuple[dict[object, list[Poly]], list[Poly]]:
        """For each combination: what it leaves of every unknown, and of log p.

        Rows of the same parents share what is free of the value: the slopes by that are added up
        before each is multiplied with what it is made of, and most of the sums are 0.
        """
        exact, moving = self.exact, self.moving
        columns: dict[object, list[Poly]] = {}
        totals: list[Poly] = [{} for _ in case.matrix]

        def gather(key: object, polys: Mapping[int, Poly]) -> None:
            work_left().spend(1 + len(case.matrix) // 4, "the rows of a case")
            found = columns.setdefault(key, [{} for _ in case.matrix])
            for n, poly in polys.items():
                found[n] = exact.add(found[n], poly)

        for rows in _alike(case.rows):
            sums: dict[int, tuple[Part, dict[int, Poly]]] = {}
            for row in rows:
                weights = {n: weight for n, weight in enumerate(row.weights) if weight}
                factor = self.factors[row.factor]
                values = {**self.values(row), **_still(case, row.inputs)}  # of which log p has none
                own = exact.forms.own = frozenset((factor.node.name,))
                exact.instance = self.instance(values)
                opened = exact.there(factor.plates, row.place, factor.log_density)
                exact.forms.at(values)
                here = exact.forms.poly(opened)
                exact.require_values(here)
                for n, weight in weights.items():
                    totals[n] = exact.add(totals[n], here, weight)
                for part in exact.parts(opened, moving, own):
                    slope = exact.forms.poly(part.slope)
                    exact.require_values(slope)
                    shared = {} if exact.forms.mentions(part.raw, own) else sums
                    _, found = shared.setdefault(id(part), (part, {}))
                    for n, weight in weights.items():
                        found[n] = exact.add(found.get(n, {}), slope, weight)
                    if shared is not sums:
                        self.gather_part(part, found, row, gather)
                for key, term in self.constraints(case, factor, row):
                    poly = exact.number(term)
                    gather(key, {n: exact.scale(poly, weight) for n, weight in weights.items()})
            for part, found in sums.values():
                self.gather_part(part, found, rows[0], gather)
        return columns, totals

    def gather_part(
        self,
        part: Part,
        sums: Mapping[int, Poly],
        row: Row,
        gather: Callable[[object, Mapping[int, Poly]], None],
    ) -> None:
        """What sums of slopes by a part leave of the unknowns in it."""
        left = {n: poly for n, poly in sums.items() if poly}
        if not left:
            return
        for (name, at), share in self.exact.shares(part, self.moving):
            if name in self.mirrored and at[-1] < at[-2]:
                continue
            products = {n: self.exact.forms.mul(poly, share) for n, poly in left.items()}
            inputs = None if name in self.learned else row.inputs
            gather(Unknown(name, at, row.point, inputs), products)

    def field(self) -> Field:
        """Every admissible motion, linear in unknown velocities."""
        field: dict[str, Array] = {}
        for name, symbol in self.symbols.items():
            if symbol.role == "parameter":
                field[name] = tangent_field(symbol)
                self.learned.add(f"velocity of {name}")
                if symbol.domain.has_mirrored_directions:
                    self.mirrored.add(f"velocity of {name}")
            elif self.is_movable(symbol):
                field[name] = latent_field(symbol)
        return field

    def constraints(self, case: Case, factor: Density, row: Row) -> list[tuple[object, Raw]]:
        """The unknowns of a row besides the velocities: H~ and b."""
        name, place, inputs = factor.name, row.place, row.inputs
        entropy = ("H~", name, place, row.point, inputs, row.parents)
        found: list[tuple[object, Raw]] = [(entropy, ONE)]
        own = [(at, inputs) for at, _ in row.value]
        if len(own) == 1 and own[0] in case.moving:
            if not self.is_movable(factor.node):
                raise NotShown(f"{factor.node.name} cannot move")
            if factor.node.domain.is_line and own[0] not in case.shifted:
                _moving_base(factor, row.value[0][1])  # b is constant; or there is no telling
                return found
            base = Unknown(f"base of {name}", place, None, inputs)
            found.append((base, _moving_base(factor, row.value[0][1])))
        elif not self.is_idle(case, factor, row):
            found.append((("b", name, place, row.value, inputs), ONE))
        return found

    def is_idle(self, case: Case, factor: Density, row: Row) -> bool:
        """Whether nothing moves in the factor, so that its density would have to be constant."""
        mentioned = names_in(factor.log_density)
        if any(self.declared[name].role == "parameter" for name in mentioned):
            return False
        indices, places = factor.plates, row.place
        entries = {at for at, _ in row.value}
        entries |= self.exact.entries(indices, places, factor.log_density, self.symbols)
        return all(
            (at, row.inputs) in case.resting or not self.is_movable(self.symbols[at[0]])
            for at in entries
        )

    def is_movable(self, symbol: Symbol) -> bool:
        """Whether a latent may move."""
        return not self.refutation.still and _is_movable(symbol)

    # ------------------------------------------------------------------ cases

    def coverage(self) -> list[str]:
        """Every choice of moving and resting entries is one of the cases."""
        cases = self.refutation.cases
        entries = sorted({at for case in cases for at in (*case.moving, *case.resting)})
        if len(entries) > MAX_CASES:
            return ["too many latent entries are told apart"]
        ways = []
        for (name, _), inputs in entries:
            if not 0 <= inputs < len(self.inputs):
                return [f"no value {inputs} of the inputs"]
            if name not in self.symbols or not self.is_movable(self.symbols[name]):
                return [f"{name} is no latent that may move"]
            line = self.symbols[name].domain.is_line
            ways.append(("rests", "moves", "is shifted") if line else ("rests", "moves"))
        for case in cases:
            if not set(case.shifted) <= set(case.moving):
                return ["an entry is shifted, but does not move"]
        for choice in product(*ways):
            work_left().spend(1 + len(cases) // 2, "the cases")
            if not any(_covers(case, dict(zip(entries, choice, strict=True))) for case in cases):
                return ["the cases do not cover every choice of what moves"]
        return []


def _alike(rows: Sequence[Row]) -> Iterable[list[Row]]:
    """Rows that differ in their values alone."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        key = row.factor, row.place, row.point, row.inputs, row.parents
        found.setdefault(key, []).append(row)
    return found.values()


def _still(case: Case, inputs: int) -> dict[Place, Fraction]:
    """What is 0 of the motions in a case, at a value of the inputs."""
    resting = [at for at, here in case.resting if here == inputs]
    shifted = [at for at, here in case.shifted if here == inputs]
    rates = ((f"rate of {name}", at) for name, at in (*resting, *shifted))
    shifts = ((f"shift of {name}", at) for name, at in resting)
    return dict.fromkeys((*rates, *shifts), Fraction(0))


def _covers(case: Case, choice: Mapping[Moved, str]) -> bool:
    """Whether what is taken of the entries in a case is so in a choice for all entries."""
    taken = {
        **dict.fromkeys(case.resting, "rests"),
        **dict.fromkeys(case.moving, "moves"),
        **dict.fromkeys(case.shifted, "is shifted"),
    }
    both = set(case.resting) & set(case.moving)
    return not both and all(choice[at] == way for at, way in taken.items())


def _describe(unknown: object) -> str:
    if isinstance(unknown, Unknown):
        return f"{unknown.name}{list(unknown.place) or ''}"
    assert isinstance(unknown, tuple)
    return f"{unknown[0]} of {unknown[1]}"


# ---------------------------------------------------------------- motions


def _is_movable(symbol: Symbol) -> bool:
    """Whether a latent of this support may move: more than may move is excluded as well."""
    return symbol.role == "latent" and symbol.domain.widest_motions is not None


def _formals(symbol: Symbol) -> tuple[RawIndex, ...]:
    return tuple(("i", f"{FREE}k{n}", 1, *extent) for n, extent in enumerate(symbol.shape))


def _unknown(what: str, symbol: Symbol, where: tuple[RawIndex, ...]) -> Raw:
    return ("v", f"{what} of {symbol.name}", ("real",), where)


def tangent_field(symbol: Symbol) -> Array:
    """Every direction tangent to the symbol's domain, linear in the entries of its velocity."""
    formals = _formals(symbol)
    return formals, symbol.domain.directions(
        partial(_unknown, "velocity", symbol), formals, symbol.shape
    )


def latent_field(node: Symbol) -> Array:
    """r (v - about) + s, per entry or per value: at least every motion that keeps the domain."""
    formals, motions = _formals(node), node.domain.widest_motions
    assert motions is not None
    places = formals[: -node.domain.depth] if motions.whole else formals
    rate, shift = _unknown("rate", node, places), _unknown("shift", node, formals)
    value: Raw = ("v", node.name, node.kind, formals)
    if motions.about is not None:
        value = minus(value, motions.about)
    parts = [("*", rate, value)] * motions.scales + [shift] * motions.shifts
    return formals, sum_of(*parts) if len(parts) > 1 else parts[0]


def _moving_base(factor: Density, value: Fraction) -> Raw:
    """phi with b = c phi + const for a latent that moves at some parameter value.

    D b = (r v + s) b' = const: b = c v where r = 0 at all of them.  Where r != 0 b = c log|v + s/r|
    up to a constant, which on the whole line is finite only for c = 0: b is constant, at all
    parameter values; that needs a log-density without singularities in v.  With one end that rests
    the motion is r (v - end), and r v of a matrix of one entry.
    """
    domain = factor.node.domain
    if domain.is_line:
        if not _is_regular(factor.log_density, factor.node.name):
            raise NotShown(f"the density of {factor.name} is not shown to be finite everywhere")
        return ("q", value)
    motions = domain.motions
    if motions is None or (motions.scales and motions.shifts):
        raise NotShown(f"the motions of {factor.node.name} are not known")
    if motions.shifts:
        return ("q", value)
    if motions.about is not None:
        value -= motions.about[1]
    return ("f", "log", ("q", abs(value)))


def _is_regular(raw: Raw, node: str) -> bool:
    """Whether a node enters by sums, products, natural powers and functions finite on the line."""
    users = users_of(raw, node)
    for item in walk(raw):
        if id(item) not in users:
            continue
        if item[0] == "^":
            exponent = item[2]
            if exponent[0] != "q" or exponent[1].denominator != 1 or exponent[1] < 0:
                return False
        if item[0] == "f" and item[1] not in REGULAR:
            return False
        if item[0] in ("A", "Inv", "LD"):
            return False
    return True


def _closed(raw: Raw) -> bool:
    """No entries, symbolic sizes, functions or free indices."""
    for item in walk(raw):
        if item[0] in ("v", "e", "A", "n") or (item[0] == "p" and item[1]):
            return False
        if item[0] == "i" and item[3]:
            return False
    return not free_indices(raw)
