// How one user behaves, day by day: a latent state that moves, and the sessions it leads to. The same step makes the
// history and its possible futures, so what is true about the future is known.

import type { Random } from './random.js'
import { DAY, sale, season, type Traits } from './shop-world.js'

export interface State {
  /** Departure of log activity from the user's own mean. */
  drift: number
  interest: 'active' | 'dormant' | 'closed'
  /** Mean 0: bad goods, late and cancelled orders lower it, and a low one makes losing interest likelier. */
  satisfaction: number
  /** Experiences on their way: an order is judged when it arrives, not when it is placed. */
  pending: { readonly day: number; readonly effect: number }[]
  /** Day numbers since the epoch. */
  lastSession: number
  lastNotified: number
  /** Of the present day: expected sessions, and the chance that one ends in an order. */
  sessions: number
  conversion: number
  /** The present day brings a notification: which campaign. */
  notified: 'weekly' | 'sale' | 'win-back' | null
}

export function initialState(user: Traits): State {
  const day = Math.floor(user.createdAt / DAY)
  return {
    drift: 0.3,
    interest: 'active',
    satisfaction: 0,
    pending: [],
    lastSession: day,
    lastNotified: day,
    sessions: 0,
    conversion: 0,
    notified: null,
  }
}

const PERSISTENCE = 0.98
const NOISE = 0.02
/** Share of their sessions that those who lost interest still have. */
const DORMANT = 0.005

/** Moves `state` to the morning of `day` (days since the epoch): everything that decides about that day but its events. */
export function wake(state: State, user: Traits, day: number, r: Random): void {
  if (state.pending.length > 0) {
    for (const { effect } of state.pending.filter(arrival => arrival.day <= day)) {
      state.satisfaction = 0.75 * state.satisfaction + 0.25 * effect
    }
    state.pending = state.pending.filter(arrival => arrival.day > day)
  }
  state.notified = null
  if (state.interest === 'closed') {
    state.sessions = 0
    return
  }
  // a notification works on the two days after it, never on hours before it was sent
  const sinceNotified = day - state.lastNotified
  const reminded = sinceNotified === 1 || sinceNotified === 2
  if (state.interest === 'active') {
    if (r.chance(user.hazard * Math.exp(-1.6 * state.satisfaction))) state.interest = 'dormant'
  } else if (r.chance(0.0008 + (reminded ? 0.03 * user.response : 0))) {
    state.interest = 'active'
    state.drift = 0
  } else if (r.chance(0.001)) {
    state.interest = 'closed'
  }
  state.drift = PERSISTENCE * state.drift + NOISE * r.normal()
  const at = day * DAY
  const level = state.interest === 'active' ? 1 : state.interest === 'dormant' ? DORMANT : 0
  state.sessions = level * Math.exp(user.activity + state.drift + (reminded ? user.response : 0)) * season(at)
  const discount = sale(at)
  state.conversion =
    1 /
    (1 + Math.exp(-(user.conversion + user.priceSensitivity * (discount > 0 ? 1.2 : -0.5) + 0.3 * state.satisfaction)))
  state.notified = campaign(state, user, day, r)
  if (state.notified) state.lastNotified = day
}

function campaign(state: State, user: Traits, day: number, r: Random): State['notified'] {
  if (!user.optIn || state.interest === 'closed') return null
  if (sale(day * DAY) > 0 && sale((day - 1) * DAY) === 0) return 'sale'
  if (day - state.lastSession >= 21 && day - state.lastNotified >= 14) return 'win-back'
  // Tuesdays, to a third of them
  return day % 7 === 5 && r.chance(0.35) ? 'weekly' : null
}
