"""The certificate kernel: its own derivative and its own zero test for arbitrary symbolic sizes.

A normal form is a Laurent polynomial {monomial: rational} over atoms, a monomial a sorted tuple of
(atom number, exponent).  Composite denominators are atoms ("P", polynomial) with negative exponent,
cleared exactly by the test.  Sums are kept as connected components with canonical bound names;
ranges of
one size are cut at the places where they differ.  Every rule is an identity on the whole domain of
its symbols; whatever is inverted or put under a logarithm needs a proof of its sign.  Sizes are
positive
integers.  Nothing here is shared with the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations, product
from math import factorial, gcd, lcm
from typing import Any, Final, TypeAlias

from symelbo.certify.interval import certainly_positive
from symelbo.certify.language import (
    Field,
    Instance,
    NotShown,
    Raw,
    RawIndex,
    derivative,
    encode,
    encode_array,
    map_entries,
    map_index,
    map_indices,
    minus,
    shift,
    walk_raw,
)
from symelbo.index.terms import Add, Array, Call, Constant, Mul, Number, Power, Term

__all__ = [
    "Field",
    "Forms",
    "Hypotheses",
    "Instance",
    "NotShown",
    "Poly",
    "Raw",
    "add_polys",
    "derivative_along",
    "encode",
    "is_zero",
    "minus",
    "prove_defined",
    "prove_zero",
    "scale_poly",
]

Rational: TypeAlias = int | Fraction
Monomial: TypeAlias = tuple[tuple[int, Rational], ...]
Poly: TypeAlias = dict[Monomial, Rational]
Atom: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[tuple[str, tuple[int, ...]], Fraction]
End: TypeAlias = tuple[Rational, bool]  # of a range, and whether it is excluded

MAX_TERMS = 20_000  # of a polynomial
MAX_EXPANDED = 64  # places of a sum of concrete length
MAX_PERMUTED = 5  # bound indices of one connected sum
MAX_SPLITS = 8  # nested case distinctions
MAX_BITS = 4  # entries of 0 or 1 whose values are tried one by one
MAX_PLACES = 16  # of a range of concrete length that is tried place by place
_UNIT: Poly = {(): 1}
_CONTINUOUS = ("real", "positive", "unit", "interval", "posdef")  # kinds of entries
_BITS = ("binary", "onehot")  # kinds of entries that are 0 or 1


def derivative_along(term: Term | Raw, field: Field) -> Raw:
    """d/ds of term while every entry p[i] of the parameters moves with velocity field[p][i].

    This is J applied to the field, without J: Warnken et al. (2025), Definition 1.
    """
    return derivative(_raw(term), field)


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """What may be used without proof, because it is printed as a condition of the result.

    nonzero, positive: terms; posdef: matrices (indices, body); least: the smallest value of each
    size, 1 if not given.  everywhere: nothing is left out because it happens almost nowhere.
    """

    nonzero: tuple[Raw, ...] = ()
    positive: tuple[Raw, ...] = ()
    posdef: tuple[tuple[tuple[RawIndex, ...], Raw], ...] = ()
    least: tuple[tuple[str, int], ...] = ()
    everywhere: bool = False

    @classmethod
    def of(
        cls,
        nonzero: Iterable[Term] = (),
        positive: Iterable[Term] = (),
        posdef: Iterable[Array] = (),
        least: Mapping[str, int] | None = None,
    ) -> Hypotheses:
        """The same from terms."""
        matrices = tuple(encode_array(matrix) for matrix in posdef)
        sizes = tuple(sorted((least or {}).items()))
        return cls(tuple(map(encode, nonzero)), tuple(map(encode, positive)), matrices, sizes)

    def map(self, what: Mapping[RawIndex, RawIndex]) -> Hypotheses:
        """The same with free indices replaced."""
        return Hypotheses(
            tuple(map_indices(t, what) for t in self.nonzero),
            tuple(map_indices(t, what) for t in self.positive),
            tuple((v, map_indices(b, what)) for v, b in self.posdef),
            self.least,
            self.everywhere,
        )

    def put(self, entries: Mapping[Raw, Raw]) -> Hypotheses:
        """The same with entries replaced."""
        return Hypotheses(
            tuple(map_entries(t, entries) for t in self.nonzero),
            tuple(map_entries(t, entries) for t in self.positive),
            tuple((v, map_entries(b, entries)) for v, b in self.posdef),
            self.least,
            self.everywhere,
        )


NOTHING: Final = Hypotheses()


def is_zero(term: Term | Raw, *, given: Hypotheses = NOTHING) -> bool:
    """True only if the term is shown to vanish for all sizes, indices and values in their domains.

    False: not shown.
    """
    try:
        prove_zero(term, given=given)
    except NotShown:
        return False
    return True


def prove_zero(
    term: Term | Raw, *, given: Hypotheses = NOTHING, values: Values | None = None
) -> None:
    """As `is_zero`, but raises NotShown with what was left over.

    A term that is not zero at once is tried at all values of its 0/1 entries, one by one.
    """
    try:
        raw = _resolve(_raw(term))
        try:
            _prove(raw, given, frozenset(), values or {}, MAX_SPLITS)
        except NotShown:
            bits = _bits(raw)
            if not bits or len(bits) > MAX_BITS:
                raise
            for digits in product((0, 1), repeat=len(bits)):
                chosen = {
                    bit: ("q", Fraction(digit)) for bit, digit in zip(bits, digits, strict=True)
                }
                case, rest = map_entries(raw, chosen), given.put(chosen)
                _prove(case, rest, frozenset(), values or {}, MAX_SPLITS)
    except RecursionError as error:
        raise NotShown("the term is nested too deeply") from error


def prove_defined(term: Term | Raw, *, given: Hypotheses = NOTHING) -> None:
    """Raises NotShown unless the term has a value at all values of its entries, without exception.

    As in 1/w: that w = 0 happens almost nowhere does not help at a stationary point.
    """
    nothing: Raw = ("*", ("q", Fraction(0)), _raw(term))
    prove_zero(nothing, given=replace(given, everywhere=True))


def _raw(term: Term | Raw) -> Raw:
    return encode(term) if isinstance(term, Term) else term


def _bits(raw: Raw) -> list[Raw]:
    """The entries that are 0 or 1, at places without bound indices."""
    found = {
        item
        for item in walk_raw(raw)
        if item[0] == "v" and len(item) == 4 and item[2][:1] == ("binary",)
    }
    if any(not all(map(_closed, item[3])) for item in found):
        return []  # under a sum they are many
    return sorted(found, key=repr)


# -------------------------------------------------------------------------- ranges and cases


def _resolve(raw: Raw) -> Raw:
    """Give every category the extent of the places it selects, where its domain has none."""
    known: dict[str, set[tuple[str, int]]] = {}
    unknown: set[RawIndex] = set()
    for item in walk_raw(raw):
        if item[0] == "e" and len(item) == 5:
            if item[2] == "?":
                unknown.add(item)
            else:
                known.setdefault(item[1], set()).add((item[2], item[3]))
    what = {
        e: (*e[:2], *next(iter(known[e[1]])), e[4])
        for e in unknown
        if len(known.get(e[1], ())) == 1
    }
    return map_indices(raw, what) if what else raw


def _cores(raw: Raw, least: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """size -> (low, offset): the range common to all indices of that size, where they differ.

    sum over low..C splits off its last places, as sum_{i<=C} f = sum_{i<=C-1} f + f(C), which needs
    the common range to have a length >= 0 at every admissible size.
    """
    lows: dict[str, list[int]] = {}
    offsets: dict[str, list[int]] = {}
    points: dict[str, list[int]] = {}
    for item in walk_raw(raw):
        if item[0] == "i" and len(item) == 5 and item[3]:
            lows.setdefault(item[3], []).append(item[2])
            offsets.setdefault(item[3], []).append(item[4])
        elif item[0] == "e" and len(item) == 5 and item[2] not in ("", "?"):
            lows.setdefault(item[2], []).append(1)
            offsets.setdefault(item[2], []).append(item[3])
        elif item[0] == "p" and len(item) == 3 and item[1]:
            points.setdefault(item[1], []).append(item[2])
    cores: dict[str, tuple[int, int]] = {}
    for size, low in lows.items():
        offset = min(offsets[size])
        places = points.get(size, [])
        smallest = least.get(size, 1)
        inside = [place - 1 for place in places if place <= max(offsets[size])]
        offset = min([offset, *inside])
        # the cut must be valid for the smallest size, else keep the ranges as they are
        for cut_low, cut_offset in ((max(low), offset), (min(low), offset)):
            if smallest + cut_offset - cut_low + 1 >= 0:
                if (cut_low, cut_offset) != (min(low), max(offsets[size])):
                    cores[size] = (cut_low, cut_offset)
                break
    return cores


def _free(raw: Raw) -> list[RawIndex]:
    """Free index variables and categories, in order of their names."""
    found: set[RawIndex] = set()

    def index(i: RawIndex) -> None:
        if i[0] == "o":
            index(i[1])
        elif i[0] == "i":
            if not i[1].startswith("~"):
                found.add(i)
        elif i[0] == "e":
            found.add(i)
            for inner in i[4]:
                index(inner)

    for item in walk_raw(raw):
        if item[0] in ("i", "e") and len(item) == 5:
            index(item)
    return sorted(found, key=repr)


def _closed(index: RawIndex) -> bool:
    """No bound index inside a category's own place."""
    return not any(
        item[0] == "i" and item[1][:1] in "~#" for item in walk_raw(index) if len(item) == 5
    )


def _pieces(low: int, size: str, offset: int, core: tuple[int, int] | None) -> list[Any]:
    """The places a range has outside its core, then the core."""
    if core is None or not size or low > core[0] or offset < core[1]:
        return [(low, offset)]  # a range that does not contain the common one stays whole
    points = [("p", "", k) for k in range(low, core[0])]
    points += [("p", size, k) for k in range(core[1] + 1, offset + 1)]
    return [*points, core]


def _prove(raw: Raw, given: Hypotheses, apart: frozenset[Any], values: Values, splits: int) -> None:
    """Normal form empty, or a case distinction on free indices in each branch of which it is."""
    cores = _cores(raw, dict(given.least))
    for variable in _free(raw):
        size, offset = (variable[3], variable[4]) if variable[0] == "i" else variable[2:4]
        low = variable[2] if variable[0] == "i" else 1
        pieces = _pieces(low, size, offset, cores.get(size))
        if pieces == [(low, offset)] or not _closed(variable):
            continue
        _split(raw, given, apart, values, splits, variable, pieces)
        return
    forms = Forms(cores, apart, values, given.least)
    forms.assume(given)
    left: Poly | None = None
    try:
        left = forms.clear(forms.poly(raw))
    except NotShown:
        if not _short_ranges(raw):
            raise
    if left is not None and not left:
        return
    pair = None if left is None else forms.coincidence(left)
    if pair is not None and splits > 0:
        a, b = _oriented(*pair)
        moved = frozenset(frozenset(map_index(i, {a: b}) for i in p) for p in apart)
        if all(len(p) == 2 for p in moved):  # else this branch contradicts i != j
            _prove(map_indices(raw, {a: b}), given.map({a: b}), moved, values, splits - 1)
        _prove(raw, given, apart | {frozenset(pair)}, values, splits - 1)
        return
    short = _short_ranges(raw)
    if short and splits > 0:
        _split(raw, given, apart, values, splits, *short[0])
        return
    raise NotShown("not shown to be zero: " + ("" if left is None else forms.show(left)))


def _split(
    raw: Raw,
    given: Hypotheses,
    apart: frozenset[Any],
    values: Values,
    splits: int,
    variable: RawIndex,
    pieces: Sequence[Any],
) -> None:
    """The same for a free index in each piece of its range."""
    if splits <= 0:
        raise NotShown("too many cases")
    name = variable[1] if variable[0] == "i" else "category " + repr((variable[1], variable[4]))
    for piece in pieces:
        size = variable[3] if variable[0] == "i" else variable[2]
        value = piece if len(piece) == 3 else ("i", name, piece[0], size, piece[1])
        what = {variable: value}
        moved = frozenset(frozenset(map_index(i, what) for i in p) for p in apart)
        if all(len(p) == 2 for p in moved):
            _prove(map_indices(raw, what), given.map(what), moved, values, splits - 1)


def _short_ranges(raw: Raw) -> list[tuple[RawIndex, list[Any]]]:
    """Free indices over a few concrete places, with these places."""
    found = []
    for variable in _free(raw):
        size, offset = (variable[3], variable[4]) if variable[0] == "i" else variable[2:4]
        low = variable[2] if variable[0] == "i" else 1
        if size == "" and 0 <= offset - low < MAX_PLACES and _closed(variable):
            found.append((variable, [("p", "", k) for k in range(low, offset + 1)]))
    return found


def _oriented(a: RawIndex, b: RawIndex) -> tuple[RawIndex, RawIndex]:
    """An equation of indices as (what is replaced, by what); the narrower range is kept."""
    if b[0] == "e" or (a[0] in ("p", "o") and b[0] == "i"):
        a, b = b, a
    if a[0] == "o":
        return a[1], shift(b, -a[2])
    if a[0] == "i" and b[0] == "i" and a[2] >= b[2] and a[4] <= b[4]:
        return b, a
    return a, b


# ------------------------------------------------------------------------------- normal forms


def _rational(value: Rational) -> Rational:
    return value.numerator if value.denominator == 1 else value


def _primes(value: int) -> list[tuple[int, int]]:
    found, divisor = [], 2
    while divisor * divisor <= value and divisor < 10_000:
        power = 0
        while value % divisor == 0:
            value //= divisor
            power += 1
        if power:
            found.append((divisor, power))
        divisor += 1
    return [*found, (value, 1)] if value > 1 else found


def add_polys(left: Poly, right: Poly, scale: Rational = 1) -> Poly:
    result = dict(left)
    for monomial, c in right.items():
        value = _rational(result.get(monomial, 0) + scale * c)
        if value:
            result[monomial] = value
        else:
            result.pop(monomial, None)
    if len(result) > MAX_TERMS:
        raise NotShown("the polynomial is too long")
    return result


def scale_poly(poly: Poly, c: Rational) -> Poly:
    return {m: _rational(c * v) for m, v in poly.items()} if c else {}


def _primitive(poly: Poly) -> Poly:
    """A positive multiple with coprime integers, the same for all positive multiples."""
    top = gcd(*(v.numerator for v in poly.values()))
    return scale_poly(poly, Fraction(lcm(*(v.denominator for v in poly.values())), top))


def _frozen(poly: Poly) -> tuple[tuple[Monomial, Rational], ...]:
    return tuple(sorted(poly.items()))


class Forms:
    """One zero test: interned atoms and the rewriting rules."""

    def __init__(
        self,
        cores: Mapping[str, tuple[int, int]],
        apart: frozenset[Any],
        values: Values,
        least: Iterable[tuple[str, int]] = (),
        *,
        kinks: bool = True,
    ) -> None:
        self.cores, self.apart, self.values = cores, apart, values
        self.kinks = kinks  # whether the slope of |a| where a is 0 may be taken as 0
        self.least = dict(least)  # the smallest value of a size
        self.atoms: list[Atom] = []
        self.numbers: dict[Atom, int] = {}
        self.variables: list[frozenset[RawIndex]] = []  # free index variables of each atom
        self.heights: list[int] = []  # 0, or more than the height of every sum inside
        self.skeletons: list[str] = []  # the atom without the names of bound indices
        self.signs: dict[int, str] = {}
        self.lead: dict[int, Monomial] = {}  # of a denominator
        self.invariant: dict[int, tuple[int, Rational] | None] = {}
        self.moved: dict[tuple[int, Any], Poly] = {}
        self.assumed_atoms: set[int] = set()
        self.assumed: set[Any] = set()
        self.assumed_positive: set[Any] = set()
        self.assumed_posdef: set[Any] = set()
        self.everywhere = False
        self.fresh = 0

    def at(self, values: Values) -> None:
        """Go on with other values of the entries."""
        if values is not self.values:
            self.values = values
            self.moved.clear()

    # ---------------------------------------------------------------------------- atoms

    def intern(self, atom: Atom) -> int:
        number = self.numbers.get(atom)
        if number is None:
            number = self.numbers[atom] = len(self.atoms)
            self.atoms.append(atom)
            self.variables.append(self._variables(atom))
            self.heights.append(self._height(atom))
            self.skeletons.append(self._skeleton(atom))
        return number

    def atom(self, atom: Atom, exponent: Rational = 1) -> Poly:
        return {((self.intern(atom), exponent),): 1}

    def _index_variables(self, index: RawIndex) -> frozenset[RawIndex]:
        if index[0] == "i":
            return frozenset((index,))
        if index[0] == "o":
            return self._index_variables(index[1])
        if index[0] == "e":
            return frozenset((index,)).union(*(self._index_variables(i) for i in index[4]))
        return frozenset()

    def _variables(self, atom: Atom) -> frozenset[RawIndex]:
        empty: frozenset[RawIndex] = frozenset()
        head = atom[0]
        if head == "iv":
            return self._index_variables(atom[1])
        if head == "v":
            return empty.union(*(self._index_variables(i) for i in atom[3]))
        if head == "d":
            return self._index_variables(atom[1]) | self._index_variables(atom[2])
        if head == "f":
            return empty.union(*(self._of_frozen(p) for p in atom[2:]))
        if head == "P":
            return self._of_frozen(atom[1])
        if head == "S":
            return empty.union(*(self.variables[a] for a, _ in atom[2])) - set(atom[1])
        if head == "Inv":
            inner = self._of_frozen(atom[1][1]) - set(atom[1][0])
            return inner | self._index_variables(atom[2]) | self._index_variables(atom[3])
        if head == "LD":
            return self._of_frozen(atom[1][1]) - set(atom[1][0])
        if head == "A":
            inner = empty.union(*(self._of_frozen(p) - set(v) for v, p in atom[3]))
            places = [*atom[4], *(i for _, where in atom[5] for i in where)]
            return inner.union(*(self._index_variables(i) for i in places))
        return empty

    def _of_frozen(self, frozen: Any) -> frozenset[RawIndex]:
        empty: frozenset[RawIndex] = frozenset()
        return empty.union(*(self.variables[a] for m, _ in frozen for a, _ in m))

    def _height(self, atom: Atom) -> int:
        def of(frozen: Any) -> int:
            return max((self.heights[a] for m, _ in frozen for a, _ in m), default=0)

        head = atom[0]
        if head == "f":
            return max((of(p) for p in atom[2:]), default=0)
        if head == "P":
            return of(atom[1])
        if head == "S":
            return 1 + max((self.heights[a] for a, _ in atom[2]), default=0)
        if head in ("Inv", "LD"):
            return 1 + of(atom[1][1])
        if head == "A":
            return max((1 + of(p) for _, p in atom[3]), default=0)
        return 0

    def _skeleton(self, item: Any) -> str:
        """A text that renaming bound indices does not change."""
        if not isinstance(item, tuple):
            return str(item)
        if len(item) == 5 and item[0] == "i" and item[1][:1] in "~#":
            return f"*{item[3]}"
        if len(item) == 2 and isinstance(item[0], int) and isinstance(item[1], (int, Fraction)):
            return f"{self.skeletons[item[0]]}^{item[1]}"  # an atom number and its exponent
        parts = [self._skeleton(part) for part in item]
        if item and isinstance(item[0], tuple):
            parts.sort()
        return f"({' '.join(parts)})"

    def new(self, like: RawIndex) -> RawIndex:
        self.fresh += 1
        return ("i", f"~{self.fresh}n", *like[2:])

    def assume(self, given: Hypotheses) -> None:
        """Assumed conditions: what may be inverted, or has a sign, although no proof is found."""
        self.everywhere = given.everywhere
        for variables, body in given.posdef:
            self.assumed_posdef.add(self.array(variables, self.poly(body)))
        for raw in given.positive:
            self.assume_positive(self.poly(raw))
        for raw in given.nonzero:
            monomial, _, prime = self.content(self.poly(raw))
            # a product is nonzero only if all its factors are
            self.assumed_atoms.update(a for a, e in monomial if e > 0)
            if prime != _UNIT:
                self.assumed.add(_frozen(prime))

    def assume_positive(self, poly: Poly) -> None:
        """A product of known signs and one unknown factor gives this factor its sign."""
        monomial, c, prime = self.content(poly)
        unknown = [(a, e) for a, e in monomial if self.sign(a) != "+"]
        if prime == _UNIT and len(unknown) == 1 and c > 0 and unknown[0][1].denominator == 1:
            if unknown[0][1] % 2:
                self.signs[unknown[0][0]] = "+"
            else:
                self.assumed_atoms.add(unknown[0][0])
        elif not unknown and prime != _UNIT:
            positive = prime if c > 0 else scale_poly(prime, -1)
            self.assumed_positive.add(_frozen(_primitive(positive)))

    # -------------------------------------------------------------------------- ranges

    def span(self, index: RawIndex) -> tuple[int, str, int] | None:
        """low, size, offset of the values an index takes; None if unknown."""
        if index[0] == "i":
            return index[2], index[3], index[4]
        if index[0] == "o":
            inner = self.span(index[1])
            return inner and (inner[0] + index[2], inner[1], inner[2] + index[2])
        if index[0] == "e" and index[2] != "?":
            return 1, index[2], index[3]
        return None

    def inside(self, index: RawIndex, variable: RawIndex) -> bool:
        """Every value of the index is in the range of the variable, for all sizes."""
        _, _, low, size, offset = variable
        smallest = self.least.get(size, 1)
        if index[0] == "p":
            if index[1] == size:
                lowest = index[2] + (smallest if size else 0)
                return bool(low <= lowest and index[2] <= offset)
            # a fixed place in a symbolic range: there at every size only if at the smallest
            return bool(index[1] == "" and low <= index[2] <= smallest + offset)
        span = self.span(index)
        return span is not None and span[1] == size and span[0] >= low and span[2] <= offset

    def delta(self, a: RawIndex, b: RawIndex) -> Poly:
        """1 where equal, 0 where the ranges or the case exclude it, else an atom."""
        if a == b:
            return _UNIT
        if frozenset((a, b)) in self.apart:
            return {}
        base_a, by_a = (a[1], a[2]) if a[0] == "o" else (a, 0)
        base_b, by_b = (b[1], b[2]) if b[0] == "o" else (b, 0)
        if base_a == base_b:
            return {}
        if a[0] == "p" and b[0] == "p" and a[1] == b[1]:
            return {}
        for point, other in ((a, b), (b, a)):
            span = self.span(other)
            if point[0] == "p" and span is not None:
                if point[1] == span[1] and (
                    point[2] > span[2] or (not span[1] and point[2] < span[0])
                ):
                    return {}
                if point[1] == "" and point[2] < span[0]:
                    return {}
        if by_a and by_b:
            # i + m = j + n is written i + (m - n) = j
            a, b = shift(base_a, by_a - by_b), base_b
        return self.atom(("d", *sorted((a, b), key=repr)))

    # --------------------------------------------------------------------- polynomials

    def mul(self, left: Poly, right: Poly) -> Poly:
        if left is _UNIT:
            return right
        if right is _UNIT:
            return left
        result: Poly = {}
        for m, c in left.items():
            for n, e in right.items():
                result = self._accumulate(result, self.merge(m, n), c * e)
        return result

    @staticmethod
    def _accumulate(result: Poly, addend: Poly, scale: Rational) -> Poly:
        for monomial, c in addend.items():
            value = _rational(result.get(monomial, 0) + scale * c)
            if value:
                result[monomial] = value
            else:
                result.pop(monomial, None)
        if len(result) > MAX_TERMS:
            raise NotShown("the polynomial is too long")
        return result

    def merge(self, m: Monomial, n: Monomial) -> Poly:
        """The product of two monomials, in normal form."""
        if not m:
            return {n: 1}
        if not n:
            return {m: 1}
        exponents = dict(m)
        for a, e in n:
            total = _rational(exponents.get(a, 0) + e)
            if total:
                exponents[a] = total
            else:
                del exponents[a]
        return self.reduce(exponents)

    def reduce(self, exponents: dict[int, Rational]) -> Poly:
        """One monomial -> normal form: z^2 = z, denominators expanded or split."""
        scale: Rational = 1
        expand: list[Poly] = []
        for a, e in list(exponents.items()):
            atom = self.atoms[a]
            head = atom[0]
            if head == "d" or (head == "v" and atom[2][0] in _BITS):
                if e > 1 and e == int(e):
                    exponents[a] = 1  # 0 and 1 are their own powers
            elif head == "f" and atom[1] == "sign" and e != 1:
                if e.denominator != 1 or not self.generic(dict(atom[2])):
                    raise NotShown("a power of the sign of something that may be 0")
                self._set(exponents, a, e % 2)  # away from 0
            elif head == "f" and atom[1] == "sin" and e >= 2 and e.denominator == 1:
                cosine = self.intern(("f", "cos", *atom[2:]))
                self._set(exponents, a, e % 2)
                expand += [{(): 1, ((cosine, 2),): -1}] * (int(e) // 2)
            elif head == "N" and not 0 < e < 1:
                whole = e.numerator // e.denominator
                scale *= Fraction(atom[1]) ** whole
                self._set(exponents, a, _rational(e - whole))
            elif head == "P" and e >= 1:
                whole = int(e)
                self._set(exponents, a, _rational(e - whole))
                expand += [dict(atom[1])] * whole
        poly: Poly = {tuple(sorted(exponents.items())): _rational(scale)}
        if not expand:
            split = self.split(exponents)
            return scale_poly(split, scale) if split is not None else poly
        for factor in expand:
            poly = self.mul(poly, factor)
        return poly

    @staticmethod
    def _set(exponents: dict[int, Rational], a: int, e: Rational) -> None:
        if e:
            exponents[a] = e
        else:
            del exponents[a]

    def split(self, exponents: dict[int, Rational]) -> Poly | None:
        """Partial fractions over one denominator Q; None if there is nothing to do.

        lead(Q)/Q = 1 - (Q - lead(Q))/Q, and 1/(x Q) = (1/x - s/Q)/r where Q = r + x s, r a number.
        """
        for a, e in exponents.items():
            if e >= 0 or self.atoms[a][0] != "P":
                continue
            poly: Poly = dict(self.atoms[a][1])
            lead = self.lead.get(a)
            if lead is None:
                order = sorted(
                    {b for m in poly for b, _ in m}, key=lambda b: (self.skeletons[b], b)
                )
                lead = max(poly, key=lambda m: self._graded(m, order))
                self.lead[a] = lead
            if all(exponents.get(b, 0) >= x for b, x in lead):
                rest = dict(exponents)
                for b, x in lead:
                    self._set(rest, b, _rational(rest[b] - x))
                c = poly[lead]
                others = {m: v for m, v in poly.items() if m != lead}
                first = dict(rest)
                self._set(first, a, _rational(e + 1))
                result = self.mul(self.reduce(rest), scale_poly(others, -1))
                return scale_poly(add_polys(self.reduce(first), result), Fraction(1) / c)
            number = poly.get(())
            if number is None:
                continue
            for b, x in exponents.items():
                if x < 0 and all(dict(m).get(b, 0) >= 1 for m in poly if m):
                    others = {}
                    for m, v in poly.items():
                        if m:
                            lower = dict(m)
                            self._set(lower, b, _rational(lower[b] - 1))
                            others[tuple(sorted(lower.items()))] = v
                    first = dict(exponents)
                    self._set(first, a, _rational(e + 1))
                    second = dict(exponents)
                    self._set(second, b, _rational(x + 1))
                    result = self.mul(self.reduce(second), scale_poly(others, -1))
                    return scale_poly(add_polys(self.reduce(first), result), Fraction(1) / number)
        return None

    @staticmethod
    def _graded(monomial: Monomial, order: Sequence[int]) -> tuple[Rational, ...]:
        """Graded lexicographic, which products respect: splitting ends."""
        table = dict(monomial)
        return (sum(table.values()), *(table.get(b, 0) for b in order))

    def content(self, poly: Poly) -> tuple[Monomial, Rational, Poly]:
        """poly = c * monomial * prime, with prime canonical and free of denominators."""
        outside: dict[int, Rational] = {}
        while poly:
            tables = [dict(m) for m in poly]
            least = {
                a: lowest
                for a in {a: None for t in tables for a in t}
                if (lowest := min(t.get(a, 0) for t in tables)) and not self._idempotent(a)
            }
            if not least:
                break
            for a, e in least.items():
                self._bump(outside, a, e)
            quotient: Poly = {}
            for table, c in zip(tables, poly.values(), strict=True):
                for a, e in least.items():
                    self._bump(table, a, -e)
                quotient = self._accumulate(quotient, self.expand(table), c)
            poly = quotient
        if not poly:
            raise NotShown("zero is inverted or put under a logarithm")
        if len(poly) == 1:
            ((monomial, c),) = poly.items()
            return self._sorted(outside), c, ({monomial: 1} if monomial else _UNIT)
        # coprime integers: a scale that does not depend on the names of indices
        c = Fraction(
            gcd(*(v.numerator for v in poly.values())), lcm(*(v.denominator for v in poly.values()))
        )
        if poly[max(poly)] < 0:
            c = -c
        prime = scale_poly(poly, 1 / c)
        if not self.positive(prime):
            negative = scale_poly(prime, -1)
            if self.positive(negative):
                prime, c = negative, -c
        for factor, cofactor in self.unit_factors(prime):
            # 1 - 2p + p^2 is (1 - p)^2, which has a sign
            more, c2, last = self.content(cofactor)
            self._bump(outside, self.intern(("P", _frozen(factor))), 1)
            for a, e in more:
                self._bump(outside, a, e)
            return self._sorted(outside), _rational(c * c2), last
        return self._sorted(outside), c, prime

    @staticmethod
    def _sorted(table: Mapping[int, Rational]) -> Monomial:
        return tuple(sorted(table.items()))

    @staticmethod
    def _bump(table: dict[int, Rational], a: int, by: Rational) -> None:
        """Add to an exponent."""
        e = _rational(table.get(a, 0) + by)
        if e:
            table[a] = e
        else:
            table.pop(a, None)

    def unit_factors(self, poly: Poly) -> list[tuple[Poly, Poly]]:
        """A factor 1 - p of a polynomial that has more, with its cofactor."""
        for a in {a: None for m in poly for a, _ in m}:
            if self._kind(a) != "unit":
                continue
            degrees: dict[Rational, Poly] = {}
            for m, v in poly.items():
                table = dict(m)
                degree = table.pop(a, 0)
                if degree.denominator != 1 or degree < 0:
                    return []
                degrees.setdefault(degree, {})[tuple(sorted(table.items()))] = v
            top = int(max(degrees))
            if (top == 1 and len(poly) == 2 and () in poly) or top < 1:
                continue
            # synthetic division by (1 - p): q_k = a_0 + ... + a_k, remainder the sum of all
            total: Poly = {}
            quotient: Poly = {}
            for k in range(top + 1):
                total = add_polys(total, degrees.get(k, {}))
                if k < top:
                    for m, v in total.items():
                        key = tuple(sorted({**dict(m), **({a: k} if k else {})}.items()))
                        quotient[key] = v
            if not total and len(poly) > 2:
                return [({(): 1, ((a, 1),): -1}, quotient)]
        return []

    def _idempotent(self, a: int) -> bool:
        return self._kind(a) in _BITS or self.atoms[a][0] == "d"

    def power(self, poly: Poly, e: Rational) -> Poly:
        """poly^e for a rational e; what is inverted must be shown nonzero, roots need signs."""
        e = _rational(e)
        if e.denominator == 1 and e >= 0:
            result = _UNIT
            for _ in range(int(e)):
                result = self.mul(result, poly)
            return dict(result)
        monomial, c, prime = self.content(poly)
        whole = e.denominator == 1
        if not whole and c < 0:
            raise NotShown("a root of something not shown to be positive")
        if prime != _UNIT and not (self.nonzero(prime) if whole else self.positive(prime)):
            raise NotShown("not shown to be nonzero: " + self.show(prime))
        for a, x in monomial:
            good = self.sign(a) == "+" or (whole and (x < 0 or self.nonzero_atom(a)))
            if not good and not (e > 0 and x > 0 and self.sign(a) == "0"):
                raise NotShown("not shown to be nonzero: " + self.show(self._one(a)))
        result = self.reduce({a: _rational(x * e) for a, x in monomial})
        result = self.mul(result, self.number_power(c, e))
        if prime != _UNIT:
            result = self.mul(result, self.reduce({self.intern(("P", _frozen(prime))): e}))
        return result

    def number_power(self, c: Rational, e: Rational) -> Poly:
        if e.denominator == 1:
            return {(): _rational(Fraction(c) ** int(e))}
        exponents: dict[int, Rational] = {}
        for value, sign in ((c.numerator, 1), (c.denominator, -1)):
            for prime, k in _primes(value):
                exponents[self.intern(("N", prime))] = sign * k * e
        return self.reduce(exponents)

    def _one(self, a: int) -> Poly:
        return {((a, 1),): 1}

    # --------------------------------------------------------------------------- signs

    def _kind(self, a: int) -> str:
        atom = self.atoms[a]
        if atom[0] == "v" or (atom[0] == "A" and not atom[5]):
            return str(atom[2][0])
        return ""

    def sign(self, a: int) -> str:
        """ "+" positive, "0" not negative, "" unknown."""
        if a not in self.signs:
            self.signs[a] = self._sign(self.atoms[a])
        return self.signs[a]

    def _sign(self, atom: Atom) -> str:
        head = atom[0]
        if head in ("n", "c", "N"):
            return "+" if head != "c" or atom[1] in ("pi", "PI") else ""
        if head == "v" or (head == "A" and not atom[5]):
            kind = atom[2][0]
            if kind in ("positive", "unit", "simplex"):
                return "+"
            if kind == "interval" and atom[2][1] is not None and atom[2][1] >= 0:
                return "+" if atom[2][1] > 0 else "0"
            if kind in (*_BITS, "naturals", "counts", "nonnegative"):
                return "0"
            if kind == "posdef" and head == "v" and atom[3][-1] == atom[3][-2]:
                return "+"
            return ""
        if head == "iv":
            if atom[1][0] == "p" and not atom[1][1]:
                return ""
            span = self.span(atom[1])
            return "+" if span is not None and span[0] >= 1 else ""
        if head == "f":
            if atom[1] == "exp":
                return "+"
            if atom[1] == "log":  # log a > 0 where a > 1
                return "+" if self.positive(add_polys(dict(atom[2]), _UNIT, -1)) else ""
            if atom[1] == "erf":
                return "+" if self.positive(dict(atom[2])) else ""
            if atom[1] == "polygamma" and dict(atom[2]).get((), 0) % 2 == 1 and len(atom[2]) == 1:
                return "+" if self.positive(dict(atom[3])) else ""
            closed = self.closed_term(self._one(self.numbers[atom])) if len(atom) == 3 else None
            if closed is not None and certainly_positive(closed):
                return "+"
            return ""
        if head == "P":
            return "+" if self.positive(dict(atom[1])) else ""
        if head == "d":
            return "0"
        if head == "S":
            sign = self.monomial_sign(atom[2])
            if sign == "+" and not all(self.length_at_least(v) >= 1 for v in atom[1]):
                return "0"
            return sign
        if head == "Inv" and atom[2] == atom[3] and self.posdef(atom[1]):
            return "+"
        return ""

    def length_at_least(self, variable: RawIndex) -> int:
        _, _, low, size, offset = variable
        return int((self.least.get(size, 1) if size else 0) + offset - low + 1)

    def monomial_sign(self, monomial: Monomial) -> str:
        result = "+"
        for a, e in monomial:
            sign = self.sign(a)
            if sign == "+":
                continue
            even = e.denominator == 1 and e % 2 == 0
            if e > 0 and even and a in self.assumed_atoms:
                continue
            if e > 0 and (sign == "0" or even):
                result = "0"
            elif e < 0 and e.denominator == 1 and (e % 2 == 0 or sign == "0"):
                continue  # an inverted factor has been shown to be nonzero
            else:
                return ""
        return result

    def positive(self, poly: Poly) -> bool:
        return self.poly_sign(poly) == "+"

    def poly_sign(self, poly: Poly) -> str:
        """Positive coefficients on signed monomials; else affine in an atom of a known range (or in
        its square): the signs at the ends of the range.
        """
        if not poly:
            return "0"
        result = "0"
        for m, c in poly.items():
            sign = self.monomial_sign(m) if c > 0 else ""
            if not sign:
                break
            if sign == "+":
                result = "+"
        else:
            return result
        if _frozen(_primitive(poly)) in self.assumed_positive:
            return "+"
        for a, e in {(a, e): None for m in poly for a, e in m if e < 0}:
            if self.atoms[a][0] == "P" and self.sign(a) == "+":
                least = min(dict(m).get(a, 0) for m in poly)
                if e == least and e.denominator == 1:  # times a positive denominator
                    return self.poly_sign(self.times(poly, a, -e))
        for a in {a: None for m in poly for a, _ in m}:
            sign = self.sign_along(poly, a) or self.sign_of_square(poly, a)
            if sign:
                return sign
        closed = self.closed_term(poly)
        return "+" if closed is not None and certainly_positive(closed) else ""

    def sign_along(self, poly: Poly, a: int) -> str:
        """The sign of c0 + c1 x, x = a or a^2 in a range, from the signs at its two ends.

        At an infinite end: from the sign of c1.  An end that is not attained may have the sign 0.
        """
        degrees = {dict(m).get(a, 0) for m in poly}
        bounds = self.range_of(a)
        if bounds is None or not (degrees <= {0, 1} or degrees <= {0, 2}):
            return ""
        constant: Poly = {}
        slope: Poly = {}
        for m, v in poly.items():
            table = dict(m)
            target = slope if table.pop(a, 0) else constant
            target[tuple(sorted(table.items()))] = v
        low, high = bounds
        if self.atoms[a][0] == "iv" and degrees <= {0, 1}:
            return self.sign_along_index(constant, slope, a)
        if max(degrees) == 2:
            if low is None or high is None:
                return ""
            strict = low[1] and high[1]
            low, high = (0, False), (max(low[0] * low[0], high[0] * high[0]), strict)
        if low is None:
            if high is None:
                return ""
            low, high = (-high[0], high[1]), None  # x -> -x
            slope = scale_poly(slope, -1)
        at_low = self.poly_sign(add_polys(constant, slope, low[0]))
        at_high = self.poly_sign(slope if high is None else add_polys(constant, slope, high[0]))
        if not at_low or not at_high:
            return ""
        open_high = high is None or high[1]
        if at_low == "+" and (at_high == "+" or open_high):
            return "+"
        return "+" if at_high == "+" and low[1] else "0"

    def sign_of_square(self, poly: Poly, a: int) -> str:
        """c0 + c1 x + c2 x^2 is positive where c2 > 0 and 4 c0 c2 > c1^2."""
        parts: dict[Rational, Poly] = {0: {}, 1: {}, 2: {}}
        for m, v in poly.items():
            table = dict(m)
            degree = table.pop(a, 0)
            if degree not in parts:
                return ""
            parts[degree][tuple(sorted(table.items()))] = v
        if not parts[1] or not parts[2] or self.poly_sign(parts[2]) != "+":
            return ""
        square = self.mul(parts[1], parts[1])
        rest = add_polys(scale_poly(self.mul(parts[0], parts[2]), 4), square, -1)
        return "+" if self.poly_sign(rest) == "+" else ""

    def sign_along_index(self, constant: Poly, slope: Poly, a: int) -> str:
        """The sign of c0 + c1 i for an index i, from both ends of its range."""
        span = self.span(self.atoms[a][1])
        if span is None:
            return ""
        low, size, offset = span
        high: Poly = {(): offset} if offset else {}
        if size:
            high = add_polys(high, self.atom(("n", size)))
        at_low = self.poly_sign(add_polys(constant, slope, low))
        at_high = self.poly_sign(add_polys(constant, self.mul(slope, high)))
        if not at_low or not at_high:
            return ""
        return "+" if (at_low, at_high) == ("+", "+") else "0"

    def range_of(self, a: int) -> tuple[End | None, End | None] | None:
        """The ends (value, whether it is excluded; None: infinite) of the values of an atom."""
        atom = self.atoms[a]
        head = atom[0]
        if head == "v" or (head == "A" and not atom[5]):
            kind = atom[2][0]
            if kind == "unit":
                return (0, True), (1, True)
            if kind in (*_BITS, "simplex"):
                return (0, False), (1, False)
            if kind == "interval":
                low, high = atom[2][1:3]
                return None if low is None else (low, False), None if high is None else (
                    high,
                    False,
                )
            return None
        if head == "iv":  # its ends may be symbolic: see `sign_along_index`
            return (1, False), None
        if head == "n":
            return (self.least.get(atom[1], 1), False), None
        if head == "f" and atom[1] == "exp":
            if self.positive(dict(atom[2])):
                return (1, True), None
            if self.positive(scale_poly(dict(atom[2]), -1)):
                return (0, True), (1, True)
        if head == "f" and atom[1] in ("erf", "besselratio"):
            return (-1, True), (1, True)
        if head == "f" and atom[1] in ("sin", "cos"):
            return (-1, False), (1, False)
        return None

    def closed_term(self, poly: Poly) -> Term | None:
        """The polynomial as a term, if it holds numbers and elementary functions of these only."""
        parts: list[Term] = []
        for monomial, c in poly.items():
            factors: list[Term] = [Number(Fraction(c))]
            for a, e in monomial:
                atom = self.atoms[a]
                base: Term | None = None
                if atom[0] == "N":
                    base = Number(Fraction(atom[1]))
                elif atom[0] == "c":
                    base = Constant(atom[1])
                elif atom[0] == "P":
                    base = self.closed_term(dict(atom[1]))
                elif atom[0] == "f" and len(atom) == 3:
                    argument = self.closed_term(dict(atom[2]))
                    base = None if argument is None else Call(atom[1], (argument,))
                if base is None:
                    return None
                factors.append(Power(base, Number(Fraction(e))))
            parts.append(Mul(tuple(factors)))
        return Add(tuple(parts))

    def nonzero_atom(self, a: int) -> bool:
        atom = self.atoms[a]
        if atom[:2] == ("f", "sign") and self.generic(dict(atom[2])):
            return True
        return self.sign(a) == "+" or a in self.assumed_atoms

    def nonzero(self, poly: Poly) -> bool:
        """For a canonical prime polynomial."""
        if self.positive(poly) or self.positive(scale_poly(poly, -1)):
            return True
        return _frozen(poly) in self.assumed or _frozen(scale_poly(poly, -1)) in self.assumed

    # ---------------------------------------------------------------------- functions

    def log(self, poly: Poly) -> Poly:
        """log of a product of positive factors: the sum of their logarithms."""
        monomial, c, prime = self.content(poly)
        if c < 0 or (prime != _UNIT and not self.positive(prime)):
            raise NotShown("a logarithm of something not shown to be positive: " + self.show(poly))
        result: Poly = {}
        for a, e in monomial:
            if self.sign(a) != "+":
                if e.denominator != 1 or e % 2:
                    raise NotShown(
                        "a logarithm of something not shown to be positive: " + self.show(poly)
                    )
                result = add_polys(result, self.log_abs(self._one(a)), e)  # log(a^2) = 2 log|a|
                continue
            atom = self.atoms[a]
            if atom[0] == "f" and atom[1] == "exp":
                result = add_polys(result, dict(atom[2]), e)
            elif atom[0] == "N":
                result = add_polys(result, self.log({(): atom[1]}), e)
            elif atom[0] == "P":
                result = add_polys(result, self.atom(("f", "log", atom[1])), e)
            else:
                result = add_polys(result, self.atom(("f", "log", _frozen(self._one(a)))), e)
        for value, sign in ((c.numerator, 1), (c.denominator, -1)):
            for p, k in _primes(value):
                result = add_polys(result, self.atom(("f", "log", _frozen({(): p}))), sign * k)
        if prime != _UNIT:
            result = add_polys(result, self.atom(("f", "log", _frozen(prime))))
        return result

    def log_abs(self, poly: Poly) -> Poly:
        """log|a b^n| = log|a| + n log|b|, where a and b are positive or almost never 0."""
        monomial, c, prime = self.content(poly)
        size: Poly = {(): max(c, -c)}
        result = self.log(size)
        parts = [(self._one(a), e) for a, e in monomial]
        parts += [(prime, 1)] if prime != _UNIT else []
        for part, e in parts:
            if self.positive(part):
                result = add_polys(result, self.log(part), e)
                continue
            if not self.generic(part):
                raise NotShown("the logarithm of the size of something that may be 0")
            absolute = self.mul(part, self.parity("sign", part))
            result = add_polys(result, self.atom(("f", "log", _frozen(absolute))), e)
        return result

    def generic(self, part: Poly) -> bool:
        """Whether something is 0 almost nowhere: linear in a continuous entry that is alone.

        Densities count almost everywhere, and velocities are continuous: so it may be inverted.
        """
        if self.nonzero(part) or (len(part) == 1 and self._is_assumed(part)):
            return True
        if self.everywhere:
            return False
        for monomial in part:
            for a, e in monomial:
                if self.atoms[a][0] != "v" or self._kind(a) not in _CONTINUOUS or e != 1:
                    continue
                others = [m for m in part if m != monomial]
                beside = [(b, x) for b, x in monomial if b != a]
                if any(self.occurs(a, m) for m in (*others, tuple(beside))):
                    continue
                if all(self.sign(b) == "+" for b, _ in beside):
                    self.assumed.add(_frozen(part))
                    if len(part) == len(monomial) == 1:
                        self.assumed_atoms.add(a)
                    return True
        return False

    def _is_assumed(self, part: Poly) -> bool:
        (monomial,) = part
        return all(a in self.assumed_atoms for a, _ in monomial)

    def occurs(self, a: int, monomial: Monomial) -> bool:
        """Whether an entry, or one that may be the same, occurs anywhere in a monomial."""
        name = self.atoms[a][1]
        return any(
            self.atoms[b][0] in ("v", "A") and self.atoms[b][1] == name
            for b in self.all_atoms({monomial: 1})
        )

    def exp(self, poly: Poly) -> Poly:
        """exp(sum c m) = product of exp(m)^c; exp(c log a) = a^c."""
        result = _UNIT
        for m, c in poly.items():
            is_log = len(m) == 1 and m[0][1] == 1 and self.atoms[m[0][0]][:2] == ("f", "log")
            if is_log and (c.denominator == 1 or self.positive(dict(self.atoms[m[0][0]][2]))):
                result = self.mul(result, self.power(dict(self.atoms[m[0][0]][2]), c))
            else:
                result = self.mul(result, self.atom(("f", "exp", _frozen({m: 1})), c))
        return dict(result)

    def call(self, name: str, arguments: Sequence[Poly]) -> Poly:
        """A named function of normal forms."""
        a = arguments[-1]
        match name:
            case "exp":
                return self.exp(a)
            case "expm1":
                return add_polys(self.exp(a), _UNIT, -1)
            case "log":
                return self.log(a)
            case "log1p":
                return self.log(add_polys(_UNIT, a))
            case "sqrt":
                return self.power(a, Fraction(1, 2))
            case "softplus":
                return self.log(add_polys(_UNIT, self.exp(a)))
            case "sigmoid":
                e = self.exp(a)
                return self.mul(e, self.power(add_polys(_UNIT, e), -1))
            case "tanh":
                e = self.exp(scale_poly(a, 2))
                return self.mul(add_polys(e, _UNIT, -1), self.power(add_polys(_UNIT, e), -1))
            case "loggamma" | "digamma" | "polygamma":
                return self.gamma(name, arguments)
            case "abs" | "sign" | "erf" | "sin" | "cos" | "besselratio":
                return self.parity(name, a)
        return self.atom(("f", name, *map(_frozen, arguments)))

    def gamma(self, name: str, arguments: Sequence[Poly]) -> Poly:
        """f(a + 1) -> f(a) + ..., so that the number in a is in [0, 1), or as far as a is positive.

        Requires a > 0.
        """
        a = arguments[-1]
        order: Rational = -2 if name == "loggamma" else -1
        if name == "digamma":
            order = 0
        elif name == "polygamma":
            if set(arguments[0]) - {()}:
                raise NotShown("polygamma of a symbolic order")
            order = arguments[0].get((), 0)
            if order == 0:
                name = "digamma"
            elif order.denominator != 1 or order < 0:
                raise NotShown("polygamma of an order that is no natural number")
        if not self.positive(a):
            raise NotShown(f"{name} of something not shown to be positive: {self.show(a)}")

        def step(at: Poly) -> Poly:
            """f(a + 1) - f(a)"""
            if name == "loggamma":
                return self.log(at)
            k = int(order)
            return scale_poly(self.power(at, -(k + 1)), (-1) ** k * factorial(k))

        result: Poly = {}
        for _ in range(100):
            number = a.get((), 0)
            if number < 0:
                result = add_polys(result, step(a), -1)
                a = add_polys(a, _UNIT)
                continue
            lower = add_polys(a, _UNIT, -1)
            if number < 1 or not self.positive(lower):
                break
            a = lower
            result = add_polys(result, step(a))
        if a == _UNIT and name == "loggamma":
            return result
        if name == "polygamma":
            return add_polys(result, self.atom(("f", name, _frozen({(): order}), _frozen(a))))
        return add_polys(result, self.atom(("f", name, _frozen(a))))

    def parity(self, name: str, a: Poly) -> Poly:
        """f(-a) = +-f(a); |a| = a sign a, sign(a b) = sign a sign b, sign a = 1 where a > 0.

        (sign a)^2 = 1, where a is 0 almost nowhere.
        """
        if not a:
            if name == "sign" and not self.kinks:
                raise NotShown("the slope of |a| where a is 0")
            return _UNIT if name == "cos" else {}
        if name == "abs":  # |a| = a sign a, whatever the sign of 0 is
            return self.mul(a, self.sign_of(a, at_zero=False))
        if name == "sign":
            return self.sign_of(a, at_zero=True)
        if name == "besselratio":
            return self.atom(("f", name, _frozen(a)))
        negative = a[max(a)] < 0
        argument = scale_poly(a, -1) if negative else a
        odd = -1 if negative and name != "cos" else 1
        return scale_poly(self.atom(("f", name, _frozen(argument))), odd)

    def sign_of(self, a: Poly, *, at_zero: bool) -> Poly:
        """The product of the signs of all factors; at_zero: whether it matters where a is 0."""
        monomial, c, prime = self.content(a)
        result: Poly = {(): 1 if c > 0 else -1}
        parts = [(self._one(b), e) for b, e in monomial]
        parts += [(prime, 1)] if prime != _UNIT else []
        for part, e in parts:
            if self.positive(part):
                continue
            if e.denominator != 1:
                raise NotShown("a root under abs")
            if e.numerator % 2:
                result = self.mul(result, self.atom(("f", "sign", _frozen(part))))
            elif at_zero and e > 0 and not self.generic(part):
                raise NotShown("the sign of a square that may be 0")
        return result

    # --------------------------------------------------------------------- raw -> poly

    def poly(self, raw: Raw) -> Poly:
        """The normal form of a raw term."""
        head = raw[0]
        if head == "q":
            return {(): _rational(raw[1])} if raw[1] else {}
        if head in ("n", "c"):
            return self.atom(("c", "pi") if raw == ("c", "PI") else raw)
        if head == "iv":
            return self.index_value(raw[1])
        if head == "v":
            return self.entry(raw)
        if head == "+":
            total: Poly = {}
            for t in raw[1:]:
                total = add_polys(total, self.poly(t))
            return total
        if head == "*":
            result = _UNIT
            for t in raw[1:]:
                result = self.mul(result, self.poly(t))
            return dict(result)
        if head == "^":
            return self.raw_power(raw[1], raw[2])
        if head == "f":
            if raw[1] == "log":
                return self.raw_log(raw[2])
            return self.call(raw[1], [self.poly(t) for t in raw[2:]])
        if head == "S":
            return self.total([raw[1]], self.poly(raw[2]))
        if head == "d":
            return self.delta(raw[1], raw[2])
        if head == "Inv":
            (variables, body) = raw[1]
            return self.inverse(variables, self.poly(body), raw[2], raw[3])
        if head == "LD":
            return self.logdet(raw[1][0], self.poly(raw[1][1]))
        if head == "A":
            arrays = tuple(self.array(v, self.poly(b)) for v, b in raw[3])
            return self.atom((*raw[:3], arrays, raw[4], raw[5]))
        raise NotShown(f"unknown head {head}")

    def raw_power(self, base: Raw, exponent: Raw) -> Poly:
        power = self.poly(exponent)
        if set(power) - {()}:
            return self.exp(self.mul(power, self.raw_log(base)))
        e = power.get((), 0)
        if base[:2] == ("f", "abs") and e.denominator != 1:
            return self.exp(scale_poly(self.raw_log(base), e))
        if e < 0 and e.denominator == 1:
            # 1/(a b) = 1/a 1/b keeps factors that expanding would hide
            if base[0] == "*":
                result = _UNIT
                for factor in base[1:]:
                    result = self.mul(result, self.raw_power(factor, ("q", Fraction(e))))
                return dict(result)
            if (
                base[0] == "^"
                and base[2][0] == "q"
                and base[2][1].denominator == 1
                and base[2][1] > 0
            ):
                return self.raw_power(base[1], ("q", Fraction(e * base[2][1])))
        return self.power(self.poly(base), e)

    def raw_log(self, raw: Raw) -> Poly:
        """log(a b^n) = log a + n log b where every factor is positive."""
        if raw[:2] == ("f", "abs"):
            return self.log_abs(self.poly(raw[2]))
        try:
            if raw[0] == "*":
                result: Poly = {}
                for factor in raw[1:]:
                    result = add_polys(result, self.raw_log(factor))
                return result
            if raw[0] == "^" and raw[2][0] == "q":
                return scale_poly(self.raw_log(raw[1]), _rational(raw[2][1]))
        except NotShown:
            pass  # some factor has no sign of its own; the product may
        return self.log(self.poly(raw))

    def index_value(self, index: RawIndex) -> Poly:
        if index[0] == "p":
            number: Poly = {(): index[2]} if index[2] else {}
            return add_polys(number, self.atom(("n", index[1]))) if index[1] else number
        if index[0] == "o":
            return add_polys(self.index_value(index[1]), {(): index[2]})
        return self.atom(("iv", index))

    def entry(self, raw: Raw) -> Poly:
        _, name, kind, where = raw
        if self.values and all(i[0] == "p" and i[1] == "" for i in where):
            value = self.values.get((name, tuple(i[2] for i in where)))
            if value is not None:
                return {(): _rational(value)} if value else {}
        if kind[0] == "posdef":
            where = (*where[:-2], *sorted(where[-2:], key=repr))
        return self.atom(("v", name, kind, where))

    # ------------------------------------------------------------------- substitution

    def replace(self, poly: Poly, what: Mapping[RawIndex, RawIndex]) -> Poly:
        """Index variables replaced everywhere, in normal form again."""
        keys = frozenset(what)
        tag = tuple(what.items())
        result: Poly = {}
        for m, c in poly.items():
            kept: dict[int, Rational] = {}
            product_: Poly | None = None
            for a, e in m:
                if not (self.variables[a] & keys):
                    kept[a] = e
                    continue
                new = self.moved.get((a, tag))
                if new is None:
                    new = self.moved[(a, tag)] = self.rebuild(self.atoms[a], what)
                if e != 1:
                    new = self.power_known(new, e)
                product_ = new if product_ is None else self.mul(product_, new)
            if product_ is None:
                result = self._accumulate(result, {m: 1}, c)
            else:
                base: Poly = {tuple(sorted(kept.items())): 1}
                result = self._accumulate(result, self.mul(product_, base) if kept else product_, c)
        return result

    def power_known(self, poly: Poly, e: Rational) -> Poly:
        """A power of what replaces an atom that was already shown to admit it."""
        if len(poly) == 1:
            ((m, c),) = poly.items()
            if len(m) == 1 and c == 1:
                return self.reduce({m[0][0]: _rational(m[0][1] * e)})
        return self.power(poly, e)

    def rebuild(self, atom: Atom, what: Mapping[RawIndex, RawIndex]) -> Poly:
        head = atom[0]
        if head == "iv":
            return self.index_value(map_index(atom[1], what))
        if head == "v":
            return self.entry((*atom[:3], tuple(map_index(i, what) for i in atom[3])))
        if head == "d":
            return self.delta(map_index(atom[1], what), map_index(atom[2], what))
        if head == "f":
            return self.call(atom[1], [self.replace(dict(p), what) for p in atom[2:]])
        if head == "P":
            new = self.replace(dict(atom[1]), what)
            monomial, c, prime = self.content(new)
            if monomial or c != 1 or prime == _UNIT:
                return new
            return self.atom(("P", _frozen(prime)))
        if head == "S":
            bound, body = self.open(atom)
            return self.total(bound, self.replace(body, what))
        if head in ("Inv", "LD"):
            variables, frozen = atom[1]
            body = self.replace(dict(frozen), what)
            if head == "LD":
                return self.logdet(variables, body)
            return self.inverse(variables, body, map_index(atom[2], what), map_index(atom[3], what))
        if head == "A":
            arrays = tuple(self.array(v, self.replace(dict(p), what)) for v, p in atom[3])
            where = tuple(map_index(i, what) for i in atom[4])
            slots = tuple(sorted((s, tuple(map_index(i, what) for i in w)) for s, w in atom[5]))
            return self.atom((*atom[:3], arrays, where, slots))
        raise NotShown(f"unknown atom {head}")

    def rename(
        self, monomial: Monomial, what: Mapping[RawIndex, RawIndex]
    ) -> tuple[Monomial, Rational]:
        """A monomial with bound variables renamed one to one; a sign may come out."""
        renamed = self.replace({monomial: 1}, what)
        if len(renamed) != 1:
            raise NotShown("renaming an index changed the normal form")
        ((result, c),) = renamed.items()
        return result, c

    def open(self, atom: Atom) -> tuple[list[RawIndex], Poly]:
        """A sum atom with bound variables under new names."""
        what = {v: self.new(v) for v in atom[1]}
        return list(what.values()), self.replace({atom[2]: 1}, what)

    def array(self, variables: Sequence[RawIndex], poly: Poly) -> tuple[Any, Any]:
        """(indices, body) under canonical names."""
        height = 1 + max((self.heights[a] for m in poly for a, _ in m), default=0)
        what = {v: ("i", f"#{height}.{k}", *v[2:]) for k, v in enumerate(variables)}
        if all(v == w for v, w in what.items()):
            return tuple(variables), _frozen(poly)
        between = {v: self.new(v) for v in variables}
        poly = self.replace(poly, between)
        poly = self.replace(poly, {between[v]: w for v, w in what.items()})
        return tuple(what.values()), _frozen(poly)

    # ------------------------------------------------------------------------- sums

    def total(self, variables: Sequence[RawIndex], poly: Poly) -> Poly:
        """sum over the variables, the last one innermost."""
        for variable in reversed(variables):
            poly = self.total_one(variable, poly)
        return poly

    def total_one(self, variable: RawIndex, poly: Poly) -> Poly:
        _, _, low, size, offset = variable
        result: Poly = {}
        if not size:
            if offset - low >= MAX_EXPANDED:
                raise NotShown("a sum of concrete length is too long")
            contracted, poly = self.contract_all(variable, poly)
            for k in range(low, offset + 1):
                result = add_polys(result, self.replace(poly, {variable: ("p", "", k)}))
            return add_polys(result, contracted)
        core = self.cores.get(size)
        pieces = _pieces(low, size, offset, core)
        if pieces != [(low, offset)]:
            for piece in pieces:
                if len(piece) == 3:
                    result = add_polys(result, self.replace(poly, {variable: piece}))
                else:
                    inner = self.new(("i", "", piece[0], size, piece[1]))
                    moved = self.replace(poly, {variable: inner})
                    result = add_polys(result, self.total_one(inner, moved))
            return result
        for m, c in poly.items():
            result = self._accumulate(result, self.close([variable], m), c)
        return result

    def contract_all(self, variable: RawIndex, poly: Poly) -> tuple[Poly, Poly]:
        """sum_j of the monomials that hold Inv(M)[i, j] M[j, k], contracted, and the monomials that
        do not.
        """
        contracted: Poly = {}
        others: Poly = {}
        for m, c in poly.items():
            table = dict(m)
            inverses = [a for a, e in m if self.atoms[a][0] == "Inv" and e == 1]
            found = (self.contract(a, table, [variable]) for a in inverses)
            first = next(filter(None, found), None)
            if first is None:
                others[m] = c
                continue
            _, rest, delta = first
            product_ = self.mul({tuple(sorted(rest.items())): 1}, delta)
            contracted = self._accumulate(contracted, product_, c)
        return contracted, others

    def close(self, bound: list[RawIndex], monomial: Monomial) -> Poly:
        """The sum of one monomial: nested sums merged, deltas contracted, components separated."""
        table = dict(monomial)
        for a, e in monomial:
            if self.atoms[a][0] == "S" and e in (1, 2, 3) and self.variables[a] & set(bound):
                self._bump(table, a, -1)
                variables, inner = self.open(self.atoms[a])
                merged = self.mul({self._sorted(table): 1}, inner)
                return self._close_all([*bound, *variables], merged)
        for a, e in table.items():
            atom = self.atoms[a]
            if atom[0] == "d" and e == 1:
                for b, other in ((atom[1], atom[2]), (atom[2], atom[1])):
                    target = self.solve(b, other, bound)
                    if target is not None:
                        variable, value = target
                        rest = {b_: x for b_, x in table.items() if b_ != a}
                        return self.again(bound, variable, rest, {variable: value})
            if atom[0] == "Inv" and e == 1:
                found = self.contract(a, table, bound)
                if found is not None:
                    variable, rest, delta = found
                    left = [v for v in bound if v != variable]
                    poly = self.mul({tuple(sorted(rest.items())): 1}, delta)
                    return self._close_all(left, poly)
        return self.components(bound, table)

    def _close_all(self, bound: list[RawIndex], poly: Poly) -> Poly:
        result: Poly = {}
        for m, c in poly.items():
            result = self._accumulate(result, self.close(bound, m) if bound else {m: 1}, c)
        return result

    def again(
        self,
        bound: list[RawIndex],
        variable: RawIndex,
        rest: dict[int, Rational],
        what: Mapping[RawIndex, RawIndex],
    ) -> Poly:
        left = [v for v in bound if v != variable]
        return self._close_all(left, self.replace({tuple(sorted(rest.items())): 1}, what))

    def solve(
        self, left: RawIndex, right: RawIndex, bound: list[RawIndex]
    ) -> tuple[RawIndex, RawIndex] | None:
        """delta(b + n, t) -> b = t - n, if that is always in the range of b."""
        base, by = (left[1], left[2]) if left[0] == "o" else (left, 0)
        if base not in bound or base in self._index_variables(right):
            return None
        if by and right[0] == "e":
            return None
        value = shift(right, -by)
        return (base, value) if self.inside(value, base) else None

    def contract(
        self, a: int, table: dict[int, Rational], bound: list[RawIndex]
    ) -> tuple[RawIndex, dict[int, Rational], Poly] | None:
        """sum_j Inv(M)[i, j] M[j, k] -> delta(i, k) where M is one entry and j runs over all of
        it.
        """
        _, (variables, frozen), row, column = self.atoms[a]
        if (
            len(frozen) != 1
            or len(frozen[0][0]) != 1
            or frozen[0][1] != 1
            or frozen[0][0][0][1] != 1
        ):
            return None
        pattern = frozen[0][0][0][0]
        symmetric = self.symmetric((variables, frozen))
        outer = self._of_frozen(frozen) - set(variables)
        for j, i, side in ((column, row, 0), (row, column, 1)):
            # j may not select the matrix as well: sum_j Inv(M_j)[i, j] M_j[j, k] is no delta
            if j not in bound or j in outer or j[2:] != variables[0][2:]:
                continue
            if j in self._index_variables(i):
                continue  # the diagonal, or a category of j
            users = [b for b in table if j in self.variables[b]]
            if len(users) != 2 or a not in users:
                continue
            other = users[0] if users[1] == a else users[1]
            if table[other] != 1:
                continue
            for k in self._places(other):
                if j in self._index_variables(k) or not self.inside(k, variables[0]):
                    continue  # M may have more rows and columns than are inverted
                # Inv[i,j] M[j,k] or M[k,j] Inv[j,i]; either order if M is symmetric
                orders = [(j, k), (k, j)] if symmetric else [(j, k) if side == 0 else (k, j)]
                for places in orders:
                    image = self.replace(
                        {((pattern, 1),): 1}, dict(zip(variables, places, strict=True))
                    )
                    if image == {((other, 1),): 1}:
                        rest = {b: e for b, e in table.items() if b not in (a, other)}
                        return j, rest, self.delta(i, k)
        return None

    def _places(self, a: int) -> list[RawIndex]:
        atom = self.atoms[a]
        if atom[0] == "v":
            return list(dict.fromkeys(atom[3]))
        if atom[0] == "A":
            derived = (place for _, where in atom[5] for place in where)
            return list(dict.fromkeys((*atom[4], *derived)))
        return []

    def components(self, bound: list[RawIndex], table: dict[int, Rational]) -> Poly:
        """A product of sums that share no bound index."""
        result = _UNIT
        pending = dict(table)
        free = {a: e for a, e in pending.items() if not (self.variables[a] & set(bound))}
        todo = list(bound)
        while todo:
            group = [todo.pop(0)]
            members: dict[int, Rational] = {}
            grown = True
            while grown:
                grown = False
                for a, e in pending.items():
                    if a not in members and self.variables[a] & set(group):
                        members[a] = e
                        grown = True
                        for v in bound:
                            if v in self.variables[a] and v not in group:
                                group.append(v)
                                todo.remove(v)
            result = self.mul(result, self.component(group, members))
        if free:
            result = self.mul(result, {tuple(sorted(free.items())): 1})
        return dict(result)

    def component(self, group: list[RawIndex], members: dict[int, Rational]) -> Poly:
        if not members:  # sum of 1: the length of the range
            ((_, _, low, size, offset),) = group
            if self.length_at_least(group[0]) < 0:
                return self.atom(("S", (("i", "#1.0", low, size, offset),), ()))
            return add_polys(
                self.atom(("n", size)), {(): offset - low + 1} if offset - low + 1 else {}
            )
        simplex = self.simplex(group, members)
        if simplex is not None:
            return simplex
        if len(group) > MAX_PERMUTED:
            raise NotShown("too many indices in one sum")
        height = 1 + max(self.heights[a] for a in members)
        monomial = tuple(sorted(members.items()))
        best: tuple[Monomial, Rational, tuple[RawIndex, ...]] | None = None
        ranges = sorted(v[2:] for v in group)
        for order in permutations(group):
            if [v[2:] for v in order] != ranges:
                continue
            names = tuple(("i", f"#{height}.{k}", *v[2:]) for k, v in enumerate(order))
            image, c = self.rename(monomial, dict(zip(order, names, strict=True)))
            if best is None or image < best[0]:
                best = image, c, names
        assert best is not None
        return {((self.intern(("S", best[2], best[0])), 1),): best[1]}

    def simplex(self, group: list[RawIndex], members: dict[int, Rational]) -> Poly | None:
        """sum_{i<=C} p_i -> 1 and sum_{i<=C-1} p_i -> 1 - p_C on a simplex."""
        if len(group) != 1 or list(members.values()) != [1]:
            return None
        (a,) = members
        atom = self.atoms[a]
        if atom[0] != "v" or atom[2][0] != "simplex" or atom[3][-1] != group[0]:
            return None
        if any(group[0] in self._index_variables(i) for i in atom[3][:-1]):
            return None
        _, size, end = atom[2]
        _, _, low, over, offset = group[0]
        if over != size or offset > end or self.length_at_least(group[0]) < 0:
            return None
        result = dict(_UNIT)
        outside = [("p", "", k) for k in range(1, low)]
        outside += [("p", size, k) for k in range(offset + 1, end + 1)]
        for place in outside:
            result = add_polys(result, self.entry((*atom[:3], (*atom[3][:-1], place))), -1)
        return result

    # ---------------------------------------------------------------------- matrices

    def symmetric(self, array: tuple[Any, Any]) -> bool:
        (i, j), frozen = array
        k = self.new(i)
        swapped = self.replace(self.replace(self.replace(dict(frozen), {i: k}), {j: i}), {k: j})
        return swapped == dict(frozen)

    def posdef(self, array: tuple[Any, Any]) -> bool:
        """Sums of positive multiples of posdef entries, positive diagonals and Gram matrices."""
        if array in self.assumed_posdef:
            return True
        (i, j), frozen = array
        definite = False
        for m, c in frozen:
            if c <= 0:
                return False
            core = [(a, e) for a, e in m if self.variables[a] & {i, j}]
            scale = self.monomial_sign(tuple(x for x in m if x not in core))
            if not scale:
                return False
            strict = False
            deltas = [a for a, e in core if self.atoms[a] in (("d", i, j), ("d", j, i))]
            others = [(a, e) for a, e in core if a not in deltas]
            if deltas:
                sign = self.monomial_sign(tuple(others))
                if not sign:
                    return False
                strict = sign == "+"
            elif len(core) == 1 and core[0][1] == 1 and self._pair(core[0][0]) == {i, j}:
                strict = True
            elif len(core) == 1 and core[0][1] == 1 and self._gram(core[0][0], i, j):
                pass
            else:
                return False
            definite = definite or (strict and scale == "+")
        return definite

    def jacobian(self, array: tuple[Any, Any]) -> bool:
        """The square Jacobian of an abstract map that is assumed to be invertible everywhere."""
        (i, j), frozen = array
        if len(frozen) != 1 or frozen[0][1] != 1 or len(frozen[0][0]) != 1:
            return False
        a, exponent = frozen[0][0][0]
        atom = self.atoms[a]
        if atom[0] != "A" or exponent != 1 or atom[2][0] != "invertible" or len(atom[5]) != 1:
            return False
        ((slot, at),) = atom[5]
        # a part of the Jacobian need not be invertible
        whole = i[2:] == (1, *atom[2][1:]) and [v[2:] for v in atom[3][slot][0]] == [j[2:]]
        return whole and tuple(atom[4]) == (i,) and tuple(at) == (j,)

    def _pair(self, a: int) -> set[RawIndex]:
        atom = self.atoms[a]
        if atom[0] == "v" and atom[2][0] == "posdef":
            return set(atom[3][-2:]) if not set(atom[3][:-2]) & set(atom[3][-2:]) else set()
        if atom[0] == "Inv" and self.posdef(atom[1]):
            return {atom[2], atom[3]}
        return set()

    def _gram(self, a: int, i: RawIndex, j: RawIndex) -> bool:
        """sum_k w_k(i) w_k(j), all in terms of one product, times what has a sign."""
        atom = self.atoms[a]
        if atom[0] != "S":
            return False
        left = [(b, e) for b, e in atom[2] if i in self.variables[b]]
        right = [(b, e) for b, e in atom[2] if j in self.variables[b]]
        rest = tuple((b, e) for b, e in atom[2] if not self.variables[b] & {i, j})
        if set(left) & set(right) or not left or not self.monomial_sign(rest):
            return False
        moved = self.replace({tuple(sorted(left)): 1}, {i: j})
        return moved == {tuple(sorted(right)): 1}

    def inverse(
        self, variables: Sequence[RawIndex], body: Poly, row: RawIndex, column: RawIndex
    ) -> Poly:
        """Entries of A^-1: (s A)^-1 = A^-1/s, diagonal, inverse of an inverse, symmetric."""
        i, j = variables
        if i[2:] != j[2:]:
            raise NotShown("the inverse of a matrix that is not square")
        if len(body) == 1:
            ((m, c),) = body.items()
            outer = tuple(x for x in m if not self.variables[x[0]] & {i, j})
            inner = tuple(x for x in m if self.variables[x[0]] & {i, j})
            if outer or c != 1:
                scale = self.power({outer: c}, -1)
                return self.mul(scale, self.inverse(variables, {inner: 1}, row, column))
            deltas = [x for x in inner if self.atoms[x[0]] in (("d", i, j), ("d", j, i))]
            if deltas:
                rest: Poly = {tuple(x for x in inner if x not in deltas): 1}
                self.power(self.replace(rest, {j: i}), -1)  # every place may be inverted
                diagonal = self.power(self.replace(rest, {i: row, j: row}), -1)
                return self.mul(diagonal, self.delta(row, column))
            if len(inner) == 1 and inner[0][1] == 1:
                atom = self.atoms[inner[0][0]]
                if atom[0] == "Inv" and (atom[2], atom[3]) == (i, j) and atom[1][0][0][2:] == i[2:]:
                    (k, m_), frozen = atom[1]
                    return self.replace(dict(frozen), {k: row, m_: column})
        array = self.array(variables, body)
        if not self.posdef(array) and not self.jacobian(array):
            raise NotShown("a matrix not shown to be invertible")
        if self.symmetric(array):
            row, column = sorted((row, column), key=repr)
        return self.atom(("Inv", array, row, column))

    def logdet(self, variables: Sequence[RawIndex], body: Poly) -> Poly:
        """log|s A| = n log s + log|A|, log|A^-1| = -log|A|, log|diag| = sum of logs."""
        i, j = variables
        if i[2:] != j[2:]:
            raise NotShown("the determinant of a matrix that is not square")
        if len(body) == 1:
            ((m, c),) = body.items()
            outer = tuple(x for x in m if not self.variables[x[0]] & {i, j})
            inner = tuple(x for x in m if self.variables[x[0]] & {i, j})
            if (outer or c != 1) and c > 0 and self.monomial_sign(outer) == "+":
                length = self.total([i], _UNIT)
                scaled = self.mul(length, self.log({outer: c}))
                return add_polys(scaled, self.logdet(variables, {inner: 1}))
            deltas = [x for x in inner if self.atoms[x[0]] in (("d", i, j), ("d", j, i))]
            rest: Poly = {tuple(x for x in inner if x not in deltas): 1}
            if deltas and self.positive(rest):
                return self.total([i], self.log(self.replace(rest, {j: i})))
            if len(inner) == 1 and inner[0][1] == 1 and not outer and c == 1:
                atom = self.atoms[inner[0][0]]
                whole = atom[0] == "Inv" and atom[1][0][0][2:] == i[2:]
                if whole and (atom[2], atom[3]) == (i, j):
                    return scale_poly(self.logdet(atom[1][0], dict(atom[1][1])), -1)
        array = self.array(variables, body)
        if not self.posdef(array):
            raise NotShown("a matrix not shown to be invertible")
        return self.atom(("LD", array))

    # ----------------------------------------------------------------------- zero test

    def clear(self, poly: Poly) -> Poly:
        """Multiply by every denominator; on concrete sizes use that a simplex sums to one."""
        for _ in range(50):
            needed: dict[int, Rational] = {}
            for m in poly:
                for a, e in m:
                    if self.atoms[a][0] == "P" and e < 0:
                        needed[a] = max(needed.get(a, 0), -e)
            if not needed:
                break
            a = next(iter(needed))
            poly = self.times(poly, a, needed[a])
        else:
            raise NotShown("the denominators do not clear")
        return self.last_of_simplex(poly)

    def times(self, poly: Poly, a: int, e: Rational) -> Poly:
        """poly * a^e, denominators expanded."""
        result: Poly = {}
        for m, c in poly.items():
            table = dict(m)
            self._bump(table, a, e)
            result = self._accumulate(result, self.expand(table), c)
        return result

    def expand(self, table: dict[int, Rational]) -> Poly:
        """A monomial whose denominators may not be split again while they are being cleared."""
        poly: Poly = {(): 1}
        plain: dict[int, Rational] = {}
        for a, e in table.items():
            if self.atoms[a][0] == "P" and e >= 1:
                for _ in range(int(e)):
                    poly = self._plain_mul(poly, dict(self.atoms[a][1]))
                e = _rational(e - int(e))
            if e:
                plain[a] = e
        return self._plain_mul(poly, {tuple(sorted(plain.items())): 1})

    def _plain_mul(self, left: Poly, right: Poly) -> Poly:
        result: Poly = {}
        for m, c in left.items():
            for n, v in right.items():
                table = dict(m)
                for a, e in n:
                    table[a] = _rational(table.get(a, 0) + e)
                    if not table[a]:
                        del table[a]
                for a, e in table.items():
                    if e > 1 and self._idempotent(a):
                        table[a] = 1
                key = tuple(sorted(table.items()))
                result = self._accumulate(result, {key: 1}, c * v)
        return result

    def last_of_simplex(self, poly: Poly) -> Poly:
        for a in sorted({a for m in poly for a, _ in m}):
            atom = self.atoms[a]
            if atom[0] != "v" or atom[2][0] != "simplex" or atom[2][1] != "":
                continue
            if atom[3][-1] != ("p", "", atom[2][2]):
                continue
            lowest = min([0, *(dict(m).get(a, 0) for m in poly)])
            result: Poly = {}
            rest = dict(_UNIT)
            for k in range(1, atom[2][2]):
                place = (*atom[3][:-1], ("p", "", k))
                rest = add_polys(rest, self.entry((*atom[:3], place)), -1)
            for m, c in poly.items():
                table = dict(m)
                e = table.pop(a, 0) - lowest
                if e.denominator != 1:
                    return poly
                new: Poly = {tuple(sorted(table.items())): 1}
                for _ in range(int(e)):
                    new = self._plain_mul(new, rest)
                result = self._accumulate(result, new, c)
            poly = result
        return poly

    def coincidence(self, poly: Poly) -> tuple[RawIndex, RawIndex] | None:
        """Two free indices whose equality the normal form still asks for."""
        for a in self.all_atoms(poly):
            atom = self.atoms[a]
            if atom[0] != "d":
                continue
            free = self.variables[a]
            if free and not any(v[0] == "i" and v[1][:1] in "#~" for v in free):
                left, right = atom[1], atom[2]
                if {left[0], right[0]} <= {"i", "e", "p", "o"} and not (
                    left[0] in "po" and right[0] in "po"
                ):
                    return left, right
        return None

    def all_atoms(self, poly: Poly) -> list[int]:
        seen: dict[int, None] = {}
        stack = [a for m in poly for a, _ in m]
        while stack:
            a = stack.pop()
            if a in seen:
                continue
            seen[a] = None
            atom = self.atoms[a]
            if atom[0] == "f":
                stack += [b for p in atom[2:] for m, _ in p for b, _ in m]
            elif atom[0] == "P":
                stack += [b for m, _ in atom[1] for b, _ in m]
            elif atom[0] == "S":
                stack += [b for b, _ in atom[2]]
            elif atom[0] in ("Inv", "LD"):
                stack += [b for m, _ in atom[1][1] for b, _ in m]
            elif atom[0] == "A":
                stack += [b for _, p in atom[3] for m, _ in p for b, _ in m]
        return sorted(seen)

    # ------------------------------------------------------------------------- text

    def show(self, poly: Poly) -> str:
        parts = []
        for m, c in list(poly.items())[:12]:
            factors = [self._show_atom(self.atoms[a]) + (f"^{e}" if e != 1 else "") for a, e in m]
            parts.append("*".join([*([str(c)] if c != 1 or not m else []), *factors]))
        return " + ".join(parts) or "0"

    def _show_index(self, i: RawIndex) -> str:
        if i[0] == "i":
            return str(i[1])
        if i[0] == "o":
            return f"{self._show_index(i[1])}{i[2]:+d}"
        if i[0] == "p":
            return f"{i[1]}{i[2]:+d}" if i[1] and i[2] else i[1] or str(i[2])
        return str(i[1]) + (f"[{','.join(map(self._show_index, i[4]))}]" if i[4] else "")

    def _show_atom(self, atom: Atom) -> str:
        head = atom[0]
        if head in ("n", "c", "N"):
            return str(atom[1])
        if head == "iv":
            return self._show_index(atom[1])
        if head == "v":
            return f"{atom[1]}[{','.join(map(self._show_index, atom[3]))}]".replace("[]", "")
        if head == "d":
            return f"delta({self._show_index(atom[1])},{self._show_index(atom[2])})"
        if head == "f":
            return f"{atom[1]}({', '.join(self.show(dict(p)) for p in atom[2:])})"
        if head == "P":
            return f"({self.show(dict(atom[1]))})"
        if head == "S":
            names = ",".join(
                f"{v[1]}={v[2]}..{v[3]}{v[4]:+d}" if v[4] else f"{v[1]}={v[2]}..{v[3]}"
                for v in atom[1]
            )
            return f"sum[{names}]({self.show({atom[2]: 1})})"
        if head in ("Inv", "LD"):
            where = (
                f"[{self._show_index(atom[2])},{self._show_index(atom[3])}]"
                if head == "Inv"
                else ""
            )
            return f"{head}({self.show(dict(atom[1][1]))}){where}"
        if head == "A":
            arrays = ", ".join(self.show(dict(p)) for _, p in atom[3])
            where = ",".join(map(self._show_index, atom[4]))
            return f"{atom[1]}{chr(39) * len(atom[5])}({arrays})[{where}]"
        return str(head)
