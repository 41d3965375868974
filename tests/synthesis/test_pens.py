import numpy as np
import pytest

from digitrec.preprocessing.pieces import find_pieces
from digitrec.synthesis.pens import retrace, thin, trace


def count_pieces(mask: np.ndarray) -> int:
    return find_pieces(mask)[2].max() + 1


def test_thinning_keeps_every_piece_and_every_hole_and_leaves_lines(digits):
    ink = digits[0][:60] > 100
    lines = thin(ink)
    assert not (lines & ~ink).any()
    assert lines.sum() < 0.5 * ink.sum()
    windows = [lines[:, y : y + 26, x : x + 26] for y in range(3) for x in range(3)]
    assert not np.all(windows, axis=0).any()
    for before, after in zip(ink, lines, strict=True):
        assert count_pieces(before) == count_pieces(after)
        assert count_holes(before) == count_holes(after)


def count_holes(ink: np.ndarray) -> int:
    """Count the patches of paper, which touch along their sides alone: doubled, a corner is no bridge."""
    paper = np.pad(~ink, 1, constant_values=True)
    wide = np.repeat(np.repeat(paper, 3, axis=0), 3, axis=1)
    for y, x in np.argwhere(~paper):
        wide[max(3 * y - 1, 0) : 3 * y + 4, max(3 * x - 1, 0) : 3 * x + 4] = False
    return count_pieces(wide) - 1


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("height", [28, 64, 100])
def test_a_path_is_written_again_at_any_height_with_any_pen(drawn, height, width):
    paths = trace(drawn[0][:40])
    assert len(paths) == 40
    assert np.mean([len(path) > 0 for path in paths]) > 0.5
    for path in paths:
        if len(path):
            ink = retrace(path, height, width, 0.2, 1)
            assert height <= len(ink) <= height + width + 2
            assert set(np.unique(ink)) == {0, 1}
            length = np.linalg.norm(path[:, 1] - path[:, 0], axis=1).sum() * height / np.ptp(path[:, :, 1])
            assert ink.sum() < 1.6 * (length + 8) * (width + 0.5)


def test_a_blot_has_no_path():
    blots = np.zeros((1, 28, 28), np.uint8)
    blots[0, 4:24, 4:24] = 255
    assert [len(path) for path in trace(blots)] == [0]
