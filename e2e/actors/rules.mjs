// What the stories compare the network with: pure functions of values, without a network.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A small generator of numbers from 0 to 1, so that a story can be told again by its seed. */
export function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Which of two addresses, { chain, account in hex }, comes first in the order of Rust: by chain, then by account. */
export const before = (one, other) =>
  one.chain !== other.chain ? one.chain < other.chain : one.account.toLowerCase() < other.account.toLowerCase()

export const sameAddress = (one, other) =>
  one.chain === other.chain && one.account.toLowerCase() === other.account.toLowerCase()

/**
 * What an auctioneer has to say to bids for a kitty, given in the order in which it heard them: each bid has amount and
 * block, the auction a reserve and `end`, the first block in which it is over. Answers, bid by bid, why it is refused,
 * or null if it counts; and which one is the highest in the end, or null if none counts.
 */
export function judge(bids, { reserve, end }) {
  let top = null
  const verdicts = bids.map((bid) => {
    if (bid.block >= end) return 'the auction is over'
    if (bid.amount === 0n || bid.amount < reserve) return 'the bid is below the reserve'
    if (top && bid.amount <= top.amount) return 'there is a bid as high'
    top = bid
    return null
  })
  return { verdicts, top }
}

/**
 * The winner among all bids that count, each with its auctioneer's address: the highest amount; of equal ones that of
 * the auctioneer with the lower address; with one auctioneer there are no equal ones. Null if there is no bid.
 */
export function maximum(bids) {
  let best = null
  for (const bid of bids) {
    const wins =
      !best || bid.amount > best.amount || (bid.amount === best.amount && before(bid.auctioneer, best.auctioneer))
    if (wins) best = bid
  }
  return best
}

/** Bytes of a word that count, as actors/examples/wordcount says. */
export const MAX_WORD = 48
/** Bytes of text that a chunk may have, by the same. */
export const MAX_TEXT = 2_000
/** Words that one message of counts may have, by the same. */
export const MAX_COUNTS = 60

const isWord = (byte) =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)

/** The words of a text: runs of ASCII letters and digits in lower case, cut off after MAX_WORD bytes. */
export function* words(bytes) {
  let start = -1
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && isWord(bytes[at])) {
      if (start < 0) start = at
    } else if (start >= 0) {
      const end = Math.min(at, start + MAX_WORD)
      yield String.fromCharCode(...bytes.subarray(start, end)).toLowerCase()
      start = -1
    }
  }
}

/** How often each word of a text occurs. */
export function count(bytes) {
  const counts = new Map()
  for (const word of words(bytes)) counts.set(word, (counts.get(word) ?? 0n) + 1n)
  return counts
}

/** Where a count differs first from what is expected, or null. */
export function difference(found, expected) {
  for (const [word, times] of expected) {
    if (found.get(word) !== times) return `${word}: expected ${times}, found ${found.get(word) ?? 0n}`
  }
  for (const [word, times] of found) if (!expected.has(word)) return `${word}: expected none, found ${times}`
  return null
}

/**
 * Cuts a text into chunks of at most `bytes` bytes with at most `distinct` different words, between words. A message of
 * counts changes the reducer's storage once for each of its words, and all the gas that a message may carry doesn't do for two
 * full ones; so a chunk whose words fit into one message is what is sure to be counted.
 */
export function chunks(text, { bytes = MAX_TEXT, distinct = MAX_COUNTS } = {}) {
  const cut = []
  let [start, seen, at] = [0, new Set(), 0]
  const close = (end) => {
    if (end > start) cut.push(text.subarray(start, end))
    start = end
    seen = new Set()
  }
  while (at < text.length) {
    let end = at
    const inWord = isWord(text[at])
    while (end < text.length && isWord(text[end]) === inWord) end++
    if (!inWord) {
      // Between words a chunk may end anywhere.
      while (end - start > bytes) close(start + bytes)
      at = end
      continue
    }
    const word = String.fromCharCode(...text.subarray(at, Math.min(end, at + MAX_WORD))).toLowerCase()
    if (end - start > bytes || (!seen.has(word) && seen.size >= distinct)) close(at)
    if (end - at > bytes) {
      // Longer than a chunk: only its first bytes count.
      cut.push(text.subarray(at, at + MAX_WORD))
      start = end
    } else {
      seen.add(word)
    }
    at = end
  }
  close(text.length)
  return cut
}

/** Files of these endings in a folder and those in it, in the order of their names, without what is built or installed. */
export function files(folder, endings) {
  const found = []
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !['node_modules', 'target', '.git'].includes(entry.name)) {
      found.push(...files(path, endings))
    } else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
      found.push(path)
    }
  }
  return found
}

/**
 * A real text of so many bytes: the licences, then the documentation, then the sources of a repository. If that doesn't
 * do, it is said again, each time with its lines in another order by a seed. Also says what it is made of.
 */
export function realText(root, bytes, seed) {
  const random = generator(seed)
  const paths = [
    ...readdirSync(root).filter((name) => name.startsWith('LICENSE')).sort().map((name) => join(root, name)),
    ...files(root, ['.md']),
    ...files(root, ['.rs']),
  ]
  const all = Buffer.concat(paths.map((path) => readFileSync(path)))
  if (all.length === 0) throw new Error(`${root}: expected licences, documentation or sources`)
  const pieces = [all.subarray(0, bytes)]
  let length = pieces[0].length
  let times = 1
  for (; length < bytes; times++) {
    const lines = all.toString('latin1').split('\n')
    for (let i = lines.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[lines[i], lines[j]] = [lines[j], lines[i]]
    }
    const again = Buffer.from(`\n${lines.join('\n')}`, 'latin1').subarray(0, bytes - length)
    pieces.push(again)
    length += again.length
  }
  return { text: Buffer.concat(pieces), files: paths.length, source: all.length, times }
}

/** Rows of cells as a table, with the first row as its head; all columns but the first are set to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  const line = (row) =>
    row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  ')
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n')
}
