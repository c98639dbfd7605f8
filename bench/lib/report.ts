// What a benchmark prints: figures beside what they must reach, and one line that says whether they do.

import { cpus } from 'node:os'
import { median, spread } from './stats.js'

export interface Reach {
  readonly atLeast?: number
  readonly atMost?: number
  readonly unit?: string
}

export interface Report {
  /** A line of context, without a verdict. */
  note(text: string): void
  /** A figure; with a bound it counts in the verdict, by its median. */
  figure(name: string, values: number | readonly number[], reach?: Reach): void
  /** Prints the verdict; a missed figure makes the process's exit code 1. */
  end(): void
}

export function createReport(title: string): Report {
  const missed: string[] = []
  let judged = 0
  console.log(`\n${title}  (${cpus().length} × ${cpus()[0].model.trim()}, Node ${process.versions.node})`)
  return {
    note: text => console.log(`  ${text}`),
    figure(name, values, { atLeast, atMost, unit = '' } = {}) {
      const list = typeof values === 'number' ? [values] : values
      const middle = median(list)
      const bound = atLeast !== undefined ? `reach ≥ ${atLeast}` : atMost !== undefined ? `reach ≤ ${atMost}` : ''
      let mark = ''
      if (bound) {
        judged++
        // so that a figure that could not be measured is a miss
        const good = atLeast !== undefined ? middle >= atLeast : middle <= atMost!
        mark = good ? 'ok' : 'MISSED'
        if (!good) missed.push(name)
      }
      console.log(`  ${name.padEnd(58)} ${`${spread(list)} ${unit}`.padEnd(32)} ${bound.padEnd(14)} ${mark}`.trimEnd())
    },
    end() {
      if (missed.length > 0) process.exitCode = 1
      const verdict =
        judged === 0
          ? 'nothing to judge'
          : missed.length === 0
            ? `all ${judged} figures reached`
            : `${missed.length} of ${judged} figures missed: ${missed.join('; ')}`
      console.log(`${title}: ${verdict}`)
    },
  }
}
