"""The server as a process: one line of address, no answer to anybody else, nothing in the terminal."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A running page, its port and its secret."""
    environment = os.environ | {"KAPITZA_CACHE": str(tmp_path_factory.mktemp("cache"))}
    words = [sys.executable, "-m", "kapitza", "explore", "--no-browser"]
    folder = tmp_path_factory.mktemp("here")
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline()
        match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n", address)
        assert match, address
        try:
            yield process, int(match[1]), match[2]
        finally:
            process.kill()
    assert list(folder.iterdir()) == []


def exchange(port: int, request: bytes, *, end: bool = False) -> bytes:
    """What the server answers to some bytes, after which the sender may end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        try:
            link.sendall(request)
            if end:
                link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(65536), b""))
        except ConnectionError:
            return b""


def status(port: int, path: str, *headers: str, method: str = "GET") -> int:
    """Status of an answer."""
    lines = (f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", "")
    answer = exchange(port, "\r\n".join(lines).encode())
    return int(answer.split()[1])


def test_only_with_the_secret(server: tuple[subprocess.Popen[str], int, str]) -> None:
    _, port, token = server
    host, cookie = f"Host: 127.0.0.1:{port}", f"Cookie: kapitza-{port}={token}"
    assert status(port, "/", host) == 403
    assert status(port, f"/?token={token}", host) == 303
    assert status(port, "/", host, cookie) == 200
    assert status(port, "/", "Host: evil.example", cookie) == 421
    assert status(port, "/", host, cookie, "Origin: http://evil.example") == 403
    socket_path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert status(port, socket_path, host) == 403
    assert status(port, socket_path, host, cookie, "Origin: https://evil.example") == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/_nicegui/3/static/../../../../etc/passwd",
        "/_nicegui/auto/static/x/etc/passwd", "//etc/passwd", "/..%5c..%5cetc%5cpasswd", "/docs", "/openapi.json",
    ],
)  # fmt: skip
def test_no_file_of_the_machine_is_served(server: tuple[subprocess.Popen[str], int, str], path: str) -> None:
    _, port, token = server
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: kapitza-{port}={token}\r\nConnection: close\r\n\r\n"
    )
    answer = exchange(port, request.encode())
    assert b"root:" not in answer
    assert b"swagger" not in answer.lower()


def malformed(rng: random.Random, port: int, token: str) -> bytes:
    """A request that is damaged in one of many ways, with the secret in half of the cases."""
    good = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    good += f"Cookie: kapitza-{port}={token}\r\n" if rng.random() < 0.5 else ""
    data = bytearray((good + "\r\n").encode())
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 400))
    if kind == 1:
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(data)
    if kind == 2:
        return bytes(data[: rng.randrange(len(data))])
    if kind == 3:
        head = f"POST /_nicegui/client/{rng.random()}/upload/7 HTTP/1.1\r\nHost: localhost\r\n"
        return f"{head}Content-Length: {10**30}\r\n\r\n".encode()
    if kind == 4:
        return bytes(data[:-2]) + b"X: " + b"y" * rng.randrange(100_000) + b"\r\n\r\n"
    upgrade = (
        f"Upgrade: websocket\r\nSec-WebSocket-Version: {rng.randrange(20)}\r\nSec-WebSocket-Key: {rng.random()}\r\n\r\n"
    )
    return bytes(data[:-2]) + upgrade.encode()


@pytest.mark.parametrize("requests", [300, pytest.param(1000, marks=pytest.mark.slow)])
def test_malformed_requests_leave_no_trace(server: tuple[subprocess.Popen[str], int, str], requests: int) -> None:
    process, port, token = server
    rng = random.Random(20)
    for _ in range(requests):
        answer = exchange(port, malformed(rng, port, token), end=True)
        assert b"Traceback" not in answer
    assert process.poll() is None
    assert status(port, "/", f"Host: 127.0.0.1:{port}", f"Cookie: kapitza-{port}={token}") == 200


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_ends_it_in_one_line(server: tuple[subprocess.Popen[str], int, str]) -> None:
    process, _, _ = server
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "note: the page is for this machine alone; Ctrl+C ends it\nkapitza: interrupted\n"


def test_bad_words_are_one_line(tmp_path: Path) -> None:
    for words, message in (
        (["--port", "99999"], "port 99999: expected 0 (any free one) to 65535"),
        ([str(tmp_path / "none.hspy")], "there is no such file"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "kapitza", "explore", *words], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
