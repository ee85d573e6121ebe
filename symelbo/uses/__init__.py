"""What the sums are good for: which parameter is off, model selection, posterior collapse."""

from symelbo.uses.model_selection import bic, count_dimensions
from symelbo.uses.parts_of_gap import slopes_at_rest, split_gap
from symelbo.uses.posterior_collapse import find_collapsed, latent_entropies

__all__ = [
    "bic",
    "count_dimensions",
    "find_collapsed",
    "latent_entropies",
    "slopes_at_rest",
    "split_gap",
]
