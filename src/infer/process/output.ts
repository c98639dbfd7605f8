// Predictions as Postgres binary arrays, ready to be Bind parameters of the outer statement.

import { sized, writeArray } from '../decode/arrays.js'
import type { Prediction } from '../head.js'
import type { JobOptions } from '../protocol.js'

const BOOL = 16
const INT4 = 23
const FLOAT8 = 701
const TEXT = 25
const TIMESTAMPTZ = 1184

/** Vectors written between two pauses. */
const VECTORS = 256

/** A one-dimensional array of `n` elements of `size` bytes; `write` puts element i at `offset`. */
function array(
  type: number,
  n: number,
  size: number,
  write: (view: DataView, offset: number, i: number) => void,
): Buffer {
  const head = n > 0 ? 20 : 12
  const bytes = Buffer.alloc(head + n * (4 + size))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setInt32(0, n > 0 ? 1 : 0)
  view.setUint32(8, type)
  if (n > 0) {
    view.setInt32(12, n)
    view.setInt32(16, 1)
  }
  for (let i = 0, at = head; i < n; i++, at += 4 + size) {
    view.setInt32(at, size)
    write(view, at + 4, i)
  }
  return bytes
}

export const float8Array = (values: Float64Array): Buffer =>
  array(FLOAT8, values.length, 8, (view, at, i) => view.setFloat64(at, values[i]))

export const int4Array = (values: Int32Array): Buffer =>
  array(INT4, values.length, 4, (view, at, i) => view.setInt32(at, values[i]))

export const boolArray = (n: number, of: (i: number) => boolean): Buffer =>
  array(BOOL, n, 1, (view, at, i) => view.setUint8(at, of(i) ? 1 : 0))

/** `n` times the same instant, in microseconds since 2000; infinities are Postgres' own. */
export function timestamptzArray(n: number, time: number): Buffer {
  const finite = Number.isFinite(time)
  const high = finite ? Math.floor(time / 2 ** 32) : time > 0 ? 0x7fffffff : -0x80000000
  const low = finite ? time - high * 2 ** 32 : time > 0 ? 0xffffffff : 0
  return array(TIMESTAMPTZ, n, 8, (view, at) => {
    view.setInt32(at, high)
    view.setUint32(at + 4, low)
  })
}

/** Instants in microseconds since 2000, finite. */
export const timestamptzList = (times: Float64Array): Buffer =>
  array(TIMESTAMPTZ, times.length, 8, (view, at, i) => {
    const high = Math.floor(times[i] / 2 ** 32)
    view.setInt32(at, high)
    view.setUint32(at + 4, times[i] - high * 2 ** 32)
  })

/** Rows of `width` numbers as elements of pgvector's type, whose number only the server knows, or as the texts of real[]. */
export function* vectorArray(
  parts: readonly Float32Array[],
  width: number,
  type: number,
): Generator<void, Buffer, void> {
  const elements: Buffer[] = []
  for (const part of parts) {
    for (let at = 0; at < part.length; at += width) {
      const row = part.subarray(at, at + width)
      elements.push(type === TEXT ? arrayText(row) : vectorBytes(row))
      if (elements.length % VECTORS === 0) yield
    }
  }
  return writeArray(type, false, elements.length, elements)
}

/** Six places are all that a vector has. */
const arrayText = (row: Float32Array): Buffer =>
  sized(Buffer.from(`{${Array.from(row, value => Math.round(value * 1e6) / 1e6).join()}}`, 'latin1'))

/** As pgvector sends a vector: int16 dimensions, int16 nothing, a float4 each. */
function vectorBytes(row: Float32Array): Buffer {
  const out = Buffer.alloc(8 + 4 * row.length)
  out.writeInt32BE(4 + 4 * row.length)
  out.writeInt16BE(row.length, 4)
  for (let k = 0; k < row.length; k++) out.writeFloatBE(row[k], 8 + 4 * k)
  return out
}

/** The columns of a prediction by name, a step each. */
export function* predictionArrays(
  prediction: Prediction,
  { statistic, complement = false }: Pick<JobOptions, 'statistic' | 'complement'>,
): Generator<void, [string, Buffer][], void> {
  const out: [string, Buffer][] = []
  if (prediction.task === 'binary') {
    const probability = complement ? prediction.probability.map(p => 1 - p) : prediction.probability
    out.push(['prediction', boolArray(probability.length, i => probability[i] > 0.5)])
    yield
    out.push(['probability', float8Array(probability)])
    return out
  }
  for (const [name, values] of Object.entries(answered(prediction, statistic))) {
    out.push([name, float8Array(values)])
    yield
  }
  return out
}

/** What is predicted lies in its interval, whichever statistic it is: the mean of a heavy tail may lie beyond nine in ten of what comes. */
export function answered(
  numbers: Extract<Prediction, { task: 'numeric' }>,
  statistic: JobOptions['statistic'],
): { prediction: Float64Array; lower: Float64Array; upper: Float64Array } {
  const prediction = numbers[statistic]
  return {
    prediction,
    lower: numbers.lower.map((bound, i) => Math.min(bound, prediction[i])),
    upper: numbers.upper.map((bound, i) => Math.max(bound, prediction[i])),
  }
}
