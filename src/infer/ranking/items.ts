// Items by number: the values of a column as Postgres sent them, each kept once. Equal bytes are equal items.

export interface Items {
  readonly count: number
  /** The number of the value at bytes[from, to), given now where it has none. */
  intern(bytes: Uint8Array, from: number, to: number): number
  /** The number of a value, -1 where it has none. */
  find(value: Uint8Array): number
  value(item: number): Uint8Array
  /** Memory held. */
  readonly bytes: number
}

export function createItems(): Items {
  let slots = new Int32Array(1024).fill(-1)
  let hashes = new Int32Array(512)
  const values: Uint8Array[] = []
  let held = 0

  function grow(): void {
    const wider = new Int32Array(slots.length * 2).fill(-1)
    const mask = wider.length - 1
    for (let item = 0; item < values.length; item++) {
      let at = hashes[item] & mask
      while (wider[at] >= 0) at = (at + 1) & mask
      wider[at] = item
    }
    slots = wider
    const more = new Int32Array(hashes.length * 2)
    more.set(hashes)
    hashes = more
  }

  /** The slot of the value, or the free one where it would go. */
  function locate(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const item = slots[at]
      if (item < 0 || (hashes[item] === hash && same(values[item], bytes, from, to))) return at
    }
  }

  return {
    get count() {
      return values.length
    },
    intern(bytes, from, to) {
      const hash = hashOf(bytes, from, to)
      const at = locate(hash, bytes, from, to)
      if (slots[at] >= 0) return slots[at]
      const item = values.length
      // a copy: the chunk it came in is not kept
      values.push(bytes.slice(from, to))
      hashes[item] = hash
      slots[at] = item
      held += 120 + to - from
      if (values.length === hashes.length) grow()
      return item
    },
    find(value) {
      return slots[locate(hashOf(value, 0, value.length), value, 0, value.length)]
    },
    value: item => values[item],
    get bytes() {
      return held
    },
  }
}

/** Numbers of `items` in order of their bytes. */
export function inOrder(items: Items, numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => compare(items.value(a), items.value(b)))
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

function same(value: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (value.length !== to - from) return false
  for (let i = 0; i < value.length; i++) if (value[i] !== bytes[from + i]) return false
  return true
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return h ^ (h >>> 13)
}
