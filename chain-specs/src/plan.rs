//! Reads and checks a network file: from text to a [`Plan`].

use crate::{
	error::{block_interval_range, shown, Error, Problem},
	reader::{string, Reader},
	Derive, DECIMALS, EXISTENTIAL_DEPOSIT, SS58_PREFIX,
};
use asterism_primitives::{
	committee::{BlsPublic, Committee, CommitteeError, Member, MemberId, BLS_PUBLIC_LEN},
	keys::{NodeKeys, SortitionPublic},
	AccountId, Balance, ChainId, ChainParameters,
};
use polkadot_sdk::{
	sc_chain_spec::ChainType, sc_network::config::MultiaddrWithPeerId, sc_telemetry::TelemetryEndpoints,
	sp_core::crypto::Ss58Codec,
};
use std::{
	collections::{btree_map::Entry, BTreeMap},
	fs,
	path::Path,
};
use toml::Value;

/// A network file, checked: what chain specs are made from.
#[derive(Clone, Debug)]
pub struct Plan {
	/// The name that people see.
	pub name: String,
	/// What the ids of the specs begin with: `<id>-root`, `<id>-1`, ….
	pub id: String,
	/// Development, local or live.
	pub chain_type: ChainType,
	/// Where nodes report to, if anywhere.
	pub telemetry: Option<TelemetryEndpoints>,
	/// The account that may do everything on the root chain, if any.
	pub sudo: Option<AccountId>,
	/// All chains; the root chain is [`ChainId::ROOT`].
	pub chains: BTreeMap<ChainId, ChainPlan>,
	/// The nodes that may be elected from the start.
	pub nodes: Vec<NodePlan>,
}

/// What a network file says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
	/// Its operator's account.
	pub operator: AccountId,
	/// Its keys.
	pub keys: NodeKeys,
	/// Its stake in units.
	pub stake: Balance,
}

/// What a network file says of one chain.
#[derive(Clone, Debug)]
pub struct ChainPlan {
	/// The name that people see.
	pub name: String,
	/// Its parameters.
	pub parameters: ChainParameters,
	/// Its committee in epoch 0.
	pub committee: Committee,
	/// What accounts hold at genesis, in units.
	pub accounts: BTreeMap<AccountId, Balance>,
	/// Nodes to connect to first.
	pub boot_nodes: Vec<MultiaddrWithPeerId>,
}

/// The most characters of a name.
const MAX_NAME: usize = 64;
/// The most characters of a network's id: spec ids become names of folders and p2p protocols.
const MAX_ID: usize = 32;

/// The most transaction chains, as the root runtime allows them.
const MAX_CHAINS: usize = 1024;

const TOP_FIELDS: &[&str] = &["name", "id", "type", "telemetry", "root", "chains", "nodes"];
const ROOT_FIELDS: &[&str] = &[
	"name",
	"block_interval",
	"sudo",
	"bootnodes",
	"committee",
	"accounts",
];
const CHAIN_FIELDS: &[&str] = &[
	"id",
	"name",
	"block_interval",
	"bootnodes",
	"committee",
	"accounts",
];
const MEMBER_FIELDS: &[&str] = &["id", "key"];
const NODE_FIELDS: &[&str] = &["operator", "identity", "sortition", "consensus", "stake"];
const SEED_NODE_FIELDS: &[&str] = &["seed", "stake"];
const TELEMETRY_FIELDS: &[&str] = &["url", "verbosity"];
const TYPES: &[&str] = &["development", "local", "live"];

const EXPECTED_NAME: &str = "a name of 1 to 64 printable characters";
const EXPECTED_ID: &str = "an id of 1 to 32 characters a-z, 0-9 and -, which begins with a letter";

impl Plan {
	/// Reads and checks a network file.
	///
	/// # Errors
	/// [`Error::File`] and those of [`Plan::parse`].
	pub fn read(path: &Path, derive: Derive<'_>) -> Result<Self, Error> {
		let text = fs::read_to_string(path).map_err(|reason| Error::File {
			path: path.into(),
			reason,
		})?;
		Self::parse(&text, derive)
	}

	/// Checks the text of a network file. `derive` makes the keys of development seeds.
	///
	/// # Errors
	/// [`Error::Syntax`], or the first [`Error::Field`].
	pub fn parse(text: &str, derive: Derive<'_>) -> Result<Self, Error> {
		let table: toml::Table = toml::from_str(text).map_err(|e| Error::Syntax {
			reason: e.to_string(),
		})?;
		let mut top = Reader::new("", table, TOP_FIELDS)?;

		let name = check_name(&top.at("name"), top.string("name", EXPECTED_NAME)?)?;
		let id = check_id(&top.at("id"), top.string("id", EXPECTED_ID)?)?;
		let chain_type = match top
			.string("type", "\"development\", \"local\" or \"live\"")?
			.as_str()
		{
			"development" => ChainType::Development,
			"local" => ChainType::Local,
			"live" => ChainType::Live,
			other => {
				return Err(Error::field(
					"type",
					Problem::Choice {
						expected: TYPES,
						got: shown(other),
					},
				))
			}
		};
		let keys = Keys {
			derive,
			seeds: chain_type != ChainType::Live,
		};
		let telemetry = read_telemetry(&mut top)?;

		let root = top.required("root", "a table [root]")?;
		let mut root = Reader::of("root", root, ROOT_FIELDS)?;
		let sudo = root
			.optional_string("sudo", "an account")?
			.map(|text| keys.account(&root.at("sudo"), &text))
			.transpose()?;
		let mut chains = BTreeMap::new();
		chains.insert(
			ChainId::ROOT,
			read_chain(&mut root, format!("{name} Root"), &keys)?,
		);

		let mut places: BTreeMap<ChainId, String> = BTreeMap::new();
		let entries = top.elements("chains", "an array of tables [[chains]]")?;
		if entries.is_empty() {
			return Err(Error::field(
				"chains",
				Problem::Missing {
					expected: "at least one table [[chains]]",
				},
			));
		}
		if entries.len() > MAX_CHAINS {
			return Err(Error::field(
				"chains",
				Problem::TooMany {
					max: MAX_CHAINS,
					got: entries.len(),
				},
			));
		}
		for (path, value) in entries {
			let mut reader = Reader::of(&path, value, CHAIN_FIELDS)?;
			let place = reader.at("id");
			let chain = read_chain_id(&place, &mut reader)?;
			match places.entry(chain) {
				Entry::Occupied(first) => {
					return Err(Error::field(
						place,
						Problem::Duplicate {
							first: first.get().clone(),
						},
					));
				}
				Entry::Vacant(free) => free.insert(place),
			};
			chains.insert(chain, read_chain(&mut reader, format!("{name} {chain}"), &keys)?);
		}
		Ok(Plan {
			name,
			id,
			chain_type,
			telemetry,
			sudo,
			nodes: read_nodes(
				&mut top,
				&keys,
				chains.get(&ChainId::ROOT).map(|root| &root.accounts),
			)?,
			chains,
		})
	}

	/// The id of a chain's spec.
	pub fn spec_id(&self, chain: ChainId) -> String {
		if chain.is_root() {
			format!("{}-root", self.id)
		} else {
			format!("{}-{chain}", self.id)
		}
	}
}

fn read_chain_id(place: &str, reader: &mut Reader) -> Result<ChainId, Error> {
	let number = reader.integer("id", "the chain's number, from 1")?;
	match u32::try_from(number) {
		Ok(id) if id > 0 => Ok(ChainId(id)),
		_ => Err(Error::field(
			place,
			Problem::Range {
				min: 1,
				max: u32::MAX.into(),
				got: number,
			},
		)),
	}
}

/// Reads the fields that the root chain and transaction chains share.
fn read_chain(reader: &mut Reader, default_name: String, keys: &Keys<'_>) -> Result<ChainPlan, Error> {
	let name = match reader.optional_string("name", EXPECTED_NAME)? {
		Some(name) => check_name(&reader.at("name"), name)?,
		None => default_name,
	};
	let parameters = match reader.optional_integer("block_interval", "milliseconds")? {
		None => ChainParameters::default(),
		Some(got) => u32::try_from(got)
			.ok()
			.map(|block_interval| ChainParameters {
				block_interval,
				..Default::default()
			})
			.filter(ChainParameters::is_valid)
			.ok_or_else(|| Error::field(reader.at("block_interval"), block_interval_range(got)))?,
	};
	Ok(ChainPlan {
		name,
		parameters,
		committee: read_committee(reader, keys)?,
		accounts: read_accounts(reader, keys)?,
		boot_nodes: read_boot_nodes(reader)?,
	})
}

fn read_committee(reader: &mut Reader, keys: &Keys<'_>) -> Result<Committee, Error> {
	let mut members: Vec<Member> = Vec::new();
	let mut places: Vec<String> = Vec::new();
	for (path, value) in reader.elements("committee", "an array of members")? {
		let member = match value {
			Value::String(seed) => keys.member(&path, &seed)?,
			table => {
				let mut fields = Reader::of(&path, table, MEMBER_FIELDS)?;
				let id = fields.string("id", "the member's sr25519 authority-discovery key")?;
				let key = fields.string("key", "the member's BLS12-381 public key in hex")?;
				Member {
					id: MemberId(public(&fields.at("id"), &id)?.into()),
					key: bls_public(&fields.at("key"), &key)?,
				}
			}
		};
		// `Committee::new` checks this too, but it doesn't know the places.
		if let Some(i) = members
			.iter()
			.position(|m| m.id == member.id || m.key == member.key)
		{
			return Err(Error::field(
				path,
				Problem::Duplicate {
					first: places[i].clone(),
				},
			));
		}
		members.push(member);
		places.push(path);
	}
	Committee::new(0, members)
		.map_err(|error: CommitteeError| Error::field(reader.at("committee"), Problem::Committee(error)))
}

fn read_accounts(reader: &mut Reader, keys: &Keys<'_>) -> Result<BTreeMap<AccountId, Balance>, Error> {
	let mut accounts = BTreeMap::new();
	let mut places: BTreeMap<AccountId, String> = BTreeMap::new();
	let mut sum: Balance = 0;
	for (path, key, value) in reader.entries("accounts", "a table of accounts and amounts")? {
		let account = keys.account(&path, &key)?;
		let text = string(&path, value, "an amount in quotes such as \"1000.5\"")?;
		let amount = parse_amount(&text)
			.ok_or_else(|| Error::field(path.as_str(), Problem::Amount { got: shown(&text) }))?;
		if amount < EXISTENTIAL_DEPOSIT {
			let problem = Problem::BelowMinimum {
				minimum: EXISTENTIAL_DEPOSIT,
				got: amount,
			};
			return Err(Error::field(path, problem));
		}
		if let Some(first) = places.get(&account) {
			return Err(Error::field(path, Problem::Duplicate { first: first.clone() }));
		}
		sum = sum
			.checked_add(amount)
			// The runtime endows an account of its own beside these.
			.filter(|sum| sum.checked_add(EXISTENTIAL_DEPOSIT).is_some())
			.ok_or_else(|| Error::field(path.as_str(), Problem::SumOverflow))?;
		places.insert(account.clone(), path);
		accounts.insert(account, amount);
	}
	Ok(accounts)
}

/// Reads the nodes, whose operators have their stakes in these accounts.
fn read_nodes(
	top: &mut Reader,
	keys: &Keys<'_>,
	accounts: Option<&BTreeMap<AccountId, Balance>>,
) -> Result<Vec<NodePlan>, Error> {
	let mut nodes: Vec<NodePlan> = Vec::new();
	let mut places: Vec<String> = Vec::new();
	for (path, value) in top.elements("nodes", "an array of tables [[nodes]]")? {
		let node = read_node(&path, value, keys)?;
		let balance = accounts
			.and_then(|accounts| accounts.get(&node.operator))
			.copied()
			.unwrap_or_default();
		let expected = node.stake.saturating_add(EXISTENTIAL_DEPOSIT);
		if balance < expected {
			let problem = Problem::Unbacked {
				expected,
				got: balance,
			};
			return Err(Error::field(path, problem));
		}
		let shared = nodes.iter().position(|other| {
			other.operator == node.operator
				|| other.keys.identity == node.keys.identity
				|| other.keys.sortition == node.keys.sortition
				|| other.keys.consensus == node.keys.consensus
		});
		if let Some(i) = shared {
			return Err(Error::field(
				path,
				Problem::Duplicate {
					first: places[i].clone(),
				},
			));
		}
		nodes.push(node);
		places.push(path);
	}
	Ok(nodes)
}

fn read_node(path: &str, value: Value, keys: &Keys<'_>) -> Result<NodePlan, Error> {
	let seeded = value.get("seed").is_some();
	let known = if seeded { SEED_NODE_FIELDS } else { NODE_FIELDS };
	let mut fields = Reader::of(path, value, known)?;
	let (operator, keys) = if seeded {
		let seed = fields.string("seed", "a development seed")?;
		let member = keys.member(&fields.at("seed"), &seed)?;
		let keys = NodeKeys {
			identity: member.id,
			sortition: SortitionPublic(member.id.0),
			consensus: member.key,
		};
		(AccountId::new(member.id.0), keys)
	} else {
		let operator = fields.string("operator", "the operator's account")?;
		let operator = keys.account(&fields.at("operator"), &operator)?;
		let identity = fields.string("identity", "the node's sr25519 authority-discovery key")?;
		let sortition = fields.string("sortition", "the node's sr25519 sortition key")?;
		let consensus = fields.string("consensus", "the node's BLS12-381 public key in hex")?;
		let keys = NodeKeys {
			identity: MemberId(public(&fields.at("identity"), &identity)?.into()),
			sortition: SortitionPublic(public(&fields.at("sortition"), &sortition)?.into()),
			consensus: bls_public(&fields.at("consensus"), &consensus)?,
		};
		(operator, keys)
	};
	let text = fields.string("stake", "an amount in quotes such as \"1000.5\"")?;
	let stake = parse_amount(&text)
		.ok_or_else(|| Error::field(fields.at("stake"), Problem::Amount { got: shown(&text) }))?;
	let minimum = asterism_root_runtime::MINIMUM_STAKE;
	if stake < minimum {
		return Err(Error::field(
			fields.at("stake"),
			Problem::StakeTooSmall { minimum, got: stake },
		));
	}
	Ok(NodePlan {
		operator,
		keys,
		stake,
	})
}

fn read_boot_nodes(reader: &mut Reader) -> Result<Vec<MultiaddrWithPeerId>, Error> {
	reader
		.elements("bootnodes", "an array of network addresses")?
		.into_iter()
		.map(|(path, value)| {
			let text = string(&path, value, "a network address")?;
			text.parse()
				.map_err(|_| Error::field(path, Problem::Address { got: shown(&text) }))
		})
		.collect()
}

fn read_telemetry(top: &mut Reader) -> Result<Option<TelemetryEndpoints>, Error> {
	let mut servers = Vec::new();
	for (path, value) in top.elements("telemetry", "an array of tables { url, verbosity }")? {
		let mut fields = Reader::of(&path, value, TELEMETRY_FIELDS)?;
		let url = fields.string("url", "the URL of a telemetry server")?;
		let verbosity = fields.optional_integer("verbosity", "0 to 9")?.unwrap_or(0);
		let verbosity = u8::try_from(verbosity).ok().filter(|v| *v <= 9).ok_or_else(|| {
			Error::field(
				fields.at("verbosity"),
				Problem::Range {
					min: 0,
					max: 9,
					got: verbosity,
				},
			)
		})?;
		TelemetryEndpoints::new(vec![(url.clone(), verbosity)])
			.map_err(|_| Error::field(fields.at("url"), Problem::Url { got: shown(&url) }))?;
		servers.push((url, verbosity));
	}
	if servers.is_empty() {
		return Ok(None);
	}
	TelemetryEndpoints::new(servers).map(Some).map_err(|reason| {
		Error::field(
			top.at("telemetry"),
			Problem::Url {
				got: reason.to_string(),
			},
		)
	})
}

fn check_name(path: &str, name: String) -> Result<String, Error> {
	let length = name.chars().count();
	if length == 0 || length > MAX_NAME || name.trim() != name || name.chars().any(char::is_control) {
		return Err(Error::field(
			path,
			Problem::Text {
				expected: EXPECTED_NAME,
				got: shown(&name),
			},
		));
	}
	Ok(name)
}

fn check_id(path: &str, id: String) -> Result<String, Error> {
	let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
	let begins = id.starts_with(|c: char| c.is_ascii_lowercase());
	if !begins || id.len() > MAX_ID || !id.chars().all(allowed) {
		return Err(Error::field(
			path,
			Problem::Text {
				expected: EXPECTED_ID,
				got: shown(&id),
			},
		));
	}
	Ok(id)
}

/// An amount in units: `"1000.5"` and `"1000.5 noOs"` are noOs, `"250 units"` are units. Underscores may group digits.
fn parse_amount(text: &str) -> Option<Balance> {
	let digits = |part: &str| -> Option<String> {
		let plain = part.replace('_', "");
		plain.bytes().all(|b| b.is_ascii_digit()).then_some(plain)
	};
	if let Some(units) = text.strip_suffix(" units") {
		return digits(units)?.parse().ok();
	}
	let text = text.strip_suffix(" noOs").unwrap_or(text);
	let (whole, fraction) = match text.split_once('.') {
		Some((whole, fraction)) => (digits(whole)?, digits(fraction).filter(|f| !f.is_empty())?),
		None => (digits(text)?, String::new()),
	};
	let missing = usize::try_from(DECIMALS).ok()?.checked_sub(fraction.len())?;
	let whole: Balance = whole.parse().ok()?;
	let fraction: Balance = format!("{fraction}{}", "0".repeat(missing)).parse().ok()?;
	whole
		.checked_mul(10u128.checked_pow(DECIMALS)?)?
		.checked_add(fraction)
}

/// A public key of 32 bytes: ss58 or hex.
fn public(path: &str, text: &str) -> Result<AccountId, Error> {
	let wrong = || Error::field(path, Problem::Account { got: shown(text) });
	if let Some(digits) = text.strip_prefix("0x") {
		let bytes = array_bytes::hex2bytes(digits).map_err(|_| wrong())?;
		return AccountId::try_from(bytes.as_slice()).map_err(|()| wrong());
	}
	let (account, format) = AccountId::from_ss58check_with_version(text).map_err(|_| wrong())?;
	let got = u16::from(format);
	if got != SS58_PREFIX {
		return Err(Error::field(path, Problem::Prefix { got }));
	}
	Ok(account)
}

/// A BLS public key in hex, with or without 0x, which must be a point of the right group.
fn bls_public(path: &str, text: &str) -> Result<BlsPublic, Error> {
	let digits = text.strip_prefix("0x").unwrap_or(text);
	if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
		return Err(Error::field(path, Problem::KeyHex));
	}
	let bytes = array_bytes::hex2bytes(digits)
		.ok()
		.filter(|bytes| bytes.len() == BLS_PUBLIC_LEN)
		.ok_or_else(|| {
			Error::field(
				path,
				Problem::KeyLength {
					got: digits.len() / 2,
				},
			)
		})?;
	blst::min_sig::PublicKey::key_validate(&bytes).map_err(|_| Error::field(path, Problem::KeyPoint))?;
	BlsPublic::try_from(bytes.as_slice())
		.map_err(|_| Error::field(path, Problem::KeyLength { got: bytes.len() }))
}

/// Where keys come from that are named and not written out.
struct Keys<'a> {
	derive: Derive<'a>,
	seeds: bool,
}

impl Keys<'_> {
	/// The keys of a development seed.
	fn member(&self, path: &str, seed: &str) -> Result<Member, Error> {
		if !self.seeds {
			return Err(Error::field(path, Problem::SeedInLive));
		}
		if !seed.starts_with("//") {
			let reason = format!("got `{}`", shown(seed));
			return Err(Error::field(path, Problem::Seed { reason }));
		}
		(self.derive)(seed).map_err(|reason| Error::field(path, Problem::Seed { reason }))
	}

	/// An account: ss58, hex, or that of a development seed.
	fn account(&self, path: &str, text: &str) -> Result<AccountId, Error> {
		if text.starts_with("//") {
			return self.member(path, text).map(|member| AccountId::new(member.id.0));
		}
		public(path, text)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_noos_or_units() {
		const NOOS: Balance = 1_000_000_000_000;
		for (text, expected) in [
			("1", Some(NOOS)),
			("1000000", Some(1_000_000 * NOOS)),
			("1_000.5", Some(1_000 * NOOS + NOOS / 2)),
			("0.000000000001", Some(1)),
			("3 noOs", Some(3 * NOOS)),
			("250 units", Some(250)),
			("1_000 units", Some(1_000)),
			("0.0000000000001", None),
			("1.", None),
			(".5", None),
			("", None),
			(" units", None),
			("-1", None),
			("+1", None),
			("1e3", None),
			("1.5 units", None),
			("1 DOT", None),
			(
				"340282366920938463463374607431768211455 units",
				Some(Balance::MAX),
			),
			("340282366920938463463374607431768211456 units", None),
			("340282366920938463463374608", None),
		] {
			assert_eq!(parse_amount(text), expected, "{text}");
		}
	}
}
