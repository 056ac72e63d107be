"""Write the part of the catalogue that is by way of the compilation of Wu et al. (2020).

Usage: python tools/measured_from_compilation.py TABLE.csv

The table is the one of Y.-J. Wu, T. Zhan, Z. Hou, L. Fang and Y. Xu, Sci. Data 7, 36 (2020),
doi:10.1038/s41597-020-0373-2.  Only facts are taken from it: sides, value, temperature, method, film, and what was done
to the surface, in words of our own.  Papers that `measured.toml` already holds in part are completed by samples that it
lacks.  Nothing is dropped without a line on the screen; doubtful values are kept with a flag.
"""

import argparse
import csv
import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "src" / "kapitza" / "measure" / "data"
TARGET = DATA / "compilation.csv"

Row = dict[str, Any]

SIDES = {
    "Sapphire": "Al2O3",
    "sapphire": "Al2O3",
    "Al2O3(0001)": "Al2O3",
    "Al2O3(1120)": "Al2O3",
    "Diamond": "diamond",
    "H-diamond": "diamond",
    "O-diamond": "diamond",
    "H-Si(100)": "Si",
    "H-Si(111)": "Si",
    "Si(100)": "Si",
    "Si(100)'": "Si",
    "Si(111)": "Si",
    "Si(001)": "Si",
    "Pb(111)": "Pb",
    "SiC": "6H-SiC",
    "SiO2": "a-SiO2",
    "β-Ga2O3": "beta-Ga2O3",
    "O-graphene": "graphene",
    "F-graphene": "graphene",
    "N-graphene": "graphene",
    "(Graphene_Ti)": "graphene-Ti composite",
    "c-Zr47Cu31Al13Ni9": "Zr47Cu31Al13Ni9",
    "a-Zr47Cu31Al13Ni9": "a-Zr47Cu31Al13Ni9",
}
LAYERS = {
    "SiO2": "native SiO2",
    "SiOx": "SiOx",
    "SOx": "SiOx",
    "Ti": "Ti adhesion layer",
    "Cr": "Cr adhesion layer",
    "graphene": "graphene",
    "H-graphene": "graphene, hydrogenated",
    "O-graphene": "graphene, oxygenated",
    "CH3": "organosilane monolayer, methyl end",
    "SH": "organosilane monolayer, thiol end",
    "(CH3_SH)": "organosilane monolayer, mixed methyl and thiol ends",
    "NH2": "organosilane monolayer, amine end",
    "Br": "organosilane monolayer, bromine end",
    "C18": "octadecanethiol monolayer",
    "OTS": "octadecyltrichlorosilane monolayer",
    "C11OH": "mercaptoundecanol monolayer",
    "PEG-silane": "PEG-silane monolayer",
    "Grapheneoxide": "graphene oxide",
    "O": "",  # diamond treated in an oxygen plasma: a termination, no layer
    "Ge0.5Si0.5": "GeSi quantum dots",
    "Biphenyltetracarboxylic dianhydride-p-phenylene diamine": "polyimide film (BPDA-PDA)",
    "Pyromellitic dianhydride oxydianiline": "polyimide film (PMDA-ODA)",
    "Benzocyclobutene": "benzocyclobutene film",
    "Polystyrene": "polystyrene film",
    "MDPA": "mercaptan-phosphonic acid monolayer",
    "SH-NML": "mercaptan-terminated monolayer",
    "CH3-NML": "methyl-terminated monolayer",
}
CONTACTS = {  # label -> sides and layer, where the label alone would mislead
    "Al/GaN/AlN/SiC": ("GaN", "4H-SiC", "AlN transition layer"),
    "Al/GaN/AlN/Si": ("GaN", "Si", "AlN transition layer"),
    "Al/Ge/SiO2/Si": ("Al", "Si", "Ge quantum dots, native SiO2"),
    "MoS2/Au": ("Au", "MoS2", ""),
    "MoS2/CoPt": ("CoPt", "MoS2", ""),
    "W/Al2O3": ("W", "a-Al2O3", ""),
}
SAMPLES = {  # (DOI, label) -> what the columns of film and preparation, which speak of another film, do not say
    ("10.1002/adfm.200800984", "AlN/GaN"): ("", "epitaxial", "superlattices of different periods"),
    ("10.1038/nmat2752", "Si/Ge"): ("", "epitaxial", "multilayers of Ge nanodots in Si; thickness: their spacing"),
    ("10.1063/1.3581041", "Al/GaSb"): ("", "", "GaSb grown by molecular beam epitaxy"),
}
SUBSTRATES_BELOW = {("a-SiO2", "Si"), ("a-Al2O3", "Si")}  # of oxide films that are themselves the far side
PREPARATIONS = (
    ("zone-melting", "zone melted by an electron beam"),
    ("e-beam", "electron beam evaporated"),
    ("electron beam", "electron beam evaporated"),
    ("thermal evap", "thermally evaporated"),
    ("reactive magnetron", "reactive magnetron sputtered"),
    ("magnetron sputtering at 500", "magnetron sputtered at 500 °C"),
    ("netron sput", "magnetron sputtered"),
    ("rf sput", "rf sputtered"),
    ("dc sput", "dc sputtered"),
    ("interfacial-misfit", "molecular beam epitaxy, ordered misfit dislocations"),
    ("non-imf", "molecular beam epitaxy"),
    ("mbe", "molecular beam epitaxy"),
    ("sput", "sputtered"),
    ("transfer-printed", "transfer printed"),
    ("surface activated", "surface activated bonding"),
    ("pulsed laser", "pulsed laser deposition"),
    ("pecvd", "plasma enhanced chemical vapour deposition"),
    ("cvd", "chemical vapour deposition"),
    ("ald", "atomic layer deposition"),
    ("exfoliation", "exfoliated"),
    ("drop", "drop cast"),
    ("thermally oxidized", "thermal oxide"),
    ("evaporation", "evaporated"),
)
METHODS = (
    ("TDTR", "TDTR"),
    ("FDTR", "FDTR"),
    ("Equivalent thermal circuit", "electrical thermometry"),
    ("Raman", "Raman thermometry"),
    ("frequency-domain", "FDTR"),
    ("2 ω", "thermoreflectance"),
    ("3 ω", "3ω"),
    ("ω", "thermoreflectance"),
    ("HPTR", "thermoreflectance"),
)
CONDITIONS = (  # what was done to the surface; the first that fits
    ("irradiated", r"protons cm"),
    ("native oxide", r"/ *sio2 */si"),
    ("intermixed", r"mixing layer|interdiffusion layer"),
    ("bonded", r"surface activated|ar bombardment"),
    ("epitaxial", r"\bmbe\b|free of misfit|misfit disloc"),
    ("hydrogen terminated", r"hydrogen treat|hydrogen plasma|h-diamond|h-si|weak al/h"),
    ("oxygen terminated", r"o-diamond|oxygenation|/o/diamond"),
    ("oxide removed", r"hf etch|hf dipped|hydrofluoric|remove the native|oxide etched|etch|sio2 removed"),
    ("cleaved", r"cleave|highly or"),
    ("cleaned", r"clean|sonic|piranha|alcohol|polish|annealed in air|rins"),
)
STATES = (
    (r"roughness ([\d.]+) *nm", "rms roughness {} nm"),
    (r"mixing layer ([\d.]+) nm|interdiffusion layer thickness ([\d.]+) nm", "mixed layer of {} nm"),
    (r"([\d.]*)\*?10(\d\d) protons cm-2", "{} protons per cm²"),
    (r"pump laser diameter ([\d.]+) *μm", "pump diameter {} µm"),
    (r"(\d00) *c an\w+ling", "annealed at {} °C"),
    (r"(air|vacuum|as)-cleaved", "cleaved: {}"),
    (r"(electron|ion) cleaned", "{} cleaned"),
    (r"annealing at (\d+)", "annealed at {} °C"),
    (r"\b(ni|cu|cr) ([\d.]+) *nm|\b(ni) ([\d.]+)$", "layer of {} nm"),
    (r"no cleaning()", "not cleaned{}"),
    (r"(\d+) min plasma clean", "alcohol and {} min of plasma"),
    (r"\((100|111|0001|1120|001)\)", "({}) face"),
    (r"(direct growth|transfer)$", "layer by {}"),
    (r"au/(o|f|n)-graphene$", "graphene with {}"),
)
ADDRESSES = {  # sources that the table names by other addresses, or not at all
    "": "10.1103/physrevlett.96.186101",
    "10.1007/bf00115274.pdf": "10.1007/bf00115274",
    "10.1021/acsami.5b00690?src=recsys": "10.1021/acsami.5b00690",
    "s41524-019-0193-0": "10.1038/s41524-019-0193-0",
}
PUBLISHED_LAWS = {"Cu/Sn": 1330.0, "Cu/Pb": 5400.0, "Cu/W": 13500.0}  # MW m⁻² K⁻²: G = a T, as the table has it
ELECTRONIC = {"Pt/Cu", "Pt/Au", "Pd/Ir", "Ni/Ti", "Ni/Zr", "Al/Cu", *PUBLISHED_LAWS}
FLAGS = {  # (DOI, label) -> why a value is not to be leaned on
    ("10.1063/1.2357585", "Cr/Si"): "duplicate: the same value stands in 10.1115/1.2897344",
    ("10.1063/1.2357585", "Cr/a-Si/Si"): "duplicate: the same value stands in 10.1115/1.2897344",
    ("10.1115/1.4030170", "Al/Si"): "duplicate: one sample analysed by a two-parameter model at several pump diameters",
    ("10.1063/1.1419239", "Al/Si"): "outlier: a fifth of what others find for Al/Si",
    ("10.1115/1.4026488", "(Graphene_Ti)/Si"): "outlier: a tenth of what others find for metals on Si",
    ("10.1557/mrs.2012.203", "graphite/graphite"): "computed: from the conductivity along c and the spacing of layers",
    ("10.1021/acsami.7b11641", "MoS2/MoS2"): "computed: from the conductivity along c and the spacing of layers",
    ("10.1126/science.1093711", "W/Al2O3"): "computed: from the conductivity of nanolaminates, one of many barriers",
    ("10.1021/acsami.5b00690", "MoS2/a-SiO2"): "outlier: a tenth of what others find for MoS2/a-SiO2",
    ("10.1021/acsami.5b08580", "MoS2/Au"): "outlier: a twentieth of what others find for MoS2 on a solid",
    ("10.1021/acsami.5b08580", "MoSe2/a-SiO2"): "outlier: a hundredth of what others find for such sheets on SiO2",
    ("10.1038/nmat3303", "Au/SiO2"): "uncertain side: substrate named quartz: crystal or glass was not said",
    **{
        ("10.1007/bf00115274", label): "computed: law G = a T of the source, not single readings"
        for label in PUBLISHED_LAWS
    },
}


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of the table with numbers as numbers; a note on the screen for those that hold none."""
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            label = row["label"].replace(" ", "") if "dianhydride" not in row["label"] else row["label"]
            temperature, value = float(row["T_K"]), read_value(row, label)
            if value is None:
                print(f"row {row['id']}: {label}, no number in {row['G_MW_m2K']!r}")
                continue
            doi = row["doi"].split("doi.org/")[-1].split("doi/")[-1].split("abstract/")[-1].lower().strip()
            doi = re.sub(r"^.*?(10\.\d{4}/)", r"\1", doi).removeprefix("full/").removeprefix("pdf/")
            yield {**row, "label": label, "T": temperature, "G": value, "doi": resolve_address(doi)}


def read_value(row: Row, label: str) -> float | None:
    """Conductance, MW m⁻² K⁻¹; a few cells hold formulas, some of them of cells that the table has not."""
    text = str(row["G_MW_m2K"])
    if label in PUBLISHED_LAWS:
        return PUBLISHED_LAWS[label] * float(row["T_K"])
    if match := re.fullmatch(r"=1000/([\d.]+)", text):
        return 1000 / float(match[1])
    return None if text.startswith("=") else float(text)


def resolve_address(text: str) -> str:
    """DOI in lower case, or a lasting address of works without one."""
    if "yasaei-dissertation" in text:
        return "https://hdl.handle.net/10027/22188"
    if "a609810" in text:
        return "https://apps.dtic.mil/sti/citations/ada609810"  # in lower case, as all keys
    text = text.rsplit("articles/", 1)[-1]
    return ADDRESSES.get(text, text)


def describe_contact(row: Row) -> dict[str, str]:
    """Sides, layers between them, and how the film and the surface were prepared."""
    parts = [part.strip() for part in row["label"].split("/")]
    if (parts[-2], SIDES.get(parts[-1], parts[-1])) in SUBSTRATES_BELOW and len(parts) > 2:
        parts = parts[:-1]
    left, right = (SIDES.get(part, part) for part in (parts[0], parts[-1]))
    if match := re.search(r"x=([\d.]+)", row["interface_state"]):
        left = alloy_name(parts[0], float(match[1]))
    layers = ", ".join(filter(None, dict.fromkeys(LAYERS.get(part, part) for part in parts[1:-1])))
    if row["label"] in CONTACTS:
        left, right, layers = CONTACTS[row["label"]]
    if re.search(r"c[ru] 0 *nm", row["interface_state"].lower()):
        layers = ""
    if row["doi"] == "10.1063/1.3695058" and "Buffered" in row["pretreatment"]:
        layers = "conformal SiO2"
    text = " ".join(str(row[key]) for key in ("pretreatment", "interface_state", "film_preparation", "label")).lower()
    condition = next((name for name, pattern in CONDITIONS if re.search(pattern, text)), "")
    condition = "" if right == "a-SiO2" and condition == "hydrogen terminated" else condition  # of the Si below
    return {"left": left, "right": right, "interlayer": layers, "condition": condition}


def alloy_name(text: str, x: float) -> str:
    """Name of AuxCu1-x or AuxPd1-x; the pure metals by their own."""
    other = "Cu" if "Cu" in text else "Pd"
    return other if x == 0 else f"Au{x:g}{other}{1 - x:g}"


def describe_state(row: Row) -> str:
    """What is known of the interface, in our words."""
    text = f"{row['substrate_details']} {row['pretreatment']} {row['interface_state']}".lower()
    text += row["label"].lower() if "-graphene" in row["label"] else ""
    found: list[str] = []
    for pattern, words in STATES:
        if match := re.search(pattern, text):
            word = next((g for g in reversed(match.groups()) if g), "")
            word = f"{match[1] or 1}e{word}" if "protons" in words else word
            found.append(words.format({"o": "oxygen", "f": "fluorine", "n": "nitrogen"}.get(word, word)))
    return "; ".join(dict.fromkeys(found))


def describe_row(row: Row) -> Row:
    """Entry of one row, with its value and temperature still single."""
    prepared = str(row["film_preparation"]).lower()
    entry: Row = describe_contact(row)
    entry["method"] = next((ours for theirs, ours in METHODS if theirs in row["method"]), "thermoreflectance")
    entry["preparation"] = next((ours for theirs, ours in PREPARATIONS if theirs in prepared), "")
    entry["state"] = describe_state(row)
    entry["thickness"] = float(row["film_thickness_nm"] or 0)
    entry["carriers"] = "electrons" if row["label"] in ELECTRONIC else ""
    pressure = re.search(r"pressure (\d+) gpa", row["interface_state"].lower())
    entry["pressure"] = float(pressure[1]) if pressure else 0.0
    if (row["doi"], row["label"]) in SAMPLES:
        entry["preparation"], entry["condition"], entry["state"] = SAMPLES[row["doi"], row["label"]]
    entry["flag"] = FLAGS.get((row["doi"], row["label"]), "")
    return {**entry, "doi": row["doi"], "T": row["T"], "G": row["G"], "label": row["label"]}


def split_samples(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Series of one sample each: temperatures rise within a series; alike rows of one temperature stay together."""

    def same_kind(row: Row) -> tuple[Any, ...]:
        return tuple(row[k] for k in row if k not in ("T", "G"))

    for _, kind in groupby(sorted(rows, key=lambda r: repr(same_kind(r))), key=same_kind):
        group = list(kind)
        if len({row["T"] for row in group}) == 1:
            yield group
            continue
        series: list[Row] = []
        falling = group[0]["T"] > group[-1]["T"] and all(a["T"] >= b["T"] for a, b in pairwise(group))
        for row in reversed(group) if falling else group:
            if series and row["T"] <= series[-1]["T"]:
                yield series
                series = []
            series.append(row)
        yield series


def known_values(entries: Iterable[Row], sources: dict[str, Row]) -> set[tuple[str, str, str, float, float]]:
    """Values that the hand-made part holds, by DOI, sides, temperature and conductance."""
    known: set[tuple[str, str, str, float, float]] = set()
    for one in entries:
        if "conductance" not in one:
            continue
        values, kelvin = one["conductance"], one["temperature"]
        values = values if isinstance(values, list) else [values]
        kelvin = kelvin if isinstance(kelvin, list) else [kelvin] * len(values)
        doi = sources[one["source"]]["doi"].lower()
        known |= {(doi, one["left"], one["right"], t, g) for t, g in zip(kelvin, values, strict=True)}
    return known


def is_known(row: Row, known: set[tuple[str, str, str, float, float]]) -> bool:
    return any(
        doi == row["doi"] and left == row["left"] and right == row["right"] and abs(t - row["T"]) < 3
        and abs(g / row["G"] - 1) < 0.011
        for doi, left, right, t, g in known
    )  # fmt: skip


def flag_repeated_curves(samples: list[list[Row]]) -> None:
    """Flag the series of the thesis that are readings of one curve from two of its figures."""
    seen: dict[tuple[str, ...], list[list[Row]]] = {}
    for series in samples:
        if not series[0]["doi"].startswith("https://hdl"):
            continue
        earlier = seen.setdefault((series[0]["left"], series[0]["right"], series[0]["interlayer"]), [])
        for other in earlier:
            pairs = [abs(a["G"] / b["G"] - 1) for a, b in zip(series, other, strict=False) if abs(a["T"] - b["T"]) < 2]
            if len(pairs) > 3 and sum(p < 0.06 for p in pairs) > 0.75 * len(pairs):
                for row in series:
                    row["flag"] = "duplicate: the same curve read from another figure of the source"
        earlier.append(series)


def table_row(series: list[Row], source: str) -> Row:
    """Cells of one entry; lists with blanks between their numbers."""
    first = series[0]
    kelvin = dict.fromkeys(f"{row['T']:.4g}" for row in series)
    values = [f"{row['G']:.4g}" if row["G"] < 1e4 else f"{row['G']:.0f}" for row in series]
    lists = {"temperature": " ".join(kelvin), "conductance": " ".join(values), "source": source}
    lists["provenance"] = "compilation"
    return {key: lists.get(key) or first.get(key) or "" for key in COLUMNS}


COLUMNS = (
    *("left", "right", "source", "temperature", "conductance", "method", "thickness", "preparation", "condition"),
    *("state", "interlayer", "carriers", "pressure", "flag", "provenance"),
)
HEAD = """\
# Published thermal boundary conductances by way of a compilation: Y.-J. Wu, T. Zhan, Z. Hou, L. Fang and Y. Xu,
# Sci. Data 7, 36 (2020), doi:10.1038/s41597-020-0373-2.  Each value stands with the source that measured it.
# Written by tools/measured_from_compilation.py: change the script, not this file.  Columns and units: measured.toml.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="the table of the compilation")
    sources = tomllib.loads((DATA / "sources.toml").read_text(encoding="utf-8"))
    keys = {source.get("doi", source.get("url", "")).lower(): key for key, source in sources.items()}
    hand_made = tomllib.loads((DATA / "measured.toml").read_text(encoding="utf-8"))["measured"]
    known = known_values(hand_made, sources)
    rows = [describe_row(row) for row in read_rows(parser.parse_args().table)]
    samples: list[list[Row]] = []
    for series in split_samples(rows):
        if len({row["T"] for row in series}) > 1 and any(is_known(row, known) for row in series):
            continue
        samples.append([row for row in series if not is_known(row, known)])
    samples = [series for series in samples if series]
    flag_repeated_curves(samples)
    missing = sorted({row["doi"] for series in samples for row in series} - set(keys))
    if missing:
        raise SystemExit("sources.toml lacks " + ", ".join(missing))
    samples.sort(key=lambda s: (s[0]["left"], s[0]["right"], keys[s[0]["doi"]]))
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        file.write(HEAD)
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(table_row(series, keys[series[0]["doi"]]) for series in samples)
    print(f"{sum(map(len, samples))} values in {len(samples)} entries of {len({s[0]['doi'] for s in samples})} sources")


if __name__ == "__main__":
    main()
