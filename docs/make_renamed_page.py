"""Write the page "From 0.1 to 0.2" from the table of renamed names.

Usage: python docs/make_renamed_page.py

The table, how-to/renamed-in-0.2.toml, has sections for the names that 0.1 had at top level, for modules, for what was
inside of modules, and for changes that were made one by one, in their order: the new name of one change may be the old
name of a later one.  The page has the final names.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE, PAGE = HERE / "how-to" / "renamed-in-0.2.toml", HERE / "how-to" / "from-0.1.md"
INTRODUCTION = """\
# From 0.1 to 0.2

Version 0.2 computes what 0.1 computed, under other names.  Version 0.1 had 518 names at top level, and many of them
were not terms of the field.  Now `kapitza` itself has the names that one needs on the first day, and everything else is
in the room of its subject: `kapitza.md`, `kapitza.eels`, `kapitza.thermoreflectance`, `kapitza.boltzmann`,
`kapitza.device`, `kapitza.lattice` and so on.  The [reference](../reference/index.md) lists each room.

## Convert a script

1. Look up each name that you import from `kapitza` in the [table of names](#names-at-top-level).  A name that is not in
   the table has not changed.
2. Look up each module that you import in the [table of modules](#modules).
3. Look up arguments, attributes, options and keys of files in the
   [last table](#attributes-arguments-options-and-keys).
4. Write the arguments of records by name.  Records with more than six attributes accept them only by name.

A run of molecular dynamics in 0.1:

    import kapitza

    potential = kapitza.lennard_jones(["Ar"])
    system = kapitza.mass_interface("Ar", potential, 3, cells=(3, 3), length=4, bath=1, lattice_constant=5.35e-10)
    baths = kapitza.Baths("langevin", 36, 24, 1e-12)
    course = kapitza.Course(timestep=10e-15, steps=100, blocks=8, equilibration=50, power=10, seed=1)
    record = kapitza.heat_run(system, potential, kapitza.Own(), baths, course, kapitza.Looks(segment=64))

and in 0.2:

```python
from kapitza import md

potential = md.lennard_jones(["Ar"])
system = md.mass_interface("Ar", potential, 3, cells=(3, 3), length=4, thermostat=1, lattice_constant=5.35e-10)
thermostats = md.Thermostats("langevin", 36, 24, 1e-12)
protocol = md.Protocol(
    thermostats=thermostats, timestep=10e-15, steps=100, blocks=8, equilibration=50, power_interval=10, seed=1
)
run = md.run(system, potential, md.BuiltinEngine(), protocol, md.Sampling(segment=64))
```

Other lines that occur often:

| 0.1 | 0.2 |
|---|---|
| `kapitza.agf_modes(junction, omega)` | `kapitza.lattice.agf_modes(junction, omega)` |
| `kapitza.device_temperatures(device)` | `kapitza.solve(device)` |
| `kapitza.read_eels("scan.ndata")` | `kapitza.eels.read_eels("scan.ndata")` |
| `kapitza.crystal_from_potential(...)` | `kapitza.lattice.crystal_from_potential(...)` |
| `kapitza.Tdtr(...)` | `kapitza.thermoreflectance.Tdtr(...)` |

## Saved files and interrupted runs

Files that 0.1 saved load with `kapitza.load`; a record comes back as the type that has its new name.  A folder in which
0.1 left the state of a run of molecular dynamics, or units of other long work, is taken up again by the same call with
the same inputs.  Commands, their options and the keys of input files have the names that they had in 0.1, unless the
last table lists them.
"""
INSIDE = """\
## Inside of modules

Functions, classes and constants that 0.1 had in its modules but not at top level are in the section `[inside]` of the
file [`renamed-in-0.2.toml`](renamed-in-0.2.toml).  A name that only its own module uses now begins with an underscore;
it may change at any time.
"""
CHANGES = """\
## Attributes, arguments, options and keys

Changes that were made one by one, after the names above.
"""


def final_name(name: str, changes: Mapping[str, str]) -> str:
    """Name after all changes: of the name itself, or of the class or module that it belongs to."""
    for old, new in changes.items():
        if name == old or (name.startswith(old + ".") and not name.startswith(new)):
            name = new + name.removeprefix(old)
    return name


def rows(renamed: Mapping[str, str], changes: Mapping[str, str]) -> str:
    """Lines of a table of old and new names."""
    pairs = [(old, final_name(new, changes)) for old, new in renamed.items()]
    lines = [f"| `{old}` | {new_text(new)} |" for old, new in pairs if old != new]
    return "\n".join(["| 0.1 | 0.2 |", "|---|---|", *lines]) + "\n"


def new_text(new: str) -> str:
    """A new name as code; a remark in parentheses as it stands."""
    return new.strip("()") if new.startswith("(") else f"`{new}`"


def page() -> str:
    """The page."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    changes = table["by-hand"]
    parts = [
        INTRODUCTION,
        "## Names at top level\n\n" + rows(table["names"], changes),
        "## Modules\n\n" + rows(table["modules"], changes),
        INSIDE,
    ]
    if changes:
        parts.append(CHANGES + "\n" + rows(changes, changes))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
