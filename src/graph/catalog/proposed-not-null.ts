// Where NOT NULL was lost along with a key, a table loses its time too. Found here: the nullable columns without a NULL that would
// give it back, and no more of them than that.

import type { Column, Table } from '../../pql/catalog.js'
import { type Impression, numbers, type Query, temporal } from './impression.js'
import { sampleRows } from './proposals-sql.js'
import type { ProposedKey, ProposedLink } from './proposed.js'
import { choose } from './time.js'
import { orderProbe } from './time-sql.js'

type ByTable<T> = ReadonlyMap<Table, T>

/** Of each table whose key was lost: its earliest timestamp (or date, where nothing refers to it: there it may be a birthday), else its links to dated tables. */
export async function lostNotNull(
  upstream: Query,
  tables: readonly Table[],
  keys: ByTable<ProposedKey>,
  links: ByTable<readonly ProposedLink[]>,
  impressions: ByTable<Impression>,
): Promise<ByTable<readonly Column[]>> {
  const lost = new Map<Table, readonly Column[]>()
  const dated = new Set(tables.filter(declaredTime))
  const referredTo = new Set([
    ...tables.filter(({ children }) => children.length > 0),
    ...[...links.values()].flat().map(({ to }) => to),
  ])
  const full = (table: Table, column: Column) => {
    const { rows, columns } = impressions.get(table)!
    return !column.notNull && rows > 0 && columns.get(column)?.values === rows
  }
  const undated = tables.filter(table => keys.has(table) && !dated.has(table))
  for (const table of undated) {
    const times = table.columns.filter(column => temporal(column) && !column.tag && full(table, column))
    const timestamps = times.filter(({ typeClass }) => typeClass !== 'date')
    const candidates = timestamps.length > 0 || referredTo.has(table) ? timestamps : times
    const column = await earliest(upstream, table, candidates)
    if (!column) continue
    lost.set(table, [column])
    dated.add(table)
  }
  for (let before = -1; dated.size > before; ) {
    before = dated.size
    for (const table of undated) {
      if (dated.has(table)) continue
      const columns = [...table.parents, ...links.get(table)!]
        .filter(({ to }) => dated.has(to))
        .flatMap(({ columns }) => columns)
        .filter(column => full(table, column))
      if (columns.length === 0) continue
      lost.set(table, [...new Set(columns)])
      dated.add(table)
    }
  }
  return lost
}

/** A time that holds by declaration, and not because no row happens to have a NULL. */
function declaredTime({ time }: Table): boolean {
  if (time.kind === 'own') return time.column.notNull || time.column.tag === 'time'
  return time.kind === 'inherited' && time.through.some(({ notNull }) => notNull)
}

async function earliest(upstream: Query, table: Table, candidates: readonly Column[]): Promise<Column | null> {
  if (candidates.length < 2) return candidates[0] ?? null
  return choose(candidates, await numbers(upstream, orderProbe(table, candidates, sampleRows)))
}
