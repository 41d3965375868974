import hashlib
import json
import subprocess

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from digitrec.model_folder import ModelError
from digitrec.study.store import TRUSTED, fingerprint, keep, load_pipeline, slug


def never():
    raise AssertionError("computed again")


def test_a_result_is_kept_under_its_key_and_says_what_made_it(tmp_path):
    path = tmp_path / "deep" / "one.json"
    kept = keep(path, "a", lambda: {"accuracy": 0.5, "curve": {100: 0.25}})
    assert kept["accuracy"] == 0.5
    assert kept["curve"] == {"100": 0.25}  # as JSON has it, the first time and after
    assert {"machine", "versions", "date", "commit"} <= set(kept)
    assert keep(path, "a", never) == kept
    assert keep(path, "b", lambda: {"accuracy": 0.75})["accuracy"] == 0.75


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "7", '{"key": "b"}', '{"key": "a"'])
def test_a_file_that_is_no_such_result_is_measured_anew(tmp_path, content):
    (tmp_path / "one.json").write_text(content)
    assert keep(tmp_path / "one.json", "a", lambda: {"accuracy": 0.5})["accuracy"] == 0.5


def test_a_result_that_could_not_be_computed_leaves_nothing(tmp_path):
    with pytest.raises(AssertionError, match="again"):
        keep(tmp_path / "one.json", "a", never)
    assert not list(tmp_path.iterdir())


def test_equal_settings_and_pictures_have_one_fingerprint_and_no_others_have_it():
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    labels = np.arange(3)
    same = fingerprint({"C": 1}, images, labels)
    assert fingerprint({"C": 1}, images.copy(order="F"), labels.copy()) == same
    others = [
        fingerprint({"C": 2}, images, labels),
        fingerprint({"C": 1}, images[::-1], labels),
        fingerprint({"C": 1}, images, labels[::-1]),
        fingerprint({"C": 1}, images.reshape(3, 4), labels),
        fingerprint({"C": 1}, images.astype(np.int16), labels),
        fingerprint({"C": 1}, images),
    ]
    assert len({same, *others}) == len(others) + 1


def test_where_an_object_lies_in_memory_makes_no_difference():
    assert fingerprint("<kernel at 0x7f00ab>") == fingerprint("<kernel at 0x1234>") != fingerprint("<other at 0x1234>")


@given(st.text(max_size=30))
def test_a_slug_is_part_of_a_file_name_anywhere(name):
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(slug(name)) == slug(name)


def test_stored_pipelines_read_the_same_and_foreign_ones_are_refused(data, measured):
    folder, results = measured
    for name in ("neighbours", "tree", "HOG"):
        pipeline = load_pipeline(folder, name)
        assert "".join(map(str, pipeline.predict(data.test[0]))) == results[name]["predictions"]
    place = folder / "tree.skops"
    whole = place.read_bytes()
    place.write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="damaged or foreign"):
        load_pipeline(folder, "tree")
    place.write_bytes(whole)
    with pytest.raises(ModelError, match="expected a stored pipeline"):
        load_pipeline(folder, "forest")


@pytest.mark.parametrize("result", ["{}", "[]", "7", "{", '{"sha256": 3}'])
def test_a_pipeline_with_a_damaged_result_is_refused_in_one_line(tmp_path, result):
    (tmp_path / "tree.json").write_text(result)
    (tmp_path / "tree.skops").write_bytes(b"")
    with pytest.raises(ModelError, match="expected a stored pipeline"):
        load_pipeline(tmp_path, "tree")


def test_what_is_trusted_is_where_it_is_said_to_be():
    assert "digitrec.study.features.HOG" in TRUSTED
    json.dumps(TRUSTED)


def stow(folder, content):
    """Put a content under a method's name, with the hash that is asked of it."""
    (folder / "one.skops").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "one.json").write_text(json.dumps({"sha256": {"one.skops": digest}}))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04K\x07.", b"no archive" * 100])
def test_a_pipeline_that_is_none_is_refused_though_its_hash_is_stated(tmp_path, content):
    stow(tmp_path, content)
    with pytest.raises(ModelError, match=r"one\.skops: expected a pipeline of trusted types") as caught:
        load_pipeline(tmp_path, "one")
    assert "\n" not in str(caught.value)


def test_a_type_that_is_not_trusted_is_not_loaded(tmp_path):
    stow(tmp_path, skops.io.dumps(subprocess.Popen))
    with pytest.raises(ModelError, match="expected a pipeline of trusted types"):
        load_pipeline(tmp_path, "one")
