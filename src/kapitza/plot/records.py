"""Any record on axes: by the figure of its kind, or its numbers against the axis that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.arrays import is_increasing
from kapitza.core.record_display import attributes
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.plot import applications, conductances, device, fits, md, screening, spectra, transport, vibrations
from kapitza.plot.eels import maps
from kapitza.plot.routes import routes
from kapitza.plot.style import legend_beside, line_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# by type: the function of the record and `ax`
_FIGURES: Mapping[str, Callable[..., Axes]] = MappingProxyType(
    {
        "ApparentConductance": conductances.conductance,
        "Comparison": conductances.comparison,
        "Conductance": conductances.conductance,
        "ErrorBudget": fits.uncertainty_budget,
        "Estimate": conductances.conductance,
        "InterfaceModes": vibrations.localised_modes,
        "InterfacePrediction": conductances.conductance,
        "LocalCurrent": vibrations.interface_current,
        "LocalDensity": vibrations.density_map,
        "ModalTransmission": spectra.transmission_by_branch,
        "ModeConversion": spectra.branch_conversion_map,
        "NemdResult": md.md_profile,
        "Occupation": maps.mode_temperatures,
        "Routes": routes,
        "Screening": screening.screening_ranks,
        "SizeSeries": md.md_sizes,
        "SpectralFlux": md.md_spectrum,
        "SuperlatticeConductivity": applications.superlattice,
        "CompositeConductivity": applications.composite,
        "TemperatureMap": maps.temperature_map,
        "TransientTemperatures": device.device_response,
        "Transmission": spectra.transmission,
        "Transport": transport.transport_profile,
        "TransportMap": transport.transport_map,
    }
)
_MAX_LINES = 8


def record(result: BaseRecord, ax: Axes | None = None) -> Axes:
    """Draw a record: the figure of its kind, or its numbers against what increases, such as its positions.

    Raises InputError for what is no record, or has nothing along an axis, and MissingEngine without matplotlib.
    """
    kind = type(result).__name__
    if kind in _FIGURES:
        return _FIGURES[kind](result, ax=ax)
    if not isinstance(result, BaseRecord):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"expected a record, got {result!r:.60} of type {kind}")
    arrays = [one for one in attributes(result) if isinstance(one.value, np.ndarray) and one.value.ndim == 1]
    lists = [one for one in arrays if one.value.dtype.kind in "fiu" and one.value.size > 1]
    axis = next((one for one in lists if is_increasing(one.value)), None)
    if axis is None:
        raise InputError(f"a {kind} has no numbers along an axis to draw: {result!r:.80}")
    others = [one for one in lists if one is not axis and one.value.size == axis.value.size]
    shown = [one for one in others if one.unit == others[0].unit][:_MAX_LINES]
    if not shown:
        raise InputError(f"a {kind} has only its {axis.name}, and nothing along it to draw")
    ax = ax or new_axes()
    for i, one in enumerate(shown):
        ax.plot(axis.value, one.value, **line_style(i), label=one.name.replace("_", " "))
    labels = [f"{one.meaning or one.name.replace('_', ' ')}{one.unit and f' ({one.unit})'}" for one in (axis, *shown)]
    ax.set(xlabel=labels[0], ylabel=labels[1] if len(shown) == 1 else shown[0].unit)
    if len(shown) > 1:
        legend_beside(ax)
    return ax
