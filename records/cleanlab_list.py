"""cleanlab's list of doubted labels, for records/champion.py; run by a Python that has cleanlab.

python records/cleanlab_list.py folds.npz       p float (n, 10) and labels int (n,); prints JSON
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from cleanlab.filter import find_label_issues


def main() -> None:
    """Print the version and the places of the labels that confident learning doubts, by cleanlab's own code."""
    with np.load(sys.argv[1], allow_pickle=False) as given:
        p, labels = given["p"], given["labels"].astype(int)
    places = find_label_issues(labels, p, filter_by="confident_learning", return_indices_ranked_by="self_confidence")
    print(json.dumps({"version": version("cleanlab"), "places": places.tolist()}))


if __name__ == "__main__":
    main()
