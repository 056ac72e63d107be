r"""Response of a stack to periodic heat: one stable recursion for every spectral method.

In Laplace space (s = iω for periodic heat) and for a wave vector k along the layers, $\theta'' = u^2\theta$ in each
layer with

$$u = \sqrt{(k_\parallel k^2 + s C)/k_z},\qquad \gamma = k_z u .$$

The admittance Y = (heat flux away)/(temperature) is carried from the far end to the plane that is heated:

* semi-infinite layer: $Y = \gamma$; adiabatic end: 0; isothermal end: infinite
* a layer of thickness d: $Y \leftarrow \gamma (Y + \gamma t)/(\gamma + Y t)$, $t = \tanh u d$
* a boundary of conductance G: $Y \leftarrow Y/(1 + Y/G)$

With $e = e^{-2ud} - 1$ (`expm1`) $t = -e/(2 + e)$: nothing overflows in a thick layer and nothing cancels in a
thin one.  A plane with stacks on both sides sees $1/(Y_{up} + Y_{down})$.  Temperature at another plane follows from
factors $\theta_2/\theta_1 = 2e^{-ud}/[(1 + e^{-2ud}) + (Y/\gamma)(1 - e^{-2ud})]$ through a layer with Y behind it, and
$1/(1 + Y/G)$ across a boundary.

With a full conductivity tensor, $b = i(k_{xz}k_x + k_{yz}k_y)$ and
$c = k_{xx}k_x^2 + 2k_{xy}k_xk_y + k_{yy}k_y^2 + sC$, the same recursion holds with $\gamma = \sqrt{b^2 + k_{zz}c}$ and
$u = \gamma/k_{zz}$; temperatures at other depths take the factor $e^{-bz/k_{zz}}$.

Heat absorbed over a depth δ uses reciprocity: its response is the response to heat at the thermometer's plane,
averaged over the absorbing layer, and that average of exponentials is a closed form.

Recursions of this kind: D. G. Cahill, Rev. Sci. Instrum. 75, 5119 (2004), doi:10.1063/1.1819431; A. Feldman, High
Temp. High Press. 31, 293 (1999), doi:10.1068/htrt171.
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.stack import Boundary, Stack
from kapitza.device.setup import Back, Cut, Piece, Setup, Slab, cut
from kapitza.device.two_temperatures import coupled_impedance
from kapitza.device.waves import Complex, Wave, points, waves
from kapitza.errors import InputError


def admittance(
    stack: Stack,
    s: ArrayLike,
    kx: ArrayLike,
    ky: ArrayLike = 0.0,
    *,
    back: Back = "adiabatic",
    temperature: float = 300.0,
) -> Complex:
    r"""Heat flux into the top face of a stack per temperature of that face.

    Parameters
    ----------
    stack : layers from the top down; an infinite last layer is semi-infinite
    s : (ns,) Laplace variable, iω for periodic heat, s⁻¹
    kx, ky : (nk,) wave vector along the layers, rad m⁻¹
    back : "adiabatic" or "isothermal" lower face of a last layer of finite thickness
    temperature : K, at which boundary conductances of T are taken

    Returns
    -------
    (ns, nk) Y, W m⁻² K⁻¹

    Raises
    ------
    InputError
        for a layer without heat capacity where s is not 0, or infinite layers inside the stack
    """
    return 1 / impedance(stack, s, kx, ky, setup=Setup(back=back, temperature=temperature))


def impedance(stack: Stack, s: ArrayLike, kx: ArrayLike, ky: ArrayLike = 0.0, *, setup: Setup | None = None) -> Complex:
    r"""Temperature of the thermometer's plane per heat flux into the heater's.

    Parameters
    ----------
    stack : layers from the top down
    s : (ns,) Laplace variable, iω for periodic heat, s⁻¹
    kx, ky : (nk,) wave vector along the layers, rad m⁻¹
    setup : planes of heater and thermometer, absorption depth, what lies behind; None for both on the top face

    Returns
    -------
    (ns, nk) K m² W⁻¹

    Raises
    ------
    InputError
        for a layer without heat capacity where s is not 0, infinite layers inside the stack, planes that the stack does
        not have, or what is not modelled: depths of absorption in oblique layers, metals with two temperatures together
        with either or with two planes
    """
    setup = setup or Setup()
    at = points(s, kx, ky)
    scene = cut(stack, setup)
    if any(layer.coupling is not None for layer in stack.layers):
        return coupled_impedance(scene, setup, at)
    media = waves(stack, at)
    if setup.absorption_depth:
        return absorbed(scene, setup, media)
    up, down = sides(scene, scene.heater, setup, media)
    theta = 1 / (up.admittance + down.admittance)
    steps = scene.thermometer - scene.heater
    return passed(theta, down if steps > 0 else up, abs(steps), media, setup.temperature)


@frozen(eq=False)
class Side:
    """One side of a plane.

    Attributes
    ----------
    pieces : from the plane outwards
    behind : (ns, nk) admittance behind each piece, W m⁻² K⁻¹
    admittance : (ns, nk) of all of it, W m⁻² K⁻¹
    sign : of the direction in which it is looked at: 1 downwards, -1 upwards
    """

    pieces: tuple[Piece, ...]
    behind: tuple[Complex, ...]
    admittance: Complex
    sign: int


def sides(scene: Cut, plane: int, setup: Setup, media: dict[str, Wave]) -> tuple[Side, Side]:
    """What a plane sees upwards and downwards."""
    nothing = np.zeros((1, 1), dtype=complex)
    fixed = np.full((1, 1), np.inf, dtype=complex)
    end = fixed if setup.back == "isothermal" else nothing
    return (
        looked(scene.pieces[:plane][::-1], nothing, -1, media, setup.temperature),
        looked(scene.pieces[plane:], end, 1, media, setup.temperature),
    )


def looked(pieces: tuple[Piece, ...], end: Complex, sign: int, media: dict[str, Wave], temperature: float) -> Side:
    """Carry the admittance of the end through all pieces to the plane that they begin at."""
    y = end
    behind: list[Complex] = []
    for piece in reversed(pieces):
        behind.append(y)
        y = seen_through(piece, y, media, temperature)
    return Side(pieces, tuple(reversed(behind)), y, sign)


def seen_through(piece: Piece, y: Complex, media: dict[str, Wave], temperature: float) -> Complex:
    """Admittance before a piece, from that behind it."""
    isothermal = y.size == 1 and np.isinf(y[0, 0])
    if isinstance(piece, Boundary):
        r = piece.resistance(temperature)
        return np.full((1, 1), 1 / r if r else np.inf, dtype=y.dtype) if isothermal else y / (1 + y * r)
    wave = media[piece.layer.name]
    if np.isinf(piece.thickness):
        return wave.gamma
    e = np.expm1(wave.decay * (-2 * piece.thickness))
    t = -e / (2 + e)
    if isothermal:
        return wave.gamma / t
    return wave.gamma * (y + wave.gamma * t) / (wave.gamma + y * t)


def passed(theta: Complex, side: Side, steps: int, media: dict[str, Wave], temperature: float) -> Complex:
    """Temperature behind the first pieces of a side, from that at the plane."""
    for piece, y in zip(side.pieces[:steps], side.behind[:steps], strict=True):
        if isinstance(piece, Boundary):
            theta = theta / (1 + y * piece.resistance(temperature))
            continue
        wave = media[piece.layer.name]
        ud = wave.decay * piece.thickness
        e = np.expm1(-2 * ud)
        theta = theta * 2 * np.exp(-ud) / ((2 + e) - y / wave.gamma * e)
        if wave.skew is not None:
            theta = theta * np.exp(-side.sign * piece.thickness * wave.skew)
    return theta


def absorbed(scene: Cut, setup: Setup, media: dict[str, Wave]) -> Complex:
    r"""Response to heat $e^{-y/\delta}/[\delta(1 - e^{-D/\delta})]$ over the absorbing pieces, (ns, nk)."""
    delta = setup.absorption_depth
    both = sides(scene, scene.thermometer, setup, media)
    theta = 1 / (both[0].admittance + both[1].admittance)
    pieces = [(i, piece) for i, piece in enumerate(scene.pieces) if i in scene.absorbing and isinstance(piece, Slab)]
    if pieces[0][1].layer.oblique:
        raise InputError(
            f"absorption over a depth in {pieces[0][1].layer.name}, whose tensor is oblique, is not modelled"
        )
    downwards = scene.absorbing[0] >= scene.heater
    depth = 0.0
    total: Complex = np.zeros((1, 1), dtype=complex)
    for i, piece in pieces if downwards else pieces[::-1]:
        below = i >= scene.thermometer
        side, steps = (both[1], i - scene.thermometer) if below else (both[0], scene.thermometer - 1 - i)
        near = passed(theta, side, steps, media, setup.temperature)
        mean = averaged(media[piece.layer.name], piece.thickness, side.behind[steps], delta, away=below == downwards)
        total = total + np.exp(-depth / delta) * near * mean
        depth += piece.thickness
    return total / (-delta * np.expm1(-depth / delta))


def averaged(wave: Wave, thickness: float, y: Complex, delta: float, *, away: bool) -> Complex:
    r"""Integral over a slab of its temperature times $e^{-z/\delta}$, per temperature of its near face, (ns, nk) m.

    $\theta(z) \propto e^{-uz} + \rho\, e^{-u(2d - z)}$ with $\rho = (\gamma - Y)/(\gamma + Y)$ from the near face; the
    weight falls from the near face if `away`, else from the far one.
    """
    u, a = wave.decay, 1 / delta
    if np.isinf(thickness):
        return 1 / (u + a)
    isothermal = y.size == 1 and np.isinf(y[0, 0])
    rho = -np.ones((1, 1), dtype=complex) if isothermal else (wave.gamma - y) / (wave.gamma + y)
    far = np.exp(-u * thickness)
    falling = -np.expm1(-(u + a) * thickness) / (u + a)
    growing = difference(u, a, thickness)
    both = falling + rho * far * growing if away else growing + rho * far * falling
    return both / (1 + rho * far**2)


def difference(u: Complex, a: float, d: float) -> Complex:
    """(exp(-u d) - exp(-a d))/(a - u), smooth where u = a, without overflow."""
    z: Complex = (a - u) * d
    small = np.where(z.real > 0, -z, z)
    small[np.abs(small) < 1e-12] = -1e-12  # the limit is reached to 1e-12
    larger = np.where(z.real > 0, np.exp(-u * d), np.exp(-a * d))
    return np.multiply(larger * d, np.expm1(small) / small, dtype=complex)
