import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { batchNorm } from '../../nn/imageLayers.ts';
import { linear } from '../../nn/layers.ts';
import { batchNormSpecs, type ParameterSpec, uniformLinearSpecs } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { ProjectionConfig } from './config.ts';

/** The projector's three layers and, if asked for, the predictor's two. */
export function projectionSpecs(
  { projectionSize, predictorSize }: ProjectionConfig,
  features: number,
): ParameterSpec[] {
  return [
    ...[0, 1, 2].flatMap((layer) => [
      ...uniformLinearSpecs(`projector.${layer}`, layer === 0 ? features : projectionSize, projectionSize),
      ...batchNormSpecs(`projector.${layer}.norm`, projectionSize),
    ]),
    ...(predictorSize === undefined
      ? []
      : [
          ...uniformLinearSpecs('predictor.0', projectionSize, predictorSize),
          ...batchNormSpecs('predictor.0.norm', predictorSize),
          ...uniformLinearSpecs('predictor.1', predictorSize, projectionSize),
        ]),
  ];
}

/** Features [N, F] -> projections [N, projectionSize]: batch norm after every layer, no rectifier after the last. */
export function project(scope: Scope, features: Value): Value {
  let hidden = features;
  for (const layer of [0, 1, 2]) {
    hidden = batchNorm(scope, `projector.${layer}.norm`, linear(scope, `projector.${layer}`, hidden));
    if (layer < 2) hidden = ops.relu(hidden);
  }
  return hidden;
}

/** Projections [N, P] -> what the other view's projection is predicted to be, [N, P] (Chen & He 2021). */
export function predict(scope: Scope, projections: Value): Value {
  const hidden = ops.relu(batchNorm(scope, 'predictor.0.norm', linear(scope, 'predictor.0', projections)));
  return linear(scope, 'predictor.1', hidden);
}
