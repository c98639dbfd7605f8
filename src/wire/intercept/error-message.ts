// A PgError, whoever threw it, as an ErrorResponse in the client's terms.

import { type Notice, PgError } from '../../pg-error.js'
import { ERROR_RESPONSE, encodeFields, type FieldCode, NOTICE_RESPONSE } from '../messages/error-response.js'
import { charactersBefore } from '../position.js'
import type { Settings } from '../settings.js'
import { UpstreamError } from '../upstream-error.js'

/**
 * `text` is what the client sent and `offset` (UTF-16 units) where the statement at fault begins in it: the error's own position
 * counts from there.
 */
export function errorMessage(error: PgError, settings: Settings, text = '', offset = 0): Buffer {
  if (error instanceof UpstreamError) return encodeFields(ERROR_RESPONSE, error.response)
  const position = error.position === undefined ? undefined : charactersBefore(text, offset + error.position) + 1
  return encodeFields(
    ERROR_RESPONSE,
    fields(settings, [
      ['S', error.severity],
      ['V', error.severity],
      ['C', error.code],
      ['M', error.message],
      ['D', error.detail],
      ['H', error.hint],
      ['P', position?.toString()],
    ]),
  )
}

export function noticeMessage({ severity, code, message, detail, hint }: Notice, settings: Settings): Buffer {
  return encodeFields(
    NOTICE_RESPONSE,
    fields(settings, [
      ['S', severity],
      ['V', severity],
      ['C', code],
      ['M', message],
      ['D', detail],
      ['H', hint],
    ]),
  )
}

/** Anything thrown, as something that a client may see. */
export function toPgError(thrown: unknown): PgError {
  if (thrown instanceof PgError) return thrown
  return new PgError({ code: 'XX000', message: `internal error: ${thrown instanceof Error ? thrown.message : thrown}` })
}

type Entry = readonly [FieldCode, string | undefined]

function fields(settings: Settings, entries: readonly Entry[]): Map<string, Buffer> {
  const out = new Map<string, Buffer>()
  for (const [code, value] of entries) {
    if (value !== undefined) out.set(code, settings.show(value.replaceAll('\0', '')))
  }
  return out
}
