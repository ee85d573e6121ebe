"""The checker of a motion on hand-built factors, on every one-token change of them, and on lies.

The judge of a claim evaluates (U) and its conditions at random points of all sizes 1, 2 and 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from random import Random

import pytest
from all_domains import DOMAINS
from encoded import FactorClaim, Hypotheses, check_closure, check_factor, check_motion
from judge import Verdict, draw_entries, judge, mutants, symbols_in, worlds

from symelbo.certify.claim import MotionClaim
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
from symelbo.index.substitute import free_indices
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
    IndexTerm,
    Inverse,
    LogDet,
    Mul,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import Place, World, evaluate, places

TWO, HALF = number(2), number(Fraction(1, 2))
TWO_PI = mul(TWO, Constant("pi"))
NOTHING = Hypotheses()


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, DOMAINS[kind], tuple(Extent(s) for s in shape))


def latent(name: str, kind: str, *shape: str) -> Symbol:
    return symbol(name, kind, *shape, role=Role.LATENT)


def data(kind: str, *shape: str, name: str = "x") -> Symbol:
    return symbol(name, kind, *shape, role=Role.OBSERVED)


def index(name: str, size: str, offset: int = 0, low: int = 1) -> Index:
    return Index(name, Extent(size, offset), low)


def array(s: Symbol, make: object) -> Array:
    """The body as a function of the indices, or a scalar term."""
    indices = tuple(Index(f"k{n}", extent) for n, extent in enumerate(s.shape))
    return Array(indices, make(*indices) if callable(make) else make)  # type: ignore[arg-type]


def whole(s: Symbol, factor: int | Fraction = 1) -> Array:
    """factor * p, entry by entry."""
    return array(s, lambda *i: mul(number(factor), Entry(s, i)))


def motion(
    parameters: Mapping[Symbol, Array] | None = None,
    latents: Mapping[Symbol, tuple[Term, Term]] | None = None,
    variational: Mapping[Symbol, Array] | None = None,
) -> MotionClaim:
    latents = latents or {}
    return MotionClaim(
        parameters or {},
        {s: array(s, r) for s, (r, _) in latents.items()},
        {s: array(s, t) for s, (_, t) in latents.items()},
        variational or {},
    )


@dataclass(frozen=True)
class Case:
    """A factor and a motion for which (U) is said to hold."""

    factor: FactorClaim
    motion: MotionClaim
    given: Hypotheses = field(default_factory=Hypotheses)

    @property
    def name(self) -> str:
        return self.factor.name

    def reasons(self) -> list[str]:
        return check_motion(self.motion, self.given) or check_factor(
            self.factor, self.motion, self.given
        )


def case(
    name: str,
    node: Symbol,
    at: tuple[IndexTerm, ...],
    log_density: Term,
    entropy: Term,
    along: MotionClaim,
    *,
    base: Term = ZERO,
    divergence: Term = ZERO,
    base_change: Term = ZERO,
    given: Hypotheses = NOTHING,
) -> Case:
    claim = FactorClaim(name, node, at, log_density, base, entropy, divergence, base_change)
    return Case(claim, along, given)


H, D, T2 = index("h", "H"), index("d", "D"), index("t", "T", low=2)
C, C1, LAST = index("c", "C"), index("i", "C", -1), Position(Extent("C"))
I, J, P, Q = index("i", "D"), index("j", "D"), index("p", "D"), index("q", "D")
CAT = Symbol("c", Role.LATENT, Category(upper=Size("C")))
AT = Entry(CAT)


def normal_log(x: Term, mean: Term, variance: Term) -> Term:
    square = divide(power(subtract(x, mean), 2), mul(TWO, variance))
    return negate(add(square, mul(HALF, log(mul(TWO_PI, variance)))))


def normal_entropy(variance: Term) -> Term:
    return mul(HALF, add(ONE, log(mul(TWO_PI, variance))))


def bernoulli_prior() -> Case:
    pi, z = symbol("pi", "unit", "H"), latent("z", "binary", "H")
    p, v = Entry(pi, (H,)), Entry(z, (H,))

    def velocity(i: Index) -> Term:
        q = Entry(pi, (i,))
        return mul(q, subtract(ONE, q), log(divide(q, subtract(ONE, q))))

    return case(
        "bernoulli prior",
        z,
        (H,),
        add(mul(v, log(p)), mul(subtract(ONE, v), log(subtract(ONE, p)))),
        negate(add(mul(p, log(p)), mul(subtract(ONE, p), log(subtract(ONE, p))))),
        motion({pi: array(pi, velocity)}),
    )


def belief_net() -> Case:
    w, mu = symbol("W", "real", "D", "H"), symbol("mu", "real", "D")
    z, x = latent("z", "binary", "H"), data("binary", "D")
    a = add(total(H, mul(Entry(w, (D, H)), Entry(z, (H,)))), Entry(mu, (D,)))
    return case(
        "belief net",
        x,
        (D,),
        subtract(mul(Entry(x, (D,)), a), call("softplus", a)),
        subtract(call("softplus", a), mul(a, call("sigmoid", a))),
        motion({w: whole(w), mu: whole(mu)}),
    )


def categorical() -> Case:
    pi, k = symbol("p", "simplex", "C"), index("k", "C")

    def velocity(i: Index) -> Term:
        entropy = total(k, mul(Entry(pi, (k,)), log(Entry(pi, (k,)))))
        return mul(Entry(pi, (i,)), subtract(log(Entry(pi, (i,))), entropy))

    return case(
        "categorical",
        CAT,
        (),
        log(Entry(pi, (AT,))),
        negate(total(C, mul(Entry(pi, (C,)), log(Entry(pi, (C,)))))),
        motion({pi: array(pi, velocity)}),
    )


def mean_function() -> Term:
    z, w = latent("z", "real", "H"), symbol("w", "real", "K")
    m, k = symbol("m", "real", "D", role=Role.FUNCTION), index("k", "K")
    return Apply(m, (Array((H,), Entry(z, (H,))), Array((k,), Entry(w, (k,)))), (D,))


def gaussian(diagonal: bool) -> Case:
    s = symbol("s", "positive", *(("D",) if diagonal else ()))
    x = data("real", "D")
    v = Entry(s, (D,) if diagonal else ())
    return case(
        "gaussian diagonal" if diagonal else "gaussian scalar",
        x,
        (D,),
        normal_log(Entry(x, (D,)), mean_function(), v),
        normal_entropy(v),
        motion({s: whole(s, -1)}),
    )


def gaussian_mixture() -> Case:
    mu, sigma = symbol("mu", "real", "C", "D"), symbol("Sigma", "posdef", "C", "D", "D")
    x = data("real", "D")
    matrix = Array((P, Q), Entry(sigma, (AT, P, Q)))

    def r(i: Index) -> Term:
        return subtract(Entry(x, (i,)), Entry(mu, (AT, i)))

    rest = add(mul(HALF, LogDet(matrix)), mul(HALF, Size("D"), log(TWO_PI)))
    square = mul(HALF, total(I, total(J, mul(r(I), Inverse(matrix, I, J), r(J)))))
    return case(
        "gaussian mixture",
        x,
        (),
        negate(add(square, rest)),
        add(rest, mul(HALF, Size("D"))),
        motion({sigma: whole(sigma, -1)}),
    )


def gamma_mixture() -> Case:
    shape, rate = symbol("a", "positive", "C", "D"), symbol("b", "positive", "C", "D")
    x = data("positive", "D")
    v, a, b = Entry(x, (D,)), Entry(shape, (AT, D)), Entry(rate, (AT, D))
    log_gamma = call("loggamma", a)
    return case(
        "gamma mixture",
        x,
        (D,),
        add(mul(a, log(b)), negate(log_gamma), mul(subtract(a, ONE), log(v)), negate(mul(b, v))),
        add(a, negate(log(b)), log_gamma, mul(subtract(ONE, a), call("digamma", a))),
        motion({shape: array(shape, lambda *i: subtract(Entry(shape, i), ONE)), rate: whole(rate)}),
    )


def poisson_mixture() -> Case:
    rate, x = symbol("lam", "positive", "C", "D"), data("naturals", "D")
    v, r = Entry(x, (D,)), Entry(rate, (AT, D))
    base = negate(call("loggamma", add(v, ONE)))
    return case(
        "poisson mixture",
        x,
        (D,),
        add(mul(v, log(r)), negate(r), base),
        mul(r, subtract(ONE, log(r))),
        motion({rate: array(rate, lambda *i: mul(Entry(rate, i), log(Entry(rate, i))))}),
        base=base,
    )


Z = latent("z", "real", "H")


def standard_prior() -> Case:
    return case(
        "standard normal prior",
        Z,
        (H,),
        normal_log(Entry(Z, (H,)), ZERO, ONE),
        normal_entropy(ONE),
        motion(latents={Z: (HALF, ZERO)}),
        divergence=HALF,
    )


def shifted_prior() -> Case:
    """N(1, 1): z' = (z - 1)/2."""
    return case(
        "prior around one",
        Z,
        (H,),
        normal_log(Entry(Z, (H,)), ONE, ONE),
        normal_entropy(ONE),
        motion(latents={Z: (HALF, negate(HALF))}),
        divergence=HALF,
    )


def vector_prior() -> Case:
    """All entries as one factor: its divergence is a sum."""
    z = latent("z", "real", "N", "H")
    n = index("n", "N")
    square = total(H, power(Entry(z, (n, H)), 2))
    constant = mul(HALF, Size("H"), log(TWO_PI))
    return case(
        "vector prior",
        z,
        (n,),
        negate(add(mul(HALF, square), constant)),
        add(constant, mul(HALF, Size("H"))),
        motion(latents={z: (HALF, ZERO)}),
        divergence=mul(HALF, Size("H")),
    )


def linear_layer() -> Case:
    """p-PCA: the latents are parents that move."""
    w, mu, s = symbol("W", "real", "D", "H"), symbol("mu", "real", "D"), symbol("s", "positive")
    x = data("real", "D")
    mean = add(total(H, mul(Entry(w, (D, H)), Entry(Z, (H,)))), Entry(mu, (D,)))
    return case(
        "linear layer",
        x,
        (D,),
        normal_log(Entry(x, (D,)), mean, Entry(s)),
        normal_entropy(Entry(s)),
        motion({w: whole(w, Fraction(-1, 2)), s: whole(s, -1)}, {Z: (HALF, ZERO)}),
    )


def chain() -> Case:
    """z[t] given z[t-1]: the parent is an entry of the node; the noise stands still."""
    z, a, q = latent("z", "real", "T"), symbol("a", "real"), symbol("q", "positive")
    mean = mul(Entry(a), Entry(z, (Offset(T2, -1),)))
    return case(
        "chain",
        z,
        (T2,),
        normal_log(Entry(z, (T2,)), mean, Entry(q)),
        normal_entropy(Entry(q)),
        motion(latents={z: (HALF, ZERO)}),
        divergence=HALF,
    )


def volatility() -> Case:
    """x ~ N(0, exp(h)): a pure shift of the parent."""
    h, x = latent("v", "real", "T"), data("real", "T")
    t = index("t", "T")
    variance = exp(Entry(h, (t,)))
    return case(
        "volatility",
        x,
        (t,),
        normal_log(Entry(x, (t,)), ZERO, variance),
        normal_entropy(variance),
        motion(latents={h: (ZERO, number(-1))}),
    )


def gumbel_prior() -> Case:
    """Under a pure shift b = c v: log p = -z - exp(-z), z' = -1, D log p = 1 - exp(-z)."""
    v = Entry(Z, (H,))
    return case(
        "gumbel prior",
        Z,
        (H,),
        negate(add(v, exp(negate(v)))),
        ONE,
        motion(latents={Z: (ZERO, number(-1))}),
        base=negate(v),
        base_change=ONE,
    )


def rayleigh_prior() -> Case:
    """Under a scaling b = c log v: log p = log v - v^2/2, v' = v/2."""
    z = latent("r", "positive", "H")
    v = Entry(z, (H,))
    return case(
        "rayleigh prior",
        z,
        (H,),
        subtract(log(v), mul(HALF, power(v, 2))),
        ONE,
        motion(latents={z: (HALF, ZERO)}),
        base=log(v),
        base_change=HALF,
        divergence=HALF,
    )


def from_two_on() -> Case:
    """z = 2 + tau e: the motion keeps 2."""
    domain = Interval(TWO, None)
    z = Symbol("z", Role.LATENT, domain, (Extent("H"),))
    tau = Symbol("tau", Role.CONSTANT, Positive())
    scaled = divide(subtract(Entry(z, (H,)), TWO), Entry(tau))
    return case(
        "from two on",
        z,
        (H,),
        negate(add(scaled, log(Entry(tau)))),
        add(ONE, log(Entry(tau))),
        motion(latents={z: (ONE, ZERO)}),
        divergence=ONE,
    )


def wishart_prior() -> Case:
    """A definite latent scales as a whole: d = D (D + 1)/2 r; b = (nu - D - 1)/2 log|X|."""
    x = latent("X", "posdef", "D", "D")
    nu = Symbol("nu", Role.CONSTANT, Positive())
    logdet = LogDet(Array((P, Q), Entry(x, (P, Q))))
    power_of_x = mul(HALF, subtract(Entry(nu), add(Size("D"), ONE)))
    trace = total(I, Entry(x, (I, I)))
    freedom = mul(HALF, Size("D"), add(Size("D"), ONE))
    return case(
        "wishart prior",
        x,
        (),
        subtract(mul(power_of_x, logdet), mul(HALF, trace)),
        mul(HALF, Entry(nu), Size("D")),
        motion(latents={x: (ONE, ZERO)}),
        base=mul(power_of_x, logdet),
        base_change=mul(power_of_x, Size("D")),
        divergence=freedom,
    )


def angle() -> Case:
    """Von Mises: the concentration scales, and angle and centre turn together."""
    ends = negate(Constant("pi")), Constant("pi")
    z = Symbol("z", Role.LATENT, Angle(*ends), (Extent("H"),))
    m, k = symbol("m", "real"), symbol("kappa", "positive")
    bessel = call("logbesseli0", Entry(k))
    away = subtract(Entry(z, (H,)), Entry(m))
    return case(
        "angle",
        z,
        (H,),
        subtract(mul(Entry(k), call("cos", away)), add(log(TWO_PI), bessel)),
        subtract(add(log(TWO_PI), bessel), mul(Entry(k), call("besselratio", Entry(k)))),
        motion({k: whole(k), m: array(m, ONE)}, {z: (ZERO, ONE)}),
    )


def laplace() -> Case:
    """The conditional form: any location, the statistic depends on the parents."""
    b, x = symbol("b", "positive"), data("real", "D")
    away = call("abs", subtract(Entry(x, (D,)), mean_function()))
    norm = log(mul(TWO, Entry(b)))
    return case(
        "laplace",
        x,
        (D,),
        negate(add(divide(away, Entry(b)), norm)),
        add(ONE, norm),
        motion({b: whole(b, -1)}),
    )


def known_variance() -> Case:
    """Theorem 2: b = -x^2/2, with a covariate beside the weight."""
    w, x = symbol("w", "real"), data("real", "D")
    u = symbol("u", "real", "D", role=Role.INPUT)
    v, mean = Entry(x, (D,)), mul(Entry(w), Entry(u, (D,)))
    constant = mul(HALF, log(TWO_PI))
    return case(
        "known variance",
        x,
        (D,),
        normal_log(v, mean, ONE),
        add(constant, negate(mul(HALF, power(mean, 2)))),
        motion({w: whole(w)}),
        base=negate(mul(HALF, power(v, 2))),
    )


def divided() -> Case:
    """x ~ Exponential(exp(w^2)): w' = 1/(2 w), where w is not 0."""
    w, x = symbol("w", "real"), data("positive")
    square = power(Entry(w), 2)
    return case(
        "a velocity that divides",
        x,
        (),
        subtract(square, mul(exp(square), Entry(x))),
        subtract(ONE, square),
        motion({w: array(w, divide(HALF, Entry(w)))}),
        given=Hypotheses.of([Entry(w)]),
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
    standard_prior(),
    shifted_prior(),
    vector_prior(),
    linear_layer(),
    chain(),
    volatility(),
    gumbel_prior(),
    rayleigh_prior(),
    from_two_on(),
    wishart_prior(),
    angle(),
    laplace(),
    known_variance(),
    divided(),
]
IDS = [c.name for c in CASES]


@pytest.mark.parametrize("true", CASES, ids=IDS)
def test_right_claims_are_proved_and_true(true: Case) -> None:
    assert true.reasons() == []
    assert verdict(true) is Verdict.TRUE


# ---------------------------------------------------------------- the judge


UNDEFINED = (ValueError, ZeroDivisionError, TypeError)


def verdict(claim: Case, draws: int = 3) -> Verdict:
    """(U) and all its conditions, at random points."""
    found = Verdict.NOWHERE
    symbols = symbols_in(_items(claim))
    for world in worlds(_items(claim), draws=draws, least=dict(claim.given.least)):
        random = Random(5)
        try:
            if not _is_admissible(claim.motion, symbols, world, random):
                return Verdict.FALSE
            free = sorted(free_indices(Mul(_terms(claim.factor))), key=repr)
            for where in product(*(range(i.low, world.length(i.extent) + 1) for i in free)):
                env = dict(zip(free, where, strict=True))
                if not _holds(claim, symbols, world, env, random):
                    return Verdict.FALSE
                found = Verdict.TRUE
        except (KeyError, OverflowError):
            continue
        except UNDEFINED:
            return Verdict.UNDEFINED
    return found


def _items(claim: Case) -> list[object]:
    m = claim.motion
    arrays = [
        a for which in (m.parameters, m.rates, m.shifts, m.variational) for a in which.items()
    ]
    return [*_terms(claim.factor), claim.factor.node, *arrays]


def _terms(factor: FactorClaim) -> tuple[Term, ...]:
    return (
        factor.log_density,
        factor.base,
        factor.entropy,
        factor.divergence,
        factor.base_change,
    )


def _redrawn(
    symbols: Sequence[Symbol], world: World, random: Random, kept: Collection[Place]
) -> World:
    """Other values of the entries of these symbols, but for those kept."""
    values = dict(world.values)
    for s in symbols:
        if s.role is not Role.FUNCTION:
            fresh = draw_entries(s, world, random)
            values.update({at: x for at, x in fresh.items() if at not in kept})
    return World(world.sizes, values, {}, world.functions)


def _velocities(m: MotionClaim, world: World) -> dict[Place, float]:
    found: dict[Place, float] = {}
    for s, a in (*m.parameters.items(), *m.variational.items()):
        for at in places(world, s.shape):
            found[s.name, at] = _value(a, world, at)
    for s in m.rates:
        lower = s.domain.lower if s.domain.kind == "interval" else None
        start = 0.0 if lower is None else evaluate(lower, world).value
        for at in places(world, s.shape):
            moved = _value(m.rates[s], world, at) * (world.values[s.name, at] - start)
            found[s.name, at] = moved + _value(m.shifts[s], world, at)
    return found


def _value(a: Array, world: World, at: tuple[int, ...]) -> float:
    return float(evaluate(a.body, world, dict(zip(a.indices, at, strict=True))).value)


def _near(left: float, right: float, *sizes: float) -> bool:
    return abs(left - right) <= 1e-8 * (1 + abs(left) + abs(right) + sum(map(abs, sizes)))


def _is_admissible(m: MotionClaim, symbols: Sequence[Symbol], world: World, random: Random) -> bool:
    """Velocities do not see nodes, are tangent to constraints, and keep supports."""
    nodes = (Role.LATENT, Role.OBSERVED, Role.INPUT)
    other = _redrawn([s for s in symbols if s.role in nodes], world, random, ())
    every = (m.parameters, m.rates, m.shifts)
    for s, a in (item for which in every for item in which.items()):
        for at in places(world, s.shape):
            if not _near(_value(a, world, at), _value(a, other, at)):
                return False
    for s, a in m.parameters.items():
        velocity = {at: _value(a, world, at) for at in places(world, s.shape)}
        if s.domain.kind == "simplex":
            for outer in {at[:-1] for at in velocity}:
                if abs(sum(x for at, x in velocity.items() if at[:-1] == outer)) > 1e-8:
                    return False
        if s.domain.kind == "posdef" and not all(
            _near(x, velocity[(*at[:-2], at[-1], at[-2])]) for at, x in velocity.items()
        ):
            return False
    for s in m.rates:
        rates = {at: _value(m.rates[s], world, at) for at in places(world, s.shape)}
        shifts = {_value(m.shifts[s], world, at) for at in places(world, s.shape)}
        kind = s.domain.kind
        if kind in ("positive", "interval", "posdef") and any(abs(x) > 1e-9 for x in shifts):
            return False
        if kind == "angle" and any(abs(x) > 1e-9 for x in rates.values()):
            return False
        if kind == "posdef" and any(x != rates[(*at[:-2], 1, 1)] for at, x in rates.items()):
            return False
    return True


def _holds(
    claim: Case,
    symbols: Sequence[Symbol],
    world: World,
    env: Mapping[Index, int],
    random: Random,
) -> bool:
    factor = claim.factor
    own = _own(factor, world, env)
    world = world.along(_velocities(claim.motion, world))
    density, base, entropy, divergence, change = (evaluate(t, world, env) for t in _terms(factor))
    left = density.value - density.tangent
    right = base.value - entropy.value + divergence.value
    if not _near(left, right, density.value, density.tangent, base.value, entropy.value):
        return False
    if not _near(base.tangent, change.value, base.value):
        return False
    spread = 0.0
    rate = claim.motion.rates.get(factor.node)
    if rate is not None and factor.node.domain.kind != "angle":
        spread = sum(_value(rate, world, at) for _, at in own)
        if factor.node.domain.kind == "posdef":  # of the independent entries
            spread = _value(rate, world, next(iter(own))[1]) * sum(a <= b for _, (a, b) in own)
    if not _near(spread, divergence.value):
        return False
    # b sees v, constants and covariates; H~ all but v; the rest parameters and constants
    roles = {s.name: s.role for s in symbols}
    known = {at for at in world.values if roles[at[0]] in (Role.CONSTANT, Role.INPUT)}
    parameters = {at for at in world.values if roles[at[0]] is Role.PARAMETER}
    elsewhere = _redrawn(symbols, world, random, known | own)
    around = _redrawn(symbols, world, random, known | parameters)
    again = draw_entries(factor.node, world, random)
    redrawn = {**world.values, **{at: again[at] for at in own}}
    beside = World(world.sizes, redrawn, {}, world.functions)
    return (
        _near(base.value, evaluate(factor.base, elsewhere, env).value)
        and _near(entropy.value, evaluate(factor.entropy, beside, env).value)
        and all(
            _near(evaluate(t, world, env).value, evaluate(t, around, env).value)
            for t in (factor.divergence, factor.base_change)
        )
    )


def _own(factor: FactorClaim, world: World, env: Mapping[Index, int]) -> set[Place]:
    def at(place: IndexTerm) -> int:
        match place:
            case Index():
                return env[place]
            case Offset(inner, by):
                return env[inner] + by
            case Position(extent):
                return world.length(extent)
        raise AssertionError(place)

    plates = tuple(map(at, factor.places))
    events = factor.node.shape[len(plates) :]
    return {(factor.node.name, (*plates, *event)) for event in places(world, events)}


# ---------------------------------------------------------------- one-token changes


def mutated(true: Case) -> Iterator[Case]:
    """One token of the density, of b, H~, d or D b, or of the motion is another."""
    factor, m = true.factor, true.motion
    others = symbols_in(_items(true))
    for name in ("log_density", "base", "entropy", "divergence", "base_change"):
        for new in mutants(getattr(factor, name), others):
            yield replace(true, factor=replace(factor, **{name: new}))
        extra = add(getattr(factor, name), number(Fraction(1, 3)))
        yield replace(true, factor=replace(factor, **{name: extra}))
    for which in ("parameters", "rates", "shifts"):
        arrays: Mapping[Symbol, Array] = getattr(m, which)
        for s, a in arrays.items():
            bodies = [*mutants(a.body, others), add(a.body, ONE), ZERO]
            for body in bodies:
                moved = {**arrays, s: Array(a.indices, body)}
                yield replace(true, motion=replace(m, **{which: moved}))


@pytest.mark.parametrize("true", CASES, ids=IDS)
def test_of_all_one_token_changes_only_true_ones_are_proved(true: Case) -> None:
    false = 0
    for claim in mutated(true):
        if not claim.reasons():
            assert verdict(claim) in (Verdict.TRUE, Verdict.NOWHERE), claim
        elif false < 8:
            false += verdict(claim, 1) is not Verdict.TRUE
    assert false >= 8


# ---------------------------------------------------------------- lies


def refused(claim: Case, reason: str) -> None:
    reasons = claim.reasons()
    assert any(reason in r for r in reasons), reasons


def with_factor(true: Case, **changes: object) -> Case:
    return replace(true, factor=replace(true.factor, **changes))  # type: ignore[arg-type]


def with_motion(true: Case, **changes: object) -> Case:
    return replace(true, motion=replace(true.motion, **changes))  # type: ignore[arg-type]


def test_a_mere_shift_does_not_prove_a_standard_normal_prior() -> None:
    """log p - D log p = -v^2/2 + v is free of parents, but D b = 1 - v is no constant."""
    v = Entry(Z, (H,))
    base = add(negate(mul(HALF, power(v, 2))), v)
    lie = case(
        "shifted standard normal",
        Z,
        (H,),
        normal_log(v, ZERO, ONE),
        mul(HALF, log(TWO_PI)),
        motion(latents={Z: (ZERO, ONE)}),
        base=base,
    )
    for change in (ZERO, ONE, number(-1)):
        refused(with_factor(lie, base_change=change), "the change of the base measure")
    refused(with_factor(lie, base_change=subtract(ONE, v)), "depends on its value")


def test_where_nothing_moves_the_density_is_no_base_measure() -> None:
    """b := log p would satisfy (U) of every factor without parents and parameters."""
    v = Entry(Z, (H,))
    density = normal_log(v, ZERO, ONE)
    w = symbol("w", "real")
    for along in (motion(), motion({w: whole(w)}), motion(latents={Z: (ZERO, ZERO)})):
        lie = case("still", Z, (H,), density, ZERO, along, base=density)
        refused(lie, "nothing moves")
        idle = Add((density, Entry(w), Mul((number(-1), Entry(w)))))
        refused(with_factor(lie, log_density=idle), "nothing moves")
    # a density that is constant on its support needs none
    uniform = Symbol("z", Role.LATENT, Interval(ZERO, ONE))
    assert case("uniform", uniform, (), ZERO, ZERO, motion()).reasons() == []


def test_a_base_measure_is_free_of_parents_and_parameters() -> None:
    """x ~ N(w z, 1) with nothing but b := log p."""
    w, z, x = symbol("w", "real"), latent("z", "real"), data("real")
    mean = mul(Entry(w), Entry(z))
    density = normal_log(Entry(x), mean, ONE)
    along = motion({w: array(w, ONE)})
    slope = mul(subtract(Entry(x), mean), Entry(z))
    lie = case("all in b", x, (), density, ZERO, along, base=subtract(density, slope))
    refused(lie, "the base measure of all in b depends on")
    # a constant that is called like the parameter, or like the latent, is the same to the kernel
    for name in ("w", "z"):
        other = {"w": Entry(w), "z": Entry(z)}
        other[name] = Entry(symbol(name, "real", role=Role.CONSTANT))
        mean_ = mul(other["w"], other["z"])
        density_ = normal_log(Entry(x), mean_, ONE)
        slope_ = mul(subtract(Entry(x), mean_), other["z"])
        refused(with_factor(lie, base=subtract(density_, slope_)), "is two symbols")
    both = mul(*(Entry(symbol(name, "real", role=Role.CONSTANT)) for name in "wz"))
    hidden = subtract(
        normal_log(Entry(x), both, ONE),
        mul(subtract(Entry(x), both), Entry(symbol("z", "real", role=Role.CONSTANT))),
    )
    refused(with_factor(lie, base=hidden), "is two symbols")


def test_a_base_measure_is_free_of_the_other_entries_of_its_node() -> None:
    """z[t] given z[t-1]: the parent in b, by its place, or by a sum that uses the name t."""
    true = chain()
    z = true.factor.node
    before = Entry(z, (Offset(T2, -1),))
    refused(with_factor(true, base=before), "another entry")
    under_sum = total(T2, mul(Entry(z, (T2,)), Delta(T2, Position(Extent("T")))))
    refused(with_factor(true, base=Sum(T2, Entry(z, (T2,)))), "another entry")
    refused(with_factor(true, base=under_sum), "another entry")


def test_the_entropy_is_free_of_the_value_also_where_a_sum_hides_it() -> None:
    """sum_s [s = t] sum_t [t = s + 1] z[t-1] is z[t], although every entry reads z[t-1]."""
    s_ = index("s", "T", -1, low=2)
    z = latent("z", "real", "T")
    step = Sum(T2, Mul((Delta(T2, Offset(s_, 1)), Entry(z, (Offset(T2, -1),)))))
    hidden = Sum(s_, Mul((Delta(s_, T2), step)))
    own = subtract(hidden, mul(subtract(ONE, Delta(T2, Position(Extent("T")))), Entry(z, (T2,))))
    assert judge(own, least={"T": 2}) is Verdict.TRUE
    true = replace(chain(), given=Hypotheses.of(least={"T": 2}))  # where all of these exist
    elsewhere = (
        Position(Extent("T")),
        Position(Extent("T", -1)),
        Position(Extent(None, 2)),
        Offset(index("s", "T", -1, low=2), 1),  # the same place where s + 1 = t
    )
    for lie in (Entry(z, (T2,)), hidden, *(Entry(z, (at,)) for at in elsewhere)):
        refused(with_factor(true, entropy=add(true.factor.entropy, lie)), "depends on its value")
    allowed = with_factor(true, entropy=add(true.factor.entropy, Entry(z, (Offset(T2, -1),))))
    assert not any("depends" in r for r in allowed.reasons())  # it is a parent, but (U) is false
    refused(allowed, "(U)")


def test_the_divergence_may_not_be_traded_for_entropy() -> None:
    """H~ - d is all that (U) sees; each of them has to be right."""
    for true in (standard_prior(), vector_prior(), wishart_prior(), from_two_on()):
        both = {
            "divergence": add(true.factor.divergence, HALF),
            "entropy": add(true.factor.entropy, HALF),
        }
        refused(with_factor(true, **both), "the divergence")
        none = {
            "divergence": ZERO,
            "entropy": subtract(true.factor.entropy, true.factor.divergence),
        }
        refused(with_factor(true, **none), "the divergence")
    still = linear_layer()  # the parents move, the value does not
    refused(with_factor(still, divergence=HALF, entropy=add(still.factor.entropy, HALF)), "diverg")
    seen = with_factor(standard_prior(), divergence=Entry(Z, (H,)))
    refused(seen, "depends on its value")
    other = Entry(data("real"))
    for name in ("divergence", "base_change"):
        idle = Add((getattr(standard_prior().factor, name), other, Mul((number(-1), other))))
        refused(with_factor(standard_prior(), **{name: idle}), "depends on x")


# ---------------------------------------------------------------- lies about the motion


def test_velocities_do_not_see_nodes_or_covariates() -> None:
    """exp(v z): v' = 1/z would scale it, for one z at a time."""
    v = symbol("v", "real")
    roles = {
        "y": Role.LATENT,
        "x": Role.OBSERVED,
        "u": Role.INPUT,
        "q": Role.VARIATIONAL,
        "k": Role.UNKNOWN,
    }
    for name, role in roles.items():
        seen = Entry(symbol(name, "positive", role=role))
        of_v = motion({v: array(v, power(seen, -1))})
        assert any(f"depends on {name}" in r for r in check_motion(of_v, NOTHING))
        for of_z in (motion(latents={Z: (seen, ZERO)}), motion(latents={Z: (ZERO, seen)})):
            reasons = check_motion(of_z, NOTHING)
            # r and s may depend on the inputs
            assert any(f"depends on {name}" in r for r in reasons) is (role is not Role.INPUT)
        own = motion(variational={symbol("nu", "real", role=Role.VARIATIONAL): array(v, seen)})
        allowed = role in (Role.OBSERVED, Role.INPUT, Role.VARIATIONAL)
        assert (check_motion(own, NOTHING) == []) == allowed
    rates = symbol("r", "real", "C")
    bad = motion({rates: array(rates, Entry(rates, (AT,)))})
    assert any("depends on c" in r for r in check_motion(bad, NOTHING))
    assert check_motion(motion({rates: whole(rates)}), NOTHING) == []


def test_a_constant_called_like_a_latent_is_no_constant() -> None:
    v, z, x = symbol("v", "real"), latent("z", "real"), data("binary")
    a = add(Entry(v), Entry(z))
    mask = symbol("z", "real", role=Role.CONSTANT)
    lie = case(
        "masked",
        x,
        (),
        subtract(mul(Entry(x), a), call("softplus", a)),
        subtract(call("softplus", a), mul(a, call("sigmoid", a))),
        motion({v: array(v, add(Entry(v), Entry(mask)))}),  # (v + z)' = v + z
    )
    refused(lie, "z is two symbols")
    refused(with_motion(lie, parameters={v: array(v, a)}), "depends on z")
    inside = motion({v: array(v, Entry(mask)), symbol("w", "real"): array(v, Entry(z))})
    assert any("two symbols" in r for r in check_motion(inside, NOTHING))


def test_velocities_have_a_value_at_all_parameters_but_the_printed_ones() -> None:
    """w = 0 is a stationary point of exp(w^2), where w' = 1/(2 w) says nothing."""
    true = divided()
    refused(replace(true, given=NOTHING), "not defined everywhere")
    # |w|^2 instead of w^2: that w is almost never 0 does not help
    (w,) = true.motion.parameters
    size = Mul((call("abs", Entry(w)), call("abs", Entry(w))))
    x = Entry(data("positive"))
    lie = replace(
        with_factor(
            true,
            log_density=subtract(size, mul(exp(size), x)),
            entropy=subtract(ONE, size),
        ),
        given=NOTHING,
    )
    refused(lie, "not defined everywhere")
    assert replace(lie, given=true.given).reasons() == []
    silent = motion({w: array(w, Mul((ZERO, Power(Entry(w), number(-1)))))})
    assert any("not defined" in r for r in check_motion(silent, NOTHING))
    assert check_motion(silent, true.given) == []


def test_velocities_are_tangent_to_constraints() -> None:
    true = categorical()
    (p,) = true.motion.parameters
    last = log(Entry(p, (LAST,)))
    radial = array(p, lambda i: mul(Entry(p, (i,)), subtract(log(Entry(p, (i,))), last)))
    refused(with_motion(true, parameters={p: radial}), "tangent")
    sigma = symbol("Sigma", "posdef", "D", "D")
    skew = motion(
        {sigma: array(sigma, lambda i, j: mul(Entry(sigma, (i, j)), Entry(sigma, (i, i))))}
    )
    assert any("tangent" in r for r in check_motion(skew, NOTHING))
    product = index("k", "D")
    square = array(
        sigma,
        lambda i, j: total(product, mul(Entry(sigma, (i, product)), Entry(sigma, (product, j)))),
    )
    assert check_motion(motion({sigma: square}), NOTHING) == []
    for kind in ("naturals", "binary"):
        whole_number = symbol("n", kind)
        assert any(
            "tangent" in r
            for r in check_motion(motion({whole_number: whole(whole_number)}), NOTHING)
        )
        assert check_motion(motion({whole_number: array(whole_number, ZERO)}), NOTHING) == []


SUPPORTS: dict[str, tuple[Domain, bool, bool]] = {
    # (domain, may it scale, may it be shifted)
    "real": (Real(), True, True),
    "positive": (Positive(), True, False),
    "from 2": (Interval(TWO, None), True, False),
    "up to 2": (Interval(None, TWO), True, False),
    "from 2 to 3": (Interval(TWO, number(3)), False, False),
    "from a parameter": (Interval(Entry(symbol("lo", "real")), None), False, False),
    "up to a parameter": (Interval(None, Entry(symbol("hi", "real"))), False, False),
    "from 2 to a parameter": (Interval(TWO, Entry(symbol("hi", "real"))), False, False),
    "unit": (Unit(), False, False),
    "angle": (Angle(), False, True),
    "binary": (Binary(), False, False),
    "naturals": (Naturals(), False, False),
    "category": (Category(upper=Size("C")), False, False),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_latents_keep_their_support(name: str) -> None:
    domain, scales, shifts = SUPPORTS[name]
    z = Symbol("z", Role.LATENT, domain)
    assert (check_motion(motion(latents={z: (HALF, ZERO)}), NOTHING) == []) == scales
    assert (check_motion(motion(latents={z: (ZERO, HALF)}), NOTHING) == []) == shifts
    assert (check_motion(motion(latents={z: (ONE, ONE)}), NOTHING) == []) == (scales and shifts)


def test_a_definite_latent_scales_as_a_whole() -> None:
    z = latent("Z", "posdef", "N", "D", "D")
    r, by_row = symbol("r", "real", "N"), symbol("r", "real", "D")
    good = array(z, lambda n, i, j: Entry(r, (n,)))
    bad = array(z, lambda n, i, j: add(Entry(by_row, (i,)), Entry(by_row, (j,))))
    nothing = array(z, ZERO)
    assert check_motion(MotionClaim({}, {z: good}, {z: nothing}, {}), NOTHING) == []
    reasons = check_motion(MotionClaim({}, {z: bad}, {z: nothing}, {}), NOTHING)
    assert any("within one matrix" in reason for reason in reasons)
    vector = symbol("z", "simplex", "D", role=Role.LATENT)
    assert check_motion(motion(latents={vector: (HALF, ZERO)}), NOTHING) != []


def test_a_support_does_not_move() -> None:
    """Pareto: with its minimum moving, H~ is no entropy; held, it is."""
    m, a = symbol("m", "positive"), symbol("a", "positive")
    x = Symbol("x", Role.OBSERVED, Interval(Entry(m), None))
    tail = add(Entry(a), ONE)
    density = subtract(add(log(Entry(a)), mul(Entry(a), log(Entry(m)))), mul(tail, log(Entry(x))))
    entropy = add(ONE, power(Entry(a), -1), log(Entry(m)), negate(log(Entry(a))))
    steeper = array(a, tail)
    held = case("pareto", x, (), density, entropy, motion({a: steeper}))
    assert held.reasons() == [] and verdict(held) is Verdict.TRUE
    still = motion({a: steeper, m: array(m, ZERO)})
    assert replace(held, motion=still).reasons() == []
    moved = replace(
        with_factor(held, entropy=add(entropy, Entry(a))), motion=motion({a: steeper, m: whole(m)})
    )
    refused(moved, "the support of x moves with m")
    parent = latent("z", "positive")
    below = Symbol("x", Role.OBSERVED, Interval(Entry(parent), None))
    uniform = case("above", below, (), Entry(parent), ZERO, motion(latents={parent: (ONE, ZERO)}))
    refused(uniform, "the support of x moves with z")


def test_the_form_of_a_motion() -> None:
    v, w = symbol("v", "real", "D"), symbol("w", "real", "D", "D")
    short = Array((index("k", "D", -1),), ONE)
    late = Array((index("k", "D", low=2),), ONE)
    free = array(v, Entry(w, (D, D)))
    twice = Array((I, I), Entry(w, (I, I)))
    for bad, reason in (
        (motion({v: short}), "shape"),
        (motion({v: late}), "shape"),
        (motion({v: Array((), ONE)}), "shape"),
        (motion({v: free}), "free index"),
        (motion({w: twice}), "one index twice"),
        (motion({Z: whole(Z)}), "is no parameter"),
        (motion(variational={v: whole(v)}), "is no variational"),
        (motion(latents={v: (ONE, ZERO)}), "is no latent"),
        (MotionClaim({}, {Z: array(Z, ONE)}, {}, {}), "but not both"),
        (MotionClaim({}, {}, {Z: array(Z, ONE)}, {}), "but not both"),
    ):
        reasons = check_motion(bad, NOTHING)
        assert any(reason in r for r in reasons), (reason, reasons)
    other = Index("other", Extent("H"))
    crossed = MotionClaim({}, {Z: array(Z, ONE)}, {Z: Array((other,), ZERO)}, {})
    assert replace(standard_prior(), motion=crossed).reasons() != []


def test_a_kink_in_what_moves_has_no_derivative_rule() -> None:
    """d sign(w) is not taken as 0."""
    w, x = symbol("w", "real"), data("real")
    density = normal_log(Entry(x), Call("sign", (Entry(w),)), ONE)
    claim = case("kinked", x, (), density, ZERO, motion({w: whole(w)}))
    refused(claim, "no derivative rule for sign")


# ---------------------------------------------------------------- the family of q


def gaussian_q(mean: Term, variance: Term, z: Symbol = Z, at: Index = H) -> FactorClaim:
    density = normal_log(Entry(z, (at,)), mean, variance)
    return FactorClaim("q", z, (at,), density, ZERO, ZERO, ZERO, ZERO)


NU = symbol("nu", "real", "H", role=Role.VARIATIONAL)
TAU = symbol("tau", "positive", "H", role=Role.VARIATIONAL)
T0 = symbol("t0", "positive", role=Role.CONSTANT)
SCALING = {Z: (HALF, ZERO)}


def test_a_family_with_free_mean_and_variance_follows() -> None:
    q = gaussian_q(Entry(NU, (H,)), Entry(TAU, (H,)))
    along = motion(latents=SCALING, variational={NU: whole(NU, Fraction(1, 2)), TAU: whole(TAU)})
    assert check_motion(along, NOTHING) == [] and check_closure(q, along, NOTHING) == []
    for wrong in (
        {NU: whole(NU, Fraction(1, 2)), TAU: whole(TAU, 2)},
        {NU: whole(NU), TAU: whole(TAU)},
        {NU: whole(NU, Fraction(1, 2))},
        {},
    ):
        assert check_closure(q, motion(latents=SCALING, variational=wrong), NOTHING) != []


def test_a_family_of_fixed_width_follows_a_shift_but_no_scaling() -> None:
    q = gaussian_q(Entry(NU, (H,)), Entry(T0))
    half = {NU: whole(NU, Fraction(1, 2))}
    assert check_closure(q, motion(latents=SCALING, variational=half), NOTHING) != []
    one = {NU: array(NU, ONE)}
    assert check_closure(q, motion(latents={Z: (ZERO, ONE)}, variational=one), NOTHING) == []
    assert check_closure(q, motion(latents={Z: (ZERO, HALF)}, variational=one), NOTHING) != []


def test_q_that_names_a_parameter_which_moves() -> None:
    """z ~ N(nu, s2), s2' = -s2, nothing latent moves: q's own parameters cannot compensate."""
    s2 = symbol("s2", "positive")
    q = gaussian_q(Entry(NU, (H,)), Entry(s2))
    held = motion({s2: array(s2, ZERO)})
    assert check_closure(q, held, NOTHING) == []
    moving = motion({s2: whole(s2, -1)})
    assert check_closure(q, moving, NOTHING) != []
    own = symbol("tau", "positive", role=Role.VARIATIONAL)
    scaled = gaussian_q(Entry(NU, (H,)), mul(Entry(s2), Entry(own)))
    back = motion({s2: whole(s2, -1)}, variational={own: whole(own)})
    assert check_closure(scaled, back, NOTHING) == []


def test_statements_of_q_share_one_motion() -> None:
    """z ~ N(nu, t), y ~ N(m, t): with one t for both, y would have to scale as well."""
    y, m = latent("y", "real", "H"), symbol("m", "real", "H", role=Role.VARIATIONAL)
    t = symbol("t", "positive", "H", role=Role.VARIATIONAL)
    first = gaussian_q(Entry(NU, (H,)), Entry(t, (H,)))
    second = gaussian_q(Entry(m, (H,)), Entry(t, (H,)), y)
    own = {NU: whole(NU, Fraction(1, 2)), t: whole(t), m: whole(m, Fraction(1, 2))}
    one = motion(latents=SCALING, variational=own)
    assert check_closure(first, one, NOTHING) == [] and check_closure(second, one, NOTHING) != []
    both = motion(latents={Z: (HALF, ZERO), y: (HALF, ZERO)}, variational=own)
    assert check_closure(first, both, NOTHING) == [] == check_closure(second, both, NOTHING)
    # as a parent in q, the latent moves too
    third = gaussian_q(add(Entry(m, (H,)), Entry(Z, (H,))), Entry(t, (H,)), y)
    assert check_closure(third, both, NOTHING) == []
    assert check_closure(third, one, NOTHING) != []


def test_the_velocities_of_q_may_see_the_data_but_no_latent() -> None:
    x = symbol("x", "positive", "H", role=Role.OBSERVED)
    q = gaussian_q(mul(Entry(NU, (H,)), Entry(x, (H,))), Entry(T0))
    along = array(NU, lambda i: power(Entry(x, (i,)), -1))
    shift = motion(latents={Z: (ZERO, ONE)}, variational={NU: along})
    assert check_motion(shift, NOTHING) == [] and check_closure(q, shift, NOTHING) == []
    seen = motion(latents=SCALING, variational={NU: array(NU, lambda i: Entry(Z, (i,)))})
    assert any("depends on z" in r for r in check_motion(seen, NOTHING))
    mask = symbol("nu", "real", "H", role=Role.CONSTANT)
    masked = gaussian_q(Entry(mask, (H,)), Entry(T0))
    assert any("two symbols" in r for r in check_closure(masked, shift, NOTHING))
