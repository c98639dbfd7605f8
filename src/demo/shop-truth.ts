// What nobody can know of a real shop: each user's true probability of ordering nothing for a while, from the latent state
// at that moment and many futures grown from it.

import { random } from './random.js'
import { type State, wake } from './shop-behaviour.js'
import { live } from './shop-history.js'
import { DAY, makeWorld, type Traits, trafficBefore } from './shop-world.js'

export interface TruthOptions {
  readonly seed: number
  /** The `now` that the shop was written with. */
  readonly now: Date
  readonly at: Date
  /** Length of the window (at, at + days]; 30 by default. */
  readonly days?: number
  /** Futures per user; the standard error of a probability is below 0.5 / sqrt(paths). */
  readonly paths?: number
  readonly users?: number
}

/**
 * For every user who has signed up by `at`: P(no orders in (at, at + days] | the user's latent state at `at`). Nobody who sees
 * only rows can do better. Keys are user_id.
 */
export function truth({ seed, now, at, days = 30, paths = 200, users }: TruthOptions): Map<number, number> {
  const world = makeWorld(seed, now, users)
  const result = new Map<number, number>()
  for (const [index, user] of world.users.entries()) {
    if (user.createdAt > at.getTime()) break
    const state = live(world, index, at.getTime())
    let sum = 0
    for (let path = 0; path < paths; path++)
      sum += quietFuture(state, user, at.getTime(), days, random(seed, 'future', index, path))
    result.set(index + 1, sum / paths)
  }
  return result
}

/** P(no order) along one future of the latent state in which, so far, nothing was ordered: the chance is multiplied, not drawn. */
function quietFuture(now: State, user: Traits, at: number, days: number, r: ReturnType<typeof random>): number {
  const state: State = { ...now, pending: [...now.pending] }
  const today = Math.floor(at / DAY)
  const fraction = at / DAY - today
  let quiet = 1
  for (let day = today; day <= today + days; day++) {
    if (day > today) wake(state, user, day, r)
    if (state.interest === 'closed') return quiet
    // the window opens and closes at the same time of day
    const share = day === today ? 1 - trafficBefore(fraction) : day === today + days ? trafficBefore(fraction) : 1
    const visits = r.poisson(state.sessions * share)
    if (visits === 0) continue
    state.lastSession = day
    quiet *= (1 - state.conversion) ** visits
  }
  return quiet
}
