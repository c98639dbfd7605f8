// Shares one thread among jobs: each runs for a slice, then the event loop breathes, then whoever has had least goes next. A new job gets
// a head start, so short ones pass long ones; nobody waits long, however many come. A job whose steps yield a promise stands aside until it
// has settled.

import type { Steps } from '../heads/stepped.js'

const SLICE = 20
const HEAD_START = 100
/** Who has waited for longer goes first, longest wait before all: at least a tenth of the time is left to long work. */
const PATIENCE = 200

export interface Work {
  readonly steps: Steps<void>
  /** Anything the steps throw. */
  readonly failed: (error: unknown) => void
}

export interface Scheduler {
  /** The work's first slice comes after the current turn of the event loop; the function returned takes it off again. */
  add(work: Work): () => void
  readonly running: number
}

interface Entry extends Work {
  /** Milliseconds had, shifted so that newcomers compare with those who have run for long. */
  had: number
  last: number
}

export function createScheduler(): Scheduler {
  const entries: Entry[] = []
  const aside = new Set<Entry>()
  let clock = 0
  let ticking = false

  function next(now: number): Entry {
    let least = entries[0]
    let longest = entries[0]
    for (const entry of entries) {
      if (entry.had < least.had) least = entry
      if (entry.last < longest.last) longest = entry
    }
    return now - longest.last > PATIENCE ? longest : least
  }

  function remove(entry: Entry): void {
    const index = entries.indexOf(entry)
    if (index >= 0) entries.splice(index, 1)
    aside.delete(entry)
  }

  function stepAside(entry: Entry, until: Promise<void>): void {
    remove(entry)
    aside.add(entry)
    until.then(() => {
      // taken off meanwhile
      if (!aside.delete(entry)) return
      entry.had = Math.max(entry.had, clock - HEAD_START)
      entries.push(entry)
      wake()
    })
  }

  function tick(): void {
    ticking = false
    if (entries.length === 0) return
    const start = performance.now()
    const entry = next(start)
    clock = Math.max(clock, entry.had)
    let now = start
    try {
      do {
        const step = entry.steps.next()
        if (step.done) {
          remove(entry)
          break
        }
        if (step.value) {
          stepAside(entry, step.value)
          break
        }
        now = performance.now()
      } while (now - start < SLICE)
    } catch (error) {
      remove(entry)
      entry.failed(error)
    }
    entry.last = performance.now()
    entry.had += entry.last - start
    wake()
  }

  function wake(): void {
    if (ticking || entries.length === 0) return
    ticking = true
    setImmediate(tick)
  }

  return {
    add(work) {
      const entry: Entry = { ...work, had: clock - HEAD_START, last: performance.now() }
      entries.push(entry)
      wake()
      return () => {
        remove(entry)
        // runs the steps' own clean-up
        entry.steps.return()
      }
    },
    get running() {
      return entries.length + aside.size
    },
  }
}
