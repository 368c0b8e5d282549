"""Exports a classifier's folder to onnx/model.onnx in it, as transformers.js reads it."""

import os

import torch
from reference import options
from transformers import BertForSequenceClassification

names = ["input_ids", "attention_mask", "token_type_ids"]
model = BertForSequenceClassification.from_pretrained(options["model"], attn_implementation="eager").eval()
os.makedirs(f"{options['model']}/onnx", exist_ok=True)
torch.onnx.export(
    model, tuple(torch.ones(2, 8, dtype=torch.long) for _ in names), f"{options['model']}/onnx/model.onnx",
    input_names=names, output_names=["logits"], dynamo=False,
    dynamic_axes={name: {0: "rows", 1: "width"} for name in names} | {"logits": {0: "rows"}},
)
