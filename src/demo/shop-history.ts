// Everything that happened in the shop up to `now`, as events with their times; what the tables show of it at a time is
// decided elsewhere.

import { type Random, random } from './random.js'
import { initialState, type State, wake } from './shop-behaviour.js'
import { DAY, type Product, sale, type Traits, timeOfDay, type World } from './shop-world.js'

export interface Session {
  readonly user: number
  readonly at: number
  readonly seconds: number
  readonly pages: number
  readonly device: number
  readonly referrer: string | null
}

export interface Order {
  readonly user: number
  readonly session: Session
  readonly at: number
  readonly discount: number
  readonly items: readonly { readonly product: Product; readonly quantity: number; readonly unitPrice: number }[]
  /** Later statuses of the order with their times, in order. */
  readonly fate: readonly {
    readonly status: 'paid' | 'shipped' | 'delivered' | 'cancelled' | 'returned'
    readonly at: number
  }[]
}

export interface Review {
  readonly user: number
  readonly product: number
  readonly at: number
  readonly rating: number
  readonly body: string | null
}

export interface Notification {
  readonly user: number
  readonly at: number
  readonly campaign: string
  readonly channel: 'email' | 'push'
  readonly openedAt: number | null
}

export interface History {
  readonly sessions: Session[]
  readonly orders: Order[]
  readonly reviews: Review[]
  readonly notifications: Notification[]
  /** By user index: when the account was closed. */
  readonly closedAt: Map<number, number>
}

/** Simulates every user up to `now`; events sorted by time, so that the position of a row is its id at any time. */
export function makeHistory(world: World, now: number): History {
  const history: History = { sessions: [], orders: [], reviews: [], notifications: [], closedAt: new Map() }
  for (const index of world.users.keys()) live(world, index, now, history)
  for (const events of [history.sessions, history.orders, history.reviews, history.notifications]) {
    events.sort((a, b) => a.at - b.at || a.user - b.user)
  }
  return history
}

/** One user's state on the morning of the day of `until`; events are appended to `history` where one is given. */
export function live(world: World, index: number, until: number, history?: History): State {
  const user = world.users[index]!
  const state = initialState(user)
  // the state's own stream: what is bought and written must not depend on how far we look
  const latent = random(world.seed, 'state', index)
  const detail = random(world.seed, 'detail', index)
  for (let day = Math.floor(user.createdAt / DAY); ; day++) {
    wake(state, user, day, latent)
    // the history of the last, unfinished day is made too, so that its rows are there up to `now`
    const last = day === Math.floor(until / DAY)
    if (last && !history) return state
    spend(world, user, index, day, state, latent, detail, until, history)
    if (last) return state
  }
}

function spend(
  world: World,
  user: Traits,
  index: number,
  day: number,
  state: State,
  latent: Random,
  detail: Random,
  until: number,
  history: History | undefined,
): void {
  const midnight = day * DAY
  if (state.interest === 'closed' && history && !history.closedAt.has(index)) history.closedAt.set(index, midnight)
  if (state.notified) {
    const at = midnight + Math.round((9 + 3 * detail.uniform()) * 3_600_000)
    const reads = state.interest === 'active' ? 0.35 + 0.5 * Math.min(1, user.response) : 0.04
    const opened = detail.chance(reads) ? at + Math.round(detail.uniform() ** 3 * DAY) : null
    const channel = detail.chance(0.6) ? 'email' : 'push'
    if (at <= until)
      history?.notifications.push({ user: index, at, campaign: state.notified, channel, openedAt: opened })
  }
  const visits = latent.poisson(state.sessions)
  for (let visit = 0; visit < visits; visit++) {
    // the moment of buying follows the daily curve, and the session began a few minutes before it
    const moment = midnight + Math.round(timeOfDay(latent) * DAY)
    const buys = latent.chance(state.conversion)
    if (moment < user.createdAt) continue
    const session = makeSession(user, index, moment, buys, state, detail)
    if (session.at > until) continue
    history?.sessions.push(session)
    state.lastSession = day
    if (!buys) continue
    const order = makeOrder(world, user, index, moment, session, detail)
    const judged = order.fate.at(-1)!
    state.pending.push({ day: Math.ceil(judged.at / DAY), effect: experience(order, latent) })
    if (order.at > until) continue
    history?.orders.push(order)
    if (judged.status !== 'cancelled') writeReviews(user, index, order, until, detail, history)
  }
}

function makeSession(user: Traits, index: number, moment: number, buys: boolean, state: State, r: Random): Session {
  // who is inclined to buy looks around longer
  const browsed = state.interest === 'active' ? 4 * Math.exp(0.5 * (state.conversion - 0.45)) : 0.7
  const pages = 1 + r.poisson(buys ? 7 : browsed)
  const seconds = Math.round(20 + pages * 35 * Math.exp(0.5 * r.normal()))
  return {
    user: index,
    at: Math.max(user.createdAt, moment - seconds * 1000),
    seconds,
    pages,
    device: r.chance(0.8) ? user.device : r.integer(0, 2),
    referrer: r.chance(0.4) ? r.pick(['newsletter', 'search', 'price-comparison', 'friend']) : null,
  }
}

function makeOrder(world: World, user: Traits, index: number, at: number, session: Session, r: Random): Order {
  const discount = sale(Math.floor(at / DAY) * DAY)
  const count = 1 + r.poisson(0.5)
  const items = Array.from({ length: count }, () => {
    const product = choose(world, user, at, r)
    const unitPrice = Math.round(product.price * (1 - discount) * 100) / 100
    return { product, quantity: 1 + (r.chance(0.15) ? r.integer(1, 3) : 0), unitPrice }
  })
  const after = (days: number) => at + Math.round(days * DAY)
  const paid = { status: 'paid' as const, at: at + Math.round(r.uniform() * 1_800_000) }
  const worst = Math.min(...items.map(item => item.product.quality))
  const shipped = { status: 'shipped' as const, at: after(0.5 + 2 * r.uniform()) }
  const delivered = { status: 'delivered' as const, at: shipped.at + Math.round((1 + 3 * r.uniform() ** 2) * DAY) }
  const fate = r.chance(0.05)
    ? [paid, { status: 'cancelled' as const, at: after(0.3 + r.uniform()) }]
    : r.chance(worst < -1 ? 0.3 : 0.04)
      ? [
          paid,
          shipped,
          delivered,
          { status: 'returned' as const, at: delivered.at + Math.round((2 + 10 * r.uniform()) * DAY) },
        ]
      : [paid, shipped, delivered]
  return { user: index, session, at, discount, items, fate }
}

function choose(world: World, user: Traits, at: number, r: Random): Product {
  // categories start out with most of their products, so this ends
  for (;;) {
    const category = r.weighted(user.taste)
    const shelf = world.products.filter(product => product.category === category && product.listedAt <= at)
    const weights = shelf.map(product => product.popularity * Math.exp(-0.03 * user.priceSensitivity * product.price))
    if (shelf.length > 0) return shelf[r.weighted(weights)]!
  }
}

/** What the user makes of it: about N(0, 1), far lower when it was cancelled or sent back. */
function experience(order: Order, r: Random): number {
  const end = order.fate.at(-1)!.status
  const quality = order.items.reduce((sum, item) => sum + item.product.quality, 0) / order.items.length
  return quality + 0.6 * r.normal() - (end === 'cancelled' ? 2 : end === 'returned' ? 1.2 : 0)
}

const WORDS: readonly (readonly string[])[] = [
  ['broke within a week', 'not as described', 'sending it back'],
  ['disappointing', 'flimsy', 'expected more for the price'],
  ['does what it should', 'fine', 'average'],
  ['good value', 'happy with it', 'works well'],
  ['excellent', 'would buy again', 'exactly what I wanted'],
]

function writeReviews(
  user: Traits,
  index: number,
  order: Order,
  until: number,
  r: Random,
  history: History | undefined,
): void {
  const delivered = order.fate.find(step => step.status === 'delivered')!.at
  for (const { product } of order.items) {
    const writes = r.chance(user.interests.length > 2 ? 0.3 : 0.18)
    const at = delivered + Math.round((0.5 + 9 * r.uniform()) * DAY)
    const rating = Math.max(1, Math.min(5, Math.round(3.8 + 0.9 * product.quality + 0.7 * r.normal())))
    const body = r.chance(0.5) ? r.pick(WORDS[rating - 1]!) : null
    if (writes && at <= until) history?.reviews.push({ user: index, product: product.id, at, rating, body })
  }
}
