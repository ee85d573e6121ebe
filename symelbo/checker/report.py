"""What a check says to people, and the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .check import CHECKED, PARTLY, REJECTED, Report, check_file

__all__ = ["STATUS", "UNREADABLE", "WORST_FIRST", "check_paths", "show_report"]

STATUS: Final = {CHECKED: 0, REJECTED: 1, PARTLY: 4}
UNREADABLE: Final = 2
WORST_FIRST: Final = (1, 2, 4, 0)


def check_paths(paths: Sequence[Path]) -> tuple[int, str]:
    """The exit status for some files, and what to print."""
    statuses, lines = [], []
    for path in paths:
        try:
            report = check_file(path)
        except (OSError, ValueError) as error:
            statuses.append(UNREADABLE)
            reason = error.strerror if isinstance(error, OSError) else "no path"
            lines.append(f"{printable(path)}: cannot be read: {reason}")
            continue
        except Exception as error:  # nothing that a file can hold may end in a traceback
            report = Report(REJECTED, (f"the check was given up: {type(error).__name__}",))
        statuses.append(STATUS[report.status])
        lines.append(show_report(path, report))
    return min(statuses, key=WORST_FIRST.index), "".join(line + "\n" for line in lines)


def show_report(path: Path, report: Report) -> str:
    """What was found of one file."""
    lines = [f"{printable(path)}: {report.status}"]
    lines += [f"  {printable(reason)}" for reason in report.reasons[:1]]
    lines += [f"  proved: {printable(part)}" for part in report.proved[1:]]
    lines += [f"  not proved by the checker: {printable(part)}" for part in report.unproved]
    return "\n".join(lines)


def printable(item: object) -> str:
    """Text for a terminal: what would move its cursor or change its colours is spelled out."""
    text = str(item).encode(errors="backslashreplace").decode()
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
