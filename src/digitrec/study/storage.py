"""Where a search for settings lies: in its folder, in a journal that machines share, or in a database."""

import time
import warnings
from pathlib import Path

import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from digitrec.records import PathLike

ATTEMPTS = 4  # to open the search, half a second apart
HEARTBEAT_S = 60  # a trial whose process was not heard of for twice as long is tried again
JOURNAL = ".journal"


def open_study(folder: PathLike, seed: int = 0, storage: str | None = None) -> optuna.Study:
    """Open a search, or begin one.

    Args:
        folder: holds it, as study.db (SQLite), unless `storage` is given.
        seed: of the sampler.
        storage: a file whose name ends in .journal, which several machines may append to in a shared folder, or the
            URL of a database, as SQLAlchemy has it. In a journal nobody notices that the process of a trial was killed:
            the trial stays unfinished, and another takes its place.

    Raises:
        ValueError: what is there is something else, or cannot be written.
    """
    place = storage or str(Path(folder) / "study.db")
    shown = _hide_password(place)
    Path(folder).mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            study = _open(place)
            break
        except ImportError as error:
            missing = getattr(error.__cause__, "name", None) or "its driver"
            raise ValueError(f"{shown}: expected a database whose driver is installed, {missing} is not") from error
        except Exception as error:  # of SQLAlchemy, its drivers, Optuna and the file system, a dozen kinds
            if not isinstance(error, _FOREIGN):
                raise
            if attempt == ATTEMPTS:
                reason = " ".join(str(error).split())
                raise ValueError(f"{shown}: expected a search made here, or a place for one ({reason})") from error
            time.sleep(0.5)  # another process may be making the tables at this moment
    # Each call has another seed, lest a process that joins, or goes on, try again what was tried.
    study.sampler = TPESampler(seed=seed + len(study.trials))
    return study


def claim(study: optuna.Study, purpose: str, folder: PathLike) -> None:
    """Note what a search is for, or refuse one for something else: their accuracies could not be compared.

    Raises:
        ValueError: it was for something else.
    """
    if study.user_attrs.setdefault("purpose", purpose) != purpose:
        raise ValueError(
            f"{folder}: holds a search on other pictures or with other fixed settings; give this one another folder"
        )
    study.set_user_attr("purpose", purpose)


_FOREIGN = (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError, ValueError, OSError, KeyError)


def _hide_password(place: str) -> str:
    """Return a place as it may be printed."""
    if "://" not in place:
        return place
    try:
        return make_url(place).render_as_string()
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError("storage: expected a URL in the form of postgresql://user:password@host/name") from error


def _open(place: str) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of the heartbeat
        return optuna.create_study(
            study_name="cnn",
            storage=_open_storage(place),
            direction="maximize",
            load_if_exists=True,
            pruner=MedianPruner(),
        )


def _open_storage(place: str) -> BaseStorage:
    if place.endswith(JOURNAL):
        # The lock that holds on network file systems, too, from NFS 3 on.
        return JournalStorage(JournalFileBackend(place, lock_obj=JournalFileOpenLock(place)))
    url = place if "://" in place else f"sqlite:///{Path(place).absolute()}"
    return RDBStorage(
        url,
        engine_kwargs={"connect_args": {"timeout": 60}} if url.startswith("sqlite") else None,  # other processes write
        heartbeat_interval=HEARTBEAT_S,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
    )
