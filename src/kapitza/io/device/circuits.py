"""Devices for other programs: networks for circuit simulators, tables of boundaries for field solvers."""

from os import PathLike
from pathlib import Path

import numpy as np

from kapitza.core.conductance import Conductance
from kapitza.core.files import write_atomically
from kapitza.device.description import Device
from kapitza.device.layered.network import FosterNetwork, cauer_network
from kapitza.errors import InputError

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def write_spice(
    network: FosterNetwork, path: str | PathLike[str], *, title: str = "device", ladder: bool = False
) -> Path:
    """Write a network as a subcircuit: volts are kelvins above the sink, amperes are watts.

    Parameters
    ----------
    network : of a device
    path : of the netlist
    title : of the device, for the head
    ladder : as a Cauer ladder, which other networks may be put behind, instead of the Foster chain
    """
    name = "".join(letter if letter in _NAME_CHARACTERS else "_" for letter in title.lower()) or "device"
    kind = "cauer" if ladder else "foster"
    head = [
        f"* {' '.join(title.split())}: thermal {kind} network of order {network.resistance.size} for {network.of}",
        f"* {network.resistance.sum():.6g} K/W ± {network.error:.2g} from {network.first:.3g} to {network.last:.3g} s",
        "* V in K above the sink, I in W: put a current source of the dissipated power into 'junction'",
        f".subckt {name} junction sink",
    ]
    cells = cauer_network(network) if ladder else network
    nodes = ["junction", *(f"n{i}" for i in range(1, cells.resistance.size)), "sink"]
    body: list[str] = []
    for i, (r, c) in enumerate(zip(cells.resistance.tolist(), cells.capacity.tolist(), strict=True)):
        resistance = f"R{i + 1} {nodes[i]} {nodes[i + 1]} {r:.9e}"
        capacity = f"C{i + 1} {nodes[i]} {'sink' if ladder else nodes[i + 1]} {c:.9e}"
        body += [capacity, resistance] if ladder else [resistance, capacity]
    return write_atomically(path, "\n".join([*head, *body, f".ends {name}", ""]).encode())


def write_boundaries(device: Device, path: str | PathLike[str]) -> Path:
    """Write the boundaries as a table for field solvers: resistance, and the layer of 1 nm that has the same one.

    Columns: boundary, depth (m), temperature (K), conductance (W m⁻² K⁻¹), its standard uncertainty, resistance
    (m² K W⁻¹) as a thin thermally resistive layer takes it, and the conductivity of a layer of 1 nm (W m⁻¹ K⁻¹).  A
    conductance of T gets a row for each temperature.

    Raises
    ------
    InputError
        if the device has no boundary
    """
    rows: list[str] = []
    depth = 0.0
    stack = device.stack
    for name, boundary, layer in zip(stack.boundary_names, stack.boundaries, stack.layers, strict=False):
        depth += layer.thickness
        law = boundary.conductance
        if isinstance(law, Conductance):
            sigmas = np.full(law.value.size, np.nan) if law.sigma is None else law.sigma
            values = zip(law.temperature.tolist(), law.value.tolist(), sigmas.tolist(), strict=True)
        else:
            values = iter([(device.sink, law, device.uncertain.get(f"{name}.conductance", np.nan))])
        for kelvin, conductance, sigma in values:
            shown = "" if np.isnan(sigma) else f"{sigma:.9g}"
            numbers = (1 / conductance, 1e-9 * conductance)
            cells = (name, f"{depth:.9g}", f"{kelvin:.9g}", f"{conductance:.9g}", shown, *(f"{v:.9g}" for v in numbers))
            rows.append(",".join(cells))
    if not rows:
        raise InputError(f"{device.title} has one layer and no boundary: there is nothing to write")
    head = [
        f"# {' '.join(device.title.split())}: thermal boundary resistances, by the extrapolated temperature drop",
        "boundary,depth_m,temperature_K,conductance_W_m2K,sigma_W_m2K,resistance_m2K_W,conductivity_of_1nm_W_mK",
    ]
    return write_atomically(path, "\n".join([*head, *rows, ""]).encode())
