// The kernels, made once for the process, on as many memories as there are things to compute with.

import { assemble } from './assemble.js'
import { bin, sumUp, takeOff } from './bins.js'
import { cross, times, transposed } from './products.js'

const PAGE = 65536

/** All arguments are addresses and counts, in the order of the kernels' parameters. */
export type Kernels = Readonly<Record<keyof typeof kernels, (...values: number[]) => void>>

const kernels = { times, transposed, cross, bin, sumUp, takeOff }
let module: WebAssembly.Module | null = null

export interface Workspace {
  readonly kernels: Kernels
  readonly buffer: ArrayBuffer
}

/** A memory of its own, all zeros, for `bytes` bytes; it goes with the last view of its buffer. */
export function createWorkspace(bytes: number): Workspace {
  module ??= assemble(kernels)
  const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / PAGE)) })
  const { exports } = new WebAssembly.Instance(module, { memory: { memory } })
  return { kernels: exports as unknown as Kernels, buffer: memory.buffer }
}
