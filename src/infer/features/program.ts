// The target over past windows: its aggregates from a stream's rows, and its three-valued program over them. NaN is NULL.

import type { NumberChannel, TargetProgram, TargetSpec } from '../../graph/neighbourhood.js'
import type { Rows } from '../decode/neighbourhood.js'
import { compareNumbers } from './block-signal.js'
import type { StreamLeaf } from './columns.js'

/**
 * One aggregate over rows from … to - 1 of a stream.
 * `previous` (see previousSame) is needed for COUNT_DISTINCT alone. SUM of no rows is 0, the other aggregates of no rows are NULL.
 */
export function aggregate(leaf: StreamLeaf, rows: Rows, from: number, to: number, previous: Int32Array | null): number {
  const filter = leaf.filter === null ? null : rows.numbers[leaf.filter]
  if (leaf.name === 'COUNT_DISTINCT') {
    let count = 0
    for (let i = from; i < to; i++) if (previous![i] > -2 && previous![i] < from) count++
    return count
  }
  const value = leaf.value === null ? null : rows.numbers[leaf.value]
  if (leaf.name === 'COUNT' && filter === null && value === null) return to - from
  if (leaf.name === 'FIRST' || leaf.name === 'LAST') return chosen(leaf.name, filter, value!, rows.time, from, to)
  let count = 0
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = from; i < to; i++) {
    if (filter !== null && filter[i] !== 1) continue
    if (value !== null) {
      const v = value[i]
      if (Number.isNaN(v)) continue
      sum += v
      if (v < min) min = v
      if (v > max) max = v
    }
    count++
  }
  if (leaf.name === 'COUNT') return count
  if (leaf.name === 'SUM') return sum
  if (count === 0) return Number.NaN
  return leaf.name === 'AVG' ? sum / count : leaf.name === 'MIN' ? min : max
}

/** Of the rows at the first or the last instant, the one with the smallest key, which is sent first. */
function chosen(
  name: 'FIRST' | 'LAST',
  filter: Float64Array | null,
  value: Float64Array,
  time: Float64Array,
  from: number,
  to: number,
): number {
  let found = -1
  for (let i = from; i < to; i++) {
    if (filter !== null && filter[i] !== 1) continue
    if (found < 0 || (name === 'LAST' && time[i] > time[found])) found = i
    if (name === 'FIRST') break
  }
  return found < 0 ? Number.NaN : value[found]
}

/** The program's value: 1, 0 or NaN for conditions, the aggregate itself for a bare leaf. */
export function evaluate(program: TargetProgram, leaves: Float64Array, constants: Float64Array): number {
  switch (program.op) {
    case 'leaf':
      return leaves[program.leaf]
    case 'and':
    case 'or': {
      // AND is decided by the first false, OR by the first true; otherwise any NULL makes it NULL
      const decisive = program.op === 'and' ? 0 : 1
      let unknown = false
      for (const item of program.items) {
        const value = evaluate(item, leaves, constants)
        if (value === decisive) return decisive
        if (Number.isNaN(value)) unknown = true
      }
      return unknown ? Number.NaN : 1 - decisive
    }
    case 'not':
      return 1 - evaluate(program.item, leaves, constants)
    case 'null':
      return Number.isNaN(leaves[program.leaf]) !== program.negated ? 1 : 0
    case 'compare':
      return truth(leaves[program.leaf], constants[program.constant], (a, b) => compareNumbers(program.compare, a, b))
    case 'in': {
      const value = leaves[program.leaf]
      let found = 0
      for (const constant of program.constants) {
        const equal = truth(value, constants[constant], (a, b) => a === b)
        if (equal === 1) {
          found = 1
          break
        }
        if (Number.isNaN(equal)) found = Number.NaN
      }
      return program.negated ? 1 - found : found
    }
    case 'between': {
      const low = truth(leaves[program.leaf], constants[program.low], (a, b) => a >= b)
      const high = truth(leaves[program.leaf], constants[program.high], (a, b) => a <= b)
      const inside = low === 0 || high === 0 ? 0 : low * high
      return program.negated ? 1 - inside : inside
    }
  }
}

function truth(a: number, b: number, holds: (a: number, b: number) => boolean): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : holds(a, b) ? 1 : 0
}

/** What the target compares single rows of `channel` with. */
export function thresholds(
  { leaves, program }: Pick<TargetSpec, 'leaves' | 'program'>,
  constants: Float64Array,
  channel: NumberChannel,
): { compare: '=' | '<>' | '<' | '<=' | '>' | '>='; constant: number }[] {
  if (program === null) return []
  if (program.op === 'and' || program.op === 'or')
    return program.items.flatMap(item => thresholds({ leaves, program: item }, constants, channel))
  if (program.op === 'not') return thresholds({ leaves, program: program.item }, constants, channel)
  if (program.op !== 'compare' || program.leaf !== channel.leaf) return []
  // sums are not compared row by row
  const { name } = leaves[program.leaf]
  const constant = constants[program.constant]
  return (name === 'AVG' || name === 'MIN' || name === 'MAX') && Number.isFinite(constant)
    ? [{ compare: program.compare, constant }]
    : []
}
