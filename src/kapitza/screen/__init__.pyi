"""Many interfaces at once: all pairs of a table of materials, the best of them, and layers between two solids."""

from kapitza.screen.filters import filter_table as filter_table
from kapitza.screen.layers import InterlayerScreening as InterlayerScreening
from kapitza.screen.layers import interlayers as interlayers
from kapitza.screen.pairs import screen as screen
from kapitza.screen.ranks import catalogue_error as catalogue_error
from kapitza.screen.result import Ranking as Ranking
from kapitza.screen.result import Screening as Screening
from kapitza.screen.solved_layers import SolvedLayers as SolvedLayers
from kapitza.screen.solved_layers import solve_layers as solve_layers
from kapitza.screen.table import MaterialTable as MaterialTable
from kapitza.screen.table import TabulatedBands as TabulatedBands
from kapitza.screen.table import combine_tables as combine_tables
from kapitza.screen.table import find_rows as find_rows
from kapitza.screen.table import library_table as library_table
from kapitza.screen.table import material_table as material_table
