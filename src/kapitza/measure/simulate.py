"""Made-up data: what an experiment would measure, with noise."""

import numpy as np

from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve, Experiment


def simulate_curve(experiment: Experiment, stack: Stack, *, noise: float = 0.0, seed: int = 0) -> Curve:
    """What an experiment would measure on a stack.

    Parameters
    ----------
    experiment, stack : what is measured on what
    noise : standard deviation of each point: relative, or in rad for phases
    seed : of the noise

    Returns
    -------
    Curve against delay (s), frequency (Hz) or whatever the experiment varies; its sigma is that of the noise

    Raises
    ------
    InputError
        for noise below zero
    """
    if not (np.isfinite(noise) and noise >= 0):
        raise InputError(f"noise = {noise:g}, wanted a finite number of at least 0")
    value, kind = experiment.predict(stack), str(getattr(experiment, "kind", "temperature"))
    sigma = noise * (np.ones(value.size) if kind == "phase" else np.abs(value))
    made = value + sigma * np.random.default_rng(seed).standard_normal(value.size)
    _, x = varied(experiment)
    return Curve(x, made, sigma if noise else None, kind)


def varied(experiment: Experiment) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Name and values (n,) of what an experiment varies, SI.

    Raises
    ------
    InputError
        if it varies neither delay nor frequency, time, thickness, radius or power
    """
    for name in ("delay", "frequency", "time", "thickness", "radius", "power"):
        if hasattr(experiment, name):
            return name, getattr(experiment, name)
    raise InputError(f"{type(experiment).__name__} {experiment.name!r} varies nothing that could stand on an axis")
