// Columns that change after their row was written: what a past anchor would have seen is gone, so they are not read unless vouched for.
// Nothing here knows a column's name: values alone give them away, and a column that cannot be judged is kept.

import type { Source } from '../../graph/neighbourhood.js'
import { BOUNDARIES, type Neighbourhood } from '../decode/neighbourhood.js'
import { followsActivity, movesWithActivity } from './suspects-activity.js'
import { settlesLate } from './suspects-slices.js'
import { createView, type RowSet } from './view.js'

export interface Suspect {
  readonly source: Source
  /**
   * settling: values of the newest rows are distributed unlike those of older rows.
   * running: the values follow activity up to now much more closely than activity up to an earlier anchor.
   * moving: times that were set again after an earlier anchor.
   */
  readonly reason: 'settling' | 'running' | 'moving'
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
  const { spec, anchors, pairs } = neighbourhood
  if (anchors.count === 0) return []
  const now = anchors.count > 1 ? 1 : 0
  const horizon = anchors.bounds[now * BOUNDARIES] - anchors.bounds[now * BOUNDARIES + 1]
  const keys = [...new Set(reference.key.length >= MIN_POPULATION ? reference.key : pairs.key)]
  const view = createView(neighbourhood, { key: Int32Array.from(keys), anchor: new Int32Array(keys.length).fill(now) })
  const population = spec.nodes.map((_, node) => Int32Array.from(new Set(view.nodeKey(node).filter(key => key >= 0))))
  const found: Suspect[] = []

  function judge(channel: { readonly source: Source; readonly trusted: boolean }, test: () => Finding): void {
    const { source } = channel
    if (channel.trusted || found.some(s => s.source.table === source.table && s.source.column === source.column)) return
    const finding = test()
    if (finding) found.push({ source, ...finding })
  }

  spec.nodes.forEach((node, n) => {
    const slices = settlesLate(neighbourhood.nodes[n], population[n], anchors.time[now], horizon)
    const activity = followsActivity(neighbourhood, n, population[n])
    node.numbers.forEach((channel, c) => {
      if (channel.kind === 'filter' || channel.kind === 'value') return
      if (channel.kind === 'time') judge(channel, () => movesWithActivity(neighbourhood, n, population[n], c))
      else judge(channel, () => activity.number(c) ?? slices.number(c))
    })
    node.codes.forEach((channel, c) => {
      judge(channel, () =>
        channel.kind === 'category' ? (activity.category(c) ?? slices.category(c)) : slices.presence(c),
      )
    })
  })
  spec.streams.forEach((stream, s) => {
    if (stream.static) return
    const slices = settlesLate(neighbourhood.streams[s], population[stream.node], anchors.time[now], horizon)
    stream.numbers.forEach((channel, c) => {
      // a date that is set later carries its own time; the target's own expression is the user's choice
      if (channel.kind === 'time' || channel.kind === 'filter' || channel.kind === 'value' || !channel.own) return
      judge(channel, () => slices.number(c))
    })
    stream.codes.forEach((channel, c) => {
      // a parent's columns are judged with the parent: that its rows come and go is no change of theirs
      if (!channel.own) return
      judge(channel, () => (channel.kind === 'category' ? slices.category(c) : slices.presence(c)))
    })
  })
  return found
}
