"""TOML of users: one line for whatever is not TOML, and integers as large as TOML has them, no larger."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, cast

from kapitza.errors import DataError

_INTEGER_BITS = 63  # of a number without its sign, https://toml.io/en/v1.0.0#integer


def parse_toml(data: bytes, path: str | PathLike[str]) -> dict[str, Any]:
    """Return the table that the bytes of a TOML file hold; `path` is for messages.

    Raises
    ------
    DataError
        for what is not TOML, is nested too deeply, or holds an integer of more than 64 bits
    """
    try:
        table = tomllib.loads(data.decode())
    except UnicodeDecodeError as err:
        raise DataError(f"is not TOML: byte {err.start} is not text", file=path) from err
    except tomllib.TOMLDecodeError as err:
        place = re.search(r"\(at line (\d+)", str(err))
        message = str(err).split(" (at ", maxsplit=1)[0]
        raise DataError(f"is not TOML: {message:.200}", file=path, line=int(place[1]) if place else None) from err
    except RecursionError as err:
        raise DataError("is nested too deeply", file=path) from err
    except ValueError as err:  # of the interpreter: digits, dates
        raise DataError(f"is not TOML: it holds a number that cannot be read ({err!s:.60})", file=path) from err
    for keys in _large_integers(table, ()):
        raise DataError(f"{'.'.join(keys):.100}: an integer of more than 64 bits, which TOML does not have", file=path)
    return table


def _large_integers(node: object, keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Keys that lead to each integer that is too large."""
    if isinstance(node, int) and node.bit_length() > _INTEGER_BITS:
        yield keys
    elif isinstance(node, Mapping):
        for key, item in cast("Mapping[str, object]", node).items():
            yield from _large_integers(item, (*keys, key))
    elif isinstance(node, list):
        for number, item in enumerate(cast("list[object]", node), 1):
            yield from _large_integers(item, (*keys, str(number)))
