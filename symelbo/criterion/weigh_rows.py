"""Inconsistent rows of (U) -> rational weights, and the small square system that they leave.

Ranks modulo a prime say which rows to take; numbers that stand in a certificate are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from symelbo.certify.certificate import Case, CertificateRow, Unknown, What
from symelbo.criterion.find_cases import Assignment
from symelbo.criterion.residues import rational_of
from symelbo.criterion.sample import Row
from symelbo.criterion.system import System
from symelbo.index.build import ONE, ZERO, add, divide, mul, number
from symelbo.index.echelon import echelon_of
from symelbo.index.modular import PRIME
from symelbo.index.normal import normal
from symelbo.index.terms import Number, Term
from symelbo.limits import (
    STATED_SYSTEMS,
    WEIGHED_LINES,
    WEIGHED_ROWS,
    WEIGHED_SYSTEMS,
)

__all__ = ["weigh_rows"]


Key: TypeAlias = tuple[object, ...]
Residues: TypeAlias = list[list[int]]
_Option: TypeAlias = tuple[
    Sequence[Mapping[int, int]], Sequence[Key], Mapping[Key, tuple[Fraction, ...]], bool
]


def weigh_rows(system: System, assignment: Assignment, rows: Sequence[Row]) -> Case | None:
    """Rows without a solution -> a case of a certificate; None if none was found.

    Unknowns whose coefficients are rational in all rows are eliminated with rational weights, and
    where that does not do, also those whose coefficients are rational multiples of one number; of
    what is left as many lines are taken as there are unknowns in them, and one more.
    """
    wide = [system.columns(row, assignment) for row in rows]
    units: dict[Key, int] = {}
    for found in wide:
        for key, x in found.items():
            if x:
                units.setdefault(key, x)
    known = _rational_columns(wide, dict.fromkeys(units, 1))
    case = _weigh_rows(system, assignment, rows, wide, known, units)
    if case is None:
        multiples = _rational_columns(wide, {key: pow(x, -1, PRIME) for key, x in units.items()})
        if len(multiples) > len(known):
            case = _weigh_rows(system, assignment, rows, wide, multiples, units)
    return case


def _rational_columns(
    wide: Sequence[Mapping[Key, int]], units: Mapping[Key, int]
) -> dict[Key, list[tuple[int, int]]]:
    """unknown -> (row, coefficient), of those whose coefficients times their units are rational."""
    columns: dict[Key, list[tuple[int, int]]] = {}
    for m, found in enumerate(wide):
        for key, x in found.items():
            columns.setdefault(key, []).append((m, x * units.get(key, 1) % PRIME))
    return {
        key: column
        for key, column in columns.items()
        if all(rational_of(x) is not None for _, x in column)
    }


def _weigh_rows(
    system: System,
    assignment: Assignment,
    rows: Sequence[Row],
    wide: Sequence[Mapping[Key, int]],
    rational: Mapping[Key, Sequence[tuple[int, int]]],
    units: Mapping[Key, int],
) -> Case | None:
    """The same, where the unknowns are known that are eliminated with rational weights.

    units: of each unknown the first coefficient.
    """
    exact = list(rational)
    left = list(dict.fromkeys(key for found in wide for key in found if key not in rational))
    combined = _kernel([dict(column) for column in rational.values()], len(wide))
    place = {key: n for n, key in enumerate(left)}
    placed = [[(place[key], x) for key, x in found.items() if key in place] for found in wide]
    lines = []
    for weights in combined:
        line = [0] * (len(left) + 1)
        for m, weight in weights.items():
            for n, x in placed[m]:
                line[n] += weight * x
            line[-1] += weight * rows[m].logarithm
        lines.append([x % PRIME for x in line])
    scales = [pow(units[key], -1, PRIME) for key in left]
    stated = 0
    for chosen in _square_systems(lines, [len(weights) for weights in combined]):
        kept = [combined[i] for i in chosen]
        whole = _collapse(kept, list(chosen.values()))
        options: list[_Option] = [] if whole is None else [([whole], [], {}, False)]
        plain = [lines[i][:-1] for i in chosen]
        for scaled in (False, True):
            basis = _column_basis(_scale(plain, scales) if scaled else plain)
            if basis is not None:
                dependent = {left[n]: combination for n, combination in basis[1].items()}
                options.append((kept, [left[n] for n in basis[0]], dependent, scaled))
                break
        for option in options:
            case = _state_case(system, assignment, rows, exact, *option)
            if case is not None:
                return case
        stated += bool(options)
        if stated == STATED_SYSTEMS:
            break
    return None


def _collapse(
    combined: Sequence[Mapping[int, int]], factors: Sequence[int]
) -> dict[int, int] | None:
    """The one combination that leaves no unknown, if its weights are rational."""
    if any(rational_of(factor) is None for factor in factors):
        return None
    whole: dict[int, int] = {}
    for weights, factor in zip(combined, factors, strict=True):
        for m, weight in weights.items():
            whole[m] = (whole.get(m, 0) + factor * weight) % PRIME
    return {m: weight for m, weight in whole.items() if weight}


# ---------------------------------------------------------------- elimination


def _kernel(table: Sequence[Mapping[int, int]], width: int) -> list[dict[int, int]]:
    """A basis of the vectors x with table x = 0, each the smallest one with its last place."""
    reduced = echelon_of(table)
    basis = []
    for free in range(width):
        if free not in reduced:
            others = {n: PRIME - row[free] for n, row in reduced.items() if free in row}
            basis.append({free: 1, **others})
    return basis


def _square_systems(lines: Residues, costs: Sequence[int]) -> list[dict[int, int]]:
    """Smallest sets of lines without a solution, cheap ones first; their rank is one less.

    With the factors by which the lines lose all unknowns.

    The last number of a line is the right-hand side.
    """
    order = sorted(range(len(lines)), key=lambda i: (sum(map(bool, lines[i][:-1])), costs[i], i))
    found = []
    width = len(lines[0]) - 1 if lines else 0
    table = [{n: lines[i][k] for n, i in enumerate(order)} for k in range(width)]
    for vector in _kernel(table, len(order)):
        if not sum(w * lines[order[n]][-1] for n, w in vector.items()) % PRIME:
            continue
        if len(vector) <= WEIGHED_LINES:
            found.append({order[n]: vector[n] for n in sorted(vector)})
    found.sort(key=lambda chosen: (len(chosen), sum(costs[i] for i in chosen)))
    return found[:WEIGHED_SYSTEMS]


def _scale(lines: Residues, scales: Sequence[int]) -> Residues:
    """Columns, each times a number of its own."""
    return [[x * scale % PRIME for x, scale in zip(line, scales, strict=True)] for line in lines]


def _column_basis(
    lines: Residues,
) -> tuple[list[int], dict[int, tuple[Fraction, ...]]] | None:
    """Independent columns, and all others that are not 0 as rational combinations of them."""
    reduced = echelon_of([dict(enumerate(line)) for line in lines])
    others = {}
    for n in range(len(lines[0])):
        if n in reduced:
            continue
        combination = tuple(rational_of(row.get(n, 0)) for row in reduced.values())
        if any(x is None for x in combination):
            return None
        if any(combination):
            others[n] = tuple(x for x in combination if x is not None)
    return list(reduced), others


# ---------------------------------------------------------------- exact numbers


def _state_case(
    system: System,
    assignment: Assignment,
    rows: Sequence[Row],
    annihilated: Sequence[Key],
    combined: Sequence[Mapping[int, int]],
    left: Sequence[Key],
    dependent: Mapping[Key, tuple[Fraction, ...]],
    scaled: bool,
) -> Case | None:
    """The weights and what they leave, as exact numbers; None if there are too many.

    dependent: unknowns as combinations of those that are left, scaled: in units of the first
    coefficients of each.
    annihilated: the unknowns whose coefficients are rational multiples of one number.
    """
    used = sorted({m for weights in combined for m in weights})
    if len(used) > WEIGHED_ROWS:
        return None
    known = {m: system.columns(rows[m], assignment) for m in used}
    exact = []
    try:
        for residues in combined:
            weights = _whole(residues)
            if weights is None:
                found = {m: known[m] for m in residues}
                weights = _solve_exactly(system, rows, found, annihilated)
            if weights is None:
                return None
            exact.append(weights)
        columns = [
            {m: system.coefficient(rows[m], key) if key in known[m] else ZERO for m in used}
            for key in left
        ]
        columns.append({m: system.log_density(rows[m]) for m in used})
        units = {
            key: _first_coefficient(system, assignment, rows, key) if scaled else ONE
            for key in (*left, *dependent)
            if dependent
        }
        stated = tuple(
            (
                _unknown(system, key),
                tuple(
                    normal(mul(number(x), divide(units[key], units[other])))
                    for other, x in zip(left, combination, strict=True)
                ),
            )
            for key, combination in dependent.items()
        )
    except (ZeroDivisionError, ValueError):
        return None
    matrix = tuple(
        tuple(
            normal(add(*(mul(number(w), column[m]) for m, w in weights.items())))
            for column in columns
        )
        for weights in exact
    )
    kept = tuple(
        CertificateRow(
            system.instance.factors[rows[m].factor].name,
            rows[m].place,
            rows[m].point,
            rows[m].inputs,
            rows[m].parents,
            rows[m].value,
            tuple(weights.get(m, Fraction(0)) for weights in exact),
        )
        for m in used
    )
    return Case(
        tuple(sorted(assignment.moving)),
        tuple(sorted(assignment.resting)),
        kept,
        tuple(_unknown(system, key) for key in left),
        matrix,
        stated,
        tuple(sorted(assignment.shifted)),
    )


def _first_coefficient(
    system: System, assignment: Assignment, rows: Sequence[Row], key: Key
) -> Term:
    """What an unknown is multiplied with in the first row in which it occurs."""
    for row in rows:
        if system.columns(row, assignment).get(key):
            return system.coefficient(row, key)
    raise ValueError("an unknown that occurs in no row")


def _solve_exactly(
    system: System,
    rows: Sequence[Row],
    columns: Mapping[int, Mapping[Key, int]],
    annihilated: Sequence[Key],
) -> dict[int, Fraction] | None:
    """The weights with which some rows lose the unknowns, if there is one choice up to a factor."""
    keys = {key for found in columns.values() for key in found}.intersection(annihilated)
    ordered = [key for key in annihilated if key in keys]
    from flint import fmpq, fmpq_mat  # where residues are too large to be read off

    table = fmpq_mat(len(ordered), len(columns))
    for i, key in enumerate(ordered):
        unit: Term = ONE
        for n, (m, found) in enumerate(columns.items()):
            term = system.coefficient(rows[m], key) if key in found else ZERO
            if unit == ONE and term != ZERO and not isinstance(term, Number):
                unit = term
            share = term if unit == ONE else normal(divide(term, unit))
            if not isinstance(share, Number):
                return None
            table[i, n] = fmpq(share.value.numerator, share.value.denominator)
    reduced, rank = table.rref()
    if rank != len(columns) - 1:
        return None
    pivots = [next(n for n in range(len(columns)) if reduced[i, n]) for i in range(rank)]
    (free,) = set(range(len(columns))) - set(pivots)
    weights = {free: Fraction(1)}
    for i, n in enumerate(pivots):
        value = reduced[i, free]
        weights[n] = -Fraction(int(value.p), int(value.q))
    return _as_integers({m: weights[n] for n, m in enumerate(columns)})


def _whole(weights: Mapping[int, int]) -> dict[int, Fraction] | None:
    """Residues -> the small rational numbers they stand for, as whole numbers; None if some is not
    small.
    """
    found: dict[int, Fraction] = {}
    for m, residue in weights.items():
        value = rational_of(residue)
        if value is None:
            return None
        found[m] = value
    return _as_integers(found)


def _as_integers(found: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """Rational numbers -> their multiples that are whole and have no common factor."""
    scale = Fraction(1)
    for value in found.values():
        scale *= (scale * value).denominator
    common = gcd(*((scale * value).numerator for value in found.values()))
    return {m: value * scale / common for m, value in found.items()}


def _unknown(system: System, key: Key) -> Unknown:
    match key:
        case ("beta", int(point), str(name), tuple(at)):
            return Unknown(What.VELOCITY, name, at, point, None)
        case ("r", int(point), str(name), tuple(at), int(inputs)):
            return Unknown(What.RATE, name, at, point, inputs)
        case ("s", int(point), str(name), tuple(at), int(inputs)):
            return Unknown(What.SHIFT, name, at, point, inputs)
        case ("c", int(factor), tuple(place), int(inputs)):
            name = system.instance.factors[factor].name
            return Unknown(What.BASE, name, place, None, inputs)
    raise TypeError(f"{key[0]} always has a rational coefficient")
