// A simulated shop whose history is known, for tests of columns that change after their row was written.

import type { CodeChannel, NeighbourhoodSpec, NumberChannel } from '../../src/graph/neighbourhood.js'
import { findSuspects, type Suspect } from '../../src/infer/features/suspects.js'
import {
  ANCHORS,
  anchorRow,
  DAY,
  decode,
  HORIZON,
  NOW,
  nodePart,
  number,
  PAIRS,
  partsOf,
  type Row,
  random,
  streamPart,
  type World,
} from './features-synthetic.js'

export interface Order {
  readonly t: number
  readonly amount: number
}

export interface User {
  readonly k: number
  readonly born: number
  readonly rate: number
  readonly orders: Order[]
}

export interface Columns {
  readonly userNumbers?: readonly { readonly channel: NumberChannel; readonly value: (user: User) => number | null }[]
  readonly userCodes?: readonly { readonly channel: CodeChannel; readonly value: (user: User) => number | null }[]
  readonly orderNumbers?: readonly {
    readonly channel: NumberChannel
    readonly value: (order: Order, user: User) => number | null
  }[]
  readonly orderCodes?: readonly {
    readonly channel: CodeChannel
    readonly value: (order: Order, user: User) => number | null
  }[]
}

export interface Shape {
  readonly users?: number
  /** Orders a day of an average user. */
  readonly rate?: number
  /** Users have a time of their own. */
  readonly dated?: boolean
  /** How the rate varies over time, in days before now. */
  readonly season?: (daysAgo: number) => number
  /** Days over which users come. */
  readonly span?: number
}

/** Users who come over three years, order at a rate of their own, and leave; columns as the caller says, as they stand at NOW. */
export function simulate(seed: number, make: (r: () => number) => Columns, shape: Shape = {}): World {
  const r = random(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r())
  const { users = 600, rate = 0.03, dated = false, season = () => 1, span = 1000 } = shape
  const columns = make(r)
  const spec: NeighbourhoodSpec = {
    task: 'binary',
    parts: partsOf(1, 1),
    nodes: [
      {
        kind: 'entity',
        hop: 0,
        numbers: (columns.userNumbers ?? []).map(c => c.channel),
        codes: (columns.userCodes ?? []).map(c => c.channel),
      },
    ],
    streams: [
      {
        node: 0,
        hop: 1,
        table: 1,
        static: false,
        numbers: [number('number', 'orders', 'amount'), ...(columns.orderNumbers ?? []).map(c => c.channel)],
        codes: (columns.orderCodes ?? []).map(c => c.channel),
      },
    ],
    target: { leaves: [], program: null, assuming: null },
    keys: 1,
    counting: true,
    conditional: false,
  }
  const rows: Row[][] = spec.parts.map(() => [])
  const times = [NOW, NOW, ...Array.from({ length: 8 }, (_, i) => NOW - (i + 1) * HORIZON)]
  rows[ANCHORS] = times.map(time => anchorRow(time))
  for (let k = 0; k < users; k++) {
    const born = NOW - Math.floor(r() * span * DAY)
    const leaves = r() < 0.4 ? born + -Math.log(1 - r()) * 300 * DAY : Number.POSITIVE_INFINITY
    const user: User = { k, born, rate: rate * Math.exp(0.8 * normal()), orders: [] }
    let time = born
    while (time <= Math.min(NOW, leaves)) {
      if (r() < season((NOW - time) / DAY) / 2)
        user.orders.push({ t: Math.floor(time), amount: Math.round(Math.exp(3 + normal()) * 100) / 100 })
      time += ((-Math.log(1 - r()) / user.rate) * DAY) / 2
    }
    rows[nodePart(0)].push({
      k,
      t: dated ? born : Number.NEGATIVE_INFINITY,
      v: (columns.userNumbers ?? []).map(c => c.value(user)),
      c: (columns.userCodes ?? []).map(c => c.value(user)),
    })
    for (const order of user.orders)
      rows[streamPart({ spec }, 0)].push({
        k,
        t: order.t,
        v: [order.amount, ...(columns.orderNumbers ?? []).map(c => c.value(order, user))],
        c: (columns.orderCodes ?? []).map(c => c.value(order, user)),
      })
    rows[PAIRS].push({ k, t: NOW, v: [null], c: [1, 1] })
    for (let a = 2; a < times.length; a++)
      if (user.orders[0]?.t <= times[a])
        rows[PAIRS].push({
          k,
          t: NOW,
          v: [user.orders.some(o => o.t > times[a] && o.t <= times[a - 1]) ? 1 : 0],
          c: [a, 0],
        })
  }
  return { spec, rows }
}

export function suspects(world: World): Suspect[] {
  const neighbourhood = decode(world)
  const { pairs } = neighbourhood
  const role1 = [...pairs.role.keys()].filter(i => pairs.role[i] === 1)
  return findSuspects(neighbourhood, {
    key: Int32Array.from(role1, i => pairs.key[i]),
    anchor: Int32Array.from(role1, i => pairs.anchor[i]),
  })
}

export const named = (found: Suspect[]) => found.map(s => s.source.column).sort()
export const last = (user: User) => user.orders.at(-1)?.t ?? Number.NEGATIVE_INFINITY
export const within = (user: User, days: number) => user.orders.filter(o => o.t > NOW - days * DAY)
