"""What the Python sides share: the serving of turns, the optimizer of the recipe, peak memory."""

import json
import resource
import sys
import time

import torch

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
torch.manual_seed(1)


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.get("precision") == "bfloat16")


def adamw(model, learning_rate):
    """The fused AdamW, without weight decay on biases and layer norms."""
    plain = lambda name: name.endswith("bias") or "LayerNorm" in name
    return torch.optim.AdamW(
        [
            {"params": [p for n, p in model.named_parameters() if not plain(n)], "weight_decay": 0.01},
            {"params": [p for n, p in model.named_parameters() if plain(n)], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        fused=True,
    )


def train_step(model, optimizer, batch):
    optimizer.zero_grad()
    with autocast():
        loss = model(**batch).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def peak_bytes():
    """Of this process or the largest of its workers: they share pages, so their sum would count these twice."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024


def tell(**turn):
    print(json.dumps({**turn, "peakBytes": peak_bytes()}), flush=True)


def serve_turns(work):
    """Does `work` once for every line on stdin; what it returns goes into the line of JSON about the turn."""
    tell(seconds=0)
    for _ in sys.stdin:
        started = time.perf_counter()
        result = work()
        tell(**{"seconds": time.perf_counter() - started, **result})
