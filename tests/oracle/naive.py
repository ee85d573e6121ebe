"""A second, slow solver for the cases without choices, to test `rank` with.

Every unknown is a column: velocities per parameter point, b per value, H~ per group; derivatives
are central differences of 1e-30 in 100 digits; other points, no centring, no compression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint
import numpy as np

from tests.oracle import tape
from tests.oracle.families import Value
from tests.oracle.sampling import sample_values
from tests.oracle.spec import Factor, Instance, World, draw
from tests.oracle.tape import Array, Num

STEP = 30


class Naive:
    """Rows (factor, parameter point, parents, value) for one instance without q and inputs."""

    def __init__(self, instance: Instance, points: int, parents: int, values: int) -> None:
        self.instance = instance
        self.points, self.parents, self.values = points, parents, values
        self.rng = instance.rng("naive")
        self.thetas = {
            name: draw(self.rng, kind.base, instance.shapes[name], (points,))
            for name, kind in instance.model.parameters.items()
        }

    def assignments(self, factor: Factor) -> tuple[dict[Any, Array], Array, Array]:
        """(values of every entry by row, group of every row, value of every row)"""
        instance, rng = self.instance, self.rng
        own = sample_values(factor.support, self.values, rng)
        others = [f for f in instance.factors if f is not factor]
        rows: dict[Any, list[Any]] = {}
        group, which = [], []
        for t in range(self.points):
            for p in range(self.parents):
                around = {}
                for f in others:
                    some = sample_values(f.support, 7, rng)
                    around[f] = some[rng.integers(len(some))]
                for i, v in enumerate(own):
                    for f, x in (*around.items(), (factor, v)):
                        for entry in f.entries:
                            tail = tuple(j - 1 for j in entry[len(f.place) :])
                            rows.setdefault(("z", f.node, entry), []).append(x[tail])
                    for name, theta in self.thetas.items():
                        for place in np.ndindex(theta.shape[1:]):
                            key = ("p", name, tuple(j + 1 for j in place))
                            rows.setdefault(key, []).append(theta[(t, *place)])
                    group.append((t, t * self.parents + p))
                    which.append(i)
        return {k: np.array(v) for k, v in rows.items()}, np.array(group), np.array(which)

    def density(self, factor: Factor, rows: dict[Any, Array]) -> Array:
        values: dict[str, Value] = {}
        instance = self.instance
        for (_, name, place), x in rows.items():
            shape = instance.shapes[name]
            n = Num(x)
            if not shape:
                values[name] = n
            else:
                if name not in values:
                    values[name] = np.full(shape, None, dtype=object)
                values[name][tuple(j - 1 for j in place)] = n  # type: ignore[index]
        for name, c in instance.constants.items():
            from tests.oracle.spec import boxed

            values[name] = boxed(c)
        world = World(values, instance)
        found, valid = instance.log_density(factor.statement, factor.loops, factor.place, world)
        x = np.broadcast_to(found.x, len(next(iter(rows.values()))))
        missing = np.asarray(flint.arb("nan"), dtype=object)
        return np.asarray(np.where(np.broadcast_to(valid, x.shape), x, missing))

    def slopes(self, factor: Factor, rows: dict[Any, Array]) -> dict[Any, Array]:
        """Derivatives along every admissible direction."""
        h = flint.arb(10) ** -STEP
        directions: dict[Any, list[tuple[Any, Any]]] = {}
        moves = {f.node: f for f in self.instance.factors}
        for key, x in rows.items():
            tag, name, place = key
            if tag == "p":
                base = self.instance.model.parameters[name].base
                size = self.instance.shapes[name][-1] if place else 0
                if base == "simplex":
                    if place[-1] < size:
                        directions[key] = [(key, 1), (("p", name, (*place[:-1], size)), -1)]
                elif base == "posdef":
                    if place[-1] >= place[-2]:
                        turned = ("p", name, (*place[:-2], place[-1], place[-2]))
                        directions[key] = [(k, 1) for k in {key, turned}]
                else:
                    directions[key] = [(key, 1)]
            elif not moves[name].observed:
                kind = moves[name].support.kind
                if kind in ("real", "vector", "angle"):
                    directions[("s", name, place)] = [(key, 1)]
                if kind in ("real", "vector"):
                    directions[("r", name, place)] = [(key, x)]
                if kind in ("positive", "lower"):
                    low = moves[name].support.lower
                    directions[("r", name, place)] = [(key, x - flint.arb(low))]
                if kind == "posdef":
                    directions.setdefault(("r", name, ()), []).append((key, x))
        out = {}
        for direction, changes in directions.items():
            up, down = dict(rows), dict(rows)
            for key, x in changes:
                up[key] = up[key] + h * x
                down[key] = down[key] - h * x
            out[direction] = (self.density(factor, up) - self.density(factor, down)) / (2 * h)
        return out

    def distance(self, options: Mapping[str, str], constant: bool) -> float:
        """Relative distance of log p from the reach of all columns.

        options: how the latent of a label moves, as in `rank`; "any" with `constant`.
        """
        columns: dict[Any, dict[int, float]] = {}
        y: list[float] = []
        factor_of = {(f.node, e): f for f in self.instance.factors for e in f.entries}
        tags = {"rest": "", "moving": "rs", "any": "rs", "linear": "s", "log": "r"}

        def allowed(key: Any) -> bool:
            if key[0] == "p":
                return True
            owner = factor_of[key[1], key[2]] if key[2] or (key[1], ()) in factor_of else None
            owner = owner or next(f for f in self.instance.factors if f.node == key[1])
            return key[0] in tags[options.get(owner.label, "rest")]

        for f, factor in enumerate(self.instance.factors):
            with tape.high_precision(), np.errstate(all="ignore"):
                raw, group, which = self.assignments(factor)
                rows = {k: tape.field(v) for k, v in raw.items()}
                left = self.density(factor, rows)
                slopes = self.slopes(factor, rows)
                plain = np.array([float(x) for x in left])
                table = {
                    k: np.array([float(x) for x in a]) for k, a in slopes.items() if allowed(k)
                }
            good = np.isfinite(plain)
            base = self.base(factor, options.get(factor.label, "rest"), raw, which)
            for g in set(map(tuple, group)):
                inside = (group == g).all(1)
                good[inside] &= good[inside].all()
            for i in np.flatnonzero(good):
                at = len(y)
                t, g = group[i]
                mates = (group == group[i]).all(1)
                weight = 1 / max(1.0, *(np.abs(a[mates]).max() for a in (plain, *table.values())))
                y.append(plain[i] * weight)
                columns.setdefault(("H", f, g), {})[at] = weight
                for k, b in {} if constant else base[i].items():
                    columns.setdefault(("b", f, k), {})[at] = weight * b
                for k, a in table.items():
                    columns.setdefault((k, t), {})[at] = a[i] * weight
        matrix = np.zeros((len(y), len(columns)))
        for j, column in enumerate(columns.values()):
            matrix[list(column), j] = list(column.values())
        norms = np.sqrt((matrix**2).sum(0))
        matrix /= np.where(norms > 0, norms, 1)
        right = np.array(y)
        u, s, _ = np.linalg.svd(matrix, full_matrices=False)
        u = u[:, s > 1e-11 * s[0]]
        rest = right - u @ (u.T @ right)
        return float(np.linalg.norm(rest)) / max(float(np.linalg.norm(right)), 1e-300)

    def base(
        self, factor: Factor, option: str, raw: dict[Any, Array], which: Array
    ) -> list[dict[Any, float]]:
        """The base measures of an option, row by row."""
        if option == "rest":
            return [{i: 1.0} for i in which]
        v = raw["z", factor.node, factor.entries[0]] - factor.support.lower
        if option == "linear":
            return [{"v": x} for x in v]
        if option == "log" and factor.support.kind == "posdef":
            size = factor.support.event[0]
            entries = [raw["z", factor.node, e] for e in factor.entries]
            matrices = np.stack(entries, -1).reshape(-1, size, size)
            return [{"log": x} for x in np.linalg.slogdet(matrices)[1]]
        if option == "log":
            return [{"log": np.log(abs(x)), "sign": np.sign(x)} for x in v]
        return [{} for _ in v]
