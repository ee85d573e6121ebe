"""A sigmoid belief network and a VAE with binary latents in JAX: every state is enumerated.

q is the exact posterior over the 2^H states, so that the ELBO is the log-likelihood. L-BFGS goes
to a stationary point, where the entropy sum equals it.

    python examples/sbn_jax.py --iterations 500
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize
from sklearn.datasets import load_digits

import symelbo

jax.config.update("jax_enable_x64", True)

MODELS = Path(__file__).resolve().parents[1] / "models"
LATENTS, UNITS = 4, 10
STATES = jnp.array(list(product((0.0, 1.0), repeat=LATENTS)))  # (S, H)
Parameters = dict[str, jax.Array]


def load_pixels() -> np.ndarray[Any, np.dtype[np.float64]]:
    """(1797, 16) means of 2 x 2 pixels of the digits, in [0, 1]."""
    images = load_digits().images.reshape(-1, 4, 2, 4, 2)
    return images.mean(axis=(2, 4)).reshape(-1, 16) / 16


def q_of(log_joint: jax.Array) -> Parameters:
    """log p(x, z) at each data point and state, (N, S) -> the exact posterior."""
    weights = jax.nn.softmax(log_joint, axis=1)
    log_weights = jax.nn.log_softmax(log_joint, axis=1)
    entropy = -jnp.mean(jnp.sum(weights * log_weights, axis=1))
    return {"z": STATES, "weights": weights, "entropy_q": entropy}


def log_prior(pi: jax.Array) -> jax.Array:
    """log p(z) of each state, (S,)."""
    return STATES @ jnp.log(pi) + (1 - STATES) @ jnp.log1p(-pi)


def belief_network(x: jax.Array, p: Parameters) -> Parameters:
    """The arguments of the emitted functions, by unconstrained parameters."""
    pi = jax.nn.sigmoid(p["logit_pi"])
    logits = STATES @ p["W"].T + p["mu"]
    log_x = x @ logits.T - jnp.sum(jax.nn.softplus(logits), axis=1)
    return {"x": x, "pi": pi, "W": p["W"], "mu": p["mu"], **q_of(log_prior(pi) + log_x)}


def autoencoder(x: jax.Array, p: Parameters) -> Parameters:
    """The same, of a decoder with one hidden layer."""
    pi, sigma2 = jax.nn.sigmoid(p["logit_pi"]), jnp.exp(p["log_sigma2"])
    m = jnp.tanh(STATES @ p["V"] + p["a"]) @ p["U"] + p["mu"]
    distances = jnp.sum((x[:, None] - m) ** 2, axis=2)
    log_x = -0.5 * distances / sigma2 - 0.5 * x.shape[1] * jnp.log(2 * jnp.pi * sigma2)
    return {"x": x, "pi": pi, "sigma2": sigma2, "m": m, **q_of(log_prior(pi) + log_x)}


def fit(
    module: Any,
    arguments: Callable[[jax.Array, Parameters], Parameters],
    x: jax.Array,
    start: Parameters,
    iterations: int,
) -> tuple[float, float, float]:
    """The ELBO, the entropy sum and the largest derivative where L-BFGS stops."""
    flat, unravel = ravel_pytree(start)

    @jax.jit
    def loss(p: jax.Array) -> jax.Array:
        return -module.elbo(**arguments(x, unravel(p)))

    slope = jax.jit(jax.value_and_grad(loss))
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0, "gtol": 1e-9}
    found = minimize(
        lambda p: tuple(map(np.asarray, slope(p))),
        flat,
        jac=True,
        method="L-BFGS-B",
        options=options,
    )
    terms = module.terms(**arguments(x, unravel(jnp.asarray(found.x))))
    return float(terms.elbo), float(terms.entropy_sum), float(np.abs(found.jac).max())


def run(iterations: int) -> dict[str, tuple[float, float, float]]:
    """Both models, by the stems of their specifications."""
    rng = np.random.default_rng(0)
    pixels = load_pixels()
    length = pixels.shape[1]
    mean = pixels.mean(axis=0)
    network = {
        "logit_pi": jnp.zeros(LATENTS),
        "W": jnp.asarray(rng.normal(size=(length, LATENTS))),
        "mu": jnp.zeros(length),
    }
    coder = {
        "logit_pi": jnp.zeros(LATENTS),
        "V": jnp.asarray(rng.normal(size=(LATENTS, UNITS))),
        "a": jnp.asarray(rng.normal(size=UNITS)),
        "U": jnp.asarray(0.1 * rng.normal(size=(UNITS, length))),
        "mu": jnp.asarray(mean),
        "log_sigma2": jnp.asarray(np.log(pixels.var())),
    }
    binary = jnp.asarray((pixels > mean).astype(float))
    models = {
        "sbn": (belief_network, binary, network),
        "vae_bernoulli": (autoencoder, pixels, coder),
    }
    found = {}
    for stem, (arguments, x, start) in models.items():
        module = symelbo.derive(MODELS / f"{stem}.yaml").function()
        found[stem] = fit(module, arguments, jnp.asarray(x), start, iterations)
    return found


def main() -> None:
    """Print both sides for both models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=500)
    for stem, (elbo, entropies, slope) in run(parser.parse_args().iterations).items():
        print(f"{stem}: ELBO {elbo:.9f}, entropy sum {entropies:.9f}, derivatives < {slope:.0e}")


if __name__ == "__main__":
    main()
