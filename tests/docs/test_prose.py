"""The prose of the pages: British spelling, no doubled words, no empty ones; who is to be cited for what."""

import re
import tomllib
from pathlib import Path

import pytest

import kapitza
from kapitza.theory.references import references

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# code, formulas and addresses are no prose
OTHER = re.compile(
    r"^```.*?^```$|^\$\$.*?^\$\$$|`[^`\n]*`|\$[^$\n]+\$|\]\([^)]*\)|https?://\S+", re.MULTILINE | re.DOTALL
)
SOUNDS_LIKE_YOU = r"(?:one|uni|use|usu|eu|ul?tili)"
RULES = {
    "a word twice": r"\b([A-Za-z]{2,})\s+\1\b",
    "a before a vowel, or an before a consonant": (
        rf"\ba (?!{SOUNDS_LIKE_YOU})[aeiou][a-z]+|\ban (?!h(?:our|onest))[bcdfghjklmnpqrstvwz][a-z]+"
    ),
    "American spelling": (
        r"\b(?:behavior|color|center(?!\w*ed\b)|modeled|modeling|neighbor|labeled|analyz|minimiz|optimiz|maximiz|"
        r"normaliz|realiz|discretiz|thermaliz|polariz(?!ab))\w*"
    ),
    "an empty word": (
        r"\b(?:simply|obviously|clearly|basically|actually|of course|in order to|note that|it is easy to see|"
        r"a lot of|etc|utili[sz]e|leverage|seamless(?:ly)?|state-of-the-art|powerful)\b"
    ),
    "a space before a mark": r"\w [,;:!?](?=\s)",
    "a private word": r"\b(?:is|are) told (?:as|by|with|of)\b|\bnumbers that are none\b",
}


def faults(text: str) -> list[str]:
    """What the rules find in a text, with its line."""
    prose = OTHER.sub(lambda match: re.sub(r"[^\n]", "¤", match[0]), text)
    return [
        f"line {prose.count(chr(10), 0, match.start()) + 1}: {rule}: {' '.join(match[0].split())!r}"
        for rule, pattern in RULES.items()
        for match in re.finditer(pattern, prose)
    ]


def test_prose() -> None:
    found = [f"{path.relative_to(ROOT)}, {one}" for path in PAGES for one in faults(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "This is the the line.",
        "A line\nline break.",
        "It is a error.",
        "It is an phonon.",
        "The behavior of phonons",
        "We simply note",
        "a number , and another",
        "it is told by its cause",
    ],
)
def test_the_rules_find_faults(text: str) -> None:
    assert len(faults(text)) == 1


def test_code_formulas_and_addresses_are_no_prose() -> None:
    assert faults("`color`, $a a$, [a](b b), https://x.org/center\n```python\nthe the color\n```\n") == []


def test_the_citation_is_that_of_this_version_and_of_known_works() -> None:
    """Version and licence are those of the package; each work is in the table of `kapitza cite`, letter by letter."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", text, re.MULTILINE) == [kapitza.__version__]
    assert '  - name: "kapitza developers"' in text
    licence = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["license"]
    assert f"\nlicense: {licence}\n" in text
    known = {one.title: one for one in references().values()}
    for entry in text.split("  - type: article\n")[1:]:
        held = dict(re.findall(r'^    (\w+): "?(.*?)"?$', entry, re.MULTILINE))
        work = known[held["title"]]
        assert (held["journal"], held["volume"], held["start"]) == (work.journal, work.volume, work.pages)
        assert (int(held["year"]), held.get("doi", "")) == (work.year, work.doi)
