// Messages that a client sends, as bytes.

import { serialize } from 'pg-protocol'
import type { Param } from '../../../src/rewrite/plan.js'
import { encodeBind } from '../../../src/wire/messages/bind.js'

export const Q = (sql: string) => serialize.query(sql)
export const P = (text: string, name = '', types: number[] = []) => serialize.parse({ name, text, types })
export const D = (name = '', type: 'S' | 'P' = 'P') => serialize.describe({ type, name })
export const E = (rows = 0, portal = '') => serialize.execute({ portal, rows })
export const C = (name: string, type: 'S' | 'P' = 'S') => serialize.close({ type, name })
export const H = () => serialize.flush()
export const S = () => serialize.sync()

/** Values: text as a string, binary as a Buffer. */
export const B = (values: (string | Buffer | null)[] = [], statement = '', portal = '', results: number[] = []) =>
  encodeBind({
    portal,
    statement,
    results,
    params: values.map(
      (value): Param =>
        typeof value === 'string'
          ? { format: 0, value: Buffer.from(value) }
          : { format: value === null ? 0 : 1, value },
    ),
  })

/** Parse, Bind, Describe, Execute of one statement. */
export const run = (sql: string, values: (string | Buffer | null)[] = []) =>
  Buffer.concat([P(sql), B(values), D(), E()])
