// What the model is handed for a PREDICT, without a proxy: one extraction on a session of our own, decoded and turned into features.

import { createHash } from 'node:crypto'
import { loadGraph, nothingDeclared } from '../../src/graph/catalog/index.js'
import { anchorSql, gridOf } from '../../src/graph/extract/anchors.js'
import { SqlParams } from '../../src/graph/extract/sql.js'
import { extractionOf } from '../../src/graph/extract/statement.js'
import { createDecoder } from '../../src/infer/decode/decoder.js'
import { type PreparedContext, prepareContext } from '../../src/infer/features/context.js'
import type { QueryBatch } from '../../src/infer/head.js'
import { assertSupported, check, parsePredict } from '../../src/pql/index.js'
import { contextSizes } from '../../src/rewrite/limits.js'
import type { DirectUpstream } from './direct-upstream.js'

export interface Features {
  readonly batch: PreparedContext['batch']
  readonly query: QueryBatch
  /** Key columns of the scored entities, as binary arrays. */
  readonly keys: readonly Buffer[]
  /** Names of the batch's columns, for messages. */
  readonly names: readonly string[]
  readonly setAside: readonly string[]
  /** Microseconds since 2000-01-01 UTC. */
  readonly anchor: bigint
  /** Of the context, newest first; microseconds since 2000-01-01 UTC. */
  readonly contextAnchors: readonly bigint[]
}

/** `pql` without its PREDICT is a whole question; statement-level clauses are not read. */
export async function featuresOf(upstream: DirectUpstream, pql: string): Promise<Features> {
  const graph = await loadGraph(upstream, { declared: nothingDeclared })
  const { syntax } = parsePredict(pql, { statement: false })
  const { task } = check(syntax, graph, { paramTypes: [], settings: {}, aliases: new Map() } as never)
  assertSupported(task, syntax)
  const params = new SqlParams([])
  const [row] = await upstream.query(anchorSql(task, params), params.list)
  const [anchor, oldest] = row!.map(value => value!.readBigInt64BE())
  const grid = gridOf(anchor!, oldest!, task.horizon!, task.reach!)
  const sizes = contextSizes(task.options)
  const request = { task, grid, context: sizes, seed: task.options.seed ?? 42, mostEntities: 100_001, client: [] }
  const extraction = extractionOf({ ...request, use: null })
  const decoder = createDecoder(extraction.spec)
  await upstream.stream(extraction.sql, extraction.params, payload => decoder.push(payload))
  const neighbourhood = decoder.finish()
  const prepared = prepareContext(neighbourhood, { rows: sizes.total })
  const query = prepared.encode(neighbourhood)
  return {
    batch: prepared.batch,
    query,
    keys: neighbourhood.scored.keys,
    names: prepared.columns.map(
      c =>
        `${c.descriptor.kind}/${c.descriptor.hop}/${c.descriptor.window} ${c.sources.map(s => `${s.table}.${s.column}`).join('+')}`,
    ),
    setAside: prepared.setAside.map(({ source }) => `${source.table}.${source.column}`),
    anchor: anchor!,
    contextAnchors: grid.context,
  }
}

/** Equal digests mean equal bytes. */
export function digests({ batch, query, keys, names, setAside }: Features): Readonly<Record<string, string>> {
  const of = (...parts: ArrayBufferView[]) => {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    return hash.digest('hex').slice(0, 16)
  }
  return {
    rows: String(batch.rows),
    columns: JSON.stringify(names),
    setAside: setAside.join(', '),
    x: of(batch.x),
    y: of(batch.y),
    anchors: of(batch.anchor, batch.age),
    scored: of(...keys),
    query: of(query.x),
  }
}

/** Where two sets of features differ, in words; null where they do not. */
export function difference(a: Features, b: Features): string | null {
  const [one, two] = [digests(a), digests(b)]
  const parts = Object.keys(one).filter(key => one[key] !== two[key])
  if (parts.length === 0) return null
  if (a.batch.rows !== b.batch.rows) return `${a.batch.rows} rows of context against ${b.batch.rows}`
  type Batch = QueryBatch | Features['batch']
  const columns = (x: Batch, y: Batch) =>
    a.names.flatMap((name, c) => {
      const values = (m: Batch) => m.x.subarray(c * m.rows, (c + 1) * m.rows)
      const [mine, theirs] = [values(x), values(y)]
      const at = mine.findIndex((v, i) => !Object.is(v, theirs[i]))
      return at < 0 ? [] : [`${name} row ${at}: ${mine[at]} against ${theirs[at]}`]
    })
  const named = a.names.find((name, i) => name !== b.names[i])
  const detail = named
    ? [`column ${named} against ${b.names[a.names.indexOf(named)]}`]
    : [...columns(a.batch, b.batch), ...columns(a.query, b.query)]
  const aside = one.setAside === two.setAside ? [] : [`set aside ${one.setAside} against ${two.setAside}`]
  return `${parts.join(', ')} differ: ${[...aside, ...detail.slice(0, 4)].join('; ')}`
}
