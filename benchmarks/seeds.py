"""Train and evaluate the default recipe under several seeds: the headline's mean, deviation and time.

Each finished seed is stored at once, so a stopped run goes on where it was. `digitrec seeds` does it for any recipe.
"""

import argparse
from pathlib import Path

from digitrec.seeds import run_seeds

RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--keep", type=Path, help="keep the model folders here, one a seed")
    options = parser.parse_args()
    run_seeds(RESULTS, options.seeds, keep=options.keep)


if __name__ == "__main__":
    main()
