"""Find a certificate that no field exists: weights c with c' J = 0 and c' eta != 0.

Small instances of the symbolic sizes, admissible parameter values, points of the actual support of
the parents; all in exact arithmetic.  What is found is proposed; `verify.certificate` disposes.
Source: the range of J is the annihilator of its left null space; Lücke & Warnken (2022), Ex. 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import lcm, prod
from random import Random

from symelbo.criterion.factor import Factor, is_parent, parameters_of
from symelbo.index import build
from symelbo.index.build import ONE, ZERO, add, mul, number
from symelbo.index.concretize import concretize, extent_value, index_tuples
from symelbo.index.differentiate import derivative_along
from symelbo.index.interpret import Interpretation, interpret_functions
from symelbo.index.normal import Poly, from_poly, to_poly
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import parts_of, replace_index, symbols_of
from symelbo.index.terms import (
    Apply,
    Array,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Number,
    Position,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.index.tidy import ratio
from symelbo.verify.certificate import Certificate, Row, check_certificate

__all__ = ["find_certificate"]

SAMPLE_COUNTS = (1, 2, 3, 4, 6, 9)
POINTS = 3
MAX_SIZES = 60  # combinations of small sizes that are tried
MAX_LINES = 48  # rows of the linear system
MAX_SYMBOLIC_ATOMS = 6
MAX_SYMBOLIC_LINES = 10  # rows, where transcendental values take part
MAX_WORK = 80_000  # terms differentiated, about; an undecided model must not take long
SYMBOLIC_WORK = 4_000  # an elimination among transcendental values, in the same unit
Values = dict[tuple[str, tuple[int, ...]], Fraction]


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of the system: eta and its derivatives in all directions, closed and exact."""

    row: Row
    eta: Poly
    slopes: tuple[Poly, ...]


def find_certificate(
    factors: Sequence[Factor], shift_proof_only: bool = False
) -> Certificate | None:
    """factors -> a checked certificate, gauge-proof if one was found; None if there is none.

    A gauge-proof certificate excludes every known shift of the base measure, hence also every
    conditional form; without it only this form of the factors is refuted.
    """
    parameters = sorted(
        frozenset().union(*(parameters_of(f.statement) for f in factors)), key=lambda s: s.name
    )
    fallback: Certificate | None = None
    work = _Work()
    try:
        for functions in _interpretations(factors):
            for sizes in _small_sizes(factors):
                for system in _systems(factors, parameters, functions, sizes, work):
                    certificate = system.certify(True)
                    if certificate is not None:
                        return certificate
                    if fallback is None and not shift_proof_only and len(system.instances) == 1:
                        fallback = system.certify(False)
    except _EnoughWork:
        pass
    return fallback


class _EnoughWork(Exception):
    """The search has cost what it may; what it has not found stays unknown."""


class _Work:
    """What a search has cost, counted rather than timed: the same answer on every machine."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, amount: int) -> None:
        self.spent += amount
        if self.spent > MAX_WORK:
            raise _EnoughWork


def _systems(
    factors: Sequence[Factor],
    parameters: Sequence[Symbol],
    functions: Mapping[Symbol, Interpretation],
    sizes: Mapping[str, int],
    work: _Work,
) -> Iterator[_System]:
    points = [_Instance(factors, parameters, functions, sizes, n, work) for n in range(POINTS)]
    for instance in points:
        for count in SAMPLE_COUNTS:
            yield _System([(instance, count)])
    if parameters:  # a shift is the same at all parameter values
        for count in SAMPLE_COUNTS[:3]:
            yield _System([(instance, count) for instance in points])


# ---------------------------------------------------------------- instances


def _small_sizes(factors: Sequence[Factor]) -> Iterator[dict[str, int]]:
    names: set[str] = set()
    grouped: set[str] = set()
    for factor in factors:
        for item in _extents_of(factor):
            if item.size is not None:
                names.add(item.size)
        for symbol in _symbols_of(factor):
            if symbol.domain.kind == "simplex" and symbol.shape[-1].size is not None:
                grouped.add(symbol.shape[-1].size)
            if symbol.domain.kind == "category" and isinstance(symbol.domain.upper, Size):
                grouped.add(symbol.domain.upper.name)
    ordered = sorted(names)
    choices = product((1, 2, 3), repeat=len(ordered))
    for choice in sorted(choices, key=lambda c: (sum(c), c))[:MAX_SIZES]:
        sizes = dict(zip(ordered, choice, strict=True))
        if all(sizes[name] >= 2 for name in grouped):
            yield sizes


def _symbols_of(factor: Factor) -> frozenset[Symbol]:
    arrays = (symbols_of(array) for _, array in factor.statement.arguments)
    return frozenset().union(*arrays) | {factor.statement.node}


def _extents_of(factor: Factor) -> set[Extent]:
    found = {index.extent for index in factor.plates}
    for symbol in _symbols_of(factor):
        found |= set(symbol.shape)
    for block in factor.blocks:
        found |= {index.extent for index in block.indices}
        found |= _bound_extents(block.natural)
    return found


def _bound_extents(item: Term | IndexTerm | Array) -> set[Extent]:
    found: set[Extent] = set()
    if isinstance(item, Index):
        found.add(item.extent)
    if isinstance(item, Array):
        found |= {index.extent for index in item.indices}
    if isinstance(item, Size):
        found.add(Extent(item.name))
    if hasattr(item, "index") and isinstance(item.index, Index):
        found.add(item.index.extent)
    for part in parts_of(item):
        found |= _bound_extents(part)
    return found


def _interpretations(factors: Sequence[Factor]) -> Iterator[dict[Symbol, Interpretation]]:
    """Simple admissible choices for the abstract functions, of which nothing is assumed."""
    calls: dict[Symbol, Apply] = {}
    for factor in factors:
        for block in factor.blocks:
            _collect_calls(block.natural, calls)
    if not calls:
        yield {}
        return
    for build_body in (_quadratic_body, _constant_body):
        chosen = {}
        for function, call in sorted(calls.items(), key=lambda item: item[0].name):
            formals = tuple(
                Symbol(
                    f"{function.name}_{n}",
                    Role.ARGUMENT,
                    Domain("real"),
                    tuple(i.extent for i in argument.indices),
                )
                for n, argument in enumerate(call.arguments)
            )
            indices = formal_indices(function.shape)
            varying = [
                formal
                for formal, argument in zip(formals, call.arguments, strict=True)
                if any(is_parent(s) for s in symbols_of(argument))
            ]
            chosen[function] = Interpretation(
                formals, Array(indices, build_body(function, varying))
            )
        yield chosen


def _constant_body(function: Symbol, varying: Sequence[Symbol]) -> Term:
    return number(Fraction(1, 3)) if function.domain.kind == "unit" else ONE


def _quadratic_body(function: Symbol, varying: Sequence[Symbol]) -> Term:
    squares: list[Term] = []
    for formal in varying:
        indices = tuple(Index(f"q{n}", e) for n, e in enumerate(formal.shape))
        square: Term = build.power(Entry(formal, indices), 2)
        for index in reversed(indices):
            square = build.total(index, square)
        squares.append(square)
    body = add(ONE, *squares)
    return build.divide(ONE, add(ONE, body)) if function.domain.kind == "unit" else body


def _collect_calls(item: Term | IndexTerm | Array, calls: dict[Symbol, Apply]) -> None:
    if isinstance(item, Apply):
        calls.setdefault(item.function, item)
    for part in parts_of(item):
        _collect_calls(part, calls)


class _Instance:
    """Concrete sizes, functions and parameter point; samples are drawn in a fixed order."""

    def __init__(
        self,
        factors: Sequence[Factor],
        parameters: Sequence[Symbol],
        functions: Mapping[Symbol, Interpretation],
        sizes: Mapping[str, int],
        seed: int,
        work: _Work,
    ) -> None:
        self.work = work
        self.computed: dict[int, list[_Line]] = {}
        self.factors = factors
        self.parameters = parameters
        self.functions = functions
        self.sizes = sizes
        symbols = frozenset().union(*(_symbols_of(f) for f in factors))
        self.known: Values = {}
        for symbol in sorted(symbols, key=lambda s: s.name):
            if symbol.role is Role.PARAMETER:
                self.known.update(self.draw_point(symbol, seed))
            elif symbol.role is Role.CONSTANT:  # the same at all parameter values
                self.known.update(self.draw_point(symbol, 2))
        self.parents = [
            symbol
            for symbol in sorted(symbols, key=lambda s: s.name)
            if symbol in self.nodes_as_parents(factors)
        ]

    @staticmethod
    def nodes_as_parents(factors: Sequence[Factor]) -> set[Symbol]:
        arguments = (symbols_of(a) for f in factors for _, a in f.statement.arguments)
        return {s for s in frozenset().union(*arguments) if is_parent(s)}

    def changes(self, other: _Instance) -> Values:
        """The parameter values in which this instance differs from another."""
        return {key: x for key, x in self.known.items() if other.known[key] != x}

    def places(self, symbol: Symbol) -> list[tuple[int, ...]]:
        indices = tuple(Index(f"p{n}", e) for n, e in enumerate(symbol.shape))
        return index_tuples(indices, self.sizes)

    def draw_point(self, symbol: Symbol, seed: int) -> Values:
        kind = symbol.domain.kind
        values: Values = {}
        for n, place in enumerate(self.places(symbol)):
            if kind == "simplex":
                count = extent_value(symbol.shape[-1], self.sizes)
                value = Fraction(2 * place[-1], count * (count + 1)) if seed else Fraction(1, count)
            elif kind == "posdef":
                value = Fraction(2 + seed if place[-1] == place[-2] else min(seed, 1))
            elif kind == "unit":
                value = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 4 + n))[seed]
            elif kind in ("positive", "naturals", "category"):
                value = Fraction((1, 2, 3 + n)[seed])
            elif kind == "interval":
                value = _inside(symbol.domain, Fraction(1 + seed))
            else:
                value = Fraction((1, 1 + n, 2 - 3 * n)[seed])
            values[symbol.name, place] = value
        return values

    def support(self, symbol: Symbol) -> list[Fraction]:
        """A few exact points of a scalar support, the simplest first."""
        kind = symbol.domain.kind
        if kind == "category":
            upper = symbol.domain.upper
            last = 2
            if isinstance(upper, Size):
                last = self.sizes[upper.name]
            elif isinstance(upper, Number):
                last = int(upper.value)
            return [Fraction(n) for n in range(1, last + 1)]
        if kind == "interval":
            return [_inside(symbol.domain, Fraction(n)) for n in (1, 2, 3)]
        if kind == "naturals" and symbol.domain.upper is not None:
            kind = "binary"  # a number of trials is at least 1
        choices = {
            "binary": ("0", "1"),
            "naturals": ("0", "1", "2", "3"),
            "positive": ("1", "2", "1/2", "3"),
            "unit": ("1/2", "1/4", "3/4"),
        }.get(kind, ("0", "1", "-1", "2"))
        return [Fraction(choice) for choice in choices]

    def coordinates(self) -> list[list[Values]]:
        """What can be chosen on its own, with its choices: an entry, a vector or a matrix."""
        found: list[list[Values]] = []
        for symbol in self.parents:
            kind = symbol.domain.kind
            if kind not in ("simplex", "posdef"):
                choices = self.support(symbol)
                found += [[{(symbol.name, at): v} for v in choices] for at in self.places(symbol)]
                continue
            depth = 1 if kind == "simplex" else 2
            blocks: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
            for at in self.places(symbol):
                blocks.setdefault(at[:-depth], []).append(at)
            for places in blocks.values():
                found.append([self.block(symbol, places, n) for n in range(3)])
        return found

    def block(self, symbol: Symbol, places: Sequence[tuple[int, ...]], n: int) -> Values:
        """The n-th point of a simplex (uniform, rising, falling) or of the definite matrices."""
        if symbol.domain.kind == "posdef":
            entry = {True: Fraction(2 + n), False: Fraction(min(n, 1))}
            return {(symbol.name, at): entry[at[-1] == at[-2]] for at in places}
        count = len(places)
        weights = [(1, at[-1], count + 1 - at[-1])[n] for at in places]
        return {
            (symbol.name, at): Fraction(weight, sum(weights))
            for at, weight in zip(places, weights, strict=True)
        }

    def sample(self, number_of: int) -> Values | None:
        """The n-th point of the parents' support: simplest, one change, then mixtures; or None."""
        coordinates = self.coordinates()
        total = prod(len(choices) for choices in coordinates)
        if number_of >= total:
            return None
        if total <= 64:
            ranges = (range(len(choices)) for choices in coordinates)
            order = sorted(product(*ranges), key=lambda c: (sum(c), c[::-1]))
            chosen = order[number_of]
        elif number_of <= len(coordinates):
            chosen = tuple(int(n == number_of - 1) for n in range(len(coordinates)))
        else:
            draw = Random(number_of)
            chosen = tuple(draw.randrange(len(choices)) for choices in coordinates)
        values: Values = {}
        for choices, n in zip(coordinates, chosen, strict=True):
            values.update(choices[n])
        return values

    def lines(self, count: int) -> list[_Line] | None:
        """The system at the first `count` samples; None if there are not that many."""
        result: list[_Line] = []
        for n in range(count):
            sample = self.sample(n)
            if sample is None or len(result) > MAX_LINES:
                return None
            if n not in self.computed:
                try:
                    self.computed[n] = self.lines_of(n, sample)
                except (ZeroDivisionError, ValueError):
                    return None
            result.extend(self.computed[n])
        return result

    def lines_of(self, n: int, sample: Values) -> list[_Line]:
        found = []
        for factor in self.factors:
            for component, block in enumerate(factor.blocks):
                indices = (*factor.plates, *block.indices)
                natural = interpret_functions(block.natural, self.functions)
                for place in index_tuples(indices, self.sizes):
                    if block.symmetric and place[-1] < place[-2]:
                        continue
                    here = natural
                    for index, at in zip(indices, place, strict=True):
                        here = replace_index(here, index, Position(Extent(None, at)))
                    found.append(
                        self.line(Row(n, factor.name, component, place, ONE), here, sample)
                    )
        return found

    def line(self, row: Row, natural: Term, sample: Values) -> _Line:
        parameter_names = {p.name for p in self.parameters}

        def keep_parameters(name: str, place: tuple[int, ...]) -> Fraction | None:
            if name in parameter_names:
                return None
            return sample.get((name, place), self.known.get((name, place)))

        def at_point(name: str, place: tuple[int, ...]) -> Fraction | None:
            return self.known[name, place]

        open_eta = concretize(natural, self.sizes, keep_parameters)
        directions = self.directions
        self.work.spend(_count_terms(open_eta) * (1 + len(directions)))
        eta = to_poly(concretize(open_eta, self.sizes, at_point))
        slopes = tuple(
            to_poly(concretize(derivative_along(open_eta, direction), self.sizes, at_point))
            for direction in directions
        )
        return _Line(row, eta, slopes)

    @cached_property
    def directions(self) -> list[dict[Symbol, Array]]:
        """A basis of the tangent space of the parameters, as fields."""
        basis = []
        for symbol in self.parameters:
            indices = formal_indices(symbol.shape)
            for place in self.places(symbol):
                if symbol.domain.kind == "simplex":
                    last = extent_value(symbol.shape[-1], self.sizes)
                    if place[-1] == last:
                        continue
                    other = (*place[:-1], last)
                    body = build.subtract(_unit(indices, place), _unit(indices, other))
                elif symbol.domain.kind == "posdef":
                    if place[-1] < place[-2]:
                        continue
                    mirrored = (*place[:-2], place[-1], place[-2])
                    body = _unit(indices, place)
                    if mirrored != place:
                        body = add(body, _unit(indices, mirrored))
                else:
                    body = _unit(indices, place)
                basis.append({symbol: Array(indices, body)})
        return basis


class _System:
    """Rows of one or several instances: c' J = 0 at each parameter value, c' eta over all."""

    def __init__(self, instances: Sequence[tuple[_Instance, int]]) -> None:
        self.instances = [instance for instance, _ in instances]
        self.first = self.instances[0]
        self.work = self.first.work
        self.parts: list[list[_Line]] = []
        for instance, count in instances:
            lines = instance.lines(count)
            self.parts.append(lines or [])

    def certify(self, shift_proof: bool) -> Certificate | None:
        """A checked certificate from these rows, or None."""
        lines = [line for part in self.parts for line in part]
        if not all(self.parts) or len(lines) > MAX_LINES:
            return None
        scales = [_row_scale(line.slopes) for line in lines]
        columns = self.columns(lines, scales)
        shifts: list[list[Poly]] = []
        if shift_proof:
            keys = [(r.row.factor, r.row.component, r.row.place) for r in lines]
            for key in dict.fromkeys(keys):
                shifts.append(
                    [
                        to_poly(build.power(from_poly(scale), -1)) if mine == key else {}
                        for mine, scale in zip(keys, scales, strict=True)
                    ]
                )
        if not all(_is_rational(entry) for column in columns for entry in column):
            self.work.spend(SYMBOLIC_WORK)
        for scaled in _null_vectors(columns, shifts, len(lines)):
            weights = [
                from_poly(to_poly(build.divide(c, from_poly(scale))))
                for c, scale in zip(scaled, scales, strict=True)
            ]
            products = (
                mul(weight, from_poly(line.eta))
                for weight, line in zip(weights, lines, strict=True)
            )
            value = from_poly(to_poly(add(*products)))
            if value == ZERO:
                continue
            certificate = self.assemble(weights, value, shift_proof)
            naturals = {
                (factor.name, n): ((*factor.plates, *block.indices), block.natural)
                for factor in self.first.factors
                for n, block in enumerate(factor.blocks)
            }
            if not check_certificate(certificate, naturals, self.first.parameters):
                return certificate
        return None

    def columns(self, lines: Sequence[_Line], scales: Sequence[Poly]) -> list[list[Poly]]:
        """One column per direction and instance, zero in the rows of other instances."""
        owners = [n for n, part in enumerate(self.parts) for _ in part]
        width = len(lines[0].slopes)
        return [
            [
                _ratio(line.slopes[direction], scale) if owner == instance else {}
                for line, scale, owner in zip(lines, scales, owners, strict=True)
            ]
            for instance in range(len(self.parts))
            for direction in range(width)
        ]

    def assemble(self, weights: Sequence[Term], value: Term, shift_proof: bool) -> Certificate:
        """The rows with nonzero weight, and the samples they need."""
        samples: dict[tuple[int, int], tuple[tuple[str, tuple[int, ...], Fraction], ...]] = {}
        rows = []
        weight = iter(weights)
        for owner, part in enumerate(self.parts):
            instance = self.instances[owner]
            for line in part:
                c = next(weight)
                if c == ZERO:
                    continue
                key = (owner, line.row.sample)
                if key not in samples:
                    values = instance.sample(line.row.sample)
                    assert values is not None
                    values = {**values, **instance.changes(self.first)}
                    samples[key] = tuple((n, at, x) for (n, at), x in sorted(values.items()))
                number_of = list(samples).index(key)
                row = line.row
                rows.append(Row(number_of, row.factor, row.component, row.place, c))
        functions = sorted(self.first.functions.items(), key=lambda item: item[0].name)
        return Certificate(
            tuple(sorted(self.first.sizes.items())),
            tuple((f, meaning.formals, meaning.array) for f, meaning in functions),
            tuple((name, at, x) for (name, at), x in sorted(self.first.known.items())),
            tuple(samples.values()),
            tuple(rows),
            value,
            shift_proof,
        )


_UNIT = next(iter(to_poly(ONE)))


def _count_terms(item: Term | IndexTerm | Array) -> int:
    return 1 + sum(_count_terms(part) for part in parts_of(item))


def _row_scale(slopes: Sequence[Poly]) -> Poly:
    """A common factor of a row that leaves rational numbers, if there is one; else 1."""
    lead = next((slope for slope in slopes if slope), None)
    if lead is None or set(lead) <= {_UNIT}:
        return {_UNIT: Fraction(1)}
    if all(_rational_ratio(slope, lead) is not None for slope in slopes):
        return lead
    return {_UNIT: Fraction(1)}


def _rational_ratio(slope: Poly, scale: Poly) -> Fraction | None:
    return ratio(slope, scale) if slope else Fraction(0)


def _ratio(slope: Poly, scale: Poly) -> Poly:
    value = _rational_ratio(slope, scale)
    if value is None:
        return slope
    return {_UNIT: value} if value else {}


def _unit(indices: tuple[Index, ...], place: tuple[int, ...]) -> Term:
    return mul(
        *(Delta(i, Position(Extent(None, at))) for i, at in zip(indices, place, strict=True))
    )


def _inside(domain: Domain, offset: Fraction) -> Fraction:
    lower = domain.lower.value if isinstance(domain.lower, Number) else None
    upper = domain.upper.value if isinstance(domain.upper, Number) else None
    if lower is not None and upper is not None:
        return lower + (upper - lower) * offset / (offset + 4)
    if lower is not None:
        return lower + offset
    return upper - offset if upper is not None else offset


# ---------------------------------------------------------------- exact null vectors


def _null_vectors(
    columns: Sequence[Sequence[Poly]], shifts: Sequence[Sequence[Poly]], width: int
) -> list[list[Term]]:
    """Weights c with c' column = 0 for every column and every shift; numbers where possible."""
    everything = [*columns, *shifts]
    if all(_is_rational(entry) for column in everything for entry in column):
        return [[number(x) for x in v] for v in _rational_null_space(_values(everything), width)]
    if all(_is_rational(entry) for column in columns for entry in column) and len(shifts) == 1:
        basis = _rational_null_space(_values(columns), width)
        return _meet_shift(basis[:MAX_SYMBOLIC_LINES], shifts[0])
    return _symbolic_null_space(everything, width)


def _is_rational(entry: Poly) -> bool:
    return set(entry) <= {_UNIT}


def _values(columns: Sequence[Sequence[Poly]]) -> list[list[Fraction]]:
    return [[entry.get(_UNIT, Fraction(0)) for entry in column] for column in columns]


def _meet_shift(basis: Sequence[Sequence[Fraction]], shift: Sequence[Poly]) -> list[list[Term]]:
    """n, m with g'n, g'm != 0 -> (g'm) n - (g'n) m, which the shift g annihilates."""
    along = [
        add(*(mul(number(x), from_poly(g)) for x, g in zip(v, shift, strict=True))) for v in basis
    ]
    result: list[list[Term]] = []
    for i, first in enumerate(basis):
        if to_poly(along[i]) == {}:
            result.append([number(x) for x in first])
            continue
        for j in range(i):
            second = basis[j]
            result.append(
                [
                    build.subtract(mul(along[j], number(x)), mul(along[i], number(y)))
                    for x, y in zip(first, second, strict=True)
                ]
            )
    return result


def _rational_null_space(rows: list[list[Fraction]], width: int) -> list[list[Fraction]]:
    pivots: list[tuple[int, list[Fraction]]] = []
    for row in rows:
        for column, pivot in pivots:
            if row[column]:
                factor = row[column]
                row = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        lead = next((n for n, a in enumerate(row) if a), None)
        if lead is None:
            continue
        row = [a / row[lead] for a in row]
        pivots = [(c, [a - p[lead] * b for a, b in zip(p, row, strict=True)]) for c, p in pivots]
        pivots.append((lead, row))
    led = {column for column, _ in pivots}
    vectors = []
    for free in (n for n in range(width) if n not in led):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for column, pivot in pivots:
            vector[column] = -pivot[free]
        scale = lcm(*(x.denominator for x in vector))
        vectors.append([x * scale for x in vector])
    vectors.sort(key=lambda v: (sum(1 for x in v if x), [abs(x) for x in v]))
    return vectors


def _symbolic_null_space(columns: Sequence[Sequence[Poly]], width: int) -> list[list[Term]]:
    """As above over the field of rational functions in the transcendental values that occur."""
    if width > MAX_SYMBOLIC_LINES:
        return []
    from sympy import QQ, symbols
    from sympy.polys.matrices import DomainMatrix

    atoms: dict[tuple[Term, int], None] = {}
    for column in columns:
        for entry in column:
            for monomial in entry:
                for atom, exponent in monomial.factors:
                    atoms.setdefault((atom, exponent.denominator))
    if len(atoms) > MAX_SYMBOLIC_ATOMS:
        return []
    names = symbols(f"t0:{len(atoms)}")
    field = QQ.frac_field(*names)
    generators = dict(zip(atoms, field.gens, strict=True))

    def convert(entry: Poly) -> object:
        value = field.zero
        for monomial, scale in entry.items():
            part = field(QQ(scale.numerator, scale.denominator))
            for atom, exponent in monomial.factors:
                part *= generators[atom, exponent.denominator] ** exponent.numerator
            value += part
        return value

    matrix = DomainMatrix(
        [[convert(entry) for entry in column] for column in columns], (len(columns), width), field
    )
    space = matrix.nullspace().to_list()
    meaning = {
        generator: build.power(atom, Fraction(1, d)) for (atom, d), generator in generators.items()
    }
    result = []
    for vector in space:
        terms = [_from_field(x, list(meaning.values())) for x in vector]
        result.append(terms)
    result.sort(key=lambda v: sum(1 for x in v if x != ZERO))
    return result


def _from_field(value: object, atoms: Sequence[Term]) -> Term:
    def poly(p: object) -> Term:
        parts = []
        for exponents, coefficient in p.terms():  # type: ignore[attr-defined]
            factors = [build.power(a, e) for a, e in zip(atoms, exponents, strict=True) if e]
            scale = Fraction(int(coefficient.numerator), int(coefficient.denominator))
            parts.append(mul(number(scale), *factors))
        return add(*parts)

    return build.divide(poly(value.numer), poly(value.denom))  # type: ignore[attr-defined]
