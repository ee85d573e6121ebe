"""cos(v - m) -> cos(v) cos(m) + sin(v) sin(m): the value apart from the arguments."""

from __future__ import annotations

from symelbo.index.build import add, call, mul, negate
from symelbo.index.nodes import Memo
from symelbo.index.substitute import map_terms, symbols_of
from symelbo.index.terms import Add, Call, Symbol, Term

__all__ = ["split_angles"]


def split_angles(term: Term, value: Symbol) -> Term:
    """sin and cos of a sum of which some terms mention the value and others do not -> products.

    >>> show(split_angles(term("cos(x - y)"), x))
    cos(x)*cos(-y) - sin(x)*sin(-y)
    """

    def rule(split: Memo[Term, Term], part: Term) -> Term:
        part = map_terms(part, split.__getitem__)
        if not isinstance(part, Call) or part.name not in ("sin", "cos"):
            return part
        (angle,) = part.arguments
        if not isinstance(angle, Add):
            return part
        own = [t for t in angle.terms if value in symbols_of(t)]
        rest = [t for t in angle.terms if value not in symbols_of(t)]
        if not own or not rest:
            return part
        a, b = add(*own), add(*rest)
        if part.name == "cos":
            return add(
                mul(call("cos", a), call("cos", b)),
                negate(mul(call("sin", a), call("sin", b))),
            )
        return add(mul(call("sin", a), call("cos", b)), mul(call("cos", a), call("sin", b)))

    return Memo(rule)[term]
