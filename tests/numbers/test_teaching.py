"""A taught network of numbers reads the hand, forgets nothing, and replaces nothing that it should not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from digitrec import model_folder
from digitrec import saving as folders
from digitrec.idx import DataError
from digitrec.numbers.config import NumberConfig
from digitrec.records import SHIPPED_MODELS

keras = pytest.importorskip("keras")
from digitrec.numbers import saving, teaching  # noqa: E402
from digitrec.numbers.network import build_network  # noqa: E402

CONFIG = NumberConfig(filters=((4,), (8,), (8,), (8,), (16, 16)), batch_size=16, precision="float32")
QUICK = {"epochs": 1, "strips": 32}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model folder of a network that reads nothing yet."""
    keras.utils.set_random_seed(0)
    metrics = {"dataset": "digits", "temperature": 1.5, "threshold": 0.4, "maker": saving.MAKER}
    history = {"loss": [1.0], "val_accuracy": [0.0]}
    return folders.save_model(
        tmp_path_factory.mktemp("models") / "base", build_network(CONFIG), CONFIG, history, metrics
    )


def write_hand(folder, digits, n, seed):
    """Numbers in a hand that leans back as few do, on plain paper, with their labels."""
    images, labels = digits
    rng, rows = np.random.default_rng(seed), ["file,label"]
    folder.mkdir()
    for k in range(n):
        text = "".join(map(str, rng.integers(0, 10, rng.integers(2, 5))))
        page = np.full((44, 40 + 26 * len(text)), 225.0)
        for i, digit in enumerate(map(int, text)):
            one = Image.fromarray(images[rng.choice(np.flatnonzero(labels == digit))])
            leaning = one.transform(
                (40, 28), Image.Transform.AFFINE, (1, 0.75, -14, 0, 1, 0), Image.Resampling.BILINEAR
            )
            page[8:36, 4 + 24 * i : 44 + 24 * i] -= np.asarray(leaning) * 0.6
        Image.fromarray(page.clip(0, 255).astype(np.uint8)).save(folder / f"{k}.png")
        rows.append(f"{k}.png,{text}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def hand(digits, tmp_path_factory):
    return write_hand(tmp_path_factory.mktemp("hands") / "own", digits, 12, 0)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(teaching, "JUDGED", 30)


@pytest.mark.slow
def test_a_lesson_writes_a_folder_of_its_own_with_its_proofs(base, hand, tmp_path):
    before = {path.name: path.read_bytes() for path in base.iterdir()}
    lines = []
    metrics = teaching.teach_numbers(hand, tmp_path / "mine", base, report=lines.append, **QUICK)
    assert {path.name: path.read_bytes() for path in base.iterdir()} == before
    own = metrics["own"]
    assert own["taught"] + own["held_out_after"]["n"] == 12
    assert own["held_out_before"]["n"] == own["held_out_after"]["n"] == 4
    assert metrics["dataset"] == "digits + own"
    assert metrics["training"]["from"] == "base"
    assert model_folder.read_calibration(tmp_path / "mine") == (1.5, 0.4)
    assert model_folder.read_config(tmp_path / "mine", NumberConfig).epochs == 1
    kept = saving.load_numbers(tmp_path / "mine").get_weights()
    changed = any(
        (one != other).any() for one, other in zip(kept, saving.load_numbers(base).get_weights(), strict=True)
    )
    assert changed == (own["change_kept"] > 0)
    assert [line.split(":")[0] for line in lines[-2:]] == ["held-out cells", "synthesised numbers"]


@pytest.mark.slow
def test_what_harms_is_taken_back(base, hand, tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "is_worse", lambda *read: True)
    metrics = teaching.teach_numbers(hand, tmp_path / "mine", base, report=lambda line: None, **QUICK)
    assert metrics["own"]["change_kept"] == 0
    before, after = saving.load_numbers(base).get_weights(), saving.load_numbers(tmp_path / "mine").get_weights()
    assert all((one == other).all() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", ["base", "other/base"])
def test_what_it_starts_from_is_never_overwritten(base, hand, tmp_path, name):
    target = base if name == "base" else tmp_path / name
    with pytest.raises(model_folder.ModelError, match="expected another name than 'base'"):
        teaching.teach_numbers(hand, target, base, replace=True)


def test_a_network_trained_otherwise_is_replaced_only_when_asked_to(base, hand, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"precious")
    with pytest.raises(model_folder.ModelError, match="--replace it"):
        teaching.teach_numbers(hand, tmp_path, base)
    assert (tmp_path / "model.onnx").read_bytes() == b"precious"


def test_wrong_labels_and_settings_end_it_before_anything_is_written(base, hand, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    Image.new("L", (60, 30), 255).save(bad / "a.png")
    (bad / "labels.csv").write_text("file,label\na.png,twelve\n")
    with pytest.raises(DataError, match=r"labels\.csv, row 2: expected a number"):
        teaching.teach_numbers(bad, tmp_path / "mine", base)
    with pytest.raises(ValueError, match="filters: a network that is taught keeps its shape"):
        teaching.teach_numbers(hand, tmp_path / "mine", base, filters=((4,), (4,)))
    assert not (tmp_path / "mine").exists()


def test_the_report_says_what_was_gained():
    before, after = ({"n": 20, "exact_match": share, "exact_match_interval": [0.5, 0.9]} for share in (0.6, 0.8))
    own = {"held_out_before": before, "held_out_after": after, "rehearsal_before": before, "rehearsal_after": after}
    held_out, rehearsed = teaching.describe_lesson({**own, "p_value": 0.03})
    assert held_out == (
        "held-out cells: 60.0% of 20 read exactly before, 80.0% after (95 % interval 50%–90%; p = 0.03)"
    )
    assert rehearsed == "synthesised numbers: 60.00% before, 80.00% after"
    nothing = {"n": 0, "exact_match": None, "exact_match_interval": None}
    first, _ = teaching.describe_lesson({**own, "held_out_before": nothing, "held_out_after": nothing, "p_value": None})
    assert first.endswith("nothing is proven of these")


@pytest.mark.slow
@pytest.mark.mnist
def test_forty_cells_of_a_strange_hand_teach_the_shipped_network(mnist, tmp_path, monkeypatch):
    """On 150 other cells of the hand it reads more; what it rehearsed it reads as well as before."""
    if not (SHIPPED_MODELS / "numbers" / "model.onnx").exists():
        pytest.skip("no network of numbers was trained yet")
    monkeypatch.setattr(teaching, "JUDGED", 600)
    from digitrec.numbers.cells import choose_lines, read_cells
    from digitrec.numbers.proof import compare

    training, test = mnist
    own, others = write_hand(tmp_path / "own", training, 50, 1), write_hand(tmp_path / "others", test, 150, 2)
    metrics = teaching.teach_numbers(own, tmp_path / "mine", "numbers", report=lambda line: None)
    shares = []
    for folder in (SHIPPED_MODELS / "numbers", tmp_path / "mine"):
        network = saving.load_numbers(folder)
        cells = choose_lines(read_cells(others), network, lambda line: None)
        shares.append(compare(cells.read(network), cells.texts).mean())
    assert shares[1] > shares[0]
    rehearsal = metrics["own"]
    assert rehearsal["rehearsal_after"]["exact_match"] > rehearsal["rehearsal_before"]["exact_match"] - 0.02


def test_settings_of_a_lesson_are_small_and_can_be_changed():
    config = teaching._choose_config(replace(CONFIG, epochs=20), {"strips": 500})
    assert (config.epochs, config.strips, config.filters) == (4, 500, CONFIG.filters)
    assert json.loads(json.dumps(config.to_json()))["learning_rate"] == 2e-3
