"""From a journal to its store: each entry once in effect, however often it has to be tried.

The store may have done what it was asked to, and the answer have been lost. So doing an entry again
changes nothing: metrics carry the time at which they were measured (the store keeps one of equal
ones), parameters that it has keep their value, tags and artifacts are written over with the same,
and what is created (runs, models) bears a tag by which it is looked up first.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException

from idc.errors import first_line
from idc.tracking.journal import (
    ABANDONED,
    CLOSED,
    END,
    PROVISIONAL,
    About,
    Entry,
    Journal,
    RunIds,
    is_open,
)

# Else the UI takes the experiment for one of language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
JOURNAL_TAG = (
    "idc.journal"  # by which a run or model is found again whose creation was not confirmed
)
PARENT_TAG = "mlflow.parentRunId"
ERROR_TAG = "idc.error"
MLMODEL = "MLmodel"
METRICS_BATCH = 1000  # metrics that the server takes at once
BATCH = 100  # parameters and tags that the server takes at once
TEXTS = (".yaml", ".txt", ".log", ".md", ".json", ".html", ".csv", ".jsonl", ".geojson")
PROVISIONAL_ID = re.compile(PROVISIONAL + "[0-9a-f]{32}")
# What no repetition mends.
REFUSALS = (
    *("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"),
    *("INVALID_STATE", "NOT_IMPLEMENTED"),
)

NETWORK = re.compile(r"(?<=\] )[A-Z][a-z ]+(?=['\")])|(?:Read|Connection) timed out|timed out")
DENIALS = ("PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED", "ENDPOINT_NOT_FOUND")
LATER = ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")
ENDED_FROM_OUTSIDE = "the process was ended from outside"


class NotDeliveredError(Exception):
    """Something must be delivered first: the run, or the sweep that it belongs to."""


def is_refusal(error: BaseException) -> bool:
    """Whether the store answered that it will not have it, rather than failing to answer."""
    return isinstance(error, MlflowException) and error.error_code in REFUSALS


def reason(error: BaseException) -> str:
    """What is wrong with a store, in a few words where the network says it in a few."""
    match = NETWORK.search(str(error))
    return match[0].rstrip() if match else first_line(error)


def is_away(error: BaseException) -> bool:
    """Whether the store itself says that it cannot just now: locked, full, too busy."""
    return isinstance(error, MlflowException) and error.error_code in LATER


def is_denied(error: BaseException) -> bool:
    """Whether the store wants another user or password."""
    return isinstance(error, MlflowException) and error.error_code in DENIALS


class Delivery:
    """Brings entries of a journal to the store.

    Args:
        client: The store's.
        journal: Whose.
        ids: What provisional ids have become.
    """

    def __init__(self, client: mlflow.MlflowClient, journal: Journal, ids: RunIds) -> None:
        self._client = client
        self._journal = journal
        self._ids = ids
        self._do: dict[str, Callable[..., None]] = {
            "create": self._create,
            "reopen": self._reopen,
            "params": self._params,
            "tags": self._tags,
            "dataset": self._dataset,
            "artifact": self._artifact,
            "model": self._model,
            END: self._end,
            CLOSED: lambda: None,
            ABANDONED: self._abandoned,
        }

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Bring to the store what `first_batch` put together.

        Raises:
            NotDeliveredError: Something else must be delivered first.
            Exception: Whatever the store raises; see `is_refusal`.
        """
        if entries[0].kind == "metrics":
            self._metrics(entries)
        else:
            (entry,) = entries
            self._do[entry.kind](**entry.fields)

    @property
    def _run_id(self) -> str:
        return self._known(self._journal.about.run)

    def _known(self, run_id: str) -> str:
        known = self._ids.resolve(run_id)
        if known is None:
            raise NotDeliveredError(run_id)
        return known

    def _translated(self, text: str) -> str:
        return PROVISIONAL_ID.sub(lambda m: self._ids.resolve(m[0]) or m[0], text)

    def _create(self, name: str | None, parent: str | None, start: int) -> None:
        local = self._journal.about.run
        tags = {JOURNAL_TAG: local, **({PARENT_TAG: self._known(parent)} if parent else {})}
        experiment = experiment_of(self._client, self._journal.about)
        made = self._client.search_runs([experiment], f"tags.`{JOURNAL_TAG}` = '{local}'")
        run = made[0] if made else self._client.create_run(experiment, start, tags, name)
        self._ids.record(local, str(run.info.run_id))

    def _reopen(self) -> None:
        self._client.update_run(self._run_id, status="RUNNING")
        if ERROR_TAG in self._client.get_run(self._run_id).data.tags:
            self._client.delete_tag(self._run_id, ERROR_TAG)

    def _metrics(self, entries: Sequence[Entry]) -> None:
        batch = [
            Metric(key, value, entry.fields["time"], entry.fields["step"])
            for entry in entries
            for key, value in entry.fields["values"].items()
        ]
        for start in range(0, len(batch), METRICS_BATCH):
            self._client.log_batch(self._run_id, metrics=batch[start : start + METRICS_BATCH])

    def _params(self, values: dict[str, str]) -> None:
        # MLflow refuses to change a parameter; a resumed run logs the same ones again.
        known = self._client.get_run(self._run_id).data.params
        new = [Param(key, value) for key, value in values.items() if key not in known]
        for start in range(0, len(new), BATCH):
            self._client.log_batch(self._run_id, params=new[start : start + BATCH])

    def _tags(self, values: dict[str, str]) -> None:
        tags = [RunTag(key, self._translated(value)) for key, value in values.items()]
        for start in range(0, len(tags), BATCH):
            self._client.log_batch(self._run_id, tags=tags[start : start + BATCH])

    def _dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        data = Dataset(
            name=name,
            digest=digest,
            source_type="code",
            source="{}",
            profile=profile,
            schema=schema,
        )
        tag = InputTag("mlflow.data.context", context)
        self._client.log_inputs(self._run_id, datasets=[DatasetInput(dataset=data, tags=[tag])])

    def _artifact(self, file: str, under: str) -> None:
        path = self._journal.folder / file
        self._with_known_ids(path)
        self._client.log_artifact(self._run_id, str(path), under or None)

    def _with_known_ids(self, path: Path) -> None:
        """Put the run's id where a text still has the provisional one."""
        if path.suffix in TEXTS and self._journal.about.run.startswith(PROVISIONAL):
            with suppress(UnicodeDecodeError):
                text = path.read_text(encoding="utf-8")
                path.write_text(self._translated(text), encoding="utf-8")

    def _model(self, folder: str, token: str) -> None:
        import yaml

        run = self._client.get_run(self._run_id)
        experiment = run.info.experiment_id
        made = self._client.search_logged_models([experiment], f"tags.`{JOURNAL_TAG}` = '{token}'")
        model = (
            made[0]
            if made
            else self._client.create_logged_model(
                experiment, "model", self._run_id, {JOURNAL_TAG: token}, run.data.params
            )
        )
        outputs = run.outputs.model_outputs if run.outputs else []
        if model.model_id not in {output.model_id for output in outputs}:
            self._client.log_outputs(self._run_id, [LoggedModelOutput(model.model_id, step=0)])
        self._link_metrics(str(model.model_id))
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / "model"
            shutil.copytree(self._journal.folder / folder, copy)
            content = yaml.safe_load((copy / MLMODEL).read_text(encoding="utf-8"))
            content |= {"run_id": self._run_id, "model_id": model.model_id}
            content["model_uuid"] = model.model_id
            (copy / MLMODEL).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
            self._client.log_model_artifacts(model.model_id, str(copy))
        self._client.finalize_logged_model(model.model_id, "READY")

    def _link_metrics(self, model_id: str) -> None:
        """The run's metrics at step 0, those of the test, are the model's too."""
        metrics = self._client.get_run(self._run_id).data._metric_objs
        linked = [
            Metric(m.key, m.value, m.timestamp, m.step, model_id, run_id=self._run_id)
            for m in metrics
            if m.step == 0 and m.model_id is None
        ]
        for start in range(0, len(linked), METRICS_BATCH):
            self._client.log_batch(self._run_id, metrics=linked[start : start + METRICS_BATCH])

    def _end(self, status: str, time: int) -> None:
        self._client.set_terminated(self._run_id, status, time)

    def _abandoned(self) -> None:
        """Close what its own process could not close, unless somebody went on with it."""
        run_id = self._run_id
        if self._client.get_run(run_id).info.status == "RUNNING" and not self._is_continued:
            self._client.set_tag(run_id, ERROR_TAG, ENDED_FROM_OUTSIDE)
            self._client.set_terminated(run_id, "KILLED")

    @property
    def _is_continued(self) -> bool:
        folder, ids = self._journal.folder, {self._run_id, self._journal.about.run}
        return any(is_open(folder.parent, run_id, folder) for run_id in ids)


def first_batch(entries: Sequence[Entry]) -> list[Entry]:
    """The first entries that go to the store in one call: one, or several of metrics."""
    batch, count = [entries[0]], 0
    for entry in entries[1:]:
        count += len(batch[-1].fields.get("values", ()))
        if entry.kind != "metrics" or batch[0].kind != "metrics" or count >= METRICS_BATCH:
            break
        batch.append(entry)
    return batch


def experiment_of(client: mlflow.MlflowClient, about: About) -> str:
    """The id of a journal's experiment, made if it is not there."""
    known: Any = client.get_experiment_by_name(about.experiment)
    if known is None:
        return str(client.create_experiment(about.experiment, tags=EXPERIMENT_TAGS))
    return str(known.experiment_id)
