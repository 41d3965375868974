"""Show the reader several digits at once: how many pictures it calls so, and how many single digits it takes for more.

Digits of MNIST's validation, each as it was written, stand side by side: touching or apart, tight in the frame or with
a margin, on clean or on grainy paper. The single digits are the same ones, alone, made by the same code.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from digitrec import Recognizer, load_split, records

RESULTS = Path(__file__).with_suffix(".json")
GAPS = {"touching": (-3, 0), "apart": (1, 6), "far apart": (7, 12)}  # pixels, of digits 20 pixels high


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="cnn", help="name or folder of the model")
    parser.add_argument("--pictures", type=int, default=500, help="of each kind (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    recognizer, (_, (images, _), _) = Recognizer.load(options.model), load_split("mnist")
    digits, rng = [crop(image) for image in images[: 10 * options.pictures]], np.random.default_rng(0)
    results: dict = {"model": options.model, "strings": {}, "single": {}}
    for name, (least, most) in GAPS.items():
        for length in (2, 3, 4, 5, 6):
            pictures = [
                compose(digits, length, int(rng.integers(least, most + 1)), rng) for _ in range(options.pictures // 5)
            ]
            results["strings"].setdefault(name, Counter()).update(count_kinds(recognizer, pictures))
    for name, noise in (("clean paper", 0), ("grainy paper", 12)):
        pictures = [photograph(np.pad(digit, rng.integers(0, 11, (2, 2))), noise, rng) for digit in digits]
        results["single"][name] = count_kinds(recognizer, pictures)
    for group in ("strings", "single"):
        for name, kinds in results[group].items():
            several, total = kinds["several digits"], sum(kinds.values())
            results[group][name] = {"pictures": total, "several": several, "kinds": dict(kinds)}
            print(f"{group:8s} {name:14s} {several / total:7.2%} several digits  {dict(kinds)}")
    totals = {group: pool(results[group]) for group in ("strings", "single")}
    print(f"strings called so: {totals['strings']:.2%}; single digits taken for several: {totals['single']:.2%}")
    records.write_result(options.output, results | {"share_called_several": totals})


def pool(groups: dict[str, dict]) -> float:
    """Return the share of all pictures that were called several digits."""
    return sum(one["several"] for one in groups.values()) / sum(one["pictures"] for one in groups.values())


def crop(image: np.ndarray) -> np.ndarray:
    """Cut away the empty frame."""
    down, across = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return image[down[0] : down[-1] + 1, across[0] : across[-1] + 1]


def compose(digits: list[np.ndarray], length: int, gap: int, rng: np.random.Generator) -> np.ndarray:
    """Set digits side by side on one line, in a frame that leaves them 0 to 10 pixels."""
    chosen = [digits[i] for i in rng.integers(len(digits), size=length)]
    lefts = np.cumsum([0, *(max(2, digit.shape[1] + gap) for digit in chosen[:-1])])
    string = np.zeros((20, max(x + digit.shape[1] for x, digit in zip(lefts, chosen, strict=True))), np.uint8)
    for x, digit in zip(lefts, chosen, strict=True):
        top = (20 - len(digit)) // 2
        place = string[top : top + len(digit), x : x + digit.shape[1]]
        np.maximum(place, digit, out=place)
    return photograph(np.pad(string, rng.integers(0, 11, (2, 2))), 12 * int(rng.integers(2)), rng)


def photograph(ink: np.ndarray, noise: int, rng: np.random.Generator) -> np.ndarray:
    """Turn ink to dark on paper, two or three times as large, with grain."""
    times = int(rng.integers(2, 4))
    size = [times * side for side in ink.shape[::-1]]
    grey = 230 - 0.8 * np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR), np.float32)
    return np.clip(grey + noise * rng.standard_normal(grey.shape), 0, 255).astype(np.uint8)


def count_kinds(recognizer: Recognizer, pictures: list[np.ndarray]) -> Counter:
    """Count the answers by their kind."""
    return Counter(answer.kind for answer in recognizer.predict_many(pictures))


if __name__ == "__main__":
    main()
