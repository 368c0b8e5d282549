"""frozen.ts's recipe in Python: sentence-transformers encodes in float32, scikit-learn's GridSearchCV chooses C by the
cross-entropy of five folds and fits a LogisticRegression. Prints a line of JSON with the accuracy on the test set."""

import csv
import pathlib
import time

import joblib
import torch
from reference import options, tell
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


started = time.perf_counter()
torch.set_num_threads(options["threads"])
model = SentenceTransformer(options["model"], device="cpu", model_kwargs={"dtype": torch.float32})
(texts, labels), (test_texts, test_labels) = read(options["train"]), read(options["test"])
vectors, test_vectors = model.encode(texts, batch_size=64), model.encode(test_texts, batch_size=64)
encoded = time.perf_counter()
search = GridSearchCV(
    LogisticRegression(max_iter=10_000),
    {"C": options["cs"]},
    scoring="neg_log_loss",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    n_jobs=options["threads"],
)
search.fit(vectors, labels)
accuracy = float((search.predict(test_vectors) == test_labels).mean())
folder = pathlib.Path(options["output"])
folder.mkdir(parents=True, exist_ok=True)
model.save(str(folder))
joblib.dump(search.best_estimator_, folder / "head.joblib")
tell(
    accuracy=accuracy,
    c=search.best_params_["C"],
    encodeSeconds=encoded - started,
    fitSeconds=time.perf_counter() - encoded,
)
