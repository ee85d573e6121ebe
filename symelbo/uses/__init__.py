"""What the sums are good for: which parameter is off, model selection, objectives, monitoring."""

from symelbo.uses.model_selection import bic, count_dimensions
from symelbo.uses.monitor import Epoch, Monitor, MonitorHooks
from symelbo.uses.objectives import entropy_objective, weighted_elbo
from symelbo.uses.parts_of_gap import slopes_at_rest, split_gap
from symelbo.uses.posterior_collapse import find_collapsed, latent_entropies

__all__ = [
    "Epoch",
    "Monitor",
    "MonitorHooks",
    "bic",
    "count_dimensions",
    "entropy_objective",
    "find_collapsed",
    "latent_entropies",
    "slopes_at_rest",
    "split_gap",
    "weighted_elbo",
]
