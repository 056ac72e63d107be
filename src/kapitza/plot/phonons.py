"""Phonon dispersion along a path, the density of states beside it, and published frequencies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.files.phonon_facts import MeasuredPhonons
from kapitza.matter.potentials.crystal_phonons import CrystalPhonons
from kapitza.matter.zone.dispersion import PhononDispersion
from kapitza.plot.style import LINE_COLOURS, POINT_MARKERS, finish, new_axes, short_citation
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEAR_ZERO = 0.01  # of the top frequency: imaginary frequencies below this are rounding
_STATES_POINTS = 600  # frequencies at which the density of states is drawn
_CHARACTER = 0.016  # of the width of the axes: a character of a tick label, with its share of the gap to the next


def draw_dispersion(
    result: PhononDispersion, *, measured: Iterable[MeasuredPhonons] = (), ax: Axes | None = None
) -> Axes:
    """Draw frequencies along the path, and measured ones on it.

    Dashed lines have the macroscopic field where charges are known; imaginary frequencies are below zero.
    """
    ax = new_axes() if ax is None else ax
    polar: dict[str, Any] = {"color": LINE_COLOURS[1], "linewidth": 0.9, "linestyle": (0, (4, 2))}
    for number in np.unique(result.line):
        rows = result.line == number
        x = result.position[rows] * nm
        if result.polar_omega is not None:
            ax.plot(x, result.polar_omega[rows] / THz, **polar)
        ax.plot(x, result.omega[rows] / THz, color=LINE_COLOURS[0], linewidth=1.1)
    if result.polar_omega is not None:
        ax.plot([], [], **polar, label="with macroscopic field")
    for i, one in enumerate(measured):
        _draw_measured(ax, result, one, POINT_MARKERS[i % len(POINT_MARKERS)])
    corners = result.corners * nm
    for corner in corners[1:-1]:
        ax.axvline(corner, color="0.75", linewidth=0.6, zorder=0)
    ax.set_xticks(corners, _staggered_labels(result))
    low = float(result.omega.min()) / THz
    unstable = low < -_NEAR_ZERO * float(result.omega.max()) / THz
    if unstable:
        ax.axhline(0, color="0.5", linewidth=0.6)
    return finish(ax, xlim=(0, corners[-1]), ylabel="frequency (THz)", ylim=(low if unstable else 0, None))


def draw_states(spectrum: BandSpectrum, *, ax: Axes | None = None) -> Axes:
    """Draw the density of states per atom against frequency, which is the vertical axis.

    Examples
    --------
    >>> from kapitza.phonons import draw_states, phonon_spectrum
    >>> axes = draw_states(phonon_spectrum("Si"))
    >>> print(axes.get_xlabel().split())
    ['states', '(THz⁻¹', 'atom⁻¹)']
    """
    ax = new_axes() if ax is None else ax
    omega = np.linspace(0, spectrum.edges[-1], _STATES_POINTS)
    return _draw_states(omega, spectrum.density_of_states(omega) / spectrum.atoms, ax)


def _draw_states(omega: Array, per_atom: Array, ax: Axes) -> Axes:
    """Draw states per atom (nω,) against frequency, which is the vertical axis."""
    states = per_atom * THz
    ax.fill_betweenx(omega / THz, states, color=LINE_COLOURS[0], alpha=0.25, linewidth=0)
    ax.plot(states, omega / THz, color=LINE_COLOURS[0], linewidth=1.0)
    return finish(ax, "states\n(THz⁻¹ atom⁻¹)", xlim=(0, None))


def phonon_figure(
    result: PhononDispersion, spectrum: BandSpectrum, measured: Iterable[MeasuredPhonons], figure: Figure
) -> None:
    """Draw the dispersion with measured frequencies, and the density of states beside it."""
    left, right = _panels(figure, result.name)
    draw_dispersion(result, measured=measured, ax=left)
    draw_states(spectrum, ax=right)
    handles, labels = left.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize="small")


def computed_phonon_figure(result: CrystalPhonons, figure: Figure) -> None:
    """Draw the dispersion of a crystal by a potential, and its density of states beside it, where it is stable."""
    left, right = _panels(figure, f"{result.crystal.name}, {result.source}")
    draw_dispersion(result.dispersion, ax=left)
    if result.states is not None:
        _draw_states(result.omega, result.states / result.crystal.atoms, right)


def _panels(figure: Figure, title: str) -> tuple[Axes, Axes]:
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(4.2, 1))
    right.tick_params(labelleft=False)
    left.set_title(title, fontsize="medium")
    return left, right


def _staggered_labels(result: PhononDispersion) -> list[str]:
    """Labels of the corners; one that would cover its left neighbour stands on a further line below it."""
    ends = list[float]()  # where the last label of each line ends
    found: list[str] = []
    for corner, name in zip((result.corners / result.corners[-1]).tolist(), result.labels, strict=True):
        label = name.replace("|", " | ")
        half = len(label) * _CHARACTER / 2
        row = next((i for i, end in enumerate(ends) if corner - half >= end), len(ends))
        ends[row : row + 1] = [corner + half]
        found.append("\n" * row + label)
    return found


def _draw_measured(ax: Axes, result: PhononDispersion, one: MeasuredPhonons, marker: str) -> None:
    label = f"{short_citation(one.citation)}{'' if one.verified else ' (not verified)'}, {one.technique}"
    if one.temperature is not None:
        label += f", {one.temperature:g} K"
    places = [(x, omega) for point, omega in zip(one.points, one.omega, strict=True) for x in _places(result, point)]
    if not places:
        return
    x, omega = np.array(places).T
    look: dict[str, Any] = {"color": "black", "markerfacecolor": "white", "markersize": 4.5, "clip_on": False}
    ax.plot(x * nm, omega / THz, marker, **look, zorder=4, label=label)


def _places(result: PhononDispersion, point: str) -> list[float]:
    """Positions on the path of a labelled point, or of the middle of a line such as "Γ-X", rad m⁻¹."""
    names = [label.split("|") for label in result.labels]
    if "-" not in point:
        return [float(at) for at, labels in zip(result.corners, names, strict=True) if point in labels]
    ends = set(point.split("-"))
    straight = zip(names[:-1], names[1:], result.corners[:-1], result.corners[1:], strict=True)
    return [float(a + b) / 2 for first, last, a, b in straight if {first[-1], last[0]} == ends]
