// One message that concerns us, by its type. A message that cannot be read is the server's to refuse.

import * as F from '../messages/frontend.js'
import { Malformed } from '../messages/reader.js'
import { interceptBind } from './bind.js'
import { interceptClose, interceptDescribe } from './describe-close.js'
import { interceptExecute } from './execute.js'
import type { InterceptHost } from './host.js'
import { interceptParse } from './parse.js'
import { interceptQuery } from './query.js'

export async function intercept(host: InterceptHost, message: Buffer): Promise<void> {
  try {
    switch (message[0]) {
      case F.QUERY:
        return await interceptQuery(host, message)
      case F.PARSE:
        return await interceptParse(host, message)
      case F.BIND:
        return await interceptBind(host, message)
      case F.EXECUTE:
        return await interceptExecute(host, message)
      case F.DESCRIBE:
        return await interceptDescribe(host, message)
      case F.CLOSE:
        return interceptClose(host, message)
      default:
        return host.forward(message)
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    host.forward(message)
  }
}
