"""Links to the saved views of the experiments in MLflow's user interface; see `make ui`."""

import sys

import mlflow

from idc.tracking.saved_view import ensure_view, view_link


def links(uri: str, address: str) -> list[str]:
    """One line per experiment that has runs: its name, and the link to its saved view.

    Args:
        uri: The tracking URI.
        address: The user interface's address, ``http://HOST:PORT``.
    """
    client = mlflow.MlflowClient(uri)
    lines = []
    for experiment in client.search_experiments():
        if client.search_runs([experiment.experiment_id], max_results=1):
            ensure_view(client, experiment)
            lines.append(f"{experiment.name}: {view_link(address, experiment.experiment_id)}")
    return lines


if __name__ == "__main__":
    store, place = sys.argv[1:]
    print(*links(store, place) or [f"{place} (there are no runs yet)"], sep="\n")
