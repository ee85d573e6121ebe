"""Arrangement: a term as an author would order and group it, `Term -> Display`.

    arrange(t) has the value of t: signs in front, negative powers under a fraction line, numbers
    before sizes before symbols before functions before sums, logarithms joined (`join_logs`),
    matrices recognised behind their entries.

A display tree is shared by all printers, which only choose the signs to put on paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Final, TypeAlias

from symelbo.index.build import (
    ONE,
    ZERO,
    add,
    call,
    has_minus_sign,
    mul,
    negate,
    number,
    power,
    total,
)
from symelbo.index.substitute import symbols_of, walk_parts
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
    sort_key,
)
from symelbo.limits import KEPT_DISPLAYS
from symelbo.values import dataclass, replace

__all__ = [
    "Applied",
    "Chain",
    "Determinant",
    "Diagonal",
    "Display",
    "Function",
    "Identity",
    "Inverted",
    "Product",
    "Raised",
    "Root",
    "Shared",
    "Summation",
    "Table",
    "Total",
    "Whole",
    "arrange",
    "arrange_array",
    "join_logs",
    "leads_with_minus",
    "split_sign",
]


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of two or more terms, in the order of reading."""

    terms: tuple[Display, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """(-1 if negative) * above / below * after; an empty product is 1."""

    negative: bool = False
    above: tuple[Display, ...] = ()
    below: tuple[Display, ...] = ()
    after: tuple[Display, ...] = ()


@dataclass(frozen=True, slots=True)
class Raised:
    """base ** exponent; a numeric exponent is a Number, be it a fraction."""

    base: Display
    exponent: Display


@dataclass(frozen=True, slots=True)
class Root:
    """The square root."""

    radicand: Display


@dataclass(frozen=True, slots=True)
class Function:
    """An elementary or special function of its arguments."""

    name: str
    arguments: tuple[Display, ...]


@dataclass(frozen=True, slots=True)
class Summation:
    """The sum of the body over all the indices, the outermost first."""

    indices: tuple[Index, ...]
    body: Display


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole vector or matrix: the array of `symbol[indices, free..]`, perhaps transposed."""

    symbol: Symbol
    indices: tuple[IndexTerm, ...] = ()
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The unit matrix."""


@dataclass(frozen=True, slots=True)
class Diagonal:
    """The diagonal matrix of the entries of a vector, each to the same power."""

    vector: Whole
    exponent: Fraction


@dataclass(frozen=True, slots=True)
class Chain:
    """The matrix product of two or three arrays."""

    factors: tuple[Whole | Diagonal, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The array of `body` over `indices`; `form` is the same array in matrix notation, if any."""

    indices: tuple[Index, ...]
    body: Display
    form: Display | None


@dataclass(frozen=True, slots=True)
class Applied:
    """f(arguments)[indices], differentiated by entries of the arguments."""

    function: Symbol
    arguments: tuple[Table, ...]
    indices: tuple[IndexTerm, ...]
    derivatives: tuple[tuple[int, tuple[IndexTerm, ...]], ...]


@dataclass(frozen=True, slots=True)
class Inverted:
    """Entry (row, column) of the inverse of a matrix."""

    matrix: Table
    row: IndexTerm
    column: IndexTerm


@dataclass(frozen=True, slots=True)
class Determinant:
    """log |det matrix|"""

    matrix: Table


_Atom: TypeAlias = Number | Constant | Size | IndexValue | Entry | Delta
_Form: TypeAlias = Whole | Identity | Diagonal | Chain
Display: TypeAlias = (
    _Atom
    | Total
    | Product
    | Raised
    | Root
    | Function
    | Summation
    | Applied
    | Inverted
    | Determinant
    | _Form
)


class Shared:
    """A display by its identity, which is found at once: equal parts of terms have one display."""

    __slots__ = ("display",)

    def __init__(self, display: Display) -> None:
        self.display = display

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shared) and other.display is self.display

    def __hash__(self) -> int:
        return id(self.display)


_NODES: Final = (Role.OBSERVED, Role.VALUE, Role.LATENT, Role.INPUT)
_HALF: Final = number(Fraction(1, 2))


@lru_cache(maxsize=KEPT_DISPLAYS)
def arrange(term: Term) -> Display:
    """term -> the display of the same value."""
    match term:
        case Number(value) if value < 0 or value.denominator != 1:
            return _product([term])
        case Number() | Constant() | Size() | IndexValue() | Entry() | Delta():
            return term
        case Add():
            return _arrange_add(term)
        case Mul(factors):
            return _product(factors)
        case Power(base, exponent):
            return _product([term]) if has_minus_sign(exponent) else _raise(base, exponent)
        case Call(name, arguments):
            return Function(name, tuple(map(arrange, arguments)))
        case Sum(index, body):
            return _sum_over(index, arrange(body))
        case Apply(function, arguments, indices, derivatives):
            return Applied(function, tuple(map(arrange_array, arguments)), indices, derivatives)
        case Inverse(matrix, row, column):
            return Inverted(arrange_array(matrix), row, column)
        case LogDet(matrix):
            return Determinant(arrange_array(matrix))
    raise TypeError(f"no term: {term!r}")


def arrange_array(array: Array) -> Table:
    """array -> its entries arranged, with matrix notation where it is recognised."""
    return Table(array.indices, arrange(array.body), _form(array.body, array.indices))


def leads_with_minus(display: Display) -> bool:
    """Whether a display starts with a sign."""
    match display:
        case Total((first, *_)):
            return leads_with_minus(first)
        case Product(negative):
            return negative
    return False


def split_sign(term: Term) -> tuple[int, Term]:
    """term -> a sign and the rest, which no minus leads, nor the body of the sums in front."""
    sign = 1
    if leads_with_minus(arrange(term)):
        sign, term = -1, add(*map(negate, term.terms)) if isinstance(term, Add) else negate(term)
    if not isinstance(term, Sum):
        return sign, term
    inner, body = split_sign(term.body)
    return sign * inner, total(term.index, body)


# -- powers and products ---------------------------------------------------------------------------


def _raise(base: Term, exponent: Term) -> Display:
    if exponent == ONE:
        return arrange(base)
    if exponent == _HALF:
        return Root(arrange(base))
    shown = exponent if isinstance(exponent, Number) else arrange(exponent)
    return Raised(arrange(base), shown)


def _sum_over(index: Index, body: Display) -> Display:
    """sum_i -a -> -sum_i a; sum_i sum_j a becomes one summation over i, j."""
    if isinstance(body, Product) and body.negative:
        positive = _sum_over(index, _without_sign(body))
        return Product(negative=True, after=(positive,))
    if isinstance(body, Summation):
        return Summation((index, *body.indices), body.body)
    return Summation((index,), body)


def _without_sign(product: Product) -> Display:
    match product:
        case Product(_, (), (), (only,)):
            return only
    return replace(product, negative=False)


def _product(factors: Iterable[Term]) -> Display:
    """The layout of a product: at most one fraction, what reads better behind it after it."""
    ratio = Fraction(1)
    tops: list[Display] = []
    bottoms: list[Display] = []
    for factor in factors:
        match factor:
            case Number(value):
                ratio *= value
                continue
            case Power(base, exponent) if has_minus_sign(exponent):
                display, side, other = _raise(base, negate(exponent)), bottoms, tops
            case _:
                display, side, other = arrange(factor), tops, bottoms
        if isinstance(display, Product):
            ratio *= -1 if display.negative else 1
            side.extend(display.above + display.after)
            other.extend(display.below)
        else:
            side.append(display)
    ratio *= _numeric(tops) / _numeric(bottoms)
    tops = _in_order(tops, abs(ratio.numerator))
    bottoms = _in_order(bottoms, ratio.denominator)
    above, after = _split(tops, bottoms)
    if ratio > 0 and not bottoms and len(after) == 1:
        return after[0]
    return Product(ratio < 0, tuple(above), tuple(bottoms), tuple(after))


def _numeric(factors: list[Display]) -> Fraction:
    return prod((f.value for f in factors if isinstance(f, Number)), start=Fraction(1))


def _in_order(factors: list[Display], scale: int) -> list[Display]:
    """scale * factors, as the factors of one product in the order of reading."""
    symbols: list[Display] = [factor for factor in factors if not isinstance(factor, Number)]
    symbols.sort(key=lambda factor: (_rank(factor), _name_key(factor)))
    return symbols if scale == 1 else [number(scale), *symbols]


def _split(tops: list[Display], bottoms: list[Display]) -> tuple[list[Display], list[Display]]:
    """Which factors stand above the fraction line, which after the fraction."""
    if not bottoms:
        return [], tops or [ONE]
    if all(isinstance(factor, Number) for factor in bottoms):
        # (D/2) log a, (1/2) x y, but x/2: only sizes go up, or a symbol on its own
        small = [factor for factor in tops if _rank(factor) <= _RANK_SIZE]
        rest = tops[len(small) :]
        if not small and len(rest) == 1 and _rank(rest[0]) <= _RANK_ENTRY:
            return rest, []
        return small, rest
    small = [factor for factor in tops if _rank(factor) <= _RANK_ENTRY]
    rest = tops[len(small) :]
    if all(_rank(factor) <= _RANK_COMPACT and not _has_sum(factor) for factor in rest):
        return tops, []
    return small, rest


_RANK_SIZE: Final = 2
_RANK_ENTRY: Final = 5
_RANK_COMPACT: Final = 9


def _rank(factor: Display) -> int:
    """Place of a factor in a product: numbers first, sums last."""
    match factor:
        case Number():
            return 0
        case Constant():
            return 1
        case Size():
            return _RANK_SIZE
        case IndexValue():
            return 3
        case Entry(symbol):
            return _RANK_ENTRY if symbol.role in _NODES else 4
        case Raised(base, _) | Root(base):
            return _rank(base)
        case Delta() | Inverted():
            return 6
        case Applied():
            return 7
        case Product(_, above, below, ()) if all(_rank(part) <= 1 for part in above + below):
            return 1  # 2/pi, under a root
        case Total() | Product():
            return 8
        case Function("log" | "loggamma" | "softplus"):
            return 10
        case Function():
            return _RANK_COMPACT
        case Determinant():
            return 11
    return 12


def _name_key(factor: Display) -> tuple[object, ...]:
    match factor:
        case Constant("pi"):  # 2 pi e, not 2 e pi
            return ()
        case Constant() | Size() | IndexValue() | Entry():
            return sort_key(factor)
        case Raised(base, _) | Root(base):
            return _name_key(base)
    return ()


def _has_sum(display: Display) -> bool:
    match display:
        case Summation():
            return True
        case Total(parts) | Function(_, parts):
            return any(map(_has_sum, parts))
        case Product(_, above, below, after):
            return any(map(_has_sum, above + below + after))
        case Raised(base, _) | Root(base):
            return _has_sum(base)
    return False


# -- sums of terms ---------------------------------------------------------------------------------


def _arrange_add(term: Add) -> Display:
    joined = join_logs(term.terms)
    constant = [part for part in joined if isinstance(part, Number)]
    others = sorted((part for part in joined if not isinstance(part, Number)), key=_reading_key)
    displays = [(arrange(part), _reading_key(part)[1] == 0) for part in others]
    # 1 - x and 1 + exp(a), but x + 1 and x - 1
    leads = constant and constant[0].value > 0
    if leads and not any(plain and not _has_sign(shown) for shown, plain in displays):
        ordered = [arrange(constant[0])] + [shown for shown, _ in displays]
    else:
        ordered = [shown for shown, _ in displays] + [arrange(part) for part in constant]
    if not ordered:
        return ZERO
    first = next((place for place, part in enumerate(ordered) if not _has_sign(part)), 0)
    ordered.insert(0, ordered.pop(first))
    return ordered[0] if len(ordered) == 1 else Total(tuple(ordered))


def _has_sign(display: Display) -> bool:
    return isinstance(display, Product) and display.negative


_KIND_FUNCTION: Final = 3


@lru_cache(maxsize=KEPT_DISPLAYS)
def _reading_key(term: Term) -> tuple[int, int, int, tuple[object, ...]]:
    """Data before latents before parameters; polynomials before sums before functions."""
    roles = {symbol.role for symbol in symbols_of(term)}
    if roles & {Role.OBSERVED, Role.VALUE}:
        depends = 0
    else:
        depends = 1 if roles & {Role.LATENT, Role.INPUT} else 2
    factors = term.factors if isinstance(term, Mul) else (term,)
    if any(isinstance(factor, LogDet) for factor in factors):
        kind = 1
    elif any(isinstance(factor, Sum) for factor in factors):
        kind = 2
    else:
        kind = _KIND_FUNCTION if any(map(_is_function, factors)) else 0
    rest = factors[1:] if len(factors) > 1 and isinstance(factors[0], Number) else factors
    # log b before log Gamma(a) before (1 - a) psi(a)
    length = len(rest) if kind == _KIND_FUNCTION else 0
    return depends, kind, length, tuple(sort_key(factor) for factor in rest)


def _is_function(factor: Term) -> bool:
    """log b, or a bracket such as D (1/2 + log(2 pi)/2) that joins to a log."""
    if not isinstance(factor, Add):
        return isinstance(factor, Call)
    pieces = (part.factors if isinstance(part, Mul) else (part,) for part in factor.terms)
    return any(isinstance(piece, Call) for part in pieces for piece in part)


@dataclass(frozen=True, slots=True)
class _Logarithm:
    """sign * log(numeric * top / bottom), one summand of a group of equal coefficients."""

    sign: int
    numeric: tuple[Term, ...]
    top: tuple[Term, ...]
    bottom: tuple[Term, ...]


_Coefficient: TypeAlias = tuple[Fraction, tuple[Term, ...]]  # without its sign


def join_logs(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """c log a - c log b -> c log(a/b);  c + c log(2 pi s) -> c log(2 pi e s);  c log 2 + c log s.

    At most numbers, PI, e and one other factor or one ratio are joined; sums never are.
    """
    groups: dict[_Coefficient, list[tuple[int, _Logarithm]]] = {}
    plain: dict[_Coefficient, tuple[int, int]] = {}
    for place, term in enumerate(terms):
        coefficient, sign, rest = _coefficient(term)
        match rest:
            case Call(_, (argument,)):
                group = groups.setdefault(coefficient, [])
                group.append((place, _logarithm(sign, argument)))
            case None:
                plain[coefficient] = (place, sign)
    result: list[Term | None] = list(terms)
    for coefficient, group in groups.items():
        constant = plain.get(coefficient)
        joined = _join([part for _, part in group], 0 if constant is None else constant[1])
        if joined is None:
            continue
        sign, argument, with_euler = joined
        for place, _ in group:
            result[place] = None
        if constant is not None and with_euler:
            result[constant[0]] = None
        scale, rest_factors = coefficient
        new = mul(Number(sign * scale), *rest_factors, call("log", argument))
        result[group[0][0]] = None if new == ZERO else new
    return tuple(part for part in result if part is not None)


def _coefficient(term: Term) -> tuple[_Coefficient, int, Call | None]:
    """c log a -> (|c|, sign c, log a); a term without logarithm is a coefficient itself."""
    factors = term.factors if isinstance(term, Mul) else (term,)
    scale = Fraction(1)
    rest: list[Term] = []
    logs: list[Call] = []
    for factor in factors:
        match factor:
            case Number(value):
                scale *= value
            case Call("log") if not logs:
                logs.append(factor)
            case _:
                rest.append(factor)
    sign = -1 if scale < 0 else 1
    return (abs(scale), tuple(rest)), sign, logs[0] if logs else None


def _logarithm(sign: int, argument: Term) -> _Logarithm:
    numeric: list[Term] = []
    top: list[Term] = []
    bottom: list[Term] = []
    for factor in argument.factors if isinstance(argument, Mul) else (argument,):
        match factor:
            case Number(value) if value > 0:
                numeric.append(factor)
            case Constant() | Power(Constant(), Number()) | Power(Number(), Number()):
                numeric.append(factor)
            case Power(base, exponent) if has_minus_sign(exponent):
                bottom.append(power(base, negate(exponent)))
            case _:
                top.append(factor)
    return _Logarithm(sign, tuple(numeric), tuple(top), tuple(bottom))


def _join(logs: list[_Logarithm], euler: int) -> tuple[int, Term, bool] | None:
    """Logarithms of one coefficient (and euler times log e) -> sign, argument, whether e is in."""
    numeric = [factor for part in logs for factor in part.numeric]
    tops = [f for part in logs for f in (part.top if part.sign > 0 else part.bottom)]
    bottoms = [f for part in logs for f in (part.bottom if part.sign > 0 else part.top)]
    alone = len(logs) == 1
    sign = 1 if (logs[0].sign > 0 if alone or not (tops or bottoms) else bool(tops)) else -1
    # e joins only a logarithm that has a number already: 1 + log x stays
    with_euler = bool(numeric) and euler == sign
    if alone and not with_euler:
        return None
    if len(tops) > 1 or len(bottoms) > 1:
        return None
    if any(isinstance(part, Sum) for factor in tops + bottoms for part in walk_parts(factor)):
        return None
    if sign < 0:
        tops, bottoms = bottoms, tops
    argument = mul(
        *(power(factor, part.sign * sign) for part in logs for factor in part.numeric),
        *tops,
        *(power(factor, -1) for factor in bottoms),
        *((Constant("e"),) if with_euler else ()),
    )
    return sign, argument, with_euler


# -- matrices behind their entries -----------------------------------------------------------------


def _form(body: Term, indices: tuple[Index, ...]) -> Display | None:
    """Matrix notation for the array of `body` over `indices`, or None where none is known."""
    if not indices or len(indices) > 2 or len(set(indices)) < len(indices):
        return None
    return _form_of_sum(body, indices)


def _form_of_sum(body: Term, indices: tuple[Index, ...]) -> Display | None:
    terms = body.terms if isinstance(body, Add) else (body,)
    forms: list[Display] = []
    for term in terms:
        form = _form_of_product(term, indices)
        if form is None:
            return None
        forms.append(form)
    if len(forms) == 1:
        return forms[0]
    forms.sort(key=_form_rank)
    first = next((place for place, form in enumerate(forms) if not _has_sign(form)), 0)
    forms.insert(0, forms.pop(first))
    return Total(tuple(forms))


def _form_rank(form: Display) -> int:
    match form:
        case Product(after=after):
            return min(map(_form_rank, after))
        case Identity() | Diagonal():
            return 0
        case Chain():
            return 1
    return 2


def _form_of_product(term: Term, indices: tuple[Index, ...]) -> Display | None:
    """scalars * one array; the scalars are those factors in which no index of the array occurs."""
    factors = list(term.factors) if isinstance(term, Mul) else [term]
    inside = [factor for factor in factors if _touches(factor, indices)]
    scalars = [factor for factor in factors if not _touches(factor, indices)]
    match inside:
        case [Sum(index, summand)]:
            parts = list(summand.factors) if isinstance(summand, Mul) else [summand]
            scalars += [part for part in parts if not _touches(part, (*indices, index))]
            array = [part for part in parts if _touches(part, (*indices, index))]
            form: _Form | None = _chain(array, index, indices)
        case _:
            form = _array_of_entries(inside, indices)
    if form is None:
        return None
    scalar = _product(scalars)
    if not isinstance(scalar, Product):
        return form if scalar == ONE else Product(after=(scalar, form))
    return replace(scalar, after=(*(f for f in scalar.after if f != ONE), form))


def _array_of_entries(factors: list[Term], indices: tuple[Index, ...]) -> _Form | None:
    match factors:
        case [Entry() as entry]:
            return _whole(entry, indices)
        case [Delta(left, right)] if {left, right} == set(indices):
            return Identity()
        case [Delta(left, right), weight] | [weight, Delta(left, right)]:
            if len(indices) == 2 and {left, right} == set(indices):
                return _diagonal([weight], indices[0]) or _diagonal([weight], indices[1])
    return None


def _whole(entry: Entry, indices: tuple[Index, ...]) -> Whole | None:
    count = len(indices)
    prefix, last = entry.indices[:-count], entry.indices[-count:]
    if any(_touches(index, indices) for index in prefix):
        return None
    if last == indices:
        return Whole(entry.symbol, prefix)
    if count == 2 and last == indices[::-1]:
        return Whole(entry.symbol, prefix, transposed=True)
    return None


def _diagonal(factors: list[Term], index: Index) -> Diagonal | None:
    match factors:
        case [Power(Entry() as entry, Number(exponent))]:
            vector = _whole(entry, (index,))
        case [Entry() as entry]:
            vector, exponent = _whole(entry, (index,)), Fraction(1)
        case _:
            return None
    return None if vector is None else Diagonal(vector, exponent)


def _chain(factors: list[Term], index: Index, indices: tuple[Index, ...]) -> Chain | None:
    """sum_d W[d,h] w[d] V[d,k] -> W' diag(w) V;  sum_h W[d,h] z[h] -> W z."""
    weights = [factor for factor in factors if not _touches(factor, indices)]
    if len(indices) == 1:
        match [factor for factor in factors if _touches(factor, indices)], weights:
            case [Entry() as matrix], [Entry() as vector]:
                left, right = _whole(matrix, (*indices, index)), _whole(vector, (index,))
                return None if left is None or right is None else Chain((left, right))
        return None
    wings: list[Whole] = []
    for pair in ((indices[0], index), (index, indices[1])):
        found = [_whole(f, pair) for f in _entries(factors) if set(f.indices) >= set(pair)]
        if len(found) != 1 or found[0] is None:
            return None
        wings.append(found[0])
    if len(factors) != 2 + len(weights):
        return None
    if not weights:
        return Chain(tuple(wings))
    diagonal = _diagonal(weights, index)
    return None if diagonal is None else Chain((wings[0], diagonal, wings[1]))


def _entries(factors: list[Term]) -> list[Entry]:
    return [factor for factor in factors if isinstance(factor, Entry)]


def _touches(item: Term | IndexTerm, indices: tuple[Index, ...]) -> bool:
    return any(part in indices for part in walk_parts(item, binders=True))
