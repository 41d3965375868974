"""What commands share that may run on a cluster: its flags, and who does their jobs."""

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digitrec.cli.console import Status

if TYPE_CHECKING:
    from digitrec.distributed.cluster import Cluster
    from digitrec.jobs import Spread

EXTRA = "distributed"


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add --cluster and --cores."""
    group = parser.add_argument_group("many machines, with Ray")
    group.add_argument(
        "--cluster",
        nargs="?",
        const="",
        type=_parse_address,
        metavar="ADDRESS",
        help="spread the work over a cluster of Ray that this machine belongs to (its head as host:6379, or auto), "
        "else that of RAY_ADDRESS, else one of this machine's cores",
    )
    group.add_argument(
        "--cores", type=int, default=1, metavar="N", help="with --cluster: that each job has to itself (default: 1)"
    )


@contextmanager
def open_cluster(
    options: argparse.Namespace, report: Callable[[str], None], dataset: str | None = None
) -> "Iterator[tuple[Cluster | None, Callable[[str], None]]]":
    """Connect to the cluster that the options name, if any; yield it, and what reports lines beside its progress."""
    if options.cluster is None:
        yield None, report
        return
    from digitrec.distributed.cluster import connect

    status = Status()

    def tell(line: str) -> None:
        status.erase()
        report(line)

    with connect(
        options.cluster or None, options.cores, dataset=dataset, report=status.keep, show=status.show
    ) as cluster:
        yield cluster, tell


@contextmanager
def choose_spread(
    options: argparse.Namespace, report: Callable[[str], None], dataset: str | None = None
) -> "Iterator[tuple[Spread, Callable[[str], None]]]":
    """Yield who does the jobs, the cluster that the options name or this process, and what reports lines."""
    from digitrec.jobs import one_by_one

    with open_cluster(options, report, dataset) as (cluster, tell):
        yield (one_by_one if cluster is None else cluster.spread), tell


def _parse_address(text: str) -> str:
    """Return an address of a cluster, unless it is a path that stands where one may."""
    if text and not re.fullmatch(r"auto|local|[\w.\-\[\]:]+:\d+", text):
        raise argparse.ArgumentTypeError(f"expected auto or host:6379, got {text!r}; paths go before --cluster")
    return text
