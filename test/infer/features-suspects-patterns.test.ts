// What real databases hold: columns filled in only lately, lines that came together, and parents that are read through their children.

import t from 'tap'
import { last, named, simulate, suspects } from './features-simulated.js'
import { code, DAY, decode, HORIZON, NOW, number, random, streamPart, type World } from './features-synthetic.js'

t.test('a column that is NULL in the old years and filled in since is history', async t => {
  for (const since of [150, 300, 700])
    for (let seed = 101; seed <= 102; seed++) {
      const known = (time: number) => time > NOW - since * DAY
      const world = simulate(
        seed,
        r => ({
          orderNumbers: [
            { channel: number('number', 'orders', 'fastest_lap'), value: o => (known(o.t) ? 60 + r() * 30 : null) },
            { channel: number('number', 'orders', 'rank'), value: o => (known(o.t) ? 1 + Math.floor(r() * 20) : 0) },
            { channel: number('flag', 'orders', 'timed'), value: o => (known(o.t) ? 1 : 0) },
          ],
          orderCodes: [
            { channel: code('category', 'orders', 'format'), value: o => (known(o.t) ? 1 + Math.floor(r() * 3) : 0) },
            { channel: code('key', 'orders', 'sponsor_id'), value: o => (known(o.t) ? Math.floor(r() * 30) : null) },
          ],
        }),
        { rate: 0.06 },
      )
      t.same(named(suspects(world)), [], `since ${since} days, seed ${seed}`)
    }
})

t.test('a node of 200 rows is too small to tell what settles', async t => {
  for (let seed = 111; seed <= 113; seed++) {
    const world = simulate(
      seed,
      r => ({
        userCodes: [
          {
            channel: code('category', 'users', 'nationality'),
            value: u => (u.born > NOW - 40 * DAY ? 9 : Math.floor(r() * 5)),
          },
          { channel: code('category', 'users', 'name'), value: u => u.k },
        ],
      }),
      { users: 200, dated: true },
    )
    t.same(named(suspects(world)), [], `seed ${seed}`)
  }
})

t.test('the last value paid of a price that stands still does not follow activity', async t => {
  for (let seed = 121; seed <= 123; seed++) {
    const world = simulate(
      seed,
      r => {
        const prices = new Map<number, number>()
        const price = (k: number) => {
          if (!prices.has(k)) prices.set(k, Math.exp(3 + r()))
          return prices.get(k)!
        }
        return {
          userNumbers: [{ channel: number('number', 'products', 'price'), value: u => price(u.k) }],
          // a sale has ended
          orderNumbers: [
            {
              channel: number('number', 'lines', 'unit_price'),
              value: (o, u) => price(u.k) * (o.t < NOW - 40 * DAY && r() < 0.4 ? 0.97 : 1),
            },
          ],
        }
      },
      { users: 240, rate: 0.3 },
    )
    t.same(named(suspects(world)), [], `seed ${seed}`)
  }
})

t.test('lines that came together have numbers alike, and still do not settle', async t => {
  for (let seed = 131; seed <= 133; seed++) {
    // orders of one day are the lines of one invoice: a wholesaler's, or a shopper's
    const taste = random(seed)
    const day = new Map<number, number>()
    const of = (time: number) => {
      const key = Math.floor(time / DAY)
      if (!day.has(key)) day.set(key, taste() < 0.3 ? 5 : 0)
      return day.get(key)!
    }
    const world = simulate(
      seed,
      r => ({
        orderNumbers: [
          { channel: number('number', 'lines', 'quantity'), value: o => Math.floor(1 + of(o.t) * 4 + r() * 12) },
          { channel: number('number', 'lines', 'price'), value: o => Math.exp(r() * 3 - of(o.t) / 5) },
        ],
      }),
      { rate: 0.1 },
    )
    t.same(named(suspects(world)), [], `seed ${seed}`)
  }
})

t.test('times set after the reference anchor, before the tables were read, hide no others', async t => {
  for (let seed = 141; seed <= 143; seed++) {
    // the grid's cell began half a day ago: a tenth was seen since
    const later = 0.5 * DAY
    const world = simulate(
      seed,
      r => ({
        userNumbers: [
          {
            channel: number('time', 'users', 'last_seen_at'),
            value: u =>
              u.orders.length > 0 ? (r() < 0.1 && last(u) > NOW - HORIZON ? NOW + later * r() : last(u)) : null,
          },
          { channel: number('time', 'users', 'contract_ends'), value: u => u.born + 900 * DAY },
          { channel: number('time', 'users', 'next_visit'), value: u => NOW + (u.k % 60) * DAY },
        ],
      }),
      { rate: 0.05 },
    )
    t.same(named(suspects(world)), ['last_seen_at'], `seed ${seed}`)
  }
})

/** A simulated world whose orders are lines: three of each parent, whose rows are read through the lines alone. */
function throughLines(seed: number, settling: number): World {
  const world = simulate(
    seed,
    r => {
      const done = (time: number) => time + -Math.log(1 - r()) * settling * DAY <= NOW
      return {
        orderCodes: [
          { channel: code('key', 'lines', 'order_id'), value: o => Math.floor(o.t / 1000) % 2147483647 },
          { channel: code('category', 'orders', 'status', { own: false }), value: o => (done(o.t) ? 2 : 1) },
          { channel: code('category', 'orders', 'channel', { own: false }), value: () => Math.floor(r() * 3) },
          { channel: code('reference', 'lines', 'order_id', { node: 1 }), value: () => -1 },
        ],
      }
    },
    { users: 500, rate: 0.08 },
  )
  const { spec, rows } = world
  const lines = rows[streamPart(world, 0)]
  const tripled = lines.flatMap(row => [row, row, row])
  const orders = {
    kind: 'latest' as const,
    stream: 0,
    channel: 3,
    hop: 1,
    numbers: [number('number', 'orders', 'total')],
    codes: [],
  }
  const wider = { ...spec, nodes: [...spec.nodes, orders], parts: [...spec.parts, { kind: 'node' as const, node: 1 }] }
  return { spec: wider, rows: [...rows.map(part => (part === lines ? tripled : part)), []] }
}

t.test('a status of parents that are read through their lines alone falls, what else they say stands', async t => {
  for (let seed = 151; seed <= 153; seed++) t.same(named(suspects(throughLines(seed, 8))), ['status'], `seed ${seed}`)
  // where the parents' own rows are read, they are judged there
  const world = throughLines(154, 8)
  const row = { k: 0, t: NOW - 100 * DAY, v: [1], c: [] }
  t.same(named(suspects({ ...world, rows: [...world.rows.slice(0, -1), [row]] })), [])
  t.equal(decode(world).nodes[1].rows, 0)
})
