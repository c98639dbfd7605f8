// Threads of the inference process, started alike from compiled files and from sources.

import { Worker } from 'node:worker_threads'

/** Runs the file at `url`, named as in sources. From sources, with the loader that runs them: what the process was started with a thread does not get. */
export function startThread(url: URL, workerData?: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(url.href.replace(/\.ts$/, '.js')), { workerData })
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const start = `import(${loader}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}) })`
  return new Worker(start, { eval: true, workerData, execArgv: [] })
}
