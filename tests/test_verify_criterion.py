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
from judge import Verdict, draw_entries, mutants, symbols_in, worlds

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
from symelbo.index.substitute import free_indices
from symelbo.index.terms import (
    Apply,
    Array,
    Constant,
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
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.verify.criterion import (
    FactorClaim,
    MotionClaim,
    check_factor,
    check_motion,
)
from symelbo.verify.evaluate import Place, World, evaluate, places
from symelbo.verify.kernel import Hypotheses

TWO, HALF = number(2), number(Fraction(1, 2))
TWO_PI = mul(TWO, Constant("pi"))
NOTHING = Hypotheses()


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, Domain(kind), tuple(Extent(s) for s in shape))


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
CAT = Symbol("c", Role.LATENT, Domain("category", upper=Size("C")))
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
    domain = Domain("interval", TWO, None)
    z = Symbol("z", Role.LATENT, domain, (Extent("H"),))
    tau = Symbol("tau", Role.CONSTANT, Domain("positive"))
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
    nu = Symbol("nu", Role.CONSTANT, Domain("positive"))
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
    z = Symbol("z", Role.LATENT, Domain("angle", *ends), (Extent("H"),))
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
    world.velocities = _velocities(claim.motion, world)
    density, base, entropy, divergence, change = (evaluate(t, world, env) for t in _terms(factor))
    world._matrices.clear()
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
    beside = World(world.sizes, dict(world.values), {}, world.functions)
    again = draw_entries(factor.node, world, random)
    beside.values = {**world.values, **{at: again[at] for at in own}}
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
