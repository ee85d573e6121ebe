"""derivation -> the files of DIR/STEM/, all of them or none.

The files are written to a fresh folder inside DIR, which then takes the place of DIR/STEM in one
step; at every moment DIR/STEM is the complete old output or the complete new one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from symelbo.errors import SymelboError

if TYPE_CHECKING:
    from symelbo.derivation import Derivation

__all__ = [
    "OutputError",
    "Written",
    "output_stem",
    "render_files",
    "replace_folder",
    "write_output",
]

TEX_SECONDS: Final = 60
TEX_RUNS: Final = 2  # the second one resolves references
_OURS: Final = ("proof", "appendix", "derivation", "__pycache__")
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of renameat2(2)
_AT_FDCWD: Final = -100


class OutputError(SymelboError):
    """The output cannot be written where it was asked for."""


@dataclass(frozen=True, slots=True)
class Written:
    """The folder, the names of its files, and a remark on the PDF ("" if there is none)."""

    folder: Path
    files: tuple[str, ...]
    remark: str = ""


def output_stem(path: Path) -> str:
    """The name of the output folder of a model file: letters, digits, _ and - of its stem."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", path.stem)[:120] or "model"


def write_output(derivation: Derivation, directory: Path, *, pdf: bool = True) -> Written:
    """Write DIR/STEM/ for a derivation; OutputError leaves what was there as it was.

    A TeX engine that is missing or fails is no error: `remark` says so, and proof.pdf is left out.
    """
    stem = derivation.model.stem
    files = render_files(derivation)
    remark = ""
    if pdf:
        made = _compile_pdf(files["proof.tex"])
        if isinstance(made, bytes):
            files["proof.pdf"] = made
        else:
            remark = made
    folder = replace_folder(files, directory, stem)
    return Written(folder, tuple(sorted(files)), remark)


def render_files(derivation: Derivation) -> dict[str, bytes]:
    """Name -> content of every file but the PDF."""
    from symelbo.render.derivation_json import render_json
    from symelbo.render.documents import render_appendix, render_proof
    from symelbo.render.python_module import render_python

    texts = {
        "derivation.json": render_json(derivation),
        "proof.tex": render_proof(derivation),
        "appendix.tex": render_appendix(derivation),
        f"{derivation.model.stem}.py": render_python(derivation),
    }
    return {name: text.encode() for name, text in texts.items() if text}


# ---------------------------------------------------------------- the swap


def replace_folder(files: Mapping[str, bytes], directory: Path, stem: str) -> Path:
    """Make DIR/STEM/ hold exactly these files, atomically; the folder that results.

    Nothing of the user's is ever removed: a DIR/STEM that holds files of other names than symelbo
    (or TeX and Python, beside them) writes is refused, and so is one that is a symbolic link.
    """
    for name in (stem, *files):
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
            raise OutputError(f"{name!r} is no name for an output file")
    target = directory / stem
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _fresh_folder(directory, stem) as fresh:
            _check_replaceable(target, stem)
            for name, content in files.items():
                _write_file(fresh / name, content)
            with _held(directory):
                _swap(fresh, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{target}: cannot write the output ({reason})") from error
    return target


def _check_replaceable(target: Path, stem: str) -> None:
    if target.is_symlink():
        raise OutputError(f"{target}: is a symbolic link; remove it, or choose another -o")
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{target}: is a file where a folder should go; choose another -o")
    ours = {*_OURS, stem}
    for entry in sorted(os.listdir(target)):
        if entry.split(".")[0] not in ours:
            raise OutputError(
                f"{target}: holds {entry}, which symelbo did not write; "
                "move it away, or choose another -o"
            )


def _write_file(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # before the rename, so that a power cut leaves no empty files


@contextmanager
def _fresh_folder(directory: Path, stem: str) -> Iterator[Path]:
    """A new folder beside DIR/STEM, locked while we live; what it holds at the end is removed."""
    with _held(directory):  # so that no other run takes our folder for a left-over
        _restore(directory, stem)
        _remove_leftovers(directory)
        fresh = directory / f".{stem}.partial-{secrets.token_hex(8)}"
        fresh.mkdir()
        handle = _lock(fresh)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # after the swap: the old output
        if handle is not None:
            os.close(handle)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let no other run of symelbo into this block for the same folder."""
    handle = _lock(folder, wait=True)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """Hold a lock on a folder, which the system drops when this process ends; None: no lock."""
    if sys.platform == "win32":
        return None  # no locks on folders there: what a killed run leaves stays
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | (0 if wait else os.O_NOFOLLOW))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # taken, or a file system without locks
        os.close(handle)
        return None
    return handle


def _remove_leftovers(directory: Path) -> None:
    """Remove the folders of runs that were killed: those that nobody holds a lock on."""
    for folder in directory.glob(".*.partial-????????????????"):
        with suppress(OSError):
            handle = _lock(folder)
            if handle is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)


def _restore(directory: Path, stem: str) -> None:
    """Finish what a run that was killed between two renames left undone."""
    aside, target = directory / f".{stem}.previous", directory / stem
    if not aside.is_dir() or aside.is_symlink():
        return
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.rename(target)


def _swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`; afterwards `fresh` is the old folder, or gone."""
    try:
        fresh.rename(target)  # where there is nothing, or an empty folder
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    if _exchange(fresh, target):
        return
    # Two renames where the system cannot exchange; `_restore` undoes the first if we are killed.
    aside = target.parent / f".{target.name}.previous"
    target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))


# ---------------------------------------------------------------- the PDF


def _compile_pdf(source: bytes) -> bytes | str:
    """LaTeX -> PDF, the same bytes for the same source; a remark where there is none."""
    command = _tex_command()
    if command is None:
        return "no proof.pdf: neither pdflatex nor tectonic was found"
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": "0",  # no date of the day in the PDF
        "FORCE_SOURCE_DATE": "1",
        "openout_any": "p",  # TeX writes below its own folder only
    }
    with tempfile.TemporaryDirectory(prefix="symelbo-") as name:
        folder = Path(name)
        (folder / "proof.tex").write_bytes(source)
        try:
            for _ in range(TEX_RUNS):
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=TEX_SECONDS,
                    check=False,
                )
                if done.returncode:
                    return f"no proof.pdf: {_tex_error(folder) or f'{command[0]} failed'}"
            return (folder / "proof.pdf").read_bytes()
        except subprocess.TimeoutExpired:
            return f"no proof.pdf: {command[0]} took longer than {TEX_SECONDS} s"
        except OSError as error:
            return f"no proof.pdf: {command[0]}: {error.strerror or error}"


def _tex_command() -> list[str] | None:
    if shutil.which("pdflatex"):
        options = ["-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"]
        return ["pdflatex", *options, "proof.tex"]
    if shutil.which("tectonic"):  # runs TeX as often as it takes
        return ["tectonic", "--untrusted", "--keep-logs", "proof.tex"]
    return None


def _tex_error(folder: Path) -> str:
    """The first error in TeX's log."""
    with suppress(OSError):
        for line in (folder / "proof.log").read_text(errors="replace").splitlines():
            if line.startswith("!"):
                return f"TeX says {line.lstrip('! ')!r}"
    return ""
