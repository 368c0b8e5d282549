"""Loads a folder that bertune saved with Python's transformers and prints one JSON document about what came of it.

Usage: python check.py FOLDER CLASS TEXT
"""

import json
import logging
import sys
import warnings

import torch
import transformers
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

folder, kind, text = sys.argv[1:]
said = []


class Collector(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            said.append(record.getMessage())


transformers_logging.get_logger("transformers").addHandler(Collector())
warnings.showwarning = lambda message, *_: said.append(str(message))
warnings.simplefilter("always")

model, loading = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
tokenizer = AutoTokenizer.from_pretrained(folder)
model.eval()
with torch.no_grad():
    logits = model(torch.tensor([[2, 5, 6, 3]])).logits


def facts(tensor):
    values = tensor.detach().double().flatten()
    weights = torch.arange(1, len(values) + 1, dtype=torch.float64)
    return [len(values), values.sum().item(), (values * weights).sum().item(), values[0].item(), values[-1].item()]


print(json.dumps({
    "loading": {key: sorted(map(str, value)) for key, value in loading.items() if value},
    "said": said,
    "class": type(model).__name__,
    "weights": {name: facts(tensor) for name, tensor in model.state_dict().items() if tensor.is_floating_point()},
    "dtype": str(model.dtype),
    "labels": [model.config.id2label[index] for index in range(len(model.config.id2label))] if model.config.id2label else None,
    "finite": bool(torch.isfinite(logits).all()),
    "logits": list(logits.shape),
    "tokenizer": type(tokenizer).__name__,
    "ids": tokenizer(text)["input_ids"],
}))
