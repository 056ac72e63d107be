"""Force fields by name: published potentials, files of LAMMPS' pair styles, universal and any other calculators."""

from collections.abc import Mapping, Sequence

from kapitza.errors import InputError
from kapitza.matter.potentials.batches import find_batch
from kapitza.matter.potentials.calculators import choose_calculator, is_calculator_name
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.pair_styles import find_pair_style, pair_style_force_field
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS, published_potential
from kapitza.units import angstrom

_DEFAULT_REACH = 6 * angstrom  # of the force constants of a calculator, where nobody says how far they are to go
_DISPLACEMENT = 0.02 * angstrom  # of atoms: rounded forces need a larger one than those of double precision


def named_force_field(
    name: str, symbols: Sequence[str], *, arguments: Mapping[str, object] | None = None, reach: float | None = None
) -> ForceField:
    """Return the forces that a name stands for: a published potential ("tersoff"), a file of a pair style of LAMMPS
    ("CuNi.eam.alloy", from the folder of its own potentials if there is none here), a universal potential ("sevenn",
    "nequix", "unep", "mace"), or the import path "module:Class" of a calculator of ASE.

    `reach` is the distance beyond which force constants of a calculator are left out, m; None: 6 Å, twice the cutoff of
    a file of LAMMPS.  Published potentials and files of the embedded-atom method reach as far as they do.
    """
    given = dict(arguments or {})
    style = find_pair_style(name)
    if style is None and is_calculator_name(name):
        choice = choose_calculator(name, given, symbols)
        far = _DEFAULT_REACH if reach is None else reach
        calculator = choice.make()
        return ForceField(
            choice.title, calculator, far, step=_DISPLACEMENT, source=choice.source, identity=choice.identity,
            batch=find_batch(calculator), recipe={"name": name, "arguments": given},
        )  # fmt: skip
    if given or (reach is not None and (style is None or style.analytic)):
        what = f"arguments ({', '.join(given)})" if given else "reach"
        raise InputError(f"the potential {name!r:.60} takes no {what}: expected a calculator such as nequix for these")
    if style is not None:
        return pair_style_force_field(style, symbols, reach)
    try:
        return published_potential(name, symbols)
    except InputError as err:
        if name.lower() in (*PUBLISHED_POTENTIALS, "sw", "lj"):
            raise
        raise InputError(
            f"{err} Or a file of LAMMPS (.eam.alloy, .tersoff, ...), sevenn, nequix, unep, mace, or module:Class"
        ) from None
