"""PyTorch's side of the optimizer's benchmark: a turn is one update of the fused AdamW."""

import torch
from reference import options, serve_turns

values = torch.nn.Parameter(torch.full((options["parameters"],), 0.02))
values.grad = torch.full_like(values, 1e-3)
optimizer = torch.optim.AdamW([values], lr=5e-5, weight_decay=0.01, fused=True)


def turn():
    optimizer.step()
    return {}


serve_turns(turn)
