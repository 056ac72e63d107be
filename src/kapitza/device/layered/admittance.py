"""Response of a stack to periodic heat: thermal waves in layers and one stable recursion over them."""

from collections.abc import Iterator
from functools import reduce
from itertools import islice
from typing import NamedTuple

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import ComplexArray
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.device.setup import (
    BackCondition,
    LayerSlice,
    Plane,
    Setup,
    SlicedStack,
    StackPiece,
    heat_capacity_of,
    slice_stack,
)
from kapitza.errors import InputError

_KEPT_WAVES, _KEPT_SLOPES = 16, 4  # layers at the same points, thicknesses of the same layer
_LARGEST_KEPT = 20_000  # points, above which nothing is kept


@frozen(eq=False)
class ThermalWave(BaseRecord):
    """Waves of one layer."""

    gamma: ComplexArray  # (ns, nk) heat flux per temperature of a wave that decays, W m⁻² K⁻¹
    decay: ComplexArray  # (ns, nk) its decay u, m⁻¹
    # (nk,) imaginary b/k_zz by which the tensor turns its phase with depth, m⁻¹; None without such elements
    skew: ComplexArray | None
    _slopes: dict[float, ComplexArray] = field(init=False, repr=False, factory=dict)

    def slope(self, thickness: float) -> ComplexArray:
        """(ns, nk) tanh ud of a slab of a thickness, m; that of the last thicknesses is kept."""
        if thickness not in self._slopes:
            if len(self._slopes) >= _KEPT_SLOPES:
                self._slopes.clear()
            # by real functions, at a third of the time of the complex one; exact for thin slabs, no overflow in thick
            x, y = np.tanh(self.decay.real * thickness), np.tan(self.decay.imag * thickness)
            self._slopes[thickness] = np.asarray((x + 1j * y) / (1 + 1j * (x * y)), dtype=np.complex128)
        return self._slopes[thickness]


@frozen(eq=False)
class SpectralPoints(BaseRecord):
    """Where a response is evaluated: s (ns, 1) in s⁻¹, kx and ky (nk,) in rad m⁻¹.

    Waves are kept by the numbers of their layers: the derivatives of a fit ask for the same again and again.
    """

    s: ComplexArray
    kx: NDArray[np.float64]
    ky: NDArray[np.float64]
    _waves: dict[tuple[float | None, ...], ThermalWave] = field(init=False, repr=False, factory=dict)

    def wave(self, layer: Layer) -> ThermalWave:
        """Waves of a layer with one temperature."""
        if self.s.size * self.kx.size > _LARGEST_KEPT:
            return _thermal_wave(layer, self)
        key = (layer.conductivity, layer.in_plane, layer.in_plane_y, layer.heat_capacity, layer.xy, layer.xz, layer.yz)
        if key not in self._waves:
            if len(self._waves) >= _KEPT_WAVES:
                self._waves.clear()
            self._waves[key] = _thermal_wave(layer, self)
        return self._waves[key]


def _loss_and_storage(layer: Layer, at: SpectralPoints) -> ComplexArray:
    """(ns, nk) lateral conduction and storage k∥ k² + sC of a layer, W m⁻³ K⁻¹; without its capacity only at s = 0."""
    if layer.axisymmetric:
        lateral = (layer.conductivity if layer.in_plane is None else layer.in_plane) * (at.kx**2 + at.ky**2)
    else:
        k = layer.tensor
        lateral = k[0, 0] * at.kx**2 + 2 * k[0, 1] * at.kx * at.ky + k[1, 1] * at.ky**2
    return lateral + (at.s * heat_capacity_of(layer) if at.s.any() else at.s)


def _thermal_wave(layer: Layer, at: SpectralPoints) -> ThermalWave:
    c = _loss_and_storage(layer, at)
    if not layer.oblique:
        gamma: ComplexArray = np.sqrt(layer.conductivity * c)
        return ThermalWave(gamma, gamma * (1 / layer.conductivity), None)
    turn = layer.xz * at.kx + layer.yz * at.ky
    gamma = np.sqrt(layer.conductivity * c - turn**2)  # roots of k_zz λ² + 2ibλ - c = 0 are (-ib ± γ)/k_zz
    return ThermalWave(gamma, gamma * (1 / layer.conductivity), np.asarray(1j * turn / layer.conductivity, complex))


_ELECTRON_CHANNEL, _LATTICE_CHANNEL = 0, 1


@frozen(eq=False)
class _MetalWaves(BaseRecord):
    """The two waves of a metal, in the frame scaled by the square roots of both conductivities."""

    decay: ComplexArray  # (2, ns, nk) decay of each, m⁻¹
    turn: ComplexArray  # (2, 2, ns, nk) rotation V from waves to scaled temperatures
    scale: NDArray[np.float64]  # (2,) square roots of the conductivities of electrons and lattice


def _metal_waves(layer: Layer, at: SpectralPoints) -> _MetalWaves:
    ke, ce, g = layer.electron_conductivity, layer.electron_heat_capacity, layer.coupling
    if ke is None or ce is None or g is None:
        raise InputError(f"layer {layer.name} has one temperature")
    kp = layer.conductivity
    ae = ke * (at.kx**2 + at.ky**2) + at.s * ce
    ap = _loss_and_storage(layer, at)
    electrons, lattice, mixed = (ae + g) / ke, (ap + g) / kp, -g / np.sqrt(ke * kp)
    half = (electrons - lattice) / 2
    root = np.sqrt(half**2 + mixed**2)
    root = np.where((half.conj() * root).real < 0, -root, root)  # in phase with half: half + root cannot cancel
    t = mixed / (half + root)  # tangent of the Jacobi rotation, through the smaller angle
    first = electrons + t * mixed
    second = lattice - t * mixed
    det = (ae * ap + g * (ae + ap)) / (ke * kp)  # g² has cancelled analytically: strong coupling costs no digits
    upper = np.abs(first) > np.abs(second)  # the smaller root is det over the larger: subtraction would lose it
    first, second = np.where(upper, first, det / second), np.where(upper, det / first, second)
    cosine = 1 / np.sqrt(1 + t**2)
    sine = t * cosine
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return _MetalWaves(np.sqrt(np.array([first, second])), turn, np.sqrt([ke, kp]))


def _matrix_product(*factors: ComplexArray) -> ComplexArray:
    """Product of (2, 2, ns, nk) matrices."""
    return reduce(lambda left, right: np.einsum("ij...,jk...->ik...", left, right), factors)


def _matrix_inverse(m: ComplexArray) -> ComplexArray:
    det = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    return np.array([[m[1, 1], -m[0, 1]], [-m[1, 0], m[0, 0]]]) / det


def _diagonal_matrix(values: ComplexArray) -> ComplexArray:
    """(2, 2, ns, nk) matrices with (2, ns, nk) values on the diagonal."""
    nothing = np.zeros_like(values[0])
    return np.array([[values[0], nothing], [nothing, values[1]]])


def _metal_admittance(metal: _MetalWaves, thickness: float, y: ComplexArray | None) -> ComplexArray:
    """Admittance (2, 2, ns, nk) before a slab, from that behind it; None behind it for fixed temperatures."""
    flux = _diagonal_matrix(metal.decay)
    if np.isinf(thickness):
        new = flux
    else:
        loss = np.expm1(-2 * metal.decay * thickness)
        fade = _diagonal_matrix(np.exp(-metal.decay * thickness))
        if y is None:
            new = _diagonal_matrix(metal.decay * (2 + loss) / -loss)  # u coth ud, without overflow
        else:
            size = metal.scale[:, None] * metal.scale
            inner = _matrix_product(metal.turn.swapaxes(0, 1), y / size[:, :, None, None], metal.turn)
            # 1 - M = gone - loss, without cancellation
            gone = 2 * _matrix_product(fade, _matrix_inverse(flux + inner), inner, fade)
            new = _matrix_product(
                flux, gone - _diagonal_matrix(loss), _matrix_inverse(_diagonal_matrix(2 + loss) - gone)
            )
    size = (metal.scale[:, None] * metal.scale)[:, :, None, None]
    found = size * _matrix_product(metal.turn, new, metal.turn.swapaxes(0, 1))
    return (found + found.swapaxes(0, 1)) / 2  # reciprocity, from which rounding would drift layer by layer


def _series_admittance(y: ComplexArray, channel: int, part: ComplexArray) -> ComplexArray:
    """Admittance before a resistance in one channel; `part` is its share r/(1 + r Y) of that channel."""
    column = y[:, channel]
    return y - part * column[:, None] * column[None, :]  # Sherman and Morrison: Z gains r in one channel


def _boundary_admittance(boundary: Boundary, y: ComplexArray, near: Layer, temperature: float) -> ComplexArray:
    """Admittance before a boundary, from that behind it: (1, 1, ns, nk) for one temperature, (2, 2, ns, nk) for two."""
    r, electrons = boundary.resistance(temperature), boundary.electron_conductance
    two = near.coupling is not None
    if y.shape[0] == 1:
        behind = y[0, 0]
        if not two:
            return y / (1 + y * r)
        share = 1 + (behind + electrons) * r  # multiplied by r: a boundary without resistance stays finite
        mixed = -electrons / share
        return np.array([[electrons * (1 + behind * r) / share, mixed], [mixed, (behind + electrons) / share]])
    y = _series_admittance(y, _LATTICE_CHANNEL, r / (1 + r * y[_LATTICE_CHANNEL, _LATTICE_CHANNEL]))
    y = _series_admittance(y, _ELECTRON_CHANNEL, 1 / (electrons + y[_ELECTRON_CHANNEL, _ELECTRON_CHANNEL]))
    return y if two else y.sum(axis=(0, 1))[None, None]  # one temperature in front: the channels are parallel


def _piece_admittance(
    piece: StackPiece, y: ComplexArray | None, near: Layer, at: SpectralPoints, temperature: float
) -> ComplexArray:
    """Admittance before a piece, from that behind it; None behind it for fixed temperatures."""
    if isinstance(piece, Boundary):
        if y is None:
            raise InputError("a boundary right before a plane of fixed temperature: end the stack with a layer")
        return _boundary_admittance(piece, y, near, temperature)
    if piece.layer.coupling is not None:
        end = None if y is None else _two_channel_admittance(y)
        return _metal_admittance(_metal_waves(piece.layer, at), piece.thickness, end)
    behind = np.full((1, 1), np.inf, dtype=complex) if y is None else y[0, 0]
    return _input_admittance(piece, behind, {piece.layer.name: at.wave(piece.layer)}, temperature)[None, None]


def _side_admittance(
    pieces: tuple[StackPiece, ...], near: Layer, end: ComplexArray | None, at: SpectralPoints, temperature: float
) -> ComplexArray:
    """Admittance of pieces that lead away from a plane in or on the layer `near`."""
    y = end
    for i in range(len(pieces) - 1, -1, -1):  # from the far end inwards: no growing exponential ever appears
        before = pieces[i - 1] if i else None
        y = _piece_admittance(pieces[i], y, before.layer if isinstance(before, LayerSlice) else near, at, temperature)
    if y is None:
        raise InputError("the heated plane is at a fixed temperature: nothing warms up")
    return y


def _coupled_impedance(cut: SlicedStack, heater: Plane, setup: Setup, at: SpectralPoints) -> ComplexArray:
    """(ns, nk) temperature per heat flux into the electrons of the heated plane, K m² W⁻¹."""
    source, read = cut.marks
    if setup.absorption_depth or setup.readout_depth or read != source:
        raise InputError(
            "metals with two temperatures are modelled with heat and thermometer on one plane: leave out "
            "absorption_depth, readout_depth and thermometer, or the coupling"
        )
    near = next(p.layer for p in cut.pieces if isinstance(p, LayerSlice) and p.layer.name == heater.layer)
    if near.coupling is None and setup.sensed == "electrons":
        raise InputError(f"layer {near.name} has one temperature: sensed = 'electrons' needs its coupling")
    nothing = np.zeros((1, 1, 1, 1), dtype=complex)
    up = _side_admittance(cut.pieces[:source][::-1], near, nothing, at, setup.temperature)
    end = None if setup.back == "isothermal" else nothing
    down = _side_admittance(cut.pieces[source:], near, end, at, setup.temperature)
    if near.coupling is None:
        return (1 / (up + down))[0, 0]
    rise = _matrix_inverse(np.zeros((2, 2, 1, 1)) + _two_channel_admittance(up) + _two_channel_admittance(down))
    return rise[_LATTICE_CHANNEL if setup.sensed == "lattice" else _ELECTRON_CHANNEL, _ELECTRON_CHANNEL]


def _two_channel_admittance(y: ComplexArray) -> ComplexArray:
    """An admittance of two temperatures; an adiabatic end where only one came."""
    return y if y.shape[0] == 2 else np.zeros((2, 2, 1, 1), dtype=complex)


def admittance(
    stack: Stack,
    s: ArrayLike,
    kx: ArrayLike,
    ky: ArrayLike = 0.0,
    *,
    back: BackCondition = "adiabatic",
    temperature: float = 300.0,
) -> ComplexArray:
    """(ns, nk) heat flux into the top face of a stack per temperature of that face, W m⁻² K⁻¹: 1 / `impedance`."""
    return 1 / impedance(stack, s, kx, ky, setup=Setup(back=back, temperature=temperature))


def impedance(
    stack: Stack, s: ArrayLike, kx: ArrayLike, ky: ArrayLike = 0.0, *, setup: Setup | None = None
) -> ComplexArray:
    """(ns, nk) temperature of the thermometer's plane per heat flux into the heater's, K m² W⁻¹.

    At Laplace variables s (ns,), s⁻¹ (iω for periodic heat), and wave vectors kx and ky (nk,) along the layers, rad
    m⁻¹. An infinite last layer is semi-infinite; both planes are the top face if `setup` is None.  Refused is what is
    not modelled: absorption or readout over a depth in oblique layers, and metals with two temperatures together with
    either or with two planes.
    """
    laplace = np.atleast_1d(np.asarray(s, dtype=complex))
    x, y = np.atleast_1d(np.asarray(kx, dtype=float)), np.atleast_1d(np.asarray(ky, dtype=float))
    if laplace.ndim != 1 or x.ndim != 1 or y.ndim != 1 or y.size not in (1, x.size):
        raise InputError(f"expected s (ns,), kx (nk,) and ky (nk,) or one, got {laplace.shape}, {x.shape}, {y.shape}")
    return impedance_at(stack, SpectralPoints(laplace[:, None], x, y), setup=setup)


def impedance_at(
    stack: Stack, at: SpectralPoints, *, setup: Setup | None = None, substrate: ComplexArray | None = None
) -> ComplexArray:
    """(ns, nk) `impedance` at points that may serve several stacks.

    An infinite last layer without planes in it may have an admittance (ns, nk) of its own, `substrate`, W m⁻² K⁻¹.
    """
    setup = setup or Setup()
    heater = setup.heater or Plane(stack.layers[0].name)
    cut = slice_stack(stack, (heater, setup.thermometer or heater))
    if any(layer.coupling is not None for layer in stack.layers):
        return _coupled_impedance(cut, heater, setup, at)
    media = {layer.name: at.wave(layer) for layer in stack.layers}
    if substrate is not None:
        last = stack.layers[-1].name
        media[last] = ThermalWave(substrate, media[last].decay, None)
    waves = SlicedWaves(cut, media, 0.0, np.inf if setup.back == "isothermal" else 0.0, setup.temperature)
    if setup.absorption_depth and setup.readout_depth:
        return _depth_to_depth_response(waves, heater, setup)
    if setup.absorption_depth or setup.readout_depth:
        return _absorption_response(waves, heater, setup.absorption_depth or setup.readout_depth)
    return waves.response(*cut.marks)


class HalfStack(NamedTuple):
    """One side of a plane."""

    pieces: tuple[StackPiece, ...]  # from the plane outwards
    behind: tuple[ComplexArray, ...]  # (ns, nk) admittance behind each piece, W m⁻² K⁻¹
    admittance: ComplexArray  # (ns, nk) of all of it, W m⁻² K⁻¹
    sign: int  # of the direction in which it is looked at: 1 downwards, -1 upwards
    media: dict[str, ThermalWave]
    temperature: float  # of conductances of T, K

    def temperatures(self, theta: ComplexArray) -> Iterator[ComplexArray]:
        """Temperature behind each piece, from that at the plane, as far as anything of it is left."""
        for piece, y in zip(self.pieces, self.behind, strict=True):
            if _is_isothermal(y) or (isinstance(piece, LayerSlice) and np.isinf(piece.thickness)):
                return
            if isinstance(piece, Boundary):
                theta = theta / (1 + y * piece.resistance(self.temperature))  # flux is continuous: the jump is RYθ
            else:
                wave = self.media[piece.layer.name]
                ud = wave.decay * piece.thickness
                e = np.expm1(-2 * ud)  # cosh and sinh times e^-ud: neither overflows
                theta = theta * 2 * np.exp(-ud) / ((2 + e) - y / wave.gamma * e)  # 1/(cosh ud + (Y/γ) sinh ud)
                if wave.skew is not None:
                    theta = theta * np.exp(-self.sign * piece.thickness * wave.skew)  # phase of e^(-ibz/k_zz)
            yield theta

    def temperature_behind(self, theta: ComplexArray, steps: int) -> ComplexArray:
        """Temperature behind the first pieces, from that at the plane; 0 where nothing of it is left."""
        return next(islice(self.temperatures(theta), steps - 1, None), np.zeros_like(theta)) if steps else theta


@frozen(eq=False)
class SlicedWaves(BaseRecord):
    """A stack cut at planes of interest, at some points of Laplace space."""

    column: SlicedStack  # pieces and nodes
    media: dict[str, ThermalWave]  # waves of each layer
    # top, bottom: heat transfer coefficients of the outer faces, W m⁻² K⁻¹; infinite where a temperature is held
    top: float
    bottom: float
    temperature: float = 0.0  # of conductances of T, K

    @property
    def shape(self) -> tuple[int, ...]:
        """(ns, nk) of the points."""
        return next(iter(self.media.values())).gamma.shape

    def sides(self, node: int) -> tuple[HalfStack, HalfStack]:
        """What a node sees upwards and downwards."""
        kind = next(iter(self.media.values())).gamma.dtype  # real numbers stay real: steady maps take half the time
        up, down = (np.full((1, 1), value, dtype=kind) for value in (self.top, self.bottom))
        return self._side(self.column.pieces[:node][::-1], up, -1), self._side(self.column.pieces[node:], down, 1)

    def _side(self, pieces: tuple[StackPiece, ...], end: ComplexArray, sign: int) -> HalfStack:
        """Carry the admittance of the end through all pieces to the plane that they begin at."""
        y = end
        behind: list[ComplexArray] = []
        for piece in reversed(pieces):  # outermost first: each piece terminates the one before it
            behind.append(y)
            y = _input_admittance(piece, y, self.media, self.temperature)
        return HalfStack(pieces, tuple(reversed(behind)), y, sign, self.media, self.temperature)

    def response(self, source: int, target: int) -> ComplexArray:
        """(ns, nk) temperature of one node per flux into another, K m² W⁻¹."""
        up, down = self.sides(source)
        theta = 1 / (up.admittance + down.admittance)  # the flux divides between the two sides: admittances add
        return (down if target >= source else up).temperature_behind(theta, abs(target - source))


def _input_admittance(
    piece: StackPiece, y: ComplexArray, media: dict[str, ThermalWave], temperature: float
) -> ComplexArray:
    """Admittance before a piece, from that behind it."""
    isothermal = _is_isothermal(y)
    if isinstance(piece, Boundary):
        r = piece.resistance(temperature)
        return np.full((1, 1), 1 / r if r else np.inf, dtype=y.dtype) if isothermal else y / (1 + y * r)
    wave = media[piece.layer.name]
    if np.isinf(piece.thickness):
        return wave.gamma
    t = wave.slope(piece.thickness)
    if isothermal:
        return wave.gamma / t
    return wave.gamma * (y + wave.gamma * t) / (wave.gamma + y * t)


def _is_isothermal(y: ComplexArray) -> bool:
    return y.size == 1 and bool(np.isinf(y[0, 0]))


def _absorption_response(waves: SlicedWaves, heater: Plane, delta: float) -> ComplexArray:
    r"""Response to heat $e^{-y/\delta}/[\delta(1 - e^{-D/\delta})]$ over the absorbing pieces, (ns, nk).

    The same for heat at the plane that is read with this weight: heat and thermometer may be exchanged.
    """
    cut = waves.column
    source, read = cut.marks
    downwards = not heater.from_bottom
    # Reciprocity: heat at the thermometer, read where it is absorbed; k becomes -k, which turns oblique shifts round.
    up, down = (side._replace(sign=-side.sign) for side in waves.sides(read))
    theta = 1 / (up.admittance + down.admittance)
    inside = [i for i in cut.within(heater.layer) if (i >= source) == downwards]
    pieces = [(i, piece) for i in inside if isinstance(piece := cut.pieces[i], LayerSlice)]
    if pieces[0][1].layer.oblique:
        raise InputError(f"light over a depth in {pieces[0][1].layer.name}, whose tensor is oblique, is not modelled")
    depth = 0.0
    total: ComplexArray = np.zeros((1, 1), dtype=complex)
    for i, piece in pieces if downwards else pieces[::-1]:  # along the beam: depth is what the light has crossed
        below = i >= read
        side, steps = (down, i - read) if below else (up, read - 1 - i)
        wave, away = waves.media[piece.layer.name], below == downwards
        mean = _absorption_integral(wave, piece.thickness, side.behind[steps], delta, away=away)
        total = total + np.exp(-depth / delta) * side.temperature_behind(theta, steps) * mean
        depth += piece.thickness
    return total / (-delta * np.expm1(-depth / delta))


def _absorption_integral(
    wave: ThermalWave, thickness: float, y: ComplexArray, delta: float, *, away: bool
) -> ComplexArray:
    r"""Integral over a slab of its temperature times $e^{-z/\delta}$, per temperature of its near face, (ns, nk) m.

    $\theta(z) \propto e^{-uz} + \rho\, e^{-u(2d - z)}$ with $\rho = (\gamma - Y)/(\gamma + Y)$ from the near face; the
    weight falls from the near face if `away`, else from the far one.
    """
    u, a = wave.decay, 1 / delta
    if np.isinf(thickness):
        return 1 / (u + a)
    rho, far = _reflection(wave, y), np.exp(-u * thickness)
    falling = _falling_integral(u + a, thickness)
    growing = _exponential_difference(u, a, thickness)  # finite also at resonance, u = 1/δ
    both = falling + rho * far * growing if away else growing + rho * far * falling
    return both / (1 + rho * far**2)


def _depth_to_depth_response(waves: SlicedWaves, heater: Plane, setup: Setup) -> ComplexArray:
    r"""Response to heat that falls off over one depth, read with a weight that falls off over another, (ns, nk).

    Within the slab the response to a plane z' at z is
    $[e^{-u|z-z'|} + \rho e^{-u(z+z')} + \sigma e^{-u(2d-z-z')} + \rho\sigma e^{-u(2d-|z-z'|)}] /
    2\gamma(1 - \rho\sigma e^{-2ud})$, with the reflections ρ of its near and σ of its far face; both weights are
    integrated in closed form.
    """
    up, down = waves.sides(waves.column.marks[0])
    near, side = (down, up) if heater.from_bottom else (up, down)
    piece = side.pieces[0] if side.pieces else None
    if not isinstance(piece, LayerSlice) or piece.layer.name != heater.layer:
        raise InputError(f"no light enters {heater.layer} from its far face: count the plane from the other one")
    wave, d = waves.media[piece.layer.name], piece.thickness
    if piece.layer.oblique:
        raise InputError(f"light over a depth in {piece.layer.name}, whose tensor is oblique, is not modelled")
    u, a, b = wave.decay, 1 / setup.absorption_depth, 1 / setup.readout_depth
    rho = _reflection(wave, near.admittance)
    falling = _falling_integral(u + a, d) * _falling_integral(u + b, d)
    if np.isinf(d):
        return a * b * ((1 / (a + u) + 1 / (b + u)) / (a + b) + rho * falling) / (2 * wave.gamma)
    sigma, far = _reflection(wave, side.behind[0]), np.exp(-u * d)
    both = _falling_integral(np.full((1, 1), a + b, dtype=complex), d)
    direct, twice = np.zeros((1, 1), dtype=complex), np.zeros((1, 1), dtype=complex)
    for one, other in ((a, b), (b, a)):  # source above the plane that is read, and below it
        direct = direct + (both - _exponential_difference(one + u, a + b, d)) / (one + u)
        beyond = _exponential_difference(u, one, d) - _exponential_difference(u, a + b + u, d)
        twice = twice + far * beyond / (other + u)
    growing = _exponential_difference(u, a, d) * _exponential_difference(u, b, d)
    total = direct + rho * falling + sigma * growing + rho * sigma * twice
    share = np.expm1(-a * d) * np.expm1(-b * d) / (a * b)
    return total / (2 * wave.gamma * (1 - rho * sigma * far**2) * share)


def _reflection(wave: ThermalWave, y: ComplexArray) -> ComplexArray:
    """(ns, nk) amplitude of the wave that an admittance reflects."""
    return -np.ones((1, 1), dtype=complex) if _is_isothermal(y) else (wave.gamma - y) / (wave.gamma + y)


def _falling_integral(rate: ComplexArray, d: float) -> ComplexArray:
    """Integral of exp(-rate z) from 0 to d, m."""
    return 1 / rate if np.isinf(d) else -np.expm1(-rate * d) / rate


def _exponential_difference(u: ComplexArray, a: float | ComplexArray, d: float) -> ComplexArray:
    """(exp(-u d) - exp(-a d))/(a - u), smooth where u = a, without overflow."""
    z: ComplexArray = (a - u) * d
    small = np.where(z.real > 0, -z, z)  # real part at most zero: expm1 cannot overflow
    small[np.abs(small) < 1e-12] = -1e-12  # the limit is reached to 1e-12
    larger = np.where(z.real > 0, np.exp(-u * d), np.exp(-a * d))
    return np.multiply(larger * d, np.expm1(small) / small, dtype=complex)
