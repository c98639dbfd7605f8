// What a long run found, and what it has to say.

import type { Test } from 'tap'

export type Teardown = Pick<Test, 'teardown'>

export interface Findings {
  /** Something that must not be. */
  add(what: string): void
  /** A figure for the report. */
  note(what: string): void
  /** How far it has come. */
  progress(what: string): void
  /** So much has been found that going on tells nothing more. */
  readonly enough: boolean
  readonly count: number
}

const MOST = 20

export function createFindings(): Findings {
  let count = 0
  const since = performance.now()
  const say = (what: string) => console.log(`${Math.round((performance.now() - since) / 1000)} s  ${what}`)
  return {
    add(what) {
      count++
      say(`FOUND ${what}`)
    },
    note: say,
    progress: say,
    get enough() {
      return count >= MOST
    },
    get count() {
      return count
    },
  }
}
