"""Potentials in single precision, with force constants that do not end: relaxation, junctions, what is announced."""

import re
import zlib

import numpy as np
import pytest
from attrs import evolve

pytest.importorskip("ase")
pytest.importorskip("matscipy")

from kapitza.errors import InputError
from kapitza.lattice import ForceField, JunctionPlan, build_junction
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.force_field import FORCE_UNIT
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import build_prototype, structure
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, angstrom

NOISE = 2e-7  # eV/Å


class Rounded:
    """Lennard-Jones as a network would give it: energies to 1e-5 eV, forces with noise, a Hessian of its own kind."""

    def __init__(self):
        self.exact, self.evaluations = published_potential("lj", ["Ar", "Kr"]).calculator, 0

    def get_potential_energy(self, atoms, force_consistent=False):
        return round(self.exact.get_potential_energy(atoms), 5)

    def get_forces(self, atoms):
        self.evaluations += 1
        rng = np.random.default_rng(zlib.crc32(atoms.positions.tobytes()))
        return self.exact.get_forces(atoms) + NOISE * rng.uniform(-1, 1, atoms.positions.shape)

    def get_stress(self, atoms):
        return self.exact.get_stress(atoms)

    def get_hessian(self, atoms):
        raise AssertionError("of another package, with other arguments")


def field(reach=9 * angstrom, **more):
    return ForceField("rounded", Rounded(), reach, step=0.02 * angstrom, **more)


def test_what_a_potential_resolves_is_measured():
    exact, rounded = published_potential("lj", ["Ar"]), field()
    assert not rounded.analytic
    assert exact.analytic
    one = structure("Ar").repeat((2, 2, 2))
    assert exact.resolution(one) <= 1e-12 * FORCE_UNIT
    assert NOISE * FORCE_UNIT <= rounded.resolution(one) <= 2.1 * NOISE * FORCE_UNIT


def test_crystals_come_to_rest_by_forces():
    exact, rounded = (relax_cell(structure("Kr"), one) for one in (published_potential("lj", ["Kr"]), field()))
    assert np.abs(exact.lattice - rounded.lattice).max() <= 1e-5 * exact.lattice.max()


def test_a_junction_of_rounded_forces_is_that_of_exact_ones():
    plan = JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2)
    want = build_junction(plan)
    lines: list[str] = []
    counts: list[tuple[int, int]] = []
    rounded = field()
    found = build_junction(
        evolve(plan, potential=rounded),
        announce=lines.append, progress=lambda done, of: counts.append((done, of)),
    )  # fmt: skip
    assert [len(one.device) for one in (want, found)] == [4, 4]
    omega = np.array([2.0, 4.0, 6.0]) * THz
    one, other = (agf(junction, omega, k_mesh=(4, 4)).total for junction in (want, found))
    # noise over two steps is 1e-5 eV/Å², a tenth of a thousandth of the largest force constant; steps of 0.02 Å, and
    # forces between layers further apart than 9 Å
    np.testing.assert_allclose(other, one, rtol=1e-2)
    assert lines[-1] == "forces by rounded"
    assert any(
        one.startswith("Ar|Kr (001): where they meet, force constants of the interface cell differ from those")
        for one in lines
    )
    # each atom is on a fourfold axis, so that one direction, both ways, stands for all
    evaluations = 2 * sum(one.masses.size for one in found.device[1:-1])
    words = (
        r"Ar\|Kr \(001\): about (\d+) evaluations of forces, \S+ s of processor time( and \S+ GB of memory)? in all, "
    )
    said = re.match(words, lines[0])
    assert said, lines[0]
    total = int(said[1])
    planned = re.search(
        r"interface at rest some 100 on 24 atoms, Ar\|Kr \(001\) displaced (\d+) on 384 atoms$", lines[0]
    )
    assert planned is not None
    assert abs(int(planned[1]) - evaluations) <= 2  # krypton has a layer of three cells before it is strained
    assert sum("evaluations of forces" in line for line in lines) == 1
    assert counts[0] == (0, total)
    assert counts[-1] == (total, total)
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)


def test_what_is_cut_off_is_announced():
    rest = relax_cell(structure("Ar"), published_potential("lj", ["Ar"]))
    lines: list[str] = []
    short = crystal_from_potential(rest, field(reach=4 * angstrom, announce=lines.append))
    assert "force constants beyond 4 Å are left out, the largest of them" in lines[-1]
    far = np.abs(crystal_from_potential(rest, published_potential("lj", ["Ar"])).force_constants)
    second = np.sort(far.max(axis=(1, 2)))[::-1][13]  # after itself and twelve neighbours
    share = float(lines[-1].split()[-5]) / 100
    assert abs(share / (second / far.max()) - 1) <= 0.1
    q = short.reciprocal[:1] * 1e-3
    assert short.frequencies(q)[0, 0] > 0
    assert len(short.cells) == 13


@pytest.mark.parametrize(
    ("name", "symbols"),
    [("GaN", "GaGaNN"), ("MgO", "MgO"), ("TiN", "NTi"), ("NaCl", "ClNa"), ("Al2O3", "AlAlAlAlOOOOOO"), ("Si", "SiSi")],
)
def test_crystals_of_cards_have_names(name, symbols):
    one = named_structure(name)
    assert "".join(sorted(one.symbols)) == symbols
    cells = np.abs(np.linalg.det(one.lattice if one.axes is None else one.axes)) / one.volume
    assert abs(cells - round(cells)) <= 1e-3
    with pytest.raises(InputError, match="kapitza phonons"):
        named_structure("Unobtainium")


def test_rounding_beyond_the_reach_is_not_announced():
    lines: list[str] = []
    copper = build_prototype("Cu", "fcc", ["Cu"], a=3.6 * angstrom)
    crystal_from_potential(copper, evolve(published_potential("emt", ["Cu"]), announce=lines.append))
    assert not [line for line in lines if "are left out" in line]
