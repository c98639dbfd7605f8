// ParameterStatus ('S'): a setting that the server reports, at start-up and whenever it changes.

import { Reader } from './reader.js'

export function decodeParameterStatus(message: Buffer): { readonly name: string; readonly value: string } {
  const reader = new Reader(message)
  return { name: reader.name(), value: reader.name() }
}
