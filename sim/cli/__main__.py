"""`python -m sim.cli` is `folkmoot`, for places where the console script is not on the path."""

import sys

from sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
