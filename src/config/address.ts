// host:port, as --listen takes it.

import { ConfigError } from './error.js'

export interface Address {
  readonly host: string
  readonly port: number
}

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** `127.0.0.1:6543`, `[::1]:6543`, `:6543` (loopback) or `6543` (loopback). */
export function parseAddress(text: string, where: string): Address {
  const match = /^(?:(\[[^\]]+\]|[^:]*):)?(\d+)$/.exec(text.trim())
  const port = Number(match?.[2])
  if (!match || port > 65_535)
    throw new ConfigError(`${where}: "${text}" is no address`, 'host:port, as in 127.0.0.1:6543')
  return { host: match[1]?.replace(/^\[|\]$/g, '') || '127.0.0.1', port }
}
