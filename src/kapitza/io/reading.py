"""One reader for every file: what it holds is recognised from its content."""

from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kapitza.core.files import file_path, open_regular
from kapitza.errors import DataError, MissingFile
from kapitza.io.eels.rosetta import HDF5_MAGIC
from kapitza.io.formats.child import rehearse, run_in_child
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.formats.foreign_hdf5 import open_hdf5
from kapitza.io.formats.hdf5 import HEADER_DATASET
from kapitza.io.results import load
from kapitza.io.row_tables import is_row_table, read_row_table
from kapitza.io.toml import TomlTable, read_toml
from kapitza.matter.files.crystals import PHONOPY_NAMES, load_crystal
from kapitza.matter.files.objects import is_path
from kapitza.matter.files.structures import is_structure_file, read_structure

_FILM_KEYS = frozenset({"bands", "cells", "lifetimes", "mean_free_path", "normal", "rates", "velocity"})

# the first kind whose keys are all there counts; a bar stands between keys of which one suffices
_TOML_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "lamella map|plane|material": "eels.lamella:read_lamella",
        "experiments|fit": "samples:read_sample",
        "boxes": "transport.domains:read_domain",
        "mesh": "device.bodies:read_body",
        "blocks|sides|gds": "device.blocks:read_layout",
        "sources|sink|stack|patches|box|coefficient|top_coefficient|uncertain": "device.layers:read_device",
        "leg": "applications:read_leg",
        "cell": "applications:read_memory_cell",
        "hot cold wall": "applications:read_exchanger",
        "bath": "applications:read_cryogenic",
        "system": "md.runs:read_run",
        "beam|scan|spectrometer": "eels.experiments:read_eels_experiment",
        "mode|interface": "eels.experiments:read_modes",
        "left right": "junctions:read_junction",
        "layers": "transport.films:read_films",
    }
)

_SUFFIX_KINDS: Mapping[str, str] = MappingProxyType(
    {
        ".msh": "device.meshes:read_mesh",
        ".nc": "frames:read_netcdf",
        ".parquet": "row_tables:read_row_table",
        ".phononinfo": "transport.lifetimes:read_lifetimes",
        **dict.fromkeys((".csv", ".dat", ".tsv", ".txt"), "text_tables:read_table"),
    }
)

_BESIDE = "; read the result that was saved beside it (--save)"
_UNREAD: Mapping[str, str] = MappingProxyType(
    {
        ".cir": f"is a netlist for SPICE{_BESIDE}",
        ".i": f"is an input file of MOOSE{_BESIDE}",
        ".md": f"is a report for people{_BESIDE}",
        ".vtr": f"has fields for ParaView{_BESIDE}",
        ".vtu": f"has fields for ParaView{_BESIDE}",
        **dict.fromkeys((".png", ".pdf", ".svg"), f"is a figure{_BESIDE}"),
        **dict.fromkeys(
            (".state", ".unit"), "is a part of long work: the command that wrote it takes its folder as --store"
        ),
    }
)

_FOLDER_KINDS: Mapping[str, str] = MappingProxyType(
    {"BTE.omega": "transport.lifetimes:read_lifetimes", "thermo.out": "md.outputs:read_gpumd"}
)


def read(path: str | PathLike[str] | Any) -> Any:
    """Return what a file or a folder holds, as the record that its own reader makes of it.

    * what `save` wrote (.json, .npz, .h5), or ``to_xarray().to_netcdf`` (.nc): the record, or a tuple or dict of them
    * TOML of a sample, device, mesh, domain, films, run, scan, modes, lamella, leg, memory cell, exchanger, chip in
      helium or junction, told apart by their keys: `SampleFile`, `Device`, `Layout`, `BodyFile`, ..., `Junction`
    * electron spectra (.dm3, .dm4, .hspy, .msa, .ndata, Swift's .h5, ...): `SpectrumImage`
    * lifetimes of phono3py, ShengBTE or almaBTE: `Carriers` at 300 K
    * a mesh of gmsh (.msh): `Mesh`
    * the folder of a run of LAMMPS or GPUMD: its `Record`
    * a text table (.csv, .dat, .tsv, .txt): `TextTable`; rows of a screening or of boundaries: a
      pandas.DataFrame
    * a file or a folder of phonopy (.yaml): `Crystal`; a structure file (.cif, POSCAR, ...): `Structure`

    Objects of other programs stand for their files: a signal of HyperSpy, Atoms of ASE, a Structure of pymatgen, a
    Phonopy object, what `to_xarray` and `to_pandas` of a record gave.

    A reader with settings of its own (a temperature, units in place of those of the file) is called by its name.

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
    if not is_path(path):
        return _read_object(path)
    place = file_path(path)
    if not place.exists():
        raise MissingFile(place)
    if place.is_dir() and place.suffix != ".zspy":
        if any((place / name).is_file() for name in PHONOPY_NAMES):
            return load_crystal(place)
        names = [kind for name, kind in _FOLDER_KINDS.items() if (place / name).exists()]
        return _reader(names[0] if names else "md.outputs:read_lammps")(place)
    suffix = place.suffix.lower()
    if is_structure_file(place):
        return read_structure(place)
    if suffix in (".yaml", ".yml"):
        return load_crystal(place)
    if suffix == ".toml":
        return _reader(_kind_of_table(read_toml(place)))(place)
    if suffix in _UNREAD:
        raise DataError(_UNREAD[suffix], file=place)
    if suffix == ".csv" and is_row_table(place):
        return read_row_table(place)
    if suffix in _SUFFIX_KINDS:
        return _reader(_SUFFIX_KINDS[suffix])(place)
    if suffix in RESULT_SUFFIXES and _is_result(place):
        return load(place)
    if suffix in (".hdf5", ".h5") and place.name.startswith("kappa"):
        return _reader("transport.lifetimes:read_lifetimes")(place)
    return _reader("eels.spectra:read_eels")(place)


def _read_object(given: Any) -> Any:
    """Return what an object of another program holds."""
    if hasattr(given, "axes_manager"):
        return _reader("eels.hyperspy:from_hyperspy")(given)
    if hasattr(given, "data_vars"):
        return _reader("frames:from_xarray")(given)
    if hasattr(given, "columns"):
        return _reader("frames:from_pandas")(given)
    if hasattr(given, "force_constants") and hasattr(given, "save"):
        return load_crystal(given)
    if hasattr(given, "cell") or hasattr(given, "cart_coords"):
        return read_structure(given)
    return file_path(given)  # which refuses it


def _reader(kind: str) -> Callable[[Path], Any]:
    """Return the reader "module:function" below `kapitza.io`, imported when it is needed."""
    module, _, name = kind.partition(":")
    return getattr(import_module(f"kapitza.io.{module}"), name)


def _kind_of_table(top: TomlTable) -> str:
    """Return the reader of a TOML file by the keys at its top level."""
    if "layers" in top and any(not _FILM_KEYS.isdisjoint(layer.table) for layer in top.sections("layers")):
        return _TOML_KINDS["layers"]
    for keys, kind in _TOML_KINDS.items():
        if all(any(one in top for one in word.split("|")) for word in keys.split()):
            return kind
    known = ", ".join(kind.partition(":")[2].removeprefix("read_") for kind in _TOML_KINDS.values())
    keys = ", ".join(top.table) or "none"
    raise DataError(f"is TOML of no known kind: its keys are {keys}; known are {known}", file=top.path)


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
    """Whether an HDF5 file has the header of a saved result."""
    with open_hdf5(path) as file:
        return HEADER_DATASET in file
