"""Hydra's own sweeper, for sweeps over numbers of folds.

Hydra takes sweepers from packages of this name only.
"""

from collections.abc import Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override


class FoldSweeper(BasicSweeper):
    """All combinations, but of each number of folds only the folds that it has.

    ``split.folds=5,7 split.fold=range(0,7)`` are 5 + 7 jobs.
    """

    @staticmethod
    def split_arguments(
        overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """The overrides of each job, in batches."""
        (jobs,) = BasicSweeper.split_arguments(overrides, None)
        # A single impossible fold stays: the job refuses it by name.
        jobs = [job for job in jobs if has_fold(job)] or jobs
        return list(BasicSweeper.split_overrides_to_chunks(jobs, max_batch_size))


def has_fold(job: Sequence[str]) -> bool:
    """Whether the number of folds in a job's overrides, if there is one, has the job's fold."""
    values = dict(override.partition("=")[::2] for override in job)
    folds, fold = values.get("split.folds", ""), values.get("split.fold", "")
    return not (folds.isdigit() and fold.isdigit()) or int(fold) < int(folds)
