// Seeded synthetic contexts whose true model is known, for the tests of the heads.

import type { ColumnDescriptor, ContextBatch, QueryBatch } from '../../src/infer/head.js'

/** Uniform numbers in [0, 1) from a seed. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function normals(seed: number): () => number {
  const next = uniforms(seed)
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

export const plain: ColumnDescriptor = { kind: 'value', hop: 0, window: 0, target: false, cohort: false }

export interface World {
  readonly context: ContextBatch
  readonly query: QueryBatch
  /** The true linear signal of context rows, then query rows. */
  readonly signal: Float64Array
  readonly answers: Float64Array
}

/**
 * `width` normal columns of which the first ten carry the signal (standard deviation `strength`); `draw` makes an outcome from a
 * signal. Ten anchors, newest first.
 */
export function world(options: {
  readonly task: 'binary' | 'numeric'
  readonly rows: number
  readonly queries: number
  readonly width: number
  readonly strength: number
  readonly seed: number
  readonly nonNegative?: boolean
  readonly draw: (signal: number, next: () => number, normal: () => number) => number
}): World {
  const { rows, queries, width, strength, seed, draw } = options
  const normal = normals(seed)
  const next = uniforms(seed + 1)
  const total = rows + queries
  const signal = new Float64Array(total)
  const context = new Float64Array(rows * width)
  const query = new Float64Array(queries * width)
  for (let j = 0; j < width; j++) {
    for (let r = 0; r < total; r++) {
      const v = normal()
      if (j < 10) signal[r] += ((j % 2 === 0 ? 1 : -1) * strength * v) / Math.sqrt(10)
      if (r < rows) context[j * rows + r] = v
      else query[j * queries + r - rows] = v
    }
  }
  const outcomes = Float64Array.from(signal, s => draw(s, next, normal))
  return {
    context: {
      task: options.task,
      rows,
      columns: Array.from({ length: width }, () => plain),
      x: context,
      y: outcomes.slice(0, rows),
      anchor: Int32Array.from({ length: rows }, (_, r) => Math.floor((10 * r) / rows)),
      age: Float64Array.from({ length: rows }, (_, r) => 1 + Math.floor((10 * r) / rows)),
      nonNegative: options.nonNegative ?? false,
    },
    query: { rows: queries, x: query },
    signal,
    answers: outcomes.slice(rows),
  }
}

/** Area under the ROC curve; ties count half. */
export function auroc(score: Float64Array, y: Float64Array): number {
  const order = Array.from(score.keys()).sort((a, b) => score[a] - score[b])
  let positives = 0
  let sum = 0
  for (let i = 0; i < order.length; ) {
    let end = i
    while (end < order.length && score[order[end]] === score[order[i]]) end++
    for (let k = i; k < end; k++) {
      if (y[order[k]] === 1) {
        positives++
        sum += (i + end + 1) / 2
      }
    }
    i = end
  }
  return (sum - (positives * (positives + 1)) / 2) / (positives * (order.length - positives))
}

export const poisson = (rate: number, next: () => number): number => {
  const limit = Math.exp(-rate)
  let count = 0
  for (let p = next(); p > limit; p *= next()) count++
  return count
}
