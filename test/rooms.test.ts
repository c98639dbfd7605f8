import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

/** What each room may import, as ARCHITECTURE.md says; everything for its values, `shapes` for types alone. */
const rooms: Record<string, { readonly values: readonly string[]; readonly shapes: readonly string[] }> = {
  wire: { values: [], shapes: ['rewrite'] },
  rewrite: { values: ['pql', 'graph', 'infer'], shapes: [] },
  pql: { values: [], shapes: [] },
  graph: { values: ['pql'], shapes: ['rewrite'] },
  infer: { values: [], shapes: ['graph', 'pql'] },
  config: { values: ['pql'], shapes: ['graph'] },
  demo: { values: [], shapes: [] },
  cli: { values: ['config', 'demo', 'graph', 'infer', 'pql', 'rewrite', 'wire'], shapes: [] },
}

const source = new URL('../src', import.meta.url).pathname

t.test('imports between rooms run one way', async t => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    file => file.includes('/') && file.endsWith('.ts'),
  )
  t.ok(files.length > 100)
  const wrong: string[] = []
  for (const file of files) {
    const room = file.split('/')[0]!
    if (!(room in rooms)) wrong.push(`${room} is no room`)
    const text = readFileSync(path.join(source, file), 'utf8')
    for (const [, statement, , target] of text.matchAll(/^((import|export)\b[^'"]*?)\bfrom '(\.[^']+)'/gm)) {
      const other = path.join(path.dirname(file), target!).split('/')[0]!
      if (other === room || other === 'pg-error.js') continue
      const onlyShapes = /^(import|export) type\b/.test(statement!) || everyNameIsAType(statement!)
      const allowed = rooms[room]?.values.includes(other) || (onlyShapes && rooms[room]?.shapes.includes(other))
      if (!allowed) wrong.push(`${file} imports ${target}`)
    }
  }
  t.same(wrong, [])
})

/** `import { type A, type B } …`. */
function everyNameIsAType(statement: string): boolean {
  const names = /\{([^}]*)\}/
    .exec(statement)?.[1]
    ?.split(',')
    .map(name => name.trim())
    .filter(Boolean)
  return names?.every(name => name.startsWith('type ')) ?? false
}
