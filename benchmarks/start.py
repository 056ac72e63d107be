"""CPU time (user + system, of the whole process) of what starts most often: interleaved runs, medians.

Run as `python benchmarks/start.py`; it ends with status 1 if a bar is missed.
"""

import resource
import statistics
import subprocess
import sys

RUNS = 15
CASES = {
    "python, doing nothing": (["-c", "pass"], None),
    "import kapitza": (["-c", "import kapitza"], 0.15),
    "kapitza --help": (["-c", "import sys; from kapitza.cli import main; sys.exit(main(['--help']))"], 0.40),
    "kapitza predict Al Si": (
        ["-c", "import sys; from kapitza.cli import main; sys.exit(main(['predict', 'Al', 'Si']))"],
        None,
    ),
}


def cpu(arguments: list[str]) -> float:
    """CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Measure, print, and judge against the bars."""
    for arguments, _ in CASES.values():
        cpu(arguments)  # byte code is written, files are in memory
    seconds: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(RUNS):
        for name, (arguments, _) in CASES.items():
            seconds[name].append(cpu(arguments))
    missed = 0
    for name, (_, bar) in CASES.items():
        median = statistics.median(seconds[name])
        missed += bar is not None and median > bar
        print(f"{name:<24} {median:6.3f} s of CPU" + ("" if bar is None else f"   bar {bar:.2f} s"))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
