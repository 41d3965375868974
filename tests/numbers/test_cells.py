import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitrec.handwriting.folders import Row
from digitrec.idx import DataError
from digitrec.numbers.cells import Cells, choose_lines, read_cells, read_label
from digitrec.numbers.constraints import CHARACTERS
from digitrec.numbers.decoding import BLANK
from digitrec.numbers.targets import CLASSES


def write_cells(folder, labels, draw=None):
    folder.mkdir()
    for i, _ in enumerate(labels):
        page = np.full((40, 90), 230, np.uint8)
        page[10:30, 20 + i : 24 + i] = page[10:30, 50 : 54 + i] = 30
        Image.fromarray(page).save(folder / f"{i}.png")
    rows = "".join(f'{i}.png,"{label}"\n' for i, label in enumerate(labels))
    (folder / "labels.csv").write_text("file,label\n" + rows)
    return folder


class Shouting:
    """A network that is sure of one text, wherever it looks; the wider a strip, the less."""

    def __init__(self, text):
        self.classes = [CHARACTERS.index(character) for character in text]

    def __call__(self, x):
        logits = np.zeros((1, x.shape[2] // 2, CLASSES), np.float32)
        logits[0, :, BLANK] = 8
        for i, c in enumerate(self.classes):
            logits[0, 1 + 2 * i, c] = 20
        return logits


@given(st.text(CHARACTERS + " ", min_size=1, max_size=16).filter(lambda text: text.strip(" .,")))
def test_a_label_loses_its_blanks_and_the_marks_at_its_ends(label):
    text = read_label(Row("picture", label, "labels.csv, row 2"))
    assert text == label.replace(" ", "").strip(".,")


@pytest.mark.parametrize("label", ["blank", "Blank"])
def test_a_blank_cell_says_nothing(label):
    assert read_label(Row("picture", label, "labels.csv, row 2")) == ""


@pytest.mark.parametrize("label", ["seven", "12 kg", "1" * 17, ".", "½"])
def test_a_label_that_is_no_number_is_named_with_its_row(label):
    with pytest.raises(DataError, match=f"^labels.csv, row 2: expected a number of at most 16 .*got '{label}'$"):
        read_label(Row("picture", label, "labels.csv, row 2"))


def test_cells_are_read_and_their_lines_chosen_by_the_label(tmp_path):
    found = read_cells(write_cells(tmp_path / "own", ["11", "1,1", "blank"]))
    assert [text for _, text in found] == ["11", "1,1", ""]
    assert all(strip.shape[0] == 32 for strips, _ in found for strip in strips)
    wide, narrow = np.zeros((32, 64), np.uint8), np.zeros((32, 20), np.uint8)
    # In the wider one more frames might say something else.
    cells = choose_lines([([wide, narrow], "11")], Shouting("11"))
    assert [strip.shape[1] for strip in cells.strips] == [20]


def test_copies_and_what_has_no_room_for_its_label_are_left_out(tmp_path):
    strip, other = np.zeros((32, 40), np.uint8), np.ones((32, 16), np.uint8)
    lines = []
    found = [([strip], "11"), ([strip.copy()], "11"), ([other], "1" * 16), ([], "4")]
    cells = choose_lines(found, Shouting("11"), lines.append)
    assert cells.texts == ("11",)
    assert lines == ["left out 3 pictures: copies, or none in which the number of the label was found"]
    with pytest.raises(DataError, match="one is labelled 11 and blank"):
        choose_lines([([strip], "11"), ([strip.copy()], "")], Shouting("11"))
    with pytest.raises(DataError, match="found none"):
        choose_lines([([], "4")], Shouting("11"))


@given(st.integers(1, 60), st.integers(0, 5))
def test_a_split_loses_no_cell_and_holds_none_out_of_a_few(n, seed):
    cells = Cells(tuple(np.full((32, 16), i, np.uint8) for i in range(n)), tuple(map(str, range(n))))
    taught, held_out = cells.split(0.3, seed)
    assert sorted(map(int, taught.texts + held_out.texts)) == list(range(n))
    assert len(held_out) == (round(0.3 * n) if n >= 4 else 0)
    for part in (taught, held_out):
        assert all(strip[0, 0] == int(text) for strip, text in zip(part.strips, part.texts, strict=True))


def test_how_a_text_fits_is_its_connectionist_loss():
    pytest.importorskip("keras")
    from digitrec import backend
    from digitrec.numbers.cells import _fit
    from digitrec.numbers.losses import connectionist_loss
    from digitrec.numbers.targets import encode_texts

    ops = backend.keras.ops
    logits = np.random.default_rng(0).normal(0, 3, (1, 30, CLASSES)).astype(np.float32)
    strip = np.zeros((32, 58), np.uint8)
    for text in ("", "7", "-12,55", "888"):
        classes, length = encode_texts([text])
        loss = connectionist_loss(
            ops.log_softmax(logits), classes.astype("int32"), length.astype("int32"), np.array([29])
        )
        assert _fit(lambda x: logits, strip, text) == pytest.approx(-float(loss[0]), rel=1e-4)
