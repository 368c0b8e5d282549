import type { ExportedText } from '../hub/onnx/folder.ts';
import { hasVectors } from '../hub/onnx/graph.ts';
import { pooledBy } from '../models/text/sentence/pooling.ts';

/** What users of an export have to know to get the model's own answers, a line each. */
export function exportNotes(exported: ExportedText, prompt: string, name: string): string[] {
  const { model, head, sentence } = exported;
  const ofNumber =
    head === 'number'
      ? [
          "transformers.js' text-classification makes 1 of any number: read `logits` of AutoModelForSequenceClassification",
        ]
      : [];
  if (!hasVectors(model, head)) return ofNumber;
  const notes = head === 'pooled' ? [vectorNote(exported)] : ofNumber;
  if (prompt !== '') {
    notes.push(
      `texts begin with ${JSON.stringify(prompt)} in ${name}, and pipelines add no prompt: put it before each`,
    );
  }
  const others = Object.entries(sentence?.prompts ?? {}).filter(([, text]) => text !== '' && text !== prompt);
  if (model.sentence?.pooling.includePrompt === false && others.length > 0) {
    const names = others.map(([other]) => other).join(', ');
    notes.push(
      `${name} leaves prompts out of the vector, and the exported model cannot tell where they end: with ${names} before a text its vector is another`,
    );
  }
  return notes;
}

/** What becomes of promises: whatever reads an export knows no threshold, and rounded weights answer otherwise. */
export function promisesNote(name: string): string {
  return `what calibrate promised of ${name} is of its answers in bertune: an export has its calibrated scores, but leaves no text unlabeled and gives no sets`;
}

/** What becomes of long texts that a model reads in windows: the exported network reads one. */
export function windowsNote(mostWindows: number, maxLength: number, name: string): string {
  return `${name} reads texts of over ${maxLength} tokens in up to ${mostWindows} windows and averages what it makes of them, and pipelines read their start alone: give them the windows one by one for the same answers`;
}

/** How the vectors come out of transformers.js: its pipeline pools by itself, as far as it can. */
function vectorNote({ model, head, promptTokens = 0, sentence }: ExportedText): string {
  const reading = model.readingOf(head);
  const { modes, includePrompt } = typeof reading === 'string' ? pooledBy('mean') : reading;
  const [mode] = modes;
  const pooling = modes.length === 1 && mode !== undefined ? pipelinePooling[mode] : undefined;
  const isPooled = pooling !== undefined && (includePrompt || promptTokens === 0);
  const behind = (model.sentence?.modules ?? []).map(({ type }) => type).filter((type) => type !== 'Dropout');
  const lacking = [
    ...(isPooled ? [] : ['the pooling']),
    ...(behind.every((type) => type === 'Normalize') ? [] : new Set(behind)),
    ...(sentence?.dimensions === undefined ? [] : [`the cut to ${sentence.dimensions} numbers`]),
  ];
  if (lacking.length > 0) {
    return `the vectors in transformers.js: sentence_embedding of AutoModel; its feature-extraction pipeline lacks ${lacking.join(' and ')}`;
  }
  const options = [`pooling: '${pooling}'`, ...(behind.length > 0 ? ['normalize: true'] : [])].join(', ');
  return `the vectors in transformers.js: feature-extraction with { ${options} }, or sentence_embedding of AutoModel`;
}

/** What the pipeline calls a mode; it takes the last place of a padded row for the last token. */
const pipelinePooling: Readonly<Record<string, string>> = { mean: 'mean', cls: 'cls' };
