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
  /** Nothing is being done, until the next stage. */
  stop(): void
}

export function startProgress(upstream: Pick<Upstream, 'notice'>): Progress {
  const began = performance.now()
  let what = 'looking at the past'
  let due = began + FIRST
  let timer: NodeJS.Timeout | null = null
  function wait(): void {
    timer ??= setTimeout(tell, due - performance.now())
  }
  function tell(): void {
    const now = performance.now()
    const message = `predict: ${what} (${Math.round((now - began) / 1000)} s so far)`
    upstream.notice({ severity: 'NOTICE', code: progressCode, message })
    due = now + AGAIN
    timer = null
    wait()
  }
  wait()
  return {
    stage(next) {
      what = next
      wait()
    },
    stop() {
      if (timer) clearTimeout(timer)
      timer = null
    },
  }
}
