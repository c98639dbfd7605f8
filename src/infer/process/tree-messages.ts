// What the inference process and the thread that grows its trees tell each other.

import type { Grown, Judged, Plot } from '../heads/boosting/grow.js'

export type TreeRequest =
  | { readonly op: 'grow'; readonly id: number; readonly plot: Plot }
  | { readonly op: 'drop'; readonly id: number }

export type TreeReply =
  | { readonly id: number; readonly judged: Judged }
  | { readonly id: number; readonly grown: Grown }
  | { readonly id: number; readonly error: string }
