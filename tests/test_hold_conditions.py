"""Parameter values at which the conditions of a model hold: what is drawn, in plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from factors import factors_of

from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.hold_conditions import Stated, state_conditions
from symelbo.criterion.result import Refuted
from symelbo.criterion.sample import Instance
from symelbo.index.modular import Modular
from symelbo.limits import REFUTED_POINTS
from symelbo.model.read_model import read_model

REALS = dict.fromkeys("abc", "real")
POINTS = REFUTED_POINTS[-1]

Numbers = dict[str, Fraction]

# statements, and what their conditions say
CONDITIONS: dict[str, tuple[list[str], Callable[[Numbers], bool]]] = {
    "a product": (["x ~ Normal(c, a*b)"], lambda v: v["a"] * v["b"] > 0),
    "an order": (["x ~ Normal(a, b - c)"], lambda v: v["b"] > v["c"]),
    "a ball": (
        ["x ~ Normal(c, 1 - a**2 - b**2 - c**2)"],
        lambda v: v["a"] ** 2 + v["b"] ** 2 + v["c"] ** 2 < 1,
    ),
    "a band": (
        ["y ~ Bernoulli(a + b + c)", "x ~ Poisson(a*b*c)"],
        lambda v: 0 < v["a"] + v["b"] + v["c"] < 1 and v["a"] * v["b"] * v["c"] > 0,
    ),
    "at both values of a node": (
        ["z ~ Bernoulli(1/2)", "x ~ Normal(c, a*z + b)"],
        lambda v: v["b"] > 0 and v["a"] + v["b"] > 0,
    ),
    "at all values of a node": (
        ["z ~ Exponential(1)", "x ~ Normal(c, a + b*z**2)"],
        lambda v: v["a"] + v["b"] > 0 and v["a"] + 4 * v["b"] > 0,
    ),
    "unequal": (["x ~ Normal(c, (a - b)**2)"], lambda v: v["a"] != v["b"]),
}


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("name", CONDITIONS)
def test_the_conditions_hold_at_every_point(name: str, generic: bool) -> None:
    statements, holds = CONDITIONS[name]
    observed = "xy" if len(statements) == 2 and statements[0].startswith("y") else "x"
    factors = factors_of(statements, REALS, observed=observed)
    instance = Instance(factors, {}, {}, generic, POINTS)
    points = [{n: x for (n, _), x in values.items()} for values in instance.parameters]
    assert all(map(holds, points))
    assert all(points.count(point) == 1 for point in points)
    # of other factors too, and where one parameter changes at a time
    (alone,) = factors_of(["u ~ Normal(a + b + c, 1)"], REALS, observed="u")
    for single in (False, True):
        beside = Instance([alone], {}, {}, generic, POINTS, single=single, beside=factors)
        assert all(holds({n: x for (n, _), x in v.items()}) for v in beside.parameters)


def test_a_matrix_is_definite_at_every_point() -> None:
    (factor,) = factors_of(
        ["Q[i, j] = a*K[i, j] + b*i*j for i in 1:2, j in 1:2", "x ~ MvNormal(m, Q)"],
        {"a": "real", "b": "real", "m": "real[2]", "K": "posdef[2, 2]"},
    )
    instance = Instance([factor], {}, {}, False, POINTS)
    for values in instance.parameters:
        a, b = values["a", ()], values["b", ()]
        k = {at: x for (name, at), x in values.items() if name == "K"}
        q = {(i, j): a * k[i, j] + b * i * j for i in (1, 2) for j in (1, 2)}
        assert q[1, 1] > 0 and q[1, 1] * q[2, 2] > q[1, 2] ** 2


def test_what_is_not_known_is_no_reason() -> None:
    """Of a node without numbers, and of sizes that are not there."""
    factors = factors_of(
        ["z ~ Normal(0, 1)", "x[d] ~ Normal(c, a[d] + b*z**2) for d in 1:D"],
        {"a": "real[D]", "b": "real", "c": "real"},
    )
    (stated,) = state_conditions(factors, {})
    machine = Modular({}, {}, 0)
    assert stated.may_hold(machine, {}, lambda symbol: [{(symbol.name, ()): Fraction(1)}])
    assert isinstance(stated, Stated) and not stated.is_known


@pytest.mark.parametrize(
    "other",
    [
        "y ~ Normal(0, b - a)",
        "y ~ Normal(0, a*b)",
        "y ~ Bernoulli(a + b)",
        "y ~ Gamma(1 - a*a, exp(b))",
    ],
)
def test_a_condition_elsewhere_does_not_hide_a_refutation(other: str) -> None:
    """x and u ask for a' = a and for a' = a + 1."""
    statements = [
        "z ~ Bernoulli(1/2)",
        "x ~ Bernoulli(logit=a*z)",
        "u ~ Bernoulli(logit=(a + 1)*z)",
        other,
    ]
    model = read_model(
        {
            "name": "conditions",
            "parameters": {"a": "real", "b": "real"},
            "model": statements,
            "observed": ["x", "u", "y"],
        }
    )
    results = decide_criterion(model).results
    assert any(isinstance(result, Refuted) for result in results)


def test_from_the_origin_one_parameter_changes_at_a_time() -> None:
    """The first point is where exp and log are rational; the others differ from it once."""
    own = factors_of(
        ["x ~ Gamma(softplus(a) + s, exp(b))"], {"a": "real", "b": "real", "s": "positive"}
    )
    instance = Instance(own, {}, {}, False, POINTS, single=True, origin=True)
    first, *others = instance.parameters
    assert first == {("a", ()): 0, ("b", ()): 0, ("s", ()): 1}
    for n, values in enumerate(others):
        changed = {name for (name, at), x in values.items() if x != first[name, at]}
        assert changed == {"abs"[n % 3]}
