"""lines of operations -> the same, in which costly ones of a variable are done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from typing import TypeAlias

from symelbo.code.ops import Inverse, LogDet, MeanWeights, Op, Read, rebuild, walk
from symelbo.code.plan import Line
from symelbo.code.setting import fresh

__all__ = ["share_operations"]

Key: TypeAlias = tuple[str, str]
_NAMES = {Inverse: "inverse", LogDet: "log_det", MeanWeights: "mean"}


def share_operations(
    lines: Sequence[Line], returned: Op | None, taken: Set[str]
) -> tuple[tuple[Line, ...], Op | None]:
    """inv(A) in several places -> a variable, assigned where it is used first

    ensures: the same values; every inverse, determinant and mean weight of a variable is computed
    once.  A variable that is one already stands for it from then on.  The determinant of what has
    no name is assigned too, since it is long to read.
    """
    used = Counter(_key(op) for op in walk((*(line.op for line in lines), returned)) if _key(op))
    names: dict[Key, str] = {}
    found: list[Line] = []
    free = {*taken, *(line.target for line in lines)}

    def share(comment: str) -> Callable[[Op], Op]:
        def visit(op: Op) -> Op:
            key = _key(op)
            if key is None and isinstance(op, LogDet):
                name = fresh("log_det", free)
                free.add(name)
                found.append(Line(name, rebuild(op, visit), comment))
                return Read(name, op.axes)
            if key is None:
                return rebuild(op, visit)
            if key not in names:
                if used[key] < 2:
                    return op
                name = fresh(f"{_NAMES[type(op)]}_{key[1]}", free)
                free.add(name)
                names[key] = name
                found.append(Line(name, op, comment))
            return Read(names[key], op.axes)

        return visit

    for line in lines:
        key, before = _key(line.op), len(found)
        if key is not None and key not in names:
            names[key] = line.target
            found.append(line)
            continue
        visit = share(line.comment)
        op = rebuild(line.op, visit) if isinstance(line.op, LogDet) else visit(line.op)
        found.append(Line(line.target, op, line.comment if len(found) == before else ""))
    shared = None if returned is None else share("")(returned)
    return tuple(found), shared


def _key(op: object) -> Key | None:
    """What is computed, of which variable; the names of its axes do not matter."""
    match op:
        case Inverse(Read(name)) | LogDet(Read(name)) | MeanWeights(Read(name)):
            return type(op).__name__, name
    return None
