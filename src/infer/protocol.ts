// What client and inference process say to each other: frames of (length int32, kind int8, job int32, body), big-endian, length counting
// what follows it. Rows travel as the bytes Postgres sent, results as the bytes it will be sent; the rest is small JSON.

import type { NeighbourhoodSpec } from '../graph/neighbourhood.js'
import type { RankingSpec } from '../graph/ranking.js'
import type { PgErrorFields } from '../pg-error.js'
import type { UsedChannels } from './features/usage.js'

export const Kind = {
  /** To the process. */
  open: 1,
  row: 2,
  end: 3,
  cancel: 4,
  forget: 5,
  /** From the process. */
  hello: 16,
  cached: 17,
  evicted: 18,
  result: 19,
  failed: 20,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

export interface JobOptions {
  readonly seed: number
  readonly mode: 'fast' | 'normal' | 'best'
  /** What `prediction` of a numeric task is. */
  readonly statistic: 'median' | 'mean'
  /** Probabilities are those of the opposite of what was learnt; false where absent. */
  readonly complement?: boolean
  /** At most so many labelled rows are fitted on. */
  readonly contextRows: number
  /** Answer each entity's vector besides, as elements of this type: pgvector's own, or text, which is that of a real[]. */
  readonly embedding?: number
}

export interface JobRequest {
  /**
   * Names everything the fitted context depends on: question, visible data, grid cell, seed, mode, context rows. null: neither look up nor
   * keep it.
   */
  readonly contextKey: string | null
  readonly spec: NeighbourhoodSpec | RankingSpec
  readonly options: JobOptions
  /** Name the columns that seem to change after their row was written, and do nothing else; predictions where absent. */
  readonly purpose?: 'suspects'
  /** The rows hold a context to fit. Otherwise the one cached under the key answers. */
  readonly cold: boolean
}

export interface JobSummary {
  readonly count: number
  /** Labelled rows of the context fitted on, their distinct anchors, and those that were true (binary). */
  readonly contextRows: number
  readonly anchors: number
  readonly positives: number
  /** What the fitted context takes in the cache. */
  readonly contextBytes: number
  /** Columns left out because they seem to change after their row was written. */
  readonly setAside: readonly unknown[]
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly detail?: string }[]
  readonly cache: 'hit' | 'miss' | 'bypass'
  /** Computing time by stage; `wait` is what other jobs took meanwhile. */
  readonly milliseconds: Readonly<Record<string, number>>
}

/** Channels that queries of a cached context have to bring, in JSON: the sets of UsedChannels as lists. */
export interface ChannelUse {
  readonly nodes: readonly ChannelList[]
  readonly streams: readonly ChannelList[]
}

interface ChannelList {
  readonly rows: boolean
  readonly numbers: readonly number[]
  readonly codes: readonly number[]
}

export interface CachedContext {
  readonly key: string
  readonly use: ChannelUse
}

export function listChannels({ nodes, streams }: UsedChannels): ChannelUse {
  const list = (used: UsedChannels['nodes'][number]): ChannelList => ({
    rows: used.rows,
    numbers: [...used.numbers],
    codes: [...used.codes],
  })
  return { nodes: nodes.map(list), streams: streams.map(list) }
}

export function readChannels({ nodes, streams }: ChannelUse): UsedChannels {
  const read = (list: ChannelList): UsedChannels['nodes'][number] => ({
    rows: list.rows,
    numbers: new Set(list.numbers),
    codes: new Set(list.codes),
  })
  return { nodes: nodes.map(read), streams: streams.map(read) }
}

/** Bodies that are JSON. */
export interface Bodies {
  [Kind.open]: JobRequest
  [Kind.hello]: { readonly contexts: readonly CachedContext[] }
  [Kind.cached]: CachedContext
  [Kind.forget]: { readonly key: string }
  [Kind.evicted]: { readonly keys: readonly string[] }
  /** `gone`: the context promised under the key is not cached any more. */
  [Kind.failed]: { readonly error: PgErrorFields; readonly gone: boolean }
  /** Followed by the arrays, one after the other. */
  [Kind.result]: {
    readonly summary: JobSummary
    readonly arrays: readonly { readonly name: string; readonly size: number }[]
  }
}

export const HEADER = 9

export function header(kind: Kind, job: number, size: number): Buffer {
  const out = Buffer.allocUnsafe(HEADER)
  out.writeUInt32BE(size + 5, 0)
  out.writeUInt8(kind, 4)
  out.writeUInt32BE(job, 5)
  return out
}

/** A whole frame with a JSON body. */
export function frame<K extends Exclude<keyof Bodies, typeof Kind.result>>(
  kind: K,
  job: number,
  body: Bodies[K],
): Buffer {
  const json = Buffer.from(JSON.stringify(body))
  return Buffer.concat([header(kind, job, json.length), json])
}

/** Header and JSON of a result; the arrays follow unchanged. */
export function resultFrame(job: number, body: Bodies[typeof Kind.result]): Buffer {
  const json = Buffer.from(JSON.stringify(body))
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(json.length)
  const arrays = body.arrays.reduce((sum, a) => sum + a.size, 0)
  return Buffer.concat([header(Kind.result, job, 4 + json.length + arrays), length, json])
}

export function readResult(body: Buffer): { summary: JobSummary; arrays: Map<string, Buffer> } {
  const length = body.readUInt32BE(0)
  const { summary, arrays } = JSON.parse(body.toString('utf8', 4, 4 + length)) as Bodies[typeof Kind.result]
  const out = new Map<string, Buffer>()
  let at = 4 + length
  for (const { name, size } of arrays) {
    out.set(name, body.subarray(at, at + size))
    at += size
  }
  if (at !== body.length) throw new RangeError(`result of ${body.length} bytes holds ${at}`)
  return { summary, arrays: out }
}

export interface FrameReader {
  /** Calls back for each frame that is complete with this chunk. Throws RangeError where the bytes are no frames. */
  push(chunk: Buffer): void
}

/**
 * Cuts a stream of bytes into frames. `admit` is asked before room is made for a body: false skips it. A body that lies within one chunk
 * is a view of it; others are copied once.
 */
export function createFrameReader(
  onFrame: (kind: number, job: number, body: Buffer) => void,
  admit: (kind: number, job: number, size: number) => boolean,
): FrameReader {
  const head = Buffer.alloc(HEADER)
  let headed = 0
  let body: Buffer | null = null
  let filled = 0
  let skip = 0

  return {
    push(chunk) {
      let at = 0
      while (at < chunk.length) {
        if (skip > 0) {
          const taken = Math.min(skip, chunk.length - at)
          skip -= taken
          at += taken
          continue
        }
        if (body) {
          const taken = chunk.copy(body, filled, at)
          filled += taken
          at += taken
          if (filled < body.length) return
          const whole = body
          body = null
          onFrame(head[4], head.readUInt32BE(5), whole)
          continue
        }
        const taken = chunk.copy(head, headed, at, Math.min(chunk.length, at + HEADER - headed))
        headed += taken
        at += taken
        if (headed < HEADER) return
        headed = 0
        const size = head.readUInt32BE(0) - 5
        if (size < 0) throw new RangeError('frame is shorter than its header')
        const kind = head[4]
        const job = head.readUInt32BE(5)
        if (!admit(kind, job, size)) skip = size
        else if (size <= chunk.length - at) {
          onFrame(kind, job, chunk.subarray(at, at + size))
          at += size
        } else {
          body = Buffer.allocUnsafeSlow(size)
          filled = 0
        }
      }
    },
  }
}
