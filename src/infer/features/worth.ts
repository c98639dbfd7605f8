// What a number channel is good for: some are names' lengths or serials in disguise, and would only be fitted to chance.

import type { StreamSpec } from '../../graph/neighbourhood.js'
import type { Neighbourhood, Rows } from '../decode/neighbourhood.js'
import { presentMean } from './cohort.js'
import { correlation, createRanker } from './rank.js'
import { type Levels, nodeLevels, streamLevels } from './shape.js'
import { upperBound } from './view.js'

/** Rows looked at where a look will do. */
const SAMPLE_ROWS = 4000
/** Serials: different values at least, in all and of the rows (the lines of a basket share its number), and their tie to time. */
const SERIAL_VALUES = 50
/** Values after which that many must have been seen. */
const FIRST_LOOK = 1000
const SERIAL_SHARE = 0.04
const SERIAL_TIE = 0.99
/** Mean length from which a text with too many values for a category is prose rather than a name. */
const LONG_TEXT = 24

/** Everything, its newest value and its mean alone, or nothing. */
export type Worth = 'everything' | 'little' | 'nothing'

/** Tells the worth of a table's number channels by a sample of its rows. */
export type Judge = (channel: number) => Worth

/** For the channels of a node, by the marked keys' rows up to the cut. */
export function judgeOwn(neighbourhood: Neighbourhood, node: number, marked: Uint8Array, cut: number): Judge {
  return judge(neighbourhood.spec.nodes[node], neighbourhood.nodes[node], marked, cut, code =>
    nodeLevels(neighbourhood, node, code, marked, cut),
  )
}

/** For the channels of a stream, by rows that its node's marked keys have up to the cut. */
export function judgeStream(neighbourhood: Neighbourhood, stream: number, marked: Uint8Array, cut: number): Judge {
  return judge(neighbourhood.spec.streams[stream], neighbourhood.streams[stream], marked, cut, code =>
    streamLevels(neighbourhood, stream, code, marked, cut),
  )
}

function judge(
  { numbers, codes }: Pick<StreamSpec, 'numbers' | 'codes'>,
  rows: Rows,
  marked: Uint8Array,
  cut: number,
  levels: (code: number) => Levels,
): Judge {
  const index = sampleRows(rows, marked, cut)
  const time = Float64Array.from(index, i => rows.time[i])
  return c => {
    const { kind, source, trusted } = numbers[c]
    if (kind !== 'number' && kind !== 'size') return 'everything'
    const values = Float64Array.from(index, i => rows.numbers[c][i])
    if (kind === 'number') return !trusted && isSerial(time, values) ? 'nothing' : 'everything'
    // a category says more than its length, and the length of a name says nothing
    const code = codes.findIndex(
      other =>
        other.kind === 'category' && other.source.table === source.table && other.source.column === source.column,
    )
    if (code < 0) return 'little'
    return levels(code).category || !(presentMean(values, 0, values.length) >= LONG_TEXT) ? 'nothing' : 'little'
  }
}

/** Rows of the marked keys up to the cut: all of them, or evenly spaced ones where they are many. */
function sampleRows({ ptr, time }: Rows, marked: Uint8Array, cut: number): Int32Array {
  const index: number[] = []
  for (let k = 0; k < marked.length; k++) {
    if (!marked[k]) continue
    const end = upperBound(time, ptr[k], ptr[k + 1], cut)
    for (let i = ptr[k]; i < end; i++) index.push(i)
  }
  const step = Math.ceil(index.length / SAMPLE_ROWS)
  return Int32Array.from(step <= 1 ? index : index.filter((_, i) => i % step === 0))
}

/** Whether a number is a serial in disguise: whole, nearly unique, and growing with time. It says when a row was written, no more. */
function isSerial(time: Float64Array, values: Float64Array): boolean {
  const distinct = new Set<number>()
  const used: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) || time[i] === Number.NEGATIVE_INFINITY) continue
    if (!Number.isInteger(values[i])) return false
    distinct.add(values[i])
    // what repeats itself among the first will not become unique
    if (used.push(i) === FIRST_LOOK && distinct.size < SERIAL_VALUES) return false
  }
  if (distinct.size < SERIAL_VALUES || distinct.size < SERIAL_SHARE * used.length) return false
  const ranker = createRanker(used.length)
  const ranksOf = (column: Float64Array): Float64Array => {
    const ranks = new Float64Array(used.length)
    // counted from the first one on, since ranks are taken at single precision
    ranker.rank(
      Float64Array.from(used, i => column[i] - column[used[0]]),
      0,
      ranks,
    )
    return ranks
  }
  return Math.abs(correlation(ranksOf(time), ranksOf(values))) >= SERIAL_TIE
}
