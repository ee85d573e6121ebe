"""Numbers: dual evaluation, special functions, and the exact identity on further models."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from random import Random

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from all_domains import DOMAINS
from encoded import checker_symbol
from test_certify_criterion import CASES, Case

from symelbo.checker.instance import admissible_entries
from symelbo.checker.terms import Instance
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
from symelbo.index.domains import (
    Angle,
    Binary,
    Category,
    Interval,
    Naturals,
    Positive,
    Real,
    Unit,
)
from symelbo.index.terms import (
    Apply,
    Array,
    Constant,
    Domain,
    Entry,
    Extent,
    Index,
    LogDet,
    Offset,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import Smooth, World, evaluate
from symelbo.trial.identity import (
    draw_entries,
    draw_world,
    identity_residual,
    make_scene,
    satisfies,
    velocities_at,
)
from symelbo.trial.special import bessel_ratio, digamma, polygamma

HALF = number(Fraction(1, 2))
ROOT = Path(__file__).parent.parent
D, H = Index("d", Extent("D")), Index("h", Extent("H"))
LOG_2PI = log(mul(number(2), Constant("pi")))


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, DOMAINS[kind], tuple(Extent(s) for s in shape))


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
    f = Smooth(Symbol("f", Role.FUNCTION, DOMAINS[kind], shape), lambda _: 3, 4)
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
    n = Symbol("n", Role.CONSTANT, Naturals())
    x = Symbol("x", Role.OBSERVED, Naturals())
    a = Symbol("a", Role.PARAMETER, Real())
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
    assert math.isnan(identity_residual(add(density, impossible), entropy, base, field, seed=4))
    mostly = add(density, log(subtract(exp(logit), ONE)))  # where the logit is positive
    assert identity_residual(mostly, entropy, base, field, seed=4) > 1e-3


def test_constant_velocity_and_bounded_domains() -> None:
    bound = Interval(number(2), number(3))
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


def whole(case: Case) -> tuple[Term, Term, Term, dict[Symbol, Array]]:
    """log p, H~ and b + d over all plates, and the velocities of everything."""
    factor, moves = case.factor, case.motion
    plates = [i for i in factor.places if isinstance(i, Index)]

    def over(term: Term) -> Term:
        for i in plates:
            term = total(i, term)
        return term

    field = {**moves.parameters}
    for z, rate in moves.rates.items():
        value: Term = Entry(z, rate.indices)
        if z.domain.kind == "interval":
            assert z.domain.lower is not None
            value = subtract(value, z.domain.lower)
        field[z] = Array(rate.indices, add(mul(rate.body, value), moves.shifts[z].body))
    rest = add(factor.base, factor.divergence)
    return over(factor.log_density), over(factor.entropy), over(rest), field


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_the_identity_of_every_hand_built_factor(case: Case) -> None:
    density, entropy, rest, field = whole(case)
    residual = identity_residual(density, entropy, rest, field, seed=7, trials=6)
    assert residual < 1e-11
    assert residual == identity_residual(density, entropy, rest, field, seed=7, trials=6)
    wrong = add(entropy, number(Fraction(1, 7)))
    assert identity_residual(density, wrong, rest, field, seed=7) > 1e-3
    for name in field:
        body = field[name]
        faster = Array(body.indices, mul(number(Fraction(3, 2)), body.body))
        moved = {**field, name: faster}
        unseen = name.name in ("a", "m") and case.name in ("chain", "angle")
        assert unseen or identity_residual(density, entropy, rest, moved, seed=7) > 1e-5, name


def test_conditions_hold_at_every_point_that_is_drawn() -> None:
    """log of a + z, where a + z > 0: its identity holds there, and is not tried elsewhere."""
    a, z = symbol("a", "real"), symbol("z", "real", role=Role.LATENT)
    positive = add(Entry(a), Entry(z))
    density = log(positive)
    condition = [(Array((), positive), Positive())]
    field = {a: Array((), ZERO)}
    assert identity_residual(density, ZERO, log(positive), field, condition, seed=1) < 1e-12
    never = [(Array((), negate(add(ONE, exp(Entry(a))))), Positive())]
    assert math.isnan(identity_residual(density, ZERO, log(positive), field, never, seed=1))
    # |a + z| is a + z under the condition alone
    size = call("abs", positive)
    assert identity_residual(size, ZERO, positive, field, condition, seed=1, trials=8) < 1e-12
    assert identity_residual(size, ZERO, positive, field, seed=1, trials=8) > 1e-3


def test_a_condition_is_one_at_all_places() -> None:
    d, h = Index("d", Extent("D")), Index("h", Extent("H"))
    w = symbol("w", "real", "D", "H")
    rows = Array((d,), total(h, Entry(w, (d, h))))
    entries = {("w", (i, j)): float(i + j) for i in (1, 2) for j in (1, 2)}
    sizes = {"D": 2, "H": 2}
    world = World(sizes, entries)
    assert satisfies(rows, DOMAINS["positive"], world)
    assert not satisfies(rows, DOMAINS["unit"], world)
    assert satisfies(rows, DOMAINS["real"], world)
    world = World(sizes, {**entries, ("w", (2, 2)): -9.0})
    assert not satisfies(rows, DOMAINS["positive"], world)
    small = Array((d,), mul(number(Fraction(1, 100)), rows.body))
    world = World(sizes, entries)
    assert satisfies(small, DOMAINS["unit"], world)
    # h is bound in the sum, and free beside it: both are tried
    mixed = Array((d, h), mul(rows.body, Entry(w, (d, h))))
    assert satisfies(mixed, DOMAINS["positive"], world)
    world = World(sizes, {**entries, ("w", (1, 1)): -0.5})
    assert not satisfies(mixed, DOMAINS["positive"], world)
    assert not satisfies(Array((), negate(ONE)), Unit(), world)


def test_a_scene_has_room_for_every_place() -> None:
    t, last = Index("t", Extent("T"), 2), Position(Extent("T", -2))
    z = symbol("z", "real", "T", role=Role.LATENT)
    pi = symbol("pi", "simplex", "C")
    cat = Symbol("c", Role.LATENT, Category())
    f = symbol("f", "real", "K", role=Role.FUNCTION)
    four = Position(Extent(None, 4))
    term = add(
        total(t, Entry(z, (t,))),
        Entry(z, (last,)),
        log(Entry(pi, (Entry(cat),))),
        Apply(f, (Array((), Entry(z, (last,))),), (four,)),
    )
    scene = make_scene([term])
    assert scene.sizes == {"T": 3, "C": 1, "K": 4}
    assert {s.name for s in scene.symbols} == {"z", "pi", "c"}
    assert [s.name for s in scene.functions] == ["f"]
    assert scene.categories == {"c": Extent("C")}
    sizes = set()
    for seed in range(40):
        world = draw_world(scene, Random(seed))
        sizes.add(tuple(sorted(world.sizes.items())))
        assert all(world.sizes[n] >= least for n, least in scene.sizes.items())
        assert not any(name in ("z", "c") for name, _ in world.values)  # nodes come later
        nodes = [s for s in scene.symbols if s.role is Role.LATENT]
        full = draw_entries(world, nodes, scene, Random(seed))
        assert full.values["c", ()] in range(1, world.sizes["C"] + 1)
        assert sum(x for (n, _), x in full.values.items() if n == "pi") == pytest.approx(1)
        assert math.isfinite(evaluate(term, full).value)
    assert {dict(found)["C"] for found in sizes} == {1, 2, 3}
    least = draw_world(scene, Random(0), smallest=True).sizes
    assert least == {"T": 3, "C": 2, "K": 4}  # one category makes most statements trivial


def test_a_scene_starts_at_the_least_sizes_of_the_model() -> None:
    # x[4], .., x[T-1], of a model that also has x[T] and W[5] somewhere else
    t = Index("t", Extent("T", -1), 4)
    x = symbol("x", "real", "T", role=Role.OBSERVED)
    term = total(t, Entry(x, (t,)))
    scene = make_scene([term])
    assert scene.sizes == {"T": 4} and scene.telling == {"T": 5}  # 4:3 has no place, 4:4 has one
    later = make_scene([term], least={"T": 6, "K": 5})
    assert later.sizes == later.telling == {"T": 6}  # what is not mentioned is not drawn
    drawn = {draw_world(scene, Random(seed)).sizes["T"] for seed in range(40)}
    assert drawn == {4, 5}
    assert draw_world(scene, Random(0), smallest=True).sizes == {"T": 4}


@pytest.mark.parametrize(
    "domain",
    [
        Real(),
        Positive(),
        Unit(),
        Binary(),
        Naturals(),
        Naturals(upper=number(3)),
        Category(upper=number(3)),
        Interval(number(2), number(3)),
        Interval(number(2), None),
        Interval(None, number(2)),
        Angle(ZERO, number(6)),
    ],
    ids=repr,
)
def test_what_is_drawn_lies_in_its_domain(domain: Domain) -> None:
    x = Symbol("x", Role.OBSERVED, domain, (Extent("D"),))
    scene = make_scene([Entry(x, (D,))])
    known = Symbol("x", Role.OBSERVED, domain, (Extent("D"),))
    for seed in range(30):
        world = draw_entries(draw_world(scene, Random(seed)), [known], scene, Random(seed))
        for at, value in world.values.items():
            if domain.kind == "angle":  # that of the checker is from -pi to pi
                assert 0 <= value <= 6
                continue
            here = Instance(world.sizes)
            entries = {at[1]: Fraction(value)}
            reasons = admissible_entries(checker_symbol(known), entries, {}, here, complete=False)
            assert reasons == [], (at, value)


@pytest.mark.parametrize("kind", ["simplex", "posdef", "onehot", "counts"])
def test_blocks_that_are_drawn_lie_in_their_domain(kind: str) -> None:
    shape = (Extent("N"), *(Extent("C"),) * (2 if kind == "posdef" else 1))
    x = Symbol(
        "x",
        Role.OBSERVED,
        DOMAINS[kind].with_ends(None, number(3) if kind == "counts" else None),
        shape,
    )
    indices = tuple(Index(f"k{n}", extent) for n, extent in enumerate(shape))
    scene = make_scene([Entry(x, indices)])
    for seed in range(30):
        world = draw_entries(draw_world(scene, Random(seed)), [x], scene, Random(seed))
        n = world.sizes["C"]
        for outer in range(1, world.sizes["N"] + 1):
            block = {at[1][1:]: v for at, v in world.values.items() if at[1][0] == outer}
            if kind == "posdef":
                matrix = np.array([[block[i, j] for j in range(1, n + 1)] for i in range(1, n + 1)])
                assert np.allclose(matrix, matrix.T) and np.linalg.eigvalsh(matrix).min() > 0
                continue
            assert len(block) == n
            assert sum(block.values()) == pytest.approx(3 if kind == "counts" else 1)
            assert all(v > 0 if kind == "simplex" else v in (0, 1, 2, 3) for v in block.values())


def test_velocities_are_taken_at_every_place() -> None:
    w = symbol("w", "real", "D", "H")
    i, j = Index("a", Extent("D")), Index("b", Extent("H"))
    entries = {("w", (p, q)): float(10 * p + q) for p in (1, 2) for q in (1, 2, 3)}
    world = World({"D": 2, "H": 3}, entries)
    doubled = velocities_at({w: Array((i, j), mul(number(2), Entry(w, (i, j))))}, world)
    assert doubled == {at: 2 * x for at, x in entries.items()}


def test_deterministic_whatever_the_hash_seed() -> None:
    script = (
        "import sys; sys.path[:0] = ['.', 'tests']\n"
        "from test_certify_criterion import CASES\n"
        "from test_trial_identity import whole\n"
        "from test_certificate import EXAMPLES, FORM, RIGID\n"
        "from encoded import check_certificate\n"
        "from symelbo.trial.identity import identity_residual\n"
        "from symelbo.index.build import number\n"
        "for c in CASES:\n"
        "    density, entropy, rest, field = whole(c)\n"
        "    print(c.name, identity_residual(density, number(1), rest, field, seed=9))\n"
        "    print(c.reasons())\n"
        "    from dataclasses import replace\n"
        "    print(replace(c, factor=replace(c.factor, entropy=number(1))).reasons())\n"
        "for claim, factors in EXAMPLES.values():\n"
        "    print(check_certificate(claim, RIGID))\n"
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


def test_what_was_computed_at_rest_is_not_kept_along_a_motion() -> None:
    i, j = Index("i", Extent("D")), Index("j", Extent("D"))
    a = symbol("a", "real", "D", "D")
    determinant = LogDet(Array((i, j), Entry(a, (i, j))))
    still = World({"D": 1}, {("a", (1, 1)): 2.0})
    assert evaluate(determinant, still).tangent == 0
    moving = still.along({("a", (1, 1)): 3.0})
    assert evaluate(determinant, moving).tangent == pytest.approx(1.5)
