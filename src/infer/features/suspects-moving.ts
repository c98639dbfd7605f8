// Does a time in the entity's own row move on whenever the entity does something? A time last seen is later than anything an older anchor knew.

import type { Neighbourhood } from '../decode/neighbourhood.js'
import type { Finding } from './suspects.js'
import { upperBound } from './view.js'

/** Moving times: share of keys active since, and of the most recently active ones. */
const MOVED_SHARE = 0.5
const PRESENT_SHARE = 0.9
/** Times later than the reference anchor may be those of its own grid cell; where they are many, they are plans rather than records. */
const LATER_SHARE = 0.3
const MIN_MOVED = 20
const NEWEST_SHARE = 0.1

/** Keys that keep a time later than an older anchor although they were there before, and still have one when just seen: it moves. */
export function movesWithActivity(
  neighbourhood: Neighbourhood,
  node: number,
  keys: Int32Array,
  channel: number,
): Finding {
  const { anchors, nodes, spec, streams } = neighbourhood
  if (anchors.count < 3) return null
  const now = anchors.time[1]
  const then = anchors.time[2]
  const rows = nodes[node]
  const values = rows.numbers[channel]
  const dated = spec.streams.flatMap((stream, s) => (stream.node === node && !stream.static ? [streams[s]] : []))
  const seen: { last: number; value: number; before: boolean; since: boolean }[] = []
  for (const k of keys) {
    if (rows.ptr[k + 1] === rows.ptr[k]) continue
    const own = rows.time[rows.ptr[k]]
    let before = own > Number.NEGATIVE_INFINITY && own <= then && dated.length === 0
    let since = before
    let last = before ? own : Number.NEGATIVE_INFINITY
    for (const { ptr, time } of dated) {
      const old = upperBound(time, ptr[k], ptr[k + 1], then)
      const end = upperBound(time, old, ptr[k + 1], now)
      if (old > ptr[k]) before = true
      if (end > old) since = true
      if (end > ptr[k]) last = Math.max(last, time[end - 1])
    }
    if (last > Number.NEGATIVE_INFINITY) seen.push({ last, value: values[rows.ptr[k]], before, since })
  }
  const all = seen.filter(key => key.before && key.since)
  // who was seen again after the reference anchor, and before the tables were read, cannot be judged at it
  const active = all.filter(key => !(key.value > now))
  if (active.length < MIN_MOVED || all.length - active.length > LATER_SHARE * all.length) return null
  const moved = active.filter(key => key.value > then).length / active.length
  if (moved < MOVED_SHARE) return null
  // what is set once, at the end, is not there yet for those in the middle of it
  const newest = seen
    .filter(key => !(key.value > now))
    .sort((a, b) => b.last - a.last)
    .slice(0, Math.max(MIN_MOVED, Math.ceil(NEWEST_SHARE * seen.length)))
  const present = newest.filter(key => key.value <= now).length / newest.length
  return present >= PRESENT_SHARE ? { reason: 'moving', number: moved } : null
}
