"""Damage to files: what a disk, an editor or an enemy does to them, drawn at random."""

import re
from random import Random

HOSTILE_NUMBERS = (
    "0", "-0.0", "-1", "1e-300", "-1e-300", "1e300", "-1e300", "1e999", "nan", "inf", "-inf", "true", '""', "[]", "{}",
    "9223372036854775808", "1" * 400, "0.5", "3", "1e-9", "1e12", "2.0000000000000004",
)  # fmt: skip
HOSTILE_TEXTS = (
    "", " ", "\\u0000", "../../../../etc/passwd", "/dev/zero", "Si", "é" * 9, "x" * 20_000, "1 m", "1 K", "-5 nm", "%",
    "1e400 nm", "{}", "nan K",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")
_TEXT = re.compile(r'"[^"\n]*"')
_KEY = re.compile(r"^\s*[\w\"|.]+(?=\s*[=:])", re.MULTILINE)
_EXTREME_BYTES = (bytes(8), b"\xff" * 8, b"\x00\x00\x00\x00\x00\x00\xf0\x7f", b"\xff\xff\xff\x7f", b"\x01", b"\x80")


def damaged(content: bytes, rng: Random, *, binary: bool) -> bytes:
    """Content after one to three faults."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if binary or rng.random() < 0.2:
            content = _damage_bytes(content, rng)
        else:
            content = _damage_text(content.decode("utf-8", "surrogateescape"), rng).encode("utf-8", "surrogateescape")
    return content


def _damage_bytes(content: bytes, rng: Random) -> bytes:
    """One fault of bytes: flipped, overwritten, cut out, repeated, moved, cut off."""
    if not content:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(content))
    end = min(len(content), at + rng.choice((1, 2, 8, 64, 512)))
    match rng.randrange(8):
        case 0 | 1:
            return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
        case 2:
            extreme = rng.choice(_EXTREME_BYTES)
            return content[:at] + extreme + content[at + len(extreme) :]
        case 3:
            return content[:at] + content[end:]
        case 4:
            return content[:end] + content[at:end] * rng.choice((1, 3, 50)) + content[end:]
        case 5:
            return content[:at] + rng.randbytes(end - at) + content[end:]
        case 6:
            other = rng.randrange(len(content))
            return content[:at] + content[other : other + end - at] + content[end:]
        case _:
            return content[:at]


def _damage_text(content: str, rng: Random) -> str:
    """One fault of a text: a number, text, key or line replaced, taken out, repeated or nested."""
    match rng.randrange(9):
        case 0 | 1 | 2:
            return _replaced(_NUMBER, content, rng, rng.choice(HOSTILE_NUMBERS))
        case 3:
            return _replaced(_TEXT, content, rng, f'"{rng.choice(HOSTILE_TEXTS)}"')
        case 4:
            return _exchanged(rng.choice((_NUMBER, _TEXT)), content, rng)
        case 5:
            return _replaced(_KEY, content, rng, rng.choice(("unknown", "", "a.b.c", '"x"')))
        case 6:
            return _replaced(_NUMBER, content, rng, rng.choice(("[", "{a=")) * rng.choice((1, 3, 2000)))
        case _:
            lines = content.split("\n")
            at = rng.randrange(len(lines))
            line = lines[at]
            lines[at : at + 1] = rng.choice(([], [line] * 2, [line] * 2000, [rng.choice(lines)], [line[::-1]]))
            return "\n".join(lines)


def _replaced(pattern: re.Pattern[str], content: str, rng: Random, by: str) -> str:
    """Content with one match of the pattern replaced."""
    found = list(pattern.finditer(content))
    if not found:
        return content + by
    one = rng.choice(found)
    return content[: one.start()] + by + content[one.end() :]


def _exchanged(pattern: re.Pattern[str], content: str, rng: Random) -> str:
    """Content with two matches of the pattern exchanged."""
    found = list(pattern.finditer(content))
    if len(found) < 2:
        return content[::-1]
    first, second = sorted(rng.sample(found, 2), key=lambda one: one.start())
    between = content[first.end() : second.start()]
    return content[: first.start()] + second[0] + between + first[0] + content[second.end() :]
