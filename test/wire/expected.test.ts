// The queue of awaited answers against the protocol's traps.

import t from 'tap'
import { Expected, type Handler, TAKE, WATCH } from '../../src/wire/expected.js'
import * as B from '../../src/wire/messages/backend.js'
import * as F from '../../src/wire/messages/frontend.js'

function watcher(seen: string[], name: string): Handler {
  return { done: () => seen.push(`${name} done`), skipped: () => seen.push(`${name} skipped`) }
}

t.test('answers complete messages in order, however many are under way', t => {
  const expected = new Expected()
  const seen: string[] = []
  for (let i = 0; i < 1000; i++) {
    expected.push(F.PARSE)
    expected.pushHandled(F.BIND, WATCH, watcher(seen, `bind ${i}`))
    if (i % 3 === 0) expected.complete(B.PARSE_COMPLETE)
    if (i % 3 === 0) expected.complete(B.BIND_COMPLETE)
  }
  while (!expected.empty) {
    expected.complete(B.PARSE_COMPLETE)
    expected.complete(B.BIND_COMPLETE)
  }
  t.same(
    seen,
    Array.from({ length: 1000 }, (_, i) => `bind ${i} done`),
  )
  t.equal(expected.special, 0)
  t.end()
})

t.test('a failure in the extended protocol skips to the Sync', t => {
  const expected = new Expected()
  const seen: string[] = []
  expected.pushHandled(F.PARSE, TAKE, watcher(seen, 'failed'))
  expected.pushHandled(F.BIND, TAKE, watcher(seen, 'bind'))
  expected.push(F.EXECUTE)
  expected.push(F.SYNC)
  expected.pushHandled(F.PARSE, WATCH, watcher(seen, 'next'))
  t.ok(expected.fail(), 'the Sync has been sent')
  t.same(seen, ['bind skipped'])
  expected.complete(B.READY_FOR_QUERY)
  expected.complete(B.PARSE_COMPLETE)
  t.same(seen, ['bind skipped', 'next done'])
  expected.push(F.EXECUTE)
  t.notOk(expected.fail(), 'the Sync is still to come')
  t.ok(expected.empty)
  t.end()
})

t.test('a failure of a simple query, or of a commit at Sync, waits for its ReadyForQuery', t => {
  for (const type of [F.QUERY, F.SYNC, F.FUNCTION_CALL]) {
    const expected = new Expected()
    expected.push(type)
    expected.push(F.QUERY)
    t.ok(expected.fail())
    expected.complete(B.READY_FOR_QUERY)
    t.equal(expected.type, F.QUERY)
    expected.complete(B.READY_FOR_QUERY)
    t.ok(expected.empty)
  }
  t.end()
})

t.test('a Sync behind an Execute that turns out to be COPY FROM STDIN is ignored by the server', t => {
  const expected = new Expected()
  for (const type of [F.PARSE, F.BIND, F.EXECUTE, F.SYNC]) expected.push(type)
  expected.complete(B.PARSE_COMPLETE)
  expected.complete(B.BIND_COMPLETE)
  t.ok(expected.copyIn())
  expected.pushDoubtfulSync()
  expected.pushCopyEnd()
  expected.push(F.SYNC)
  expected.push(F.QUERY)
  expected.copied()
  expected.complete(B.COMMAND_COMPLETE)
  expected.complete(B.READY_FOR_QUERY)
  t.equal(expected.type, F.QUERY)
  t.end()
})

t.test('a CopyDone sent before COPY is known to have begun keeps its Sync', t => {
  const expected = new Expected()
  expected.push(F.EXECUTE)
  expected.pushCopyEnd()
  expected.push(F.SYNC)
  t.notOk(expected.copyIn())
  expected.copied()
  expected.complete(B.COMMAND_COMPLETE)
  expected.complete(B.READY_FOR_QUERY)
  t.ok(expected.empty)
  t.end()
})

t.test('when COPY fails it is not known which Sync was ignored, until the next answer tells', t => {
  for (const ignored of [true, false]) {
    const expected = new Expected()
    expected.push(F.EXECUTE)
    expected.push(F.SYNC)
    expected.copyIn()
    t.ok(expected.fail())
    expected.pushCopyEnd()
    expected.push(F.SYNC)
    expected.complete(B.READY_FOR_QUERY)
    if (!ignored) expected.complete(B.READY_FOR_QUERY)
    t.ok(expected.quiet)
    expected.push(F.PARSE)
    expected.complete(B.PARSE_COMPLETE)
    t.ok(expected.empty)
  }
  t.end()
})

t.test('a COPY that writes leaves the end of a later one that reads alone', t => {
  const expected = new Expected()
  expected.push(F.QUERY)
  expected.push(F.QUERY)
  expected.pushCopyEnd()
  expected.push(F.SYNC)
  expected.copied()
  expected.complete(B.COMMAND_COMPLETE)
  expected.complete(B.READY_FOR_QUERY)
  t.notOk(expected.copyIn(), 'its end is on its way')
  t.end()
})

t.test('an error proves that the Sync within a COPY was ignored', t => {
  const expected = new Expected()
  expected.push(F.QUERY)
  expected.copyIn()
  expected.pushDoubtfulSync()
  expected.pushCopyEnd()
  expected.push(F.BIND)
  expected.push(F.SYNC)
  expected.fail()
  expected.complete(B.READY_FOR_QUERY)
  t.ok(expected.fail(), 'the Bind’s')
  expected.complete(B.READY_FOR_QUERY)
  t.ok(expected.empty)
  t.end()
})

t.test('the answer to a function call proves that the Sync within a COPY was ignored', t => {
  const expected = new Expected()
  expected.push(F.QUERY)
  expected.push(F.SYNC)
  expected.pushCopyEnd()
  expected.push(F.FUNCTION_CALL)
  expected.push(F.BIND)
  expected.copyIn()
  expected.fail()
  expected.complete(B.READY_FOR_QUERY)
  expected.complete(B.FUNCTION_CALL_RESPONSE)
  expected.complete(B.READY_FOR_QUERY)
  t.notOk(expected.fail(), 'the Bind’s, whose Sync is still to come')
  t.ok(expected.empty)
  t.end()
})

t.test('what is left of a COPY that failed is nothing to wait for', t => {
  const expected = new Expected()
  expected.push(F.QUERY)
  expected.push(F.SYNC)
  expected.pushCopyEnd()
  t.notOk(expected.copyIn())
  expected.fail()
  t.notOk(expected.quiet)
  expected.complete(B.READY_FOR_QUERY)
  t.ok(expected.quiet)
  t.end()
})

t.test('an end of COPY that comes too late has no answer', t => {
  const expected = new Expected()
  expected.push(F.QUERY)
  expected.fail()
  expected.pushCopyEnd()
  expected.complete(B.READY_FOR_QUERY)
  t.ok(expected.empty)
  expected.pushCopyEnd()
  t.ok(expected.empty)
  t.end()
})

t.test('a session that ends skips everything', t => {
  const expected = new Expected()
  const seen: string[] = []
  expected.push(F.QUERY)
  expected.pushHandled(F.SYNC, TAKE, watcher(seen, 'sync'))
  expected.abandon()
  t.same(seen, ['sync skipped'])
  t.ok(expected.empty)
  t.end()
})
