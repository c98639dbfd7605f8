// The order of tables and links in a graph. It must survive a rename and a dump and restore, so neither names nor oids decide: a
// table is ranked by its shape (its columns' types in their order, its key) refined by the shapes of the tables it is linked to
// and the columns that link them, until nothing more can be told apart. Nullability, tags, indexes and whether a constraint or
// the user declared a link are no part of it. Tables of wholly equal shape and surroundings fall back on their age (oid).

export interface ShapedTable {
  readonly oid: number
  /** Types that read the same in every database. */
  readonly types: readonly string[]
  /** Positions in `types`. */
  readonly key: readonly number[]
}

export interface ShapedLink<T> {
  readonly from: T
  /** Positions among the columns of `from`. */
  readonly columns: readonly number[]
  readonly to: T
  readonly toColumns: readonly number[]
}

/** Ranks of the tables, 0 first. */
export function rankTables<T extends ShapedTable>(
  tables: readonly T[],
  links: readonly ShapedLink<T>[],
): Map<T, number> {
  const around = new Map<T, { edge: string; other: T }[]>(tables.map(table => [table, []]))
  for (const { from, columns, to, toColumns } of links) {
    around.get(from)!.push({ edge: `up ${columns} ${toColumns}`, other: to })
    around.get(to)!.push({ edge: `down ${columns} ${toColumns}`, other: from })
  }
  let classes = classify(tables, ({ types, key }) => `${pad(types.length)} ${types.join()} (${key})`)
  for (let known = 0; classes.count > known && classes.count < tables.length; ) {
    known = classes.count
    const { of } = classes
    const before = (table: T) => pad(of.get(table)!)
    // one's own class first: refining never reorders what was told apart already
    classes = classify(tables, table => {
      const neighbours = around.get(table)!.map(({ edge, other }) => `${edge} ${before(other)}`)
      return `${before(table)} ${neighbours.sort().join(';')}`
    })
  }
  const sorted = [...tables].sort((a, b) => classes.of.get(a)! - classes.of.get(b)! || a.oid - b.oid)
  return new Map(sorted.map((table, rank) => [table, rank]))
}

/** Numbers the distinct descriptions in their own order, so that numbers depend on nothing else. */
function classify<T>(tables: readonly T[], describe: (table: T) => string): { of: Map<T, number>; count: number } {
  const described = tables.map(describe)
  const distinct = [...new Set(described)].sort()
  const number = new Map(distinct.map((text, i) => [text, i]))
  return { of: new Map(tables.map((table, i) => [table, number.get(described[i])!])), count: distinct.length }
}

const pad = (n: number) => String(n).padStart(6, '0')

/** By referring table, its columns, the table referred to and its columns; numbers throughout. */
export function compareLinks<T>(rank: ReadonlyMap<T, number>): (a: ShapedLink<T>, b: ShapedLink<T>) => number {
  const numbers = ({ from, columns, to, toColumns }: ShapedLink<T>) =>
    [rank.get(from)!, ...columns, -1, rank.get(to)!, ...toColumns] as const
  return (a, b) => {
    const [x, y] = [numbers(a), numbers(b)]
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i]
    return x.length - y.length
  }
}
