// What a client said in its sessions, as lines of JSON: a session begins with the parameters of its start-up, then comes a line for each
// message. No passwords, no database and user, no numbers that a server hands out anew (oids are named by what they belong to).

import { serialize } from 'pg-protocol'
import type { Param } from '../../src/rewrite/plan.js'
import { decodeBind, encodeBind } from '../../src/wire/messages/bind.js'
import { decodeParse } from '../../src/wire/messages/parse.js'

/** A parameter of Bind: text, bytes in hex, or NULL. */
type Value = string | { readonly binary: string } | null

/** A message: its type byte, and its fields in their order. */
export type Said =
  | readonly ['Q', sql: string]
  | readonly ['P', name: string, sql: string, types: readonly number[]]
  | readonly ['B', portal: string, statement: string, params: readonly Value[], results: readonly number[]]
  | readonly ['D' | 'C', what: 'S' | 'P', name: string]
  | readonly ['E', portal: string, rows: number]
  | readonly ['S' | 'H']

export interface Session {
  /** What the person at the tool was doing; of this session and those behind it. */
  readonly phase?: string
  readonly startup: Readonly<Record<string, string>>
  readonly said: readonly Said[]
}

/** A whole message, header included. @throws where it is none that a query needs */
export function decode(message: Buffer): Said {
  const type = String.fromCharCode(message[0])
  const text = (from: number) => message.toString('utf8', from, message.indexOf(0, from))
  switch (type) {
    case 'Q':
      return [type, text(5)]
    case 'P': {
      const { name, sql, types } = decodeParse(message)
      return [type, name, sql.toString('utf8'), types]
    }
    case 'B': {
      const { portal, statement, params, results } = decodeBind(message)
      return [type, portal, statement, params.map(written), results]
    }
    case 'D':
    case 'C':
      return [type, message[5] === 0x53 ? 'S' : 'P', text(6)]
    case 'E':
      return [type, text(5), message.readInt32BE(message.length - 4)]
    case 'S':
    case 'H':
      return [type]
    default:
      throw new Error(`a message of type ${type} is not written down`)
  }
}

export function encode(said: Said): Buffer {
  switch (said[0]) {
    case 'Q':
      return serialize.query(said[1])
    case 'P':
      return serialize.parse({ name: said[1], text: said[2], types: [...said[3]] })
    case 'B': {
      const [, portal, statement, params, results] = said
      return encodeBind({ portal, statement, params: params.map(bound), results })
    }
    case 'D':
      return serialize.describe({ type: said[1], name: said[2] })
    case 'C':
      return serialize.close({ type: said[1], name: said[2] })
    case 'E':
      return serialize.execute({ portal: said[1], rows: said[2] })
    case 'S':
      return serialize.sync()
    case 'H':
      return serialize.flush()
  }
}

const written = ({ format, value }: Param): Value =>
  value === null ? null : format === 0 ? value.toString('utf8') : { binary: value.toString('hex') }

const bound = (value: Value): Param =>
  value === null
    ? { format: 0, value: null }
    : typeof value === 'string'
      ? { format: 0, value: Buffer.from(value) }
      : { format: 1, value: Buffer.from(value.binary, 'hex') }

/** The same message with every text in it changed. */
export const withText = (said: Said, change: (sql: string) => string): Said =>
  said[0] === 'Q' ? ['Q', change(said[1])] : said[0] === 'P' ? ['P', said[1], change(said[2]), said[3]] : said

export function write(sessions: readonly Session[]): string {
  const lines: unknown[] = []
  for (const { phase, startup, said } of sessions)
    lines.push(phase === undefined ? { startup } : { phase, startup }, ...said)
  return lines.map(line => `${JSON.stringify(line)}\n`).join('')
}

export function read(text: string): Session[] {
  const sessions: (Omit<Session, 'said'> & { said: Said[] })[] = []
  for (const line of text.split('\n').filter(line => line !== '')) {
    const value = JSON.parse(line)
    if (Array.isArray(value)) sessions.at(-1)!.said.push(value as unknown as Said)
    else sessions.push({ ...value, said: [] })
  }
  return sessions
}

/** Names of a database's own relations and types by their oids, as text. */
export async function namesOfOids(client: {
  query(sql: string): Promise<{ rows: { oid: string; name: string }[] }>
}): Promise<Map<string, string>> {
  const { rows } = await client.query(
    `SELECT oid::text, 'relation ' || oid::regclass::text AS name FROM pg_class WHERE oid >= 16384
     UNION ALL SELECT oid::text, 'type ' || oid::regtype::text FROM pg_type WHERE oid >= 16384`,
  )
  return new Map(rows.map(({ oid, name }) => [oid, name]))
}
