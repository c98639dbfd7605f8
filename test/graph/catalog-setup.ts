// A database of its own for each test of the catalog, sessions in it, and short ways to say what a graph holds.

import t, { type Test } from 'tap'
import { type Graph, loadGraph, nothingDeclared, type UserSchema } from '../../src/graph/catalog/index.js'
import type { Column, Link, Table } from '../../src/pql/catalog.js'
import { type DirectUpstream, directUpstream } from '../helpers/direct-upstream.js'
import { startPostgres, type TestPostgres } from '../helpers/postgres.js'

export const server: TestPostgres = await startPostgres()
t.teardown(() => server.stop())

/** A new database in which `sql` has run; `session` as another role reads it as that role does. */
export async function database(t: Test, sql: string) {
  const url = await server.createDatabase()
  const session = async (role = 'postgres'): Promise<DirectUpstream> => {
    const name = decodeURIComponent(new URL(url).pathname.slice(1))
    const upstream = await directUpstream(server.url(name, role))
    t.teardown(() => upstream.close())
    return upstream
  }
  const owner = await session()
  await owner.run(sql)
  return { url, owner, session, load: (declared: UserSchema = nothingDeclared) => loadGraph(owner, { declared }) }
}

/** A login role of a unique name. */
export async function role(options = ''): Promise<string> {
  const name = `r${process.pid}_${Math.trunc(performance.now() * 1000)}`
  await server.admin.query(`CREATE ROLE ${name} LOGIN ${options}`)
  return name
}

export const table = (graph: Graph, name: string): Table => {
  const found = graph.tables.find(table => table.name === name)
  if (!found) throw new Error(`no table ${name} among ${graph.tables.map(({ name }) => name)}`)
  return found
}
export const has = (graph: Graph, name: string): boolean => graph.tables.some(table => table.name === name)
export const names = (columns: readonly Column[] | null): string[] | null => columns?.map(({ name }) => name) ?? null
export const arrow = ({ from, columns, to, toColumns }: Link): string =>
  `${from.name}(${names(columns)}) -> ${to.name}(${names(toColumns)})`
export const arrows = (graph: Graph): string[] => graph.links.map(arrow).sort()
/** `own created_at`, `inherited orders, products`, `static`. */
export const time = (graph: Graph, name: string): string => {
  const source = table(graph, name).time
  if (source.kind === 'own') return `own ${source.column.name}`
  if (source.kind === 'static') return 'static'
  return `inherited ${source.through.map(link => link.to.name).sort()}`
}
