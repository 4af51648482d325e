// CryptoKitties on three chains (Thinkey §5.5), by users who sign with polkadot.js: a collector on chain 1, a recorder on
// chain 2, an auctioneer on each chain. Every kitty is for sale at one of them, kitty 0, the hot one, at all three. Bidders on
// all chains bid at auctioneers on all chains; then the auctions are closed, and the network is compared with what the rules
// say of the bids that it took.
//
// usage: node kitties.mjs [--bids <n>] [--kitties <n>] [--bidders <n>] [--seed <n>]
//
// Needs a network of three chains on which //Alice has 1,000,000 noOs each, at ASTERISM_ROOT and ASTERISM_CHAIN_1, _2, _3, and
// the built examples in ASTERISM_ACTORS: scripts/auction.

import { parseArgs } from 'node:util'
import { NOOS, keyring, noos } from '../network.mjs'
import {
  Examples, LATER_RETURNED, MAX_GAS, Sender, address, expect, instantiate, main, message, number, say, until, upload,
} from './client.mjs'
import { decodeStored, encodeStored, mapKey, u32 } from './codec.mjs'
import { generator, judge, maximum, sameAddress, table } from './rules.mjs'
import { hexToU8a, u8aConcat } from '@polkadot/util'

const { values } = parseArgs({
  options: {
    bids: { type: 'string', default: '60' },
    kitties: { type: 'string', default: '5' },
    bidders: { type: 'string', default: '21' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const bidCount = number('bids', values.bids, 1, 10_000)
const kittyCount = number('kitties', values.kitties, 1, 200)
const bidderCount = number('bidders', values.bidders, 3, 300)
const seed = number('seed', values.seed, 0, 0xffff_ffff)

const CHAINS = [1, 2, 3]
const HOT = 0
const RESERVE = NOOS
/** What bidders have at first, sellers, and actors beside their deposits. */
const PURSE = 110n * NOOS * BigInt(2 * Math.ceil(bidCount / bidderCount) + 10)
const [STOCK, UPKEEP] = [10n * NOOS, 100n * NOOS]
/** Blocks that auctions are open: bids need a block for about 30 of them, and one machine may be slow. */
const OPEN = 60 + Math.ceil(bidCount / 4)
/** Bids on their way to an auctioneer: a mailbox has room for 256. */
const WINDOW = 120
const BID_GAS = 600_000n

/** Lets so many run at once. */
function window(places) {
  const waiting = []
  const enter = async () => {
    if (places > 0) return void places--
    await new Promise((resolve) => waiting.push(resolve))
  }
  const leave = () => (waiting.length ? waiting.shift()() : places++)
  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

async function story(network) {
  say(`${bidCount} bids on ${kittyCount} kitties by ${bidderCount} bidders, seed ${seed}`)
  const random = generator(seed)
  const examples = new Examples()
  const types = examples.interfaces('kitties')
  const uri = await keyring()
  const sender = (chain, path) => new Sender(network.feed(chain), uri(path))
  const founders = new Map(CHAINS.map((id) => [id, sender(id, '//Alice')]))
  const run = `${Date.now()}`
  const bidders = Array.from({ length: bidderCount }, (_, i) => sender(CHAINS[i % 3], `//Bidder//${run}//${i}`))
  const sellers = CHAINS.map((id) => sender(id, `//Seller//${run}//${id}`))
  const balancesBefore = await network.audit()
  const conservation = network.conservation()

  say('funding bidders and sellers')
  await Promise.all(
    CHAINS.map((id) => {
      const { transfer } = network.chain(id).api.tx.actors
      const endow = [...bidders.map((who) => [who, PURSE]), ...sellers.map((who) => [who, STOCK])]
      const calls = endow.filter(([who]) => who.feed.id === id).map(([who, amount]) => transfer(who.address, amount))
      return founders.get(id).batch('funding', calls, 50)
    }),
  )

  say('uploading the collector to chain 1, the recorder to chain 2, the auctioneer to all')
  const [one, two] = [founders.get(1), founders.get(2)]
  const collectorCode = await upload(one, examples.code('kitties_collector'), types.Collector)
  const recorderCode = await upload(two, examples.code('kitties_recorder'), types.Recorder)
  const auctioneerCodes = await Promise.all(
    CHAINS.map((id) => upload(founders.get(id), examples.code('kitties_auctioneer'), types.Auctioneer)),
  )

  say('creating the actors')
  const create = async (founder, hash, body) => (await instantiate(network, founder, hash, body, { value: UPKEEP })).address
  const collector = await create(one, collectorCode, types.Collector.encode('Start'))
  const recorder = await create(two, recorderCode, types.Recorder.encode('Start', { collector }))
  const start = types.Auctioneer.encode('Start', { collector, recorder })
  const auctioneers = await Promise.all(CHAINS.map((id, i) => create(founders.get(id), auctioneerCodes[i], start)))
  const actors = [collector, recorder, ...auctioneers]
  const totalOf = async (who) => (await network.totals(who.chain, [who.account]))[0]
  const endowed = await Promise.all(actors.map(totalOf))

  /** Sends messages of one sender to accounts of any chain, and waits until each was handled. */
  const tell = async (what, from, letters, size) => {
    const calls = letters.map(({ to, body, gas }) => message(from.chain, to, body, { gas }))
    const transactions = await from.batch(what, calls, size)
    const keys = transactions.flatMap((transaction) => from.called(transaction))
    expect(`${what}: messages sent`, keys.length, letters.length)
    return Promise.all(keys.map((key, i) => network.handled(`${what} ${i}`, key, letters[i].to.chain)))
  }

  await tell('naming the actors to the collector', one, [{ to: collector, body: types.Collector.encode('Found', { recorder, auctioneers }) }])
  await tell('naming the actors to the recorder', two, [{ to: recorder, body: types.Recorder.encode('Found', { auctioneers }) }])

  say(`breeding ${kittyCount} kitties, and offering them for sale for ${OPEN} blocks`)
  const kitties = Array.from({ length: kittyCount }, (_, kitty) => {
    const seller = sellers[kitty % sellers.length]
    return { kitty, seller, at: kitty === HOT ? auctioneers : [auctioneers[kitty % auctioneers.length]] }
  })
  // They are numbered in the order in which they are bred: one transaction after the other.
  const breed = ({ seller }) => ({ to: collector, body: types.Collector.encode('Breed', { owner: seller.address }) })
  for (let i = 0; i < kitties.length; i += 25) await tell('breeding', one, kitties.slice(i, i + 25).map(breed))
  await Promise.all(
    sellers.map((seller) => {
      const own = kitties.filter((kitty) => kitty.seller === seller)
      const offer = ({ kitty, at }) => types.Collector.encode('Sell', { kitty, reserve: RESERVE, blocks: OPEN, auctioneers: at })
      return tell('offering', seller, own.map((kitty) => ({ to: collector, body: offer(kitty) })))
    }),
  )

  const record = async () => {
    const found = await network.stored(collector.chain, collector.account, kitties.map(({ kitty }) => mapKey('kitties', u32(kitty))))
    return found.map((bytes, kitty) => {
      if (!bytes) throw new Error(`kitty ${kitty}: expected the collector to know it`)
      return decodeStored('Record', bytes)
    })
  }
  const stalls = kitties.flatMap(({ kitty, at }) => at.map((auctioneer) => ({ kitty, auctioneer })))
  const auctions = async () => {
    const found = new Map()
    for (const auctioneer of auctioneers) {
      const own = stalls.filter((stall) => stall.auctioneer === auctioneer)
      const read = await network.stored(auctioneer.chain, auctioneer.account, own.map(({ kitty }) => mapKey('auctions', u32(kitty))))
      own.forEach((stall, i) => found.set(stall, read[i] ? decodeStored('Auction', read[i]) : null))
    }
    return found
  }

  /** What may be said again by anybody is said until all stalls are where it leads them, or time is over. */
  const insist = async (what, due, letter, milliseconds) => {
    const end = Date.now() + milliseconds
    for (;;) {
      const open = await due()
      if (open.length === 0) return
      if (Date.now() > end) throw new Error(`${what}: ${open.length} of ${stalls.length} still open after ${milliseconds / 1000} s`)
      await Promise.all(
        CHAINS.map(async (id) => {
          const from = founders.get(id)
          const letters = open.map(letter).filter(({ to }) => to.chain === id)
          const calls = letters.map(({ to, body }) => message(from.chain, to, body, { gas: MAX_GAS }))
          const transactions = await from.batch(what, calls)
          // What was said twice may be refused; only where it leads to counts.
          await Promise.all(transactions.flatMap((sent) => from.called(sent)).map((key) => network.outcome(key, id)))
        }),
      )
      // The answers come from other chains.
      await until(`${what}: answers`, 30_000, async () => (await due()).length === 0, 1_000).catch(() => {})
    }
  }

  say('auctioneers ask for their kitties')
  const unopened = async () => [...(await auctions())].filter(([, auction]) => !auction).map(([stall]) => stall)
  const request = ({ kitty, auctioneer }) => ({ to: auctioneer, body: types.Auctioneer.encode('Request', { kitty }) })
  await insist('requests', unopened, request, 300_000)
  const opened = await auctions()
  for (const [{ kitty, auctioneer }, { lot }] of opened) {
    const { seller, at } = kitties[kitty]
    const where = `the lot of kitty ${kitty} on chain ${auctioneer.chain}`
    expect(`${where}: shares`, lot.shares.toNumber(), at.length)
    expect(`${where}: reserve`, lot.reserve.toBigInt(), RESERVE)
    expect(`${where}: seller`, address(lot.seller.chain.toNumber(), lot.seller.account.toHex()), seller.address)
  }

  // One bid in four is on the hot kitty, at any auctioneer; amounts rise on the whole; some are equal to one before, some too low.
  const bids = []
  for (let i = 0; i < bidCount; i++) {
    const kitty = kittyCount === 1 || random() < 0.25 ? HOT : 1 + Math.floor(random() * (kittyCount - 1))
    const { at } = kitties[kitty]
    const auctioneer = at[Math.floor(random() * at.length)]
    const bidder = bidders[Math.floor(random() * bidders.length)]
    const rising = BigInt(Math.floor((2 + (60 * i) / bidCount + 40 * random()) * 1_000_000)) * (NOOS / 1_000_000n)
    const equal = random() < 0.05 ? bids.filter((bid) => bid.kitty === kitty).pop() : undefined
    const amount = random() < 0.02 ? RESERVE - 1n : (equal?.amount ?? rising)
    bids.push({ kitty, auctioneer, bidder, amount })
  }
  say(`bidding: ${bids.filter(({ kitty }) => kitty === HOT).length} of ${bidCount} bids are on the hot kitty`)
  const bidding = performance.now()
  const gates = new Map(auctioneers.map((auctioneer) => [auctioneer, window(WINDOW)]))
  const first = new Map(CHAINS.map((id) => [id, network.feed(id).next]))
  let [settled, again] = [0, 0]
  const place = async (bid, i) => {
    const { kitty, auctioneer, bidder, amount } = bid
    const body = types.Auctioneer.encode('Bid', { kitty, sale: 1 })
    const call = () => message(bidder.chain, auctioneer, body, { value: amount, gas: BID_GAS })
    const deadline = Date.now() + 900_000
    for (;;) {
      const sent = await bidder.send(`bid ${i}`, call, { milliseconds: 600_000 })
      const [key] = bidder.called(sent)
      const found = await network.outcome(key, auctioneer.chain, 600_000)
      if (!LATER_RETURNED.includes(found.reason)) {
        Object.assign(bid, { key, ...found })
        break
      }
      if (Date.now() > deadline) throw new Error(`bid ${i}: still ${found.reason} after 900 s`)
      again++
    }
    if (++settled % Math.ceil(bidCount / 10) === 0) say(`  ${settled} of ${bidCount} bids are processed`)
  }
  await Promise.all(bids.map((bid, i) => gates.get(bid.auctioneer)(() => place(bid, i))))
  const seconds = (performance.now() - bidding) / 1000
  const last = new Map(CHAINS.map((id) => [id, network.feed(id).next]))

  say('comparing what the auctioneers said to each bid with the rules')
  const counted = []
  for (const [stall, auction] of opened) {
    const heard = bids
      .filter(({ kitty, auctioneer }) => kitty === stall.kitty && auctioneer === stall.auctioneer)
      .sort((a, b) => a.place - b.place)
      .map((bid) => ({ ...bid, block: bid.number }))
    const { verdicts } = judge(heard, { reserve: RESERVE, end: auction.end.toNumber() })
    heard.forEach((bid, i) => {
      const what = `the bid of ${noos(bid.amount)} on kitty ${bid.kitty} on chain ${bid.auctioneer.chain}, message ${bid.key}`
      const said = bid.outcome === 'Handled' ? 'it counts' : bid.reason === 'Rejected' ? bid.words : bid.reason
      expect(what, said, verdicts[i] ?? 'it counts')
      if (bid.outcome === 'Handled') counted.push(bid)
    })
  }
  const late = bids.filter(({ words }) => words === 'the auction is over').length
  if (late > 0) say(`  ${late} bids came after the end`)

  say('waiting for the auctions to end')
  await Promise.all(
    [...opened].map(([{ kitty, auctioneer }, auction]) => {
      const feed = network.feed(auctioneer.chain)
      const end = auction.end.toNumber()
      const time = 120_000 + 5_000 * Math.max(0, end - feed.next)
      return feed.wait(`the end of kitty ${kitty}'s auction, block ${end}`, time, () => feed.next > end)
    }),
  )

  say('closing')
  const tallyKey = (kitty) => mapKey('tallies', u8aConcat(u32(kitty), u32(1)))
  const tallies = async () => {
    const found = await network.stored(recorder.chain, recorder.account, kitties.map(({ kitty }) => tallyKey(kitty)))
    return found.map((bytes) => (bytes ? decodeStored('Tally', bytes) : null))
  }
  const results = (tally) =>
    [...(tally?.results ?? [])].map(([auctioneer, bid]) => ({
      auctioneer: address(auctioneer.chain.toNumber(), auctioneer.account.toHex()),
      bid: bid.isSome ? { amount: bid.unwrap().amount.toBigInt(), bidder: address(bid.unwrap().bidder.chain.toNumber(), bid.unwrap().bidder.account.toHex()) } : null,
    }))
  const unheard = async () => {
    const known = (await tallies()).map(results)
    return stalls.filter(({ kitty, auctioneer }) => !known[kitty].some((result) => sameAddress(result.auctioneer, auctioneer)))
  }
  const close = ({ kitty, auctioneer }) => ({ to: auctioneer, body: types.Auctioneer.encode('Close', { kitty }) })
  await insist('closing', unheard, close, 300_000)
  // Who didn't hear the recorder for want of gas or room hears it again.
  const unsettled = async () => {
    const [known, held] = [await record(), await auctions()]
    return stalls.filter((stall) => known[stall.kitty].offer.isSome || held.get(stall))
  }
  const announce = ({ kitty }) => ({ to: recorder, body: types.Recorder.encode('Announce', { kitty, sale: 1 }) })
  await until('verdicts', 60_000, async () => (await unsettled()).length === 0, 1_000).catch(() => {})
  await insist('announcing', unsettled, announce, 300_000)
  await network.settled()

  say('checking owners, the recorder, and everybody’s balance')
  const [ends, final] = [await tallies(), await record()]
  const owed = new Map()
  const owe = (who, amount) => owed.set(who.account, (owed.get(who.account) ?? 0n) + amount)
  bidders.forEach(({ address }) => owe(address, PURSE))
  sellers.forEach(({ address }) => owe(address, STOCK))
  let sold = 0
  for (const { kitty, seller, at } of kitties) {
    const best = maximum(counted.filter((bid) => bid.kitty === kitty))
    const told = results(ends[kitty]).map(({ auctioneer, bid }) => bid && { ...bid, auctioneer }).filter(Boolean)
    expect(`kitty ${kitty}: results at the recorder`, results(ends[kitty]).length, at.length)
    const winner = maximum(told)
    expect(`kitty ${kitty}: the highest bid`, winner?.amount ?? null, best?.amount ?? null)
    expect(`kitty ${kitty}: its bidder`, winner?.bidder ?? null, best?.bidder.address ?? null)
    const whole = bids.filter((bid) => bid.kitty === kitty && bid.amount >= RESERVE && bid.words !== 'the auction is over')
    const most = whole.reduce((top, { amount }) => (amount > top ? amount : top), 0n)
    expect(`kitty ${kitty}: the highest of all bids in time`, best?.amount ?? 0n, most)
    const owner = address(final[kitty].owner.chain.toNumber(), final[kitty].owner.account.toHex())
    expect(`kitty ${kitty}: its owner`, owner, (best?.bidder ?? seller).address)
    expect(`kitty ${kitty}: whether it is for sale`, final[kitty].offer.isSome, false)
    if (best) {
      sold++
      owe(best.bidder.address, -best.amount)
      owe(seller.address, best.amount)
    }
  }
  const count = (await network.stored(collector.chain, collector.account, [mapKey('kitties', u32(kittyCount))]))[0]
  expect('a kitty that nobody bred', count, null)
  for (const who of [...bidders, ...sellers]) {
    expect(`the balance of ${who.pair.address} on chain ${who.feed.id}`, noos(await totalOf(who.address)), noos(owed.get(who.address.account)))
  }
  for (const [i, actor] of actors.entries()) {
    expect(`the balance of actor ${actor.account} on chain ${actor.chain}`, noos(await totalOf(actor)), noos(endowed[i]))
  }
  for (const bidder of bidders) {
    const unclaimed = await Promise.all(
      auctioneers.map(({ chain, account }) =>
        network.stored(chain, account, [mapKey('unclaimed', hexToU8a(encodeStored('ActorAddress', bidder.address)))]),
      ),
    )
    expect(`what auctioneers keep for ${bidder.pair.address}`, unclaimed.flat(), [null, null, null])
  }
  const balances = await network.audit()
  const whole = (rows) => rows.reduce((total, { sum }) => total + sum, 0n)
  expect('what all accounts of all chains have', noos(whole(balances)), noos(whole(balancesBefore)))
  const { checked, flew } = await conservation.finish()

  const across = bids.filter(({ bidder, auctioneer }) => bidder.feed.id !== auctioneer.chain)
  const rows = [['chain', 'bids', 'counted', 'refused', 'from other chains', 'blocks', 'gas of a bid that counts']]
  for (const auctioneer of auctioneers) {
    const own = bids.filter((bid) => bid.auctioneer === auctioneer)
    const good = own.filter(({ outcome }) => outcome === 'Handled')
    const gas = good.length ? good.reduce((sum, bid) => sum + bid.gas, 0n) / BigInt(good.length) : 0n
    rows.push([
      auctioneer.chain, own.length, good.length, own.length - good.length,
      own.filter((bid) => across.includes(bid)).length, last.get(auctioneer.chain) - first.get(auctioneer.chain), gas,
    ])
  }
  console.log(`\n${table(rows)}\n`)
  say(`${bidCount} bids in ${seconds.toFixed(1)} s, ${again} of them said again for want of room; ${sold} of ${kittyCount} kitties sold`)
  say(`each kitty has one owner, losing bids are paid back; conservation held at ${checked} root blocks, with up to ${noos(flew)} in flight`)
}

main(3, story)
