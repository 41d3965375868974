"""The flags that commands share, and one for each field of a configuration."""

import argparse
import math
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from digitrec.config import Settings, TrainConfig

DATASETS = ("mnist", "digits")  # what `datasets.load_dataset` takes

# The groups of `train --help`, by the field that each begins with.
GROUPS = {
    "seed": "training",
    "network": "network",
    "rotation": "augmentation: half-widths of uniform distributions, unless stated otherwise",
    "drawn_digits": "synthesis",
}


def add_dataset(parser: argparse.ArgumentParser, default: str | None = "mnist", otherwise: str = "mnist") -> None:
    """Add --dataset; `otherwise` tells what is taken where it is not given."""
    parser.add_argument("--dataset", choices=DATASETS, default=default, help=f"default: {otherwise}")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model, the network to read with."""
    parser.add_argument("--model", default="cnn", metavar="NAME_OR_FOLDER", help="the model (default: cnn)")


def add_settings(
    parser: argparse.ArgumentParser, kind: type[Settings] = TrainConfig, groups: Mapping[str, str] = GROUPS
) -> None:
    """Add a flag for each field of a configuration; one that is not given stays out of the options."""
    group: argparse._ActionsContainer = parser
    for setting in fields(kind):
        if setting.name in groups:
            group = parser.add_argument_group(groups[setting.name])
        _add_setting(group, setting)


def read_settings(options: argparse.Namespace, kind: type[Settings] = TrainConfig) -> dict[str, Any]:
    """Return the fields of a configuration that were given as flags."""
    return {setting.name: getattr(options, setting.name) for setting in fields(kind) if setting.name in options}


def parse_name(text: str) -> str:
    """Return the name of a model as it is, unless it would lead out of the folder that it is to lie in."""
    if text in ("", ".", "..") or not set(text).isdisjoint("/\\:\0"):
        raise argparse.ArgumentTypeError(f"expected a plain name such as mine, got {text!r}; --models takes a folder")
    return text


def _add_setting(group: argparse._ActionsContainer, setting: Field) -> None:
    default, choices = setting.default, setting.metadata["choices"]
    kind: dict[str, Any] = {"type": type(default), "metavar": type(default).__name__.upper()}
    if isinstance(default, bool):
        kind = {"action": argparse.BooleanOptionalAction}
    elif isinstance(default, tuple):
        kind = {"type": _parse_filters, "metavar": "N,N/N,N"}
    elif choices:
        kind = {"choices": choices}
    text = f"{setting.metadata['help']} ({_describe_values(setting)})".replace("%", "%%")
    group.add_argument(f"--{setting.name.replace('_', '-')}", default=argparse.SUPPRESS, help=text, **kind)


def _describe_values(setting: Field) -> str:
    """Say what a flag takes, where that is a number, and what it is when it is not given."""
    default, least, most = setting.default, setting.metadata["least"], setting.metadata["most"]
    if isinstance(default, bool):
        return f"default: {'yes' if default else 'no'}"
    if isinstance(default, tuple):
        return f"a slash before each pooling; default: {'/'.join(','.join(map(str, block)) for block in default)}"
    if least is None:
        return f"default: {default}"
    return f"{least:g} {'or more' if math.isinf(most) else f'to {most:g}'}; default: {default}"


def _parse_filters(text: str) -> tuple[tuple[int, ...], ...]:
    try:
        return tuple(tuple(int(part) for part in block.split(",")) for block in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected numbers such as 16,16/32,32/64,64, got {text!r}") from error
