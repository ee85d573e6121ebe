"""proof.pdf: the same bytes each time, and TeX that does no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from symelbo import compile_pdf

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
TEX = rb"\documentclass{article}\begin{document}%s\end{document}"
needs_tex = pytest.mark.skipif(
    compile_pdf._tex_command() is None, reason="no TeX engine is installed"
)


@needs_tex
def test_the_pdf_is_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    first = compile_pdf.compile_pdf(TEX % rb"\today")
    time.sleep(1.1)
    monkeypatch.setenv("TZ", "America/Lima")
    second = compile_pdf.compile_pdf(TEX % rb"\today")
    assert isinstance(first, bytes), first
    assert first.startswith(b"%PDF")
    assert first == second


@needs_tex
def test_an_error_of_tex_is_one_line() -> None:
    remark = compile_pdf.compile_pdf(TEX % rb"\undefinedcommand")
    assert isinstance(remark, str)
    assert "Undefined control sequence" in remark
    assert "\n" not in remark


@needs_tex
def test_tex_runs_no_commands_and_writes_nowhere_else(tmp_path: Path) -> None:
    target = tmp_path / "stolen"
    shell = rb"\immediate\write18{touch %s}" % bytes(target)
    write = rb"\newwrite\f\immediate\openout\f=%s\immediate\write\f{x}" % bytes(target)
    compile_pdf.compile_pdf(TEX % shell)
    compile_pdf.compile_pdf(TEX % write)
    assert not target.exists()


@needs_tex
def test_tex_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_pdf, "TEX_SECONDS", 1)
    remark = compile_pdf.compile_pdf(TEX % rb"\def\x{\x}\x")
    assert "longer than 1 s" in str(remark)


def test_no_tex_engine_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "neither pdflatex nor tectonic" in str(compile_pdf.compile_pdf(TEX))


@needs_tex
def test_no_place_for_tex_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert "No such file" in str(compile_pdf.compile_pdf(TEX))


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
        compile_pdf.shutil, "which", lambda name: str(program) if name == engine else None
    )
    made = compile_pdf.compile_pdf(TEX)
    assert isinstance(made, bytes)
    assert (b"-no-shell-escape" in made) == (engine == "pdflatex")
    assert (b"--untrusted" in made) == (engine == "tectonic")
    assert made.endswith(b"p 0\n")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="tectonic keeps no numbers")
@pytest.mark.parametrize("stem", ["ppca", "rasch", "sbn_rigid"])
def test_the_numbers_of_references_are_foreseen(stem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of TeX that is told them gives the bytes of two that are not."""
    source = (Path(__file__).parents[1] / "output" / stem / "proof.tex").read_bytes()
    runs = []
    run = subprocess.run

    def counted(*arguments: Any, **named: Any) -> Any:
        runs.append(arguments)
        return run(*arguments, **named)

    monkeypatch.setattr(subprocess, "run", counted)
    told = compile_pdf.compile_pdf(source)
    assert isinstance(told, bytes) and len(runs) == 1
    monkeypatch.setattr(compile_pdf, "_count_numbers", lambda source: {})
    assert compile_pdf.compile_pdf(source) == told and len(runs) == 3
