"""What SymPy has no value for at symbolic sizes: a table of entries, and what is read off one.

All differentiate exactly, are written out by `doit` where the sizes are integers, and are printed
by `lambdify` as NumPy.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import sympy as sp

__all__ = ["Applied", "InverseEntry", "LogDet", "Table", "written_out"]


def written_out(limits: tuple[Any, ...]) -> Any:
    """((i, 0, 1), (j, 0, 0)) -> {i: 0, j: 0}, {i: 1, j: 0}; None if an end is no integer."""
    if not all(part.is_Integer for _, *ends in limits for part in ends):
        return None
    ranges = (range(int(low), int(high) + 1) for _, low, high in limits)
    names = [index for index, _, _ in limits]
    return (dict(zip(names, map(sp.Integer, place), strict=True)) for place in product(*ranges))


class _Printed(sp.Expr):  # type: ignore[misc]
    """Base of what `lambdify` prints by a method of its own, `_code`."""

    is_commutative = True

    def __new__(cls, *parts: Any) -> Any:
        return super().__new__(cls, *map(sp.sympify, parts))

    def _code(self, printer: Any) -> str:
        raise NotImplementedError

    def _pythoncode(self, printer: Any) -> str:
        return self._code(printer)

    _numpycode = _scipycode = _pythoncode


class Table(_Printed):
    """Table(body, (i, low, high), ...): the array of body over i = low..high, as limits of Sum.

    >>> import sympy as sp
    >>> x, i, n = sp.IndexedBase("x"), sp.Symbol("i", integer=True), sp.Symbol("n", integer=True)
    >>> Table(2 * x[i], (i, 0, n - 1)).subs(n, 2).doit()
    [2*x[0], 2*x[1]]
    """

    @property
    def limits(self) -> tuple[Any, ...]:
        """The bound indices with their ends."""
        return tuple(self.args[1:])

    @property
    def bound_symbols(self) -> list[Any]:
        """The bound indices, as of SymPy's own binders."""
        return [limit[0] for limit in self.limits]

    @property
    def free_symbols(self) -> set[Any]:
        """Everything that occurs free."""
        bound = set(self.bound_symbols)
        ends = (part.free_symbols for limit in self.limits for part in limit[1:])
        inside = {s for s in self.args[0].free_symbols if s.is_Symbol or not s.free_symbols & bound}
        return (inside - bound).union(*ends)

    def entry(self, *places: Any) -> Any:
        """The body at a place; no `[]`, which would make it a sequence without an end."""
        chosen = dict(zip(self.bound_symbols, places, strict=True))
        return self.args[0].subs(chosen, simultaneous=True)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        if old in self.bound_symbols:
            return self
        if new.free_symbols & set(self.bound_symbols):
            fresh = {index: sp.Dummy(index.name, integer=True) for index in self.bound_symbols}
            return self.xreplace(fresh)._subs(old, new)
        return None

    def _eval_derivative(self, by: Any) -> Any:
        return Table(self.args[0].diff(by), *self.limits)

    def doit(self, **hints: Any) -> Any:
        """An ImmutableDenseNDimArray where all ends are integers."""
        body = self.args[0].doit(**hints)
        places = written_out(self.limits)
        if places is None:
            return Table(body, *self.limits)
        shape = [int(high) - int(low) + 1 for _, low, high in self.limits]
        return sp.ImmutableDenseNDimArray([body.subs(place).doit() for place in places], shape)

    def _code(self, printer: Any) -> str:
        text = printer._print(self.args[0])
        for index, low, high in reversed(self.limits):
            ends = f"{printer._print(low)}, {printer._print(high + 1)}"
            text = f"[{text} for {printer._print(index)} in range({ends})]"
        return f"{printer._module_format('numpy.array')}({text})"


class _OfMatrix(_Printed):
    """Base of what is read off a square Table."""

    is_real = True

    def _matrix(self, **hints: Any) -> Any:
        entries = self.args[0].doit(**hints)
        return None if isinstance(entries, Table) else sp.Matrix(entries.tolist())


class LogDet(_OfMatrix):
    """LogDet(M) = log |det M| of a square Table M."""

    def _eval_derivative(self, by: Any) -> Any:
        """d log |det M| = tr(M^-1 dM)"""
        matrix = self.args[0]
        (i, *_), (j, *_) = matrix.limits
        body = InverseEntry(matrix, j, i) * matrix.args[0].diff(by)
        return sp.Sum(body, *matrix.limits)

    def doit(self, **hints: Any) -> Any:
        """log |det M| written out where the size is an integer."""
        matrix = self._matrix(**hints)
        return self if matrix is None else sp.log(sp.Abs(matrix.det(method="berkowitz")))

    def _code(self, printer: Any) -> str:
        slogdet = printer._module_format("numpy.linalg.slogdet")
        return f"{slogdet}({printer._print(self.args[0])})[1]"


class InverseEntry(_OfMatrix):
    """InverseEntry(M, i, j): an entry of the inverse of a square Table, counted from 0."""

    def _eval_derivative(self, by: Any) -> Any:
        """d M^-1 = -M^-1 dM M^-1"""
        matrix, row, column = self.args
        change = matrix.args[0].diff(by)
        if change == 0:
            return sp.S.Zero
        (i, *_), (j, *_) = matrix.limits
        left, right = InverseEntry(matrix, row, i), InverseEntry(matrix, j, column)
        return -sp.Sum(left * change * right, *matrix.limits)

    def doit(self, **hints: Any) -> Any:
        """A quotient of determinants where the size is an integer."""
        matrix, (row, column) = self._matrix(**hints), self.args[1:]
        if matrix is None or not (row.is_Integer and column.is_Integer):
            return self
        cofactor = matrix.cofactor(int(column), int(row), method="berkowitz")
        return cofactor / matrix.det(method="berkowitz")

    def _code(self, printer: Any) -> str:
        matrix, row, column = map(printer._print, self.args)
        return f"{printer._module_format('numpy.linalg.inv')}({matrix})[{row}, {column}]"


class Applied(_Printed):
    """Applied(m, (d, ...), (u, v, ...)): m(d, ..., u, v, ...), an entry of an abstract function.

    The arguments u, v are whole arrays (Table or IndexedBase) or scalars.
    """

    def _eval_derivative(self, by: Any) -> Any:
        if not (self.free_symbols & by.free_symbols):
            return sp.S.Zero
        raise NotImplementedError(
            f"{self.args[0]} is abstract and its arguments have symbolic sizes: give the sizes"
        )

    def _call(self, printed: Any) -> str:
        name, places, arguments = self.args
        return f"{name}({', '.join(map(printed, (*places, *arguments)))})"

    def _code(self, printer: Any) -> str:
        return self._call(printer._print)

    def _sympystr(self, printer: Any) -> str:
        return self._call(printer._print)
