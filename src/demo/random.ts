// Seeded random numbers with independent streams: the same key gives the same numbers, whatever was drawn elsewhere.

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  normal(): number
  poisson(mean: number): number
  /** A whole number in [low, high]. */
  integer(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** Index drawn with the given weights. */
  weighted(weights: readonly number[]): number
}

/** A stream of its own for (seed, ...key). */
export function random(seed: number, ...key: (number | string)[]): Random {
  let state = fnv(`${seed}/${key.join('/')}`)
  // mulberry32
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), 1 | state)
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    poisson(mean) {
      const limit = Math.exp(-mean)
      let count = 0
      for (let product = uniform(); product > limit; product *= uniform()) count++
      return count
    },
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    chance: probability => uniform() < probability,
    pick: items => items[Math.floor(uniform() * items.length)]!,
    weighted(weights) {
      let left = uniform() * weights.reduce((sum, weight) => sum + weight, 0)
      for (let i = 0; i < weights.length - 1; i++) {
        left -= weights[i]!
        if (left < 0) return i
      }
      return weights.length - 1
    },
  }
}

function fnv(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // FNV alone leaves neighbouring keys close together
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
