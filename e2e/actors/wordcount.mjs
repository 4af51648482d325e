// Counts the words of a real text by map and reduce over 1, 2 and 3 chains at the same time, each count with a reducer of its
// own, and compares each with two other counts: one that reads bytes, and one by the steps of
// `tr -cs '[:alnum:]' '\n' | tr '[:upper:]' '[:lower:]' | sort | uniq -c`, in the C locale.
//
// usage: node wordcount.mjs [--bytes <n>] [--seed <n>] [--chains <n>]…
//
// The text: the repository's licences, documentation and sources; said again with its lines in another order if that is less
// than asked for. Needs what kitties.mjs needs.

import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { u8aToHex } from '@polkadot/util'
import { NOOS, keyring } from '../network.mjs'
import {
  A_WORD, Examples, MAX_GAS, Sender, expect, instantiate, main, message, number, say, until, upload, wordCounts,
} from './client.mjs'
import { decodeStored, itemKey, mapKey, u32 } from './codec.mjs'
import { MAX_WORD, chunks, count, difference, realText, table } from './rules.mjs'

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '1048576' },
    seed: { type: 'string', default: '1' },
    chains: { type: 'string', multiple: true, default: ['1', '2', '3'] },
  },
})
const size = number('bytes', values.bytes, 1, 8 * 1024 * 1024)
const seed = number('seed', values.seed, 0, 0xffff_ffff)
const widths = values.chains.map((text) => number('chains', text, 1, 3))
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Chunks that are counted at once: the reducer's mailbox has room for 256 messages, one for each. */
const WINDOW = 160
/** Chunks of a transaction. */
const BATCH = 20

/** The counts by the tools' steps, each as a pass over lines. */
function byTools(text) {
  const squeezed = text.toString('latin1').replace(/[^0-9A-Za-z]+/g, '\n')
  const lines = squeezed.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).split('\n').filter(Boolean)
  const sorted = lines.map((line) => line.slice(0, MAX_WORD)).sort()
  const counted = new Map()
  for (let at = 0; at < sorted.length; ) {
    let end = at
    while (end < sorted.length && sorted[end] === sorted[at]) end++
    counted.set(sorted[at], BigInt(end - at))
    at = end
  }
  return counted
}

async function counting(network, { width, own, text, pieces, types, examples, expected, founders }) {
  const began = performance.now()
  const title = `${width} ${width > 1 ? 'chains' : 'chain'}`
  // The reducer is on a chain of its own among the three; its mappers are there and on those that follow.
  const chains = Array.from({ length: width }, (_, i) => ((own - 1 + i) % 3) + 1)
  const home = founders.get(own)
  const code = await upload(home, examples.code('wordcount_reducer'), types.Reducer)
  const mappers = []
  for (const id of chains) {
    const mapper = await upload(founders.get(id), examples.code('wordcount_mapper'), types.Mapper)
    mappers.push((await instantiate(network, founders.get(id), mapper, '0x', { value: NOOS })).address)
  }
  const value = A_WORD * BigInt(expected.size + pieces.length + 100)
  const body = types.Reducer.encode('Start', { mappers, chunks: pieces.length })
  const { address: reducer } = await instantiate(network, home, code, body, { value })

  const added = async (numbers) => {
    const read = await network.stored(own, reducer.account, numbers.map((n) => mapKey('added', u32(n))))
    return numbers.filter((_, i) => {
      if (!read[i]) return false
      // A struct of polkadot.js is a map too: its `set` is a method, the field is got by its name.
      const found = decodeStored('Added', read[i])
      const [parts, set] = ['parts', 'set'].map((name) => found.get(name))
      return set.toNumber().toString(2).replaceAll('0', '').length === parts.toNumber()
    })
  }
  const feed = network.feed(own)
  const firstBlock = feed.next
  let [done, messages, again] = [0, 0, 0]
  let left = pieces.map((_, i) => i)
  // What is lost on its way for want of room is just sent again: each part counts once.
  for (let round = 0; left.length > 0; round++) {
    if (round > 20) throw new Error(`${title}: ${left.length} chunks are not counted after 20 rounds: the first is ${left[0]}`)
    if (round > 0) again += left.length
    const waiting = new Set()
    const lost = []
    const settle = async (milliseconds) => {
      const before = waiting.size
      await until(`${title}: counts`, milliseconds, async () => {
        for (const n of await added([...waiting])) {
          waiting.delete(n)
          done++
        }
        return waiting.size === 0 || waiting.size < before - BATCH
      }).catch((error) => {
        if (!/^[123] chains?: counts: not within/.test(error.message)) throw error
        lost.push(...waiting)
        waiting.clear()
      })
    }
    for (let at = 0; at < left.length; at += BATCH) {
      const numbers = left.slice(at, at + BATCH)
      const calls = numbers.map((n) => {
        const mapper = mappers[n % width]
        const text = u8aToHex(pieces[n])
        return message(home.chain, mapper, types.Mapper.encode('Count', { reducer, chunk: n, text }), { gas: MAX_GAS })
      })
      const sent = await home.batch(`${title}: chunks`, calls, BATCH, { milliseconds: 600_000 })
      messages += sent.flatMap((transaction) => home.called(transaction)).length
      numbers.forEach((n) => waiting.add(n))
      while (waiting.size > WINDOW) await settle(300_000)
      if ((at / BATCH) % 20 === 19) say(`  ${title}: ${done} of ${pieces.length} chunks are counted`)
    }
    while (waiting.size > 0) await settle(120_000)
    left = lost
  }

  const [progress] = await network.stored(own, reducer.account, [itemKey('progress')])
  const { chunks: counted, words } = decodeStored('Progress', progress)
  expect(`${title}: chunks`, counted.toNumber(), pieces.length)
  expect(`${title}: words`, words.toBigInt(), [...expected.values()].reduce((sum, times) => sum + times, 0n))

  const found = await wordCounts(network, reducer)
  for (const [name, other] of [['bytes', expected], ['tr | sort | uniq -c', byTools(text)]]) {
    const wrong = difference(found, other)
    if (wrong) throw new Error(`${title}: unlike the count by ${name}: ${wrong}`)
  }
  const gas = [...feed.outcomes.values()].filter(({ recipient, outcome }) => recipient === reducer.account && outcome === 'Handled')
  const mean = gas.length ? gas.reduce((sum, outcome) => sum + outcome.gas, 0n) / BigInt(gas.length) : 0n
  say(`${title}: the same ${found.size} words, the same counts`)
  return [title, chains.join(' '), messages, again, feed.next - firstBlock, mean, ((performance.now() - began) / 1000).toFixed(1)]
}

async function story(network) {
  const { text, files, source, times } = realText(root, size, seed)
  const pieces = chunks(text)
  const expected = count(text)
  const wrong = difference(byTools(text), expected)
  if (wrong) throw new Error(`the two counts of this program differ: ${wrong}`)
  const words = [...expected.values()].reduce((sum, n) => sum + n, 0n)
  say(`${text.length} bytes, ${words} words, ${expected.size} different ones, from ${files} files of ${source} bytes` +
    (times > 1 ? `, said ${times} times with lines in another order (seed ${seed})` : '') + `; ${pieces.length} chunks`)

  const examples = new Examples()
  const types = examples.interfaces('wordcount')
  const uri = await keyring()
  // Senders number their own transactions, so each chain has one that all counts share.
  const founders = new Map([1, 2, 3].map((id) => [id, new Sender(network.feed(id), uri('//Alice'))]))
  const conservation = network.conservation()
  const rows = []
  if (widths.length > 3) throw new Error('--chains: expected at most three counts: each has a chain for its reducer')
  // All modules first: two counts that upload the same one at once would be in each other's way.
  for (const founder of founders.values()) {
    await upload(founder, examples.code('wordcount_mapper'), types.Mapper)
    await upload(founder, examples.code('wordcount_reducer'), types.Reducer)
  }
  await Promise.all(
    widths.map(async (width, i) => {
      rows[i] = await counting(network, { width, own: i + 1, text, pieces, types, examples, expected, founders })
    }),
  )
  await network.settled()
  await network.audit()
  const { checked } = await conservation.finish()
  console.log(`\n${table([['counted over', 'on', 'messages', 'sent again', 'blocks', 'gas of a chunk at the reducer', 'seconds'], ...rows])}\n`)
  say(`the counts are those of the plain programs; conservation held at ${checked} root blocks`)
}

main(3, story)
