# SPDX-License-Identifier: Apache-2.0
"""protector-engine, except that it dies when its fates say so.

    python -m testbed.mortal_engine FOLDER [options of protector-engine]

It dies as by a power cut, in the middle of whatever its other threads do: with the claim renewed
and the step not begun, or with the step's effect made and TaskFlow not told of it.
"""

import pathlib
import sys

from protector.cmd import engine
from protector.engine.step import Step
from testbed.fate import doom


def main() -> None:
    fates, *arguments = sys.argv[1:]
    doom(Step, pathlib.Path(fates))
    engine.main(arguments)


if __name__ == "__main__":
    main()
