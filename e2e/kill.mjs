// Kills the embedded development network with SIGKILL at random moments under load, and checks after each restart
// that no final block is lost or replaced, that every chain goes on, that no view has two blocks, and at the end that
// no value was created or lost, that every transfer arrived once, and that no chain's vote journal has contradictory votes.
//
// usage: node kill.mjs --binary <asterism> [--votes <votes>] [--kills <n>] [--port <first rpc port>]
//                      [--p2p <first p2p port>] [--seed <n>]
//
// <votes> checks vote journals: the example `votes` of asterism-consensus, by default where cargo builds it beside <asterism>.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Chain, NOOS, keyring, noos, sleep } from './network.mjs'

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    votes: { type: 'string' },
    kills: { type: 'string', default: '5' },
    port: { type: 'string', default: '19944' },
    p2p: { type: 'string', default: '40333' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
if (!values.binary) {
  console.error('kill.mjs: --binary: expected the path of asterism')
  process.exit(2)
}
const votes = values.votes ?? join(dirname(values.binary), 'examples', 'votes')
if (!existsSync(votes)) {
  console.error(`kill.mjs: --votes: expected the example votes of asterism-consensus, got ${votes}, which isn't there`)
  process.exit(2)
}
const kills = Number(values.kills)
const port = Number(values.port)
const names = ['root chain', 'chain 1', 'chain 2']
console.log(`${kills} kills, seed ${values.seed}`)

// A small generator, so that a failing sequence of moments can be repeated.
let state = Number(values.seed) >>> 0
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32
}

const folder = mkdtempSync(join(tmpdir(), 'asterism-kill-'))
const log = openSync(join(folder, 'log'), 'a')
let node
const start = () => {
  const args = ['--dev', '--base-path', join(folder, 'data'), '--rpc-port', port, '--port', values.p2p, '--no-prometheus']
  node = spawn(values.binary, args.map(String), { stdio: ['ignore', log, log] })
}
const kill = () =>
  new Promise((resolve) => {
    node.once('exit', resolve)
    node.kill('SIGKILL')
  })
process.on('exit', () => node?.kill('SIGKILL'))

/** One JSON-RPC call, by HTTP: it needs no connection that a kill would break. */
async function rpc(chain, method, ...params) {
  const answer = await fetch(`http://127.0.0.1:${port + chain}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(5_000),
  })
  const { result, error } = await answer.json()
  if (error) throw new Error(`${names[chain]}: ${method}: ${error.message}`)
  return result
}

async function final(chain) {
  const hash = await rpc(chain, 'chain_getFinalizedHead')
  const header = await rpc(chain, 'chain_getHeader', hash)
  return { hash, number: Number(header.number) }
}

async function until(what, attempt, seconds = 90) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    if (node.exitCode !== null) throw new Error(`${what}: the node has stopped with code ${node.exitCode}, see ${folder}/log`)
    const value = await attempt().catch(() => undefined)
    if (value) return value
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s, see ${folder}/log`)
    await sleep(100)
  }
}

const account = await keyring()
const [alice, bob] = [account('//Alice'), account('//Bob')]
const seen = names.map(() => new Map())
let sent = 0

/** Transfers as fast as one after the other goes, until the node is gone. */
async function load(stop) {
  let chain
  try {
    chain = await Chain.connect('chain 1', `ws://127.0.0.1:${port + 1}`)
    let nonce = await rpc(1, 'system_accountNextIndex', alice.address)
    while (!stop.now) {
      const call = chain.api.tx.actors.transfer({ chain: 2, account: bob.address }, NOOS)
      await call.signAndSend(alice, { nonce: nonce++ })
      await sleep(100)
    }
  } catch {
    // The node was killed under it: what was not included is not counted.
  } finally {
    chain?.provider.disconnect().catch(() => {})
  }
}

async function observe() {
  for (const chain of names.keys()) {
    const head = await final(chain)
    seen[chain].set(head.number, head.hash)
  }
}

const began = Date.now()
start()
for (let round = 0; round <= kills; round++) {
  const before = seen.map((blocks) => Math.max(0, ...blocks.keys()))
  for (const chain of names.keys()) {
    const head = await until(`${names[chain]} goes on after kill ${round}`, async () => {
      const head = await final(chain)
      return head.number > before[chain] && head
    })
    for (const [number, hash] of seen[chain]) {
      const now = await rpc(chain, 'chain_getBlockHash', number)
      if (now !== hash) throw new Error(`${names[chain]}: final block ${number} was ${hash}, is ${now} after kill ${round}`)
    }
    seen[chain].set(head.number, head.hash)
  }
  if (round === kills) break
  const stop = { now: false }
  const running = load(stop)
  const moment = 500 + random() * 3_000
  const end = Date.now() + moment
  while (Date.now() < end) {
    await observe().catch(() => {})
    await sleep(50)
  }
  stop.now = true
  await kill()
  await running
  start()
  if ((round + 1) % 5 === 0) {
    const heights = seen.map((blocks) => Math.max(...blocks.keys())).join(', ')
    console.log(`${round + 1} kills, ${Math.round((Date.now() - began) / 1000)} s, final blocks ${heights}`)
  }
}

// Each view has one block: walk the final chain, whose headers name their rounds.
for (const chain of names.keys()) {
  const head = await final(chain)
  let last = Infinity
  for (let hash = head.hash, number = head.number; number > 0; number--) {
    const header = await rpc(chain, 'chain_getHeader', hash)
    // A pre-runtime digest item is 0x06, the engine's id "smpx", a length, and the round: epoch and view, 64 bits each.
    const item = header.digest.logs.find((log) => log.startsWith('0x06736d7078'))
    const view = Number(Buffer.from(item.slice(-16), 'hex').readBigUInt64LE())
    if (view >= last) throw new Error(`${names[chain]}: block ${number} is of view ${view}, its child of view ${last}`)
    last = view
    hash = header.parentHash
  }
  const evidence = await rpc(chain, 'consensus_evidence')
  if (evidence.length) throw new Error(`${names[chain]}: contradictory votes: ${JSON.stringify(evidence)}`)
}

// Every transfer that was included has arrived, once.
const [one, two] = await Promise.all([1, 2].map((i) => Chain.connect(`chain ${i}`, `ws://127.0.0.1:${port + i}`)))
sent = BigInt(await rpc(1, 'system_accountNextIndex', alice.address))
await until('all transfers arrive', async () => (await two.balance(bob.address)) === 1_000_000n * NOOS + sent * NOOS)
const rest = await one.balance(alice.address)
if (rest !== (1_000_000n - sent) * NOOS) throw new Error(`Alice has ${noos(rest)} after ${sent} transfers`)
await Promise.all([one.disconnect(), two.disconnect()])
await kill()

// What was signed, as against what came of it: no journal holds two votes that contradict each other.
const chains = join(folder, 'data', 'chains')
const journals = readdirSync(chains).map((id) => join(chains, id, 'consensus')).filter(existsSync)
if (journals.length !== names.length) throw new Error(`expected ${names.length} vote journals in ${chains}, got ${journals.length}`)
for (const journal of journals) {
  const { status, signal, error } = spawnSync(votes, [journal], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${votes} ${journal}: ${error ?? signal ?? `exit code ${status}`}`)
}
rmSync(folder, { recursive: true })
console.log(`${kills} kills in ${Math.round((Date.now() - began) / 1000)} s: no final block lost, no view twice, no contradictory votes, ${sent} transfers arrived once`)
process.exit(0)
