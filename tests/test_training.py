"""Objectives, the monitor, and the condition on an encoder, on emitted modules with autodiff."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from libraries import OTHERS, library
from scipy.optimize import minimize

import symelbo
from symelbo.api import Derivation
from symelbo.uses import Monitor, MonitorHooks, entropy_objective, weighted_elbo
from symelbo.uses.given import Given
from symelbo.uses.objectives import takes

MODELS = Path(__file__).resolve().parents[1] / "models"
# networks, samples, moments of q in closed form, categories, base measures
PROFILED = ("vae2", "vae_bernoulli", "sparse_coding", "gmm_diagonal", "poisson_mixture")


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(MODELS / f"{stem}.yaml", explain=False)


def full(derivation: Derivation, seed: int) -> dict[str, Any]:
    """Random arguments, with the sizes."""
    given = Given(derivation, Arguments(derivation, seed, own=True))
    named = {given.setting.sizes[name]: length for name, length in given.sizes.items()}
    return {**named, **given.arguments}


# ---------------------------------------------------------------- objectives


def slopes(name: str, function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """The value and the derivatives of a function of arrays of one of the libraries."""
    of = library(name)
    arrays = {n: of.array(value) for n, value in given.items()}
    if name == "jax":
        import jax

        value, found = jax.value_and_grad(lambda a: function(**a))(arrays)
    else:
        for array in arrays.values():
            array.requires_grad_()
        value = function(**arrays)
        value.backward()
        found = {n: a.grad for n, a in arrays.items() if a.grad is not None}
        value = value.detach()
    return {"": np.asarray(value)} | {n: np.asarray(slope) for n, slope in found.items()}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("stem", PROFILED)
def test_slopes_of_the_entropy_objective_are_those_of_the_elbo(stem: str, name: str) -> None:
    """Those with the scales at rest, by the envelope theorem, also with weights of the parts."""
    derivation = derived(stem)
    module = derivation.function()
    given = full(derivation, 3)
    if "q" in given:
        given["q"] = (given["q"] + 0.1) / (given["q"] + 0.1).sum(axis=1, keepdims=True)
    sums = module.statistics(**takes(module.statistics, given))
    scales = sums.profiled_scales(**takes(sums.profiled_scales, given))
    of = library(name)
    at = {n: of.array(np.asarray(value)) for n, value in scales.items()}
    named = {"nu", "tau2", "m", "W", "mu", "z", "entropy_q"} & given.keys()
    free = {n: np.asarray(given[n]) for n in named if np.asarray(given[n]).dtype.kind == "f"}
    rest = {n: of.array(v) if np.ndim(v) else v for n, v in given.items() if n not in free}
    if "q" in rest:  # on the simplex alone are the profiled proportions those that are best
        free["log_q"] = np.log(given["q"])
    factors = [n.removeprefix("gap_") for n in module.Terms._fields if n.startswith("gap_")]
    for temper in ({}, {"q": 0.3, factors[0]: 0.5}):

        def complete(arrays: dict[str, Any]) -> dict[str, Any]:
            if "log_q" in arrays:
                raw = of.xp.exp(arrays["log_q"])
                arrays = {**arrays, "q": raw / of.xp.sum(raw, axis=1, keepdims=True)}
            return {**rest, **arrays}

        def by_entropies(temper: dict[str, float] = temper, **arrays: Any) -> Any:
            every = complete(arrays)
            own = module.statistics(**takes(module.statistics, every))
            return entropy_objective(own, temper, **every)

        def by_elbo(temper: dict[str, float] = temper, **arrays: Any) -> Any:
            every = complete(arrays) | at
            if not temper:
                return -module.elbo(**takes(module.elbo, every))
            own = module.statistics(**takes(module.statistics, every))
            return -weighted_elbo(own.terms(**takes(own.terms, every)), temper)

        one, other = slopes(name, by_entropies, free), slopes(name, by_elbo, free)
        for argument in one.keys() | other.keys():
            here, there = one.get(argument, 0.0), other.get(argument, 0.0)
            assert np.allclose(here, there, rtol=1e-8, atol=1e-10), argument
        assert any(np.abs(one[argument]).max() > 1e-3 for argument in one if argument)


def test_the_elbo_with_tempered_parts() -> None:
    """With the same weight for H[q] and the prior it is that of the divergence from the prior."""
    derivation = derived("vae2")
    module = derivation.function()
    given = full(derivation, 4)
    terms = module.terms(**takes(module.terms, given))
    assert np.isclose(weighted_elbo(terms, {}), terms.elbo, rtol=1e-12)
    nu, tau2, alpha2 = (given[name] for name in ("nu", "tau2", "alpha2"))
    divergence = 0.5 * np.sum((nu**2 + tau2) / alpha2 - 1 - np.log(tau2 / alpha2), axis=1).mean()
    annealed = weighted_elbo(terms, {"q": 0.3, "z": 0.3})
    assert np.isclose(annealed, terms.elbo + 0.7 * divergence, rtol=1e-12)
    with pytest.raises(ValueError, match="no factor y: there are q, z, x"):
        weighted_elbo(terms, {"y": 0.5})


def test_a_base_measure_is_weighed_with_its_factor() -> None:
    derivation = derived("poisson_mixture")
    module = derivation.function()
    given = full(derivation, 4)
    terms = module.terms(**takes(module.terms, given))
    assert abs(terms.base_x) > 0.1
    assert np.isclose(weighted_elbo(terms, {}), terms.elbo, rtol=1e-12)
    without = weighted_elbo(terms, {"x": 0})
    assert np.isclose(without, terms.elbo + terms.entropy_x - terms.base_x - terms.gap_x)


def test_the_entropy_sum_alone_is_no_objective() -> None:
    """Where latents move there are no scales at which the two are equal for every q."""
    derivation = derived("vae1")
    module = derivation.function()
    given = full(derivation, 4)
    with pytest.raises(ValueError, match="only where the module profiles scales"):
        entropy_objective(module.statistics(**takes(module.statistics, given)))


# ---------------------------------------------------------------- the monitor


def vae2(seed: int = 0, points: int = 12) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    given = {
        "x": rng.normal(size=(points, 4)),
        "nu": rng.normal(size=(points, 3)),
        "tau2": rng.uniform(0.01, 0.02, (points, 3)),
        "m": rng.normal(size=(points, 5, 4)),
    }
    module = derived("vae2").function()
    return given | module.profiled_scales(**given)


def batches(given: dict[str, Any], *cuts: int) -> list[dict[str, Any]]:
    """Parts of the data points."""
    ends = (0, *cuts, len(given["x"]))
    data = ("x", "nu", "tau2", "m")
    return [
        {n: v[one:two] if n in data else v for n, v in given.items()} for one, two in pairwise(ends)
    ]


def test_the_monitor_adds_up_batches() -> None:
    derivation = derived("vae2")
    module, given = derivation.function(), vae2()
    monitor = Monitor(derivation)
    for cuts in ((), (5,), (1, 4)):
        for batch in batches(given, *cuts):
            monitor.update(**batch)
        epoch = monitor.end_epoch(**given)
        for name in ("elbo", "gap"):
            value = getattr(module, name)(**given)
            assert np.isclose(float(epoch.terms[name]), value, rtol=1e-10, atol=1e-10)
    assert len(monitor.history) == 3


def test_the_monitor_says_which_scale_is_off() -> None:
    given = vae2()
    monitor = Monitor(derived("vae2"))

    def say(**changed: Any) -> tuple[str, ...]:
        monitor.update(**given)
        return monitor.end_epoch(**{**given, **changed}).sentences

    right = say()
    assert all(float(text.split("is ")[1].split("%")[0]) < 1e-10 for text in right[:2])
    large = say(sigma2=3.1 * given["sigma2"])
    assert large[0] == right[0] and large[1].endswith("; sigma2 is 3.1 times too large")
    assert say(sigma2=0.98 * given["sigma2"])[1].endswith("; sigma2 is 2% too small")
    scales = given["alpha2"] * np.array([1.5, 0.25, 1])
    assert say(alpha2=scales)[0].endswith("; alpha2[1] is 4.0 times too small")


def test_the_monitor_names_what_moves_without_a_scale() -> None:
    derivation = derived("vae1")
    given = full(derivation, 2)
    monitor = Monitor(derivation)
    monitor.update(**given)
    sentences = monitor.end_epoch(**given).sentences
    assert sentences[0].startswith("gap of z: ") and sentences[0].endswith(" along z")
    assert " along W and z; sigma2 is " in sentences[1]


def test_the_monitor_lists_collapsed_latents() -> None:
    given = vae2()
    given["tau2"][:, 1] = given["alpha2"][1]
    monitor = Monitor(derived("vae2"))
    for batch in batches(given, 5):
        monitor.update(**batch)
    assert monitor.end_epoch(**given).sentences[-1] == "collapsed of the 3 entries of z: 1"


def test_the_monitor_draws_both_sides_and_the_gap() -> None:
    pytest.importorskip("matplotlib")
    given = vae2()
    monitor = Monitor(derived("vae2"))
    for factor in (4, 2, 1.2):
        monitor.update(**given)
        monitor.end_epoch(**{**given, "sigma2": factor * given["sigma2"]})
    above, below = monitor.plot().axes
    drawn = {line.get_label(): line.get_ydata() for line in (*above.lines, *below.lines)}
    assert drawn.keys() == {"ELBO", "entropy sum", "gap", "gap of z", "gap of x"}
    assert np.allclose(np.abs(drawn["ELBO"] - drawn["entropy sum"]), drawn["gap"])


def test_the_monitor_takes_tensors_with_gradients() -> None:
    torch = pytest.importorskip("torch")
    given = vae2()
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    monitors = [Monitor(derived("vae2")) for _ in range(2)]
    for monitor, values in zip(monitors, (given, tensors), strict=True):
        monitor.update(**values)
    epochs = [m.end_epoch(**v) for m, v in zip(monitors, (given, tensors), strict=True)]
    assert epochs[0].sentences == epochs[1].sentences


def test_the_hooks_of_a_lightning_callback(capsys: pytest.CaptureFixture[str]) -> None:
    class Callback:
        """What Lightning's is, as far as it matters: it is made without arguments."""

        def __init__(self) -> None:
            self.made = True

    class Watch(MonitorHooks, Callback):
        pass

    given, logged = vae2(), dict[str, float]()

    class Module:
        log = staticmethod(logged.__setitem__)

        def elbo_parameters(self) -> dict[str, Any]:
            return {name: given[name] for name in ("alpha2", "sigma2")}

    watch = Watch(Monitor(derived("vae2")), verbose=True)
    assert watch.made
    for n, batch in enumerate(batches(given, 5)):
        watch.on_train_batch_end(None, Module(), {"loss": None, "elbo": batch}, None, n)
    watch.on_train_epoch_end(None, Module())
    assert np.isclose(logged["elbo"] - logged["entropy_sum"], logged["gap"], atol=1e-12)
    assert "gap of x" in capsys.readouterr().out


# ---------------------------------------------------------------- the heads of an encoder


def stationary(head: Callable[[Any], Any], frozen: bool) -> tuple[float, float]:
    """The largest derivative and the gap where BFGS stops, for a small VAE-1 with this head.

    frozen: whether the head's input is a fixed feature of the data, and its bias alone learned.
    """
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    module = derived("linear_vae").function()
    points = 30
    x = torch.tensor(rng.normal(size=(points, 1)) @ rng.normal(size=(1, 3)))
    x = x + 0.7 * torch.tensor(rng.normal(size=x.shape))
    feature = torch.tensor(rng.normal(size=(points, 1)))
    shapes = {"A": (3, 1), "a": (1,), "c": (1,), "B": (), "W": (3, 1), "mu": (3,), "log_sigma2": ()}
    lengths = [int(np.prod(shape)) for shape in shapes.values()]

    def arguments(flat: Any) -> dict[str, Any]:
        parts = torch.split(flat, lengths)
        p = {n: v.reshape(s) for (n, s), v in zip(shapes.items(), parts, strict=True)}
        slope = 2.0 if frozen else p["B"]
        given = {"x": x, "W": p["W"], "mu": p["mu"], "sigma2": p["log_sigma2"].exp()}
        return {**given, "nu": x @ p["A"] + p["a"], "tau2": head(slope * feature + p["c"])}

    def loss(flat: Any) -> tuple[float, Any]:
        flat = torch.tensor(flat, requires_grad=True)
        value = -module.elbo(**arguments(flat))
        value.backward()
        return float(value.detach()), flat.grad.numpy()

    start = 0.5 * rng.normal(size=sum(lengths))
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 500})
    return float(np.abs(found.jac).max()), float(module.gap(**arguments(torch.tensor(found.x))))


def test_a_free_bias_of_a_log_variance_follows_the_motion_and_a_softplus_does_not() -> None:
    """q has to be closed under tau2' = tau2: c' = 1 in exp(u + c), nothing in softplus(u + c)."""
    torch = pytest.importorskip("torch")
    softplus = torch.nn.functional.softplus
    for frozen in (True, False):
        slope, gap = stationary(torch.exp, frozen)
        assert slope < 1e-6 and abs(gap) < 1e-6
    slope, gap = stationary(softplus, True)
    assert slope < 1e-6 and gap < -0.1


def test_gap_says_which_heads_follow() -> None:
    """Where parameters of q move; not where the motion leaves q alone."""
    said = " ".join(str(derived("vae1").function().gap.__doc__).split())
    assert "An encoder has to follow the motion: that of nu by a linear last layer," in said
    assert "that of tau2 by a free bias of the logarithm, not by a softplus." in said
    known = " ".join(str(derived("known_means").function().gap.__doc__).split())
    assert "follow the motion: that of tau2 by" in known  # nu' = (nu - m)/2
    for stem in ("vae2", "ppca", "gmm_diagonal"):
        assert "encoder" not in str(derived(stem).function().gap.__doc__)
