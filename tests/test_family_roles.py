"""Every family in every form: alone, as mixture component, as prior, and behind links."""

from __future__ import annotations

from typing import Any

import pytest

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.families.family import Argument, Family, Form
from symelbo.families.registry import FAMILIES
from symelbo.index.terms import Extent
from symelbo.write_output import render_files

CASES = {
    f"{family.name}({', '.join(a.name for a in form.arguments)})": (family, form)
    for family in FAMILIES.values()
    for form in family.forms
}
# an exponential family only where these arguments are known
KNOWN = {"Weibull": ("shape",), "Pareto": ("minimum",)}
CONDITIONAL = {"Laplace(location, scale)"}
LINKS = {
    "real": "{a}",
    "positive": "exp({a})",
    "unit": "sigmoid({a})",
}


def type_of(argument: Argument, *prefix: str) -> str:
    """The type of a parameter that may stand for the argument, with leading extents."""
    kind = {"naturals": "positive"}.get(argument.domain.kind, argument.domain.kind)
    shape = (*prefix, *argument.shape)
    return kind + (f"[{', '.join(shape)}]" if shape else "")


def is_known(family: Family, argument: Argument) -> bool:
    return argument.constant or argument.name in KNOWN.get(family.name, ())


def specify(
    family: Family,
    form: Form,
    node: str,
    *,
    component: bool = False,
    free: bool = False,
    link: str | None = None,
) -> dict[str, Any]:
    """A spec with one statement `node ~ family(...)`; parameters are named t0, t1, ..."""
    parameters: dict[str, str] = {}
    constants: dict[str, str] = {}
    arguments = []
    for n, argument in enumerate(form.arguments):
        name = f"t{n}"
        if argument.name == link:
            inside = "sum(W[h]*z[h] for h in 1:H) + b"
            arguments.append(f"{argument.name}={LINKS[argument.domain.kind].format(a=inside)}")
            parameters.update(W="real[H]", b="real", pi="unit[H]")
            continue
        known = is_known(family, argument) and not (free and not argument.constant)
        prefix = ("C",) if component and not known else ()
        (constants if known else parameters)[name] = type_of(argument, *prefix)
        arguments.append(f"{argument.name}={name}" + ("[c]" if prefix else ""))
    model = [f"{node} ~ {family.name}({', '.join(arguments)})"]
    if component:
        parameters["pi"] = "simplex[C]"
        model.insert(0, "c ~ Categorical(pi)")
    if link is not None:
        model.insert(0, "z[h] ~ Bernoulli(pi[h]) for h in 1:H")
    return {
        "name": f"{family.name} test",
        "sizes": ["C", "D", "H", "K", "P"],
        "parameters": parameters,
        "constants": constants,
        "model": model,
        "observed": [node],
    }


def derive(source: dict[str, Any]) -> Derivation:
    return symelbo.derive(source)


def check_proved(derivation: Derivation) -> None:
    assert derivation.verdict == "proved"
    assert derivation.residual is not None
    assert derivation.residual < 1e-9


@pytest.mark.parametrize("key", CASES)
def test_alone(key: str) -> None:
    check_proved(derive(specify(*CASES[key], "v")))


@pytest.mark.parametrize("key", CASES)
def test_as_mixture_component(key: str) -> None:
    derivation = derive(specify(*CASES[key], "v", component=True))
    check_proved(derivation)
    form = derivation.factors[-1].form
    assert form is not None
    assert form.conditional == (key in CONDITIONAL)


@pytest.mark.parametrize("key", [k for k in CASES if not k.startswith("Categorical")])
def test_as_prior_of_a_normal_observable(key: str) -> None:
    source = specify(*CASES[key], "v")
    source["parameters"].update(w="real[P]", s="positive")
    source["functions"] = {"m": "real[D]"}
    source["model"].append("x[d] ~ Normal(m(v, w)[d], s) for d in 1:D")
    source["observed"] = ["x"]
    check_proved(derive(source))


LINKED = [
    (key, argument.name)
    for key, (family, form) in CASES.items()
    for argument in form.arguments
    if argument.domain.kind in LINKS and not argument.shape and not is_known(family, argument)
]
# the arguments whose linear predictor scales the natural parameters, by the link of LINKS
PROVED_LINKS = {
    ("Bernoulli(p)", "p"),
    ("Beta(a, b)", "a"),
    ("Beta(a, b)", "b"),
    ("ChiSquared(dof)", "dof"),
    ("Gamma(shape, rate)", "shape"),
    ("InverseGamma(shape, scale)", "shape"),
    ("Wishart(dof, scale)", "dof"),
    ("Bernoulli(logit)", "logit"),
    ("Binomial(n, p)", "p"),
    ("Binomial(n, logit)", "logit"),
    ("Poisson(rate)", "rate"),
    ("Poisson(log_rate)", "log_rate"),
    ("Exponential(rate)", "rate"),
    ("Gamma(shape, rate)", "rate"),
    ("HalfNormal(scale2)", "scale2"),
    ("InverseGamma(shape, scale)", "scale"),
    ("InverseGaussian(mean, shape)", "mean"),
    ("InverseGaussian(mean, shape)", "shape"),
    ("Laplace(location, scale)", "location"),
    ("Laplace(location, scale)", "scale"),
    ("LogNormal(mean, variance)", "mean"),
    ("LogNormal(mean, variance)", "variance"),
    ("Normal(mean, variance)", "mean"),
    ("Normal(mean, variance)", "variance"),
    ("Normal(mean, precision)", "mean"),
    ("Normal(mean, precision)", "precision"),
    ("Rayleigh(scale2)", "scale2"),
    ("VonMises(mean, concentration)", "mean"),
    ("VonMises(mean, concentration)", "concentration"),
    ("Pareto(minimum, shape)", "shape"),
    ("Weibull(shape, scale)", "scale"),
}


@pytest.mark.parametrize(("key", "argument"), LINKED, ids=[f"{k}:{a}" for k, a in LINKED])
def test_behind_a_link(key: str, argument: str) -> None:
    derivation = derive(specify(*CASES[key], "v", link=argument))
    if (key, argument) in PROVED_LINKS:
        check_proved(derivation)
    else:
        assert derivation.verdict == "refuted"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("Weibull(shape, scale)", "no separation"),
        ("Pareto(minimum, shape)", "support depends on a parameter"),
    ],
)
def test_outside_where_an_argument_is_not_known(key: str, reason: str) -> None:
    derivation = derive(specify(*CASES[key], "v", component=True, free=True))
    assert derivation.verdict == "outside"
    outside = derivation.factors[-1].result
    assert reason in outside.reason  # type: ignore[union-attr]
    assert outside.piece is not None  # type: ignore[union-attr]


OWN_TYPES = [
    *("real", "positive", "unit", "real[L]", "unit[2]", "real[K, L]", "simplex[L]", "simplex[2]"),
    *(
        "simplex[3]",
        "simplex[K, L]",
        "simplex[K, 3]",
        "posdef[K, K]",
        "posdef[2, 2]",
        "posdef[L, K, K]",
    ),
]
OWN_SUPPORTS = {  # one entry {l} of an argument is the mean, or scales the log-odds
    "real": "-(v - {l})**2/2 - log(2*PI)/2",
    "binary": "v*{l} - log(1 + exp({l}))",
}


@pytest.mark.parametrize("kind", OWN_TYPES)
@pytest.mark.parametrize("support", OWN_SUPPORTS)
def test_a_family_of_ones_own_with_an_argument_of_any_type(kind: str, support: str) -> None:
    """A scalar statistic of one entry of an array: proved, and every file is written.

    Not on simplex[L], the sole entry of which is 1 for L = 1: nothing moves there.
    """
    shape = kind.partition("[")[2].count(",") + 1 if "[" in kind else 0
    entry = "l" + (f"[{', '.join('1' * shape)}]" if shape else "")
    derivation = derive(
        {
            "name": "own",
            "sizes": ["K", "L"],
            "families": {
                "Own": {
                    "value": "v",
                    "support": support,
                    "parameters": {"l": kind},
                    "log_density": OWN_SUPPORTS[support].format(l=entry),
                }
            },
            "parameters": {"m": kind, "w": "real[K, L]"},
            "model": ["x ~ Own(m)", "y[k, l] ~ Normal(w[k, l], 1) for k in 1:K, l in 1:L"],
            "observed": ["x", "y"],
        }
    )
    if derivation.model.parameters[0].shape[-1:] == (Extent("L"),) and "simplex" in kind:
        assert derivation.verdict != "proved"
    else:
        check_proved(derivation)
    assert render_files(derivation)
