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
