import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Architecture, bertConfigFromHub } from '../../src/hub/bertConfig.ts';
import { saveBert } from '../../src/hub/folder.ts';
import { openSafetensors, type WeightDType } from '../../src/hub/safetensors.ts';
import { type BertPart, bertParameters } from '../../src/models/bert/parameters.ts';
import { initialValue, type ParameterValues } from '../../src/nn/parameters.ts';
import { temporaryFolder } from '../temporary.ts';

/** A Python that has torch and transformers: BERTUNE_PYTHON=…/bin/python npm run unit -- test/roundtrip */
const python = process.env.BERTUNE_PYTHON;
const title = 'a saved folder in Python transformers';

interface PythonAnswer {
  readonly loading: Record<string, string[]>;
  readonly said: string[];
  readonly class: string;
  readonly weights: Record<string, number[]>;
  readonly dtype: string;
  readonly labels: string[] | null;
  readonly finite: boolean;
  readonly logits: number[];
  readonly tokenizer: string;
  readonly ids: number[];
}

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'my', 'card', 'has', 'not', 'come', '##s', '.'];
const tokenizerFiles = new Map([
  ['vocab.txt', `${words.join('\n')}\n`],
  ['tokenizer_config.json', JSON.stringify({ tokenizer_class: 'BertTokenizer', do_lower_case: true })],
]);

function load(folder: string, architecture: Architecture): PythonAnswer {
  const script = join(import.meta.dirname, 'check.py');
  const env = { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'warning' };
  const output = execFileSync(python ?? 'python', [script, folder, architecture, 'My cards.'], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output);
}

/** The same facts that check.py prints of each tensor. */
async function storedFacts(path: string): Promise<Record<string, number[]>> {
  const file = await openSafetensors(path);
  const facts: Record<string, number[]> = {};
  for (const name of file.tensors.keys()) {
    const values = await file.read(name);
    const sum = values.reduce((total, value) => total + value, 0);
    const weighted = values.reduce((total, value, index) => total + value * (index + 1), 0);
    facts[name] = [values.length, sum, weighted, values[0] ?? 0, values.at(-1) ?? 0];
  }
  await file.close();
  return facts;
}

interface Case {
  readonly name: string;
  readonly architecture: Architecture;
  readonly raw: Record<string, unknown>;
  readonly parts: BertPart[];
  readonly dtype: WeightDType;
  readonly withPooler?: boolean;
}

const mlm = { architecture: 'BertForMaskedLM', parts: ['encoder', 'mlmHead'] as BertPart[] } as const;
const cases: Case[] = [
  { name: 'masked LM', ...mlm, raw: {}, dtype: 'float32' },
  {
    name: 'masked LM with the base pooler kept',
    ...mlm,
    raw: { hidden_act: 'relu' },
    dtype: 'float32',
    withPooler: true,
  },
  { name: 'masked LM with an untied decoder', ...mlm, raw: { tie_word_embeddings: false }, dtype: 'float32' },
  { name: 'masked LM in float16', ...mlm, raw: { hidden_act: 'gelu_new' }, dtype: 'float16' },
  { name: 'masked LM in bfloat16', ...mlm, raw: {}, dtype: 'bfloat16' },
  {
    name: 'classifier',
    architecture: 'BertForSequenceClassification',
    parts: ['encoder', 'pooler', 'classifier'],
    raw: { id2label: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [index, `label ${index}`])) },
    dtype: 'float32',
  },
  {
    name: 'classifier of two labels',
    architecture: 'BertForSequenceClassification',
    parts: ['encoder', 'pooler', 'classifier'],
    raw: { id2label: { 0: '否', 1: '是' }, classifier_dropout: 0.3 },
    dtype: 'float32',
  },
];

const sizes = {
  model_type: 'bert',
  vocab_size: words.length,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 32,
  max_position_embeddings: 24,
};

describe.skipIf(python === undefined)(title, () => {
  it.each(cases)('loads without a word: $name', async ({ architecture, raw, parts, dtype, withPooler }) => {
    const config = bertConfigFromHub({ ...sizes, ...raw }, 'config.json');
    const specs = [...parts, 'pooler' as const].flatMap((part) => bertParameters(config, part));
    const values: ParameterValues = new Map(specs.map((spec) => [spec.name, initialValue(spec, 0.5, 11)]));
    const folder = temporaryFolder();
    const pooler = withPooler ? values : undefined;
    await saveBert(folder, { config, raw, values, architecture, dtype, tokenizerFiles, pooler });

    const answer = load(folder, architecture);
    expect(answer).toMatchObject({ loading: {}, said: [], class: architecture, dtype: `torch.${dtype}`, finite: true });
    expect(answer.logits).toEqual(parts.includes('classifier') ? [1, config.labels?.length] : [1, 4, words.length]);
    if (parts.includes('classifier')) expect(answer.labels).toEqual(config.labels);
    expect(answer.tokenizer).toMatch(/^BertTokenizer/);
    expect(answer.ids).toEqual(['[CLS]', 'my', 'card', '##s', '.', '[SEP]'].map((word) => words.indexOf(word)));
    const stored = await storedFacts(join(folder, 'model.safetensors'));
    const tied = ['cls.predictions.decoder.weight', 'cls.predictions.decoder.bias'];
    expect(Object.keys(answer.weights).filter((name) => !(name in stored) && !tied.includes(name))).toEqual([]);
    for (const [name, facts] of Object.entries(stored)) {
      // The sums differ by the order of float64 additions alone.
      facts.forEach((fact, index) => {
        expect(answer.weights[name]?.[index], name).toBeCloseTo(fact, 8);
      });
    }
  });
});

describe.runIf(python === undefined)(title, () => {
  it.skip('needs BERTUNE_PYTHON to name a Python with torch and transformers', () => {});
});
