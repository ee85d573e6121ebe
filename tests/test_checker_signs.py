"""Signs and ranges of the checker: what is claimed of entries, indices and sums, in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from checker_values import At, admissible, value_of, value_of_poly

from symelbo.checker.forms import Forms, Hypotheses
from symelbo.checker.polynomial import Poly, freeze, scale_poly
from symelbo.checker.signs import Signs
from symelbo.checker.squares import is_sum_of_squares
from symelbo.checker.terms import ONE, NotShown, Raw, RawIndex, minus, sum_of

D, C = ("D", 0), ("C", 0)
i, j = (("i", name, 1, *D) for name in "ij")
k, m = (("i", f"~{name}", 1, *D) for name in "km")
c = ("i", "~c", 1, *C)
short, late = ("i", "~short", 1, "D", -1), ("i", "~late", 2, *D)
SCALARS = {"x": "real", "y": "real", "a": "positive", "b": "positive", "p": "unit", "z": "binary"}
ARRAYS = {"v": "real", "t": "positive", "u": "unit"}


def e(name: str, *where: RawIndex) -> Raw:
    if name == "pi":
        return ("v", name, ("simplex", *C), where)
    kinds = {**SCALARS, **ARRAYS, "s": "posdef", "w": "real"}
    return ("v", name, (kinds[name],), where)


def q(value: str | int) -> Raw:
    return ("q", Fraction(value))


def forms() -> Forms:
    return Forms({}, frozenset(), {})


def everywhere(seed: int, draws: int) -> Iterator[At]:
    random = Random(seed)
    for number in range(draws):
        sizes = {"D": 1 + number % 3, "C": 2 + number % 2}
        yield from At(sizes, admissible(random, sizes)).over((i, j))


N, I = ("n", "D"), ("iv", i)


def exp(rate: str | int) -> Raw:
    return ("f", "exp", ("*", q(rate), e("a")))


def log(raw: Raw) -> Raw:
    return ("f", "log", raw)


def square(raw: Raw) -> Raw:
    return ("^", raw, q(2))


@pytest.mark.parametrize(("least", "sign"), [({}, "0"), ({"D": 2}, "0"), ({"C": 2}, "+")])
def test_an_entry_of_two_or_more_shares_is_less_than_one(least: dict[str, int], sign: str) -> None:
    """With one place it is 1; of three places it is less at any size."""
    form = Forms({}, frozenset(), {}, tuple(least.items()))
    rest = minus(ONE, e("pi", ("p", "", 1)))
    assert form.poly_sign(form.poly(rest)) == sign
    three = ("v", "three", ("simplex", "", 3), (("p", "", 1),))
    assert form.poly_sign(form.poly(minus(ONE, three))) == "+"


X_Y, X_W = (("*", e("x"), e("y")), ("*", e("x"), e("w", i, j)))
# what is positive; of what then; whether that is seen
OF_PRODUCTS: dict[str, tuple[list[Raw], Raw, str]] = {
    "a product": ([X_Y], X_Y, "+"),
    "a multiple": ([X_Y], ("*", q(2), e("a"), X_Y), "+"),
    "odd powers": ([X_Y], ("*", ("^", e("x"), q(3)), ("^", e("y"), q(-1))), "+"),
    "its square, of what is not 0": ([X_Y], square(e("x")), "+"),
    "a sum": ([X_Y], sum_of(X_Y, e("a")), "+"),
    "two that share a factor": ([X_Y, X_W], ("*", e("y"), e("w", i, j)), "+"),
    "a negative product": ([("*", q(-1), X_Y)], ("*", q(-1), e("b"), X_Y), "+"),
    "what makes that positive": ([("*", q(-1), X_Y)], X_Y, ""),
    "minus a product": ([X_Y], ("*", q(-1), X_Y), ""),
    "one factor": ([X_Y], e("x"), ""),
    "another power": ([X_Y], ("*", square(e("x")), e("y")), ""),
    "another factor": ([X_Y], X_W, ""),
    "a product with a difference": (
        [("*", e("x"), minus(e("y"), e("a")))],
        ("f", "log", ("*", q(3), e("x"), minus(e("y"), e("a")))),
        "",
    ),
}


@pytest.mark.parametrize("name", OF_PRODUCTS)
def test_what_follows_from_the_sign_of_a_product(name: str) -> None:
    given, raw, sign = OF_PRODUCTS[name]
    form = forms()
    for term in given:
        form.assume_positive_term(term)
    assert form.poly_sign(form.poly(raw)) == sign
    tried = [
        value_of(raw, at)
        for at in everywhere(3, 40)
        if all(value_of(term, at) > 1e-9 for term in given)
    ]
    assert len(tried) > 5
    assert sign != "+" or min(tried) > 0


def test_one_condition_may_be_what_another_needs() -> None:
    """x^a has a value where 0 < x, whichever is stated first."""
    stated = (("^", e("x"), e("a")), e("x"))
    for given in (stated, stated[::-1]):
        form = forms()
        form.assume(Hypotheses(positive=given))
        assert form.positive(form.poly(e("x")))
    with pytest.raises(NotShown, match="not shown to be positive"):
        forms().assume(Hypotheses(positive=stated[:1]))


def test_a_logarithm_of_a_positive_product() -> None:
    """log(2 x y) = log 2 + log|x| + log|y| where x y > 0, and nowhere else."""
    product = ("f", "log", ("*", q(2), X_Y))
    apart = sum_of(log(q(2)), *(log(("f", "abs", e(name))) for name in "xy"))
    with pytest.raises(NotShown, match="not shown to be positive"):
        forms().poly(product)
    form = forms()
    form.assume_positive_term(X_Y)
    assert not form.clear(form.poly(minus(product, apart)))
    with pytest.raises(NotShown, match="not shown to be positive"):
        form.poly(log(("*", q(-2), X_Y)))
    difference = ("*", e("x"), minus(e("y"), e("a")))
    with pytest.raises(NotShown, match="not shown to be positive"):
        form.poly(log(difference))
    form.assume_positive_term(difference)
    sizes = (log(("f", "abs", part)) for part in difference[1:])
    assert not form.clear(form.poly(minus(log(difference), sum_of(*sizes))))


PRODUCTS = sum_of(("*", e("x"), e("v", i)), ("*", e("y"), e("a")))
INNER = ("S", k, ("*", e("v", k), e("t", k)))
OUTER = ("S", k, ("*", e("w", m, k), e("v", k)))
INVERSE = (("i", "~r", 1, *D), ("i", "~q", 1, *D))
# "+": positive everywhere, "0": not negative, "": neither is so; None: it is so, and nobody sees it
SIGNS: dict[str, tuple[Raw, str | None]] = {
    "positive": (sum_of(e("t", i), e("a")), "+"),
    "of any sign": (sum_of(e("v", i), e("a")), ""),
    "a square": (("^", e("v", i), q(2)), "0"),
    "a square and one": (sum_of(("^", e("v", i), q(2)), ONE), "+"),
    "no square": (sum_of(("^", e("v", i), q(2)), e("v", j), ONE), ""),
    "a quadratic without roots": (sum_of(("^", e("x"), q(2)), e("x"), ONE), "+"),
    "a quadratic with roots": (sum_of(("^", e("x"), q(2)), ("*", q(3), e("x")), ONE), ""),
    "a quadratic that is barely negative": (
        sum_of(("^", e("x"), q(2)), ("*", q("21/10"), e("x")), ONE),
        "",
    ),
    "positive at both ends alone": (
        sum_of(("^", e("p"), q(2)), minus(q("1/8"), e("p"))),
        "",
    ),
    "one minus a probability": (minus(ONE, e("u", i)), "+"),
    "one minus two of them": (minus(ONE, sum_of(e("u", i), e("u", j))), ""),
    "one minus their product": (minus(ONE, ("*", e("u", i), e("p"))), "+"),
    "one minus a bit": (minus(ONE, e("z")), "0"),
    "two minus a bit": (minus(q(2), e("z")), "+"),
    "a size": (N, "+"),
    "a size less one": (minus(N, ONE), "0"),
    "a size less two": (minus(N, q(2)), ""),
    "an index": (I, "+"),
    "an index less one": (minus(I, ONE), "0"),
    "a size less an index": (minus(N, I), "0"),
    "a size less an index, and one": (sum_of(minus(N, I), ONE), "+"),
    "an index less a size": (minus(I, N), ""),
    "a sum": (("S", k, e("t", k)), "+"),
    "a sum over what may be no place": (("S", short, e("t", short)), "0"),
    "a later one": (("S", late, e("t", late)), "0"),
    "a sum of any sign": (("S", k, e("v", k)), ""),
    "a sum of indices from -3 on": (
        ("S", ("i", "~from", -3, *D), ("iv", ("i", "~from", -3, *D))),
        "",
    ),
    "a sum of squares": (("S", k, ("^", e("v", k), q(2))), "0"),
    "a delta": (("d", i, j), "0"),
    "one minus a delta": (minus(ONE, ("d", i, j)), None),
    "an entry of a simplex": (e("pi", ("p", "", 1)), "+"),
    "an exponential": (("f", "exp", e("v", i)), "+"),
    "an exponential less one": (minus(("f", "exp", e("t", i)), ONE), "+"),
    "one less a falling one": (minus(ONE, exp(-1)), "+"),
    "one less a steeper one": (minus(ONE, exp(-2)), "+"),
    "one less a flatter one": (minus(ONE, exp("-1/2")), "+"),
    "one less its square": (minus(ONE, ("^", exp(-1), q(2))), "+"),
    "a steep exponential less one": (minus(exp(2), ONE), "+"),
    "less a flatter one": (minus(exp(2), exp("1/2")), "+"),
    "a flatter less a steeper one": (minus(exp(1), exp(2)), ""),
    "one less twice a falling one": (minus(ONE, ("*", q(2), exp(-2))), ""),
    "one less more than a falling one": (minus(ONE, ("*", q("3/2"), exp("-1/8"))), ""),
    "one and a falling one less its square": (sum_of(ONE, exp(-1), minus(q(0), exp(-2))), "+"),
    "one less a cube": (minus(ONE, ("^", e("p"), q(3))), "+"),
    "one less a root": (minus(ONE, ("^", e("p"), q("1/2"))), "+"),
    "one less a power": (minus(ONE, ("^", e("p"), e("a"))), "+"),
    "one less a power of any sign": (minus(ONE, ("^", e("p"), e("x"))), ""),
    "a cubic that is negative between the ends": (
        sum_of(("^", e("p"), q(3)), minus(q("1/3"), e("p"))),
        "",
    ),
    "minus a logarithm": (minus(q(0), log(e("p"))), "+"),
    "a logarithm": (log(e("p")), ""),
    "minus one of any sign": (minus(q(0), log(e("a"))), ""),
    "a logarithm above one": (log(sum_of(ONE, e("a"))), "+"),
    "the product of two": (("*", log(e("p")), log(e("u", i))), "+"),
    "one less a logarithm": (minus(ONE, log(e("p"))), "+"),
    "one and a logarithm": (sum_of(ONE, log(e("p"))), ""),
    "one less the inverse of that": (
        minus(ONE, ("^", minus(ONE, log(e("p"))), q(-1))),
        "+",
    ),
    "one and the square of a product and a sum": (sum_of(ONE, square(PRODUCTS)), "+"),
    "less a little than that square": (sum_of(q("-1/100"), square(PRODUCTS)), ""),
    "the square of a product and a sum": (square(PRODUCTS), "0"),
    "one and two such squares": (
        sum_of(ONE, square(PRODUCTS), square(minus(("*", e("x"), e("y")), e("v", i)))),
        "+",
    ),
    "a square less half of a part": (
        sum_of(q("1/100"), square(PRODUCTS), ("*", q("-1/2"), square(e("x")), square(e("v", i)))),
        "",
    ),
    "a square of too large a middle": (
        sum_of(q("1/100"), square(sum_of(e("x"), e("y"))), ("*", e("x"), e("y"))),
        "",
    ),
    "a form that is definite": (
        sum_of(square(e("x")), square(e("y")), ("*", q("19/10"), e("x"), e("y")), e("p")),
        "+",
    ),
    "one that is not": (
        sum_of(square(e("x")), square(e("y")), ("*", q("5/2"), e("x"), e("y"))),
        "",
    ),
    "one and the square of a bit and more": (
        sum_of(ONE, square(sum_of(("*", e("x"), e("z")), e("y")))),
        "+",
    ),
    "one and the square of an inner sum": (sum_of(ONE, square(sum_of(INNER, e("x")))), "+"),
    "one and a sum of such squares": (sum_of(ONE, ("S", m, square(OUTER))), "+"),
    "a sum of such squares": (("S", m, square(OUTER)), "0"),
    "one and a sum of squares of an inner sum and more": (
        sum_of(ONE, ("S", m, square(sum_of(OUTER, e("v", m))))),
        "+",
    ),
    "a sum of squares of an inner sum, less one": (
        sum_of(q(-1), ("S", m, square(sum_of(OUTER, e("v", m))))),
        "",
    ),
    "a sum of products of two inner sums": (
        sum_of(ONE, ("S", m, ("*", OUTER, ("S", k, e("v", k))))),
        "",
    ),
    "a product of two different sums": (
        sum_of(ONE, ("*", q(10), ("S", k, e("v", k)), ("S", m, ("*", e("v", m), e("t", m))))),
        "",
    ),
    "a size of a number": (("f", "abs", e("x")), "0"),
    "one and the size of a sum": (sum_of(ONE, ("f", "abs", sum_of(e("x"), e("y")))), "+"),
    "one less that": (minus(ONE, ("f", "abs", sum_of(e("x"), e("y")))), ""),
    "a size less its number": (minus(("f", "abs", e("x")), e("x")), None),
    "one and a number times a sign": (
        sum_of(ONE, ("*", sum_of(e("x"), e("y")), ("f", "sign", e("x")))),
        "",
    ),
    "one and a sum of sizes of inner sums": (sum_of(ONE, ("S", m, ("f", "abs", OUTER))), "+"),
    "one and a sum of sizes of an inner sum and more": (
        sum_of(ONE, ("S", m, ("f", "abs", sum_of(OUTER, e("v", m))))),
        "+",
    ),
    "one less a sum of sizes": (minus(ONE, ("S", m, ("f", "abs", OUTER))), ""),
    "a sum of signs of one times another": (
        sum_of(ONE, ("S", m, ("*", OUTER, ("f", "sign", e("v", m))))),
        "",
    ),
    "an exponential of any sign, less one": (minus(("f", "exp", e("v", i)), ONE), ""),
    "an error function": (("f", "erf", e("a")), "+"),
    "an error function of any sign": (("f", "erf", e("v", i)), ""),
    "one less a sine": (minus(ONE, ("f", "sin", e("x"))), "0"),
    "two less a sine": (minus(q(2), ("f", "sin", e("x"))), "+"),
    "trigamma": (("f", "polygamma", ONE, e("a")), "+"),
    "its derivative": (("f", "polygamma", q(2), e("a")), ""),
    "on the diagonal": (e("s", i, i), "+"),
    "beside it": (e("s", i, j), ""),
    "on that of the inverse": (
        ("Inv", (INVERSE, e("s", *INVERSE)), i, i),
        "+",
    ),
    "beside that": (("Inv", (INVERSE, e("s", *INVERSE)), i, j), ""),
    "numbers": (minus(("c", "pi"), q(3)), "+"),
    "numbers, falling": (minus(q(3), ("c", "pi")), ""),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_is_that_of_the_numbers(name: str) -> None:
    raw, expected = SIGNS[name]
    form = forms()
    poly = form.poly(raw)
    found = "+" if form.positive(poly) else form.poly_sign(poly)
    assert found == (expected or "")
    values = [value_of(raw, at) for at in everywhere(0, 30)]
    if expected is None:
        assert min(values) >= 0
    else:  # and more than is said is not so
        assert (
            "+" if min(values) > 1e-12 else "0" if min(values) > -1e-12 else ""
        ) == expected or (expected == "0" and min(values) > 0)


def atoms(form: Forms) -> list[Raw]:
    """Of which random polynomials are made."""
    return [
        *(e(name) for name in SCALARS),
        *(e(name, index) for name in ARRAYS for index in (i, j)),
        *(N, I, e("pi", ("p", "", 1)), e("s", i, i), e("s", i, j), ("d", i, j)),
        *(("S", k, e("t", k)), ("S", k, e("v", k)), ("S", short, e("t", short))),
        *(("f", "exp", e("v", i)), ("f", "sin", e("x")), ("f", "log", e("a"))),
    ]


def random_raw(random: Random, atoms_: list[Raw]) -> Raw:
    parts: list[Raw] = []
    for _ in range(random.choice((1, 2, 2, 3))):
        factors = [random.choice(atoms_) for _ in range(random.choice((0, 1, 1, 2)))]
        exponent = random.choice((1, 1, 2))
        powers = [("^", factor, q(exponent)) for factor in factors]
        parts.append(("*", q(random.choice(("1", "2", "-1", "1/2", "-1/2", "3"))), *powers))
    return sum_of(*parts)


def test_what_is_claimed_of_random_polynomials_is_so() -> None:
    random, form = Random(1), forms()
    everything = atoms(form)
    points = list(everywhere(2, 24))
    claims = {"+": 0, "0": 0, "not 0": 0}
    for _ in range(400):
        poly = form.poly(random_raw(random, everything))
        if not poly:
            continue
        sign = form.poly_sign(poly)
        claims[sign] = claims.get(sign, 0) + 1
        _, _, prime = form.content(poly)
        nonzero = form.nonzero(prime)
        claims["not 0"] += nonzero
        if not sign and not nonzero:
            continue
        for at in points:
            value = value_of_poly(form, poly, at)
            assert value > 0 if sign == "+" else value >= -1e-9 or not sign
            assert value_of_poly(form, prime, at) != 0 or not nonzero
    assert min(claims.values()) > 12


def random_squares(random: Random) -> Raw:
    """Squares and sizes, summed or not, with what may take their sign away."""
    entries = [*(e(name) for name in "xyapz"), e("v", i), INNER, exp(-1), log(e("p"))]
    under = [e("v", m), e("t", m), e("x"), e("p"), OUTER]

    def few(pool: list[Raw]) -> Raw:
        return sum_of(
            *(
                ("*", q(random.choice((1, 1, -1, 2))), *random.sample(pool, random.choice((1, 2))))
                for _ in range(random.choice((1, 2, 2, 3)))
            )
        )

    def size(pool: list[Raw]) -> Raw:
        inner = few(pool)
        return square(inner) if random.random() < 0.6 else ("f", "abs", inner)

    parts: list[Raw] = [q(random.choice(("1", "1/20", "0", "-1/20")))]
    for _ in range(random.choice((1, 1, 2))):
        parts.append(("S", m, size(under)) if random.random() < 0.5 else size(entries))
    if random.random() < 0.5:
        parts.append(("*", q(random.choice(("1/10", "-1/10", "-1"))), few(entries)))
    return sum_of(*parts)


def test_what_is_claimed_of_squares_and_sizes_is_so() -> None:
    random, form = Random(3), forms()
    points = list(everywhere(5, 18))
    claims = {"+": 0, "0": 0, "": 0}
    for _ in range(300):
        poly = form.poly(random_squares(random))
        sign = form.poly_sign(poly)
        claims[sign] += 1
        for at in points if sign else ():
            value = value_of_poly(form, poly, at)
            scale = max(1.0, *(abs(value_of_poly(form, {t: c}, at)) for t, c in poly.items()))
            assert value > 0 if sign == "+" else value >= -1e-12 * scale
    assert min(claims.values()) > 20


def test_a_quadratic_form_is_a_sum_of_squares_if_it_has_no_negative_value() -> None:
    """Whether it is semidefinite, by its eigenvalues; strictly so along the last variable."""
    random = Random(7)
    counted = {True: 0, False: 0}
    for _ in range(200):
        n = random.choice((2, 3, 4))
        factors = [[random.randint(-2, 2) for _ in range(n)] for _ in range(random.randint(1, n))]
        table = np.array(factors).T @ np.array(factors)
        if random.random() < 0.5:
            table -= np.diag([random.randint(0, 1) for _ in range(n)])
        poly: Poly = {}
        for a in range(n):
            for b in range(a, n):
                value = int(table[a, b]) * (1 if a == b else 2)
                if value:
                    poly[((a, 2),) if a == b else ((a, 1), (b, 1))] = value
        eigenvalues = np.linalg.eigvalsh(table)

        def nobody(a: int) -> bool:
            return False

        found = is_sum_of_squares(poly, nobody, nobody)
        assert found == (bool(poly) and min(eigenvalues) > -1e-9)
        counted[found] += 1
        for a in range(n):
            rest = np.delete(np.delete(table, a, 0), a, 1)
            inside = np.linalg.pinv(rest) @ np.delete(table[a], a)
            alone = table[a, a] - inside @ np.delete(table[a], a)  # what is left of its square
            strict = is_sum_of_squares(poly, nobody, nobody, ((a, 2),))
            assert strict == (found and alone > 1e-9)
    assert min(counted.values()) > 40


def test_ranges_hold_the_values() -> None:
    form = forms()
    counted = 0
    for raw in atoms(form):
        ((((a, _),), _),) = form.poly(raw).items()
        found = form.range_of(a)
        if found is None:
            continue
        low, high = found
        for at in everywhere(3, 12):
            value = value_of(raw, at)
            if low is not None:
                assert value > low[0] if low[1] else value >= low[0]
            if high is not None:
                assert value < high[0] if high[1] else value <= high[0]
        counted += 1
    assert counted == 8


def test_what_is_assumed_is_used_and_nothing_beyond_it() -> None:
    form = forms()
    difference = form.poly(minus(e("a"), e("b")))
    form.assume_positive(difference)
    assert form.positive(difference)
    assert form.positive(scale_poly(difference, 3))
    assert not form.positive(scale_poly(difference, -1))
    assert not form.positive(form.poly(minus(e("a"), ("*", q(2), e("b")))))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (e("x"), True),
        (minus(e("x"), e("y")), True),
        (e("v", i), True),
        (("*", e("a"), e("v", i)), True),
        (minus(e("v", i), e("v", j)), False),  # i may be j
        (e("z"), False),  # a bit
        (minus(e("z"), e("p")), True),
        (("*", e("v", i), e("x")), False),  # of a sign that is not known: factor by factor
        (("f", "sin", e("x")), False),  # not seen
        (minus(e("x"), ("f", "exp", e("x"))), False),  # not alone
    ],
)
def test_what_is_inverted_almost_everywhere(raw: Raw, expected: bool) -> None:
    """Linear in a continuous entry that occurs once: it is 0 almost nowhere."""
    form = forms()
    assert form.generic(form.poly(raw)) is expected
    strict = forms()
    strict.everywhere = True
    assert not strict.generic(strict.poly(raw))


def test_a_closed_term_is_the_number() -> None:
    form: Signs = forms()
    raw = sum_of(("^", ("c", "pi"), q(2)), ("*", q("-1/2"), ("f", "exp", q(1))), q(3))
    closed = form.closed_term(form.poly(raw))  # type: ignore[attr-defined]
    at = At({"D": 1, "C": 2}, {})
    assert closed is not None and abs(value_of(closed, at) - value_of(raw, at)) < 1e-12
    for open_ in (e("x"), N, ("S", k, e("t", k)), ("f", "exp", e("x"))):
        assert form.closed_term(form.poly(open_)) is None  # type: ignore[attr-defined]


def test_unknown_signs_have_no_logarithm_and_no_root() -> None:
    for name, (raw, expected) in SIGNS.items():
        if expected != "":
            continue
        form = forms()
        for attempt in (form.log, lambda poly, form=form: form.power(poly, Fraction(1, 2))):
            with pytest.raises(NotShown):
                attempt(form.poly(raw))
        assert freeze(form.poly(raw)), name


@pytest.mark.parametrize("exponent", ["1/2", "-1/2", "3/2", "-3/2"])
def test_a_root_of_what_is_minus_a_negative_number(exponent: str) -> None:
    """(-log p)^e as exp(e log(-log p)), whose square is a power of -log p."""
    e_, form = Fraction(exponent), forms()
    minus_log = minus(q(0), log(e("p")))
    root = form.poly(("^", minus_log, q(exponent)))
    assert form.mul(root, root) == form.power(form.poly(minus_log), 2 * e_)
    assert form.log(root) == scale_poly(form.log(form.poly(minus_log)), e_)
    for at in everywhere(4, 5):
        expected = (-math.log(at.values["p", ()])) ** float(e_)
        assert abs(value_of_poly(form, root, at) - expected) < 1e-12 * (1 + expected)
    with pytest.raises(NotShown):
        form.power(form.poly(log(e("p"))), e_)
