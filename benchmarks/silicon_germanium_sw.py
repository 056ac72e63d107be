"""Si/Ge of a file of `kapitza md nemd` with Stillinger and Weber's potential in place of Tersoff's.

Usage: python benchmarks/silicon_germanium_sw.py docs/samples/si-ge-md.toml --length 20 --time 200 [--store FOLDER]

The atoms stand where Tersoff's potential puts them, all distances multiplied by the ratio of the lattice constants of
both potentials (mean of Si and Ge), 0.9997.
"""

import argparse

from attrs import evolve

from kapitza import md
from kapitza.io import read_run
from kapitza.units import ps

RATIO = 5.5425 / 5.5444  # mean lattice constants of both crystals at rest, Stillinger-Weber over Tersoff
STEPS = 2500  # of a block


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="of a run of Si and Ge with Tersoff's potential")
    parser.add_argument("--length", type=float, default=20.0, help="of a side, nm")
    parser.add_argument("--difference", type=float, default=160.0, help="of the thermostats, K")
    parser.add_argument("--time", type=float, default=200.0, help="sampled, ps")
    parser.add_argument("--equilibration", type=float, default=40.0, help="ps")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--store", help="folder from which the run is resumed")
    given = parser.parse_args()
    file = read_run(given.file)
    system = file.system(factor=given.length / float(file.table.text("length").split()[0]))
    made = evolve(
        system, positions=system.positions * RATIO, lattice=system.lattice * RATIO, plane=system.plane * RATIO
    )
    held = file.protocol
    mean = (held.thermostats.hot + held.thermostats.cold) / 2
    hot, cold = mean + given.difference / 2, mean - given.difference / 2
    protocol = evolve(
        held,
        thermostats=evolve(held.thermostats, hot=hot, cold=cold),
        steps=STEPS,
        blocks=round(given.time * ps / (STEPS * held.timestep)),
        equilibration=round(given.equilibration * ps / held.timestep),
        power_interval=10,
        seed=given.seed,
    )
    sampling = md.Sampling(segment=0, planes=0)
    potential = md.stillinger_weber(tuple(file.potential.kinds))
    found = md.run(made, potential, file.engine, protocol, sampling, store=given.store).result()
    print(f"R = {found.resistance * 1e9:.3f} +- {found.sigma * 1e9:.3f} m2K/GW", *found.reasons, sep="; ")


if __name__ == "__main__":
    main()
