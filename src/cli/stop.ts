// Being told to stop: Ctrl-C, a service manager, a closed terminal.

/** A terminal signals every process of a command, and wrappers such as npx pass theirs on: one Ctrl-C may arrive twice. */
const ECHO_MS = 1000

/** Resolves at the first signal. A second one, when stopping takes too long, ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise(resolve => {
    let first = 0
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (first === 0) first = performance.now()
        else if (performance.now() - first > ECHO_MS) process.exit(130)
        resolve()
      })
    }
  })
}
