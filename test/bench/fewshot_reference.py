"""The other sides of fewshot.ts, `options["side"]` names one: an SVM on TF-IDF, a logistic regression on frozen sentence
vectors in float32, SetFit. Saves the model and prints a line of JSON with how many test texts it got right. Each side
loads what it needs alone."""

import csv
import json
import pathlib
import sys

options = json.loads(sys.argv[1])
output = pathlib.Path(options["output"])


def svm(texts, labels):
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    # Chinese has no spaces: its characters are the terms.
    terms = (
        [TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)]
        if options["language"] == "Chinese"
        else [
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        ]
    )
    model = make_pipeline(make_union(*terms), LinearSVC(random_state=options["seed"]))
    model.fit(texts, labels)
    joblib.dump(model, output / "svm.joblib")
    return model.predict


def vectors(texts, labels):
    import joblib
    import torch
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    torch.set_num_threads(options["threads"])
    model = SentenceTransformer(options["model"], device="cpu", model_kwargs={"dtype": torch.float32})
    encode = lambda texts: model.encode(texts, batch_size=64, show_progress_bar=False)
    head = LogisticRegression(C=10, max_iter=10_000).fit(encode(texts), labels)
    model.save(str(output))
    joblib.dump(head, output / "head.joblib")
    return lambda texts: head.predict(encode(texts))


def setfit(texts, labels):
    import torch
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.set_num_threads(options["threads"])
    model = SetFitModel.from_pretrained(options["model"], device="cpu")
    model.model_body.float()
    arguments = TrainingArguments(
        output_dir=str(output / "checkpoints"),
        num_epochs=1,
        num_iterations=20,
        seed=options["seed"],
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        show_progress_bar=False,
    )
    train = Dataset.from_dict({"text": texts, "label": labels})
    Trainer(model=model, args=arguments, train_dataset=train).train()
    model.save_pretrained(str(output))
    return model.predict


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


output.mkdir(parents=True, exist_ok=True)
predict = {"svm": svm, "vectors": vectors, "setfit": setfit}[options["side"]](*read(options["train"]))
test_texts, test_labels = read(options["test"])
correct = sum(str(answer) == label for answer, label in zip(predict(test_texts), test_labels, strict=True))
print(json.dumps({"correct": correct}), flush=True)
