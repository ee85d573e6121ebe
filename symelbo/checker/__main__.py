"""`python -m symelbo.checker FILE...`: check certificates, with nothing but this folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from .report import check_paths

USAGE = """\
usage: python -m symelbo.checker FILE...

Re-proves what certificates state; FILE is a certificate.json or a folder that holds one.

exit status: 0 checked, 1 rejected, 2 nothing to read, 4 partly checked; of several files the worst,
in the order 1, 2, 4, 0
"""


def main(arguments: Sequence[str]) -> int:
    """Print what was shown of every file; the exit status."""
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print(USAGE, end="")
        return 2 if not set(arguments) & {"-h", "--help"} else 0
    status, text = check_paths([Path(argument) for argument in arguments])
    print(text, end="")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
