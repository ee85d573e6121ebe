"""Sparse coding of bars: profiled scales against plain training, in PyTorch.

Two runs from the same start with the same step size: one ascends the ELBO in all parameters, one
the entropy sum in W and q alone, with the scales of the prior and of the noise where the ELBO is
stationary in them.  Source: Velychko et al. (2023), arXiv 2311.01888.

    python examples/sparse_coding.py --steps 1000
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

import symelbo
from symelbo.uses import entropy_objective

MODEL = Path(__file__).resolve().parents[1] / "models" / "sparse_coding.yaml"
SIDE, POINTS, NOISE = 5, 500, 0.1


def load_bars() -> Tensor:
    """Images of SIDE rows and SIDE columns, each with a Laplace weight, and noise, (N, D)."""
    torch.manual_seed(0)
    eye, ones = torch.eye(SIDE), torch.ones(SIDE)
    bars = torch.stack(
        [*torch.einsum("ij,k->ijk", eye, ones), *torch.einsum("ij,k->ikj", eye, ones)]
    )
    weights = torch.distributions.Laplace(0, 0.5).sample((POINTS, 2 * SIDE))
    return weights @ bars.reshape(2 * SIDE, -1) + NOISE * torch.randn(POINTS, SIDE**2)


def fit(x: Tensor, steps: int, *, profiled: bool) -> list[float]:
    """The ELBO at each step."""
    module = symelbo.derive(MODEL).function()
    torch.manual_seed(1)
    latents = 2 * SIDE
    W = (0.1 * torch.randn(x.shape[1], latents)).requires_grad_()
    nu = (0.1 * torch.randn(len(x), latents)).requires_grad_()
    log_tau2 = torch.zeros(len(x), latents, requires_grad=True)
    log_scales = {"lambda_": torch.zeros(latents), "sigma2": torch.zeros(())}
    for scale in log_scales.values():
        scale.requires_grad_(not profiled)
    learned = [W, nu, log_tau2, *(() if profiled else log_scales.values())]
    optimizer = torch.optim.Adam(learned, lr=0.02)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        q = {"nu": nu, "tau2": log_tau2.exp()}
        if profiled:
            loss = entropy_objective(module.statistics(x=x, **q), W=W)
        else:
            scales = {name: scale.exp() for name, scale in log_scales.items()}
            loss = -module.elbo(x=x, W=W, **scales, **q)
        loss.backward()
        optimizer.step()
        found.append(-float(loss.detach()))
    return found


def main() -> None:
    """Print the ELBO of both along the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    steps = parser.parse_args().steps
    x = load_bars()
    plain, profiled = (fit(x, steps, profiled=profiled) for profiled in (False, True))
    print(f"{'step':>6} {'plain':>10} {'profiled':>10}")
    for step in sorted({0, *(steps * part // 10 - 1 for part in (1, 2, 3, 5, 10))}):
        print(f"{step + 1:>6} {plain[step]:>10.4f} {profiled[step]:>10.4f}")


if __name__ == "__main__":
    main()
