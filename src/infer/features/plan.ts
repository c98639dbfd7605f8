// The list of feature columns for a spec: which block on which stream, in what order, and what goes first when there are too many.

import type { NodeSpec, Source, StreamSpec } from '../../graph/neighbourhood.js'
import { BOUNDARIES, type Neighbourhood } from '../decode/neighbourhood.js'
import { drain } from '../heads/stepped.js'
import {
  type Block,
  COUNTS,
  type CodeSite,
  type FeatureColumn,
  LAG,
  LAGS,
  RAW_LAGS,
  type Signal,
  type StreamLeaf,
  VIA_LAGS,
} from './columns.js'
import { thresholds } from './program.js'
import { markKeys, nodeLevels, streamLevels, streamVolume } from './shape.js'
import {
  at,
  BINARY,
  CLOSING_SLOTS,
  COUNT_SLOTS,
  DISTINCT_SLOTS,
  EVER,
  FULL,
  LIGHT,
  LITTLE,
  SLIGHT,
  type Slot,
} from './slots.js'
import { createView, horizonAt, type RowSet } from './view.js'
import { judgeOwn, judgeStream } from './worth.js'

const MAX_COLUMNS = 1200
/** Value channels used of a stream that hangs on another node. */
const VIA_CHANNELS = 8
/** Different times a key of a 'latest' node must have on average before its streams are read. */
const MIN_HISTORY = 3
const DAY = 86_400_000_000

export interface PlanOptions {
  /** Rows whose keys alone decide the columns' shape: never the rows being scored. */
  readonly context: RowSet
  /** Rows later than this time are not looked at: the newest context anchor, in microseconds. */
  readonly cut: number
  /** Columns that must not be read, by their source. */
  readonly setAside: (source: Source) => boolean
}

/**
 * Raw feature columns, at most 1,200: lag, own, counts and values of the target first, then by distance from the entity.
 * Depends on the spec and on rows of the context's keys up to the cut; equal input gives equal columns in equal order.
 */
export function planFeatures(neighbourhood: Neighbourhood, options: PlanOptions): FeatureColumn[] {
  return drain(planSteps(neighbourhood, options))
}

/** The same a table at a time, giving way in between. */
export function* planSteps(neighbourhood: Neighbourhood, options: PlanOptions): Generator<void, FeatureColumn[], void> {
  const { spec, constants } = neighbourhood
  const view = createView(neighbourhood, options.context)
  const marked = spec.nodes.map((_, node) => markKeys(view, node))
  const newest = neighbourhood.anchors.count > 1 ? 1 : 0
  const horizon = horizonAt(neighbourhood, newest)
  const windowed = Number.isFinite(neighbourhood.anchors.bounds[newest * BOUNDARIES + 1])
  const day = horizon >= 2 * DAY ? DAY : horizon / 24
  const tiers: FeatureColumn[][] = []

  function add(
    tier: number,
    block: Block,
    slots: readonly Slot[],
    hop: number,
    target: boolean,
    sources: readonly Source[],
  ): void {
    tiers[tier] ??= []
    for (const { slot, kind, window } of slots)
      tiers[tier].push({ descriptor: { kind, hop, window, target, cohort: false }, sources, block, slot })
  }
  const usable = (channel: { readonly source: Source; readonly trusted: boolean; readonly kind: string }) =>
    channel.trusted || channel.kind === 'filter' || channel.kind === 'value' || !options.setAside(channel.source)

  function planLag(): void {
    const { target } = spec
    if (target.program === null || !windowed) return
    const slots: Slot[] = []
    for (let k = 1; k <= LAGS; k++) slots.push(at(k - 1, 'lag', k))
    if (horizon < 330 * DAY) slots.push(at(LAG.year, 'lag'))
    slots.push(at(LAG.mean3, 'mean', 3), at(LAG.mean10, 'mean', 10), at(LAG.weighted, 'ewma', 10))
    slots.push(at(LAG.median, 'mean', 10), at(LAG.max, 'max', 10), at(LAG.valid, 'count', 10))
    // a target that is its only aggregate has said it already
    if (target.program.op !== 'leaf' || target.assuming !== null)
      target.leaves.forEach((_, leaf) => {
        for (let k = 1; k <= RAW_LAGS; k++) slots.push(at(LAG.raw + leaf * RAW_LAGS + k - 1, 'lag', k))
      })
    const sources = target.leaves.flatMap(leaf => {
      const stream = spec.streams[leaf.stream]
      const channel =
        leaf.value !== null ? stream.numbers[leaf.value] : leaf.code !== null ? stream.codes[leaf.code] : null
      return channel ? [channel.source] : tableOf(stream)
    })
    const hop = Math.max(1, ...target.leaves.map(leaf => spec.streams[leaf.stream].hop))
    add(0, { op: 'lag', target, constants }, slots, hop, true, unique(sources))
  }

  function planNode(node: NodeSpec, index: number): void {
    const tier = index === 0 ? 1 : 5
    let dated = false
    for (const time of neighbourhood.nodes[index].time) if (time > Number.NEGATIVE_INFINITY) dated = true
    if (dated) add(tier, { op: 'born', node: index }, [at(0, 'age')], node.hop, false, tableOf(node))
    const worthOf = judgeOwn(neighbourhood, index, marked[index], options.cut)
    node.numbers.forEach((channel, c) => {
      if (!usable(channel) || worthOf(c) === 'nothing') return
      const kind =
        channel.kind === 'time' ? 'age' : channel.kind === 'number' || channel.kind === 'size' ? 'value' : 'flag'
      const block: Block = { op: 'own', node: index, channel: c, time: channel.kind === 'time' }
      add(tier, block, [at(0, kind)], channel.source.hop, false, [channel.source])
    })
    node.codes.forEach((channel, c) => {
      if (channel.kind !== 'category' || !usable(channel)) return
      const levels = nodeLevels(neighbourhood, index, c, marked[index], options.cut)
      if (!levels.category) return
      for (const code of levels.top)
        add(tier, { op: 'level', node: index, channel: c, code }, [at(0, 'level')], channel.source.hop, false, [
          channel.source,
        ])
      if (levels.share.size > 2) planCode({ node: index, channel: c }, levels.share, tier, channel.source)
    })
  }

  function planCode(site: CodeSite, share: ReadonlyMap<number, number>, tier: number, source: Source): void {
    add(tier, { op: 'frequency', at: site, share }, [at(0, 'share')], source.hop, false, [source])
    // the number of a class, or of a list, is no quantity that a mean could be taken of
    if (spec.task === 'multiclass' || spec.task === 'list') return
    add(tier, { op: 'encoded', at: site, encoder: { current: null } }, [at(0, 'encoded')], source.hop, true, [source])
  }

  /** Only what does not depend on windows is said of undated rows, or where the task has no horizon. */
  function fitting(stream: StreamSpec, slots: readonly Slot[]): readonly Slot[] {
    if (stream.static)
      return slots.filter(
        s =>
          s.window === EVER && (s.kind === 'sum' || s.kind === 'mean' || s.kind === 'count' || s.kind === 'distinct'),
      )
    return windowed ? slots : slots.filter(s => s.window === 0 || s.window === EVER)
  }

  function planStream(stream: StreamSpec, index: number): void {
    const via = stream.node !== 0
    const near = !via && stream.hop <= 1
    const { rows, timesPerKey } = streamVolume(neighbourhood, index, marked[stream.node], options.cut)
    if (rows === 0) return
    if (spec.nodes[stream.node].kind === 'latest' && !stream.static && timesPerKey < MIN_HISTORY) return
    const table = tableOf(stream)
    const counts = { op: 'counts', stream: index, day } as const
    add(
      near ? 1 : via ? 5 : 4,
      counts,
      fitting(stream, stream.static ? [at(COUNTS.count, 'count', EVER)] : COUNT_SLOTS),
      stream.hop,
      false,
      table,
    )
    const signal = (tier: number, what: Signal, slots: readonly Slot[], target: boolean, source: Source) =>
      add(
        tier,
        { op: 'signal', stream: index, signal: what },
        fitting(stream, slots),
        Math.max(stream.hop, source.hop),
        target,
        [source],
      )

    const worthOf = judgeStream(neighbourhood, index, marked[stream.node], options.cut)
    let used = 0
    stream.numbers.forEach((channel, c) => {
      if (!usable(channel)) return
      const worth = worthOf(c)
      if (worth === 'nothing') return
      const source = channel.source
      const what: Signal = { kind: 'channel', channel: c }
      if (channel.kind === 'filter' || channel.kind === 'value') {
        const slots = channel.kind === 'value' ? FULL : BINARY
        signal(near ? 1 : via ? 5 : 4, what, near || !via ? slots : LIGHT, true, source)
        if (channel.kind === 'value')
          for (const { compare, constant } of thresholds(spec.target, constants, channel))
            signal(
              near ? 1 : 5,
              { kind: 'compare', channel: c, compare, constant },
              near ? BINARY : SLIGHT,
              true,
              source,
            )
      } else if (channel.kind === 'time') {
        if (via || stream.static) return
        add(
          channel.own ? (near ? 2 : 7) : 6,
          { op: 'closing', stream: index, channel: c },
          CLOSING_SLOTS,
          source.hop,
          false,
          [source],
        )
      } else if (worth === 'little') {
        if (!via) signal(near ? 3 : 9, what, LITTLE, false, source)
      } else if (via) {
        if (channel.own && channel.kind !== 'presence' && used++ < VIA_CHANNELS) signal(8, what, LIGHT, false, source)
      } else if (!channel.own)
        signal(near ? 6 : 9, what, near && channel.kind !== 'presence' ? LIGHT : SLIGHT, false, source)
      else if (channel.kind === 'presence') signal(near ? 3 : 9, what, near ? LIGHT : SLIGHT, false, source)
      else if (near) signal(2, what, channel.kind === 'flag' ? BINARY : FULL, false, source)
      else signal(7, what, LIGHT, false, source)
    })
    if (via) planViaLags(stream, index)
    else for (let c = 0; c < stream.codes.length; c++) planStreamCode(stream, index, c, near, signal)
  }

  function planStreamCode(
    stream: StreamSpec,
    index: number,
    c: number,
    near: boolean,
    signal: (tier: number, what: Signal, slots: readonly Slot[], target: boolean, source: Source) => void,
  ): void {
    const channel = stream.codes[c]
    if (!usable(channel)) return
    const source = channel.source
    const levels = channel.kind === 'category' ? streamLevels(neighbourhood, index, c, marked[0], options.cut) : null
    const tier = near ? (channel.own ? 3 : 6) : 9
    for (const code of levels?.top ?? [])
      signal(tier, { kind: 'level', channel: c, code }, near && channel.own ? LIGHT : SLIGHT, false, source)
    if (levels === null || levels.top.length !== 1) {
      const block: Block = { op: 'distinct', stream: index, channel: c }
      add(
        near ? 2 : 7,
        block,
        fitting(stream, DISTINCT_SLOTS),
        Math.max(stream.hop, source.hop),
        channel.leaf !== undefined,
        [source],
      )
    }
    if (near && channel.own && !stream.static && levels?.category && levels.share.size > 2)
      planCode({ stream: index, channel: c }, levels.share, 3, source)
  }

  /** The target's own aggregates over the rows of another node, where those are rows of the same table. */
  function planViaLags(stream: StreamSpec, index: number): void {
    if (!windowed || stream.static) return
    spec.target.leaves.forEach((leaf, l) => {
      if (spec.streams[leaf.stream].table !== stream.table) return
      const find = (kind: 'filter' | 'value') => stream.numbers.findIndex(n => n.kind === kind && n.leaf === l)
      const code = stream.codes.findIndex(n => n.leaf === l)
      const here: StreamLeaf = {
        name: leaf.name,
        filter: leaf.filter === null ? null : find('filter'),
        value: leaf.value === null ? null : find('value'),
        code: leaf.code === null ? null : code,
      }
      if (here.filter === -1 || here.value === -1 || here.code === -1) return
      const slots = Array.from({ length: VIA_LAGS }, (_, k) => at(k, 'lag', k + 1))
      slots.push(at(VIA_LAGS, 'mean', VIA_LAGS))
      const source =
        here.value !== null
          ? stream.numbers[here.value].source
          : here.code !== null
            ? stream.codes[here.code].source
            : null
      add(5, { op: 'via-lag', stream: index, leaf: here }, slots, stream.hop, true, source ? [source] : tableOf(stream))
    })
  }

  planLag()
  for (const [index, node] of spec.nodes.entries()) {
    planNode(node, index)
    yield
  }
  // rows of the lists asked about say what is asked
  const asked = spec.task === 'list' ? (spec.target.histories ?? []).map(({ stream }) => stream) : []
  for (const [index, stream] of spec.streams.entries()) {
    if (asked.includes(index)) continue
    planStream(stream, index)
    yield
  }
  const columns: FeatureColumn[] = []
  for (const tier of tiers) if (tier) columns.push(...tier)
  return columns.slice(0, MAX_COLUMNS)
}

/** The table that own channels come from. */
function tableOf(spec: Pick<StreamSpec, 'numbers' | 'codes'> & { readonly hop: number }): Source[] {
  const own = spec.numbers.find(channel => channel.own) ?? spec.codes.find(channel => channel.own)
  return own ? [{ table: own.source.table, column: null, hop: spec.hop }] : []
}

function unique(sources: readonly Source[]): Source[] {
  return sources.filter((a, i) => sources.findIndex(b => b.table === a.table && b.column === a.column) === i)
}
