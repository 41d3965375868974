"""How long each classical feature takes for MNIST's 60,000 training images, with a process for each core."""

import json
import time
from pathlib import Path

from digitrec import load_mnist, prepare, records
from digitrec.study.features import ImageTransformer

RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    (images, _), _ = load_mnist()
    x = prepare(images).reshape(len(images), -1)
    measured: dict = {"images": len(images), "seconds": {}, "features": {}}
    for kind in ImageTransformer.__subclasses__():
        transformer = kind(verbose=True).fit(x[:1])
        transformer.transform(x[:2000])  # the processes are started once
        start = time.perf_counter()
        described = transformer.transform(x)
        measured["seconds"][kind.__name__] = round(time.perf_counter() - start, 1)
        measured["features"][kind.__name__] = described.shape[1]
        records.write_result(RESULTS, measured)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
