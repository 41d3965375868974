import dataclasses
import json

import pytest

from digitrec.config import TrainConfig


def test_config_survives_json():
    config = TrainConfig(seed=7, filters=((8,), (16, 16)), flip=True)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_config_is_frozen_and_replaceable():
    config = TrainConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 3  # type: ignore[misc]
    assert dataclasses.replace(config, epochs=3).epochs == 3


def test_misspelt_setting_is_named():
    with pytest.raises(ValueError, match="learningrate"):
        TrainConfig.from_json({"learningrate": 0.1})


WRONG = {
    "seed": (-1, 1.5, True, "0", None, float("nan")),
    "epochs": (0, -1, 2.0, True, "3"),
    "batch_size": (0, -1, 0.5),
    "learning_rate": (0, -1, float("nan"), float("inf"), "0.1", None),
    "weight_decay": (-0.1, float("inf")),
    "label_smoothing": (-0.1, 1.0),
    "schedule": ("cosine", None, 1),
    "patience": (0,),
    "precision": ("float16", ""),
    "network": ("mlp",),
    "filters": ((), (8, 16), ((),), ((8, 0),), ((8.0,),), ((True,),), "8/16", None),
    "batch_normalisation": (1, "yes"),
    "dense": (0,),
    "dropout": (-0.1, 1.0, float("nan")),
    "rotation": (-1, 361),
    "scale": (1.0,),
    "stroke": (1.1,),
    "erase": (2,),
    "plain_epochs": (-1,),
    "drawn_digits": (-1, 10.5),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_value_is_one_clear_line_that_names_it(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected .*, got ") as caught:
        TrainConfig(**{name: value})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        TrainConfig.from_json({name: list(value) if isinstance(value, tuple) else value})


def test_every_setting_says_what_it_is_and_no_wrong_number_passes():
    for setting in dataclasses.fields(TrainConfig):
        assert setting.metadata["help"]
        if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
            with pytest.raises(ValueError, match=setting.name):
                TrainConfig(**{setting.name: setting.metadata["least"] - 1})


@pytest.mark.parametrize(
    ("epochs", "plain", "varied"),
    [(1, 2, 1), (2, 2, 2), (3, 2, 3), (4, 2, 3), (5, 1, 4), (8, 2, 6), (16, 2, 14), (9, 0, 9)],
)
def test_plain_epochs_do_not_eat_short_runs(epochs, plain, varied):
    assert TrainConfig(epochs=epochs, plain_epochs=plain).varied_epochs == varied


@pytest.mark.parametrize("values", [None, [], "epochs", 3])
def test_settings_that_are_no_dictionary_are_named(values):
    with pytest.raises(ValueError, match="expected settings among"):
        TrainConfig.from_json(values)
