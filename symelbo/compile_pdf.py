"""LaTeX -> PDF where there is a TeX engine, in a folder of its own and the same bytes each time."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from symelbo.limits import TEX_RUNS, TEX_SECONDS

__all__ = ["compile_pdf"]


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
