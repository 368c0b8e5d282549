"""tokens.ts's recipe as transformers' example for token classification has it: words with a tag each, asked at their first
piece, AdamW, a linear schedule with warm-up; entities counted by seqeval. It starts from the folder that tokens_start.py saved
and sees the texts in the order that it is given. Prints a line of JSON with the F1 on the test set, of words' likeliest tags and of
the likeliest list of tags in which no entity begins with I."""

import json

import torch
from reference import adamw, options, tell, train_step
from seqeval.metrics import f1_score
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification, get_linear_schedule_with_warmup,
)

torch.manual_seed(options["seed"])
tokenizer = AutoTokenizer.from_pretrained(options["model"])
split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str


def units(text, index):
    """A place in UTF-16 code units as one in code points."""
    return len(text.encode("utf-16-le")[: 2 * index].decode("utf-16-le"))


def read(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        text, words, tags = row["text"], [], []
        spans = [(units(text, e["start"]), units(text, e["end"]), e["label"]) for e in row["entities"]]
        for word, (start, end) in split(text):
            inside = next((s for s in spans if start >= s[0] and end <= s[1]), None)
            words.append(word)
            tags.append("O" if inside is None else ("B-" if start == inside[0] else "I-") + inside[2])
        rows.append((words, tags))
    return rows


train, test = read(options["train"]), read(options["test"])
model = AutoModelForTokenClassification.from_pretrained(options["model"], dtype=torch.float32).train()
labels = [model.config.id2label[i] for i in range(model.config.num_labels)]


def examples(rows):
    found = []
    for words, tags in rows:
        encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=128)
        ids, before = [], None
        for word in encoded.word_ids():
            ids.append(-100 if word is None or word == before else labels.index(tags[word]))
            before = word
        found.append({"input_ids": encoded["input_ids"], "labels": ids})
    return found


collate = DataCollatorForTokenClassification(tokenizer)
rows, batch_size = examples(train), options["batch"]
steps = len(options["order"]) * -(-len(rows) // batch_size)
optimizer = adamw(model, options["learningRate"])
schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * steps), steps)
for numbers in options["order"]:
    for batch in DataLoader([rows[i] for i in numbers], batch_size, collate_fn=collate):
        train_step(model, optimizer, batch)
        schedule.step()

def lawful(scores):
    """Viterbi over log-probabilities of words [n, labels]: I follows B or I of its type alone."""
    allowed = [[not b.startswith("I-") or a[2:] == b[2:] and a != "O" for b in labels] for a in labels]
    closed = torch.zeros(len(labels), len(labels)).masked_fill(~torch.tensor(allowed), -torch.inf)
    starts = torch.tensor([-torch.inf if label.startswith("I-") else 0.0 for label in labels])
    best, came = scores[0] + starts, []
    for row in scores[1:]:
        best, before = (best[:, None] + closed).max(0)
        best = best + row
        came.append(before)
    tags = [int(best.argmax())]
    for before in reversed(came):
        tags.append(int(before[tags[-1]]))
    return tags[::-1]


model.eval()
true, predicted, decoded = [], [], []
with torch.inference_mode():
    for batch in DataLoader(examples(test), 64, collate_fn=collate):
        expected = batch.pop("labels")
        for row, own in zip(expected, model(**batch).logits.log_softmax(-1)):
            kept = row != -100
            true.append([labels[i] for i in row[kept]])
            predicted.append([labels[i] for i in own[kept].argmax(-1)])
            decoded.append([labels[i] for i in lawful(own[kept])])
tell(f1=float(f1_score(true, predicted)), decodedF1=float(f1_score(true, decoded)), steps=steps)
