"""Locks on files and folders, which the system drops when a process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["hold"]


@contextmanager
def hold(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Let no other process into such a block for the same file or folder.

    False, and no lock, where another process has it and we do not wait, or where there are none.
    """
    handle = _lock(path, wait)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _lock(path: Path, wait: bool) -> int | None:
    if sys.platform == "win32":
        return None  # no locks of this kind there
    import fcntl

    # a file is opened to write, since locks on network file systems ask for it
    mode = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW
    handle = os.open(path, mode)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # taken, or a file system without locks
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle
