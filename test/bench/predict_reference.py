"""The Python side of predict.ts: a turn is all messages through transformers' pipeline."""

from reference import options, serve_turns
from transformers import pipeline

with open(options["messages"]) as file:
    texts = [line.rstrip("\n") for line in file if line.strip()]
classify = pipeline("text-classification", model=options["model"], batch_size=options["batch"], device="cpu")


def turn():
    results = classify(texts, truncation=True, max_length=options["maxLength"])
    return {"messages": len(results)}


serve_turns(turn)
