import type { OnnxAttribute, OnnxGraph, OnnxNode, StoredTensor } from '../../graph/onnx.ts';
import { onnxType } from '../../graph/ops/elementwise.ts';
import { isFree, type Size, type SymbolicType } from '../../graph/sizes.ts';
import { ProtobufWriter } from './protobuf.ts';

/** Operator set that the lowerings are written for, and the file format version it came with. */
const operatorSet = 18;
const irVersion = 9;

/**
 * Name of the first output of every model: a sequence of one number. ONNX Runtime's Node binding copies each output of a
 * run into memory of its own, those that were written into an array of the caller's as well, until it comes to one that
 * is no tensor and gives up.
 */
export const handoverStop = '%stop';

/** Serializes a graph as an ONNX ModelProto (field numbers of onnx.proto), with `handoverStop` before its outputs. */
export function writeModel(graph: OnnxGraph): Uint8Array {
  return modelOf(graph, true).finish();
}

/**
 * The ModelProto of a graph in pieces that follow each other in the file, for runtimes of others: without
 * `handoverStop`, and without a copy of the stored tensors.
 */
export function modelPieces(graph: OnnxGraph): { readonly pieces: readonly Uint8Array[]; readonly byteLength: number } {
  const { pieces, byteLength } = modelOf(graph, false);
  return { pieces, byteLength };
}

function modelOf(graph: OnnxGraph, handsOver: boolean): ProtobufWriter {
  return new ProtobufWriter()
    .integer(1, irVersion)
    .string(2, 'bertune')
    .message(7, (writer) => writeGraph(writer, graph, handsOver))
    .message(8, (opset) => opset.string(1, '').integer(2, operatorSet))
    .message(8, (opset) => opset.string(1, 'com.microsoft').integer(2, 1));
}

function writeGraph(writer: ProtobufWriter, graph: OnnxGraph, handsOver: boolean): void {
  for (const node of graph.nodes) writer.message(1, (message) => writeNode(message, node));
  if (handsOver) writer.message(1, (message) => writeNode(message, stopNode));
  writer.string(2, 'graph');
  for (const [name, tensor] of graph.initializers) writer.message(5, (message) => writeTensor(message, name, tensor));
  for (const { name, type } of graph.inputs) writer.message(11, (message) => writeValue(message, name, type));
  if (handsOver) {
    writer.message(5, (message) =>
      writeTensor(message, nothing, { dtype: 'float32', shape: [], data: Float32Array.of(0) }),
    );
    writer.message(12, writeStop);
  }
  for (const { name, type } of graph.outputs) writer.message(12, (message) => writeValue(message, name, type));
}

const nothing = '%nothing';
const stopNode: OnnxNode = {
  opType: 'SequenceConstruct',
  domain: '',
  inputs: [nothing],
  outputs: [handoverStop],
  attributes: {},
};

/** TypeProto of a sequence of float32 tensors. */
function writeStop(writer: ProtobufWriter): void {
  writer.string(1, handoverStop).message(2, (type) => {
    type.message(4, (sequence) => {
      sequence.message(1, (element) => {
        element.message(1, (tensor) => tensor.integer(1, onnxType.float32));
      });
    });
  });
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, (message) => writeAttribute(message, name, value));
  }
  writer.string(7, node.domain);
}

const attributeType = { float: 1, integer: 2, string: 3, integers: 7 } as const;

function writeAttribute(writer: ProtobufWriter, name: string, value: OnnxAttribute): void {
  writer.string(1, name);
  if (typeof value === 'number') writer.integer(3, value).integer(20, attributeType.integer);
  else if (typeof value === 'string') writer.string(4, value).integer(20, attributeType.string);
  else if ('float' in value) writer.float(2, value.float).integer(20, attributeType.float);
  else {
    for (const item of value) writer.integer(8, item);
    writer.integer(20, attributeType.integers);
  }
}

function writeTensor(writer: ProtobufWriter, name: string, { dtype, shape, data }: StoredTensor): void {
  for (const size of shape) writer.integer(1, size);
  writer.integer(2, onnxType[dtype]).string(8, name);
  writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** ValueInfoProto; equal names of sizes are equal sizes to a runtime. */
function writeValue(writer: ProtobufWriter, name: string, { dtype, shape }: SymbolicType): void {
  const writeSize = (dimension: ProtobufWriter, size: Size) =>
    isFree(size) ? dimension.string(2, size.toString()) : dimension.integer(1, size);
  writer.string(1, name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.integer(1, onnxType[dtype]).message(2, (shapeMessage) => {
        for (const size of shape) shapeMessage.message(1, (dimension) => writeSize(dimension, size));
      }),
    ),
  );
}
