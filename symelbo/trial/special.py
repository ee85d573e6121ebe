"""Special functions on floats, for the numeric checks only: polygammas, log I0 and I1/I0."""

from __future__ import annotations

from math import exp, factorial, log

__all__ = ["bessel_ratio", "digamma", "log_bessel_i0", "polygamma"]

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
_FAR = 20.0  # beyond it the asymptotic series has full precision


def digamma(x: float) -> float:
    """psi(x) for x > 0: psi(x) = psi(x + 1) - 1/x, then the asymptotic series."""
    if x <= 0:
        raise ValueError("digamma needs a positive argument")
    result = 0.0
    while x < _FAR:
        result -= 1 / x
        x += 1
    series = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    return result + log(x) - 1 / (2 * x) - series


def polygamma(order: int, x: float) -> float:
    """The order-th derivative of psi for x > 0."""
    if order == 0:
        return digamma(x)
    if x <= 0:
        raise ValueError("polygamma needs a positive argument")
    sign = -1.0 if order % 2 == 0 else 1.0
    n = factorial(order)
    result = 0.0
    while x < _FAR + order:
        result += n / x ** (order + 1)
        x += 1
    result += factorial(order - 1) / x**order + n / (2 * x ** (order + 1))
    for k, b in enumerate(_BERNOULLI, 1):
        result += b * factorial(2 * k + order - 1) / (factorial(2 * k) * x ** (2 * k + order))
    return sign * result


def bessel_ratio(x: float) -> float:
    """I1(x)/I0(x) by their power series (|x| moderate)."""
    if abs(x) > 600:
        raise OverflowError("besselratio of a large argument")
    zero, one = 0.0, 0.0
    term, k = exp(-abs(x)), 0
    while term > 1e-18 * zero or k < abs(x):
        zero += term
        one += term * (x / 2) / (k + 1)
        k += 1
        term *= (x / 2) ** 2 / (k * k)
    return one / zero


def log_bessel_i0(x: float) -> float:
    """log I0(x), the log-partition of a von Mises density; by its power series (DLMF 10.25.2)."""
    quarter = x * x / 4
    term = total = 1.0
    k = 1
    while term > 1e-17 * total:
        term *= quarter / (k * k)
        total += term
        k += 1
    return log(total)
