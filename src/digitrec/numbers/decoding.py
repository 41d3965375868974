"""Scores of frames to texts: prefix beam search over connectionist temporal classification, under constraints."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec.numbers.constraints import CHARACTERS, LONGEST, MARKS, Constraint

Floats = NDArray[np.floating]
Ends = dict[str, tuple[float, float]]  # by text: the probability that it ends in a blank, and in its last character

BLANK = len(CHARACTERS)  # the class of frames between characters
# What each character costs: frames side by side err together, and a digit that looks like two in two of its frames
# would be read as both. Chosen on 700 strips of validation with a network half trained: 67.1 % are read exactly, 63.9
# at a cost of 1, 66.3 at 0.1, 65.0 at 0.03.
NEW = 0.3
BEAMS = 16
_UNLIKELY = 1e-4  # a character less likely in a frame begins nothing there
_EXCLUDED = 1e-9  # the same where what is known leaves nothing likelier
_EMPTY = math.log(0.5 * NEW)  # where the empty text is likelier, nothing else is looked for
_OF_A_LENGTH = 2  # texts of each length that are followed where not every length is allowed
_PLACE = {character: place for place, character in enumerate(CHARACTERS)}


@dataclass(frozen=True)
class Path:
    """A text that frames may say.

    Attributes:
        text: over CHARACTERS, without leading and trailing marks; empty for nothing.
        log_probability: natural, summed over all alignments that the search followed, each character at its
            cost, and nothing at all at that of one.
    """

    text: str
    log_probability: float


def decode(log_probabilities: Floats, constraint: Constraint | None = None, beams: int = BEAMS) -> list[Path]:
    """Find the likeliest texts by prefix beam search (Graves 2012, Hannun 2014).

    Args:
        log_probabilities: (frames, 15), of CHARACTERS and the blank.
        constraint: what the text must be: what cannot become one that is allowed is left out as it grows.
        beams: how many texts are followed.

    Returns:
        At most `beams` texts, the likeliest first: those that are allowed, and the empty one.

    >>> frames = np.log(np.full((3, 15), 0.01))
    >>> frames[[0, 1, 2], [4, BLANK, 7]] = np.log(0.86)
    >>> decode(frames)[0].text
    '47'
    >>> decode(frames, Constraint(values=["17", "19"]))[0].text
    '17'
    """
    frames = np.exp(np.asarray(log_probabilities, np.float64))
    paths = search(frames, constraint, beams, _UNLIKELY)
    if constraint and not any(path.text or path.log_probability > _EMPTY for path in paths):
        paths = search(frames, constraint, beams, _EXCLUDED)
    return paths


def search(frames: Floats, constraint: Constraint | None, beams: int, least: float) -> list[Path]:
    """Find the likeliest texts among those whose characters are likelier than `least` where they begin.

    Args:
        frames: probabilities (frames, 15); for the rest see `decode`.
    """
    may_begin = _build_gate(constraint)
    keeps_lengths = constraint is not None and not constraint.is_open
    found: Ends = {"": (1.0, 0.0)}
    scale = 0.0
    for frame in frames:
        likely = [(CHARACTERS[i], float(frame[i])) for i in np.flatnonzero(frame[:BLANK] > least)]
        found = _step(found, frame.tolist(), likely, may_begin)
        if len(found) > beams:
            found = _prune(found, beams, keeps_lengths)
        total = sum(map(sum, found.values()))
        if not total:
            return []
        scale += math.log(total)
        found = {text: (blank / total, other / total) for text, (blank, other) in found.items()}
    texts: dict[str, float] = {}
    for text, ends in found.items():
        kept = text.strip(MARKS)
        if not text:  # as dear as a character: a single one is no worse than nothing
            ends = ends[0] * NEW, 0.0
        texts[kept] = texts.get(kept, 0.0) + sum(ends)
    ranked = sorted(texts.items(), key=lambda item: -item[1])
    return [
        Path(text, math.log(share) + scale)
        for text, share in ranked
        if share > 0 and (not text or constraint is None or constraint.accepts(text))
    ][:beams]


def spell(log_probabilities: Floats) -> str:
    """Return what frames say where each is taken for its likeliest class."""
    classes = np.asarray(log_probabilities).argmax(axis=1)
    changed = np.append(True, classes[1:] != classes[:-1])
    return "".join(CHARACTERS[one] for one in classes[changed & (classes != BLANK)]).strip(MARKS)


def _build_gate(constraint: Constraint | None) -> Callable[[str], bool]:
    """Return a function that tells whether a text may grow into one that is allowed once its marks are dropped."""
    known: dict[str, bool] = {}

    def may_begin(text: str) -> bool:
        if constraint is None:
            return len(text) <= LONGEST
        if text not in known:
            begun = text.lstrip(MARKS)
            ends = text[-1] in MARKS and constraint.accepts(begun.rstrip(MARKS))
            known[text] = ends or constraint.may_begin(begun)
        return known[text]

    return may_begin


def _step(found: Ends, frame: list[float], likely: list[tuple[str, float]], may_begin: Callable[[str], bool]) -> Ends:
    """Let every text go on through a frame: as it is, or with one character more."""
    after: Ends = {
        text: ((blank + other) * frame[BLANK], other * frame[_PLACE[text[-1]]] if text else 0.0)
        for text, (blank, other) in found.items()
    }
    for text, (blank, other) in found.items() if likely else ():
        last = text[-1:]
        for character, probability in likely:
            before = blank if character == last else blank + other  # the same twice needs a blank between
            longer = text + character
            if before and may_begin(longer):
                ends = after.get(longer, (0.0, 0.0))
                after[longer] = ends[0], ends[1] + before * probability * NEW
    return after


def _prune(found: Ends, beams: int, keeps_lengths: bool) -> Ends:
    """Keep the likeliest texts; and some of each length, lest none remains of one that is allowed."""
    ranked = sorted(found.items(), key=lambda item: -sum(item[1]))
    kept = ranked[:beams]
    if keeps_lengths:
        counts: dict[int, int] = {}
        for text, _ in kept:
            counts[len(text)] = counts.get(len(text), 0) + 1
        for item in ranked[beams:]:
            count = counts[len(item[0])] = counts.get(len(item[0]), 0) + 1
            if count <= _OF_A_LENGTH:
                kept.append(item)
    return dict(kept)


def align(log_probabilities: Floats, text: str) -> list[tuple[int, int]]:
    """Find where in the frames each character of a text stands, by Viterbi's algorithm.

    Args:
        log_probabilities: (frames, 15).
        text: over CHARACTERS; at most as long as the frames allow.

    Returns:
        The first and the last frame of each character.

    Raises:
        ValueError: there are too few frames for the text.

    >>> frames = np.log(np.full((4, 15), 0.01))
    >>> frames[[0, 1, 2, 3], [4, 4, BLANK, 7]] = np.log(0.86)
    >>> align(frames, "47")
    [(0, 1), (3, 3)]
    """
    states = [BLANK]
    for one in text:
        states += [_PLACE[one], BLANK]
    # A blank may be passed over between two characters that differ. The first frame is a blank or the first character.
    barred = np.array([i < 2 or i % 2 == 0 or one == states[i - 2] for i, one in enumerate(states)])
    scores = np.where(np.arange(len(states)) == 0, 0.0, -np.inf)
    steps = np.zeros((len(log_probabilities), len(states)), np.int64)
    ways = np.full((3, len(states)), -np.inf)
    for frame, each in enumerate(np.asarray(log_probabilities, np.float64)[:, states]):
        ways[0] = scores
        ways[1, 1:] = scores[:-1]
        ways[2, 2:] = scores[:-2]
        ways[2, barred] = -np.inf
        steps[frame] = ways.argmax(axis=0)
        scores = ways.max(axis=0) + each
    state = len(states) - 1
    if text and scores[state] < scores[state - 1]:
        state -= 1
    if scores[state] == -np.inf:
        raise ValueError(f"text: expected one that {len(log_probabilities)} frames can say, got {text!r}")
    spans: list[list[int]] = [[] for _ in text]
    for frame in range(len(steps) - 1, -1, -1):
        if state % 2:
            spans[state // 2].append(frame)
        state -= int(steps[frame, state])
    return [(frames[-1], frames[0]) for frames in spans]
