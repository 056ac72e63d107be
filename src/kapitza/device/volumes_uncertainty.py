"""How uncertain the hottest temperature of a field is."""

from attrs import evolve

from kapitza.core.conductance import Conductance
from kapitza.device.blocks import Layout
from kapitza.device.grid import automatic_grid
from kapitza.device.layout_numbers import SCALED, scaled, touching
from kapitza.device.volumes import depends
from kapitza.device.volumes_adjoint import field_sensitivities
from kapitza.device.volumes_solve import Fields, settled

COARSE = 8000  # cells where each number takes solutions of its own
STEP = 1e-2  # of differences, relative
CLOSE = 1e-10


def uncertain_field(layout: Layout, fields: Fields, unknowns: int = 40_000) -> Fields:
    """Return fields with the uncertainty of the hottest temperature from each number that has one.

    With plain numbers all derivatives come from one more solution (`field_sensitivities`).  With properties of T each
    uncertain number takes differences on a coarser grid.

    Parameters
    ----------
    layout : with uncertainties, its own and those of its device
    fields : of it
    unknowns : of the grid for the derivatives, which need fewer cells than the temperatures

    Returns
    -------
    Fields whose temperatures have `sensitivity` and `contribution` for these numbers; those of `left_out` have none
    """
    relative = relative_sigmas(layout)
    if not relative:
        return fields
    if depends(layout):
        slopes = field_differences(layout, tuple(relative))
    else:
        slopes = field_sensitivities(layout, unknowns, names=tuple(relative))
    parts = {name: abs(slopes[name]) * share for name, share in relative.items() if name in slopes}
    return evolve(fields, temperatures=evolve(fields.temperatures, sensitivity=slopes, contribution=parts))


def relative_sigmas(layout: Layout) -> dict[str, float]:
    """Relative standard uncertainty of each number that has one, by name; of a saved conductance at the sink."""
    given = {**layout.device.uncertain, **layout.uncertain}
    without = left_out(layout)
    found = {name: sigma / abs(layout.value(name)) for name, sigma in given.items() if name not in without}
    for pair in touching(layout):
        held, name = layout.contact(*pair), f"{layout.name(*pair)}.conductance"
        if isinstance(held, Conductance) and held.sigma is not None and name not in found:
            at = evolve(held, value=held.sigma, sigma=None).at(layout.device.sink)[0]
            found[name] = float(at / held.at(layout.device.sink)[0])
    return found


def left_out(layout: Layout) -> tuple[str, ...]:
    """Names of uncertain numbers that fields on a grid tell nothing about: lengths, which the grid itself follows."""
    given = (*layout.device.uncertain, *layout.uncertain)
    return tuple(name for name in given if name.rpartition(".")[2] not in SCALED)


def field_differences(layout: Layout, names: tuple[str, ...]) -> dict[str, float]:
    """Change of the peak per relative change of numbers by solutions with each a little larger and smaller, K."""
    grid = automatic_grid(layout, COARSE)
    found: dict[str, float] = {}
    for name in names:
        peaks = [settled(scaled(layout, name, 1 + sign * STEP), grid, CLOSE).peak for sign in (1, -1)]
        found[name] = (peaks[0] - peaks[1]) / (2 * STEP)
    return found
