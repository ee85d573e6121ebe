"""Random small terms: the normal form of the checker has their value, and its signs are theirs.

The numbers are computed here, from the tuples of the checker, by code that shares nothing with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from scipy import special

from symelbo.checker.forms import Forms, Hypotheses
from symelbo.checker.polynomial import Poly
from symelbo.checker.terms import NotShown, Raw

Point = Mapping[str, float]
SCALARS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys("xy", ("real",)),
    **dict.fromkeys("ab", ("positive",)),
    **dict.fromkeys("pq", ("unit",)),
    **dict.fromkeys("zw", ("binary",)),
    "n": ("naturals",),
    "u": ("interval", Fraction(-2), Fraction(3)),
    "m": ("interval", Fraction(1), None),
    "h": ("interval", None, Fraction(0)),
}
NUMBERS = tuple(Fraction(q) for q in ("1", "2", "3", "-1", "-2", "1/2", "-1/2", "3/2", "1/3", "5"))
POSITIVE_ONLY = ("log", "loggamma", "digamma")
EVERYWHERE = ("exp", "abs", "sign", "tanh", "sigmoid", "softplus", "erf", "sin", "cos")
ANGLES = ("sin", "cos")


def entry(name: str) -> Raw:
    return ("v", name, SCALARS[name], ())


def draw_point(random: Random, *, ends: bool) -> dict[str, float]:
    """Admissible values of all scalars; ends: those of ranges now and then."""
    return {
        **{name: random.gauss(0, 1.5) for name in "xy"},
        **{name: random.choice((random.uniform(0.05, 1), random.uniform(1, 4))) for name in "ab"},
        **{name: random.uniform(0.03, 0.97) for name in "pq"},
        **{name: float(random.randint(0, 1)) for name in "zw"},
        "n": float(random.randint(0, 4)),
        "u": random.choice((-2.0, 3.0))
        if ends and random.random() < 0.3
        else random.uniform(-2, 3),
        "m": 1.0 if ends and random.random() < 0.3 else random.uniform(1, 5),
        "h": 0.0 if ends and random.random() < 0.3 else random.uniform(-4, 0),
    }


# ---------------------------------------------------------------- numbers


def call(name: str, *arguments: float) -> float:
    x = arguments[-1]
    if name in POSITIVE_ONLY or name == "polygamma":
        if x <= 0:
            raise ValueError(name)
        if name == "polygamma":
            return float(special.polygamma(int(arguments[0]), x))
        return float(
            {"log": math.log, "loggamma": math.lgamma, "digamma": special.digamma}[name](x)
        )
    functions: dict[str, Callable[[float], float]] = {
        "exp": math.exp,
        "abs": abs,
        "sign": lambda v: math.copysign(1.0, v) if v else 0.0,
        "tanh": math.tanh,
        "sigmoid": special.expit,
        "softplus": lambda v: float(special.logsumexp([0.0, v])),
        "erf": math.erf,
        "sin": math.sin,
        "cos": math.cos,
        "besselratio": lambda v: float(special.ive(1, v) / special.ive(0, v)),
        "logbesseli0": lambda v: float(math.log(special.ive(0, v)) + abs(v)),
    }
    return float(functions[name](x))


def power(base: float, exponent: float) -> float:
    if base < 0 and exponent != int(exponent):
        raise ValueError("a root of a negative number")
    return float(base**exponent)


def value_of(raw: Raw, at: Point) -> tuple[float, float]:
    """The value of a term, and the size of what it was added up from."""
    head, *rest = raw
    if head == "q":
        return float(rest[0]), abs(float(rest[0]))
    if head == "c":
        return math.pi, math.pi
    if head == "v":
        return at[rest[0]], abs(at[rest[0]])
    parts = [value_of(part, at) for part in rest if isinstance(part, tuple)]
    if head == "+":
        return math.fsum(v for v, _ in parts), sum(s for _, s in parts)
    if head == "*":
        return math.prod(v for v, _ in parts), math.prod(max(s, 1e-300) for _, s in parts)
    (v, size), (e, _) = parts[0], parts[-1]
    if head == "^":
        value = power(v, e)
        return value, abs(value) * max(1.0, (size / abs(v)) if v else 1.0)
    value = call(rest[0], *(v for v, _ in parts))
    return value, max(1.0, abs(value)) * max(1.0, size)


def value_of_poly(forms: Forms, poly: Poly, at: Point) -> tuple[float, float]:
    values = []
    for monomial, c in poly.items():
        factors = [power(value_of_atom(forms, forms.atoms[a], at), float(e)) for a, e in monomial]
        values.append(float(c) * math.prod(factors))
    return math.fsum(values), math.fsum(map(abs, values))


def value_of_atom(forms: Forms, atom: tuple[Any, ...], at: Point) -> float:
    head = atom[0]
    if head == "N":
        return float(atom[1])
    if head in ("c", "v"):
        return value_of(atom, at)[0]
    if head == "P":
        return value_of_poly(forms, dict(atom[1]), at)[0]
    assert head == "f", atom
    return call(atom[1], *(value_of_poly(forms, dict(p), at)[0] for p in atom[2:]))


# ---------------------------------------------------------------- terms


def random_term(random: Random, depth: int) -> Raw:
    kind = random.choice("lln+++***^fg") if depth else random.choice("lln")
    if kind == "l":
        return entry(random.choice([*SCALARS, *"xyabp"]))
    if kind == "n":
        return random.choice([*(("q", q) for q in NUMBERS), ("c", "pi")])
    if kind in "+*":
        return (kind, *(random_term(random, depth - 1) for _ in range(random.choice((2, 2, 3)))))
    inner = random_term(random, depth - 1)
    if kind == "^":
        exponent = random.choice((-2, -1, 2, 3, Fraction(1, 2), Fraction(-1, 2), Fraction(2, 3)))
        return ("^", inner, ("q", Fraction(exponent)))
    if kind == "f":
        return ("f", random.choice(EVERYWHERE), inner)
    positive = random_positive(random, depth - 1)
    if random.random() < 0.2:
        return ("f", "polygamma", ("q", Fraction(random.randint(0, 3))), positive)
    return ("f", random.choice(POSITIVE_ONLY), positive)


def random_positive(random: Random, depth: int) -> Raw:
    """A term that is positive at most points, and mostly seen to be."""
    base = random.choice([*map(entry, "abpqm"), *(("q", q) for q in NUMBERS if q > 0)])
    if depth <= 0:
        return base
    match random.randrange(6):
        case 0:
            return ("+", base, random_positive(random, depth - 1))
        case 1:
            return ("*", base, random_positive(random, depth - 1))
        case 2:
            return ("+", base, ("q", random.choice(NUMBERS)))
        case 3:
            return ("+", base, ("^", random_term(random, depth - 1), ("q", Fraction(2))))
        case 4:
            return ("f", "exp", random_term(random, depth - 1))
    return ("+", ("q", Fraction(1)), ("*", ("q", Fraction(-1)), entry(random.choice("pqzuh"))))


def random_angles(random: Random, depth: int) -> Raw:
    """Products and sums of sines and cosines, of numbers above all."""
    if not depth:
        angle = random.choice([*(("q", q) for q in (*NUMBERS, Fraction(0))), entry("x")])
        if random.random() < 0.4:
            angle = ("+", angle, random.choice([("q", Fraction(2)), entry("y"), entry("x")]))
        return ("f", random.choice(ANGLES), angle)
    if random.random() < 0.2:
        return ("^", random_angles(random, 0), ("q", Fraction(random.randint(2, 5))))
    parts = [random_angles(random, depth - 1) for _ in range(random.choice((2, 2, 3)))]
    return (random.choice("+**"), *parts)


# ---------------------------------------------------------------- what is shown is so


def close(left: tuple[float, float], right: tuple[float, float]) -> bool:
    return abs(left[0] - right[0]) <= 1e-7 * (1 + left[1] + right[1])


def agrees(raw: Raw, forms: Forms, poly: Poly, points: Sequence[Point]) -> int:
    """At how many points the normal form has the right value."""
    seen = 0
    for at in points:
        try:
            mine = value_of(raw, at)
            theirs = value_of_poly(forms, poly, at)
        except OverflowError:
            continue
        if max(mine[1], theirs[1]) > 1e12:
            continue
        assert close(mine, theirs), (raw, forms.show(poly), at, mine, theirs)
        seen += 1
    return seen


def tried(make: Callable[[Random], Raw], count: int, seed: int) -> tuple[int, int]:
    """How many terms have a normal form, and at how many points it was compared."""
    random = Random(seed)
    shown = points = 0
    for _ in range(count):
        raw = make(random)
        forms = Forms({}, frozenset(), {})
        try:
            poly = forms.poly(raw)
        except NotShown:
            continue
        shown += 1
        points += agrees(raw, forms, poly, [draw_point(random, ends=False) for _ in range(4)])
    return shown, points


@pytest.mark.parametrize("seed", range(2))
def test_normal_forms_have_the_value_of_the_term(seed: int) -> None:
    shown, points = tried(lambda random: random_term(random, 3), 700, seed)
    assert shown > 150
    assert points > 400


def test_sines_and_cosines_of_sums_and_numbers_have_their_value() -> None:
    shown, points = tried(lambda random: random_angles(random, random.randint(1, 3)), 500, 5)
    assert shown > 400
    assert points > 1500


def test_gamma_functions_that_are_shifted_have_their_value() -> None:
    def make(random: Random) -> Raw:
        order: Raw = ("q", Fraction(random.randint(0, 4)))
        shift: Raw = ("q", Fraction(random.randint(-3, 6), random.choice((1, 1, 2, 3))))
        inside = ("+", random_positive(random, 1), shift)
        if random.random() < 0.4:
            return ("f", "polygamma", order, inside)
        return ("f", random.choice(("loggamma", "digamma")), inside)

    shown, points = tried(make, 600, 6)
    assert shown > 200
    assert points > 800


# ---------------------------------------------------------------- signs, and what is assumed


def random_condition(random: Random) -> Raw:
    """What may stand as a condition: products, quotients and sums of few entries."""

    def factor() -> Raw:
        base: Raw = random.choice([*map(entry, "xyxyxyuzabn"), ("q", Fraction(-1))])
        if random.random() < 0.25:
            base = ("+", base, random.choice([entry("y"), entry("a"), ("q", Fraction(-1))]))
        return ("^", base, ("q", Fraction(random.choice((1, 1, -1, -1, 2, -2, 3, -3)))))

    factors = [factor() for _ in range(random.choice((1, 2, 2, 3)))]
    whole: Raw = factors[0] if len(factors) == 1 else ("*", *factors)
    return ("+", whole, entry(random.choice("xyab"))) if random.random() < 0.15 else whole


def holds(given: Hypotheses, at: Point) -> bool:
    try:
        return all(value_of(raw, at)[0] > 1e-6 for raw in given.positive) and all(
            abs(value_of(raw, at)[0]) > 1e-6 for raw in given.nonzero
        )
    except (ArithmeticError, ValueError):
        return False


def points_where(given: Hypotheses, random: Random) -> list[dict[str, float]]:
    found = (draw_point(random, ends=True) for _ in range(60))
    return [at for at in found if holds(given, at)][:6]


def random_question(random: Random) -> Raw:
    """What asks for signs: few factors, inverses, affine terms and squares."""
    if random.random() < 0.1:  # c0 + c1 v + c2 v^2, for a v of either sign
        v, (c0, c1) = entry(random.choice("xyu")), random.choices(NUMBERS, k=2)
        return ("+", ("q", c0), ("*", ("q", c1), v), ("^", v, ("q", Fraction(2))))
    parts: list[Raw] = []
    for _ in range(random.choice((1, 2, 2, 3))):
        base: Raw = random.choice([*map(entry, "xyabpzunmh"), ("q", random.choice(NUMBERS))])
        if random.random() < 0.3:
            base = ("*", base, entry(random.choice("xyabpu")))
        if random.random() < 0.3:
            base = ("^", base, ("q", Fraction(random.choice((2, 2, -1, -2, 3)))))
        if random.random() < 0.1:
            base = ("f", random.choice(("exp", "erf", "sin", "abs", "softplus")), base)
        parts.append(("*", ("q", random.choice(NUMBERS)), base))
    return ("+", *parts)


def assumed(random: Random) -> tuple[Forms, Hypotheses] | None:
    conditions = tuple(random_condition(random) for _ in range(random.choice((0, 1, 1, 2))))
    nonzero = tuple(random_condition(random) for _ in range(random.choice((0, 0, 1))))
    given = Hypotheses(nonzero=nonzero, positive=conditions)
    forms = Forms({}, frozenset(), {})
    try:
        forms.assume(given)
    except NotShown:
        return None
    return forms, given


@pytest.mark.parametrize("seed", range(2))
def test_what_is_shown_to_be_positive_is_so(seed: int) -> None:
    """Where all conditions hold, the ends of ranges included."""
    random = Random(f"positive {seed}")
    shown = points = 0
    for _ in range(2000):
        found = assumed(random)
        raw = random.choice((random_question, random_condition))(random)
        if found is None:
            continue
        forms, given = found
        try:
            if not forms.positive(forms.poly(raw)):
                continue
        except NotShown:
            continue
        shown += 1
        for at in points_where(given, random):
            try:
                value, size = value_of(raw, at)
            except OverflowError:
                continue
            except ZeroDivisionError:
                continue  # 1/h is of no sign at h = 0, which is almost nowhere so
            assert value > -1e-12 * size, (given, raw, at, value)
            assert value or size < 1e-200, (given, raw, at)
            points += 1
    assert shown > 150
    assert points > 400


def test_what_is_divided_by_under_a_condition_is_not_zero() -> None:
    """Where all conditions hold a normal form has a value, and it is that of the term."""
    random = Random(11)
    shown = 0
    for _ in range(2000):
        found = assumed(random)
        inner = random.choice((random_question, random_condition))(random)
        raw: Raw = random.choice(
            [("^", inner, ("q", Fraction(-1))), ("f", "log", inner), ("f", "abs", inner)]
        )
        if found is None:
            continue
        forms, given = found
        forms.everywhere = True  # nothing is left out because it happens almost nowhere
        try:
            poly = forms.poly(raw)
        except NotShown:
            continue
        shown += 1
        for at in points_where(given, random):
            try:
                mine = value_of(raw, at)
                assert close(mine, value_of_poly(forms, poly, at)), (given, raw, at)
            except OverflowError:
                continue
            except ZeroDivisionError:
                raise AssertionError((given, raw, at)) from None
    assert shown > 150
