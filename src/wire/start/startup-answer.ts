// The answers to a start-up packet, up to the first ReadyForQuery: relayed, with an eye on three of them.

import type { Handler } from '../expected.js'
import { offersChannelBinding, withoutChannelBinding } from '../messages/authentication.js'
import * as B from '../messages/backend.js'
import { decodeFields, ERROR_RESPONSE, encodeFields } from '../messages/error-response.js'
import { HEADER } from '../messages/header.js'

export interface StartupHost {
  /** Which of the two connections are encrypted. */
  readonly clientEncrypted: boolean
  readonly serverEncrypted: boolean
  /** What BackendKeyData carried. */
  key(key: Buffer): void
  /** The client is in. */
  ready(): void
}

/** SQLSTATE of a login whose channel binding does not fit. */
const INVALID_AUTHORIZATION = '28000'

const HINT =
  'The proxy ends TLS, and SCRAM-SHA-256-PLUS binds a login to the certificate that the client has seen. Connect with ' +
  "channel_binding=disable, or give the proxy the server's own certificate and key, or let it reach the server without TLS."

export function startupAnswers(host: StartupHost): Handler {
  let binding = false
  return {
    take(type, message) {
      if (type === B.BACKEND_KEY_DATA) host.key(Buffer.from(message.subarray(HEADER)))
      if (type !== B.AUTHENTICATION || !host.serverEncrypted) return message
      if (!host.clientEncrypted) return withoutChannelBinding(message)
      // the offer stands until the server asks for something else or is content
      binding = offersChannelBinding(message) ?? binding
      return message
    },
    error(message) {
      return binding ? explained(message) : message
    },
    done: host.ready,
  }
}

/** The server's refusal, with what to do about it when it is about channel binding. */
function explained(message: Buffer): Buffer {
  const fields = new Map(decodeFields(message))
  if (fields.get('C')?.toString() !== INVALID_AUTHORIZATION || fields.has('H')) return message
  fields.set('H', Buffer.from(HINT))
  return encodeFields(ERROR_RESPONSE, fields)
}
