"""Logging the machine's load during a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.run_protocol import Run


class _Monitor(SystemMetricsMonitor):
    """MLflow's system monitor, writing to the run's journal instead of calling the store."""

    def __init__(self, run: Run, every: float) -> None:
        assert run.store is not None
        resumed = isinstance(run, MlflowRun) and run.resumed
        super().__init__(
            run.run_id,
            sampling_interval=every,
            resume_logging=resumed,  # continues the step count
            tracking_uri=run.store.uri,
        )
        self._run = run

    def monitor(self) -> None:
        """Sample periodically until `finish`; a shorter run has one sample."""
        ended = False
        while not ended:
            self.collect_metrics()
            ended = self._shutdown_event.wait(self.sampling_interval)
            values = {f"system/{k}": v for k, v in self.aggregate_metrics().items()}
            try:
                self._run.metrics(values, self._logging_step)
            except OSError:
                return  # the disk is full, which training reports
            self._logging_step += 1
            for monitor in self.monitors:
                monitor.clear_metrics()


@contextmanager
def system_metrics(run: Run, every: float) -> Iterator[None]:
    """Log CPU, memory, disk, network and (extra ``gpu``) GPU use inside the ``with`` block.

    Args:
        run: The run; nothing happens if it is not tracked.
        every: Seconds between two samples.
    """
    if run.store is None or run.run_id is None:
        yield
        return
    monitor = _Monitor(run, every)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
