"""From the phonopy files of `compute.py` to the files of the package, one per crystal, each with its quality card.

Of each symmetry class of pairs of atoms one force constant is kept.  Speeds of sound are compared with the elastic
constants of the materials library.  Where one is off by more than `LIMIT`, the force constants are changed as little as
possible to have those of the library (`elastic_fit.py`), and refused where that takes more than `MAX_CHANGE`.
"""

import argparse
import hashlib
import json
import lzma
import tomllib
import warnings
from itertools import permutations, product
from pathlib import Path

import numpy as np
from attrs import evolve
from compute import library_lattice
from elastic_fit import fit_speeds, make_invariant
from spglib import get_symmetry

from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.brillouin import hemisphere_directions
from kapitza.matter.building.surface import pair_vectors
from kapitza.matter.crystal import Crystal
from kapitza.matter.elastic import Elastic, stiffness_matrix
from kapitza.matter.files.crystals import balanced_crystal, load_crystal
from kapitza.matter.files.phonon_facts import card_facts, polar_constants
from kapitza.matter.library import atomic_masses, elastic, material
from kapitza.matter.longwave import long_wave
from kapitza.matter.material import Material
from kapitza.matter.phonons import dipole_forces, expand_symmetry
from kapitza.matter.polar import COULOMB_CONSTANT, DipoleForces
from kapitza.matter.structure import Structure
from kapitza.matter.zone.dispersion import effective_charges
from kapitza.units import GPa, THz, angstrom, c_light, eV, hbar, k_B, m_u

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "src" / "kapitza" / "matter" / "data" / "phonons"
LIMIT = 0.05  # by which a speed of sound along an axis or diagonal may differ from the library's
MAX_CHANGE = 0.08  # of the top frequency: root-mean-square change of frequencies by the fit of the speeds
UNSTABLE = 0.02  # of the top frequency: imaginary frequencies beyond this are an instability
UNUSABLE = 0.2  # of the top frequency: imaginary frequencies beyond which a crystal is refused
TAIL = 5 * angstrom  # beyond this distance forces are those of dipoles
TOWARDS_GAMMA = 1e-4  # of a reciprocal vector: near enough for the limit of polar modes
DECIMALS = 7  # of force constants, eV/Å²
AXES = np.array([v for v in product((-1, 0, 1), repeat=3) if v > (0, 0, 0)])


def main() -> None:
    """Write the files and print the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the phonopy files, one subfolder per potential")
    parser.add_argument("--only", nargs="+", help="names of materials; all without it")
    arguments = parser.parse_args()
    table = tomllib.loads((HERE / "materials.toml").read_text(encoding="utf-8"))
    warnings.simplefilter("ignore", ValidityWarning)
    DATA.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or table["materials"]:
        entry = table["materials"][name]
        potential = entry.get("potential", "nequix")
        path = arguments.folder / potential / f"{name}.yaml.xz"
        if name not in table["models"] and not path.exists():
            print(f"{name:13} not computed")
            continue
        content = describe(name, path, table)
        print(summary(content["card"]), flush=True)
        (DATA / f"{name}.json").write_text(as_text(content), encoding="utf-8")
    write_checksums()


def describe(name: str, path: Path, table: dict) -> dict:
    """Content of the file of one crystal."""
    entry, model = table["materials"][name], table["models"].get(name)
    if model is not None:
        head = {"lattice": library_lattice(name)}
        raw = build_model(name, head["lattice"]["a"], model["shells"])
        head["supercell"] = len(raw.cells)
    else:
        head = read_head(path)
        raw = orient(unpack(path, table["polar"].get(name)), head["lattice"].get("beta", 90), name in table["turned"])
    content, crystal = reduce(make_invariant(raw))
    verdict, fitted = judge(crystal, raw, table)
    if fitted is not None:
        content, crystal = reduce(fitted)
    lowest, highest = frequency_range(crystal)
    potential = table["potentials"][entry.get("potential", "nequix")]
    card = {
        "name": name,
        **verdict,
        "potential": potential["model"],
        "doi": (model or potential)["doi"],
        "structure": f"{entry['prototype']}, space group {table['prototypes'][entry['prototype']]['space_group']}",
        "lattice": head["lattice"],
        "lattice_source": entry.get("source") or next(iter(material(name).lattice.values())).source,
        "supercell": head["supercell"],
        "debye": debye(crystal),
        "library_debye": library_debye(name),
        "top": round(highest, 3),
        "lowest": round(min(lowest, 0.0), 3) + 0.0,
    }
    card["reason"] = "; ".join(filter(None, [model and model["source"], card["reason"]]))
    return {"card": card} | content


def reduce(crystal: Crystal) -> tuple[dict, Crystal]:
    """What is stored of a crystal, and the crystal that is made of it again."""
    operations, points = symmetry(crystal)
    pairs, values = irreducible(crystal, points, operations)
    content = {
        "lattice": np.round(crystal.lattice / angstrom, 10).tolist(),
        "symbols": list(crystal.symbols),
        "points": np.round(points, 8).tolist(),
        "operations": [[*turn.ravel().tolist(), *map(compact, np.round(shift, 10))] for turn, shift in operations],
        "pairs": pairs.tolist(),
        "force_constants": [list(map(compact, row)) for row in values.reshape(-1, 9)],
    }
    if crystal.polar is not None:
        content["born"] = np.round(crystal.polar.born.reshape(-1, 9), 5).tolist()
        content["dielectric"] = np.round(crystal.polar.dielectric, 5).tolist()
    atoms = Structure(crystal.name, crystal.lattice, points @ crystal.lattice, crystal.masses, crystal.symbols)
    return content, evolve(balanced_crystal(atoms, *expand_symmetry(content)), polar=dipole_forces(atoms, content))


def compact(number: float) -> float | int:
    """A number as JSON writes it shortest."""
    return int(number) if number == int(number) else float(number)


def judge(crystal: Crystal, raw: Crystal, table: dict) -> tuple[dict, Crystal | None]:
    """Speeds of sound against those of the library, what follows from them, and the crystal with those of the library
    where its own are too far off.
    """
    reference, source = reference_elastic(crystal, table["elastic"])
    reasons, status, fitted = [source] if source else [], "accepted", None
    speeds, before = compare_speeds(crystal, reference), raw.frequencies(mesh(raw))
    after, top = crystal.frequencies(mesh(crystal)), float(before.max())
    if speeds is not None and abs(speeds["worst_speed"] - 1) > LIMIT:
        fitted, after, part = fit(crystal, reference, before)
        status = "refused" if fitted is None else "fitted"
        if fitted is None:
            reasons.append(f"a speed of sound is {speeds['worst_speed']:.2f} of the library's, which no fit can mend")
        elif part < 1:
            left = compare_speeds(fitted, reference)["worst_speed"]
            reasons.append(f"a fit of all speeds of sound is unstable: one is {left:.2f} of the library's")
    change, lowest = float(np.sqrt(np.mean((after - before) ** 2))) / top, float(after.min())
    if lowest < -UNUSABLE * top:
        status, fitted = "refused", None
    if lowest < -UNSTABLE * top:
        status = "unstable" if status == "accepted" else status
        reasons.append(f"unstable at 0 K: imaginary frequencies up to {-lowest / THz:.2f} THz, which bands leave out")
    if fitted is None and debye(crystal) is None:
        reasons.append("sound is unstable in some direction: of no use at low temperature")
    none = {"longitudinal": None, "transverse": None, "worst_speed": None, "worst_direction": ""}
    rounded = {key: round(one, 3) if isinstance(one, float) else one for key, one in (speeds or none).items()}
    return {"status": status, "reason": "; ".join(reasons), **rounded, "change": round(change, 4)}, fitted


def fit(crystal: Crystal, reference: Elastic, before: np.ndarray) -> tuple[Crystal | None, np.ndarray, float]:
    """The crystal with the speeds of the library, or as far on the way to them as it keeps its frequencies and its
    stability; its frequencies, and the part of the way; None where that is no part.
    """
    top = before.max()
    for part in (1.0, 0.75, 0.5, 0.25):
        try:
            fitted = fit_speeds(crystal, reference.reduced, part)
        except ValueError:
            continue
        after = fitted.frequencies(mesh(fitted))
        change = np.sqrt(np.mean((after - before) ** 2)) / top
        if change < MAX_CHANGE and after.min() > min(1.5 * before.min(), -UNSTABLE * top):
            return fitted, after, part
    return None, crystal.frequencies(mesh(crystal)), 0.0


def mesh(crystal: Crystal) -> np.ndarray:
    """Wave vectors of an even mesh through Γ, fewer of large cells."""
    count = max(3, round((12_000 / crystal.masses.size**1.5) ** (1 / 3) / 2) * 2)
    return np.indices((count,) * 3).reshape(3, -1).T / count @ crystal.reciprocal


def frequency_range(crystal: Crystal) -> tuple[float, float]:
    """Lowest and highest frequency, THz, over the mesh and towards Γ, where longitudinal modes of ions are highest."""
    towards = TOWARDS_GAMMA * AXES @ crystal.reciprocal
    frequency = crystal.frequencies(np.concatenate([mesh(crystal), towards])) / THz
    return float(frequency.min()), float(frequency.max())


def reference_elastic(crystal: Crystal, table: dict) -> tuple[Elastic | None, str]:
    """Elastic constants of the materials library, else of `materials.toml`, and what the card says of them."""
    name = crystal.name
    try:
        return elastic(library_entry(name)), ""
    except InputError:
        if name not in table:
            return None, "no elastic constants to compare with"
    constants = {key: value * GPa for key, value in table[name].items() if key[0] == "C"}
    stiffness = stiffness_matrix(table[name]["symmetry"], constants)
    return Elastic(name, stiffness, crystal.density, crystal.atoms), f"elastic constants: {table[name]['source']}"


def compare_speeds(crystal: Crystal, reference: Elastic | None) -> dict | None:
    """Mean speeds over those of the library, and the single speed that is farthest off along axes and diagonals."""
    if reference is None:
        return None
    forms, z = long_wave(crystal), np.array([0.0, 0, 1])
    directions, share = hemisphere_directions(z, 8, 16)
    ours, theirs = (share @ one for one in (forms.speeds(directions, z)[0], reference.speeds(directions)[:, ::-1]))
    ratio = forms.speeds(AXES / np.linalg.norm(AXES, axis=1)[:, None], z)[0] / reference.speeds(AXES)[:, ::-1]
    row, branch = np.unravel_index(np.argmax(np.abs(np.log(np.maximum(ratio, 1e-3)))), ratio.shape)
    return {
        "longitudinal": float(ours[2] / theirs[2]),
        "transverse": float(ours[:2].sum() / theirs[:2].sum()),
        "worst_speed": float(ratio[row, branch]),
        "worst_direction": f"{AXES[row].tolist()}, {('slow', 'middle', 'fast')[branch]}",
    }


def debye(crystal: Crystal) -> float | None:
    r"""Debye temperature of the long waves, $k\Theta = \hbar\,(6\pi^2 n / \langle c^{-3}\rangle)^{1/3}$, K."""
    inverse = long_wave(crystal).integrals(np.array([0.0, 0, 1]))[1] * 2 * np.pi**2 / 3
    theta = hbar / k_B * (6 * np.pi**2 * crystal.atoms / inverse) ** (1 / 3)
    return round(float(theta), 1) if np.isfinite(inverse) else None


def library_debye(name: str) -> float | None:
    """Debye temperature of the materials library, K."""
    try:
        found = library_entry(name).debye
    except InputError:
        return None
    return None if found is None else found.value


def library_entry(name: str) -> Material:
    """The entry of the materials library; InputError where the name is only an alias, perhaps of another phase."""
    found = material(name)
    if found.name != name:
        raise InputError(f"{name} is an alias of {found.name}")
    return found


def read_head(path: Path) -> dict:
    """What the file of a computation says of its inputs."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return json.loads(file.readline().removeprefix("# "))


def as_text(content: dict) -> str:
    """JSON with one row of numbers in a line."""
    lines = []
    for key, value in content.items():
        if key in ("card", "symbols"):
            lines.append(f'"{key}": {json.dumps(value, ensure_ascii=False)}')
        else:
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            lines.append(f'"{key}": [\n{rows}\n]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def summary(card: dict) -> str:
    """One line of a card."""
    speeds = [f"{card[key]:5.2f}" if card[key] else "  -  " for key in ("longitudinal", "transverse", "worst_speed")]
    debye = f"{card['debye'] or 0:6.0f} ({card['library_debye'] or 0:5.0f}) K"
    measured = (card_facts(card["name"])["measured_top"] or (0, ""))[0]
    return (
        f"{card['name']:13}{card['status']:9}{card['change']:7.4f} L {speeds[0]} T {speeds[1]} worst {speeds[2]} "
        f"{card['worst_direction']:18}"
        f" {debye} top {card['top']:6.2f} ({measured:5.2f}) lowest {card['lowest']:6.2f} THz"
        f"  {card['reason']}"
    )


def write_checksums() -> None:
    """SHA-256 of all files, as sha256sum writes them."""
    found = sorted(DATA.glob("*.json"), key=lambda path: path.name.casefold())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in found]
    (DATA / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def unpack(path: Path, polar: dict | None = None) -> Crystal:
    """Crystal of a compressed phonopy file, with the charges of a polar one."""
    plain = path.parent / path.name.removesuffix(".xz")
    with lzma.open(path) as file:
        plain.write_bytes(file.read())
    crystal = load_crystal(plain)
    if polar is not None and "formal" in polar:
        born = np.array([polar["formal"][symbol] for symbol in crystal.symbols], dtype=float)
        size = tail_charge(crystal, load_crystal(plain, charges=(born, 1.0)))
        crystal = load_crystal(plain, charges=(size * born, 1.0))
    elif polar is not None:
        crystal = load_crystal(plain, charges=charges(crystal, polar))
    plain.unlink()
    return crystal


def tail_charge(whole: Crystal, rest: Crystal) -> float:
    """Factor by which charges have to be larger, so that their dipole forces, which `rest` lacks, are nearest to the
    forces between distant atoms; of charges screened by the dielectric constant, which stay together in all forces.
    """
    if not np.array_equal(whole.cells, rest.cells):
        raise ValueError(f"{whole.name}: dipole forces change the range of the force constants")
    far = np.linalg.norm(pair_vectors(whole), axis=-1) > TAIL
    far = np.repeat(np.repeat(far, 3, axis=1), 3, axis=2)
    forces, dipoles = whole.force_constants[far], (whole.force_constants - rest.force_constants)[far]
    return float(np.sqrt(forces @ dipoles / (dipoles @ dipoles)))


def charges(crystal: Crystal, polar: dict) -> tuple[np.ndarray, np.ndarray]:
    r"""Born charges (n, 3, 3) and dielectric constant (3, 3), from the splitting of the one infrared mode of each
    direction where they are not given: $\omega_L^2 - \omega_T^2 = \frac{e^2}{\epsilon_0 \epsilon V} \sum_i Z_i^2/m_i$.
    """
    if "published" in polar:
        constants = polar_constants(crystal.name)
        found = effective_charges(crystal, constants)
        return np.array([np.diag(one) for one in found]), np.diag(constants.dielectric)
    across_and_along = [0, 0, -1]  # of the numbers of the table: x, y, z
    screening = np.array(polar["dielectric"])[across_and_along]
    if "born" in polar:
        found = [np.diag(np.array(polar["born"][symbol])[across_and_along]) for symbol in crystal.symbols]
        return np.array(found), np.diag(screening)
    positive = np.array([symbol == crystal.symbols[0] for symbol in crystal.symbols])
    share = np.where(positive, 1.0, -positive.sum() / (~positive).sum())
    low, high = (2 * np.pi * c_light * 100 * np.array(polar[key]) for key in ("transverse", "longitudinal"))
    strength = (high**2 - low**2)[across_and_along] * screening * crystal.volume
    size = np.sqrt(strength / (COULOMB_CONSTANT * np.sum(share**2 / crystal.masses)))
    return share[:, None, None] * np.diag(size), np.diag(screening)


def build_model(name: str, edge: float, shells: list) -> Crystal:
    """A bcc crystal with edge (Å) from the tensors of one neighbour of each shell (N/m)."""
    half = edge / 2 * angstrom
    lattice = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) * half
    turns = [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    blocks = {}
    for neighbour, (xx, yy, zz, yz, xz, xy) in shells:
        tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        for turn in turns:
            cell = np.round(turn @ neighbour @ np.linalg.inv(lattice / half)).astype(int)
            blocks[tuple(cell.tolist())] = -turn @ tensor @ turn.T
    blocks[0, 0, 0] = -sum(blocks.values())
    mass = np.array([atomic_masses()[name]]) * m_u
    atom = Structure(name, lattice, np.zeros((1, 3)), mass, (name,))
    return balanced_crystal(atom, np.array(list(blocks)), np.array(list(blocks.values())))


def orient(crystal: Crystal, beta: float, half: bool) -> Crystal:
    """The crystal in the axes of the library: turned by 180° about z where `half`, the other setting of a rhombohedron;
    c along z in monoclinic crystals (a is along x in `compute.py`).
    """
    tilt = np.radians(beta - 90)
    turn = np.array([[np.cos(tilt), 0, -np.sin(tilt)], [0, 1, 0], [np.sin(tilt), 0, np.cos(tilt)]])
    turn = turn @ np.diag([-1.0, -1.0, 1.0]) if half else turn
    sides = np.kron(np.eye(crystal.masses.size), turn)
    lattice, positions, polar = crystal.lattice @ turn, crystal.positions @ turn, crystal.polar
    if polar is not None:
        polar = DipoleForces(lattice, positions, turn.T @ polar.born @ turn, turn.T @ polar.dielectric @ turn)
    blocks = sides.T @ crystal.force_constants @ sides
    return evolve(crystal, lattice=lattice, positions=positions, force_constants=blocks, polar=polar)


def symmetry(crystal: Crystal) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Operations {W|t} of the space group, and the points of the atoms, on which they act exactly."""
    points = crystal.positions @ np.linalg.inv(crystal.lattice)
    _, kinds = np.unique(crystal.symbols, return_inverse=True)
    found = get_symmetry((crystal.lattice / angstrom, points, kinds), symprec=1e-3)
    operations = [(w, np.round(t * 24) / 24) for w, t in zip(found["rotations"], found["translations"], strict=True)]
    origin = [np.abs(t - r).max() < 1e-3 for (_, r), t in zip(operations, found["translations"], strict=True)]
    if not all(origin):
        raise ValueError(f"{crystal.name}: translations of the space group that are no multiples of 1/24")
    exact = np.zeros_like(points)
    for w, t in operations:
        image = points @ w.T + t
        atom, cell = sites(image, points)
        exact[atom] += image - cell
    return operations, exact / len(operations)


def sites(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Atom on which each image lies, and in which cell."""
    difference = image[:, None] - points
    cell = np.round(difference)
    atom = np.argmin(np.abs(difference - cell).max(axis=2), axis=1)
    return atom, cell[np.arange(len(image)), atom].astype(int)


def irreducible(crystal: Crystal, points: np.ndarray, operations: list) -> tuple[np.ndarray, np.ndarray]:
    """One pair (i, j, R) of each class, and its force constants (eV/Å²), averaged over the space group."""
    n = crystal.masses.size
    cell, first, second = (index.ravel() for index in np.indices((len(crystal.cells), n, n)))
    keys = np.column_stack([first, second, crystal.cells[cell]])
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3)[cell, first, :, second] / (eV / angstrom**2)
    total, representative = np.zeros_like(blocks), np.arange(len(keys))
    place = {key: index for index, key in enumerate(map(tuple, keys.tolist()))}
    for turn, shift in operations:
        atom, step = sites(points @ turn.T + shift, points)
        moved = np.column_stack([atom[first], atom[second], keys[:, 2:] @ turn.T + step[second] - step[first]])
        cartesian = (np.linalg.inv(crystal.lattice) @ turn.T @ crystal.lattice).T
        for image, inverse in ((moved, False), (np.column_stack([moved[:, 1::-1], -moved[:, 2:]]), True)):
            where = np.array([place.get(key, -1) for key in map(tuple, image.tolist())])
            there = where >= 0  # a pair of shell and its empty image: zero by symmetry
            back = cartesian.T @ blocks[where] @ cartesian
            total[there] += (back.swapaxes(1, 2) if inverse else back)[there]
            representative = np.minimum(representative, np.where(there, where, representative))
    total /= 2 * len(operations)
    chosen = np.unique(representative)
    chosen = chosen[np.abs(total[chosen]).max(axis=(1, 2)) > 0.5 * 10.0**-DECIMALS]
    return keys[chosen], np.round(total[chosen], DECIMALS) + 0.0


if __name__ == "__main__":
    main()
