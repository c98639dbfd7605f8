// Helper statements kept prepared on a session, least recently used first out.

const CAPACITY = 32

export interface CachedStatement {
  readonly name: string
  /** A Parse for it has been sent and has not failed. */
  prepared: boolean
}

export class PreparedCache {
  #count = 0
  /** Insertion order is order of use. */
  readonly #statements = new Map<string, CachedStatement>()
  #evicted: string[] = []

  /** The statement for this text and these parameter types, new or known. */
  use(sql: string, types: readonly number[]): CachedStatement {
    const key = `${types.join()}\0${sql}`
    const statement = this.#statements.get(key) ?? { name: `pgpredict_s${++this.#count}`, prepared: false }
    this.#statements.delete(key)
    this.#statements.set(key, statement)
    if (this.#statements.size > CAPACITY) {
      const [oldest, { name }] = this.#statements.entries().next().value!
      this.#statements.delete(oldest)
      this.#evicted.push(name)
    }
    return statement
  }

  /** Names to close, once. */
  takeEvicted(): string[] {
    return this.#evicted.splice(0)
  }

  forget(statement: CachedStatement): void {
    for (const [key, known] of this.#statements) if (known === statement) this.#statements.delete(key)
  }

  /** DISCARD ALL or DEALLOCATE ALL: none of them exists any more. */
  clear(): void {
    this.#statements.clear()
    this.#evicted = []
  }
}
