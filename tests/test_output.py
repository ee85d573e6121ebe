"""The committed output/ is what the program writes today.

If a test here fails and the new output is right, regenerate it and read the difference:

    python -m tests.update_output && git diff output README.md

proof.pdf is not compared byte by byte: it depends on the release of TeX.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from update_output import MODELS, OUTPUT

from symelbo import derive
from symelbo.manifest import MANIFEST, render_manifest
from symelbo.write_output import render_files

HINT = "regenerate it: python -m tests.update_output"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_committed_output_is_current(path: Path) -> None:
    files = render_files(derive(path))
    folder = OUTPUT / path.stem
    assert folder.is_dir(), HINT
    committed = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    assert committed.pop(MANIFEST) == render_manifest(committed), HINT
    pdf = committed.pop("proof.pdf", b"")
    assert pdf.startswith(b"%PDF"), HINT
    assert sorted(committed) == sorted(files), HINT
    for name, content in files.items():
        # as lists of lines: a failure then shows the lines, not the bytes
        assert committed[name].decode().splitlines() == content.decode().splitlines(), HINT
        assert committed[name] == content, HINT


def test_output_has_no_folder_without_a_model() -> None:
    folders = {path.name for path in OUTPUT.iterdir()}
    assert folders == {path.stem for path in MODELS}, HINT
