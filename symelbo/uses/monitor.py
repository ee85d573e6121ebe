"""A monitor of training: the ELBO beside the entropy sum, and what keeps them apart.

Source: Damm et al. (2023), arXiv 2010.14860, who watch training by the difference of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symelbo.api import Derivation
from symelbo.code.draft import plain_name
from symelbo.code.setting import Setting
from symelbo.index.terms import Symbol
from symelbo.limits import MONITORED_POINTS
from symelbo.uses.given import Floats, Given
from symelbo.uses.objectives import takes
from symelbo.uses.posterior_collapse import find_collapsed, latent_entropies
from symelbo.values import dataclass

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Epoch", "Monitor", "MonitorHooks"]


@dataclass(frozen=True)
class Epoch:
    """The parts of the ELBO, by the names of `Terms`, and what they say.

    Entries are counted from 0, as in Python.
    """

    terms: dict[str, Floats]
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        elbo, entropies, gap = (float(self.terms[n]) for n in ("elbo", "entropy_sum", "gap"))
        first = f"ELBO {elbo:.4f}, entropy sum {entropies:.4f}, gap {gap:+.4f}"
        return "\n  ".join((first, *self.sentences))


class Monitor:
    """Adds up the batches of an epoch, and says what they make of the fit.

    Parameters change between batches, so that the sums of an epoch of training are means over it,
    as the mean of its losses is.  For the numbers of one model, update in a pass of its own.
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation, self.module = derivation, derivation.function()
        if not hasattr(self.module, "statistics"):
            raise ValueError(f"{derivation.model.name} has no statistics that add up")
        self.history: list[Epoch] = []
        self._names = Setting(derivation).names
        self._sizes: dict[str, int] = {}
        self._sums: Any = 0
        self._q: dict[str, Floats] = {}

    def update(self, **given: Any) -> None:
        """Add a batch: the arguments of `statistics`, of any library; others are passed over."""
        given = _to_numpy(given)
        batch = Given(self.derivation, given)
        self._sizes = {batch.setting.sizes[name]: length for name, length in batch.sizes.items()}
        self._sums += self.module.statistics(**takes(self.module.statistics, given))
        for name in (self._names[symbol] for symbol in self.derivation.model.variational_symbols):
            if name in given:
                known = [self._q[name]] if name in self._q else []
                self._q[name] = np.concatenate([*known, given[name]])[:MONITORED_POINTS]

    def end_epoch(self, **given: Any) -> Epoch:
        """What the epoch was like, by the parameters given; the next one begins."""
        given = {**self._sizes, **_to_numpy(given)}
        found = self._sums.terms(**takes(self._sums.terms, given))._asdict()
        terms = {name: np.asarray(value) for name, value in found.items()}
        sentences = (*self._word_gaps(terms), *self._word_collapse(given))
        self.history.append(Epoch(terms, sentences))
        self._sums, self._q = 0, {}
        return self.history[-1]

    def plot(self) -> Figure:
        """The ELBO and the entropy sum by epochs, and the gaps below; needs matplotlib."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 5), layout="constrained")
        above, below = figure.subplots(2, sharex=True)
        epochs = range(1, len(self.history) + 1)
        for name, label in (("elbo", "ELBO"), ("entropy_sum", "entropy sum")):
            above.plot(epochs, [float(epoch.terms[name]) for epoch in self.history], label=label)
        for name in (n for n in self.history[-1].terms if n.startswith("gap")):
            sizes = [abs(float(epoch.terms[name])) for epoch in self.history]
            below.plot(epochs, sizes, label=name.replace("gap_", "gap of "))
        below.set(xlabel="epoch", yscale="log", ylabel="|gap| in nats")
        above.set(ylabel="nats per data point")
        for axes in (above, below):
            axes.legend()
        return figure

    def _word_gaps(self, terms: Mapping[str, Floats]) -> Iterator[str]:
        """A sentence per factor: which scale is off how far, or what moves without one."""
        for factor in self.derivation.factors:
            moved = dict.fromkeys((*factor.motion.parameters, *factor.motion.latents))
            names = [self._name(symbol) for symbol in moved]
            scales = {n: terms[f"ratio_{n}"] for n in names if f"ratio_{n}" in terms}
            others = [name for name in names if name not in scales]
            said = [_word_ratio(name, ratio) for name, ratio in scales.items()]
            along = f" along {' and '.join(others)}" if others else ""
            gap = f"{float(terms[f'gap_{plain_name(factor.node)}']):+.4f}"
            yield f"gap of {factor.node}: {gap}{along}{'; ' if said else ''}{', '.join(said)}"

    def _word_collapse(self, given: Mapping[str, Any]) -> Iterator[str]:
        """The latents of which q says no more than the prior; nothing where q is not declared."""
        if not self._q:
            return
        for name, (of_q, prior) in latent_entropies(self.derivation, {**given, **self._q}).items():
            if prior is not None:
                collapsed = find_collapsed(of_q, prior)
                at = ", ".join(map(str, np.flatnonzero(collapsed))) or "none"
                yield f"collapsed of the {collapsed.size} entries of {name}: {at}"

    def _name(self, symbol: Symbol) -> str:
        return self._names.get(symbol, symbol.name)


class MonitorHooks:
    """The hooks of a Lightning callback: `class Watch(MonitorHooks, lightning.Callback): ...`.

    The module's `training_step` must return {"loss": ..., "elbo": arguments of `statistics`}, and
    its `elbo_parameters()` the parameters of `Terms`.  The ELBO, the entropy sum and the gap are
    logged by these names, and the sentences printed if `verbose`.
    """

    def __init__(self, monitor: Monitor, *, verbose: bool = False) -> None:
        super().__init__()
        self.monitor, self.verbose = monitor, verbose

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add the batch."""
        self.monitor.update(**outputs["elbo"])

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the epoch."""
        epoch = self.monitor.end_epoch(**pl_module.elbo_parameters())
        for name in ("elbo", "entropy_sum", "gap"):
            pl_module.log(name, float(epoch.terms[name]))
        if self.verbose:
            print(epoch)


def _word_ratio(name: str, ratios: Floats) -> str:
    """sigma2 is 3.1 times too large; of an array, the entry that is furthest off"""
    at = np.unravel_index(np.argmax(np.abs(np.log(ratios))), ratios.shape)
    ratio, where = float(ratios[at]), f"[{', '.join(map(str, at))}]" if at else ""
    off, side = (ratio, "large") if ratio > 1 else (1 / ratio, "small")
    many = f"{off:.1f} times" if off > 1.5 else f"{100 * (off - 1):.2g}%"
    return f"{name}{where} is {many} too {side}"


def _to_numpy(given: Mapping[str, Any]) -> dict[str, Any]:
    """In double precision, from PyTorch on any device too; numbers and None as they are."""
    found = {}
    for name, value in given.items():
        for method in ("detach", "cpu", "get"):  # PyTorch's and CuPy's
            value = getattr(value, method)() if hasattr(value, method) else value
        if hasattr(value, "__array__"):
            value = np.asarray(value)
            value = value.astype(float) if value.dtype.kind == "f" else value
        found[name] = value
    return found
