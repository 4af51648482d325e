//! Reads and checks a network file: from text to a [`Plan`].

use crate::{
	error::{block_interval_range, shown, Error, Problem},
	reader::{string, type_name, Reader},
	Cryptography, DECIMALS, EXISTENTIAL_DEPOSIT, SS58_PREFIX,
};
use asterism_committee_size::{is_sufficient, Error as SizeError, Fraction, Parameters, Tolerance};
use asterism_primitives::{
	beacon::{GenesisBeacon, MAX_OUTPUT_BYTES},
	committee::{BlsPublic, Committee, CommitteeError, Member, MemberId, BLS_PUBLIC_LEN, MAX_MEMBERS},
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
	io::Read as _,
	path::Path,
	str::FromStr,
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
	/// The beacon, if there is one.
	pub beacon: Option<GenesisBeacon>,
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

/// Bytes that the file of a beacon may have: its output and its players in hex, and room for what JSON adds.
const MAX_BEACON_FILE: u64 = 4 * (MAX_OUTPUT_BYTES as u64 + 32 * MAX_MEMBERS as u64);

const TOP_FIELDS: &[&str] = &[
	"name",
	"id",
	"type",
	"telemetry",
	"beacon",
	"security",
	"root",
	"chains",
	"nodes",
];
const ROOT_FIELDS: &[&str] = &[
	"name",
	"block_interval",
	"epoch_length",
	"committee_size",
	"sudo",
	"bootnodes",
	"committee",
	"accounts",
];
const CHAIN_FIELDS: &[&str] = &[
	"id",
	"name",
	"block_interval",
	"epoch_length",
	"committee_size",
	"bootnodes",
	"committee",
	"accounts",
];
const MEMBER_FIELDS: &[&str] = &["id", "key"];
const NODE_FIELDS: &[&str] = &["operator", "identity", "sortition", "consensus", "stake"];
const SEED_NODE_FIELDS: &[&str] = &["seed", "stake"];
const BEACON_FIELDS: &[&str] = &["file"];
const SECURITY_FIELDS: &[&str] = &["population", "malicious", "tolerated", "failure", "epochs"];
const TELEMETRY_FIELDS: &[&str] = &["url", "verbosity"];
const TYPES: &[&str] = &["development", "local", "live"];

const EXPECTED_NAME: &str = "a name of 1 to 64 printable characters";
const EXPECTED_BEACON: &str = "\"dealt\" or { file = \"…\" }";
const BEACONS: &[&str] = &["dealt", "{ file = \"…\" }"];
const EXPECTED_ID: &str = "an id of 1 to 32 characters a-z, 0-9 and -, which begins with a letter";

impl Plan {
	/// Reads and checks a network file.
	///
	/// # Errors
	/// [`Error::File`] and those of [`Plan::parse`].
	pub fn read(path: &Path, cryptography: &dyn Cryptography) -> Result<Self, Error> {
		let text = fs::read_to_string(path).map_err(|reason| Error::File {
			path: path.into(),
			reason,
		})?;
		Self::parse(&text, path.parent(), cryptography)
	}

	/// Checks the text of a network file. Files that it names are relative to `folder`; without one it may name none.
	///
	/// # Errors
	/// [`Error::Syntax`], or the first [`Error::Field`]; [`Error::File`] if a file that it names can't be read.
	pub fn parse(text: &str, folder: Option<&Path>, cryptography: &dyn Cryptography) -> Result<Self, Error> {
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
			cryptography,
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
		// Where the size of each committee that is elected stands.
		let mut elected: Vec<(String, u32)> = Vec::new();
		let seeds = top.has("beacon");
		let of_root = read_chain(&mut root, format!("{name} Root"), seeds, &keys)?;
		if of_root.parameters.epoch_length > 0 {
			elected.push((root.at("committee_size"), of_root.parameters.committee_size));
		}
		let beacon = read_beacon(&mut top, &of_root.committee, folder, &keys)?;
		chains.insert(ChainId::ROOT, of_root);

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
			let of_chain = read_chain(&mut reader, format!("{name} {chain}"), seeds, &keys)?;
			if of_chain.parameters.epoch_length > 0 {
				elected.push((reader.at("committee_size"), of_chain.parameters.committee_size));
			}
			chains.insert(chain, of_chain);
		}
		let accounts = chains.get(&ChainId::ROOT).map(|root| &root.accounts);
		let nodes = read_nodes(&mut top, &keys, accounts)?;
		check_security(&mut top, &elected, nodes.len())?;
		Ok(Plan {
			name,
			id,
			chain_type,
			telemetry,
			sudo,
			chains,
			nodes,
			beacon,
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

/// Reads the fields that the root chain and transaction chains share. `seeds` tells whether the network has a beacon.
fn read_chain(
	reader: &mut Reader,
	default_name: String,
	seeds: bool,
	keys: &Keys<'_>,
) -> Result<ChainPlan, Error> {
	let name = match reader.optional_string("name", EXPECTED_NAME)? {
		Some(name) => check_name(&reader.at("name"), name)?,
		None => default_name,
	};
	let parameters = read_parameters(reader)?;
	if parameters.epoch_length > 0 && !seeds {
		return Err(Error::field(reader.at("epoch_length"), Problem::NoBeacon));
	}
	Ok(ChainPlan {
		name,
		parameters,
		committee: read_committee(reader, keys)?,
		accounts: read_accounts(reader, keys)?,
		boot_nodes: read_boot_nodes(reader)?,
	})
}

fn read_parameters(reader: &mut Reader) -> Result<ChainParameters, Error> {
	let mut parameters = ChainParameters::default();
	// Each is put beside defaults, so that only it can be out of its range.
	let mut read = |field: &'static str,
	                expected: &'static str,
	                problem: fn(i64) -> Problem,
	                put: fn(&mut ChainParameters, u32)|
	 -> Result<(), Error> {
		let Some(got) = reader.optional_integer(field, expected)? else {
			return Ok(());
		};
		u32::try_from(got)
			.ok()
			.map(|value| put(&mut parameters, value))
			.filter(|()| parameters.is_valid())
			.ok_or_else(|| Error::field(reader.at(field), problem(got)))
	};
	read(
		"block_interval",
		"milliseconds",
		block_interval_range,
		|parameters, value| parameters.block_interval = value,
	)?;
	read(
		"epoch_length",
		"a number of blocks",
		|got| Problem::EpochLength { got },
		|parameters, value| parameters.epoch_length = value,
	)?;
	read(
		"committee_size",
		"a number of members",
		|got| Problem::Range {
			min: 1,
			max: ChainParameters::MAX_COMMITTEE_SIZE.into(),
			got,
		},
		|parameters, value| parameters.committee_size = value,
	)?;
	Ok(parameters)
}

/// Reads the beacon, whose shares the members of the first root committee hold.
fn read_beacon(
	top: &mut Reader,
	committee: &Committee,
	folder: Option<&Path>,
	keys: &Keys<'_>,
) -> Result<Option<GenesisBeacon>, Error> {
	let place = top.at("beacon");
	let of_beacon = |reason: String| {
		Error::field(
			place.as_str(),
			Problem::Beacon {
				reason: shown(&reason),
			},
		)
	};
	// A committee's members are in ascending order.
	let members: Vec<MemberId> = committee.members().iter().map(|member| member.id).collect();
	let beacon = match top.optional("beacon") {
		None => return Ok(None),
		Some(Value::String(word)) if word == "dealt" => {
			if !keys.seeds {
				return Err(Error::field(place, Problem::DealtInLive));
			}
			keys.cryptography.deal(&members).map_err(of_beacon)?
		}
		Some(Value::String(other)) => {
			let problem = Problem::Choice {
				expected: BEACONS,
				got: shown(&other),
			};
			return Err(Error::field(place, problem));
		}
		Some(table @ Value::Table(_)) => {
			let mut fields = Reader::of(&place, table, BEACON_FIELDS)?;
			let file = fields.string("file", "the file that `asterism beacon finish` has written")?;
			let folder = folder.ok_or_else(|| Error::field(fields.at("file"), Problem::NoFolder))?;
			read_beacon_file(&folder.join(file), &fields.at("file"))?
		}
		Some(other) => {
			let problem = Problem::Type {
				expected: EXPECTED_BEACON,
				got: type_name(&other),
			};
			return Err(Error::field(place, problem));
		}
	};
	blst::min_sig::PublicKey::key_validate(&beacon.group_key.0)
		.map_err(|_| Error::field("beacon.groupKey", Problem::KeyPoint))?;
	if beacon.players != members {
		return Err(Error::field("beacon.players", Problem::BeaconOfOthers));
	}
	let length = beacon.output.len();
	if length == 0 || length > MAX_OUTPUT_BYTES as usize {
		let problem = Problem::Beacon {
			reason: format!("expected 1 to {MAX_OUTPUT_BYTES} bytes, got {length}"),
		};
		return Err(Error::field("beacon.output", problem));
	}
	keys.cryptography.check(&beacon).map_err(of_beacon)?;
	Ok(Some(beacon))
}

fn read_beacon_file(path: &Path, place: &str) -> Result<GenesisBeacon, Error> {
	let unreadable = |reason| Error::File {
		path: path.into(),
		reason,
	};
	let mut text = Vec::new();
	fs::File::open(path)
		.and_then(|file| file.take(MAX_BEACON_FILE + 1).read_to_end(&mut text))
		.map_err(unreadable)?;
	let wrong = |reason: String| Error::field(place, Problem::Beacon { reason });
	if text.len() as u64 > MAX_BEACON_FILE {
		return Err(wrong(format!("expected at most {MAX_BEACON_FILE} bytes")));
	}
	serde_json::from_slice(&text).map_err(|error| wrong(shown(&error.to_string())))
}

/// Checks that the committees that are elected are as large as the file itself asks for, if it does.
fn check_security(top: &mut Reader, elected: &[(String, u32)], nodes: usize) -> Result<(), Error> {
	let Some(value) = top.optional("security") else {
		return Ok(());
	};
	let place = top.at("security");
	let mut fields = Reader::of(&place, value, SECURITY_FIELDS)?;
	let mut number = |field: &'static str, expected: &'static str, default: u32| -> Result<u32, Error> {
		let Some(got) = fields.optional_integer(field, expected)? else {
			return Ok(default);
		};
		u32::try_from(got).map_err(|_| {
			Error::field(
				fields.at(field),
				Problem::Range {
					min: 1,
					max: u32::MAX.into(),
					got,
				},
			)
		})
	};
	let all = u32::try_from(nodes).unwrap_or(u32::MAX);
	let population = number("population", "a number of nodes", all)?;
	let epochs = number("epochs", "a number of epochs", 1)?;
	let malicious = parsed::<Fraction>(&mut fields, "malicious", "the fraction of malicious nodes", None)?;
	let tolerated = parsed(
		&mut fields,
		"tolerated",
		"\"bft\" or a fraction",
		Some(Tolerance::Byzantine),
	)?;
	let failure = parsed::<Fraction>(&mut fields, "failure", "a probability", None)?;
	if elected.is_empty() {
		let reason = "expected a chain with an epoch_length above 0: no committee is elected".into();
		return Err(Error::field(place, Problem::Security { reason }));
	}
	let committees = (elected.len() as u64).saturating_mul(epochs.into());
	let committees = u32::try_from(committees).map_err(|_| {
		let reason = format!(
			"expected at most {} committees in all, got {committees}",
			u32::MAX
		);
		Error::field(fields.at("epochs"), Problem::Security { reason })
	})?;
	let parameters =
		Parameters::new(population, malicious, tolerated, failure, committees).map_err(|error| {
			let field = match error {
				SizeError::Population(_) => "population",
				SizeError::Malicious(_) => "malicious",
				SizeError::Tolerated(_) => "tolerated",
				SizeError::Failure(_) => "failure",
				_ => "epochs",
			};
			let text = error.to_string();
			let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
			Error::field(
				fields.at(field),
				Problem::Security {
					reason: reason.into(),
				},
			)
		})?;
	let sufficient = |size: u32| is_sufficient(&parameters, size).unwrap_or(false);
	for (place, size) in elected {
		let problem = match parameters.failure_of_any(*size) {
			Ok(_) if sufficient(*size) => continue,
			Ok(probability) => Problem::Insecure {
				probability: format!("{probability:.3e}"),
				// No larger one may be asked for.
				needed: (1..=ChainParameters::MAX_COMMITTEE_SIZE).find(|size| sufficient(*size)),
				got: *size,
			},
			// There are not as many nodes.
			Err(_) => Problem::Range {
				min: 1,
				max: parameters.population().into(),
				got: (*size).into(),
			},
		};
		return Err(Error::field(place.as_str(), problem));
	}
	Ok(())
}

/// A string that means something; without `default` it must be there.
fn parsed<T: FromStr<Err: std::fmt::Display>>(
	fields: &mut Reader,
	field: &'static str,
	expected: &'static str,
	default: Option<T>,
) -> Result<T, Error> {
	match (fields.has(field), default) {
		(false, Some(default)) => Ok(default),
		_ => {
			let text = fields.string(field, expected)?;
			text.parse().map_err(|_| {
				let reason = format!(
					"expected {expected}, as in \"1/4\", \"25%\", \"1e-6\" or \"2^-20\", got `{}`",
					shown(&text)
				);
				Error::field(fields.at(field), Problem::Security { reason })
			})
		}
	}
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
	cryptography: &'a dyn Cryptography,
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
		self.cryptography
			.member(seed)
			.map_err(|reason| Error::field(path, Problem::Seed { reason }))
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
