"""Find the first answer of the page, and write it to the output: `python -m kapitza.web.first_answer`."""

import pickle
import sys

from kapitza.web.answers import FIRST_QUESTION, find_answer

if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(find_answer(FIRST_QUESTION)))
