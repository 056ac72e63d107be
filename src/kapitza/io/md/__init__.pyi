"""Files of molecular dynamics: decks, runs of other programs, their modes and sizes."""

from kapitza.io.md.runs import run_deck as run_deck
from kapitza.io.md.runs import side_modes as side_modes
from kapitza.io.md.runs import size_study as size_study
from kapitza.io.md.runs import trajectory_size as trajectory_size
from kapitza.io.md.trajectory import read_gpumd_run as read_gpumd_run
from kapitza.io.md.trajectory import read_lammps_run as read_lammps_run
from kapitza.io.md.trajectory import read_shc as read_shc
