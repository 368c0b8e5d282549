import type { PairNames } from '../../models/text/model.ts';
import type { SentenceUse } from '../runRecord.ts';
import type { CardExample } from './headCard.ts';

/** The section of a card that says how the model is used. */

const path = 'path/or/name/of/this/model';

/** A model that a pipeline of transformers loads. */
export function pipelineUse(task: string, { text, command }: CardExample): string {
  // The tags of words are those of their first pieces.
  const more = task === 'token-classification' ? ', aggregation_strategy="first"' : '';
  const lines = ['from transformers import pipeline', '', `pipe = pipeline("${task}", model="${path}"${more})`];
  // Each kind of model has a mask token of its own.
  const asked = text.includes('[MASK]') ? `f"${text.replace('[MASK]', '{pipe.tokenizer.mask_token}')}"` : `"${text}"`;
  return [code('python', ...lines, `print(pipe(${asked}))`), code('sh', `${command} ${path}`)].join('\n\n');
}

/** A classifier of pairs of texts. @param isNetwork whether a pipeline of transformers loads it */
export function pairUse({ text, pair }: PairNames, isNetwork: boolean): string {
  const [first, second] = [`the ${text}`, `the ${pair}`];
  return [
    code(
      'sh',
      `bertune predict --input pairs.csv --text-column ${quoted(text)} --pair-column ${quoted(pair)} --model ${path}`,
    ),
    code(
      'js',
      "import { loadModel } from 'bertune';",
      '',
      `const model = await loadModel('${path}');`,
      `const [answer] = await model.classify([${JSON.stringify({ text: first, pair: second })}]);`,
    ),
    isNetwork
      ? code(
          'python',
          'from transformers import pipeline',
          '',
          `pipe = pipeline("text-classification", model="${path}")`,
          `print(pipe({"text": ${JSON.stringify(first)}, "text_pair": ${JSON.stringify(second)}}))`,
        )
      : 'Pipelines of Python and JavaScript do not load it as a classifier.',
  ].join('\n\n');
}

/** For a shell. */
function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}

/** A classifier on words alone. */
export function wordsUse({ text, command }: CardExample): string {
  return [
    code('sh', `${command} ${path}`),
    'It is used with bertune, at the command line, in a server or in a program in Node:',
    code(
      'js',
      "import { loadModel } from 'bertune';",
      '',
      `const model = await loadModel('${path}');`,
      `const [answer] = await model.predict(['${text}']);`,
    ),
    'It is no network: transformers and transformers.js refuse it.',
  ].join('\n\n');
}

/** A classifier whose answers come of a network and of words. */
export function hybridUse({ command }: CardExample): string {
  return [
    code('sh', `${command} ${path}`),
    'bertune answers from the network and the words (the folder `words`) together: that is what was measured. What follows reads the network alone, without the words, and its answers differ.',
  ].join('\n\n');
}

/** A classifier on vectors: what sentence-transformers makes of it are logits. */
export function classifierUse(
  { text, command }: CardExample,
  { prompt }: SentenceUse,
  answers: readonly string[] = [
    'scores = logits.softmax(dim=1)',
    'print([(names[i], row[i].item()) for row in scores for i in [row.argmax().item()]])',
  ],
): string {
  return [
    code('sh', `${command} ${path}`),
    'In Python, sentence-transformers computes the logits, and `config.json` names their labels:',
    code(
      'python',
      'from sentence_transformers import SentenceTransformer',
      'from transformers import AutoConfig',
      '',
      `path = "${path}"`,
      `texts = ["${text}"]`,
      'logits = SentenceTransformer(path).encode(texts, convert_to_tensor=True)',
      'config = AutoConfig.from_pretrained(path)',
      'names = config.id2label',
      ...answers,
    ),
    '`AutoModelForSequenceClassification` and the `text-classification` pipeline of Python do not apply: they do not read the classifier, and would start another one at random.',
    `In JavaScript, with transformers.js, after \`bertune export --model ${path} --output exported\`${beginning(prompt)}:`,
    javaScript('text-classification', text),
  ].join('\n\n');
}

/** A sentence encoder. @param fillsMasks whether it is a masked language model, too */
export function encoderUse({ text, command }: CardExample, { prompt }: SentenceUse, fillsMasks: boolean): string {
  const sentence = text.replace('[MASK]', 'parcel');
  return [
    code(
      'python',
      'from sentence_transformers import SentenceTransformer',
      '',
      `model = SentenceTransformer("${path}")`,
      `print(model.encode(["${sentence}"]))`,
    ),
    code(
      'sh',
      `bertune embed --input texts.txt --output vectors.parquet --model ${path}`,
      ...(fillsMasks ? [`${command} ${path}`] : []),
    ),
    `In JavaScript, with transformers.js, after \`bertune export --model ${path} --output exported --task feature-extraction\`${beginning(prompt)}:`,
    javaScript('feature-extraction', sentence),
  ].join('\n\n');
}

function javaScript(task: string, text: string): string {
  return code(
    'js',
    "import { pipeline } from '@huggingface/transformers';",
    '',
    `const pipe = await pipeline('${task}', 'exported');`,
    `const answer = await pipe('${text}');`,
  );
}

/** What a pipeline does not do by itself. */
function beginning(prompt: string): string {
  return prompt === '' ? '' : ` (put ${JSON.stringify(prompt)} before every text, as the others do by themselves)`;
}

function code(language: string, ...lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}
