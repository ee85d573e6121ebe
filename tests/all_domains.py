"""Every domain of the package, as it is without ends."""

from __future__ import annotations

from collections.abc import Iterator

from symelbo.index import domains
from symelbo.index.terms import Domain

__all__ = ["DOMAINS"]


def _classes(kind: type[Domain]) -> Iterator[type[Domain]]:
    for other in kind.__subclasses__():
        yield other
        yield from _classes(other)


DOMAINS = {
    kind.kind: kind()
    for kind in _classes(Domain)
    if kind.__module__.startswith(f"{domains.__name__}.") and "kind" in vars(kind)
}
