"""Open a file without waiting: pipes, devices, sockets and directories are refused at once."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

__all__ = ["open_regular"]

_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def open_regular(path: Path, *, follow_links: bool = True) -> BufferedReader:
    """A regular file, to read; OSError says what else is there, or why it cannot be opened."""
    # before it is opened, since to open a pipe or a device can have effects
    _check_regular(os.stat(path, follow_symlinks=follow_links))
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    if not follow_links:
        flags |= getattr(os, "O_NOFOLLOW", 0)

    def open_at_once(name: str, basic_flags: int) -> int:
        handle = os.open(name, basic_flags | flags)
        try:
            _check_regular(os.fstat(handle))  # since the path may have been replaced in between
        except OSError:
            os.close(handle)
            raise
        return handle

    return open(path, "rb", opener=open_at_once)


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(_KINDS.get(stat.S_IFMT(status.st_mode), "no regular file"))
