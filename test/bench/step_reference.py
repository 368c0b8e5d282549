"""PyTorch's side of the step's benchmark, as stepWorker.ts: a turn is one training step of transformers'
BertForMaskedLM, in float32 or with bfloat16 autocast, from the same weights on the same block."""

import torch
from reference import adamw, options, serve_turns, train_step
from transformers import BertForMaskedLM

shape, dropout = options["shape"], options["dropout"]
model = BertForMaskedLM.from_pretrained(
    options["model"], dtype=torch.float32, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
).train()
optimizer = adamw(model, 5e-5)
rows, width, predictions = shape["rows"], shape["width"], shape["predictions"]
labels = torch.full((rows * width,), -100)
labels[torch.arange(predictions) * (rows * width) // predictions] = torch.tensor(options["labels"])
ids = torch.tensor(options["inputIds"]).view(rows, width)
batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels.view(rows, width)}

serve_turns(lambda: {"loss": train_step(model, optimizer, batch)})
