"""Names of the metrics, in a module that imports nothing."""

AT_DECISION = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1")
AREAS = ("auroc", "average_precision")  # over all thresholds
METRIC_NAMES = (*AT_DECISION, *AREAS)
