import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { batchNorm, conv, globalAveragePool } from '../../nn/imageLayers.ts';
import { batchNormSpecs, convSpec, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { ImageShape, ResNetConfig } from './config.ts';

export function resnetSpecs(config: ResNetConfig, image: ImageShape): ParameterSpec[] {
  const [first = 0] = config.channels;
  return [
    convSpec('encoder.stem', image.channels, first, 3),
    ...batchNormSpecs('encoder.stem.norm', first),
    ...blocksOf(config).flatMap(({ name, inputs, outputs, stride }) => [
      convSpec(`${name}.conv1`, inputs, outputs, 3),
      ...batchNormSpecs(`${name}.norm1`, outputs),
      convSpec(`${name}.conv2`, outputs, outputs, 3),
      ...batchNormSpecs(`${name}.norm2`, outputs),
      ...(stride === 1 && inputs === outputs
        ? []
        : [convSpec(`${name}.shortcut`, inputs, outputs, 1), ...batchNormSpecs(`${name}.shortcut.norm`, outputs)]),
    ]),
  ];
}

/** Normalized images [N, C, H, W] -> features [N, channels of the last stage], averaged over the image. */
export function resnet(scope: Scope, config: ResNetConfig, images: Value): Value {
  let hidden = ops.relu(batchNorm(scope, 'encoder.stem.norm', conv(scope, 'encoder.stem', images)));
  for (const block of blocksOf(config)) hidden = residualBlock(scope, block, hidden);
  return globalAveragePool(hidden);
}

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

function blocksOf({ channels, blocks }: ResNetConfig): Block[] {
  return channels.flatMap((outputs, stage) =>
    Array.from({ length: blocks }, (_, i) => ({
      name: `encoder.${stage}.${i}`,
      inputs: i > 0 ? outputs : (channels[Math.max(0, stage - 1)] ?? outputs),
      outputs,
      stride: stage > 0 && i === 0 ? 2 : 1,
    })),
  );
}

function residualBlock(scope: Scope, { name, inputs, outputs, stride }: Block, x: Value): Value {
  const between = ops.relu(batchNorm(scope, `${name}.norm1`, conv(scope, `${name}.conv1`, x, stride)));
  const inner = batchNorm(scope, `${name}.norm2`, conv(scope, `${name}.conv2`, between));
  const isSame = stride === 1 && inputs === outputs;
  const around = isSame ? x : batchNorm(scope, `${name}.shortcut.norm`, conv(scope, `${name}.shortcut`, x, stride));
  return ops.relu(ops.add(inner, around));
}
