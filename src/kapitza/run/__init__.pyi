"""Long work in units that are never computed twice."""

from kapitza.run.cluster import dask_executor as dask_executor
from kapitza.run.progress import Progress as Progress
from kapitza.run.progress import elapsed_time as elapsed_time
from kapitza.run.progress import progress_bar as progress_bar
from kapitza.run.store import Store as Store
from kapitza.run.store import StoreLike as StoreLike
from kapitza.run.store import UnitInputs as UnitInputs
from kapitza.run.store import UnitResult as UnitResult
from kapitza.run.store import cache_store as cache_store
from kapitza.run.store import open_store as open_store
from kapitza.run.store import unit_address as unit_address
from kapitza.run.work import ExecutorLike as ExecutorLike
from kapitza.run.work import UnitData as UnitData
from kapitza.run.work import UnitKernel as UnitKernel
from kapitza.run.work import run_units as run_units
