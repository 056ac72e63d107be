"""Draw the figures of the pages on electron spectra, with the commands on them: python docs/make_eels_figures.py."""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL)
FIGURES = {
    "tutorial/eels.md": ("map", "profile", "modes", "design"),
    "tutorial/lamella.md": ("lamella",),
    "how-to/eels-interface-modes.md": ("interface-modes", "classes"),
    "how-to/eels-apertures.md": ("apertures",),
    "how-to/eels-flow.md": ("flow",),
    "how-to/eels-compare.md": ("compare",),
    "how-to/eels-local-resistance.md": ("resistance",),
}


def drawn(page: Path, folder: Path) -> None:
    """Run the blocks of a page in a folder."""
    script = ""
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["title"]:
            (folder / block["title"]).write_text(block["code"], encoding="utf-8")
        elif block["language"] == "python":
            script += block["code"]
            subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        elif block["language"] == "console":
            for line in block["code"].splitlines():
                if line.startswith("$ kapitza"):
                    program = Path(sys.executable).with_name("kapitza")
                    subprocess.run([program, *shlex.split(line)[2:]], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Draw all figures."""
    for page, names in FIGURES.items():
        with tempfile.TemporaryDirectory() as folder:
            drawn(HERE / page, Path(folder))
            for name in names:
                shutil.copy(Path(folder) / f"{name}.png", HERE / "images" / f"eels-{name}.png")


if __name__ == "__main__":
    main()
