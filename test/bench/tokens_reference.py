"""tokens.ts's recipe as transformers' example for token classification has it: words with a tag each, asked at their first
piece, a classifier that starts at random, AdamW, a linear schedule with warm-up; entities counted by seqeval. Prints a line of
JSON with the F1 on the test set."""

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
types = sorted({tag[2:] for _, tags in train for tag in tags if tag != "O"})
labels = ["O", *(f"{letter}-{name}" for name in types for letter in "BI")]


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


model = AutoModelForTokenClassification.from_pretrained(
    options["model"], num_labels=len(labels), dtype=torch.float32
).train()
collate = DataCollatorForTokenClassification(tokenizer)
loader = DataLoader(examples(train), options["batch"], shuffle=True, collate_fn=collate)
steps = options["epochs"] * len(loader)
optimizer = adamw(model, options["learningRate"])
schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * steps), steps)
for _ in range(options["epochs"]):
    for batch in loader:
        train_step(model, optimizer, batch)
        schedule.step()

model.eval()
true, predicted = [], []
with torch.inference_mode():
    for batch in DataLoader(examples(test), 64, collate_fn=collate):
        expected = batch.pop("labels")
        likeliest = model(**batch).logits.argmax(-1)
        for row, own in zip(expected, likeliest):
            kept = row != -100
            true.append([labels[i] for i in row[kept]])
            predicted.append([labels[i] for i in own[kept]])
tell(f1=float(f1_score(true, predicted)), steps=steps)
