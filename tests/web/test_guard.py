"""Nobody but the user of the page gets an answer: by ASGI, without a server."""

import asyncio

import pytest

from kapitza.web.guard import Guard

TOKEN = "-".join(("secret", "of", "the", "address"))
HOME = [(b"host", b"127.0.0.1:8000")]
COOKIE = (b"cookie", f"other=1; kapitza-8000={TOKEN}".encode())


async def application(scope, receive, send):
    """An application that greets, invites everybody and reads what it is sent."""
    if scope["path"] == "/fault":
        raise RuntimeError("a fault\nof two lines")
    while scope["path"] == "/upload" and (await receive()).get("more_body"):
        pass
    headers = [(b"access-control-allow-origin", b"*"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def ask(headers, path="/", *, query=b"", method="GET", kind="http", pieces=(b"",), limit=1000):
    """What the guard answers: status, headers and body, or the messages of a socket."""
    waiting = [{"type": "http.request", "body": one, "more_body": i + 1 < len(pieces)} for i, one in enumerate(pieces)]
    if kind == "websocket":
        waiting = [{"type": "websocket.connect"}]
    sent = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "query_string": query, "headers": headers}
    if kind == "http":
        scope["method"] = method
    asyncio.run(Guard(application, TOKEN, 8000, limit)(scope, receive, send))
    if kind == "websocket":
        return sent
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])


def test_the_user_gets_the_page_and_nobody_is_invited() -> None:
    status, headers, body = ask([*HOME, COOKIE])
    assert (status, body) == (200, b"hello")
    assert b"access-control-allow-origin" not in headers
    assert headers[b"x-frame-options"] == b"DENY"
    assert b"default-src 'none'" in headers[b"content-security-policy"]


def test_the_first_visit_leaves_a_cookie_and_the_secret_leaves_the_address() -> None:
    status, headers, _ = ask(HOME, query=f"token={TOKEN}".encode())
    assert (status, headers[b"location"]) == (303, b"/")
    assert headers[b"set-cookie"] == f"kapitza-8000={TOKEN}; HttpOnly; SameSite=Strict; Path=/".encode()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ([], 403),
        ([(b"cookie", b"kapitza-8000=secret-of-the-addres")], 403),
        ([(b"cookie", f"kapitza-8001={TOKEN}".encode())], 403),
        ([COOKIE, (b"origin", b"http://evil.example")], 403),
        ([COOKIE, (b"origin", b"http://127.0.0.1:9999")], 403),
        ([COOKIE, (b"origin", b"null")], 403),
        ([COOKIE, (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"no-cors")], 403),
        ([COOKIE, (b"sec-fetch-site", b"same-site"), (b"sec-fetch-mode", b"cors")], 403),
        ([COOKIE, (b"host", b"127.0.0.1:8000")], 400),
        ([COOKIE, (b"content-length", b"-1")], 400),
        ([COOKIE, (b"content-length", "²".encode())], 400),
        ([COOKIE, (b"content-length", b"1001")], 413),
        ([COOKIE, (b"x", b"y" * 70_000)], 400),
        ([COOKIE, (b"origin", b"http://127.0.0.1:8000")], 200),
        ([COOKIE, (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-mode", b"cors")], 200),
    ],
)
def test_who_gets_what(more: list[tuple[bytes, bytes]], status: int) -> None:
    got, headers, body = ask([*HOME, *more])
    assert got == status
    assert (b"hello" in body) == (status == 200)
    assert b"set-cookie" not in headers


@pytest.mark.parametrize(
    "host", [b"evil.example", b"evil.example:8000", b"127.0.0.1.evil.example", b"127.0.0.1:80x", b"", b"[::1]:8000"]
)
def test_names_of_others_that_point_here_are_refused(host: bytes) -> None:
    assert ask([(b"host", host), COOKIE])[0] == 421
    assert ask([COOKIE])[0] == 421


def test_a_tunnel_may_have_another_port() -> None:
    assert ask([(b"host", b"localhost:9000"), COOKIE, (b"origin", b"http://localhost:9000")])[0] == 200


@pytest.mark.parametrize("more", [[], [COOKIE, (b"origin", b"http://evil.example")]])
def test_sockets_of_others_are_closed_before_they_open(more: list[tuple[bytes, bytes]]) -> None:
    assert [one["type"] for one in ask([*HOME, *more], "/_nicegui_ws/socket.io/", kind="websocket")] == [
        "websocket.close"
    ]


def test_what_is_sent_is_counted() -> None:
    small = ask([*HOME, COOKIE], "/upload", method="POST", pieces=(b"x" * 600, b"x" * 400))
    large = ask([*HOME, COOKIE], "/upload", method="POST", pieces=(b"x" * 600, b"x" * 401))
    assert (small[0], large[0]) == (200, 413)
    assert ask([*HOME, COOKIE], method="DELETE")[0] == 405


def test_a_fault_is_a_short_answer_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask([*HOME, COOKIE], "/fault")[::2] == (500, b"500 Internal Server Error\n")
    assert capsys.readouterr().err == "kapitza explore: RuntimeError: a fault of two lines\n"
