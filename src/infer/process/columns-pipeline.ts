// The stages of a job about a column. Examples are rows like those asked about, so no model may have seen the row it answers: rows are in
// groups, by a hash of their key or by the period they were written in, and each group has a model of its own, fitted when it is first asked for.

import { PgError } from '../../pg-error.js'
import { createDecoder } from '../decode/decoder.js'
import { BOUNDARIES, type Neighbourhood } from '../decode/neighbourhood.js'
import type { UsedChannels } from '../features/usage.js'
import type { Steps } from '../heads/stepped.js'
import type { JobOptions } from '../protocol.js'
import { checkClasses } from './class-output.js'
import { fitOne, type One, sayBlocks } from './entity-pipeline.js'
import { checkValues, type ListColumns, listArrays } from './list-output.js'
import { columnsOf, type Said } from './models.js'
import { timestamptzList } from './output.js'
import { type Accounts, type FittedContext, type Pipeline, timed } from './stages.js'

/** Microseconds of a horizon, where a question has none. */
const UNIT = 30 * 86_400_000_000

interface Group extends One {
  readonly classes: Neighbourhood['classes']
}

interface Groups extends FittedContext<Neighbourhood> {
  readonly groups: ReadonlyMap<number, Group>
}

/** One row an entity, each answered by its group's model. */
export const columnsPipeline: Pipeline<Neighbourhood> = { createDecoder, fit }

function* fit(
  neighbourhood: Neighbourhood,
  options: JobOptions,
  accounts: Accounts,
  known?: FittedContext<Neighbourhood>,
): Steps<Groups> {
  const { spec, scored, classes } = neighbourhood
  if (spec.task === 'multiclass' && scored.count > 0) checkClasses(classes)
  if (spec.task === 'list' && scored.count > 0) checkValues(classes)
  const groups = new Map((known as Groups | undefined)?.groups)
  for (const group of new Set([...scored.group].sort((a, b) => a - b))) {
    if (groups.has(group)) continue
    const part = examplesFor(neighbourhood, group)
    if (part.pairs.count === 0) throw nothingKnown()
    groups.set(group, { ...(yield* fitOne(part, options, accounts)), classes })
  }
  return together(neighbourhood, groups)
}

const nothingKnown = (): PgError =>
  new PgError({
    code: 'PQ004',
    message: 'there are no examples to learn from',
    detail: 'A row is an example where the column asked about has a value; none has, apart from those asked about.',
  })

/** What the rows of a group may learn from. */
function examplesFor(neighbourhood: Neighbourhood, group: number): Neighbourhood {
  const { spec, pairs, anchors, periods } = neighbourhood
  const start = periods.get(group) ?? Number.POSITIVE_INFINITY
  const eligible = Array.from({ length: pairs.count }, (_, i) => i).filter(i =>
    spec.moment === 'shared' ? pairs.share[i] !== group : anchors.time[pairs.anchor[i]] < start - 1,
  )
  // newest first; what lies further back was sent for earlier periods
  const rows = eligible.slice(0, spec.periodRows)
  const pick = (from: Int32Array) => Int32Array.from(rows, i => from[i])
  const label = Float64Array.from(rows, i => pairs.label[i])
  const part = {
    count: rows.length,
    key: pick(pairs.key),
    anchor: pick(pairs.anchor),
    role: pick(pairs.role),
    share: pick(pairs.share),
    label,
    labels: [label],
  }
  if (spec.moment === 'shared') return { ...neighbourhood, pairs: part }
  // nothing of what came later is at hand: the anchors are the period's start and those of the rows themselves
  const used = [...new Set(part.anchor)].sort((a, b) => a - b)
  const bounds = new Float64Array((used.length + 2) * BOUNDARIES)
  for (let k = 0; k < BOUNDARIES; k++) bounds[k] = bounds[BOUNDARIES + k] = start - k * UNIT
  for (const [i, from] of used.entries())
    bounds.set(anchors.bounds.subarray(from * BOUNDARIES, (from + 1) * BOUNDARIES), (i + 2) * BOUNDARIES)
  const time = Float64Array.from([start, start, ...used.map(from => anchors.time[from])])
  const index = new Map(used.map((from, i) => [from, i + 2]))
  return {
    ...neighbourhood,
    anchors: { count: time.length, time, bounds },
    pairs: { ...part, anchor: part.anchor.map(from => index.get(from)!) },
  }
}

function together({ spec }: Neighbourhood, groups: ReadonlyMap<number, Group>): Groups {
  const all = [...groups.values()]
  const facts = all.map(one => one.facts)
  const sum = (of: (fact: One['facts']) => number) => facts.reduce((n, fact) => n + of(fact), 0)
  const most = (of: (fact: One['facts']) => number) => facts.reduce((n, fact) => Math.max(n, of(fact)), 0)
  const bytes = sum(fact => fact.contextBytes)
  const warnings = facts.flatMap(fact => fact.warnings)
  const setAside = facts.flatMap(fact => fact.setAside) as { source: { table: string; column: string | null } }[]
  return {
    groups,
    bytes,
    usedChannels: union(
      spec,
      all.map(one => one.usedChannels),
    ),
    facts: {
      contextRows: most(fact => fact.contextRows),
      anchors: most(fact => fact.anchors),
      positives: most(fact => fact.positives),
      contextBytes: bytes,
      setAside: setAside.filter(
        ({ source }, i) =>
          setAside.findIndex(s => s.source.table === source.table && s.source.column === source.column) === i,
      ),
      warnings: warnings.filter((warning, i) => warnings.findIndex(({ code }) => code === warning.code) === i),
    },
    covers: asked => asked.scored.group.every(group => groups.has(group)),
    answer: (asked, options, accounts) => answer(groups, asked, options, accounts),
  }
}

function union({ nodes, streams }: Neighbourhood['spec'], used: readonly UsedChannels[]): UsedChannels {
  const merge = (of: (one: UsedChannels) => UsedChannels['nodes'][number]) => ({
    rows: used.some(one => of(one).rows),
    numbers: new Set(used.flatMap(one => [...of(one).numbers])),
    codes: new Set(used.flatMap(one => [...of(one).codes])),
  })
  return {
    nodes: nodes.map((_, i) => merge(one => one.nodes[i])),
    streams: streams.map((_, i) => merge(one => one.streams[i])),
  }
}

function* answer(
  groups: ReadonlyMap<number, Group>,
  neighbourhood: Neighbourhood,
  options: JobOptions,
  accounts: Accounts,
): Steps<[string, Buffer][]> {
  const { scored, anchors } = neighbourhood
  const place: number[] = []
  const said: Said[] = []
  let classes: Neighbourhood['classes'] = null
  for (const [number, group] of groups) {
    const rows = Array.from({ length: scored.count }, (_, i) => i).filter(i => scored.group[i] === number)
    if (rows.length === 0) continue
    place.push(...rows)
    classes = group.classes
    const asked = {
      key: Int32Array.from(rows, i => scored.key[i]),
      anchor: Int32Array.from(rows, i => scored.anchor[i]),
    }
    said.push(...(yield* sayBlocks(group, neighbourhood, asked, accounts)))
  }
  const { spec } = neighbourhood
  // a row read at its own time is read one microsecond before it
  const after = spec.moment === 'own' ? 1 : 0
  const moments = Float64Array.from(scored.anchor, at => anchors.time[at] + after)
  if (spec.list && said.length > 0) {
    const { account, watch } = accounts
    const lists = said as readonly Said[] as readonly ListColumns[]
    account.take(60 * lists.reduce((rows, { scores }) => rows + scores.length, 0))
    return yield* timed(watch, 'output', listArrays(lists, place, scored, moments, spec.list.kind))
  }
  const keys = scored.keys.map((bytes, i): [string, Buffer] => [`key ${i}`, bytes])
  const times = timestamptzList(moments)
  if (said.length === 0) return [...keys, ['anchor_time', times]]
  accounts.account.take(60 * scored.count)
  const columns = yield* timed(accounts.watch, 'output', columnsOf(said, classes, Int32Array.from(place), options))
  return [...keys, ['anchor_time', times], ...columns]
}
