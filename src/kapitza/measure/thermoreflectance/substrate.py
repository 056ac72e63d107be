"""Substrates whose phonons fly as far as beams are wide, or as heat penetrates: the Boltzmann equation below a film."""

from itertools import pairwise
from typing import Any

import numpy as np
from attrs import converters, field, frozen, validators

from kapitza.core.arrays import Array, ComplexArray, about, numbers, parameter, quantity
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import SpectralPoints, impedance_at
from kapitza.device.setup import Setup, heat_capacity_of
from kapitza.errors import InputError
from kapitza.measure.experiment import ParametrisedExperiment
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.gratings import scaled_bands
from kapitza.simulate.boltzmann.half_space import PassingShares, impedance_beyond_fourier

_MOST_PASSING = 1.01  # share: a fit at 1 steps a little beyond it for its derivatives
_MOST_GROUPS = 12
POSITIVE_OR_NONE: dict[str, Any] = {
    "converter": converters.optional(float), "validator": validators.optional(quantity()),
}  # fmt: skip
PHONONS_OR_NONE = validators.optional(validators.instance_of(Carriers))
_MEAN_FREE_PATH = parameter("m", "mean free path of the phonons of the last layer")
_TRANSMISSION = about("1", "shares of phonons that pass the boundary")
_GROUP_EDGES = about("rad s^-1", "bounds between the groups of transmission")


def _shares(value: Any) -> tuple[float, ...]:
    found = tuple(numbers(value).tolist())
    if not 1 <= len(found) <= _MOST_GROUPS or not all(0 < one <= _MOST_PASSING for one in found):
        raise InputError(f"transmission = {value!r:.60}: wanted 1 to {_MOST_GROUPS} shares above 0 and up to 1")
    return found


def _edges(value: Any) -> tuple[float, ...]:
    found = tuple(float(one) for one in value)
    if not all(0 < one < np.inf for one in found) or any(a >= b for a, b in pairwise(found)):
        raise InputError(f"transmission_edges = {value!r:.60}: wanted frequencies that increase from above 0")
    return found


@frozen(eq=False)
class SubstrateExperiment(ParametrisedExperiment):
    """An experiment with beams on a stack, below which phonons may follow the Boltzmann equation.

    Attributes
    ----------
    setup : where heat enters and is read, and what lies behind; None for the top face
    phonons : spectrum of the last layer, with the Boltzmann equation in place of Fourier's law below the film.  Its
        conductivity and heat capacity stay numbers of the layer: the spectrum is scaled to them
    mean_free_path : mean of the spectrum, of the logarithm, weighed by what each band conducts; one band for all
        phonons where no spectrum is given.  None: it follows from the conductivity, with the velocities of `phonons`
    transmission : (g,) shares of the phonons of the last layer that pass into the film, above 0 to 1, from low to high
        frequency; the others are sent back in all directions.  In place of the conductance of this boundary.  None: the
        boundary has a conductance, that of profiles extrapolated to it
    transmission_edges : (g - 1,) frequencies between the groups, rad s⁻¹
    """

    setup: Setup = field(factory=Setup, kw_only=True)
    phonons: Carriers | None = field(default=None, kw_only=True, validator=PHONONS_OR_NONE)
    mean_free_path: float | None = field(default=None, kw_only=True, **POSITIVE_OR_NONE, metadata=_MEAN_FREE_PATH)
    transmission: tuple[float, ...] | None = field(
        default=None, kw_only=True, converter=converters.optional(_shares), metadata=_TRANSMISSION
    )
    transmission_edges: tuple[float, ...] = field(default=(), kw_only=True, converter=_edges, metadata=_GROUP_EDGES)

    def boundary_conductances(self, stack: Stack) -> Array:
        r"""(g,) conductance of each group of phonons through the boundary, $\sum_i t_iC_iv_i/4$, W m⁻² K⁻¹.

        Between the film and what the phonons of the last layer emit, as a theory of the boundary gives it ("emitted"),
        with the heat capacity and conductivity of the last layer of the stack.

        Raises
        ------
        InputError
            for an experiment without a transmission

        Examples
        --------
        >>> import numpy as np
        >>> from kapitza import Layer, Stack
        >>> from kapitza.thermoreflectance import Beams, Fdtr
        >>> substrate = Layer("Si", np.inf, 140.0, heat_capacity=1.66e6)
        >>> film = Stack([Layer("Al", 8e-8, 180.0, heat_capacity=2.43e6), substrate], [np.inf])
        >>> fdtr = Fdtr([1e6], Beams(1e-6, 1e-6), mean_free_path=2e-7, transmission=0.3)
        >>> print((fdtr.boundary_conductances(film) / 1e6).round(0))
        [158.]
        """
        held = substrate_phonons(self)
        if held is None or held.passing is None:
            raise InputError("this experiment has no transmission: its boundary has a conductance in the stack")
        last = stack.layers[-1]
        bands = scaled_bands(held.phonons, heat_capacity_of(last), last.conductivity, held.mean_free_path)
        share = held.passing.share[held.passing.group]
        return np.asarray(np.bincount(held.passing.group, weights=share * bands.emission), dtype=np.float64)


@frozen(eq=False)
class SubstratePhonons(BaseRecord):
    """Phonons of the last layer of a stack, and which of them pass the boundary above it."""

    phonons: Carriers | None
    mean_free_path: float | None  # m
    passing: PassingShares | None

    def admittance(self, stack: Stack, at: SpectralPoints, setup: Setup) -> ComplexArray:
        """(ns, nk) admittance of the last layer at periodic s, W m⁻² K⁻¹; with a transmission that of the boundary too.

        Stacks below which the Boltzmann equation is not solved raise an InputError.
        """
        last = stack.layers[-1]
        isotropic = not last.oblique and last.tensor[0, 0] == last.conductivity
        if len(stack.layers) < 2 or np.isfinite(last.thickness) or not isotropic:
            raise InputError(
                "phonons and mean_free_path are those of a last layer that is infinitely thick, below others, and "
                f"conducts alike in all directions; got {last.name}, {last.thickness:g} m thick: leave them out for "
                "Fourier's law"
            )
        inside = any(plane is not None and plane.layer == last.name for plane in (setup.heater, setup.thermometer))
        if inside or any(layer.coupling is not None for layer in stack.layers):
            what = f"heat or thermometer in {last.name}" if inside else "metals with two temperatures"
            raise InputError(f"with phonons or a mean_free_path, {what} are not solved: leave out one of both")
        if self.passing is not None and stack.boundaries[-1].resistance(setup.temperature):
            raise InputError(
                f"{stack.boundary_names[-1]} has a conductance, and a transmission besides, which would count twice: "
                "make this boundary perfect (infinite), or leave out transmission"
            )
        wave = at.wave(last)
        bands = scaled_bands(self.phonons, heat_capacity_of(last), last.conductivity, self.mean_free_path)
        beyond = impedance_beyond_fourier(bands, np.hypot(at.kx, at.ky), at.s.imag, self.passing)
        return np.asarray(wave.gamma / (1 + wave.gamma * beyond), dtype=np.complex128)


def substrate_phonons(experiment: SubstrateExperiment) -> SubstratePhonons | None:
    """Phonons of the last layer, as an experiment states them; None for Fourier's law.

    Raises an InputError for phonons that do not fly in all directions, and for a transmission without phonons, or with
    groups in which there are none.
    """
    phonons, path, transmission = experiment.phonons, experiment.mean_free_path, experiment.transmission
    if phonons is None and path is None:
        if transmission is not None:
            raise InputError("transmission is that of phonons: give phonons, or the mean_free_path of one band")
        return None
    if phonons is not None and not phonons.isotropic:
        raise InputError(f"{phonons.name}: bands that fly in all directions are wanted below beams, without `normal`")
    passing = None
    if transmission is not None:
        edges, count = experiment.transmission_edges, len(transmission)
        if len(edges) != count - 1:
            raise InputError(
                f"{count} of transmission and {len(edges)} of transmission_edges: wanted one edge less than shares, "
                "the frequencies between the groups"
            )
        if phonons is None and count > 1:
            raise InputError("one band has one transmission: give phonons with a spectrum for several")
        groups = np.zeros(1 if phonons is None else phonons.capacity.size, dtype=np.intp)  # of each band
        if phonons is not None and count > 1:
            groups = np.searchsorted(np.array(edges), phonons.omega[phonons.group], side="right").astype(np.intp)
            heat = np.bincount(groups, weights=phonons.contribution, minlength=count)
            if not (heat > 0).all():
                top = float(phonons.omega[phonons.group].max()) / (2e12 * np.pi)
                raise InputError(
                    f"{phonons.name}: group {int(np.argmin(heat)) + 1} of the transmission has no phonons, which end "
                    f"at {top:.3g} THz: move transmission_edges"
                )
        passing = PassingShares(groups, np.array(transmission))
    return SubstratePhonons(phonons, path, passing)


def heated_impedance(
    stack: Stack, at: SpectralPoints, setup: Setup, phonons: SubstratePhonons | None = None
) -> ComplexArray:
    """(ns, nk) response of the heated plane, K m² W⁻¹, by Fourier's law or above a substrate of phonons."""
    substrate = None if phonons is None else phonons.admittance(stack, at, setup)
    return impedance_at(stack, at, setup=setup, substrate=substrate)
