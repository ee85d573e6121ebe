"""Objectives made of the parts of the ELBO: the entropy sum at profiled scales, and annealing.

Source: Velychko et al. (2023), arXiv 2311.01888, who learn sparse codes by entropies alone; the
identity that makes it exact for other models is theorem 1 of Warnken et al. (2025).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["entropy_objective", "takes", "weighted_elbo"]


def entropy_objective(sums: Any, temper: Mapping[str, float] | None = None, /, **given: Any) -> Any:
    """Minus the entropy sum at the profiled scales: a loss, with gradients in PyTorch and JAX.

    sums: a value of `statistics` of an emitted module that has `profiled_scales`, over all of
    the data; those of batches add up.  The mean of this objective over batches is another one.
    given: the parameters that are no scales, and sizes, as `terms` and `profiled_scales` of the
    sums ask for them; others are passed over.  temper: see `weighted_elbo`.

    The scales are where the ELBO is stationary in them, as functions of the other parameters and
    of q.  There the derivative of log p_f along the motion is 0 for each factor f, so that the
    value is minus the ELBO, and its gradient that of minus the ELBO while the scales stand still.
    """
    if not hasattr(sums, "profiled_scales"):
        raise ValueError("the entropy sum is an objective only where the module profiles scales")
    given |= sums.profiled_scales(**takes(sums.profiled_scales, given))
    return -_weigh(sums.terms(**takes(sums.terms, given)), temper or {}, slopes=False)


def weighted_elbo(terms: Any, temper: Mapping[str, float]) -> Any:
    """w_q H[q] + sum_f w_f E log p_f, from a value of `terms`: the ELBO where every weight is 1.

    temper: the weights, by "q" and by the names of factors as `Terms` has them; 1 for those not
    named.  With {"q": beta, "z": beta} beta multiplies H[q] + E log p(z), which is minus the
    divergence of q from the prior of z; with {"z": beta} the expected log prior alone, which is
    minus the entropy of the prior at profiled scales.
    """
    return _weigh(terms, temper, slopes=True)


def _weigh(terms: Any, temper: Mapping[str, float], slopes: bool) -> Any:
    """By (U), E log p_f = -H_f + E b_f + slope of log p_f; without slopes, the entropy sum."""
    factors = [name.removeprefix("gap_") for name in terms._fields if name.startswith("gap_")]
    if unknown := temper.keys() - {"q", *factors}:
        raise ValueError(
            f"no factor {', '.join(sorted(unknown))}: there are q, {', '.join(factors)}"
        )
    value = temper.get("q", 1) * getattr(terms, "entropy_q", 0)
    for factor in factors:
        part = getattr(terms, f"base_{factor}", 0) - getattr(terms, f"entropy_{factor}", 0)
        if slopes:
            part = part + getattr(terms, f"gap_{factor}")
        value = value + temper.get(factor, 1) * part
    return value


def takes(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that a function has."""
    names = inspect.signature(function).parameters
    return {name: value for name, value in given.items() if name in names}
