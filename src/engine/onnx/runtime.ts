/**
 * ONNX Runtime, told before its first session to report nothing: from 1.29 on it otherwise sends facts of the process and
 * of the models to its makers, keeps an identifier in the user's cache, and crashes over a command line of 20 KB. In a
 * thread it takes the environment of the process, not the thread's copy, so threads that use it are to share that.
 */

export { InferenceSession, Tensor } from 'onnxruntime-node';

process.env.ORT_DISABLE_TELEMETRY ??= '1';
