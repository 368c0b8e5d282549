"""What the text-classification pipeline of transformers makes of texts: python answers.py FOLDER < texts.json."""

import json
import sys

from transformers import AutoModelForSequenceClassification, pipeline

folder = sys.argv[1]
model, loading = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
pipe = pipeline("text-classification", model=folder, device="cpu", top_k=None)
print(json.dumps({
    "loading": {key: sorted(names) for key, names in loading.items()},
    "problem": model.config.problem_type,
    "thresholds": getattr(model.config, "label_thresholds", None),
    "answers": pipe(json.load(sys.stdin)),
}))
