r"""How thin a layer may be before its boundaries resist more than it does.

A layer of conductivity k between boundaries of resistances $R_1$ and $R_2$ resists as much as both together at the
thickness $k(R_1 + R_2)$: the sum of its two Kapitza lengths.  Below that it is of little use to make it of a better
conductor.
"""

from kapitza.core.stack import Stack


def boundary_lengths(stack: Stack, temperature: float = 300.0) -> dict[str, float]:
    """Thickness of each layer below which its boundaries resist more than it does through its thickness, by name, m.

    Parameters
    ----------
    stack : layers and boundaries
    temperature : K, at which boundary conductances of T are taken
    """
    resistances = [0.0, *(boundary.resistance(temperature) for boundary in stack.boundaries), 0.0]
    return {
        layer.name: layer.conductivity * (resistances[i] + resistances[i + 1]) for i, layer in enumerate(stack.layers)
    }
