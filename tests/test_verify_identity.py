"""Numbers: dual evaluation, special functions, and the exact identity on further models."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import mpmath  # type: ignore[import-untyped]
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
    Apply,
    Array,
    Constant,
    Domain,
    Entry,
    Extent,
    Index,
    Number,
    Offset,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.verify.evaluate import Smooth, World, evaluate
from symelbo.verify.identity import identity_residual
from symelbo.verify.special import bessel_ratio, digamma, polygamma

HALF = number(Fraction(1, 2))
ROOT = Path(__file__).parent.parent
D, H = Index("d", Extent("D")), Index("h", Extent("H"))
LOG_2PI = log(mul(number(2), Constant("pi")))


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, Domain(kind), tuple(Extent(s) for s in shape))


@pytest.mark.parametrize("x", [0.05, 0.3, 1.0, 2.5, 17.0, 400.0])
def test_special_functions_against_mpmath(x: float) -> None:
    assert digamma(x) == pytest.approx(float(mpmath.digamma(x)), rel=1e-13, abs=1e-13)
    for order in (1, 2, 3):
        assert polygamma(order, x) == pytest.approx(float(mpmath.polygamma(order, x)), rel=1e-12)
    ratio = float(mpmath.besseli(1, x) / mpmath.besseli(0, x))
    assert bessel_ratio(x) == pytest.approx(ratio, rel=1e-12)
    for outside in (0.0, -1.5):
        with pytest.raises(ValueError):
            digamma(outside)
        with pytest.raises(ValueError):
            polygamma(1, outside)


@pytest.mark.parametrize("kind", ["real", "positive", "unit", "simplex", "posdef"])
def test_random_functions_are_smooth_and_in_their_domain(kind: str) -> None:
    shape = {"simplex": (Extent("C"),), "posdef": (Extent("C"), Extent("C"))}.get(kind, ())
    f = Smooth(Symbol("f", Role.FUNCTION, Domain(kind), shape), lambda _: 3, 4)
    at = {"simplex": (2,), "posdef": (1, 2)}.get(kind, ())
    for t in (-3.0, 0.0, 0.7, 50.0):
        value, slope = f([{(): (t, 1.0)}], at, ())
        up, down = (f([{(): (t + e, 0.0)}], at, ())[0] for e in (1e-5, -1e-5))
        assert slope == pytest.approx((up - down) / 2e-5, abs=1e-7)
        assert kind == "real" or kind == "posdef" or value > 0
        assert kind != "unit" or value < 1
        if kind in ("real", "positive", "unit"):
            second = f([{(): (t, 1.0)}], at, ((0, ()),))
            assert second[0] == pytest.approx(slope, abs=1e-12)  # the slot is that derivative
    if kind == "simplex":
        assert sum(f([{(): (0.3, 0.0)}], (k,), ())[0] for k in (1, 2, 3)) == pytest.approx(1.0)


def test_offsets_positions_and_inclusive_ranges() -> None:
    x = symbol("x", "real", "T")
    t = Index("t", Extent("T"), 2)
    term = add(
        Entry(x, (Position(Extent("T")),)),
        total(t, subtract(Entry(x, (Offset(t, -1),)), Entry(x, (t,)))),
    )
    world = World({"T": 4}, {("x", (k,)): float(k * k) for k in range(1, 5)}, {("x", (1,)): 2.0})
    assert evaluate(term, world) == (1.0, 2.0)


def laplace() -> tuple[Term, Term, dict[Symbol, Array]]:
    """The conditional form: any location, free scale (theory, section 9)."""
    z, w, b = (
        symbol("z", "real", "H", role=Role.LATENT),
        symbol("w", "real"),
        symbol("b", "positive"),
    )
    m = symbol("m", "real", "D", role=Role.FUNCTION)
    x = symbol("x", "real", "D", role=Role.OBSERVED)
    location = Apply(m, (Array((H,), Entry(z, (H,))), Array((), Entry(w))), (D,))
    scale = Entry(b)
    residual = call("abs", subtract(Entry(x, (D,)), location))
    two_b = log(mul(number(2), scale))
    density = total(D, subtract(negate(divide(residual, scale)), two_b))
    return density, total(D, add(ONE, two_b)), {b: Array((), negate(scale))}


def test_laplace_with_any_location() -> None:
    density, entropy, field = laplace()
    assert identity_residual(density, entropy, ZERO, field, seed=1, trials=6) < 1e-12
    (b,) = field
    growing = {b: Array((), Entry(b))}
    assert identity_residual(density, entropy, ZERO, growing, seed=1) > 1e-3


def test_reparameterized_prior_moves_the_latents() -> None:
    """N(0, 1): along z -> (1 + s/2) z ... its log-density changes by -z^2/2, as its own field
    would.
    """
    z = symbol("z", "real", "H", role=Role.LATENT)
    square = power(Entry(z, (H,)), 2)
    density = negate(total(H, add(mul(HALF, square), mul(HALF, LOG_2PI))))
    entropy = total(H, mul(HALF, add(ONE, LOG_2PI)))
    # log p = -H~ + d/ds log p + H/2 when z moves with z/2: -z^2/2 = -z^2/2
    still = total(H, HALF)
    field = {z: Array((H,), mul(HALF, Entry(z, (H,))))}
    assert identity_residual(density, entropy, still, field, seed=2, trials=6) < 1e-12
    assert identity_residual(density, entropy, still, {}, seed=2, trials=6) > 1e-3


@pytest.mark.parametrize("role", [Role.LATENT, Role.INPUT])
def test_a_field_that_depends_on_the_nodes_does_not_pass(role: Role) -> None:
    """Bernoulli by logit v + z: along 1 the logit moves by 1, along v + z it scales."""
    logit_v, z = symbol("v", "real"), Entry(symbol("z", "real", role=role))
    x = Entry(symbol("x", "binary", role=Role.OBSERVED))
    a = add(Entry(logit_v), z)
    density = subtract(mul(x, a), call("softplus", a))
    entropy = subtract(call("softplus", a), mul(a, call("sigmoid", a)))
    field = {logit_v: Array((), a)}
    assert identity_residual(density, entropy, ZERO, field, seed=6) > 1e-3


def test_a_wrong_base_measure_is_seen() -> None:
    rate = symbol("lam", "positive")
    x = Entry(symbol("x", "naturals", role=Role.OBSERVED))
    r = Entry(rate)
    base = negate(call("loggamma", add(x, ONE)))
    density = add(mul(x, log(r)), negate(r), base)
    entropy = mul(r, subtract(ONE, log(r)))
    field = {rate: Array((), mul(r, log(r)))}
    assert identity_residual(density, entropy, base, field, seed=3) < 1e-12
    assert identity_residual(density, entropy, ZERO, field, seed=3) > 1e-3


def test_domains_of_draws_and_redraws() -> None:
    """Binomial: x <= n by its interval; a draw outside the domain is repeated, never counted."""
    n = Symbol("n", Role.CONSTANT, Domain("naturals"))
    x = Symbol("x", Role.OBSERVED, Domain("naturals"))
    a = Symbol("a", Role.PARAMETER, Domain("real"))
    logit, count, value = Entry(a), Entry(n), Entry(x)
    base = subtract(
        call("loggamma", add(count, ONE)),
        add(call("loggamma", add(value, ONE)), call("loggamma", add(count, negate(value), ONE))),
    )
    density = add(base, mul(value, logit), negate(mul(count, call("softplus", logit))))
    entropy = mul(count, subtract(call("softplus", logit), mul(logit, call("sigmoid", logit))))
    field = {a: Array((), logit)}
    assert identity_residual(density, entropy, base, field, seed=4, trials=5) < 1e-12
    impossible = log(subtract(negate(exp(logit)), ONE))
    with pytest.raises(ValueError, match="no admissible point"):
        identity_residual(add(density, impossible), entropy, base, field, seed=4)


def test_constant_velocity_and_bounded_domains() -> None:
    bound = Domain("interval", number(2), number(3))
    c = Symbol("c", Role.CONSTANT, bound)
    mu = symbol("mu", "real")
    x = Entry(symbol("x", "real", role=Role.OBSERVED))
    # known variance c: T2 with h = exp(-x^2/(2c)), beta = mu, H~ = -mu^2/(2c) + ...
    norm = mul(HALF, log(mul(number(2), Constant("pi"), Entry(c))))
    density = subtract(
        negate(divide(power(subtract(x, Entry(mu)), 2), mul(number(2), Entry(c)))), norm
    )
    base = subtract(negate(divide(power(x, 2), mul(number(2), Entry(c)))), norm)
    entropy = negate(divide(power(Entry(mu), 2), mul(number(2), Entry(c))))
    field = {mu: Array((), Entry(mu))}
    assert identity_residual(density, entropy, base, field, seed=5) < 1e-12
    assert identity_residual(density, negate(entropy), base, field, seed=5) > 1e-3


def test_deterministic_whatever_the_hash_seed() -> None:
    script = (
        "import sys; sys.path[:0] = ['.', 'tests']\n"
        "from test_verify_field import CASES, checked\n"
        "from symelbo.verify.identity import identity_residual\n"
        "from symelbo.index.build import number\n"
        "for c in CASES:\n"
        "    print(c.name, identity_residual(c.density, number(1), c.log_base, c.field, seed=9))\n"
        "    print(checked(c))\n"
    )
    outputs = set()
    for seed in ("0", "1", "77"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            check=True,
        )
        outputs.add(run.stdout)
    assert len(outputs) == 1 and len(outputs.pop()) > 100


def test_fast_enough_to_run_on_every_model() -> None:
    density, entropy, field = laplace()
    start = perf_counter()
    identity_residual(density, entropy, ZERO, field, seed=1, trials=3)
    assert perf_counter() - start < 0.5  # measured: a few milliseconds
    assert math.isfinite(start)
    assert Number(Fraction(0)) == ZERO
