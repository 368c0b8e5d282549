"""transformers' side of adapt.ts: a turn is one masked-language-model step with the stock data collator. Recipe "padded"
pads every message to the limit; "grouped" sorts messages of like length into a batch and pads to its longest."""

import torch
from datasets import load_dataset
from reference import adamw, options, serve_turns, train_step
from transformers import AutoTokenizer, BertForMaskedLM, DataCollatorForLanguageModeling
from transformers.trainer_pt_utils import LengthGroupedSampler

padded = options["recipe"] == "padded"
batch_size, limit = options["batch"], options["maxLength"]
tokenizer = AutoTokenizer.from_pretrained(options["model"])


def tokenize(rows):
    texts = [text for text in rows["text"] if text.strip()]
    return tokenizer(texts, truncation=True, max_length=limit, padding="max_length" if padded else False,
                     return_special_tokens_mask=True)


lines = load_dataset("text", data_files=options["corpus"], split="train", cache_dir=options["cache"])
data = lines.map(tokenize, batched=True, remove_columns=["text"], num_proc=2)
if padded:
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(1)).tolist()
else:
    lengths = [len(ids) for ids in data["input_ids"]]
    order = list(LengthGroupedSampler(batch_size, lengths=lengths, generator=torch.Generator().manual_seed(1)))
# The sampler sorts stretches of 50 batches, longest first: a few steps are to see all lengths alike.
batches = min(50, len(order) // batch_size)
turn = 0

collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
model = BertForMaskedLM.from_pretrained(options["model"]).train()
optimizer = adamw(model, 5e-5)


def step():
    global turn
    turn += 1
    start = int(turn * 0.6180339887 % 1 * batches) * batch_size
    batch = collate([data[i] for i in order[start : start + batch_size]])
    tokens = int(batch["attention_mask"].sum())
    return {"loss": train_step(model, optimizer, batch), "messages": batch_size, "tokens": tokens}


serve_turns(step)
