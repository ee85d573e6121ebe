"""The kernel's zero test: what it shows, what it must refuse, and its derivative."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from symelbo.index.build import (
    ONE,
    ZERO,
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
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.verify.evaluate import evaluate
from symelbo.verify.identity import _scene, _with_nodes, draw_world
from symelbo.verify.kernel import Hypotheses, derivative_along, encode, is_zero, minus, prove_zero
from symelbo.verify.language import NotShown

VERIFY = Path(__file__).parent.parent / "symelbo" / "verify"
HALF = number(Fraction(1, 2))
TWO = number(2)


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, Domain(kind), tuple(Extent(s) for s in shape))


def index(name: str, size: str, offset: int = 0, low: int = 1) -> Index:
    return Index(name, Extent(size, offset), low)


x, y = Entry(symbol("x", "real")), Entry(symbol("y", "real"))
a, b = Entry(symbol("a", "positive")), Entry(symbol("b", "positive"))
p = Entry(symbol("p", "unit"))
z = Entry(symbol("z", "binary", role=Role.LATENT))
n = Entry(symbol("n", "naturals"))
PI = symbol("pi", "simplex", "C")
V, W = symbol("v", "real", "D"), symbol("w", "real", "D", "D")
T, U = symbol("t", "positive", "D"), symbol("u", "unit", "D")
S = symbol("S", "posdef", "D", "D")
I, J, K, L = (index(name, "D") for name in "ijkl")
C, C1, LAST = index("c", "C"), index("c1", "C", -1), Position(Extent("C"))
CAT = Entry(Symbol("k", Role.LATENT, Domain("category")))
PROBE = symbol("F", "real", "C", "D")


def v(i: IndexTerm) -> Term:
    return Entry(V, (i,))


def w(i: IndexTerm, j: IndexTerm) -> Term:
    return Entry(W, (i, j))


def inv(i: IndexTerm, j: IndexTerm) -> Term:
    return Inverse(
        Array((index("r", "D"), index("q", "D")), Entry(S, (index("r", "D"), index("q", "D")))),
        i,
        j,
    )


def s(i: IndexTerm, j: IndexTerm) -> Term:
    return Entry(S, (i, j))


def pi(i: IndexTerm) -> Term:
    return Entry(PI, (i,))


def sigmoid(t: Term) -> Term:
    return call("sigmoid", t)


u = Entry(U, (I,))
TRUE: dict[str, tuple[Term, Term]] = {
    "log of a sigmoid": (log(sigmoid(x)), subtract(x, call("softplus", x))),
    "log of 1 - sigmoid": (log(subtract(ONE, sigmoid(x))), negate(call("softplus", x))),
    "sigmoid of -a": (sigmoid(negate(x)), subtract(ONE, sigmoid(x))),
    "softplus of -a": (call("softplus", negate(x)), subtract(call("softplus", x), x)),
    "tanh by sigmoid": (call("tanh", x), subtract(mul(TWO, sigmoid(mul(TWO, x))), ONE)),
    "tanh is odd": (call("tanh", negate(x)), negate(call("tanh", x))),
    "log exp": (log(exp(x)), x),
    "exp log": (exp(log(a)), a),
    "exp of a half log": (exp(mul(HALF, log(a))), power(a, Fraction(1, 2))),
    "roots": (
        power(mul(number(8), a), Fraction(1, 2)),
        mul(TWO, power(mul(TWO, a), Fraction(1, 2))),
    ),
    "log of a product": (
        log(mul(TWO, a, power(b, -2))),
        add(log(TWO), log(a), mul(number(-2), log(b))),
    ),
    "log of a number": (log(number(12)), add(log(number(3)), mul(TWO, log(TWO)))),
    "log of an expanded square": (
        log(add(ONE, mul(number(-2), p), mul(p, p))),
        mul(TWO, log(subtract(ONE, p))),
    ),
    "loggamma": (call("loggamma", add(a, TWO)), add(call("loggamma", a), log(a), log(add(a, ONE)))),
    "digamma": (call("digamma", add(a, ONE)), add(call("digamma", a), power(a, -1))),
    "trigamma": (
        call("polygamma", ONE, add(a, ONE)),
        subtract(call("polygamma", ONE, a), power(a, -2)),
    ),
    "binary": (power(z, 2), z),
    "exp of binary": (mul(z, exp(mul(z, x))), add(mul(z, exp(mul(z, z, x))))),
    "abs of a positive": (call("abs", mul(negate(a), x)), mul(a, call("abs", x))),
    "erf is odd": (call("erf", negate(x)), negate(call("erf", x))),
    "e": (log(Constant("e")), ONE),
    "partial fractions": (
        total(I, divide(u, subtract(ONE, u))),
        subtract(total(I, power(subtract(ONE, u), -1)), Size("D")),
    ),
    "two poles": (
        total(I, power(mul(u, subtract(ONE, u)), -1)),
        add(total(I, power(u, -1)), total(I, power(subtract(ONE, u), -1))),
    ),
    "an expanded denominator": (
        total(I, power(subtract(u, mul(u, u)), -1)),
        add(total(I, power(u, -1)), total(I, power(subtract(ONE, u), -1))),
    ),
    "alpha": (total(I, v(I)), total(J, v(J))),
    "a shadowed index": (
        Sum(I, Mul((v(I), Sum(I, v(I))))),
        power(total(J, v(J)), 2),
    ),
    "exchanged sums": (
        total(I, total(J, mul(w(I, J), v(J)))),
        total(I, total(J, mul(w(J, I), v(I)))),
    ),
    "a product of sums": (
        mul(total(I, v(I)), total(I, v(I))),
        total(I, total(J, mul(v(I), v(J)))),
    ),
    "a square of a nested sum": (
        total(I, power(total(J, w(I, J)), 2)),
        total(I, total(J, total(K, mul(w(I, K), w(I, J))))),
    ),
    "scales under a sum of logs": (
        total(I, log(add(ONE, mul(TWO, Entry(T, (I,)))))),
        total(J, add(log(TWO), log(add(HALF, Entry(T, (J,)))))),
    ),
    "one denominator in two sums": (
        total(I, power(add(ONE, mul(TWO, Entry(T, (I,)))), -1)),
        mul(HALF, total(J, power(add(HALF, Entry(T, (J,))), -1))),
    ),
    "delta in a sum": (total(J, mul(Delta(I, J), v(J))), v(I)),
    "deltas of free indices": (mul(Delta(I, J), v(J)), mul(Delta(I, J), v(I))),
    "a case distinction": (mul(Delta(I, J), subtract(v(I), v(J)), w(I, J)), ZERO),
    "a double sum of delta": (total(I, total(J, Delta(I, J))), Size("D")),
    "delta and categories": (total(C, mul(Delta(C, CAT), log(pi(C)))), log(pi(CAT))),
    "the last place": (total(C, pi(C)), ONE),
    "all but the last place": (total(C1, pi(C1)), subtract(ONE, pi(LAST))),
    "a sum split at its last place": (
        total(C, mul(pi(C), log(pi(C)))),
        add(total(C1, mul(pi(C1), log(pi(C1)))), mul(pi(LAST), log(pi(LAST)))),
    ),
    "a sum split at its first place": (
        total(I, v(I)),
        add(v(Position(Extent(None, 1))), total(index("m", "D", low=2), v(index("m", "D", low=2)))),
    ),
    "delta of the last place": (total(C1, mul(Delta(C1, LAST), pi(C1))), ZERO),
    "a free index splits": (
        total(C1, mul(Delta(C1, C), pi(C1))),
        mul(subtract(ONE, Delta(C, LAST)), pi(C)),
    ),
    "softmax": (
        total(C, divide(exp(Entry(PROBE, (C, I))), total(C, exp(Entry(PROBE, (C, I)))))),
        ONE,
    ),
    "softmax, last place apart": (
        divide(
            add(exp(Entry(PROBE, (LAST, I))), total(C1, exp(Entry(PROBE, (C1, I))))),
            total(C, exp(Entry(PROBE, (C, I)))),
        ),
        ONE,
    ),
    "inverse": (total(J, mul(inv(I, J), s(J, K))), Delta(I, K)),
    "inverse, transposed": (total(J, mul(s(K, J), inv(J, I))), Delta(I, K)),
    "trace": (total(I, total(J, mul(inv(I, J), s(J, I)))), Size("D")),
    "quadratic form": (
        total(I, total(J, total(K, mul(v(I), inv(I, J), s(J, K), v(K))))),
        total(I, mul(v(I), v(I))),
    ),
    "symmetric inverse": (inv(I, J), inv(J, I)),
    "inverse of a multiple": (
        Inverse(Array((K, L), mul(a, s(K, L))), I, J),
        divide(inv(I, J), a),
    ),
    "inverse of a diagonal": (
        Inverse(Array((K, L), mul(Delta(K, L), Entry(T, (K,)))), I, J),
        mul(Delta(I, J), power(Entry(T, (I,)), -1)),
    ),
    "determinant of a diagonal": (
        LogDet(Array((K, L), mul(Delta(K, L), Entry(T, (K,))))),
        total(I, log(Entry(T, (I,)))),
    ),
    "determinant of a multiple": (
        LogDet(Array((K, L), mul(a, s(K, L)))),
        add(LogDet(Array((K, L), s(K, L))), mul(Size("D"), log(a))),
    ),
    "concrete sums": (
        Sum(Index("m", Extent(None, 3)), IndexValue(Index("m", Extent(None, 3)))),
        number(6),
    ),
    "a shifted index value": (IndexValue(Offset(I, 1)), add(IndexValue(I), ONE)),
}


@pytest.mark.parametrize("name", TRUE)
def test_identities_are_shown(name: str) -> None:
    left, right = TRUE[name]
    prove_zero(subtract(left, right))
    assert numerically_zero(subtract(left, right))
    assert not is_zero(subtract(left, mul(TWO, right))) or right == ZERO
    assert not is_zero(add(subtract(left, right), number(Fraction(1, 97))))


FROM2, TO1, END = index("m", "D", low=2), index("m", "D", -1), Position(Extent("D"))
EMPTY = total(C1, exp(Entry(PROBE, (C1, I))))


def same(term: Term) -> Term:
    """t - t, not folded."""
    return Add((term, Mul((number(-1), term))))


REFUSED: dict[str, Term] = {
    # each is false, undefined somewhere, or lacks a hypothesis
    "x/x": subtract(Mul((x, Power(x, number(-1)))), ONE),
    "1/x - 1/x": Add((Power(x, number(-1)), Mul((number(-1), Power(x, number(-1)))))),
    "0/x": Mul((ZERO, Power(x, number(-1)))),
    "log x^2": subtract(log(power(x, 2)), mul(TWO, log(x))),
    "sqrt x^2": subtract(Power(power(x, 2), HALF), x),
    "exp log x": subtract(exp(log(x)), x),
    "log of a difference": Add((log(subtract(a, b)), Mul((number(-1), log(subtract(a, b)))))),
    "1/z": subtract(Mul((z, Power(z, number(-1)))), ONE),
    "1/(1 - z)": subtract(Mul((subtract(ONE, z), Power(subtract(ONE, z), number(-1)))), ONE),
    "1/n": subtract(Mul((n, Power(n, number(-1)))), ONE),
    "1/(1 - pi_c)": subtract(
        Mul((subtract(ONE, pi(C)), Power(subtract(ONE, pi(C)), number(-1)))), ONE
    ),
    "digamma of a real": subtract(
        call("digamma", add(x, ONE)), add(call("digamma", x), power(x, -1))
    ),
    "sums of different entries": subtract(total(I, w(I, J)), total(I, w(J, I))),
    "captured index": subtract(total(I, mul(v(I), v(J))), total(J, mul(v(J), v(J)))),
    "free indices differ": subtract(v(I), v(J)),
    "delta is not one": subtract(Delta(I, J), ONE),
    "delta is not zero": Delta(I, J),
    "delta out of range": subtract(total(C1, mul(Delta(C1, C), pi(C1))), pi(C)),
    "category out of range": subtract(total(C1, mul(Delta(C1, CAT), log(pi(C1)))), log(pi(CAT))),
    "delta of an offset at the edge": subtract(
        total(J, mul(Delta(J, Offset(I, 1)), v(J))), v(Offset(I, 1))
    ),
    "simplex over another size": subtract(total(I, u), ONE),
    "two simplex factors": subtract(total(C, mul(pi(C), pi(C))), ONE),
    "sum of ones short by one": subtract(total(C1, ONE), Size("C")),
    "inverse of nothing known": subtract(
        total(J, mul(Inverse(Array((K, L), w(K, L)), I, J), w(J, K))), Delta(I, K)
    ),
    "inverse, wrong place": subtract(total(J, mul(inv(J, J), s(I, K))), Delta(I, K)),
    "matrix selected by its own column": subtract(
        total(
            J,
            mul(
                Inverse(
                    Array((K, L), Entry(symbol("M", "posdef", "D", "D", "D"), (J, K, L))), I, J
                ),
                Entry(symbol("M", "posdef", "D", "D", "D"), (J, J, L)),
            ),
        ),
        Delta(I, L),
    ),
    "sigmoid": subtract(sigmoid(negate(x)), sigmoid(x)),
    "an unknown function": subtract(call("mystery", x), call("mystery", y)),
    "sizes": subtract(Size("C"), Size("D")),
    "log of an unsigned sum": same(log(add(a, x))),
    "loggamma of a real": same(call("loggamma", x)),
    "log of an entry off the diagonal": same(log(s(I, J))),
    "abs x is not x": subtract(call("abs", x), x),
    "delta of the last place in an empty range": subtract(
        total(FROM2, mul(Delta(FROM2, END), v(FROM2))), v(END)
    ),
    "a range that starts late": subtract(total(FROM2, v(FROM2)), add(v(END), total(TO1, v(TO1)))),
    "two places split off a range of one": subtract(
        total(I, ONE), add(TWO, total(index("m", "D", low=3), ONE))
    ),
    "simplex by an index of another size": subtract(total(I, pi(I)), ONE),
    "a sum that may be empty": subtract(Mul((EMPTY, Power(EMPTY, number(-1)))), ONE),
    "one name with two ranges": same(Sum(index("i", "D", -1), v(I))),
    "inverse over a part of the range": subtract(
        total(TO1, mul(inv(I, TO1), s(TO1, K))), Delta(I, K)
    ),
    "diagonal of the inverse": subtract(total(J, mul(inv(J, J), s(J, K))), ONE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_false_or_undefined_is_refused(name: str) -> None:
    assert not is_zero(REFUSED[name])


def test_assumed_conditions_are_used_and_only_those() -> None:
    term = subtract(Mul((x, Power(x, number(-1)))), ONE)
    assert not is_zero(term)
    assert is_zero(term, given=Hypotheses.of([x]))
    assert is_zero(term, given=Hypotheses.of([mul(x, y)]))  # then both are nonzero
    assert not is_zero(term, given=Hypotheses.of([y]))
    assert not is_zero(term, given=Hypotheses.of([add(x, y)]))
    quotient = Mul((add(x, y), Power(add(x, y), number(-1))))
    assert is_zero(subtract(quotient, ONE), given=Hypotheses.of([subtract(negate(x), y)]))


def test_same_function_of_equal_arguments_is_one_atom() -> None:
    f = symbol("f", "real", "D", role=Role.FUNCTION)

    def apply(body: Term, i: Index) -> Term:
        return Apply(f, (Array((I,), body),), (i,))

    left, right = apply(add(v(I), log(exp(x))), J), apply(add(x, v(I)), J)
    assert is_zero(subtract(left, right))
    assert not is_zero(subtract(left, apply(add(y, v(I)), J)))


# --------------------------------------------------------------------------------- derivative

UNKNOWN_FIELD = {
    "x": ((), Entry(symbol("dx", "real"))),
    "a": ((), Entry(symbol("da", "real"))),
    "p": ((), Entry(symbol("dp", "real"))),
    "v": ((K,), Entry(symbol("dv", "real", "D"), (K,))),
    "w": ((K, L), Entry(symbol("dw", "real", "D", "D"), (K, L))),
    "S": ((K, L), Entry(symbol("dS", "posdef", "D", "D"), (K, L))),
    "pi": ((C,), Entry(symbol("dpi", "real", "C"), (C,))),
}
F = symbol("f", "real", "D", role=Role.FUNCTION)
DIFFERENTIATED: list[Term] = [
    mul(x, x, a),
    divide(x, a),
    Power(a, x),
    Power(a, HALF),
    *(call(name, x) for name in ("exp", "tanh", "sigmoid", "softplus", "abs", "erf", "sin", "cos")),
    *(call(name, a) for name in ("log", "loggamma", "digamma", "log1p", "besselratio")),
    call("polygamma", ONE, a),
    log(divide(p, subtract(ONE, p))),
    total(I, mul(v(I), total(J, mul(w(I, J), v(J))))),
    total(C, mul(pi(C), log(pi(C)))),
    log(pi(CAT)),
    total(I, total(J, mul(v(I), inv(I, J), v(J)))),
    LogDet(Array((K, L), s(K, L))),
    LogDet(Array((K, L), add(Delta(K, L), total(I, mul(w(I, K), w(I, L)))))),
    total(I, mul(v(I), Apply(F, (Array((J,), mul(x, v(J))), Array((), a)), (I,)))),
    total(I, total(J, Apply(F, (Array((K,), mul(w(J, K), v(K))),), (I,)))),
    total(I, Apply(F, (Array((J,), mul(v(J), v(J))),), (I,), ((0, (I,)),))),
]


@pytest.mark.parametrize("term", DIFFERENTIATED, ids=range(len(DIFFERENTIATED)))
def test_derivative_agrees_with_dual_numbers_and_differences(term: Term) -> None:
    """The kernel's derivative, printed back as a term, against the other differentiator."""
    back = _Back().term(derivative_along(term, UNKNOWN_FIELD))
    scene = _scene([term, back, *(body for _, body in UNKNOWN_FIELD.values()), S, V, W, PI])
    random = Random(3)
    for _ in range(4):
        world = _with_nodes(draw_world(scene, random), scene, random)
        names = set(UNKNOWN_FIELD)
        world.velocities = {
            (name, at): world.values["d" + name, at]
            for name, at in world.values
            if name in names and ("d" + name, at) in world.values
        }
        tangent = evaluate(term, world).tangent
        world._matrices.clear()
        assert evaluate(back, world).value == pytest.approx(tangent, rel=1e-9, abs=1e-9)
        step = 1e-6
        shifted = []
        for sign in (1, -1):
            moved = {
                k: t + sign * step * world.velocities.get(k, 0.0) for k, t in world.values.items()
            }
            other = draw_world(scene, Random(0))
            other.sizes, other.values, other.functions = world.sizes, moved, world.functions
            shifted.append(evaluate(term, other).value)
        assert (shifted[0] - shifted[1]) / (2 * step) == pytest.approx(tangent, rel=2e-5, abs=2e-5)


class _Back:
    """Raw tuples -> Term, for numbers in these tests only."""

    SYMBOLS: dict[str, Symbol] = {
        e.symbol.name: e.symbol
        for e in [x, y, a, b, p, z, n, CAT, *(body for _, body in UNKNOWN_FIELD.values())]
        if isinstance(e, Entry)
    } | {t.name: t for t in (PI, V, W, T, U, S, F, PROBE)}

    def index(self, i: tuple[object, ...]) -> IndexTerm:
        match i:
            case ("i", str(name), int(low), str(size), int(offset)):
                return Index(name, Extent(size or None, offset), low)
            case ("p", str(size), int(offset)):
                return Position(Extent(size or None, offset))
            case ("e", str(name), _, _, tuple(where)):
                return Entry(self.SYMBOLS[name], tuple(self.index(k) for k in where))
        raise AssertionError(i)

    def term(self, raw: tuple[object, ...]) -> Term:
        match raw:
            case ("q", Fraction() as value):
                return Number(value)
            case ("n", str(name)):
                return Size(name)
            case ("c", str(name)):
                return Constant(name)
            case ("v", str(name), _, tuple(where)):
                return Entry(self.SYMBOLS[name], tuple(map(self.index, where)))
            case ("+", *parts):
                return Add(tuple(map(self.term, parts)))  # type: ignore[arg-type]
            case ("*", *parts):
                return Mul(tuple(map(self.term, parts)))  # type: ignore[arg-type]
            case ("^", tuple(base), tuple(exponent)):
                return Power(self.term(base), self.term(exponent))
            case ("f", str(name), *parts):
                return call(name, *map(self.term, parts))  # type: ignore[arg-type]
            case ("S", tuple(i), tuple(body)):
                variable = self.index(i)
                assert isinstance(variable, Index)
                return Sum(variable, self.term(body))
            case ("d", tuple(i), tuple(j)):
                return Delta(self.index(i), self.index(j))
            case ("Inv", tuple(array), tuple(i), tuple(j)):
                return Inverse(self.array(array), self.index(i), self.index(j))
            case ("LD", tuple(array)):
                return LogDet(self.array(array))
            case ("A", str(name), _, tuple(arrays), tuple(where), tuple(slots)):
                return Apply(
                    self.SYMBOLS[name],
                    tuple(map(self.array, arrays)),
                    tuple(map(self.index, where)),
                    tuple((slot, tuple(map(self.index, at))) for slot, at in slots),
                )
        raise AssertionError(raw)

    def array(self, array: tuple[object, ...]) -> Array:
        variables, body = array
        indices = tuple(self.index(i) for i in variables)  # type: ignore[attr-defined]
        return Array(indices, self.term(body))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------ numeric judge


def numerically_zero(term: Term, draws: int = 6) -> bool:
    """At random worlds, and for all values of the free indices there."""
    free = [I, J, K, L, C, index("m", "D", low=2)]
    scene = _scene([term, V, PI, *free])
    random = Random(11)
    for _ in range(draws):
        base = draw_world(scene, random)
        for _ in range(6):
            world = _with_nodes(base, scene, random)
            env = {}
            for i in free:
                top = world.length(i.extent)
                env[i] = random.randint(min(i.low, top), top)
            env[C1] = random.randint(1, max(1, world.length(C1.extent)))
            try:
                if abs(evaluate(term, world, env).value) > 1e-8:
                    return False
            except KeyError:
                continue
    return True


def random_term(random: Random, depth: int, free: list[Index]) -> Term:
    """A term of a language so small that equal pairs are common."""
    kind = random.choice(("leaf", "leaf", "+", "*", "S", "S", "d", "^", "f")) if depth else "leaf"
    if kind == "leaf":
        category_places: list[IndexTerm] = [LAST, CAT]
        in_c: list[IndexTerm] = [*(i for i in free if i.extent.size == "C"), *category_places]
        leaves: list[Callable[[], Term]] = [
            lambda: number(random.choice((1, 2, -1))),
            lambda: pi(random.choice(in_c)),
            lambda: pi(random.choice(category_places)),
        ]
        inside = [i for i in free if i.extent.size == "D"]
        if inside:
            leaves += [
                lambda: v(random.choice(inside)),
                lambda: Entry(U, (random.choice(inside),)),
                lambda: w(random.choice(inside), random.choice(inside)),
                lambda: s(random.choice(inside), random.choice(inside)),
                lambda: inv(random.choice(inside), random.choice(inside)),
            ]
        return random.choice(leaves)()
    if kind == "S":
        i = random.choice((C, C1, I, J, K))
        # one name has one range inside a term
        rest = [j for j in free if j.name != i.name]
        return Sum(i, random_term(random, depth - 1, [*rest, i]))
    if kind == "d":
        size = random.choice(("C", "D"))
        choices: list[IndexTerm] = [i for i in free if i.extent.size == size]
        choices += [LAST, CAT] if size == "C" else []
        if not choices:
            return ONE
        return Mul(
            (
                Delta(random.choice(choices), random.choice(choices)),
                random_term(random, depth - 1, free),
            )
        )
    if kind == "^":
        base = random.choice((subtract(ONE, p), pi(LAST), add(ONE, pi(CAT)), p))
        return Mul(
            (Power(base, number(random.choice((-2, -1, 2)))), random_term(random, depth - 1, free))
        )
    if kind == "f":
        inner = random_term(random, depth - 1, free)
        return call(random.choice(("exp", "sigmoid", "softplus", "tanh", "abs")), inner)
    parts = tuple(random_term(random, depth - 1, free) for _ in range(2))
    return Add(parts) if kind == "+" else Mul(parts)


def rewritten(term: Term, random: Random) -> Term:
    """The same value in other clothes, mostly: renamed, reordered, split sums; sometimes not."""
    match term:
        case Add(parts) | Mul(parts):
            new = [rewritten(t, random) for t in parts]
            random.shuffle(new)
            return type(term)(tuple(new))
        case Sum(i, body):
            inner = rewritten(body, random)
            if i == C and random.random() < 0.4:
                at_last = _put(inner, C, LAST)
                short = Index("short", Extent("C", -1))
                return Add((Sum(short, _put(inner, C, short)), at_last))
            if random.random() < 0.15:
                return Sum(
                    Index(i.name, Extent(i.extent.size, -1 if i.extent.offset == 0 else 0)), inner
                )
            return Sum(i, inner)
        case Delta(left, right):
            return Delta(right, left)
        case Entry(symbol_, (i, j)) if symbol_ in (S, W) and random.random() < 0.5:
            return Entry(symbol_, (j, i))
        case Power(base, exponent):
            return Power(rewritten(base, random), exponent)
    return term


def _put(term: Term, old: Index, new: IndexTerm) -> Term:
    """Naive replacement in the small language; shadowed names stay."""

    def at(i: IndexTerm) -> IndexTerm:
        return new if i == old else i

    match term:
        case Add(parts) | Mul(parts):
            return type(term)(tuple(_put(t, old, new) for t in parts))
        case Sum(i, body):
            return term if i == old else Sum(i, _put(body, old, new))
        case Delta(i, j):
            return Delta(at(i), at(j))
        case Entry(symbol_, where):
            return Entry(symbol_, tuple(map(at, where)))
        case Power(base, exponent):
            return Power(_put(base, old, new), exponent)
        case Inverse(matrix, row, column):
            return Inverse(matrix, at(row), at(column))
    if hasattr(term, "arguments"):
        return call(term.name, *(_put(t, old, new) for t in term.arguments))  # type: ignore[attr-defined]
    return term


@pytest.mark.parametrize("seed", range(8))
def test_nothing_false_is_shown_of_random_terms(seed: int) -> None:
    random = Random(seed)
    shown = refused_true = 0
    for _ in range(150):
        left = random_term(random, 4, [I, J])
        right = rewritten(left, random)
        difference = Add((left, Mul((number(-1), right))))
        try:
            true = numerically_zero(difference, 5)
        except (ZeroDivisionError, OverflowError, ValueError):
            true = False
        if is_zero(difference):
            shown += 1
            assert true, (left, right)
        elif true:
            refused_true += 1
    assert shown >= 60
    assert refused_true <= 20  # incompleteness is allowed, uselessness is not


# ------------------------------------------------------------------------------------ imports


def test_the_wing_imports_only_the_term_data_and_the_standard_library() -> None:
    files = sorted(VERIFY.glob("*.py"))
    assert len(files) >= 8
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            for name in names:
                own = name == "symelbo.index.terms" or name.startswith("symelbo.verify")
                assert own or name.split(".")[0] in sys.stdlib_module_names, f"{path.name}: {name}"


def test_messages_name_what_is_left() -> None:
    with pytest.raises(NotShown, match="x + -1\\*y"):
        prove_zero(subtract(x, y))
    assert encode(x) == ("v", "x", ("real",), ())
    assert is_zero(minus(encode(x), encode(x)))
