// The rules that the stories hold the network to.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MAX_WORD, chunks, count, difference, generator, judge, maximum, realText, table, words } from './rules.mjs'

const at = (chain, byte) => ({ chain, account: `0x${byte.repeat(32)}` })
const texts = (pieces) => pieces.map((piece) => Buffer.from(piece).toString('latin1'))

describe('auctions', () => {
  test('a bid counts if it is in time, high enough, and higher than all before it', () => {
    const bids = [3n, 5n, 5n, 4n, 0n, 9n, 99n].map((amount, i) => ({ amount, block: i === 6 ? 10 : 1 }))
    const { verdicts, top } = judge(bids, { reserve: 4n, end: 10 })
    const as = 'there is a bid as high'
    const below = 'the bid is below the reserve'
    assert.deepEqual(verdicts, [below, null, as, as, below, null, 'the auction is over'])
    assert.equal(top.amount, 9n)
    assert.equal(judge([], { reserve: 0n, end: 1 }).top, null)
    assert.equal(judge([{ amount: 0n, block: 0 }], { reserve: 0n, end: 1 }).top, null)
  })

  test('of equal results, that of the lower address wins, whichever is first', () => {
    const bid = (amount, auctioneer) => ({ amount, auctioneer })
    const [one, two, three] = [bid(7n, at(2, '00')), bid(7n, at(1, 'ff')), bid(7n, at(1, '0f'))]
    for (const bids of [[one, two, three], [three, two, one], [two, three, one]]) assert.equal(maximum(bids), three)
    const higher = bid(8n, at(9, 'ff'))
    assert.equal(maximum([three, higher, one]), higher)
    assert.equal(maximum([]), null)
  })
})

describe('words', () => {
  test('are runs of letters and digits', () => {
    const text = Buffer.from("Don't STOP, 2nd stop—ünïcode_x", 'utf8')
    assert.deepEqual([...words(text)], ['don', 't', 'stop', '2nd', 'stop', 'n', 'code', 'x'])
    assert.deepEqual([...words(Buffer.from('y'.repeat(120)))], ['y'.repeat(MAX_WORD)])
    assert.equal(count(text).get('stop'), 2n)
  })

  test('counts differ by more, less, and other words', () => {
    const expected = new Map([['a', 1n], ['b', 2n]])
    assert.equal(difference(new Map([['b', 2n], ['a', 1n]]), expected), null)
    assert.equal(difference(new Map([['a', 1n], ['b', 3n]]), expected), 'b: expected 2, found 3')
    assert.equal(difference(new Map([['a', 1n]]), expected), 'b: expected 2, found 0')
    assert.equal(difference(new Map([...expected, ['c', 4n]]), expected), 'c: expected none, found 4')
  })

  test('chunks have the words of the text, and keep their limits', () => {
    assert.deepEqual(texts(chunks(Buffer.from('one two three one'), { bytes: 8, distinct: 9 })), ['one two ', 'three ', 'one'])
    assert.deepEqual(texts(chunks(Buffer.from('a b a b c'), { bytes: 99, distinct: 2 })), ['a b a b ', 'c'])
    assert.deepEqual(chunks(Buffer.alloc(0)), [])
    const random = generator(7)
    for (let round = 0; round < 200; round++) {
      const length = Math.floor(random() * 400)
      const text = Buffer.from(Array.from({ length }, () => ' .aAbz09_\xff'.charCodeAt(random() * 10)))
      const limits = { bytes: 1 + Math.floor(random() * 60), distinct: 1 + Math.floor(random() * 6) }
      // A word that is longer than a chunk counts by MAX_WORD bytes, so it needs room for those.
      limits.bytes = Math.max(limits.bytes, MAX_WORD)
      const pieces = chunks(text, limits)
      const sum = new Map()
      for (const piece of pieces) {
        const counts = count(piece)
        assert.ok(piece.length > 0 && piece.length <= limits.bytes, `${piece.length} bytes`)
        assert.ok(counts.size <= limits.distinct, `${counts.size} words`)
        for (const [word, times] of counts) sum.set(word, (sum.get(word) ?? 0n) + times)
      }
      assert.deepEqual(new Map([...sum].sort()), new Map([...count(text)].sort()))
    }
  })

  test('a real text is as long as asked for, and the same for a seed', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const made = realText(root, 1_000_000, 1)
    assert.equal(made.text.length, 1_000_000)
    assert.ok(made.text.equals(realText(root, 1_000_000, 1).text))
    assert.ok(made.files > 10 && made.times >= 1)
    const folder = fileURLToPath(new URL('.', import.meta.url))
    assert.throws(() => realText(`${folder}nothing`, 1, 1), /no such file/)
  })
})

test('a table has columns', () => {
  assert.equal(table([['a', 'bc'], ['long', 1]]), 'a     bc\n----  --\nlong   1')
})
