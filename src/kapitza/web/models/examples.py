"""Examples that show a view before the user has a file of his own."""

from importlib.resources import files
from pathlib import Path

from kapitza.core.files import write_atomically
from kapitza.eels import simulate_spectra, write_eels
from kapitza.io.eels import read_eels_experiment
from kapitza.web.models.spectra import mode_table


def example_text(name: str) -> str:
    """Text of the example of a name."""
    return files("kapitza.web").joinpath("examples", f"{name}.toml").read_text(encoding="utf-8")


def example_file(name: str, folder: Path) -> Path:
    """The example of a name as a file in a folder."""
    return write_atomically(folder / f"{name}.toml", example_text(name).encode())


def example_scan(folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """A simulated scan in a folder, and the rows of its modes."""
    held = read_eels_experiment(example_file("scan", folder))
    path = folder / "example.h5"
    write_eels(simulate_spectra(held.experiment), path)
    return path, mode_table(held.experiment.left)
