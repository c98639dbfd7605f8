// Bytes of tables, partitions and inheriting tables included: the cheapest sign that rows were added.

import type { Upstream } from '../../rewrite/plan.js'
import { oidArray, text } from './text-param.js'

const sizesSql = `
WITH RECURSIVE part (root, oid) AS (
  SELECT o, o FROM pg_catalog.unnest($1::oid[]) o
  UNION
  SELECT p.root, i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid)
SELECT root::int8, pg_catalog.sum(pg_catalog.pg_relation_size(oid))::int8 FROM part GROUP BY root`

export async function sizesOf(
  upstream: Pick<Upstream, 'query'>,
  oids: readonly number[],
): Promise<Map<number, number>> {
  if (oids.length === 0) return new Map()
  const rows = await upstream.query(sizesSql, [text(oidArray, `{${oids.join(',')}}`)])
  return new Map(rows.map(([oid, size]) => [Number(oid!.readBigInt64BE()), Number(size?.readBigInt64BE() ?? 0)]))
}
