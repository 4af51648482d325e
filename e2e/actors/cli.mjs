// `asterism actors` against a running network, as a user calls it: actors, their code, storage and interfaces are read, a call is
// tried out, messages are followed from chain to chain, and what can't be meant is refused.
//
// usage: node cli.mjs
//
// Needs what kitties.mjs needs, and the path of asterism in ASTERISM.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringToHex, u8aToHex } from '@polkadot/util'
import { encodeAddress } from '@polkadot/util-crypto'
import { NOOS, keyring } from '../network.mjs'
import {
  Examples, MAX_GAS, Network, Sender, eventOf, expect, instantiate, main, message, messageKey, say, upload,
} from './client.mjs'
import { encodeStored, itemKey } from './codec.mjs'
import { count } from './rules.mjs'

const TEXT = 'To be, or not to be'
/** An account that nobody has: no key and no code leads to it. */
const NOBODY = `0x${'5a'.repeat(32)}`

const { ASTERISM: binary } = process.env
const { root, chains } = Network.endpoints(3)

/** Calls `asterism actors` with arguments; resolves with its exit code and what it printed. */
const call = (url, ...given) =>
  new Promise((resolve, reject) => {
    execFile(binary, ['actors', '--url', url, ...given], { timeout: 60_000, encoding: 'utf8' }, (error, out, err) => {
      // A code is a number if the process ended by itself.
      if (error && typeof error.code !== 'number') reject(new Error(`${binary} actors ${given.join(' ')}: ${error.message}`))
      else resolve({ code: error?.code ?? 0, out, err })
    })
  })

/** What it prints about a chain, which must be all: it ends well and complains of nothing. */
async function ask(chain, ...given) {
  const { code, out, err } = await call(chains[chain - 1], ...given)
  expect(`asterism actors ${given.join(' ')}: exit code and errors`, { code, err }, { code: 0, err: '' })
  return out
}
const json = async (chain, ...given) => JSON.parse(await ask(chain, ...given, '--json'))

/** Lines of a name and what is there, by name; of those with the same name, the last one. */
const fields = (text) => Object.fromEntries(text.trimEnd().split('\n').map((line) => [line.split(':')[0], line.replace(/^[^:]*:\s*/, '')]))

const ss58 = (account) => encodeAddress(account, 42)

/** Messages as a trace shows them, each a line below the one that caused it. */
function tree(messages) {
  const named = ({ inner, outer }) =>
    inner ? `${inner.chain}:${inner.block}/${inner.index}` : `${outer.source}-${outer.destination}/${outer.nonce}`
  const line = ({ id, account, chain, block, outcome, gasUsed }, depth) => {
    const words = outcome.reason && `: rejected: ${Buffer.from(outcome.reason.rejected.words).toString('utf8')}`
    const where = `to ${ss58(account)} on chain ${chain} in block ${block.number}`
    return `${'  '.repeat(depth)}${named(id)} ${where}: ${outcome.state}${words ?? ''}, gas ${gasUsed}`
  }
  const below = (id, depth) => {
    const found = messages.find((message) => named(message.id) === named(id))
    return [line(found, depth), ...found.children.flatMap((child) => below(child, depth + 1))]
  }
  return below(messages[0].id, 0).map((text) => `${text}\n`).join('')
}

async function story(network) {
  if (!binary) throw new Error('ASTERISM: expected the path of asterism; see scripts/auction')
  const uri = await keyring()
  const [one, two] = [1, 2].map((id) => new Sender(network.feed(id), uri('//Alice')))
  const alice = one.address.account
  const examples = new Examples()
  const types = examples.interfaces('wordcount')

  say('making a mapper of words on chain 2, and a reducer on chain 1')
  const module = examples.code('wordcount_mapper')
  const [mapperCode, reducerCode] = await Promise.all([
    upload(two, module, types.Mapper),
    upload(one, examples.code('wordcount_reducer'), types.Reducer),
  ])
  const { address: mapper } = await instantiate(network, two, mapperCode, '0x', { value: NOOS })
  const before = (await network.chain(1).final()).number
  const start = types.Reducer.encode('Start', { mappers: [mapper], chunks: 1 })
  const { address: reducer, first } = await instantiate(network, one, reducerCode, start, { value: 10n * NOOS })

  say('reading actors, code, storage and interfaces')
  const record = (await two.chain.api.query.actors.actors(mapper.account)).unwrap()
  const sorted = (object) => Object.fromEntries(Object.entries(object).sort())
  const none = { bytes: '0', items: '0', waiting: '0' }
  const shown = { account: ss58(mapper.account), code: mapperCode, deposit: record.deposit.toString(), ...none }
  for (const account of [mapper.account, ss58(mapper.account)]) {
    expect(`show ${account}`, sorted(fields(await ask(2, 'show', account))), sorted(shown))
  }
  const { items, bytes, deposit } = await json(1, 'show', reducer.account)
  const reducers = (await one.chain.api.query.actors.actors(reducer.account)).unwrap()
  expect('show --json', [items, bytes, deposit], [reducers.items.toNumber(), reducers.bytes.toNumber(), reducers.deposit.toString()])
  expect('keys of the reducer: its job', items, 1)

  const code = (await two.chain.api.query.actors.codes(mapperCode)).unwrap()
  const told = fields(await ask(2, 'code', mapperCode))
  expect('code: its length', told.size, String(module.length))
  expect('code: its owner and users', [told.owner, told.users], [code.owner.toString(), code.users.toString()])
  const folder = mkdtempSync(join(tmpdir(), 'asterism-cli-'))
  try {
    const path = join(folder, 'code.wasm')
    await ask(2, 'code', mapperCode, '--output', path)
    expect('code --output: the module', u8aToHex(readFileSync(path)), u8aToHex(module))
  } finally {
    rmSync(folder, { recursive: true })
  }

  const job = encodeStored('(ActorAddress, Vec<ActorAddress>, u32)', [one.address, [mapper], 1])
  expect('storage', await ask(1, 'storage', reducer.account, itemKey('job')), `${job}\n`)
  const nothing = 'nothing on record\n'
  expect('storage: a key without value', await ask(1, 'storage', reducer.account, itemKey('progress')), nothing)
  expect('storage before there was any', await ask(1, 'storage', reducer.account, itemKey('job'), '--at', String(before)), nothing)
  expect('show: an account without code', await ask(1, 'show', NOBODY), nothing)
  expect('code that nobody uploaded', await ask(1, 'code', NOBODY), nothing)

  for (const of of [mapper.account, mapperCode]) {
    const lines = fields(await ask(2, 'interface', of))
    expect(`interface ${of}: code`, lines.code, mapperCode)
    expect(`interface ${of}: messages`, [lines.accepts, lines.emits].map((text) => text.split(' ')[0]), ['mapper', 'to_reducer'])
  }
  expect('interface --json', (await json(1, 'interface', reducer.account)).encoded, types.Reducer.hex)

  say('trying out a call on chain 2')
  const body = types.Mapper.encode('Count', { reducer, chunk: 0, text: stringToHex(TEXT) })
  const counts = [...count(Buffer.from(TEXT))].sort(([a], [b]) => (a < b ? -1 : 1)).map(([word, times]) => [stringToHex(word), times])
  const part = (owner) => types.Reducer.encode('Counts', { owner, chunk: 0, part: 0, parts: 1, counts })
  const { query } = two.chain.api
  const state = async () =>
    (await Promise.all([
      query.system.account(alice), query.actors.actors(mapper.account), query.actors.waits(), query.actors.mailboxes(mapper.account),
      query.messages.outbounds(1),
    ])).map(String)
  const was = await state()
  const dryRun = (gas, ...given) => ['dry-run', '--from', ss58(alice), '--gas', String(gas), ...given]
  const toMapper = (...given) => dryRun(MAX_GAS, '--to', mapper.account, ...given)
  const tried = fields(await ask(2, ...toMapper('--body', body)))
  expect('a dry run: outcome', tried.outcome, 'done')
  const gasUsed = Number(tried['gas used'])
  const [, refTime, proof] = /^(\d+) ps, (\d+) bytes of proof$/.exec(tried.weight) ?? []
  if (!(gasUsed > 5_000 && Number(refTime) > gasUsed && proof !== undefined)) {
    throw new Error(`a dry run: expected gas of a message and its weight, found ${tried['gas used']}, and ${tried.weight}`)
  }
  const sends = /^to (\w+) on chain 1: value 0, gas (\d+), (0x\w+)$/.exec(tried.sends)
  expect('a dry run: what it would send', sends && [sends[1], sends[3]], [ss58(reducer.account), part(two.address)])
  const { messages } = await json(2, ...toMapper('--body', body))
  expect('a dry run in JSON: what it would send', messages, [
    { account: sends[1], body: sends[3], chain: 1, gas: Number(sends[2]), value: '0' },
  ])
  const outcomes = [
    ['with value that it does not take', toMapper('--body', body, '--value', '5'), 'bounced: rejected: this message takes no value'],
    ['without enough gas to load the code', dryRun(1, '--to', mapper.account), 'refused: TooLittleGas'],
    ['of an actor that is to be made', dryRun(MAX_GAS, '--code', mapperCode, '--value', String(NOOS)), 'done'],
    ['of an actor of code that nobody uploaded', dryRun(MAX_GAS, '--code', NOBODY), 'refused: UnknownCode'],
  ]
  for (const [what, given, outcome] of outcomes) {
    const found = fields(await ask(2, ...given))
    // Behind a reason, what went wrong in the code is told in its developer's words.
    expect(`a dry run ${what}: outcome`, found.outcome.slice(0, outcome.length), outcome)
    expect(`a dry run ${what}: what it would send`, found.sends, undefined)
  }
  expect('what dry runs leave', await state(), was)

  say('following messages from chain to chain')
  const send = async (from) => {
    const transaction = await from.send('a chunk', () => message(from.chain, mapper, body, { gas: MAX_GAS }))
    const { id } = eventOf(transaction, 'actors', 'Called').data
    return { id, found: await network.arrived('a chunk', from.feed.id, id) }
  }
  const states = (found) => found.map(({ chain, account, outcome }) => `${outcome.state} by ${account} on chain ${chain}`)
  // Sent on chain 2, it is the very message that was tried out; but the text's owner is on chain 1, so the counts come back.
  const stray = await send(two)
  expect('the way of a chunk of somebody else', states(stray.found), [
    `handled by ${mapper.account} on chain 2`, `failed by ${reducer.account} on chain 1`, `handled by ${mapper.account} on chain 2`,
  ])
  expect('the gas that a message uses, and its dry run', stray.found[0].gasUsed, gasUsed)
  const { block, index } = stray.id.toJSON().inner
  const shownStray = await ask(2, 'trace', `${block}/${index}`)
  expect('trace', shownStray, tree(stray.found))
  expect('trace: why the counts came back', shownStray.includes('failed: rejected: only the owner may send chunks'), true)
  expect('trace at a node of another chain', await ask(1, 'trace', `2:${block}/${index}`), shownStray)
  const own = await send(one)
  expect('the way of a chunk', states(own.found), [
    `handled by ${mapper.account} on chain 2`, `handled by ${reducer.account} on chain 1`, `credited by ${alice} on chain 1`,
  ])
  const { nonce } = own.id.toJSON().outer
  expect('trace', await ask(1, 'trace', `1-2/${nonce}`), tree(own.found))
  const [sent] = own.found
  const processed = await network.outcome(messageKey(1, own.id), 2)
  expect('trace, and the block that processed it', [sent.block.number, sent.gasUsed], [processed.number, Number(processed.gas)])
  const { messages: traced, complete } = await json(3, 'trace', `1-2/${nonce}`)
  expect('trace --json at a node of a third chain', [traced.length, complete], [3, true])
  const limited = (await ask(1, 'trace', `1-2/${nonce}`, '--limit', '2')).split('\n')
  expect('trace --limit', limited.slice(0, 2), tree(own.found).split('\n').slice(0, 2))
  expect('trace --limit: what it leaves out', [limited.length, limited[2].startsWith('There may be more')], [4, true])
  const [, firstBlock, firstIndex] = /^1:(\d+)\.(\d+)$/.exec(first)
  const alone = await ask(1, 'trace', `${firstBlock}/${firstIndex}`)
  expect('trace of a message that caused none', alone.split('\n').length, 2)

  say('asking for what can’t be meant')
  const hex = reducer.account
  const refused = [
    [1, ['show', 'alice'], 1, 'account: expected an account (an SS58 address, or 0x and 64 hex digits), got a string of 5 characters'],
    [1, ['show', ss58(alice).replace(/.$/, 'x')], 1, 'account: expected an account'],
    [1, ['show', hex, '--at', '4000000000'], 1, 'at: this node has no such block'],
    [1, ['show', hex, '--at', 'yesterday'], 1, 'at: expected a block'],
    [1, ['show'], 2, '<ACCOUNT>'],
    [1, ['storage', hex, '0x6a6'], 1, 'key: expected at most 64 bytes (0x and two hex digits for each)'],
    [1, ['storage', hex, 'job'], 1, 'key: expected'],
    [1, ['code', '0x12'], 1, 'hash: expected a hash (0x and 64 hex digits)'],
    [2, ['code', mapperCode, '--output', join(folder, 'nowhere', 'code.wasm')], 1, '--output'],
    [1, ['interface', 'mapper'], 1, 'of: expected the hash of code'],
    [2, toMapper('--body', '0xno'), 1, '--body: expected at most 2048 bytes (0x and two hex digits for each)'],
    [2, toMapper('--body', `0x${'00'.repeat(2049)}`), 1, 'body: expected at most 2048 bytes'],
    [2, toMapper('--value', '-1'), 1, '--value: expected an amount'],
    [2, toMapper('--value', '1.5'), 1, 'value: expected an amount'],
    [2, dryRun(1, '--to', 'bob'), 1, '--to: expected an account'],
    [2, dryRun(1), 2, '--to <ACCOUNT>'],
    [2, toMapper('--code', mapperCode), 2, '--code <HASH>'],
    [2, ['dry-run', '--from', 'alice', '--to', mapper.account, '--gas', '1'], 1, '--from: expected an account'],
    [2, dryRun('much', '--to', mapper.account), 2, '--gas <GAS>'],
    [1, ['trace', '12'], 1, '12: expected a message'],
    [1, ['trace', '1-2/9000000'], 1, 'id: there is no such message'],
    [1, ['trace', '1:4000000000/0'], 1, 'id.inner.block: this block is not final here'],
    [1, ['trace', `1-2/${nonce}`, '--limit', '0'], 1, 'limit: expected an integer from 1 to 1024, got 0'],
    [1, ['tell'], 2, 'tell'],
  ]
  const urls = [
    [root, ['show', hex], 1, `--url ${root}: expected a node of a transaction chain`],
    ['ws://127.0.0.1:1', ['show', hex], 1, '--url ws://127.0.0.1:1: '],
    ['nowhere', ['show', hex], 1, '--url nowhere: '],
  ]
  for (const [where, given, code, words] of [...refused.map(([id, ...rest]) => [chains[id - 1], ...rest]), ...urls]) {
    const found = await call(where, ...given)
    const what = `asterism actors --url ${where} ${given.join(' ').slice(0, 200)}`
    expect(`${what}: exit code`, found.code, code)
    expect(`${what}: output`, found.out, '')
    if (!found.err.includes(words)) throw new Error(`${what}: expected an error with ${words}, found ${found.err}`)
  }
  say(`${refused.length + urls.length} wrong questions, each with its own error`)
}

main(3, story)
