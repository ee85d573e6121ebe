"""Refutations as data, checked in exact arithmetic: no motion satisfies the criterion (U).

(U) is linear in the velocities, in r and s, in b and in H~.  Weights on finitely many points that
annihilate all of these, and not log p, exclude every solution:

    at each parameter value   sum w D log p = 0  for all velocities, r and s
    at equal parents too      sum w = 0          so that H~ drops out
    at equal values           sum w = 0          so that b drops out
    over everything           sum w log p != 0

More generally, k systems of rational weights may leave k - 1 of the unknowns: what they leave is k
equations, and if the determinant of their coefficients and of sum w log p is not 0, they have no
solution.  So coefficients may be transcendental: determinants are enclosed by balls.

As D b is constant, b is constant for a real latent that is scaled at some parameter value, c v for
one that is only shifted, c log v or c log(v - lower) for others that move; a factor in which
nothing moves has to have a constant density.  Where that is used, there is one case for each choice
of the latent entries that rest, are shifted, and are scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from symelbo.certify.instance import (
    Exact,
    admissible_entries,
    function_admissible,
    length,
)
from symelbo.certify.interval import certainly_nonsingular
from symelbo.certify.kernel import Poly
from symelbo.certify.language import Field, Instance, NotShown
from symelbo.index.domains import Real
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import free_indices, walk

__all__ = [
    "Case",
    "Certificate",
    "CertificateRow",
    "Given",
    "RefutedFactor",
    "Unknown",
    "check_certificate",
]

Place = tuple[str, tuple[int, ...]]
Given = tuple[tuple[Place, Fraction], ...]

MAX_CASES = 6  # latent entries that cases tell apart
_REGULAR = frozenset(("exp", "abs", "tanh", "sigmoid", "softplus", "sin", "cos", "erf"))


@dataclass(frozen=True, slots=True)
class RefutedFactor:
    """What a certificate is about: a factor's log-density at one point of its plates.

    arguments: (domain, what stands in the place of the argument) for every argument of the family.
    """

    name: str
    node: Symbol
    plates: tuple[Index, ...]
    places: tuple[IndexTerm, ...]
    log_density: Term
    arguments: tuple[tuple[Domain, Array], ...]


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """(U) of one factor at one point, with its weight in each of the combinations.

    place: the values of the factor's plate indices; point: which parameter value; parents and
    value: what the nodes and covariates are.
    """

    factor: str
    place: tuple[int, ...]
    point: int
    parents: Given
    value: Given
    weights: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that a combination of rows may leave: a velocity, r or s at a parameter value, or
    the factor c of the base measure of a latent that moves (point None).
    """

    name: str
    place: tuple[int, ...]
    point: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """Rows that contradict (U) if the entries in `moving` move at some of the parameter values and
    those in `resting` at none.

    shifted: those of `moving` that are real and have r = 0 at all parameter values; the other real
    ones have r different from 0 at some.

    matrix: one line for each combination of the rows: what it leaves of the unknowns, and last the
    weighted sum of log p.  It is square, and its determinant is not 0; without unknowns it is one
    number.  dependent: other unknowns, which occur in the same combination of these everywhere.
    """

    moving: tuple[Place, ...]
    resting: tuple[Place, ...]
    rows: tuple[CertificateRow, ...]
    unknowns: tuple[Unknown, ...]
    matrix: tuple[tuple[Term, ...], ...]
    dependent: tuple[tuple[Unknown, tuple[Fraction, ...]], ...] = ()
    shifted: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything needed to see that no motion satisfies (U), and nothing else.

    functions: what is put for the abstract ones; constants and points: known numbers, and the
    values of the parameters; still: that no latent may move is given (`reparameterize: never`).
    """

    sizes: tuple[tuple[str, int], ...]
    functions: tuple[tuple[Symbol, tuple[Symbol, ...], Array], ...]  # f, formal arguments, result
    constants: Given
    points: tuple[Given, ...]
    cases: tuple[Case, ...]
    still: bool = False


def check_certificate(certificate: Certificate, factors: Sequence[RefutedFactor]) -> list[str]:
    """Reasons why the certificate does not refute (U) of the factors together; empty if it does."""
    try:
        return _Check(certificate, factors).reasons()
    except NotShown as reason:
        return [f"not shown: {reason}"]
    except KeyError as reason:
        return [f"no size or entry {reason}"]


class _Check:
    def __init__(self, certificate: Certificate, factors: Sequence[RefutedFactor]) -> None:
        self.certificate = certificate
        self.factors = {factor.name: factor for factor in factors}
        self.sizes = dict(certificate.sizes)
        self.functions = {f.name: (formals, a) for f, formals, a in certificate.functions}
        self.constants = dict(certificate.constants)
        self.points = [dict(point) for point in certificate.points]
        self.symbols: dict[str, Symbol] = {}
        self.used: dict[str, Symbol] = {}  # abstract functions
        self.clashes: list[str] = []
        self.mirrored: set[str] = set()  # V + V': V[i,j] and V[j,i] are one direction
        for factor in factors:
            for item in walk([factor.log_density, *(a for _, a in factor.arguments)]):
                if isinstance(item, Apply):
                    self.used[item.function.name] = item.function
                elif isinstance(item, Entry):
                    self.know(item.symbol)
            self.know(factor.node)
        names = self.symbols
        reserved = {f"{what} of {name}" for name in names for what in ("velocity", "rate", "shift")}
        self.clashes += [f"{name} is the name of an unknown" for name in reserved & set(names)]
        self.exact = Exact(Instance(self.sizes, {}, self.functions))

    def know(self, symbol: Symbol) -> None:
        if self.symbols.setdefault(symbol.name, symbol) != symbol:
            self.clashes.append(f"{symbol.name} is two symbols")

    def reasons(self) -> list[str]:
        return self.well_formed() or self.admissible() or self.equations() or self.coverage()

    # ------------------------------------------------------------------ form

    def well_formed(self) -> list[str]:
        certificate = self.certificate
        found = [*self.clashes]
        if len(self.factors) == 0 or not certificate.cases or not certificate.points:
            found.append("no factors, no cases or no parameter values")
        found += [f"size {n} = {k} is not positive" for n, k in certificate.sizes if k < 1]
        for given, role in (
            (self.constants, Role.CONSTANT),
            *((p, Role.PARAMETER) for p in self.points),
        ):
            for name, _ in given:
                if name not in self.symbols or self.symbols[name].role is not role:
                    found.append(f"{name} is no {role.value}")
        for case in certificate.cases:
            if not case.rows:
                found.append("a case without rows")
            for row in case.rows:
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
            if not all(_closed(term) for line in case.matrix for term in line):
                found.append("a coefficient or a value is not closed")
        return found

    def row_reasons(self, row: CertificateRow) -> list[str]:
        factor = self.factors.get(row.factor)
        if factor is None:
            return [f"no factor {row.factor}"]
        if not 0 <= row.point < len(self.points):
            return [f"no parameter value {row.point}"]
        ranges = [(i.low, length(i.extent, self.sizes)) for i in factor.plates]
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
            if role not in (Role.LATENT, Role.OBSERVED, Role.INPUT) or at in own:
                found.append(f"a row of {row.factor} gives {at[0]}, which is no parent")
        return found

    def own_places(self, factor: RefutedFactor, row: CertificateRow) -> list[Place]:
        env = dict(zip(factor.plates, row.place, strict=True))

        def at(place: IndexTerm) -> int:
            match place:
                case Index():
                    return env[place]
                case Offset(index, by):
                    return env[index] + by
                case Position(extent):
                    return length(extent, self.sizes)
            raise NotShown("a node cannot be a place on the left")

        plates = tuple(map(at, factor.places))
        events = factor.node.shape[len(plates) :]
        ranges = (range(1, length(e, self.sizes) + 1) for e in events)
        return [(factor.node.name, (*plates, *event)) for event in product(*ranges)]

    # ------------------------------------------------------------------ admissible points

    def admissible(self) -> list[str]:
        found: list[str] = []
        for name, symbol in self.used.items():
            if name not in self.functions:
                found.append(f"no function given for {name}")
                continue
            formals, array = self.functions[name]
            found += function_admissible(symbol, formals, array, Instance(self.sizes))
        if found:
            return found
        for given in (self.constants, *self.points):
            found += self.domains(given, complete=True)
        rows = [row for case in self.certificate.cases for row in case.rows]
        for row in rows:
            found += self.domains({**dict(row.parents), **dict(row.value)}, complete=False)
        return found or [reason for row in rows for reason in self.arguments(row)]

    def domains(self, given: Mapping[Place, Fraction], *, complete: bool) -> list[str]:
        """Every value lies in the domain of its symbol."""
        by_name: dict[str, dict[tuple[int, ...], Fraction]] = {}
        for (name, at), x in given.items():
            by_name.setdefault(name, {})[at] = x
        found = []
        for name, entries in by_name.items():
            if name in self.symbols:
                found += admissible_entries(
                    self.symbols[name], entries, self.constants, self.sizes, complete=complete
                )
        return found

    def arguments(self, row: CertificateRow) -> list[str]:
        """The arguments of the family lie in their domains, so that log p is a log-density."""
        factor = self.factors[row.factor]
        values = self.values(row)
        self.exact.instance = self.instance(values)
        found = []
        for domain, array in factor.arguments:
            ranges = [range(i.low, length(i.extent, self.sizes) + 1) for i in array.indices]
            entries: dict[tuple[int, ...], Poly] = {}
            for where in product(*ranges):
                place = (*row.place, *where)
                indices = (*factor.plates, *array.indices)
                entries[where] = self.exact.block(indices, place, array.body, values)
                self.exact.require_values(entries[where])
            if not self.inside(domain, entries):
                found.append(f"an argument of {row.factor} is not shown to lie in its domain")
        return found

    def inside(self, domain: Domain, entries: Mapping[tuple[int, ...], Poly]) -> bool:
        forms = self.exact.forms
        if domain.kind in ("positive", "unit", "simplex") and not all(
            forms.positive(poly) for poly in entries.values()
        ):
            return False
        if domain.kind == "unit":
            return all(
                forms.positive(self.exact.add({(): 1}, poly, -1)) for poly in entries.values()
            )
        if domain.kind == "simplex":
            sums: dict[tuple[int, ...], Poly] = {}
            for where, poly in entries.items():
                sums[where[:-1]] = self.exact.add(sums.get(where[:-1], {}), poly)
            one: Poly = {(): 1}
            return all(self.exact.vanishes(self.exact.add(s, one, -1)) for s in sums.values())
        numbers = {w: p.get((), 0) for w, p in entries.items() if not set(p) - {()}}
        if domain.kind == "naturals":
            return len(numbers) == len(entries) and all(
                x >= 0 and Fraction(x).denominator == 1 for x in numbers.values()
            )
        if domain.kind == "posdef":
            return len(numbers) == len(entries) and not admissible_entries(
                Symbol("matrix", Role.CONSTANT, domain, (Extent(None, 0),) * 2),
                {w: Fraction(x) for w, x in numbers.items()},
                {},
                self.sizes,
                complete=False,
            )
        return domain.kind in ("positive", "unit", "simplex", "real")

    # ------------------------------------------------------------------ the equations

    def values(self, row: CertificateRow) -> dict[Place, Fraction]:
        point = self.points[row.point]
        return {**self.constants, **point, **dict(row.parents), **dict(row.value)}

    def instance(self, values: Mapping[Place, Fraction]) -> Instance:
        categories = {
            (name, place): int(x)
            for (name, place), x in values.items()
            if name in self.symbols and self.symbols[name].domain.kind == "category"
        }
        return Instance(self.sizes, categories, self.functions)

    def equations(self) -> list[str]:
        found = []
        for number, case in enumerate(self.certificate.cases, start=1):
            reasons = self.case_reasons(case)
            found += [f"case {number}: {reason}" for reason in reasons]
        return found

    def case_reasons(self, case: Case) -> list[str]:
        columns, totals = self.combine(case)
        found = []
        for unknown, combination in case.dependent:
            for other, factor in zip(case.unknowns, combination, strict=True):
                if unknown in columns and other in columns:
                    columns[unknown] = [
                        self.exact.add(poly, same, -factor)
                        for poly, same in zip(columns[unknown], columns[other], strict=True)
                    ]
        for key, polys in columns.items():
            if key in case.unknowns:
                continue
            if not all(self.exact.vanishes(poly) for poly in polys):
                found.append(f"the weights do not annihilate {_describe(key)}")
        left = [(_describe(u), columns.get(u, [{}] * len(totals))) for u in case.unknowns]
        for n, (what, polys) in enumerate([*left, ("log p", totals)]):
            for line, poly in zip(case.matrix, polys, strict=True):
                rest = self.exact.add(poly, self.exact.number(line[n]), -1)
                if not self.exact.vanishes(rest):
                    found.append(
                        f"the weighted sum of {what} differs from what is stated by "
                        + self.exact.show(rest)
                    )
        if not found and not certainly_nonsingular(case.matrix):
            found.append("the determinant is not shown to be different from zero")
        return found

    def combine(self, case: Case) -> tuple[dict[object, list[Poly]], list[Poly]]:
        """For each combination: what it leaves of every unknown, and of log p."""
        exact = self.exact
        field = self.field()
        count = len(case.matrix)
        columns: dict[object, list[Poly]] = {}
        totals: list[Poly] = [{} for _ in range(count)]

        def gather(key: object, poly: Poly, weights: Sequence[Fraction]) -> None:
            polys = columns.setdefault(key, [{} for _ in range(count)])
            for n, weight in enumerate(weights):
                if weight:
                    polys[n] = exact.add(polys[n], poly, weight)

        for row in case.rows:
            factor = self.factors[row.factor]
            values = self.values(row)
            still: dict[Place, Fraction] = {}
            for name, at in case.resting:
                still[f"rate of {name}", at] = Fraction(0)
                still[f"shift of {name}", at] = Fraction(0)
            for name, at in case.shifted:
                still[f"rate of {name}", at] = Fraction(0)
            exact.instance = self.instance(values)
            here = exact.block(factor.plates, row.place, factor.log_density, values)
            exact.require_values(here)
            moved = exact.block(
                factor.plates, row.place, factor.log_density, {**values, **still}, field
            )
            totals = [
                exact.add(t, here, weight) if weight else t
                for t, weight in zip(totals, row.weights, strict=True)
            ]
            for (name, at), poly in exact.coefficients(moved).items():
                if name in self.mirrored and at[-1] < at[-2]:
                    continue
                gather(Unknown(name, at, row.point), poly, row.weights)
            for key, term in self.constraints(case, factor, row):
                gather(key, exact.number(term), row.weights)
        return columns, totals

    def field(self) -> Field:
        """Every admissible motion, linear in unknown velocities."""
        field: dict[str, tuple[tuple[Index, ...], Term]] = {}
        for name, symbol in self.symbols.items():
            if symbol.role is Role.PARAMETER:
                velocity = Symbol(f"velocity of {name}", Role.UNKNOWN, Real(), symbol.shape)
                field[name] = tangent_field(symbol, velocity)
                if symbol.domain.kind == "posdef":
                    self.mirrored.add(velocity.name)
            elif self.is_movable(symbol):
                field[name] = latent_field(symbol)
        return field

    def constraints(
        self, case: Case, factor: RefutedFactor, row: CertificateRow
    ) -> list[tuple[object, Term]]:
        """The unknowns of a row besides the velocities: H~ and b."""
        one = Number(Fraction(1))
        name, place = factor.name, row.place
        found: list[tuple[object, Term]] = [(("H~", name, place, row.point, row.parents), one)]
        own = [at for at, _ in row.value]
        inputs = self.inputs(row)
        if len(own) == 1 and own[0] in case.moving:
            if not self.is_movable(factor.node):
                raise NotShown(f"{factor.node.name} cannot move")
            if factor.node.domain.kind == "real" and own[0] not in case.shifted:
                _moving_base(factor, row.value[0][1])  # b is constant; or there is no telling
                return found
            base: object = Unknown(f"base of {name}", place, None)
            if any(r.factor == name and self.inputs(r) != inputs for r in case.rows):
                base = ("c", name, place, inputs)  # b may depend on inputs: one c for each
            found.append((base, _moving_base(factor, row.value[0][1])))
        elif not self.is_idle(case, factor, row):
            found.append((("b", name, place, row.value, inputs), one))
        return found

    def inputs(self, row: CertificateRow) -> Given:
        """The covariates of a row."""
        return tuple(i for i in row.parents if self.symbols[i[0][0]].role is Role.INPUT)

    def is_idle(self, case: Case, factor: RefutedFactor, row: CertificateRow) -> bool:
        """Whether nothing moves in the factor, so that its density would have to be constant."""
        mentioned = {e.symbol for e in walk((factor.log_density,)) if isinstance(e, Entry)}
        if any(s.role is Role.PARAMETER for s in mentioned):
            return False
        indices, places = factor.plates, row.place
        entries = {at for at, _ in row.value}
        entries |= self.exact.entries(indices, places, factor.log_density, self.symbols)
        return all(at in case.resting or not self.is_movable(self.symbols[at[0]]) for at in entries)

    def is_movable(self, symbol: Symbol) -> bool:
        """Whether a latent may move."""
        return not self.certificate.still and _is_movable(symbol)

    # ------------------------------------------------------------------ cases

    def coverage(self) -> list[str]:
        """Every choice of moving and resting entries is one of the cases."""
        cases = self.certificate.cases
        entries = sorted({at for case in cases for at in (*case.moving, *case.resting)})
        if len(entries) > MAX_CASES:
            return ["too many latent entries are told apart"]
        ways = []
        for name, _ in entries:
            if name not in self.symbols or not self.is_movable(self.symbols[name]):
                return [f"{name} is no latent that may move"]
            real = self.symbols[name].domain.kind == "real"
            ways.append(("rests", "moves", "is shifted") if real else ("rests", "moves"))
        for case in cases:
            if not set(case.shifted) <= set(case.moving):
                return ["an entry is shifted, but does not move"]
        for choice in product(*ways):
            if not any(_covers(case, dict(zip(entries, choice, strict=True))) for case in cases):
                return ["the cases do not cover every choice of what moves"]
        return []


def _covers(case: Case, choice: Mapping[Place, str]) -> bool:
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
    return symbol.role is Role.LATENT and symbol.domain.kind in (
        "real",
        "positive",
        "interval",
        "angle",
        "posdef",
    )


def tangent_field(symbol: Symbol, velocity: Symbol) -> tuple[tuple[Index, ...], Term]:
    """Every direction tangent to the symbol's domain, linear in the entries of `velocity`."""
    formals = tuple(Index(f"k{n}", extent) for n, extent in enumerate(symbol.shape))
    entry: Term = Entry(velocity, formals)
    if symbol.domain.kind == "posdef":
        swapped = Entry(velocity, (*formals[:-2], formals[-1], formals[-2]))
        return formals, Add((entry, swapped))
    if symbol.domain.kind == "simplex":
        # v_k at k < C, and minus their sum at C
        extent, last = symbol.shape[-1], formals[-1]
        other = Index("other", Extent(extent.size, extent.offset - 1))
        at_last = Delta(last, Position(extent))
        minus = Number(Fraction(-1))
        rest = Sum(other, Entry(velocity, (*formals[:-1], other)))
        return formals, Add((entry, Mul((minus, at_last, entry)), Mul((minus, at_last, rest))))
    return formals, entry


def latent_field(node: Symbol) -> tuple[tuple[Index, ...], Term]:
    """r z + s (real), r z (positive), r (z - lower), s (angle), r Z (definite), per entry."""
    formals = tuple(Index(f"k{n}", extent) for n, extent in enumerate(node.shape))
    shape = node.shape[:-2] if node.domain.kind == "posdef" else node.shape
    rate = Symbol(f"rate of {node.name}", Role.UNKNOWN, Real(), shape)
    shift = Symbol(f"shift of {node.name}", Role.UNKNOWN, Real(), node.shape)
    value: Term = Entry(node, formals)
    if node.domain.kind == "interval":
        lower = node.domain.lower
        if not isinstance(lower, Number):
            # every affine motion, which is more than there are
            moved = Mul((Entry(rate, formals), value))
            return formals, Add((moved, Entry(shift, formals)))
        value = Add((value, Number(-lower.value)))
    scaled = Mul((Entry(rate, formals[: len(shape)]), value))
    if node.domain.kind == "real":
        return formals, Add((scaled, Entry(shift, formals)))
    if node.domain.kind == "angle":
        return formals, Entry(shift, formals)
    return formals, scaled


def _moving_base(factor: RefutedFactor, value: Fraction) -> Term:
    """phi with b = c phi + const for a latent that moves at some parameter value.

    D b = (r v + s) b' = const: b = c v where r = 0 at all of them.  Where r != 0 b = c log|v + s/r|
    up to a constant, which on the whole line is finite only for c = 0: b is constant, at all
    parameter values; that needs a log-density without singularities in v.  On (lower, oo) the
    motion is r (v - lower).
    """
    domain = factor.node.domain
    if domain.kind == "angle":
        return Number(value)
    if domain.kind == "real":
        if not _is_regular(factor.log_density, factor.node):
            raise NotShown(f"the density of {factor.name} is not shown to be finite everywhere")
        return Number(value)
    if domain.kind == "interval":
        if not isinstance(domain.lower, Number) or domain.upper is not None:
            raise NotShown(f"the motions of {factor.node.name} are not known")
        value -= domain.lower.value
    elif domain.kind != "positive":
        raise NotShown(f"the motions of {factor.node.name} are not known")
    return Call("log", (Number(value),))


def _is_regular(term: object, node: Symbol) -> bool:
    """Whether a node enters by sums, products, natural powers and functions finite on the line."""
    for item in walk((term,)):
        if isinstance(item, Power) and _mentions(item, node):
            exponent = item.exponent
            if not isinstance(exponent, Number) or exponent.value.denominator != 1:
                return False
            if exponent.value < 0:
                return False
        if isinstance(item, Call) and item.name not in _REGULAR and _mentions(item, node):
            return False
        if isinstance(item, (Apply, Inverse, LogDet)) and _mentions(item, node):
            return False
    return True


def _mentions(item: object, node: Symbol) -> bool:
    return any(isinstance(e, Entry) and e.symbol == node for e in walk((item,)))


def _closed(term: Term) -> bool:
    """No entries, symbolic sizes, functions or free indices."""
    for item in walk((term,)):
        if isinstance(item, (Entry, Size, Apply)):
            return False
        if isinstance(item, Extent) and item.size is not None:
            return False
    return not free_indices(term)
