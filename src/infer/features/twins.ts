// Columns that give a target of columns away: copies of it, and functions of it. What is asked about would be read off them, and where it is
// missing they most often are too. A column that merely tells a lot is kept, also where it decides the target: a street tells its city.

import type { Neighbourhood, Rows } from '../decode/neighbourhood.js'
import { MISSING } from '../head.js'
import { correlation, createRanker } from './rank.js'
import type { Suspect } from './suspects.js'
import { createView, type RowSet } from './view.js'

/** Examples looked at, the first of the context. */
const MOST_ROWS = 4000
/** With fewer examples than this, likeness is chance. */
const FEWEST = 30
const COPY = 0.995
/** Rows of a class that must be there for it to say something. */
const CLASS_ROWS = 5
/** A column whose commonest value has this share says nothing. */
const CONSTANT = 0.95

/** Channels of the entity's own row that follow from the label. */
export function findTwins(neighbourhood: Neighbourhood, set: RowSet, y: Float64Array): Suspect[] {
  const { spec, nodes } = neighbourhood
  const n = Math.min(y.length, MOST_ROWS)
  if (spec.moment === undefined || n < FEWEST) return []
  const view = createView(neighbourhood, { key: set.key.subarray(0, n), anchor: set.anchor.subarray(0, n) })
  const at = view.nodeRow(0)
  const labels = y.subarray(0, n)
  const found: Suspect[] = []
  const judge = (channel: { kind: string; source: Suspect['source']; trusted: boolean }, number: number) => {
    const { source } = channel
    if (channel.trusted || number < COPY) return
    if (!found.some(s => s.source.column === source.column)) found.push({ source, reason: 'twin', number })
  }
  const numeric = spec.task === 'numeric'
  for (const [c, channel] of spec.nodes[0].numbers.entries()) {
    if (channel.kind === 'size' || channel.kind === 'presence') continue
    const values = numbersAt(nodes[0], c, at)
    if (numeric) judge(channel, Math.abs(rankCorrelation(values, labels)))
    else if (spec.task === 'binary') judge(channel, separation(values, labels))
  }
  for (const [c, channel] of spec.nodes[0].codes.entries()) {
    if (channel.kind !== 'category') continue
    const codes = Int32Array.from(at, row => (row < 0 ? MISSING : nodes[0].codes[c][row]))
    judge(channel, numeric ? steps(codes, labels) : decided(codes, labels))
  }
  return found
}

const numbersAt = (rows: Rows, channel: number, at: Int32Array): Float64Array =>
  Float64Array.from(at, row => (row < 0 ? Number.NaN : rows.numbers[channel][row]))

function rankCorrelation(values: Float64Array, labels: Float64Array): number {
  const there = Array.from(values.keys()).filter(i => !Number.isNaN(values[i]))
  if (there.length < FEWEST) return 0
  const ranker = createRanker(there.length)
  const [a, b] = [values, labels].map(column => {
    const ranks = new Float64Array(there.length)
    ranker.rank(
      Float64Array.from(there, i => column[i]),
      0,
      ranks,
    )
    return ranks
  })
  const r = correlation(a, b)
  return Number.isNaN(r) ? 0 : r
}

/** How well a threshold on the values tells true from false: 1 where all of one kind lie above all of the other. */
function separation(values: Float64Array, labels: Float64Array): number {
  let [lowTrue, highTrue, lowFalse, highFalse] = [Infinity, -Infinity, Infinity, -Infinity]
  let [trues, falses] = [0, 0]
  for (const [i, v] of values.entries()) {
    if (Number.isNaN(v)) continue
    if (labels[i] === 1) {
      trues++
      lowTrue = Math.min(lowTrue, v)
      highTrue = Math.max(highTrue, v)
    } else {
      falses++
      lowFalse = Math.min(lowFalse, v)
      highFalse = Math.max(highFalse, v)
    }
  }
  return Math.min(trues, falses) >= CLASS_ROWS && (lowTrue > highFalse || lowFalse > highTrue) ? 1 : 0
}

/** 1 where the rows in order of their label fall into one stretch a code. */
function steps(codes: Int32Array, labels: Float64Array): number {
  const order = Array.from(labels.keys())
    .filter(i => codes[i] !== MISSING)
    .sort((a, b) => labels[a] - labels[b] || codes[a] - codes[b])
  const levels = new Set(order.map(i => codes[i])).size
  if (order.length < FEWEST || levels < 2 || levels > order.length / 4) return 0
  let stretches = 1
  for (let i = 1; i < order.length; i++) if (codes[order[i]] !== codes[order[i - 1]]) stretches++
  return 1 - (stretches - levels) / order.length
}

/** Share of the rows whose code is the commonest of their class; 0 where the code hardly varies. */
function decided(codes: Int32Array, labels: Float64Array): number {
  const byClass = new Map<number, Map<number, number>>()
  const overall = new Map<number, number>()
  let present = 0
  for (const [i, code] of codes.entries()) {
    if (code === MISSING) continue
    present++
    overall.set(code, (overall.get(code) ?? 0) + 1)
    let own = byClass.get(labels[i])
    if (!own) {
      own = new Map()
      byClass.set(labels[i], own)
    }
    own.set(code, (own.get(code) ?? 0) + 1)
  }
  if (present < FEWEST || Math.max(...overall.values()) > CONSTANT * present) return 0
  let [agreeing, judged] = [0, 0]
  for (const own of byClass.values()) {
    let rows = 0
    let most = 0
    for (const n of own.values()) {
      rows += n
      most = Math.max(most, n)
    }
    if (rows < CLASS_ROWS) continue
    agreeing += most
    judged += rows
  }
  return judged >= present / 2 ? agreeing / judged : 0
}
