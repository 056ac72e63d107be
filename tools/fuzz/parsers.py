"""One row for each parser of files from outside: its seeds, what of them is damaged, and the function that reads."""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import seeds


class Refused(Exception):
    """A command said no, in one line."""


@dataclass(frozen=True)
class Parser:
    """Parser of one kind of file."""

    make: Callable[[Path], None]  # writes the seeds into an empty folder
    damage: str  # pattern of the files of the folder that are damaged, one in each case
    read: Callable[[Path], Any]  # reads, given the damaged file
    binary: bool = False


def function(name: str, **options: Any) -> Callable[[Path], Any]:
    """A reader "module:function" of the package."""
    module, _, attribute = name.partition(":")
    return lambda path: getattr(import_module(f"kapitza.{module}"), attribute)(path, **options)


def beside(name: str, read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Read another file of the folder, which names the damaged one."""
    return lambda path: read(path.with_name(name))


def folder_of(read: Callable[[Path], Any], levels: int = 0) -> Callable[[Path], Any]:
    """Read the folder of the damaged file."""
    return lambda path: read(path.parents[levels])


def verb(words: str) -> Callable[[Path], Any]:
    """A command in this process: the tree that it prints, or what it said."""

    def run(path: Path) -> Any:
        from kapitza.cli import main

        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main([word.replace("FILE", str(path)) for word in words.split()])
        said = [line for line in err.getvalue().splitlines() if line and not line.startswith("note: ")]
        if status:
            if len(said) != 1 or not said[0].startswith("kapitza: "):
                raise RuntimeError(f"status {status} with {said!r:.300}")
            raise Refused(said[0])
        return json.loads(out.getvalue()) | {"notes": err.getvalue()} if "--json" in words else None

    return run


def frequencies(path: Path) -> Any:
    """Frequencies of a crystal at two wave vectors."""
    crystal = import_module("kapitza.matter.files.crystals").load_crystal(path, nac=False)
    return crystal.frequencies(np.array([[1e9, 0, 0], [3e9, 1e9, 0]]))


def matrix(path: Path) -> Any:
    """Numbers of a dynamical matrix of 8 atoms."""
    return getattr(import_module("kapitza.matter.files.lammps"), "_read_dynamical_matrix")(path, 8)  # noqa: B009


def spectra(path: Path) -> Any:
    """Energies of a spectrum image, and how many its counts are: pixels with counts that are NaN are flagged later."""
    found = import_module("kapitza.io.eels.spectra").read_eels(path)
    return {"counts": np.asarray(found.counts[...]).size, "energy": found.energy}


def spectral_table(path: Path) -> Any:
    """Conductances measured on films, whose boundary is unknown."""
    films = import_module("kapitza.io.transport.films")
    stack = path.with_name("film.toml")
    stack.write_text(stack.read_text(encoding="utf-8").replace('"dmm"', '"unknown"'), encoding="utf-8")
    return films.read_spectral_measurements(path, films.read_films(stack))


def device_table(path: Path) -> Any:
    """Temperatures measured on a device."""
    device = import_module("kapitza.io.device.layers").read_device(path.with_name("chip-gan-sic.toml"))
    return import_module("kapitza.io.device.temperatures").read_measured_temperatures(path, device)


def boundaries(path: Path) -> Any:
    """Conductances of boundaries in all the forms in which files give them."""
    module = import_module("kapitza.io.boundaries")
    section = import_module("kapitza.io.toml").read_toml(path)
    sides = {key: module.BoundarySides("a", "b", "GaN", "diamond", key=key) for key in section.table}
    found = {key: module.read_conductance(section, side, 300.0) for key, side in sides.items()}
    return {key: value for key, value in found.items() if section.table[key] != "perfect"}


def lamella_map(path: Path) -> Any:
    """Pixels of a lamella that have a temperature; NaN says that there is none."""
    maps = import_module("kapitza.io.eels.lamella").read_lamella(path.with_name("lamella.toml")).maps
    return [one.temperature[~np.isnan(one.temperature)] for one in maps]


def run_file(path: Path) -> Any:
    """What a file of molecular dynamics says about the run; its table of atoms is looked at when they are built."""
    found = import_module("kapitza.io.md.runs").read_run(path)
    return found.protocol, found.sampling


def recognised(path: Path) -> Any:
    """What a file of any kind holds."""
    found = read_any(path)
    return (found.protocol, found.sampling) if hasattr(found, "sampling") else found


def unit(path: Path) -> Any:
    """Arrays of a unit of a store."""
    return import_module("kapitza.run.store").deserialize_arrays(path.read_bytes())


def resealed_unit(path: Path) -> Any:
    """The same with a checksum of what is there: an enemy writes his own."""
    import hashlib

    content = path.read_bytes().partition(b"\n")[2]
    head = f"kapitza-unit 1 {hashlib.sha256(content).hexdigest()}\n".encode()
    found = import_module("kapitza.run.store").deserialize_arrays(head + content)
    return {name: array.shape for name, array in found.items()}  # the numbers are whatever the enemy likes


read_any = function("io.reading:read")
load = function("io.results:load")
read_layout = function("io.device.blocks:read_layout")
read_lamella = function("io.eels.lamella:read_lamella")
read_lifetimes = function("io.transport.lifetimes:read_lifetimes")
read_lammps, read_gpumd = function("io.md.outputs:read_lammps"), function("io.md.outputs:read_gpumd")
EELS = "tutorial/eels.md"


def lammps_plane(path: Path) -> object:
    """The atoms near the plane that LAMMPS wrote, beside the file of the run."""
    from kapitza.io.md.runs import read_run
    from kapitza.io.md.trajectory import read_lammps_run

    return read_lammps_run(path.parent, read_run(path.parent.parent / "argon.toml"))


def gpumd_flux(source: Any) -> Callable[[Path], object]:
    """The atoms near the plane that GPUMD wrote, or its correlation function, beside the file of the run."""

    def read(path: Path) -> object:
        from kapitza.io.md.runs import read_run
        from kapitza.io.md.trajectory import read_gpumd_run

        return read_gpumd_run(path.parent, read_run(path.parent.parent / "argon.toml"), source=source)

    return read


TABLE: Mapping[str, Parser] = {
    "agf verb": Parser(seeds.saved(".h5", sealed=False), "junction.h5", verb("junction show FILE --json"), binary=True),
    "almabte": Parser(seeds.lifetimes("almabte", "Si_300K.phononinfo"), "*.phononinfo", read_lifetimes),
    "boundaries": Parser(
        seeds.text("boundaries.toml", seeds.BOUNDARIES), "*.toml", boundaries
    ),
    "cell": Parser(seeds.sample("cell.toml"), "*.toml", verb("memory FILE --json")),
    "chip in helium": Parser(seeds.sample("cryo-chip.toml"), "*.toml", verb("cryo FILE --json")),
    "device": Parser(
        seeds.sample("chip-gan-sic.toml", "die-tim.toml", "mos2-sio2.toml", "chip-si-cu.toml"), "*.toml",
        verb("device FILE --json"),
    ),
    "device temperatures": Parser(
        seeds.both(seeds.sample("chip-gan-sic.toml"), seeds.text("map.csv", seeds.MAPS["device.csv"])), "*.csv",
        device_table,
    ),
    "domain": Parser(
        seeds.sample("hot-spot-monte-carlo.toml"), "*.toml", function("io.transport.domains:read_domain")
    ),
    "dynamical matrix": Parser(seeds.dynamical_matrix, "*.dat", matrix),
    "eels hspy": Parser(seeds.data("eels/vib_line.hspy"), "*", spectra, binary=True),
    "eels modes": Parser(
        seeds.text("modes.toml", seeds.page_block(EELS, "modes.toml")), "*.toml",
        function("io.eels.experiments:read_modes"),
    ),
    "eels msa": Parser(seeds.data("eels/vib_point.msa"), "*", spectra),
    "eels ndata": Parser(seeds.data("eels/vib_line_nion.ndata"), "*", spectra, binary=True),
    "eels nexus": Parser(seeds.data("eels/vib_line.nxs"), "*", spectra, binary=True),
    "eels plan": Parser(
        seeds.text("plan.toml", seeds.page_block(EELS, "experiment.toml")), "*.toml", verb("eels design FILE --json")
    ),
    "eels swift": Parser(seeds.data("eels/vib_line_nion.h5"), "*", spectra, binary=True),
    "exchanger": Parser(seeds.sample("exchanger.toml"), "*.toml", verb("exchanger FILE --json")),
    "films": Parser(seeds.sample("si-ge-film.toml"), "*.toml", function("io.transport.films:read_films")),
    "films verb": Parser(seeds.sample("si-ge-film.toml"), "*.toml", verb("transport FILE --json")),
    "force constants hdf5": Parser(
        seeds.separate_force_constants, "*.hdf5", lambda path: _only(path, "FORCE_CONSTANTS"), binary=True
    ),
    "force constants text": Parser(
        seeds.separate_force_constants, "FORCE_CONSTANTS", lambda path: _only(path, "force_constants.hdf5")
    ),
    "gds bytes": Parser(seeds.layout, "*.gds", beside("chip.toml", read_layout), binary=True),
    "gds table": Parser(seeds.layout, "*.toml", read_layout),
    "gmsh": Parser(seeds.sample("wire.toml", "wire.msh"), "*.msh", function("io.device.meshes:read_mesh")),
    "gpumd run": Parser(seeds.engine_run("gpumd"), "*", folder_of(read_gpumd)),
    "gpumd correlation": Parser(seeds.virial_run, "deck/shc.out", gpumd_flux("shc")),
    "gpumd plane": Parser(seeds.virial_run, "deck/plane.xyz", gpumd_flux("virials")),
    "heat map": Parser(seeds.text("heat.csv", seeds.MAPS["heat.csv"]), "*.csv", function("io.text_tables:read_table")),
    "junction": Parser(
        seeds.text("junction.toml", seeds.page_block("how-to/junction.md", "junction.toml")), "*.toml",
        function("io.junctions:read_junction"),
    ),
    "lammps run": Parser(seeds.engine_run("lammps"), "*.[tj]*", folder_of(read_lammps)),
    "lammps plane": Parser(seeds.plane_run, "deck/plane.dump", lammps_plane),
    "lamella": Parser(seeds.virtual_lamella, "*.toml", read_lamella),
    "lamella map": Parser(seeds.virtual_lamella, "*.csv", lamella_map),
    "lamella verb": Parser(
        seeds.sample("lamella.toml"), "*.toml", verb("eels lamella FILE --simulate FILE.virtual --json")
    ),
    "layout": Parser(seeds.sample("finfet.toml"), "*.toml", read_layout),
    "leg": Parser(seeds.sample("leg.toml"), "*.toml", verb("leg FILE --json")),
    "material tables": Parser(
        seeds.material_tables, "*.[cj]s*", function("io.screening_tables:read_materials")
    ),
    "material tables packed": Parser(
        seeds.material_tables, "*.gz", function("io.screening_tables:read_materials"), binary=True
    ),
    "materials": Parser(
        seeds.text("mine.toml", seeds.page_block("how-to/own-material.md", "mine.toml")), "*.toml",
        function("matter.library:load_materials"),
    ),
    "md run": Parser(seeds.sample("argon.toml", "si-ge-md.toml"), "*.toml", run_file),
    "mesh device": Parser(
        seeds.sample("wire.toml", "wire.msh"), "*.toml", function("io.device.bodies:read_body")
    ),
    "netcdf": Parser(seeds.netcdf, "*.nc", function("io.frames:read_netcdf"), binary=True),
    "phono3py": Parser(seeds.lifetimes("phono3py", "kappa-m11.hdf5"), "*", read_lifetimes, binary=True),
    "phonopy": Parser(seeds.data("crystals/Si.yaml"), "*", frequencies),
    "phonopy polar": Parser(seeds.data("crystals/MgO.yaml"), "*", function("matter.files.crystals:load_crystal")),
    "potential": Parser(seeds.potential, "*", function("io.md.potentials:read_potential", kinds=("Si",))),
    "printed json": Parser(seeds.json_output, "*", load),
    "profile verb": Parser(
        seeds.text("profile.csv", seeds.MAPS["profile.csv"]), "*", verb("jump FILE --at 0nm --json")
    ),
    "recognised toml": Parser(seeds.sample("leg.toml", "argon.toml", "finfet.toml", "cell.toml"), "*", recognised),
    "sample": Parser(seeds.experiments(measured=False), "*.toml", function("io.samples:read_sample")),
    "sample data": Parser(
        seeds.experiments(measured=True), "*.csv", beside("sample.toml", function("io.samples:read_sample"))
    ),
    "saved hdf5": Parser(seeds.saved(".h5", sealed=True), "*", load, binary=True),
    "saved hdf5 of 0.1": Parser(seeds.saved(".h5", sealed=False), "*", load, binary=True),
    "saved json": Parser(seeds.saved(".json", sealed=True), "*", load),
    "saved json of 0.1": Parser(seeds.saved(".json", sealed=False), "*", load),
    "saved npz": Parser(seeds.saved(".npz", sealed=True), "*", load, binary=True),
    "saved npz of 0.1": Parser(seeds.saved(".npz", sealed=False), "*", load, binary=True),
    "sensitivity verb": Parser(seeds.experiments(measured=False), "*.toml", verb("sensitivity FILE --json")),
    "shengbte": Parser(seeds.lifetimes("shengbte", ""), "**/BTE.*", lambda path: read_lifetimes(_run_of(path))),
    "simulate verb": Parser(seeds.experiments(measured=False), "*.toml", verb("simulate FILE --json")),
    "spectral table": Parser(
        seeds.both(seeds.sample("si-ge-film.toml"), seeds.text("data.csv", seeds.MAPS["spectral.csv"])), "*.csv",
        lambda path: spectral_table(_renamed(path, "si-ge-film.toml", "film.toml")),
    ),
    "store unit": Parser(seeds.unit, "*", unit, binary=True),
    "store unit resealed": Parser(seeds.unit, "*", resealed_unit, binary=True),
    "apertures verb": Parser(
        seeds.text("aperture.toml", seeds.page_block("how-to/eels-apertures.md", "aperture.toml")), "*",
        verb("eels apertures FILE --json"),
    ),
    "grating": Parser(seeds.page_experiment("grating.toml"), "*", function("io.samples:read_sample")),
    "samples of one fit": Parser(seeds.page_experiment("both.toml"), "*", function("io.samples:read_sample")),
    "tip": Parser(seeds.scanned_tip("tip.toml"), "*.toml", function("io.probes:read_probe_profile")),
    "tip scan": Parser(
        seeds.scanned_tip("tip.toml"), "*.csv", beside("tip.toml", function("io.probes:read_probe_profile"))
    ),
    "tip of light": Parser(seeds.scanned_tip("raman.toml"), "*.toml", function("io.probes:read_probe_profile")),
    "tip verb": Parser(seeds.scanned_tip("tip.toml"), "*.toml", verb("jump FILE --at 0nm --json")),
    "trace": Parser(
        seeds.both(seeds.page_experiment("trace.toml"), seeds.text("trace.csv", seeds.MAPS["trace.csv"])), "*.csv",
        beside("trace.toml", function("io.samples:read_sample")),
    ),
    "trace sample": Parser(
        seeds.both(seeds.page_experiment("trace.toml"), seeds.text("trace.csv", seeds.MAPS["trace.csv"])), "*.toml",
        function("io.samples:read_sample"),
    ),
}  # fmt: skip


def _only(path: Path, other: str) -> Any:
    """Frequencies from one of two files of force constants."""
    path.with_name(other).unlink()
    return frequencies(path.with_name("phonopy.yaml"))


def _run_of(path: Path) -> Path:
    """Folder of a run of ShengBTE: rates lie one level deeper."""
    return path.parent.parent if path.parent.name.startswith("T300") else path.parent


def _renamed(path: Path, old: str, new: str) -> Path:
    """Give a file beside another its other name."""
    path.with_name(old).rename(path.with_name(new))
    return path
