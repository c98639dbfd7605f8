// ErrorResponse ('E') and NoticeResponse ('N'): fields of one letter and a string each. Unknown letters are kept as they are.

import { ERROR_RESPONSE, NOTICE_RESPONSE } from './backend.js'
import { frame, HEADER } from './header.js'
import { Reader } from './reader.js'

export type FieldCode = 'S' | 'V' | 'C' | 'M' | 'D' | 'H' | 'P'

/** Field letter to its bytes, in the order of the message. */
export type Fields = ReadonlyMap<string, Buffer>

export function decodeFields(message: Buffer): Fields {
  const reader = new Reader(message)
  const fields = new Map<string, Buffer>()
  for (let code = reader.byte(); code !== 0; code = reader.byte())
    fields.set(String.fromCharCode(code), reader.terminated())
  return fields
}

/** Severities after which there is no session any more. */
export const ENDING: readonly string[] = ['FATAL', 'PANIC']

/** Whether a server that says this ends the session. Any bytes will do: of what is malformed, it says so no more than the server did. */
export const isFatal = (message: Buffer): boolean =>
  ENDING.some(
    // the severity in the server's language comes first; from 9.6 on it is followed by that in English
    severity =>
      message.includes(`\0V${severity}\0`, HEADER, 'latin1') || message.indexOf(`S${severity}\0`, HEADER) === HEADER,
  )

export function encodeFields(type: typeof ERROR_RESPONSE | typeof NOTICE_RESPONSE, fields: Fields): Buffer {
  const parts: Buffer[] = []
  for (const [code, value] of fields) parts.push(Buffer.from(code, 'latin1'), value, ZERO)
  parts.push(ZERO)
  return frame(type, Buffer.concat(parts))
}

/** The same ErrorResponse with its position mapped; null: the position lies in text the client never wrote. */
export function withPosition(message: Buffer, map: (position: number) => number | null): Buffer {
  const fields = new Map(decodeFields(message))
  const position = fields.get('P')
  if (position === undefined) return message
  const mapped = map(Number(position.toString('latin1')))
  if (mapped === null) fields.delete('P')
  else fields.set('P', Buffer.from(String(mapped)))
  return encodeFields(ERROR_RESPONSE, fields)
}

export { ERROR_RESPONSE, NOTICE_RESPONSE }

const ZERO = Buffer.of(0)
