"""Check a built wheel: every tracked file of the package is in it, and nothing else.

python .ci/check_wheel.py kapitza-0.1.0-py3-none-any.whl
"""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 5e6  # bytes


def main(wheel: Path) -> int:
    """Compare the names in the wheel with those under version control; return the number of faults."""
    listing = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {name.removeprefix("src/") for name in listing.stdout.splitlines()}
    names = zipfile.ZipFile(wheel).namelist()
    got = {name for name in names if ".dist-info/" not in name}
    faults = [f"missing: {name}" for name in sorted(wanted - got)]
    faults += [f"stray: {name}" for name in sorted(got - wanted)]
    if not wheel.name.endswith("-py3-none-any.whl"):
        faults.append(f"{wheel.name} is built for one platform, wanted pure Python: py3-none-any")
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        faults.append("missing: the licence")
    if wheel.stat().st_size > LIMIT:
        faults.append(f"{wheel.stat().st_size / 1e6:.1f} MB, wanted at most {LIMIT / 1e6:.1f}")
    print("\n".join(faults) or f"{wheel.name}: {len(got)} files, {wheel.stat().st_size / 1e6:.2f} MB")
    return len(faults)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
