"""Interfaces that were computed beforehand by atomistic Green's functions: their transmissions are in the package.

`tools/pairs` of the repository holds the table of pairs and computes them again.  Force constants of the crystals are
those of the package (`kapitza.matter.phonons`); crystals of one structure join site by site with the mean of both, of
others each goes on beyond the plane onto the atoms of the other, with the stiffness of the contact per area.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza import Conductance, Transmission, material
from kapitza.core import BaseRecord, Drop
from kapitza.core.arrays import Array, about, above_zero, numbers, one_of, temperatures
from kapitza.errors import InputError
from kapitza.matter import has_phonons
from kapitza.phonons import phonon_card

ContactSource = Literal["mean", "potential"]
_CONTACT_POTENTIAL = "nequix-oam-1-pft (nequix 0.4.5, doi:10.48550/arXiv.2601.07742)"


@frozen(eq=False, kw_only=True)
class ComputedInterface(BaseRecord):
    """Green's functions of an interface between two crystals, computed beforehand: harmonic, of phonons alone.

    Attributes
    ----------
    kind : "sites": the mean of both force constants across the plane, site by site; "continued": the mean of both
        crystals' force constants, each continued onto the other's atoms (`continued_junction`); "springs": springs
        between the outermost planes alone
    orientation, right_orientation : Miller indices of the surfaces
    potentials, dois : what gave the force constants of either crystal, and the papers that describe it
    stiffness : where that of a contact is from: "potential" (forces of a universal potential on displaced slabs) or
        "mean" (that of planes within both crystals, in series); empty where sites join
    transmission : in bins of 0.1 THz; the conductance follows from it
    """

    left: str
    right: str
    kind: Literal["sites", "continued", "springs"] = field(validator=one_of("sites", "continued", "springs"))
    orientation: tuple[int, ...] = field(converter=tuple, metadata=about("1", "Miller indices of the left surface"))
    right_orientation: tuple[int, ...] = field(converter=tuple, metadata=about("1", "the same of the right surface"))
    potentials: tuple[str, ...] = field(converter=tuple)
    dois: tuple[str, ...] = field(converter=tuple)
    strain: float = field(metadata=about("1", "of the right side; its force constants stay"))
    area: float = field(validator=above_zero, metadata=about("m^2", "of the common cell"))
    truncation: tuple[float, ...] = field(
        converter=tuple, metadata=about("1", "largest force constant cut off on either side, over the largest of all")
    )
    temperature: Array = field(converter=numbers, metadata=about("K", "temperatures at which the error was controlled"))
    error: Array = field(converter=numbers, metadata=about("1", "estimated relative error of the quadrature there"))
    points: int = field(metadata=about("1", "wave vectors times frequencies that were solved"))
    seconds: float = field(metadata=about("s", "computing time"))
    transmission: Transmission
    stiffness: ContactSource | Literal[""] = ""
    normal: float | None = field(default=None, metadata=about("N m^-3", "stiffness of the contact along the normal"))
    shear: float | None = field(default=None, metadata=about("N m^-3", "the same along the plane"))

    @property
    def name(self) -> str:
        """Both crystals with their surfaces, such as "Si(001)|Ge(001)"."""
        faces = ("".join(map(str, one)) for one in (self.orientation, self.right_orientation))
        return "|".join(f"{side}({face})" for side, face in zip((self.left, self.right), faces, strict=True))

    @property
    def assumes(self) -> str:
        """What the number rests on, in one line."""
        models = " and ".join(
            dict.fromkeys(f"{name} (doi:{doi})" for name, doi in zip(self.potentials, self.dois, strict=True))
        )
        how = "springs across" if self.kind == "springs" else "both continued across the plane,"
        across = {
            "": "their mean across the plane",
            "potential": f"{how} as stiff as by {_CONTACT_POTENTIAL}",
            "mean": f"{how} as stiff as planes of both crystals in series",
        }[self.stiffness]
        return f"harmonic, phonons alone; force constants of both crystals by {models}; {across}"

    def conductance(self, temperature: ArrayLike, drop: Drop = "emitted") -> Conductance:
        """Conductance at temperatures (nT,) K; the emitted one with the error of its quadrature.

        Raises
        ------
        InputError
            for temperatures at which the error was not controlled
        """
        wanted = temperatures(temperature)
        if not self.covers(wanted):
            raise InputError(
                f"{self.name} was computed from {self.temperature[0]:g} to {self.temperature[-1]:g} K, not at "
                f"{wanted[(wanted < self.temperature[0]) | (wanted > self.temperature[-1])][0]:g} K"
            )
        found = self.transmission.conductance(wanted, drop)
        if drop != "emitted":
            return found
        return evolve(found, sigma=np.interp(wanted, self.temperature, self.error) * found.value)

    def covers(self, temperature: ArrayLike) -> bool:
        """Whether the error was controlled from the lowest to the highest of these temperatures (K)."""
        wanted = temperatures(temperature)
        return bool(self.temperature[0] <= wanted.min() and wanted.max() <= self.temperature[-1])

    def reverse(self) -> "ComputedInterface":
        """Return the same interface with its sides exchanged."""
        spectrum = self.transmission
        return evolve(
            self, left=self.right, right=self.left,
            orientation=self.right_orientation, right_orientation=self.orientation,
            potentials=self.potentials[::-1], dois=self.dois[::-1], truncation=self.truncation[::-1],
            transmission=evolve(
                spectrum, left=spectrum.right, right=spectrum.left, method=f"AGF {self.right}|{self.left}"
            ),
        )  # fmt: skip


@cache
def _pair_texts() -> dict[tuple[str, str], str]:
    """Names of the files by the names of both sides."""
    folder = files("kapitza.matter") / "data" / "interfaces"
    texts = sorted(one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".json"))
    return {(row["left"], row["right"]): text for text in texts for row in [json.loads(text)]}


def list_computed_interfaces() -> list[tuple[str, str]]:
    """Left and right crystal of all interfaces that were computed beforehand."""
    return list(_pair_texts())


def computed_interface(left: str, right: str) -> ComputedInterface | None:
    """Interface of two crystals by name or alias, in either order; None where it was not computed beforehand."""
    names = _resolve_name(left), _resolve_name(right)
    if names in _pair_texts():
        return _read_interface(names)
    return _read_interface(names[::-1]).reverse() if names[::-1] in _pair_texts() else None


@cache
def _read_interface(names: tuple[str, str]) -> ComputedInterface:
    row: dict[str, Any] = json.loads(_pair_texts()[names])
    spectrum: dict[str, Any] = {key: np.array(values) for key, values in row.pop("spectrum").items()}
    return ComputedInterface(transmission=Transmission(**spectrum, method=f"AGF {names[0]}|{names[1]}"), **row)


def _resolve_name(name: str) -> str:
    """Name of a crystal by any of its names; as it is where nobody knows it."""
    try:
        return phonon_card(name).name if has_phonons(name) else material(name).name
    except InputError:
        return name
