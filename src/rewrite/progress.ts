// A question that takes long says what it is doing: after two seconds, then every five, so that nobody waits half a minute without a word
// and no idle socket is closed on the way.

import type { Upstream } from './plan.js'

const FIRST = 2_000
const AGAIN = 5_000

/** Of no interest once the answer is there. */
export const progressCode = '00000'

export interface Progress {
  /** What is being done now; told with the next notice. */
  stage(what: string): void
  stop(): void
}

export function startProgress(upstream: Pick<Upstream, 'notice'>): Progress {
  const began = performance.now()
  let what = 'looking at the past'
  let timer = setTimeout(tell, FIRST)
  function tell(): void {
    const seconds = Math.round((performance.now() - began) / 1000)
    upstream.notice({ severity: 'NOTICE', code: progressCode, message: `predict: ${what} (${seconds} s so far)` })
    timer = setTimeout(tell, AGAIN)
  }
  return {
    stage(next) {
      what = next
    },
    stop: () => clearTimeout(timer),
  }
}
