"""A motion -> its velocities as they are read."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.worked import Moved, Step, WorkedMotion
from symelbo.criterion.motion import Motion
from symelbo.index.terms import Entry, Term
from symelbo.index.tidy import tidy, tidy_array

__all__ = ["work_motion"]


def work_motion(motion: Motion, nonzero: Sequence[Term]) -> tuple[WorkedMotion, list[Step]]:
    """theta' = v -> the same, each v as it is read; a step for each."""
    worked = WorkedMotion(
        {symbol: tidy_array(array) for symbol, array in motion.parameters.items()},
        {
            node: Moved(
                tidy_array(latent.velocity(node)), tidy_array(latent.rate), tidy_array(latent.shift)
            )
            for node, latent in motion.latents.items()
        },
        {symbol: tidy_array(array) for symbol, array in motion.variational.items()},
        tuple(map(tidy, nonzero)),
    )
    steps = [
        Step(
            "find_motion",
            symbol.name,
            Entry(symbol, array.indices),
            array.body,
            "the velocity of the motion along which (U) holds",
            evidence="substituted back for all sizes by the kernel",
        )
        for symbol, array in worked.velocities().items()
    ]
    return worked, steps
