// The modules of the attacks compile, and are what they are meant to be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COPY, actor, compile, data } from './wat.mjs'

test('an actor has its imports, its memory and its handler', async () => {
  const module = new WebAssembly.Module(await compile(actor('(call $copy (i32.const 0) (i32.const 8) (i32.const 4))', `${COPY} ${data(0, [1, 2, 255, 34])}`)))
  assert.deepEqual(WebAssembly.Module.exports(module), [{ name: 'memory', kind: 'memory' }, { name: 'handle', kind: 'function' }])
  const imports = WebAssembly.Module.imports(module)
  assert.equal(imports.length, 13)
  const asterism = Object.fromEntries(imports.map(({ name }) => [name, () => 0]))
  const { exports } = new WebAssembly.Instance(module, { asterism })
  exports.handle()
  assert.deepEqual([...new Uint8Array(exports.memory.buffer, 8, 5)], [1, 2, 255, 34, 0])
})

test('what is no text of a module is refused', async () => {
  await assert.rejects(compile('(module (func'), /actor\.wat/)
})
