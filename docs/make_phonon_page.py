"""Write the page "Phonons of crystals": its tables and figures come from this script.

Usage: python docs/make_phonon_page.py
"""

# ruff: noqa: E501  (the text of a page)

import warnings
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import numpy as np

from kapitza import dmm
from kapitza.errors import ValidityWarning
from kapitza.matter.bands import Bands
from kapitza.phonons import (
    PhononCard,
    computed_frequencies,
    effective_charges,
    measured_phonons,
    phonon_card,
    phonon_crystal,
    phonon_dispersion,
    phonon_names,
    phonon_spectrum,
    phonons,
    polar_constants,
)
from kapitza.plot.phonons import phonon_figure
from kapitza.plot.style import new_figure
from kapitza.units import MW, THz

HERE = Path(__file__).resolve().parent
PAGE = HERE / "reference" / "phonon-cards.md"
FIGURES = ("Si", "Au", "GaN", "Al2O3")
POLAR_PAIRS = (("AlN", "GaN"), ("GaN", "3C-SiC"), ("MgO", "NaCl"), ("GaAs", "Al2O3"))
TEMPERATURE = 300.0


def row(cells: Iterable[object]) -> str:
    """One row of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals."""
    return "–" if value is None else f"{value:.{decimals}f}"


def remark(card: PhononCard) -> str:
    """What is wrong with a card, in a few words."""
    parts = [part.split(":")[0] for part in card.reason.split("; ")]
    kept = [part for part in parts if part and part != "elastic constants"]
    return "; ".join([*kept, *(f"{one} not verified" for one in card.unverified)])


def card_table() -> str:
    """All cards."""
    lines = [
        row(
            ["crystal", "bands", "potential", "structure", "atoms", "top (THz)", "Debye (K)", "library (K)", "c_L", "c_T",
             "remark"]
        )
    ]  # fmt: skip
    lines.append("|---|---|---|---|---|---|---|---|---|---|---|")
    for card in map(phonon_card, phonon_names()):
        potential = card.potential.split(" (")[0]
        numbers = [fixed(card.top, 2), fixed(card.debye, 0), fixed(card.library_debye, 0)]
        numbers += [fixed(card.longitudinal, 2), fixed(card.transverse, 2)]
        structure = card.structure.split(",")[0].replace("_", " ")
        lines.append(row([card.name, card.status, potential, structure, card.supercell, *numbers, remark(card)]))
    return "\n".join(lines)


def ratios(name: str) -> np.ndarray:
    """Bands over measured frequencies of a crystal."""
    return np.concatenate([computed_frequencies(one) / one.omega for one in measured_phonons(name)])


def compared_names() -> list[str]:
    """Crystals with measured frequencies whose bands are not refused."""
    return [name for name in phonon_names() if measured_phonons(name) and phonon_card(name).status != "refused"]


def comparison_table() -> str:
    """Bands over measured frequencies of each crystal."""
    lines = [row(["crystal", "frequencies", "median", "least", "greatest", "source"]), "|---|---|---|---|---|---|"]
    for name in compared_names():
        found, sources = ratios(name), []
        for one in measured_phonons(name):
            doi = f", [doi:{one.doi}](https://doi.org/{one.doi})" if one.doi else ""
            sources.append(f"{one.citation}{doi}{'' if one.verified else ' (not verified)'}")
        numbers = (f"{value:.2f}" for value in (np.median(found), found.min(), found.max()))
        lines.append(row([name, found.size, *numbers, "; ".join(sources)]))
    return "\n".join(lines)


def charge_table() -> str:
    """Charges that follow from the measured splittings."""
    lines = [row(["crystal", "TO (THz)", "LO (THz)", "ε∞", "charge (e)", "verified"]), "|---|---|---|---|---|---|"]
    for name in phonon_names():
        constants = polar_constants(name)
        if constants is None:
            continue
        charge = effective_charges(phonon_crystal(name), constants)[0]
        axes = slice(0, 3, 3 if np.ptp(constants.dielectric) == 0 and np.ptp(charge) == 0 else 2)
        values = [constants.transverse / THz, constants.longitudinal / THz, constants.dielectric, charge]
        cells = [", ".join(f"{number:.4g}" for number in value[axes]) for value in values]
        lines.append(row([name, *cells, "yes" if constants.verified else "no"]))
    return "\n".join(lines)


def conductance_table() -> str:
    """Diffuse mismatch without and with the macroscopic field."""
    lines = [row(["interface", "without (MW m⁻² K⁻¹)", "with", "change"]), "|---|---|---|---|"]
    for pair in POLAR_PAIRS:
        crystals = [phonon_crystal(name, nac=False) for name in pair]
        plain = dmm(*map(Bands, crystals)).conductance(TEMPERATURE).value[0]
        polar = dmm(*map(phonons, pair)).conductance(TEMPERATURE).value[0]
        lines.append(row([" / ".join(pair), f"{plain / MW:.4g}", f"{polar / MW:.4g}", f"{polar / plain - 1:+.1%}"]))
    return "\n".join(lines)


def draw_figures() -> None:
    """Dispersion of four crystals."""
    for name in FIGURES:
        figure = new_figure(height=4.6)
        phonon_figure(phonon_dispersion(name), phonon_spectrum(name), measured_phonons(name), figure)
        figure.savefig(HERE / "images" / f"phonons-{name}.png", dpi=110)


def page() -> str:
    """The page."""
    everything = np.concatenate([ratios(name) for name in compared_names()])
    within = np.mean(np.abs(everything - 1) <= 0.1)
    cards = [phonon_card(name) for name in phonon_names()]
    count = {
        status: sum(card.status == status for card in cards) for status in ("accepted", "fitted", "unstable", "refused")
    }
    return TEXT.format(
        cards=len(cards), **count, card_table=card_table(), comparison_table=comparison_table(),
        crystals=len(compared_names()), frequencies=everything.size,
        deviation=f"{np.median(np.abs(everything - 1)):.1%}", within=f"{within:.0%}",
        charge_table=charge_table(), polar_count=sum(phonon_crystal(card.name).polar is not None for card in cards if card.usable), conductance_table=conductance_table(),
    )  # fmt: skip


TEXT = """# Phonons of crystals

<!-- made by docs/make_phonon_page.py -->

Force constants of {cards} crystals are in the package, each with a card: {accepted} are accepted as computed, {fitted} are fitted to
the elastic constants of the library, {unstable} is unstable at 0 K (its imaginary modes are left out), {refused} refused.  Models take their bands wherever both sides of an interface have them.

```console
$ kapitza phonons MgO
...
quality of the bands
...
 highest frequency                                                     21.48   THz
...
```

`kapitza phonons` lists all cards, `kapitza phonons Si --plot si.png` draws the dispersion along the standard path of the lattice
([Hinuma 2017](https://doi.org/10.1016/j.commatsci.2016.10.015)) with the density of states beside it and published frequencies on it.  In Python:

```python
import numpy as np

from kapitza.phonons import (
    PhononCard,
    PhononDispersion,
    computed_frequencies,
    draw_dispersion,
    measured_phonons,
    phonon_card,
    phonon_dispersion,
    phonon_names,
)

card = phonon_card("silicon")
assert isinstance(card, PhononCard) and card.usable and card.name in phonon_names()
dispersion = phonon_dispersion("Si")
assert isinstance(dispersion, PhononDispersion) and dispersion.labels[:3] == ("Γ", "X", "U|K")
ax = draw_dispersion(dispersion, measured=measured_phonons("Si"))
neutrons = measured_phonons("Si")[0]
assert np.median(np.abs(computed_frequencies(neutrons) / neutrons.omega - 1)) < 0.05
```

The room `kapitza.phonons` has besides: `phonons` (the `Bands` of a crystal with a surface), `phonon_crystal`, `phonon_spectrum` (a
`BandSpectrum`, kept in the cache of the user), `draw_states`, and for polar crystals `polar_constants` (`PolarConstants`),
`effective_charges` and `polar_crystal`.  `MeasuredPhonons` are frequencies of one crystal from one source.

![Phonon dispersion of silicon](../images/phonons-Si.png)

![Phonon dispersion of gold](../images/phonons-Au.png)

## Cards

THz: highest frequency.  Debye: temperature of the long waves, beside that of the library.  c_L, c_T: mean longitudinal and transverse
speed of sound as computed, over those of the library's elastic constants; bands that are fitted have these constants.

{card_table}

"Not verified" says that nobody has read the number in the source that the card names, nor compared it with one that was read.

## Measured frequencies

Bands over frequencies measured by scattering of neutrons, x rays and light at points of high symmetry and in the middle of the lines
from Γ.  At each point the frequencies are paired with the levels of the crystal so that the sum of the differences is least.
Over {crystals} crystals and {frequencies} frequencies the median deviation is {deviation}, and {within} are within 10 %.  Measurements at
low temperature are held against bands at the lattice constants of room temperature.  Longitudinal optical
frequencies at Γ are no test: they contain the measured splitting (see below).

{comparison_table}

The frequencies are facts of the sources; many were read in a text that quotes the source, which `MeasuredPhonons.via` names.

No potential was good for iron, chromium and vanadium, whose force constants were fitted to measured phonons instead; for iron and
chromium the comparison is therefore no test.  Lead is too stiff at X, where the transverse branch has a Kohn anomaly that no force of
short range gives.

## Polar crystals

A longitudinal vibration of charged atoms makes a macroscopic electric field, which lifts it above the transverse one at Γ, and dipoles
act on each other at any distance.  Force constants of a supercell know neither; without them sapphire has a transverse speed of sound of
1.13 of the measured one, and rutile and hafnia are unstable.  {polar_count} crystals of the package therefore have Born charges, and their
dipole forces are summed over the lattice (X. Gonze, C. Lee, Phys. Rev. B 55, 10355 (1997), doi:10.1103/PhysRevB.55.10355).  Where the
longitudinal frequency was measured, the charges follow from the splitting,
$Z^2 = \\epsilon_0 \\epsilon_\\infty V \\mu\\,(\\omega_{{LO}}^2 - \\omega_{{TO}}^2) / e^2$ with volume and reduced mass of a pair of
atoms; across and along c where they are two.  In sapphire they are those of density-functional
theory, and elsewhere they have the proportions of the formal charges and a size that follows from the force constants beyond 5 Å, which
are those of dipoles.  ZnO and CdTe have no charges in their force constants; dashed lines of the
figure and `polar_crystal("ZnO")` have the non-analytic term, which fades to zero at the wave vectors that fit into the supercell (Y. Wang
et al., J. Phys.: Condens. Matter 22, 202201 (2010), doi:10.1088/0953-8984/22/20/202201).

{charge_table}

![Phonon dispersion of gallium nitride](../images/phonons-GaN.png)

![Phonon dispersion of sapphire](../images/phonons-Al2O3.png)

Models of interfaces take the bands with the field.  Diffuse mismatch at 300 K, beside that of bands whose dipole forces end within a
supercell (`phonon_crystal(name, nac=False)`):

{conductance_table}

It matters where the lifted branch of one side meets modes of the other: little between nitrides, more where the longitudinal modes of
an ionic crystal reach the acoustic ones of a harder one.  In piezoelectric crystals the field of the ions is not all, for the electrons
respond to strain as well, against it: sound between the axes is therefore up to 13 % faster than the library's.

## Beside density-functional theory

Thirteen of these crystals have force constants from density-functional theory in the examples of phonopy, phono3py and kALDo.  Diffuse
mismatch at 300 K of their 78 pairs differs by 4.4 % in the median and by 34 % at worst.  All pairs beyond 19 % have chromium, whose
lattice constant in that example is 2.81 Å (measured 2.88 Å) and whose frequencies at H are 8 % below the measured ones; without it
the median is 3.6 %.  `tools/phonons/compare_mismatch.py` computes these numbers.
""".replace("\\\\", "\\")


def main() -> None:
    """Draw the figures and write the page."""
    warnings.simplefilter("ignore", ValidityWarning)
    draw_figures()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
