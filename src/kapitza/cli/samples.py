"""What the verbs of sample files share: their argument, and what experiments vary, with its unit."""

from typing import Annotated

import typer

SampleArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Sample file (.toml): stack, data, and experiments of any kind: tdtr, fdtr, steady, three-omega, raman, "
        "cooling, particle, flash, grating, beam-offset.",
    ),
]
ABSCISSA_UNITS = {
    "delay": "s", "frequency": "Hz", "time": "s", "thickness": "m", "radius": "m", "power": "W", "offset": "m",
}  # fmt: skip
