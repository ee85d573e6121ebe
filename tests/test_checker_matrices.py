"""Matrices of the checker against NumPy: what is called definite is, and inverses are inverses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from checker_values import At, admissible, value_of, value_of_poly

from symelbo.checker.forms import Forms
from symelbo.checker.matrices import Matrices
from symelbo.checker.terms import NotShown, Raw, RawIndex, minus, sum_of

D = ("D", 0)
i, j = (("i", name, 1, *D) for name in "ij")
k, m, n, o = (("i", f"~{name}", 1, *D) for name in "kmno")


def entry(name: str, *where: RawIndex) -> Raw:
    kinds = {"v": "real", "w": "real", "t": "positive", "u": "unit", "s": "posdef", "x": "real"}
    kinds |= {"a": "positive", "p": "unit", "z": "binary"}
    return ("v", name, (kinds[name],), where)


def q(value: str) -> Raw:
    return ("q", Fraction(value))


def times(*factors: Raw) -> Raw:
    return ("*", *factors)


def power(base: Raw, exponent: str) -> Raw:
    return ("^", base, q(exponent))


def over(index: RawIndex, *factors: Raw) -> Raw:
    return ("S", index, times(*factors))


S, W, DELTA = entry("s", k, m), entry("w", k, m), ("d", k, m)
V, A, X, P, Z = entry("v", k), entry("a"), entry("x"), entry("p"), entry("z")
T = entry("t", k)
INVERSE: Raw = ("Inv", ((n, o), entry("s", n, o)), k, m)
GRAM = over(n, entry("w", k, n), entry("w", m, n))
COGRAM = over(n, entry("w", n, k), entry("w", n, m))
OUTER = times(V, entry("v", m))

# entries at [k, m]; whether they are seen to be positive definite
ARRAYS: dict[str, tuple[Raw, bool]] = {
    "an entry": (S, True),
    "a multiple": (times(A, q("1/2"), S), True),
    "of unknown sign": (times(X, S), False),
    "negative": (times(q("-1"), S), False),
    "a square times it": (times(power(X, "2"), S), False),  # may be 0
    "its inverse": (INVERSE, True),
    "a positive diagonal": (times(T, DELTA), True),
    "a diagonal of any sign": (times(V, DELTA), False),
    "a diagonal of squares": (times(power(V, "2"), DELTA), False),
    "one": (DELTA, True),
    "rank one": (OUTER, False),
    "one and rank one": (sum_of(DELTA, times(P, OUTER)), True),
    "one minus rank one": (minus(DELTA, times(P, OUTER)), False),
    "a Gram matrix": (GRAM, False),
    "one and a Gram matrix": (sum_of(times(A, DELTA), GRAM), True),
    "a Gram matrix of columns": (sum_of(S, COGRAM), True),
    "a weighted one": (
        sum_of(DELTA, over(n, entry("t", n), entry("w", k, n), entry("w", m, n))),
        True,
    ),
    "weighted by any sign": (
        sum_of(DELTA, over(n, entry("v", n), entry("w", k, n), entry("w", m, n))),
        False,
    ),
    "a product that is none": (
        sum_of(DELTA, over(n, entry("w", k, n), entry("w", n, m))),
        False,
    ),
    "a binary multiple": (sum_of(S, times(Z, DELTA)), True),
    "binary multiples alone": (sum_of(times(Z, S), times(Z, DELTA)), False),
    "an entry and any multiple of one": (sum_of(S, times(X, DELTA)), False),
    "any matrix": (W, False),
    "its diagonal": (entry("s", k, k), False),
    "of one row": (times(T, S), False),
}


def everywhere(seed: int = 0, draws: int = 12) -> Iterator[At]:
    random = Random(seed)
    for number in range(draws):
        sizes = {"D": 1 + number % 3, "C": 2}
        yield At(sizes, admissible(random, sizes))


def forms() -> Forms:
    return Forms({}, frozenset(), {})


def table(raw: Raw, at: At) -> np.ndarray:
    return np.array(
        [[value_of(raw, at.put((k, a), (m, b))) for b in at.places(m)] for a in at.places(k)]
    )


def is_definite(matrix: np.ndarray) -> bool:
    symmetric = np.allclose(matrix, matrix.T)
    return bool(symmetric and np.linalg.eigvalsh((matrix + matrix.T) / 2)[0] > 1e-12)


@pytest.mark.parametrize("name", ARRAYS)
def test_what_is_seen_to_be_definite_is(name: str) -> None:
    raw, definite = ARRAYS[name]
    form = forms()
    assert form.posdef(form.array((k, m), form.poly(raw))) is definite
    if definite:
        assert all(is_definite(table(raw, at)) for at in everywhere())


# symmetric for want of other entries, which a normal form does not show
DIAGONALS = {"a positive diagonal", "a diagonal of any sign", "a diagonal of squares"}


@pytest.mark.parametrize("name", ARRAYS)
def test_symmetry_is_that_of_the_numbers(name: str) -> None:
    raw, _ = ARRAYS[name]
    form = forms()
    found = form.symmetric(form.array((k, m), form.poly(raw)))
    tables = [table(raw, at) for at in everywhere()]
    expected = all(np.allclose(matrix, matrix.T) for matrix in tables)
    assert found is (expected and name not in DIAGONALS)


def test_definite_is_what_is_assumed_to_be() -> None:
    form = forms()
    array = form.array((k, m), form.poly(W))
    assert not form.posdef(array)
    form.assumed_posdef.add(array)
    assert form.posdef(array)
    assert not form.posdef(form.array((k, m), form.poly(times(X, W))))


def test_one_of_many_matrices_is_definite_if_no_index_of_it_selects_which() -> None:
    form = forms()
    for where, definite in (((i, k, m), True), ((k, k, m), False), ((m, k, m), False)):
        assert form.posdef(form.array((k, m), form.poly(entry("s", *where)))) is definite


INVERTIBLE = [name for name, (_, definite) in ARRAYS.items() if definite]


@pytest.mark.parametrize("name", INVERTIBLE)
def test_inverses_and_determinants_are_those_of_the_numbers(name: str) -> None:
    raw, _ = ARRAYS[name]
    form = forms()
    poly = form.poly(raw)
    inverse, determinant = form.inverse((k, m), poly, i, j), form.logdet((k, m), poly)
    for at in everywhere(1, 6):
        matrix = table(raw, at)
        sign, value = np.linalg.slogdet(matrix)
        assert sign == 1
        assert math.isclose(value_of_poly(form, determinant, at), value, abs_tol=1e-9)
        expected = np.linalg.inv(matrix)
        for here in at.over((i, j)):
            found = value_of_poly(form, inverse, here)
            there = expected[here.place(i) - 1, here.place(j) - 1]
            assert math.isclose(found, there, rel_tol=1e-8, abs_tol=1e-9)


N_LATE, O_LATE = (("i", f"~late{name}", 2, *D) for name in "no")
OF_GRAM: Raw = ("Inv", ((k, m), GRAM), i, o)
OF_MULTIPLE: Raw = ("Inv", ((k, m), times(A, GRAM)), o, i)
LATE: Raw = ("Inv", ((k, m), GRAM), i, O_LATE)

# sums over o and n, and whether nothing but a delta is left of the inverse in them
PRODUCTS: dict[str, tuple[Raw, bool]] = {
    "its own product": (over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", j, n))), True),
    "of a multiple": (over(o, over(n, OF_MULTIPLE, entry("w", o, n), entry("w", j, n))), True),
    "the trace": (
        over(i, over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", i, n)))),
        True,
    ),
    "times what is free of both": (
        over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", j, n), entry("v", j))),
        True,
    ),
    "the other product": (over(o, over(n, OF_GRAM, entry("w", n, o), entry("w", n, j))), False),
    "not all columns": (
        over(o, over(N_LATE, OF_GRAM, entry("w", o, N_LATE), entry("w", j, N_LATE))),
        False,
    ),
    "not all rows": (
        over(O_LATE, over(n, LATE, entry("w", O_LATE, n), entry("w", j, n))),
        False,
    ),
    "a weight for each column": (
        over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", j, n), entry("v", n))),
        False,
    ),
    "a weight for each row": (
        over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", j, n), entry("v", o))),
        False,
    ),
    "its diagonal": (over(o, over(n, OF_GRAM, entry("w", o, n), entry("w", o, n))), False),
    "one factor": (over(o, over(n, OF_GRAM, entry("w", o, n))), False),
    "a square": (
        over(o, over(n, OF_GRAM, entry("w", o, n), power(entry("w", j, n), "2"))),
        False,
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_contracted_with_its_inverse(name: str) -> None:
    raw, contracted = PRODUCTS[name]
    form = forms()
    form.assumed_posdef.add(form.array((k, m), form.poly(GRAM)))
    poly = form.poly(raw)
    atoms = {form.atoms[a][0] for a in form.all_atoms(poly)}
    assert ("Inv" not in atoms) is contracted
    for at in everywhere(1, 6):
        for here in at.over((i, j)):
            found, expected = value_of_poly(form, poly, here), value_of(raw, here)
            assert math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)


def test_a_multiple_and_an_inverse_are_taken_apart() -> None:
    """Normal forms of equal matrices are equal: (a S)^-1 = S^-1/a, and S is its own double one."""
    form = forms()
    plain = form.inverse((k, m), form.poly(S), i, j)
    scaled = form.inverse((k, m), form.poly(times(A, S)), i, j)
    assert scaled == form.mul(plain, form.poly(power(A, "-1")))
    assert form.inverse((k, m), form.poly(INVERSE), i, j) == form.poly(entry("s", i, j))
    of_inverse = form.logdet((k, m), form.poly(INVERSE))
    assert form.poly(("LD", ((k, m), S))) == {key: -c for key, c in of_inverse.items()}
    assert form.inverse((k, m), form.poly(S), j, i) == plain


SINGULAR: dict[str, Raw] = {
    "any matrix": W,
    "of any sign": times(X, S),
    "a binary multiple": times(Z, S),
    "rank one": OUTER,
    "a Gram matrix": GRAM,
    "a binary multiple of one": times(Z, DELTA),
    "a multiple of any sign of one": times(X, DELTA),
    "a binary multiple of a diagonal": times(Z, T, DELTA),
    "a multiple of any sign of a diagonal": times(q("2"), X, T, DELTA),
    "a diagonal of any sign": times(V, DELTA),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_what_may_be_singular_has_no_inverse_and_no_determinant(name: str) -> None:
    form = forms()
    poly = form.poly(SINGULAR[name])
    with pytest.raises(NotShown):
        form.inverse((k, m), poly, i, j)
    with pytest.raises(NotShown):
        form.logdet((k, m), poly)


@pytest.mark.parametrize("scale", ["-1", "-2"])
def test_a_determinant_may_be_negative(scale: str) -> None:
    """Of -2 times one its logarithm is not that of one."""
    form = forms()
    with pytest.raises(NotShown):
        form.logdet((k, m), form.poly(times(q(scale), DELTA)))


def test_only_square_matrices_are_inverted() -> None:
    short = ("i", "~short", 1, "D", -1)
    form = forms()
    for rows, columns in ((k, short), (short, k)):
        body = form.poly(("d", rows, columns))
        with pytest.raises(NotShown):
            form.inverse((rows, columns), body, i, j)
        with pytest.raises(NotShown):
            form.logdet((rows, columns), body)


def test_a_jacobian_is_invertible_as_a_whole() -> None:
    """Of an abstract map that is assumed to be: all of it, and no part, multiple or other kind."""

    def derivative(kind: str, row: RawIndex, column: RawIndex, slot: RawIndex) -> Raw:
        return ("A", "f", (kind, *D), (((slot,), entry("v", slot)),), (row,), ((0, (column,)),))

    form: Matrices = forms()
    late_k, late_m = (("i", f"~late{name}", 2, *D) for name in "km")
    for indices, raw, expected in (
        ((k, m), derivative("invertible", k, m, n), True),
        ((k, m), derivative("real", k, m, n), False),
        ((k, m), derivative("invertible", m, k, n), False),
        ((k, m), derivative("invertible", k, k, n), False),
        ((late_k, late_m), derivative("invertible", late_k, late_m, n), False),
        ((late_k, m), derivative("invertible", late_k, m, n), False),
        ((late_k, late_m), derivative("invertible", late_k, late_m, ("i", "~ln", 2, *D)), False),
        ((k, m), entry("w", k, m), False),
    ):
        array = form.array(indices, form.atom(_interned(form, raw)))
        assert form.jacobian(array) is expected


def _interned(form: Matrices, raw: Raw) -> Raw:
    if raw[0] != "A":
        return raw
    _, name, kind, arguments, where, slots = raw
    arrays = tuple(form.array(variables, form.poly(body)) for variables, body in arguments)  # type: ignore[attr-defined]
    return ("A", name, kind, arrays, where, slots)
