"""A density grouped by the functions of its value is the same number, and each group is one."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest
from judge import is_true

from symelbo.expfam.group_by_value import (
    Group,
    first_place,
    gather,
    is_symmetric,
    select_by_indicator,
    split_exponentials,
    split_monomial,
    swap,
    symbols_of_monomial,
)
from symelbo.index.build import ONE, add, exp, log, mul, negate, number, power, subtract, total
from symelbo.index.domains import Category, Positive, Real
from symelbo.index.normal import from_monomial, to_poly
from symelbo.index.substitute import free_indices, replace_selector, symbols_of
from symelbo.index.terms import (
    Array,
    Entry,
    Extent,
    Index,
    IndexValue,
    Inverse,
    Position,
    Role,
    Symbol,
    Term,
)

C, D = Extent("C"), Extent("D")
i, j, k, m = (Index(name, D) for name in "ijkm")


def argument(name: str, *shape: Extent) -> Symbol:
    return Symbol(name, Role.ARGUMENT, Real(), shape)


A, B, M = argument("a", D), argument("b"), argument("m", D, D)
VALUE = Symbol("v", Role.VALUE, Positive(), (D,))
SQUARE = Symbol("q", Role.VALUE, Real(), (D, D))


def a(index: Index) -> Term:
    return Entry(A, (index,))


def v(index: Index) -> Term:
    return Entry(VALUE, (index,))


def q(row: Index, column: Index) -> Term:
    return Entry(SQUARE, (row, column))


def mm(row: Index, column: Index) -> Term:
    return Entry(M, (row, column))


b = Entry(B)


def over(indices: Iterable[Index], body: Term) -> Term:
    for index in reversed(tuple(indices)):
        body = total(index, body)
    return body


def whole(groups: Iterable[Group]) -> Term:
    """sum of coefficient' statistic"""
    return add(*(over(g.indices, mul(g.coefficient, g.statistic)) for g in groups))


# ---------------------------------------------------------------- one monomial

TERMS: dict[str, Term] = {
    "a scalar product": over([i], mul(a(i), v(i))),
    "a quadratic form": over([i, j], mul(mm(i, j), v(i), v(j))),
    "a number": over([i], mul(number(3), power(v(i), 2))),
    "a sum of its own": over([i, j], mul(number(2), b, v(i), v(j))),
    "half of it summed": over([i, j], mul(a(i), v(i), log(v(j)))),
    "an inner sum of arguments": over([i, j, k], mul(mm(i, k), mm(k, j), v(i), v(j))),
    "a product of sums": mul(over([i], mul(a(i), v(i))), over([i], v(i)), b),
    "apart": mul(over([i], a(i)), over([i], log(v(i)))),
    "a matrix": over([i, j], mul(mm(i, j), q(j, i))),
    "an index as a number": over([i], mul(IndexValue(i), a(i), v(i))),
    "a matrix function": over(
        [i, j], mul(Inverse(Array((k, m), mm(k, m)), i, j), v(i), v(j), number(Fraction(-1, 2)))
    ),
}


@pytest.mark.parametrize("name", TERMS)
def test_a_monomial_is_a_coefficient_times_a_function_of_the_value(name: str) -> None:
    term = TERMS[name]
    value = SQUARE if SQUARE in symbols_of(term) else VALUE
    groups = [split_monomial(m, scale, value) for m, scale in to_poly(term).items()]
    assert is_true(subtract(whole(groups), term))
    for group in groups:
        assert value not in symbols_of(group.coefficient)
        assert symbols_of(group.statistic) == {value}
        # no index is shared but those of the group, which stand in both
        shared = free_indices(group.coefficient) & free_indices(group.statistic)
        assert shared == set(group.indices)
        assert [index.name for index in group.indices] == list("ijkl"[: len(group.indices)])


def test_what_only_the_value_needs_is_summed_within() -> None:
    ((monomial, scale),) = to_poly(TERMS["half of it summed"]).items()
    group = split_monomial(monomial, scale, VALUE)
    assert len(group.indices) == 1
    expected = mul(v(group.indices[0]), over([j], log(v(j))))
    assert is_true(subtract(group.statistic, expected))


def test_equal_functions_of_the_value_are_found_equal() -> None:
    """Whatever the names of the indices were."""
    for one, other in (
        (over([i], mul(a(i), v(i))), over([k], mul(power(a(k), 2), v(k)))),
        (over([i, j], mul(mm(i, j), v(i), v(j))), over([m, k], mul(a(m), a(k), v(k), v(m)))),
        (
            over([i, j], mul(mm(i, j), v(i), log(v(j)))),
            over([i, j], mul(mm(j, i), v(i), log(v(j)))),
        ),
    ):
        found = []
        for term in (one, other):
            ((monomial, scale),) = to_poly(term).items()
            found.append(split_monomial(monomial, scale, VALUE))
        assert found[0].statistic == found[1].statistic
        assert len(gather(found)) == 1


def test_exponentials_are_split_by_what_the_value_enters() -> None:
    joined = mul(exp(add(mul(b, v(i)), v(i), a(i))), v(i))
    ((monomial, scale),) = to_poly(joined).items()
    for kept, count in ((frozenset(), 3), (frozenset({A}), 3), (frozenset({B}), 2)):
        split = split_exponentials(monomial, VALUE, kept)
        assert is_true(subtract(from_monomial(split, scale), joined))
        assert len(split.factors) == count
    split = split_exponentials(monomial, VALUE)
    of_value = [VALUE in symbols_of(atom) for atom, _ in split.factors]
    assert of_value.count(False) == 1
    (rest,) = (atom for atom, _ in split.factors if VALUE not in symbols_of(atom))
    assert is_true(subtract(rest, exp(a(i))))
    # of an argument alone nothing is split
    ((monomial, scale),) = to_poly(exp(add(b, a(i)))).items()
    assert split_exponentials(monomial, VALUE) == monomial


def test_the_symbols_of_a_monomial() -> None:
    ((monomial, _),) = to_poly(TERMS["a quadratic form"]).items()
    assert symbols_of_monomial(monomial) == {M, VALUE}
    ((monomial, _),) = to_poly(ONE).items()
    assert symbols_of_monomial(monomial) == frozenset()


# ---------------------------------------------------------------- groups

PIECES: dict[str, tuple[list[Group], int]] = {
    "added up": ([Group((), b, b), Group((i,), v(i), a(i)), Group((i,), v(i), power(a(i), 2))], 2),
    "cancelled": ([Group((i,), v(i), a(i)), Group((i,), v(i), negate(a(i)))], 0),
    "folded": ([Group((), over([i], v(i)), b), Group((i,), v(i), a(i))], 1),
    "folded twice": (
        [
            Group((), over([i], v(i)), b),
            Group((i,), v(i), a(i)),
            Group((), over([i], log(v(i))), b),
            Group((i,), log(v(i)), a(i)),
        ],
        2,
    ),
    "folded into a matrix": (
        [Group((i, j), mul(v(i), v(j)), mm(i, j)), Group((), power(over([i], v(i)), 2), b)],
        1,
    ),
    "folded into one of two": (
        [
            Group((i, j), q(i, j), mm(i, j)),
            Group((i, j), q(j, i), mul(b, mm(i, j))),
            Group((), over([i, j], q(i, j)), b),
        ],
        2,
    ),
    "written differently": (
        [
            Group((), over([i], v(i)), b),
            Group((), over([k], v(k)), power(b, 2)),
            Group((i,), v(i), a(i)),
        ],
        1,
    ),
    "apart": ([Group((), over([i], log(v(i))), b), Group((i,), v(i), a(i))], 2),
}


@pytest.mark.parametrize("name", PIECES)
def test_gathered_pieces_are_the_same_sum(name: str) -> None:
    pieces, count = PIECES[name]
    for order in (pieces, pieces[::-1]):
        groups = gather(order)
        assert is_true(subtract(whole(groups), whole(pieces)))
        assert len(groups) == count
        assert len({group.statistic for group in groups}) == count
        assert not any(is_true(group.coefficient) for group in groups)


def test_the_simplest_come_first() -> None:
    pieces = [
        Group((i, j), mul(v(i), v(j)), mm(i, j)),
        Group((i,), power(v(i), 3), a(i)),
        Group((i,), mul(v(i), log(v(i))), a(i)),
        Group((i,), v(i), a(i)),
        Group((), log(over([i], v(i))), b),
    ]
    assert gather(pieces) == pieces[::-1]


# ---------------------------------------------------------------- categories


def test_a_category_selects_by_indicators() -> None:
    """f(v) = f(C) + sum_{i<C} (f(i) - f(C)) delta(v, i), for every v."""
    category = Symbol("k", Role.VALUE, Category())
    logits = Symbol("l", Role.ARGUMENT, Real(), (C,))
    chosen = Entry(category)
    for term in (
        Entry(logits, (chosen,)),
        add(mul(b, power(Entry(logits, (chosen,)), 2)), exp(Entry(logits, (chosen,))), b),
    ):
        rest, group = select_by_indicator(term, category)
        assert group is not None
        assert category not in symbols_of(rest) | symbols_of(group.coefficient)
        (index,) = group.indices
        assert index.extent == Extent("C", -1)  # the minimal form
        again = add(rest, over(group.indices, mul(group.coefficient, group.statistic)))
        for place in (Position(C), Position(Extent(None, 1))):
            at = replace_selector(subtract(term, again), chosen, place)
            assert is_true(replace_selector(at, chosen, place), least={"C": 2})
        assert not is_true(subtract(term, rest), least={"C": 2})
    assert select_by_indicator(b, category) == (b, None)
    other = Symbol("o", Role.LATENT, Category())
    term = Entry(logits, (Entry(other),))
    assert select_by_indicator(term, category) == (term, None)


# ---------------------------------------------------------------- symmetry


def test_swapped_twice_is_the_same_and_once_is_the_transpose() -> None:
    for term in (mm(i, j), mul(mm(i, j), a(i)), over([k], mul(mm(i, k), mm(k, j)))):
        assert swap((i, j), swap((i, j), term)) == term
        assert not is_true(subtract(swap((i, j), term), term))
    assert swap((i, j), mm(i, j)) == mm(j, i)
    assert swap((i, j), a(k)) == a(k)


def test_symmetry_is_equality_with_the_transpose() -> None:
    for term, expected in (
        (mul(a(i), a(j)), True),
        (add(mm(i, j), mm(j, i)), True),
        (over([k], mul(mm(i, k), mm(j, k))), True),
        (mul(over([k], mm(i, k)), over([m], mm(j, m))), True),
        (mm(i, j), False),
        (mul(a(i), power(a(j), 2)), False),
    ):
        assert is_symmetric((i, j), term) is expected
        assert is_true(subtract(swap((i, j), term), term)) is expected
    short = Index("j", C)
    assert not is_symmetric((i, short), b)  # of two lengths
    assert not is_symmetric((i,), a(i)) and not is_symmetric((), b)


def test_where_an_index_stands_first() -> None:
    one = Fraction(1)
    factors = [(a(i), one), (v(j), one)]
    assert first_place(i, factors)[0] == 0 and first_place(j, factors)[0] == 1
    assert first_place(i, factors[::-1])[0] == 0  # whatever the order they come in
    assert first_place(k, factors)[0] == 2
