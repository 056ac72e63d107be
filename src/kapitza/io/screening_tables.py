"""Tables of rows for other programs, with texts among their numbers: screenings, and boundaries of devices."""

import csv
import io
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from kapitza.core.files import file_path, open_regular, read_limited, write_atomically
from kapitza.errors import DataError, Hint, InputError, MissingEngine, require
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import encode_result
from kapitza.screen.layers import InterlayerScreening
from kapitza.screen.result import Screening

SCREENING_SUFFIXES = (*RESULT_SUFFIXES, ".csv", ".parquet")
_ROWS_PER_BLOCK = 65_536  # which become texts and numbers of Python at once
_HEADS = (b"temperature,rank,left,right,", b"boundary,depth_m,temperature_K,")
_SEARCHED_BYTES = 4096  # in which comments end


def is_row_table(path: Path) -> bool:
    """Whether a text table has the columns of a screening, or of the boundaries of a device."""
    with open_regular(path) as file:
        lines = file.read(_SEARCHED_BYTES).splitlines()
    return next((line for line in lines if not line.startswith(b"#")), b"").startswith(_HEADS)


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
        hint = Hint(python="kapitza.io.read_materials reads tables of materials")
        raise DataError("is no table of a screening", file=place, hint=hint)
    return rows


def check_screening_output(path: str | PathLike[str]) -> None:
    """Refuse, before anything is computed, what `write_screening` would refuse for its name or a missing package."""
    suffix = file_path(path).suffix.lower()
    if suffix not in SCREENING_SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SCREENING_SUFFIXES)}")
    if suffix == ".parquet":
        require("pyarrow", extra="screen", why="writing Parquet")


def write_screening(screening: Screening | InterlayerScreening, path: str | PathLike[str]) -> Path:
    """Write the rows of a screening, in SI, as `.csv` or `.parquet`; whole, as `save` does, with any other ending.

    Raises
    ------
    InputError
        for another ending
    MissingEngine
        for Parquet without pyarrow
    """
    check_screening_output(path)
    place = file_path(path)
    suffix = place.suffix.lower()
    if suffix in RESULT_SUFFIXES:
        return write_atomically(place, encode_result(screening, suffix))
    starts = range(0, max(len(screening), 1), _ROWS_PER_BLOCK)
    blocks = (screening.columns(slice(k, k + _ROWS_PER_BLOCK)) for k in starts)
    stream = io.BytesIO()
    if suffix == ".parquet":
        head = {"source": screening.source, "drop": getattr(getattr(screening, "ranking", None), "drop", "emitted")}
        _write_parquet(blocks, head, stream)
    else:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        for number, columns in enumerate(blocks):
            if number == 0:
                writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        text.detach()
    return write_atomically(place, stream.getbuffer())


def _write_parquet(blocks: Iterable[dict[str, list[Any]]], head: dict[str, str], stream: io.BytesIO) -> None:
    arrow = require("pyarrow", extra="screen", why="writing Parquet")
    parquet = require("pyarrow.parquet", extra="screen", why="writing Parquet")
    writer = None
    for columns in blocks:
        table = arrow.table(columns).replace_schema_metadata(head)
        writer = writer or parquet.ParquetWriter(stream, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
