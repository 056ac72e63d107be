"""Force fields by name: published potentials, files of LAMMPS' pair styles, universal and any other calculators.

A batch of several structures in one call saves the overhead of a call, which is long on a graphics processor.  On an
ordinary one it saves nothing: the time grows with the atoms, and so does the memory (SevenNet 7net-0 on one core:
0.99 s for each of single cells of 72 atoms, 1.00, 1.74 and 2.15 s in batches of 2, 4 and 8, with 6 MB an atom).  So
structures go one by one there.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.potentials.calculators import choose_calculator, is_calculator_name
from kapitza.matter.potentials.force_field import BatchForces, ForceField
from kapitza.matter.potentials.pair_styles import find_pair_style, pair_style_force_field
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS, published_potential
from kapitza.units import angstrom

_DEFAULT_REACH = 6 * angstrom  # of the force constants of a calculator, where nobody says how far they are to go
_DISPLACEMENT = 0.02 * angstrom  # of atoms: rounded forces need a larger one than those of double precision
_ATOMS_AT_ONCE = 1024  # on a graphics processor: some 6 to 20 GB


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


def find_batch(calculator: Any) -> BatchForces | None:
    """Return how a calculator evaluates several structures at once; None where it does not, or gains nothing by it."""
    package = type(calculator).__module__.partition(".")[0]
    if package == "sevenn" and hasattr(calculator, "model") and str(getattr(calculator, "device", "cpu")) != "cpu":
        return sevennet_batch(calculator)
    if package == "nequix" and getattr(calculator, "backend", "") == "jax":
        return nequix_batch(calculator) if import_module("jax").default_backend() != "cpu" else None
    return None


def sevennet_batch(calculator: Any, atoms: int = _ATOMS_AT_ONCE) -> BatchForces:
    """Batches of a SevenNetCalculator (Y. Park et al., doi:10.1021/acs.jctc.4c00190) of at most so many `atoms`."""
    graphs, load = import_module("sevenn.atom_graph_data"), import_module("sevenn.train.dataload")
    keys, collater = import_module("sevenn._keys"), import_module("torch_geometric.loader.dataloader").Collater([])

    def forces(structures: Sequence[Any]) -> list[Array]:
        made = [load.unlabeled_atoms_to_graph(one, calculator.cutoff, with_shift=False) for one in structures]
        data = [graphs.AtomGraphData.from_numpy_dict(one) for one in made]
        if calculator.modal:
            for one in data:
                one[keys.DATA_MODALITY] = calculator.modal
        calculator.model.set_is_batch_data(True)
        try:
            found = calculator.model(collater(data).to(calculator.device))
        finally:
            calculator.model.set_is_batch_data(False)
        return _split(found[keys.PRED_FORCE].detach().cpu().numpy(), structures)

    return BatchForces(forces, atoms)


def nequix_batch(calculator: Any, atoms: int = _ATOMS_AT_ONCE) -> BatchForces:
    """Batches of a NequixCalculator in JAX (doi:10.48550/arXiv.2601.07742) of at most so many `atoms`."""
    data, jraph = import_module("nequix.data"), import_module("jraph")
    compiled = import_module("equinox").filter_jit(calculator.model)

    def forces(structures: Sequence[Any]) -> list[Array]:
        graphs = [
            data.dict_to_graphstuple(data.preprocess_graph(one, calculator.atom_indices, calculator.cutoff, False))
            for one in structures
        ]
        many = jraph.batch_np(graphs)
        # in steps, so that not every batch is compiled anew
        nodes, edges = (int(64 * (1 + counts.sum() // 64)) for counts in (many.n_node, 1.1 * many.n_edge))
        padded = jraph.pad_with_graphs(many, n_node=nodes, n_edge=edges, n_graph=len(structures) + 1)
        return _split(np.asarray(compiled(padded)[1]), structures)

    return BatchForces(forces, atoms)


def _split(forces: Any, structures: Sequence[Any]) -> list[Array]:
    """(n, 3) forces on each structure from those on all atoms, one after another, and on atoms that fill up."""
    ends = np.cumsum([len(one) for one in structures])
    return [np.array(part, dtype=float) for part in np.split(forces[: ends[-1]], ends[:-1])]
