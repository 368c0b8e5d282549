"""PyTorch's side of the benchmark, as stepWorker.ts: for each line on stdin one training step of transformers'
BertForMaskedLM with the fused AdamW, in float32 or with bfloat16 autocast, and a line of JSON. The shape and the
precision come as JSON in the first argument."""

import json
import resource
import sys
import time

import torch
from transformers import BertConfig, BertForMaskedLM

shape = json.loads(sys.argv[1])
torch.set_num_threads(shape["threads"])
torch.manual_seed(1)
model = BertForMaskedLM(
    BertConfig(
        vocab_size=shape["vocabularySize"], hidden_size=shape["hiddenSize"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], intermediate_size=4 * shape["hiddenSize"],
    )
).train()
plain = lambda name: name.endswith("bias") or "LayerNorm" in name
optimizer = torch.optim.AdamW(
    [
        {"params": [p for n, p in model.named_parameters() if not plain(n)], "weight_decay": 0.01},
        {"params": [p for n, p in model.named_parameters() if plain(n)], "weight_decay": 0.0},
    ],
    lr=5e-5,
    fused=True,
)
rows, width, predictions = shape["rows"], shape["width"], shape["predictions"]
ids = torch.randint(0, shape["vocabularySize"], (rows, width))
labels = torch.full((rows * width,), -100)
labels[torch.arange(predictions) * (rows * width) // predictions] = torch.randint(0, shape["vocabularySize"], (predictions,))
labels = labels.view(rows, width)
mask = torch.ones_like(ids)


def step():
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=shape["precision"] == "bfloat16"):
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    loss = step()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "loss": loss, "peakBytes": peak}), flush=True)
