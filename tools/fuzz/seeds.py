"""Good files to damage, made from the samples of the documentation, data of the tests and the writers themselves."""

import gzip
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import kapitza
from kapitza.io.eels.lamella import read_lamella
from kapitza.io.results import encode_result, result_tree, save
from kapitza.matter.files.phonopy import read_phonopy
from kapitza.measure.lamella.design import simulate_lamella
from kapitza.run.store import serialize_arrays

ROOT = Path(__file__).parents[2]
SAMPLES, DATA = ROOT / "docs" / "samples", ROOT / "tests" / "data"
MAPS = {
    "heat.csv": "x (um),y (um),temperature (K),sigma (K)\n0,0,340,1\n5,0,330,1\n10,2,325,1\n",
    "spectral.csv": "Si (nm),Ge (nm),conductance (MW/m2K),sigma (MW/m2K)\n1,1,627,6\n30,30,360,4\n999,999,34,0.4\n",
    "profile.csv": "position (nm),temperature (K),sigma (K)\n"
    + "".join(f"{x},{310 - x / 2 - 5 * (x > 0)},0.1\n" for x in range(-9, 10)),
    "trace.csv": "delay_ps,Vin_uV,Vout_uV\n"
    + "".join(
        f"{t},{(t > 0) * (9 + 3 * np.exp(-t / 900) - 0.5 * np.exp(-(((t - 26) / 2) ** 2))):.5g},{-2 - t / 9e3:.5g}\n"
        for t in (*range(-25, 90), *range(90, 3500, 40))
    ),
    "materials.csv": "name,formula,density (g/cm3),bulk_modulus (GPa),shear_modulus (GPa),energy_above_hull\n"
    "Si,Si,2.33,98,67,0\nGe,Ge,5.32,75,55,0\nMgO,MgO,3.58,163,131,0\nC,C,3.51,442,535,0.1\n",
    "device.csv": "x (um),y (um),depth (um),temperature (K),sigma (K)\n0,0,0,340,1\n5,0,0,330,1\n10,2,0.5,325,1\n",
}  # fmt: skip
BOUNDARIES = """
a = "50 MW/m2K"
b = "20 m2K/GW +- 10 %"
c = "perfect"
d = "GaN|diamond"
e = { theory = "dmm", drop = "gray", left = "GaN", right = "diamond" }
f = { conductance = "50 MW/m2K", sigma = "4 MW/m2K" }
g = { resistance = 2e-8, sigma = "10 %" }
h = { interface = "GaN|diamond", sigma = "30 %" }
"""


def helper(name: str) -> Any:
    """A module of the tests, for the files that it writes by hand as other programs do."""
    path = ROOT / "tests" / name
    sys.path[:0] = [str(path.parent), str(ROOT / "tests" / "simulate" / "md")]  # and what such modules import
    spec = spec_from_file_location(f"seeds_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(*names: str) -> Callable[[Path], None]:
    """Copies of samples."""

    def make(folder: Path) -> None:
        for name in names:
            shutil.copy(SAMPLES / name, folder / name)

    return make


def data(*names: str) -> Callable[[Path], None]:
    """Copies of data of the tests."""

    def make(folder: Path) -> None:
        for name in names:
            shutil.copy(DATA / name, folder / Path(name).name)

    return make


def text(name: str, content: str) -> Callable[[Path], None]:
    """A file of this content."""

    def make(folder: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8")

    return make


def virtual_lamella(folder: Path) -> None:
    """The sample of a lamella, with the map of a virtual experiment beside it."""
    path = folder / "lamella.toml"
    shutil.copy(SAMPLES / path.name, path)
    held = read_lamella(path, virtual=True)
    maps = simulate_lamella(held.lamella, held.maps, spread=held.spread, seed=0)
    np.savetxt(folder / "forward.csv", np.real(maps[0].temperature), fmt="%.4f", delimiter=",")


def material_tables(folder: Path) -> None:
    """The same solids in the ways in which tables of materials are kept."""
    (folder / "table.csv").write_text(MAPS["materials.csv"], encoding="utf-8")
    lattice = [[5.43, 0, 0], [0, 5.43, 0], [0, 0, 5.43]]
    sites = [{"species": [{"element": "Si", "occu": 1}], "abc": [i / 8, i / 8, i / 8]} for i in range(8)]
    entry = {
        "mp_id": "mp-149", "formula": "Si", "structure": {"lattice": {"matrix": lattice}, "sites": sites},
        "bulk_modulus_vrh": 97.0, "shear_modulus_vrh": 66.0,
    }  # fmt: skip
    (folder / "mp.json").write_text(json.dumps([entry, entry | {"mp_id": "mp-32"}], indent=1), encoding="utf-8")
    jarvis = {"jid": "JVASP-1002", "formula": "Si", "density": 2.3, "bulk_modulus_kv": 88.0, "shear_modulus_gv": 62.0}
    (folder / "jarvis.json").write_text(json.dumps([jarvis], indent=1), encoding="utf-8")
    (folder / "packed.json.gz").write_bytes(gzip.compress(json.dumps([jarvis]).encode(), mtime=0))


def experiments(*, measured: bool) -> Callable[[Path], None]:
    """The sample file of the tests with its measured curve, or with delays instead of it."""

    def make(folder: Path) -> None:
        module = helper("io/test_samples.py")
        path = module.written(folder)
        if not measured:
            (folder / "al_si.csv").unlink()
            content = module.SAMPLE.replace('data = "al_si.csv"\nfrom = "100 ps"', 'delays = ["100 ps", "3.6 ns", 9]')
            path.write_text(content, encoding="utf-8")

    return make


def scanned_tip(name: str) -> Callable[[Path], None]:
    """The file of a tip on the page about them, with what it read."""
    return both(text(name, page_block("how-to/profile-jump.md", name)), text("scan.csv", MAPS["profile.csv"]))


def page_experiment(name: str) -> Callable[[Path], None]:
    """A sample file of the page about them."""
    return text(name, page_block("how-to/thermoreflectance-files.md", name))


def both(*makers: Callable[[Path], None]) -> Callable[[Path], None]:
    """All of these files."""

    def make(folder: Path) -> None:
        for one in makers:
            one(folder)

    return make


def page_block(page: str, title: str) -> str:
    """The TOML block of this title on a page of the documentation."""
    content = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return content.split(f'```toml title="{title}"\n', 1)[1].split("```", 1)[0]


def separate_force_constants(folder: Path) -> None:
    """A phonopy.yaml without force constants, with them beside it as text and as HDF5."""
    content = (DATA / "crystals" / "Si.yaml").read_text(encoding="utf-8")
    (folder / "phonopy.yaml").write_text(content[: content.index("\nforce_constants:") + 1], encoding="utf-8")
    held = read_phonopy(DATA / "crystals" / "Si.yaml")
    constants = held.force_constants / 16.02176634  # eV Å⁻²
    rows = [f"{constants.shape[0]} {constants.shape[1]}"]
    for i, row in enumerate(constants):
        for j, block in enumerate(row):
            rows += [f"{i * (constants.shape[1] // constants.shape[0]) + 1} {j + 1}"]
            rows += [" ".join(f"{x:.9f}" for x in line) for line in block]
    (folder / "FORCE_CONSTANTS").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with h5py.File(folder / "force_constants.hdf5", "w") as file:
        file["force_constants"] = constants


def potential(folder: Path) -> None:
    """Entries of silicon alone, in the formats of LAMMPS, with the numbers of this package."""
    sw = "2.1683 2.0951 1.80 21.0 1.20 -0.333333333333 7.049556277 0.6022245584 4.0 0.0 0.0"
    (folder / "Si.sw").write_text(f"# UNITS: metal\nSi Si Si {sw}\n", encoding="utf-8")
    tersoff = "3.0 1.0 0.0 1.0039e5 16.217 -0.59825 0.78734 1.1e-6 1.73222 471.18 2.85 0.15 2.4799 1830.8"
    (folder / "Si.tersoff").write_text(f"# UNITS: metal\nSi Si Si {tersoff}\n", encoding="utf-8")


def dynamical_matrix(folder: Path) -> None:
    """A matrix of 8 atoms."""
    np.savetxt(folder / "dynmat.dat", np.random.default_rng(1).normal(size=(3 * 64, 3)), fmt="%.8f")


def engine_run(name: str) -> Callable[[Path], None]:
    """What an engine leaves in its folder."""

    def make(folder: Path) -> None:
        getattr(helper("io/test_md_files.py"), f"{name}_run")(folder)

    return make


def plane_run(folder: Path) -> None:
    """What a deck with atoms near the plane and LAMMPS leave."""
    helper("io/test_md_trajectory.py").plane_run(folder)


def virial_run(folder: Path) -> None:
    """What a deck with spectra and GPUMD leave."""
    helper("io/test_md_virials.py").gpumd_run(folder)


def lifetimes(kind: str, name: str) -> Callable[[Path], None]:
    """A table of lifetimes."""

    def make(folder: Path) -> None:
        place = folder / name if name else folder
        if not name:
            folder.rmdir()
        getattr(helper("io/test_films.py"), kind)(place)

    return make


def layout(folder: Path) -> None:
    """A device whose metal is drawn in a GDS file."""
    module = helper("io/test_layout.py")
    module.written(folder, module.STACK + module.DRAWN)


def unsealed(result: Any, suffix: str) -> bytes:
    """The file of a result as version 0.1 wrote it, without a checksum, so that damage is not noticed at once."""
    content = encode_result(result, suffix)
    if suffix != ".npz":
        start = content.index(b"kapitza-sha256:")
        old = content[:start] + b"-" * 79 + content[start + 79 :]
        return old.replace(b'"checksum"', b'"remark"  ', 1).replace(b'"format_version": 2', b'"format_version": 1', 1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as old_archive:
        for name in archive.namelist():
            member = archive.read(name)
            old_archive.writestr(name, member.replace(b'"format_version": 2', b'"format_version": 1', 1))
    return buffer.getvalue()


def netcdf(folder: Path) -> None:
    """A spectrum as xarray writes it."""
    kapitza.dmm(kapitza.solid("Al"), kapitza.solid("Si")).to_xarray().to_netcdf(folder / "a.nc", engine="h5netcdf")


def results() -> dict[str, Any]:
    """Records of several rooms, Green's functions, sensitivities and a junction among them."""
    spectrum = kapitza.dmm(kapitza.solid("Al"), kapitza.solid("Si"))
    junction = kapitza.junction("Ar", "Kr", "lj", layers=2, limit=0.07)
    omega = np.linspace(1e11, 1e13, 4)
    return {
        "conductance": spectrum.conductance([100, 300]),
        "spectrum": spectrum,
        "nested": {"a": spectrum.conductance([300]), "b": (spectrum.conductance([1, 2]), 1.5, None)},
        "junction": junction,
        "agf": kapitza.agf(junction, omega, k_mesh=(2, 2)),
        "stack": kapitza.Stack([kapitza.Layer("Al", 8e-8, 180), kapitza.Layer("Si", np.inf, 130)], [1e8]),
    }


def saved(suffix: str, *, sealed: bool) -> Callable[[Path], None]:
    """Saved results, with their checksum or as version 0.1 wrote them."""

    def make(folder: Path) -> None:
        for name, one in results().items():
            path = folder / f"{name}{suffix}"
            if sealed:
                save(one, path)
            else:
                path.write_bytes(unsealed(one, suffix))

    return make


def unit(folder: Path) -> None:
    """A unit of a store."""
    content = {"x": np.arange(20.0), "name": np.array("abc"), "n": np.array(3)}
    (folder / "a.unit").write_bytes(serialize_arrays(content))


def json_output(folder: Path) -> None:
    """What a command prints for other programs."""
    spectrum = kapitza.dmm(kapitza.solid("Al"), kapitza.solid("Si")).conductance([100, 300])
    tree = result_tree(spectrum)
    (folder / "printed.json").write_text(json.dumps(tree, indent=1), encoding="utf-8")
