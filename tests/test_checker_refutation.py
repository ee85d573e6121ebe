"""Refutations that are right by hand are accepted; nothing that differs from them is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import pytest

from symelbo.checker.domains import DOMAINS
from symelbo.checker.refutation import _covers, check_refutation
from symelbo.checker.statement import Case, Density, Moved, Refutation, Row, Symbol
from symelbo.checker.terms import Raw, minus, sum_of

AT = ((("z", ()), 0),)  # z, at the only value of the inputs
ONE_HALF = ("q", Fraction(-1, 2))


def q(value: int) -> Raw:
    return ("q", Fraction(value))


def symbol(name: str, role: str, word: str) -> Symbol:
    return Symbol(name, role, DOMAINS[word]())


W = symbol("w", "parameter", "real")
COUNT, REAL = symbol("z", "latent", "naturals"), symbol("z", "latent", "real")
X = symbol("x", "observed", "real")


def entry(symbol_: Symbol) -> Raw:
    return ("v", symbol_.name, symbol_.kind, ())


def density(node: Symbol, mean: Raw) -> Density:
    """log p = -(v - mean)**2/2, up to a constant that counts for nothing."""
    log_p = ("*", ONE_HALF, ("^", minus(entry(node), mean), q(2)))
    return Density(node.name, node, (), (), node.domain, log_p, (), ())


def mean(z: Symbol) -> Raw:
    """w z**2 + z"""
    return sum_of(("*", entry(W), ("^", entry(z), q(2))), entry(z))


def row(factor: str, value: int, weight: int, **parents: int) -> Row:
    given = tuple(((name, ()), Fraction(x)) for name, x in sorted(parents.items()))
    own = (((factor, ()), Fraction(value)),)
    return Row(factor, (), 0, 0, given, own, (Fraction(weight),))


# sum_z c_z = 0 and sum_z c_z z**2 = 0, so that w' is left nowhere, but sum_z c_z z = -2; between
# x = 0 and x = 1, so that H~ is left nowhere, and b by sum_z c_z
WEIGHTS = {0: 3, 1: -4, 2: 1}
ROWS = tuple(row("x", x, c * (2 * x - 1), z=z) for z, c in WEIGHTS.items() for x in (0, 1))


def refutation(*cases: Case, still: bool = False) -> Refutation:
    factors = ("x",) if len(cases) == 1 else ("z", "x")
    return Refutation(factors, {}, {}, (), (((("w", ()), Fraction(3)),),), ((),), cases, still)


def case(rows: tuple[Row, ...], total: int, **said: tuple[Moved, ...]) -> Case:
    given = {"moving": (), "resting": (), **said}
    return Case(
        given["moving"], given["resting"], rows, (), ((q(total),),), (), given.get("shifted", ())
    )


RIGHT = case(ROWS, -2)


def reasons(found: Refutation, z: Symbol = COUNT) -> list[str]:
    densities = [density(z, q(0)), density(X, mean(z))]
    symbols = {s.name: s for s in (W, z, X)}
    return check_refutation(found, densities, symbols, {})


def test_a_refutation_by_hand_is_accepted() -> None:
    assert reasons(refutation(RIGHT)) == []


def changes() -> Iterator[tuple[str, Case]]:
    for n, old in enumerate(ROWS):

        def with_row(new: Row, n: int = n) -> Case:
            return RIGHT._replace(rows=(*ROWS[:n], new, *ROWS[n + 1 :]))

        (weight,) = old.weights
        yield f"weight {n}", with_row(old._replace(weights=(weight + 1,)))
        yield f"no row {n}", RIGHT._replace(rows=ROWS[:n] + ROWS[n + 1 :])
        ((at, x),) = old.value
        yield f"value {n}", with_row(old._replace(value=((at, x + 2),)))
        ((at, z),) = old.parents
        yield f"parent {n}", with_row(old._replace(parents=((at, z + 3),)))
        yield f"half a count {n}", with_row(old._replace(parents=((at, z + Fraction(1, 2)),)))
        yield f"no parent {n}", with_row(old._replace(parents=()))
        yield f"another point {n}", with_row(old._replace(point=1))
        yield f"other inputs {n}", with_row(old._replace(inputs=1))
        yield f"another factor {n}", with_row(old._replace(factor="y"))
    yield "another sum", RIGHT._replace(matrix=((q(-3),),))
    yield "no sum", RIGHT._replace(matrix=())
    yield "no rows", RIGHT._replace(rows=())
    yield "a count moves", RIGHT._replace(moving=AT)
    weightless = tuple(r._replace(weights=(Fraction(0),)) for r in ROWS)
    yield "without weights", RIGHT._replace(rows=weightless, matrix=((q(0),),))


@pytest.mark.parametrize(("name", "changed"), list(changes()))
def test_nothing_else_is_accepted(name: str, changed: Case) -> None:
    assert reasons(refutation(changed))


# weights from which one unknown alone does not drop out
LEFT: dict[str, tuple[Case, str]] = {
    # at x = 0 alone: sum c = 0, and sum c (3 z**2 + z) z**2 = 0
    "H~": (case(tuple(row("x", 0, c, z=z) for z, c in ((0, 13), (1, -14), (2, 1))), 14), "H~ of x"),
    # at z = 0 alone
    "b": (case((row("x", 0, -2, z=0), row("x", 1, 2, z=0)), -1), "b of x"),
    "a velocity": (
        case(
            tuple(row("x", x, c * (2 * x - 1), z=z) for z, c in ((0, -2), (2, 2)) for x in (0, 1)),
            28,
        ),
        "velocity of w",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_every_unknown_has_to_drop_out(name: str) -> None:
    found, left = LEFT[name]
    assert {*reasons(refutation(found))} == {f"case 1: the weights do not annihilate {left}"}


def test_the_base_measure_of_a_latent_that_is_shifted_drops_out_too() -> None:
    """Of log p = -z**4/4: sum w = 0 and sum w z**3 = 0, but sum w z is -6."""
    quartic = density(REAL, q(0))._replace(
        log_density=("*", ("q", Fraction(-1, 4)), ("^", entry(REAL), q(4)))
    )
    at = AT
    shifted = case(
        tuple(row("z", z, w) for z, w in ((0, 7), (1, -8), (2, 1))), -2, moving=at, shifted=at
    )
    found = Refutation(("z",), {}, {}, (), ((),), ((),), (shifted,), False)
    (reason,) = check_refutation(found, [quartic], {"z": REAL}, {})
    assert reason == "case 1: the weights do not annihilate base of z"


def test_a_point_lies_in_the_domains() -> None:
    """The same weights at half the counts, where they annihilate as much."""
    halved = tuple(
        old._replace(parents=tuple((at, z / 2) for at, z in old.parents)) for old in ROWS
    )
    found = refutation(RIGHT._replace(rows=halved, matrix=((q(-1),),)))
    assert reasons(found._replace(still=True), REAL) == []
    assert reasons(found)


def test_sizes_are_those_at_which_the_model_exists() -> None:
    found = refutation(RIGHT)._replace(sizes={"H": 1})
    densities = [density(X, mean(COUNT))]
    symbols = {s.name: s for s in (W, COUNT, X)}
    assert check_refutation(found, densities, symbols, {"H": 1}) == []
    assert check_refutation(found, densities, symbols, {"H": 2})
    assert check_refutation(found._replace(sizes={"H": 0}), densities, symbols, {})


def test_a_real_latent_may_move_unless_it_is_still() -> None:
    """Where z moves as well, (r z + s) d mean/dz = (r z + s)(2 w z + 1) is left of the weights."""
    assert any("annihilate" in reason for reason in reasons(refutation(RIGHT), REAL))
    assert reasons(refutation(RIGHT, still=True), REAL) == []
    at = AT
    rests = case(ROWS, -2, resting=at)
    assert any("cover" in reason for reason in reasons(refutation(rests), REAL))


def test_a_factor_in_which_nothing_moves_has_a_constant_density() -> None:
    """log p(z) = -z**2/2 at two values is a contradiction if z rests, and none if it may move."""
    at = AT
    rests = case((row("z", 0, 2), row("z", 2, -2)), 4, resting=at)
    # z moves: -2 from the weights -1, 2, -1 at -1, 0, 1, of which r z**2 leaves 2 r: r = 1/2 solves
    moves = case((row("z", -1, -1), row("z", 0, 2), row("z", 1, -1)), 1, moving=at)
    shifted = case((row("z", -1, -1), row("z", 0, 2), row("z", 1, -1)), 1, moving=at, shifted=at)
    found = reasons(refutation(rests, moves, shifted), REAL)
    assert [reason[:6] for reason in found] == ["case 2"] and "rate of z" in found[0]
    # the others are contradictions, but they are not everything
    assert any("cover" in reason for reason in reasons(refutation(rests, shifted), REAL))


WAYS = ("rests", "moves", "is shifted")


def test_a_case_covers_the_choices_that_agree_with_it() -> None:
    y, z = (("y", ()), 0), (("z", ()), 1)
    cases = [
        Case(
            tuple(p for p, way in taken.items() if way in ("moves", "is shifted")),
            tuple(p for p, way in taken.items() if way == "rests"),
            (),
            (),
            (),
            (),
            tuple(p for p, way in taken.items() if way == "is shifted"),
        )
        for ways in product((None, *WAYS), repeat=2)
        for taken in [dict(zip((y, z), ways, strict=True))]
    ]
    for own, found in zip(product((None, *WAYS), repeat=2), cases, strict=True):
        for choice in product(WAYS, repeat=2):
            agrees = all(a is None or a == b for a, b in zip(own, choice, strict=True))
            assert _covers(found, dict(zip((y, z), choice, strict=True))) is agrees
    both = Case((y,), (y,), (), (), ())
    assert not any(_covers(both, {y: way}) for way in WAYS)
