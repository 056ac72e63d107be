"""Check a built wheel and source distribution: every tracked file is there, and nothing else.

python .ci/check_dist.py kapitza-0.1.0-py3-none-any.whl kapitza-0.1.0.tar.gz
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_SIZE = 5e6  # bytes
NOT_DISTRIBUTED = (".ci/",)
ADDED = {"PKG-INFO"}  # by the build


def tracked(*folders: str) -> set[str]:
    """Names of the files under version control."""
    listing = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listing.stdout.splitlines() if (ROOT / name).exists()}


def differences(wanted: set[str], got: set[str]) -> list[str]:
    """Return a line for each missing file and each stray one."""
    return [f"missing: {name}" for name in sorted(wanted - got)] + [f"stray: {name}" for name in sorted(got - wanted)]


def check_wheel(wheel: Path) -> list[str]:
    """Compare a wheel with the files of `src`."""
    names = zipfile.ZipFile(wheel).namelist()
    got = {name for name in names if ".dist-info/" not in name}
    faults = differences({name.removeprefix("src/") for name in tracked("src")}, got)
    if not wheel.name.endswith("-py3-none-any.whl"):
        faults.append(f"{wheel.name} is built for one platform, wanted pure Python: py3-none-any")
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        faults.append("missing: the licence")
    if wheel.stat().st_size > MAX_SIZE:
        faults.append(f"{wheel.stat().st_size / 1e6:.1f} MB, wanted at most {MAX_SIZE / 1e6:.1f}")
    return faults


def check_source(archive: Path) -> list[str]:
    """Compare a source distribution with all files."""
    with tarfile.open(archive) as files:
        got = {name.partition("/")[2] for name in files.getnames()} - ADDED
    return differences({name for name in tracked() if not name.startswith(NOT_DISTRIBUTED)}, got)


def main(wheel: Path, archive: Path) -> int:
    """Print the differences, and return how many there are."""
    faults = check_wheel(wheel) + check_source(archive)
    sizes = " and ".join(f"{path.name} of {path.stat().st_size / 1e6:.2f} MB" for path in (wheel, archive))
    print("\n".join(faults) or f"all files are in {sizes}")
    return len(faults)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
