"""Factors whose long literal lengths are opened: what is found of them is found of any lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from symelbo.criterion.factor import Factor, make_factor, symbols_of_statement
from symelbo.criterion.motion import Latent, Motion
from symelbo.families.density import Density
from symelbo.index.open_lengths import Opening, open_lengths
from symelbo.index.terms import Array, Symbol
from symelbo.limits import GIVEN_ENTRIES
from symelbo.model.model import Statement
from symelbo.values import replace

__all__ = ["close_motion", "find_opening", "has_many_entries", "open_factor"]


def find_opening(factors: Iterable[Factor]) -> Opening | None:
    """factors -> how the lengths that they have in common are opened; None if none is long."""
    return open_lengths(
        item
        for factor in factors
        for item in (
            factor.node,
            factor.value,
            *factor.plates,
            *factor.statement.places,
            *(array for _, array in factor.statement.arguments),
            factor.log_density,
        )
    )


def open_factor(factor: Factor, opening: Opening) -> Factor:
    """p(x[i] | ...) of 150 places -> the same of n places"""
    return make_factor(_open_statement(factor.statement, opening))


def _open_statement(statement: Statement, opening: Opening) -> Statement:
    density = statement.density
    return replace(
        statement,
        node=opening.open_symbol(statement.node),
        plates=tuple(map(opening.open, statement.plates)),
        arguments=tuple((name, opening.open(array)) for name, array in statement.arguments),
        extents=tuple((name, opening.open_extent(extent)) for name, extent in statement.extents),
        density=Density(
            opening.open_symbol(density.value),
            tuple(map(opening.open_symbol, density.arguments)),
            opening.open(density.term),
        ),
        places=tuple(map(opening.open, statement.places)),
        conditions=tuple(
            replace(condition, array=opening.open(condition.array))
            for condition in statement.conditions
        ),
    )


def close_motion(motion: Motion, opening: Opening) -> Motion:
    """The motion of n places -> that of 150"""

    def close(arrays: Iterable[tuple[Symbol, Array]]) -> dict[Symbol, Array]:
        return {opening.close_symbol(symbol): opening.close(array) for symbol, array in arrays}

    latents = {
        opening.close_symbol(node): Latent(opening.close(latent.rate), opening.close(latent.shift))
        for node, latent in motion.latents.items()
    }
    return Motion(close(motion.parameters.items()), latents, close(motion.variational.items()))


def has_many_entries(factors: Sequence[Factor]) -> bool:
    """Whether no instance is tried, since at the sizes that are given it is too large."""
    symbols = {s for f in factors for s in (f.node, *symbols_of_statement(f.statement))}
    shapes = ([e.offset for e in s.shape if e.size is None] for s in symbols)
    return sum(map(prod, shapes)) > GIVEN_ENTRIES
