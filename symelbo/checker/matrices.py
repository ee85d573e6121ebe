"""Matrices: inverses, log-determinants, and what is symmetric, definite or invertible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .domains import domain_of
from .polynomial import UNIT, Monomial, Poly, add_polys, scale_poly
from .sums import Sums
from .terms import NotShown, RawIndex

__all__ = ["Matrices"]


class Matrices(Sums):
    """Rules for matrices; what is inverted is shown to be definite, or is assumed invertible."""

    def symmetric(self, array: tuple[Any, Any]) -> bool:
        """Whether a matrix is its own transpose, in normal form.

        >>> F.symmetric(F.array((k, l), poly(s(k, l)))), F.symmetric(F.array((k, l), poly(w(k, l))))
        (True, False)
        """
        (i, j), frozen = array
        k = self.new(i)
        swapped = self.replace(self.replace(self.replace(dict(frozen), {i: k}), {j: i}), {k: j})
        return swapped == dict(frozen)

    def posdef(self, array: tuple[Any, Any]) -> bool:
        """Sums of positive multiples of posdef entries, positive diagonals and Gram matrices.

        >>> F.posdef(F.array((k, l), poly(sum_of(("d", k, l), ("S", i, ("*", w(i, k), w(i, l)))))))
        True
        >>> F.posdef(F.array((k, l), poly(w(k, l))))
        False
        """
        if array in self.assumed_posdef:
            return True
        (i, j), frozen = array
        definite = False
        for m, c in frozen:
            if c <= 0:
                return False
            core = [(a, e) for a, e in m if self.variables[a] & {i, j}]
            scale = self.monomial_sign(tuple(x for x in m if x not in core))
            if not scale:
                return False
            strict = False
            deltas = [a for a, e in core if self.atoms[a] in (("d", i, j), ("d", j, i))]
            others = [(a, e) for a, e in core if a not in deltas]
            if deltas:
                sign = self.monomial_sign(tuple(others))
                if not sign:
                    return False
                strict = sign == "+"
            elif len(core) == 1 and core[0][1] == 1 and self._pair(core[0][0]) == {i, j}:
                strict = True
            elif not self._gram(tuple(core), i, j):
                return False
            definite = definite or (strict and scale == "+")
        return definite

    def jacobian(self, array: tuple[Any, Any]) -> bool:
        """The square Jacobian of an abstract map that is assumed to be invertible everywhere."""
        (i, j), frozen = array
        if len(frozen) != 1 or frozen[0][1] != 1 or len(frozen[0][0]) != 1:
            return False
        a, exponent = frozen[0][0][0]
        atom = self.atoms[a]
        if atom[0] != "A" or exponent != 1 or len(atom[5]) != 1:
            return False
        if not domain_of(atom[2]).is_invertible:
            return False
        ((slot, at),) = atom[5]
        # a part of the Jacobian need not be invertible
        whole = i[2:] == (1, *atom[2][1:]) and [v[2:] for v in atom[3][slot][0]] == [j[2:]]
        return whole and tuple(atom[4]) == (i,) and tuple(at) == (j,)

    def _pair(self, a: int) -> set[RawIndex]:
        atom = self.atoms[a]
        if atom[0] == "v" and domain_of(atom[2]).is_definite:
            return set(atom[3][-2:]) if not set(atom[3][:-2]) & set(atom[3][-2:]) else set()
        if atom[0] == "Inv" and self.posdef(atom[1]):
            return {atom[2], atom[3]}
        return set()

    def _gram(self, core: Monomial, i: RawIndex, j: RawIndex) -> bool:
        """w(i) w(j), or a sum_k w_k(i) w_k(j), times what has a sign."""
        if len(core) == 1 and core[0][1] == 1 and self.atoms[core[0][0]][0] == "S":
            core = self.atoms[core[0][0]][2]
        left = [(b, e) for b, e in core if i in self.variables[b]]
        right = [(b, e) for b, e in core if j in self.variables[b]]
        rest = tuple((b, e) for b, e in core if not self.variables[b] & {i, j})
        if set(left) & set(right) or not left or not self.monomial_sign(rest):
            return False
        moved = self.replace({tuple(sorted(left)): 1}, {i: j})
        return moved == {tuple(sorted(right)): 1}

    def inverse(
        self, variables: Sequence[RawIndex], body: Poly, row: RawIndex, column: RawIndex
    ) -> Poly:
        """Entries of A^-1: (s A)^-1 = A^-1/s, diagonal, inverse of an inverse, symmetric.

        >>> show(F.inverse((k, l), poly(("*", a, s(k, l))), i, j))
        'a^-1*Inv(s[#1.0,#1.1])[i,j]'
        >>> F.inverse((k, l), poly(w(k, l)), i, j)
        Traceback (most recent call last):
            ...
        symelbo.checker.work.NotShown: a matrix not shown to be invertible
        """
        i, j = variables
        if i[2:] != j[2:]:
            raise NotShown("the inverse of a matrix that is not square")
        if len(body) == 1:
            ((m, c),) = body.items()
            outer = tuple(x for x in m if not self.variables[x[0]] & {i, j})
            inner = tuple(x for x in m if self.variables[x[0]] & {i, j})
            if outer or c != 1:
                scale = self.power({outer: c}, -1)
                return self.mul(scale, self.inverse(variables, {inner: 1}, row, column))
            deltas = [x for x in inner if self.atoms[x[0]] in (("d", i, j), ("d", j, i))]
            if deltas:
                rest: Poly = {tuple(x for x in inner if x not in deltas): 1}
                self.power(self.replace(rest, {j: i}), -1)  # every place may be inverted
                diagonal = self.power(self.replace(rest, {i: row, j: row}), -1)
                return self.mul(diagonal, self.delta(row, column))
            if len(inner) == 1 and inner[0][1] == 1:
                atom = self.atoms[inner[0][0]]
                if atom[0] == "Inv" and (atom[2], atom[3]) == (i, j) and atom[1][0][0][2:] == i[2:]:
                    (k, m_), frozen = atom[1]
                    return self.replace(dict(frozen), {k: row, m_: column})
        array = self.array(variables, body)
        if not self.posdef(array) and not self.jacobian(array):
            raise NotShown("a matrix not shown to be invertible")
        if self.symmetric(array):
            row, column = sorted((row, column), key=repr)
        return self.atom(("Inv", array, row, column))

    def logdet(self, variables: Sequence[RawIndex], body: Poly) -> Poly:
        """log|s A| = n log s + log|A|, log|A^-1| = -log|A|, log|diag| = sum of logs.

        >>> show(F.logdet((k, l), poly(("*", a, ("d", k, l)))))
        'D*log(a)'
        """
        i, j = variables
        if i[2:] != j[2:]:
            raise NotShown("the determinant of a matrix that is not square")
        if len(body) == 1:
            ((m, c),) = body.items()
            outer = tuple(x for x in m if not self.variables[x[0]] & {i, j})
            inner = tuple(x for x in m if self.variables[x[0]] & {i, j})
            if (outer or c != 1) and c > 0 and self.monomial_sign(outer) == "+":
                length = self.total([i], UNIT)
                scaled = self.mul(length, self.log({outer: c}))
                return add_polys(scaled, self.logdet(variables, {inner: 1}))
            deltas = [x for x in inner if self.atoms[x[0]] in (("d", i, j), ("d", j, i))]
            rest: Poly = {tuple(x for x in inner if x not in deltas): 1}
            if deltas and not outer and c == 1 and self.positive(rest):
                return self.total([i], self.log(self.replace(rest, {j: i})))
            if len(inner) == 1 and inner[0][1] == 1 and not outer and c == 1:
                atom = self.atoms[inner[0][0]]
                whole = atom[0] == "Inv" and atom[1][0][0][2:] == i[2:]
                if whole and (atom[2], atom[3]) == (i, j):
                    return scale_poly(self.logdet(atom[1][0], dict(atom[1][1])), -1)
        array = self.array(variables, body)
        if not self.posdef(array):
            raise NotShown("a matrix not shown to be invertible")
        return self.atom(("LD", array))
