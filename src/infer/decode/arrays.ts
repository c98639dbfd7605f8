// Postgres' binary arrays, read straight into columns of typed arrays.

import { PgError } from '../../pg-error.js'
import { NULL_CODE } from './neighbourhood.js'

const INT4 = 23
const FLOAT8 = 701
const TIMESTAMP = 1114
const TIMESTAMPTZ = 1184

/** What a caller throws at bytes that cannot be what the extraction promised. */
export function malformed(detail: string): PgError {
  return new PgError({ code: 'XX000', message: 'malformed extraction result', detail })
}

/** Where each field of a DataRow's payload begins and ends, into `starts` and `ends`; a NULL one begins at -1. */
export function locateFields(view: DataView, starts: Int32Array, ends: Int32Array): void {
  if (view.byteLength < 2 || view.getInt16(0) !== starts.length)
    throw malformed(`row does not have ${starts.length} fields`)
  let at = 2
  for (let f = 0; f < starts.length; f++) {
    if (at + 4 > view.byteLength) throw malformed('row is cut short')
    const size = view.getInt32(at)
    at += 4
    if (size < -1 || at + Math.max(size, 0) > view.byteLength) throw malformed(`field ${f + 1} has length ${size}`)
    starts[f] = size === -1 ? -1 : at
    at += Math.max(size, 0)
    ends[f] = at
  }
  if (at !== view.byteLength) throw malformed('row is longer than its fields')
}

export interface ArrayHeader {
  readonly type: number
  readonly hasNull: boolean
  /** Lengths of the dimensions, [0] where the array is empty. */
  readonly length: number
  readonly width: number
  /** Offset of the first element. */
  readonly data: number
}

/** Reads the header of the array at `start`; one dimension counts as width 1. */
export function readHeader(view: DataView, start: number, end: number): ArrayHeader {
  if (end - start < 12) throw malformed('array header is cut short')
  const dimensions = view.getInt32(start)
  const hasNull = view.getInt32(start + 4) !== 0
  const type = view.getUint32(start + 8)
  if (dimensions === 0) return { type, hasNull, length: 0, width: 1, data: start + 12 }
  if (dimensions < 0 || dimensions > 2) throw malformed(`array has ${dimensions} dimensions`)
  const data = start + 12 + 8 * dimensions
  if (data > end) throw malformed('array header is cut short')
  const length = view.getInt32(start + 12)
  const width = dimensions === 2 ? view.getInt32(start + 20) : 1
  // every element takes at least its length word, so a count beyond that is a lie and must not become an allocation
  if (length < 0 || width < 0 || length * width * 4 > end - data)
    throw malformed(`array claims ${length} x ${width} elements`)
  return { type, hasNull, length, width, data }
}

function expect(header: ArrayHeader, width: number, types: readonly number[]): void {
  if (!types.includes(header.type)) throw malformed(`array has element type ${header.type}, not ${types[0]}`)
  if (header.length > 0 && header.width !== width) throw malformed(`array is ${header.width} wide, not ${width}`)
}

/** int4[] of any width into column-major Int32Array. */
export function readCodes(view: DataView, start: number, end: number, width: number): Int32Array {
  const header = readHeader(view, start, end)
  expect(header, width, [INT4])
  const n = header.length
  const out = new Int32Array(n * width)
  let at = header.data
  for (let i = 0; i < n; i++)
    for (let j = 0, o = i; j < width; j++, o += n) {
      const size = view.getInt32(at)
      at += 4
      if (size === 4) {
        out[o] = view.getInt32(at)
        at += 4
      } else if (size === -1) out[o] = NULL_CODE
      else throw malformed(`int4 of ${size} bytes`)
    }
  if (at !== end) throw malformed('array length does not match its elements')
  return out
}

/** float8[] of any width into column-major Float64Array. */
export function readNumbers(view: DataView, start: number, end: number, width: number): Float64Array {
  const header = readHeader(view, start, end)
  expect(header, width, [FLOAT8])
  const n = header.length
  const out = new Float64Array(n * width)
  let at = header.data
  for (let i = 0; i < n; i++)
    for (let j = 0, o = i; j < width; j++, o += n) {
      const size = view.getInt32(at)
      at += 4
      if (size === 8) {
        out[o] = view.getFloat64(at)
        at += 8
      } else if (size === -1) out[o] = Number.NaN
      else throw malformed(`float8 of ${size} bytes`)
    }
  if (at !== end) throw malformed('array length does not match its elements')
  return out
}

/** timestamptz[] (or timestamp[]) as microseconds since 2000; the infinities are JavaScript's, NULL is NaN. */
export function readTimes(view: DataView, start: number, end: number): Float64Array {
  const header = readHeader(view, start, end)
  expect(header, 1, [TIMESTAMPTZ, TIMESTAMP])
  const n = header.length
  const out = new Float64Array(n)
  let at = header.data
  for (let i = 0; i < n; i++) {
    const size = view.getInt32(at)
    at += 4
    if (size === 8) {
      const high = view.getInt32(at)
      const low = view.getUint32(at + 4)
      at += 8
      if (high === -2147483648 && low === 0) out[i] = Number.NEGATIVE_INFINITY
      else if (high === 2147483647 && low === 4294967295) out[i] = Number.POSITIVE_INFINITY
      else out[i] = high * 4294967296 + low
    } else if (size === -1) out[i] = Number.NaN
    else throw malformed(`timestamptz of ${size} bytes`)
  }
  if (at !== end) throw malformed('array length does not match its elements')
  return out
}

/** Checks that the elements of an array of any type fill it exactly, and copies them. */
export function readElements(
  view: DataView,
  bytes: Buffer,
  start: number,
  end: number,
): { header: ArrayHeader; elements: Buffer } {
  const header = readHeader(view, start, end)
  let at = header.data
  for (let i = header.length * header.width; i > 0; i--) {
    if (at + 4 > end) throw malformed('array is cut short')
    const size = view.getInt32(at)
    if (size < -1) throw malformed(`element of ${size} bytes`)
    at += size === -1 ? 4 : 4 + size
  }
  if (at !== end) throw malformed('array length does not match its elements')
  return { header, elements: Buffer.from(bytes.subarray(header.data, end)) }
}

/** The elements of a one-dimensional array of any type, one by one; none may be NULL. */
export function readValues(
  view: DataView,
  bytes: Buffer,
  start: number,
  end: number,
): { type: number; elements: Buffer[] } {
  const header = readHeader(view, start, end)
  const elements: Buffer[] = []
  let at = header.data
  for (let i = header.length * header.width; i > 0; i--) {
    if (at + 4 > end) throw malformed('array is cut short')
    const size = view.getInt32(at)
    if (size < 0 || at + 4 + size > end) throw malformed(`element of ${size} bytes`)
    elements.push(Buffer.from(bytes.subarray(at + 4, at + 4 + size)))
    at += 4 + size
  }
  if (at !== end) throw malformed('array length does not match its elements')
  return { type: header.type, elements }
}

/** One one-dimensional array from the elements of several. */
export function writeArray(type: number, hasNull: boolean, length: number, elements: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(length > 0 ? 20 : 12)
  head.writeInt32BE(length > 0 ? 1 : 0, 0)
  head.writeInt32BE(hasNull ? 1 : 0, 4)
  head.writeUInt32BE(type, 8)
  if (length > 0) {
    head.writeInt32BE(length, 12)
    head.writeInt32BE(1, 16)
  }
  return Buffer.concat([head, ...elements])
}

/** A value with its length word, as `writeArray` takes it. */
export function sized(value: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + value.length)
  out.writeInt32BE(value.length)
  out.set(value, 4)
  return out
}

/** The elements of a whole array without NULLs, each with its length word, as `writeArray` takes them. */
export function splitValues(bytes: Buffer): { type: number; elements: Buffer[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = readHeader(view, 0, bytes.length)
  const elements: Buffer[] = []
  let at = header.data
  for (let i = 0; i < header.length; i++) {
    const size = 4 + view.getInt32(at)
    elements.push(bytes.subarray(at, at + size))
    at += size
  }
  return { type: header.type, elements }
}
