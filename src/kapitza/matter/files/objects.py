"""Objects of other programs where a file could be: atoms of ASE, structures of pymatgen, phonons of phonopy."""

from collections.abc import Generator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from kapitza.errors import DataError, Hint, InputError, require


def is_path(given: object) -> bool:
    """Whether a file is named, not an object given in its place."""
    return isinstance(given, (str, PathLike))


def atoms_of_object(given: Any) -> Any:
    """Return the atoms of ASE that an object of ASE (``Atoms``) or pymatgen (``Structure``) holds, Å and u."""
    if hasattr(given, "get_chemical_symbols") and hasattr(given, "cell"):
        return given
    if not (hasattr(given, "cart_coords") and hasattr(given, "lattice") and hasattr(given, "is_ordered")):
        kind = f"{type(given).__module__}.{type(given).__qualname__}"
        python = f"expected a file, Atoms of ASE or a Structure of pymatgen or of kapitza.matter, got {kind}"
        raise InputError("", hint=Hint(python=python, command=f"expected a structure file, got {kind}"))
    if not given.is_ordered:
        raise DataError(f"{given.formula}: sites are disordered or partly occupied; wanted an ordered cell")
    ase = require("ase", extra="atoms", why="taking a structure of pymatgen")
    symbols = [getattr(site.specie, "symbol", str(site.specie)) for site in given]
    return ase.Atoms(symbols, positions=np.array(given.cart_coords), cell=np.array(given.lattice.matrix), pbc=True)


@contextmanager
def phonopy_path(given: Any) -> Generator[str | PathLike[str], None, None]:
    """Path of a file of phonopy: as given, or of what a ``Phonopy`` object writes, for as long as it is open; named
    after the atoms of the primitive cell, and so is the crystal that is read from it.
    """
    if is_path(given):
        yield given
        return
    if not (hasattr(given, "save") and hasattr(given, "force_constants") and hasattr(given, "primitive")):
        raise InputError(f"expected a file or a Phonopy object, got {type(given).__name__}")
    if given.force_constants is None:
        raise DataError(
            "the Phonopy object has no force constants yet", hint=Hint(python="produce_force_constants() makes them")
        )
    symbols = list(given.primitive.symbols)
    counts = {symbol: symbols.count(symbol) for symbol in symbols}
    name = "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counts.items())
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.yaml"
        given.save(str(file), settings={"force_constants": True})
        yield file
