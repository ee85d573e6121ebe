"""term -> SymPy expression: written out where sizes are given, Sum and Indexed where they are not.

Places are counted from 0, as SymPy's printers and NumPy do, so that what `lambdify` makes of an
expression takes the arrays as they are: the W[1, 2] of a specification is W[0, 1].
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from itertools import count
from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from symelbo.index.signs import domain_range, is_integer
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.sympy_edge import tables

__all__ = ["Writer", "python_name"]

# what printed code calls its functions: a symbol of the same name would hide it
_RESERVED = frozenset(
    (
        "Abs",
        "E",
        "array",
        "besseli",
        "builtins",
        "cos",
        "digamma",
        "e",
        "erf",
        "exp",
        "expm1",
        "gamma",
        "gammaln",
        "inv",
        "iv",
        "linalg",
        "log",
        "log1p",
        "loggamma",
        "numpy",
        "pi",
        "polygamma",
        "psi",
        "range",
        "scipy",
        "select",
        "sign",
        "sin",
        "slogdet",
        "softplus",
        "sqrt",
        "sum",
        "tanh",
    )
).union(keyword.kwlist)

_FUNCTIONS = {
    "exp": sp.exp,
    "log": sp.log,
    "abs": sp.Abs,
    "tanh": sp.tanh,
    "sigmoid": lambda a: 1 / (1 + sp.exp(-a)),
    "softplus": lambda a: sp.log(1 + sp.exp(a)),
    "loggamma": sp.loggamma,
    "digamma": sp.digamma,
    "polygamma": sp.polygamma,
    "erf": sp.erf,
    "sin": sp.sin,
    "cos": sp.cos,
    "logbesseli0": lambda a: sp.log(sp.besseli(0, a)),
    "besselratio": lambda a: sp.besseli(1, a) / sp.besseli(0, a),
}

Env = Mapping[Index, Any]


def python_name(name: str) -> str:
    """pi -> pi_, as PEP 8 has it: what `lambdify` prints knows the number by this name."""
    return f"{name}_" if name in _RESERVED else name


class Writer:
    """Writes terms of one model at given sizes.

    names: what a bound index must not be called, the names of the model.
    """

    def __init__(self, sizes: Mapping[str, int], names: frozenset[str]) -> None:
        self._sizes = dict(sizes)
        self._names = names

    # ------------------------------------------------------------ symbols and places

    def symbol(self, symbol: Symbol) -> Any:
        """A Symbol, or an IndexedBase for an array, with what is assumed of its domain."""
        found = domain_range(symbol.domain)
        assumed: dict[str, bool] = {"real": True}
        if found.lower is not None and found.lower >= 0:
            positive = found.lower > 0 or found.lower_open
            assumed = {"positive": True} if positive else {"nonnegative": True}
        if is_integer(Entry(symbol)):
            assumed["integer"] = True
        if symbol.shape:
            return sp.IndexedBase(python_name(symbol.name), **assumed)
        return sp.Symbol(python_name(symbol.name), **assumed)

    def size(self, name: str) -> Any:
        """The given number, or a positive integer Symbol."""
        if name in self._sizes:
            return sp.Integer(self._sizes[name])
        return sp.Symbol(python_name(name), integer=True, positive=True)

    def length(self, extent: Extent) -> Any:
        """C-1 -> C - 1"""
        return extent.offset + (sp.S.Zero if extent.size is None else self.size(extent.size))

    def _place(self, index: IndexTerm, env: Env) -> Any:
        """The place of an index, counted from 0."""
        match index:
            case Index():
                return env[index]
            case Offset(inner, by):
                return env[inner] + by
            case Position(extent):
                return self.length(extent) - 1
        return self._expression(index, env) - 1  # a category selects

    def _limits(
        self, indices: tuple[Index, ...], env: Env
    ) -> tuple[tuple[Any, ...], dict[Index, Any]]:
        """Limits as of Sum, and the environment inside; every name is new, also to the model."""
        used = self._names | {str(s) for e in env.values() for s in e.free_symbols}
        fresh = (name for n in count() for name in (f"{c}{n or ''}" for c in "ijkl"))
        names = (name for name in fresh if name not in used)
        inner, limits = dict(env), []
        for index in indices:
            symbol = sp.Symbol(next(names), integer=True, nonnegative=True)
            inner[index] = symbol
            limits.append((symbol, sp.Integer(index.low - 1), self.length(index.extent) - 1))
        return tuple(limits), inner

    # ------------------------------------------------------------ terms and arrays

    def expression(self, term: Term) -> Any:
        """A term without free indices."""
        return self._expression(term, {})

    def array(self, indices: tuple[Index, ...], term: Term) -> Any:
        """The entries of a term over its free indices: an expression if there are none, an
        ImmutableDenseNDimArray at given sizes, else a Table.
        """
        if not indices:
            return self._expression(term, {})
        table = self._table(indices, term, {})
        return table.doit() if isinstance(table, tables.Table) else table

    def _table(self, indices: tuple[Index, ...], term: Term, env: Env) -> Any:
        """As `array`, under other indices."""
        limits, inner = self._limits(indices, env)
        places = tables.written_out(limits)
        if places is None:
            return tables.Table(self._expression(term, inner), *limits)
        entries = []
        for place in places:
            at = {index: place[inner[index]] for index in indices}
            entries.append(self._expression(term, {**env, **at}))
        return sp.ImmutableDenseNDimArray(
            entries, [max(int(high) - int(low) + 1, 0) for _, low, high in limits]
        )

    def _expression(self, term: Term, env: Env) -> Any:
        match term:
            case Number(value):
                return sp.Rational(value.numerator, value.denominator)
            case Constant(name):
                return sp.E if name == "e" else sp.pi
            case Size(name):
                return self.size(name)
            case IndexValue(index):
                return self._place(index, env) + 1
            case Entry(symbol, indices):
                base = self.symbol(symbol)
                return base[tuple(self._place(i, env) for i in indices)] if indices else base
            case Add(terms):
                return sp.Add(*(self._expression(part, env) for part in terms))
            case Mul(factors):
                return sp.Mul(*(self._expression(part, env) for part in factors))
            case Power(base, exponent):
                return sp.Pow(self._expression(base, env), self._expression(exponent, env))
            case Call(name, arguments):
                return _FUNCTIONS[name](*(self._expression(part, env) for part in arguments))
            case Delta(left, right):
                return sp.KroneckerDelta(self._place(left, env), self._place(right, env))
            case Sum(index, body):
                return self._sum(index, body, env)
            case Inverse(matrix, row, column):
                at = self._place(row, env), self._place(column, env)
                return tables.InverseEntry(
                    self._table(matrix.indices, matrix.body, env), *at
                ).doit()
            case LogDet(matrix):
                return tables.LogDet(self._table(matrix.indices, matrix.body, env)).doit()
            case Apply():
                return self._apply(term, env)
        raise TypeError(f"no term: {term!r}")

    def _sum(self, index: Index, body: Term, env: Env) -> Any:
        limits, inner = self._limits((index,), env)
        places = tables.written_out(limits)
        if places is None:
            return sp.Sum(self._expression(body, inner), *limits)
        symbol = inner[index]
        terms = (self._expression(body, {**env, index: place[symbol]}) for place in places)
        return sp.Add(*terms)

    # ------------------------------------------------------------ abstract functions

    def _apply(self, term: Apply, env: Env) -> Any:
        """At given sizes f(places, entries of the arguments), an undefined function of SymPy, and
        its Derivative; else Applied, whose derivatives are functions f_1, f_12, ... of their own.
        """
        name, arguments = python_name(term.function.name), []
        places = [self._place(index, env) for index in term.indices]
        for array in term.arguments:
            arguments.append(self._argument(array, env))
        if any(isinstance(a, tables.Table | sp.IndexedBase) for a in arguments):
            slots = "".join(str(slot + 1) for slot, _ in term.derivatives)
            where = [self._place(i, env) for _, at in term.derivatives for i in at]
            head = Str(f"{name}_{slots}" if slots else name)
            return tables.Applied(head, sp.Tuple(*places, *where), sp.Tuple(*arguments))
        flat = [list(a) if isinstance(a, sp.NDimArray) else [a] for a in arguments]
        entries = [entry for part in flat for entry in part]
        by = []
        for slot, at in term.derivatives:
            start = len(places) + sum(len(part) for part in flat[:slot])
            offset = 0
            for index, place in zip(term.arguments[slot].indices, at, strict=True):
                low = index.low - 1
                offset = offset * (self.length(index.extent) - low) + self._place(place, env) - low
            by.append(start + int(offset))
        return _differentiated(sp.Function(name), (*places, *entries), by)

    def _argument(self, array: Array, env: Env) -> Any:
        """An argument of a function: the IndexedBase where it is a whole array of the model."""
        table = self._table(array.indices, array.body, env) if array.indices else None
        if table is None:
            return self._expression(array.body, env)
        body = array.body
        if (
            isinstance(table, tables.Table)
            and isinstance(body, Entry)
            and body.indices == array.indices
            and all(index.low == 1 for index in array.indices)
            and body.symbol.shape == tuple(index.extent for index in array.indices)
        ):
            return self.symbol(body.symbol)
        return table


def _differentiated(function: Any, arguments: tuple[Any, ...], by: list[int]) -> Any:
    """f, (a, b), [1] -> the derivative of f by its argument 1, at a, b, as SymPy writes it."""
    if not by:
        return function(*arguments)
    formal = [
        sp.Dummy(f"xi{n}", real=True) if n in by else argument
        for n, argument in enumerate(arguments)
    ]
    plain = all(
        (arguments[n].is_Symbol or isinstance(arguments[n], sp.Indexed))
        and not any(
            arguments[n] in other.atoms(sp.Symbol, sp.Indexed)
            for m, other in enumerate(arguments)
            if m != n
        )
        for n in by
    )
    if plain:
        return sp.Derivative(function(*arguments), *(arguments[n] for n in by))
    used = sorted(set(by))
    inner = sp.Derivative(function(*formal), *(formal[n] for n in by))
    return sp.Subs(inner, [formal[n] for n in used], [arguments[n] for n in used])
