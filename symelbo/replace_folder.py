"""DIR/STEM gets new files in one step, and all else in it stays what and where it is.

While symelbo changes its files in DIR/STEM, a stand-in takes the place of the folder: another one
with the new files, and with links to all that the user keeps there.

    1. write the new files, and make the stand-in                  DIR/STEM is the old output
    2. exchange the folder and the stand-in                        from here on it is the new one
    3. replace our files in the folder, behind the stand-in
    4. exchange them again, and remove the stand-in

So the folder itself is never replaced: no shell and no notebook that works in it loses its ground.

All of this happens in DIR/.symelbo-TOKEN.  The records in there let the next run finish what a run
that was killed left; a folder without them is not ours, whatever it is called.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeAlias

from symelbo.exchange_folders import exchange_folders
from symelbo.hold import hold
from symelbo.limits import RECORD_BYTES
from symelbo.manifest import (
    MANIFEST,
    OutputError,
    find_ours,
    is_output_name,
    read_start,
    render_manifest,
)
from symelbo.values import dataclass, field, replace

__all__ = ["replace_folder"]

_PREFIX: Final = ".symelbo-"
_SCHEMA: Final = "symelbo/run/1"
_NOTE: Final = "If no symelbo is running, it was killed; the next run here finishes its work."

# What tells an entry that we made from any other: its inode, or the text of a symbolic link; None
# where there is no entry.
Mark: TypeAlias = int | str | None


@dataclass(frozen=True, slots=True)
class _Run:
    """The folder of a run, and what is in it."""

    work: Path
    stem: str
    stand_in: Mark = None  # the folder that takes the place of DIR/STEM for a while
    made: Mapping[str, Mark] = field(default_factory=dict)  # its entries, as we made them
    gone: tuple[str, ...] = ()  # our files that the new output has no more

    @property
    def target(self) -> Path:
        return self.work.parent / self.stem

    @property
    def marker(self) -> Path:
        """The record that the folder is ours; locked while the run lives."""
        return self.work / "run.json"

    @property
    def new(self) -> Path:
        """The new files."""
        return self.work / "new"

    @property
    def draft(self) -> Path:
        """The stand-in, before anybody can see it."""
        return self.work / "draft"

    @property
    def journal(self) -> Path:
        """The record of the stand-in, complete before there is a `folder`."""
        return self.work / "stand-in.json"

    @property
    def folder(self) -> Path:
        """The stand-in; while it is at DIR/STEM, the folder of the user."""
        return self.work / "folder"

    @property
    def spare(self) -> Path:
        """One of the two, where it takes three steps to exchange them."""
        return self.work / "spare"


def replace_folder(files: Mapping[str, bytes], directory: Path, stem: str) -> Path:
    """Let DIR/STEM/ hold these files, and a manifest of them, in one step; the resulting folder.

    Files of the last output that are not among them go.  OutputError, and nothing is written, where
    one of these names belongs to the user: not in the manifest, or no more as the manifest says.
    """
    for name in (stem, *files):
        if not is_output_name(name):
            raise OutputError(f"{name!r} is no name for an output file")
    target = directory / stem
    try:
        directory.mkdir(parents=True, exist_ok=True)
        home = directory.resolve()  # it may lead through the folder that we move
        with hold(home):
            for work in sorted(home.glob(f"{_PREFIX}*")):
                _finish_killed_run(work)
            _replace({**files, MANIFEST: render_manifest(files)}, home / stem)
    except OutputError as error:
        raise OutputError(f"{target}: {error}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{target}: cannot write the output ({reason})") from error
    return target


def _replace(files: Mapping[str, bytes], target: Path) -> None:
    ours = _check_target(target, files)
    run = _Run(target.parent / f"{_PREFIX}{os.urandom(16).hex()}", target.name)
    try:
        run.work.mkdir()
        run.marker.touch(exist_ok=False)
        with hold(run.marker):  # before it says whose it is, so that it is never taken for dead
            run.marker.write_bytes(_render_marker(run))
            _write(run, files, ours)
    finally:
        _remove_work(run)


def _write(run: _Run, files: Mapping[str, bytes], ours: frozenset[str]) -> None:
    run.new.mkdir()
    _write_files(run.new, files)
    if not run.target.exists():
        run.new.rename(run.target)
        return
    run = _make_stand_in(run, ours)
    try:
        _exchange(run)
        try:
            find_ours(run.folder, files)  # again: from here on, changes meet the stand-in
        except OutputError:
            _exchange(run)
            raise
    finally:
        _settle(run)


def _check_target(target: Path, files: Mapping[str, bytes]) -> frozenset[str]:
    """The names in DIR/STEM that are ours to replace; OutputError if one of the files is not."""
    if target.is_symlink():
        raise OutputError("is a symbolic link; move it away, or choose another -o")
    if not target.exists():
        return frozenset()
    if not target.is_dir():
        raise OutputError("is a file where a folder should go; choose another -o")
    return find_ours(target, files)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write new files, before the exchange, so that a power cut leaves no empty ones.

    The disk is waited for once: of files that are synchronized together, one flush serves all.
    """
    failed: list[OSError] = []

    def synchronize(descriptor: int) -> None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            failed.append(error)

    with ExitStack() as opened:
        written = []
        for name, content in files.items():
            file = opened.enter_context((folder / name).open("xb"))
            file.write(content)
            file.flush()
            written.append(Thread(target=synchronize, args=(file.fileno(),)))
        for thread in written:
            thread.start()
        for thread in written:
            thread.join()
    if failed:
        raise failed[0]


# ---------------------------------------------------------------- the stand-in


def _make_stand_in(run: _Run, ours: frozenset[str]) -> _Run:
    """A folder with the new files, and with links to what is not ours in DIR/STEM."""
    run.draft.mkdir()
    new = os.listdir(run.new)
    for name in new:
        _link_new(run.new / name, run.draft / name)
    for name in os.listdir(run.target):
        if name not in ours:
            _link_kept(run, name)
    shutil.copymode(run.target, run.draft)
    made = {name: _mark(run.draft / name) for name in os.listdir(run.draft)}
    gone = tuple(sorted(ours.difference(new)))
    run = replace(run, stand_in=_mark(run.draft), made=made, gone=gone)
    _write_files(run.work, {run.journal.name: _render_journal(run)})
    run.draft.rename(run.folder)
    return run


def _link_new(source: Path, link: Path) -> None:
    try:
        os.link(source, link)  # so that a change of the one is a change of the other
    except OSError:
        shutil.copyfile(source, link)


def _link_kept(run: _Run, name: str) -> None:
    """Let the stand-in show what the user's folder has under this name, also when it is hidden."""
    try:
        os.link(run.target / name, run.draft / name, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a folder, or a system that has no such links
        (run.draft / name).symlink_to(Path("..", run.work.name, run.folder.name, name))


def _mark(path: Path) -> Mark:
    try:
        status = path.lstat()
        return os.readlink(path) if stat.S_ISLNK(status.st_mode) else status.st_ino
    except FileNotFoundError:
        return None


def _exchange(run: _Run) -> None:
    exchange_folders(run.folder, run.target, run.spare)


def _settle(run: _Run) -> None:
    """Let DIR/STEM be the user's folder, with the new files if it ever had them; no stand-in."""
    if _mark(run.target) == run.stand_in:
        if _mark(run.target / MANIFEST) != run.made.get(MANIFEST):
            return  # another run has written a newer output to the stand-in
        for name in sorted(os.listdir(run.new)):
            os.replace(run.new / name, run.folder / name)
        for name in run.gone:
            (run.folder / name).unlink(missing_ok=True)
        _exchange(run)
    with suppress(OSError):
        if _mark(run.folder) == run.stand_in:
            _dissolve_stand_in(run)


def _dissolve_stand_in(run: _Run) -> None:
    """Remove the links we made; what was saved to the stand-in while it was seen goes to DIR/STEM.

    What was saved in both places under one name stays where it is, and so do we.
    """
    run.folder.chmod(stat.S_IRWXU)
    for name in os.listdir(run.folder):
        entry, place = run.folder / name, run.target / name
        made = run.made.get(name)
        if _mark(entry) == made:
            entry.unlink()
        elif _mark(place) == made:
            os.replace(entry, place)
    run.folder.rmdir()


def _remove_work(run: _Run) -> None:
    """Remove the folder of a run, unless something of the user's is, or may be, in there."""
    with suppress(OSError):
        if not os.path.lexists(run.folder) and not os.path.lexists(run.spare):
            shutil.rmtree(run.draft, ignore_errors=True)
            shutil.rmtree(run.new, ignore_errors=True)
            run.journal.unlink(missing_ok=True)
            run.marker.unlink(missing_ok=True)  # the last: it says that the folder is ours
            run.work.rmdir()


# ---------------------------------------------------------------- killed runs


def _render_marker(run: _Run) -> bytes:
    return json.dumps({**_mark_work(run.work), "stem": run.stem}).encode()


def _mark_work(work: Path) -> dict[str, Any]:
    """What is in the marker of this folder, and of no copy of it."""
    token = work.name.removeprefix(_PREFIX)
    return {"schema": _SCHEMA, "note": _NOTE, "token": token, "inode": _mark(work)}


def _render_journal(run: _Run) -> bytes:
    data = {"stand_in": run.stand_in, "made": dict(run.made), "gone": list(run.gone)}
    return json.dumps(data).encode()


def _finish_killed_run(work: Path) -> None:
    """Do what a run left undone, if this is the folder of a run that has ended; else nothing."""
    with suppress(OSError):
        run = _read_marker(work)
        if run is None:
            return
        with hold(run.marker, wait=False) as ended:
            if not ended:
                return
            if os.path.lexists(run.journal) and not os.path.lexists(run.draft):
                run = _read_journal(run)
                if run is None:
                    return
                if os.path.lexists(run.spare):  # killed within an exchange in three steps
                    run.spare.rename(run.folder if os.path.lexists(run.target) else run.target)
                _settle(run)
        _remove_work(run)


def _read_marker(work: Path) -> _Run | None:
    """The run whose folder this is; None if it is not known to be the folder of a run of ours."""
    if hasattr(os, "geteuid") and work.lstat().st_uid != os.geteuid():
        return None
    match _read_json(work / "run.json"):
        case {"stem": str(stem), **rest} if is_output_name(stem) and rest == _mark_work(work):
            return _Run(work, stem)
    return None


def _read_journal(run: _Run) -> _Run | None:
    match _read_json(run.journal):
        case {"stand_in": int(stand_in), "made": dict(made), "gone": list(gone)} if all(
            isinstance(name, str) and is_output_name(name) for name in gone
        ):
            return replace(run, stand_in=stand_in, made=made, gone=tuple(gone))
    return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(read_start(path, RECORD_BYTES))
    except (ValueError, RecursionError):
        return None
