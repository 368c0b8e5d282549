import { permutedIndex } from '../../core/random.ts';
import type { ImageStore } from '../../data/images/imageStore.ts';
import { plainViews } from '../../data/images/views.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { classifyByNeighbours } from '../../evaluation/neighbours.ts';
import type { VisionConfig } from '../../models/vision/config.ts';
import { featureSize } from '../../models/vision/encoder.ts';
import { ImageInference } from './inference.ts';
import { evaluationEpoch } from './inputs.ts';

/** Labeled images of training that vote. */
const voters = 2000;

interface Labeled {
  readonly store: ImageStore;
  readonly examples: readonly number[];
}

/**
 * Share of held-out images whose nearest training images (by the encoder's features) tell their class: how good the
 * features are, without training on labels.
 *
 * @returns undefined when there are no labels
 */
export async function neighbourAccuracy(
  config: VisionConfig,
  parameters: NamedTensors,
  engine: Engine,
  { store, examples, heldOut }: Labeled & { readonly heldOut: Labeled },
  seed: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const { classes } = store;
  if (!classes || !heldOut.store.classes || classes.join() !== heldOut.store.classes.join()) return undefined;
  const train = sample(examples, voters, seed);
  const inference = new ImageInference(engine, config, parameters, signal);
  const features = async (from: ImageStore, numbers: readonly number[]) => {
    const [images = new Float32Array()] = await plainViews(from).batch(0, numbers, 1);
    return { data: await inference.embed(images), size: featureSize(config.encoder) };
  };
  try {
    const known = await features(store, train);
    const asked = await features(heldOut.store, heldOut.examples);
    const labels = train.map((example) => store.labelOf(example) ?? 0);
    const guesses = classifyByNeighbours(known, labels, asked, classes.length);
    const right = heldOut.examples.filter((example, i) => guesses[i] === heldOut.store.labelOf(example));
    return right.length / heldOut.examples.length;
  } finally {
    await inference.dispose();
  }
}

function sample(examples: readonly number[], limit: number, seed: number): number[] {
  return Array.from({ length: Math.min(limit, examples.length) }, (_, i) => {
    return examples[permutedIndex(i, examples.length, seed, evaluationEpoch)] as number;
  });
}
