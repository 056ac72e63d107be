"""Write the pages "From 0.1" and "From 0.2" from the tables of renamed names.

Usage: python docs/make_renamed_page.py

A table, how-to/renamed-in-0.2.toml or renamed-in-0.3.toml, has sections for public names, for modules, for names inside
modules, and for changes that were made one by one, in their order: the new name of one change may be the old name of a
later one.  Both pages have the names of the current version.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from doors import source_of

HOW_TO = Path(__file__).resolve().parent / "how-to"
FROM_0_1 = """\
# From 0.1 to 0.3

Version 0.3 computes what 0.1 computed, under other names.  Version 0.1 had 518 names at top level, and many of them
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

and in 0.3:

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

| 0.1 | 0.3 |
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
FROM_0_2 = """\
# From 0.2 to 0.3

Version 0.3 computes the same results as version 0.2.  Each public name is now in exactly one module: `kapitza`, the
module of a subject (`kapitza.md`, `kapitza.eels`), or a module below it (`kapitza.md.systems`, `kapitza.plot.eels`).
The [reference](../reference/index.md) lists the names of each.  If a name has moved, the error gives its new place.

Files that 0.1 and 0.2 saved load with `kapitza.load`.
"""
INSIDE = """\
## Inside of modules

Functions, classes and constants inside modules are in the section `[inside]` of the file [`{table}`]({table}).  A name
that only its own module uses begins with an underscore; it may change at any time.
"""
CHANGES = """\
## Attributes, arguments, options and keys

Changes that were made one by one, after the names above.
"""


def final_name(name: str, changes: Mapping[str, str]) -> str:
    """Return the name after all changes: of the name itself, or of the class or module that it belongs to.

    A function may have the name of its module, `kapitza.theory.amm`; if it moves, the rest of the module stays.
    """
    for old, new in changes.items():
        is_member = name.startswith(old + ".") and not name.startswith(new)
        if name == old or (is_member and not source_of(old).exists()):
            name = new + name.removeprefix(old)
    return name


def read_table(version: str) -> dict[str, dict[str, str]]:
    """Return the sections of the table of names that were renamed in a version."""
    return tomllib.loads((HOW_TO / f"renamed-in-{version}.toml").read_text(encoding="utf-8"))


def final_changes(version: str) -> dict[str, str]:
    """Return the changes made one by one in a version, and all changes of the versions after it."""
    changes = dict(read_table(version)["by-hand"])
    if version == "0.2":
        later = read_table("0.3")
        changes |= {old: new for section in later.values() for old, new in section.items()}
    return changes


def rows(old_version: str, renamed: Mapping[str, str], changes: Mapping[str, str]) -> str:
    """Return the lines of a table of old and new names."""
    pairs = [(old, final_name(new, changes)) for old, new in renamed.items()]
    lines = [f"| `{old}` | {new_text(new)} |" for old, new in pairs if old != new]
    return "\n".join([f"| {old_version} | 0.3 |", "|---|---|", *lines]) + "\n"


def new_text(new: str) -> str:
    """Return a new name as code; a remark in parentheses as it stands."""
    return new.strip("()") if new.startswith("(") else f"`{new}`"


def page(old_version: str) -> str:
    """Return the page for those who come from a version."""
    version = "0.2" if old_version == "0.1" else "0.3"
    table, changes = read_table(version), final_changes(version)
    titles = {"names": "Names at top level" if old_version == "0.1" else "Public names", "modules": "Modules"}
    parts = [FROM_0_1 if old_version == "0.1" else FROM_0_2]
    parts += [f"## {titles[key]}\n\n{rows(old_version, table[key], changes)}" for key in titles if table[key]]
    if table["inside"]:
        parts.append(INSIDE.format(table=f"renamed-in-{version}.toml"))
    if table["by-hand"]:
        parts.append(CHANGES + "\n" + rows(old_version, table["by-hand"], changes))
    return "\n".join(parts)


if __name__ == "__main__":
    for old_version in ("0.1", "0.2"):
        (HOW_TO / f"from-{old_version}.md").write_text(page(old_version), encoding="utf-8")
