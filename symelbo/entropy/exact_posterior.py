"""The exact posterior of a linear-Gaussian model: its precision, and its entropy."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.index.build import add, divide, extent_length, log, mul, negate, number
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import monomials_of, normal
from symelbo.index.substitute import mentions, symbols_of
from symelbo.index.terms import (
    Array,
    Constant,
    Entry,
    Index,
    IndexTerm,
    LogDet,
    Origin,
    Role,
    Symbol,
    Term,
)
from symelbo.index.tidy import sum_over
from symelbo.model.model import Model, Statement
from symelbo.values import dataclass

__all__ = ["ExactPosterior", "derive_exact_posterior", "is_quadratic", "log_joint"]


@dataclass(frozen=True, slots=True)
class ExactPosterior:
    """A normal posterior over the entries of one latent.

    precision: -d2 log p(x, z) / dz dz', of one data point where it depends on data or inputs;
    entropy: nats.
    """

    latent: Symbol
    precision: Array
    entropy: Term


def log_joint(statements: Sequence[Statement]) -> Term:
    """log p(x, z), summed over all plates."""
    return add(*(sum_over(s.plates, s.log_density) for s in statements))


def derive_exact_posterior(model: Model) -> ExactPosterior | None:
    """log p(x, z) a polynomial of degree two in one real latent z -> the normal posterior p(z | x).

    The coefficients of degree two must contain no abstract function; since p(x) is finite, the
    quadratic form is definite.  None where log p(x, z) is no such polynomial; derivatives do not
    decide that: the second one of |z| is 0.
    """
    latents = list(dict.fromkeys(s.node for s in model.latents))
    if len(latents) != 1 or not latents[0].domain.is_line or len(latents[0].shape) > 1:
        return None
    (latent,) = latents
    joint = log_joint(model.statements)
    if not is_quadratic(joint, latent):
        return None
    if not latent.shape:
        second = derivative_by(derivative_by(joint, latent, ()), latent, ())
        precision = Array((), normal(negate(second)))
        determinant = log(precision.body)
        size: Term = number(1)
    else:
        (extent,) = latent.shape
        i, j = (Index(name, extent, origin=Origin.FORMAL) for name in "hk")
        row: tuple[IndexTerm, ...] = (i,)
        second = derivative_by(derivative_by(joint, latent, row), latent, (j,))
        precision = Array((i, j), normal(negate(second)))
        determinant = LogDet(precision)
        size = extent_length(extent)
    if mentions(precision, lambda s: s.role is Role.FUNCTION):
        return None
    two_pi_e = add(log(mul(number(2), Constant("pi"))), number(1))
    entropy = add(divide(mul(size, two_pi_e), number(2)), divide(negate(determinant), number(2)))
    return ExactPosterior(latent, precision, normal(entropy))


def is_quadratic(term: Term, latent: Symbol) -> bool:
    """Whether a term is a polynomial of degree at most two in the entries of a latent."""
    for monomial in monomials_of(term):
        degree = 0
        for atom, exponent in monomial.factors:
            if latent not in symbols_of(atom):
                continue
            if not isinstance(atom, Entry) or atom.symbol != latent:
                return False
            if exponent.denominator != 1 or exponent < 0:
                return False
            degree += int(exponent)
        if degree > 2:
            return False
    return True
