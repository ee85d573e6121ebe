"""The command line from end to end: exit status, messages, and what is on the disk afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from symelbo import __version__, cli
from symelbo.resources import models_directory

ROOT = Path(__file__).resolve().parents[1]
MODELS = models_directory()
PPCA = str(MODELS / "ppca.yaml")
RIGID = str(MODELS / "sbn_rigid.yaml")
MIXTURE = str(MODELS / "poisson_mixture.yaml")

OUTSIDE = """\
name: Weibull with unknown shape
parameters: {k: positive, l: positive}
model:
  - x ~ Odd(k, l)
families:
  Odd:
    value: v
    support: positive
    parameters: {k: positive, l: positive}
    log_density: log(k) - log(l) + (k - 1)*(log(v) - log(l)) - (v/l)**k
observed: [x]
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")
BAD = """\
name: Two faults
parameters: {mu: reel, sigma2: positive}
model:
  - x ~ Normale(0, sigma2)
observed: [x]
"""


@dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str


@pytest.fixture
def symelbo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Run]:
    """Run the program in this process, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["symelbo", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        captured = capsys.readouterr()
        assert isinstance(ending.value.code, int)
        return Run(ending.value.code, captured.out, captured.err)

    return run


def spawn(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "symelbo", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def everything(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


# ---------------------------------------------------------------- derive


def test_derive_writes_the_files_and_prints_a_summary(
    symelbo: Callable[..., Run], tmp_path: Path
) -> None:
    run = symelbo("derive", PPCA, "--no-pdf")
    assert (run.status, run.err) == (0, "")
    expected = {
        "certificate.json",
        "derivation.json",
        "proof.tex",
        "appendix.tex",
        "ppca.py",
        "manifest.json",
    }
    assert {path.name for path in (tmp_path / "output" / "ppca").iterdir()} == expected
    assert "PROVED by Theorem 1" in run.out
    assert "log(2*PI*e*sigma2)" in run.out
    assert "d/ds sigma2 = -sigma2" in run.out
    assert "relative residual < 1e-" in " ".join(run.out.split())
    wrote = ", ".join(sorted(expected))
    assert f"output/ppca/: {wrote}" in " ".join(run.out.split())
    assert "\x1b" not in run.out
    assert max(map(len, run.out.splitlines())) <= 80


def test_output_goes_where_it_is_asked_to(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    assert symelbo("derive", PPCA, "--no-pdf", "-o", "a/b").status == 0
    assert everything(tmp_path)[:3] == ["a", "a/b", "a/b/ppca"]


@pytest.mark.parametrize(
    ("model", "require", "status"),
    [
        (PPCA, None, 0),
        (PPCA, "proved", 0),
        (PPCA, "refuted", 3),
        (RIGID, None, 0),
        (RIGID, "refuted", 0),
        (RIGID, "proved", 3),
        ("outside.yaml", None, 0),
        ("outside.yaml", "outside", 0),
        ("outside.yaml", "proved", 3),
        ("bad.yaml", None, 2),
        ("bad.yaml", "proved", 2),
        ("missing.yaml", "proved", 2),
    ],
)
def test_exit_status(
    symelbo: Callable[..., Run], tmp_path: Path, model: str, require: str | None, status: int
) -> None:
    write(tmp_path / "outside.yaml", OUTSIDE)
    write(tmp_path / "bad.yaml", BAD)
    options = ["--require", require] if require else []
    assert symelbo("derive", model, "--no-pdf", *options).status == status


@pytest.mark.parametrize(("require", "status"), [((), 4), (("--require", "proved"), 3)])
def test_undecided(
    symelbo: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    require: tuple[str, ...],
    status: int,
) -> None:
    """No motion is confirmed by the checker."""
    where = "symelbo.criterion.decide_criterion.confirm_component"
    monkeypatch.setattr(where, lambda proposal: ["refused"])
    run = symelbo("derive", PPCA, "--no-pdf", *require)
    assert run.status == status
    assert "UNDECIDED" in run.out
    assert symelbo("check", "output/ppca").status == 4


def test_every_fault_of_a_bad_file_on_a_line_of_its_own(
    symelbo: Callable[..., Run], tmp_path: Path
) -> None:
    write(tmp_path / "bad.yaml", BAD)
    run = symelbo("derive", "bad.yaml")
    assert run.status == 2
    assert run.out == ""
    lines = run.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["bad.yaml:2:18", "bad.yaml:4:9"]
    assert everything(tmp_path) == ["bad.yaml"]


def test_a_bad_file_leaves_the_previous_output(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    model = write(tmp_path / "m.yaml", Path(PPCA).read_text())
    assert symelbo("derive", model, "--no-pdf").status == 0
    before = {p: p.read_bytes() for p in (tmp_path / "output").rglob("*") if p.is_file()}
    write(tmp_path / "m.yaml", BAD)
    assert symelbo("derive", model, "--no-pdf").status == 2
    after = {p: p.read_bytes() for p in (tmp_path / "output").rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.parametrize("directory", [".", ".."])
def test_a_model_in_its_own_output_folder_survives(
    symelbo: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    directory: str,
) -> None:
    mine = {"m.yaml": Path(PPCA).read_text(), "m.ipynb": "{}", "proof.txt": "", "derivation.md": ""}
    (tmp_path / "m").mkdir()
    for name, text in mine.items():
        write(tmp_path / "m" / name, text)
    monkeypatch.chdir(tmp_path / directory.replace("..", "m"))
    model = "m.yaml" if directory == ".." else "m/m.yaml"
    for _ in range(2):
        run = symelbo(
            "derive", model, model.replace("m.yaml", "none.yaml"), "--no-pdf", "-o", directory
        )
        assert "none.yaml:1:1: no file to read" in run.err
        assert run.err.count("\n") == 1
        written = {
            "appendix.tex",
            "certificate.json",
            "derivation.json",
            "manifest.json",
            "m.py",
            "proof.tex",
        }
        assert set(os.listdir(tmp_path / "m")) == {*mine, *written}
        assert {name: (tmp_path / "m" / name).read_text() for name in mine} == mine
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (
            False,
            "holds m.py, but no manifest.json that says symelbo wrote it (early versions wrote",
        ),
        (True, "holds m.py, changed since symelbo wrote it; nothing was written: move it away, or"),
    ],
)
def test_a_file_of_the_user_is_not_overwritten(
    symelbo: Callable[..., Run], tmp_path: Path, first: bool, message: str
) -> None:
    model = write(tmp_path / "m.yaml", Path(PPCA).read_text())
    if first:
        assert symelbo("derive", model, "--no-pdf").status == 0
    (tmp_path / "output" / "m").mkdir(parents=True, exist_ok=True)
    write(tmp_path / "output" / "m" / "m.py", "mine")
    before = everything(tmp_path)
    run = symelbo("derive", model, "--no-pdf")
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith(f"output/m: {message}")
    assert run.err.endswith("or choose another -o\n")
    assert everything(tmp_path) == before
    assert (tmp_path / "output" / "m" / "m.py").read_text() == "mine"


def test_folders_beside_the_output_are_left_alone(
    symelbo: Callable[..., Run], tmp_path: Path
) -> None:
    names = [".m.partial-0123456789abcdef", ".m.previous", ".symelbo-" + "0" * 32]
    for name in names:
        (tmp_path / "output" / name).mkdir(parents=True)
        write(tmp_path / "output" / name / "precious", "")
    model = write(tmp_path / "m.yaml", Path(PPCA).read_text())
    assert symelbo("derive", model, "--no-pdf").status == 0
    assert sorted(os.listdir(tmp_path / "output")) == [*names, "m"]
    assert all((tmp_path / "output" / name / "precious").exists() for name in names)


def test_what_cannot_be_read(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    found = {"none.yaml": "No such file or directory", "folder.yaml": "a directory"}
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.yaml")
        (tmp_path / "zeros.yaml").symlink_to("/dev/zero")
        found |= {"pipe.yaml": "a pipe", "zeros.yaml": "a character device"}
    before = everything(tmp_path)
    for name, what in found.items():
        run = symelbo("derive", name)
        message = f"{name}:1:1: no file to read ({what}); expected a YAML file\n"
        assert (run.status, run.out, run.err) == (2, "", message)
    assert everything(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_what_may_not_be_read_or_written(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("")
    (tmp_path / "secret.yaml").chmod(0)
    (tmp_path / "closed").mkdir(mode=0o500)
    for arguments in (["secret.yaml"], [PPCA, "--no-pdf", "-o", "closed"]):
        run = symelbo("derive", *arguments)
        assert run.status == 2
        assert "Permission denied" in run.err


def test_output_that_cannot_be_written(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    write(tmp_path / "file", "precious")
    run = symelbo("derive", PPCA, "--no-pdf", "-o", "file")
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("file/ppca: cannot write the output")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_defect_is_one_message(
    symelbo: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import symelbo.pipeline as pipeline

    def fail(source: object) -> None:
        raise ZeroDivisionError("in the \x1b[31mengine")

    monkeypatch.setattr(pipeline, "derive", fail)
    run = symelbo("derive", PPCA)
    assert run.status == 1
    assert "Traceback" not in run.err
    assert "a defect of symelbo" in run.err
    assert "ZeroDivisionError: in the \\x1b[31mengine" in run.err
    assert everything(tmp_path) == []
    monkeypatch.setenv("SYMELBO_DEBUG", "1")
    assert "Traceback" in symelbo("derive", PPCA).err


def test_a_defect_outside_of_derive_is_one_message(
    symelbo: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_describe_family", lambda family, width: 1 / 0)
    run = symelbo("families")
    assert run.status == 1
    assert "a defect of symelbo" in run.err
    assert "Traceback" not in run.err


def test_an_interrupt_is_quiet(
    symelbo: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(task: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_derive_file", interrupt)
    run = symelbo("derive", PPCA)
    assert (run.status, run.out) == (130, "")
    assert run.err.strip() == ""


def environment_with_tex(directory: Path, script: str) -> dict[str, str]:
    """An environment whose pdflatex is this shell script."""
    engine = directory / "bin" / "pdflatex"
    engine.parent.mkdir()
    engine.write_text(f"#!/bin/sh\n{script}\n: > proof.pdf\n")
    engine.chmod(0o755)
    path = f"{engine.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}


def take_interrupts() -> None:
    """As of a process in the foreground, wherever the tests run: in the background of a shell
    they, and what they start, inherit that interrupts are ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("whom", ["all", "parent"])
def test_an_interrupt_from_the_terminal(tmp_path: Path, jobs: str, whom: str) -> None:
    # one worker has finished and waits for work, the other one waits for a TeX that never ends
    running = subprocess.Popen(
        [sys.executable, "-m", "symelbo", "derive", MIXTURE, RIGID, "--jobs", jobs],
        cwd=tmp_path,
        env=environment_with_tex(tmp_path, "grep -q Poisson proof.tex || exec sleep 100"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=take_interrupts,
    )
    while not list(tmp_path.glob("output/*/derivation.json")):
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)
    if whom == "all":
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole group
    else:
        running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=200)
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)  # the TeX of a worker that could not stop it
    assert running.returncode == 130
    assert (out, err.strip()) == ("", "")


def test_output_into_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "symelbo", "families"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    err = running.stderr.read()
    running.stderr.close()
    running.wait(30)
    assert err == b""


def test_a_model_name_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    model = write(tmp_path / "m.yaml", Path(PPCA).read_text().replace("Probabilistic", "\u03c3"))
    run = spawn(
        "derive", model, "--no-pdf", cwd=tmp_path, PYTHONIOENCODING="latin-1", PYTHONUTF8="0"
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "\\u03c3 PCA" in run.stdout


# ---------------------------------------------------------------- several files


def test_several_files_are_all_tried(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.yaml", BAD)
    run = symelbo("derive", bad, PPCA, "missing.yaml", RIGID, "--no-pdf")
    assert run.status == 2
    assert sorted(os.listdir(tmp_path / "output")) == ["ppca", "sbn_rigid"]
    rows = run.out.splitlines()
    assert rows[0].split() == ["model", "verdict", "theorem", "residual", "entropy", "sum"]
    assert [re.split(r"  +", row)[1] for row in rows[1:]] == [
        "failed",
        "proved",
        "failed",
        "refuted",
    ]
    assert len(run.err.splitlines()) == 3
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [((0, 3), 3), ((3, 4), 4), ((4, 2, 0), 2), ((2, 1, 4), 1), ((0, 0), 0)],
)
def test_the_worst_status_counts(
    symelbo: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    statuses: tuple[int, ...],
    worst: int,
) -> None:
    left = list(statuses)
    monkeypatch.setattr(cli, "_derive_file", lambda task: cli._Outcome(task.path, left.pop(0)))
    files = [f"m{number}.yaml" for number in range(len(statuses))]
    assert symelbo("derive", *files).status == worst


def test_two_files_for_one_folder(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    first = write(tmp_path / "m.yaml", Path(PPCA).read_text())
    second = write(tmp_path / "deep" / "M.yml", Path(RIGID).read_text())
    run = symelbo("derive", first, second, "--no-pdf")
    assert run.status == 2
    assert f"{second}: would overwrite the output output/M of {first}" in run.err
    assert os.listdir(tmp_path / "output") == ["m"]
    data = json.loads((tmp_path / "output" / "m" / "derivation.json").read_text())
    assert data["verdict"] == "proved"


def test_jobs_change_nothing_but_the_time(tmp_path: Path) -> None:
    models = [str(path) for path in sorted(MODELS.glob("*.yaml"))[:6]]
    runs = []
    for jobs in ("1", "3"):
        run = spawn("derive", *models, "--no-pdf", "--jobs", jobs, "-o", jobs, cwd=tmp_path)
        files = {
            str(p.relative_to(tmp_path / jobs)): p.read_bytes()
            for p in (tmp_path / jobs).rglob("*")
            if p.is_file()
        }
        runs.append((run.returncode, run.stdout, run.stderr, files))
    assert runs[0] == runs[1]
    assert runs[0][0] == 0


@posix
def test_a_worker_that_is_killed_costs_its_file_only(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "symelbo", "derive", PPCA, MIXTURE, RIGID, "--jobs", "2"],
        cwd=tmp_path,
        env=environment_with_tex(tmp_path, "grep -q Poisson proof.tex && kill -9 $PPID"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"{MIXTURE}: a worker process was killed (SIGKILL); ")
    assert [row.split()[-2:] == ["-", "-"] for row in run.stdout.splitlines()[1:]] == [
        False,
        True,
        False,
    ]
    assert sorted(os.listdir(tmp_path / "output")) == ["ppca", "sbn_rigid"]


# ---------------------------------------------------------------- the other commands


def test_version(symelbo: Callable[..., Run]) -> None:
    run = symelbo("--version")
    assert (run.status, run.out) == (0, f"symelbo, version {__version__}\n")


@pytest.mark.parametrize("arguments", [(), ("--nonsense",), ("derive",), ("derive", "--jobs", "0")])
def test_usage(symelbo: Callable[..., Run], arguments: tuple[str, ...]) -> None:
    run = symelbo(*arguments)
    assert run.status == 2
    assert "Usage: symelbo" in run.err + run.out


def test_help_has_examples(symelbo: Callable[..., Run]) -> None:
    assert "symelbo new model.yaml" in symelbo("--help").out
    text = symelbo("derive", "--help").out
    assert "symelbo derive model.yaml" in text
    assert "manifest.json" in text
    for status in range(5):
        assert re.search(rf"^ +{status}  ", text, re.MULTILINE)


def test_schema_is_json(symelbo: Callable[..., Run]) -> None:
    from symelbo.model.schema import spec_schema

    assert json.loads(symelbo("schema").out) == spec_schema()


def test_families_shows_every_family_and_form(symelbo: Callable[..., Run]) -> None:
    from symelbo.families.registry import FAMILIES

    text = symelbo("families").out
    assert max(map(len, text.splitlines())) <= 80
    text = " ".join(text.split())
    for family in FAMILIES.values():
        assert f"{family.name}: {family.summary}" in text
        for form in family.forms:
            assert form.log_density in text
            for argument in form.arguments:
                assert argument.name in text


def test_a_new_model_derives(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    run = symelbo("new", "mine.yaml")
    assert run.status == 0
    assert "symelbo derive mine.yaml" in run.out
    derived = symelbo("derive", "mine.yaml", "--no-pdf", "--require", "proved")
    assert (derived.status, derived.err) == (0, "")


def test_new_overwrites_nothing(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    write(tmp_path / "mine.yaml", "precious")
    run = symelbo("new", "mine.yaml")
    assert (run.status, run.out) == (2, "")
    assert "exists already" in run.err
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert symelbo("new", "no/such/folder/mine.yaml").status == 2


# ---------------------------------------------------------------- quick and light


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_nothing_heavy(tmp_path: Path, option: str) -> None:
    code = (
        "import sys; from symelbo.cli import cli; cli.main([sys.argv[1]], standalone_mode=False);"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'sympy', 'numpy', 'scipy', 'ruamel', 'rich', 'jinja2', 'mpmath'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, option],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("model", ["ppca", "gmm_full", "sbn", "logistic_regression"])
def test_an_ordinary_run_imports_no_large_library(model: str, tmp_path: Path) -> None:
    """What few models need is imported where it is needed: it takes longer than all the rest."""
    code = (
        "import sys; from symelbo.cli import cli; cli.main(sys.argv[1:], standalone_mode=False);"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'sympy', 'numpy', 'scipy', 'flint', 'jinja2', 'mpmath'}))"
    )
    command = [sys.executable, "-c", code, "derive", f"models/{model}.yaml", "-o", str(tmp_path)]
    run = subprocess.run(
        [*command, "--no-pdf"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


# ---------------------------------------------------------------- hostile input


def bomb() -> bytes:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, this in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{this}: &{this} [{', '.join(['*' + last] * 9)}]")
    return "\n".join(lines).encode()


def statement(expression: str) -> bytes:
    return (
        "name: a\nparameters: {v: real}\nmodel:\n"
        f"  - x ~ Normal({expression}, 1)\nobserved: [x]\n"
    ).encode()


HOSTILE = {
    "alias bomb": bomb(),
    "object tag": b"name: !!python/object/apply:os.system ['touch owned']\n",
    "not UTF-8": b"name: \xff\xfe\xfa\n",
    "zero bytes": b"\0" * 1000,
    "empty": b"",
    "a list": b"- 1\n- 2\n",
    "too large": b"name: " + b"a" * (1 << 20),
    "parentheses": statement("(" * 100_000 + "v" + ")" * 100_000),
    "brackets": b"[" * 100_000,
    "power tower": statement("9**9**9**9"),
    "long sum": statement(" + ".join(["v"] * 50_000)),
    "python": statement("__import__('os').system('touch owned')"),
    "name with an escape": b'name: "\\x1b[31m"\nmodel: ["x ~ Normal(0, 1)"]\nobserved: [x]\n',
}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory")
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_at_once(tmp_path: Path, what: str) -> None:
    (tmp_path / "hostile.yaml").write_bytes(HOSTILE[what])
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20));"
        "sys.argv = ['symelbo', 'derive', 'hostile.yaml']; from symelbo.cli import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", limited],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,  # of what waits for ever
        check=False,
    )
    assert run.returncode == 2, run.stderr
    assert run.stdout == ""
    assert run.stderr.startswith("hostile.yaml:")
    assert "Traceback" not in run.stderr
    assert len(run.stderr) < 5000
    assert everything(tmp_path) == ["hostile.yaml"]


def test_only_the_stem_of_a_path_counts(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    write(tmp_path / "x.yaml", Path(PPCA).read_text())
    assert symelbo("derive", "a/b/../../x.yaml", "-o", "a/b", "--no-pdf").status == 0
    assert os.listdir(tmp_path / "a" / "b") == ["x"]
    assert sorted(os.listdir(tmp_path)) == ["a", "x.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        r"\input{/etc/passwd}",
        r"\write18{touch owned} $x_1^2$ & 100% #1 ~ {",
        r"}\end{document}",
        '"""; import os #',
        r"\N{BULLET} \x \u",
        "{{ 7*7 }} {% raw %}",
    ],
)
def test_a_model_name_is_only_text(symelbo: Callable[..., Run], tmp_path: Path, name: str) -> None:
    text = Path(PPCA).read_text().replace("name: Probabilistic PCA", f"name: {json.dumps(name)}")
    write(tmp_path / "m.yaml", text)
    run = symelbo("derive", "m.yaml")
    assert (run.status, run.err) == (0, "")
    folder = tmp_path / "output" / "m"
    assert json.loads((folder / "derivation.json").read_text())["model"]["name"] == name
    compile((folder / "m.py").read_text(), "m.py", "exec")
    latex = (folder / "proof.tex").read_text(encoding="utf-8")
    assert r"\input{/etc" not in latex
    assert r"\write18" not in latex
    assert latex.count(r"\end{document}") == 1
    assert "no proof.pdf: TeX says" not in run.out
    assert everything(tmp_path)[:3] == ["m.yaml", "output", "output/m"]


def test_a_file_name_cannot_write_to_the_terminal(symelbo: Callable[..., Run]) -> None:
    run = symelbo("derive", "\x1b[2Jmissing.yaml")
    assert run.status == 2
    assert "\x1b" not in run.err
    assert "\\x1b[2Jmissing.yaml" in run.err


# ---------------------------------------------------------------- the summary


def test_colours_only_on_a_terminal_and_if_wanted(
    symelbo: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\x1b[1;32mPROVED" in symelbo("derive", PPCA, "--no-pdf").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in symelbo("derive", PPCA, "--no-pdf").out


@pytest.mark.parametrize("width", [48, 60, 80, 100])
def test_summaries_fit_the_terminal_but_for_long_names(width: int) -> None:
    from symelbo import derive
    from symelbo.page.summary import render_summary

    for path in sorted(MODELS.glob("*.yaml")):
        text = render_summary(derive(path), width=width)
        for line in text.splitlines():
            longest = max(map(len, line.split()), default=0)
            assert len(line) <= max(width, 24 + longest), (path.name, line)
        assert ">=" not in text, "the sum is no bound"


def test_colours_change_nothing_else() -> None:
    from symelbo import derive
    from symelbo.page.summary import render_summary

    derivation = derive(RIGID)
    colored = render_summary(derivation, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_summary(derivation)


def test_a_refutation_is_explained(symelbo: Callable[..., Run]) -> None:
    text = symelbo("derive", RIGID, "--no-pdf").out
    assert "REFUTED" in text
    assert "certificate" in text
    assert "to change" in text
    assert "F =" not in text


def test_a_partial_result_states_no_sum(symelbo: Callable[..., Run], tmp_path: Path) -> None:
    write(tmp_path / "outside.yaml", OUTSIDE)
    text = symelbo("derive", "outside.yaml", "--no-pdf").out
    assert "OUTSIDE" in text
    assert "because" in text
    assert "F =" not in text


@pytest.mark.parametrize(
    ("residual", "bound"),
    [(None, None), (0.0, 1e-15), (6e-17, 1e-15), (9.9e-16, 1e-15), (1e-15, 1e-14), (2e-9, 1e-8)],
)
def test_residuals_are_rounded_up(residual: float | None, bound: float | None) -> None:
    from symelbo.page.derivation_json import residual_bound

    assert residual_bound(residual) == bound


# ---------------------------------------------------------------- derivation.json


FORMULA = {
    "type": "object",
    "required": ["latex", "text"],
    "additionalProperties": False,
    "properties": {
        "latex": {"type": "string", "minLength": 1},
        "text": {"type": "string", "minLength": 1},
    },
}
ENTRY = {
    "type": "object",
    "required": ["indices", "latex", "text"],
    "additionalProperties": False,
    "properties": {
        **FORMULA["properties"],  # type: ignore[dict-item]
        "indices": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^[A-Za-z]\w*'* in \d+:[A-Z0-9a-z+_-]+$"},
        },
    },
}
MAYBE_FORMULA = {"oneOf": [{"type": "null"}, FORMULA]}
MAYBE_ENTRY = {"oneOf": [{"type": "null"}, ENTRY]}
TEXTS = {"type": "array", "items": {"type": "string"}}
RESIDUAL = {"oneOf": [{"type": "null"}, {"type": "number", "minimum": 1e-15, "maximum": 1e-8}]}
VALUES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "place", "value"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "place": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "value": {"type": "string", "pattern": r"^-?\d+(/\d+)?$"},
        },
    },
}


def closed(**properties: Any) -> dict[str, Any]:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


PLACE = {"type": "array", "items": {"type": "integer", "minimum": 1}}
WHICH = {"type": "integer", "minimum": 0}
MOVED = {"type": "array", "items": closed(name={"type": "string"}, place=PLACE, inputs=WHICH)}
NUMBER = {"type": "string", "pattern": r"^-?\d+(/\d+)?$"}
UNKNOWN: dict[str, Any] = {
    "name": {"type": "string", "pattern": "^(velocity|rate|shift|base) of "},
    "place": PLACE,
    "point": {"type": ["integer", "null"], "minimum": 0},
    "inputs": {"type": ["integer", "null"], "minimum": 0},
}
CASE = closed(
    moving=MOVED,
    resting=MOVED,
    shifted=MOVED,
    rows={
        "type": "array",
        "minItems": 1,
        "items": closed(
            factor={"type": "string"},
            place=PLACE,
            point=WHICH,
            inputs=WHICH,
            parents=VALUES,
            value=VALUES,
            weights={"type": "array", "minItems": 1, "items": NUMBER},
        ),
    },
    unknowns={"type": "array", "items": closed(**UNKNOWN)},
    dependent={
        "type": "array",
        "items": closed(**UNKNOWN, combination={"type": "array", "items": FORMULA}),
    },
    matrix={
        "type": "array",
        "minItems": 1,
        "items": {"type": "array", "minItems": 1, "items": FORMULA},
    },
)
CERTIFICATE = closed(
    sizes={"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    functions={
        "type": "array",
        "items": closed(name={"type": "string"}, arguments=TEXTS, result=ENTRY),
    },
    constants=VALUES,
    points={"type": "array", "minItems": 1, "items": VALUES},
    inputs={"type": "array", "minItems": 1, "items": VALUES},
    latents_may_move={"type": "boolean"},
    cases={"type": "array", "minItems": 1, "items": CASE},
)
VELOCITIES = {"type": "object", "additionalProperties": ENTRY}
MOTION = closed(
    parameters=VELOCITIES,
    latents={
        "type": "object",
        "additionalProperties": closed(velocity=ENTRY, rate=ENTRY, shift=ENTRY),
    },
    variational=VELOCITIES,
    nonzero={"type": "array", "items": FORMULA},
    condition_on_q={"enum": ["not needed", "assumed", "exact posterior", "shown", "not shown"]},
    broken_by=TEXTS,
)
FACTOR = closed(
    node={"type": "string"},
    family={"type": "string"},
    verdict={"enum": ["holds", "refuted", "outside", "undecided"]},
    form={"enum": ["standard", "conditional", None]},
    natural_parameters={"type": "array", "items": ENTRY},
    sufficient_statistics={"type": "array", "items": ENTRY},
    mean_parameters={"oneOf": [{"type": "null"}, {"type": "array", "items": ENTRY}]},
    log_partition=MAYBE_ENTRY,
    base_measure={"oneOf": [{"type": "null"}, closed(log=ENTRY)]},
    base_measure_constant={"type": ["boolean", "null"]},
    gauge={"oneOf": [{"type": "null"}, closed(kind={"enum": ["constant", "textbook", "shifted"]})]},
    jacobian={
        "type": "array",
        "items": closed(
            block={"type": "integer"},
            parameter={"type": "string"},
            **ENTRY["properties"],  # type: ignore[arg-type]
        ),
    },
    field={"type": "object", "additionalProperties": ENTRY},
    nonzero={"type": "array", "items": FORMULA},
    log_density=ENTRY,
    divergence=MAYBE_ENTRY,
    entropy=MAYBE_FORMULA,
    entropy_expanded=MAYBE_FORMULA,
    abbreviations={"type": "object", "additionalProperties": ENTRY},
    entropy_kind={"enum": ["entropy", "pseudo_entropy", None]},
    entropy_depends_on=TEXTS,
    certificate={"oneOf": [{"type": "null"}, CERTIFICATE]},
    reason={"type": "string"},
    remedy={"type": "string"},
    joint_with=TEXTS,
    left_over=MAYBE_FORMULA,
)
NODE_TERM = {"node": {"type": "string"}, **FORMULA["properties"]}  # type: ignore[dict-item]
DERIVATION = closed(
    schema={"const": "symelbo/derivation/1"},
    symelbo_version={"const": __version__},
    spec_sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    model={"type": "object", "required": ["name", "model", "observed"]},
    verdict={"enum": ["proved", "refuted", "outside", "undecided"]},
    theorem={"enum": [1, 2, None]},
    entropy_sum={
        "oneOf": [
            {"type": "null"},
            closed(
                q_entropy=MAYBE_FORMULA,
                q_depends_on_data={"type": "boolean"},
                terms={
                    "type": "array",
                    "items": closed(
                        kind={"enum": ["entropy", "pseudo_entropy"]}, depends_on=TEXTS, **NODE_TERM
                    ),
                },
                base_measures={"type": "array", "items": closed(**NODE_TERM)},
                closed_form=MAYBE_FORMULA,
                without_entropy=TEXTS,
            ),
        ]
    },
    motion=MOTION,
    alternative={"oneOf": [{"type": "null"}, closed(theorem={"const": 1}, motion=MOTION)]},
    factors={"type": "array", "minItems": 1, "items": FACTOR},
    assumptions={
        "type": "array",
        "items": closed(
            kind={"enum": ["standing", "domain", "variational", "nonzero", "family", "size"]},
            text={"type": "string", "minLength": 1},
            term=MAYBE_FORMULA,
        ),
    },
    conditions=TEXTS,
    residual=RESIDUAL,
    trials={"type": "integer"},
    printed_residual={"enum": [None, 1e-6]},
    printed_trials={"type": "integer"},
    steps={
        "type": "array",
        "items": closed(
            rule={"type": "string"},
            subject={"type": "string"},
            before=MAYBE_FORMULA,
            after=MAYBE_FORMULA,
            reason={"type": "string"},
            conditions=TEXTS,
            evidence={"type": "string"},
        ),
    },
)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.yaml")), ids=lambda path: path.stem)
def test_derivation_json_has_its_shape(path: Path) -> None:
    from jsonschema import Draft202012Validator

    from symelbo import derive
    from symelbo.page.derivation_json import render_json

    derivation = derive(path)
    text = render_json(derivation)
    assert text.endswith("}\n")
    data = json.loads(text)
    Draft202012Validator(DERIVATION).validate(data)
    labels = [f["node"] for f in data["factors"]]  # z[1] and z[t] where a node has two statements
    assert len(set(labels)) == len(labels)
    nodes = [s.node.name for s in derivation.model.statements]
    assert [label.partition("[")[0] for label in labels] == nodes
    for factor in data["factors"]:
        holds = factor["verdict"] == "holds"
        assert (factor["entropy"] is not None) == holds
        assert bool(factor["reason"]) != holds


def test_an_outside_model_has_its_shape(tmp_path: Path) -> None:
    from jsonschema import Draft202012Validator

    from symelbo import derive
    from symelbo.page.derivation_json import derivation_data

    data = derivation_data(derive(write(tmp_path / "outside.yaml", OUTSIDE)))
    Draft202012Validator(DERIVATION).validate(data)
    assert data["verdict"] == "outside"
    assert data["factors"][0]["reason"]


def test_refutations_keep_exact_numbers() -> None:
    from symelbo import derive
    from symelbo.page.derivation_json import derivation_data

    certificate = derivation_data(derive(RIGID))["factors"][1]["certificate"]
    (point,) = certificate["points"]
    (v,) = point
    assert (v["name"], v["place"]) == ("v", [])
    (case,) = certificate["cases"]
    assert (case["unknowns"], len(case["matrix"])) == ([], 1)
    # the rows say by themselves that v drops out, b and H~ too, but not log p
    slope, total, sums = 0.0, 0.0, defaultdict[object, int](int)
    for row in case["rows"]:
        (weight,) = map(int, row["weights"])
        z = next((int(p["value"]) for p in row["parents"]), 0)
        ((x),) = [int(p["value"]) for p in row["value"]]
        a = (int(v["value"]) + (row["factor"] == "x2")) * z
        slope += weight * (x - 1 / (1 + exp(-a))) * z
        total += weight * (x * a - log(1 + exp(a)))
        sums["H", row["factor"], z] += weight
        sums["b", row["factor"], x] += weight
    assert abs(slope) < 1e-12
    assert set(sums.values()) == {0}
    assert total == pytest.approx(float(case["matrix"][0][0]["text"]))


def test_indices_of_a_formula_cannot_be_confused() -> None:
    from symelbo import derive
    from symelbo.page.derivation_json import derivation_data

    factor = derivation_data(derive(MODELS / "gmm_full.yaml"))["factors"][1]
    matrix = factor["natural_parameters"][1]
    assert matrix["indices"] == ["i in 1:D", "j in 1:D"]
    assert matrix["text"] == "-1/2*inv(Sigma[c])[i,j]"
    (slope,) = [s for s in factor["jacobian"] if s["block"] == 1]
    names = [index.split()[0] for index in slope["indices"]]
    assert len(set(names)) == len(names) == 5
