#!/usr/bin/env bash
# The published systems and two plain networks by five patient folds of the IDC patches, in one
# leaderboard. What an epoch costs here first: python benchmarks/recipe_cost.py DIR
#
#   benchmarks/recipes.sh DIR EPOCHS [VGG16_WEIGHTS] [OVERRIDE ...]
#
# DIR is the folder of the patches. With a file of VGG16's ImageNet convolutions the capstone is
# fine-tuned from it as published; VGG19 starts from scratch, so nothing of it is frozen, and Adam
# takes the place of the published SGD, which is too slow for that.
set -euo pipefail
PYTHON=${PYTHON:-.venv/bin/python}
root=$1 epochs=$2 weights=${3:-}
shift $(($# < 3 ? $# : 3))
name=recipes-$(date +%Y%m%d-%H%M%S)
common=("tracking.experiment=$name" "data=idc" "data.root=$root" "trainer.max_epochs=$epochs"
    "callbacks.early_stopping.patience=null" "loss.class_weights=balanced" "explain=none"
    "tracking.log_model=false" "split.folds=5" "split.fold=range(0,5)" "$@")
train() { "$PYTHON" -m idc.train -m "${common[@]}" "$@"; }

train "backbone=resnet18,mobilenet_v3_small"
train "experiment=scratch_cnn,capstone_naive"
train "experiment=capstone" "backbone=vgg19" "backbone.weights=null" "backbone.freeze=none" "optimizer=adam" "optimizer.lr=1e-4"
if [ -n "$weights" ]; then
    train "experiment=capstone" "backbone=vgg16" "backbone.weights=$weights"
fi
# Patches split at random, as most of the published figures are: of another experiment, not compared.
train "experiment=scratch_cnn" "split=random" "tracking.experiment=$name-leaky"
"$PYTHON" -m idc.compare "experiment_name=$name" "name=recipes by five folds"
