import t from 'tap'
import { buildSegments, edited } from '../../src/rewrite/segment-text.js'

t.test('positions map both ways, character by character, through random replacements', async t => {
  const letters = ['a', 'é', '𝒳', '漢', "'", '\n', '🎉', ' ']
  let seed = 3
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return (seed >> 8) % n
  }
  const text = (length: number) => Array.from({ length }, () => letters[random(letters.length)]).join('')
  let checked = 0
  for (let round = 0; round < 300; round++) {
    const kept = Array.from({ length: 1 + random(4) }, () => text(random(12)))
    let source = ''
    const spans: [number, number][] = []
    for (const piece of kept) {
      spans.push([source.length, source.length + piece.length])
      source += piece + text(1 + random(9))
    }
    const builder = buildSegments(source)
    for (const [start, end] of spans) {
      builder.slice(start, end)
      builder.ours(text(1 + random(20)))
    }
    const made = builder.done()
    for (let offset = 0; offset < made.text.length; offset++) {
      const back = made.toSource(offset)
      if (back === null) continue
      checked++
      if (made.text[offset] !== source[back]) t.fail('another character')
      if (made.fromSource(back) !== offset) t.fail('another place')
    }
    // code points, as Postgres counts them
    const characters = [...made.text]
    characters.forEach((character, i) => {
      const position = made.mapPosition(i + 1)
      if (position !== null && [...source][position - 1] !== character) t.fail('another code point')
    })
  }
  t.ok(checked > 2_000, `${checked} places`)
})

t.test('the end of a text that ends with a slice is the end of that slice', async t => {
  const builder = buildSegments('PREDICT x ORDER BY')
  builder.ours('SELECT ')
  builder.slice(10, 18)
  const made = builder.done()
  t.equal(made.mapPosition(made.text.length + 1), 19)
  t.equal(made.mapPosition(3), null)
  t.equal(made.mapPosition(0), null)
  t.equal(made.fromSource(0), null)
  t.equal(made.fromSource(18), 15)
})

t.test('edits may come in any order, and what lies between them keeps its place', async t => {
  const source = 'SELECT a FROM b, c'
  const made = edited(source, [
    { start: 17, end: 18, text: '(c)' },
    { start: 14, end: 15, text: '(long b)' },
  ])
  t.equal(made.text, 'SELECT a FROM (long b), (c)')
  t.equal(made.toSource(made.text.indexOf(',')), 15)
  t.equal(made.toSource(made.text.indexOf('long')), null)
  t.equal(edited(source, []).text, source)
})
