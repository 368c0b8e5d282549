"""Saves where both sides of tokens.ts start: the encoder with a token classifier that transformers draws at random, so that
the same weights are read by both. Prints a line of JSON."""

import torch
from reference import options, tell
from transformers import AutoModelForTokenClassification, AutoTokenizer

torch.manual_seed(options["seed"])
labels, dropout = options["labels"], options["dropout"]
model = AutoModelForTokenClassification.from_pretrained(
    options["model"], num_labels=len(labels), id2label=dict(enumerate(labels)),
    label2id={label: i for i, label in enumerate(labels)}, dtype=torch.float32,
)
for key in ["hidden_dropout_prob", "attention_probs_dropout_prob"]:
    setattr(model.config, key, dropout)
model.save_pretrained(options["output"])
AutoTokenizer.from_pretrained(options["model"]).save_pretrained(options["output"])
tell(saved=options["output"])
