"""Numbers: terms at one exact point of a model, and what lies in a domain.

Concrete sizes, rational values, given functions; transcendental numbers are atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Final

from .criterion import free_indices
from .domains import Domain
from .forms import Forms
from .interval import certainly_positive
from .polynomial import UNIT, Poly, Values, add_polys, scale_poly
from .statement import Place, Symbol
from .terms import (
    NOWHERE,
    Array,
    Field,
    Instance,
    NotShown,
    Raw,
    RawIndex,
    derivative,
    minus,
    negative,
    put,
    walk,
)
from .work import work_left

__all__ = [
    "Ends",
    "Exact",
    "admissible_entries",
    "function_admissible",
    "length",
    "places_of",
    "shape_places",
]

NUMBERS: Final = ("c", "N", "f", "P")  # heads of atoms: constants, roots, functions, denominators
SMOOTH: Final = ("exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "log")
MAX_PLACES: Final = 4096  # of an array
MAX_MATRIX: Final = 4  # rows of one whose inverse is written out


def length(extent: tuple[str, int], sizes: Mapping[str, int]) -> int:
    """The last place of an extent."""
    size, offset = extent
    return offset + (sizes[size] if size else 0)


def shape_places(symbol: Symbol, sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
    """All places of an array, counted from 1."""
    return places_of([(1, length(e, sizes)) for e in symbol.shape])


def places_of(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """All places of some ranges, both ends included."""
    number = 1
    for low, high in ranges:
        number *= max(high - low + 1, 0)
    if number > MAX_PLACES:
        raise NotShown("an array that is too large")
    work_left().spend(1 + number // 4, "the places of an array")
    return list(product(*(range(low, high + 1) for low, high in ranges)))


class _Numbers(Forms):
    """Normal forms that know the functions of numbers that have been asked for."""

    def __init__(self) -> None:
        super().__init__({}, frozenset(), {}, kinks=False)
        self.known: dict[tuple[object, ...], Poly] = {}

    def is_written_out(self, low: int, high: int) -> bool:
        """Always: a sum of numbers is a number."""
        if high - low >= MAX_PLACES:
            raise NotShown("a sum that is too long")
        return True

    def call(self, name: str, arguments: Sequence[Poly]) -> Poly:
        """A named function of normal forms; of numbers it is the same one every time."""
        if any(self.atoms[a][0] not in NUMBERS for p in arguments for m in p for a, _ in m):
            return super().call(name, arguments)
        key = (name, *(frozenset(p.items()) for p in arguments))
        if key not in self.known:
            self.known[key] = super().call(name, arguments)
        return dict(self.known[key])

    def inverse(
        self, variables: Sequence[RawIndex], body: Poly, row: RawIndex, column: RawIndex
    ) -> Poly:
        """An entry of the inverse, of a small matrix by Cramer's rule."""
        entries = self.written_out(variables, body)
        if entries is None or row[:2] != ("p", "") or column[:2] != ("p", ""):
            return super().inverse(variables, body, row, column)
        i, j = row[2] - variables[0][2], column[2] - variables[1][2]
        if not (0 <= i < len(entries) and 0 <= j < len(entries)):
            raise NotShown("an entry that an inverse does not have")
        minor = [line[:i] + line[i + 1 :] for n, line in enumerate(entries) if n != j]
        share = self.mul(self.determinant(minor), self.power(self.determinant(entries), -1))
        return scale_poly(share, -1) if (i + j) % 2 else share

    def logdet(self, variables: Sequence[RawIndex], body: Poly) -> Poly:
        """log |det|, of a small matrix by its permutations."""
        entries = self.written_out(variables, body)
        if entries is None:
            return super().logdet(variables, body)
        return self.log_abs(self.determinant(entries))

    def written_out(self, variables: Sequence[RawIndex], body: Poly) -> list[list[Poly]] | None:
        """The entries of a small square matrix of known size."""
        i, j = variables
        if i[2:] != j[2:] or i[3] or i[4] - i[2] >= MAX_MATRIX:
            return None
        places = [("p", "", k) for k in range(i[2], i[4] + 1)]
        return [[self.replace(body, {i: a, j: b}) for b in places] for a in places]

    def determinant(self, entries: Sequence[Sequence[Poly]]) -> Poly:
        """By its first row."""
        result: Poly = {} if entries else dict(UNIT)
        for n, entry in enumerate(entries[0] if entries else ()):
            minor = [[*line[:n], *line[n + 1 :]] for line in entries[1:]]
            part = self.mul(entry, self.determinant(minor))
            result = add_polys(result, part, -1 if n % 2 else 1)
        return result


class Exact:
    """Terms as exact numbers (over transcendental atoms) at one point."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.forms = _Numbers()
        self.blocks: dict[tuple[object, ...], tuple[Raw, Field | None, Raw]] = {}

    def number(self, raw: Raw, values: Values | None = None) -> Poly:
        """A term without free indices, as an exact polynomial over atoms."""
        return self.block((), (), raw, values or {})

    def block(
        self,
        indices: Sequence[RawIndex],
        place: Sequence[int],
        raw: Raw,
        values: Values,
        field: Field | None = None,
    ) -> Poly:
        """A term at one place, or with a field its derivative along it; at other values of the
        entries it is the same term.
        """
        key = id(raw), id(field), *indices, *place, *sorted(self.instance.categories.items())
        if key not in self.blocks:
            env = {i: ("p", "", k) for i, k in zip(indices, place, strict=True)}
            there = put(raw, env, self.instance)
            if field is not None:
                there = put(derivative(there, field), None, self.instance)
            self.blocks[key] = raw, field, there
        self.forms.at(values)
        return self.forms.poly(self.blocks[key][2])

    def entries(
        self,
        indices: Sequence[RawIndex],
        place: Sequence[int],
        raw: Raw,
        symbols: Mapping[str, Symbol],
    ) -> set[Place]:
        """The entries that a term may depend on at one place: all of what a sum runs over."""
        env = {i: ("p", "", k) for i, k in zip(indices, place, strict=True)}
        found: set[Place] = set()
        for item in walk(put(raw, env, self.instance)):
            if item[0] in ("v", "e") and item[1] in symbols:
                where = item[3] if item[0] == "v" else item[4]
                known = all(i[:2] == ("p", "") for i in where)
                all_of_it = shape_places(symbols[item[1]], self.instance.sizes)
                at = [tuple(i[2] for i in where)] if known else all_of_it
                found.update((item[1], p) for p in at)
        return found

    def coefficients(self, poly: Poly) -> dict[Place, Poly]:
        """A poly that is linear in unknowns -> what each of them is multiplied with."""
        found: dict[Place, Poly] = {}
        for monomial, scale in poly.items():
            unknown = [(a, e) for a, e in monomial if self.unknown(a) is not None]
            rest = tuple((a, e) for a, e in monomial if self.unknown(a) is None)
            if len(unknown) != 1 or unknown[0][1] != 1:
                raise NotShown("a derivative that is not linear in the velocities")
            key = self.unknown(unknown[0][0])
            assert key is not None
            self.require_values({rest: scale})
            found[key] = add_polys(found.get(key, {}), {rest: scale})
        return found

    def unknown(self, a: int) -> Place | None:
        """The place of an atom that is an entry without a value."""
        atom = self.forms.atoms[a]
        if atom[0] != "v":
            return None
        if not all(i[:2] == ("p", "") for i in atom[3]):
            raise NotShown(f"an entry of {atom[1]} at a place that is not known")
        return atom[1], tuple(i[-1] for i in atom[3])

    def require_values(self, poly: Poly) -> None:
        """No entry without a value, not even inside: one symbol would stand for many numbers."""
        for a in self.forms.all_atoms(poly):
            if self.forms.atoms[a][0] not in NUMBERS:
                raise NotShown("without a value: " + self.forms.show({((a, 1),): 1}))

    def vanishes(self, poly: Poly) -> bool:
        """Exactly zero, with transcendental atoms independent."""
        return not self.forms.clear(poly)

    def show(self, poly: Poly) -> str:
        """A poly, to be read."""
        return self.forms.show(poly)

    def lies_in(self, domain: Domain, entries: Mapping[tuple[int, ...], Poly]) -> bool:
        """Whether an array is shown to have values in a domain."""
        if domain.margins is not None:
            sums: dict[tuple[int, ...], Poly] = {}
            for where, poly in entries.items() if domain.sums_to_one else ():
                sums[where[:-1]] = add_polys(sums.get(where[:-1], {(): -1}), poly)
            return all(
                self.forms.positive(self.affine(a, b, poly))
                for poly in entries.values()
                for a, b in domain.margins
            ) and all(map(self.vanishes, sums.values()))
        if not (domain.is_integer or domain.is_definite):
            return False
        numbers = {w: Fraction(p.get((), 0)) for w, p in entries.items() if not set(p) - {()}}
        shape = tuple(("", max(axis)) for axis in zip(*numbers, strict=True))
        return len(numbers) == len(entries) and not admissible_entries(
            Symbol("argument", "constant", domain, shape),
            numbers,
            {},
            self.instance,
            complete=False,
        )

    @staticmethod
    def affine(a: int, b: int, poly: Poly) -> Poly:
        """p -> a + b p"""
        return add_polys({(): a} if a else {}, poly, b)

    add = staticmethod(add_polys)
    scale = staticmethod(scale_poly)


# ---------------------------------------------------------------- domains


def admissible_entries(
    symbol: Symbol,
    entries: Mapping[tuple[int, ...], Fraction],
    values: Values,
    instance: Instance,
    *,
    complete: bool,
) -> list[str]:
    """Reasons why the values of some entries are not in the symbol's domain, exactly.

    values, instance: those at which its ends are taken.  complete: all entries have to be there;
    else those of each simplex, count vector and matrix.
    """
    name = symbol.name
    wanted = set(shape_places(symbol, instance.sizes))
    if not set(entries) <= wanted:
        return [f"{name} has no such entry"]
    if complete and set(entries) != wanted:
        return [f"an entry of {name} has no value"]
    domain, ends = symbol.domain, Ends(values, instance)
    if not domain.depth:
        return [
            f"{name}{list(p)} = {x} is not in its domain ({domain.word})"
            for p, x in entries.items()
            if not domain.admits(x, ends)
        ]
    found = []
    n = length(symbol.shape[-1], instance.sizes)
    for outer in {p[: -domain.depth]: None for p in entries}:
        inner = {p[len(outer) :]: x for p, x in entries.items() if p[: len(outer)] == outer}
        if len(inner) != n**domain.depth or not domain.admits_block(inner, n, ends):
            found.append(f"{name}{list(outer)} is not in its domain ({domain.word})")
    return found


class Ends:
    """The ends of a domain at one point; those that are no rational numbers are enclosed."""

    def __init__(self, values: Values, instance: Instance) -> None:
        self.values, self.instance = values, instance

    def number(self, end: Raw | None) -> Fraction | None:
        """Its value, None if it is not known to be a rational number."""
        if end is None:
            return None
        try:
            poly = Exact(self.instance).number(end, self.values)
        except NotShown:
            return None
        return Fraction(poly.get((), 0)) if not set(poly) - {()} else None

    def beyond(self, end: Raw | None, x: Fraction, side: int) -> bool:
        """side (x - end) > 0; true if there is no end."""
        if end is None:
            return True
        known = self.number(end)
        if known is not None:
            return side * (x - known) > 0
        distance = minus(("q", x), end)
        return certainly_positive(distance if side > 0 else negative(distance))


def function_admissible(
    symbol: Symbol,
    formals: Sequence[str],
    array: Array,
    sizes: Mapping[str, int],
    symbols: Mapping[str, Symbol],
) -> list[str]:
    """The function given for an abstract one is smooth on all reals and maps into the domain."""
    name = symbol.name
    indices, body = array
    for item in walk(body):
        if item[0] == "f" and item[1] not in SMOOTH:
            return [f"{name}: {item[1]} is not known to be smooth"]
        if item[0] in ("v", "e", "A") and item[1] not in formals:
            return [f"{name} mentions {item[1]}, which is none of its arguments"]
    if free_indices(body) - set(indices):
        return [f"{name} has a free index"]
    if any(symbols[f].role != "argument" or not symbols[f].domain.is_line for f in formals):
        return [f"{name}: formal arguments must be real symbols of role argument"]
    if len(indices) != len(symbol.shape):
        return [f"{name} has results of {len(symbol.shape)} indices"]
    exact = Exact(Instance(sizes) if sizes else NOWHERE)
    domain = symbol.domain
    if domain.margins is None or domain.depth:
        return [f"{name}: results in a {domain.word} are not supported"]
    for place in shape_places(symbol, sizes):
        try:
            poly = exact.block(indices, place, body, {})
        except NotShown as reason:
            return [f"{name}: {reason}"]
        for a, b in domain.margins:
            if not exact.forms.positive(exact.affine(a, b, poly)):
                where = f"its domain ({domain.word}): {a} {b:+} v > 0"
                return [f"{name} is not shown to lie in {where}"]
    return []
