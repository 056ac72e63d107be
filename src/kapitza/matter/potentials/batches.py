"""Forces on several structures in one call, where the package of a calculator can do that.

A batch saves the overhead of a call, which is long on a graphics processor.  On an ordinary one it saves nothing: the
time grows with the atoms, and so does the memory (SevenNet 7net-0 on one core: 0.99 s for each of single cells of 72
atoms, 1.00, 1.74 and 2.15 s in batches of 2, 4 and 8, with 6 MB an atom).  So structures go one by one there.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.matter.potentials.force_field import BatchForces

_ATOMS_AT_ONCE = 1024  # on a graphics processor: some 6 to 20 GB


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
