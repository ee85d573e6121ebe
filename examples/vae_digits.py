"""VAE-1, VAE-2 and VAE-3 of the digits in PyTorch: the ELBO and the entropy sum meet.

The loss is the emitted `elbo` itself, q is amortised: an encoder gives the means and the
log-variances.  The heads of the encoder are linear with free biases, so that q can follow the
motion of the latents (docs/training.md).

    python examples/vae_digits.py --epochs 100 --picture docs/vae_digits.svg
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import Tensor, nn

import symelbo
from symelbo.uses import Monitor

MODELS = Path(__file__).resolve().parents[1] / "models"
STEMS = ("vae1", "vae2", "vae3")
LATENTS, UNITS, BATCH = 4, 64, 100


def load_pixels() -> Tensor:
    """(1797, 64) pixels in (0, 1), with the noise of their 17 levels put back."""
    torch.manual_seed(0)
    pixels = torch.tensor(load_digits().data, dtype=torch.float32)
    return (pixels + torch.rand(pixels.shape)) / 17


class Vae(nn.Module):
    """Encoder and decoder; what of them is an argument of the emitted module."""

    def __init__(self, stem: str, x: Tensor) -> None:
        super().__init__()
        length = x.shape[1]
        self.stem = stem
        self.encoder = nn.Sequential(
            nn.Linear(length, UNITS), nn.Tanh(), nn.Linear(UNITS, 2 * LATENTS)
        )
        self.decoder = nn.Sequential(nn.Linear(LATENTS, UNITS), nn.Tanh(), nn.Linear(UNITS, length))
        nn.init.constant_(self.encoder[-1].bias, 0)
        self.decoder[-1].bias.data = x.mean(dim=0)
        spread = x.var(dim=0).log()
        if stem == "vae3":
            self.variance = nn.Sequential(
                nn.Linear(LATENTS, UNITS), nn.Tanh(), nn.Linear(UNITS, length, bias=False)
            )
            nn.init.zeros_(self.variance[-1].weight)
            self.b = nn.Parameter(spread)
        else:
            self.log_sigma2 = nn.Parameter(spread.exp().mean().log())
        if stem == "vae2":
            self.log_alpha2 = nn.Parameter(torch.zeros(LATENTS))

    def arguments(self, x: Tensor, samples: int) -> dict[str, Any]:
        """Of the emitted functions: q, the networks by their values at its samples, parameters."""
        nu, log_tau2 = self.encoder(x).chunk(2, dim=1)
        noise = torch.randn(len(x), samples, LATENTS)
        z = nu[:, None] + (log_tau2 / 2).exp()[:, None] * noise
        found = {"x": x, "nu": nu, "tau2": log_tau2.exp(), "m": self.decoder(z)}
        if self.stem == "vae3":
            return {**found, "v": self.variance(z), "b": self.b}
        if self.stem == "vae2":
            found["alpha2"] = self.log_alpha2.exp()
        return {**found, "sigma2": self.log_sigma2.exp()}

    @torch.no_grad()
    def settle(self, x: Tensor) -> None:
        """The scales, with all else as it is, where the ELBO is largest.

        Of latents of variance one, the scale is that of q, which the decoder takes back.  Networks
        go on learning for long; the entropy sum needs no more than these to be stationary.
        """
        given = self.arguments(x, 200)
        distances = (x[:, None] - given["m"]) ** 2
        moments = (given["nu"] ** 2 + given["tau2"]).mean(dim=0)
        if self.stem == "vae2":
            self.log_alpha2.copy_(moments.log())
        else:
            last = self.encoder[-1]
            last.weight[:LATENTS] /= moments.sqrt()[:, None]
            last.bias[:LATENTS] /= moments.sqrt()
            last.bias[LATENTS:] -= moments.log()
            for network in (self.decoder, *([self.variance] if self.stem == "vae3" else [])):
                network[0].weight *= moments.sqrt()
        if self.stem == "vae3":
            self.b.copy_((distances * (-given["v"]).exp()).mean(dim=(0, 1)).log())
        else:
            self.log_sigma2.copy_(distances.mean().log())


@dataclass
class Run:
    """elbo, error: by many samples, with its standard error; entropies: by the same."""

    monitor: Monitor
    elbo: float
    error: float
    entropies: float


def train(stem: str, x: Tensor, epochs: int) -> Run:
    """Adam on batches, and at last what the motion moves by its best values."""
    torch.manual_seed(1)
    derivation = symelbo.derive(MODELS / f"{stem}.yaml")
    module, monitor = derivation.function(), Monitor(derivation)
    vae = Vae(stem, x)
    optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs + 1):
        if epoch == epochs:
            vae.settle(x)
        else:
            for batch in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                (-module.elbo(**vae.arguments(x[batch], 1))).backward()
                optimizer.step()
            schedule.step()
        with torch.no_grad():
            given = vae.arguments(x, 4)
            monitor.update(**given)
            monitor.end_epoch(**given)
    with torch.no_grad():
        many = [module.terms(**vae.arguments(x, 20)) for _ in range(20)]
    elbos = np.array([float(terms.elbo) for terms in many])
    entropies = np.mean([float(terms.entropy_sum) for terms in many])
    error = elbos.std(ddof=1) / np.sqrt(len(many))
    return Run(monitor, float(elbos.mean()), float(error), float(entropies))


def draw(runs: dict[str, Run]) -> Figure:
    """The ELBO and the entropy sum by epochs, and the gap below."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    rows = figure.subplots(2, len(runs), sharex=True, squeeze=False)
    for (above, below), run in zip(rows.T, runs.values(), strict=True):
        history = run.monitor.history
        epochs = range(1, len(history) + 1)
        for name, label in (("elbo", "ELBO"), ("entropy_sum", "entropy sum")):
            above.plot(epochs, [float(epoch.terms[name]) for epoch in history], label=label)
        below.plot(epochs, [abs(float(epoch.terms["gap"])) for epoch in history], "k", lw=0.8)
        above.set(title=run.monitor.derivation.model.name, xscale="log")
        below.set(xlabel="epoch", yscale="log")
    rows[0, 0].set(ylabel="nats per data point")
    rows[1, 0].set(ylabel="|gap| in nats")
    rows[0, 0].legend()
    return figure


def main() -> None:
    """Train the three, print both sides, and draw them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    x = load_pixels()
    runs = {stem: train(stem, x, chosen.epochs) for stem in STEMS}
    for run in runs.values():
        print(run.monitor.derivation.model.name)
        for name, epoch in (("first", 0), ("last", -2), ("settled", -1)):
            print(f"{name}: {run.monitor.history[epoch]}")
        print(f"ELBO {run.elbo:.4f} +- {run.error:.4f} by 400 samples per data point,", end=" ")
        print(f"entropy sum {run.entropies:.4f}")
    if chosen.picture:
        draw(runs).savefig(chosen.picture)


if __name__ == "__main__":
    main()
