import { saveVision, type VisionModel } from '../../src/hub/visionFolder.ts';
import type { PretrainImagesOptions, PretrainMethod } from '../../src/jobs/imageTypes.ts';
import { pretrainingConfig } from '../../src/jobs/visionConfigs.ts';
import { randomVisionValues } from '../../src/models/vision/encoder.ts';
import { resolve } from '../../src/settings/resolve.ts';

/** Settings with which each method learns from images of 8 x 8 in no time. */
export const tinySettings: Readonly<Record<PretrainMethod, Partial<PretrainImagesOptions>>> = {
  autoencoder: { latentSize: 8, noise: 0.1 },
  simsiam: { width: 4, projectionSize: 16 },
  simclr: { width: 4, projectionSize: 16 },
  mae: { patchSize: 2, hiddenSize: 16, layers: 1, attentionHeads: 2, learningRate: 5e-3 },
};
export const pretrainMethods = Object.keys(tinySettings) as PretrainMethod[];

/** Saves a model of random weights for grayscale images of 8 x 8, as `pretrainImages` would. */
export async function saveTinyVision(folder: string, method: PretrainMethod, seed = 3): Promise<VisionModel> {
  const image = { channels: 1, height: 8, width: 8 };
  const options = resolve('pretrainImages', { method, data: 'images', output: folder, ...tinySettings[method] });
  const config = pretrainingConfig(options, { image, mean: [0.2], deviation: [0.25] });
  const model = { config, values: randomVisionValues(config, seed) };
  await saveVision(folder, model);
  return model;
}
