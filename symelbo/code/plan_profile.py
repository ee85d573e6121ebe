"""Parameters at which their own factor is stationary, in closed form.

d/da log p(v | a) = a**k (below * a - above)  ->  a = E above / E below,  for an argument that is an
entry of a parameter;  E T_i = p_i  ->  p_i = E T_i,  for the probabilities of a category.
"""

from __future__ import annotations

from fractions import Fraction

from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.code.plan import Unsupported
from symelbo.families.density import Density
from symelbo.index.build import ONE, add, divide, number
from symelbo.index.differentiate import derivative_by
from symelbo.index.name_residuals import name_residuals
from symelbo.index.normal import (
    Monomial,
    Poly,
    clear_denominators,
    from_poly,
    is_zero,
    monomials_of,
    normal,
)
from symelbo.index.substitute import instantiate, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Index, IndexTerm, Number, Origin, Role, Symbol, Term
from symelbo.index.tidy import sum_over
from symelbo.index.work import TooLong
from symelbo.model.model import Statement
from symelbo.values import dataclass

__all__ = ["Profile", "find_owner", "profile_of_argument", "profile_of_simplex"]


@dataclass(frozen=True, slots=True)
class Profile:
    """parameter[places] = E above / E below, averaged over q, data and the plates `summed`.

    Terms in the symbols of the family (formal) or of the model.
    """

    parameter: Symbol
    statement: Statement
    places: tuple[IndexTerm, ...]
    summed: tuple[Index, ...]
    above: Term
    below: Term
    formal: bool


def find_owner(derivation: Derivation, parameter: Symbol) -> tuple[FactorResult, Statement, str]:
    """The only factor and argument that mention a parameter."""
    found = [
        (result, statement, name)
        for result, statement in zip(derivation.factors, derivation.model.statements, strict=True)
        for name, array in statement.arguments
        if parameter in symbols_of(array)
    ]
    if len(found) != 1:
        raise Unsupported(f"{parameter.name} occurs in several places")
    if parameter in derivation.model.named_by_q:
        raise Unsupported(f"q depends on {parameter.name}")
    return found[0]


def profile_of_argument(
    parameter: Symbol, statement: Statement, density: Density, name: str
) -> Profile:
    """The root of the score of a scalar argument, which is linear up to a power of it."""
    body = statement.argument(name).body
    (argument,) = (a for a in density.arguments if a.name == name)
    if not isinstance(body, Entry) or body.symbol != parameter or argument.shape:
        raise Unsupported(f"{parameter.name} is no argument by itself")
    summed = _other_plates(statement, body.indices, parameter)
    above, below = _solve_score(derivative_by(density.term, argument, ()), argument)
    return Profile(parameter, statement, body.indices, summed, above, below, True)


def profile_of_simplex(
    parameter: Symbol, result: FactorResult, statement: Statement, name: str
) -> Profile:
    """p_i = E T_i on the minimal statistics i < C; at i = C too, since all T_i add up to one."""
    array = statement.argument(name)
    body = array.body
    if not isinstance(body, Entry) or body.symbol != parameter or len(array.indices) != 1:
        raise Unsupported(f"{parameter.name} is no argument by itself")
    form = result.form
    if form is None or form.means is None or len(form.blocks) != 1:
        raise Unsupported(f"the mean parameters of {result.node} are not known")
    (block,), (mean,) = form.blocks, form.means
    if len(block.indices) != 1:
        raise Unsupported(f"the statistics of {result.node} are no vector")
    every = Index("i", parameter.shape[-1], origin=Origin.PASSING)
    statistic = instantiate(Array(block.indices, block.statistic), (every,))
    places = (*body.indices[:-1], every)
    minimal = mean.indices[0] if mean.indices else every
    is_mean = mean.body == Entry(parameter, (*places[:-1], minimal))
    if not is_mean or body.indices[-1] != array.indices[0]:
        raise Unsupported(f"the means of {result.node} are not {parameter.name}")
    if not is_zero(add(sum_over((every,), statistic), number(-1))):
        raise Unsupported(f"the statistics of {result.node} are not shown to add up to one")
    summed = _other_plates(statement, places[:-1], parameter)
    return Profile(parameter, statement, places, summed, statistic, ONE, False)


def _other_plates(
    statement: Statement, places: tuple[IndexTerm, ...], parameter: Symbol
) -> tuple[Index, ...]:
    """The plates that share one entry of the parameter."""
    for place, extent in zip(places, parameter.shape, strict=False):
        selects = isinstance(place, Entry) and place.symbol.role is Role.LATENT
        whole = isinstance(place, Index) and place.low == 1 and place.extent == extent
        if not (selects or whole) or places.count(place) > 1:
            raise Unsupported(f"not every entry of {parameter.name} is used once")
    return tuple(plate for plate in statement.plates if plate not in places)


def _solve_score(score: Term, argument: Symbol) -> tuple[Term, Term]:
    """a**k (below a - above) -> above, below"""
    named, residuals = name_residuals(score)
    if any(argument in symbols_of(array) for array in residuals.values()):
        named, residuals = score, {}
    try:
        poly = clear_denominators(monomials_of(named))
    except TooLong:
        raise Unsupported(f"the score of {argument.name} is very long") from None
    groups: dict[Fraction, Poly] = {}
    for monomial, value in poly.items():
        own = [e for atom, e in monomial.factors if atom == Entry(argument)]
        rest = tuple(f for f in monomial.factors if f[0] != Entry(argument))
        if any(argument in symbols_of(atom) for atom, _ in rest):
            raise Unsupported(f"the score of {argument.name} has no closed root")
        groups.setdefault(sum(own, Fraction(0)), {})[Monomial(monomial.bound, rest)] = value
    lowest = min(groups, default=Fraction(0))
    if set(groups) != {lowest, lowest + 1}:
        raise Unsupported(f"the score of {argument.name} has no closed root")
    below = from_poly(groups[lowest + 1])
    above = from_poly({monomial: -value for monomial, value in groups[lowest].items()})
    scale = next(iter(groups[lowest + 1].values()))
    above, below = (normal(divide(term, Number(scale))) for term in (above, below))
    return replace_symbols(above, residuals), replace_symbols(below, residuals)
