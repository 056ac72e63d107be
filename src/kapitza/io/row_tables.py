"""Tables that the package writes for other programs, with texts among their numbers: rows of screenings, boundaries."""

import io
from os import PathLike
from pathlib import Path
from typing import Any

from kapitza.core.files import file_path, open_regular, read_limited
from kapitza.errors import DataError, Hint, MissingEngine, require

_HEADS = (b"temperature,rank,left,right,", b"boundary,depth_m,temperature_K,")
_SEARCHED_BYTES = 4096  # in which comments end


def is_row_table(path: Path) -> bool:
    """Whether a text table has the columns of a screening, or of the boundaries of a device."""
    with open_regular(path) as file:
        lines = file.read(_SEARCHED_BYTES).splitlines()
    heads = next((line for line in lines if not line.startswith(b"#")), b"")
    return heads.startswith(_HEADS)


def read_row_table(path: str | PathLike[str]) -> Any:
    """Return the rows of a screening (.csv, .parquet) or of the boundaries of a device (.csv): a pandas.DataFrame, SI.

    Raises
    ------
    DataError
        for another table, or a damaged one
    MissingEngine
        without pandas, or without pyarrow for Parquet
    """
    pandas = require("pandas", extra="screen", why="a frame of pandas")
    place = file_path(path)
    try:
        if place.suffix.lower() == ".parquet":
            with open_regular(place) as stream:
                rows = require("pyarrow.parquet", extra="screen", why="reading Parquet").read_table(stream).to_pandas()
        else:
            rows = pandas.read_csv(io.BytesIO(read_limited(place)), comment="#")
    except MissingEngine:
        raise
    except Exception as err:
        raise DataError(f"is no table of rows: {err!s:.80}", file=place) from err
    if not ",".join(map(str, rows.columns)).encode().startswith(_HEADS):
        raise DataError(
            "is no table of a screening",
            file=place,
            hint=Hint(python="kapitza.io.read_materials reads tables of materials"),
        )
    return rows
