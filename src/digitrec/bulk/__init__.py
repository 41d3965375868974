"""Archives: pictures by the million, in files, Parquet or tar shards, read part by part into one table."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.bulk.parts import read_archive as read_archive
    from digitrec.bulk.shards import Shard as Shard
    from digitrec.bulk.shards import find_shards as find_shards

__all__, __getattr__, __dir__ = hand_on(__name__, {"parts": ("read_archive",), "shards": ("Shard", "find_shards")})
