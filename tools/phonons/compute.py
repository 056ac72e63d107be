"""Harmonic force constants of the crystals in `materials.toml`, by central differences of a potential's forces.

One phonopy file per material; a file whose inputs (structure, supercell, potential, displacement) are the same is not
computed again, so that the batch can be stopped and started at will.
"""

import argparse
import hashlib
import json
import lzma
import time
import tomllib
from pathlib import Path

import numpy as np
import phonopy
from ase import Atoms
from ase.constraints import FixSymmetry
from ase.optimize import BFGS
from ase.spacegroup import crystal
from phonopy.structure.atoms import PhonopyAtoms
from phonopy.structure.cells import get_primitive, get_primitive_matrix_by_centring
from spglib import get_symmetry_dataset

from kapitza.matter.library import material

HERE = Path(__file__).parent
DISPLACEMENT = 0.02  # Å
INPUTS = ("elements", "space_group", "setting", "sites", "cell", "supercell")  # what a result depends on
FORCE_TOLERANCE = 1e-3  # eV/Å, of the relaxed coordinates


def main() -> None:
    """Compute what is missing."""
    arguments = parse_arguments()
    table = tomllib.loads((HERE / "materials.toml").read_text(encoding="utf-8"))
    chosen = next(key for key, one in table["potentials"].items() if one.get("file") == arguments.potential.name)
    names = arguments.only or [
        name for name, entry in table["materials"].items() if entry.get("potential", "nequix") == chosen
    ]
    arguments.output.mkdir(parents=True, exist_ok=True)
    potential = load_potential(arguments.potential)
    weights = hashlib.sha256(arguments.potential.read_bytes()).hexdigest()
    for count, name in enumerate(names, 1):
        entry = table["materials"][name]
        entry = table["prototypes"][entry["prototype"]] | entry
        lattice = entry.get("lattice") or library_lattice(name)
        inputs = json.dumps([{key: entry.get(key) for key in INPUTS}, lattice, weights, DISPLACEMENT], sort_keys=True)
        head = {"inputs": hashlib.sha256(inputs.encode()).hexdigest(), "potential": weights, "lattice": lattice}
        path = arguments.output / f"{name}.yaml.xz"
        if is_current(path, head["inputs"]):
            continue
        start = time.process_time()
        try:
            result = force_constants(entry, lattice, potential)
        except (ValueError, RuntimeError, AssertionError, IndexError) as err:  # the batch goes on with the next
            print(f"[{count}/{len(names)}] {name}: {type(err).__name__}: {err}", flush=True)
            continue
        head |= {"seconds": round(time.process_time() - start, 1), "supercell": len(result.supercell)}
        write_result(path, result, head)
        gamma = result.run_qpoints([[0, 0, 0]]).frequencies[0]
        print(f"[{count}/{len(names)}] {name}: {head['supercell']} atoms, {head['seconds']} s CPU, "
              f"{len(result.supercells_with_displacements)} displacements, "
              f"Γ {gamma[0]:.2f} to {gamma[-1]:.2f} THz", flush=True)  # fmt: skip


def parse_arguments() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", type=Path, help="nequix-oam-1-pft.nqx or UNEP-v1.txt")
    parser.add_argument("output", type=Path, help="folder of the phonopy files")
    parser.add_argument("--only", nargs="+", help="names of materials; all without it")
    return parser.parse_args()


def load_potential(path: Path):
    """ASE calculator of a file: a Nequix model (.nqx) or a neuroevolution potential (.txt)."""
    if path.suffix == ".txt":
        from calorine.calculators import CPUNEP

        return CPUNEP(str(path))
    import jax
    import jraph
    from nequix.calculator import NequixCalculator

    class Padded(NequixCalculator):
        """Pads graphs to few sizes, so that few shapes have to be compiled."""

        def _pad_graph_jax(self, graph, numbers_changed=False):
            nodes = 160 * (int(graph.n_node[0]) // 160 + 1) if graph.n_node[0] > 31 else 32
            steps, first = (2.0, 500) if graph.n_edge[0] < 4000 else (1.3, 4000)
            edges = first * steps ** max(0, np.ceil(np.log(graph.n_edge[0] / first) / np.log(steps)))
            return jraph.pad_with_graphs(graph, n_node=nodes, n_edge=int(np.ceil(edges)), n_graph=2)

    jax.config.update("jax_compilation_cache_dir", str(Path.home() / ".cache" / "jax"))
    return Padded(model_path=str(path), backend="jax", use_kernel=False)


def library_lattice(name: str) -> dict[str, float]:
    """Lattice constants of the materials library, Å and degrees."""
    found = material(name).lattice
    return {key: round(np.degrees(one.value) if key == "beta" else one.value * 1e10, 5) for key, one in found.items()}


def is_current(path: Path, inputs: str) -> bool:
    """Whether a file was computed from the same inputs."""
    if not path.exists():
        return False
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return json.loads(file.readline().removeprefix("# "))["inputs"] == inputs


def force_constants(entry: dict, lattice: dict[str, float], potential) -> phonopy.Phonopy:
    """Relax the free coordinates, displace, and fit the force constants of the supercell."""
    unit, primitive_matrix = build_cell(entry, lattice)
    relaxed = relax(unit, potential)
    result = phonopy.Phonopy(
        PhonopyAtoms(symbols=relaxed.symbols, cell=relaxed.cell, scaled_positions=relaxed.get_scaled_positions()),
        supercell_matrix=np.diag(entry["supercell"]),
        primitive_matrix=primitive_matrix,
        symprec=1e-4,
    )
    result.generate_displacements(distance=DISPLACEMENT)
    forces = []
    for cell in result.supercells_with_displacements:
        atoms = Atoms(cell.symbols, cell=cell.cell, scaled_positions=cell.scaled_positions, pbc=True)
        atoms.calc = potential
        force = atoms.get_forces()
        forces.append(force - force.mean(axis=0))
    result.forces = np.array(forces)
    result.produce_force_constants(calculate_full_force_constants=False)
    result.symmetrize_force_constants()
    return result


def build_cell(entry: dict, lattice: dict[str, float]) -> tuple[Atoms, np.ndarray]:
    """Cell whose multiples are the supercell, and the primitive one in it: a along x, c in the xz plane."""
    a, b = lattice["a"], lattice.get("b", lattice["a"])
    gamma = 120 if 143 <= entry["space_group"] <= 194 else 90
    conventional = crystal(
        entry["elements"], entry["sites"], spacegroup=entry["space_group"], setting=entry.get("setting", 1),
        cellpar=[a, b, lattice.get("c", a), 90, lattice.get("beta", 90), gamma],
    )  # fmt: skip
    data = get_symmetry_dataset((conventional.cell[:], conventional.get_scaled_positions(), conventional.numbers), 1e-3)
    centring = data.international[0]
    matrix = get_primitive_matrix_by_centring(centring)
    if entry.get("cell") != "primitive":
        return conventional, matrix
    cell = PhonopyAtoms(
        symbols=conventional.symbols, cell=conventional.cell, scaled_positions=conventional.get_scaled_positions()
    )
    small = get_primitive(cell, matrix)
    return Atoms(small.symbols, cell=small.cell, scaled_positions=small.scaled_positions, pbc=True), np.eye(3)


def relax(cell: Atoms, potential) -> Atoms:
    """Relax the coordinates that the symmetry leaves free, at fixed lattice."""
    atoms = cell.copy()
    atoms.set_constraint(FixSymmetry(atoms, symprec=1e-3))
    atoms.calc = potential
    if np.abs(atoms.get_forces()).max() > FORCE_TOLERANCE:
        search = BFGS(atoms, logfile=None, maxstep=0.05)
        if not search.run(fmax=FORCE_TOLERANCE, steps=150):
            print(f"  not relaxed: {np.abs(atoms.get_forces()).max():.2g} eV/Å left", flush=True)
    atoms.set_constraint()
    return atoms


def write_result(path: Path, result: phonopy.Phonopy, head: dict) -> None:
    """Write a phonopy file with a first line that tells its inputs."""
    text = path.with_suffix(".part")
    result.save(text, settings={"force_constants": True, "force_sets": False, "displacements": False})
    with lzma.open(path.with_suffix(".new"), "wt", encoding="utf-8") as file:
        file.write(f"# {json.dumps(head)}\n{text.read_text(encoding='utf-8')}")
    path.with_suffix(".new").replace(path)
    text.unlink()


if __name__ == "__main__":
    main()
