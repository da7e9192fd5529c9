"""Delivery of journals that earlier processes left."""

from dataclasses import dataclass, field
from pathlib import Path

from idc.tracking.courier import courier_of, stop_courier
from idc.tracking.journal import count_in_use, orphaned_journals
from idc.tracking.privacy import public


@dataclass
class Report:
    """Result of delivering leftover journals.

    Attributes:
        delivered: Run ids to the number of delivered entries.
        problems: One line per journal that is not fully delivered, with the reason.
        in_use: Number of journals that running processes write to.
    """

    delivered: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    in_use: int = 0


def deliver_leftover(root: Path, uri: str | None) -> Report:
    """Deliver all journals that no process has open, each to its own store.

    Args:
        root: The folder of all journals.
        uri: The configured tracking URI, which may contain a password; those in journals do not.
    """
    report = Report()
    stores = {uri} if uri else set()
    for journal in orphaned_journals(root):
        about = journal.about
        if about.uri not in {public(store) for store in stores}:
            if about.secret:
                report.problems.append(
                    f"run {about.run}: {about.uri} needs a user and a password, which are not "
                    f"stored. Set MLFLOW_TRACKING_URI as it was for the run."
                )
            else:
                stores.add(about.uri)
        journal.release()
    for store in sorted(stores):
        courier = courier_of(store, root)
        journals = courier.take_over(again=True)
        before = [journal.count_waiting() for journal in journals]
        courier.flush(own=False)
        for journal, count in zip(journals, before, strict=True):
            left = journal.count_waiting()
            run_id = courier.ids.resolve(journal.about.run) or journal.about.run
            if count > left:
                report.delivered[run_id] = report.delivered.get(run_id, 0) + count - left
            if left or journal.refused():
                report.problems.append(courier.summary(journal))
        stop_courier(store, root)
    report.in_use = count_in_use(root)
    return report
