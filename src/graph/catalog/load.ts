// Reads the graph of one role in one database: one catalog statement, and one or two more where rows must tell time columns apart.

import { createHash } from 'node:crypto'
import type { Link, Table } from '../../pql/catalog.js'
import type { Upstream } from '../../rewrite/plan.js'
import { build } from './build.js'
import { type CatalogRows, catalogSql } from './catalog-sql.js'
import type { UserSchema } from './declared.js'
import type { Graph } from './graph.js'
import { parsePath } from './identifier.js'
import { readRows } from './raw.js'
import { resolve } from './resolve.js'
import { sizesOf } from './sizes.js'
import { arrayLiteral, text, textArray } from './text-param.js'
import { dateTables } from './time.js'

/** What `upstream`'s session may SELECT, with the user's declarations. Rejects as `upstream.query` does. */
export async function loadGraph(
  upstream: Pick<Upstream, 'query'>,
  { declared }: { readonly declared: UserSchema },
): Promise<Graph> {
  const [[json]] = await upstream.query(catalogSql, [text(textArray, arrayLiteral(possibleViews(declared)))])
  const rows = JSON.parse(json!.toString()) as CatalogRows
  const raw = readRows(rows)
  const resolved = resolve(raw, declared)
  const skeleton = build(raw.tables.values(), resolved)
  const dated = await dateTables(skeleton, sql => upstream.query(sql))
  const unsettled = await sizesOf(upstream, dated.unsettled)
  for (const table of skeleton.tables) {
    for (const list of [table.columns, table.parents, table.children]) Object.freeze(list)
    Object.freeze(table)
  }
  const [database, role] = [rows.database, rows.role]
  return Object.freeze({
    database: { oid: database[0], name: database[1] },
    role: { oid: role[0], name: role[1] },
    version: rows.version,
    tables: Object.freeze(skeleton.tables),
    links: Object.freeze(skeleton.links),
    fingerprint: fingerprint(database[0], role[0], skeleton.tables, skeleton.links),
    token: rows.token,
    warnings: Object.freeze([...resolved.ignored, ...resolved.warnings, ...dated.warnings]),
    ignored: Object.freeze(resolved.ignored),
    unsettled,
  })
}

/** Last parts of the names of tables that the configuration gives a key: some may be views. */
function possibleViews(declared: UserSchema): string[] {
  return declared.tables
    .filter(entry => entry.key?.length)
    .flatMap(({ table }) => [table, table.split('.').at(-1)!, ...(parsePath(table)?.slice(-1) ?? [])])
}

function fingerprint(database: number, role: number, tables: readonly Table[], links: readonly Link[]): string {
  const hash = createHash('sha256').update(JSON.stringify([database, role]))
  for (const { parents, children, time, key, estimatedRows, ...table } of tables) {
    const source =
      time.kind === 'own' ? time.column.attnum : time.kind === 'inherited' ? time.through.map(link => link.id) : null
    hash.update(JSON.stringify([table, key?.map(column => column.attnum), source]))
  }
  for (const { from, to, columns, toColumns, ...link } of links)
    hash.update(
      JSON.stringify([
        link,
        from.oid,
        columns.map(({ attnum }) => attnum),
        to.oid,
        toColumns.map(({ attnum }) => attnum),
      ]),
    )
  return hash.digest('hex')
}
