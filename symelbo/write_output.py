"""derivation -> the files of DIR/STEM/, all of them or none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from symelbo.checker.check import CERTIFICATE
from symelbo.manifest import MANIFEST, OutputError
from symelbo.replace_folder import replace_folder
from symelbo.values import dataclass

if TYPE_CHECKING:
    from symelbo.answer.derivation import Derivation

__all__ = ["OutputError", "Written", "output_stem", "render_files", "write_output"]


@dataclass(frozen=True, slots=True)
class Written:
    """The folder, the names of its files, and a remark on the PDF ("" if there is none).

    unproved: parts of the result that the checker does not show.
    """

    folder: Path
    files: tuple[str, ...]
    remark: str = ""
    unproved: tuple[str, ...] = ()


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
        from symelbo.compile_pdf import compile_pdf

        made = compile_pdf(files["proof.tex"])
        if isinstance(made, bytes):
            files["proof.pdf"] = made
        else:
            remark = made
    folder = replace_folder(files, directory, stem)
    unproved = tuple(json.loads(files[CERTIFICATE])["unproved"])
    return Written(folder, tuple(sorted([*files, MANIFEST])), remark, unproved)


def render_files(derivation: Derivation) -> dict[str, bytes]:
    """Name -> content of every file but the PDF and the manifest; the certificate is checked.

    Raises CertificateRejected if the checker does not accept what would be written.
    """
    from symelbo.certify.state_derivation import render_certificate
    from symelbo.code.array_module import render_python
    from symelbo.page.derivation_json import render_json
    from symelbo.page.documents import render_documents

    proof, appendix = render_documents(derivation)
    texts = {
        "derivation.json": render_json(derivation),
        "proof.tex": proof,
        "appendix.tex": appendix,
        f"{derivation.model.stem}.py": render_python(derivation),
    }
    files = {name: text.encode() for name, text in texts.items() if text}
    return {**files, CERTIFICATE: render_certificate(derivation, files)}
