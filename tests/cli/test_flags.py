import dataclasses
import math
import re

import pytest

from digitrec.cli import flags
from digitrec.config import TrainConfig
from digitrec.datasets import load_dataset

SETTINGS = dataclasses.fields(TrainConfig)
NUMBERS = [setting for setting in SETTINGS if type(setting.default) in (int, float)]


def spell(setting):
    return f"--{setting.name.replace('_', '-')}"


def test_help_says_of_every_setting_what_it_is_and_its_default_in_groups(command):
    status, out, _ = command("train", "--help")
    assert status == 0
    text = " ".join(out.split())
    for setting in SETTINGS:
        assert spell(setting) in text
        assert setting.metadata["help"] in text
        if not isinstance(setting.default, bool | tuple):
            assert f"default: {setting.default})" in text
    assert "--no-flip" in text
    groups = [line.partition(":")[0] for line in out.splitlines() if re.match(r"\w.*:$", line)]
    assert groups == ["options", "many machines, with Ray", "training", "network", "augmentation", "synthesis"]


def test_every_group_begins_with_a_field():
    names = [setting.name for setting in SETTINGS]
    assert list(flags.GROUPS) == sorted(flags.GROUPS, key=names.index)
    assert names[0] in flags.GROUPS


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_a_number_out_of_range_is_one_line_that_names_it(command, setting):
    least, most = setting.metadata["least"], setting.metadata["most"]
    wrong = [least - 1, *([] if math.isinf(most) else [most + 1])]
    wrong += [math.nan, math.inf] if isinstance(setting.default, float) else []
    for value in wrong:
        status, out, err = command("train", f"{spell(setting)}={value}")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"digitrec: {setting.name}: expected")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--epochs", "1.5"], "argument --epochs: invalid int value: '1.5'"),
        (["--dropout", "half"], "argument --dropout: invalid float value: 'half'"),
        (["--schedule", "steps"], "argument --schedule: invalid choice: 'steps'"),
        (["--network", "gnn"], "argument --network: invalid choice: 'gnn'"),
        (["--filters", "8;8"], "argument --filters: expected numbers such as"),
        (["--filters", "8//8"], "argument --filters: expected numbers such as"),
        (["--filters", "0"], "filters: expected blocks"),
        (["--dataset", "letters"], "argument --dataset: invalid choice: 'letters'"),
    ],
)
def test_another_wrong_value_is_one_line_that_names_it(command, arguments, message):
    status, out, err = command("train", *arguments)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]


@pytest.mark.parametrize("name", ["../../x", "a/b", "/tmp/x", "..", ".", "", "a\\b", "C:", "x/", "./x"])
def test_a_name_that_leads_out_of_the_folder_is_refused(command, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    status, out, err = command("train", f"--name={name}", "--models", tmp_path / "models")
    assert (status, out) == (2, "")
    assert "argument --name: expected a plain name" in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_the_data_sets_are_those_that_can_be_loaded():
    with pytest.raises(ValueError, match=f"expected one of {', '.join(flags.DATASETS)}, got"):
        load_dataset("letters")
