"""Substrates whose phonons fly as far as beams are wide, or as heat penetrates: the Boltzmann equation below a film."""

from typing import Any

import numpy as np
from attrs import converters, field, validators

from kapitza.core.arrays import ComplexArray, about, quantity
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.setup import Setup, heat_capacity_of
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.gratings import scaled_bands
from kapitza.simulate.boltzmann.half_space_table import impedance_beyond_fourier


def mean_free_path_field() -> Any:
    """Attribute of an experiment: the mean free path in the last layer."""
    return field(
        default=None,
        kw_only=True,
        converter=converters.optional(float),
        validator=validators.optional(quantity()),
        metadata=about("m", "mean free path of the phonons of the last layer"),
    )


def ballistic_admittance(
    stack: Stack, at: SpectralPoints, setup: Setup, phonons: Carriers | None, mean_free_path: float | None
) -> ComplexArray | None:
    """(ns, nk) admittance of the last layer by its phonons or their mean free path (m), at periodic s, W m⁻² K⁻¹.

    None without either: Fourier's law.
    """
    if phonons is None and mean_free_path is None:
        return None
    if phonons is not None and not phonons.isotropic:
        raise InputError(f"{phonons.name}: bands that fly in all directions are wanted below beams, without `normal`")
    check_ballistic(stack, setup)
    last = stack.layers[-1]
    wave = at.wave(last)
    bands = scaled_bands(phonons, heat_capacity_of(last), last.conductivity, mean_free_path)
    beyond = impedance_beyond_fourier(bands, np.hypot(at.kx, at.ky), at.s.imag)
    return np.asarray(wave.gamma / (1 + wave.gamma * beyond), dtype=np.complex128)


def check_ballistic(stack: Stack, setup: Setup) -> None:
    """Refuse stacks below which the Boltzmann equation is not solved."""
    last = stack.layers[-1]
    if len(stack.layers) < 2 or np.isfinite(last.thickness) or last.oblique or last.tensor[0, 0] != last.conductivity:
        raise InputError(
            "phonons and mean_free_path are those of a last layer that is infinitely thick, below others, and conducts "
            f"alike in all directions; got {last.name}, {last.thickness:g} m thick: leave them out for Fourier's law"
        )
    inside = [p.layer for p in (setup.heater, setup.thermometer) if p is not None and p.layer == last.name]
    if inside or any(layer.coupling is not None for layer in stack.layers):
        what = f"heat or thermometer in {last.name}" if inside else "metals with two temperatures"
        raise InputError(f"with phonons or a mean_free_path, {what} are not solved: leave out one of both")
