"""The sprint: a small network trained to 99 % of MNIST in a second or less, as one compiled function of TensorFlow."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.sprint.course import Course as Course
    from digitrec.sprint.course import Run as Run
    from digitrec.sprint.course import measure_margins as measure_margins
    from digitrec.sprint.recipe import LADDER as LADDER
    from digitrec.sprint.recipe import TRIALS as TRIALS
    from digitrec.sprint.recipe import Recipe as Recipe
    from digitrec.sprint.recipe import build_rungs as build_rungs
    from digitrec.sprint.recipe import build_trials as build_trials
    from digitrec.sprint.recipe import fit_to as fit_to
    from digitrec.sprint.runners import Runners as Runners
    from digitrec.sprint.weights import count_multiplications as count_multiplications
    from digitrec.sprint.weights import count_weights as count_weights
    from digitrec.sprint.weights import draw_weights as draw_weights
    from digitrec.sprint.weights import find_patterns as find_patterns

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "course": ("Course", "Run", "measure_margins"),
        "recipe": ("LADDER", "TRIALS", "Recipe", "build_rungs", "build_trials", "fit_to"),
        "runners": ("Runners",),
        "weights": ("count_multiplications", "count_weights", "draw_weights", "find_patterns"),
    },
)
