"""The first answer of the page, found in a process of its own while this one loads the page and the browser opens.

That process is this module, run as ``python -m kapitza.web.first``.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kapitza.errors import ConvergenceError

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # more only wait for cores


@contextmanager
def first_answer_begun() -> Generator[Future[Any]]:
    """The answer to the first question with what it warns of, as soon as it is there; given up at the end."""
    with (
        subprocess.Popen(  # noqa: S603 - in a session of its own, which an interrupt of this one does not reach
            [sys.executable, "-m", __name__], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=os.environ | _ONE_THREAD, start_new_session=True,
        ) as process,
        ThreadPoolExecutor(1) as reader,
    ):  # fmt: skip
        try:
            yield reader.submit(_receive, process)
        finally:
            process.kill()


def _receive(process: subprocess.Popen[bytes]) -> Any:
    found, _ = process.communicate()
    if process.returncode:
        raise ConvergenceError(f"the first answer was not found beside the page (status {process.returncode})")
    return pickle.loads(found)  # noqa: S301 - it was written by this module


if __name__ == "__main__":
    from kapitza.web.models.interface import FIRST_QUESTION, find_answer

    sys.stdout.buffer.write(pickle.dumps(find_answer(FIRST_QUESTION)))
