"""Section 2: sigmoid belief nets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import exp, log

from paper.audit import audited
from paper.belief_nets import (
    belief_net,
    bernoulli,
    bernoulli_layer,
    columns_of_paper,
    deep_belief_net,
    sums,
)
from paper.case import Check, Draw


@audited
def test_eqn_08_prior_of_the_belief_net(draw: Draw) -> Iterator[Check]:
    for point in belief_net(draw).points():
        printed = bernoulli(point.values["z"], point.values["pi"])
        yield "p(z)", printed, exp(point.log_density("z"))


@audited
def test_eqn_09_observable_of_the_belief_net(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "x", lambda at: p["W"] @ at.values["z"] + p["mu"])


@audited
def test_eqn_10_entropy_sum_of_the_belief_net(draw: Draw) -> Iterator[Check]:
    yield from sums(belief_net(draw))


@audited
def test_eqn_11_parameters_of_the_belief_net(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    H, D = point.sizes["H"], point.sizes["D"]
    assert list(point.field("z")) == ["pi"]
    assert sorted(point.field("x")) == ["W", "mu"]
    yield "entries of Psi", H, len(point.field_vector("z"))
    yield "entries of Theta", H * D + D, len(point.field_vector("x"))


@audited
def test_eqn_12_natural_parameters_of_the_bernoulli_prior(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    p = point.values["pi"]
    yield "zeta", log(p / (1 - p)), point.natural("z")


@audited
def test_eqn_13_natural_parameters_of_the_bernoulli_layer(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    W, mu = case.parameters["W"], case.parameters["mu"]
    for point in case.points():
        z = point.values["z"]
        yield "eta", sum(W[:, h] * z[h] for h in range(len(z))) + mu, point.natural("x")


@audited
def test_eqn_14_alpha_of_the_bernoulli_prior(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    p = point.values["pi"]
    printed = np.diag(1 / (p * (1 - p)))
    yield "Jacobian", printed, point.jacobian("z", "pi")
    inverse = np.linalg.solve(printed, log(p / (1 - p)))
    yield "alpha, the inverse times zeta", inverse, point.field("z")["pi"]


@audited
def test_eqn_15_jacobian_of_the_bernoulli_layer(draw: Draw) -> Iterator[Check]:
    for point in belief_net(draw).points():
        unit = np.eye(point.sizes["D"])
        printed = np.hstack([*(z * unit for z in point.values["z"]), unit])
        yield "Jacobian", printed, point.jacobian("x", "W", "mu")[:, columns_of_paper(point)]


@audited
def test_eqn_16_beta_of_the_bernoulli_layer(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    printed = np.concatenate([*point.values["W"].T, point.values["mu"]])
    yield "beta", printed, point.field_vector("x", "W", "mu")[columns_of_paper(point)]


@audited
def test_eqn_17_identity_of_the_belief_net(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    assert case.derivation.theorem == 1
    yield from case.split_identity()


@audited
def test_eqn_18_prior_of_three_layers(draw: Draw) -> Iterator[Check]:
    for point in deep_belief_net(draw).points():
        printed = bernoulli(point.values["z"], point.values["pi"])
        yield "p(z)", printed, exp(point.log_density("z"))


@audited
def test_eqn_19_middle_of_three_layers(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "y", lambda at: p["M"] @ at.values["z"] + p["nu"])


@audited
def test_eqn_20_observable_of_three_layers(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "x", lambda at: p["W"] @ at.values["y"] + p["mu"])


@audited
def test_eqn_21_entropy_sum_of_three_layers(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    assert case.derivation.theorem == 1
    yield from sums(case)
