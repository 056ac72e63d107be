"""The server of the page: on this machine alone, behind a secret, until an interrupt."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EADDRINUSE
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kapitza import web
from kapitza.core.files import regular_file_size
from kapitza.errors import InputError, require
from kapitza.web.first import first_answer_begun
from kapitza.web.guard import TOKEN_PARAMETER, Guard
from kapitza.web.session import FOLDER_PREFIX

HOST = "127.0.0.1"
_TOKEN_BYTES = 32
_GRACE = 1  # seconds for open connections when the server ends
_MAX_MESSAGE_BYTES = 2**24  # of a socket
_MAX_CONNECTIONS = 200
_MAX_PORT = 65535


def explore(
    files: Sequence[str | os.PathLike[str]] = (),
    *,
    port: int = 0,
    browser: bool = True,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the local page until an interrupt, and open it in a browser.

    Parameters
    ----------
    files : that the page opens; it can reach no others but those that are dropped on it
    port : of 127.0.0.1; 0 for any that is free
    browser : whether to open the page there
    announce : called with the address, secret included

    Raises
    ------
    InputError
        for a port that is none or in use
    DataError
        for files that are none
    MissingEngine
        without NiceGUI
    """
    paths = [Path(one) for one in files]
    for one in paths:
        if not one.is_dir():
            regular_file_size(one)
    for engine in ("nicegui", "uvicorn"):
        if find_spec(engine) is None:  # which is quicker than to load it
            require(engine, extra="web", why="the page in the browser")
    listener = _listen(port)
    number = listener.getsockname()[1]
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with first_answer_begun() as first, tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder:
        address = f"http://{HOST}:{number}/?{TOKEN_PARAMETER}={token}"
        announce(address)
        if browser:  # which opens meanwhile
            threading.Thread(target=_open_browser, args=(address,), daemon=True).start()
        os.environ["NICEGUI_STORAGE_PATH"] = folder  # else it would keep files where the command is run
        uvicorn: Any = require("uvicorn", extra="web", why="the page in the browser")
        config = uvicorn.Config(  # without a word of its own in the terminal
            Guard(web.application(paths, Path(folder), first), token, number), loop="asyncio", lifespan="on",
            log_level="critical", access_log=False, server_header=False, date_header=False, proxy_headers=False,
            ws_max_size=_MAX_MESSAGE_BYTES, limit_concurrency=_MAX_CONNECTIONS, timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=75,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:
        raise InputError(f"port {port}: expected 0 (any free one) to {_MAX_PORT}")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # a browser that comes before the server is there waits for it
    except OSError as err:
        listener.close()
        reason = "is in use" if err.errno == EADDRINUSE else f"cannot be had ({err.strerror})"
        raise InputError(f"port {port} {reason}; without --port a free one is taken") from err
    return listener


def _open_browser(address: str) -> None:
    with suppress(webbrowser.Error):
        webbrowser.open(address)
