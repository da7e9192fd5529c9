#!/usr/bin/env bash
# All that is to be checked on a GPU, in one command, in under nine minutes, without a network.
#
#   benchmarks/gpu_pack.sh                          where there is a network: packs build/gpu
#   benchmarks/gpu_check.sh [--cpu] [--out DIR]     on the GPU machine, in this folder
#
# Needs Python 3.12 (PYTHON, default python3) and what gpu_pack.sh takes to be there. Writes DIR/gpu_check.json, .md
# (a table for benchmarks/RESULTS.md) and .log (default: build/gpu/out); all else stays in build/gpu. --cpu runs all
# parts, small, on a CPU, to check them; those figures mean nothing. Exits with 1 if a part failed.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
PACK=build/gpu
if ! test -f "$PACK/patches.tar"; then
    echo "$PACK/patches.tar is not here: run benchmarks/gpu_pack.sh where there is a network, and bring $PACK" >&2
    exit 1
fi
begun=$(date +%s)
if ! test -e "$PACK/site.done"; then
    rm -rf "$PACK/site" "$PACK/patches"
    mkdir -p "$PACK/site"
    # A wheel is a zip file; pip need not be there.
    for wheel in "$PACK"/wheels/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$PACK/site"; done
    cp -r "$PACK/antlr4" "$PACK/site/"
    # mlflow-skinny holds mlflow's code, but not its name, under which its version is looked up.
    skinny=$(cd "$PACK/site" && echo mlflow_skinny-*.dist-info)
    mkdir "$PACK/site/${skinny/_skinny/}"
    sed 's/^Name: mlflow-skinny/Name: mlflow/' "$PACK/site/$skinny/METADATA" >"$PACK/site/${skinny/_skinny/}/METADATA"
    tar -xf "$PACK/patches.tar" -C "$PACK"
    touch "$PACK/site.done"
fi
export PYTHONPATH="$PWD/src:$PWD/$PACK/site" NO_ALBUMENTATIONS_UPDATE=1
exec "$PYTHON" benchmarks/gpu_check.py --begun "$begun" "$@"
