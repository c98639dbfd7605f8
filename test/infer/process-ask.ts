// One question to the inference process, from its rows to its answer.

import type { InferClient, InferResult } from '../../src/infer/client.js'
import type { JobOptions } from '../../src/infer/protocol.js'
import type { Extraction } from './process-extraction.js'

export const options: JobOptions = { seed: 1, mode: 'normal', statistic: 'median', contextRows: 10_000 }
export const small = { task: 'binary', entities: 200, anchors: 6, scored: 200 } as const
export const large = { task: 'numeric', entities: 1_500, anchors: 6, scored: 1_500 } as const

export interface Asked {
  readonly key?: string | null
  readonly cold?: boolean
  readonly options?: Partial<JobOptions>
  readonly signal?: AbortSignal
}

export async function ask(client: InferClient, x: Extraction, asked: Asked = {}): Promise<InferResult> {
  const { key = null, cold = true } = asked
  const request = { contextKey: key, spec: x.spec, options: { ...options, ...asked.options }, cold }
  const job = client.job(request, asked.signal)
  for (const row of x.rows) await job.push(row)
  return job.end()
}

export const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

export async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms
  while (!condition() && performance.now() < end) await sleep(5)
}

/** A column of the answer by name. */
export const column = (result: InferResult, name: string): Buffer => result.columns.get(name) as Buffer
