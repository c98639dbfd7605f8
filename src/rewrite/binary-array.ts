// One-dimensional arrays in Postgres' binary format: int32 dimensions, int32 has-null, oid of the element type, then int32
// length and int32 lower bound, then each element as int32 size (-1: NULL) and its bytes.

import type { Param } from './plan.js'

/** Element types with an encoder here; every other type goes through `encodeArray` with its own binary form. */
export const OID = { bool: 16, int8: 20, int4: 23, text: 25, float4: 700, float8: 701, timestamptz: 1184 } as const

/** Elements already in their type's binary form; null is SQL NULL. No elements give the empty array of that type. */
export const encodeArray = (elementType: number, elements: readonly (Buffer | null)[]): Buffer => {
  if (elements.length === 0) {
    const empty = Buffer.alloc(12)
    empty.writeUInt32BE(elementType, 8)
    return empty
  }
  let size = 20
  let hasNull = 0
  for (const element of elements) {
    size += 4 + (element?.length ?? 0)
    if (element === null) hasNull = 1
  }
  const out = Buffer.allocUnsafe(size)
  writeHeader(out, elementType, elements.length, hasNull)
  let at = 20
  for (const element of elements) {
    at = out.writeInt32BE(element?.length ?? -1, at)
    if (element) at += element.copy(out, at)
  }
  return out
}

const writeHeader = (out: Buffer, elementType: number, length: number, hasNull: number): void => {
  out.writeInt32BE(1, 0)
  out.writeInt32BE(hasNull, 4)
  out.writeUInt32BE(elementType, 8)
  out.writeInt32BE(length, 12)
  out.writeInt32BE(1, 16)
}

/** Elements of one width, `write` puts a non-null one at an offset. */
const fixedWidth = <T>(
  elementType: number,
  width: number,
  values: ArrayLike<T | null>,
  write: (out: Buffer, value: T, at: number) => void,
): Buffer => {
  if (values.length === 0) return encodeArray(elementType, [])
  const out = Buffer.allocUnsafe(20 + values.length * (4 + width))
  let at = 20
  let hasNull = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value === null) {
      hasNull = 1
      at = out.writeInt32BE(-1, at)
    } else {
      at = out.writeInt32BE(width, at)
      write(out, value, at)
      at += width
    }
  }
  writeHeader(out, elementType, values.length, hasNull)
  return out.subarray(0, at)
}

export const boolArray = (values: ArrayLike<boolean | null>): Buffer =>
  fixedWidth(OID.bool, 1, values, (out, value, at) => out.writeUInt8(value ? 1 : 0, at))

export const int4Array = (values: ArrayLike<number | null>): Buffer =>
  fixedWidth(OID.int4, 4, values, (out, value, at) => out.writeInt32BE(value, at))

export const int8Array = (values: ArrayLike<bigint | null>): Buffer =>
  fixedWidth(OID.int8, 8, values, (out, value, at) => out.writeBigInt64BE(value, at))

export const float8Array = (values: ArrayLike<number | null>): Buffer =>
  fixedWidth(OID.float8, 8, values, (out, value, at) => out.writeDoubleBE(value, at))

/** Microseconds since 2000-01-01 00:00 UTC, Postgres' own count. */
export const timestamptzArray = (values: ArrayLike<bigint | null>): Buffer =>
  fixedWidth(OID.timestamptz, 8, values, (out, value, at) => out.writeBigInt64BE(value, at))

export const textArray = (values: readonly (string | null)[]): Buffer =>
  encodeArray(
    OID.text,
    values.map(value => (value === null ? null : Buffer.from(value, 'utf8'))),
  )

/** One-dimensional arrays of one type, one after another, as one. */
export const joinArrays = (arrays: readonly Buffer[]): Buffer => {
  const filled = arrays.filter(array => array.length > 12)
  if (filled.length < 2) return filled[0] ?? arrays[0]
  const out = Buffer.allocUnsafe(filled.reduce((size, array) => size + array.length - 20, 20))
  let [at, length, hasNull] = [20, 0, 0]
  for (const array of filled) {
    at += array.copy(out, at, 20)
    length += array.readInt32BE(12)
    hasNull |= array.readInt32BE(4)
  }
  writeHeader(out, filled[0].readUInt32BE(8), length, hasNull)
  return out
}

/** A binary array as a Bind carries it. */
export const arrayParam = (array: Buffer): Param => ({ format: 1, value: array })
