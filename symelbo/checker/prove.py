"""The zero test for all sizes: case distinctions on indices, places and entries of 0 or 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .domains import domain_of
from .forms import NOTHING, Forms, Hypotheses
from .polynomial import Poly, Values
from .sums import MAX_EXPANDED, pieces_of
from .terms import (
    FREE,
    Array,
    NotShown,
    Raw,
    RawIndex,
    has_bound,
    is_bound,
    map_entries,
    map_index,
    map_indices,
    shift,
    walk,
)
from .work import work_left

__all__ = ["Ground", "is_definite", "is_positive", "is_zero", "prove_defined", "prove_zero"]

CASE = 20  # units of work that each takes
MAX_SPLITS = 8  # nested case distinctions
MAX_BITS = 4  # entries of 0 or 1 whose values are tried one by one
MAX_PLACES = 16  # of a range of concrete length that is tried place by place
WRITTEN_OUT = 8  # places of such a range that is written out at once, and not only if need be


class Ground:
    """Hypotheses, and the normal forms under them, so that what several terms share is taken once.

    Forms are kept of proofs that succeed and assume nothing but the hypotheses.
    """

    def __init__(self, given: Hypotheses = NOTHING) -> None:
        self.given = given
        self.kept: dict[Any, Forms] = {}
        self.strict: Ground | None = self if given.everywhere else None

    def everywhere(self) -> Ground:
        """The same, where nothing is left out because it happens almost nowhere."""
        if self.strict is None:
            self.strict = Ground(self.given._replace(everywhere=True))
        return self.strict

    def take(self, key: Any) -> Forms | None:
        """Forms of the same ranges and cases; nobody else has them meanwhile."""
        forms = self.kept.pop(key, None)
        if forms is not None:
            forms.work = work_left()
        return forms


def is_zero(raw: Raw, *, given: Ground | None = None) -> bool:
    """True only if the term is shown to vanish for all sizes, indices and values in their domains.

    False: not shown.

    >>> is_zero(minus(("S", k, v(k)), ("S", l, v(l))))
    True
    >>> is_zero(minus(x, y))
    False
    """
    try:
        prove_zero(raw, given=given)
    except NotShown:
        return False
    return True


def prove_zero(raw: Raw, *, given: Ground | None = None, values: Values | None = None) -> None:
    """As `is_zero`, but raises NotShown with what was left over.

    A term that is not zero at once is tried at all values of its 0/1 entries, one by one.
    """
    ground = given or Ground()
    try:
        items = walk(raw)
        try:
            _prove_of_lengths(raw, items, ground, values or {})
        except NotShown:
            bits = _bits(raw)
            if not bits or len(bits) > MAX_BITS:
                raise
            for digits in product((0, 1), repeat=len(bits)):
                chosen = {
                    bit: ("q", Fraction(digit)) for bit, digit in zip(bits, digits, strict=True)
                }
                case, rest = map_entries(raw, chosen), Ground(ground.given.put(chosen))
                _prove_of_lengths(case, walk(case), rest, values or {})
    except RecursionError as error:
        raise NotShown("the term is nested too deeply") from error


def _prove_of_lengths(raw: Raw, items: Sequence[Raw], given: Ground, values: Values) -> None:
    """What holds of ranges of any length holds of those of concrete length, which are written out
    only where that is not shown.
    """
    ranges = [i for i in items if i[0] == "i" and len(i) == 5 and not i[3]]
    if any(WRITTEN_OUT <= high - low < MAX_EXPANDED for _, _, low, _, high in ranges):
        try:
            _prove(raw, items, given, frozenset(), values, MAX_SPLITS, WRITTEN_OUT)
        except NotShown:
            pass
        else:
            return
    _prove(raw, items, given, frozenset(), values, MAX_SPLITS, MAX_EXPANDED)


def is_positive(raw: Raw, *, given: Ground | None = None) -> bool:
    """True only if the term is shown to be positive at all values; False: not shown.

    >>> is_positive(sum_of(a, power(x, 2))), is_positive(x)
    (True, False)
    """
    forms = _assuming(given)
    try:
        return forms.positive(forms.poly(raw))
    except NotShown:
        return False


def is_definite(array: Array, *, given: Ground | None = None) -> bool:
    """True only if the matrix is shown to be symmetric and positive definite; False: not shown.

    >>> is_definite(((k, l), ("*", a, s(k, l)))), is_definite(((k, l), w(k, l)))
    (True, False)
    """
    forms = _assuming(given)
    indices, body = array
    try:
        return forms.posdef(forms.array(indices, forms.poly(body)))
    except NotShown:
        return False


def _assuming(ground: Ground | None) -> Forms:
    given = NOTHING if ground is None else ground.given
    forms = Forms({}, frozenset(), {}, given.least)
    forms.assume(given)
    return forms


def prove_defined(raw: Raw, *, given: Ground | None = None) -> None:
    """Raises NotShown unless the term has a value at all values of its entries, without exception.

    As in 1/w: that w = 0 happens almost nowhere does not help at a stationary point.

    >>> prove_defined(power(sum_of(ONE, power(x, 2)), -1))
    >>> prove_defined(power(x, -1))
    Traceback (most recent call last):
        ...
    symelbo.checker.work.NotShown: not shown to be nonzero: x
    """
    nothing: Raw = ("*", ("q", Fraction(0)), raw)
    prove_zero(nothing, given=(given or Ground()).everywhere())


def _bits(raw: Raw) -> list[Raw]:
    """The entries that are 0 or 1, at places without bound indices."""
    found = {
        item
        for item in walk(raw)
        if item[0] == "v" and len(item) == 4 and domain_of(item[2]).is_free_bit()
    }
    if any(any(map(has_bound, item[3])) for item in found):
        return []  # under a sum they are many
    return sorted(found, key=repr)


# -------------------------------------------------------------------------- ranges and cases


def _cores(items: Sequence[Raw], least: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """size -> (low, offset): the range common to all indices of that size, where they differ.

    sum over low..C splits off its last places, as sum_{i<=C} f = sum_{i<=C-1} f + f(C), which needs
    the common range to have a length >= 0 at every admissible size.
    """
    lows: dict[str, list[int]] = {}
    offsets: dict[str, list[int]] = {}
    points: dict[str, list[int]] = {}
    for item in items:
        if item[0] == "i" and len(item) == 5 and item[3]:
            lows.setdefault(item[3], []).append(item[2])
            offsets.setdefault(item[3], []).append(item[4])
        elif item[0] == "e" and len(item) == 5 and item[2]:
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


def _free(items: Sequence[Raw]) -> list[RawIndex]:
    """Free index variables and categories, in order of their names."""
    found: set[RawIndex] = set()
    stack = [item for item in items if item[0] in ("i", "e") and len(item) == 5]
    while stack:
        i = stack.pop()
        if i[0] == "o":
            stack.append(i[1])
        elif i[0] == "i" and not is_bound(i):
            found.add(i)
        elif i[0] == "e":
            found.add(i)
            stack += i[4]
    return sorted(found, key=repr)


def _prove(
    raw: Raw,
    items: Sequence[Raw],
    ground: Ground,
    apart: frozenset[Any],
    values: Values,
    splits: int,
    longest: int,
) -> None:
    """Normal form empty, or a case distinction on free indices in each branch of which it is.

    items: the parts of the term; longest: of the ranges that are written out.
    """
    work_left().spend(CASE, "a case")
    given = ground.given
    cores = _cores(items, dict(given.least))
    free = _free(items)
    for variable in free:
        size, offset = (variable[3], variable[4]) if variable[0] == "i" else variable[2:4]
        low = variable[2] if variable[0] == "i" else 1
        pieces = pieces_of(low, size, offset, cores.get(size))
        if pieces == [(low, offset)] or has_bound(variable):
            continue
        _split(raw, given, apart, values, splits, longest, variable, pieces)
        return
    for holds in (True, False):
        key = frozenset(cores.items()), apart, frozenset(values.items()), longest, holds
        known = ground.take(key)
        forms = known or Forms(cores, apart, values, given.least)
        forms.longest, forms.holds = longest, holds
        left: Poly | None = None
        assumed = 0
        try:
            if known is None:
                forms.assume(given)
            assumed = forms.count_assumed()
            left = forms.clear(forms.poly(raw))
        except NotShown:
            if not forms.held and not _short_ranges(free):
                raise
        if left is not None and not left:
            if forms.count_assumed() == assumed:
                ground.kept[key] = forms
            return
        if not forms.held:
            break
    pair = None if left is None else forms.coincidence(left)
    if pair is not None and splits > 0:
        a, b = _oriented(*pair)
        moved = frozenset(frozenset(map_index(i, {a: b}) for i in p) for p in apart)
        if all(len(p) == 2 for p in moved):  # else this branch contradicts i != j
            case = map_indices(raw, {a: b})
            rest = Ground(given.map({a: b}))
            _prove(case, walk(case), rest, moved, values, splits - 1, longest)
        _prove(raw, items, ground, apart | {frozenset(pair)}, values, splits - 1, longest)
        return
    short = _short_ranges(free)
    if short and splits > 0:
        _split(raw, given, apart, values, splits, longest, *short[0])
        return
    raise NotShown("not shown to be zero: " + ("" if left is None else forms.show(left)))


def _split(
    raw: Raw,
    given: Hypotheses,
    apart: frozenset[Any],
    values: Values,
    splits: int,
    longest: int,
    variable: RawIndex,
    pieces: Sequence[Any],
) -> None:
    """The same for a free index in each piece of its range."""
    if splits <= 0:
        raise NotShown("too many cases")
    name = variable[1] if variable[0] == "i" else FREE + repr((variable[1], variable[4]))
    for piece in pieces:
        size = variable[3] if variable[0] == "i" else variable[2]
        value = piece if len(piece) == 3 else ("i", name, piece[0], size, piece[1])
        what = {variable: value}
        moved = frozenset(frozenset(map_index(i, what) for i in p) for p in apart)
        if all(len(p) == 2 for p in moved):
            case, rest = map_indices(raw, what), Ground(given.map(what))
            _prove(case, walk(case), rest, moved, values, splits - 1, longest)


def _short_ranges(free: Sequence[RawIndex]) -> list[tuple[RawIndex, list[Any]]]:
    """Free indices over a few concrete places, with these places."""
    found = []
    for variable in free:
        size, offset = (variable[3], variable[4]) if variable[0] == "i" else variable[2:4]
        low = variable[2] if variable[0] == "i" else 1
        if size == "" and 0 <= offset - low < MAX_PLACES and not has_bound(variable):
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
