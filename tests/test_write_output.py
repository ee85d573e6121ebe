"""DIR/STEM/ is the complete old output or the complete new one, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symelbo import write_output
from symelbo.write_output import OutputError, output_stem, replace_folder

ROOT = Path(__file__).resolve().parents[1]
OLD = {"derivation.json": b"old", "proof.tex": b"old"}
NEW = {"derivation.json": b"new", "appendix.tex": b"new", "m.py": b"new"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="folders have no locks there")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hidden(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if name.startswith(".")]


def test_the_folder_holds_exactly_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    assert replace_folder(OLD, directory, "m") == directory / "m"
    assert content(directory / "m") == OLD
    replace_folder(NEW, directory, "m")
    assert content(directory / "m") == NEW
    assert os.listdir(directory) == ["m"]


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        folder = replace_folder(OLD, tmp_path, "m")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "proof.tex").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("exchanges", [True, False])
def test_without_exchange_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    if not exchanges:
        monkeypatch.setattr(write_output, "_exchange", lambda one, other: False)
    replace_folder(OLD, tmp_path, "m")
    replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == NEW
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_failed_write_leaves_the_previous_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    replace_folder(OLD, tmp_path, "m")
    if exchanges:

        def fail(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(write_output, "_write_file", fail)
    else:
        rename = Path.rename

        def fail_once(self: Path, target: Path) -> Path:
            if self.name.startswith(".m.partial") and not (tmp_path / "m").exists():
                raise OSError(5, "Input/output error")
            return rename(self, target)

        monkeypatch.setattr(write_output, "_exchange", lambda one, other: False)
        monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(OutputError, match=r"No space left|Input/output"):
        replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == OLD
    assert hidden(tmp_path) == []


# Where a run is killed: before the call of `name` number `count`.
KILLS = {
    "first file": ("write_output._write_file", 1, True),
    "second file": ("write_output._write_file", 2, True),
    "before the swap": ("write_output._swap", 1, True),
    "after the swap": ("shutil.rmtree", 1, True),
    "before the first rename": ("os.rename", 2, False),
    "between the renames": ("os.rename", 3, False),
    "after both renames": ("shutil.rmtree", 1, False),
}
KILLED_RUN = """
import os, shutil, signal, sys
from pathlib import Path
from symelbo import write_output

where, count, exchanges, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
if exchanges == "False":
    write_output._exchange = lambda one, other: False
module, name = where.split(".")
module = {"os": os, "shutil": shutil, "write_output": write_output}[module]
original, calls = getattr(module, name), 0

def killing(*arguments, **options):
    global calls
    calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(module, name, killing)
write_output.replace_folder(
    {"derivation.json": b"new", "appendix.tex": b"new", "m.py": b"new"}, directory, "m"
)
"""


@posix
@pytest.mark.parametrize("when", KILLS)
def test_a_killed_run_leaves_one_complete_output(tmp_path: Path, when: str) -> None:
    where, count, exchanges = KILLS[when]
    replace_folder(OLD, tmp_path, "m")
    arguments = [where, str(count), str(exchanges), str(tmp_path)]
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, *arguments], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    folder = tmp_path / (".m.previous" if when == "between the renames" else "m")
    assert content(folder) in (OLD, NEW)
    assert hidden(tmp_path), "nothing to clean: the run was not killed where it should be"
    replace_folder(OLD, tmp_path, "other")  # the next run, whatever its model
    assert [name for name in hidden(tmp_path) if "partial" in name] == []
    newest = {"derivation.json": b"newest"}
    replace_folder(newest, tmp_path, "m")
    assert content(tmp_path / "m") == newest
    assert hidden(tmp_path) == []


@posix
def test_a_run_that_fails_after_a_kill_restores_the_previous_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_folder(OLD, tmp_path, "m")
    (tmp_path / "m").rename(tmp_path / ".m.previous")

    def fail(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write_output, "_write_file", fail)
    with pytest.raises(OutputError):
        replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == OLD


@posix
def test_the_folder_of_a_run_that_lives_is_left_alone(tmp_path: Path) -> None:
    with write_output._fresh_folder(tmp_path, "m") as fresh:
        replace_folder(OLD, tmp_path, "m")
        assert fresh.is_dir()
    assert not fresh.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="folders are exchanged on Linux")
def test_a_reader_never_meets_a_gap(tmp_path: Path) -> None:
    replace_folder(OLD, tmp_path, "m")

    def write(worker: int) -> None:
        for _ in range(25):
            replace_folder(OLD if worker % 2 else NEW, tmp_path, "m")

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, worker) for worker in range(4)]
        looks = 0
        while not all(future.done() for future in running):
            assert (tmp_path / "m" / "derivation.json").exists()
            looks += 1
        for future in running:
            future.result()
    assert looks > 10
    assert content(tmp_path / "m") in (OLD, NEW)
    assert hidden(tmp_path) == []


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("name", ["notes.txt", ".git", "proofs.tex", "src"])
def test_a_folder_with_files_of_the_user_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / name).write_text("precious")
    with pytest.raises(OutputError, match="did not write"):
        replace_folder(NEW, tmp_path, "m")
    assert (tmp_path / "m" / name).read_text() == "precious"
    assert hidden(tmp_path) == []


def test_what_tex_and_python_leave_beside_the_files_is_no_obstacle(tmp_path: Path) -> None:
    replace_folder(OLD, tmp_path, "m")
    for name in ("proof.aux", "proof.synctex.gz", "appendix.log"):
        (tmp_path / "m" / name).write_text("")
    (tmp_path / "m" / "__pycache__").mkdir()
    replace_folder(NEW, tmp_path, "m")
    assert content(tmp_path / "m") == NEW


@posix
def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "m").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="symbolic link"):
        replace_folder(NEW, directory, "m")
    (directory / "m").unlink()
    (directory / "m").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="symbolic link"):
        replace_folder(NEW, directory, "m")
    assert os.listdir(elsewhere) == []
    assert not (tmp_path / "nowhere").exists()


@posix
def test_a_left_over_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("")
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / ".m.partial-0123456789abcdef").symlink_to(elsewhere)
    (directory / ".m.previous").symlink_to(elsewhere)
    replace_folder(NEW, directory, "m")
    assert content(directory / "m") == NEW
    assert (elsewhere / "precious").exists()


@pytest.mark.parametrize("name", ["../m", "..", ".", "", "a/b", "/tmp/m", ".m", "a\nb"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="no name"):
        replace_folder(OLD, tmp_path, name)
    with pytest.raises(OutputError, match="no name"):
        replace_folder({name: b""}, tmp_path, "m")
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("precious")
    with pytest.raises(OutputError, match="is a file"):
        replace_folder(OLD, tmp_path, "m")
    with pytest.raises(OutputError, match="cannot write"):
        replace_folder(OLD, tmp_path / "m", "x")
    assert (tmp_path / "m").read_text() == "precious"


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("../../x.yaml", "x"),
        ("..yaml", "_"),
        ("a b.yaml", "a_b"),
        (".hidden", "_hidden"),
        ("$(rm -rf ~).yaml", "__rm_-rf___"),
        ("Lücke.yml", "L_cke"),
        ("a" * 300 + ".yaml", "a" * 120),
        ("a\nb.yaml", "a_b"),
    ],
)
def test_stems_are_made_safe(tmp_path: Path, path: str, stem: str) -> None:
    assert output_stem(Path(path)) == stem
    replace_folder(OLD, tmp_path, stem)
    assert os.listdir(tmp_path) == [stem]


# ---------------------------------------------------------------- the PDF


TEX = rb"\documentclass{article}\begin{document}%s\end{document}"
needs_tex = pytest.mark.skipif(
    write_output._tex_command() is None, reason="no TeX engine is installed"
)


@needs_tex
def test_the_pdf_is_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    first = write_output._compile_pdf(TEX % rb"\today")
    time.sleep(1.1)
    monkeypatch.setenv("TZ", "America/Lima")
    second = write_output._compile_pdf(TEX % rb"\today")
    assert isinstance(first, bytes), first
    assert first.startswith(b"%PDF")
    assert first == second


@needs_tex
def test_an_error_of_tex_is_one_line() -> None:
    remark = write_output._compile_pdf(TEX % rb"\undefinedcommand")
    assert isinstance(remark, str)
    assert "Undefined control sequence" in remark
    assert "\n" not in remark


@needs_tex
def test_tex_runs_no_commands_and_writes_nowhere_else(tmp_path: Path) -> None:
    target = tmp_path / "stolen"
    shell = rb"\immediate\write18{touch %s}" % bytes(target)
    write = rb"\newwrite\f\immediate\openout\f=%s\immediate\write\f{x}" % bytes(target)
    write_output._compile_pdf(TEX % shell)
    write_output._compile_pdf(TEX % write)
    assert not target.exists()


@needs_tex
def test_tex_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_output, "TEX_SECONDS", 1)
    remark = write_output._compile_pdf(TEX % rb"\def\x{\x}\x")
    assert "longer than 1 s" in str(remark)


def test_no_tex_engine_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "neither pdflatex nor tectonic" in str(write_output._compile_pdf(TEX))


@posix
@pytest.mark.parametrize("engine", ["pdflatex", "tectonic"])
def test_engines_run_alone_in_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    program = tmp_path / engine
    program.write_text('#!/bin/sh\necho "$@ $openout_any $SOURCE_DATE_EPOCH" > proof.pdf\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setattr(
        write_output.shutil, "which", lambda name: str(program) if name == engine else None
    )
    made = write_output._compile_pdf(TEX)
    assert isinstance(made, bytes)
    assert (b"-no-shell-escape" in made) == (engine == "pdflatex")
    assert (b"--untrusted" in made) == (engine == "tectonic")
    assert made.endswith(b"p 0\n")
