"""The Python side of audit.ts: a logistic regression in folds on vectors, and cleanlab's flags and scores."""

import json
import sys

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

options = json.loads(sys.argv[1])
vectors = np.fromfile(options["vectors"], dtype=np.float32).reshape(-1, options["size"])
labels = np.array(json.load(open(options["labels"])))
model = LogisticRegression(max_iter=400)
probabilities = cross_val_predict(model, vectors, labels, cv=5, method="predict_proba")
flags = find_label_issues(labels, probabilities, n_jobs=1)
scores = 1 - get_label_quality_scores(labels, probabilities)
print(
    json.dumps(
        {
            "flags": np.flatnonzero(flags).tolist(),
            "scores": scores.tolist(),
            "likely": probabilities.argmax(axis=1).tolist(),
        }
    )
)
