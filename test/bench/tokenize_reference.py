"""The Python side of tokenize.ts: a turn reads the corpus and maps the fast tokenizer over it in two processes, anew.
The peak memory is that of the largest of its processes."""

import shutil
import time

from datasets import load_dataset
from reference import options, serve_turns
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(options["tokenizer"])


def tokenize(rows):
    return {"input_ids": tokenizer(rows["text"], add_special_tokens=False)["input_ids"]}


def turn():
    shutil.rmtree(options["cache"], ignore_errors=True)
    lines = load_dataset("text", data_files=options["corpus"], split="train", cache_dir=options["cache"])
    started = time.perf_counter()
    data = lines.map(tokenize, batched=True, remove_columns=["text"], num_proc=2, load_from_cache_file=False)
    core = time.perf_counter() - started
    tokens = sum(len(chunk) for column in data.data.column("input_ids").chunks for chunk in [column.values])
    return {"coreSeconds": core, "tokens": tokens}


serve_turns(turn)
