"""Many machines: seeds, folds, trials, the study and archives of pictures on a cluster of Ray; when that pays."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.distributed.cluster import Cluster as Cluster
    from digitrec.distributed.cluster import ClusterError as ClusterError
    from digitrec.distributed.cluster import connect as connect
    from digitrec.distributed.schedule import Costs as Costs
    from digitrec.distributed.schedule import Schedule as Schedule
    from digitrec.distributed.schedule import describe_time as describe_time
    from digitrec.distributed.schedule import draw_jobs as draw_jobs
    from digitrec.distributed.schedule import find_break_even as find_break_even
    from digitrec.distributed.schedule import simulate as simulate
    from digitrec.distributed.searching import hold_on as hold_on

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "cluster": ("Cluster", "ClusterError", "connect"),
        "schedule": ("Costs", "Schedule", "describe_time", "draw_jobs", "find_break_even", "simulate"),
        "searching": ("hold_on",),
    },
)
