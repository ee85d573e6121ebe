"""The rules applied until none applies, and the last touches before a term becomes code."""

from __future__ import annotations

from functools import lru_cache

from symelbo.code.facts import Facts
from symelbo.code.rearrange import factors_of, map_unfolded
from symelbo.code.stable_rules import FACT_RULES, RULES, name_share
from symelbo.index import build
from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range
from symelbo.index.substitute import map_parts
from symelbo.index.terms import Add, Array, Call, Constant, Entry, IndexTerm, Mul, Number, Term
from symelbo.limits import KEPT_FORMS, STABLE_ROUNDS

__all__ = ["merge_logs", "settle", "stable_form"]


@lru_cache(maxsize=KEPT_FORMS)
def settle(term: Term, facts: Facts) -> Term:
    """term -> its stable form, in which logarithms of numbers are merged with others

    ensures: the same value; no operation of `lower` changes it any more.
    """
    term = merge_logs(stable_form(term, facts))
    while (share := name_share(term)) is not None:
        term = share
    if isinstance(term, Mul):
        term = build.mul(*map(merge_logs, term.factors))
    return map_unfolded(term, lambda part: settle(part, facts))


@lru_cache(maxsize=KEPT_FORMS)
def stable_form(term: Term, facts: Facts = Facts()) -> Term:  # noqa: B008 - frozen
    """term -> a term of the same value to which no rule applies"""
    for _ in range(STABLE_ROUNDS):
        after = _apply_rules(term, facts)
        if after == term:
            break
        term = after
    return term


def _apply_rules(term: Term, facts: Facts) -> Term:
    for rule in RULES:
        if (found := rule(term)) is not None:
            return found
    for fact_rule in FACT_RULES:
        if (found := fact_rule(term, facts)) is not None:
            return found

    def on_term(part: Term) -> Term:
        return stable_form(part, facts)

    def on_place(place: IndexTerm) -> IndexTerm:
        return place

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    return map_parts(term, on_term, on_place, on_array)


def merge_logs(term: Term) -> Term:
    """k + k log 2 + k log a + k log b -> k log(2 e a) + k log b, in the outermost sum."""
    if not isinstance(term, Add):
        return term
    groups: dict[Term, list[Term]] = {}
    rest: list[Term] = []
    for part in term.terms:
        factors = factors_of(part)
        logs = [f for f in factors if isinstance(f, Call) and f.name == "log"]
        if len(logs) == 1 and _is_plain(logs[0].arguments[0]):
            others = build.mul(*(f for f in factors if f is not logs[0]))
            groups.setdefault(others, []).append(logs[0].arguments[0])
        else:
            rest.append(part)
    merged = []
    for scale, arguments in groups.items():
        known = any(isinstance(a, (Number, Constant)) for a in arguments)
        if not known:
            merged += [build.mul(scale, build.log(a)) for a in arguments]
            continue
        if scale in rest:
            rest.remove(scale)
            arguments = [Constant("e"), *arguments]
        numbers = [a for a in arguments if isinstance(a, (Number, Constant))]
        entries = [a for a in arguments if a not in numbers]
        together = [build.mul(*numbers, *entries[:1]), *entries[1:]]
        merged += [build.mul(scale, build.log(a)) for a in together]
    return build.add(*rest, *merged)


def _is_plain(term: Term) -> bool:
    """A number or a positive entry, or a product of such."""
    if isinstance(term, Mul):
        return all(map(_is_plain, term.factors))
    if isinstance(term, Entry):
        return domain_range(term.symbol.domain) == POSITIVE
    return isinstance(term, (Number, Constant))
