"""The conda recipe asks for what the wheel asks for."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

import kapitza

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def items(section: str) -> list[str]:
    """The entries of a list of the recipe, without blanks."""
    block = re.search(rf"^ *{section}:\n((?: +- .*\n)+)", RECIPE, re.MULTILINE)
    assert block is not None, section
    return [line.partition("- ")[2].replace(" ", "") for line in block[1].splitlines()]


def test_the_recipe_is_that_of_the_project() -> None:
    assert set(items("run")) == {*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"}
    assert items("entry_points") == [f"{name}={target}" for name, target in PROJECT["scripts"].items()]
    assert re.findall(r"^  version: (\d.*)$", RECIPE, re.MULTILINE) == [kapitza.__version__]
    assert f"summary: {PROJECT['description']}\n" in RECIPE
    assert f"license: {PROJECT['license']}\n" in RECIPE
    assert "noarch: python" in RECIPE


def test_the_recipe_is_one_of_rattler_build() -> None:
    """Its own reader takes it, and knows all fields; nothing is built, which takes a channel of conda."""
    builder = pytest.importorskip("rattler_build")
    (one,) = builder.Stage0Recipe.from_yaml(RECIPE).render(builder.VariantConfig(), builder.RenderConfig())
    assert (one.recipe.package.name, one.recipe.package.version) == ("kapitza", kapitza.__version__)
    with pytest.raises(Exception, match="unknown top-level field"):
        builder.Stage0Recipe.from_yaml(RECIPE.replace("requirements:", "requirement:"))


@pytest.mark.slow
def test_the_recipe_builds_a_package(tmp_path: Path) -> None:
    """Built by the Python that runs this, as no channel is asked for one; the package holds what the wheel holds.

    Its dependencies are then not resolved and its own tests not run, which `.ci/nightly` does where there is a channel.
    """
    builder = pytest.importorskip("rattler_build")
    pytest.importorskip("hatchling")
    source, channel = tmp_path / "source", tmp_path / "channel"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("noarch", "linux-64", "osx-arm64", "win-64"):
        (channel / part).mkdir(parents=True)
        (channel / part / "repodata.json").write_text('{"packages": {}, "packages.conda": {}}')
    install = f"{sys.executable} -m pip install . --no-deps --no-build-isolation --no-compile --target $PREFIX/site"
    recipe = re.sub(r"  host:\n(?:    - .*\n)+", "  host: []\n", RECIPE).replace("path: ..", f"path: {source}")
    recipe = re.sub(r"  script: python -m .*\n", f"  script: {install}\n", recipe)
    recipe = re.sub(r"  python:\n    entry_points:\n      - .*\n", "", recipe).replace(
        "noarch: python", "noarch: generic"
    )
    recipe = re.sub(r"\ntests:\n(?:  .*\n)+", "\n", recipe)
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (one,) = builder.Stage0Recipe.from_yaml(recipe).render(builder.VariantConfig(), builder.RenderConfig())
    one.run_build(
        output_dir=str(tmp_path / "out"), channels=[channel.as_uri()], env_isolation=builder.EnvironmentIsolation.NONE
    )
    (built,) = (tmp_path / "out" / "noarch").glob("kapitza-*.conda")
    package = builder.Package.from_file(built)
    inside = {path.partition("site/")[2] for path in package.files if "site/kapitza/" in path}
    wanted = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "kapitza").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == wanted
