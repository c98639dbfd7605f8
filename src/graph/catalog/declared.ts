// What the user says about the schema, as plain data: read from pgpredict.toml, from comments, or from accepted proposals.
// It is resolved against the catalog leniently: a name that finds nothing is a warning, never a failure.

export interface UserTable {
  /** `orders`, `sales.orders` or `"Order Items"`: as in SQL, or the table's exact name. */
  readonly table: string
  /** Column names: as in SQL, or exact. */
  readonly time?: string
  readonly end?: string
  readonly key?: readonly string[]
  readonly exclude?: readonly string[]
  readonly immutable?: readonly string[]
  readonly class?: readonly string[]
  readonly number?: readonly string[]
  /** Never NULL in fact, though no constraint says so: then a time column, or a link that lends its parent's time. */
  readonly notnull?: readonly string[]
  /** `cust_no -> customers.customer_no`, `(a, b) -> t.(x, y)`, `cust_no -> customers` (its key), with a schema before the table or not. */
  readonly links?: readonly string[]
}

export interface UserSchema {
  readonly tables: readonly UserTable[]
}

export const nothingDeclared: UserSchema = { tables: [] }

/** What one comment or one entry of the file says, before names are looked up. */
export interface Statement {
  readonly kind: 'key' | 'link' | 'time' | 'end' | 'exclude' | 'immutable' | 'class' | 'number' | 'notnull'
  /** Names a column each; of `link`: the referring columns. */
  readonly columns: readonly string[]
  /** Of `link`: what stands after the arrow. */
  readonly target?: LinkTarget
}

export interface LinkTarget {
  /** `t`, `s.t`, `t.c` or `s.t.c`: which of them only the catalog can tell. Without columns in brackets. */
  readonly path: readonly string[]
  /** `t.(x, y)`. */
  readonly columns: readonly string[] | null
}
