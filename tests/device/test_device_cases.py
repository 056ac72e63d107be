"""Devices against closed forms that are written out in benchmarks/device_cases.py: within what is stated."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "device_cases.py"
SPEC = spec_from_file_location("device_cases", BENCHMARK)
assert SPEC is not None
assert SPEC.loader is not None
CASES = module_from_spec(SPEC)
sys.modules[SPEC.name] = CASES
SPEC.loader.exec_module(CASES)


@pytest.mark.parametrize("name", list(CASES.CASES))
def test_a_device_agrees_with_its_closed_form_within_the_stated_error(name):
    one = CASES.CASES[name]()
    assert one.holds, one
    assert one.stated <= 0.03 * abs(one.want), one
