"""Gain and loss of each mode of a map, apart from each other, with their joint covariance."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, increasing, positive, real_array
from kapitza.core.occupation import float_table
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.gradients import UNUSABLE_OR_MISFIT
from kapitza.measure.eels.map import TemperatureMap
from kapitza.units import k_B


@frozen(eq=False, kw_only=True)
class ModeSides(BaseRecord):
    r"""Gain and loss of each mode at each place, as shares of the zero-loss peak, the mean over the rows of a map.

    Their ratio alone gives the temperature, $T = E/k_B\ln(L/G)$: thickness, current and strength of the mode cancel.

    Attributes
    ----------
    gain, loss : (nx, nm); NaN where a place does not show a mode
    covariance : (nx, 2 nm, 2 nm) of all gains, then all losses; zero for what is not shown

    Examples
    --------
    >>> from kapitza.eels import EelsExperiment, VibrationalMode, fit_spectra, simulate_spectra
    >>> from kapitza.eels.heat_flow import mode_sides
    >>> from kapitza.units import meV
    >>> to = VibrationalMode("TO", 82 * meV, 5 * meV, 1e-3)
    >>> plan = EelsExperiment(left=[to], right=[to], temperature=400.0, columns=6, rows=1, electrons=1e9)
    >>> sides = mode_sides(fit_spectra(simulate_spectra(plan, seed=1), [to], tie="each"))
    >>> print(f"{sides.temperature().mean():.0f} K by detailed balance")
    400 K by detailed balance
    """

    position: Array = field(converter=increasing, metadata=about("m", "position"))
    energy: Array = field(converter=positive, metadata=about("J", "quantum of the mode"))
    modes: tuple[str, ...] = field(converter=tuple)
    gain: Array = field(converter=float_table, metadata=about("1", "gain over the zero-loss peak"))
    loss: Array = field(converter=float_table, metadata=about("1", "loss over the zero-loss peak"))
    covariance: Array = field(converter=real_array, metadata=about("1", "of the gains, then the losses"))

    def __attrs_post_init__(self) -> None:
        nx, nm = self.position.size, self.energy.size
        wanted = {"gain": (nx, nm), "loss": (nx, nm), "covariance": (nx, 2 * nm, 2 * nm)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}, wanted {shape}")
        if len(self.modes) != nm:
            raise InputError(f"{len(self.modes)} names for {nm} modes: {', '.join(self.modes)}")

    @property
    def shown(self) -> NDArray[np.bool_]:
        """(nx, nm) where a place shows a mode on both sides, with less gain than loss."""
        with np.errstate(invalid="ignore"):
            return (self.gain > 0) & (self.loss > self.gain)

    def temperature(self) -> Array:
        r"""(nx, nm) temperature of each mode by detailed balance, $E/k_B\ln(L/G)$, K; NaN where it is not shown."""
        ratio = np.where(self.shown, self.loss, 2.0) / np.where(self.shown, self.gain, 1.0)
        return real_array(np.where(self.shown, self.energy / (k_B * np.log(ratio)), np.nan))

    def temperature_covariance(self) -> Array:
        r"""(nx, nm, nm) covariance of the temperatures of one place, K², to first order.

        $\partial T/\partial G = k_BT^2/EG$ and $\partial T/\partial L = -k_BT^2/EL$; zero for modes that are not shown.
        """
        shown = self.shown
        slope = np.where(shown, k_B * self.temperature() ** 2 / self.energy, 0.0)
        by_gain = np.where(shown, slope / np.where(shown, self.gain, 1.0), 0.0)
        by_loss = np.where(shown, -slope / np.where(shown, self.loss, 1.0), 0.0)
        pull = np.concatenate([np.eye(self.energy.size)[None] * one[:, None, :] for one in (by_gain, by_loss)], axis=2)
        return real_array(pull @ self.covariance @ pull.swapaxes(1, 2))

    def strength(self) -> tuple[Array, Array]:
        """(nx, nm) spontaneous scattering L - G of each mode over the zero-loss peak, and its standard uncertainty."""
        m = self.energy.size
        variance = np.einsum("xii->xi", self.covariance)
        cross = np.einsum("xii->xi", self.covariance[:, :m, m:])
        sigma = np.sqrt(np.maximum(variance[:, :m] + variance[:, m:] - 2 * cross, 0.0))
        return real_array(self.loss - self.gain), real_array(np.where(self.shown, sigma, np.nan))


def mode_sides(
    by_mode: TemperatureMap, *, energy: ArrayLike | None = None, drop: int = UNUSABLE_OR_MISFIT
) -> ModeSides:
    r"""Gain $Sn/A$ and loss $S(n + 1)/A$ of each mode of a fit with an occupation or a temperature for each.

    Parameters
    ----------
    by_mode : map along (y, x) or (x,)
    energy : (M,) of the modes, J; the mean fitted "<mode>.energy" if None
    drop : bits of `PixelFlag` of pixels that are left out

    Returns
    -------
    ModeSides, the mean over the rows of good pixels that show a mode

    Raises
    ------
    InputError
        for a single spectrum, a fit with one temperature for all modes, or a map without good pixels
    """
    if not by_mode.position:
        raise InputError("a single spectrum has no position: expected a map along one or two")
    good = (by_mode.flag & drop) == 0
    if not good.any():
        raise InputError(f"none of the {good.size} pixels of the map holds a good fit")
    quanta = _fitted_energies(by_mode, good) if energy is None else positive(energy)
    m = len(by_mode.modes)
    if quanta.size != m or not m:
        raise InputError(f"{quanta.size} energies for {m} modes: {', '.join(by_mode.modes)}")
    value, covariance, shown = np.zeros((*by_mode.shape, 2 * m)), np.zeros((*by_mode.shape, 2 * m, 2 * m)), []
    pull = np.zeros((*by_mode.shape, 2 * m, len(by_mode.names)))
    for j, mode in enumerate(by_mode.modes):
        shown.append(_fill_mode(by_mode, mode, float(quanta[j]), (j, m + j), value, pull) & good)
    used = np.repeat(np.stack(shown, axis=-1)[..., None, :], 2, axis=-2).reshape(*by_mode.shape, 2 * m)
    held = np.where(np.isfinite(by_mode.covariance), by_mode.covariance, 0.0)
    pull = np.where(used[..., None], pull, 0.0)
    covariance = pull @ held @ pull.swapaxes(-1, -2)
    rows = by_mode.rows
    count = used.sum(axis=rows)
    mean = np.where(used, value, 0.0).sum(axis=rows) / np.where(count > 0, count, np.nan)
    per = np.maximum(count, 1)
    spread = covariance.sum(axis=rows) / (per[..., :, None] * per[..., None, :])
    use = (count > 0).any(axis=-1)
    return ModeSides(
        position=by_mode.position[-1][use],
        energy=quanta,
        modes=by_mode.modes,
        gain=mean[use, :m],
        loss=mean[use, m:],
        covariance=spread[use],
    )


def _fitted_energies(by_mode: TemperatureMap, good: NDArray[np.bool_]) -> Array:
    """(M,) mean fitted energies of the modes, J."""
    missing = [mode for mode in by_mode.modes if f"{mode}.energy" not in by_mode.names]
    if missing:
        raise InputError(f"the map does not know the energy of {missing[0]}: give energy")
    return positive([float(np.mean(by_mode.parameter(f"{mode}.energy")[good])) for mode in by_mode.modes])


def _fill_mode(
    by_mode: TemperatureMap,
    mode: str,
    quantum: float,
    places: tuple[int, int],
    value: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Write gain and loss of a mode and how they go with each parameter; (...) pixels that show it."""
    names = [f"{mode}.{word}" for word in ("occupation", "temperature")]
    name = next((one for one in names if one in by_mode.names), None)
    if name is None:
        raise InputError(
            f"{mode!r} has neither an occupation nor a temperature of its own in this map: fit one for each"
        )
    shown = by_mode.is_determined(name) & by_mode.is_determined(f"{mode}.intensity")
    found = np.where(shown, by_mode.parameter(name), 1.0 if name.endswith("occupation") else 300.0)
    n, slope = found, np.ones(found.shape)
    if name.endswith("temperature"):
        n = 1 / np.expm1(np.minimum(quantum / (k_B * found), 700.0))
        slope = n * (n + 1) * quantum / (k_B * found**2)
    amplitude = np.where(shown, by_mode.parameter("amplitude"), 1.0)
    strength = np.where(shown, by_mode.parameter(f"{mode}.intensity"), 0.0) / amplitude
    for place, quanta in zip(places, (n, n + 1), strict=True):
        value[..., place] = strength * quanta
        pull[..., place, by_mode.index(f"{mode}.intensity")] = quanta / amplitude
        pull[..., place, by_mode.index("amplitude")] = -strength * quanta / amplitude
        pull[..., place, by_mode.index(name)] = strength * slope
    return shown
