"""Emitted modules in every array library: values, derivatives, compilers, dtypes and refusals.

Those of JAX are compiled, since that is how they are used and since it is quicker here.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from libraries import LIBRARIES, OTHERS, library
from test_python_module import MODELS, NAMES, derived, with_gap
from velocities import velocities_of

from symelbo.code.setting import Setting

STEMS = [path.stem for path in MODELS]
WITH_GAP = [stem for stem in STEMS if stem in with_gap()]
# one of each kind: exact and given posteriors, categories, samples, chains, functions
KINDS = ["gmm_full", "hidden_markov", "linear_vae", "negative_binomial", "ppca", "sbn", "vae1"]


@pytest.fixture(autouse=True)
def forget_compiled() -> Iterator[None]:
    """What was compiled is let go: a worker would end with gigabytes of it."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "torch._dynamo" in sys.modules:
        sys.modules["torch"].compiler.reset()


def functions_of(name: str) -> dict[str, Any]:
    """The functions of a module by name."""
    if not derived(name).python():
        return {}
    module = derived(name).function()
    found = {n: getattr(module, n) for n in module.__all__ if n != "check"}
    return {n: function for n, function in found.items() if inspect.isfunction(function)}


def arguments_of(name: str, function: Any, seed: int) -> dict[str, Any]:
    """Arguments in NumPy; shares that are inside the simplex, where entropies have slopes."""
    every: dict[str, Any] = Arguments(derived(name), seed, own=seed % 3 == 2)
    q = Setting(derived(name)).q_name
    if q in every:
        every[q] = (every[q] + 0.1) / (every[q] + 0.1).sum(axis=1, keepdims=True)
    parameters = inspect.signature(function).parameters
    # means that are asked for are numbers
    asked = {p: 0.5 for p, v in parameters.items() if v.default is inspect.Parameter.empty}
    return {p: every.get(p, asked.get(p)) for p in parameters if p in every or p in asked}


def calls_of(name: str, seed: int) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """name, function, arguments in NumPy; where these are admissible"""
    for which, function in functions_of(name).items():
        given = arguments_of(name, function, seed)
        try:
            function(**given)
        except ValueError:
            continue
        yield which, function, given


def fixed_in(given: dict[str, Any]) -> dict[str, Any]:
    """What no array is."""
    return {p: v for p, v in given.items() if isinstance(v, int | float)}


def move(given: dict[str, Any], name: str, dtype: str = "float64") -> dict[str, Any]:
    """The same arguments as arrays of a library; numbers stay."""
    chosen, fixed = library(name), fixed_in(given)
    return {p: fixed[p] if p in fixed else chosen.array(v, dtype) for p, v in given.items()}


def apply(function: Any, given: dict[str, Any], name: str, dtype: str = "float64") -> Any:
    """The value at arrays of a library; in JAX of the compiled function."""
    moved, fixed = move(given, name, dtype), fixed_in(given)
    if name != "jax":
        return function(**moved)
    import jax

    arrays = {p: v for p, v in moved.items() if p not in fixed}
    return jax.jit(lambda arrays: function(**arrays, **fixed))(arrays)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return list(value)
    return [value[key] for key in sorted(value)] if isinstance(value, dict) else [value]


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("source", "name"), [*((s, "torch") for s in NAMES), *((s, "jax") for s in STEMS)]
)
def test_values_are_those_of_numpy(source: str, name: str) -> None:
    chosen, tried = library(name), set()
    for seed in range(12):
        for which, function, given in calls_of(source, seed):
            if which in tried and seed:
                continue
            tried.add(which)
            found, wanted = apply(function, given, name), function(**given)
            for one, other in zip(leaves(found), leaves(wanted), strict=True):
                assert type(one).__module__.startswith((name, "jaxlib"))
                assert one.dtype == chosen.float64 and one.shape == np.shape(other)
                assert np.allclose(np.asarray(one), other, rtol=1e-10, atol=1e-11), which
    assert tried == functions_of(source).keys()


@pytest.mark.parametrize(
    ("source", "name"),
    [*((s, n) for s in NAMES for n in ("numpy", "torch")), *((s, "jax") for s in KINDS)],
)
def test_single_precision_stays(source: str, name: str) -> None:
    """No number on the way has a dtype of its own."""
    chosen = library(name)
    for which, function, given in calls_of(source, 1):
        found, wanted = apply(function, given, name, "float32"), function(**given)
        for one, other in zip(leaves(found), leaves(wanted), strict=True):
            assert one.dtype == chosen.float32, which
            assert np.allclose(np.asarray(one), other, rtol=2e-3, atol=2e-3), which


# ---------------------------------------------------------------- derivatives


def slopes(name: str, function: Any, given: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The derivatives by some of the arguments, by reverse accumulation."""
    moved, fixed = move(given, name), fixed_in(given)
    moved |= {p: library(name).array(given[p]) for p in names}
    if name == "torch":
        for p in names:
            moved[p].requires_grad_()
        function(**moved).backward()
        return {
            p: np.zeros(np.shape(given[p])) if (g := moved[p].grad) is None else g.numpy()
            for p in names
        }
    import jax

    fixed = {p: v for p, v in fixed.items() if p not in names}
    rest = {p: v for p, v in moved.items() if p not in {*fixed, *names}}
    compiled = jax.jit(jax.grad(lambda own, rest: function(**own, **rest, **fixed)))
    return {p: np.asarray(v) for p, v in compiled({p: moved[p] for p in names}, rest).items()}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("source", with_gap())
def test_the_derivative_of_the_elbo_along_the_motion_is_the_gap(source: str, name: str) -> None:
    """The derivation, the emitted code and automatic differentiation agree."""
    module, derivation = derived(source).function(), derived(source)
    gaps = []
    for seed in (1, 2, 4) if name == "torch" else (1,):
        every = Arguments(derivation, seed, own=seed % 3 == 2)
        given = arguments_of(source, module.elbo, seed)
        moved = velocities_of(derivation, Arguments(derivation, seed, own=seed % 3 == 2))
        moved = {p: v for p, v in moved.items() if p in given}
        assert all(np.array_equal(every[p], given[p]) for p in moved)
        found = slopes(name, module.elbo, given, sorted(moved))
        slope = sum(float(np.sum(found[p] * moved[p])) for p in moved)
        gap = module.gap(**given)
        assert np.isclose(slope, gap, rtol=1e-9, atol=1e-9), (seed, slope, gap)
        gaps.append(gap)
    assert any(abs(gap) > 1e-9 for gap in gaps)


@pytest.mark.parametrize("source", WITH_GAP)
def test_derivatives_are_those_of_differences(source: str) -> None:
    """By every entry of every argument of real numbers, in PyTorch."""
    library("torch")
    import torch

    elbo = derived(source).function().elbo
    given = arguments_of(source, elbo, 1)
    moved, real = (
        move(given, "torch"),
        {
            v.symbol.name
            for symbol, v in Setting(derived(source)).variables.items()
            if not (symbol.domain.is_integer or symbol.domain.is_place)
        },
    )
    names = [p for p, v in moved.items() if isinstance(v, torch.Tensor) and p in real]
    values = tuple(moved[p].requires_grad_() for p in names)

    def value(*values: Any) -> Any:
        return elbo(**{**moved, **dict(zip(names, values, strict=True))})

    assert torch.autograd.gradcheck(value, values, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("source", "name"), [*((s, "torch") for s in NAMES), *((s, "jax") for s in KINDS)]
)
def test_no_derivative_is_nan_where_shares_are_zero(source: str, name: str) -> None:
    """By the parameters, at responsibilities that are 0 for one category"""
    library(name)
    module = derived(source).function()
    if not hasattr(module, "elbo"):
        return
    model, setting = derived(source).model, Setting(derived(source))
    every: dict[str, Any] = Arguments(derived(source), 1)
    given = {p: every[p] for p in inspect.signature(module.elbo).parameters if p in every}
    names = [setting.names[s] for s in model.parameters if setting.names[s] in given]
    for p, slope in slopes(name, module.elbo, given, names).items():
        assert np.all(np.isfinite(slope)), p


# ---------------------------------------------------------------- transformations and compilers


def stacked(source: str, given: dict[str, Any], name: str) -> tuple[Any, Any]:
    """The parameters, two values of each one above the other, and all else."""
    setting, chosen = Setting(derived(source)), library(name)
    names = [setting.names[s] for s in derived(source).model.parameters]
    own = {p: np.stack([given[p], np.multiply(0.9, given[p])]) for p in names if p in given}
    rest = {p: v for p, v in move(given, name).items() if p not in own}
    return {p: chosen.array(v) for p, v in own.items()}, rest


@pytest.mark.parametrize(
    ("source", "name"), [*((s, "torch") for s in STEMS), *((s, "jax") for s in KINDS)]
)
def test_functions_are_mapped_over_parameters(source: str, name: str) -> None:
    library(name)
    functions = functions_of(source)
    function = functions.get("elbo", next(iter(functions.values())))
    given = arguments_of(source, function, 1)
    own, rest = stacked(source, given, name)

    def value(own: Any) -> Any:
        return function(**own, **rest)

    if name == "torch":
        import torch

        mapped = torch.func.vmap(value)(own)
    else:
        import jax

        mapped = jax.jit(jax.vmap(value))(own)
    one_by_one = [float(value({p: v[n] for p, v in own.items()})) for n in range(2)]
    assert np.allclose(np.asarray(mapped), one_by_one, rtol=1e-10)


@pytest.mark.parametrize(
    ("source", "backend"), [*((s, "eager") for s in STEMS), *((s, "aot_eager") for s in KINDS)]
)
def test_pytorch_compiles_without_a_break(source: str, backend: str) -> None:
    """Forwards for every function; for one of each kind the derivatives too."""
    library("torch")
    import torch

    for which, function, given in calls_of(source, 1):
        if backend != "eager" and which != "elbo":
            continue
        torch.compiler.reset()
        compiled = torch.compile(function, fullgraph=True, backend=backend)
        moved, wanted = move(given, "torch"), function(**given)
        if backend != "eager":
            moved = {p: v.requires_grad_() if _is_real(v) else v for p, v in moved.items()}
        found = compiled(**moved)
        for one, other in zip(leaves(found), leaves(wanted), strict=True):
            assert np.allclose(one.detach().numpy(), other, rtol=1e-10, atol=1e-11)
        if backend != "eager":
            found.backward()
            slopes_found = {p: v.grad for p, v in moved.items() if _is_real(v)}
            again = {p: v.detach().requires_grad_() if _is_real(v) else v for p, v in moved.items()}
            function(**again).backward()
            for p, slope in slopes_found.items():
                assert slope is None or torch.allclose(slope, again[p].grad), p


def _is_real(value: Any) -> bool:
    return hasattr(value, "is_floating_point") and bool(value.is_floating_point())


# ---------------------------------------------------------------- what goes together


@pytest.mark.parametrize("name", OTHERS)
def test_arrays_of_two_libraries_are_refused(name: str) -> None:
    module, chosen = derived("ppca").function(), library(name)
    x, W = np.ones((3, 2)), chosen.array(np.ones((2, 1)))
    with pytest.raises(ValueError, match=f"of one library, found {'jax' if name == 'jax' else ''}"):
        module.elbo(x=x, W=W, mu=[0.0, 1.0], sigma2=0.5)


def test_numbers_and_lists_go_with_any_library() -> None:
    module = derived("ppca").function()
    x, W = np.ones((3, 2)), np.ones((2, 1))
    wanted = module.elbo(x=x, W=W, mu=np.array([0.0, 1.0]), sigma2=np.array(0.5))
    assert type(wanted) is np.float64
    assert module.elbo(x=x.tolist(), W=W.tolist(), mu=[0, 1], sigma2=np.float32(0.5)) == wanted
    for name in OTHERS:
        chosen = library(name)
        for scale in (0.5, np.float64(0.5), np.array(0.5)):
            given = {"x": chosen.array(x), "W": W.tolist(), "mu": [0, 1], "sigma2": scale}
            found = module.elbo(**given)
            assert found.dtype == chosen.float64 and np.isclose(float(found), wanted)
            given["x"] = chosen.array(x, "float32")
            assert module.elbo(**given).dtype == chosen.float32


def test_values_of_any_library_are_checked_on_request() -> None:
    module = derived("gmm_diagonal").function()
    given = arguments_of("gmm_diagonal", module.elbo, 1)
    for name in LIBRARIES:
        good = move(given, name)
        assert np.isclose(module.check(module.elbo, **good), module.elbo(**given))
        single = move(given, name, "float32")  # rows that sum to one in single precision
        assert np.isclose(module.check(module.elbo, **single), module.elbo(**given), rtol=1e-4)
        bad = {**good, "sigma2": -1 * good["sigma2"]}
        with pytest.raises(ValueError, match="sigma2 must be positive"):
            module.check(module.elbo, **bad)
        with pytest.raises(ValueError, match="mu must have shape"):
            module.elbo(**{**good, "mu": good["mu"][..., None]})
        with pytest.raises(ValueError, match="must be an array of real numbers"):
            module.elbo(**{**good, "mu": good["mu"] * 1j})
        with pytest.raises(ValueError, match="must be an array of real numbers"):
            module.elbo(**{**good, "mu": "mu"})


def test_shares_in_single_precision_go_with_double() -> None:
    module = derived("gmm_diagonal").function()
    given = arguments_of("gmm_diagonal", module.elbo, 1)
    mixed = {**given, "q": given["q"].astype("float32"), "pi": given["pi"].astype("float32")}
    found = module.elbo(**mixed)
    assert type(found) is np.float64 and np.isclose(found, module.elbo(**given), rtol=1e-5)
    with pytest.raises(ValueError, match="q must sum to one"):
        module.elbo(**{**given, "q": mixed["q"].astype(float)})
