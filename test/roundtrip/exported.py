"""What Optimum and sentence-transformers make of exported folders: a line of JSON in, one out.

In:  {"folder": path, "texts": [...], "file": "model.onnx"}
Out: {"vectors": what `encode` gives with the ONNX backend, "states": the mean of ORTModelForFeatureExtraction's hidden
states, "scores": every label's score by the pipeline for text classification, of a folder with labels; else null}
"""

import json
import sys

import torch
from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForSequenceClassification
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, pipeline

for line in sys.stdin:
    job = json.loads(line)
    folder, texts = job["folder"], job["texts"]
    place = {"subfolder": "onnx", "file_name": job["file"]}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = SentenceTransformer(folder, backend="onnx", model_kwargs={"file_name": f"onnx/{job['file']}"})
    model = ORTModelForFeatureExtraction.from_pretrained(folder, **place)
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    answer = {
        "vectors": encoder.encode(texts).tolist(),
        "states": ((states * mask).sum(1) / mask.sum(1)).tolist(),
        "scores": None,
    }
    if model.config.problem_type is not None:
        classifier = ORTModelForSequenceClassification.from_pretrained(folder, **place)
        classify = pipeline("text-classification", model=classifier, tokenizer=tokenizer, top_k=None)
        answer["scores"] = classify(texts, truncation=True)
    print(json.dumps(answer), flush=True)
