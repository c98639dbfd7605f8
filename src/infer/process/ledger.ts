// Memory that prediction work holds, all jobs together, against one limit.

import { PgError } from '../../pg-error.js'

export interface Account {
  /** Throws PgError 53400 where all accounts together would pass the limit. */
  take(bytes: number): void
  give(bytes: number): void
  /** Gives back whatever is held. */
  close(): void
}

export interface Ledger {
  open(): Account
  readonly used: number
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1048576)} MB`

export function createLedger(limit: number): Ledger {
  let used = 0
  return {
    open() {
      let held = 0
      let closed = false
      const give = (bytes: number): void => {
        const given = Math.min(bytes, held)
        held -= given
        used -= given
      }
      return {
        take(bytes) {
          if (closed) return
          if (used + bytes > limit) {
            throw new PgError({
              code: '53400',
              message: 'prediction needs more memory than it may have',
              detail: `This statement needs ${megabytes(held + bytes)}, others hold ${megabytes(used - held)}, the limit is ${megabytes(limit)}.`,
              hint: 'Score fewer entities in a statement, or lower the context: SET predict.context_size = 3000.',
            })
          }
          held += bytes
          used += bytes
        },
        give,
        close() {
          give(held)
          closed = true
        },
      }
    },
    get used() {
      return used
    },
  }
}
