"""DIR/STEM/ is the complete old output or the complete new one; the user loses nothing."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from at_once import at_once

from symelbo import exchange_folders, hold
from symelbo import replace_folder as module
from symelbo.manifest import MANIFEST, OutputError, render_manifest
from symelbo.replace_folder import replace_folder

ROOT = Path(__file__).resolve().parents[1]
OLD = {"derivation.json": b"old", "proof.tex": b"old", "proof.pdf": b"old"}
NEW = {"derivation.json": b"new", "appendix.tex": b"new", "m.py": b"new", "proof.tex": b"old"}
NEWEST = {"derivation.json": b"newest", "proof.tex": b"newest"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="folders have no locks there")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="folders are exchanged")


def output(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a folder shows that has just been written."""
    return {**files, MANIFEST: render_manifest(files)}


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk, but where a test says so."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """An empty directory that any user can reach: in memory, where there is such a place."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="symelbo-test-", dir=memory) as name:
        yield Path(name).resolve()


def content(folder: Path) -> dict[str, bytes] | None:
    """What one can read by paths below a folder; None if there is no folder."""
    if not folder.is_dir():
        return None
    seen = {}
    for here, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(here, name)
            if path.is_file():
                data = path.read_bytes()
            else:
                data = os.fsencode(path.readlink()) if path.is_symlink() else b"special"
            seen[str(path.relative_to(folder))] = data
    return seen


def top(files: Mapping[str, bytes] | None) -> dict[str, bytes]:
    """What is directly in a folder."""
    return {name: data for name, data in (files or {}).items() if "/" not in name}


def hidden(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if name.startswith(".")]


# What a user keeps beside the output: among it, what their own TeX and Python made of it.
KEPT = {
    "m.yaml": b"model",
    "m.ipynb": b"notebook",
    "proof.txt": b"notes",
    "derivation.md": b"notes",
    "proof.aux": b"",
    ".gitignore": b"*.aux",
    "__pycache__/m.cpython-311.pyc": b"code",
    "sub/deep/x": b"x",
    "sub/proof.tex": b"mine",
    "sub/pipe": b"special",
    "pipe": b"special",
    "link": b"notes",
    "dangling": b"nowhere",
}


def keep(folder: Path) -> None:
    """Put the files of a user into a folder."""
    for name, data in KEPT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "link":
            path.symlink_to("proof.txt")
        elif name == "dangling":
            path.symlink_to("nowhere")
        elif data == b"special":
            os.mkfifo(path)
        else:
            path.write_bytes(data)


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of what a user keeps in a folder, folders included."""
    paths = [folder / name for name in KEPT]
    paths += [folder / "sub", folder / "sub" / "deep", folder / "__pycache__"]
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths}


# ---------------------------------------------------------------- what is written


def test_the_folder_holds_the_files_and_their_manifest(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    assert replace_folder(OLD, directory, "m") == directory / "m"
    assert content(directory / "m") == output(OLD)
    replace_folder(NEW, directory, "m")
    assert content(directory / "m") == output(NEW)
    assert os.listdir(directory) == ["m"]


def test_the_manifest_lists_names_and_hashes(tmp_path: Path) -> None:
    folder = replace_folder(NEW, tmp_path, "m")
    text = (folder / MANIFEST).read_text()
    assert text.endswith("}\n")
    data = json.loads(text)
    assert data == {
        "schema": "symelbo/manifest/1",
        "sha256": {name: hashlib.sha256(NEW[name]).hexdigest() for name in sorted(NEW)},
    }
    assert list(data["sha256"]) == sorted(NEW)
    assert render_manifest(dict(reversed(NEW.items()))) == text.encode()


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        folder = replace_folder(OLD, tmp_path, "m")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "proof.tex").stat().st_mode & 0o777 == 0o644


@pytest.fixture(params=[True, False], ids=["exchanges", "renames"])
def exchanges(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Can the system exchange two folders in one step?"""
    if not request.param:
        monkeypatch.setattr(exchange_folders, "_exchange_at_once", lambda one, other: False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("folders are exchanged on Linux")
    return bool(request.param)


def test_what_the_user_keeps_beside_the_files_stays(tmp_path: Path, exchanges: bool) -> None:
    folder = tmp_path / "m"
    keep(folder)
    before = identities(folder)
    for files in (OLD, NEW, NEWEST):
        replace_folder(files, tmp_path, "m")
        assert content(folder) == {**output(files), **KEPT}
        assert identities(folder) == before
    assert hidden(tmp_path) == []


def test_the_folder_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = replace_folder(OLD, tmp_path, "m")
    folder.chmod(0o700)
    before = folder.stat()
    monkeypatch.chdir(folder)
    for files in (NEW, NEWEST):
        replace_folder(files, Path(".."), "m")
        assert sorted(os.listdir(".")) == sorted(output(files))
        assert Path.cwd() == folder
    after = folder.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir(mode=0o700)
    replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == output(NEW)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o700


def test_without_hard_links_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    keep(tmp_path / "m")
    before = identities(tmp_path / "m")
    monkeypatch.setattr(os, "link", fail)
    for files in (OLD, NEW):
        replace_folder(files, tmp_path, "m")
        assert content(tmp_path / "m") == {**output(files), **KEPT}
    assert identities(tmp_path / "m") == before
    assert hidden(tmp_path) == []


# ---------------------------------------------------------------- in one step


EVENTS = {
    *("open", "test.fsync", "ctypes.dlsym", "shutil.rmtree", "shutil.copyfile"),
    *("os.chmod", "os.link", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.scandir", "os.symlink"),
}
NEEDS_SPACE = {"test.fsync", "os.link", "os.mkdir", "os.symlink"}
# What is called before everything that a run does on the disk: with its number, and the event.
Hook = Callable[[int, str, tuple[object, ...]], None]
FAILED, OTHER, UNTOUCHED = 3, 4, 5


def run_hooked(hook: Hook, files: Mapping[str, bytes], directory: Path, number: int = 0) -> int:
    """Write DIR/m in a child process with a hook; its exit status, negative if it was killed.

    0: it succeeded; FAILED: by an OutputError or an interrupt; UNTOUCHED: in less than `number`
    things.
    """
    child = os.fork()
    if not child:
        status, count = OTHER, 0

        def audit(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if event in EVENTS:
                count += 1
                hook(count, event, arguments)

        try:
            os.fsync = lambda handle: sys.audit("test.fsync", handle)
            sys.addaudithook(audit)
            replace_folder(files, directory, "m")
            status = 0 if count >= number else UNTOUCHED
        except (OutputError, KeyboardInterrupt):
            status = FAILED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(number: int) -> Hook:
    def hook(count: int, event: str, arguments: tuple[object, ...]) -> None:
        if count == number:
            if event == "test.fsync":  # half of the file is written
                os.ftruncate(arguments[0], 1)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def fail_at(number: int) -> Hook:
    def hook(count: int, event: str, arguments: tuple[object, ...]) -> None:
        if count == number:
            raise OSError(errno.EIO, "Input/output error")

    return hook


def interrupt_at(number: int) -> Hook:
    def hook(count: int, event: str, arguments: tuple[object, ...]) -> None:
        if count == number:
            raise KeyboardInterrupt

    return hook


def fill_disk_at(number: int) -> Hook:
    def hook(count: int, event: str, arguments: tuple[object, ...]) -> None:
        if count >= number and event in NEEDS_SPACE:
            raise OSError(errno.ENOSPC, "No space left on device")

    return hook


class Case:
    """A DIR/m with the old output, with what a user keeps, with both or with neither."""

    def __init__(self, directory: Path, before: str) -> None:
        self.directory, self.folder = directory, directory / "m"
        self.kept = KEPT if before in ("user", "both") else {}
        directory.mkdir(exist_ok=True)
        if self.kept:
            keep(self.folder)
        if before in ("output", "both"):
            replace_folder(OLD, directory, "m")
        self.known = self._identities()
        self.complete = (content(self.folder), {**output(NEW), **self.kept})

    def _identities(self) -> dict[str, tuple[int, int]]:
        return identities(self.folder) if self.kept else {}

    @property
    def old(self) -> dict[str, bytes] | None:
        return self.complete[0]

    def is_within_renames(self) -> bool:
        """Has a run ended between the renames that do for an exchange?"""
        return bool(list(self.directory.glob(".*/spare")))

    def check(self) -> None:
        """One complete output is there, and all that the user keeps."""
        assert content(self.folder) in self.complete
        assert self._identities() == self.known

    def check_next_run(self) -> None:
        """The next run, whatever its model, finishes what is left."""
        replace_folder(OLD, self.directory, "other")
        self.check()
        for name in hidden(self.directory):  # killed before it was marked, or when it was no more
            assert content(self.directory / name) in ({}, {"run.json": b""})


CASES = ["nothing", "output", "user", "both"]


@posix
@pytest.mark.parametrize("before", CASES)
def test_a_run_that_is_killed_at_any_point(quick_path: Path, before: str, exchanges: bool) -> None:
    gaps = 0
    for number in itertools.count(1):
        case = Case(quick_path / str(number), before)
        inode = case.folder.stat().st_ino if case.old is not None else None
        status = run_hooked(kill_at(number), NEW, case.directory, number)
        if status == UNTOUCHED:
            break
        assert status == -signal.SIGKILL
        if case.is_within_renames():
            gaps += 1
            if case.folder.exists():
                assert top(case.complete[1]).items() <= top(content(case.folder)).items()
        else:
            assert content(case.folder) in case.complete
        case.check_next_run()
        if inode is not None:
            assert case.folder.stat().st_ino == inode
        replace_folder(NEWEST, case.directory, "m")
        assert content(case.folder) == {**output(NEWEST), **case.kept}
    assert number > 20, "there were few points to be killed at"
    assert gaps == (0 if exchanges or before == "nothing" else 4)


@posix
@pytest.mark.parametrize("before", ["nothing", "both"])
@pytest.mark.parametrize("fault", [fail_at, interrupt_at, fill_disk_at])
def test_a_run_that_fails_at_any_point(
    quick_path: Path, before: str, fault: Callable[[int], Hook], exchanges: bool
) -> None:
    failures = 0
    for number in itertools.count(1):
        case = Case(quick_path / str(number), before)
        status = run_hooked(fault(number), NEW, case.directory, number)
        if status == UNTOUCHED:
            break
        assert status in (0, FAILED)
        failures += status == FAILED
        if fault is fill_disk_at:
            assert content(case.folder) == case.complete[status == 0]
            assert hidden(case.directory) == []
        elif not case.is_within_renames():
            assert content(case.folder) in case.complete
        case.check_next_run()
    assert failures > 5


def replace_by_rename(path: Path, data: bytes) -> None:
    """Save a file as most editors do."""
    path.with_name("saved").write_bytes(data)
    path.with_name("saved").rename(path)


@linux
def test_what_is_saved_after_a_kill_is_not_lost(quick_path: Path) -> None:
    covered = 0
    edited = {"proof.txt": b"more", "fresh": b"fresh", "m.py": b"mine", "sub/deep/x": b"y"}
    edited |= {"appendix.tex": b"also mine", "folder/file": b"new", "derivation.md": b"in place"}
    for number in itertools.count(1):
        case = Case(quick_path / str(number), "both")
        folder, inode = case.folder, case.folder.stat().st_ino
        if run_hooked(kill_at(number), NEW, case.directory, number) == UNTOUCHED:
            break
        if folder.stat().st_ino == inode:
            continue
        covered += 1
        (folder / "folder").mkdir()
        for name in ("fresh", "folder/file", "m.py", "sub/deep/x", "derivation.md"):
            (folder / name).write_bytes(edited[name])
        for name in ("proof.txt", "appendix.tex"):
            replace_by_rename(folder / name, edited[name])
        (folder / "dangling").unlink()
        replace_folder(OLD, case.directory, "other")
        assert folder.stat().st_ino == inode
        assert content(folder) == {**output(NEW), **KEPT, **edited, "link": b"more"}
        assert hidden(case.directory) == []
        with pytest.raises(OutputError, match=r"holds appendix\.tex, m\.py, changed"):
            replace_folder(OLD, case.directory, "m")
    assert covered > 5, "no run was killed while the stand-in was there"


@linux
def test_what_is_saved_during_a_run_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Case(tmp_path, "both")
    exchange, calls = module._exchange, []

    def save(run: module._Run) -> None:
        calls.append(run)
        name = ["m.yaml", "m.ipynb"][len(calls) - 1]
        replace_by_rename(tmp_path / "m" / name, b"saved")
        (tmp_path / "m" / f"new{len(calls)}").write_bytes(b"new")
        exchange(run)

    monkeypatch.setattr(module, "_exchange", save)
    replace_folder(NEW, tmp_path, "m")
    saved = {"m.yaml": b"saved", "m.ipynb": b"saved", "new1": b"new", "new2": b"new"}
    assert content(tmp_path / "m") == {**output(NEW), **KEPT, **saved}
    assert hidden(tmp_path) == []


@linux
def test_what_is_saved_twice_during_a_run_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Case(tmp_path, "both")
    exchange, calls = module._exchange, []

    def save(run: module._Run) -> None:
        calls.append(run)
        replace_by_rename(tmp_path / "m" / "m.yaml", b"saved %d" % len(calls))
        exchange(run)

    monkeypatch.setattr(module, "_exchange", save)
    replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == {**output(NEW), **KEPT, "m.yaml": b"saved 1"}
    (name,) = hidden(tmp_path)
    assert (tmp_path / name / "folder" / "m.yaml").read_bytes() == b"saved 2"
    monkeypatch.undo()
    replace_folder(NEWEST, tmp_path, "m")
    assert content(tmp_path / "m") == {**output(NEWEST), **KEPT, "m.yaml": b"saved 1"}
    assert (tmp_path / name / "folder" / "m.yaml").read_bytes() == b"saved 2"


@posix
@pytest.mark.parametrize("name", ["proof.tex", "m.py"])
def test_a_file_that_is_saved_as_late_as_can_be_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replace_folder(OLD, tmp_path, "m")
    exchange = module._exchange

    def save(run: module._Run) -> None:
        if not (tmp_path / "m" / "m.py").exists():
            (tmp_path / "m" / name).write_bytes(b"mine")
        exchange(run)

    monkeypatch.setattr(module, "_exchange", save)
    with pytest.raises(OutputError, match=rf"holds {name}"):
        replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == {**output(OLD), name: b"mine"}
    assert hidden(tmp_path) == []


@linux
def test_a_reader_never_meets_a_gap(tmp_path: Path) -> None:
    keep(tmp_path / "m")
    replace_folder(OLD, tmp_path, "m")

    def write(worker: int) -> None:
        for _ in range(25):
            replace_folder(OLD if worker % 2 else NEW, tmp_path, "m")

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, worker) for worker in range(4)]
        looks = 0
        while not all(future.done() for future in running):
            for name in ("derivation.json", "m.yaml", "sub/deep/x"):
                assert (tmp_path / "m" / name).exists()
            looks += 1
        for future in running:
            future.result()
    assert looks > 10
    assert content(tmp_path / "m") in ({**output(OLD), **KEPT}, {**output(NEW), **KEPT})
    assert hidden(tmp_path) == []


@posix
def test_processes_that_write_at_the_same_time(tmp_path: Path) -> None:
    keep(tmp_path / "m")
    before = identities(tmp_path / "m")
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            status = 1
            try:
                for _ in range(20):
                    replace_folder(OLD if number % 2 else NEW, tmp_path, "m")
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert content(tmp_path / "m") in ({**output(OLD), **KEPT}, {**output(NEW), **KEPT})
    assert identities(tmp_path / "m") == before
    assert hidden(tmp_path) == []


# ---------------------------------------------------------------- left-overs


def killed_run(directory: Path) -> Path:
    """The folder of a run that was killed while the stand-in was there."""
    case = Case(directory, "both")
    inode = case.folder.stat().st_ino

    def hook(count: int, event: str, arguments: tuple[object, ...]) -> None:
        if case.folder.stat().st_ino != inode:
            os.kill(os.getpid(), signal.SIGKILL)

    assert run_hooked(hook, NEW, directory) == -signal.SIGKILL
    (name,) = hidden(directory)
    return directory / name


NAMES = [
    ".m.partial-0123456789abcdef",
    ".m.previous",
    ".symelbo-",
    ".symelbo-0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_called_like_a_left_over_is_left_alone(tmp_path: Path, name: str) -> None:
    record = json.dumps({"schema": "symelbo/run/1", "token": name.removeprefix(".symelbo-")})
    for directory, data in (("a", b""), ("b", b"{"), ("c", record.encode()), ("d", b"[" * 99999)):
        (tmp_path / directory / name / "new").mkdir(parents=True)
        (tmp_path / directory / name / "run.json").write_bytes(data)
        (tmp_path / directory / name / "new" / "precious").write_bytes(b"precious")
        before = content(tmp_path / directory / name)
        replace_folder(OLD, tmp_path / directory, "m")
        replace_folder(NEW, tmp_path / directory, "m")
        assert content(tmp_path / directory / name) == before
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / name).write_bytes(b"precious")
    (tmp_path / "f" / name).mkdir(parents=True)
    for directory in ("e", "f"):
        replace_folder(NEW, tmp_path / directory, "m")
        assert (tmp_path / directory / name).exists()


@linux
@pytest.mark.parametrize("how", ["copied", "renamed", "another stem", "another file", "torn"])
def test_a_left_over_that_somebody_touched_is_left_alone(tmp_path: Path, how: str) -> None:
    directory = tmp_path / "out"
    work = killed_run(directory)
    marker = json.loads((work / "run.json").read_bytes())
    journal = json.loads((work / "stand-in.json").read_bytes())
    if how == "copied":
        directory = tmp_path / "copy"
        shutil.copytree(tmp_path / "out", directory, symlinks=True, ignore=ignore_pipes)
        work = directory / work.name
    elif how == "renamed":
        work = work.rename(work.with_name(".symelbo-mine"))
    elif how == "another stem":
        (work / "run.json").write_text(json.dumps({**marker, "stem": "../out/m"}))
    elif how == "another file":
        (work / "stand-in.json").write_text(json.dumps({**journal, "gone": ["../../m.yaml"]}))
    else:
        (work / "stand-in.json").write_text("{")
    before = content(work), content(directory / "m")
    replace_folder(OLD, directory, "other")
    assert (content(work), content(directory / "m")) == before


def ignore_pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "pipe"]


@linux
def test_a_left_over_of_another_user_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = killed_run(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: work.stat().st_uid + 1)
        replace_folder(OLD, tmp_path, "other")
    assert work.exists()
    replace_folder(OLD, tmp_path, "other")
    assert not work.exists()


@linux
def test_a_run_waits_for_one_that_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Case(tmp_path, "both")
    code = (
        "import sys; from pathlib import Path; from symelbo.replace_folder import replace_folder;"
    )
    code += "print('ready', flush=True); replace_folder({'a': b''}, Path(sys.argv[1]), 'other')"
    settle, others = module._settle, []

    def settle_late(run: module._Run) -> None:
        others.append(
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
            )
        )
        assert others[0].stdout.read(6) == b"ready\n"
        time.sleep(0.3)
        assert others[0].poll() is None, "it did not wait for us"
        assert run.work.exists()
        settle(run)

    monkeypatch.setattr(module, "_settle", settle_late)
    replace_folder(NEW, tmp_path, "m")
    with others[0]:
        assert others[0].wait(30) == 0
    assert content(tmp_path / "m") == {**output(NEW), **KEPT}
    assert content(tmp_path / "other") == output({"a": b""})
    assert hidden(tmp_path) == []


@linux
def test_the_folder_of_a_run_that_lives_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a lock on a folder does not reach other machines, as on network file systems."""
    Case(tmp_path, "both")
    lock, settle, others = hold._lock, module._settle, []

    def lock_files(path: Path, wait: bool) -> int | None:
        return None if path.is_dir() else lock(path, wait)

    def settle_late(run: module._Run) -> None:
        if not others:
            others.append(run)
            before = content(run.work)
            replace_folder(OLD, tmp_path, "other")
            assert content(run.work) == before
        settle(run)

    monkeypatch.setattr(hold, "_lock", lock_files)
    monkeypatch.setattr(module, "_settle", settle_late)
    with at_once(10):
        replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == {**output(NEW), **KEPT}
    assert hidden(tmp_path) == []


@linux
def test_the_stand_in_is_as_private_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m").chmod(0o710)
    killed_run(tmp_path)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o710


def test_an_exchange_that_fails_half_way_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, spare = (tmp_path / name for name in ("one", "other", "spare"))
    other.mkdir()
    monkeypatch.setattr(exchange_folders, "_exchange_at_once", lambda one, other: False)
    with pytest.raises(FileNotFoundError):
        exchange_folders.exchange_folders(one, other, spare)
    assert os.listdir(tmp_path) == ["other"]


@linux
def test_without_locks_left_overs_stay_and_all_else_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = killed_run(tmp_path)
    before = content(work)

    def fail(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    replace_folder(NEWEST, tmp_path, "m")
    assert content(work) == before
    assert content(tmp_path / "m") == {**output(NEWEST), **KEPT}
    monkeypatch.undo()
    replace_folder(OLD, tmp_path, "m")  # the left-over is older than the output
    assert content(tmp_path / "m") == {**output(OLD), **KEPT}
    assert content(work) == before


@linux
def test_a_left_over_of_a_folder_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    work = killed_run(tmp_path)
    shutil.rmtree(tmp_path / "m")
    before = content(work)
    replace_folder(NEWEST, tmp_path, "m")
    assert content(tmp_path / "m") == output(NEWEST)
    assert content(work) == before


@posix
def test_a_left_over_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    work = killed_run(tmp_path / "out")
    elsewhere = work.rename(tmp_path / "elsewhere")
    work.symlink_to(elsewhere)
    before = content(elsewhere)
    replace_folder(NEW, tmp_path / "out", "other")
    assert content(elsewhere) == before


# ---------------------------------------------------------------- what is refused


def assert_refused(directory: Path, words: str, files: Mapping[str, bytes] = NEW) -> None:
    """The output is refused with these words, and nothing has changed."""
    before = content(directory)
    with pytest.raises(OutputError) as caught:
        replace_folder(files, directory, "m")
    message = str(caught.value)
    assert message.startswith(f"{directory / 'm'}: ")
    assert words in message
    assert message.endswith("or choose another -o")
    assert content(directory) == before


@pytest.mark.parametrize("name", [*NEW, "proof.pdf"])
@pytest.mark.parametrize("how", ["edited", "folder", "link", "dangling", "hard link", "pipe"])
def test_a_file_that_was_changed_is_not_replaced(tmp_path: Path, name: str, how: str) -> None:
    files = {**NEW, "proof.pdf": b"new"}
    directory = tmp_path / "out"
    path = replace_folder(files, directory, "m") / name
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    if how == "edited":
        path.write_bytes(files[name] + b"\n")
    else:
        path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "link":
        mine.write_bytes(files[name])
        path.symlink_to(mine)
    elif how == "dangling":
        path.symlink_to("nowhere")
    elif how == "hard link":
        os.link(mine, path)
    elif how == "pipe":
        os.mkfifo(path)
    assert_refused(directory, f"holds {name}, changed since symelbo wrote it")
    assert os.path.lexists(path)
    if how != "edited":
        path.rmdir() if how == "folder" else path.unlink()
        replace_folder(OLD, directory, "m")
        assert content(directory / "m") == output(OLD)


@pytest.mark.parametrize("name", NEW)
def test_a_file_that_symelbo_did_not_write_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / name).write_bytes(NEW[name])
    assert_refused(tmp_path, f"holds {name}, but no manifest.json that says symelbo wrote it")
    (tmp_path / "m" / name).unlink()
    replace_folder(NEWEST, tmp_path, "m")
    if name not in NEWEST:
        (tmp_path / "m" / name).write_bytes(NEW[name])
        assert_refused(tmp_path, f"holds {name}, which symelbo did not write")


def test_an_output_of_an_early_version_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    for name in ("derivation.json", "m.py", "proof.tex"):
        (tmp_path / "m" / name).write_bytes(b"early")
    words = "holds derivation.json, m.py, proof.tex, but no manifest.json that says symelbo wrote"
    assert_refused(tmp_path, f"{words} them (early versions wrote none); nothing was written")


MANIFESTS = {
    "empty": b"",
    "not JSON": b"{",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "of a web page": b'{"name": "my page"}',
    "another schema": render_manifest(OLD).replace(b"manifest/1", b"manifest/2"),
    "edited": render_manifest(OLD).replace(b"\n", b""),
    "a path": render_manifest({"../mine": b""}),
    "no hash": json.dumps(
        {"schema": "symelbo/manifest/1", "sha256": {"proof.tex": ""}}, indent=2
    ).encode()
    + b"\n",
    "not UTF-8": b"\xff",
    "large": b" " * (2 << 20),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_that_is_none_of_ours(tmp_path: Path, what: str) -> None:
    replace_folder(OLD, tmp_path, "m")
    (tmp_path / "m" / MANIFEST).write_bytes(MANIFESTS[what])
    words = "holds a manifest.json that is not as symelbo writes it, so no file is known to be"
    assert_refused(tmp_path, words)


@posix
@pytest.mark.parametrize("how", ["link", "pipe", "folder", "secret", "huge"])
def test_a_manifest_that_cannot_be_read(quick_path: Path, how: str) -> None:
    manifest = replace_folder(OLD, quick_path, "m") / MANIFEST
    if how == "secret":
        manifest.chmod(0)
    elif how == "huge":
        os.truncate(manifest, 1 << 40)
    elif how == "link":
        manifest.rename(quick_path / "elsewhere")
        manifest.symlink_to(quick_path / "elsewhere")
    else:
        manifest.unlink()
        manifest.mkdir() if how == "folder" else os.mkfifo(manifest)
    message = r"holds a manifest\.json that is not as symelbo writes"
    with without_privileges(quick_path), pytest.raises(OutputError, match=message):
        replace_folder(NEW, quick_path, "m")
    assert (quick_path / "m" / "derivation.json").read_bytes() == b"old"
    assert os.path.lexists(manifest)


def test_a_file_that_is_gone_is_written_again(tmp_path: Path) -> None:
    replace_folder(NEW, tmp_path, "m")
    (tmp_path / "m" / "m.py").unlink()
    (tmp_path / "m" / "appendix.tex").unlink()
    replace_folder({**OLD, "m.py": b"new"}, tmp_path, "m")
    assert content(tmp_path / "m") == output({**OLD, "m.py": b"new"})


def test_a_name_that_differs_in_case_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "M.PY").write_bytes(b"mine")
    if not (tmp_path / "m" / "m.py").exists():
        replace_folder(NEW, tmp_path, "m")
        assert content(tmp_path / "m") == {**output(NEW), "M.PY": b"mine"}
        shutil.rmtree(tmp_path / "m")
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "M.PY").write_bytes(b"mine")

        def lexists(path: Path) -> bool:  # as a file system says that does not tell A from a
            names = os.listdir(path.parent) if path.parent.is_dir() else []
            return path.name.casefold() in map(str.casefold, names)

        monkeypatch.setattr(os.path, "lexists", lexists)
    assert_refused(tmp_path, "holds m.py, but no manifest.json")


@posix
def test_a_file_that_the_user_linked_elsewhere_keeps_its_content_there(tmp_path: Path) -> None:
    folder = replace_folder(OLD, tmp_path / "out", "m")
    os.link(folder / "proof.tex", tmp_path / "mine.tex")
    replace_folder(NEWEST, tmp_path / "out", "m")
    assert (tmp_path / "mine.tex").read_bytes() == b"old"


@posix
def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    elsewhere = replace_folder(OLD, tmp_path, "elsewhere")
    directory = tmp_path / "out"
    directory.mkdir()
    for place in (elsewhere, tmp_path / "nowhere", directory / "m"):
        (directory / "m").symlink_to(place)
        with pytest.raises(OutputError, match="symbolic link; move it away, or choose another -o"):
            replace_folder(NEW, directory, "m")
        (directory / "m").unlink()
    assert content(elsewhere) == output(OLD)
    assert not (tmp_path / "nowhere").exists()
    assert os.listdir(directory) == []


@posix
def test_the_directory_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert replace_folder(OLD, tmp_path / "out", "m") == tmp_path / "out" / "m"
    replace_folder(NEW, tmp_path / "out", "m")
    assert content(tmp_path / "real") == {f"m/{name}": data for name, data in output(NEW).items()}


@pytest.mark.parametrize("name", ["../m", "..", ".", "", "a/b", "/tmp/m", ".m", "a\nb"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="no name"):
        replace_folder(OLD, tmp_path, name)
    with pytest.raises(OutputError, match="no name"):
        replace_folder({name: b""}, tmp_path, "m")
    assert os.listdir(tmp_path) == []


@posix
def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("precious")
    with pytest.raises(OutputError, match="is a file"):
        replace_folder(OLD, tmp_path, "m")
    with pytest.raises(OutputError, match="cannot write"):
        replace_folder(OLD, tmp_path / "m", "x")
    assert (tmp_path / "m").read_text() == "precious"
    os.mkfifo(tmp_path / "x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "y"))
        for stem in ("x", "y"):
            with pytest.raises(OutputError, match="is a file"):
                replace_folder(OLD, tmp_path, stem)


@posix
@pytest.mark.parametrize("what", ["the folder", "the directory"])
def test_what_may_not_be_written(quick_path: Path, what: str) -> None:
    directory = quick_path / "out"
    keep(directory / "m")
    with without_privileges(quick_path):
        replace_folder(OLD, directory, "m")
        closed = directory if what == "the directory" else directory / "m"
        closed.chmod(0o555)
        before = content(directory)
        with pytest.raises(OutputError, match="Permission denied"):
            replace_folder(NEW, directory, "m")
        assert content(directory) == before
        assert hidden(directory) == []
        closed.chmod(0o755)
        replace_folder(NEW, directory, "m")


@contextmanager
def without_privileges(directory: Path) -> Iterator[None]:
    """Be the owner of a directory, and one for whom permissions hold."""
    user = os.geteuid()
    if user == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, 65534, -1, follow_symlinks=False)
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
