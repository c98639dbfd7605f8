// Flags of a benchmark: `--name value`, typed by their defaults.

import { parseArgs } from 'node:util'

/** Throws on a flag that is not among the defaults, naming those that are. */
export function readFlags<T extends Record<string, string | number>>(args: readonly string[], defaults: T): T {
  const options = Object.fromEntries(Object.keys(defaults).map(name => [name, { type: 'string' as const }]))
  try {
    const { values } = parseArgs({ args: [...args], options })
    const given = Object.entries(values).map(([name, text]) => [name, typed(name, String(text), defaults[name])])
    return { ...defaults, ...Object.fromEntries(given) }
  } catch (error) {
    const known = Object.entries(defaults).map(([name, value]) => `--${name} ${value === '' ? "''" : value}`)
    throw new Error(`${(error as Error).message}\nflags and their defaults: ${known.join(' ')}`)
  }
}

function typed(name: string, text: string, like: string | number): string | number {
  if (typeof like === 'string') return text
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Error(`--${name} takes a number`)
  return value
}

export const listOf = (text: string): string[] => text.split(',').filter(Boolean)

/** `200MB`, `1GB`: bytes. */
export function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(kB|MB|GB)?$/i.exec(text)
  if (!match) throw new Error(`"${text}" is no size: 200MB, 1GB`)
  const unit = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 }[match[2]?.toLowerCase() ?? ''] ?? 1
  return Math.round(Number(match[1]) * unit)
}
