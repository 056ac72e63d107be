"""Syntax trees of the package, parsed once by each process that asks for them, and not while tests are collected."""

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "kapitza"


@cache
def parse_package(suffix: str = ".py") -> dict[Path, ast.Module]:
    """Trees of all modules, or stubs, by their path in the package."""
    paths = sorted(SOURCE.rglob(f"*{suffix}"))
    return {path.relative_to(SOURCE): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a module, which are a million in the package."""
    return tuple(ast.walk(tree))
