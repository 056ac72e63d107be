"""Messages of functions in the words of the command line: options and keys of files instead of Python."""

import re
import shlex
from collections.abc import Collection

_ARGUMENT_PATTERN = re.compile(r"\b([a-z_]+)=(['\"])([^'\"]+)\2")
# what a message says to someone who writes Python, and what it says on the command line
_PHRASES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (
            r"apparent_conductance\(left, right, T\)\.conductance is solved",
            "`kapitza predict A B --seen tdtr` solves for it",
        ),
        (r"calibrated_conductance learnt from experiment", "{ interface = 'A|B' } in a file is learnt from experiment"),
        (
            r"; \.accept_gray\(\) takes the estimate all the same",
            "; { file = ..., drop = 'gray' } in a file takes it all the same",
        ),
        (r", e\.g\. conductance\(T, drop='extrapolated'\)", ", e.g. by --drop extrapolated"),
        (r", e\.g\. conductance\(T, statistics='classical'\)", ", e.g. by --statistics classical"),
        (r"an inelastic model says so with elastic=False", 'the file of an inelastic model says "elastic": false'),
        (r"single temperatures need one ratio; `plane_map` takes any", "temperatures need one ratio"),
        (r"conductance with drop='extrapolated'", "conductance with the drop extrapolated"),
        (r"energy_unit=\"eV\" or \"meV\"", "--energy-unit eV or meV"),
        (r"give position_unit=\"nm\"(.*?) or the positions themselves", r"give --position-unit nm\1 or --pitch"),
        (r"give energy_scale, the first channel and the step", "give --energy FIRST,STEP"),
        (r"choose one by title among", "choose one with --title among"),
        (
            r"the dark_variance of the image, readout and dark current together, or dark spectra \(with_dark\)",
            "--dark with the noise of a channel, as 100+-6, or a file of dark spectra",
        ),
        (
            r"keep misfits with wider errors \(widen_misfits\), or correct the detector",
            "fit with --gain scan or --vacuum FILE, or keep misfits by --keep misfit",
        ),
        (r"load it with nac=False", "take its Born charges out of the file"),
        (r"; compare with the other by `reference`", ""),
        (r"use nac=False", "take its Born charges out of the file"),
        (r"use build_junction with a potential", "give one by --potential"),
        (r"arguments=\{'(\w+)': FILE\}", r"--calculator-args \1=FILE"),
        (r"need a potential for both \(build_junction\)", "need a potential for both (--potential)"),
        (r", such as right_normal=\(0, 0, -1\)", ", such as --normal 001,00-1"),
        (r", or take kapitza\.material\('[^']*', unverified=True\) in Python", ""),
        (r"Enforce it, as lead_from_force_constants does", "Enforce it in the program that made it"),
        (r"give Electrons\(name, conductivity, lattice, coupling\)", "take one of these"),
        (r", or take metal\([^;]*numbers", ""),
        (
            r"kapitza\.screen\.library_table\(\), or kapitza\.io\.read_materials\(path\)",
            "library, or a table of materials",
        ),
        (r"^Dask (\S+): n", r"--dask \1: n"),
        (r"say by crossing which", "say by --across 'GaN|SiC=12nm' which"),
        (r"; use solid\('[^']*'\) or elastic\('[^']*'\)", ""),
        (r" is a liquid, not a solid: use fluid\('[^']*'\) instead of \w+\(\)", " is a liquid, and this takes solids"),
        (r"in Python `materials\(\)`", "and what is known of each"),
        (r"for a model in other units, attrs\.evolve\(record, model=True\)", "check its units"),
        (r"\(conductivities=\(left, right\)\)", "(--conductivities LEFT,RIGHT)"),
        (r"give reference=zero_loss\(vacuum\)", "give a spectrum beside the sample by --vacuum"),
        (r"give (.*?) as Prior\(value, sigma\)(, or as Prior\.relative\(share\))?", r"give \1 an uncertainty"),
        (r"give Prior\(value, sigma\)", "give { value = ..., sigma = ... } under [fit.uncertain]"),
        (r"give (.*?) as Free\(start=\.\.\.\), or only its name", r"give \1 a start, or only its name"),
        (r"give Free\(start=\.\.\.\)", "give { start = ... } under [fit.free]"),
        (r"take Setup\(back='isothermal'\)", 'take back = "isothermal"'),
        (r"resistance_sigma is None", "those of the resistance are not"),
        (r"a temperature above 0 K, or None \(adiabatic\)", "a temperature above 0 K"),
        (r"; kapitza\.theory\.sheet_on_solid holds it by van der Waals bonds", ""),
        (r"; the single layer is kapitza\.matter\.sheet\('[^']*'\)", ""),
        (r" itself \(kapitza\.simulate\.md\.systems\.soft\.nanotube_in_matrix\)", " itself"),
        (r"spring=\(normal, tangential\) stiffness", "normal and tangential stiffness of the bond"),
        (r": give three_phonon a strength", ": leave the three-phonon models out (--models)"),
        (
            r"allow a larger error, or give the wave vectors by k_mesh",
            "allow a larger error (--tolerance), or give --mesh",
        ),
        (
            r"; `spectral_superlattice` takes each frequency on its own",
            "; the result by frequency takes each on its own",
        ),
    )
)


def command_line_words(message: str, options: Collection[str] = ()) -> str:
    """Return a message with arguments of Python in the words of a command that has options of these names.

    ``relax='atoms'`` becomes ``--relax atoms`` where the command has this option.
    """
    for pattern, words in _PHRASES:
        message = pattern.sub(words, message)

    def spell(found: re.Match[str]) -> str:
        option = f"--{found[1].replace('_', '-')}"
        return f"{option} {shlex.quote(found[3])}" if option in options else found[0]

    return _ARGUMENT_PATTERN.sub(spell, message)
