// The tables as they stood at a moment: rows written by then, and the columns that are updated in place showing what they
// showed then. Lines of COPY text, since that is the fastest way in.

import type { History } from './shop-history.js'
import type { TableName } from './shop-schema.js'
import { CATEGORIES, CHANNELS, COUNTRIES, DAY, DEVICES, type World } from './shop-world.js'

type Field = string | number | boolean | null | readonly string[]

/** COPY text for every table, parents first; each item is one line. */
export function rowsAt(world: World, history: History, t: number): [TableName, Iterable<string>][] {
  const until = <T extends { readonly at: number }>(events: readonly T[]) => events.filter(event => event.at <= t)
  const sessions = until(history.sessions)
  const orders = until(history.orders)
  const sessionIds = new Map(sessions.map((session, i) => [session, i + 1]))
  const state = currentState(world, history, t)

  const users = world.users
    .filter(user => user.createdAt <= t)
    .map((user, i) => [
      i + 1,
      `user${i + 1}@example.com`,
      COUNTRIES[user.country]!,
      CHANNELS[user.channel]!,
      user.birth === null ? null : new Date(user.birth).toISOString().slice(0, 10),
      user.optIn,
      user.interests,
      state.status[i]!,
      state.orders[i]!,
      time(user.createdAt),
      time(state.seen[i]!),
    ])
  const products = world.products
    .filter(product => product.listedAt <= t)
    .map(product => [
      product.id,
      `${CATEGORIES[product.category]!.slice(0, 3).toUpperCase()}-${String(product.id).padStart(4, '0')}`,
      CATEGORIES[product.category]!,
      product.price.toFixed(2),
      product.weight,
      product.tags,
      Math.max(0, product.shelf - (state.sold.get(product.id) ?? 0)),
      time(product.listedAt),
    ])
  const items = orders.flatMap((order, i) =>
    order.items.map(item => [i + 1, item.product.id, item.quantity, item.unitPrice.toFixed(2)]),
  )
  return [
    ['users', lines(users)],
    ['products', lines(products)],
    [
      'sessions',
      lines(
        sessions.map((s, i) => [
          i + 1,
          s.user + 1,
          time(s.at),
          `${s.seconds} s`,
          s.pages,
          DEVICES[s.device]!,
          s.referrer,
        ]),
      ),
    ],
    [
      'orders',
      lines(
        orders.map((order, i) => {
          const done = order.fate.filter(step => step.at <= t).at(-1)
          const total = order.items.reduce((sum, item) => sum + item.quantity * item.unitPrice, 0)
          const session = sessionIds.get(order.session) ?? null
          const fields = [
            i + 1,
            order.user + 1,
            session,
            done?.status ?? 'pending',
            total.toFixed(2),
            order.discount.toFixed(2),
          ]
          return [...fields, time(order.at), time(done?.at ?? order.at)]
        }),
      ),
    ],
    ['order_items', lines(items.map((item, i) => [i + 1, ...item]))],
    [
      'reviews',
      lines(until(history.reviews).map((r, i) => [i + 1, r.user + 1, r.product, r.rating, r.body, time(r.at)])),
    ],
    [
      'notifications',
      lines(
        until(history.notifications).map((n, i) => {
          const opened = n.openedAt !== null && n.openedAt <= t ? time(n.openedAt) : null
          return [i + 1, n.user + 1, n.campaign, n.channel, time(n.at), opened]
        }),
      ),
    ],
  ]
}

/** What the shop's own software keeps up to date, as of t. */
function currentState(world: World, history: History, t: number) {
  const seen = world.users.map(user => user.createdAt)
  for (const session of history.sessions)
    if (session.at <= t) seen[session.user] = Math.max(seen[session.user]!, session.at)
  const orders = world.users.map(() => 0)
  const sold = new Map<number, number>()
  // the shelves are filled up on Mondays; day 4 since the epoch was one
  const monday = Math.floor((Math.floor(t / DAY) - 4) / 7) * 7 + 4
  for (const order of history.orders) {
    if (order.at > t) break
    orders[order.user]!++
    if (order.at < monday * DAY) continue
    for (const { product, quantity } of order.items) sold.set(product.id, (sold.get(product.id) ?? 0) + quantity)
  }
  // a nightly job sets the status
  const night = Math.floor(t / DAY) * DAY
  const status = world.users.map((user, i) => {
    if ((history.closedAt.get(i) ?? Number.POSITIVE_INFINITY) <= t) return 'closed'
    if (night - seen[i]! > 30 * DAY) return 'dormant'
    return night - user.createdAt < 14 * DAY && orders[i] === 0 ? 'new' : 'active'
  })
  return { seen, orders, sold, status }
}

const time = (milliseconds: number) => new Date(milliseconds).toISOString()

function* lines(rows: readonly (readonly Field[])[]): Generator<string> {
  for (const row of rows) yield `${row.map(field).join('\t')}\n`
}

function field(value: Field): string {
  if (value === null) return '\\N'
  if (typeof value === 'object')
    return escapeField(`{${value.map(item => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`)
  return typeof value === 'string' ? escapeField(value) : String(value)
}

const escapeField = (text: string) =>
  text.replace(/[\\\t\n\r]/g, c => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c]!)
