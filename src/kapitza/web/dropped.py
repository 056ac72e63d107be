"""What a dropped file is as a side of an interface."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import kapitza
from kapitza import Crystal
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES
from kapitza.lattice import known_crystal
from kapitza.matter import Structure, is_structure_file
from kapitza.phonons import read_structure

SIDE_FILES = (
    *(".yaml", ".yml", ".toml", ".cif", ".vasp", ".poscar", ".contcar", ".xyz", ".extxyz", ".xsf", ".gen", ".pwi"),
    *RESULT_SUFFIXES,
)


def side_of_file(path: Path) -> tuple[str, str]:
    """Return what stands for a file as a side, a name of the library or its path, and what is to be said of it.

    A structure that the library has is that crystal, with its phonons; another needs forces.

    Raises
    ------
    InputError
        for a saved record that is no crystal, and for a structure of which no phonons are known here
    DataError
        for a file that is broken
    MissingEngine
        without ase, which reads structures
    """
    if path.suffix.lower() in RESULT_SUFFIXES:
        given = _saved_structure(path)
    elif is_structure_file(path):
        given = read_structure(path)
    else:
        return str(path), ""
    known = known_crystal(given)
    if known:
        return known, (
            f"{path.name} is {known} of the library by its elements, volume and symmetry: the phonons are those of the "
            "library, and normals are in its axes"
        )
    if path.suffix.lower() in RESULT_SUFFIXES:
        raise InputError(
            f"{path.name}: no crystal of the library; in Python kapitza.phonons.Bands(kapitza.read({path.name!r})) is "
            "a side with the phonons of this file"
        )
    if find_spec("sevenn") is None:
        raise InputError(
            f"{path.name}: no crystal of the library, so that its phonons need forces: pip install 'kapitza[mlip]', or "
            "drop force constants of phonopy (phonopy.yaml)"
        )
    return str(path), ""


def _saved_structure(path: Path) -> Structure:
    """Where the atoms of a saved crystal are."""
    held = kapitza.read(path)
    if not isinstance(held, Crystal):
        raise InputError(
            f"{path.name} holds a {type(held).__name__}: expected a crystal here (.cif, POSCAR, phonopy.yaml); a "
            "junction goes to the field of its own below"
        )
    return Structure(held.name, held.lattice, held.positions, held.masses, held.symbols)
