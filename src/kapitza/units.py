"""SI constants and multiples: multiply on the way in, divide on the way out.

The constants of the 2019 SI are exact; the atomic mass constant, the Bohr radius and the Rydberg energy are CODATA 2022
(Rev. Mod. Phys. 97, 025002 (2025), doi:10.1103/RevModPhys.97.025002).
"""

from math import pi

__all__ = [
    "GW", "MW", "N_A", "GPa", "MPa", "THz", "angstrom", "bohr", "c_light", "e", "eV", "fs", "h", "hartree", "hbar",
    "kW", "k_B", "m_u", "meV", "mm", "nm", "ns", "ps", "rydberg", "um", "us",
]  # fmt: skip

h = 6.62607015e-34  # J s
hbar = h / (2 * pi)  # J s
k_B = 1.380649e-23  # J K⁻¹
e = 1.602176634e-19  # C
N_A = 6.02214076e23  # mol⁻¹
c_light = 299792458.0  # m s⁻¹
m_u = 1.66053906892e-27  # kg
bohr = 5.29177210544e-11  # m
rydberg = 2.1798723611030e-18  # J
hartree = 2 * rydberg  # J

angstrom, nm, um, mm = 1e-10, 1e-9, 1e-6, 1e-3  # m
fs, ps, ns, us = 1e-15, 1e-12, 1e-9, 1e-6  # s
_GHz, THz = 2 * pi * 1e9, 2 * pi * 1e12  # rad s⁻¹: `3 * THz` is the ω of a 3 THz phonon
meV, eV = 1e-3 * e, e  # J
kW, MW, GW = 1e3, 1e6, 1e9  # W
MPa, GPa = 1e6, 1e9  # Pa
