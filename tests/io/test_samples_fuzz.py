"""Damaged sample files and tables: an answer or one line, never a traceback, and never for long."""

import random
import time
import warnings

import pytest

import kapitza
from kapitza.errors import KapitzaError

SAMPLE = """\
title = "x"
temperature = 300
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "Si"
material = "Si"
[boundaries]
"Al|Si" = "150 MW/m2K"
[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "5 um"
delayed = "pump"
data = "curve.csv"
noise = "1 %"
[[experiments]]
kind = "cooling"
name = "film"
times = ["1 ns", "9 ns", 5]
changes = { "Al.thickness" = "70 nm" }
[fit]
free = ["Al|Si.conductance"]
[fit.uncertain]
"Al.heat_capacity" = { value = "2.4 MJ/m3K", sigma = "0.05 MJ/m3K" }
spot = "4 %"
[fit.ties]
spot = { names = ["tdtr.pump_radius", "tdtr.probe_radius"], kind = "factor" }
"""
DATA = "# a comment\ndelay_ps,Vin_uV,Vout_uV,sigma\n100,12,-2,0.1\n200,10,-2.1,0.1\n400,9,-2.2,0.1\n1000,6,-2.5,0.1\n"
RAW = ["nan", "-1", '""', "[[x]]", "é", "\x00", "\n", "=", '"', ",", "#", "{ a = 1 }", "\'\'\'", "|", "\ufeff", "\t",
       "9" * 400, "[[layers]]", "[fit]"]  # fmt: skip
VALUES = ["nan", "inf", "-1", "0", "1e-300", "1e300", "7", '"-80 nm"', '"80 nK"', '"80 nm"', '"80 ps"', '"5 MHz"',
          '"x"', '""', "[]", "{}", "true", "2020-01-01", "[1, 2, 3]", '["a", "b"]', '"perfect"', '"curve.csv"', '"Al"',
          '"Si"', '"sample.toml"', '"tdtr"', '"fdtr"', '"steady"', '"pump"', '"probe"', '"3 %"', "300"]  # fmt: skip


def damaged(text: str, chance: random.Random) -> str:
    """Text with one or two values, cells, lines or characters changed."""
    for _ in range(chance.randint(1, 2)):
        lines = text.splitlines(keepends=True) or ["x"]
        k, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        given = [i for i, line in enumerate(lines) if " = " in line]
        what = chance.randrange(6)
        if what < 3 and given:
            k = chance.choice(given)
            lines[k] = lines[k].split(" = ")[0] + " = " + chance.choice(VALUES) + "\n"
        elif what < 3:
            cells = lines[k].split(",")
            cells[chance.randrange(len(cells))] = chance.choice([*VALUES, "1", "100", "1e3", "-3"])
            lines[k] = ",".join(cells)
        elif what == 3:
            lines[k], lines[other] = lines[other], lines[k]
        elif what == 4:
            del lines[k]
        text = "".join(lines) or "x"
        if what == 5:
            i = chance.randrange(len(text))
            text = text[:i] + chance.choice(["", *RAW]) + text[i + chance.choice([0, 1, 2, 5, 20]) :]
    return text


def fitted(experiment, curve, stack, free, priors, ties):
    return kapitza.fit(experiment, curve, stack, free, priors=priors, ties=ties, starts=1)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["sample.toml", "curve.csv"])
def test_damaged_files_give_an_answer_or_one_line(tmp_path, which):
    chance = random.Random(5)
    whole = {"sample.toml": SAMPLE, "curve.csv": DATA}
    outcome = {"read": 0, "refused": 0}
    for _ in range(250):
        for name, text in whole.items():
            content = damaged(text, chance) if name == which else text
            (tmp_path / name).write_bytes(content.encode())
        said, start = "", time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                held = kapitza.io.read_sample(tmp_path / "sample.toml")
                # what was read can be predicted, and fitted, or is refused in words
                for one, stack in zip(held.experiments, held.stacks, strict=True):
                    one.predict(stack)
                if held.curves and held.curves[0] is not None and outcome["read"] % 20 == 0:
                    named = (held.free, held.priors, held.ties)
                    fitted(held.experiments[0], held.curves[0], held.stacks[0], *named)
            outcome["read"] += 1
        except (KapitzaError, OSError) as err:
            said = str(err)
            outcome["refused"] += 1
        except Exception as err:
            raise AssertionError(f"{type(err).__name__}: {err}\n{content}") from err
        assert "\n" not in said, content
        assert time.process_time() - start < 5, content
    assert min(outcome.values()) > 15, outcome
