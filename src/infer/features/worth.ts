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
const SERIAL_SHARE = 0.04
const SERIAL_TIE = 0.99
/** Mean length from which a text with too many values for a category is prose rather than a name. */
const LONG_TEXT = 24

/** Everything, its newest value and its mean alone, or nothing. */
export type Worth = 'everything' | 'little' | 'nothing'

/** Of channel `c` of a node, by the marked keys' rows up to the cut. */
export function worthOfOwn(
  neighbourhood: Neighbourhood,
  node: number,
  c: number,
  marked: Uint8Array,
  cut: number,
): Worth {
  return worth(neighbourhood.spec.nodes[node], neighbourhood.nodes[node], c, marked, cut, code =>
    nodeLevels(neighbourhood, node, code, marked, cut),
  )
}

/** Of channel `c` of a stream, by rows that its node's marked keys have up to the cut. */
export function worthInStream(
  neighbourhood: Neighbourhood,
  stream: number,
  c: number,
  marked: Uint8Array,
  cut: number,
): Worth {
  return worth(neighbourhood.spec.streams[stream], neighbourhood.streams[stream], c, marked, cut, code =>
    streamLevels(neighbourhood, stream, code, marked, cut),
  )
}

function worth(
  { numbers, codes }: Pick<StreamSpec, 'numbers' | 'codes'>,
  rows: Rows,
  c: number,
  marked: Uint8Array,
  cut: number,
  levels: (code: number) => Levels,
): Worth {
  const { kind, source, trusted } = numbers[c]
  if (kind === 'number') return !trusted && isSerial(rows, c, marked, cut) ? 'nothing' : 'everything'
  if (kind !== 'size') return 'everything'
  // a category says more than its length, and the length of a name says nothing
  const code = codes.findIndex(
    other => other.kind === 'category' && other.source.table === source.table && other.source.column === source.column,
  )
  if (code < 0) return 'little'
  return levels(code).category || !(meanOf(rows, c, marked, cut) >= LONG_TEXT) ? 'nothing' : 'little'
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
function isSerial(rows: Rows, channel: number, marked: Uint8Array, cut: number): boolean {
  const values = rows.numbers[channel]
  const index = sampleRows(rows, marked, cut).filter(
    i => rows.time[i] > Number.NEGATIVE_INFINITY && !Number.isNaN(values[i]),
  )
  const distinct = new Set<number>()
  for (const i of index) {
    if (!Number.isInteger(values[i])) return false
    distinct.add(values[i])
  }
  if (distinct.size < SERIAL_VALUES || distinct.size < SERIAL_SHARE * index.length) return false
  const ranker = createRanker(index.length)
  const rank = (of: (i: number) => number): Float64Array => {
    const ranks = new Float64Array(index.length)
    // from the first one on, since ranks are taken at single precision
    const first = of(index[0])
    ranker.rank(
      Float64Array.from(index, i => of(i) - first),
      0,
      ranks,
    )
    return ranks
  }
  return (
    Math.abs(
      correlation(
        rank(i => rows.time[i]),
        rank(i => values[i]),
      ),
    ) >= SERIAL_TIE
  )
}

/** Mean of a number channel over the marked keys' rows up to the cut; NaN where there is none. */
function meanOf(rows: Rows, channel: number, marked: Uint8Array, cut: number): number {
  const index = sampleRows(rows, marked, cut)
  return presentMean(
    Float64Array.from(index, i => rows.numbers[channel][i]),
    0,
    index.length,
  )
}
