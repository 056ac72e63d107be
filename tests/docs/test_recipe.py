"""The conda recipe asks for what the wheel asks for."""

import re
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
