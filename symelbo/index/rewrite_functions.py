"""f(polynomial) -> polynomial: logarithms of products, exponentials, gamma functions, parity."""

from __future__ import annotations

from fractions import Fraction

from symelbo.index import build
from symelbo.index.build import ONE
from symelbo.index.polynomial import (
    F0,
    F1,
    UNIT,
    Factors,
    Monomial,
    Poly,
    accumulate,
    factor_number,
    from_poly,
    monomial_key,
)
from symelbo.index.ring import FunctionRule, Normalizer, atom_poly
from symelbo.index.signs import is_positive, is_positive_poly
from symelbo.index.terms import Call, Constant, Number, Power, Term
from symelbo.limits import EXPANDED_POWER

__all__ = ["FUNCTIONS"]


def rewrite_tanh(ring: Normalizer, argument: Poly) -> Poly:
    """tanh(-a) -> -tanh a

    >>> show(rewrite_tanh(RING, poly("-x")))
    -tanh(x)
    """
    return _odd_function("tanh", argument)


def rewrite_erf(ring: Normalizer, argument: Poly) -> Poly:
    """erf(-a) -> -erf a

    >>> show(rewrite_erf(RING, poly("y - x")))
    -erf(x - y)
    """
    return _odd_function("erf", argument)


def _odd_function(name: str, argument: Poly) -> Poly:
    """f, -a -> -f(a)"""
    sign, canonical = _canonical_sign(argument)
    folded = build.call(name, from_poly(canonical))
    result: Poly = {}
    accumulate(result, {} if folded == build.ZERO else atom_poly(folded), sign)
    return result


def rewrite_sigmoid(ring: Normalizer, argument: Poly) -> Poly:
    """sigmoid(-a) -> 1 - sigmoid a;  sigmoid 0 -> 1/2

    >>> show(rewrite_sigmoid(RING, poly("-x")))
    1 - sigmoid(x)
    >>> show(rewrite_sigmoid(RING, poly("0")))
    1/2
    """
    sign, canonical = _canonical_sign(argument)
    if not canonical:
        return {UNIT: Fraction(1, 2)}
    atom = atom_poly(Call("sigmoid", (from_poly(canonical),)))
    if sign > 0:
        return atom
    flipped: Poly = {UNIT: F1}
    accumulate(flipped, atom, -F1)
    return flipped


def rewrite_softplus(ring: Normalizer, argument: Poly) -> Poly:
    """softplus(-a) -> softplus a - a;  softplus 0 -> log 2

    >>> show(rewrite_softplus(RING, poly("-x")))
    softplus(x) - x
    """
    sign, canonical = _canonical_sign(argument)
    if not canonical:
        return rewrite_log(ring, {UNIT: F1 * 2})
    atom = atom_poly(Call("softplus", (from_poly(canonical),)))
    if sign > 0:
        return atom
    flipped = dict(argument)
    accumulate(flipped, atom)
    return flipped


def _canonical_sign(poly: Poly) -> tuple[Fraction, Poly]:
    """-a + b -> -1, a - b: the sign of the leading coefficient, and the rest."""
    if not poly:
        return F1, poly
    lead = min(poly, key=monomial_key)
    if poly[lead] > 0:
        return F1, poly
    return -F1, {monomial: -value for monomial, value in poly.items()}


def rewrite_log(ring: Normalizer, argument: Poly) -> Poly:
    """log(6 a**2/b) -> log 2 + log 3 + 2 log a - log b for positive a, b.

    >>> show(rewrite_log(RING, poly("6*s^2/t")))
    2*log(s) - log(t/6)
    >>> show(rewrite_log(RING, poly("x*s")))
    log(s*x)
    """
    if not argument:
        raise ZeroDivisionError("log of zero")
    result: Poly = {}
    if len(argument) == 1 and not next(iter(argument)).bound:
        ((content, scale),) = argument.items()
        primitive: Poly = {UNIT: F1}
    else:
        content, scale, primitive = ring.split_content(argument)
    positive = all(is_positive(atom) for atom, _ in content.factors)
    if not positive or scale < 0:
        return atom_poly(Call("log", (from_poly(argument),)))
    for atom, exponent in content.factors:
        accumulate(result, _log_atom(ring, atom), exponent)
    for prime, exponent in factor_number(scale):
        accumulate(result, atom_poly(Call("log", (Number(Fraction(prime)),))), exponent)
    if len(primitive) == 1 and not next(iter(primitive)).bound:
        # t**2/(s + t) only shows its factors once s + t is taken out
        accumulate(result, {} if primitive == {UNIT: F1} else rewrite_log(ring, primitive))
    else:
        accumulate(result, _log_primitive(ring, primitive))
    return result


def _log_atom(ring: Normalizer, atom: Term) -> Poly:
    """log exp a -> a;  log sigmoid a -> a - softplus a;  log b**c -> c log b for b > 0"""
    match atom:
        case Constant("e"):
            return {UNIT: F1}
        case Call("exp", (argument,)):
            return ring.to_poly(argument)
        case Call("sigmoid", (argument,)):
            result = dict(ring.to_poly(argument))
            accumulate(result, rewrite_softplus(ring, ring.to_poly(argument)), -F1)
            return result
        case Power(base, exponent) if is_positive(base):
            return ring.multiply(ring.to_poly(exponent), _log_atom(ring, base))
        case Number(value):
            return rewrite_log(ring, {UNIT: value})
    return atom_poly(Call("log", (atom,)))


def _log_primitive(ring: Normalizer, primitive: Poly) -> Poly:
    """log(1 - sigmoid a) -> -softplus a"""
    if len(primitive) == 2 and primitive.get(UNIT) == 1:
        ((monomial, scale),) = ((m, c) for m, c in primitive.items() if m != UNIT)
        if scale == -1 and len(monomial.factors) == 1 and not monomial.bound:
            atom, exponent = monomial.factors[0]
            if exponent == 1 and isinstance(atom, Call) and atom.name == "sigmoid":
                negative: Poly = {}
                accumulate(negative, rewrite_softplus(ring, ring.to_poly(atom.arguments[0])), -F1)
                return negative
    return atom_poly(Call("log", (from_poly(primitive),)))


def rewrite_exp(ring: Normalizer, argument: Poly) -> Poly:
    """exp(c log b + r) -> b**c exp(r), with one exp atom at most.

    >>> show(rewrite_exp(RING, poly("2*log(s) + x")))
    s**2*exp(x)
    """
    rest: Poly = {}
    product: Poly = {UNIT: F1}
    for monomial, scale in argument.items():
        base = _logged(monomial)
        if base is not None:
            product = ring.multiply(product, ring.power_term(ring.to_poly(base), Number(scale)))
        elif monomial == UNIT:
            product = ring.multiply(product, atom_poly(Constant("e"), scale))
        else:
            rest[monomial] = scale
    if rest:
        product = ring.multiply(product, atom_poly(Call("exp", (from_poly(rest),))))
    return product


def _logged(monomial: Monomial) -> Term | None:
    """log b -> b"""
    if not monomial.bound and len(monomial.factors) == 1:
        atom, exponent = monomial.factors[0]
        if exponent == 1 and isinstance(atom, Call) and atom.name == "log":
            return atom.arguments[0]
    return None


def rewrite_abs(ring: Normalizer, argument: Poly) -> Poly:
    """|-2 a b| -> 2 a |b| for a > 0

    >>> show(rewrite_abs(RING, poly("-2*s*x")))
    2*s*abs(x)
    """
    if not argument:
        return {}
    if len(argument) == 1 and not next(iter(argument)).bound:
        ((content, scale),) = argument.items()
        primitive: Poly = {UNIT: F1}
    else:
        content, scale, primitive = ring.split_content(argument)
    factors: Factors = {}
    for atom, exponent in content.factors:
        keep = atom if is_positive(atom) else build.call("abs", atom)
        factors[keep] = factors.get(keep, F0) + exponent
    if primitive != {UNIT: F1}:
        term = from_poly(primitive)
        keep = term if is_positive(term) else build.call("abs", term)
        factors[keep] = factors.get(keep, F0) + F1
    result: Poly = {}
    accumulate(result, ring.reduce_monomial((), factors), abs(scale))
    return result


def rewrite_loggamma(ring: Normalizer, argument: Poly) -> Poly:
    """loggamma(a + 1) -> loggamma(a) + log a, for a > 0

    >>> show(rewrite_loggamma(RING, poly("s + 2")))
    log(s) + log(s + 1) + loggamma(s)
    >>> show(rewrite_loggamma(RING, poly("4")))
    log(6)
    """
    return _lower_gamma(ring, "loggamma", argument)


def rewrite_digamma(ring: Normalizer, argument: Poly) -> Poly:
    """digamma(a + 1) -> digamma(a) + 1/a, for a > 0

    >>> show(rewrite_digamma(RING, poly("s + 1")))
    1/s + psi(s)
    """
    return _lower_gamma(ring, "digamma", argument)


def _lower_gamma(ring: Normalizer, name: str, argument: Poly) -> Poly:
    """f(a + n) -> f(a) + the n steps of f from a, for a > 0 and f loggamma or digamma."""
    shift = argument.get(UNIT, F0)
    steps = int(shift)
    base = {monomial: value for monomial, value in argument.items() if monomial != UNIT}
    if shift - steps:
        base[UNIT] = shift - steps
    if steps <= 0 or steps > EXPANDED_POWER or not base or not is_positive_poly(base):
        if not base and steps > 0:  # at a positive integer
            return _gamma_at_integer(ring, name, steps)
        return atom_poly(Call(name, (from_poly(argument),)))
    result = dict(atom_poly(Call(name, (from_poly(base),))))
    for step in range(steps):
        at = dict(base)
        accumulate(at, {UNIT: Fraction(step)} if step else {})
        accumulate(
            result, rewrite_log(ring, at) if name == "loggamma" else ring.power_poly(at, -F1)
        )
    return result


def _gamma_at_integer(ring: Normalizer, name: str, n: int) -> Poly:
    """loggamma(n) -> log 1 + ... + log(n - 1);  digamma(n) -> digamma(1) + 1 + ... + 1/(n - 1)"""
    result: Poly = {} if name == "loggamma" else dict(atom_poly(Call("digamma", (ONE,))))
    for k in range(1, n):
        accumulate(
            result, rewrite_log(ring, {UNIT: F1 * k}) if name == "loggamma" else {UNIT: F1 / k}
        )
    return result


FUNCTIONS: dict[str, FunctionRule] = {
    "log": rewrite_log,
    "exp": rewrite_exp,
    "abs": rewrite_abs,
    "loggamma": rewrite_loggamma,
    "digamma": rewrite_digamma,
    "tanh": rewrite_tanh,
    "erf": rewrite_erf,
    "sigmoid": rewrite_sigmoid,
    "softplus": rewrite_softplus,
}
