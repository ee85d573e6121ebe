"""How the arguments of a family must move for (U): the radial field, with the value moving too.

Normal, by mean m and variance v:  m' = r m + s,  v' = (2 r - 1) v.  Student noise, in the shape a
and rate b of a gamma latent:  a' = a - 1,  b' = (1 - r) b.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from symelbo.expfam.form import Gauge
from symelbo.expfam.separate_change import (
    Change,
    Part,
    rate_symbol,
    shift_symbol,
    speed,
    value_velocity,
)
from symelbo.index.build import ZERO, subtract
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import normal
from symelbo.index.solve import Found, find_by_elimination
from symelbo.index.substitute import formal_indices, replace_symbols, symbols_of
from symelbo.index.terms import Array, Symbol, Term
from symelbo.limits import KEPT_RESPONSES
from symelbo.values import dataclass

__all__ = ["Response", "Travel", "base_share", "respond", "takes_base", "value_at"]


class Travel(Enum):
    """How the value of a factor may move: not at all, by a shift alone, by a scale alone, or by
    both.
    """

    REST = "rest"
    SHIFT = "shift"
    SCALE = "scale"
    AFFINE = "affine"

    @property
    def scales(self) -> bool:
        """Whether r may differ from 0."""
        return self in (Travel.SCALE, Travel.AFFINE)

    @property
    def shifts(self) -> bool:
        """Whether s may."""
        return self in (Travel.SHIFT, Travel.AFFINE)


@dataclass(frozen=True, slots=True)
class Response:
    """values: the velocity of every argument that (U) asks for; left: what must vanish besides.

    Terms in the arguments, and in `rate_symbol` and `shift_symbol` of the value.
    """

    values: Mapping[Symbol, Array]
    left: tuple[Term, ...]


def value_at(value: Symbol, travel: Travel) -> dict[Symbol, Array]:
    """What r and s are set to 0 by the way in which the value may move."""
    still: dict[Symbol, Array] = {}
    rate, shift = rate_symbol(value), shift_symbol(value)
    if not travel.scales:
        still[rate] = Array(formal_indices(rate.shape), ZERO)
    if not travel.shifts:
        still[shift] = Array(formal_indices(shift.shape), ZERO)
    return still


def takes_base(change: Change, part: Part, travel: Travel) -> bool:
    """Whether the base measure may hold a multiple of T_k: always at rest, else if D T_k is free
    of the value (log v under scaling, v under a pure shift).
    """
    if not part.pure:
        return False
    own = value_velocity(change.density.value)
    if travel is Travel.REST or own is None:
        return True
    value = change.density.value
    moved = derivative_along(part.statistic, {value: own})
    return value not in symbols_of(normal(replace_symbols(moved, value_at(value, travel))))


def base_share(change: Change, part: Part, gauge: Gauge, travel: Travel) -> Term:
    """The known share c_k of log h that stands beside T_k (0 where it is sought, for SHIFTED)."""
    if gauge is Gauge.TEXTBOOK and takes_base(change, part, travel):
        return part.textbook
    return ZERO


@lru_cache(maxsize=KEPT_RESPONSES)
def respond(change: Change, gauge: Gauge, travel: Travel) -> Response | None:
    """C_k(a; U, r, s) = c_k for all k  ->  U = values(a; r, s), and what is left; None: no form.

    One equation per argument in place of one per statistic, where the map from the arguments to the
    coefficients can be inverted.
    """
    still = value_at(change.density.value, travel)
    equations = [
        replace_symbols(subtract(part.coefficient, base_share(change, part, gauge, travel)), still)
        for part in change.parts
    ]
    unknowns = {argument: speed(argument) for argument in change.density.arguments}
    found = find_by_elimination(equations, tuple(unknowns.values()), collect=True)
    if not isinstance(found, Found) or found.nonzero:
        return None
    values = {argument: found.values[unknown] for argument, unknown in unknowns.items()}
    return Response(values, found.left)
