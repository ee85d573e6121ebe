"""What can go wrong for a user, and where: the one exception family of the package."""

from __future__ import annotations

from collections.abc import Iterable

from symelbo.values import dataclass

__all__ = ["Fault", "Place", "SpecError", "SymelboError"]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a specification; line and column count from 1.

    In a file it reads `file:line:column`.  In a dict it reads `<dict>: parameters.W` (`path` says
    where; `line` only orders the entries), with `:column` where it points inside a text.
    """

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        if not self.path:
            return f"{self.file}:{self.line}:{self.column}"
        inside = f":{self.column}" if self.column > 1 else ""
        return f"{self.file}: {self.path}{inside}"


class SymelboError(Exception):
    """Base of every error that is the user's to mend."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: what was found, what was expected, and what to write instead."""

    place: Place
    found: str
    expected: str = ""
    hint: str = ""

    def __str__(self) -> str:
        parts = [self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.hint:
            parts.append(self.hint)
        return f"{self.place}: " + "; ".join(parts)


class SpecError(SymelboError):
    """A specification that cannot be read: all its independent faults, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        unique = dict.fromkeys(faults)
        self.faults: tuple[Fault, ...] = tuple(
            sorted(unique, key=lambda fault: (fault.place.line, fault.place.column))
        )
        super().__init__("\n".join(map(str, self.faults)))
