// Actors on three chains composed by the types of their messages: interfaces are announced to chain 1, where what fits is
// connected, and what doesn't is refused with its path; batches run through three pipelines at the same time, and what their
// reducers have in the end is compared with the same computed here.
//
//   words      mappers on 3 chains → a reducer: the actors of actors/examples/wordcount, as docs/composition.md tells it
//   sales      mappers on 3 chains → filters on 2 → a reducer, by shop
//   shares     seven reducers on 3 chains, each with its share of the shops by the rule of keys
//
// The actors of sales and shares are modules in WebAssembly's text form: no example is a filter, and none accepts a struct, of
// which alone a field can be the key.
//
// usage: node compose.mjs
//
// Needs what kitties.mjs needs.

import { fileURLToPath } from 'node:url'
import { hexToU8a, u8aToHex } from '@polkadot/util'
import { blake2AsU8a } from '@polkadot/util-crypto'
import { NOOS, keyring, noos } from '../network.mjs'
import {
  A_WORD, Examples, MAX_GAS, Sender, eventOf, expect, instantiate, main, message, messageKey, say, until, upload, wordCounts,
} from './client.mjs'
import { decodeStored, describeInterface, encodeAbi, encodeStored, itemKey, u32 } from './codec.mjs'
import { chunks, count, difference, generator, realText } from './rules.mjs'
import { BODY, actor, compile, data } from './wat.mjs'

const CHAINS = [1, 2, 3]
/** Where everything is composed. */
const HOME = 1
/** Bytes of text whose words are counted. */
const TEXT = 8_192
/** Sales of each of two batches, which are not divided by three mappers; and those of the shares. */
const BATCHES = [13, 8]
const SHARED = 14
/** Reducers that share the shops. Modulo seven, unlike three, it makes a difference in which order a number's bytes are read. */
const SHARES = 7
/** Shops, of which each of them has one. */
const SHOPS = [0, 1, 2, 3, 4, 6, 21]
/** What an actor of sales has for its storage, and gas for a message of the three hops, of which the first has it all. */
const UPKEEP = 5n * NOOS
const HOPS_GAS = 600_000n

/** A sale: 4 bytes and 8 bytes. */
const SALE = { shop: 'u32', price: { units: 'u64' } }
/** The same with half as many bytes for the price: what must not be taken for a sale. */
const NARROW_SALE = { shop: 'u32', price: { units: 'u32' } }
const ADDRESS = { chain: 'u32', account: ['u8', 32] }
const between = (input, type, output) =>
  describeInterface({ accepts: { start: ADDRESS, change: ['u8', 32], [input]: type }, emits: { [output]: type } })
const INTERFACES = {
  mapper: between('sale', SALE, 'priced'),
  filter: between('priced', SALE, 'kept'),
  reducer: between('kept', SALE, 'sum'),
  narrow: between('kept', NARROW_SALE, 'sum'),
}

/** Where a sale with a narrow price differs, by the chain. */
const NARROWER = ['accepts.kept.price.units', 'expected u32, found u64']

/** Where an actor finds a message's body behind its length, which is one byte, and the price in it. */
const [SAID, UNITS] = [BODY + 1, BODY + 5]
/** Where it keeps what it sends: an address (36), value (16), gas (8), length (1), a sale. */
const OUT = 1_000
const outgoing = encodeAbi('Outgoing', {
  to: { chain: 0, account: new Uint8Array(32) }, value: 0n, gas: 0n, body: `0x${'00'.repeat(12)}`,
})

/**
 * An actor that takes messages by their lengths: an address says whom it tells, which it keeps under the empty key; a hash of
 * code, which code it has from then on. Of each sale it makes $units, and tells them, unless it returns before that.
 */
const stage = (work) =>
  actor(
    `(local $units i64)
    (call $input (i32.const 0))
    ;; Something that came back: the sender of a batch sees that in its trace.
    (if (i32.eq (i32.load8_u (i32.const 36)) (i32.const 2)) (then (return)))
    (if (i32.eq (call $input_len) (i32.const ${SAID + 36}))
      (then (call $write (i32.const 0) (i32.const 0) (i32.const ${SAID}) (i32.const 36)) (return)))
    (if (i32.eq (call $input_len) (i32.const ${SAID + 32})) (then (call $become (i32.const ${SAID})) (return)))
    (if (i32.ne (call $input_len) (i32.const ${SAID + 12})) (then (unreachable)))
    (local.set $units (i64.load (i32.const ${UNITS})))
    ${work}
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const ${OUT}) (i32.const 36)))
    (i32.store (i32.const ${OUT + 61}) (i32.load (i32.const ${SAID})))
    (i64.store (i32.const ${OUT + 65}) (local.get $units))
    (i64.store (i32.const ${OUT + 52}) (i64.sub (call $gas_left) (i64.const 30000)))
    (call $send (i32.const ${OUT}) (i32.const ${outgoing.length}))`,
    data(OUT, outgoing),
  )
const MODULES = {
  mapper: stage('(local.set $units (i64.add (i64.mul (local.get $units) (i64.const 3)) (i64.const 1)))'),
  filter: stage('(if (i64.ne (i64.and (local.get $units) (i64.const 1)) (i64.const 0)) (then (return)))'),
  // The sum of a shop is kept under its number; each new one is told.
  reducer: stage(
    `(if (i32.eq (call $read (i32.const ${SAID}) (i32.const 4) (i32.const 2000) (i32.const 8)) (i32.const 8))
      (then (local.set $units (i64.add (local.get $units) (i64.load (i32.const 2000))))))
    (i64.store (i32.const 2000) (local.get $units))
    (call $write (i32.const ${SAID}) (i32.const 4) (i32.const 2000) (i32.const 8))`,
  ),
  narrow: stage('(return)'),
}
/** The same, computed here. */
const priced = ({ shop, units }) => ({ shop, units: units * 3n + 1n })
const isKept = ({ units }) => units % 2n === 0n
const sumOf = (sales) => {
  const sums = new Map()
  for (const { shop, units } of sales) sums.set(shop, (sums.get(shop) ?? 0n) + units)
  return sums
}

const saleOf = ({ shop, units }) => ({ key: u8aToHex(u32(shop)), body: INTERFACES.mapper.encodeAs('sale', { shop, price: { units } }) })
/** The place of a key among so many actors that reduce: its hash's first 8 bytes, the lowest first. */
const placeOf = (key, actors) => Number(Buffer.from(blake2AsU8a(key, 256)).readBigUInt64LE() % BigInt(actors))

async function story(network) {
  const uri = await keyring()
  const founders = new Map(CHAINS.map((id) => [id, new Sender(network.feed(id), uri('//Alice'))]))
  const home = network.chain(HOME)
  const { api } = home
  const calls = api.tx.composition
  const records = api.query.composition
  const composer = new Sender(network.feed(HOME), uri(`//Composer//${Date.now()}`))
  const examples = new Examples()
  const words = examples.interfaces('wordcount')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const { text } = realText(root, TEXT, 1)
  const pieces = chunks(text)
  const expectedWords = count(text)
  const conservation = network.conservation()

  say('uploading actors with their interfaces to three chains')
  const modules = {}
  for (const [name, module] of Object.entries(MODULES)) modules[name] = await compile(module)
  const wanted = { 1: ['mapper', 'reducer'], 2: ['mapper', 'filter', 'reducer'], 3: ['mapper', 'filter', 'reducer', 'narrow'] }
  const codes = {}
  const put = async (name, id, code, described) => (codes[name] = await upload(founders.get(id), code, described))
  await Promise.all([
    founders.get(HOME).send('funding', () => api.tx.actors.transfer(composer.address, 2_000n * NOOS)),
    put('words_reducer', HOME, examples.code('wordcount_reducer'), words.Reducer),
    ...CHAINS.map((id) => put('words_mapper', id, examples.code('wordcount_mapper'), words.Mapper)),
    ...CHAINS.flatMap((id) => wanted[id].map((name) => put(name, id, modules[name], INTERFACES[name]))),
  ])

  say('making the actors, the last ones of each pipeline first: each is told the next one')
  const make = async (id, name, next) => {
    const body = next ? encodeStored('ActorAddress', next) : '0x'
    return (await instantiate(network, founders.get(id), codes[name], body, { value: UPKEEP })).address
  }
  const each = (ids, from) => Promise.all(ids.map(from))
  const [shares, reducer, narrow, mappersOfWords, unannounced] = await Promise.all([
    each(Array.from({ length: SHARES }, (_, i) => CHAINS[i % 3]), (id) => make(id, 'reducer', composer.address)),
    make(HOME, 'reducer', composer.address),
    make(3, 'narrow', composer.address),
    each(CHAINS, (id) => make(id, 'words_mapper')),
    make(2, 'mapper', composer.address),
  ])
  const reducerOfWords = async () => {
    const body = words.Reducer.encode('Start', { mappers: mappersOfWords, chunks: pieces.length })
    const value = A_WORD * BigInt(expectedWords.size + pieces.length + 100)
    return (await instantiate(network, composer, codes.words_reducer, body, { value })).address
  }
  const [counter, filters] = await Promise.all([reducerOfWords(), each([2, 3], (id) => make(id, 'filter', reducer))])
  // Each mapper tells a filter of another chain but for that of chain 3.
  const filterOf = (i) => filters[i === 0 ? 0 : 1]
  const mappers = await each(CHAINS, (id, i) => make(id, 'mapper', filterOf(i)))

  say(`announcing those of chains 2 and 3 to chain ${HOME}`)
  const known = (actor) => home.rpc('composition_interface', actor)
  const codeOf = async ({ chain, account }) => (await network.chain(chain).api.query.actors.actors(account)).unwrap().code.toHex()
  const abroad = [...mappersOfWords, ...mappers, ...filters, ...shares, narrow].filter(({ chain }) => chain !== HOME)
  expect('an actor of another chain before it is announced', await known(mappers[1]), null)
  const learning = network.feed(HOME).next
  const announce = async ({ chain, account }) => {
    const sender = founders.get(chain)
    const announced = await sender.send('announce', () => sender.chain.api.tx.composition.announce(account, HOME))
    expect('the actor that is announced', eventOf(announced, 'composition', 'Announced').data.actor.toHex(), account)
  }
  await Promise.all(abroad.map(announce))
  await until('announced interfaces', 120_000, async () => (await Promise.all(abroad.map(known))).every(Boolean))
  for (const [actor, described] of [[mappers[1], INTERFACES.mapper], [filters[1], INTERFACES.filter], [mappersOfWords[2], words.Mapper]]) {
    const found = await known(actor)
    expect('an announced interface', [found.code, found.interface], [await codeOf(actor), described.hex])
    expect('whether it came after it was announced', found.announced >= learning, true)
  }
  expect('when one of its own chain was announced', (await known(mappers[0])).announced, null)
  const two = founders.get(2)
  const refusedAnnouncements = [
    ['to its own chain', 'OwnChain', mappers[1].account, 2],
    ['to the root chain', 'RootDestination', mappers[1].account, 0],
    ['an account without code', 'NoInterface', two.address.account, HOME],
  ]
  await Promise.all(
    refusedAnnouncements.map(async ([what, error, account, destination]) => {
      const call = () => two.chain.api.tx.composition.announce(account, destination)
      expect(`announcing ${what}`, await two.refusal(what, call), `composition.${error}`)
    }),
  )

  /** What the composer has, free and held by the reasons of this pallet, and how much it has on record. */
  const purse = async () => {
    const at = await api.at((await home.final()).hash)
    const [{ data: balance }, holds, owned] = await Promise.all([
      at.query.system.account(composer.pair.address),
      at.query.balances.holds(composer.pair.address),
      at.query.composition.owners(composer.pair.address),
    ])
    const held = { Connection: 0n, Pipeline: 0n }
    for (const { id, amount } of holds) if (id.type === 'Composition') held[id.inner.type] = amount.toBigInt()
    return { free: balance.free.toBigInt(), held, connections: owned.connections.toNumber(), pipelines: owned.pipelines.toNumber() }
  }
  /** The deposit for a record: the pallet's constants, and what it says itself. */
  const depositOf = (what, record, items) => {
    const { depositPerItem, depositPerByte } = api.consts.composition
    const deposit = depositPerItem.toBigInt() * BigInt(items) + depositPerByte.toBigInt() * BigInt(record.encodedLength)
    expect(`${what}: the deposit on record`, noos(record.deposit.toBigInt()), noos(deposit))
    return deposit
  }
  const sent = (what, make) => composer.send(what, make)
  const refused = async (what, error, make, sender = composer) =>
    expect(what, await sender.refusal(what, make), `composition.${error}`)

  say('connecting what fits, and what doesn’t')
  const start = await purse()
  expect('what is held from a new account', start.held, { Connection: 0n, Pipeline: 0n })
  const link = (from, output, to, input) => ({ from, output, to, input })
  const check = ({ from, output, to, input }) => home.rpc('composition_check', from, output, to, input)
  const fitting = [
    ['a mapper of chain 2 and a filter of chain 3', link(mappers[1], 'priced', filters[1], 'priced')],
    ['a mapper of words of chain 3 and the reducer of chain 1', link(mappersOfWords[2], 'to_reducer', counter, 'reducer')],
  ]
  const connections = await Promise.all(
    fitting.map(async ([what, ends]) => {
      expect(`${what}: the node’s verdict`, await check(ends), { fits: true })
      const { id, owner } = eventOf(await sent(what, () => calls.connect(ends)), 'composition', 'Connected').data
      expect(`${what}: the owner`, u8aToHex(owner.toU8a()), composer.address.account)
      const record = (await records.connections(id)).unwrap()
      const { from, output, to, input } = record.link
      expect(`${what}: on record`, link(plain(from), output.toUtf8(), plain(to), input.toUtf8()), ends)
      return { id: id.toHex(), ends, deposit: depositOf(what, record, 1) }
    }),
  )
  const misfits = [
    ['a filter, and a reducer of narrower prices', link(filters[0], 'kept', narrow, 'kept'), ...NARROWER],
    ['an output that there isn’t', link(filters[0], 'lost', reducer, 'kept'), 'emits.lost', 'missing'],
    ['an input that there isn’t', link(filters[0], 'kept', reducer, 'gone'), 'accepts.gone', 'missing'],
    ['words, and sales', link(mappersOfWords[1], 'to_reducer', reducer, 'kept'), 'accepts.kept', 'expected struct, found enum'],
  ]
  await Promise.all(
    misfits.map(async ([what, ends, path, why]) => {
      expect(`${what}: the node’s verdict`, await check(ends), { fits: false, path, why })
      const transaction = await sent(what, () => calls.connect(ends))
      const { owner, misfit } = eventOf(transaction, 'composition', 'Refused').data
      expect(`${what}: who is refused`, u8aToHex(owner.toU8a()), composer.address.account)
      expect(`${what}: the path`, misfit.path.toString(), path)
      expect(`${what}: why`, whyOf(misfit.why), why)
      expect(`${what}: whether it is connected too`, eventOf(transaction, 'composition', 'Connected'), undefined)
    }),
  )
  const unknown = link(unannounced, 'priced', filters[0], 'priced')
  const unknownHere = { fits: false, path: 'from', why: 'no interface is known here' }
  expect('an actor that was not announced: the node’s verdict', await check(unknown), unknownHere)
  await Promise.all([
    refused('an actor that was not announced', 'UnknownSender', () => calls.connect(unknown)),
    refused('an account without code', 'UnknownRecipient', () => calls.connect(link(filters[0], 'kept', composer.address, 'kept'))),
    refused('a name that isn’t one', 'BadName', () => calls.connect(link(filters[0], 'a b', reducer, 'kept'))),
    refused('the same connection again', 'AlreadyConnected', () => calls.connect(connections[0].ends)),
  ])
  const connected = await purse()
  const forConnections = connections.reduce((sum, { deposit }) => sum + deposit, 0n)
  expect('what is held for connections', noos(connected.held.Connection), noos(forConnections))
  expect('what is left', noos(connected.free), noos(start.free - forConnections))
  expect('connections on record', connected.connections, fitting.length)

  say('declaring three pipelines, and some that cannot run')
  const map = (replicas, input, output) => ({ role: 'Map', replicas, input, output })
  const reduce = (key, replicas, input, output) => ({ role: { Reduce: { key } }, replicas, input, output })
  const mapping = map(mappers, 'sale', 'priced')
  const filtering = { role: 'Filter', replicas: filters, input: 'priced', output: 'kept' }
  const stages = {
    words: [map(mappersOfWords, 'mapper', 'to_reducer'), reduce(null, [counter], 'reducer', 'total')],
    sales: [mapping, filtering, reduce('shop', [reducer], 'kept', 'sum')],
    shares: [reduce('shop', shares, 'kept', 'sum')],
  }
  const declared = await Promise.all(
    Object.entries(stages).map(async ([name, stages]) => {
      const id = eventOf(await sent(name, () => calls.declare({ stages })), 'composition', 'Declared').data.pipeline
      const record = (await records.pipelines(id)).unwrap()
      const deposit = depositOf(name, record, 2)
      const found = await home.rpc('composition_pipeline', id.toHex())
      const roles = found.stages.map(({ role, replicas }) => [typeof role === 'string' ? role : Object.keys(role)[0], replicas.length])
      const expectedRoles = stages.map(({ role, replicas }) => [(role.Reduce ? 'reduce' : role).toLowerCase(), replicas.length])
      expect(`${name}: its stages by the node`, roles, expectedRoles)
      expect(`${name}: what else the node says`, [found.deposit, found.runs, found.current], [`${deposit}`, 0, true])
      return [name, { id: id.toHex(), deposit }]
    }),
  )
  const pipelines = Object.fromEntries(declared)
  const unfit = [
    ['a stage that doesn’t fit', [mapping, filtering, reduce('shop', [narrow], 'kept', 'sum')], 'stages[2]', NARROWER.join(': ')],
    ['a replica unlike the first', [reduce('shop', [shares[0], narrow], 'kept', 'sum')], 'stages[0].replicas[1]', NARROWER.join(': ')],
    ['a replica that was not announced', [map([mappers[0], unannounced], 'sale', 'priced')], 'stages[0].replicas[1]', 'Unknown'],
    ['an actor in two places', [mapping, map([mappers[1]], 'sale', 'priced')], 'stages[1].replicas[0]', 'Repeated'],
    ['a key that is no field', [reduce('price_units', shares, 'kept', 'sum')], 'stages[0].key', 'NoKey'],
    ['several actors for one result', [reduce(null, shares, 'kept', 'sum')], 'stages[0].replicas', 'NotOne'],
    ['a filter that makes something else', [{ ...map([mappersOfWords[0]], 'mapper', 'to_reducer'), role: 'Filter' }], 'stages[0]',
      'accepts.mapper.Count: expected the name Count, found Start'],
    ['no stages', [], 'stages', 'Empty'],
  ]
  const unfitting = async (what, stages, path, why) => {
    const { error } = eventOf(await sent(what, () => calls.declare({ stages })), 'composition', 'PipelineRefused').data
    expect(`${what}: the path`, error.path.toString(), path)
    const fault = error.why.isMisfit ? `${error.why.asMisfit.path}: ${whyOf(error.why.asMisfit.why)}` : error.why.type
    expect(`${what}: why`, fault, why)
  }
  await Promise.all(unfit.map((given) => unfitting(...given)))
  await refused('the same pipeline again', 'AlreadyDeclared', () => calls.declare({ stages: stages.sales }))
  const composed = await purse()
  const forPipelines = Object.values(pipelines).reduce((sum, { deposit }) => sum + deposit, 0n)
  expect('what is held for pipelines', noos(composed.held.Pipeline), noos(forPipelines))
  expect('what is left', noos(composed.free), noos(connected.free - forPipelines))
  expect('pipelines on record', composed.pipelines, declared.length)

  say(`running them: ${pieces.length} chunks of text, ${BATCHES.join(' and ')} sales, ${SHARED} sales by their keys`)
  const random = generator(1)
  const sales = (n) => Array.from({ length: n }, (_, i) => ({ shop: SHOPS[i % SHOPS.length], units: BigInt(Math.floor(random() * 1e9)) }))
  /** Runs a batch; returns its messages, each with the place among the first stage's actors that the rules say. */
  const run = async (name, number, batch, gas, placed) => {
    const what = `run ${number} of ${name}`
    const transaction = await sent(what, () => calls.run(pipelines[name].id, batch, 0n, gas))
    const ran = eventOf(transaction, 'composition', 'Ran').data
    expect(`${what}: its number`, ran.run.toNumber(), number)
    const calledTo = transaction.events
      .filter(({ section, method }) => section === 'actors' && method === 'Called')
      .map(({ data: { id, to } }) => [messageKey(HOME, id), plain(to)])
    const { replicas } = stages[name][0]
    expect(`${what}: whom it goes to`, calledTo, [...ran.items].map((id, i) => [messageKey(HOME, id), replicas[placed(i)]]))
    return Promise.all([...ran.items].map((id, i) => network.arrived(`item ${i} of ${what}`, HOME, id)))
  }
  const inTurn = (from, places) => (i) => (from + i) % places
  const batches = BATCHES.map(sales)
  const shared = sales(SHARED)
  const places = shared.map(({ shop }) => placeOf(u32(shop), shares.length))
  expect('whether each reducer has a shop', new Set(places).size, shares.length)
  const chunkOf = (piece, chunk) => ({ key: '0x', body: words.Mapper.encode('Count', { reducer: counter, chunk, text: u8aToHex(piece) }) })
  const [wordsRun, salesRun, sharesRun] = await Promise.all([
    run('words', 0, pieces.map(chunkOf), MAX_GAS, inTurn(0, 3)),
    // The second one begins with the actor whose turn it is.
    run('sales', 0, batches[0].map(saleOf), HOPS_GAS, inTurn(0, 3)).then(async (first) => [
      ...first,
      ...(await run('sales', 1, batches[1].map(saleOf), HOPS_GAS, inTurn(BATCHES[0], 3))),
    ]),
    run('shares', 0, shared.map(saleOf), HOPS_GAS, (i) => places[i]),
  ])
  expect('how often sales ran', (await home.rpc('composition_pipeline', pipelines.sales.id)).runs, 2)

  say('comparing what became of each message, and what the reducers have')
  const way = (messages) => messages.map(({ chain, account, outcome }) => `${outcome.state} by ${account} on chain ${chain}`)
  const by = (actor, state = 'handled') => `${state} by ${actor.account} on chain ${actor.chain}`
  const credited = by(composer.address, 'credited')
  let totals = 0
  wordsRun.forEach((messages, i) => {
    const total = messages.length > 2 ? [credited] : []
    totals += total.length
    expect(`the way of chunk ${i}`, way(messages), [by(mappersOfWords[i % 3]), by(counter), ...total])
  })
  expect('how often the total of words was told', totals, 1)
  const wrong = difference(await wordCounts(network, counter), expectedWords)
  if (wrong) throw new Error(`words: ${wrong}`)
  const [progress] = await network.stored(HOME, counter.account, [itemKey('progress')])
  expect('chunks that were counted', decodeStored('Progress', progress).chunks.toNumber(), pieces.length)

  const all = batches.flat().map(priced)
  all.forEach((sale, i) => {
    const turn = i % 3
    const rest = isKept(sale) ? [by(reducer), credited] : []
    expect(`the way of sale ${i}`, way(salesRun[i]), [by(mappers[turn]), by(filterOf(turn)), ...rest])
  })
  const kept = all.filter(isKept)
  expect('whether the filter passes some, not all', kept.length > 0 && kept.length < all.length, true)
  sharesRun.forEach((messages, i) => expect(`the way of shared sale ${i}`, way(messages), [by(shares[places[i]]), credited]))
  const sums = async ({ chain, account }) => {
    const found = await network.stored(chain, account, SHOPS.map((shop) => u8aToHex(u32(shop))))
    return SHOPS.map((_, i) => (found[i] ? Buffer.from(found[i]).readBigUInt64LE() : null))
  }
  const expectedSums = (sales) => SHOPS.map((shop) => sumOf(sales).get(shop) ?? null)
  expect('the sums of sales', await sums(reducer), expectedSums(kept))
  for (const [place, share] of shares.entries()) {
    expect(`the sums of share ${place}`, await sums(share), expectedSums(shared.filter((_, i) => places[i] === place)))
  }
  // The node's answers may be ahead of the blocks that were read here.
  const { number } = await home.final()
  await network.feed(HOME).wait('its final blocks', 60_000, () => network.feed(HOME).next > number)
  const heard = [...network.feed(HOME).blocks.values()].flatMap(({ events }) => events).filter(
    ({ section, method, data }) =>
      section === 'actors' && method === 'Received' && u8aToHex(data.to.toU8a()) === composer.address.account &&
      u8aToHex(data.from.account.toU8a()) === reducer.account,
  )
  expect('sums that the composer hears', heard.length, kept.length)
  const lastHeard = new Map(heard.map(({ data }) => {
    const bytes = Buffer.from(hexToU8a(data.body.toHex()))
    return [bytes.readUInt32LE(0), bytes.readBigUInt64LE(4)]
  }))
  expect('the last ones of each shop', SHOPS.map((shop) => lastHeard.get(shop) ?? null), expectedSums(kept))

  say('changing the code of an actor in a pipeline')
  const [, changed] = mappers
  const current = async () => (await home.rpc('composition_pipeline', pipelines.sales.id)).current
  const become = await two.send('a change of code', () => message(two.chain, changed, INTERFACES.mapper.encodeAs('change', codes.filter)))
  await network.handled('a change of code', two.called(become)[0], 2)
  expect('the code of an actor that has changed it', await codeOf(changed), codes.filter)
  expect('whether the pipeline is current before that is announced', await current(), true)
  await announce(changed)
  await until('the announced change', 120_000, async () => (await known(changed)).code === codes.filter)
  expect('whether the pipeline is current after that', await current(), false)
  const runAgain = () => calls.run(pipelines.sales.id, batches[0].map(saleOf), 0n, HOPS_GAS)
  await refused('a run of a pipeline of which an actor has changed', 'Changed', runAgain)
  expect('how often sales ran', (await home.rpc('composition_pipeline', pipelines.sales.id)).runs, 2)
  expect('the verdict on a connection of that actor', await check(connections[0].ends), { fits: false, path: 'emits.priced', why: 'missing' })
  await unfitting('the pipeline with the changed actor', stages.sales, 'stages[0].replicas[1]', 'accepts.sale: missing')

  say('taking everything off record')
  const stranger = founders.get(HOME)
  await Promise.all([
    refused('a stranger’s disconnecting', 'NotOwner', () => calls.disconnect(connections[0].id), stranger),
    refused('a stranger’s withdrawing', 'NotOwner', () => calls.withdraw(pipelines.sales.id), stranger),
    refused('a run of nothing', 'EmptyBatch', () => calls.run(pipelines.sales.id, [], 0n, HOPS_GAS)),
  ])
  const before = await purse()
  expect('what runs have cost', noos(before.free), noos(composed.free))
  await Promise.all([
    ...connections.map(({ id }) => sent('disconnect', () => calls.disconnect(id))),
    ...Object.values(pipelines).map(({ id }) => sent('withdraw', () => calls.withdraw(id))),
  ])
  const after = await purse()
  expect('what is held in the end', after.held, { Connection: 0n, Pipeline: 0n })
  expect('what the composer has again', noos(after.free), noos(start.free))
  expect('what is on record', after.connections + after.pipelines, 0)
  for (const { id } of connections) expect('a connection that was removed', (await records.connections(id)).isNone, true)
  for (const { id } of Object.values(pipelines)) {
    expect('a withdrawn pipeline, by the node', await home.rpc('composition_pipeline', id), null)
  }
  await Promise.all([
    refused('a run of a withdrawn pipeline', 'UnknownPipeline', runAgain),
    refused('withdrawing again', 'UnknownPipeline', () => calls.withdraw(pipelines.sales.id)),
    refused('disconnecting again', 'UnknownConnection', () => calls.disconnect(connections[0].id)),
  ])
  expect('the sums after a run that is refused', await sums(reducer), expectedSums(kept))

  await network.settled()
  await network.audit()
  const { checked } = await conservation.finish()
  say(`${fitting.length} connections and ${misfits.length} misfits; ${declared.length} pipelines and ${unfit.length} that cannot run; ` +
    `${expectedWords.size} words and ${kept.length} of ${all.length} sales as computed; conservation held at ${checked} root blocks`)
}

/** An address of the chain's types as the stories have it. */
const plain = ({ chain, account }) => ({ chain: chain.toNumber(), account: u8aToHex(account.toU8a()) })

/** Why something doesn't fit, in the words of the node. */
function whyOf(why) {
  if (why.isMissing) return 'missing'
  if (why.isName) return `expected the name ${why.asName.expected}, found ${why.asName.found}`
  if (why.isKind) return `expected ${why.asKind.expected}, found ${why.asKind.found}`
  return why.type
}

main(3, story)
