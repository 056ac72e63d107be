"""One reader for every file: a table of the kinds of files, and the choice of one by name, keys or content."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, cast

from attrs import frozen

from kapitza import io  # the room itself, whose readers are loaded when they are first used
from kapitza.core.files import file_path, open_regular
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, MissingFile
from kapitza.io.eels.rosetta import HDF5_MAGIC
from kapitza.io.eels.spectra import read_eels
from kapitza.io.formats.arrays import HEADER_DATASET
from kapitza.io.formats.child import rehearse, run_in_child
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.formats.foreign_hdf5 import open_hdf5
from kapitza.io.frames import from_pandas, from_xarray, read_netcdf
from kapitza.io.results import load
from kapitza.io.screening_tables import is_row_table, read_row_table
from kapitza.io.toml import TomlTable, read_toml
from kapitza.matter.files.crystals import PHONOPY_NAMES, load_crystal
from kapitza.matter.files.structures import STRUCTURE_SUFFIXES, is_structure_file, read_structure


def rehearse_result(path: str) -> None:
    """Look in the child for what `save` writes, as the process that asked will do afterwards."""
    rehearse(_has_header, path)


def _is_result(path: Path) -> bool:
    """Whether a file is one that `save` wrote, or at least of no other format with the same ending."""
    with open_regular(path) as file:
        if file.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
            return True
    run_in_child(rehearse_result, str(path))
    return _has_header(str(path))


def _has_header(path: str) -> bool:
    with open_hdf5(path) as file:
        return HEADER_DATASET in file


@frozen(eq=False, kw_only=True)
class FileKind(BaseRecord):
    """A kind of file: how it is recognised, and its reader.

    Attributes
    ----------
    name : of the kind
    meaning : what such a file contains
    reader : returns the function that reads it; None for what the package writes for others, with `meaning` as reason
    suffixes : endings of its name
    usual : endings of names that `recognise` accepts among others, for help texts
    keys : top-level keys of a TOML file; a bar stands between keys of which one suffices
    parts : names in a folder, one of which it contains
    recognise : further test of a file with one of these suffixes
    extra : optional packages that the reader needs, as in ``pip install 'kapitza[eels]'``
    """

    name: str
    meaning: str
    reader: Callable[[], Callable[..., Any]] | None
    suffixes: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    keys: str = ""
    parts: tuple[str, ...] = ()
    recognise: Callable[[Path], bool] | None = None
    extra: str = ""

    def matches(self, place: Path) -> bool:
        """Whether a file or folder is of this kind, by its name and content."""
        if place.is_dir() and place.suffix != ".zspy":
            return any((place / part).exists() for part in self.parts)
        if self.suffixes and place.suffix.lower() not in self.suffixes:
            return False
        return bool(self.suffixes or self.recognise) and (self.recognise is None or self.recognise(place))


def _unread(what: str, *suffixes: str) -> FileKind:
    return FileKind(name=what, meaning=what, reader=None, suffixes=suffixes)


_BESIDE = "; read the result that was saved beside it (--save)"
FILE_KINDS: tuple[FileKind, ...] = (  # the first that matches counts
    FileKind(
        name="crystal", meaning="crystal with force constants of phonopy, or a folder of them",
        reader=lambda: load_crystal, parts=PHONOPY_NAMES,
    ),
    FileKind(
        name="lifetimes of ShengBTE", meaning="lifetimes of phonons: the folder of a run",
        reader=lambda: io.read_lifetimes, parts=("BTE.omega",),
    ),
    FileKind(name="run of GPUMD", meaning="folder of a run", reader=lambda: io.read_gpumd, parts=("thermo.out",)),
    FileKind(name="run of LAMMPS", meaning="folder of a run", reader=lambda: io.read_lammps, parts=("",)),
    FileKind(
        name="structure", meaning="structure (.cif, POSCAR, ...)", reader=lambda: read_structure,
        recognise=is_structure_file, usual=STRUCTURE_SUFFIXES, extra="files",
    ),
    FileKind(
        name="crystal of phonopy", meaning="crystal with force constants of phonopy", reader=lambda: load_crystal,
        suffixes=(".yaml", ".yml"),
    ),
    FileKind(
        name="lamella", meaning="temperature maps of a lamella", reader=lambda: io.eels.read_lamella,
        keys="lamella map|plane|material",
    ),
    FileKind(
        name="sample", meaning="stack, experiments on it and what a fit determines", reader=lambda: io.read_sample,
        keys="experiments|fit",
    ),
    FileKind(name="domain", meaning="boxes for Monte Carlo of phonons", reader=lambda: io.read_domain, keys="boxes"),
    FileKind(
        name="body", meaning="device on a mesh", reader=lambda: io.read_body, keys="mesh", extra="elements"
    ),
    FileKind(
        name="layout", meaning="device of layers with blocks, open sides or a layout", reader=lambda: io.read_layout,
        keys="blocks|sides|gds",
    ),
    FileKind(
        name="device", meaning="layers with heat sources and a sink", reader=lambda: io.read_device,
        keys="sources|sink|stack|patches|box|coefficient|top_coefficient|uncertain",
    ),
    FileKind(name="leg", meaning="thermoelectric leg", reader=lambda: io.read_leg, keys="leg"),
    FileKind(name="memory_cell", meaning="phase-change memory cell", reader=lambda: io.read_memory_cell, keys="cell"),
    FileKind(name="exchanger", meaning="nanofluidic exchanger", reader=lambda: io.read_exchanger, keys="hot cold wall"),
    FileKind(name="cryogenic", meaning="chip in liquid helium", reader=lambda: io.read_cryogenic, keys="bath"),
    FileKind(name="run", meaning="molecular dynamics of an interface", reader=lambda: io.read_run, keys="system"),
    FileKind(
        name="eels_experiment", meaning="planned scan of electron spectra",
        reader=lambda: io.eels.read_eels_experiment, keys="beam|scan|spectrometer",
    ),
    FileKind(
        name="modes", meaning="vibrational modes for a fit of electron spectra",
        reader=lambda: io.eels.read_modes, keys="mode|interface",
    ),
    FileKind(name="junction", meaning="two crystals that meet", reader=lambda: io.read_junction, keys="left right"),
    FileKind(
        name="films", meaning="stack of films for the Boltzmann equation", reader=lambda: io.read_films, keys="layers"
    ),
    _unread(f"is a netlist for SPICE{_BESIDE}", ".cir"),
    _unread(f"is an input file of MOOSE{_BESIDE}", ".i"),
    _unread(f"is a report for people{_BESIDE}", ".md"),
    _unread(f"has fields for ParaView{_BESIDE}", ".vtr", ".vtu"),
    _unread(f"is a figure{_BESIDE}", ".png", ".pdf", ".svg"),
    _unread("is a part of long work: the command that wrote it takes its folder as --store", ".state", ".unit"),
    FileKind(
        name="rows", meaning="rows of a screening or of boundaries", reader=lambda: read_row_table, suffixes=(".csv",),
        recognise=is_row_table, extra="screen",
    ),
    FileKind(
        name="packed rows", meaning="rows of a screening or of boundaries", reader=lambda: read_row_table,
        suffixes=(".parquet",), extra="screen",
    ),
    FileKind(
        name="table", meaning="columns of numbers with units in their heads", reader=lambda: io.read_table,
        suffixes=(".csv", ".dat", ".tsv", ".txt"),
    ),
    FileKind(
        name="netcdf", meaning="record that was written by way of xarray", reader=lambda: read_netcdf,
        suffixes=(".nc",), extra="xarray",
    ),
    FileKind(name="mesh", meaning="mesh of gmsh", reader=lambda: io.read_mesh, suffixes=(".msh",), extra="elements"),
    FileKind(
        name="lifetimes of almaBTE", meaning="lifetimes of phonons", reader=lambda: io.read_lifetimes,
        suffixes=(".phononinfo",),
    ),
    FileKind(
        name="saved", meaning="records that `save` wrote", reader=lambda: load, suffixes=RESULT_SUFFIXES,
        recognise=_is_result,
    ),
    FileKind(
        name="lifetimes of phono3py", meaning="lifetimes of phonons", reader=lambda: io.read_lifetimes,
        suffixes=(".hdf5", ".h5"), recognise=lambda place: place.name.startswith("kappa"),
    ),
    FileKind(
        name="spectra", meaning="electron spectra, also with other endings that RosettaSciIO knows",
        reader=lambda: read_eels, extra="eels", suffixes=(
            ".ndata", ".ndata1", ".h5", ".hdf5", ".nhdf", ".hspy", ".zspy", ".msa", ".dm3", ".dm4", ".nxs", ".emd",
        ),
    ),
)  # fmt: skip
_FILM_KEYS = frozenset({"bands", "cells", "lifetimes", "mean_free_path", "normal", "rates", "velocity"})


def read(path: str | PathLike[str] | Any) -> Any:
    """Return what a file or a folder holds, as the record that its own reader makes of it.

    The page "Formats of files" of the reference lists all kinds of files with their records, and how each is
    recognised: by its name, the keys of a TOML file, or its content.  Objects of other programs stand for their files:
    a signal of HyperSpy, Atoms of ASE, a Structure of pymatgen, a Phonopy object, what `to_xarray` and `to_pandas` of a
    record gave.  A reader with settings of its own (a temperature, other units) is called by its name.

    Raises
    ------
    DataError
        if the file is damaged or of no known kind; the message names the file
    InputError
        for what is not a path
    MissingFile
        if there is no such file or folder (a FileNotFoundError too)
    OSError
        if it may not be read
    MissingEngine
        if the format needs a package that is not installed
    """
    if not isinstance(path, (str, PathLike)):
        return _read_object(path)
    place = file_path(path)
    if not place.exists():
        raise MissingFile(place)
    kind = kind_of_file(place)
    if kind.reader is None:
        raise DataError(kind.meaning, file=place)
    return kind.reader()(place)


def kind_of_file(place: Path) -> FileKind:
    """Return the kind of a file or folder, by its name, the keys of a TOML file, or its content."""
    if place.suffix.lower() == ".toml" and not place.is_dir():
        return _kind_of_table(read_toml(place))
    return next((kind for kind in FILE_KINDS if kind.matches(place)), FILE_KINDS[-1])


def suffixes_of(name: str) -> tuple[str, ...]:
    """Return the endings of the names of a kind of file.

    Examples
    --------
    >>> from kapitza.io import suffixes_of
    >>> print(suffixes_of("mesh"))
    ('.msh',)
    """
    return next(kind.suffixes or kind.usual for kind in FILE_KINDS if kind.name == name)


def _read_object(given: Any) -> Any:
    if hasattr(given, "axes_manager"):
        return io.from_hyperspy(given)
    if hasattr(given, "data_vars"):
        return from_xarray(given)
    if hasattr(given, "columns"):
        return from_pandas(given)
    if hasattr(given, "force_constants") and hasattr(given, "save"):
        return load_crystal(given)
    if hasattr(given, "cell") or hasattr(given, "cart_coords"):
        return read_structure(given)
    return file_path(given)  # which refuses it


def _kind_of_table(top: TomlTable) -> FileKind:
    kinds = {kind.name: kind for kind in FILE_KINDS if kind.keys}
    table, layers = top.table, top.table.get("layers")
    for layer in cast("list[Any]", layers) if isinstance(layers, list) else ():
        if isinstance(layer, dict) and not _FILM_KEYS.isdisjoint(cast("dict[str, Any]", layer)):
            return kinds["films"]
    for kind in kinds.values():
        if all(any(key in table for key in word.split("|")) for word in kind.keys.split()):
            return kind
    keys = ", ".join(top.table) or "none"
    raise DataError(f"is TOML of no known kind: its keys are {keys}; known are {', '.join(kinds)}", file=top.path)
