// Graphs by database, role and search path, shared by all sessions of one server. A graph is used only while the session's own
// view of the catalog gives the token it was read under, so a schema change, GRANT, REVOKE or COMMENT is seen by the next statement.

import type { Upstream } from '../../rewrite/plan.js'
import { nothingDeclared, type UserSchema } from './declared.js'
import { readFacts, type SessionFacts } from './facts.js'
import type { Graph } from './graph.js'
import { loadGraph } from './load.js'

export interface GraphCache {
  /** What the session is and has set; one round trip a statement. To be handed to `get` of the same statement. */
  facts(upstream: Pick<Upstream, 'streamPrepared' | 'statement'>): Promise<SessionFacts>
  /** The graph as the session sees it now. Without `facts` they are asked for. */
  get(upstream: Pick<Upstream, 'query' | 'streamPrepared' | 'statement'>, facts?: SessionFacts): Promise<Graph>
}

/** Columns in all graphs kept, about 200 bytes each: those of roles not seen for long go first. */
const capacity = 200_000

/** Tables whose growth is watched, at most: each costs a look at its file in every statement. */
const watched = 200

/** One for each upstream server: database oids are unique only there. */
export function createGraphCache({ declared = nothingDeclared }: { readonly declared?: UserSchema } = {}): GraphCache {
  const graphs = new Map<string, { readonly graph: Graph; readonly size: number }>()

  const asked = new WeakMap<object, Promise<SessionFacts>>()

  const facts = (upstream: Pick<Upstream, 'streamPrepared' | 'statement'>) => {
    const known = asked.get(upstream.statement)
    if (known) return known
    const unsettled = new Set<number>()
    for (const { graph } of graphs.values())
      for (const oid of graph.unsettled.keys()) if (unsettled.size < watched) unsettled.add(oid)
    const read = readFacts(upstream, [...unsettled])
    asked.set(upstream.statement, read)
    return read
  }

  const keep = (key: string, graph: Graph) => {
    graphs.delete(key)
    graphs.set(key, { graph, size: graph.tables.reduce((sum, table) => sum + table.columns.length + 5, 0) })
    let total = 0
    for (const { size } of graphs.values()) total += size
    for (const [oldest, { size }] of graphs) {
      if (total <= capacity || oldest === key) break
      graphs.delete(oldest)
      total -= size
    }
  }

  return {
    facts,
    async get(upstream, known) {
      const session = known ?? (await facts(upstream))
      const key = JSON.stringify([session.database.oid, session.role.oid, session.schemas])
      const entry = graphs.get(key)
      if (entry && entry.graph.token === session.token && settled(entry.graph, session)) {
        graphs.delete(key)
        graphs.set(key, entry)
        return entry.graph
      }
      const graph = await loadGraph(upstream, { declared })
      // what only this transaction sees is nobody else's
      if (!session.hasWritten) keep(key, graph)
      return graph
    },
  }
}

function settled(graph: Graph, { sizes }: SessionFacts): boolean {
  for (const [oid, size] of graph.unsettled) if (sizes.has(oid) && sizes.get(oid) !== size) return false
  return true
}
