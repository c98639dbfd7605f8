// What a fitted head says about rows, block by block, and how the blocks become columns of the answer.

import { PgError } from '../../pg-error.js'
import type { Classes, Neighbourhood } from '../decode/neighbourhood.js'
import type { PreparedContext } from '../features/context.js'
import type { Prediction, QueryBatch } from '../head.js'
import { fitClasses } from '../heads/classes/head.js'
import { DIMENSIONS } from '../heads/embedding.js'
import { fitLists } from '../heads/lists.js'
import type { FitOptions, SteppedFitted, SteppedHead, Steps } from '../heads/stepped.js'
import type { JobOptions } from '../protocol.js'
import { type ClassColumns, classArrays, classColumns } from './class-output.js'
import { listColumns } from './list-output.js'
import { predictionArrays, vectorArray } from './output.js'

/** One block's answer: what it is, its model alone knows. */
export interface Said {
  readonly bytes: number
  /** Row-major, where they are asked for. */
  readonly vectors?: Float32Array
}

export interface Model {
  readonly bytes: number
  readonly warnings: SteppedFitted['warnings']
  /** `top`: values of a list that are answered; 0: all. */
  predict(query: QueryBatch, top?: number): Steps<Said>
}

interface Numbers extends Said {
  readonly prediction: Prediction
}

/** `head` answers conditions and numbers. @throws PgError where the labels of the context cannot be learnt from */
export function* fitModel(
  { classes, spec }: Neighbourhood,
  batch: PreparedContext['batch'],
  head: SteppedHead,
  options: FitOptions,
): Steps<Model> {
  if (batch.task === 'multiclass') {
    const { bytes, warnings, predictSteps } = yield* fitClasses(batch, options)
    return {
      bytes,
      warnings,
      *predict(query) {
        return yield* classColumns(yield* predictSteps(query), classes!)
      },
    }
  }
  if (batch.task === 'list') {
    const { bytes, warnings, predictSteps } = yield* fitLists(batch)
    return {
      bytes,
      warnings,
      *predict(query, top = 0) {
        return yield* listColumns(yield* predictSteps(query), classes!, top)
      },
    }
  }
  if (spec.task === 'multiclass') throw new PgError({ code: 'XX000', message: 'prediction failed' })
  const fitted = yield* head.fitSteps(batch, options)
  return {
    bytes: fitted.bytes,
    warnings: fitted.warnings,
    *predict(query): Steps<Numbers> {
      // four numbers in pieces and joined
      return { prediction: yield* fitted.predictSteps(query), bytes: 64 * query.rows }
    },
  }
}

/** Blocks of one question, all of the same kind, as the answer's columns by name; `place` is where each of their rows belongs. */
export function* columnsOf(
  said: readonly Said[],
  classes: Classes | null,
  place: Int32Array | null,
  options: JobOptions,
): Steps<[string, Buffer][]> {
  const columns = classes
    ? classArrays(said as readonly ClassColumns[], classes, place)
    : yield* predictionArrays(
        joined(
          (said as readonly Numbers[]).map(s => s.prediction),
          place,
        ),
        options,
      )
  if (options.embedding === undefined) return columns
  const vectors = said.flatMap(s => s.vectors ?? [])
  return [...columns, ['embedding', yield* vectorArray(vectors, DIMENSIONS, options.embedding)]]
}

function joined(parts: readonly Prediction[], place: Int32Array | null): Prediction {
  if (parts.length === 1 && place === null) return parts[0]
  const column = (of: (part: Prediction) => Float64Array): Float64Array => {
    const pieces = parts.map(of)
    const out = new Float64Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      if (place === null) out.set(piece, at)
      else for (let i = 0; i < piece.length; i++) out[place[at + i]] = piece[i]
      at += piece.length
    }
    return out
  }
  if (parts[0].task === 'binary') {
    return { task: 'binary', probability: column(p => (p as Extract<Prediction, { task: 'binary' }>).probability) }
  }
  const numeric = (name: 'median' | 'mean' | 'lower' | 'upper'): Float64Array =>
    column(p => (p as Extract<Prediction, { task: 'numeric' }>)[name])
  return {
    task: 'numeric',
    median: numeric('median'),
    mean: numeric('mean'),
    lower: numeric('lower'),
    upper: numeric('upper'),
  }
}
