import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "numbers", "--context", "1"], "expected the layers that were asked for"),
        (["--from", "no-such-model"], "no-such-model"),
        (["--data", "absent", "--resume"], "cannot go with --resume"),
        (["--data", "absent", "--dataset", "digits"], "cannot go with --dataset"),
        (["--strips", "0"], "strips: expected a whole number of 1 or more, got 0"),
        (["--connectionist", "2"], "connectionist: expected a number of 0 to 1, got 2"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(command, arguments, message):
    status, out, err = command("train-numbers", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_each_setting_is_a_flag_in_one_group_each(command):
    status, out, _ = command("train-numbers", "--help")
    assert status == 0
    assert all(flag in out for flag in ("--kept-epochs", "--frame-epochs", "--filters", "--shear"))
    assert out.count("network:\n") == 1
    assert out.count("variation on the fly") == 1


def test_what_was_given_reaches_the_training(tmp_path, monkeypatch, command):
    from digitrec.numbers import saving

    given = {}

    def train(folder, config, dataset, resume, replace, report, base):
        given.update(base=base, folder=folder, strips=config.strips, dataset=dataset, resume=resume, replace=replace)
        return {"validation": {"exact_match": 0.875}}

    monkeypatch.setattr(saving, "train_numbers", train)
    status, out, _ = command("train-numbers", "--models", tmp_path, "--strips", "99", "--resume", "--from", "numbers")
    assert status == 0
    assert given == {
        "base": "numbers",
        "folder": tmp_path / "my-numbers", "strips": 99, "dataset": "mnist", "resume": True, "replace": False,
    }  # fmt: skip
    assert out == f"{tmp_path / 'my-numbers'}: 87.50% of the validation strips read exactly\n"


def test_own_cells_reach_the_teacher_with_what_was_given_alone(tmp_path, monkeypatch, command):
    from digitrec.numbers import teaching

    given = {}

    def teach(data, folder, model, replace, report, **settings):
        given.update(data=data, folder=folder, model=model, replace=replace, **settings)

    monkeypatch.setattr(teaching, "teach_numbers", teach)
    status, out, _ = command("train-numbers", "--data", "cells", "--models", tmp_path, "--epochs", "2", "--replace")
    assert status == 0
    assert given == {
        "data": "cells", "folder": tmp_path / "my-numbers", "model": "numbers", "replace": True, "epochs": 2
    }  # fmt: skip
    assert "digitrec read --model" in out


def test_a_run_that_is_stopped_says_how_to_go_on(tmp_path, monkeypatch, command):
    from digitrec.numbers import saving

    def stop(folder, *rest):
        folder.mkdir()
        (folder / "checkpoint.npz").write_bytes(b"")
        raise OSError(28, "No space left on device", str(folder / "checkpoint.npz"))

    monkeypatch.setattr(saving, "train_numbers", stop)
    status, _, err = command("train-numbers", "--models", tmp_path)
    assert status == 2
    assert "No space left on device" in err
    assert "go on with --resume" in err
