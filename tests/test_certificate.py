"""Refutations: hand-built certificates, everything that can be wrong with one, and balls.

The judge of a certificate forgets its weights: it asks of the bare rows, by numbers and least
squares, whether (U) has a solution there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from all_domains import DOMAINS
from encoded import (
    RefutedFactor,
    certainly_nonsingular,
    certainly_nonzero,
    check_certificate,
)

import symelbo
from symelbo.certify.certificate import (
    Case,
    Certificate,
    CertificateRow,
    Given,
    Unknown,
    What,
)
from symelbo.certify.enclose import enclosure, rounded
from symelbo.criterion.factor import Factor
from symelbo.criterion.result import Refuted
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
from symelbo.index.domains import Category, Positive, Real
from symelbo.index.terms import (
    Apply,
    Array,
    Call,
    Constant,
    Entry,
    Extent,
    Index,
    IndexValue,
    Inverse,
    LogDet,
    Number,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import Function, Pair, World, evaluate, places, walk

Q = Fraction
TWO = number(2)


def symbol(name: str, kind: str, *shape: str, role: Role = Role.PARAMETER) -> Symbol:
    return Symbol(name, role, DOMAINS[kind], tuple(Extent(s) for s in shape))


def observed(name: str) -> Symbol:
    return symbol(name, "binary", role=Role.OBSERVED)


V = symbol("v", "real")
Z = symbol("z", "binary", role=Role.LATENT)
X, Y = observed("x"), observed("y")
v, z = Entry(V), Entry(Z)


def bernoulli(node: Symbol, logit: Term, *plates: Index) -> RefutedFactor:
    density = subtract(mul(Entry(node, plates), logit), call("softplus", logit))
    arguments = ((Real(), Array((), logit)),)
    return RefutedFactor(node.name, node, plates, plates, density, arguments)


def refuted_factor(factor: Factor) -> RefutedFactor:
    """A factor of the engine, with its own density."""
    statement = factor.statement
    arguments = tuple(
        (formal.domain, array)
        for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True)
    )
    return RefutedFactor(
        factor.name,
        factor.node,
        factor.plates,
        statement.places,
        factor.log_density,
        arguments,
    )


def given(**values: int | Fraction) -> Given:
    """Values of scalars."""
    return tuple(((name, ()), Q(x)) for name, x in values.items())


def row(
    factor: str,
    value: Given,
    parents: Given,
    *weights: int | Fraction,
    point: int = 0,
    inputs: int = 0,
    place: tuple[int, ...] = (),
) -> CertificateRow:
    return CertificateRow(factor, place, point, inputs, parents, value, tuple(map(Q, weights)))


def contrast(
    factor: str, *weights: int | Fraction, point: int = 0, parent: str = "z"
) -> list[CertificateRow]:
    """The logit at z = 1 less that at z = 0: H~ and b drop out."""
    return [
        row(
            factor,
            given(**{factor: own}),
            given(**{parent: other}),
            *(w * (1 if own == other else -1) for w in weights),
            point=point,
        )
        for own, other in product((0, 1), repeat=2)
    ]


def certificate(
    rows: Sequence[CertificateRow],
    matrix: Sequence[Sequence[Term]],
    *unknowns: Unknown,
    points: Sequence[Given] = (given(v=Q(2, 3)),),
) -> Certificate:
    case = Case((), (), tuple(rows), unknowns, tuple(map(tuple, matrix)))
    return Certificate((), (), (), tuple(points), ((),), (case,))


# ---------------------------------------------------------------- the examples

# the rigid net, eta = (v z, (v + 1) z): the difference of both does not move, and is not 0
RIGID = [bernoulli(X, mul(v, z)), bernoulli(Y, mul(add(v, ONE), z))]
RIGID_ROWS = [*contrast("x", -1), *contrast("y", 1)]
RIGID_CERTIFICATE = certificate(RIGID_ROWS, [[ONE]])

# eta = (v z, e^v z): (1, e^v) v' = (v, e^v) has no solution where v is not 1
CURVED = [bernoulli(X, mul(v, z)), bernoulli(Y, mul(exp(v), z))]
SPEED = Unknown(What.VELOCITY, "v", (), 0, None)
CURVED_CERTIFICATE = certificate(
    [*contrast("x", 1, 0), *contrast("y", 0, 1)],
    [[ONE, TWO], [exp(TWO), exp(TWO)]],
    SPEED,
    points=[given(v=2)],
)

# z ~ N(0, 1), x ~ Bernoulli(logit = z): r = 1/2 for the one, 1 for the other
REAL = symbol("z", "real", role=Role.LATENT)
PRIOR = RefutedFactor(
    "z",
    REAL,
    (),
    (),
    negate(add(mul(number(Q(1, 2)), power(Entry(REAL), 2)), log(mul(TWO, Constant("pi"))))),
    (),
)
LATENT = [PRIOR, bernoulli(X, Entry(REAL))]
AT_Z = (("z", ()), 0)
MOVING = Case(
    (AT_Z,),
    (),
    (
        *(row("z", given(z=k), (), w) for k, w in ((1, 1), (0, -2), (-1, 1))),
        *(
            row("x", given(x=own), given(z=k), k if own else -k)
            for own, k in product((0, 1), (1, -1))
        ),
    ),
    (),
    ((ONE,),),
)
RESTING = Case(
    (),
    (AT_Z,),
    (row("z", given(z=1), (), 1), row("z", given(z=0), (), -1)),
    (),
    ((number(Q(-1, 2)),),),
)
SHIFTED = Case(
    (AT_Z,),
    (),
    tuple(row("z", given(z=k), (), w) for k, w in ((1, 1), (0, -2), (-1, 1))),
    (),
    ((number(-1),),),
    shifted=(AT_Z,),
)
LATENT_CERTIFICATE = Certificate((), (), (), ((),), ((),), (MOVING, SHIFTED, RESTING))

# the last place of a simplex, a covariance, plates, sums, constants
SIMPLEX = symbol("p", "simplex", "C")
EVERY = Index("c", Extent("C"))
SUM_OF_ALL = [bernoulli(X, mul(number(3), total(EVERY, Entry(SIMPLEX, (EVERY,))), z))]


def simplex_at(*values: Fraction) -> Given:
    return tuple((("p", (k,)), x) for k, x in enumerate(values, 1))


SIMPLEX_CERTIFICATE = replace(
    certificate(contrast("x", 1), [[number(3)]], points=[simplex_at(Q(1, 2), Q(1, 3), Q(1, 6))]),
    sizes=(("C", 3),),
)

S = symbol("S", "posdef", "D", "D")
FIRST, SECOND = (Position(Extent(None, k)) for k in (1, 2))
GAP = [
    bernoulli(X, mul(add(subtract(Entry(S, (FIRST, SECOND)), Entry(S, (SECOND, FIRST))), ONE), z))
]


def matrix_at(a: int, b: int, c: int, d: int) -> Given:
    return tuple(
        (("S", at), Q(x)) for at, x in zip(product((1, 2), repeat=2), (a, b, c, d), strict=True)
    )


GAP_CERTIFICATE = replace(
    certificate(contrast("x", 1), [[ONE]], points=[matrix_at(2, 1, 1, 3)]), sizes=(("D", 2),)
)

EXAMPLES: dict[str, tuple[Certificate, list[RefutedFactor]]] = {
    "rigid": (RIGID_CERTIFICATE, RIGID),
    "curved": (CURVED_CERTIFICATE, CURVED),
    "latent": (LATENT_CERTIFICATE, LATENT),
    "simplex": (SIMPLEX_CERTIFICATE, SUM_OF_ALL),
    "covariance": (GAP_CERTIFICATE, GAP),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_right_certificates_are_accepted_and_true(name: str) -> None:
    claim, factors = EXAMPLES[name]
    assert check_certificate(claim, factors) == []
    assert refutes(claim, factors)


# ---------------------------------------------------------------- the judge


def refutes(claim: Certificate, factors: Sequence[RefutedFactor]) -> bool:
    """Whether (U) has no solution at the rows of every case, whatever the weights; and whether the
    cases are all there are.
    """
    symbols = {}
    for factor in factors:
        symbols[factor.node.name] = factor.node
        for item in _entries(factor.log_density):
            symbols[item.symbol.name] = item.symbol
    told = sorted({at for case in claim.cases for at in (*case.moving, *case.resting)})
    for ways in product(("scaled", "shifted", "rests"), repeat=len(told)):
        choice = dict(zip(told, ways, strict=True))
        if any(
            way == "shifted" and symbols[name].domain.kind != "real"
            for ((name, _), _), way in choice.items()
        ):
            continue
        fitting = [
            c
            for c in claim.cases
            if all(choice[at] == "rests" for at in c.resting)
            and all(choice[at] == "shifted" for at in c.shifted)
            and all(choice[at] == "scaled" for at in c.moving if at not in c.shifted)
        ]
        if not any(_is_unsolvable(c, claim, factors, symbols) for c in fitting):
            return False
    return bool(claim.cases)


def _entries(term: object) -> Iterator[Entry]:
    return (item for item in walk((term,)) if isinstance(item, Entry))


def _is_unsolvable(
    case: Case,
    claim: Certificate,
    factors: Sequence[RefutedFactor],
    symbols: Mapping[str, Symbol],
) -> bool:
    keys: dict[object, int] = {}
    lines: list[dict[object, float]] = []
    rights: list[float] = []
    for r in case.rows:
        factor = next(f for f in factors if f.name == r.factor)
        values = {**dict(claim.constants), **dict(claim.points[r.point])}
        values.update([*claim.inputs[r.inputs], *r.parents, *r.value])
        world = World(
            dict(claim.sizes), {at: float(x) for at, x in values.items()}, {}, _functions(claim)
        )
        env = dict(zip(factor.plates, r.place, strict=True))
        line: dict[object, float] = {}
        inputs = frozenset(claim.inputs[r.inputs])
        for key, direction in _directions(symbols, world, case, claim.still, r.inputs):
            world = world.along(direction)
            of = () if key[0] == "velocity" else (inputs,)  # r and s may depend on the inputs
            line[(*key, r.point, *of)] = evaluate(factor.log_density, world, env).tangent
        line["H~", r.factor, r.place, r.point, inputs, frozenset(r.parents)] = 1.0
        own = [(at, r.inputs) for at, _ in r.value]
        if len(own) == 1 and own[0] in case.moving:
            x = float(r.value[0][1])
            domain = factor.node.domain
            lower = float(domain.lower.value) if isinstance(domain.lower, Number) else 0.0
            phi = x if domain.kind in ("real", "angle") else float(np.log(x - lower))
            if domain.kind != "real" or own[0] in case.shifted:  # else b is constant
                line["c", r.factor, r.place, inputs] = phi
        elif not _is_idle(case, claim, factor, r, symbols):
            line["b", r.factor, r.place, frozenset(r.value), inputs] = 1.0
        for key in line:
            keys.setdefault(key, len(keys))
        lines.append(line)
        rights.append(evaluate(factor.log_density, world, env).value)
    matrix = np.zeros((len(lines), len(keys)))
    for n, line in enumerate(lines):
        for key, x in line.items():
            matrix[n, keys[key]] = x
    right = np.array(rights)
    solution, *_ = np.linalg.lstsq(matrix, right, rcond=None)
    return bool(np.abs(matrix @ solution - right).max() > 1e-9)


def _functions(claim: Certificate) -> dict[str, Function]:
    """The functions given for the abstract ones, as numbers with their derivatives."""

    def meaning(formals: tuple[Symbol, ...], result: Array) -> Function:
        def at(
            arguments: Sequence[Mapping[tuple[int, ...], Pair]],
            where: tuple[int, ...],
            slots: tuple[object, ...],
        ) -> Pair:
            assert slots == ()
            values, velocities = {}, {}
            for formal, argument in zip(formals, arguments, strict=True):
                for place, (value, tangent) in argument.items():
                    values[formal.name, place] = value
                    velocities[formal.name, place] = tangent
            inner = World(dict(claim.sizes), values, velocities)
            found = evaluate(result.body, inner, dict(zip(result.indices, where, strict=True)))
            return found.value, found.tangent

        return at

    return {f.name: meaning(formals, result) for f, formals, result in claim.functions}


def _directions(
    symbols: Mapping[str, Symbol], world: World, case: Case, still: bool, inputs: int
) -> Iterator[tuple[tuple[object, ...], dict[tuple[str, tuple[int, ...]], float]]]:
    for name, s in symbols.items():
        for at in places(world, s.shape):
            here = (name, at)
            if s.role is Role.PARAMETER:
                direction = {here: 1.0}
                if s.domain.kind == "simplex":
                    last = (name, (*at[:-1], world.length(s.shape[-1])))
                    direction = {} if here == last else {here: 1.0, last: -1.0}
                if s.domain.kind == "posdef":
                    direction = {here: 1.0, (name, (*at[:-2], at[-1], at[-2])): 1.0}
                yield ("velocity", here), direction
            elif s.role is Role.LATENT and not still and (here, inputs) not in case.resting:
                if here not in world.values:
                    continue
                if s.domain.kind in ("real", "positive") and (here, inputs) not in case.shifted:
                    yield ("rate", here), {here: world.values[here]}
                if s.domain.kind in ("real", "angle"):
                    yield ("shift", here), {here: 1.0}


def _is_idle(
    case: Case,
    claim: Certificate,
    factor: RefutedFactor,
    r: CertificateRow,
    symbols: Mapping[str, Symbol],
) -> bool:
    """Nothing can move in the factor: no parameters, and its latents rest or are discrete."""
    if any(e.symbol.role is Role.PARAMETER for e in _entries(factor.log_density)):
        return False
    return all(
        claim.still
        or (at, r.inputs) in case.resting
        or symbols[at[0]].role is not Role.LATENT
        or symbols[at[0]].domain.kind not in ("real", "positive", "interval", "angle", "posdef")
        for at, _ in (*r.value, *r.parents)
    )


# ---------------------------------------------------------------- one thing is another


def changed(claim: Certificate) -> Iterator[Certificate]:
    """One weight, row, value, number or case is another."""
    for n, case in enumerate(claim.cases):

        def put(new: Case, n: int = n) -> Certificate:
            return replace(claim, cases=(*claim.cases[:n], new, *claim.cases[n + 1 :]))

        for k, r in enumerate(case.rows):

            def with_row(*new: CertificateRow, case: Case = case, k: int = k) -> Certificate:
                return put(replace(case, rows=(*case.rows[:k], *new, *case.rows[k + 1 :])))

            yield with_row()
            yield with_row(r, r)
            for m, w in enumerate(r.weights):
                for other in (w + 1, w - 1, -w, 2 * w):
                    weights = (*r.weights[:m], other, *r.weights[m + 1 :])
                    yield with_row(replace(r, weights=weights))
            for which in ("parents", "value"):
                entries: Given = getattr(r, which)
                yield with_row(replace(r, **{which: ()}))
                for m, (at, x) in enumerate(entries):
                    for new in (1 - x, x + 1, -x):
                        moved = (*entries[:m], (at, new), *entries[m + 1 :])
                        yield with_row(replace(r, **{which: moved}))
            yield with_row(replace(r, point=1))
            yield with_row(replace(r, inputs=1))
            yield with_row(replace(r, place=(1,)))
        for a, line in enumerate(case.matrix):
            for b, term in enumerate(line):
                for new_term in (add(term, ONE), negate(term), ZERO):
                    altered = (*line[:b], new_term, *line[b + 1 :])
                    matrix = (*case.matrix[:a], altered, *case.matrix[a + 1 :])
                    yield put(replace(case, matrix=matrix))
            yield put(replace(case, matrix=(*case.matrix[:a], *case.matrix[a + 1 :])))
        yield put(replace(case, rows=()))
        yield put(replace(case, unknowns=case.unknowns[:-1]))
        yield put(replace(case, unknowns=(*case.unknowns, SPEED)))
        yield put(replace(case, dependent=((SPEED, (ONE,)),)))
        yield put(replace(case, moving=case.resting, resting=case.moving))
        yield put(replace(case, moving=(), resting=()))
        yield put(replace(case, shifted=()))
        yield put(replace(case, shifted=case.moving))
        yield put(replace(case, shifted=(*case.resting, AT_Z)))
        yield put(replace(case, moving=(*case.moving, (("x", ()), 0))))
        yield replace(claim, cases=(*claim.cases[:n], *claim.cases[n + 1 :]))
    for n, point in enumerate(claim.points):
        for m, (at, x) in enumerate(point):
            for new in (x + 1, -x, Q(1), Q(0)):
                moved = (*point[:m], (at, new), *point[m + 1 :])
                yield replace(claim, points=(*claim.points[:n], moved, *claim.points[n + 1 :]))
            fewer = (*point[:m], *point[m + 1 :])
            yield replace(claim, points=(*claim.points[:n], fewer, *claim.points[n + 1 :]))
    for n, (name, k) in enumerate(claim.sizes):
        for size in (k - 1, k + 1, 0):
            yield replace(claim, sizes=(*claim.sizes[:n], (name, size), *claim.sizes[n + 1 :]))
    yield replace(claim, sizes=())
    yield replace(claim, points=())
    yield replace(claim, constants=(*claim.constants, (("v", ()), Q(5))))
    yield replace(claim, constants=(*claim.constants, (("z", ()), Q(1))))


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_changed_certificate_is_accepted_unless_it_is_true(name: str) -> None:
    claim, factors = EXAMPLES[name]
    rejected = 0
    for other in changed(claim):
        if check_certificate(other, factors):
            rejected += 1
        else:
            assert refutes(other, factors), other
    assert rejected >= 60


def test_a_solvable_criterion_has_no_certificate() -> None:
    """eta = (v z, 2 v z) scales: no weights do what they have to."""
    belief = [bernoulli(X, mul(v, z)), bernoulli(Y, mul(TWO, v, z))]
    assert not refutes(RIGID_CERTIFICATE, belief)
    for a, b in product(range(-2, 3), repeat=2):
        for value in (ONE, number(a + 2 * b), number(Q(2 * a + 4 * b, 3))):
            rows = [*contrast("x", a), *contrast("y", b)]
            assert check_certificate(certificate(rows, [[value]]), belief) != []


# ---------------------------------------------------------------- lies


def rejected(claim: Certificate, factors: Sequence[RefutedFactor], reason: str) -> None:
    reasons = check_certificate(claim, factors)
    assert any(reason in r for r in reasons), reasons


def test_weights_that_cancel_only_between_rows_of_different_kinds() -> None:
    """Each of these sets of rows leaves exactly one unknown."""
    at_one = [r for r in RIGID_ROWS if dict(r.parents)["z", ()] == 1]
    rejected(certificate(at_one, [[ONE]]), RIGID, "do not annihilate b of")
    same_value = [r for r in RIGID_ROWS if r.value[0][1] == 1]
    claim = certificate(same_value, [[add(ONE, call("softplus", v))]])
    assert check_certificate(claim, RIGID) != []
    ones = [row("x", given(x=1), given(z=k), w) for k, w in ((1, 1), (0, -1))]
    value = add(number(Q(2, 3)), negate(call("softplus", number(Q(2, 3)))), log(TWO))
    rejected(certificate(ones, [[value]]), RIGID[:1], "do not annihilate H~ of x")
    one_factor = certificate(contrast("x", 1), [[number(Q(2, 3))]])
    rejected(one_factor, RIGID, "do not annihilate velocity of v")


def test_velocities_at_different_parameter_values_are_different() -> None:
    """v at 2/3 and at 2: rows of x at the one and of y at the other do not cancel."""
    points = (given(v=Q(2, 3)), given(v=2))
    rows = [*contrast("x", -1), *contrast("y", 1, point=1)]
    claim = certificate(rows, [[number(Q(7, 3))]], points=points)
    rejected(claim, RIGID, "do not annihilate velocity of v")
    both = [*contrast("x", -1, point=1), *contrast("y", 1, point=1)]
    assert check_certificate(certificate(both, [[ONE]], points=points), RIGID) == []


def test_a_base_measure_may_shift_the_statistic_of_every_covariate_by_itself() -> None:
    """eta = (v u, (v + 1) u) with a covariate u: v' = v and b = u y satisfy (U)."""
    u = symbol("u", "binary", role=Role.INPUT)
    factors = [bernoulli(X, mul(v, Entry(u))), bernoulli(Y, mul(add(v, ONE), Entry(u)))]
    rows = [
        replace(r, inputs=int(r.parents[0][1]), parents=())
        for r in (*contrast("x", -1), *contrast("y", 1))
    ]
    claim = replace(certificate(rows, [[ONE]]), inputs=(given(u=0), given(u=1)))
    rejected(claim, factors, "do not annihilate b of")
    assert not refutes(claim, factors)


def test_several_parameter_values_exclude_every_shift() -> None:
    """x ~ N(m, m^2): at each m the weights (1, m, m^2 ...) differ, and b is one for all."""
    m, x = symbol("m", "positive"), symbol("x", "real", role=Role.OBSERVED)
    variance = power(Entry(m), 2)
    density = negate(
        add(divide(power(subtract(Entry(x), Entry(m)), 2), mul(TWO, variance)), log(Entry(m)))
    )
    factor = RefutedFactor("x", x, (), (), density, ((Positive(), Array((), variance)),))
    # -x^2/(2 m^2) + x/m; contrasts of x = 0, 1, -1: x/m twice, and -x^2/(2 m^2) twice; the velocity
    # leaves of them (-2/m^2) and (2/m^3), so that first + m second does not move
    rows, points = [], []
    for k, (value, weight) in enumerate(((1, 1), (2, -2), (3, 1))):
        points.append(given(m=value))
        odd, even = Q(weight), Q(weight * value)
        for own, w in ((1, odd + even), (-1, even - odd), (0, -2 * even)):
            rows.append(row("x", given(x=own), (), w, point=k))
    claim = certificate(
        rows, [[number(sum(Q(w) / k for k, w in ((1, 1), (2, -2), (3, 1))))]], points=points
    )
    assert refutes(claim, [factor])
    assert check_certificate(claim, [factor]) == []
    single = certificate(rows[:3], [[ONE]], points=points)
    assert not refutes(single, [factor])
    rejected(single, [factor], "do not annihilate b of x")


def test_no_row_lies_on_a_kink() -> None:
    """Laplace(m, 1) at x = m has no derivative; with 0 in its place other equations would hold."""
    m, x = symbol("m", "real"), symbol("x", "real", role=Role.OBSERVED)
    factors = [RefutedFactor("x", x, (), (), negate(call("abs", subtract(Entry(x), Entry(m)))), ())]
    points = (given(m=0), given(m=1))
    rows = [
        row("x", given(x=own), (), w if point else -w, point=point)
        for own, w in ((0, 1), (1, -1))
        for point in (0, 1)
    ]
    rejected(certificate(rows, [[TWO]], points=points), factors, "the slope of |a| where a is 0")
    beside = [replace(r, value=given(x=r.value[0][1] * 3 - 1)) for r in rows]  # at -1 and 2
    found = check_certificate(certificate(beside, [[TWO]], points=points), factors)
    assert found and not any("slope" in reason for reason in found)


def test_every_parameter_counts() -> None:
    w = symbol("w", "real")
    freed = [RIGID[0], bernoulli(Y, mul(add(v, Entry(w)), z))]
    claim = replace(RIGID_CERTIFICATE, points=(given(v=Q(2, 3), w=1),))
    rejected(claim, freed, "do not annihilate velocity of w")
    rejected(RIGID_CERTIFICATE, freed, "without a value")


def test_nothing_without_a_value_stands_for_a_number() -> None:
    """A known k without a value, an open index, or a size: one atom would be many numbers."""
    k = symbol("k", "real", role=Role.CONSTANT)
    factors = [RIGID[0], bernoulli(Y, mul(add(v, Entry(k)), z))]
    rejected(certificate(RIGID_ROWS, [[Entry(k)]]), factors, "not closed")
    rejected(certificate(RIGID_ROWS, [[ONE]]), factors, "without a value")
    known = replace(RIGID_CERTIFICATE, constants=given(k=1))
    assert check_certificate(known, factors) == []
    n = Index("n", Extent("N"))
    rejected(certificate(RIGID_ROWS, [[subtract(Size("N"), ONE)]]), RIGID, "not closed")
    free_one = IndexValue(Index("m", Extent(None, 2)))
    rejected(certificate(RIGID_ROWS, [[free_one]]), RIGID, "not closed")
    open_sum = Sum(Index("m", Extent(None, 2)), Entry(symbol("k", "real", "N"), (n,)))
    rejected(certificate(RIGID_ROWS, [[open_sum]]), RIGID, "not closed")
    several = symbol("vs", "real", "N")
    free = [bernoulli(X, mul(Entry(several, (n,)), z))]
    points = (tuple((("vs", (j,)), Q(j)) for j in (1, 2)),)
    claim = replace(certificate(contrast("x", 1), [[ONE]], points=points), sizes=(("N", 2),))
    rejected(claim, free, "has a free index")
    whole = [bernoulli(X, mul(total(n, Entry(several, (n,))), z))]
    rejected(replace(claim, points=(points[0][:1],)), whole, "an entry of vs has no value")
    more = (*points[0], (("vs", (3,)), Q(3)))
    rejected(replace(claim, points=(more,)), whole, "vs has no such entry")


def test_names_and_roles() -> None:
    unlisted = replace(RIGID_CERTIFICATE, constants=given(nobody=1))
    rejected(unlisted, RIGID, "nobody is no constant")
    moved = replace(RIGID_CERTIFICATE, constants=given(v=1))
    rejected(moved, RIGID, "v is no constant")
    latent_point = replace(RIGID_CERTIFICATE, points=(given(v=Q(2, 3), z=1),))
    rejected(latent_point, RIGID, "z is no parameter")
    as_parent = [replace(r, parents=(*r.parents, *given(v=1))) for r in RIGID_ROWS]
    rejected(certificate(as_parent, [[ONE]]), RIGID, "gives v, which is no parent")
    stranger = [replace(r, parents=(*r.parents, *given(nobody=1))) for r in RIGID_ROWS]
    rejected(certificate(stranger, [[ONE]]), RIGID, "gives nobody, which is no parent")
    twice = [RIGID[0], bernoulli(Y, Entry(symbol("z", "real", role=Role.LATENT)))]
    rejected(RIGID_CERTIFICATE, twice, "z is two symbols")
    # the unknowns have names of their own, which no symbol may have
    called = symbol("velocity of v", "real")
    clash = [*RIGID, bernoulli(observed("w"), mul(Entry(called), z))]
    with_value = replace(
        RIGID_CERTIFICATE, points=((*given(v=Q(2, 3)), (("velocity of v", ()), Q(0))),)
    )
    rejected(with_value, clash, "the name of an unknown")


FORM: dict[str, tuple[Certificate, str]] = {
    "no points": (replace(RIGID_CERTIFICATE, points=()), "no parameter values"),
    "no cases": (replace(RIGID_CERTIFICATE, cases=()), "no cases"),
    "no rows": (certificate([], [[ONE]]), "without rows"),
    "no such factor": (certificate([row("w", given(w=1), given(z=1), 1)], [[ONE]]), "no factor w"),
    "no such point": (certificate(contrast("x", 1, point=1), [[ONE]]), "no parameter value 1"),
    "a negative point": (certificate(contrast("x", 1, point=-1), [[ONE]]), "no parameter value"),
    "no such place": (
        certificate([row("x", given(x=1), given(z=1), 1, place=(1,))], [[ONE]]),
        "does not exist",
    ),
    "no value": (certificate([row("x", (), given(z=1), 1)], [[ONE]]), "does not give its value"),
    "two values": (
        certificate([row("x", (*given(x=1), *given(x=0)), given(z=1), 1)], [[ONE]]),
        "an entry with two values",
    ),
    "another value": (
        certificate([row("x", given(y=1), given(z=1), 1)], [[ONE]]),
        "does not give its value",
    ),
    "too few weights": (
        certificate(RIGID_ROWS, [[ONE, ONE], [ONE, TWO]], SPEED),
        "every combination",
    ),
    "too many unknowns": (certificate(RIGID_ROWS, [[ONE]], SPEED), "as many combinations"),
    "not square": (certificate(RIGID_ROWS, [[ONE, ONE]], SPEED), "as many combinations"),
    "an unknown twice": (
        certificate(CURVED_CERTIFICATE.cases[0].rows, [[ONE] * 3] * 3, SPEED, SPEED),
        "named twice",
    ),
    "no size": (replace(SIMPLEX_CERTIFICATE, sizes=()), "no size"),
    "size zero": (replace(SIMPLEX_CERTIFICATE, sizes=(("C", 0),)), "not positive"),
}


@pytest.mark.parametrize("name", FORM)
def test_the_form_of_a_certificate(name: str) -> None:
    claim, reason = FORM[name]
    factors = EXAMPLES["simplex"][1] if claim.sizes or "size" in name else RIGID
    rejected(claim, factors, reason)


def test_the_matrix_is_what_the_rows_leave_and_no_other() -> None:
    assert check_certificate(CURVED_CERTIFICATE, CURVED) == []
    rows = CURVED_CERTIFICATE.cases[0].rows
    e2 = exp(TWO)
    at_two = [given(v=2)]
    rejected(certificate(rows, [[ONE, TWO], [e2, ONE]], SPEED, points=at_two), CURVED, "log p")
    rejected(
        certificate(rows, [[TWO, TWO], [e2, e2]], SPEED, points=at_two), CURVED, "velocity of v"
    )
    nearly = number(Q(7389056098930650, 10**15))
    rejected(certificate(rows, [[ONE, TWO], [e2, nearly]], SPEED, points=at_two), CURVED, "log p")
    # at v = 1 the two equations have the solution v' = 1
    e1 = Constant("e")
    solvable = certificate(rows, [[ONE, ONE], [e1, e1]], SPEED, points=[given(v=1)])
    rejected(solvable, CURVED, "determinant")
    assert not refutes(solvable, CURVED)
    # an unknown that does not occur makes the determinant 0
    elsewhere = certificate(
        rows, [[ZERO, TWO], [ZERO, e2]], Unknown(What.VELOCITY, "w", (), 0, None), points=at_two
    )
    assert check_certificate(elsewhere, CURVED) != []


def test_dependent_unknowns_occur_in_one_combination_everywhere() -> None:
    """eta = ((v + 2 w) z, e^(v + 2 w) z): w' counts as twice v'."""
    w = symbol("w", "real")
    both = add(v, mul(TWO, Entry(w)))
    factors = [bernoulli(X, mul(both, z)), bernoulli(Y, mul(exp(both), z))]
    case = CURVED_CERTIFICATE.cases[0]
    other = Unknown(What.VELOCITY, "w", (), 0, None)

    def with_dependent(*dependent: tuple[Unknown, tuple[Term, ...]]) -> Certificate:
        point = (given(v=1, w=Q(1, 2)),)
        return Certificate((), (), (), point, ((),), (replace(case, dependent=dependent),))

    assert check_certificate(with_dependent((other, (TWO,))), factors) == []
    assert refutes(with_dependent(), factors)
    rejected(with_dependent(), factors, "do not annihilate velocity of w")
    rejected(with_dependent((other, (ONE,))), factors, "do not annihilate velocity of w")
    rejected(with_dependent((other, ())), factors, "without a factor for every unknown")
    rejected(with_dependent((SPEED, (ONE,))), factors, "named twice")
    # a third direction makes it solvable, and then nothing depends
    free = [factors[0], bernoulli(Y, mul(exp(add(v, Entry(w))), z))]
    for factor in (1, 2):
        assert check_certificate(with_dependent((other, (number(factor),))), free) != []


# ---------------------------------------------------------------- latents that move or rest


def test_the_combination_of_a_dependent_unknown_may_be_any_closed_number() -> None:
    """eta = ((v + e w) z, e^(v + e w) z): w' counts as e times v'."""
    w = symbol("w", "real")
    both = add(v, mul(exp(ONE), Entry(w)))
    factors = [bernoulli(X, mul(both, z)), bernoulli(Y, mul(exp(both), z))]
    case = CURVED_CERTIFICATE.cases[0]
    other = Unknown(What.VELOCITY, "w", (), 0, None)

    def with_share(share: Term) -> Certificate:
        own = replace(case, dependent=((other, (share,)),))
        return Certificate((), (), (), (given(v=2, w=0),), ((),), (own,))

    assert check_certificate(with_share(exp(ONE)), factors) == []
    assert check_certificate(with_share(exp(add(ONE, ZERO))), factors) == []
    for near in (ONE, exp(number(Q(1, 2))), number(Q(2718, 1000))):
        rejected(with_share(near), factors, "do not annihilate velocity of w")
    rejected(with_share(exp(v)), factors, "not closed")
    assert check_certificate(with_share(log(number(-1))), factors) != []


def test_all_cases_of_moving_and_resting_are_needed() -> None:
    assert check_certificate(LATENT_CERTIFICATE, LATENT) == []
    for case in (MOVING, SHIFTED, RESTING):
        others = tuple(c for c in LATENT_CERTIFICATE.cases if c != case)
        rejected(replace(LATENT_CERTIFICATE, cases=others), LATENT, "do not cover")
    unmoved = replace(RESTING, shifted=(AT_Z,))
    cases = (*LATENT_CERTIFICATE.cases, unmoved)
    rejected(replace(LATENT_CERTIFICATE, cases=cases), LATENT, "shifted, but does not move")
    both = replace(RESTING, moving=(AT_Z,))  # it rests and moves: that is no case
    cases = (both, SHIFTED, RESTING)
    rejected(replace(LATENT_CERTIFICATE, cases=cases), LATENT, "do not cover")
    merely = replace(MOVING, moving=())
    assert check_certificate(replace(LATENT_CERTIFICATE, cases=(merely,)), LATENT) != []
    idle = replace(RESTING, resting=())  # nothing says that z rests
    assert check_certificate(replace(LATENT_CERTIFICATE, cases=(idle,)), LATENT) != []
    discrete = replace(RIGID_CERTIFICATE.cases[0], moving=(AT_Z,))
    binary = replace(RIGID_CERTIFICATE, cases=(discrete,))
    rejected(binary, RIGID, "z is no latent that may move")
    # where the specification forbids motion, the case of rest is all there is
    still = replace(LATENT_CERTIFICATE, cases=(replace(RESTING, resting=()),), still=True)
    assert check_certificate(still, LATENT) == []
    rejected(replace(LATENT_CERTIFICATE, still=True), LATENT, "cannot move")


def test_a_shifted_latent_has_a_base_measure_of_its_own() -> None:
    """Gumbel: z' = -1 and b = -z satisfy (U); weights that forget b = c v are rejected."""
    at = Entry(REAL)
    factors = [RefutedFactor("z", REAL, (), (), negate(add(at, exp(negate(at)))), ())]
    e = Constant("e")
    weights = {0: (-1, -2), 1: (1, 1), -1: (0, 1)}
    rows = tuple(row("z", given(z=k), (), *w) for k, w in weights.items())
    # s' (e^-z - 1): 1/e - 1 and 1/e + e - 2; log p: -1 - 1/e + 1 and -(1/e + e - 2)
    inverse = power(e, -1)
    second = add(inverse, e, number(-2))
    matrix = ((subtract(inverse, ONE), negate(inverse)), (second, negate(second)))
    shifted = Case(
        (AT_Z,), (), rows, (Unknown(What.SHIFT, "z", (), 0, 0),), matrix, shifted=(AT_Z,)
    )
    resting = replace(RESTING, matrix=((negate(inverse),),))
    claim = Certificate((), (), (), ((),), ((),), (shifted, resting))
    assert check_certificate(claim, factors) == ["case 1: the weights do not annihilate base of z"]
    assert not refutes(claim, factors)


def test_scaled_and_shifted_latents_have_other_base_measures() -> None:
    """z ~ N(0, 1) alone is scaled, z' = z/2 and b constant; no weights refute that."""
    rows = [row("z", given(z=k), (), w) for k, w in ((1, 1), (0, -2), (-1, 1))]
    scaled = replace(MOVING, rows=tuple(rows), matrix=((number(-1),),))
    claim = replace(LATENT_CERTIFICATE, cases=(scaled, SHIFTED, RESTING))
    rejected(claim, LATENT[:1], "do not annihilate rate of z")
    assert not refutes(claim, LATENT[:1])
    # e^(cz) is a base measure of shifts only: u z - z^2/2 - ... is another matter
    two = tuple(row("z", given(z=k), (), w) for k, w in ((2, 1), (1, -1)))
    tilted = replace(SHIFTED, rows=two, matrix=((number(Q(-3, 2)),),))
    rejected(replace(LATENT_CERTIFICATE, cases=(MOVING, tilted, RESTING)), LATENT, "base of z")


def test_a_base_measure_may_be_a_logarithm_where_the_density_is_singular() -> None:
    """|z| e^(-z^2/2): r = 1/2 and b = log|z| satisfy (U); b = c v would leave nothing else."""
    at = Entry(REAL)
    density = subtract(log(call("abs", at)), mul(number(Q(1, 2)), power(at, 2)))
    factors = [RefutedFactor("z", REAL, (), (), density, ())]
    rows = [row("z", given(z=s * k), (), w) for k, w in ((1, 5), (2, -8), (3, 3)) for s in (1, -1)]
    value = subtract(mul(number(6), log(number(3))), mul(number(16), log(TWO)))
    moving = replace(MOVING, rows=tuple(rows), matrix=((value,),))
    rests = [row("z", given(z=k), (), w) for k, w in ((2, 1), (1, -1))]
    resting = replace(RESTING, rows=tuple(rests), matrix=((subtract(log(TWO), number(Q(3, 2))),),))
    claim = replace(LATENT_CERTIFICATE, cases=(moving, resting))
    rejected(claim, factors, "not shown to be finite everywhere")


def test_a_positive_latent_has_a_logarithm_as_its_base_measure() -> None:
    """Rayleigh: r = 1/2 and b = log z; weights that forget b are rejected."""
    r = symbol("z", "positive", role=Role.LATENT)
    at = Entry(r)
    density = subtract(log(at), mul(number(Q(1, 2)), power(at, 2)))
    factors = [RefutedFactor("z", r, (), (), density, ())]
    rows = [row("z", given(z=k), (), w) for k, w in ((1, 5), (2, -8), (3, 3))]
    value = subtract(mul(number(3), log(number(3))), mul(number(8), log(TWO)))
    moving = replace(MOVING, rows=tuple(rows), matrix=((value,),))
    rests = [row("z", given(z=k), (), w) for k, w in ((2, 1), (1, -1))]
    resting = replace(RESTING, rows=tuple(rests), matrix=((subtract(log(TWO), number(Q(3, 2))),),))
    claim = replace(LATENT_CERTIFICATE, cases=(moving, resting))
    rejected(claim, factors, "base of z")
    assert not refutes(claim, factors)
    # nor do weights help that annihilate b = c v
    rows = [row("z", given(z=k), (), w) for k, w in ((1, 1), (2, -3), (3, 3), (4, -1))]
    value = subtract(mul(number(3), log(number(3))), mul(number(5), log(TWO)))
    linear = replace(MOVING, rows=tuple(rows), matrix=((value,),))
    rejected(replace(claim, cases=(linear, resting)), factors, "base of z")


def test_the_base_measure_of_a_moving_latent_may_differ_between_covariates() -> None:
    """u z - e^z with a covariate u: z' = 1 and b = u z satisfy (U); one c for all u would not."""
    u = symbol("u", "positive", role=Role.INPUT)
    at = Entry(REAL)
    density = subtract(subtract(mul(Entry(u), at), exp(at)), call("loggamma", Entry(u)))
    factors = [RefutedFactor("z", REAL, (), (), density, ())]
    weights = {(1, 0): -1, (1, 1): 1, (2, 0): 1, (2, 1): -1}
    inputs = (given(u=1), given(u=2))
    rows = [row("z", given(z=k), (), w, inputs=c - 1) for (c, k), w in weights.items()]
    both = (AT_Z, (("z", ()), 1))
    shifted = replace(SHIFTED, rows=tuple(rows), moving=both, shifted=both)
    e = [Constant("e"), power(Constant("e"), 2), power(Constant("e"), 3)]
    # scaled, at u = 1: z - e^z, r z (1 - e^z) and s (1 - e^z) at z = 1, 2, 3 less that at 0
    steps = [
        row("z", given(z=k), (), *(-1 if k == 0 else int(k == n) for n in (1, 2, 3)))
        for k in range(4)
    ]
    matrix = tuple(
        (
            mul(number(n), subtract(ONE, power_of_e)),
            subtract(ONE, power_of_e),
            add(number(n + 1), negate(power_of_e)),
        )
        for n, power_of_e in enumerate(e, 1)
    )
    unknowns = (Unknown(What.RATE, "z", (), 0, 0), Unknown(What.SHIFT, "z", (), 0, 0))
    scaled = Case((AT_Z,), (), tuple(steps), unknowns, matrix)
    rests = [row("z", given(z=k), (), w) for k, w in ((1, 1), (0, -1))]
    resting = Case((), (AT_Z,), tuple(rests), (), ((subtract(TWO, e[0]),),))
    claim = Certificate((), (), (), ((),), inputs, (scaled, shifted, resting))
    # nor would one s: that is another one at every u
    reasons = check_certificate(claim, factors)
    left = ("base of z", "shift of z") * 2
    assert sorted(reasons) == sorted(f"case 2: the weights do not annihilate {of}" for of in left)
    assert not refutes(claim, factors)


def test_a_factor_is_idle_only_if_all_that_it_reads_rests() -> None:
    """y ~ N(z1, 1): where y rests and nothing is said of z1, (U) holds with b = log p and more."""
    y = symbol("y", "real", role=Role.LATENT)
    density = negate(mul(number(Q(1, 2)), power(subtract(Entry(y), Entry(REAL)), 2)))
    factors = [RefutedFactor("y", y, (), (), density, ())]
    rows = [row("y", given(y=k), given(z=0), w) for k, w in ((1, 1), (0, -1))]
    case = Case((), ((("y", ()), 0),), tuple(rows), (), ((number(Q(-1, 2)),),))
    claim = Certificate((), (), (), ((),), ((),), (case,))
    rejected(claim, factors, "do not annihilate b of y")
    # a sum over many entries of which only some are said to rest
    zs, h = symbol("z", "real", "H", role=Role.LATENT), Index("h", Extent("H"))
    wide = negate(mul(number(Q(1, 2)), power(subtract(Entry(y), total(h, Entry(zs, (h,)))), 2)))
    some = [RefutedFactor("y", y, (), (), wide, ())]
    parents = ((("z", (1,)), Q(0)), (("z", (2,)), Q(0)))
    rows = [row("y", given(y=k), parents, w) for k, w in ((1, 1), (0, -1))]
    case = replace(case, rows=tuple(rows), resting=((("y", ()), 0), (("z", (1,)), 0)))
    part = Certificate((("H", 2),), (), (), ((),), ((),), (case,))
    rejected(part, some, "do not annihilate b of y")
    whole = replace(case, resting=(*case.resting, (("z", (2,)), 0)))
    reasons = check_certificate(replace(part, cases=(whole,)), some)
    assert reasons == ["the cases do not cover every choice of what moves"]


# ---------------------------------------------------------------- admissible points


def test_points_lie_in_their_domains() -> None:
    def parents_at(x: Fraction) -> Certificate:
        return certificate(
            [replace(r, parents=given(z=x if r.parents[0][1] else 0)) for r in RIGID_ROWS],
            [[number(x)]],
        )

    assert check_certificate(parents_at(Q(1)), RIGID) == []
    rejected(parents_at(Q(1, 2)), RIGID, "is not in its domain (binary)")
    for bad in ((Q(1, 2), Q(1, 2), Q(0)), (Q(1, 2), Q(1, 3), Q(1, 3)), (Q(1, 2), Q(1, 2))):
        off = replace(SIMPLEX_CERTIFICATE, points=(simplex_at(*bad),))
        assert check_certificate(off, SUM_OF_ALL) != []
    for entries in ((2, 5, 1, 3), (2, 5, 5, 3), (-2, 1, 1, 3), (2, 2, 2, 2)):
        off = replace(GAP_CERTIFICATE, points=(matrix_at(*entries),))
        rejected(off, GAP, "posdef")
    for kind, good, bad_one in (
        ("positive", Q(1), Q(-1)),
        ("unit", Q(1, 2), Q(3, 2)),
        ("naturals", Q(2), Q(1, 2)),
    ):
        p = symbol("v", kind)
        factors = [
            bernoulli(X, mul(Entry(p), z)),
            bernoulli(Y, mul(add(Entry(p), ONE), z)),
        ]
        assert check_certificate(replace(RIGID_CERTIFICATE, points=(given(v=good),)), factors) == []
        off = replace(RIGID_CERTIFICATE, points=(given(v=bad_one),))
        rejected(off, factors, f"is not in its domain ({kind})")


class Mystery(Real):
    """A domain of which the checker has not been told."""

    __slots__ = ()
    kind = "mystery"


def test_arguments_of_a_family_lie_in_their_domains() -> None:
    """A normal density with a negative variance is no density; what it refutes is no model."""

    def with_argument(kind: str, term: Term) -> list[RefutedFactor]:
        domain = Mystery() if kind == "mystery" else DOMAINS[kind]
        return [replace(f, arguments=((domain, Array((), term)),)) for f in RIGID]

    good = {"positive": v, "unit": v, "real": v, "naturals": mul(number(3), v)}
    for kind, term in good.items():
        assert check_certificate(RIGID_CERTIFICATE, with_argument(kind, term)) == []
    bad = {
        "positive": subtract(v, ONE),
        "unit": add(v, ONE),
        "naturals": v,
        "interval": v,
    }
    for kind, term in bad.items():
        rejected(RIGID_CERTIFICATE, with_argument(kind, term), "not shown to lie in its domain")
    rejected(RIGID_CERTIFICATE, with_argument("mystery", v), "a domain is none of")
    open_one = with_argument("real", Entry(symbol("k", "real", role=Role.CONSTANT)))
    rejected(RIGID_CERTIFICATE, open_one, "without a value")


def test_only_tangent_directions_count() -> None:
    """sum_c p_c does not move on a simplex; S_12 - S_21 does not move on covariances."""
    free = symbol("p", "positive", "C")
    off = [bernoulli(X, mul(number(3), total(EVERY, Entry(free, (EVERY,))), z))]
    rejected(SIMPLEX_CERTIFICATE, off, "do not annihilate velocity of p")
    for k, x in enumerate((Q(1, 2), Q(1, 3), Q(1, 6)), 1):
        one = [bernoulli(X, mul(Entry(SIMPLEX, (Position(Extent(None, k)),)), z))]
        claim = replace(
            SIMPLEX_CERTIFICATE,
            cases=(replace(SIMPLEX_CERTIFICATE.cases[0], matrix=((number(x),),)),),
        )
        rejected(claim, one, "do not annihilate velocity of p")
        assert not refutes(claim, one)
    plain = [bernoulli(X, mul(Entry(S, (FIRST, SECOND)), z))]
    rejected(GAP_CERTIFICATE, plain, "do not annihilate velocity of S")
    i, j = Index("i", Extent("D")), Index("j", Extent("D"))
    matrix = Array((i, j), Entry(S, (i, j)))
    for term in (Inverse(matrix, FIRST, FIRST), LogDet(matrix)):
        factors = [bernoulli(X, mul(term, z))]
        assert check_certificate(GAP_CERTIFICATE, factors) != []


def test_sums_places_and_categories_are_instantiated() -> None:
    """x[d] ~ Bernoulli(mu[c, d]), y[d] ~ Bernoulli(mu[c, d] + C): C does not scale."""
    mu = symbol("mu", "real", "C", "D")
    cat = Symbol("c", Role.LATENT, Category(upper=Size("C")))
    d, k = Index("d", Extent("D")), Index("k", Extent("C"))
    xs, ys = (symbol(n, "binary", "D", role=Role.OBSERVED) for n in "xy")
    picked = Entry(mu, (Entry(cat), d))
    one = mul(picked, subtract(Entry(Symbol("c", Role.LATENT, cat.domain)), ONE))
    factors = [
        bernoulli(xs, one, d),
        bernoulli(ys, add(one, mul(total(k, ONE), subtract(Entry(cat), ONE))), d),
    ]
    at = {1: ("c", ()), 2: ("c", ())}
    rows = [
        CertificateRow(
            name,
            (2,),
            0,
            0,
            ((at[c], Q(c)),),
            (((name, (2,)), Q(own)),),
            (Q(sign * (1 if (own, c) in ((1, 2), (0, 1)) else -1)),),
        )
        for name, sign in (("x", -1), ("y", 1))
        for own in (0, 1)
        for c in (1, 2)
    ]
    points = (tuple((("mu", (a, b)), Q(a + b)) for a in (1, 2) for b in (1, 2)),)
    claim = replace(certificate(rows, [[TWO]], points=points), sizes=(("C", 2), ("D", 2)))
    assert check_certificate(claim, factors) == []
    assert refutes(claim, factors)
    for wrong in (Q(3), Q(3, 2)):
        larger = [replace(r, parents=((("c", ()), wrong),)) for r in rows]
        off = replace(claim, cases=(replace(claim.cases[0], rows=tuple(larger)),))
        rejected(off, factors, "is not in its domain (category)")
    beyond = [replace(r, place=(3,)) for r in rows]
    rejected(
        replace(claim, cases=(replace(claim.cases[0], rows=tuple(beyond)),)),
        factors,
        "does not exist",
    )


# ---------------------------------------------------------------- abstract functions


M = symbol("m", "real", role=Role.FUNCTION)
W = symbol("w", "real")
ARG_S, ARG_T = (symbol(name, "real", role=Role.ARGUMENT) for name in "st")


def layer(function: Symbol) -> list[RefutedFactor]:
    """x ~ Bernoulli(m(z, w)), y ~ Bernoulli(w z)."""
    m = Apply(function, (Array((), z), Array((), Entry(W))))
    return [bernoulli(X, m), bernoulli(Y, mul(Entry(W), z))]


def with_function(function: Symbol, body: Term, value: Term = ONE) -> Certificate:
    rows = [*contrast("x", 1), *contrast("y", -1)]
    claim = certificate(rows, [[value]], points=[given(w=3)])
    return replace(claim, functions=((function, (ARG_S, ARG_T), Array((), body)),))


def test_abstract_functions_are_given_a_smooth_form() -> None:
    """m(z, w) = (w + 1) z cannot scale together with w z."""
    s, t = Entry(ARG_S), Entry(ARG_T)
    body = add(mul(s, t), s)
    claim = with_function(M, body)
    assert check_certificate(claim, layer(M)) == []
    assert refutes(claim, layer(M))
    rejected(replace(claim, functions=()), layer(M), "no function given for m")
    scaled = with_function(M, mul(s, t), ZERO)
    assert check_certificate(scaled, layer(M)) != []
    n = Index("n", Extent("N"))
    namesake = symbol("s", "real", "N", role=Role.ARGUMENT)
    for rough, reason in (
        (mul(s, add(t, call("abs", s))), "smooth"),
        (mul(s, add(t, power(t, -1))), "nonzero"),
        (mul(s, log(t)), "positive"),
        (add(mul(s, Entry(W)), s), "none of its arguments"),
        (mul(s, Entry(namesake, (n,))), "none of its arguments"),
    ):
        rejected(with_function(M, rough), layer(M), reason)
    open_index = replace(claim, functions=((M, (namesake,), Array((), Entry(namesake, (n,)))),))
    rejected(open_index, layer(M), "free index")
    bounded = symbol("s", "positive", role=Role.ARGUMENT)
    narrow = replace(claim, functions=((M, (bounded, ARG_T), Array((), mul(Entry(bounded), t))),))
    rejected(narrow, layer(M), "must be real symbols")


def test_functions_map_into_their_domain() -> None:
    s, t = Entry(ARG_S), Entry(ARG_T)
    positive = symbol("m", "positive", role=Role.FUNCTION)
    unit = symbol("m", "unit", role=Role.FUNCTION)
    odd = symbol("m", "simplex", "C", role=Role.FUNCTION)
    rejected(
        with_function(positive, add(mul(s, t), s)),
        layer(positive),
        "shown to lie in its domain (positive): 0 +1 v > 0",
    )
    rejected(
        with_function(unit, exp(mul(s, t))),
        layer(unit),
        "shown to lie in its domain (unit): 1 -1 v > 0",
    )
    bounded = with_function(unit, call("sigmoid", mul(s, t)))
    assert not any("shown" in r and "m is" in r for r in check_certificate(bounded, layer(unit)))
    assert any(
        "not supported" in r or "indices" in r
        for r in check_certificate(with_function(odd, s), layer(odd))
    )
    grows = with_function(positive, exp(mul(s, t)), subtract(exp(number(3)), number(4)))
    # e^(w z) - w z leaves (e^3 - 1) w': no weights annihilate it, and it is not left as an unknown
    rejected(grows, layer(positive), "do not annihilate velocity of w")


# ---------------------------------------------------------------- certificates of the engine

MODELS: dict[str, dict[str, object]] = {
    "rigid": {
        "parameters": {"pi": "unit", "v": "real"},
        "model": [
            "z ~ Bernoulli(pi)",
            "x ~ Bernoulli(logit=v*z)",
            "y ~ Bernoulli(logit=(v + 1)*z)",
        ],
        "observed": ["x", "y"],
    },
    "curved normal": {
        "parameters": {"m": "positive"},
        "model": ["x ~ Normal(m, m**2)"],
        "observed": ["x"],
    },
    "no bias behind the variance": {
        "parameters": {"t": "positive", "a": "real", "v": "real"},
        "model": ["z ~ Normal(0, t)", "x ~ Normal(a*z, exp(v*z))"],
        "observed": ["x"],
    },
    "softplus link": {
        "sizes": ["H"],
        "parameters": {"pi": "unit[H]", "w": "real[H]"},
        "model": [
            "z[h] ~ Bernoulli(pi[h]) for h in 1:H",
            "x ~ Poisson(softplus(sum(w[h]*z[h] for h in 1:H)))",
        ],
        "observed": ["x"],
    },
    "latents without a scale": {
        "parameters": {},
        "model": ["z ~ Normal(0, 1)", "x ~ Bernoulli(logit=z)"],
        "observed": ["x"],
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_certificates_of_the_engine_are_true_and_their_changes_are_not_accepted(name: str) -> None:
    derivation = symelbo.derive({"name": name, **MODELS[name]})
    results = [f.result for f in derivation.factors if isinstance(f.result, Refuted)]
    assert results
    result = results[0]
    claim, factors = result.certificate, [refuted_factor(f) for f in result.factors]
    assert check_certificate(claim, factors) == []
    assert refutes(claim, factors)
    tried = list(changed(claim))
    for other in tried[:: max(1, len(tried) // 60)]:
        assert check_certificate(other, factors) != [] or refutes(other, factors), other


# ---------------------------------------------------------------- balls

I = Index("i", Extent(None, 4))
CLOSED: dict[str, tuple[Term, bool]] = {
    "one": (ONE, True),
    "zero": (Number(Q(0)), False),
    "log 2": (log(TWO), True),
    "log 6 - log 2 - log 3": (
        subtract(log(number(6)), add(log(number(2)), log(number(3)))),
        False,
    ),
    "close to zero": (
        subtract(exp(mul(Constant("pi"), power(number(163), Q(1, 2)))), number(262537412640768744)),
        True,
    ),
    "psi(1) + gamma": (add(call("digamma", ONE), number(Q(5772156649, 10**10))), True),
    "trigamma": (
        subtract(call("polygamma", ONE, ONE), divide(power(Constant("pi"), 2), number(6))),
        False,
    ),
    "1/0": (Power(subtract(log(number(4)), mul(number(2), log(number(2)))), number(-1)), False),
    "log of zero": (
        Call("log", (subtract(log(number(4)), mul(number(2), log(number(2)))),)),
        False,
    ),
    "an entry": (v, False),
    "a sum": (Sum(I, power(number(2), -1)), True),
    "unknown": (Call("mystery", (ONE,)), False),
}


@pytest.mark.parametrize("name", CLOSED)
def test_certainly_nonzero(name: str) -> None:
    term, expected = CLOSED[name]
    assert certainly_nonzero(term) is expected


def test_certainly_nonsingular() -> None:
    e2 = exp(TWO)
    assert certainly_nonsingular([[ONE, TWO], [e2, e2]])
    assert not certainly_nonsingular([[ONE, TWO], [e2, mul(TWO, e2)]])
    assert not certainly_nonsingular([[log(TWO), log(number(4))], [ONE, TWO]])  # 0 in disguise
    assert not certainly_nonsingular([[ONE, v], [ZERO, ONE]])
    tiny = number(Q(1, 10**40))
    assert certainly_nonsingular([[ONE, ONE], [ONE, add(ONE, tiny)]])


def test_enclosures_are_narrow_and_hold_the_number() -> None:
    low, high = enclosure(log(number(2)))
    assert abs(low - Q("0.693147180559945309417232121458176568")) < Q(1, 10**35)
    assert low < high < low + Q(1, 10**40)
    assert rounded((low, high)) == "0.6931"
    assert rounded((Q(-602214076 * 10**9991), Q(-602214076 * 10**9991))) == "-6.022e+9999"
    with pytest.raises(ValueError, match="no rigorous enclosure"):
        enclosure(v)
