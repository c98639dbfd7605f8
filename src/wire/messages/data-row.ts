// DataRow ('D'): a count of fields, then each with its length, -1 for NULL.

import { Malformed } from './reader.js'

/** The raw fields of a row from its payload, the bytes behind the header. The fields share the payload's memory. */
export function decodeDataRow(payload: Buffer): (Buffer | null)[] {
  const fields: (Buffer | null)[] = new Array(payload.readUInt16BE(0))
  let at = 2
  for (let i = 0; i < fields.length; i++) {
    const length = payload.readInt32BE(at)
    at += 4
    if (length > payload.length - at) throw new Malformed('row too short')
    fields[i] = length < 0 ? null : payload.subarray(at, at + length)
    if (length > 0) at += length
  }
  return fields
}
