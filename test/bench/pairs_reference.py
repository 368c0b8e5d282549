"""pairs.ts's other sides in Python: a logistic regression on TF-IDF of both texts side by side, C chosen by five folds, and
the cosine of frozen vectors with the threshold that does best on the training pairs. Prints a line of JSON."""

import csv
import json
import time

import numpy as np
import torch
from reference import options
from scipy.sparse import hstack
from sentence_transformers import SentenceTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["first"] for row in rows], [row["second"] for row in rows], np.array([row["label"] for row in rows])


first, second, labels = read(options["train"])
test_first, test_second, test_labels = read(options["test"])
told = {}

started = time.perf_counter()
words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(first + second)
search = GridSearchCV(
    LogisticRegression(max_iter=2000),
    {"C": [0.1, 1, 10, 100]},
    scoring="neg_log_loss",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    n_jobs=options["threads"],
)
search.fit(hstack([words.transform(first), words.transform(second)]), labels)
found = search.predict(hstack([words.transform(test_first), words.transform(test_second)]))
told["scikit-learn, TF-IDF of both"] = {
    "seconds": time.perf_counter() - started,
    "accuracy": float((found == test_labels).mean()),
}

started = time.perf_counter()
model = SentenceTransformer(options["model"], device="cpu", model_kwargs={"dtype": torch.float32})
encode = lambda texts: model.encode(texts, batch_size=64, normalize_embeddings=True)
cosines = (encode(first) * encode(second)).sum(1)
test_cosines = (encode(test_first) * encode(test_second)).sum(1)
same = labels == "same"
order = np.argsort(cosines)
right = [np.sum(same)] + list(np.sum(same) + np.cumsum(np.where(same[order], -1, 1)))
best = int(np.argmax(right))
threshold = -1.0 if best == 0 else cosines[order[best - 1]]
told["cosine of frozen vectors, a threshold"] = {
    "seconds": time.perf_counter() - started,
    "accuracy": float(((test_cosines > threshold) == (test_labels == "same")).mean()),
}
print(json.dumps(told))
