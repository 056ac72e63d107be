"""Rows of a screening as tables for other programs: CSV and Parquet."""

import csv
import io
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from kapitza.core.files import file_path, write_atomically
from kapitza.errors import InputError, require
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import encode_result
from kapitza.screen.layers import InterlayerScreening
from kapitza.screen.result import Screening

SCREENING_SUFFIXES = (*RESULT_SUFFIXES, ".csv", ".parquet")
_ROWS_PER_BLOCK = 65_536  # which become texts and numbers of Python at once


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
    blocks = (found.columns(slice(k, k + _ROWS_PER_BLOCK)) for k in range(0, max(len(found), 1), _ROWS_PER_BLOCK))
    stream = io.BytesIO()
    if suffix == ".parquet":
        head = {"source": found.source, "drop": getattr(getattr(found, "ranking", None), "drop", "emitted")}
        _write_parquet(blocks, head, stream)
    else:
        _write_text(blocks, stream)
    return write_atomically(place, stream.getbuffer())


def _write_parquet(blocks: Iterable[dict[str, list[Any]]], head: dict[str, str], stream: io.BytesIO) -> None:
    """Write blocks of rows as one table of Parquet."""
    arrow = require("pyarrow", extra="screen", why="writing Parquet")
    parquet = require("pyarrow.parquet", extra="screen", why="writing Parquet")
    writer = None
    for columns in blocks:
        table = arrow.table(columns).replace_schema_metadata(head)
        writer = writer or parquet.ParquetWriter(stream, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _write_text(blocks: Iterable[dict[str, list[Any]]], stream: io.BytesIO) -> None:
    """Write blocks of rows as text with one line of heads."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    for number, columns in enumerate(blocks):
        if number == 0:
            writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    text.detach()
