"""Sums: substitution of indices, deltas, nested sums, and sums in canonical form.

A sum is kept as connected components with canonical bound names (#height.number); ranges of one
size are cut at the places where they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

from .domains import domain_of
from .functions import Functions
from .polynomial import UNIT, Monomial, Poly, Rational, accumulate, add_polys, freeze, rational_of
from .terms import NUMBERED, NotShown, Raw, RawIndex, bound_index, is_bound, map_index, shift

__all__ = ["MAX_EXPANDED", "Sums", "pieces_of"]

MAX_EXPANDED = 64  # places of a range of concrete length, if it is written out at all


def pieces_of(low: int, size: str, offset: int, core: tuple[int, int] | None) -> list[Any]:
    """The places a range has outside its core, then the core.

    >>> pieces_of(1, "C", 0, (1, -1))
    [('p', 'C', 0), (1, -1)]
    """
    if core is None or not size or low > core[0] or offset < core[1]:
        return [(low, offset)]  # a range that does not contain the common one stays whole
    points = [("p", "", k) for k in range(low, core[0])]
    points += [("p", size, k) for k in range(core[1] + 1, offset + 1)]
    return [*points, core]


def _tied(colours: Mapping[RawIndex, int]) -> list[RawIndex]:
    """The indices of the least colour that several have, in the order of the mapping."""
    cells: dict[int, list[RawIndex]] = {}
    for v, colour in colours.items():
        cells.setdefault(colour, []).append(v)
    return next((cells[colour] for colour in sorted(cells) if len(cells[colour]) > 1), [])


def _put_first(colours: Mapping[RawIndex, int], first: RawIndex) -> dict[RawIndex, int]:
    """The same colours, that of one index just before those that it was the same as."""
    return {v: 2 * colour - (v == first) for v, colour in colours.items()}


class Sums(Functions):
    """Rules for sums over ranges of symbolic or concrete length."""

    longest = MAX_EXPANDED

    def is_written_out(self, low: int, high: int) -> bool:
        """Whether a sum from low to high is taken place by place; a long one stays a sum, as over
        a range of symbolic length.

        >>> F.is_written_out(1, 64), F.is_written_out(1, 65)
        (True, False)
        """
        return high - low < self.longest

    # what the rules for matrices decide

    def symmetric(self, array: tuple[Any, Any]) -> bool:
        """Whether a matrix is its own transpose."""
        raise NotImplementedError

    def inverse(
        self, variables: Sequence[RawIndex], body: Poly, row: RawIndex, column: RawIndex
    ) -> Poly:
        """An entry of the inverse of a matrix."""
        raise NotImplementedError

    def logdet(self, variables: Sequence[RawIndex], body: Poly) -> Poly:
        """log |det| of a matrix."""
        raise NotImplementedError

    # ------------------------------------------------------------------- substitution

    def index_value(self, index: RawIndex) -> Poly:
        """An index as a number: i + n, C + n, n.

        >>> show(F.index_value(("o", i, 2)))
        'i + 2'
        """
        if index[0] == "p":
            number: Poly = {(): index[2]} if index[2] else {}
            return add_polys(number, self.atom(("n", index[1]))) if index[1] else number
        if index[0] == "o":
            return add_polys(self.index_value(index[1]), {(): index[2]})
        return self.atom(("iv", index))

    def entry(self, raw: Raw) -> Poly:
        """An entry, or its value; S[i, j] = S[j, i] of a symmetric matrix; a sole share is 1.

        Of two shares the last is 1 - p_1.

        >>> F.entry(s(i, j)) == F.entry(s(j, i))
        True
        """
        _, name, kind, where = raw
        if kind[1:] == ("", 1) and domain_of(kind).sums_to_one:
            return dict(UNIT)
        if kind[1:] == ("", 2) and where[-1] == ("p", "", 2) and domain_of(kind).sums_to_one:
            first = (*raw[:3], (*where[:-1], ("p", "", 1)))
            return add_polys(dict(UNIT), self.entry(first), -1)
        if self.values and all(i[0] == "p" and i[1] == "" for i in where):
            value = self.values.get((name, tuple(i[2] for i in where)))
            if value is not None:
                return {(): rational_of(value)} if value else {}
        if domain_of(kind).is_definite:
            where = (*where[:-2], *sorted(where[-2:], key=repr))
        return self.atom(("v", name, kind, where))

    def replace(self, poly: Poly, what: Mapping[RawIndex, RawIndex]) -> Poly:
        """Index variables replaced everywhere, in normal form again.

        >>> show(F.replace(poly(v(i)), {i: j}))
        'v[j]'
        """
        self.spend(len(poly))
        keys = frozenset(what)
        moved = self.moved.setdefault(tuple(what.items()), {})
        result: Poly = {}
        for m, c in poly.items():
            exponents: dict[int, Rational] = {}
            sums: list[Poly] = []  # what was one atom is several
            scale = c
            for a, e in m:
                new: Poly = {((a, e),): 1}
                if self.variables[a] & keys:
                    if a not in moved:
                        moved[a] = self.rebuild(a, what)
                    new = moved[a] if e == 1 else self.power_known(moved[a], e)
                if len(new) != 1:
                    sums.append(new)
                    continue
                ((n, by),) = new.items()
                scale = rational_of(scale * by)
                for b, x in n:
                    self._set(exponents, b, rational_of(exponents.get(b, 0) + x))
            product_ = self.reduce(exponents)
            for new in sums:
                product_ = self.mul(product_, new)
            result = accumulate(result, product_, scale)
        return result

    def power_known(self, poly: Poly, e: Rational) -> Poly:
        """A power of what replaces an atom that was already shown to admit it."""
        if len(poly) == 1:
            ((m, c),) = poly.items()
            if len(m) == 1 and c == 1:
                return self.reduce({m[0][0]: rational_of(m[0][1] * e)})
        return self.power(poly, e)

    def rebuild(self, a: int, what: Mapping[RawIndex, RawIndex]) -> Poly:
        """An atom with indices replaced, in normal form again."""
        self.spend(2)
        atom = self.atoms[a]
        what = {i: what[i] for i in self.variables[a] if i in what}
        head = atom[0]
        if head == "iv":
            return self.index_value(map_index(atom[1], what))
        if head == "v":
            return self.entry((*atom[:3], tuple(map_index(i, what) for i in atom[3])))
        if head == "d":
            return self.delta(map_index(atom[1], what), map_index(atom[2], what))
        if head == "f":
            return self.call(atom[1], [self.replace(dict(p), what) for p in atom[2:]])
        if head == "H":
            return self.hold(self.replace(dict(atom[1]), what))
        if head == "P":
            new = self.replace(dict(atom[1]), what)
            monomial, c, prime = self.content(new)
            if monomial or c != 1 or prime == UNIT:
                return new
            return self.atom(("P", freeze(prime)))
        if head == "S":
            return self.rebuild_sum(a, what)
        if head in ("Inv", "LD"):
            variables, body = self._put_under(atom[1], what)
            if head == "LD":
                return self.logdet(variables, body)
            return self.inverse(variables, body, map_index(atom[2], what), map_index(atom[3], what))
        if head == "A":
            arrays = tuple(self.array(*self._put_under(array, what)) for array in atom[3])
            where = tuple(map_index(i, what) for i in atom[4])
            slots = tuple(sorted((s, tuple(map_index(i, what) for i in w)) for s, w in atom[5]))
            return self.atom((*atom[:3], arrays, where, slots))
        raise NotShown(f"unknown atom {head}")

    def rebuild_sum(self, a: int, what: Mapping[RawIndex, RawIndex]) -> Poly:
        """A sum with free indices replaced.

        Where only names are exchanged for others, and the order of the bound indices does not
        depend on names, it is in canonical form as it is: so a nest of sums is renamed at once.

        >>> show(F.replace(poly(("S", k, ("*", v(k), w(k, i)))), {i: j}))
        'sum[#1.0=1..D](v[#1.0]*w[#1.0,j])'
        """
        atom = self.atoms[a]
        if a in self.rigid and self._renames(a, what):
            body = self.replace({atom[2]: 1}, what)
            if len(body) == 1:
                ((monomial, c),) = body.items()
                number = self.intern(("S", atom[1], monomial))
                self.rigid.add(number)
                return {((number, 1),): c}
        bound, body = self.open(atom[1], {atom[2]: 1}, self._values_of(what))
        return self.total(bound, self.replace(body, what))

    def _put_under(
        self, array: tuple[Any, Any], what: Mapping[RawIndex, RawIndex]
    ) -> tuple[Sequence[RawIndex], Poly]:
        """An array with free indices replaced, capturing nothing."""
        variables, body, taken = array[0], dict(array[1]), self._values_of(what)
        if taken.intersection(variables):
            variables, body = self.open(variables, body, taken)
        return variables, self.replace(body, what)

    def _values_of(self, what: Mapping[RawIndex, RawIndex]) -> frozenset[RawIndex]:
        """The index variables that are put in."""
        return frozenset().union(*map(self._index_variables, what.values()))

    def _renames(self, a: int, what: Mapping[RawIndex, RawIndex]) -> bool:
        """Whether bound indices get other names, that a sum does not know, one to one, and of the
        same ranges.
        """
        images = set(what.values())
        return (
            len(images) == len(what)
            and not images & self.variables[a]
            and not images.intersection(self.atoms[a][1])
            and all(is_bound(v) and is_bound(i) and v[2:] == i[2:] for v, i in what.items())
        )

    def rename(
        self, monomial: Monomial, what: Mapping[RawIndex, RawIndex]
    ) -> tuple[Monomial, Rational]:
        """A monomial with bound variables renamed one to one; a sign may come out."""
        if all(v == i for v, i in what.items()):
            return monomial, 1
        renamed = self.replace({monomial: 1}, what)
        if len(renamed) != 1:
            raise NotShown("renaming an index changed the normal form")
        ((result, c),) = renamed.items()
        return result, c

    def open(
        self, variables: Sequence[RawIndex], body: Poly, taken: frozenset[RawIndex]
    ) -> tuple[list[RawIndex], Poly]:
        """(indices, body) under names that are free nowhere in it, and not taken; the same ones
        every time, so that what is done to the parts of the body is remembered.
        """
        used = taken.union(variables, *(self.variables[a] for m in body for a, _ in m))
        what: dict[RawIndex, RawIndex] = {}
        for v in variables:
            names = (bound_index(f"{v[1][1:]}.{n}", v) for n in count())
            what[v] = next(i for i in names if i not in used)
        return list(what.values()), self.replace(body, what)

    def array(self, variables: Sequence[RawIndex], poly: Poly) -> tuple[Any, Any]:
        """(indices, body) under canonical names."""
        what = self.canonical(variables, [a for m in poly for a, _ in m])
        if all(v == w for v, w in what.items()):
            return tuple(variables), freeze(poly)
        return tuple(what.values()), freeze(self.replace(poly, what))

    def canonical(
        self, variables: Sequence[RawIndex], members: Collection[int]
    ) -> dict[RawIndex, RawIndex]:
        """The names #height.number of what is bound around some atoms, none of them free there.

        >>> F.canonical([k], [])[k][1]
        '#1.0'
        """
        free = frozenset().union(*(self.variables[a] for a in members)).difference(variables)
        height = 1 + max((self.heights[a] for a in members), default=0)
        while True:
            names = (f"{height}.{k}" for k in count())
            what = {v: bound_index(n, v, NUMBERED) for v, n in zip(variables, names, strict=False)}
            if free.isdisjoint(what.values()):
                return what
            height += 1

    # ------------------------------------------------------------------------- sums

    def total(self, variables: Sequence[RawIndex], poly: Poly) -> Poly:
        """sum over the variables, the last one innermost.

        >>> show(F.total([i], poly(ONE)))
        'D'
        """
        for variable in reversed(variables):
            poly = self.total_one(variable, poly)
        return poly

    def total_one(self, variable: RawIndex, poly: Poly) -> Poly:
        """The sum over one range: place by place if it is short, else cut at its places.

        >>> show(poly(("S", of_three, ("iv", of_three))))
        '6'
        >>> show(poly(("S", ("i", "k", 1, "", 99), ONE)))
        '99'
        """
        _, _, low, size, offset = variable
        result: Poly = {}
        if not size and self.is_written_out(low, offset):
            contracted, poly = self.contract_all(variable, poly)
            for k in range(low, offset + 1):
                result = add_polys(result, self.replace(poly, {variable: ("p", "", k)}))
            return add_polys(result, contracted)
        core = self.cores.get(size)
        pieces = pieces_of(low, size, offset, core)
        if pieces != [(low, offset)]:
            for piece in pieces:
                if len(piece) == 3:
                    result = add_polys(result, self.replace(poly, {variable: piece}))
                else:
                    inner = self.new(("i", "", piece[0], size, piece[1]))
                    moved = self.replace(poly, {variable: inner})
                    result = add_polys(result, self.total_one(inner, moved))
            return result
        for m, c in poly.items():
            result = accumulate(result, self.close([variable], m), c)
        return result

    def contract_all(self, variable: RawIndex, poly: Poly) -> tuple[Poly, Poly]:
        """sum_j of the monomials that hold Inv(M)[i, j] M[j, k], contracted, and the monomials that
        do not.
        """
        contracted: Poly = {}
        others: Poly = {}
        for m, c in poly.items():
            table = dict(m)
            inverses = [a for a, e in m if self.atoms[a][0] == "Inv" and e == 1]
            found = (self.contract(a, table, [variable]) for a in inverses)
            first = next(filter(None, found), None)
            if first is None:
                others[m] = c
                continue
            _, rest, delta = first
            product_ = self.mul({tuple(sorted(rest.items())): 1}, delta)
            contracted = accumulate(contracted, product_, c)
        return contracted, others

    def close(self, bound: list[RawIndex], monomial: Monomial) -> Poly:
        """The sum of one monomial: nested sums merged, deltas contracted, components separated.

        >>> show(poly(("S", k, ("*", ("d", k, i), v(k)))))
        'v[i]'
        """
        table = dict(monomial)
        for a, e in monomial:
            if self.atoms[a][0] == "S" and e in (1, 2, 3) and self.variables[a] & set(bound):
                self._bump(table, a, -1)
                taken = frozenset(bound).union(*(self.variables[b] for b in table))
                _, inside, inner = self.atoms[a]
                variables, inner = self.open(inside, {inner: 1}, taken)
                merged = self.mul({self._sorted(table): 1}, inner)
                return self._close_all([*bound, *variables], merged)
        for a, e in table.items():
            atom = self.atoms[a]
            if atom[0] == "d" and e == 1:
                for b, other in ((atom[1], atom[2]), (atom[2], atom[1])):
                    target = self.solve(b, other, bound)
                    if target is not None:
                        variable, value = target
                        rest = {b_: x for b_, x in table.items() if b_ != a}
                        return self.again(bound, variable, rest, {variable: value})
            if atom[0] == "Inv" and e == 1:
                found = self.contract(a, table, bound)
                if found is not None:
                    variable, rest, delta = found
                    left = [v for v in bound if v != variable]
                    poly = self.mul({tuple(sorted(rest.items())): 1}, delta)
                    return self._close_all(left, poly)
                product = self.contract_product(a, table, bound)
                if product is not None:
                    gone, rest, delta = product
                    left = [v for v in bound if v not in gone]
                    poly = self.mul({tuple(sorted(rest.items())): 1}, delta)
                    return self._close_all(left, poly)
        return self.components(bound, table)

    def _close_all(self, bound: list[RawIndex], poly: Poly) -> Poly:
        result: Poly = {}
        for m, c in poly.items():
            result = accumulate(result, self.close(bound, m) if bound else {m: 1}, c)
        return result

    def again(
        self,
        bound: list[RawIndex],
        variable: RawIndex,
        rest: dict[int, Rational],
        what: Mapping[RawIndex, RawIndex],
    ) -> Poly:
        """The sum over the other indices, one being replaced by what it is equal to."""
        left = [v for v in bound if v != variable]
        return self._close_all(left, self.replace({tuple(sorted(rest.items())): 1}, what))

    def solve(
        self, left: RawIndex, right: RawIndex, bound: list[RawIndex]
    ) -> tuple[RawIndex, RawIndex] | None:
        """delta(b + n, t) -> b = t - n, if that is always in the range of b.

        >>> F.solve(("o", k, 1), ("p", "D", 0), [k])
        """
        base, by = (left[1], left[2]) if left[0] == "o" else (left, 0)
        if base not in bound or base in self._index_variables(right):
            return None
        if by and right[0] == "e":
            return None
        value = shift(right, -by)
        return (base, value) if self.inside(value, base) else None

    def contract(
        self, a: int, table: dict[int, Rational], bound: list[RawIndex]
    ) -> tuple[RawIndex, dict[int, Rational], Poly] | None:
        """sum_j Inv(c A + B)[i, j] A[j, k] -> (delta(i, k) - sum_j Inv(c A + B)[i, j] B[j, k])/c
        where A is one entry and j runs over all of it.

        >>> show(poly(("S", k, ("*", ("Inv", S, i, k), s(k, j)))))
        'delta(i,j)'
        """
        _, (variables, frozen), row, column = self.atoms[a]
        lead = self.lead_of_matrix(variables, frozen)
        if lead is None:
            return None
        pattern, scale, others = lead
        symmetric = self.symmetric((variables, frozen))
        outer = self._of_frozen(frozen) - set(variables)
        for j, i, side in ((column, row, 0), (row, column, 1)):
            # j may not select the matrix as well: sum_j Inv(M_j)[i, j] M_j[j, k] is no delta
            if j not in bound or j in outer or j[2:] != variables[0][2:]:
                continue
            if j in self._index_variables(i):
                continue  # the diagonal, or a category of j
            users = [b for b in table if j in self.variables[b]]
            if len(users) != 2 or a not in users:
                continue
            other = users[0] if users[1] == a else users[1]
            if table[other] != 1:
                continue
            for k in self._places(other):
                if j in self._index_variables(k) or not self.inside(k, variables[0]):
                    continue  # M may have more rows and columns than are inverted
                # Inv[i,j] M[j,k] or M[k,j] Inv[j,i]; either order if M is symmetric
                orders = [(j, k), (k, j)] if symmetric else [(j, k) if side == 0 else (k, j)]
                for places in orders:
                    image = self.replace(
                        {((pattern, 1),): 1}, dict(zip(variables, places, strict=True))
                    )
                    if image == {((other, 1),): 1}:
                        rest = {b: e for b, e in table.items() if b not in (a, other)}
                        beside = self.replace(others, dict(zip(variables, places, strict=True)))
                        left = self.total([j], self.mul(self._one(a), beside))
                        found = add_polys(self.delta(i, k), left, -1)
                        return j, rest, self.mul(scale, found)
        return None

    def contract_product(
        self, a: int, table: dict[int, Rational], bound: list[RawIndex]
    ) -> tuple[frozenset[RawIndex], dict[int, Rational], Poly] | None:
        """sum_jh Inv(c sum_h V[., h] W[., h])[i, j] V[j, h] W[k, h] -> delta(i, k)/c
        where j and h run over all of their ranges.

        >>> gram = ("S", c, ("*", w(k, c), w(l, c)))
        >>> F.assumed_posdef.add(F.array((k, l), poly(gram)))
        >>> inverse = ("Inv", ((k, l), gram), i, l)
        >>> show(poly(("S", l, ("S", c, ("*", inverse, w(l, c), w(j, c))))))
        'delta(i,j)'
        """
        _, (variables, frozen), row, column = self.atoms[a]
        own = frozenset(variables)
        inner = [b for m, _ in frozen for b, _ in m if self.variables[b] & own]
        if len(frozen) != 1 or len(inner) != 1 or self.atoms[inner[0]][0] != "S":
            return None
        ((monomial, c),) = frozen
        taken = frozenset(bound).union(*(self.variables[b] for b in table))
        names, body = self.open(self.atoms[inner[0]][1], {self.atoms[inner[0]][2]: 1}, taken)
        if len(names) != 1 or dict(monomial)[inner[0]] != 1:
            return None
        outer = self._of_frozen(frozen) - own
        both = self.symmetric((variables, frozen))
        for j, i, side in ((column, row, 0), (row, column, 1)):
            if j not in bound or j in outer or j[2:] != variables[0][2:]:
                continue
            for h in bound:
                if h in (j, i) or h in outer or h[2:] != names[0][2:] or h in self.variables[a]:
                    continue
                ends = {k for b in table if h in self.variables[b] for k in self._places(b)}
                for k in sorted(ends, key=repr):
                    if {j, h} & self._index_variables(k) or not self.inside(k, variables[0]):
                        continue
                    for at in [(j, k), (k, j)] if both else [(j, k) if side == 0 else (k, j)]:
                        what = dict(zip((*variables, names[0]), (*at, h), strict=True))
                        image = self.replace(body, what)
                        found = next(iter(image), ())
                        rest = {b: e for b, e in table.items() if b != a and b not in dict(found)}
                        if (
                            image == {found: 1}
                            and all(table.get(b) == e for b, e in found)
                            and not any({j, h} & self.variables[b] for b in rest)
                        ):
                            scale = tuple(x for x in monomial if x[0] != inner[0])
                            inverse = self.power({scale: c}, -1) if scale or c != 1 else UNIT
                            return frozenset((j, h)), rest, self.mul(inverse, self.delta(i, k))
        return None

    def lead_of_matrix(
        self, variables: Sequence[RawIndex], frozen: tuple[Any, ...]
    ) -> tuple[int, Poly, Poly] | None:
        """c A + B -> A, 1/c, B where A is an entry of what does not occur in B.

        >>> body = poly(sum_of(("*", a, s(k, l)), ("*", v(k), v(l))))
        >>> entry, scale, others = F.lead_of_matrix((k, l), tuple(body.items()))
        >>> F.atoms[entry][1], show(scale), others == poly(("*", v(k), v(l)))
        ('s', 'a^-1', True)
        """
        own = frozenset(variables)
        for m, c in frozen:
            inner = [(b, e) for b, e in m if self.variables[b] & own]
            if len(inner) != 1 or inner[0][1] != 1 or self.atoms[inner[0][0]][0] not in ("v", "A"):
                continue
            entry = inner[0][0]
            others = {other: x for other, x in frozen if other != m}
            if any(self.atoms[b][:2] == self.atoms[entry][:2] for b in self.all_atoms(others)):
                continue
            outer = tuple(x for x in m if x[0] != entry)
            try:
                return entry, self.power({outer: c}, -1) if outer or c != 1 else UNIT, others
            except NotShown:
                continue
        return None

    def _places(self, a: int) -> list[RawIndex]:
        atom = self.atoms[a]
        if atom[0] == "v":
            return list(dict.fromkeys(atom[3]))
        if atom[0] == "A":
            derived = (place for _, where in atom[5] for place in where)
            return list(dict.fromkeys((*atom[4], *derived)))
        return []

    def components(self, bound: list[RawIndex], table: dict[int, Rational]) -> Poly:
        """A product of sums that share no bound index.

        >>> show(poly(("S", k, ("S", l, ("*", v(k), v(l))))))
        'sum[#1.0=1..D](v[#1.0])^2'
        """
        result = UNIT
        place = {v: n for n, v in enumerate(bound)}
        inside = {a: [v for v in self.variables[a] if v in place] for a in table}
        holders: dict[RawIndex, list[int]] = {v: [] for v in bound}
        for a, met in inside.items():
            for v in met:
                holders[v].append(a)
        seen: set[RawIndex] = set()
        for start in bound:
            if start in seen:
                continue
            seen.add(start)
            group: list[RawIndex] = [start]
            members: dict[int, Rational] = {}
            for v in group:  # which grows
                for a in holders[v]:
                    members[a] = table[a]
                    more = sorted((w for w in inside[a] if w not in seen), key=place.__getitem__)
                    seen.update(more)
                    group += more
            result = self.mul(result, self.component(group, members))
        free = {a: e for a, e in table.items() if not inside[a]}
        if free:
            result = self.mul(result, {tuple(sorted(free.items())): 1})
        return dict(result)

    def component(self, group: list[RawIndex], members: dict[int, Rational]) -> Poly:
        """A sum whose indices are all connected, under its smallest canonical names; sum 1 = D.

        >>> show(F.component([k], {}))
        'D'
        """
        if not members:  # sum of 1: the length of the range
            ((_, _, low, size, offset),) = group
            if self.length_at_least(group[0]) < 0:
                index = bound_index("1.0", ("i", "", low, size, offset), NUMBERED)
                return self.atom(("S", (index,), ()))
            more: Poly = {(): offset - low + 1} if offset - low + 1 else {}
            return add_polys(self.atom(("n", size)), more) if size else more
        simplex = self.simplex(group, members)
        if simplex is not None:
            return simplex
        ranges = sorted({v[2:] for v in group})
        start = self.refine({v: ranges.index(v[2:]) for v in group}, members)
        found = (self._named(order, members) for order in self._orders(start, members))
        image, c, names = min(found, key=lambda one: one[0])
        number = self.intern(("S", names, image))
        if not _tied(start):
            self.rigid.add(number)
        return {((number, 1),): c}

    def _named(
        self, order: Sequence[RawIndex], members: Mapping[int, Rational]
    ) -> tuple[Monomial, Rational, tuple[RawIndex, ...]]:
        """A product under the names of this order of its indices, its factor, and these names."""
        what = self.canonical(order, members)
        return *self.rename(tuple(sorted(members.items())), what), tuple(what.values())

    def _orders(
        self, colours: Mapping[RawIndex, int], members: Mapping[int, Rational]
    ) -> list[list[RawIndex]]:
        """Orders of the indices, of which one gives the smallest names.

        Those that give one image are symmetric to each other: the first stands for all.
        """
        found: dict[Monomial, dict[RawIndex, int]] = {}
        for v in _tied(colours):
            following = self.refine(_put_first(colours, v), members)
            found.setdefault(self._named(self._order(following, members), members)[0], following)
        if not found:
            return [self._order(colours, members)]
        return [order for each in found.values() for order in self._orders(each, members)]

    def _order(
        self, colours: Mapping[RawIndex, int], members: Mapping[int, Rational]
    ) -> list[RawIndex]:
        """The indices in the order of their colours, the first of those that are tied first."""
        while cell := _tied(colours):
            colours = self.refine(_put_first(colours, cell[0]), members)
        return sorted(colours, key=colours.__getitem__)

    def refine(
        self, colours: dict[RawIndex, int], members: Mapping[int, Rational]
    ) -> dict[RawIndex, int]:
        """Indices told apart by the atoms that they are in, and these by the colours in them.

        Renaming the indices renames the result.  Terminates: every round has more colours.

        >>> [F.refine({k: 0, l: 0}, e)[k] for e in ({a: 1 for (a, _), in poly(v(l))}, {})]
        [0, 0]
        """
        while len(set(colours.values())) < len(colours):
            signs: dict[RawIndex, Any] = {v: [] for v in colours}
            for a, e in members.items():
                atom = self.atoms[a]
                inside = [v for v in self.variables[a] if v in colours]
                for v in inside:
                    if atom[0] == "v":
                        at = [-1 if i == v else colours.get(i, -2) for i in atom[3]]
                    else:
                        at = sorted(colours[i] for i in inside if i != v)
                    signs[v].append((self.skeleton_of(a), str(e), at))
            self.spend(len(members) + sum(map(len, signs.values())))
            known = {v: (colour, sorted(signs[v])) for v, colour in colours.items()}
            ordered = sorted(known.values())
            finer = {v: ordered.index(sign) for v, sign in known.items()}
            if len(set(finer.values())) == len(set(colours.values())):
                break
            colours = finer
        return colours

    def simplex(self, group: list[RawIndex], members: dict[int, Rational]) -> Poly | None:
        """sum_{i<=C} p_i -> 1 and sum_{i<=C-1} p_i -> 1 - p_C on a simplex.

        >>> show(poly(("S", c, pi(c))))
        '1'
        """
        if len(group) != 1 or list(members.values()) != [1]:
            return None
        (a,) = members
        atom = self.atoms[a]
        if atom[0] != "v" or not domain_of(atom[2]).sums_to_one or atom[3][-1] != group[0]:
            return None
        if any(group[0] in self._index_variables(i) for i in atom[3][:-1]):
            return None
        _, size, end = atom[2]
        _, _, low, over, offset = group[0]
        if over != size or offset > end or self.length_at_least(group[0]) < 0:
            return None
        result = dict(UNIT)
        outside = [("p", "", k) for k in range(1, low)]
        outside += [("p", size, k) for k in range(offset + 1, end + 1)]
        for place in outside:
            result = add_polys(result, self.entry((*atom[:3], (*atom[3][:-1], place))), -1)
        return result
