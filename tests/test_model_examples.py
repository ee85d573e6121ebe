"""The examples of the contract, and what a reader of it would expect to be read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from all_domains import DOMAINS

import symelbo
from symelbo.errors import SpecError
from symelbo.index.build import ONE, add, mul, number, power
from symelbo.index.domains import Binary, Category, Interval, Positive
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Extent,
    Index,
    IndexValue,
    Offset,
    Position,
    Role,
    Size,
    Sum,
    Symbol,
)
from symelbo.model.model import Model, Statement
from symelbo.model.read_model import read_model

SBN = """\
name: Sigmoid belief network            # required
reference: Warnken et al. (2025), Def. 2   # optional, cited in the proof; also: description
sizes: [H, D]                           # symbolic positive integers
parameters:                             # learned; the criterion is about these
  pi: unit[H]
  W: real[D, H]
  mu: real[D]
model:                                  # the generative process, one statement per node
  - z[h] ~ Bernoulli(pi[h]) for h in 1:H
  - x[d] ~ Bernoulli(logit=sum(W[d,h]*z[h] for h in 1:H) + mu[d]) for d in 1:D
observed: [x]                           # every other node is latent
"""
PPCA = """\
name: Probabilistic PCA
sizes: [D, H]
parameters: {W: "real[D, H]", mu: "real[D]", sigma2: positive}
model:
  - z[h] ~ Normal(0, 1) for h in 1:H
  - x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H) + mu[d], sigma2) for d in 1:D
observed: [x]
variational: exact
"""
GMM = """\
name: Gaussian mixture, full covariance
sizes: [C, D]
parameters: {pi: "simplex[C]", mu: "real[C, D]", Sigma: "posdef[C, D, D]"}
model:
  - c ~ Categorical(pi)
  - x ~ MvNormal(mu[c], Sigma[c])
observed: [x]
"""
VAE = """\
name: VAE-1
sizes: [D, H, K, P]
parameters: {W: "real[K, H]", b: "real[K]", w: "real[P]", sigma2: positive}
functions: {m: "real[D]"}
model:
  - z[h] ~ Normal(0, 1) for h in 1:H
  - a[k] = sum(W[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K
  - x[d] ~ Normal(m(a, w)[d], sigma2) for d in 1:D
observed: [x]
variational:
  - z[h] ~ Normal(nu[h], tau2[h]) for h in 1:H
"""
C, D, H, K, P = map(Extent, ("C", "D", "H", "K", "P"))
d, h, k = Index("d", D), Index("h", H), Index("k", K)


def read(tmp_path: Path, text: str, name: str = "my model.v2.yaml") -> Model:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_model(path)


def node(model: Model, name: str) -> Statement:
    return next(statement for statement in model.statements if statement.node.name == name)


def parameter(name: str, kind: str, *shape: Extent) -> Symbol:
    return Symbol(name, Role.PARAMETER, DOMAINS[kind], shape)


def small(*model: str, **keys: Any) -> Model:
    source: dict[str, Any] = {
        "name": "Small",
        "sizes": ["D", "H", "C", "T"],
        "parameters": {
            "mu": "real[D]",
            "W": "real[D, H]",
            "pi": "simplex[C]",
            "A": "simplex[C, C]",
            "rate": "positive[C, D]",
            "S": "posdef[D, D]",
            "s2": "positive",
            "p": "unit",
            "w": "real",
        },
        "model": list(model),
        "observed": ["x"],
    }
    return read_model({**source, **keys})


def test_sigmoid_belief_network(tmp_path: Path) -> None:
    model = read(tmp_path, SBN)
    assert model.name == "Sigmoid belief network"
    assert model.stem == "my_model_v2"
    assert model.reference == "Warnken et al. (2025), Def. 2"
    assert model.sizes == ("H", "D")
    pi, weights, mu = model.parameters
    assert pi == parameter("pi", "unit", H)
    assert weights == parameter("W", "real", D, H)
    z, x = model.statements
    assert (z.node.role, z.node.domain, z.node.shape) == (Role.LATENT, Binary(), (H,))
    assert (x.node.role, x.plates, x.places) == (Role.OBSERVED, (d,), (d,))
    assert z.argument("p") == Array((), Entry(pi, (h,)))
    total = Sum(h, mul(Entry(weights, (d, h)), Entry(z.node, (h,))))
    assert x.argument("logit") == Array((), add(total, Entry(mu, (d,))))
    assert model.latents == (z,)
    assert model.variational == "any"
    assert model.conditions == ()
    assert str(x.place).endswith("my model.v2.yaml:10:5")
    assert model.sha256 == hashlib.sha256(SBN.encode()).hexdigest()


def test_probabilistic_pca(tmp_path: Path) -> None:
    model = read(tmp_path, PPCA)
    assert model.variational == "exact"
    assert node(model, "z").argument("variance") == Array((), ONE)
    assert node(model, "x").argument("variance").body == Entry(parameter("sigma2", "positive"))
    assert model.conditions == ()


def test_gaussian_mixture(tmp_path: Path) -> None:
    model = read(tmp_path, GMM)
    c, x = model.statements
    assert c.node.domain == Category(Size("C"))
    assert (c.node.shape, c.extents) == ((), (("K", C),))
    assert (x.node.shape, x.plates, x.extents) == ((D,), (), (("K", D),))
    mean, covariance = x.argument("mean"), x.argument("covariance")
    selects = Entry(c.node)
    assert mean == Array(mean.indices, Entry(model.parameters[1], (selects, *mean.indices)))
    assert [index.extent for index in covariance.indices] == [D, D]
    assert covariance.body == Entry(model.parameters[2], (selects, *covariance.indices))
    assert model.conditions == ()


def test_variational_autoencoder(tmp_path: Path) -> None:
    model = read(tmp_path, VAE)
    (m,) = model.functions
    assert (m.role, m.shape) == (Role.FUNCTION, (D,))
    mean = node(model, "x").argument("mean").body
    assert isinstance(mean, Apply)
    assert (mean.function, mean.indices, mean.derivatives) == (m, (d,), ())
    layer, weights = mean.arguments
    assert [index.extent for index in layer.indices] == [K]
    assert [index.extent for index in weights.indices] == [P]
    assert [(s.name, s.domain.kind, s.shape) for s in model.variational_symbols] == [
        ("nu", "real", (H,)),
        ("tau2", "positive", (H,)),
    ]
    assert not isinstance(model.variational, str)
    (q,) = model.variational
    assert q.argument("mean").body == Entry(model.variational_symbols[0], (h,))


def test_a_file_and_a_dict_say_the_same(tmp_path: Path) -> None:
    from_file = read(tmp_path, VAE)
    from_dict = read_model(dict(from_file.normalized))
    assert from_dict.normalized == from_file.normalized
    assert [s.arguments for s in from_dict.statements] == [
        s.arguments for s in from_file.statements
    ]
    assert from_dict.stem == "vae_1"
    assert json.loads(json.dumps(from_file.normalized)) == from_file.normalized


def test_unusual_names_are_ordinary() -> None:
    names = ["lambda", "beta", "E", "I", "Q", "gamma", "zeta", "S", "pi", "e", "def", "None"]
    model = read_model(
        {
            "name": "Names",
            "sizes": ["N"],
            "parameters": dict.fromkeys(names, "real"),
            "model": [f"y[n] ~ Normal({' + '.join(names)} + N + 2*PI, 1) for n in 1:N"],
            "observed": "y",
        }
    )
    assert [symbol.name for symbol in model.parameters] == names


def test_yaml_words_are_ordinary_names(tmp_path: Path) -> None:
    text = "name: 1e3\nsizes: [N, y]\nparameters: {no: real, on: real}\nmodel:\n"
    text += "  - x[i] ~ Normal(no + on*y, 1e-3) for i in 1:N\nobserved: x\n"
    model = read(tmp_path, text)
    assert model.name == "1e3"
    assert model.sizes == ("N", "y")
    assert node(model, "x").argument("variance").body == number("1/1000")


def test_hidden_markov_model_in_two_parts() -> None:
    model = small(
        "x[t,d] ~ Poisson(rate[z[t],d]) for t in 1:T, d in 1:D",
        "z[1] ~ Categorical(pi)",
        "z[t] ~ Categorical(A[z[t-1]]) for t in 2:T",
    )
    first, rest, x = model.statements
    t = Index("t", Extent("T"), 2)
    assert first.node == rest.node
    assert (first.node.shape, first.places) == ((Extent("T"),), (Position(Extent(None, 1)),))
    assert (rest.plates, rest.places) == ((t,), (t,))
    selected = rest.argument("p").body
    assert isinstance(selected, Entry)
    assert selected.indices[0] == Entry(first.node, (Offset(t, -1),))
    assert x.node.shape == (Extent("T"), D)


def test_chain_of_vectors() -> None:
    model = small(
        "z[1] ~ MvNormal(mu, S)",
        "z[t] ~ MvNormal(z[t-1], S) for t in 2:T",
        "x[t,d] ~ Normal(z[t,d], s2) for t in 1:T, d in 1:D",
    )
    assert model.statements[0].node.shape == (Extent("T"), D)


def test_statements_come_parents_first_whatever_their_order() -> None:
    model = small(
        "x[d] ~ Normal(sum(W[d,h]*b[h] for h in 1:H), 1) for d in 1:D",
        "b[h] = 2*z[h] for h in 1:H",
        "z[h] ~ Normal(u, 1) for h in 1:H",
        "u ~ Normal(0, 1)",
    )
    assert [statement.node.name for statement in model.statements] == ["u", "z", "x"]


def test_inlining_captures_nothing() -> None:
    model = small(
        "a[e] = sum(S[d,e]*mu[d] for d in 1:D) for e in 1:D",
        "x[d] ~ Normal(a[d], 1) for d in 1:D",
    )
    mean = node(model, "x").argument("mean").body
    mu = model.parameters[0]
    covariance = parameter("S", "posdef", D, D)
    assert isinstance(mean, Sum)
    bound = mean.index
    assert bound.name != "d"
    assert mean.body == mul(Entry(covariance, (bound, d)), Entry(mu, (bound,)))


def test_powers_and_signs_bind_as_in_mathematics() -> None:
    model = small("x ~ Normal(-w^2^3 + 2**-1, 1)")
    w = Entry(parameter("w", "real"))
    expected = add(mul(number(-1), power(w, 8)), number("1/2"))
    assert node(model, "x").argument("mean").body == expected


def test_a_category_as_a_number_and_an_index_as_a_number() -> None:
    model = small("c ~ Categorical(pi)", "x[d] ~ Normal(c + d + D, 1) for d in 1:D")
    mean = node(model, "x").argument("mean").body
    c = Entry(node(model, "c").node)
    assert mean == add(IndexValue(c), IndexValue(d), Size("D"))


@pytest.mark.parametrize(
    "argument",
    [
        "s2",
        "exp(w)",
        "softplus(w) + s2**2/4",
        "w**2 + s2",
        "1 + abs(w)",
        "p",
        "sigmoid(w)",
        "p*(1-p)",
        "1/s2",
        "sum(W[d,h]^2 for h in 1:H) + s2",
        "sum(pi[c]*rate[c,d] for c in 1:C)",
        "sqrt(s2)",
        "log(1 + exp(w))",
        "S[d,d]",
        "D/2",
        "PI",
    ],
)
def test_shown_to_be_positive(argument: str) -> None:
    assert small(f"x[d] ~ Normal(0, {argument}) for d in 1:D").conditions == ()


@pytest.mark.parametrize(
    "argument",
    ["p", "sigmoid(w)", "1 - p", "p*p", "p**3", "1/2", "exp(-s2)", "sum(pi[c]*p for c in 1:C)"],
)
def test_shown_to_be_a_probability(argument: str) -> None:
    assert small(f"x ~ Bernoulli({argument})").conditions == ()


@pytest.mark.parametrize(
    "share",
    [
        "exp(mu[d])/sum(exp(mu[e]) for e in 1:D)",
        "softplus(w*mu[d])/sum(softplus(w*mu[e]) for e in 1:D)",
        "exp(sum(W[d,h]*z for h in 1:H))/sum(exp(sum(W[e,h]*z for h in 1:H)) for e in 1:D)",
        "rate[c,d]/sum(rate[c,e] for e in 1:D)",
        "rate[1,d]*exp(mu[d])/sum(rate[1,e]*exp(mu[e]) for e in 1:D)",
        "1/D",
    ],
)
def test_shown_to_be_a_share(share: str) -> None:
    model = small(
        "z ~ Normal(0, 1)",
        "c ~ Categorical(pi)",
        f"r[d] = {share} for d in 1:D",
        "x ~ Categorical(r)",
        observed=["c", "x", "z"],
    )
    assert model.conditions == ()


@pytest.mark.parametrize(
    "share",
    [
        "exp(mu[d])/sum(exp(2*mu[e]) for e in 1:D)",
        "exp(mu[d])/sum(exp(mu[e]) for e in 2:D)",
        "exp(mu[d])/(1 + sum(exp(mu[e]) for e in 1:D))",
        "mu[d]/sum(mu[e] for e in 1:D)",
        "exp(mu[d])/sum(exp(mu[e])/D for e in 1:D)",
    ],
)
def test_not_shown_to_be_a_share(share: str) -> None:
    model = small(f"r[d] = {share} for d in 1:D", "x ~ Categorical(r)")
    assert [c.text for c in model.conditions] == ["r is positive and sums to one"]


@pytest.mark.parametrize(
    ("variance", "kind", "conditions"),
    [
        ("s[h]", "positive", 0),
        ("s2*s[h]", "positive", 0),
        ("s2**2*s[h]*exp(w)", "positive", 0),
        ("s2/s[h]", "positive", 0),
        ("s2*s[h]**3", "positive", 0),
        ("s2*s[h]**2", "real", 1),
        ("w*s[h]", "real", 1),
        ("-s2*s[h]", "real", 1),
        ("s2 + s[h]", "real", 1),
        ("s2*s[h]*r[h]", "real", 1),
    ],
)
def test_the_sign_of_a_factor_of_a_variance_of_q(variance: str, kind: str, conditions: int) -> None:
    model = small(
        "z[h] ~ Normal(0, 1) for h in 1:H",
        "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s2) for d in 1:D",
        variational=[f"z[h] ~ Normal(m[h], {variance}) for h in 1:H"],
    )
    domains = {s.name: s.domain.kind for s in model.variational_symbols}
    assert domains["m"] == "real"
    assert domains["s"] == kind
    assert len(model.conditions) == conditions


@pytest.mark.parametrize("second", ["r[h]*s[h]", "s[h]"])
def test_the_sign_of_a_factor_by_that_of_another(second: str) -> None:
    model = small(
        "z[h] ~ Normal(0, 1) for h in 1:H",
        "y[h] ~ Normal(0, 1) for h in 1:H",
        "x[d] ~ Normal(sum(W[d,h]*z[h]*y[h] for h in 1:H), s2) for d in 1:D",
        variational=[
            f"z[h] ~ Normal(m[h], {second}) for h in 1:H",
            "y[h] ~ Normal(n[h], s2*r[h]) for h in 1:H",
        ],
    )
    domains = {s.name: s.domain.kind for s in model.variational_symbols}
    assert [domains[name] for name in "rs"] == ["positive", "positive"]
    assert model.conditions == ()


@pytest.mark.parametrize(
    ("statement", "text", "reason"),
    [
        (
            "x[d] ~ Bernoulli(w*mu[d] +  1/2) for d in  1:D",
            "0 < w*mu[d] + 1/2 < 1 for d in 1:D",
            "p of Bernoulli at x",
        ),
        ("x ~ Normal(0, w + 1)", "0 < w + 1", "variance of Normal at x"),
        ("x ~ Normal(0, w**2)", "0 < w**2", "variance of Normal at x"),
        ("x ~ Normal(0, 1 - p - w)", "0 < 1 - p - w", "variance of Normal at x"),
        ("x ~ Categorical(mu)", "mu is positive and sums to one", "p of Categorical at x"),
        (
            "x ~ MvNormal(mu, B)",
            "B is symmetric positive definite",
            "covariance of MvNormal at x",
        ),
    ],
)
def test_what_is_not_shown_becomes_a_condition(statement: str, text: str, reason: str) -> None:
    model = small("B[d, e] = mu[d]*mu[e] for d in 1:D, e in 1:D", statement)
    assert [(c.text, c.reason) for c in model.conditions] == [(text, reason)]


@pytest.mark.parametrize(
    "argument", ["-1", "0", "-s2", "-exp(w)", "-(w**2)", "p - 1", "-sum(s2 for h in 1:H)", "1 - D"]
)
def test_shown_not_to_be_positive(argument: str) -> None:
    with pytest.raises(SpecError, match="as variance of Normal; expected a positive number"):
        small(f"x ~ Normal(0, {argument})")


def test_an_own_family_and_an_abstract_one() -> None:
    model = small(
        "z ~ Maxwell(s2)",
        "x ~ F(mu)",
        "y ~ Normal(z, 1)",
        observed=["x", "y"],
        families={
            "Maxwell": {
                "value": "v",
                "support": "positive",
                "parameters": {"s2": "positive"},
                "log_density": "log(2/PI)/2 + 2*log(v) - 3*log(s2)/2 - v**2/(2*s2) + 0*D",
            },
            "F": {
                "abstract": True,
                "parameters": {"theta": "real[D]"},
                "base_measure": "any",
            },
        },
    )
    maxwell, abstract = (own.family for own in model.families)
    assert (maxwell.builtin, maxwell.value, maxwell.support) == (False, "v", Positive())
    assert node(model, "z").family is maxwell
    assert (abstract.abstract, abstract.constant_base_measure) == (True, False)
    assert node(model, "x").extents == (("D", D),)


def test_an_interval_support_with_a_parameter() -> None:
    families = {
        "Beyond": {
            "value": "v",
            "support": "a+1..oo",
            "parameters": {"a": "positive"},
            "log_density": "a - v + 1",
        }
    }
    (own,) = small("x ~ Beyond(s2)", families=families).families
    a = Entry(Symbol("a", Role.ARGUMENT, Positive()))
    assert own.family.support == Interval(add(a, ONE), None)


def test_partial_sums_over_sizes_minus_one() -> None:
    model = small("x ~ Normal(sum(pi[c] for c in 1:C-1) + pi[C] + mu[1], 1)")
    body = node(model, "x").argument("mean").body
    assert Sum(
        Index("c", Extent("C", -1)), Entry(model.parameters[2], (Index("c", Extent("C", -1)),))
    ) in (getattr(body, "terms", ()))


def test_variational_shapes_are_inferred() -> None:
    model = small(
        "z[1] ~ Categorical(pi)",
        "z[t] ~ Categorical(A[z[t-1]]) for t in 2:T",
        "x[t,d] ~ Poisson(rate[z[t],d]) for t in 1:T, d in 1:D",
        variational=["z[1] ~ Categorical(r[1])", "z[t] ~ Categorical(r[t]) for t in 2:T"],
    )
    assert [(s.name, s.domain.kind, s.shape) for s in model.variational_symbols] == [
        ("r", "simplex", (Extent("T"), C))
    ]


def test_the_name_may_hold_latex_and_the_stem_cannot() -> None:
    model = small("x ~ Normal(0, 1)", name=r"\input{/etc/passwd} $\alpha$ 100%_é")
    assert model.name == r"\input{/etc/passwd} $\alpha$ 100%_é"
    assert model.stem == "input_etc_passwd_alpha_100"
    assert read_model(dict(model.normalized), stem="../a b").stem == "___a_b"


def test_reading_is_the_same_under_every_hash_seed(tmp_path: Path) -> None:
    path = tmp_path / "vae.yaml"
    path.write_text(VAE, encoding="utf-8")
    code = f"from symelbo.model.read_model import read_model; print(read_model({str(path)!r}))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("length", ["L", "1", "3"])
def test_arguments_of_an_own_family_in_q_have_its_shape(length: str) -> None:
    derivation = symelbo.derive(
        dict(
            name="own q",
            sizes=["L"] if length == "L" else [],
            parameters={"w": "real", "m": "real", "s": "positive"},
            families={
                "F": {
                    "abstract": True,
                    "parameters": {"theta": f"real[{length}]"},
                    "base_measure": "any",
                }
            },
            model=["z ~ Normal(m, s)", "x ~ Normal(w*z, s)"],
            observed=["x"],
            variational=["z ~ F(a)"],
        )
    )
    model = derivation.model
    extent = Extent("L") if length == "L" else Extent(None, int(length))
    assert [(s.name, s.domain.kind, s.shape) for s in model.variational_symbols] == [
        ("a", "real", (extent,))
    ]
    assert derivation.verdict == "proved"
    whole = derivation.entropy_sum
    assert whole is not None and whole.q_entropy is None  # the caller gives its number
    assert "entropy_q" in derivation.python()
