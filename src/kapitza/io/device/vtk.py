"""Fields on box grids as VTK files of XML, which ParaView opens: as cells, or split at boundaries."""

import base64
from os import PathLike
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from kapitza.core.files import write_atomically
from kapitza.device.grid.temperatures import GridTemperatures, field_volumes, split_cells
from kapitza.errors import InputError

_VTK_TYPES = {"f8": "Float64", "i8": "Int64", "i4": "Int32", "u1": "UInt8"}
_VTK_HEXAHEDRON = 12
_QUOTE_ENTITIES = {'"': "&quot;"}


def write_vtk(fields: GridTemperatures, path: str | PathLike[str]) -> Path:
    """Write a field for ParaView, z upwards from the bottom face.

    Parameters
    ----------
    fields : of `solve`
    path : ending in ``.vtr``, the grid with temperature, region and flux of each cell, or ``.vtu``, bricks whose
        corners on a boundary stand once for each side, so that the jump is sharp and the rest smooth

    Raises
    ------
    InputError
        for another ending
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".vtr", ".vtu"):
        known = ".vtr (cells of a grid) and .vtu (split at boundaries)"
        raise InputError(f"the ending of {str(path)!r} is none of {known}")
    rectilinear = suffix == ".vtr"
    kind, body = ("RectilinearGrid", _rectilinear_text) if rectilinear else ("UnstructuredGrid", _unstructured_text)
    head = f'<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    return write_atomically(path, f'<?xml version="1.0"?>\n{head}{body(fields)}</VTKFile>\n'.encode())


def _rectilinear_text(fields: GridTemperatures) -> str:
    """The text of a .vtr: x runs fastest, then y, then z upwards."""
    nx, ny, nz = fields.grid.shape
    extent = f"0 {nx} 0 {ny} 0 {nz}"
    height = fields.grid.z[-1]
    edges = {"x": fields.grid.x, "y": fields.grid.y, "z": (height - fields.grid.z)[::-1]}
    axes = "".join(_data_array(name, values) for name, values in edges.items())
    data = _cell_data(fields)
    bottom_up = {name: np.swapaxes(values[:, :, ::-1], 0, 2) for name, values in data.items()}  # the order of VTK
    cells = "".join(_data_array(name, values) for name, values in bottom_up.items())
    return (
        f'<RectilinearGrid WholeExtent="{extent}"><Piece Extent="{extent}">'
        f"<CellData>{cells}</CellData><Coordinates>{axes}</Coordinates></Piece></RectilinearGrid>"
    )


def _cell_data(fields: GridTemperatures) -> dict[str, NDArray[Any]]:
    """Values of each cell by name, (nx, ny, nz, ...)."""
    flux = fields.cell_flux() * [1.0, 1.0, -1.0]
    kelvin = fields.temperatures.sink + fields.rise
    regions = "region: " + ", ".join(f"{i} {escape(name, _QUOTE_ENTITIES)}" for i, name in enumerate(fields.names))
    return {"temperature (K)": kelvin, regions: fields.regions.astype(np.int32), "flux (W/m2)": flux}


def _unstructured_text(fields: GridTemperatures) -> str:
    points, cells, value = split_cells(field_volumes(fields), fields.rise)
    points = np.column_stack([points[:, :2], fields.grid.z[-1] - points[:, 2]])
    cells = cells[:, [4, 5, 6, 7, 0, 1, 2, 3]]  # z is turned round: the lower face comes first
    count = len(cells)
    kinds = np.full(count, _VTK_HEXAHEDRON, dtype=np.uint8)
    table = {"connectivity": cells, "offsets": 8 * np.arange(1, count + 1), "types": kinds}
    data = {name: one.reshape(count, *one.shape[3:]) for name, one in _cell_data(fields).items()}
    data.pop("temperature (K)")
    topology = "".join(_data_array(name, one) for name, one in table.items())
    cell_text = "".join(_data_array(name, one) for name, one in data.items())
    kelvin = _data_array("temperature (K)", fields.temperatures.sink + value)
    return (
        f'<UnstructuredGrid><Piece NumberOfPoints="{len(points)}" NumberOfCells="{count}">'
        f"<PointData>{kelvin}</PointData><CellData>{cell_text}</CellData>"
        f"<Points>{_data_array('points', points)}</Points><Cells>{topology}</Cells></Piece></UnstructuredGrid>"
    )


def _data_array(name: str, values: NDArray[Any]) -> str:
    """One array in base64, its length in bytes before it; vectors have three components."""
    plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    kind = _VTK_TYPES[plain.dtype.str[1:]]
    parts = 3 if plain.ndim > 1 and plain.shape[-1] == 3 else 1
    data = base64.b64encode(np.array([plain.nbytes], dtype="<u8").tobytes() + plain.tobytes()).decode()
    return f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{parts}" format="binary">{data}</DataArray>\n'
