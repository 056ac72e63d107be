"""What a killed run needs to go on: one file, written whole or not at all after a block, for one set of inputs."""

import re
import time
from collections.abc import Mapping, Sequence
from errno import EISDIR
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np
from attrs import define, frozen
from numpy.typing import NDArray

from kapitza.core.files import read_limited, write_atomically
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.run.store import UnitResult, deserialize_arrays, serialize_arrays
from kapitza.simulate.md.engine import MdState, Observer

CHECKPOINT_FILE = "run.state"
_WRITING_INTERVAL = 20  # times as long as a file took to write is computed before the next: disks cost a twentieth
_PLAIN_TYPES = (str, bool, int, float, np.number, np.ndarray, bytes)
# of inputs in the addresses of runs: their names in version 0.1, so that its folders can be resumed
_ADDRESS_NAMES: Mapping[str, str] = MappingProxyType({
    "AseEngine": "ase_engine:Calculated", "BuiltinEngine": "own:Own", "LammpsEngine": "lammps_engine:Lammps",
    "InterfaceModeAnalysis": "interface_analysis:InterfaceAnalysis", "LayerSpectra": "layer_spectra:LayerSpectra",
    "MdState": "engine:State", "ModeEnergies": "modal:ModeEnergies", "PlanePower": "plane:PlanePower",
    "Potential": "field:Field", "Protocol": "protocol:Course", "SpectralCurrent": "spectrum:SpectralCurrent",
    "Thermostats": "engine:Baths",
})  # fmt: skip

_ADDRESS_TEXTS: Mapping[str, str] = MappingProxyType({"built-in engine": "own kernels", "hot_group": "bath"})


@frozen(eq=False)
class Snapshot(BaseRecord):
    """A run after some blocks."""

    state: MdState  # of the atoms
    step: int  # time steps done, equilibration included
    rows: UnitResult  # sums so far, by name
    observer_states: Sequence[UnitResult]  # arrays of each observer


def plain_values(value: Any, depth: int = 3) -> object:
    """Return a record as plain values by name with the name of its class, for an address.

    What is neither plain, nor a record, nor a list of them, counts by its class and, where it has them, its interval
    and its `parameters`.
    """
    if value is None or isinstance(value, _PLAIN_TYPES):
        return _ADDRESS_TEXTS.get(value, value) if isinstance(value, str) else value
    if isinstance(value, (list, tuple)):
        return [plain_values(one, depth) for one in value]
    if isinstance(value, Path):
        return str(value)
    name = type(value).__qualname__
    own = type(value).__module__.startswith("kapitza.simulate.md.") and name in _ADDRESS_NAMES
    kind = f"kapitza.simulate.md.{_ADDRESS_NAMES[name]}" if own else f"{type(value).__module__}:{name}"
    if not attrs.has(type(value)) or depth == 0:
        settings = re.sub(r"0x[0-9a-f]+", "", repr(getattr(value, "parameters", None)))  # of a calculator of ASE
        return {"class": kind, "every": int(getattr(value, "every", 0)), "parameters": settings}
    fields = attrs.asdict(value, recurse=False).items()
    return {"class": kind, **{field: plain_values(part, depth - 1) for field, part in fields}}


@define(eq=False)
class Checkpoint:
    """Writes snapshots of one run to its folder, and reads the last one."""

    folder: Path | None  # where; None: nowhere
    address: str  # of the inputs of the run
    due: float = 0.0  # moment before which no further file is worth its time, s
    pending: Snapshot | None = None  # the last snapshot that was not written

    def offer(self, snapshot: Snapshot, *, at_once: bool = False) -> None:
        """Write a snapshot, or keep it in memory where the last one was written a moment ago."""
        if self.folder is None:
            return
        self.pending = snapshot
        if at_once or time.monotonic() >= self.due:
            self.write()

    def write(self) -> None:
        """Write the last snapshot, if it is not written yet."""
        if self.folder is None or self.pending is None:
            return
        start = time.monotonic()
        try:
            snapshot = self.pending
            state = snapshot.state
            arrays: UnitResult = {
                "address": np.array(self.address), "step": np.array(snapshot.step),
                "observers": np.array(len(snapshot.observer_states)),
                "state positions": state.positions, "state velocities": state.velocities,
                "state step": np.array(state.step), "state heat": state.heat, "state random": state.random,
            }  # fmt: skip
            arrays |= {f"rows {name}": value for name, value in snapshot.rows.items()}
            for i, observed in enumerate(snapshot.observer_states):
                arrays |= {f"seen {i} {name}": value for name, value in observed.items()}
            write_atomically(self.folder / CHECKPOINT_FILE, serialize_arrays(arrays), follow_link=False)
        except OSError as err:
            raise DataError(
                f"cannot be written ({err.strerror}): make room, or take another folder", file=self.folder
            ) from err
        self.pending = None
        now = time.monotonic()
        self.due = now + _WRITING_INTERVAL * (now - start)

    def read(self) -> Snapshot | None:
        """Make the folder, and return the last snapshot in it, of the same inputs; None where there is none."""
        if self.folder is None:
            return None
        path = self.folder / CHECKPOINT_FILE
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                return None
            if path.is_dir():
                raise IsADirectoryError(EISDIR, "Is a directory", str(path))
            arrays = deserialize_arrays(read_limited(path))
            there = str(arrays["address"])
        except OSError as err:
            raise DataError(
                f"is not a folder that can be written to ({err.strerror}): take another", file=self.folder
            ) from err
        except (DataError, KeyError, ValueError) as err:
            raise DataError("damaged; remove it to start the run anew", file=path) from err
        if there != self.address:
            raise InputError(
                f"{path.parent} holds a run with other inputs ({there[:12]}, these are {self.address[:12]}): take "
                "another folder, or the same inputs"
            )
        try:
            positions, velocities, heat = (
                float_array(arrays, f"state {name}") for name in ("positions", "velocities", "heat")
            )
            random = np.asarray(arrays["state random"], dtype=np.uint64)
            state = MdState(positions, velocities, int(arrays["state step"]), heat, random)
            observed = [strip_prefix(arrays, f"seen {i} ") for i in range(int(arrays["observers"]))]
            return Snapshot(state, int(arrays["step"]), strip_prefix(arrays, "rows "), observed)
        except (KeyError, ValueError, TypeError, OverflowError) as err:
            raise DataError(f"lacks {err}; remove it to start the run anew", file=path) from err


def strip_prefix(arrays: UnitResult, start: str) -> UnitResult:
    """Those arrays whose names begin so, without that beginning."""
    return {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}


def observer_arrays(observers: Sequence[Observer]) -> list[UnitResult]:
    """Arrays of observers, as they are now."""
    return [{name: np.array(value) for name, value in observer.arrays().items()} for observer in observers]


def float_array(arrays: UnitResult, name: str) -> NDArray[np.float64]:
    """One array of floats."""
    return np.asarray(arrays[name], dtype=float)
