"""answers.ts's sets in scikit-learn: OneVsRestClassifier of LogisticRegression, or Ridge, on TF-IDF or on sentence vectors,
the penalty chosen by GridSearchCV on five folds. Labels are told from 0.5 on. Prints a line of JSON."""

import json

from reference import options, tell
from scipy.stats import spearmanr
from sklearn import metrics
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import MultiLabelBinarizer


def read(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row.get("labels", row.get("rating")) for row in rows]


def features(texts, test_texts):
    if options["reads"] == "words":
        union = FeatureUnion([
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
        ])
        return union.fit_transform(texts), union.transform(test_texts)
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(options["threads"])
    model = SentenceTransformer(options["model"], device="cpu", model_kwargs={"dtype": torch.float32})
    return model.encode(texts, batch_size=64), model.encode(test_texts, batch_size=64)


(texts, answers), (test_texts, test_answers) = read(options["train"]), read(options["test"])
x, test_x = features(texts, test_texts)
if options["task"] == "number":
    search = GridSearchCV(Ridge(), {"alpha": [0.01, 0.1, 1, 10, 100]}, cv=5, scoring="neg_mean_squared_error")
    values = search.fit(x, answers).predict(test_x)
    tell(r2=metrics.r2_score(test_answers, values), mae=metrics.mean_absolute_error(test_answers, values),
         spearman=float(spearmanr(test_answers, values).statistic))
else:
    binarizer = MultiLabelBinarizer().fit(answers)
    y, test_y = binarizer.transform(answers), binarizer.transform(test_answers)
    base = OneVsRestClassifier(LogisticRegression(max_iter=2000))
    search = GridSearchCV(base, {"estimator__C": [1, 10, 100]}, cv=5, scoring="f1_micro", n_jobs=options["threads"])
    scores = search.fit(x, y).predict_proba(test_x)
    told = (scores >= 0.5).astype(int)
    tell(microF1=metrics.f1_score(test_y, told, average="micro", zero_division=0),
         macroF1=metrics.f1_score(test_y, told, average="macro", zero_division=0),
         averagePrecision=metrics.average_precision_score(test_y, scores, average="macro"),
         exactMatch=metrics.accuracy_score(test_y, told))
