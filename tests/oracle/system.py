"""The linear system of criterion (U), solved case by case, and how far a case is from a solution.

Float64 decides where the relative distance is below 1e-11, or above 1e-5 with a clear rank; what
lies between is solved again in 100 digits from the same points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import flint
import numpy as np

from tests.oracle import tape
from tests.oracle.sampling import Block, Column, Sampler, floats
from tests.oracle.spec import Instance, Unsupported
from tests.oracle.tape import Array

Verdict = Literal["HOLDS", "FAILS", "UNCLEAR"]

SURE, DOUBT = 1e-5, 1e-11  # relative distances that decide in float64
ZERO, NOT_ZERO = 1e-50, 1e-36  # the same, squared, in 100 digits
NOISE, SMALL = 1e-12, 1e-8  # singular values (of columns of length 1) that are 0; that are not


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    distance: float  # relative distance of log p from what the unknowns can reach
    saturated: bool = True  # whether one parameter point less leaves b as free as it is


@dataclass(frozen=True)
class Motion:
    """One solution at one parameter point: names to arrays, in the coordinates of the spec."""

    parameters: dict[str, Array]
    velocities: dict[str, Array]
    r: dict[str, Array]
    s: dict[str, Array]


@dataclass(frozen=True)
class Case:
    """Which columns may be used, and which base measure each block may have."""

    columns: tuple[int, ...]
    bases: tuple[tuple[int, str], ...]  # block -> any, linear, log, special


class System:
    """The rows of all blocks at all parameter points, made once, solved case by case."""

    def __init__(self, instance: Instance, points: int, effort: float, with_q: bool) -> None:
        for draws in (points, 6 * points):  # again where parameters were often not admissible
            with tape.high_precision(), np.errstate(all="ignore"):
                self.sampler = Sampler(instance, draws, effort)
                self.blocks = self.sampler.blocks()
                if with_q:
                    self.blocks += self.sampler.q_blocks()
            self.points = self._usable_points()[:points]
            if len(self.points) >= min(points, 4):
                break
        else:
            raise Unsupported("no admissible parameters found")
        self.columns: list[Column] = sorted({c for b in self.blocks for c in b.columns})
        self.position = {c: i for i, c in enumerate(self.columns)}
        self._compress()
        self.solved: dict[Case, Outcome] = {}

    def _usable_points(self) -> list[int]:
        """Parameter points at which every factor has admissible parents."""
        draws = range(self.sampler.points)
        return [t for t in draws if all(b.valid[t].any() for b in self.blocks)]

    # Rows.

    def _compress(self) -> None:
        """Each block at each point as the triangle of a QR factorization."""
        made_a, made_y, made_b = [], [], []
        for block in self.blocks:
            names = sorted(block.columns)
            arrays = [*(block.columns[c] for c in names), block.y]
            stacked = np.stack([floats(x[self.points]) for x in arrays], -1)
            size = np.abs(stacked).max(axis=(-2, -1), keepdims=True)
            used = block.valid[self.points][..., None, None]
            weight = np.where(used, 1 / np.where(size > 1e-13, size, 1), 0)
            any_b = floats(_any_basis(block))[None] * weight if block.centered else None
            parts = [stacked * weight]
            if any_b is not None:
                parts.insert(0, np.broadcast_to(any_b, (*stacked.shape[:-1], any_b.shape[-1])))
            rows = np.concatenate(parts, -1)
            rows = rows.reshape(len(self.points), -1, rows.shape[-1])
            if rows.shape[1] > rows.shape[2]:
                rows = np.asarray(np.linalg.qr(rows, mode="r"))
            width = 0 if any_b is None else any_b.shape[-1]
            full = np.zeros((*rows.shape[:2], len(self.columns)))
            full[..., [self.position[c] for c in names]] = rows[..., width:-1]
            made_a.append(full)
            made_y.append(rows[..., -1])
            made_b.append(rows[..., :width])
        self.offsets = np.cumsum([0] + [a.shape[1] for a in made_a])
        self.a = np.concatenate(made_a, 1)
        self.y = np.concatenate(made_y, 1)
        self.b = made_b

    def basis(self, index: int, kind: str) -> Array:
        """Base measures of a block in terms of "any": (any, how many), in 100 digits."""
        width = self.b[index].shape[-1]
        return tape.field(np.eye(width)) if kind == "any" else _special(self.blocks[index], kind)

    # Solving.

    def solve(self, case: Case) -> Outcome:
        if case not in self.solved:
            self.solved[case] = self.decide_in_float64(case) or self.decide_in_100_digits(case)
        return self.solved[case]

    def decide_in_float64(self, case: Case) -> Outcome | None:
        far, _, _, doubt = self._distance(case, NOISE)
        if far > SURE and not doubt:
            return Outcome("FAILS", far)
        near, size, saturated, _ = self._distance(case, SMALL)
        if near < DOUBT and size < 1e5:
            return Outcome("HOLDS", near, saturated)
        return None

    def _factors(self, case: Case) -> tuple[Array, Array, Array, Array]:
        a = self.a[:, :, list(case.columns)]
        norms = np.sqrt((a**2).sum(1, keepdims=True))
        scale = np.where(norms > 1e-12, 1 / np.where(norms > 1e-12, norms, 1), 0)
        u, s, vt = np.linalg.svd(a * scale, full_matrices=False)
        return u, s, vt, scale

    def _base_columns(self, case: Case) -> Array | None:
        parts = []
        for index, kind in case.bases:
            with tape.high_precision():
                basis = floats(self.basis(index, kind))
            rows = self.b[index] @ basis
            full = np.zeros((*self.y.shape, rows.shape[-1]))
            full[:, self.offsets[index] : self.offsets[index + 1]] = rows
            parts.append(full)
        if not parts or not sum(p.shape[-1] for p in parts):
            return None
        b = np.concatenate(parts, -1)
        norms = np.sqrt((b**2).sum((0, 1)))
        return np.asarray(b / np.where(norms > 1e-12, norms, 1))

    def _distance(self, case: Case, cut: float) -> tuple[float, float, bool, bool]:
        """Singular values below `cut` taken as 0: (distance, size of the solution, whether the
        points saturate b, whether a singular value may be 0 or not)."""
        u, s, _, _ = self._factors(case)
        keep = s > cut
        doubt = bool((keep & (s < SMALL)).any())

        def outside(x: Array) -> Array:
            return np.asarray(x - u @ (keep[..., None] * (np.swapaxes(u, 1, 2) @ x)))

        y = self.y[..., None]
        norm = float(np.sqrt((y**2).sum()))
        if norm == 0:
            return 0.0, 0.0, True, False
        rest = outside(y)
        coefficients = keep * (np.swapaxes(u, 1, 2) @ y)[..., 0] / np.where(keep, s, 1)
        size, saturated = float(np.abs(coefficients).max(initial=0)) / norm, True
        b = self._base_columns(case)
        if b is not None:
            free = outside(b)
            rows, right = free.reshape(-1, b.shape[-1]), rest.reshape(-1)
            q, triangle = np.linalg.qr(rows)
            ub, sb, _ = np.linalg.svd(triangle)
            kept = sb > cut
            doubt |= bool((kept & (sb < SMALL)).any())
            reach = q @ ub[:, kept]
            inside = reach.T @ right
            rest = right - reach @ inside
            size = max(size, float(np.abs(inside / sb[kept]).max(initial=0)) / norm)
            if cut == SMALL:
                fewer = np.linalg.svd(free[:-1].reshape(-1, b.shape[-1]), compute_uv=False)
                saturated = int((fewer > SMALL).sum()) >= int((sb > SMALL).sum())
        return float(np.sqrt((rest**2).sum())) / norm, size, saturated, doubt

    # 100 digits.

    @cached_property
    def _grams(self) -> list[list[tuple[list[int], int, Array]]]:
        """Per point and block: the columns, the width of "any", the Gram matrix of the rows."""
        found: list[list[tuple[list[int], int, Array]]] = []
        with tape.high_precision():
            for t in self.points:
                here = []
                for index, block in enumerate(self.blocks):
                    names = sorted(block.columns)
                    parts = [block.columns[c][t] for c in names] + [block.y[t]]
                    width = self.b[index].shape[-1]
                    if width:
                        basis = _any_basis(block)
                        shape = (*block.y.shape[1:], width)
                        zero = tape.field(0)
                        inside = np.where(block.valid[t][..., None, None], basis, zero)
                        parts = [*np.moveaxis(np.broadcast_to(inside, shape), -1, 0), *parts]
                    rows = np.stack([p.reshape(-1) for p in parts], -1)
                    matrix = flint.arb_mat(rows.shape[0], rows.shape[1], list(rows.reshape(-1)))
                    gram = matrix.transpose() * matrix
                    table = np.array(gram.entries(), dtype=object).reshape(gram.nrows(), -1)
                    here.append(([self.position[c] for c in names], width, table))
                found.append(here)
        return found

    def decide_in_100_digits(self, case: Case) -> Outcome:
        """The same in 100 digits: elimination with pivots on the Gram matrix."""
        with tape.high_precision():
            order = {c: i for i, c in enumerate(case.columns)}
            bases = {i: self.basis(i, kind) for i, kind in case.bases}
            starts, at = {}, 0
            for i, basis in bases.items():
                starts[i] = at
                at += basis.shape[1]
            n, total = len(order), len(order) + at + 1
            shared = np.full((at + 1, at + 1), flint.arb(0), dtype=object)
            squares = np.full(total, flint.arb(0), dtype=object)
            unclear, before = False, shared
            for here in self._grams:
                gram = np.full((total, total), flint.arb(0), dtype=object)
                for i, (places, width, table) in enumerate(here):
                    size = max(table.diagonal(), key=float)
                    if float(size) == 0:
                        continue
                    select, targets = [], []
                    for j, c in enumerate(places):
                        if c in order:
                            select.append(width + j)
                            targets.append(order[c])
                    change = np.full((len(table), len(targets) + 1), flint.arb(0), dtype=object)
                    for column, j in enumerate([*select, len(table) - 1]):
                        change[j, column] = flint.arb(1)
                    goals = [*targets, total - 1]
                    if i in bases:
                        extra = np.full((len(table), bases[i].shape[1]), flint.arb(0), dtype=object)
                        extra[:width] = bases[i]
                        change = np.concatenate([change, extra], 1)
                        goals += list(range(n + starts[i], n + starts[i] + bases[i].shape[1]))
                    gram[np.ix_(goals, goals)] += change.T @ table @ change / size
                squares = squares + gram.diagonal()
                left, _, doubt = _eliminate(gram, gram.diagonal()[:n])
                unclear |= doubt
                before, shared = shared, shared + left
            left, known, doubt = _eliminate(shared, squares[n:-1])
            saturated = not at or _eliminate(before, squares[n:-1])[1] == known
            ratio = _size(left[-1, -1], squares[-1]) if float(squares[-1]) else 0.0
            distance = ratio**0.5
            if unclear or doubt or not (ratio < ZERO or ratio > NOT_ZERO):
                return Outcome("UNCLEAR", distance)
            return Outcome("FAILS" if ratio > NOT_ZERO else "HOLDS", distance, saturated)

    # A solution, for reports and tests.

    def motions(self, case: Case) -> tuple[Motion, ...]:
        """The smallest solution at every parameter point, of the latents at the first inputs."""
        u, s, vt, scale = self._factors(case)
        keep = s > 1e-8 * np.maximum(s[:, :1], 1e-300)
        right = self.y
        b = self._base_columns(case)
        if b is not None:
            outside = b - u @ (keep[..., None] * (np.swapaxes(u, 1, 2) @ b))
            rest = right[..., None] - u @ (
                keep[..., None] * (np.swapaxes(u, 1, 2) @ right[..., None])
            )
            c, *_ = np.linalg.lstsq(outside.reshape(-1, b.shape[-1]), rest.reshape(-1), rcond=1e-8)
            right = right - b @ c
        inner = keep * (np.swapaxes(u, 1, 2) @ right[..., None])[..., 0] / np.where(keep, s, 1)
        x = (np.swapaxes(vt, 1, 2) @ inner[..., None])[..., 0] * scale[:, 0]
        return tuple(self._motion(case, x[i], t) for i, t in enumerate(self.points))

    def _motion(self, case: Case, x: Array, t: int) -> Motion:
        sampler = self.sampler
        instance = sampler.instance
        names = list(sampler.model.parameters)
        made = Motion(
            {n: sampler.thetas[n][t] for n in names},
            {n: np.zeros(instance.shapes[n]) for n in names},
            {n: np.zeros(instance.shapes[n]) for n in instance.nodes},
            {n: np.zeros(instance.shapes[n]) for n in instance.nodes},
        )
        for i, position in enumerate(case.columns):
            tag, name, place, *inputs = self.columns[position]
            if tag not in "prs" or inputs not in ([], [0]):
                continue
            target = {"p": made.velocities, "r": made.r, "s": made.s}[tag][name]
            at = tuple(j - 1 for j in place)
            base = sampler.model.parameters[name].base if tag == "p" else ""
            target[at] += x[i]
            if base == "simplex":
                target[(*at[:-1], -1)] -= x[i]
            if base == "posdef" and at[-1] != at[-2]:
                target[(*at[:-2], at[-1], at[-2])] += x[i]
        return made


def _any_basis(block: Block) -> Array:
    """b(v, u) as columns: unit vectors less their mean, for each input.  (U, 1, V, U * (V - 1))"""
    n_inputs, n_values = block.y.shape[1], block.y.shape[3]
    with tape.high_precision():
        out = tape.field(np.zeros((n_inputs, 1, n_values, n_inputs, n_values - 1)))
        unit = tape.field(np.eye(n_values)[:, : n_values - 1]) - flint.arb(1) / n_values
    for u in range(n_inputs):
        out[u, 0, :, u] = unit
    return out.reshape(n_inputs, 1, n_values, -1)


def _special(block: Block, kind: str) -> Array:
    """Functions of the value, for each input, in terms of the columns of `_any_basis`."""
    n_inputs, n_values = block.y.shape[1], block.y.shape[3]
    columns = []
    for name in ("linear", "log") if kind == "special" else (kind,):
        for v in block.bases.get(name, []):
            for u in range(n_inputs):
                column = tape.field(np.zeros((n_inputs, n_values - 1)))
                column[u] = v[:-1] - v[-1]
                columns.append(column.reshape(-1))
    empty = np.zeros((n_inputs * (n_values - 1), 0), dtype=object)
    return np.stack(columns, -1) if columns else empty


def _size(x: flint.arb, scale: flint.arb) -> float:
    """The largest that |x / scale| can be."""
    return float((x / scale).abs_upper())


def _eliminate(gram: Array, scale: Array) -> tuple[Array, int, bool]:
    """The Schur complement of the columns that have a scale (their squared length), the largest
    pivots first; how many there were; and whether some pivot may be 0 or not."""
    gram, count, rank = gram.copy(), len(scale), 0
    left, doubt = [j for j in range(count) if float(scale[j]) > 0], False
    while left:
        ratios = {j: _size(gram[j, j], scale[j]) for j in left}
        best = max(left, key=lambda j: ratios[j])
        if not ratios[best] > NOT_ZERO:
            doubt |= not ratios[best] < ZERO
            break
        left.remove(best)
        rank += 1
        row = gram[best].copy()
        gram = gram - np.outer(row, row) / row[best]
    return gram[count:, count:], rank, doubt
