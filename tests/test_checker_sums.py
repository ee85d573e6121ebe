"""Sums in the checker's normal form, against the same sums written out, at sizes 1, 2 and 3."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest
from checker_values import At, admissible, value_of, value_of_poly

from symelbo.checker.forms import Forms
from symelbo.checker.polynomial import freeze
from symelbo.checker.sums import MAX_EXPANDED, pieces_of
from symelbo.checker.terms import ONE, Raw, RawIndex, minus, sum_of

D, C = ("D", 0), ("C", 0)
i, j = (("i", name, 1, *D) for name in "ij")
k, m, n = (("i", f"~{name}", 1, *D) for name in "kmn")
c, short = ("i", "~c", 1, *C), ("i", "~c1", 1, "C", -1)
late = ("i", "~late", 2, *D)
three = ("i", "~three", 1, "", 3)
last = ("p", "D", 0)
TWO: Raw = ("q", Fraction(2))


def entry(name: str, *where: RawIndex) -> Raw:
    kinds = {"v": "real", "w": "real", "t": "positive", "u": "unit", "s": "posdef"}
    kind = ("simplex", *C) if name in ("pi", "table") else (kinds[name],)
    return ("v", name, kind, where)


def v(*where: RawIndex) -> Raw:
    return entry("v", *where)


def w(*where: RawIndex) -> Raw:
    return entry("w", *where)


def over(index: RawIndex, *factors: Raw) -> Raw:
    return ("S", index, ("*", *factors) if len(factors) > 1 else factors[0])


def d(left: RawIndex, right: RawIndex) -> Raw:
    return ("d", left, right)


def iv(index: RawIndex) -> Raw:
    return ("iv", index)


TERMS: dict[str, Raw] = {
    "of one": over(k, ONE),
    "of one, shorter": over(short, ONE),
    "of one, later": over(late, ONE),
    "a scalar product": over(k, v(k), w(k, i)),
    "nested": over(k, over(m, w(k, m), v(k), v(m))),
    "a square": ("^", over(k, v(k)), TWO),
    "a square inside": over(k, v(k), ("^", over(m, w(k, m)), TWO)),
    "of a product that is apart": over(k, over(m, v(k), entry("t", m))),
    "of another sum": over(k, w(k, i), over(m, w(k, m), v(m))),
    "a delta": over(k, d(k, i), w(k, j)),
    "a delta beside the range": over(late, d(late, i), v(late)),
    "a delta of neighbours": over(k, d(("o", k, 1), i), v(k)),
    "a delta at the end": over(k, d(k, last), v(k)),
    "two deltas": over(k, over(m, d(k, m), d(m, i), w(k, m))),
    "a double delta": over(k, d(k, i), d(k, j), v(k)),
    "a delta without users": over(k, d(k, i)),
    "places": over(three, iv(three), ("+", iv(three), ("n", "D"))),
    "indices": over(k, iv(k), v(k)),
    "a simplex": over(c, entry("pi", c)),
    "a simplex without its last": over(short, entry("pi", short)),
    "a simplex, twice": over(c, over(short, entry("pi", c), entry("pi", short))),
    "a simplex without its first": over(("i", "~c2", 2, *C), entry("pi", ("i", "~c2", 2, *C))),
    "the diagonal of a table": over(c, entry("table", c, c)),
    "a row of a table": over(c, entry("table", ("p", "", 1), c)),
    "a neighbour as a number": over(k, iv(("o", k, 1)), v(k)),
    "a square on a simplex": over(c, ("^", entry("pi", c), TWO)),
    "different ranges": minus(over(k, v(k)), over(late, v(late))),
    "shorter and longer": sum_of(over(c, iv(c)), over(short, ("^", iv(short), TWO))),
    "a matrix times its inverse": over(
        k, ("Inv", ((m, n), entry("s", m, n)), i, k), entry("s", k, j)
    ),
    "a trace": over(k, over(m, ("Inv", ((m, n), entry("s", m, n)), k, m), w(m, k))),
    "a cycle": over(k, over(m, over(n, w(k, m), w(m, n), w(n, k)))),
}
# what does not exist at the smallest size
LEAST = {"a delta of neighbours": 2}


def everywhere(seed: int = 0) -> Iterator[At]:
    random = Random(seed)
    for sizes in ({"D": 1, "C": 2}, {"D": 2, "C": 3}, {"D": 3, "C": 2}):
        at = At(sizes, admissible(random, sizes))
        yield from at.over((i, j))


def forms() -> Forms:
    return Forms({}, frozenset(), {})


def assert_equal(left: float, right: float) -> None:
    assert math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", TERMS)
def test_a_normal_form_has_the_value_of_the_sum(name: str) -> None:
    form = forms()
    poly = form.poly(TERMS[name])
    for at in everywhere():
        if at.sizes["D"] >= LEAST.get(name, 1):
            assert_equal(value_of_poly(form, poly, at), value_of(TERMS[name], at))


@pytest.mark.parametrize("name", TERMS)
def test_replaced_indices_are_other_places(name: str) -> None:
    """f[i, j] with j for i, and i for j at once, is f there."""
    form = forms()
    poly = form.poly(TERMS[name])
    for what in ({i: j}, {i: j, j: i}, {j: last}):
        moved = form.replace(poly, what)
        for at in everywhere(1):
            if at.sizes["D"] >= LEAST.get(name, 1):
                there = at.put(*((old, at.place(new)) for old, new in what.items()))
                assert_equal(value_of_poly(form, moved, at), value_of(TERMS[name], there))


def test_bound_indices_have_no_names() -> None:
    """Renamed, and summed in another order, it is the same normal form."""
    body = ("*", w(k, m), w(m, n), ("^", v(k), TWO))
    form, found = forms(), set()
    for order in permutations((k, m, n)):
        for names in permutations((k, m, n)):
            term = _rename(body, dict(zip((k, m, n), names, strict=True)))
            for index in order:
                term = ("S", index, term)
            found.add(freeze(form.poly(term)))
    assert len(found) == 1
    other = ("*", w(k, m), w(n, m), ("^", v(k), TWO))
    assert freeze(form.poly(over(k, over(m, over(n, other))))) not in found


def _rename(raw: Raw, what: dict[RawIndex, RawIndex]) -> Raw:
    if raw in what:
        return what[raw]
    return tuple(_rename(x, what) if isinstance(x, tuple) else x for x in raw)


def test_a_delta_is_solved_only_where_its_place_is_in_the_range() -> None:
    form = forms()
    assert form.solve(k, i, [k]) == (k, i)
    assert form.solve(k, last, [k]) == (k, last)
    assert form.solve(late, i, [late]) is None  # i may be 1
    assert form.solve(("o", k, 1), i, [k]) is None  # k = i - 1 may be 0
    assert form.solve(k, i, []) is None  # nothing is summed
    assert form.solve(k, ("o", k, 1), [k]) is None


def test_a_category_is_no_place_that_an_inverse_is_contracted_at() -> None:
    """sum_k Inv(s)[k, k] s[k, j] is no delta, nor is one over a part of the rows."""
    form = forms()
    inverse = ("Inv", ((m, n), entry("s", m, n)))
    for term in (
        over(k, (*inverse, k, k), entry("s", k, j)),
        over(late, (*inverse, i, late), entry("s", late, j)),
        over(k, (*inverse, i, k), entry("s", k, j), v(k)),
    ):
        poly = form.poly(term)
        assert "Inv" in form.show(poly)
        for at in everywhere(2):
            assert_equal(value_of_poly(form, poly, at), value_of(term, at))


@pytest.mark.parametrize(
    ("low", "offset", "core"),
    [
        (1, 0, (1, -1)),
        (1, 0, (2, -1)),
        (1, 1, (2, 0)),
        (2, 0, (2, 0)),
        (1, -1, (1, 0)),
        (1, 0, None),
    ],
)
def test_the_pieces_of_a_range_are_its_places(
    low: int, offset: int, core: tuple[int, int] | None
) -> None:
    for size in (3, 4, 5):
        found: list[int] = []
        for piece in pieces_of(low, "C", offset, core):
            if len(piece) == 3:
                found.append(piece[2] + (size if piece[1] else 0))
            else:
                found += range(piece[0], size + piece[1] + 1)
        assert sorted(found) == list(range(low, size + offset + 1))


def test_a_long_sum_of_concrete_length_is_kept() -> None:
    form = forms()
    index = ("i", "~l", 1, "", MAX_EXPANDED)
    assert form.poly(over(index, iv(index))) == {(): MAX_EXPANDED * (MAX_EXPANDED + 1) // 2}
    longer = ("i", "~l", 1, "", MAX_EXPANDED + 1)
    (monomial,) = form.poly(over(longer, iv(longer)))
    ((atom, power),) = monomial
    assert power == 1
    assert form.atoms[atom][0] == "S"


def test_an_empty_range_may_not_be_counted_below_zero() -> None:
    """1..C-2 has no place at C = 1, where C - 2 would be -1."""
    index = ("i", "~e", 1, "C", -2)
    form = forms()
    poly = form.poly(over(index, ONE))
    for size in (1, 2, 3, 4):
        at = At({"C": size, "D": 1}, {})
        assert_equal(value_of_poly(form, poly, at), max(0, size - 2))
