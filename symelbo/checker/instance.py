"""Numbers: terms at one exact point of a model, and what lies in a domain.

Concrete sizes, rational values, given functions; transcendental numbers are atoms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Final, NamedTuple

from .criterion import free_indices
from .domains import Domain
from .forms import Forms
from .gradient import gradient
from .interval import certainly_positive
from .polynomial import MAX_FACTOR, UNIT, Poly, Values, add_polys, scale_poly
from .statement import Place, Symbol
from .terms import (
    NOWHERE,
    Array,
    Field,
    Instance,
    NotShown,
    Raw,
    RawIndex,
    minus,
    negative,
    put,
    walk,
)
from .work import work_left

__all__ = [
    "Ends",
    "Exact",
    "Part",
    "admissible_entries",
    "function_admissible",
    "length",
    "places_of",
    "shape_places",
]

NUMBERS: Final = ("c", "N", "f", "P", "H")  # heads of atoms that are numbers if their parts are
SMOOTH: Final = ("exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "log")
MAX_PLACES: Final = 4096  # of an array
MAX_MATRIX: Final = 6  # rows of one whose inverse is written out


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
        self.own: frozenset[str] = frozenset()  # of the data point; what has none of these is held
        self.users: dict[frozenset[str], dict[int, tuple[Raw, bool]]] = {}

    def at(self, values: Values) -> None:
        """Go on with other values of the entries; what they do not change is kept."""
        old = self.values
        if values is old:
            return
        changed = {at[0] for at, x in values.items() if old.get(at) != x}
        changed |= {at[0] for at in old if at not in values}
        self.values = values
        if changed:
            self.moved.clear()
            names = frozenset(changed)
            kept = {n: it for n, it in self.terms.items() if not self.mentions(it[0], names)}
            self.terms = kept

    def hold_sums(self, holds: bool) -> None:
        """Hold long sums in products from here on, or multiply them out."""
        self.holds, self.held = holds, False
        self.terms.clear()

    def mentions(self, raw: Raw, names: frozenset[str]) -> bool:
        """Whether entries of one of these names occur in a term."""
        known = self.users.setdefault(names, {})
        found = known.get(id(raw))
        if found is None:
            self.spend(1)
            inside = any(self.mentions(part, names) for part in raw if type(part) is tuple and part)
            own = raw[0] in ("v", "e", "A") and raw[1] in names
            found = known[id(raw)] = raw, bool(inside or own)
        return found[1]

    def factor(self, raw: Raw, longest: int = MAX_FACTOR) -> Poly:
        """What is the same for all data points of the same parents may be any number."""
        return self.poly(raw) if self.mentions(raw, self.own) else super().factor(raw, longest)

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
            if not entry:
                continue
            minor = [[*line[:n], *line[n + 1 :]] for line in entries[1:]]
            part = self.mul(entry, self.determinant(minor))
            result = add_polys(result, part, -1 if n % 2 else 1)
        return result


class Part(NamedTuple):
    """A part of a term, the derivative of the term by it, and those of it by its entries."""

    raw: Raw
    slope: Raw
    entries: list[tuple[Raw, Raw]]


def _is_entry(raw: Raw) -> bool:
    return bool(raw[0] == "v")


class Exact:
    """Terms as exact numbers (over transcendental atoms) at one point."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.forms = _Numbers()
        self.blocks: dict[tuple[object, ...], tuple[Raw, Raw]] = {}
        self.opened: dict[tuple[object, ...], tuple[Raw, list[Part]]] = {}
        self.velocities: dict[tuple[object, ...], Raw] = {}
        self.numbers: set[int] = set()  # atoms that are

    def number(self, raw: Raw, values: Values | None = None) -> Poly:
        """A term without free indices, as an exact polynomial over atoms; values: if it is open."""
        if values is not None:
            self.forms.at(values)
        return self.forms.poly(self.there((), (), raw))

    def block(
        self, indices: Sequence[RawIndex], place: Sequence[int], raw: Raw, values: Values
    ) -> Poly:
        """A term at one place; at other values of the entries it is the same term."""
        self.forms.at(values)
        return self.forms.poly(self.there(indices, place, raw))

    def there(self, indices: Sequence[RawIndex], place: Sequence[int], raw: Raw) -> Raw:
        """A term at one place, its entries open."""
        key = id(raw), *indices, *place, *sorted(self.instance.categories.items())
        if key not in self.blocks:
            env = {i: ("p", "", k) for i, k in zip(indices, place, strict=True)}
            self.blocks[key] = raw, put(raw, env, self.instance)
        return self.blocks[key][1]

    def parts(self, raw: Raw, field: Field, own: frozenset[str]) -> list[Part]:
        """What moves in a term: the largest parts that are free of the data point, its entries.

        own: names of what the data point is.
        """
        key = id(raw), id(field), own
        if key not in self.opened:
            names = frozenset(field)

            def moves(part: Raw) -> bool:
                return self.forms.mentions(part, names)

            def is_apart(part: Raw) -> bool:
                return _is_entry(part) or not self.forms.mentions(part, own)

            self.opened[key] = (
                raw,
                [
                    Part(part, slope, gradient(part, _is_entry, moves))
                    for part, slope in gradient(raw, is_apart, moves)
                ],
            )
        return self.opened[key][1]

    def shares(self, part: Part, field: Field) -> Iterator[tuple[Place, Poly]]:
        """Along a field that is linear in unknowns: the derivative of a part by each of them."""
        for entry, slope in part.entries:
            by = self.forms.factor(slope)
            self.require_values(by)
            for unknown, share in self.coefficients(self.velocity(entry, field)).items():
                yield unknown, self.forms.mul(by, share)

    def velocity(self, entry: Raw, field: Field) -> Poly:
        """What the field says of an entry."""
        _, name, _, where = entry
        key = id(field), name, where
        if key not in self.velocities:
            formals, body = field[name]
            if len(formals) != len(where):
                raise NotShown(f"the field of {name} has {len(formals)} indices")
            env = dict(zip(formals, where, strict=True))
            self.velocities[key] = put(body, env, self.instance)
        return self.forms.poly(self.velocities[key])

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
        if all(a in self.numbers for monomial in poly for a, _ in monomial):
            return
        for a in self.forms.all_atoms(poly, self.numbers):
            if self.forms.atoms[a][0] not in NUMBERS:
                raise NotShown("without a value: " + self.forms.show({((a, 1),): 1}))
            self.numbers.add(a)

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

    def mul(self, left: Poly, right: Poly) -> Poly:
        """left right"""
        return self.forms.mul(left, right)

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
