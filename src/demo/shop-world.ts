// What the shop's users and products are, and what its calendar does to everyone: the traits behind the generated rows.

import { type Random, random } from './random.js'

export const DAY = 86_400_000
/** Days of history before `now`. */
export const HISTORY = 335

export const CATEGORIES = ['books', 'garden', 'kitchen', 'toys', 'sports', 'beauty', 'audio', 'office'] as const
export const COUNTRIES = ['DE', 'FR', 'GB', 'IT', 'NL', 'PL', 'SE', 'US'] as const
export const CHANNELS = ['organic', 'search', 'social', 'referral'] as const
export const DEVICES = ['phone', 'desktop', 'tablet'] as const

export interface Product {
  readonly id: number
  readonly category: number
  readonly price: number
  /** Latent, about N(0, 1): what reviews and returns show of it. */
  readonly quality: number
  readonly popularity: number
  readonly listedAt: number
  readonly weight: number
  readonly tags: readonly string[]
  /** Stock after the weekly delivery. */
  readonly shelf: number
}

/** Fixed at sign-up; nobody ever sees them, only what they lead to. */
export interface Traits {
  readonly createdAt: number
  readonly country: number
  readonly channel: number
  readonly device: number
  readonly optIn: boolean
  readonly birth: number | null
  readonly interests: readonly string[]
  /** Log of sessions a day in an average week. */
  readonly activity: number
  /** Logit of the chance that a session ends in an order. */
  readonly conversion: number
  /** 0 to 1: how much of buying waits for sales. */
  readonly priceSensitivity: number
  readonly taste: readonly number[]
  /** Chance a day of losing interest, before satisfaction. */
  readonly hazard: number
  /** Log factor on sessions in the two days after a notification. */
  readonly response: number
}

export interface World {
  readonly seed: number
  /** Midnight UTC of the first day. */
  readonly start: number
  readonly products: readonly Product[]
  /** In order of sign-up; a user's id is the index + 1. */
  readonly users: readonly Traits[]
}

/** The same world for every `now` of one UTC day. Users who have not signed up by `now` are left out. */
export function makeWorld(seed: number, now: Date, users = 5000): World {
  const start = Math.floor(now.getTime() / DAY) * DAY - HISTORY * DAY
  return {
    seed,
    start,
    products: Array.from({ length: 240 }, (_, i) => makeProduct(random(seed, 'product', i), i, start)),
    users: Array.from({ length: users }, (_, i) => makeTraits(random(seed, 'user', i), start))
      .filter(user => user.createdAt <= now.getTime())
      .sort((a, b) => a.createdAt - b.createdAt),
  }
}

function makeProduct(r: Random, index: number, start: number): Product {
  const price = Math.round(Math.exp(2.9 + 0.8 * r.normal()) * 100) / 100 + 1
  return {
    id: index + 1,
    category: index % CATEGORIES.length,
    price,
    quality: r.normal(),
    popularity: 1 / (1 + r.integer(0, 30)),
    // three in four were there from the start, the others came later
    listedAt: start + Math.round((r.chance(0.75) ? -300 * r.uniform() : HISTORY * 0.9 * r.uniform()) * DAY),
    weight: Math.round(Math.exp(r.normal()) * 800) / 1000,
    tags: ['new', 'eco', 'gift', 'bestseller', 'imported'].filter(() => r.chance(0.25)),
    shelf: r.integer(20, 300),
  }
}

function makeTraits(r: Random, start: number): Traits {
  const channel = r.weighted([4, 3, 2, 1])
  const country = r.weighted([5, 4, 4, 3, 2, 2, 1, 4])
  const taste = CATEGORIES.map(() => Math.exp(1.4 * r.normal()))
  const total = taste.reduce((a, b) => a + b, 0)
  const shares = taste.map(weight => weight / total)
  return {
    // a few more sign-ups in the shop's first months than lately, at any hour of the waking day
    createdAt: start + Math.floor(HISTORY * r.uniform() ** 1.1) * DAY + Math.round(timeOfDay(r) * DAY),
    country,
    channel,
    device: r.weighted([5, 3, 1]),
    optIn: r.chance(0.7),
    birth: r.chance(0.8) ? start - Math.round((20 + 45 * r.uniform()) * 365.25) * DAY : null,
    interests: CATEGORIES.filter((_, i) => shares[i]! > 0.2 || r.chance(0.06)),
    activity: Math.log(0.29) + 0.65 * r.normal() + (country % 3 === 0 ? 0.2 : -0.1),
    conversion: -1.5 + 0.5 * r.normal(),
    priceSensitivity: r.uniform() ** 1.5,
    taste: shares,
    hazard: 0.007 * Math.exp(0.6 * r.normal() + (channel === 2 ? 0.6 : channel === 3 ? -0.4 : 0)),
    response: 0.5 * Math.exp(0.5 * r.normal()),
  }
}

const HOURS = [1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 11, 10, 9, 9, 10, 12, 14, 16, 17, 14, 8, 3]
const HOURS_TOTAL = HOURS.reduce((a, b) => a + b, 0)

/** Fraction of a day, drawn from the shop's daily curve. */
export function timeOfDay(r: Random): number {
  return (r.weighted(HOURS) + r.uniform()) / 24
}

/** Share of a day's traffic that comes before this fraction of the day: the distribution function of `timeOfDay`. */
export function trafficBefore(fraction: number): number {
  const hour = Math.min(23, Math.floor(fraction * 24))
  let before = 0
  for (let i = 0; i < hour; i++) before += HOURS[i]!
  return (before + HOURS[hour]! * (fraction * 24 - hour)) / HOURS_TOTAL
}

const seasons = new Map<number, number>()

/** Traffic of this day against an average one: the week and the year. `day` is midnight UTC. */
export function season(day: number): number {
  // every user lives through the same days
  let factor = seasons.get(day)
  if (factor === undefined) {
    factor = seasonOf(day)
    seasons.set(day, factor)
  }
  return factor
}

function seasonOf(day: number): number {
  const date = new Date(day)
  const weekday = [1.15, 0.95, 0.9, 0.92, 0.95, 1.0, 1.13][date.getUTCDay()]!
  const yearDay = (day - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY
  return weekday * (1 + 0.2 * Math.cos((2 * Math.PI * (yearDay - 345)) / 365))
}

/** Discount on everything, as a fraction: four days of sale every five weeks. */
export function sale(day: number): number {
  const inCycle = Math.floor(day / DAY) % 35
  return inCycle < 4 ? 0.15 : 0
}
