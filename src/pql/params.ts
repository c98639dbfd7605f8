// The client's parameters: each is read as the type the client declared, or as the first place that uses it asks for.

import { PgError } from '../pg-error.js'
import type { Catalog } from './catalog.js'
import type { ValueType } from './types.js'
import { columnType, comparable, typeByOid } from './types.js'

const UNKNOWN = 705

/** Values as text, null for NULL. */
export type Values = ReadonlyMap<number, string | null>

export class Params {
  readonly #declared: readonly number[]
  readonly #catalog: Catalog
  readonly #values: Values | undefined
  readonly #used = new Map<number, ValueType>()
  readonly #late: number[] = []

  constructor(declared: readonly number[], catalog: Catalog, values?: Values) {
    this.#declared = declared
    this.#catalog = catalog
    this.#values = values
  }

  /** The value of a parameter without which it is not known what is asked; undefined while there is none. */
  late(index: number): string | null | undefined {
    this.#late.push(index)
    return this.#values?.get(index)
  }

  /** Those, in the order in which they were met. */
  get lateOnes(): readonly number[] {
    return this.#late
  }

  /** A type by oid: Postgres' own, or one that some column has. */
  #known(oid: number): ValueType | undefined {
    const builtIn = typeByOid(oid)
    if (builtIn) return builtIn
    for (const { columns } of this.#catalog.tables) {
      const column = columns.find(({ type, baseType }) => type === oid || baseType === oid)
      if (column) return columnType(column)
    }
    return undefined
  }

  /**
   * The type parameter `index` is read as in a place that wants `wanted`.
   * @throws PgError 42P08 where two places want types that do not go together
   */
  read(index: number, wanted: ValueType, position: number): ValueType {
    const declared = this.#declared[index - 1] ?? 0
    const earlier = this.#used.get(index)
    if (declared !== 0 && declared !== UNKNOWN) {
      const type = this.#known(declared) ?? { ...wanted, type: declared }
      this.#used.set(index, type)
      return type
    }
    if (!earlier) {
      this.#used.set(index, wanted)
      return wanted
    }
    if (!comparable(earlier, wanted))
      throw new PgError({
        code: '42P08',
        message: `inconsistent types deduced for parameter $${index}`,
        detail: `${earlier.typeName} versus ${wanted.typeName}`,
        position,
      })
    return earlier
  }

  list(): { index: number; type: number; typeName: string }[] {
    return [...this.#used]
      .map(([index, { type, typeName }]) => ({ index, type, typeName }))
      .sort((a, b) => a.index - b.index)
  }
}
