"""A run in a process of its own, to be killed: folder and file of the result are its arguments."""

import sys
from pathlib import Path

import numpy as np
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))
from stub_engine import BATHS, COURSE, FIELD, Counter, Stub, small

from kapitza.simulate.md.runs.single import run_single


def run(folder=None):
    counter = Counter(7)
    record = run_single(small(), FIELD, Stub(pause=0.0005), evolve(COURSE, thermostats=BATHS), [counter], store=folder)
    return {"heat": record.heat, "temperature": record.temperature, "energy": record.energy, "total": counter.total}


if __name__ == "__main__":
    print("go", flush=True)  # noqa: T201
    np.savez(sys.argv[2], **run(sys.argv[1]))
