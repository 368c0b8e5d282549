"""finetune.ts's recipe in PyTorch: transformers' BertForSequenceClassification in float32 with dynamic padding, fused
AdamW, a linear schedule with warm-up, clipping. Prints a line of JSON with the accuracy on the test set."""

import csv

import torch
from reference import adamw, options, tell, train_step
from torch.utils.data import DataLoader
from transformers import (
    AutoTokenizer, BertForSequenceClassification, DataCollatorWithPadding, get_linear_schedule_with_warmup,
)

tokenizer = AutoTokenizer.from_pretrained(options["model"])


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def examples(texts, labels, names):
    ids = tokenizer(texts, truncation=True, max_length=options["maxLength"])["input_ids"]
    return [{"input_ids": i, "label": names.index(label)} for i, label in zip(ids, labels)]


texts, labels = read(options["train"])
names = sorted(set(labels))
model = BertForSequenceClassification.from_pretrained(
    options["model"], num_labels=len(names), dtype=torch.float32
).train()
collate = DataCollatorWithPadding(tokenizer)
loader = DataLoader(examples(texts, labels, names), options["batch"], shuffle=True, collate_fn=collate)
steps = options["epochs"] * len(loader)
optimizer = adamw(model, options["learningRate"])
schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * steps), steps)
for _ in range(options["epochs"]):
    for batch in loader:
        train_step(model, optimizer, batch)
        schedule.step()

model.eval()
right = total = 0
with torch.inference_mode():
    for batch in DataLoader(examples(*read(options["test"]), names), 64, collate_fn=collate):
        expected = batch.pop("labels")
        right += int((model(**batch).logits.argmax(-1) == expected).sum())
        total += len(expected)
tell(accuracy=right / total, steps=steps)
