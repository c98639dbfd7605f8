// The few ways in which a piece of SQL may be made from data: identifiers quoted, values bound, lists joined.

import type { Interval } from '../../pql/ast.js'
import type { Table } from '../../pql/catalog.js'
import type { TypedConstant } from '../../pql/task.js'

/** A parameter of one of our statements: its type is declared, so nothing is guessed. */
export interface SqlParam {
  readonly type: number
  readonly format: 0 | 1
  readonly value: Buffer | null
}

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const tableName = (table: Table): string => `${identifier(table.schema)}.${identifier(table.name)}`

export const OID = {
  bool: 16,
  int8: 20,
  int4: 23,
  text: 25,
  float4: 700,
  float8: 701,
  numeric: 1700,
  timestamptz: 1184,
  interval: 1186,
  timestamptzArray: 1185,
} as const

/** Collects the values of one statement and hands out their placeholders; equal values share one. */
export class SqlParams {
  readonly list: SqlParam[] = []
  readonly #seen = new Map<string, string>()
  readonly #client: readonly { format: 0 | 1; value: Buffer | null }[]

  constructor(client: readonly { format: 0 | 1; value: Buffer | null }[] = []) {
    this.#client = client
  }

  text(type: number, value: string | null): string {
    const key = `${type}|${value === null ? 'null' : `=${value}`}`
    return this.#once(key, () => ({ type, format: 0, value: value === null ? null : Buffer.from(value, 'utf8') }))
  }

  /** A value of ours that is bound as it is. */
  bound(param: SqlParam): string {
    this.list.push(param)
    return `$${this.list.length}`
  }

  interval(value: Interval): string {
    return this.text(OID.interval, `${value.months} mons ${value.days} days ${value.microseconds} microseconds`)
  }

  /** A constant of the query: a literal bound as text of its type, or the client's own parameter as it came. */
  constant({ constant, type }: TypedConstant): string {
    switch (constant.kind) {
      case 'null':
        return this.text(type, null)
      case 'bool':
        return this.text(type, String(constant.value))
      case 'param': {
        const given = this.#client[constant.index - 1]
        return this.#once(`client ${constant.index} ${type}`, () => ({
          type,
          format: given?.format ?? 0,
          value: given?.value ?? null,
        }))
      }
      default:
        return this.text(type, constant.text)
    }
  }

  /** SQL of the client's, in parts where it holds parameters. */
  verbatim(sql: string | readonly (string | TypedConstant)[]): string {
    return typeof sql === 'string'
      ? sql
      : sql.map(part => (typeof part === 'string' ? part : this.constant(part))).join('')
  }

  #once(key: string, make: () => SqlParam): string {
    let placeholder = this.#seen.get(key)
    if (placeholder === undefined) {
      this.list.push(make())
      placeholder = `$${this.list.length}`
      this.#seen.set(key, placeholder)
    }
    return placeholder
  }
}

const SECOND = 1_000_000n
const DAY = 86_400n * SECOND

/** Shortest and longest an interval can last, in microseconds: a month has 28 to 31 days, a day 23 to 25 hours. */
export function intervalBounds(i: Interval): { min: bigint; max: bigint; nominal: bigint } {
  const months = BigInt(i.months)
  const days = BigInt(i.days)
  const slack = months !== 0n || days !== 0n ? 3_600n * SECOND : 0n
  const span = (m: bigint) => months * m * DAY + days * DAY + i.microseconds
  const [low, high] = [span(28n), span(31n)].sort((a, b) => (a < b ? -1 : 1))
  return { min: low! - slack, max: high! + slack, nominal: span(30n) }
}

/** Microseconds since 2000-01-01 UTC as text that any DateStyle reads back exactly. */
export function timestamp(us: bigint): string {
  const ms = us >= 0n ? us / 1000n : -((-us + 999n) / 1000n)
  const rest = us - ms * 1000n
  const iso = new Date(Number(ms) + 946_684_800_000).toISOString()
  const micros = String(rest).padStart(3, '0')
  const year = Number(iso.slice(0, iso.indexOf('-', 1)))
  if (year <= 0)
    return `${String(1 - year).padStart(4, '0')}${iso.slice(iso.indexOf('-', 1)).replace('Z', `${micros}+00`).replace('T', ' ')} BC`
  return iso.replace(/^\+0*/, '').replace('T', ' ').replace('Z', `${micros}+00`)
}
