"""Which crystals miss forces between dipoles, where a potential has none of long range."""

from collections.abc import Sequence

from kapitza.matter.structure import Structure

_NONMETALS = frozenset(("H", "C", "N", "P", "As", "Sb", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"))


def is_polar(one: Structure) -> bool:
    """Whether atoms of a crystal carry effective charges, if it insulates: compounds of nonmetals do."""
    elements = set(one.symbols)
    return len(elements) > 1 and bool(elements & _NONMETALS)


def name_missing_dipoles(crystals: Sequence[Structure]) -> str:
    """One line that says which part of the force constants of polar crystals is missing; empty where none is."""
    names = list(dict.fromkeys(one.name for one in crystals if is_polar(one)))
    if not names:
        return ""
    what = "is polar where it insulates" if len(names) == 1 else "are polar where they insulate"
    return (
        f"{', '.join(names)} {what}: forces between dipoles reach further than this potential, none of these is added, "
        "and long waves miss the splitting of longitudinal and transverse optical modes"
    )
