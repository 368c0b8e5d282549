"""PyTorch's side of the step's benchmark, as stepWorker.ts: a turn is one training step of transformers'
BertForMaskedLM, in float32 or with bfloat16 autocast."""

import torch
from reference import adamw, options, serve_turns, train_step
from transformers import BertConfig, BertForMaskedLM

model = BertForMaskedLM(
    BertConfig(
        vocab_size=options["vocabularySize"], hidden_size=options["hiddenSize"], num_hidden_layers=options["layers"],
        num_attention_heads=options["heads"], intermediate_size=4 * options["hiddenSize"],
    )
).train()
optimizer = adamw(model, 5e-5)
rows, width, predictions = options["rows"], options["width"], options["predictions"]
vocabulary = options["vocabularySize"]
labels = torch.full((rows * width,), -100)
labels[torch.arange(predictions) * (rows * width) // predictions] = torch.randint(0, vocabulary, (predictions,))
ids = torch.randint(0, vocabulary, (rows, width))
batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels.view(rows, width)}

serve_turns(lambda: {"loss": train_step(model, optimizer, batch)})
