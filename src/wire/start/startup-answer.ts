// The answers to a start-up packet, up to the first ReadyForQuery: relayed, with an eye on two of them.

import type { Handler } from '../expected.js'
import { withoutChannelBinding } from '../messages/authentication.js'
import * as B from '../messages/backend.js'
import { HEADER } from '../messages/header.js'

export function startupAnswers(stripChannelBinding: boolean, onKey: (key: Buffer) => void): Handler {
  return {
    take(type, message) {
      if (type === B.AUTHENTICATION && stripChannelBinding) return withoutChannelBinding(message)
      if (type === B.BACKEND_KEY_DATA) onKey(Buffer.from(message.subarray(HEADER)))
      return message
    },
  }
}
