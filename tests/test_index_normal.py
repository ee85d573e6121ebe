"""The normal form keeps values and decides equality, whatever bound indices are called."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from calculus import (
    SYMBOLS,
    D,
    H,
    Sigma,
    W,
    c,
    c2,
    d,
    d2,
    d3,
    draw_world,
    h,
    h2,
    inner,
    matrix,
    mu,
    p,
    parameter,
    pi,
    s,
    t,
    v,
    value_of,
    x,
    y,
    z,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from symelbo.index.build import (
    MINUS_ONE,
    ONE,
    add,
    call,
    divide,
    exp,
    log,
    mul,
    negate,
    number,
    power,
    subtract,
    total,
)
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Category, Real
from symelbo.index.normal import is_zero, normal, to_poly
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import free_indices, replace_index, replace_symbols, walk_parts
from symelbo.index.terms import (
    Apply,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Offset,
    Position,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.index.tidy import tidy
from symelbo.trial.evaluate import evaluate

X, Y, S, T, P = (Entry(symbol) for symbol in (x, y, s, t, p))
LAST = Position(Extent("C"))


def w(i: Index, j: Index) -> Term:
    return Entry(W, (i, j))


def simplex(i: Index | Position) -> Term:
    return Entry(pi, (i,))


def sigma(i: Index, j: Index) -> Term:
    return Entry(Sigma, (i, j))


ZETA = subtract(log(simplex(inner)), log(simplex(LAST)))

IDENTITIES = {
    "bound names": subtract(total(h, w(d, h)), total(h2, w(d, h2))),
    "sums commute": subtract(
        total(d, total(h, mul(w(d, h), Entry(v, (h,))))),
        total(h, mul(Entry(v, (h,)), total(d, w(d, h)))),
    ),
    "product of sums": subtract(
        mul(total(h, w(d, h)), total(h2, w(d2, h2))),
        total(h, total(h2, mul(w(d2, h), w(d, h2)))),
    ),
    "square of a sum": subtract(
        power(total(h, w(d, h)), 2), total(h, total(h2, mul(w(d, h), w(d, h2))))
    ),
    "constant summand": subtract(total(h, X), mul(Size("H"), X)),
    "partial fractions": subtract(
        divide(P, subtract(ONE, P)), subtract(power(subtract(ONE, P), -1), ONE)
    ),
    "two denominators": subtract(
        power(mul(P, subtract(ONE, P)), -1), add(power(P, -1), power(subtract(ONE, P), -1))
    ),
    "common denominator": subtract(
        add(divide(X, add(S, T)), divide(Y, add(S, T))), divide(add(X, Y), add(S, T))
    ),
    "log of a product": subtract(
        log(mul(number(6), S, P)), add(log(number(2)), log(number(3)), log(S), log(P))
    ),
    "log exp": subtract(log(exp(X)), X),
    "exp log": subtract(exp(mul(number(2), log(S))), power(S, 2)),
    "exp of a sum": subtract(exp(add(X, Y)), mul(exp(X), exp(Y))),
    "square root": subtract(power(power(S, Fraction(1, 2)), 2), S),
    "log sigmoid": subtract(log(call("sigmoid", X)), subtract(X, call("softplus", X))),
    "log of 1 - sigmoid": add(log(subtract(ONE, call("sigmoid", X))), call("softplus", X)),
    "sigmoid is odd about 1/2": add(call("sigmoid", negate(X)), call("sigmoid", X), MINUS_ONE),
    "softplus of -x": subtract(call("softplus", negate(X)), subtract(call("softplus", X), X)),
    "tanh is odd": add(call("tanh", negate(X)), call("tanh", X)),
    "loggamma shift": subtract(call("loggamma", add(S, ONE)), add(call("loggamma", S), log(S))),
    "digamma shift": subtract(call("digamma", add(S, ONE)), add(call("digamma", S), power(S, -1))),
    "abs squared": subtract(power(call("abs", X), 2), power(X, 2)),
    "abs of a positive": subtract(call("abs", mul(number(-2), S)), mul(number(2), S)),
    "binary square": subtract(power(Entry(z, (h,)), 2), Entry(z, (h,))),
    "simplex": subtract(total(c, simplex(c)), ONE),
    "simplex but for the last": add(total(inner, simplex(inner)), simplex(LAST), MINUS_ONE),
    "delta": subtract(total(c, mul(Delta(c, c2), simplex(c))), simplex(c2)),
    "delta beyond the range": subtract(
        total(inner, mul(Delta(inner, c2), simplex(inner))),
        subtract(simplex(c2), mul(Delta(c2, LAST), simplex(c2))),
    ),
    "inverse": subtract(total(d2, mul(Inverse(matrix(), d, d2), sigma(d2, d3))), Delta(d, d3)),
    "inverse from the right": subtract(
        total(d2, mul(sigma(d, d2), Inverse(matrix(), d2, d3))), Delta(d, d3)
    ),
    "symmetry": subtract(sigma(d, d2), sigma(d2, d)),
    "symmetry of the inverse": subtract(Inverse(matrix(), d, d2), Inverse(matrix(), d2, d)),
    "trace": subtract(total(d, total(d2, mul(Inverse(matrix(), d, d2), sigma(d2, d)))), Size("D")),
    "entropy of a category": add(
        negate(total(inner, mul(simplex(inner), ZETA))),
        negate(log(simplex(LAST))),
        total(c, mul(simplex(c), log(simplex(c)))),
    ),
}

FALSE = {
    "wrong index": subtract(total(h, w(d, h)), total(h, w(d2, h))),
    "square inside": subtract(power(total(h, w(d, h)), 2), total(h, power(w(d, h), 2))),
    "size forgotten": subtract(total(h, X), X),
    "log of a sum": subtract(log(add(S, T)), add(log(S), log(T))),
    "sign of a root": subtract(power(power(X, 2), Fraction(1, 2)), X),
    "delta ignored": subtract(total(c, mul(Delta(c, c2), simplex(c))), total(c, simplex(c))),
    "simplex to C - 1": subtract(total(inner, simplex(inner)), ONE),
    "no inverse": subtract(total(d2, mul(Inverse(matrix(), d, d2), sigma(d, d3))), Delta(d, d3)),
    "real is not binary": subtract(power(X, 2), X),
    "loggamma without its log": subtract(call("loggamma", add(S, ONE)), call("loggamma", S)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_is_decided_and_true(name: str) -> None:
    term = IDENTITIES[name]
    assert is_zero(term)
    for seed in range(5):
        assert abs(value_of(term, draw_world(Random(seed)))) < 1e-9


@pytest.mark.parametrize("name", FALSE)
def test_no_false_identity_is_shown(name: str) -> None:
    term = FALSE[name]
    assert not is_zero(term)
    worlds = (draw_world(Random(seed), {"C": 3, "D": 3, "H": 3}) for seed in range(8))
    assert any(_largest(term, world) > 1e-6 for world in worlds)


def _largest(term: Term, world: object) -> float:
    from itertools import product

    indices = sorted(free_indices(term), key=lambda i: i.name)
    sizes = world.sizes  # type: ignore[attr-defined]
    ranges = [range(i.low, sizes[i.extent.size] + i.extent.offset + 1) for i in indices]
    return max(
        abs(evaluate(term, world, dict(zip(indices, place, strict=True))).value)  # type: ignore[arg-type]
        for place in product(*ranges)
    )


# ---------------------------------------------------------------- random terms


LEAVES = [
    number(2),
    number("-1/3"),
    Size("H"),
    X,
    Y,
    S,
    T,
    P,
    subtract(ONE, P),
    total(h, mul(w(d, h), Entry(z, (h,)))),
    total(h, log(Entry(v, (h,)))),
    total(c, mul(simplex(c), log(simplex(c)))),
    total(inner, mul(simplex(inner), ZETA)),
    LogDet(matrix()),
    Inverse(matrix(), d, d),
    total(d2, mul(Inverse(matrix(), d, d2), Entry(mu, (d2,)))),
    simplex(LAST),
]
POSITIVE_LEAVES = [number(3), S, T, P, subtract(ONE, P), add(S, T), exp(X), simplex(LAST)]

positive_terms = st.recursive(
    st.sampled_from(POSITIVE_LEAVES),
    lambda inner_terms: st.one_of(
        st.builds(lambda a, b: mul(a, b), inner_terms, inner_terms),
        st.builds(lambda a, b: add(a, b), inner_terms, inner_terms),
        st.builds(lambda a, b: divide(a, b), inner_terms, inner_terms),
    ),
    max_leaves=4,
)

terms = st.recursive(
    st.one_of(st.sampled_from(LEAVES), positive_terms, st.builds(log, positive_terms)),
    lambda inner_terms: st.one_of(
        st.builds(lambda a, b: mul(a, b), inner_terms, inner_terms),
        st.builds(lambda a, b: add(a, b), inner_terms, inner_terms),
        st.builds(lambda a, b: subtract(a, b), inner_terms, inner_terms),
        st.builds(lambda a: power(a, 2), inner_terms),
        st.builds(lambda a, b: divide(a, b), inner_terms, positive_terms),
        st.builds(lambda a: call("sigmoid", a), inner_terms),
        st.builds(lambda a: call("softplus", negate(a)), inner_terms),
        st.builds(lambda a: call("tanh", a), inner_terms),
        st.builds(lambda a: total(h2, mul(a, Entry(v, (h2,)))), inner_terms),
        st.builds(lambda a: total(d, mul(a, Entry(mu, (d,)))), inner_terms),
    ),
    max_leaves=6,
)


def _close(left: float, right: float) -> bool:
    return abs(left - right) <= 1e-8 * (1 + abs(left) + abs(right))


def _evaluate_or_none(term: Term, seed: int) -> float | None:
    try:
        result = value_of(term, draw_world(Random(seed)))
    except (OverflowError, ZeroDivisionError, ValueError):
        return None
    return result if abs(result) < 1e8 else None


@settings(max_examples=150, deadline=None)
@given(terms, st.integers(0, 10**6))
def test_normal_form_and_tidy_keep_the_value(term: Term, seed: int) -> None:
    expected = _evaluate_or_none(term, seed)
    if expected is None:
        return
    world = draw_world(Random(seed))
    assert _close(value_of(normal(term), world), expected)
    assert _close(value_of(tidy(term), world), expected)


@settings(max_examples=100, deadline=None)
@given(terms)
def test_normal_form_is_idempotent_and_decides_equality(term: Term) -> None:
    once = normal(term)
    assert to_poly(once) == to_poly(term)
    assert is_zero(subtract(once, term))


@settings(max_examples=100, deadline=None)
@given(terms, st.integers(0, 10**6))
def test_derivative_along_agrees_with_dual_numbers(term: Term, seed: int) -> None:
    random = Random(seed)
    world = draw_world(random)
    field = {}
    velocities = {}
    for symbol in SYMBOLS:
        if symbol in (z, pi, Sigma):
            continue
        direction = parameter("u_" + symbol.name, symbol.domain, *symbol.shape)
        indices = formal_indices(symbol.shape)
        field[symbol] = Array(indices, Entry(direction, indices))
        for (name, place), _ in list(world.values.items()):
            if name == symbol.name:
                velocity = random.gauss(0, 1)
                velocities[name, place] = velocity
                world.values[direction.name, place] = velocity  # type: ignore[index]
    slope = derivative_along(term, field)
    world = world.along(velocities)
    env = {i: i.low for i in free_indices(term)}
    try:
        dual = evaluate(term, world, env)
        value = evaluate(slope, world, env).value
    except (OverflowError, ZeroDivisionError, ValueError):
        return
    if abs(dual.tangent) < 1e6 and abs(dual.value) < 1e6:
        assert abs(dual.tangent - value) <= 1e-7 * (1 + abs(value) + abs(dual.value))


def test_matrix_differentials_along_a_symmetric_direction() -> None:
    """d log det S = tr(S^-1 dS), d S^-1 = -S^-1 dS S^-1, by dual numbers."""
    direction = parameter("B", Sigma.domain, D, D)
    field = {Sigma: Array((d, d2), Entry(direction, (d, d2)))}
    for seed in range(6):
        random = Random(seed)
        world = draw_world(random)
        n = world.sizes["D"]
        for i in range(1, n + 1):
            for j in range(i, n + 1):
                entry = random.gauss(0, 1)
                for place in ((i, j), (j, i)):
                    world.values["B", place] = entry  # type: ignore[index]
        world = world.along(
            {
                ("Sigma", place): value
                for (name, place), value in world.values.items()
                if name == "B"
            }
        )
        for term in (LogDet(matrix()), Inverse(matrix(), d, d2)):
            env = {i: 1 for i in free_indices(term)}
            dual = evaluate(term, world, env)
            slope = evaluate(derivative_along(term, field), world, env).value
            assert abs(dual.tangent - slope) < 1e-9 * (1 + abs(slope))


def test_replacement_does_not_capture() -> None:
    """h -> k in sum_k W[d, k] v[h] keeps the two apart."""
    inside = total(h2, mul(w(d, h2), Entry(v, (h,))))
    moved = replace_index(inside, h, h2)
    assert free_indices(moved) == {d, h2}
    world = draw_world(Random(1), {"C": 2, "D": 2, "H": 3})
    for place in (1, 2, 3):
        direct = evaluate(inside, world, {d: 1, h: place}).value
        assert abs(evaluate(moved, world, {d: 1, h2: place}).value - direct) < 1e-12


def test_a_symbol_is_replaced_without_capture() -> None:
    """x -> W[d, h] under sum_h keeps the incoming h free: sum_h v[h] x -> sum_g v[g] W[d, h]."""
    inside = total(h, mul(Entry(v, (h,)), X))
    moved = replace_symbols(inside, {x: Array((), w(d, h))})
    assert free_indices(moved) == {d, h}
    world = draw_world(Random(2), {"C": 2, "D": 2, "H": 3})
    everything = sum(world.values["v", (k,)] for k in (1, 2, 3))
    for place in (1, 2, 3):
        expected = everything * world.values["W", (2, place)]
        assert abs(evaluate(moved, world, {d: 2, h: place}).value - expected) < 1e-12


def test_extents_of_equal_name_but_other_range_differ() -> None:
    short = Index("h", Extent("H", -1))
    assert not is_zero(subtract(total(h, w(d, h)), total(short, w(d, short))))
    difference = subtract(total(h, w(d, h)), total(short, w(d, short)))
    assert is_zero(subtract(difference, Entry(W, (d, Position(H)))))
    assert D != H


def test_a_sum_is_completed_only_to_places_that_there_are() -> None:
    """sum_{h < H} f(h) -> sum_h f(h) - f(H) needs f at H: neither v[H+1], nor g[H] of H - 1."""
    less = Extent("H", -1)
    short, i, j = Index("h", less), Index("i", less), Index("j", less)
    g = Symbol("g", Role.FUNCTION, Real(), (less,))
    a = Symbol("a", Role.LATENT, Category(Size("H")), (less,))
    for term in (
        power(Entry(v, (Offset(short, 1),)), 2),
        Apply(g, (Array((), Y),), (short,)),
        Apply(g, (Array((i,), Entry(v, (i,))),), (Position(Extent(None, 1)),), ((0, (short,)),)),
        Entry(v, (Entry(a, (short,)),)),
        Inverse(Array((i, j), add(Delta(i, j), w(i, j))), short, short),
    ):
        whole = normal(total(short, term))
        bound = [part for part in walk_parts(whole, binders=True) if isinstance(part, Index)]
        assert {index.extent for index in bound} == {less}
    completed = normal(total(short, Entry(v, (short,))))
    assert Extent("H") in {
        p.extent for p in walk_parts(completed, binders=True) if isinstance(p, Index)
    }
