"""Idempotent delivery of a journal's entries to its store.

A call may succeed although its answer is lost, so each entry can be applied repeatedly: metrics
carry the time at which they were measured (the store keeps one of equal ones), existing parameters
keep their value, tags and artifacts are overwritten with the same content, and created runs and
models have a tag by which they are looked up first.
"""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
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
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from idc.errors import first_line
from idc.tracking.journal import (
    ABANDONED,
    CLOSED,
    END,
    PROVISIONAL,
    About,
    Journal,
    JournalEntry,
    RunIds,
    is_open,
)
from idc.tracking.metric_table import is_shown
from idc.tracking.saved_view import view_tags

# Otherwise the UI shows the experiment as one of language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development", **view_tags()}
JOURNAL_TAG = "idc.journal"  # identifies a run or model whose creation was not confirmed
PARENT_TAG = "mlflow.parentRunId"
ERROR_TAG = "idc.error"
MODEL, MLMODEL = "model", "MLmodel"
NOT_IN_MODEL_NAMES = re.compile(r"[/:.%\"']+")
METRICS_BATCH = 1000  # the server's limit for metrics in one call
BATCH = 100  # the server's limit for parameters and tags in one call
MESSAGES = (".txt", ".log")
TEXTS = (*MESSAGES, ".yaml", ".md", ".json")  # redacted when they are logged
WITH_RUN_IDS = (*TEXTS, ".html", ".csv", ".jsonl", ".geojson")
PROVISIONAL_ID = re.compile(PROVISIONAL + "[0-9a-f]{32}")
# Errors that retrying cannot fix.
REFUSALS = (
    *("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"),
    *("INVALID_STATE", "NOT_IMPLEMENTED"),
)

NETWORK = re.compile(r"(?<=\] )[A-Z][a-z ]+(?=['\")])|(?:Read|Connection) timed out|timed out")
DENIALS = ("PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED", "ENDPOINT_NOT_FOUND")
LATER = ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")
KILLED_MESSAGE = "the process was killed"


class NotDeliveredError(Exception):
    """The run, or the sweep that it belongs to, must be delivered first."""


def is_refusal(error: BaseException) -> bool:
    """Whether the store rejected the request, rather than failing to answer."""
    return isinstance(error, MlflowException) and error.error_code in REFUSALS


def reason(error: BaseException) -> str:
    """Short reason of a store's error: of the network's where there is one."""
    match = NETWORK.search(str(error))
    return match[0].rstrip() if match else first_line(error)


def is_away(error: BaseException) -> bool:
    """Whether the store reports that it is temporarily unavailable: locked, full or busy."""
    return isinstance(error, MlflowException) and error.error_code in LATER


def is_denied(error: BaseException) -> bool:
    """Whether the store denied access to this user."""
    return isinstance(error, MlflowException) and error.error_code in DENIALS


class Delivery:
    """Delivers the entries of a journal to its store.

    Args:
        client: Client of the store.
        journal: The journal.
        ids: Resolves provisional run ids.
    """

    def __init__(self, client: mlflow.MlflowClient, journal: Journal, ids: RunIds) -> None:
        self._client = client
        self._journal = journal
        self._ids = ids
        self._actions: dict[str, Callable[..., None]] = {
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

    def deliver(self, entries: Sequence[JournalEntry]) -> None:
        """Deliver a batch made by `first_batch`.

        Raises:
            NotDeliveredError: Another run must be delivered first.
            Exception: Anything that the store raises; see `is_refusal`.
        """
        if entries[0].kind == "metrics":
            self._metrics(entries)
        else:
            (entry,) = entries
            self._actions[entry.kind](**entry.fields)

    @property
    def _run_id(self) -> str:
        return self._resolve(self._journal.about.run)

    def _resolve(self, run_id: str) -> str:
        resolved = self._ids.resolve(run_id)
        if resolved is None:
            raise NotDeliveredError(run_id)
        return resolved

    def _with_resolved_ids(self, text: str) -> str:
        return PROVISIONAL_ID.sub(lambda m: self._ids.resolve(m[0]) or m[0], text)

    def _create(
        self,
        name: str | None,
        parent: str | None,
        start: int,
        tags: Mapping[str, str] | None = None,  # absent from journals of older code
    ) -> None:
        local = self._journal.about.run
        tags = {**(tags or {}), JOURNAL_TAG: local}
        if parent:
            tags[PARENT_TAG] = self._resolve(parent)
        experiment = experiment_of(self._client, self._journal.about)
        existing = self._client.search_runs([experiment], f"tags.`{JOURNAL_TAG}` = '{local}'")
        run = existing[0] if existing else self._client.create_run(experiment, start, tags, name)
        self._ids.record(local, str(run.info.run_id))

    def _reopen(self) -> None:
        self._client.update_run(self._run_id, status="RUNNING")
        if ERROR_TAG in self._client.get_run(self._run_id).data.tags:
            self._client.delete_tag(self._run_id, ERROR_TAG)

    def _metrics(self, entries: Sequence[JournalEntry]) -> None:
        batch = [
            Metric(key, value, entry.fields["time"], entry.fields["step"])
            for entry in entries
            for key, value in entry.fields["values"].items()
        ]
        for start in range(0, len(batch), METRICS_BATCH):
            self._client.log_batch(self._run_id, metrics=batch[start : start + METRICS_BATCH])

    def _params(self, values: dict[str, str]) -> None:
        # MLflow refuses to change a parameter, and a resumed run logs the same ones again.
        existing = self._client.get_run(self._run_id).data.params
        new = [Param(key, value) for key, value in values.items() if key not in existing]
        for start in range(0, len(new), BATCH):
            self._client.log_batch(self._run_id, params=new[start : start + BATCH])

    def _tags(self, values: dict[str, str]) -> None:
        tags = [RunTag(key, self._with_resolved_ids(value)) for key, value in values.items()]
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
        self._resolve_ids_in(path)
        self._client.log_artifact(self._run_id, str(path), under or None)

    def _resolve_ids_in(self, path: Path) -> None:
        """Replace provisional run ids in a text file."""
        if path.suffix in WITH_RUN_IDS and self._journal.about.run.startswith(PROVISIONAL):
            with suppress(UnicodeDecodeError):
                text = path.read_text(encoding="utf-8")
                path.write_text(self._with_resolved_ids(text), encoding="utf-8")

    def _model(self, folder: str, token: str) -> None:
        import yaml

        run = self._client.get_run(self._run_id)
        experiment = run.info.experiment_id
        existing = self._client.search_logged_models(
            [experiment], f"tags.`{JOURNAL_TAG}` = '{token}'"
        )
        model = (
            existing[0]
            if existing
            else self._client.create_logged_model(
                experiment,
                model_name(str(run.info.run_name)),
                self._run_id,
                {JOURNAL_TAG: token},
                run.data.params,
            )
        )
        outputs = run.outputs.model_outputs if run.outputs else []
        if model.model_id not in {output.model_id for output in outputs}:
            self._client.log_outputs(self._run_id, [LoggedModelOutput(model.model_id, step=0)])
        self._link_metrics(str(model.model_id))
        files = self._journal.folder / folder
        content = yaml.safe_load((files / MLMODEL).read_text(encoding="utf-8"))
        content |= {"run_id": self._run_id, "model_id": model.model_id}
        content["model_uuid"] = model.model_id
        (files / MLMODEL).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        self._client.log_model_artifacts(model.model_id, str(files))
        # Under this name in every run: models are named after their runs.
        if not _link_folder(model.artifact_location, f"{run.info.artifact_uri}/{MODEL}"):
            self._client.log_artifacts(self._run_id, str(files), MODEL)
        self._client.finalize_logged_model(model.model_id, "READY")

    def _link_metrics(self, model_id: str) -> None:
        """Link the run's results, its metrics without a course, to the model."""
        metrics = self._client.get_run(self._run_id).data._metric_objs
        linked = [
            Metric(m.key, m.value, m.timestamp, m.step, model_id, run_id=self._run_id)
            for m in metrics
            if m.step == 0 and m.model_id is None and is_shown(m.key)
        ]
        for start in range(0, len(linked), METRICS_BATCH):
            self._client.log_batch(self._run_id, metrics=linked[start : start + METRICS_BATCH])

    def _end(self, status: str, time: int) -> None:
        self._client.set_terminated(self._run_id, status, time)

    def _abandoned(self) -> None:
        """Close a run whose process was killed, unless another process has continued it."""
        run_id = self._run_id
        if self._client.get_run(run_id).info.status == "RUNNING" and not self._is_continued:
            self._client.set_tag(run_id, ERROR_TAG, KILLED_MESSAGE)
            self._client.set_terminated(run_id, "KILLED")

    @property
    def _is_continued(self) -> bool:
        folder, ids = self._journal.folder, {self._run_id, self._journal.about.run}
        return any(is_open(folder.parent, run_id, folder) for run_id in ids)


def model_name(run_name: str) -> str:
    """Name of a run's model: the run's, without characters that MLflow refuses in it."""
    return NOT_IN_MODEL_NAMES.sub("-", run_name).strip() or MODEL


def _link_folder(source: str, target: str) -> bool:
    """Hard-link a folder's files at a second address; False unless both are on one disk here."""
    if not (is_local_uri(source) and is_local_uri(target)):
        return False
    files, links = (Path(local_file_uri_to_path(uri)) for uri in (source, target))
    try:
        shutil.rmtree(links, ignore_errors=True)  # of an earlier try
        shutil.copytree(files, links, copy_function=os.link)
    except OSError:
        return False
    return True


def first_batch(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """The first entries to send in one call: a single one, or several of metrics."""
    batch, count = [entries[0]], 0
    for entry in entries[1:]:
        count += len(batch[-1].fields.get("values", ()))
        if entry.kind != "metrics" or batch[0].kind != "metrics" or count >= METRICS_BATCH:
            break
        batch.append(entry)
    return batch


def experiment_of(client: mlflow.MlflowClient, about: About) -> str:
    """Id of a journal's experiment, which is created if necessary."""
    existing: Any = client.get_experiment_by_name(about.experiment)
    if existing is None:
        return str(client.create_experiment(about.experiment, tags=EXPERIMENT_TAGS))
    return str(existing.experiment_id)
