r"""Macroscopic contact resistance of pressed surfaces: constriction at the spots that touch, gas in the gaps between.

This is not the Kapitza resistance.  Real surfaces touch on a small part of their area, and the heat has to squeeze
through it.  The Kapitza resistance of the touching spots comes in series with the constriction of each, negligible for
spots much larger than its Kapitza length.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.special import erfcinv

from kapitza.core.arrays import Array, about, check_not_negative, check_record, positive, quantity, temperatures
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.theory.knudsen import Accommodation, Gas, temperature_jump


@frozen
class RoughContact(BaseRecord):
    r"""Two rough surfaces that conform on the whole and touch at plastically flattened asperities.

    Roughness and slope of both together are $\sqrt{\sigma_1^2 + \sigma_2^2}$ and $\sqrt{m_1^2 + m_2^2}$.

    Raises
    ------
    InputError
        for values that are not finite and positive
    """

    left: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "conductivity on the left"))
    right: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "conductivity on the right"))
    roughness: float = field(validator=quantity(), metadata=about("m", "rms roughness of both surfaces together"))
    slope: float = field(validator=quantity(), metadata=about("1", "mean absolute slope of both together"))
    hardness: float = field(validator=quantity(), metadata=about("Pa", "microhardness of the softer solid"))

    @property
    def conductivity(self) -> float:
        """Harmonic mean of both conductivities, W m⁻¹ K⁻¹."""
        return 2 * self.left * self.right / (self.left + self.right)

    def separation(self, pressure: ArrayLike) -> Array:
        r"""(n,) distance of mean planes, $Y = \sigma\sqrt2\,\mathrm{erfc}^{-1}(2p/H)$, m, under a pressure in Pa."""
        return self.roughness * np.sqrt(2) * erfcinv(2 * self._load(pressure))

    def constriction(self, pressure: ArrayLike) -> Array:
        r"""(n,) conductance of the spots, W m⁻² K⁻¹, under a pressure in Pa.

        $h_c = \frac{k m}{\sigma}\frac{e^{-\lambda^2/2}}{2\sqrt{2\pi}\,(1 - \sqrt{p/H})^{3/2}}$, $\lambda = Y/\sigma$:
        spots of radius $a$, $n$ of them per area, each of resistance $(1 - \sqrt{p/H})^{3/2}/2ka$ in its flux tube, for
        Gaussian heights and slopes.  Yovanovich's $1.25\frac{km}{\sigma}(p/H)^{0.95}$ fits it within 1.5 %.

        Raises
        ------
        InputError
            for pressures that are not between 0 and a tenth of the hardness, where asperities no longer act apart

        References
        ----------
        M. G. Cooper, B. B. Mikic, M. M. Yovanovich, Int. J. Heat Mass Transfer 12, 279 (1969),
        doi:10.1016/0017-9310(69)90011-8
        M. M. Yovanovich, IEEE Trans. Compon. Packag. Technol. 28, 182 (2005), doi:10.1109/TCAPT.2005.848483
        """
        load = self._load(pressure)
        lean = np.exp(-np.square(erfcinv(2 * load)))
        return self.conductivity * self.slope / self.roughness * lean / np.sqrt(8 * np.pi) / (1 - np.sqrt(load)) ** 1.5

    def _load(self, pressure: ArrayLike) -> Array:
        load = positive(pressure) / self.hardness
        if load.max() > 0.1:
            raise InputError(
                f"pressure = {load.max() * self.hardness:.4g} Pa is {load.max():.3g} of the hardness, wanted at most "
                "0.1: is the hardness in Pa?"
            )
        return load


def pressed_contact(
    surfaces: RoughContact,
    pressure: float,
    *,
    temperature: ArrayLike = 300.0,
    gas: Gas | None = None,
    gas_pressure: float = 101325.0,
    accommodation: Accommodation = (1.0, 1.0),
) -> Conductance:
    r"""Macroscopic contact conductance $h = h_c + h_g$ of pressed rough surfaces, in vacuum or with gas between them.

    The gas conducts $h_g = k_g/(Y + M)$ across the separation $Y$ of the mean planes, with the jump lengths
    $M = \zeta_1 + \zeta_2$ of both walls.

    Parameters
    ----------
    surfaces : conductivities, roughness, slope and hardness
    pressure : that presses them together, Pa
    temperature : (nT,) K; enters by the mean free path of the gas alone
    gas : that fills the gaps; None for vacuum
    gas_pressure : Pa
    accommodation : coefficients of both walls

    Returns
    -------
    Conductance with (nT,) values; its method says that it is a macroscopic contact, not a Kapitza conductance

    Raises
    ------
    InputError
        for a pressure above a tenth of the hardness, or values that are not finite and positive

    References
    ----------
    M. G. Cooper, B. B. Mikic, M. M. Yovanovich, Int. J. Heat Mass Transfer 12, 279 (1969),
    doi:10.1016/0017-9310(69)90011-8
    M. M. Yovanovich, IEEE Trans. Compon. Packag. Technol. 28, 182 (2005), doi:10.1109/TCAPT.2005.848483
    """
    check_record(
        surfaces, RoughContact, python="give conductivities, roughness, slope and hardness as RoughContact(...)"
    )
    wanted = temperatures(temperature)
    value = np.full(wanted.size, surfaces.constriction(pressure)[0])
    filled = "in vacuum"
    if gas is not None:
        jumps = sum(
            temperature_jump(gas, pressure=gas_pressure, temperature=wanted, accommodation=a) for a in accommodation
        )
        value = value + gas.conductivity / (surfaces.separation(pressure)[0] + jumps)
        filled = f"in {gas.name}"
    return Conductance(wanted, value, method=f"macroscopic contact {filled}, not a Kapitza conductance")


def spot_resistance(*, conductivity: float, radius: float, mean_free_path: float = 0.0) -> float:
    r"""Resistance of one round spot of radius a (m) between two half spaces of the same gray medium, K W⁻¹.

    $R = \frac{1}{2ka}\left[\Gamma(\mathrm{Kn}) + \frac{8}{3\pi}\mathrm{Kn}\right]$ with $\mathrm{Kn} = \Lambda/a$ and
    $\Gamma = (1 + 0.83\,\mathrm{Kn})/(1 + 1.33\,\mathrm{Kn})$: Maxwell's $1/2ka$ for wide spots (mean free path Λ = 0:
    Fourier's law), Sharvin's $4\Lambda/3\pi ka^2 = 4/(Cv\pi a^2)$ for narrow ones.

    J. C. Maxwell, A Treatise on Electricity and Magnetism, vol. 1 (Clarendon Press, 1873)
    B. Nikolic, P. B. Allen, Phys. Rev. B 60, 3963 (1999), doi:10.1103/PhysRevB.60.3963
    R. Prasher, Nano Lett. 5, 2155 (2005), doi:10.1021/nl051710b
    """
    k, a = positive([conductivity, radius])
    check_not_negative("mean_free_path", mean_free_path, "m")
    knudsen = mean_free_path / a
    diffuse = (1 + 0.83 * knudsen) / (1 + 1.33 * knudsen)
    return float((diffuse + 8 / (3 * np.pi) * knudsen) / (2 * k * a))
