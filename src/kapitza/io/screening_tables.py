"""Rows of a screening as tables for other programs: CSV and Parquet."""

import csv
import io
from os import PathLike
from pathlib import Path

from kapitza.core.files import file_path, write_atomically
from kapitza.errors import InputError, require
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import encode_result
from kapitza.screen.layers import InterlayerScreening
from kapitza.screen.result import Screening

SCREENING_SUFFIXES = (*RESULT_SUFFIXES, ".csv", ".parquet")


def check_screening_output(path: str | PathLike[str]) -> None:
    """Refuse, before anything is computed, what `write_screening` would refuse for its name or a missing package."""
    suffix = file_path(path).suffix.lower()
    if suffix not in SCREENING_SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SCREENING_SUFFIXES)}")
    if suffix == ".parquet":
        require("pyarrow", extra="screen", why="writing Parquet")


def write_screening(found: Screening | InterlayerScreening, path: str | PathLike[str]) -> Path:
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
        return write_atomically(place, encode_result(found, suffix))
    columns = found.columns()
    if suffix == ".parquet":
        arrow = require("pyarrow", extra="screen", why="writing Parquet")
        parquet = require("pyarrow.parquet", extra="screen", why="writing Parquet")
        stream = io.BytesIO()
        head = {"source": found.source, "drop": getattr(getattr(found, "ranking", None), "drop", "emitted")}
        parquet.write_table(arrow.table(columns).replace_schema_metadata(head), stream)
        return write_atomically(place, stream.getvalue())
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return write_atomically(place, text.getvalue().encode())
