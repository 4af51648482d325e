// Checks on a running network that nothing is created and nothing is lost: at a final root block, the balances of all
// transaction chains, each at its newest block on record there, plus the value in flight are the issuance of genesis;
// and each chain's state holds exactly what the root chain says it holds.
//
// usage: node conservation.mjs [--blocks <n>] [--root <url>] [--chain <url>]…

import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Chain, endpoints, noos, sleep } from './network.mjs'

const NATIVE = 0

const sum = (amounts) => amounts.reduce((total, amount) => total + amount, 0n)

/** The issuance of the native currency on a chain at one of its blocks. */
async function issuance(chain, hash) {
  const amounts = await chain.call('ChainApi_issuance', 'Vec<(u32, u128)>', hash)
  return sum(amounts.filter(([currency]) => currency.toNumber() === NATIVE).map(([, amount]) => amount.toBigInt()))
}

/**
 * Checks one final root block. `chains` are the transaction chains by id. Throws with the figures if it doesn't hold.
 */
export async function check(root, chains, { number, hash }) {
  const [ids, holdings, flights] = await Promise.all([
    root.call('RootApi_chains', 'Vec<u32>', hash),
    root.call('RootApi_holdings', 'Vec<(u32, u32, u128)>', hash),
    root.call('RootApi_in_flight', 'Vec<(u32, u32, u32, u128)>', hash),
  ])
  const held = new Map()
  for (const [id, currency, amount] of holdings) {
    if (currency.toNumber() === NATIVE) held.set(id.toNumber(), (held.get(id.toNumber()) ?? 0n) + amount.toBigInt())
  }
  const flying = sum(
    flights.filter(([, , currency]) => currency.toNumber() === NATIVE).map(([, , , amount]) => amount.toBigInt()),
  )

  let [balances, genesis] = [0n, 0n]
  for (const id of ids.map((id) => id.toNumber())) {
    const chain = chains.get(id)
    if (!chain) throw new Error(`chain ${id} is on record, but there is no endpoint of it: give one more --chain`)
    const argument = chain.api.registry.createType('u32', id).toHex(true)
    // Option<ChainRecord>: genesis, parameters (block interval, epoch length, committee size), epoch, head.
    const record = await root.call('RootApi_chain', 'Option<(H256, (u32, u32, u32), u64, (u32, H256))>', hash, argument)
    const [first, , , [head, headHash]] = record.unwrap()
    const [now, then] = [await issuance(chain, headHash.toString()), await issuance(chain, first.toString())]
    if (now !== (held.get(id) ?? 0n)) {
      throw new Error(
        `root block ${number}: chain ${id} has ${noos(now)} at its block ${head}, the root chain says ` +
          `${noos(held.get(id) ?? 0n)}`,
      )
    }
    balances += now
    genesis += then
  }
  if (balances + flying !== genesis) {
    throw new Error(
      `root block ${number}: balances ${noos(balances)} + in flight ${noos(flying)} = ${noos(balances + flying)}, ` +
        `but the issuance of genesis is ${noos(genesis)}`,
    )
  }
  return { number, balances, flying, genesis }
}

/** Checks each final root block from now on, until `done()`, or so many. */
export async function watch(root, chains, { blocks = Infinity, done = () => false, report = () => {} }) {
  let next = (await root.final()).number
  let checked = 0
  while (checked < blocks) {
    const final = await root.final()
    for (; next <= final.number && checked < blocks; next++, checked++) {
      const hash = (await root.api.rpc.chain.getBlockHash(next)).toString()
      report(await check(root, chains, { number: next, hash }))
    }
    if (done()) break
    await sleep(100)
  }
  return checked
}

/** Connects to endpoints and asks each chain for its id. */
export async function connectAll(urls) {
  const connected = await Promise.all(urls.map((url) => Chain.connect(url, url)))
  const chains = new Map()
  for (const chain of connected) {
    const id = await chain.chainId()
    chain.name = id === 0 ? 'root chain' : `chain ${id}`
    chains.set(id, chain)
  }
  return chains
}

async function main() {
  const { values } = parseArgs({
    options: {
      blocks: { type: 'string', default: '10' },
      root: { type: 'string', default: endpoints.root },
      chain: { type: 'string', multiple: true, default: Object.values(endpoints.chains) },
    },
  })
  const blocks = Number(values.blocks)
  if (!Number.isInteger(blocks) || blocks < 1) throw new Error(`--blocks: expected a number from 1, got ${values.blocks}`)
  const root = await Chain.connect('root chain', values.root)
  const chains = await connectAll(values.chain)
  const report = ({ number, balances, flying, genesis }) =>
    console.log(`root block ${number}: ${noos(balances)} + ${noos(flying)} in flight = ${noos(genesis)}`)
  await watch(root, chains, { blocks, report })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(`error: ${error.message}`)
      process.exit(1)
    },
  )
}
