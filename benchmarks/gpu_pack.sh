#!/usr/bin/env bash
# Packs what gpu_check.sh needs on a bare GPU machine without a network, into build/gpu (ignored by git):
# the pinned wheels that such a machine lacks, and a sample of real patches.
#
#   benchmarks/gpu_pack.sh [FOLDER_OF_IDC_PATCHES]        (default: IDC_DATA, or ../shared/data/idc)
#
# Taken to be there: Python 3.12 with torch, torchvision, pytorch-lightning, torchmetrics, timm, scikit-learn, pandas,
# pyarrow, opencv-python-headless, matplotlib, scikit-image, statsmodels, and what those need. Left out for its size:
# the web interface of mlflow (mlflow-skinny has all else). With the sources it stays below 64 MiB.
set -euo pipefail
cd "$(dirname "$0")/.."
DATA=${1:-${IDC_DATA:-../shared/data/idc}}
PYTHON=${PYTHON:-.venv/bin/python}
PACK=build/gpu
PATCHES=2000
LIMIT=$((64 * 1024 * 1024))
NAMES=(
    hydra-core omegaconf
    albumentations albucore stringzilla simsimd pydantic pydantic-core annotated-types typing-inspection
    mlflow-skinny mlflow-tracing sqlalchemy alembic mako sqlparse cachetools click cloudpickle databricks-sdk
    fastapi starlette uvicorn annotated-doc anyio h11 gitpython gitdb smmap importlib-metadata zipp python-dotenv
    opentelemetry-api opentelemetry-proto opentelemetry-sdk opentelemetry-semantic-conventions google-auth
    captum torchcam imagehash pywavelets shapely tifffile filelock joblib psutil nvidia-ml-py
    jinja2 markupsafe rich markdown-it-py mdurl pygments typing-extensions
    cryptography cffi pycparser protobuf requests certifi charset-normalizer idna urllib3 wrapt
    pytest pluggy iniconfig hypothesis sortedcontainers
)
rm -rf "$PACK"
mkdir -p "$PACK/wheels" "$PACK/patches"

"$PYTHON" - requirements.lock "$PACK/requirements.txt" "${NAMES[@]}" <<'PY'
"""Take these packages' entries out of the lock file, and refuse names that it does not have."""
import re, sys
from pathlib import Path

lock, target, *names = sys.argv[1:]
entries = re.split(r"\n(?=\S)", Path(lock).read_text())
of = {}
for entry in entries:
    of.setdefault(re.match(r"[\w.-]+", entry).group(), []).append(entry)
if missing := set(names) - set(of):
    sys.exit(f"requirements.lock has no {', '.join(sorted(missing))}")
Path(target).write_text("\n".join(entry for name in names for entry in of[name]) + "\n")
PY
platforms=()
for version in 2_28 2_27 2_24 2_17 2_12 2_5; do platforms+=(--platform "manylinux_${version}_x86_64"); done
"$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --python-version 3.12 --implementation cp "${platforms[@]}" -r "$PACK/requirements.txt" -d "$PACK/wheels"
rm "$PACK/requirements.txt"
# It has no wheel, and is plain Python: the one that is installed here is taken along.
cp -r "$("$PYTHON" -c 'import antlr4; print(antlr4.__path__[0])')" "$PACK/antlr4"
find "$PACK" -name __pycache__ -prune -exec rm -r {} +

"$PYTHON" - "$DATA" "$PACK/patches" "$PATCHES" <<'PY'
"""Copy whole patients, those with the fewest patches first, until there are enough."""
import shutil, sys
from pathlib import Path

data, target, wanted = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if not data.is_dir():
    sys.exit(f"{data}: no such folder; name the one with the patients' folders")
patients = {p.name: sorted(p.glob("[01]/*.png")) for p in sorted(data.iterdir()) if p.is_dir()}
both = {k: v for k, v in patients.items() if len({f.parent.name for f in v}) == 2}
taken = 0
for name, files in sorted(both.items(), key=lambda item: (len(item[1]), item[0])):
    if taken >= wanted:
        break
    for file in files:
        (target / name / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / file.relative_to(data))
    taken += len(files)
print(f"{taken} patches of {len(list(target.iterdir()))} patients")
PY
tar -cf "$PACK/patches.tar" -C "$PACK" patches
rm -r "$PACK/patches"

pack=$(du -sb "$PACK" | cut -f1)
sources=$(git ls-files -z | xargs -0 du -cb | tail -n 1 | cut -f1)
echo "$PACK: $((pack / 1048576)) MiB, with the sources $(((pack + sources) / 1048576)) of 64 MiB"
if ((pack + sources > LIMIT)); then
    echo 'too large' >&2
    exit 1
fi
