// Bind ('B'): parameters turn a prepared statement into a portal.

import { PgError } from '../../pg-error.js'
import type { Param } from '../../rewrite/plan.js'
import { BIND } from './frontend.js'
import { HEADER, MAX_LENGTH } from './header.js'
import { Malformed, Reader } from './reader.js'

export interface Bind {
  readonly portal: string
  readonly statement: string
  readonly params: readonly Param[]
  /** Result formats: none (all text), one for all, or one a column. */
  readonly results: readonly number[]
}

export function decodeBind(message: Buffer): Bind {
  const reader = new Reader(message)
  const portal = reader.name()
  const statement = reader.name()
  const formats = Array.from({ length: reader.int16() }, () => format(reader.int16()))
  const count = reader.int16()
  if (formats.length > 1 && formats.length !== count) throw new Malformed('as many formats as parameters')
  const params = Array.from({ length: count }, (_, i): Param => {
    const length = reader.int32()
    return { format: formats[formats.length === 1 ? 0 : i] ?? 0, value: length === -1 ? null : reader.bytes(length) }
  })
  const results = Array.from({ length: reader.int16() }, () => reader.int16())
  reader.end()
  return { portal, statement, params, results }
}

export function encodeBind({ portal, statement, params, results }: Bind): Buffer {
  let size = portal.length + statement.length + 2 + 2 + 2 + 2 + 2 * results.length
  for (const { value } of params) size += 2 + 4 + (value?.length ?? 0)
  if (params.length > 0xffff)
    throw tooLarge(`The statement needs ${params.length} parameters, the protocol allows 65535.`)
  if (size + 4 > MAX_LENGTH) throw tooLarge(`The parameters take ${size} bytes, the protocol allows ${MAX_LENGTH - 4}.`)
  const out = Buffer.allocUnsafe(HEADER + size)
  out[0] = BIND
  out.writeInt32BE(size + 4, 1)
  let at = HEADER + out.write(portal, HEADER, 'latin1')
  out[at++] = 0
  at += out.write(statement, at, 'latin1')
  out[at++] = 0
  at = out.writeUInt16BE(params.length, at)
  for (const param of params) at = out.writeUInt16BE(param.format, at)
  at = out.writeUInt16BE(params.length, at)
  for (const { value } of params) {
    at = out.writeInt32BE(value?.length ?? -1, at)
    if (value !== null) at += value.copy(out, at)
  }
  at = out.writeUInt16BE(results.length, at)
  for (const result of results) at = out.writeUInt16BE(result, at)
  return out
}

function format(code: number): 0 | 1 {
  if (code !== 0 && code !== 1) throw new Malformed('unknown format code')
  return code
}

const tooLarge = (detail: string) =>
  new PgError({ code: '54000', message: 'parameters of the rewritten statement exceed the protocol limit', detail })
