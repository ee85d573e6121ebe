"""LaTeX -> PDF where there is a TeX engine, in a folder of its own and the same bytes each time.

TeX knows the numbers that references print from its last run.  They are counted here and given to
the first run, which is the last one if it finds the same numbers.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from symelbo.limits import TEX_RUNS, TEX_SECONDS

__all__ = ["compile_pdf"]

_NUMBERED: Final = re.compile(
    r"\\(?P<section>section)\{"
    r"|\\(?P<edge>begin|end)\{(?:(?P<theorem>theorem|proposition|lemma)|equation|align)\}"
    r"|\\label\{(?P<label>[^{}]*)\}"
    r"|\\bibitem\{(?P<item>[^{}]*)\}"
)
_KNOWN: Final = re.compile(r"\\(newlabel|bibcite)\{([^{}]*)\}\{\{?([^{}]*)\}")


def compile_pdf(source: bytes) -> bytes | str:
    """LaTeX -> PDF, the same bytes for the same source; a remark where there is none."""
    command = _tex_command()
    if command is None:
        return "no proof.pdf: neither pdflatex nor tectonic was found"
    import subprocess  # only a run with TeX pays for it
    import tempfile

    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": "0",  # no date of the day in the PDF
        "FORCE_SOURCE_DATE": "1",
        "openout_any": "p",  # TeX writes below its own folder only
    }
    try:
        with tempfile.TemporaryDirectory(prefix="symelbo-") as name:
            folder = Path(name)
            (folder / "proof.tex").write_bytes(source)
            auxiliary = folder / "proof.aux"
            numbers = _count_numbers(source.decode())
            if command[0] == "pdflatex":
                auxiliary.write_text(_render_numbers(numbers), encoding="utf-8")
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
                if numbers == _read_numbers(auxiliary):
                    break
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


def _count_numbers(source: str) -> dict[tuple[str, str], str]:
    """What TeX will write of labels and entries of the bibliography: their numbers."""
    counts = dict.fromkeys(("section", "theorem", "proposition", "lemma", "equation", "item"), 0)
    numbers = {}
    outside, in_equation = "section", False
    for mark in _NUMBERED.finditer(source):
        if mark["section"]:
            counts["section"] += 1
        elif mark["theorem"]:
            outside = mark["theorem"] if mark["edge"] == "begin" else "section"
            counts[outside] += mark["edge"] == "begin"
        elif mark["edge"]:
            in_equation = mark["edge"] == "begin"
        elif mark["item"] is not None:
            counts["item"] += 1
            numbers["bibcite", mark["item"]] = str(counts["item"])
        else:
            counts["equation"] += in_equation  # a numbered line has a label
            numbers["newlabel", mark["label"]] = str(counts["equation" if in_equation else outside])
    return numbers


def _render_numbers(numbers: dict[tuple[str, str], str]) -> str:
    r"""As TeX writes them; the page of a label, which nothing prints, is left at 1."""
    lines = [r"\relax"]
    for (kind, name), number in numbers.items():
        value = f"{{{number}}}{{1}}" if kind == "newlabel" else number
        lines.append(f"\\{kind}{{{name}}}{{{value}}}")
    return "\n".join([*lines, ""])


def _read_numbers(auxiliary: Path) -> dict[tuple[str, str], str] | None:
    """What TeX has written; None if it has not."""
    try:
        text = auxiliary.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return {(kind, name): number for kind, name, number in _KNOWN.findall(text)}


def _tex_error(folder: Path) -> str:
    """The first error in TeX's log."""
    with suppress(OSError):
        for line in (folder / "proof.log").read_text(errors="replace").splitlines():
            if line.startswith("!"):
                return f"TeX says {line.lstrip('! ')!r}"
    return ""
