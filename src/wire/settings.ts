// The reported settings that interception depends on, mirrored from ParameterStatus, and text in the client's encoding.

import { PgError } from '../pg-error.js'
import { decodeParameterStatus } from './messages/parameter-status.js'

/** Encodings of one byte a character by Postgres' names, with the labels of the Encoding standard. */
const SINGLE_BYTE: Record<string, string> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1252: 'windows-1252',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
}

interface Codec {
  /** null: not text in this encoding. */
  decode(bytes: Buffer): string | null
  encode(text: string): Buffer | null
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const isAscii = (bytes: Uint8Array) => bytes.every(byte => byte < 0x80)

const utf8: Codec = {
  decode(bytes) {
    try {
      return utf8Decoder.decode(bytes)
    } catch {
      return null
    }
  },
  encode: text => Buffer.from(text, 'utf8'),
}

const latin1: Codec = {
  decode: bytes => bytes.toString('latin1'),
  encode: text => (/[^\0-\xff]/.test(text) ? null : Buffer.from(text, 'latin1')),
}

/** Any encoding of Postgres' clients has ASCII as a part, and no ASCII byte without a higher one before it means anything else. */
const ascii: Codec = {
  decode: bytes => (isAscii(bytes) ? bytes.toString('latin1') : null),
  encode: text => (/[^\0-\x7f]/.test(text) ? null : Buffer.from(text, 'latin1')),
}

function singleByte(label: string): Codec {
  const decoder = new TextDecoder(label)
  const bytes = new Map<string, number>()
  for (let byte = 0; byte < 256; byte++) bytes.set(decoder.decode(Buffer.of(byte)), byte)
  return {
    decode: text => decoder.decode(text),
    encode(text) {
      const out = Array.from(text, character => bytes.get(character))
      return out.includes(undefined) ? null : Buffer.from(out as number[])
    },
  }
}

function codecFor(encoding: string): Codec {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return utf8
  if (encoding === 'LATIN1') return latin1
  const label = SINGLE_BYTE[encoding]
  if (label === undefined) return ascii
  try {
    return singleByte(label)
  } catch {
    return ascii
  }
}

export class Settings {
  clientEncoding = 'UTF8'
  standardConformingStrings = true
  #codec = utf8

  /** Takes note of a ParameterStatus. */
  report(message: Buffer): void {
    const { name, value } = decodeParameterStatus(message)
    if (name === 'standard_conforming_strings') this.standardConformingStrings = value === 'on'
    else if (name === 'client_encoding' && value !== this.clientEncoding) {
      this.clientEncoding = value
      this.#codec = codecFor(value)
    }
  }

  /** Text of the client's; null when it cannot be read in its encoding. */
  decode(bytes: Buffer): string | null {
    return this.#codec.decode(bytes)
  }

  /** Text for the server, in the client's encoding. Throws PgError 0A000 where that has no room for it. */
  encode(text: string): Buffer {
    const bytes = this.#codec.encode(text)
    if (bytes === null) throw this.unreadable()
    return bytes
  }

  /** Text for the client's eyes: what its encoding has no room for becomes a question mark. */
  show(text: string): Buffer {
    return this.#codec.encode(text) ?? Buffer.from(text.replace(/[^\0-\x7f]/gu, '?'), 'latin1')
  }

  unreadable(): PgError {
    return new PgError({
      code: '0A000',
      message: `PREDICT with characters beyond ASCII is not supported in client_encoding ${this.clientEncoding}`,
      hint: "SET client_encoding = 'UTF8'",
    })
  }
}
