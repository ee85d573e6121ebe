"""The trial of a printed sum by itself: sums that are right by hand pass, and wrong ones do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

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
from symelbo.index.domains import Binary, Naturals, Positive, Real, Unit
from symelbo.index.terms import (
    Array,
    Constant,
    Domain,
    Entry,
    Extent,
    Index,
    Role,
    Symbol,
    Term,
)
from symelbo.trial.printed_sum import Kind, PrintedSum, printed_residual

SMALL, LARGE = 1e-5, 1e-3  # `derive` takes more than 1e-5 for wrong
HALF = number(Fraction(1, 2))
TWO_PI = mul(number(2), Constant("pi"))


def symbol(name: str, role: Role, domain: Domain) -> Symbol:
    return Symbol(name, role, domain)


W, V = (symbol(name, Role.PARAMETER, Real()) for name in "wv")
T, S = (symbol(name, Role.PARAMETER, Positive()) for name in "ts")
P = symbol("p", Role.PARAMETER, Unit())
M = symbol("m", Role.VARIATIONAL, Real())
G = symbol("g", Role.VARIATIONAL, Positive())
Z = symbol("z", Role.LATENT, Real())
B = symbol("z", Role.LATENT, Binary())
X = symbol("x", Role.OBSERVED, Real())
K = symbol("x", Role.OBSERVED, Naturals(None))
w, v, t, s, p, m, g, z, b, x, k = (Entry(a) for a in (W, V, T, S, P, M, G, Z, B, X, K))


def log_normal(value: Term, mean: Term, variance: Term) -> Term:
    square = divide(power(subtract(value, mean), 2), variance)
    return mul(number(Fraction(-1, 2)), add(log(mul(TWO_PI, variance)), square))


def entropy_of_normal(variance: Term) -> Term:
    return mul(HALF, add(ONE, log(mul(TWO_PI, variance))))


def moving(**velocities: Term) -> dict[Symbol, Array]:
    by_name = {a.name: a for a in (W, V, T, S, P, M, G, Z)}
    return {by_name[name]: Array((), term) for name, term in velocities.items()}


@dataclass(frozen=True)
class Case:
    """F - dF/ds = S of a small model, worked out by hand."""

    log_joint: Term
    log_q: Term | None
    forms: tuple[PrintedSum, ...]
    velocities: Mapping[Symbol, Array]
    kind: Kind

    def residual(
        self,
        *,
        seed: int = 0,
        trials: int = 2,
        conditions: Sequence[tuple[Array, Domain]] = (),
    ) -> tuple[float, int] | None:
        return printed_residual(
            *(self.log_joint, self.log_q, self.forms, self.velocities, self.kind, conditions),
            seed=seed,
            trials=trials,
        )


LINEAR = add(log_normal(z, ZERO, t), log_normal(x, mul(w, z), s))
OF_LINEAR = negate(add(entropy_of_normal(t), entropy_of_normal(s)))
AT_REST = moving(t=negate(t), s=negate(s))  # t' = -t, s' = -s: any mean will do
POSTERIOR = power(add(power(t, -1), divide(power(w, 2), s)), -1)  # its variance
# p(z) known: z' = z/2, and w' = -w/2 keeps the mean
UNIT = add(log_normal(z, ZERO, ONE), log_normal(x, mul(w, z), s))
OF_UNIT = negate(add(entropy_of_normal(ONE), entropy_of_normal(s)))
SCALED = moving(w=mul(number(Fraction(-1, 2)), w), s=negate(s), z=mul(HALF, z))
# logits and log-rates scale; b = -log x!
RATE = exp(add(mul(w, b), v))
COUNTS = add(
    mul(b, log(p)),
    mul(subtract(ONE, b), log(subtract(ONE, p))),
    *(mul(k, log(RATE)), negate(RATE), negate(call("loggamma", add(k, ONE)))),
)
OF_COUNTS = add(
    mul(p, log(p)),
    mul(subtract(ONE, p), log(subtract(ONE, p))),
    mul(RATE, subtract(log(RATE), ONE)),
    negate(call("loggamma", add(k, ONE))),
)
LOGIT = mul(p, subtract(ONE, p), subtract(log(p), log(subtract(ONE, p))))
Q = log_normal(z, m, g)

RIGHT: dict[str, Case] = {
    "any q": Case(LINEAR, None, (PrintedSum(True, OF_LINEAR),), AT_REST, Kind.ANY),
    "any q, its points move": Case(UNIT, None, (PrintedSum(True, OF_UNIT),), SCALED, Kind.ANY),
    "any q of a bit": Case(
        COUNTS, None, (PrintedSum(True, OF_COUNTS),), moving(w=w, v=v, p=LOGIT), Kind.ANY
    ),
    "a declared q": Case(
        LINEAR,
        Q,
        (PrintedSum(False, add(entropy_of_normal(g), OF_LINEAR)),),
        AT_REST,
        Kind.DECLARED,
    ),
    "a declared q that moves along": Case(
        UNIT,
        Q,
        (PrintedSum(False, add(entropy_of_normal(g), OF_UNIT)),),
        {**SCALED, **moving(m=mul(HALF, m), g=g)},
        Kind.DECLARED,
    ),
    "the exact posterior": Case(
        LINEAR,
        None,
        (PrintedSum(False, add(entropy_of_normal(POSTERIOR), OF_LINEAR)),),
        AT_REST,
        Kind.EXACT,
    ),
    "H[q] of the exact posterior": Case(
        LINEAR, None, (PrintedSum(True, OF_LINEAR),), AT_REST, Kind.EXACT
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_sum_passes(name: str) -> None:
    found = RIGHT[name].residual()
    assert found is not None
    residual, points = found
    assert residual < SMALL and points == 2


def wrong(case: Case) -> dict[str, Case]:
    """The same with something that is not so."""
    (form,) = case.forms
    changed = {
        "a constant more": replace(
            case, forms=(PrintedSum(form.of_q, add(form.under_q, number(Fraction(1, 5)))),)
        ),
        "the other sign": replace(case, forms=(PrintedSum(form.of_q, negate(form.under_q)),)),
        "H[q] too often or not": replace(case, forms=(PrintedSum(not form.of_q, form.under_q),)),
        "another density": replace(case, log_joint=mul(number(Fraction(9, 10)), case.log_joint)),
    }
    for symbol_ in case.velocities:
        if symbol_.role is Role.LATENT and case.kind is not Kind.ANY:
            continue  # of a declared q, its parameters move
        velocities = dict(case.velocities)
        velocities[symbol_] = Array((), mul(number(2), velocities[symbol_].body))
        changed[f"{symbol_.name} moves too fast"] = replace(case, velocities=velocities)
    return changed


@pytest.mark.parametrize("name", RIGHT)
def test_a_wrong_sum_does_not_pass(name: str) -> None:
    for what, case in wrong(RIGHT[name]).items():
        found = case.residual()
        assert found is not None and found[0] > LARGE, what


def test_forms_that_are_equal_in_the_mean_alone_are_told_apart() -> None:
    """E_q z = m of q = Normal(m, g), but z is not m."""
    case = RIGHT["a declared q"]
    (form,) = case.forms
    other = PrintedSum(False, add(form.under_q, subtract(z, m)))
    for forms, equal in (((form, form), True), ((form, other), False), ((other,), True)):
        found = replace(case, forms=forms).residual()
        assert found is not None and (found[0] < SMALL) is equal


def test_the_form_that_is_further_off_counts() -> None:
    case = RIGHT["the exact posterior"]
    (form,) = case.forms
    off = PrintedSum(False, add(form.under_q, number(Fraction(1, 5))))
    without = PrintedSum(True, form.under_q)  # H[q] once more
    for forms in ((form, off), (off, form), (form, without), (without, form)):
        found = replace(case, forms=forms).residual()
        assert found is not None and found[0] > LARGE


def test_points_satisfy_the_conditions() -> None:
    """With w < 0 the sum is of another model; where w > 0 is a condition, nobody sees it."""
    case = RIGHT["any q"]
    (form,) = case.forms
    bent = PrintedSum(True, add(form.under_q, subtract(call("abs", w), w)))
    case = replace(case, forms=(bent,))
    condition = (Array((), w), Positive())
    residuals = []
    for seed in range(6):
        found = case.residual(seed=seed, conditions=[condition])
        assert found is not None and found[0] < SMALL
        without = case.residual(seed=seed, trials=8)
        assert without is not None and without[1] == 8
        residuals.append(without[0])
    assert min(residuals) > LARGE  # one point of eight is enough
    never = (Array((), negate(power(w, 2))), Positive())
    assert case.residual(conditions=[never]) is None


def test_what_cannot_be_integrated_is_no_failure() -> None:
    """Seven entries are too many for a quadrature; of any q there are points to draw."""
    seven = Extent(None, 7)
    i = Index("i", seven)
    vector = Symbol("z", Role.LATENT, Real(), (seven,))
    zi = Entry(vector, (i,))
    joint = add(total(i, log_normal(zi, ZERO, t)), log_normal(x, total(i, mul(w, zi)), s))
    under_q = negate(add(mul(number(7), entropy_of_normal(t)), entropy_of_normal(s)))
    for kind, of_q in ((Kind.ANY, True), (Kind.EXACT, True)):
        case = Case(joint, None, (PrintedSum(of_q, under_q),), AT_REST, kind)
        found = case.residual()
        if kind is Kind.EXACT:
            assert found is None
        else:
            assert found is not None and found[0] < SMALL
            off = replace(case, forms=(PrintedSum(True, mul(number(2), under_q)),)).residual()
            assert off is not None and off[0] > LARGE


def test_an_integral_that_does_not_converge_is_no_failure() -> None:
    """E_q z**2 of a Cauchy q is infinite."""
    cauchy = negate(log(mul(Constant("pi"), add(ONE, power(z, 2)))))
    case = replace(RIGHT["a declared q"], log_q=cauchy)
    assert case.residual() is None


def test_a_missing_size_is_seen() -> None:
    """At D = 1 the entropy of D observables is that of one: larger sizes are tried first."""
    extent = Extent("D")
    d = Index("d", extent)
    data = Symbol("x", Role.OBSERVED, Real(), (extent,))
    joint = add(log_normal(z, ZERO, t), total(d, log_normal(Entry(data, (d,)), mul(w, z), s)))
    one = negate(entropy_of_normal(s))
    for of_data, right in ((total(d, one), True), (one, False)):
        under_q = add(negate(entropy_of_normal(t)), of_data)
        found = Case(joint, None, (PrintedSum(True, under_q),), AT_REST, Kind.ANY).residual()
        assert found is not None and (found[0] < SMALL) is right


def test_the_same_seed_says_the_same() -> None:
    case = wrong(RIGHT["any q"])["another density"]
    assert case.residual(seed=3) == case.residual(seed=3) != case.residual(seed=4)
