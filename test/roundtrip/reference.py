"""Answers what test/roundtrip asks of Python's transformers: one JSON request a line in, one JSON answer a line out.

Needs torch, transformers, safetensors and sentence-transformers; nothing is downloaded. The requests are the functions below by name.
"""

import base64
import hashlib
import json
import logging
import os
import sys
import warnings

import torch
import transformers
from transformers import AutoTokenizer, BertConfig

torch.set_num_threads(1)
warned = []


class Collector(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            warned.append(record.getMessage())


for library in ["transformers", "sentence_transformers"]:
    transformers.utils.logging.get_logger(library).addHandler(Collector())
warnings.showwarning = lambda message, *_: warned.append(str(message))
warnings.simplefilter("always")


autos = {
    "ForMaskedLM": "AutoModelForMaskedLM", "ForSequenceClassification": "AutoModelForSequenceClassification", "Model": "AutoModel",
}  # fmt: skip


def load(folder, kind, texts):
    """Loads a folder as anyone would, and runs the texts through it in float32, padded to one batch."""
    warned.clear()
    model, loading = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
    auto = next(auto for end, auto in autos.items() if kind.endswith(end))
    chosen = type(getattr(transformers, auto).from_pretrained(folder)).__name__
    tokenizer = AutoTokenizer.from_pretrained(folder)
    said = list(warned)
    stored = {name: str(tensor.dtype) for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    model.float().eval()
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.no_grad():
        output = model(**batch)
    logits = output.last_hidden_state if auto == "AutoModel" else output.logits
    if auto != "AutoModelForSequenceClassification":  # The padding taken out: one row a token.
        logits = logits[batch["attention_mask"].bool()]
    return {
        "loading": {key: sorted(map(str, value)) for key, value in loading.items()},
        "said": said,
        "auto": chosen,
        "dtypes": sorted(set(stored.values())),
        "labels": [model.config.id2label[i] for i in range(model.config.num_labels)],
        "ids": tokenizer(texts)["input_ids"],
        "weights": {name: digest(model.state_dict()[name]) for name in stored},
        "logits": base64.b64encode(logits.contiguous().numpy().tobytes()).decode(),
    }


def save(folder, kind, config, tokenizer, dtype="float32", shard="5GB"):
    """Makes a model with weights spread wide, so that rounding to 16 bits shows, and saves it with its tokenizer."""
    torch.manual_seed(7)
    model = getattr(transformers, kind)(BertConfig(**config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter) * 0.15
            parameter.copy_(1 + noise if name.endswith("LayerNorm.weight") else noise)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return sorted(os.listdir(folder))


def save_for_torch_alone(folder, kind, shards=1):
    """Puts pytorch_model.bin, or its shards and their index, in the place of a folder's safetensors."""
    state = getattr(transformers, kind).from_pretrained(folder).state_dict()
    for name in os.listdir(folder):
        if "safetensors" in name:
            os.remove(os.path.join(folder, name))
    if shards == 1:
        torch.save(state, os.path.join(folder, "pytorch_model.bin"))
        return sorted(os.listdir(folder))
    names = [f"pytorch_model-{i + 1:05}-of-{shards:05}.bin" for i in range(shards)]
    for i, name in enumerate(names):
        torch.save(dict(list(state.items())[i::shards]), os.path.join(folder, name))
    index = {"metadata": {}, "weight_map": {key: names[i % shards] for i, key in enumerate(state)}}
    with open(os.path.join(folder, "pytorch_model.bin.index.json"), "w") as file:
        json.dump(index, file)
    return sorted(os.listdir(folder))


def tokenize(folder, texts):
    """Ids of each text, without [CLS] and [SEP]."""
    warned.clear()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    said = list(warned)
    return {"ids": tokenizer(texts, add_special_tokens=False)["input_ids"], "size": len(tokenizer), "said": said}


def tokenize_drawn(folder, count, seed):
    """Strings made to go wrong, drawn from a seed, and their ids, special tokens included."""
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "tokenizers"))
    from texts import strings

    texts = strings(count, seed)
    return {"texts": texts, "ids": AutoTokenizer.from_pretrained(folder)(texts)["input_ids"]}


def encode(folder, texts, calls):
    """What sentence-transformers makes of a folder, in float32: the vectors of all texts for each call's options."""
    from sentence_transformers import SentenceTransformer  # Takes seconds, and most checks do without.

    warned.clear()
    model = SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs={"torch_dtype": "float32"})
    said = [line for line in warned if not line.startswith("Default prompt name is set to")]
    vectors = [model.encode(texts, **call) for call in calls]
    config = model.transformers_model.config
    return {
        "said": said,
        "labels": [config.id2label[i] for i in range(config.num_labels)],
        "vectors": [base64.b64encode(rows.astype("float32").tobytes()).decode() for rows in vectors],
    }


def versions():
    return f"torch {torch.__version__}, transformers {transformers.__version__}"


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()


requests = {function.__name__: function for function in (load, save, save_for_torch_alone, tokenize, tokenize_drawn, encode, versions)}
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What the libraries print does not mix with the answers.
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": requests[request.pop("do")](**request)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
