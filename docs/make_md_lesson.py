"""Runs the commands that the lesson on molecular dynamics and the README show in indented blocks.

    python docs/make_md_lesson.py [FOLDER]

Two minutes: too long for the tests of the documentation, which run all fenced blocks.  A folder keeps the runs.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "docs" / "tutorial" / "md.md", ROOT / "README.md")
BLOCK = re.compile(r"^    \$ (kapitza md .*)\n(?:(?:    .*)?\n)*?(?=^\S)", re.MULTILINE)
SAMPLE = "docs/samples/argon.toml"


def output(command: str, folder: Path) -> str:
    """What a command prints."""
    script = Path(sys.executable).with_name("kapitza")
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb", "MPLBACKEND": "Agg"}
    words = shlex.split(command.replace(SAMPLE, "argon.toml"))[1:]
    if words[:2] == ["md", "nemd"] and "--store" not in words:
        words += ["--store", "run.h5.parts"]  # one run for all pages
    done = subprocess.run([script, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def main(folder: Path) -> None:
    """Write outputs and figures anew."""
    shutil.copy(ROOT / SAMPLE, folder)

    def shown(match: re.Match[str]) -> str:
        lines = [f"$ {match[1]}", *output(match[1], folder).strip("\n").splitlines()]
        return "\n".join(f"    {line}".rstrip() for line in lines) + "\n\n"

    for page in PAGES:
        page.write_text(BLOCK.sub(shown, page.read_text(encoding="utf-8")), encoding="utf-8")
    for figure in folder.glob("*.png"):
        shutil.copy(figure, ROOT / "docs" / "images" / f"md-{figure.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
