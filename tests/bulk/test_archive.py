"""Archives of every form into a table: each picture once, whatever is wrong with some, however often it is stopped."""

import csv
import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from digitrec import cli
from digitrec.bulk import parts
from digitrec.bulk.parts import read_archive
from digitrec.bulk.readers import build_digit_reader, build_number_reader, pack_model
from digitrec.bulk.shards import Shard, find_shards, open_shard
from digitrec.jobs import Lost, one_by_one
from digitrec.numbers.constraints import Constraint
from digitrec.records import SAMPLES

SEVEN = (SAMPLES / "7_crossed.png").read_bytes()
NINE = (SAMPLES / "9_photo.jpg").read_bytes()
MODEL = (pack_model("cnn"),)


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def read(paths, output, **options):
    return read_archive(list(map(str, paths)), output, build_digit_reader, MODEL, **options)


def test_files_tars_and_what_is_wrong_with_them_are_rows_in_the_order_given(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, content in (("10.png", SEVEN), ("9.jpg", NINE), ("a.png", b"no picture")):
        (folder / name).write_bytes(content)
    tar = write_tar(tmp_path / "s.tar", [("b/0.png", SEVEN), ("b/0.cls", b"7"), ("b/1.JPG", NINE), ("b/2.png", b"")])
    cut = tmp_path / "cut.tar"
    cut.write_bytes(tar.read_bytes()[: len(SEVEN) // 512 * 512 + 1024])
    packed = tmp_path / "s.tar.gz"
    packed.write_bytes(gzip.compress(tar.read_bytes()))
    done, failed = read([folder, tar, cut, packed, tmp_path / "none.tar"], tmp_path / "out.csv")
    rows = read_table(tmp_path / "out.csv")
    assert list(rows[0]) == ["file", "answer", "confidence", "kind", "reason", "error"]
    told = [(row["file"].removeprefix(f"{tmp_path}/"), row["answer"]) for row in rows]
    assert told == [
        ("pictures/9.jpg", "9"), ("pictures/10.png", "7"), ("pictures/a.png", ""),
        ("s.tar/b/0.png", "7"), ("s.tar/b/1.JPG", "9"), ("s.tar/b/2.png", ""),
        ("cut.tar/b/0.png", "7"), ("cut.tar", ""),
        ("s.tar.gz/b/0.png", "7"), ("s.tar.gz/b/1.JPG", "9"), ("s.tar.gz/b/2.png", ""),
        ("none.tar", ""),
    ]  # fmt: skip
    assert (done, failed) == (12, 5)
    assert all((row["answer"] == "") == (row["error"] != "") for row in rows)
    assert "cut short" in rows[7]["error"]
    assert rows[-1]["error"] == "No such file or directory"
    assert sorted(os.listdir(tmp_path)) == ["cut.tar", "out.csv", "pictures", "s.tar", "s.tar.gz"]


def test_parquet_is_read_by_row_groups_and_written(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    pictures = [{"bytes": SEVEN, "path": "a.png"}, {"bytes": NINE, "path": None}, {"bytes": None, "path": "c.png"}]
    nested = pyarrow.table({"label": [7, 9, 7], "image": pictures})
    flat = pyarrow.table({"file": ["x.png", "y.png"], "content": [SEVEN, NINE]})
    other = pyarrow.table({"label": [1]})
    for name, table in (("nested", nested), ("flat", flat), ("other", other)):
        parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=2)
    assert [shard.group for shard in find_shards([str(tmp_path / "nested.parquet")])] == [0, 1]
    (tmp_path / "bad.parquet").write_text("no table")
    paths = [tmp_path / f"{name}.parquet" for name in ("nested", "flat", "other", "bad")]
    assert read(paths, tmp_path / "out.parquet") == (7, 3)
    table = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    assert [Path(name).name for name in table["file"]] == [
        "a.png", "1", "c.png", "x.png", "y.png", "other.parquet", "bad.parquet"
    ]  # fmt: skip
    assert table["answer"] == ["7", "9", None, "7", "9", None, None]
    assert "expected a column of pictures' bytes, found label" in table["error"][5]
    assert table["confidence"][0] == pytest.approx(0.999475, abs=1e-5)


def test_what_was_stopped_goes_on_and_each_picture_is_there_once(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "find_shards", lambda paths: find_shards(paths, pictures=2))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(7):
        (folder / f"{i}.png").write_bytes(SEVEN)
    output, asked = tmp_path / "out.csv", []

    def stop(work, jobs, shared=(), is_lost_told=False):
        jobs = list(jobs)
        asked.append(len(jobs))
        yield 2, work(*jobs[2], *shared)
        raise KeyboardInterrupt

    def go_on(work, jobs, shared=(), is_lost_told=False):
        jobs = list(jobs)
        asked.append(len(jobs))
        yield from reversed(list(one_by_one(work, jobs, shared)))

    with pytest.raises(KeyboardInterrupt):
        read([folder], output, spread=stop)
    assert not output.exists()
    (part,) = (tmp_path / "out.csv.parts").iterdir()
    (tmp_path / "out.csv.parts" / ".part-0-half.jsonl").write_text("[")  # as a kill leaves it
    assert read([folder], output, spread=go_on) == (7, 0)
    assert asked == [4, 3]
    assert [Path(row["file"]).name for row in read_table(output)] == [f"{i}.png" for i in range(7)]
    assert not part.exists()
    os.utime(folder / "0.png")
    assert read([folder], output, spread=go_on, is_ordered=False) == (7, 0)
    assert sorted(Path(row["file"]).name for row in read_table(output)) == [f"{i}.png" for i in range(7)]


def test_a_picture_that_ends_its_process_is_a_row_and_its_neighbours_are_read(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(SEVEN)

    def spread(work, jobs, shared=(), is_lost_told=False):
        assert is_lost_told
        for i, (shard,) in enumerate(jobs):
            deadly = any(path.endswith("1.png") for path in shard.paths)
            yield i, Lost(4) if deadly else work(shard, *shared)

    assert read([folder], tmp_path / "out.csv", spread=spread) == (3, 1)
    assert [row["error"] for row in read_table(tmp_path / "out.csv")] == [
        "",
        "cannot be read: it ended the process 4 times",
        "",
    ]
    tar = write_tar(tmp_path / "of-1.png", [("0.png", SEVEN)]).rename(tmp_path / "1.tar")

    def lose(work, jobs, shared=(), is_lost_told=False):
        yield from ((i, Lost(4)) for i, _ in enumerate(jobs))

    assert read([tar], tmp_path / "out.csv", spread=lose) == (1, 1)


def test_a_shard_holds_one_kind_and_no_more_than_it_may():
    paths = ["a.png", "b.png", "c.png", "d.TAR", "e.png", "f.parquet"]
    kinds = [(shard.kind, shard.paths) for shard in find_shards(paths, 2)]
    assert kinds == [("files", ("a.png", "b.png")), ("files", ("c.png",)), ("tar", ("d.TAR",)), ("files", ("e.png",)),
                     ("parquet", ("f.parquet",))]  # fmt: skip
    assert [name for name, _ in open_shard(Shard("files", ("a.png",)))] == ["a.png"]


def test_a_folder_of_shards_is_read_in_natural_order(tmp_path):
    for name in ("s-10.tar", "s-9.tar", "notes.txt"):
        write_tar(tmp_path / name, [])
    assert [Path(shard.paths[0]).name for shard in find_shards([str(tmp_path)])] == ["s-9.tar", "s-10.tar"]


def test_the_command_reads_an_archive(tmp_path, capsys):
    shutil.copytree(SAMPLES, tmp_path / "samples")
    output = tmp_path / "out.csv"
    assert cli.main(["predict", str(tmp_path / "samples"), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 13 pictures, 0 of them could not be read\n"
    (tmp_path / "samples" / "x.png").touch()
    assert cli.main(["predict", str(tmp_path / "samples"), "--output", str(output), "--unordered"]) == 1
    assert len(read_table(output)) == 14


def test_numbers_are_read_as_what_they_can_be(tmp_path, number_model, number_strip):
    from PIL import Image

    Image.fromarray(255 - number_strip("473")).save(tmp_path / "473.png")
    arguments = (pack_model(number_model), Constraint(length=3))
    read_archive([str(tmp_path)], tmp_path / "out.csv", build_number_reader, arguments)
    (row,) = read_table(tmp_path / "out.csv")
    assert row["error"] == ""
    assert row["kind"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.png", "--cluster"], "--cluster: expected --output FILE with it"),
        (["x.png", "--unordered"], "--unordered: expected --output FILE with it"),
        (["x.png", "--output", "a.csv", "--json"], "--output: cannot go with --json"),
        (["x.png", "--output", "a.txt"], "a.txt: expected a name that ends in .csv or .parquet"),
        (["-", "--output", "a.csv"], "-: standard input goes with one picture"),
        (["x.png", "--output", "a.csv", "--cluster", "scans/"], "paths go before --cluster"),
        (["x.png", "--output", "a.csv", "--cluster", "ray://head:10001"], "expected auto or host:6379"),
        (["x.png", "--output", "a.csv", "--cluster", "--cores", "0"], "cores: expected 1 to"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "read"])
def test_wrong_use_is_one_line(tmp_path, monkeypatch, capsys, command, words, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    try:
        status = cli.main([command, *words])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds", "--seed", "3"], "--seed: expected --seeds N"),
        (["seeds", "--seeds", "0"], "seeds: expected 1 or more, got 0"),
        (["train", "--cluster"], "--cluster: expected --folds K with it"),
        (["train", "--folds", "3", "--resume"], "--folds: cannot go with --resume"),
        (["train", "--folds", "1", "--dataset", "digits"], "folds: expected 2 to"),
    ],
)
def test_wrong_use_of_what_trains_is_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    assert message in capsys.readouterr().err
