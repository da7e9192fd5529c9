"""A folder of DICOM files is trained on, and nothing of their tags is to be seen anywhere."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom.uid import JPEGLosslessSV1
from radiology_files import SECRETS, dicom

from conftest import TINY, Cli

pytestmark = pytest.mark.slow
QUICK = [o for o in TINY if not o.startswith("data.")]


def test_no_text_of_a_tag_is_below_the_runs_or_in_mlflow(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "0123456789abcdef-secret")
    root = tmp_path / "set"
    rng = np.random.default_rng(0)
    for patient in range(6):
        for number in range(8):
            label = number % 2
            image = rng.integers(0, 2000 + 2000 * label, (20, 20), np.uint16)
            syntax = {"syntax": JPEGLosslessSV1} if (patient, number) == (0, 0) else {}
            path = root / ("clear", "dense")[label] / f"IM{patient}{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(dicom(image, patient, BitsStored=12, **syntax))
    data = ("data=folder", f"data.root={root}", "data.positive=dense")
    result = cli(*QUICK, *data, "data.patch_size=20", "data.patient_pattern=dicom", "audit=keep")
    assert result.code == 0, result.err
    predictions = pd.read_parquet(result.folders[0] / "evaluation" / "predictions.parquet")
    assert predictions["patient"].str.fullmatch("p-[0-9a-f]{12}").all()
    (store,) = (result.root / "stores").glob("*/index-*.parquet")
    index = pd.read_parquet(store)
    assert index["patient"].nunique() == 6
    assert index["problem"].str.contains("JPEG Lossless").sum() == 1
    places = [p for p in result.root.rglob("*") if p.is_file() and p.parts[:-2] != root.parts]
    assert {"mlflow.db", "console.log", "index.parquet"} & {p.name for p in places}
    tables = [pd.read_parquet(p).to_csv() for p in places if p.suffix == ".parquet"]
    texts = [result.out, result.err, *tables, *(p.read_bytes().decode("latin-1") for p in places)]
    for secret in SECRETS:
        assert not any(secret in text for text in texts)
