"""check_field on hand-built models, and on every one-token change of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
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
    Call,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Mul,
    Number,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.verify.evaluate import evaluate
from symelbo.verify.field import check_field
from symelbo.verify.identity import _scene, _velocities, _with_nodes, draw_world, identity_residual

HALF = number(Fraction(1, 2))
MINUS_HALF = number(Fraction(-1, 2))
TWO_PI = mul(number(2), Constant("pi"))


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, Domain(kind), tuple(Extent(s) for s in shape))


def index(name: str, size: str, offset: int = 0) -> Index:
    return Index(name, Extent(size, offset))


@dataclass(frozen=True)
class Case:
    """A factor with its field; the last three for the identity."""

    name: str
    naturals: dict[tuple[str, int], tuple[tuple[Index, ...], Term]]
    field: dict[Symbol, Array]
    density: Term
    entropy: Term
    log_base: Term = ZERO


H, D = index("h", "H"), index("d", "D")
C1, C, K = index("i", "C", -1), index("c", "C"), index("k", "K")
LAST = Position(Extent("C"))
I, J, P, Q = index("i", "D"), index("j", "D"), index("p", "D"), index("q", "D")
CAT = Symbol("c", Role.LATENT, Domain("category", upper=Size("C")))
AT = Entry(CAT)


def latent(kind: str, *shape: str, name: str = "z") -> Symbol:
    return symbol(name, kind, *shape, role=Role.LATENT)


def data(kind: str, *shape: str) -> Symbol:
    return symbol("x", kind, *shape, role=Role.OBSERVED)


def bernoulli_prior() -> Case:
    pi, z = symbol("pi", "unit", "H"), latent("binary", "H")
    p, v = Entry(pi, (H,)), Entry(z, (H,))
    zeta = log(divide(p, subtract(ONE, p)))
    log_p = add(mul(v, log(p)), mul(subtract(ONE, v), log(subtract(ONE, p))))
    entropy = add(mul(p, log(p)), mul(subtract(ONE, p), log(subtract(ONE, p))))
    field = mul(p, subtract(ONE, p), zeta)
    return Case(
        "bernoulli prior",
        {("z", 0): ((H,), zeta)},
        {pi: Array((H,), field)},
        total(H, log_p),
        negate(total(H, entropy)),
    )


def belief_net() -> Case:
    w, mu = symbol("W", "real", "D", "H"), symbol("mu", "real", "D")
    z, x = latent("binary", "H"), data("binary", "D")
    a = add(total(H, mul(Entry(w, (D, H)), Entry(z, (H,)))), Entry(mu, (D,)))
    return Case(
        "belief net",
        {("x", 0): ((D,), a)},
        {w: Array((D, H), Entry(w, (D, H))), mu: Array((D,), Entry(mu, (D,)))},
        total(D, subtract(mul(Entry(x, (D,)), a), call("softplus", a))),
        total(D, subtract(call("softplus", a), mul(a, call("sigmoid", a)))),
    )


def categorical() -> Case:
    pi = symbol("p", "simplex", "C")
    k = index("k", "C")

    def p(i: Index | Position | Entry) -> Term:
        return Entry(pi, (i,))

    def zeta(i: Index) -> Term:
        return subtract(log(p(i)), log(p(LAST)))

    field = mul(p(C), subtract(zeta(C), total(k, mul(p(k), zeta(k)))))
    return Case(
        "categorical",
        {("c", 0): ((C1,), zeta(C1))},
        {pi: Array((C,), field)},
        log(p(AT)),
        negate(total(C, mul(p(C), log(p(C))))),
    )


def mean_function() -> tuple[Term, Symbol]:
    z, w = latent("real", "H"), symbol("w", "real", "K")
    m = symbol("m", "real", "D", role=Role.FUNCTION)
    return Apply(m, (Array((H,), Entry(z, (H,))), Array((K,), Entry(w, (K,)))), (D,)), w


def gaussian(diagonal: bool) -> Case:
    mean, _ = mean_function()
    s = symbol("s", "positive", *(("D",) if diagonal else ()))
    where = (D,) if diagonal else ()
    v, x = Entry(s, where), Entry(data("real", "D"), (D,))
    square = power(subtract(x, mean), 2)
    log_p = subtract(negate(divide(square, mul(number(2), v))), mul(HALF, log(mul(TWO_PI, v))))
    second: tuple[Index, ...] = (D,) if diagonal else ()
    return Case(
        "gaussian diagonal" if diagonal else "gaussian scalar",
        {("x", 0): ((D,), divide(mean, v)), ("x", 1): (second, divide(MINUS_HALF, v))},
        {s: Array(where, negate(v))},
        total(D, log_p),
        total(D, mul(HALF, add(ONE, log(mul(TWO_PI, v))))),
    )


def gaussian_mixture() -> Case:
    mu, sigma = symbol("mu", "real", "C", "D"), symbol("Sigma", "posdef", "C", "D", "D")
    x = data("real", "D")
    matrix = Array((P, Q), Entry(sigma, (AT, P, Q)))
    inverse = Inverse(matrix, I, J)

    def r(i: Index) -> Term:
        return subtract(Entry(x, (i,)), Entry(mu, (AT, i)))

    constant = mul(HALF, Size("D"), log(TWO_PI))
    square = mul(MINUS_HALF, total(I, total(J, mul(r(I), inverse, r(J)))))
    half_logdet = mul(HALF, LogDet(matrix))
    return Case(
        "gaussian mixture",
        {
            ("x", 0): ((I,), total(J, mul(inverse, Entry(mu, (AT, J))))),
            ("x", 1): ((I, J), mul(MINUS_HALF, inverse)),
        },
        {sigma: Array((C, I, J), negate(Entry(sigma, (C, I, J))))},
        add(square, negate(half_logdet), negate(constant)),
        add(half_logdet, constant, mul(HALF, Size("D"))),
    )


def gamma_mixture() -> Case:
    shape, rate = symbol("a", "positive", "C", "D"), symbol("b", "positive", "C", "D")
    x = Entry(data("positive", "D"), (D,))
    a, b = Entry(shape, (AT, D)), Entry(rate, (AT, D))
    log_p = add(
        mul(a, log(b)),
        negate(call("loggamma", a)),
        mul(subtract(a, ONE), log(x)),
        negate(mul(b, x)),
    )
    entropy = add(a, negate(log(b)), call("loggamma", a), mul(subtract(ONE, a), call("digamma", a)))
    ac, bc = Entry(shape, (C, D)), Entry(rate, (C, D))
    return Case(
        "gamma mixture",
        {("x", 0): ((D,), subtract(a, ONE)), ("x", 1): ((D,), negate(b))},
        {shape: Array((C, D), subtract(ac, ONE)), rate: Array((C, D), bc)},
        total(D, log_p),
        total(D, entropy),
    )


def poisson_mixture() -> Case:
    rate = symbol("lam", "positive", "C", "D")
    x, r, rc = Entry(data("naturals", "D"), (D,)), Entry(rate, (AT, D)), Entry(rate, (C, D))
    base = negate(call("loggamma", add(x, ONE)))
    return Case(
        "poisson mixture",
        {("x", 0): ((D,), log(r))},
        {rate: Array((C, D), mul(rc, log(rc)))},
        total(D, add(mul(x, log(r)), negate(r), base)),
        total(D, mul(r, subtract(ONE, log(r)))),
        total(D, base),
    )


CASES = [
    bernoulli_prior(),
    belief_net(),
    categorical(),
    gaussian(diagonal=False),
    gaussian(diagonal=True),
    gaussian_mixture(),
    gamma_mixture(),
    poisson_mixture(),
]
IDS = [case.name for case in CASES]


def learned(case: Case) -> list[Symbol]:
    return list(case.field)


def checked(case: Case) -> list[str]:
    return check_field(case.naturals, {}, case.field, learned(case))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_right_fields_are_verified(case: Case) -> None:
    assert checked(case) == []


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_exact_identity(case: Case) -> None:
    arguments = (case.density, case.entropy, case.log_base)
    assert identity_residual(*arguments, case.field, seed=7, trials=6) < 1e-11
    again = identity_residual(*arguments, case.field, seed=7, trials=6)
    assert again == identity_residual(*arguments, case.field, seed=7, trials=6)
    wrong = add(case.entropy, number(Fraction(1, 7)))
    assert identity_residual(case.density, wrong, case.log_base, case.field, seed=7) > 1e-3
    for name in case.field:
        body = case.field[name]
        scaled = Array(body.indices, mul(number(Fraction(3, 2)), body.body))
        moved = {**case.field, name: scaled}
        assert identity_residual(*arguments, moved, seed=7, trials=6) > 1e-3, name


# --------------------------------------------------------------------------------- mutations


def mutants(term: Term) -> Iterator[Term]:
    """Every one-token change of a term."""
    yield Mul((Number(Fraction(-1)), term))
    match term:
        case Number(value):
            yield Number(value + 1)
            if value:
                yield Number(-value)
        case Entry(s, indices) if indices:
            yield mul(number(2), term)
            for n, i in enumerate(indices):
                for other in (LAST, AT):
                    if s.shape[n] == Extent("C") and i != other:
                        yield Entry(s, (*indices[:n], other, *indices[n + 1 :]))
            if len(indices) >= 2 and s.shape[-1] == s.shape[-2]:
                yield Entry(s, (*indices[:-2], indices[-1], indices[-1]))
        case Power(base, exponent):
            yield base
            yield Power(base, add(exponent, number(-1)))
            yield from (Power(m, exponent) for m in mutants(base))
        case Add(parts) | Mul(parts):
            make = type(term)
            for n, part in enumerate(parts):
                rest = (*parts[:n], *parts[n + 1 :])
                yield rest[0] if len(rest) == 1 else make(rest)
                yield from (make((*parts[:n], m, *parts[n + 1 :])) for m in mutants(part))
            yield Mul(parts) if make is Add else Add(parts)
        case Call(name, (argument,)):
            yield argument
            yield Call("exp" if name != "exp" else "tanh", (argument,))
            yield from (Call(name, (m,)) for m in mutants(argument))
        case Sum(i, body):
            yield Sum(replace(i, extent=Extent(i.extent.size, i.extent.offset - 1)), body)
            yield body
            yield from (Sum(i, m) for m in mutants(body))
        case Inverse(matrix, row, column):
            yield Inverse(matrix, row, row)
            yield Inverse(matrix, column, column)
            yield from (
                Inverse(Array(matrix.indices, m), row, column) for m in mutants(matrix.body)
            )
        case Delta():
            yield ONE


def truly_solves(case: Case) -> bool:
    """By numbers: d eta = eta at random points, the field tangent, whatever the nodes are."""
    items = [*case.naturals.values(), *case.field.values()]
    scene = _scene([*items, *case.field.keys()])
    node_free = all(s.role is Role.PARAMETER for s in _scene(list(case.field.values())).symbols)
    if not node_free:
        return False
    random = Random(5)
    for _ in range(8):
        world = _with_nodes(draw_world(scene, random), scene, random)
        try:
            world.velocities = _velocities(case.field, world)
            for s in case.field:
                if s.domain.kind == "simplex" and abs(sum(world.velocities.values())) > 1e-9:
                    return False
                if s.domain.kind == "posdef":
                    for (_, where), v in world.velocities.items():
                        swapped = (*where[:-2], where[-1], where[-2])
                        if abs(v - world.velocities[s.name, swapped]) > 1e-9:
                            return False
            for indices, eta in case.naturals.values():
                ranges = [range(i.low, world.length(i.extent) + 1) for i in indices]
                for place in product(*ranges):
                    value, tangent = evaluate(eta, world, dict(zip(indices, place, strict=True)))
                    if abs(value - tangent) > 1e-9 * (1 + abs(value)):
                        return False
        except (ValueError, ZeroDivisionError, OverflowError, KeyError):
            return False  # undefined somewhere in its domain: no theorem
    return True


def mutated(case: Case) -> Iterator[Case]:
    for key, (indices, eta) in case.naturals.items():
        for m in mutants(eta):
            yield replace(case, naturals={**case.naturals, key: (indices, m)})
    for s, array in case.field.items():
        for m in mutants(array.body):
            yield replace(case, field={**case.field, s: Array(array.indices, m)})


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_no_false_mutant_is_accepted(case: Case) -> None:
    """The kernel accepts a changed statement only if numbers say that it is true as well."""
    tried = false = 0
    for mutant in mutated(case):
        tried += 1
        if truly_solves(mutant):
            continue
        false += 1
        assert checked(mutant) != [], mutant
    assert false >= 5 and tried >= 8


def test_true_cases_pass_the_numeric_judge() -> None:
    """Else the sweep above would excuse nothing and prove little."""
    assert [case.name for case in CASES if not truly_solves(case)] == []


# ---------------------------------------------------------------------- hypotheses and form


def test_a_dropped_hypothesis_is_refused_unless_assumed() -> None:
    s = symbol("s", "real")
    naturals = {("x", 1): ((), divide(MINUS_HALF, Entry(s)))}
    field = {s: Array((), negate(Entry(s)))}
    assert "not shown to be nonzero" in check_field(naturals, {}, field, [s])[0]
    assert check_field(naturals, {}, field, [s], nonzero=[Entry(s)]) == []


def test_a_field_may_not_see_the_nodes() -> None:
    v, z = symbol("v", "real"), latent("binary")
    u = symbol("u", "real", role=Role.INPUT)
    eta = exp(mul(Entry(v), Entry(z)))
    for other in (z, u):
        eta = exp(mul(Entry(v), Entry(other)))
        field = {v: Array((), power(Entry(other), -1))}
        reasons = check_field({("x", 0): ((), eta)}, {}, field, [v], nonzero=[Entry(other)])
        assert any("depends on" in r for r in reasons)


def test_a_field_may_not_select_by_a_category() -> None:
    rate = symbol("r", "real", "C")
    eta = {("x", 0): ((), Entry(rate, (AT,)))}
    good = {rate: Array((C,), Entry(rate, (C,)))}
    bad = {rate: Array((C,), Entry(rate, (AT,)))}
    assert check_field(eta, {}, good, [rate]) == []
    assert any("depends on c" in r for r in check_field(eta, {}, bad, [rate]))


def test_fields_must_be_tangent() -> None:
    case = categorical()
    (p,) = case.field
    radial = mul(Entry(p, (C,)), subtract(log(Entry(p, (C,))), log(Entry(p, (LAST,)))))
    # it scales zeta, but leaves the simplex
    reasons = check_field(case.naturals, {}, {p: Array((C,), radial)}, [p])
    assert len(reasons) == 1 and "tangent" in reasons[0]
    sigma = symbol("Sigma", "posdef", "D", "D")
    skew = mul(Entry(sigma, (I, J)), Entry(sigma, (I, I)))
    reasons = check_field({}, {}, {sigma: Array((I, J), skew)}, [sigma])
    assert any("tangent" in r for r in reasons)


def test_shape_roles_and_emptiness() -> None:
    v = symbol("v", "real", "D")
    eta = {("x", 0): ((D,), Entry(v, (D,)))}
    good = {v: Array((D,), Entry(v, (D,)))}
    assert check_field(eta, {}, good, [v]) == []
    assert check_field(eta, {}, good, []) != []
    assert check_field(eta, {}, {v: Array((H,), Entry(v, (H,)))}, [v]) != []
    assert check_field({}, {}, {}, [v]) != []
    assert check_field({}, {}, {v: Array((D,), Number(Fraction(0)))}, [v]) != []
    stray = check_field({}, {}, {v: Array((D,), Entry(v, (index("e", "D"),)))}, [v])
    assert any("free index" in r for r in stray)


def test_shifts() -> None:
    shape, b = symbol("a", "positive"), symbol("b", "positive")
    naturals = {("x", 0): ((), subtract(Entry(shape), ONE)), ("x", 1): ((), negate(Entry(b)))}
    field = {shape: Array((), Entry(shape)), b: Array((), Entry(b))}
    assert check_field(naturals, {}, field, [shape, b]) != []
    shift: dict[tuple[str, int], Term] = {("x", 0): number(-1)}
    assert check_field(naturals, shift, field, [shape, b]) == []
    moving: dict[tuple[str, int], Term] = {("x", 0): Entry(b)}
    assert any("shift" in r for r in check_field(naturals, moving, field, [shape, b]))
