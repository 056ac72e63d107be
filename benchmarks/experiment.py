"""Diffuse mismatch without any fitted number against the catalogue: full bands, further channels, and Debye solids.

Usage: python benchmarks/experiment.py [--pairs]

All interfaces of the catalogue near 300 K whose both sides have phonons in the package, by the emitted drop or as
thermoreflectance measures them, against
the median of the published values of each: of all, or of those whose surface was prepared clean, where there are some.
"all channels" is the fullest model that the sides allow: three phonons where the expansion of the softer side is
known, electrons where those of a metal are.  "apparent" is what TDTR (10 MHz, films of 100 nm) measures of it, by the
Boltzmann equation of both solids; its lowest and highest values are bounds over what is not known of them.
Where no conductivity of a lattice is known, what is emitted counts.  `--pairs` prints one line for each interface.
"""

import argparse
import warnings
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from attrs import evolve, frozen

from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.library import material, materials
from kapitza.measure.apparent import solve_apparent
from kapitza.measure.catalogue import measured, measured_interfaces
from kapitza.measure.compare import Comparison, compare
from kapitza.theory.models import MODEL_REGISTER, apply_models
from kapitza.theory.sides import InterfaceSide, describe_sides
from kapitza.units import MW

TEMPERATURE = 300.0
_WEAK_CONDITIONS = ("van der Waals", "bonded", "native oxide", "cleaved")
_CLEAN_CONDITIONS = ("cleaned", "oxide removed", "epitaxial", "oxygen terminated", "cleaved")
FULLEST = "all channels"
SEEN, SEEN_LOW, SEEN_HIGH = "apparent", "apparent-low", "apparent-high"
_FULLEST_FIRST = ("dmm-metal", "dmm-anharmonic", "dmm")
MODELS = {
    "dmm": "DMM, full bands",
    "dmm-anharmonic": "with three phonons",
    FULLEST: "with three phonons and electrons",
    SEEN: "apparent, TDTR",
    SEEN_LOW: "apparent, lowest over what is not known",
    SEEN_HIGH: "apparent, highest over what is not known",
    "three-phonon": "with three phonons, s = 1",
    "dmm-debye": "DMM, Debye",
}
LIMITS = ("elastic-limit", "inelastic-limit")


@frozen(eq=False)
class Scored:
    """An interface with its published values and what models say of it, W m⁻² K⁻¹."""

    published: Comparison
    values: dict[str, float]

    @property
    def name(self) -> str:
        """Both sides."""
        return f"{self.published.left}/{self.published.right}"

    @property
    def median(self) -> float:
        """Of the published values, W m⁻² K⁻¹."""
        return self.published.median or np.nan

    @property
    def clean_median(self) -> float:
        """Of the values on clean surfaces where there are some, else of all, W m⁻² K⁻¹."""
        direct = self.published.direct
        clean = [one.value for one in direct if one.measurement.condition in _CLEAN_CONDITIONS]
        return float(np.median(clean)) if clean else self.median

    @property
    def weak(self) -> bool:
        """Whether all published values are of bonded or oxidised contacts, which are not welded."""
        return all(one.measurement.condition in _WEAK_CONDITIONS for one in self.published.direct)

    def ratio(self, model: str, *, clean: bool = False) -> float:
        """Of a model to the median of the published values."""
        return self.values[model] / (self.clean_median if clean else self.median)


def interfaces() -> list[Scored]:
    """All interfaces of the catalogue near 300 K whose both sides have bands."""
    known, found = set(materials()), []
    for left, right in measured_interfaces():
        if not {left, right} <= known or left == right or not measured(left, right, TEMPERATURE):
            continue
        published = compare(left, right, TEMPERATURE, {})
        sides = [evolve(one, material=material(one.name, unverified=True)) for one in describe_sides(left, right)]
        if published.direct and all(side.crystal is not None for side in sides):
            found.append(Scored(published, estimates(*sides)))
    return found


def estimates(left: InterfaceSide, right: InterfaceSide, temperature: float = TEMPERATURE) -> dict[str, float]:
    """Conductance by each model, W m⁻² K⁻¹; where a channel is not known the model without it stands."""
    fitting = {one.name for one in MODEL_REGISTER if one.sides.fits(left, right)}
    wanted = [name for name in (*MODELS, *_FULLEST_FIRST, *LIMITS) if name in fitting]
    values = {one.model: float(one.emitted.value[0]) for one in apply_models(left, right, temperature, wanted)}
    values.setdefault("dmm-anharmonic", values["dmm"])
    values[FULLEST] = next(values[name] for name in _FULLEST_FIRST if name in fitting)
    values |= dict.fromkeys((SEEN, SEEN_LOW, SEEN_HIGH), values[FULLEST])
    with suppress(InputError):
        seen = solve_apparent(left, right, temperature)
        values |= {SEEN: float(seen.conductance.value[0])}
        values |= {SEEN_LOW: float(seen.low[0]), SEEN_HIGH: float(seen.high[0])}
    return values


def table(found: Sequence[Scored], models: Sequence[str] = tuple(MODELS), *, clean: bool = False) -> str:
    """Median factor, share within a factor 2, bias and scatter about it of each model."""
    lines = [
        "| model | interfaces | median factor | within a factor 2 | median ratio | scatter |",
        "|---|---|---|---|---|---|",
    ]
    for model in models:
        error = np.log([one.ratio(model, clean=clean) for one in found])
        size, centred = np.abs(error), np.abs(error - np.median(error))
        lines.append(
            f"| {MODELS[model]} | {size.size} | {np.exp(np.median(size)):.2f} | {np.mean(size < np.log(2)):.0%} "
            f"| {np.exp(np.median(error)):.2f} | {np.exp(np.median(centred)):.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", action="store_true", help="one line for each interface")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # imaginary modes of crystals unstable at 0 K are left out
        found = interfaces()
    print(table(found))
    print(f"\nagainst clean surfaces where there are some:\n\n{table(found, clean=True)}")
    print(f"\nwithout bonded and oxidised contacts:\n\n{table([one for one in found if not one.weak])}")
    print(f"\nof more than one source:\n\n{table([one for one in found if len(one.published.sources) > 1])}")
    if options.pairs:
        for one in sorted(found, key=lambda each: each.ratio(SEEN)):
            ratios = "  ".join(f"{one.ratio(model):6.2f}" for model in MODELS)
            print(f"{one.name:24s} {one.median / MW:7.0f}  {ratios}  {len(one.published.sources)}")


if __name__ == "__main__":
    main()
