"""Devices of blocks solved by finite volumes: grids, transients and sensitivities."""

from kapitza.device.grid.box_grid import automatic_grid as automatic_grid
from kapitza.device.grid.sensitivities import scale_layout as scale_layout
from kapitza.device.grid.sensitivities import unresolved_uncertainties as unresolved_uncertainties
from kapitza.device.grid.transient import grid_time_span as grid_time_span
