"""The Python side of startup.ts: what run_mlm does up to its first finished step, and a line into the marker's file."""

import torch
from datasets import load_dataset
from reference import adamw, options, train_step
from transformers import AutoTokenizer, BertForMaskedLM, DataCollatorForLanguageModeling

limit = options["maxLength"]
tokenizer = AutoTokenizer.from_pretrained(options["model"])


def tokenize(rows):
    return tokenizer([text for text in rows["text"] if text.strip()], return_special_tokens_mask=True)


def join(rows):
    joined = {name: sum(lists, []) for name, lists in rows.items()}
    whole = len(joined["input_ids"]) // limit * limit
    return {name: [ids[i : i + limit] for i in range(0, whole, limit)] for name, ids in joined.items()}


lines = load_dataset("text", data_files=options["corpus"], split="train", cache_dir=options["cache"])
tokens = lines.map(tokenize, batched=True, remove_columns=["text"], num_proc=2)
blocks = tokens.map(join, batched=True, num_proc=2)
model = BertForMaskedLM.from_pretrained(options["model"]).train()
optimizer = adamw(model, 5e-5)
collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
rows = torch.randint(len(blocks), (options["rows"],)).tolist()
loss = train_step(model, optimizer, collate([blocks[i] for i in rows]))
with open(options["marker"], "w") as file:
    file.write(f"{loss}\n")
