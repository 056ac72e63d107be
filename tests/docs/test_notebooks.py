"""The example notebooks run from top to bottom, show their records, and find what they should."""

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NAMES = ("design", "measure", "predict")


def run_cells(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[str]]:
    """Names that a notebook leaves, and the text or the page of the last line of each cell, as a kernel shows them."""
    monkeypatch.chdir(folder)
    space: dict[str, Any] = {"__name__": "__main__"}
    shown = list[str]()
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    for i, cell in enumerate(book["cells"]):
        if cell["cell_type"] != "code":
            continue
        assert (cell["outputs"], cell["execution_count"]) == ([], None), f"{name}, cell {i} is stored with its output"
        tree = ast.parse("".join(cell["source"]), filename=f"{name}, cell {i}")
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{name}, cell {i}", "exec"), space)  # noqa: S102
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"{name}, cell {i}", "eval"), space)  # noqa: S307
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    return space, shown


@pytest.fixture(autouse=True)
def _no_figures_left() -> Any:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield
    pyplot.close("all")


@pytest.mark.slow
def test_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G times the Kapitza length is the conductivity; tables and sparklines are shown."""
    pytest.importorskip("pandas")
    space, shown = run_cells("predict", tmp_path, monkeypatch)
    product = space["conductance"].value * space["length"]
    assert abs(product / 140.0 - 1).max() <= 1e-12
    assert sum("<polyline" in page for page in shown) >= 1
    assert all(len(page) < 30_000 for page in shown)


def test_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit finds the conductance that made the data, within three standard uncertainties."""
    space, shown = run_cells("measure", tmp_path, monkeypatch)
    conductance = space["conductance"]
    assert abs(conductance.value[0] - 150e6) <= 3 * conductance.sigma[0]
    assert conductance.sigma[0] <= 15e6
    assert any("<polyline" in page for page in shown)


def test_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The solution with a better boundary is what the sensitivity says, to second order."""
    space, _ = run_cells("design", tmp_path, monkeypatch)
    change = space["better"].peak - space["now"].peak
    assert change < 0
    assert abs(change / space["linear"] - 1) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_runs_the_notebook(name: str, tmp_path: Path) -> None:
    """As a user opens it: a kernel of its own, with the outputs that the page would have."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute(env=os.environ | {"MPLBACKEND": "Agg"})
    kinds = {kind for cell in book.cells for one in cell.get("outputs", ()) for kind in one.get("data", ())}
    assert "text/html" in kinds
