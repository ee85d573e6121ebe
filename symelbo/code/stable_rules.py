"""Terms -> terms of the same value that keep their digits in floating point.

One function per rule; a rule that does not apply gives None.  `stable_form` applies all of them,
outside first, until none applies.  Some results are functions that only NumPy code has: helpers of
the emitted module, and powers that have to stay whole:

    deviance, logstirling ...   see `gamma_rules`        xlogy(x, y)   x log y, 0 at x = 0
    entropyoflogit(a)           softplus a - a sigmoid a entr(p)       -p log p, 0 at p = 0
    logbesseli0e(k)             log I0(k) - k            logzero(p)    log p, where p may be 0
    besselgap(k)                1 - I1(k)/I0(k)          logratio(x, y)  log(x/y)
    exprel(x)                   (exp x - 1)/x            raised(x, n), over(x, y)  x**n and x/y
    versine(a)                  1 - cos a
    SOFTMAX, LOG_SOFTMAX        of an array
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from symelbo.code.facts import Facts
from symelbo.code.gamma_rules import (
    LOG_MULTINOMIAL,
    complete_counts,
    condense_gammas,
    has_power_of_sum,
)
from symelbo.code.rearrange import factors_of, summands_of, swap_term
from symelbo.index.build import (
    MINUS_ONE,
    ONE,
    add,
    call,
    divide,
    exp,
    extent_length,
    has_minus_sign,
    log,
    mul,
    negate,
    number,
    power,
    subtract,
)
from symelbo.index.domains import Real, Simplex
from symelbo.index.normal import monomials_of, normal
from symelbo.index.range import UNIT
from symelbo.index.signs import domain_range, is_positive
from symelbo.index.substitute import (
    free_indices,
    map_parts,
    mentions,
    replace_index,
    symbols_of,
)
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Mul,
    Number,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.tidy import tidy

__all__ = ["FACT_RULES", "LOG_SOFTMAX", "RULES", "SOFTMAX", "WHOLE", "name_share"]

SOFTMAX = Symbol("softmax", Role.HIDDEN, Simplex())
LOG_SOFTMAX = Symbol("logsoftmax", Role.HIDDEN, Real())
WHOLE: Final[Mapping[Symbol, str]] = {  # functions of the last axis as a whole, by name
    SOFTMAX: "softmax",
    LOG_SOFTMAX: "logsoftmax",
    LOG_MULTINOMIAL: "logmultinomial",
}


# ---------------------------------------------------------------- logarithms


def expand_logarithm(term: Term) -> Term | None:
    """log(a b) -> log a + log b;  log(a**k) -> k log a;  log(exp a) -> a

    for positive a and b: a product may leave the floats where its factors do not.  A number stays
    with its only factor.
    """
    if not isinstance(term, Call) or term.name != "log":
        return None
    (argument,) = term.arguments
    match argument:
        case Call("exp", (inner,)):
            return inner
        case Call("sigmoid", (inner,)):
            return negate(call("softplus", negate(inner)))
        case Power(base, exponent) if is_positive(base) and exponent != MINUS_ONE:
            return mul(exponent, log(base))
    if not isinstance(argument, Mul) or not all(map(is_positive, argument.factors)):
        return None
    plain = [f for f in argument.factors if not symbols_of(f)]
    others = [f for f in argument.factors if f not in plain]
    special = any(isinstance(f, Call) or _is_composite_power(f) for f in others)
    if len(others) < 2 and not special:
        return None
    first = [f for f in others if not isinstance(f, Call | Power)][:1]
    rest = [f for f in others if f not in first]
    return add(log(mul(*plain, *first)), *map(_log_of_power, rest))


def _is_composite_power(term: Term) -> bool:
    return isinstance(term, Power) and term.exponent != MINUS_ONE


def _log_of_power(term: Term) -> Term:
    return mul(term.exponent, log(term.base)) if isinstance(term, Power) else log(term)


def merge_exponentials(term: Term) -> Term | None:
    """exp(a)**k -> exp(k a), for numbers k"""
    match term:
        case Power(Call("exp", (inner,)), Number() as exponent):
            return exp(mul(exponent, inner))
    return None


def cancel_exponential(term: Term) -> Term | None:
    """exp(log a) -> a;  a may be 0 where log a is minus infinity"""
    match term:
        case Call("exp", (Call("log", (inner,)),)):
            return inner
    return None


def shift_exponential(term: Term) -> Term | None:
    """1 - exp(a) -> -expm1(a)"""
    match term:
        case Add((Number(value), Mul((Number(sign), Call("exp", (inner,)))))):
            if value == 1 and sign == -1:
                return negate(Call("expm1", (inner,)))
    return None


# ---------------------------------------------------------------- sigmoid and softplus


def reflect_sigmoid(term: Term) -> Term | None:
    """1 - sigmoid(a) -> sigmoid(-a);  x - n sigmoid(a) -> x sigmoid(-a) - (n - x) sigmoid(a)

    The second for counts x up to n: both parts keep their digits where the difference is small.
    """
    if not isinstance(term, Add) or len(term.terms) != 2:
        return None
    for value, other in (term.terms, term.terms[::-1]):
        count, calls = _split_calls(negate(other), "sigmoid")
        if len(calls) != 1 or _has_calls(value) or _has_calls(count):
            continue
        flipped = call("sigmoid", negate(calls[0].arguments[0]))
        if value == count:
            return mul(count, flipped)
        if _is_count(value):
            return subtract(mul(value, flipped), mul(subtract(count, value), calls[0]))
        if _is_count(negate(value)):
            rest = add(count, negate(value))
            return subtract(mul(value, flipped), mul(rest, calls[0]))
    return None


def rewrite_tanh(term: Term) -> Term | None:
    """1 + tanh(a) -> 2 sigmoid(2 a);  1 - tanh(a) -> 2 sigmoid(-2 a)"""
    match term:
        case Add((Number(value), Call("tanh", (inner,)))) if value == 1:
            return mul(number(2), call("sigmoid", mul(number(2), inner)))
        case Add((Number(value), Mul((Number(sign), Call("tanh", (inner,)))))):
            if value == 1 and sign == -1:
                return mul(number(2), call("sigmoid", mul(number(-2), inner)))
    return None


def fold_binary_softplus(term: Term) -> Term | None:
    """x a - softplus(a) -> -softplus((1 - 2 x) a), for x in {0, 1}"""
    return _rewrite_pairs(term, "softplus", _fold_binary)


def _fold_binary(call_: Call, scale: Term, parts: Sequence[Term]) -> tuple[Term, Term] | None:
    (inner,) = call_.arguments
    for part in parts:
        for x in (f for f in factors_of(part) if _is_binary(f)):
            if normal(part) == normal(mul(negate(scale), x, inner)):
                sign = subtract(ONE, mul(number(2), x))
                return part, mul(scale, call("softplus", mul(sign, inner)))
    return None


def name_entropy_of_logit(term: Term) -> Term | None:
    """n softplus(a) - n a sigmoid(a) -> n entropyoflogit(a)

    and the same from n sigmoid(-a) softplus(a) + n sigmoid(a) softplus(-a).
    """

    def find(call_: Call, scale: Term, parts: Sequence[Term]) -> tuple[Term, Term] | None:
        (inner,) = call_.arguments
        back = negate(inner)
        whole = normal(mul(negate(scale), inner, call("sigmoid", inner)))
        flipped = call("sigmoid", back)
        count = _quotient(scale, flipped)
        half = mul(count, call("sigmoid", inner), call("softplus", back))
        for part in parts:
            if normal(part) == whole:
                return part, mul(scale, Call("entropyoflogit", (inner,)))
            if flipped in factors_of(scale) and part == half:
                return part, mul(count, Call("entropyoflogit", (inner,)))
        return None

    return _rewrite_pairs(term, "softplus", find)


def reflect_softplus(term: Term) -> Term | None:
    """n softplus(a) - n a -> n softplus(-a);  softplus(a) - softplus(-a) -> a"""

    def find(call_: Call, scale: Term, parts: Sequence[Term]) -> tuple[Term, Term] | None:
        (inner,) = call_.arguments
        flipped = call("softplus", negate(inner))
        for part in parts:
            if part == mul(negate(scale), inner):
                return part, mul(scale, flipped)
            if part == mul(negate(scale), flipped):
                return part, mul(scale, inner)
        return None

    return _rewrite_pairs(term, "softplus", find)


def divide_softplus(term: Term) -> Term | None:
    """n softplus(a)/sigmoid(a) - n a -> n softplus(-a) + n softplus(a) exp(-a)"""

    def find(call_: Call, scale: Term, parts: Sequence[Term]) -> tuple[Term, Term] | None:
        (inner,) = call_.arguments
        reciprocal = power(call("sigmoid", inner), -1)
        count = _quotient(scale, reciprocal)
        wanted = mul(negate(count), inner)
        if reciprocal not in factors_of(scale) or wanted not in parts:
            return None
        tail = mul(call_, exp(negate(inner)))
        return wanted, mul(count, add(call("softplus", negate(inner)), tail))

    return _rewrite_pairs(term, "softplus", find)


def cancel_reciprocal(term: Term) -> Term | None:
    """n - n/sigmoid(a) -> -n exp(-a);  n - n/p -> -n (1 - p)/p, for p in (0, 1)"""
    if not isinstance(term, Add):
        return None
    for part in term.terms:
        for factor in factors_of(part):
            if not isinstance(factor, Power) or factor.exponent != MINUS_ONE:
                continue
            count = negate(mul(part, factor.base))
            others = [t for t in term.terms if t not in (part, count)]
            if len(others) != len(term.terms) - 2:
                continue
            match factor.base:
                case Call("sigmoid", (inner,)):
                    return add(*others, mul(MINUS_ONE, count, exp(negate(inner))))
                case Entry(symbol, _) if domain_range(symbol.domain) == UNIT:
                    less = subtract(ONE, factor.base)
                    return add(*others, mul(MINUS_ONE, count, less, factor))
    return None


def distribute_softplus(term: Term) -> Term | None:
    """softplus(a) (x + y exp(-a)) -> x softplus(a) + y softplus(a) exp(-a)"""
    if not isinstance(term, Mul):
        return None
    for softplus in term.factors:
        if not isinstance(softplus, Call) or softplus.name != "softplus":
            continue
        decay = exp(negate(softplus.arguments[0]))
        for other in term.factors:
            if isinstance(other, Add) and any(decay in factors_of(part) for part in other.terms):
                rest = [f for f in term.factors if f is not other]
                return add(*(mul(*rest, part) for part in other.terms))
    return None


def name_softplus_ratio(term: Term) -> Term | None:
    """softplus(a) exp(-a) -> 1/exprel(softplus(a))

    since softplus(a) = y means exp a = exp(y) - 1.
    """
    if not isinstance(term, Mul):
        return None
    for factor in term.factors:
        if isinstance(factor, Call) and factor.name == "softplus":
            decay = exp(negate(factor.arguments[0]))
            if decay in term.factors:
                rest = (f for f in term.factors if f not in (factor, decay))
                return mul(*rest, power(Call("exprel", (factor,)), -1))
    return None


# ---------------------------------------------------------------- softmax


def shift_softmax(term: Term) -> Term | None:
    """n sum_k a_k exp(a_k) / sum_k exp(a_k) -> n log sum_k exp(a_k) + n sum_k p_k log p_k

    with p the softmax of a, in a sum where -n log sum_k exp(a_k) or -n a_i is too: entropies of
    categories and their slopes.
    """
    if not isinstance(term, Add):
        return None
    for part in term.terms:
        for array, weights, below, scale in _weighted_sums(part):
            (index,) = array.indices
            if weights != array.body:
                continue
            level = log(below)
            count = negate(scale)
            others = [t for t in term.terms if t is not part]
            partners = (t for t in others if _place_in(array.body, index, t, count) is not None)
            if mul(count, level) not in others and not any(partners):
                continue
            log_p = Apply(LOG_SOFTMAX, (array,), (index,))
            negentropy = Sum(index, mul(Apply(SOFTMAX, (array,), (index,)), log_p))
            return add(*others, mul(scale, level), mul(scale, negentropy))
    return None


def name_softmax(term: Term) -> Term | None:
    """sum_k f_k exp(a_k) / sum_k exp(a_k) -> sum_k f_k p_k, with p the softmax of a"""
    for array, weights, _, scale in _weighted_sums(term):
        (index,) = array.indices
        return mul(scale, Sum(index, mul(weights, Apply(SOFTMAX, (array,), (index,)))))
    return None


def _weighted_sums(term: Term) -> Iterator[tuple[Array, Term, Sum, Term]]:
    """n sum_k f_k exp(a_k) / sum_k exp(a_k) -> a, f, the sum below, n"""
    for above in factors_of(term):
        for below in factors_of(term):
            match above, below:
                case Sum(index, body), Power(Sum(other, Call("exp", (inner,)) as each), minus):
                    same = replace_index(each, other, index)
                    if minus != MINUS_ONE or (index.extent, index.low) != (other.extent, other.low):
                        continue
                    if same not in factors_of(body):
                        continue
                    array = Array((index,), replace_index(inner, other, index))
                    rest = mul(*(f for f in factors_of(term) if f not in (above, below)))
                    yield array, _quotient(body, same), Sum(other, each), rest


def name_log_softmax(term: Term) -> Term | None:
    """n a_i - n log sum_k exp(a_k) -> n logsoftmax(a)_i"""
    if not isinstance(term, Add):
        return None
    for part in term.terms:
        for factor in factors_of(part):
            match factor:
                case Call("log", (Sum(index, Call("exp", (level,))),)):
                    scale = _quotient(part, factor)
                    for other in term.terms:
                        place = _place_in(level, index, mul(MINUS_ONE, other), scale)
                        if place is None:
                            continue
                        named = Apply(LOG_SOFTMAX, (Array((index,), level),), (place,))
                        rest = (t for t in term.terms if t not in (part, other))
                        return add(*rest, mul(negate(scale), named))
    return None


def _place_in(level: Term, index: Index, part: Term, scale: Term) -> IndexTerm | None:
    """The place i with part = scale * level_i"""
    if not isinstance(level, Entry) or index not in level.indices or index.low != 1:
        return None
    axis = level.indices.index(index)
    if level.symbol.shape[axis] != index.extent:
        return None
    for factor in factors_of(part):
        if isinstance(factor, Entry) and factor.symbol == level.symbol:
            place = factor.indices[axis]
            # an index that is bound further out may stand there too
            if replace_index(level, index, place) == factor and part == mul(scale, factor):
                return place
    return None


def name_share(term: Term) -> Term | None:
    """exp(a_i) / sum_k exp(a_k) -> softmax(a)_i

    A last touch: the rules above look for exponentials and their sums.
    """
    for below in factors_of(term):
        match below:
            case Power(Sum(index, Call("exp", (level,))), minus) if minus == MINUS_ONE:
                pass
            case _:
                continue
        for above in factors_of(term):
            match above:
                case Call("exp", (own,)) if (place := _place_of(level, index, own)) is not None:
                    share = Apply(SOFTMAX, (Array((index,), level),), (place,))
                    rest = (f for f in factors_of(term) if f not in (above, below))
                    return mul(*rest, share)
    return None


def _place_of(level: Term, index: Index, own: Term) -> IndexTerm | None:
    """The place i with own = level_i"""
    for other in sorted(free_indices(own), key=sort_key):
        same_range = (other.extent, other.low) == (index.extent, index.low)
        if same_range and replace_index(level, index, other) == own:
            return other
    return _place_in(level, index, own, ONE)


# ---------------------------------------------------------------- angles


def measure_angle(term: Term) -> Term | None:
    """cos a cos b + sin a sin b -> 1 - versine(a - b), with a common factor; so for cos(a - b)"""
    if not isinstance(term, Add):
        return None
    for part in term.terms:
        cosines = [f for f in factors_of(part) if isinstance(f, Call) and f.name == "cos"]
        if len(cosines) not in (1, 2):
            continue
        scale = _quotient(part, mul(*cosines))
        if len(cosines) == 2:
            first, second = (f.arguments[0] for f in cosines)
            partner = mul(scale, call("sin", first), call("sin", second))
            angle, used = subtract(first, second), (part, partner)
        else:
            (angle,) = cosines[0].arguments
            used = (part, part)
        if used[1] in term.terms and isinstance(angle, Add):
            rest = (t for t in term.terms if t not in used)
            return add(*rest, scale, negate(mul(scale, Call("versine", (angle,)))))
    return None


def subtract_bessel(term: Term) -> Term | None:
    """log I0(k) -> k + logbesseli0e(k);  I1(k)/I0(k) -> 1 - besselgap(k)

    for positive k, where the k or the 1 cancels.
    """
    if not isinstance(term, Add):
        return None
    opened = _open_bessel(term)
    if opened == term or has_power_of_sum(term):
        return None
    collected = tidy(opened)
    shorter = len(monomials_of(opened)) <= len(monomials_of(term))
    return collected if shorter else None


def _open_bessel(term: Term) -> Term:
    match term:
        case Call("logbesseli0", (k,)) if is_positive(k):
            return add(k, Call("logbesseli0e", (k,)))
        case Call("besselratio", (k,)):
            return subtract(ONE, Call("besselgap", (k,)))
        case Call():
            return term
    return map_parts(term, _open_bessel, lambda place: place, lambda array: array)


# ---------------------------------------------------------------- powers and polynomials


def standardize_square(term: Term) -> Term | None:
    """(x - m)**2 a/(b c**2) -> ((x - m)/c sqrt(a)/sqrt(b))**2, for positive a, b and c

    The square of the residual may leave the floats where that of the standardized residual does
    not; so may its product with a root, before it is divided by c.
    """
    if not isinstance(term, Mul):
        return None
    for square in term.factors:
        match square:
            case Power(base, Number(value)) if value == 2 and mentions(
                base, lambda s: s.role not in (Role.PARAMETER, Role.CONSTANT)
            ):
                scales = [f for f in term.factors if f is not square and _is_scale(f)]
                if not scales:
                    return None
                whole = [
                    f.base for f in scales if isinstance(f, Power) and f.exponent == number(-2)
                ]
                residual = Call("over", (base, mul(*whole))) if whole else base
                roots = (f for f in scales if not (isinstance(f, Power) and f.base in whole))
                halves = mul(residual, *map(_half_power, roots))
                rest = (f for f in term.factors if f is not square and f not in scales)
                return mul(*rest, Call("raised", (halves, number(2))))
    return None


def _is_scale(factor: Term) -> bool:
    """A positive entry or exponential, or a power of one"""
    base = factor.base if isinstance(factor, Power) else factor
    return isinstance(base, Entry | Call) and is_positive(base)


def _half_power(factor: Term) -> Term:
    match factor:
        case Call("exp", (inner,)):
            return exp(divide(inner, number(2)))
        case Power(base, exponent):
            return power(base, divide(exponent, number(2)))
    return power(factor, Fraction(1, 2))


def raise_quotient(term: Term) -> Term | None:
    """x**k s**-k -> exp(k logratio(x, s));  the same for a number k as (x/s)**k

    for positive x and s and k > 1.
    """
    if not isinstance(term, Mul):
        return None
    for above, s, below in _quotients(term):
        rest = mul(*(f for f in term.factors if f not in (above, below)))
        if not isinstance(above.exponent, Number):
            return mul(rest, exp(mul(above.exponent, Call("logratio", (above.base, s)))))
        if above.exponent.value > 1:
            return mul(rest, Call("raised", (divide(above.base, s), above.exponent)))
    return None


def measure_excess(term: Term, facts: Facts) -> Term | None:
    """log x -> log m + logratio(x, m), where a multiple of log m cancels

    for a value x from m on, and where (x/m)**k is in the same sum.
    """
    if not isinstance(term, Add):
        return None
    for x, m in _compared(term, facts):
        opened = swap_term(term, log(x), add(log(m), Call("logratio", (x, m))))
        if opened != term and len(monomials_of(opened)) <= len(monomials_of(term)):
            return tidy(opened)
    return None


def _compared(term: Add, facts: Facts) -> Iterator[tuple[Term, Term]]:
    """The pairs x, m of a sum that are likely to be close."""
    entries = sorted(_entries(term), key=sort_key)
    least = {symbol: lower for symbol, (lower, _) in facts.bounds if lower is not None}
    for x in entries:
        for m in entries:
            if x.symbol in least and m.symbol in symbols_of(least[x.symbol]):
                yield x, m
    for part in term.terms:
        for above, below, _ in _quotients(part):
            yield above.base, below


def _quotients(term: Term) -> Iterator[tuple[Power, Term, Term]]:
    """x**k s**-k -> x**k, s, s**-k, for positive x and s"""
    for above in factors_of(term):
        for below in factors_of(term):
            match above, below:
                case Power(x, k), Power(Power(s, m), minus) if k == m and minus == MINUS_ONE:
                    pass
                case Power(x, k), Power(s, m) if mul(MINUS_ONE, k) == m:
                    pass
                case _:
                    continue
            if is_positive(x) and is_positive(s):
                yield above, s, below


def turn_signs(term: Term) -> Term | None:
    """-a (-x - y) -> a (x + y)"""
    if not isinstance(term, Mul) or not has_minus_sign(term):
        return None
    for factor in term.factors:
        if isinstance(factor, Add) and all(map(has_minus_sign, factor.terms)):
            rest = (f for f in term.factors if f is not factor)
            return mul(MINUS_ONE, *rest, add(*map(negate, factor.terms)))
    return None


def collect_polynomial(term: Term) -> Term | None:
    """p x - x + p (n - x) -> n p - x: fewer terms, in numbers, entries and sigmoids"""
    if not isinstance(term, Add):
        return None
    parts = _all_parts(term)
    if any(isinstance(part, Call) and part.name != "sigmoid" for part in parts):
        return None
    if not any(isinstance(f, Add) for part in term.terms for f in factors_of(part)):
        return None
    if any(isinstance(part, Sum | Apply) for part in parts):
        return None
    collected = normal(term)
    return collected if len(summands_of(collected)) < len(term.terms) else None


def sum_indices(term: Term) -> Term | None:
    """sum_k k -> K (K + 1)/2, over k in 1:K"""
    match term:
        case Sum(index, IndexValue(other)) if index == other and index.low == 1:
            length = extent_length(index.extent)
            return divide(mul(length, add(length, ONE)), number(2))
    return None


# ---------------------------------------------------------------- with facts


def weigh_logarithm(term: Term, facts: Facts) -> Term | None:
    """p log p -> -entr(p);  x log p -> xlogy(x, p), 0 at x = 0, where p may be 0"""
    if not isinstance(term, Mul):
        return None
    for factor in term.factors:
        entry = _zero_in_log(factor, facts)
        if entry is None:
            continue
        others = [f for f in term.factors if f is not factor]
        if entry in others:
            others.remove(entry)
            return mul(MINUS_ONE, *others, Call("entr", (entry,)))
        weights = [f for f in others if isinstance(f, Entry)]
        if weights:
            rest = (f for f in others if f not in weights)
            return mul(*rest, Call("xlogy", (mul(*weights), entry)))
    return None


def mark_zero(term: Term, facts: Facts) -> Term | None:
    """log p -> logzero(p), where p may be 0"""
    entry = _zero_in_log(term, facts)
    return None if entry is None else Call("logzero", (entry,))


def _zero_in_log(term: Term, facts: Facts) -> Entry | None:
    """log p -> p, where p may be 0"""
    match term:
        case Call("log", (Entry(symbol, _) as entry,)) if symbol in facts.zeros:
            return entry
    return None


# ---------------------------------------------------------------- terms

RULES: Final[tuple[Callable[[Term], Term | None], ...]] = (
    expand_logarithm,
    merge_exponentials,
    cancel_exponential,
    shift_exponential,
    reflect_sigmoid,
    rewrite_tanh,
    fold_binary_softplus,
    divide_softplus,
    name_entropy_of_logit,
    reflect_softplus,
    cancel_reciprocal,
    distribute_softplus,
    name_softplus_ratio,
    shift_softmax,
    name_softmax,
    name_log_softmax,
    measure_angle,
    subtract_bessel,
    raise_quotient,
    standardize_square,
    collect_polynomial,
    turn_signs,
    sum_indices,
)
FACT_RULES: Final[tuple[Callable[[Term, Facts], Term | None], ...]] = (
    complete_counts,
    condense_gammas,
    measure_excess,
    weigh_logarithm,
    mark_zero,
)


def _rewrite_pairs(
    term: Term,
    name: str,
    find: Callable[[Call, Term, Sequence[Term]], tuple[Term, Term] | None],
) -> Term | None:
    """n f(a) + other -> what `find` makes of f(a), n and one of the other terms of a sum"""
    if not isinstance(term, Add):
        return None
    for part in term.terms:
        scale, calls = _split_calls(part, name)
        if len(calls) != 1:
            continue
        others = [t for t in term.terms if t is not part]
        if (found := find(calls[0], scale, others)) is not None:
            used, new = found
            return add(*(t for t in others if t != used), new)
    return None


def _split_calls(term: Term, name: str) -> tuple[Term, list[Call]]:
    """n f(a) -> n, [f(a)]"""
    calls = [f for f in factors_of(term) if isinstance(f, Call) and f.name == name]
    return mul(*(f for f in factors_of(term) if f not in calls)), calls


def _quotient(product: Term, factor: Term) -> Term:
    """The factors of a product without those of `factor`"""
    taken = list(factors_of(factor))
    return mul(*(f for f in factors_of(product) if f not in taken))


def _all_parts(term: Term) -> list[Term]:
    """The terms inside a term, but not those in its arrays; each once."""
    found: dict[Term, None] = {}
    stack = [term]
    while stack:
        own = [part for part in stack.pop().parts() if isinstance(part, Term) and part not in found]
        found.update(dict.fromkeys(own))
        stack += own
    return list(found)


def _entries(term: Term) -> set[Entry]:
    return {part for part in (term, *_all_parts(term)) if isinstance(part, Entry)}


def _has_calls(term: Term) -> bool:
    return any(isinstance(part, Call) for part in (term, *_all_parts(term)))


def _is_binary(term: Term) -> bool:
    return isinstance(term, Entry) and term.symbol.domain.is_bit and not term.symbol.domain.rank


def _is_count(term: Term) -> bool:
    """A count: 0, 1 or more; also the mean of one, which is a probability"""
    if not isinstance(term, Entry):
        return False
    domain = term.symbol.domain
    return domain.is_integer and not domain.is_place and not domain.rank
