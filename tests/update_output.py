"""Regenerate what is committed but derived: output/, the generated parts of README.md, and the
picture of the rooms.

    python -m tests.update_output

The tests compare both with what the program says now.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.draw_architecture import PICTURE, draw
from symelbo import derive
from symelbo.answer.derivation import Derivation
from symelbo.page.summary import abbreviations, sum_text
from symelbo.write_output import write_output
from tests import compile_templates

__all__ = ["EXAMPLE", "MODELS", "OUTPUT", "README", "models_table", "replace_part", "run_example"]

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted((ROOT / "models").glob("*.yaml"))
OUTPUT = ROOT / "output"
README = ROOT / "README.md"
EXAMPLE = ("derive", "models/ppca.yaml")


def run_example() -> str:
    """What the command of the first screen prints, in a checkout and 80 columns."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "models").symlink_to(ROOT / "models")
        code = "import sys; sys.argv[0] = 'symelbo'; from symelbo.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *EXAMPLE],
            cwd=directory,
            env={"COLUMNS": "80", "PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout


def models_table(derivations: dict[str, Derivation]) -> str:
    """The table of the models, from their derivations."""
    lines = [
        "| model | verdict | theorem | entropy sum F, or why there is none | source |",
        "|---|---|---|---|---|",
    ]
    for stem, derivation in derivations.items():
        model = derivation.model
        if text := sum_text(derivation):
            answer = f"`{text}`"
            answer += "".join(f", with `{line}`" for line in abbreviations(derivation))
        else:
            data = json.loads((OUTPUT / stem / "derivation.json").read_text(encoding="utf-8"))
            answer = next(f["reason"] for f in data["factors"] if f["verdict"] != "holds")
        cells = (
            f"[{model.name}](models/{stem}.yaml)",
            f"[{derivation.verdict}](output/{stem}/)",
            str(derivation.theorem or ""),
            answer,
            model.reference,
        )
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines)


def replace_part(text: str, name: str, content: str) -> str:
    """The text with the part between the two marks `name` replaced."""
    begin, end = f"<!-- begin {name} -->\n", f"\n<!-- end {name} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    assert len(re.findall(pattern, text, re.DOTALL)) == 1, f"no part {name}"
    return re.sub(pattern, lambda match: begin + content + end, text, flags=re.DOTALL)


def main() -> None:
    compile_templates.main()
    shutil.rmtree(OUTPUT, ignore_errors=True)  # all of it is generated, and git has what it was
    derivations = {}
    for path in MODELS:
        derivations[path.stem] = derive(path)
        written = write_output(derivations[path.stem], OUTPUT)
        print(f"{path.stem}: {derivations[path.stem].verdict} {written.remark}")
    text = README.read_text(encoding="utf-8")
    text = replace_part(text, "example", f"```text\n{run_example()}```")
    text = replace_part(text, "models", models_table(derivations))
    README.write_text(text, encoding="utf-8")
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
