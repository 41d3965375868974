"""The peer: the last recipe of github.com/tuomaso/train_mnist_fast (8_Final_00s76.ipynb, 2021), written anew.

Runs in an environment of its own, with PyTorch and NumPy. `python train_mnist_fast.py ARRAYS` reads the arrays that
records/seconds.py wrote, then a line `SEED LAYOUT` for each run, and answers each with a line of JSON. What is timed is
what that notebook times: one training and the reading of the test pictures, with the pictures as normalised floats in
memory.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BATCH, AT_ONCE, RATE = 256, 2000, 0.01
MEAN, DEVIATION = 0.1307, 0.3081


def build() -> nn.Module:
    """Build its network; pooling before ReLU, as there."""
    return nn.Sequential(
        *(nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10), nn.LogSoftmax(dim=1)),
    )


def run(arrays: dict[str, torch.Tensor], seed: int, layout: str) -> dict[str, float]:
    """Train for an epoch in the pictures' own order, read the others; return accuracy and seconds."""
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    torch.manual_seed(seed)
    start = time.perf_counter()
    model = build().to(memory_format=memory_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.7, 0.9))
    steps = -(-len(arrays["y"]) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps, cycle_momentum=False)
    for x, y in zip(arrays["x"].split(BATCH), arrays["y"].split(BATCH), strict=True):
        optimizer.zero_grad()
        functional.nll_loss(model(x.to(memory_format=memory_format)), y).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        read = torch.cat(
            [model(x.to(memory_format=memory_format)).argmax(dim=1) for x in arrays["test_x"].split(AT_ONCE)]
        )
    accuracy = (read == arrays["test_y"]).double().mean().item()
    return {"accuracy": accuracy, "time_s": time.perf_counter() - start}


def main() -> None:
    """Say which PyTorch this is, then run what is asked for."""
    with np.load(sys.argv[1]) as given:
        arrays = {name: torch.from_numpy(given[name]) for name in given.files}
    for name in ("x", "test_x"):
        arrays[name] = (arrays[name][:, None].float() / 255 - MEAN) / DEVIATION
    threads = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps(threads), flush=True)
    for line in sys.stdin:
        seed, layout = line.split()
        print(json.dumps(run(arrays, int(seed), layout)), flush=True)


if __name__ == "__main__":
    main()
