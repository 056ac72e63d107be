"""The verb `transport` the other way round: the transmission of a boundary from what was measured on its stacks."""

from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import figures
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import ConvergenceError, InputError
from kapitza.units import MW, THz

if TYPE_CHECKING:
    from kapitza.measure.spectral_inverse import SpectralEstimate

CONFIDENCE = 0.95
SAMPLES = 1000
ROWS = 12  # of the printed spectrum


def invert_file(path: str, data: str, *, lifetimes: float, plot: str | None, save: str | None, as_json: bool) -> None:
    """Find the transmission of the unknown boundary of a stack and tell how much of it is known.

    Parameters
    ----------
    path : of the stack, with a boundary "unknown"
    data : table of what was measured
    lifetimes : relative uncertainty of the lifetimes of both sides
    plot, save : files to write, or None
    as_json : machine-readable output
    """
    held = kapitza.read_films(path)
    measured = kapitza.read_spectral(data, held)
    unknown = held.crossings.index(None)
    left, right = (held.films[k].carriers for k in (unknown, unknown + 1))
    found = kapitza.spectral_transmission([measured], left, right, lifetimes=lifetimes, samples=SAMPLES)
    try:
        spectra = kapitza.attained_spectra(found, [measured], found.limit)
        attained = tuple(float(one @ found.limit) for one in spectra)
    except ConvergenceError as err:
        attained = found.possible(found.limit)
        note(f"range of the conductance on the linearised model: {err}")
    if save is not None:
        kapitza.save(found, save)
    if plot is not None:
        figures.write_figure(plot, lambda figure: kapitza.plot.spectral_figure(found, figure), height=4.4)
    if as_json:
        print_json(json_of(found, attained))
        return
    print_estimate(f"{left.name}|{right.name} from {found.count} data", found, attained)
    for written in (save, plot):
        if written is not None:
            note(f"wrote {written}")


def json_of(found: "SpectralEstimate", attained: tuple[float, ...]) -> dict[str, Any]:
    """Return the estimate with its units."""
    low, high = found.band(CONFIDENCE)
    least, most = found.extremes(CONFIDENCE)
    value, sigma = found.conductance
    return {
        "frequency": {"unit": "rad s^-1", "value": found.omega.tolist()},
        "share": {"unit": "1", "value": found.share.tolist()},
        "band": {"unit": "1", "value": [low.tolist(), high.tolist()]},
        "any_spectrum": {"unit": "1", "value": [least.tolist(), most.tolist()]},
        "coefficient": {"unit": "1", "value": found.coefficient.tolist()},
        "conductance": {"unit": "W m^-2 K^-1", "value": value, "sigma": sigma, "any_spectrum": list(attained)},
        "numbers_from_data": found.freedom,
        "chi2": found.chi2,
        "data": found.count,
        "confidence": CONFIDENCE,
    }


def print_estimate(title: str, found: "SpectralEstimate", attained: tuple[float, ...]) -> None:
    """Print the spectrum, what it rests on, and the sum that the data determine."""
    low, high = found.band(CONFIDENCE)
    least, most = found.extremes(CONFIDENCE)
    used = [g for g in range(found.omega.size) if found.limit[g] > 0]
    if not used:
        raise InputError(f"{title}: the sides share no group of frequency, so that nothing can cross")
    shown = used[:: max(1, -(-len(used) // ROWS))]
    rows = [
        [f"{found.omega[g] / THz:.2f}", f"{found.share[g]:.2f}", f"{low[g]:.2f} to {high[g]:.2f}",
         f"{least[g]:.2f} to {most[g]:.2f}", f"{found.coefficient[g]:.3f}"]
        for g in shown
    ]  # fmt: skip
    heads = ["frequency (THz)", "share of what could cross", "95 %, if smooth", "any spectrum", "from the left"]
    print_table(title, heads, rows)
    value, sigma = found.conductance
    print_table(
        "what the data determine",
        ["", "value", "unit"],
        [
            ["emitted conductance", f"{value / MW:.4g} ± {sigma / MW:.2g}", "MW m⁻² K⁻¹"],
            ["with any spectrum", f"{attained[0] / MW:.4g} to {attained[1] / MW:.4g}", "MW m⁻² K⁻¹"],
            ["chi² of the data", f"{found.chi2:.1f} of {found.count}", ""],
            ["numbers that come from the data", f"{found.freedom:.1f} of {len(used)}", ""],
        ],
    )
    note("the narrow band is the assumption of a smooth spectrum; any spectrum: what the data alone leave open")
