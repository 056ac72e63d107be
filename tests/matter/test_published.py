"""Published potentials: two atoms have the energy that the mixing rules say."""

import numpy as np
import pytest

from kapitza.matter.potentials.published import TERSOFF_PARAMETERS, published_potential

ase = pytest.importorskip("ase")
pytest.importorskip("matscipy")


@pytest.mark.filterwarnings("ignore:.where. used without .out.:UserWarning")
@pytest.mark.parametrize(("one", "other", "chi"), [("Si", "Ge", 1.00061), ("C", "Si", 0.9776), ("Ge", "Ge", 1.0)])
def test_two_atoms_follow_the_mixing_rules_of_tersoff(one: str, other: str, chi: float) -> None:
    """A second road: with no third atom E = f(r) (A exp(-λr) - χB exp(-μr)), f between R and S."""
    first, second = (np.array(TERSOFF_PARAMETERS[symbol]) for symbol in (one, other))
    mean, root = (first + second) / 2, np.sqrt(np.abs(first * second))
    inner, outer = root[9], root[10]
    force_field = published_potential("tersoff", tuple(dict.fromkeys((one, other))))
    for r in (0.95 * inner, *(inner + share * (outer - inner) for share in (0.1, 0.5, 0.9, 0.99, 1.01))):
        pair = ase.Atoms([one, other], positions=[[0, 0, 0], [0, 0, r]], cell=[20, 20, 20], pbc=True)
        pair.calc = force_field.calculator
        within = np.clip((r - inner) / (outer - inner), 0, 1)
        cut = (1 + np.cos(np.pi * within)) / 2
        want = cut * (root[0] * np.exp(-mean[2] * r) - chi * root[1] * np.exp(-mean[3] * r))
        np.testing.assert_allclose(pair.get_potential_energy(), want, rtol=1e-9, atol=1e-12)
