"""r and s of a latent may depend on the inputs, of which a data point has its own; velocities of
parameters may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symelbo
from symelbo.certify.certificate import Case, Certificate, CertificateRow, Place
from symelbo.criterion.confirm import confirm_refutation
from symelbo.criterion.result import Closure, Refuted
from symelbo.index.build import ONE
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Role
from symelbo.values import replace
from tests.oracle.rank import decide

R, P = "real", "positive"
WS = {"w": R, "s": P}
WVS = {**WS, "v": R}
TC = {"t": P, "c": R}
U: Place = ("u", ())


@dataclass(frozen=True)
class Model:
    """Decided by hand.  moves: whether some latent moves in another way at other inputs."""

    verdict: str
    moves: bool
    parameters: dict[str, str]
    statements: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...] = (("u", R),)

    def spec(self, variational: Any = "any") -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": "m",
            "parameters": self.parameters,
            "inputs": dict(self.inputs),
            "model": list(self.statements),
            "observed": [
                n for n in "xy" if any(s.startswith((n, f"{n}[")) for s in self.statements)
            ],
            "variational": variational,
        }
        text = " ".join([*self.statements, *self.parameters.values()])
        sizes = [n for n in "DHT" if f":{n}" in text]
        return {**found, "sizes": sizes} if sizes else found


def holds(moves: bool, parameters: dict[str, str], *statements: str, **inputs: str) -> Model:
    return Model("proved", moves, parameters, statements, tuple(inputs.items()) or (("u", R),))


def fails(parameters: dict[str, str], *statements: str, **inputs: str) -> Model:
    return Model("refuted", False, parameters, statements, tuple(inputs.items()) or (("u", R),))


PRIOR = "z ~ Normal(u, 1)"  # z' = (z - u)/2
MODELS = {
    "v takes what w leaves": holds(True, WVS, PRIOR, "x ~ Normal(w*z + v*u, s)"),
    "nothing takes it": fails(WS, PRIOR, "x ~ Normal(w*z, s)"),
    "a bias is the same for all inputs": fails(WVS, PRIOR, "x ~ Normal(w*z + v, s)"),
    "another function": fails(WVS, "z ~ Normal(exp(u), 1)", "x ~ Normal(w*z + v*u, s)"),
    "the same function": holds(
        True, WVS, "z ~ Normal(exp(u), 1)", "x ~ Normal(w*z + v*exp(u), s)"
    ),
    "a known variance": holds(False, WS, "z ~ Normal(0, u)", "x ~ Normal(w*z, s)", u=P),
    "a known width of the noise": holds(
        False, WS, "z ~ Normal(0, 1)", "x ~ Normal(w*z, u*s)", u=P
    ),
    "an offset": holds(False, WS, "z ~ Normal(0, 1)", "x ~ Normal(w*z + u, s)"),
    "mean and variance": holds(
        True, WVS, "z ~ Normal(u, t)", "x ~ Normal(w*z + v*u, s)", u=R, t=P
    ),
    "known noise": holds(True, {"w": R, "v": R}, PRIOR, "x ~ Normal(w*z + v*u, 1)"),
    "a curve about the mean": holds(True, WS, PRIOR, "x ~ Normal(w*(z - u)^3, s)"),
    "a curve about another point": fails(WS, PRIOR, "x ~ Normal(w*(z + u)^3, s)"),
    "Laplace": holds(True, WVS, "z ~ Laplace(u, 1)", "x ~ Normal(w*z + v*u, s)"),
    # r = 1/u
    "a known shape": holds(True, WS, "z ~ Weibull(u, 1)", "x ~ Normal(w*z^u, s)", u=P),
    "w would need 1/u": fails(WS, "z ~ Weibull(u, 1)", "x ~ Normal(w*z, s)", u=P),
    # z' = z - u, and b(x) has u x
    "a count": holds(True, {"t": P}, "z ~ Normal(u, t)", "x ~ Poisson(exp(z))"),
    "a count with weights": holds(
        True, {"t": P, "a": R}, "z ~ Normal(u, t)", "x ~ Poisson(exp(z + a*u))"
    ),
    "a count, known variance": fails({"a": R}, PRIOR, "x ~ Poisson(exp(z + a*u))"),
    "exposure": holds(False, TC, "z ~ Normal(0, t)", "x ~ Poisson(u*exp(z + c))", u=P),
    "a bit": holds(True, {"b": R, "t": P}, "z ~ Normal(u, t)", "x ~ Bernoulli(logit=z + b*u)"),
    "a chain": holds(
        True, {**WVS, "a": R}, PRIOR, "k ~ Normal(a*z, 1)", "x ~ Normal(w*k + v*u, s)"
    ),
    "two latents": holds(
        True, {**WVS, "a": R}, PRIOR, "k ~ Normal(2*u, 1)", "x ~ Normal(w*z + a*k + v*u, s)"
    ),
    "two observables": fails(
        {**WVS, "a": R, "t": P}, PRIOR, "x ~ Normal(w*z + v*u, s)", "y ~ Normal(a*z, t)"
    ),
    "plates": holds(
        True,
        {"w": "real[D, H]", "v": "real[D, H]", "s": P},
        "z[h] ~ Normal(u[h], 1) for h in 1:H",
        "x[d] ~ Normal(sum(w[d,h]*z[h] + v[d,h]*u[h] for h in 1:H), s) for d in 1:D",
        u="real[H]",
    ),
    "a learned control": holds(
        False,
        {"a": R, "b": R, "c": R, "s": P},
        "z[1] ~ Normal(0, 1)",
        "z[t] ~ Normal(a*z[t-1] + b*u[t], 1) for t in 2:T",
        "x[t] ~ Normal(c*z[t], s) for t in 1:T",
        u="real[T]",
    ),
    # s of z[t] would have all controls up to t
    "a known control": fails(
        {"a": R, "c": R, "s": P},
        "z[1] ~ Normal(0, 1)",
        "z[t] ~ Normal(a*z[t-1] + u[t], 1) for t in 2:T",
        "x[t] ~ Normal(c*z[t], s) for t in 1:T",
        u="real[T]",
    ),
    "every step apart": holds(
        True,
        {"c": R, "d": R, "s": P},
        "z[t] ~ Normal(u[t], 1) for t in 1:T",
        "x[t] ~ Normal(c*z[t] + d*u[t], s) for t in 1:T",
        u="real[T]",
    ),
    # v'[p] = delta(p, 1)/2 sum w[h]
    "a literal place beside a sum": holds(
        True,
        {"w": "real[H]", "v": "real[T]", "s": P},
        "z[h] ~ Normal(u[1], 1) for h in 1:H",
        "x ~ Normal(sum(w[h]*z[h] for h in 1:H) + sum(v[p]*u[p] for p in 1:T), s)",
        u="real[T]",
    ),
    "the last place beside a sum": holds(
        True,
        {"w": R, "v": "real[T]", "s": P},
        "z ~ Normal(u[T], 1)",
        "x ~ Normal(w*z + sum(v[p]*u[p] for p in 1:T), s)",
        u="real[T]",
    ),
    "literal places of an array beside a sum": holds(
        True,
        {"w": R, "v": "real[T, T]", "s": P},
        "z ~ Normal(u[1,2]^2, 1)",
        "x ~ Normal(w*z + sum(v[p,k]*u[p,k]^2 for p in 1:T, k in 1:T), s)",
        u="real[T, T]",
    ),
    "a literal place that the sum leaves out": fails(
        {"w": R, "v": "real[T]", "s": P},
        "z ~ Normal(u[1], 1)",
        "x ~ Normal(w*z + sum(v[p]*u[p] for p in 2:T), s)",
        u="real[T]",
    ),
    "a product of places beside a sum": fails(
        {"w": R, "v": "real[T]", "s": P},
        "z ~ Normal(u[1]*u[2], 1)",
        "x ~ Normal(w*z + sum(v[p]*u[p] for p in 1:T), s)",
        u="real[T]",
    ),
    "a plate written out": holds(
        True,
        {"w": "real[D, 2]", "v": "real[D, 2]", "s": P},
        "z[1] ~ Normal(u[1], 1)",
        "z[2] ~ Normal(u[2], 1)",
        "x[d] ~ Normal(w[d,1]*z[1] + w[d,2]*z[2] + sum(v[d,h]*u[h] for h in 1:2), s) for d in 1:D",
        u="real[2]",
    ),
    "a plate written out, below a sum": holds(
        True,
        {"w": "real[D, 2]", "v": "real[D, T]", "s": P},
        "z[1] ~ Normal(u[1], 1)",
        "z[2] ~ Normal(u[2] - u[1], 1)",
        "m[d] = sum(w[d,h]*z[h] for h in 1:2) + sum(v[d,p]*u[p] for p in 1:T) for d in 1:D",
        "x[d] ~ Normal(m[d], s) for d in 1:D",
        u="real[T]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_models_decided_by_hand(name: str) -> None:
    """By symelbo, and by ranks of floats."""
    model = MODELS[name]
    derivation = symelbo.derive(model.spec())
    assert derivation.verdict == model.verdict
    moved = {
        symbol
        for latent in derivation.motion.latents.values()
        for symbol in symbols_of(latent.rate) | symbols_of(latent.shift)
    }
    assert any(s.role is Role.INPUT for s in moved) is model.moves
    velocities = [s for a in derivation.motion.parameters.values() for s in symbols_of(a)]
    assert all(s.role is not Role.INPUT for s in velocities)
    if model.verdict == "proved":
        trial = derivation.trial
        assert trial is not None and trial.residual < 1e-9
        assert trial.printed is None or trial.printed < 1e-6
    verdicts = {answer.verdict for answer in decide(model.spec())}
    assert verdicts == {"HOLDS"} if model.verdict == "proved" else "FAILS" in verdicts


def test_the_sum_as_printed_is_tried_where_latents_move_with_inputs() -> None:
    derivation = symelbo.derive(MODELS["v takes what w leaves"].spec())
    assert derivation.trial is not None and derivation.trial.printed is not None


# ---------------------------------------------------------------- refutations


def refuted(name: str) -> tuple[Certificate, Refuted]:
    derivation = symelbo.derive(MODELS[name].spec())
    result = next(f.result for f in derivation.factors if isinstance(f.result, Refuted))
    return result.certificate, result


def test_what_needs_several_inputs_has_several() -> None:
    """At one value of u a bias takes what is left."""
    certificate, result = refuted("a bias is the same for all inputs")
    assert len(certificate.inputs) > 1
    values = [dict(inputs)[U] for inputs in certificate.inputs]
    assert len(set(values)) == len(values)
    assert confirm_refutation(certificate, result.factors) == []
    same = tuple(certificate.inputs[:1]) * len(certificate.inputs)
    assert confirm_refutation(replace(certificate, inputs=same), result.factors)


@pytest.mark.parametrize("name", ["nothing takes it", "a bias is the same for all inputs"])
def test_r_and_s_are_annihilated_at_each_value_of_the_inputs(name: str) -> None:
    """Rows that are moved to another value of the inputs leave r and s, or H~."""
    certificate, result = refuted(name)
    for n, case in enumerate(certificate.cases):
        for k, row in enumerate(case.rows):
            for other in range(len(certificate.inputs) + 1):
                if other == row.inputs:
                    continue
                rows = (*case.rows[:k], replace(row, inputs=other), *case.rows[k + 1 :])
                cases = list(certificate.cases)
                cases[n] = replace(case, rows=rows)
                changed = replace(certificate, cases=tuple(cases))
                assert confirm_refutation(changed, result.factors)


def test_a_certificate_against_motions_that_are_alike_for_all_inputs_is_rejected() -> None:
    """z ~ N(u, 1): z' = z/2 at u = 0, (z - 1)/2 at u = 1; no r and s serve both.

    Of log p the weights leave 1/2, of r and s nothing, if these are the same at both.
    """
    source = MODELS["v takes what w leaves"].spec()
    prior = symelbo.derive(source).factors[0].result.factor
    at: Place = ("z", ())
    rows = tuple(
        CertificateRow("z", (), 0, u, (), ((at, Fraction(z)),), (Fraction(weight),))
        for u, z, weight in ((0, -1, 2), (0, 0, -2), (1, 1, 1), (1, -1, -1))
    )
    case = Case(((at, 0), (at, 1)), (), rows, (), ((ONE,),))
    inputs = tuple(((U, Fraction(u)),) for u in (0, 1))
    certificate = Certificate((), (), (), ((),), inputs, (case,))
    left = {f"case 1: the weights do not annihilate {what} of z" for what in ("rate", "shift")}
    assert set(confirm_refutation(certificate, [prior])) == left


def test_cases_tell_the_inputs_apart() -> None:
    certificate, result = refuted("a bias is the same for all inputs")
    decided = {entry for case in certificate.cases for entry in (*case.moving, *case.resting)}
    assert len({inputs for _, inputs in decided}) > 1
    for n in range(len(certificate.cases)):
        fewer = certificate.cases[:n] + certificate.cases[n + 1 :]
        assert confirm_refutation(replace(certificate, cases=fewer), result.factors)


# ---------------------------------------------------------------- q


@pytest.mark.parametrize(
    ("q", "follows"),
    [
        ("Normal(nu, t)", True),
        ("Laplace(nu, t)", True),
        ("Normal(nu*u, t)", True),
        ("Normal(u, t)", True),
        ("Normal(w*x + nu, t)", True),
        ("Normal(w*(x - v*u) + nu, s*t)", True),
        ("Normal(nu, 1/2)", False),
        ("Normal(x, t)", False),
        ("Normal(w*x, t)", False),
    ],
)
def test_a_declared_q_follows_every_data_point_along_its_own_motion(q: str, follows: bool) -> None:
    derivation = symelbo.derive(MODELS["v takes what w leaves"].spec([f"z ~ {q}"]))
    assert derivation.closure is (Closure.SHOWN if follows else Closure.BROKEN)
    assert derivation.verdict == ("proved" if follows else "undecided")


def test_the_elbo_is_the_sum_and_the_gap_where_every_data_point_moves_by_itself() -> None:
    derivation = symelbo.derive(MODELS["v takes what w leaves"].spec(["z ~ Normal(nu, t)"]))
    functions = derivation.function()
    rng = np.random.default_rng(1)
    u, x, nu = rng.normal(size=(3, 6))
    given = {"w": 1.3, "v": -0.4, "s": 0.7, "nu": nu, "t": rng.uniform(0.5, 2, size=6)}
    whole = {**given, "x": x, "u": u}
    gap = functions.gap(**whole)
    assert abs(gap) > 0.01
    total = functions.entropy_sum(s=given["s"], t=given["t"]) + gap
    assert np.isclose(functions.elbo(**whole), total, rtol=1e-12)
    # dF/ds by differences, each q_n carried along at its own u_n
    step = 1e-5

    def at(by: float) -> float:
        moved = {
            **whole,
            "w": given["w"] * (1 - by / 2),
            "v": given["v"] + by * given["w"] / 2,
            "s": given["s"] * (1 - by),
            "nu": nu + by * (nu - u) / 2,
            "t": given["t"] * (1 + by),
        }
        return float(functions.elbo(**moved))

    assert np.isclose((at(step) - at(-step)) / (2 * step), gap, rtol=1e-6)
