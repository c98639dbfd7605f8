// Columns that change after their row was written: what a past anchor would have seen is gone, so they are not read unless vouched for.
// Nothing here knows a column's name: values alone give them away, and a column that cannot be judged is kept.

import type { NodeSpec, Source } from '../../graph/neighbourhood.js'
import { BOUNDARIES, type Neighbourhood } from '../decode/neighbourhood.js'
import { drain } from '../heads/stepped.js'
import { followsActivity } from './suspects-activity.js'
import { movesWithActivity } from './suspects-moving.js'
import { type SliceTests, settlesLate } from './suspects-slices.js'
import { createView, type RowSet } from './view.js'

export interface Suspect {
  readonly source: Source
  /**
   * settling: values of the newest rows are distributed unlike those of older rows.
   * running: the values follow activity up to now much more closely than activity up to an earlier anchor.
   * moving: times that were set again after an earlier anchor.
   * twin: it follows from what is asked about.
   */
  readonly reason: 'settling' | 'running' | 'moving' | 'twin'
  /** The figure that gave it away: a distance of distributions, a correlation, or a share of keys. */
  readonly number: number
}

/** Fewer keys than this in the reference population, and every key of the context is looked at instead. */
const MIN_POPULATION = 60

/** What a test may say of a channel; null is "cannot tell, or looks fine". */
export type Finding = { readonly reason: Suspect['reason']; readonly number: number } | null

/**
 * Judges every channel that nobody vouched for, reading nothing later than the reference anchor. `reference` is the population at that
 * anchor. In order of nodes, then streams; one entry a column.
 */
export function findSuspects(neighbourhood: Neighbourhood, reference: RowSet): Suspect[] {
  return drain(suspectSteps(neighbourhood, reference))
}

/** The same a channel at a time, giving way in between. */
export function* suspectSteps(neighbourhood: Neighbourhood, reference: RowSet): Generator<void, Suspect[], void> {
  const { spec, anchors, pairs } = neighbourhood
  if (anchors.count === 0) return []
  const now = anchors.time[anchors.count > 1 ? 1 : 0]
  const bounds = anchors.bounds.subarray(anchors.count > 1 ? BOUNDARIES : 0)
  const horizon = bounds[0] - bounds[1]
  const keys = Int32Array.from(new Set(reference.key.length >= MIN_POPULATION ? reference.key : pairs.key))
  const view = createView(neighbourhood, {
    key: keys,
    anchor: new Int32Array(keys.length).fill(anchors.count > 1 ? 1 : 0),
  })
  const population: Int32Array[] = []
  for (let node = 0; node < spec.nodes.length; node++) {
    population.push(Int32Array.from(new Set(view.nodeKey(node).filter(key => key >= 0))))
    yield
  }
  const found: Suspect[] = []

  function judge(channel: { readonly source: Source; readonly trusted: boolean }, test: () => Finding): void {
    const { source } = channel
    if (channel.trusted || found.some(s => s.source.table === source.table && s.source.column === source.column)) return
    const finding = test()
    if (finding) found.push({ source, ...finding })
  }

  for (const [n, node] of spec.nodes.entries()) {
    const slices = settlesLate(neighbourhood.nodes[n], population[n], now, horizon)
    yield
    const activity = yield* followsActivity(neighbourhood, n, population[n])
    for (const [c, channel] of node.numbers.entries()) {
      if (channel.kind === 'filter' || channel.kind === 'value') continue
      if (channel.kind === 'time') judge(channel, () => movesWithActivity(neighbourhood, n, population[n], c))
      else judge(channel, () => activity.number(c) ?? slices.number(c))
      yield
    }
    for (const [c, channel] of node.codes.entries()) {
      judge(channel, () =>
        channel.kind === 'category' ? (activity.category(c) ?? slices.category(c)) : slices.presence(c),
      )
      yield
    }
  }
  for (const [s, stream] of spec.streams.entries()) {
    if (stream.static) continue
    const rows = neighbourhood.streams[s]
    const keysHere = population[stream.node]
    const tests = new Map<number, SliceTests>()
    /** Of the stream's rows, or of one row for each parent in code channel `parent`. */
    const slicesOf = (parent: number): SliceTests => {
      let slices = tests.get(parent)
      if (!slices) {
        slices = settlesLate(rows, keysHere, now, horizon, parent < 0 ? null : rows.codes[parent])
        tests.set(parent, slices)
      }
      return slices
    }
    /** Where a channel is judged in this stream: -1 on its rows, or on the parents told apart by this code channel; null: not here. */
    const placeOf = (channel: { readonly own: boolean; readonly source: Source }): number | null => {
      if (channel.own) return -1
      // that a parent's rows come and go with those of the stream is no change of theirs
      const parent = stream.codes.find(
        code => code.kind === 'reference' && ownTable(spec.nodes[code.node!]) === channel.source.table,
      )
      if (!parent || neighbourhood.nodes[parent.node!].rows > 0) return null
      const place = stream.codes.findIndex(code => code.kind === 'key' && code.source.column === parent.source.column)
      return place < 0 ? null : place
    }
    for (const [c, channel] of stream.numbers.entries()) {
      // a date that is set later carries its own time; the target's own expression is the user's choice
      if (channel.kind === 'time' || channel.kind === 'filter' || channel.kind === 'value') continue
      const place = placeOf(channel)
      if (place === null) continue
      judge(channel, () => slicesOf(place).number(c))
      yield
    }
    for (const [c, channel] of stream.codes.entries()) {
      const place = placeOf(channel)
      if (place === null) continue
      judge(channel, () => (channel.kind === 'category' ? slicesOf(place).category(c) : slicesOf(place).presence(c)))
      yield
    }
  }
  return found
}

/** The table whose rows a node's are. */
function ownTable(node: NodeSpec): string | null {
  return [...node.numbers, ...node.codes].find(channel => channel.own)?.source.table ?? null
}
