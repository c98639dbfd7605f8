// The five bytes before every message: a type and a length that counts itself but not the type.

export const HEADER = 5

/** The server's own upper bound for one message (PQ_LARGE_MESSAGE_LIMIT, MaxAllocSize - 1). */
export const MAX_LENGTH = 0x3ffffffe

/** Big-endian signed 32 bits; written out because it runs once for every message that passes. */
export const int32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

/** A message of `type` around `body`. */
export function frame(type: number, body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(HEADER + body.length)
  out[0] = type
  out.writeInt32BE(body.length + 4, 1)
  body.copy(out, HEADER)
  return out
}
