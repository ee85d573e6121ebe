"""Posterior collapse: latents of which q says no more than the prior does.

Source: Damm et al. (2023), arXiv 2010.14860, who count a latent as collapsed where the mean entropy
of its q exceeds 1 nat, that of its standard normal prior being 1.419.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import e, log, pi
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symelbo.api import Derivation
from symelbo.entropy.entropy_of_density import entropy_at_point
from symelbo.entropy.summand import varying
from symelbo.index.terms import IndexValue, Symbol, Term
from symelbo.model.model import Statement
from symelbo.trial.evaluate import World, evaluate
from symelbo.uses.given import Floats, Given

__all__ = ["MARGIN", "find_collapsed", "latent_entropies"]

MARGIN: Final = log(2 * pi * e) / 2 - 1  # nats, within which q is the prior


def find_collapsed(
    entropy_q: ArrayLike, entropy_prior: ArrayLike, margin: float = MARGIN
) -> NDArray[np.bool_]:
    """Whether each latent is collapsed: q is as wide as the prior, up to the margin, in nats.

    entropy_q, entropy_prior: of the same latents, as `latent_entropies` has them; the prior's is
    that of the prior as it has been learned.
    """
    return np.asarray(entropy_q, dtype=float) > np.asarray(entropy_prior, dtype=float) - margin


def latent_entropies(
    derivation: Derivation, arguments: Mapping[str, Any]
) -> dict[str, tuple[Floats, Floats | None]]:
    """Latent -> the entropies of its entries under q, in the mean over data, and under the prior.

    In nats; of a vector with a joint density, that of the vector.  The prior's are None where
    they depend on data or other latents.  q has to be declared: the entropy of another one is no
    sum over latents.

    arguments: those of the emitted functions, by their names there: the parameters of q, with a
    leading axis of data points, and of the priors.
    """
    model = derivation.model
    if isinstance(model.variational, str):
        raise ValueError(f"{model.name} declares no q: its entropy is no sum over latents")
    given = Given(derivation, arguments)
    names = [given.setting.names[s] for s in model.variational_symbols]
    count = len(np.asarray(given.arguments[names[0]]))
    worlds = [given.world_at(point) for point in range(count)]
    found = {}
    for node in dict.fromkeys(statement.node for statement in model.variational):
        of_q = _known(node, model.variational)
        if of_q is None:
            raise ValueError(f"the entropy of q({node.name}) has no closed form")
        prior = _known(node, model.latents)
        mean = np.mean([_values(node, of_q, world) for world in worlds], axis=0)
        fixed = None if prior is None or _varies(prior) else _values(node, prior, given.world)
        found[node.name] = mean, fixed
    return found


def _known(node: Symbol, statements: Sequence[Statement]) -> list[tuple[Statement, Term]] | None:
    """The entropy of each statement of a node, at one point of its plates; None without one."""
    found = []
    for statement in statements:
        if statement.node == node:
            entropy = entropy_at_point(statement)
            if entropy is None:
                return None
            found.append((statement, entropy))
    return found


def _varies(entropies: Sequence[tuple[Statement, Term]]) -> bool:
    """Whether entropies are others for other data, or other values of latents."""
    return any(varying(entropy) for _, entropy in entropies)


def _values(node: Symbol, entropies: Sequence[tuple[Statement, Term]], world: World) -> Floats:
    """The entropies over the plates of a node."""
    plates = node.shape[: len(entropies[0][0].places)]
    result = np.full([world.length(extent) for extent in plates], np.nan)
    for statement, entropy in entropies:
        ranges = [range(i.low, world.length(i.extent) + 1) for i in statement.plates]
        for at in product(*ranges):
            env = dict(zip(statement.plates, at, strict=True))
            where = [evaluate(IndexValue(place), world, env).value for place in statement.places]
            result[tuple(round(place) - 1 for place in where)] = evaluate(entropy, world, env).value
    return result
