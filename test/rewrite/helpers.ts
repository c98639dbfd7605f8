// A rewriter over a real server's catalog, whose answers are made by hand, and the statement it makes run on that server.

import { createGraphCache } from '../../src/graph/catalog/index.js'
import type { OutputColumn, Task } from '../../src/pql/task.js'
import { arrayParam, boolArray, float8Array, int8Array, timestamptzArray } from '../../src/rewrite/binary-array.js'
import { type Param, type Plan, type TypedParam, textParam } from '../../src/rewrite/plan.js'
import { createRewriter } from '../../src/rewrite/rewriter.js'
import { type DirectUpstream, directUpstream } from '../helpers/direct-upstream.js'

export interface Asked {
  readonly task: Task
  readonly outputs: readonly OutputColumn[]
  readonly params: readonly Param[]
}

/** Users 1, 2 and 3: 1 and 3 predicted true, with a probability of 0.9, 0.2 and 0.6. */
const byType: Record<string, Buffer> = {
  bigint: int8Array([1n, 2n, 3n]),
  'timestamp with time zone': timestamptzArray([0n, 0n, null]),
  boolean: boolArray([true, false, true]),
  'double precision': float8Array([0.9, 0.2, 0.6]),
}

export const schema = `
  CREATE TABLE users (user_id bigint PRIMARY KEY, name text, signed timestamptz NOT NULL);
  CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, at timestamptz NOT NULL, status text);
  CREATE INDEX ON orders (user_id, at);
  INSERT INTO users VALUES (1, 'ann', '2024-01-01'), (2, 'bob', '2024-01-02'), (3, 'cy', '2024-01-03'), (4, 'di', '2024-01-04');
  INSERT INTO orders SELECT i, 1 + i % 4, timestamptz '2024-01-05' + i * interval '1 hour', 'paid' FROM generate_series(1, 200) i;`

export interface Rig {
  readonly upstream: DirectUpstream
  readonly asked: Asked[]
  mayConcern(sql: string): boolean
  plan(sql: string, paramTypes?: readonly number[]): Promise<Plan | null>
  /** Plans `sql`, runs it with `params` and gives its rows, each value as text. */
  rows(sql: string, ...params: readonly TypedParam[]): Promise<(string | null)[][]>
}

export const createRig = async (url: string): Promise<Rig> => {
  const upstream = await directUpstream(url)
  const graphs = createGraphCache()
  const asked: Asked[] = []
  const rewriting = createRewriter({
    catalog: lent => graphs.get(lent),
    async *answer(task, outputs, params) {
      asked.push({ task, outputs, params })
      yield { columns: outputs.map(column => arrayParam(byType[column.typeName])), last: true }
    },
  })
  const rewriter = rewriting.open('')
  const plan = (sql: string, paramTypes: readonly number[] = []) => rewriter.plan(sql, paramTypes, upstream)
  return {
    upstream,
    asked,
    mayConcern: sql => rewriter.mayConcern(Buffer.from(sql), 0, Buffer.byteLength(sql)),
    plan,
    async rows(sql, ...params) {
      const made = await plan(
        sql,
        params.map(param => param.type),
      )
      if (!made) throw new Error(`no PREDICT in ${sql}`)
      const own = made.paramTypes.length - made.hidden
      const bound = await made.run(params, upstream)
      const mine = Array.from({ length: own }, (_, i) => params[i] ?? textParam(0, null))
      const all = 'sql' in bound ? [] : [...mine, ...bound.params]
      const rows = await upstream.query(
        'sql' in bound ? bound.sql : made.sql,
        all.map((param, i) => ({ ...param, type: made.paramTypes[i] })),
      )
      return rows.map(row => row.map(value => value?.toString('latin1') ?? null))
    },
  }
}
