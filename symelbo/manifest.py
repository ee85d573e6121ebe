"""manifest.json: what symelbo wrote into a folder, as names and hashes.

What it does not list, and what is no longer as it lists, is the user's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from symelbo.errors import SymelboError
from symelbo.limits import MANIFEST_BYTES
from symelbo.open_regular import open_regular

__all__ = [
    "MANIFEST",
    "OutputError",
    "find_ours",
    "is_output_name",
    "read_start",
    "render_manifest",
]

MANIFEST: Final = "manifest.json"
_SCHEMA: Final = "symelbo/manifest/1"
_WAY_OUT: Final = "nothing was written: move {} away, or choose another -o"


class OutputError(SymelboError):
    """The output cannot be written where it was asked for."""


def is_output_name(name: str) -> bool:
    """Is this the name of one visible file or folder, on every system?"""
    return re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name) is not None


def render_manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files: sorted, and the same bytes for the same files."""
    return _render({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


def _render(hashes: Mapping[str, str]) -> bytes:
    data = {"schema": _SCHEMA, "sha256": dict(sorted(hashes.items()))}
    return (json.dumps(data, indent=2) + "\n").encode()


def find_ours(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """The files of a folder that symelbo wrote, and that are as it wrote them.

    OutputError if any other file is in their way: one of these names that symelbo did not write,
    or a file that it wrote and somebody changed.
    """
    hashes = _read_manifest(folder)
    listed = hashes if hashes is not None else {}
    present = [
        name
        for name in sorted({*names, *listed} - {MANIFEST})
        if os.path.lexists(folder / name)  # the file system says which names are the same
    ]
    if foreign := [name for name in present if name not in listed]:
        them = "it" if len(foreign) == 1 else "them"
        why = "which symelbo did not write"
        if hashes is None:
            why = f"but no {MANIFEST} that says symelbo wrote {them} (early versions wrote none)"
        raise OutputError(f"holds {', '.join(foreign)}, {why}; {_WAY_OUT.format(them)}")
    if changed := [name for name in present if _hash(folder / name) != listed[name]]:
        them = "it" if len(changed) == 1 else "them"
        why = f"changed since symelbo wrote {them}"
        raise OutputError(f"holds {', '.join(changed)}, {why}; {_WAY_OUT.format(them)}")
    return frozenset(present if hashes is None else [*present, MANIFEST])


def _read_manifest(folder: Path) -> dict[str, str] | None:
    """Name -> hash of what symelbo wrote into a folder; None if it wrote no manifest there."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    data = read_start(path, MANIFEST_BYTES)
    try:
        hashes = json.loads(data)["sha256"]
        if all(map(_is_entry, hashes.items())) and _render(hashes) == data:
            return dict(hashes)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    why = "that is not as symelbo writes it, so no file is known to be symelbo's"
    raise OutputError(f"holds a {MANIFEST} {why}; {_WAY_OUT.format('it')}")


def _is_entry(entry: tuple[str, object]) -> bool:
    name, value = entry
    return is_output_name(name) and re.fullmatch("[0-9a-f]{64}", str(value)) is not None


def read_start(path: Path, limit: int) -> bytes:
    """The first bytes of a regular file; none of all else, and of what cannot be read."""
    try:
        with open_regular(path, follow_links=False) as file:
            return file.read(limit)
    except OSError:
        return b""


def _hash(path: Path) -> str:
    """The SHA-256 of a regular file; "" for all else, and for what cannot be read."""
    try:
        with open_regular(path, follow_links=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
