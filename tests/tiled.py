"""Series whose places several statements lay out: the first ones, a range, the last ones."""

from __future__ import annotations

from typing import Any

__all__ = ["tiled_series"]


def tiled_series(head: int, tail: int, *, latent: bool, lag: bool) -> dict[str, Any]:
    """A variance for each statement; latent: z with noisy data x; lag: the range reads z[t-1]."""
    name = "z" if latent else "x"
    mean = f"a*{name}[t-1]" if lag else "0"
    ends = ["T" if back == 0 else f"T-{back}" for back in range(tail, -1, -1)]
    model = [f"{name}[{k}] ~ Normal(0, s[{k}])" for k in range(1, head + 1)]
    model.append(f"{name}[t] ~ Normal({mean}, s[{head + 1}]) for t in {head + 1}:{ends[0]}")
    model += [f"{name}[{end}] ~ Normal(0, s[{head + 1 + k}])" for k, end in enumerate(ends) if k]
    parameters = {"s": f"positive[{head + 1 + tail}]"}
    if lag:
        parameters["a"] = "real"
    if latent:
        parameters |= {"w": "real", "v": "positive"}
        model.append("x[t] ~ Normal(w*z[t], v) for t in 1:T")
    return {
        "name": "tiled",
        "sizes": ["T"],
        "parameters": parameters,
        "model": model,
        "observed": ["x"],
    }
