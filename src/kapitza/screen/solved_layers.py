r"""The Boltzmann equation for a shortlist of layers: what is left of their gain at a stated thickness.

Between the two limits of a screening, phonons come to equilibrium in a layer as far as their free paths allow.  Here
each frequency does so by its own: all three solids as Debye solids with umklapp rates $\propto \omega^2 T$ that give
their conductivity, both planes by the diffuse mismatch model, and the layer between films of both solids.
"""

from collections.abc import Sequence
from itertools import islice
from math import isfinite

from attrs import field, frozen

from kapitza.core.arrays import Array, about, check_count, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.lattice_conductivity import lattice_conductivity
from kapitza.screen.layers import InterlayerScreening
from kapitza.screen.table import MaterialTable, find_rows
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.theory.dmm import dmm

_SIDE_THICKNESS = 1e-6  # m, of both solids
_RATES = ScatteringRates(umklapp=1e-19, boundary=1e-3)  # scaled to a conductivity


@frozen(eq=False, kw_only=True)
class SolvedLayers(BaseRecord):
    """Resistances of layers between two solids by the Boltzmann equation, in the order of the screening.

    Attributes
    ----------
    left, layer, right : (N,) names
    direct : (N,) without the layer, extrapolated drop between both films
    layered : (N,) with the layer: what it adds to the films, added to `direct`
    film : (N,) of the layer alone between black walls: thickness over its conductivity across, with size effects
    thickness, sides : of the layer, and of each film
    """

    left: tuple[str, ...] = field(converter=tuple)
    layer: tuple[str, ...] = field(converter=tuple)
    right: tuple[str, ...] = field(converter=tuple)
    direct: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance without the layer"))
    layered: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance with the layer"))
    film: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance of the layer alone"))
    thickness: float = field(metadata=about("m", "thickness of the layer"))
    sides: float = field(metadata=about("m", "thickness of the films on both sides"))
    temperature: float = field(metadata=about("K", "temperature"))

    @property
    def gain(self) -> Array:
        """(N,) resistance without the layer over that with it; above 1 the layer helps."""
        return self.direct / self.layered

    @property
    def conductivity(self) -> Array:
        """(N,) of the layer across its thickness, with size effects, W m⁻¹ K⁻¹."""
        return self.thickness / self.film


def solve_layers(
    found: InterlayerScreening,
    materials: MaterialTable,
    *,
    thickness: float,
    rows: int = 5,
    sides: float = _SIDE_THICKNESS,
) -> SolvedLayers:
    """Solve the Boltzmann equation for the first layers of a screening, each at one thickness.

    Elastic planes, and no heat of electrons: a metal conducts by its lattice alone.  Layers whose conductivity is not
    known are passed over.

    Parameters
    ----------
    found : the screening
    materials : its table
    thickness : of the layer, m
    rows : number of layers
    sides : thickness of the films on both sides, m

    Raises
    ------
    InputError
        for a thickness that is not above zero, a solid of full bands alone, and a side or all layers without a known
        conductivity of the lattice: one of the library, or a column "conductivity" (W m⁻¹ K⁻¹) of the table

    References
    ----------
    A. Majumdar, J. Heat Transfer 115, 7 (1993), doi:10.1115/1.2910673
    """
    check_count("rows", rows)
    for name, value in (("thickness", thickness), ("sides", sides)):
        if not (isfinite(value) and value > 0):
            raise InputError(f"{name} = {value:g} m, expected a finite number above 0")
    thick, side = float(thickness), float(sides)
    names = [tuple(found.names[i] for i in row) for row in zip(found.left, found.layer, found.right, strict=True)]
    known = (triple for triple in names if _conductivity(materials, triple[1], found.temperature) > 0)
    triples = list(islice(known, rows)) or names[:rows]  # without a known conductivity the first rows say so
    numbers = [_solve_triple(materials, triple, (side, thick, side), found.temperature) for triple in triples]
    direct, layered, film = zip(*numbers, strict=True)
    left, layer, right = zip(*triples, strict=True)
    return SolvedLayers(
        left=left, layer=layer, right=right, direct=direct, layered=layered, film=film,
        thickness=thick, sides=side, temperature=found.temperature,
    )  # fmt: skip


def _solve_triple(
    materials: MaterialTable, names: Sequence[str], thicknesses: Sequence[float], temperature: float
) -> tuple[float, float, float]:
    solids = [materials.solid(int(row)) for row in find_rows(materials, list(names))]
    edges = group_edges(*solids)
    carriers = [_carriers(materials, one, temperature, edges) for one in solids]
    films = [Film(size, one) for size, one in zip(thicknesses, carriers, strict=True)]
    left, layer, right = solids
    bare = transport([films[0], films[2]], [dmm(left, right)])
    layered = transport(films, [dmm(left, layer), dmm(layer, right)])
    direct = bare.drop(0, "extrapolated") / bare.flux
    total, total_bare, film = (one.difference / one.flux for one in (layered, bare, transport([films[1]])))
    return direct, direct + total - total_bare, film


def _carriers(materials: MaterialTable, solid: Solid, temperature: float, edges: Array) -> Carriers:
    value = _conductivity(materials, solid.name, temperature)
    if not value > 0:
        raise InputError(
            f"{solid.name}: no conductivity of its lattice is known at {temperature:g} K: give the table a column "
            '"conductivity" (W/mK)'
        )
    return spectral_carriers(solid, _RATES, temperature=temperature, edges=edges, conductivity=value)


def _conductivity(materials: MaterialTable, name: str, temperature: float) -> float:
    """Conductivity of the lattice of a solid, W m⁻¹ K⁻¹; NaN where neither library nor table know it."""
    try:
        known = lattice_conductivity(name, temperature)
    except InputError:
        known = None
    if known is not None:
        return known.value
    column = materials.properties.get("conductivity")
    return float("nan") if column is None else float(column[materials.names.index(name)])
