//! What the node asks.

use super::*;
use alloc::string::{String, ToString};
use asterism_primitives::api::{
	ActorAddress, CompositionFault, ConnectionView, InterfaceView, PipelineView, StageRole, StageView,
};
use codec::DecodeAll;

fn address(address: &Address) -> ActorAddress {
	let (chain, account) = split(address);
	ActorAddress { chain, account }
}

fn joined(address: ActorAddress) -> Address {
	Address {
		chain: address.chain.0,
		account: address.account.into(),
	}
}

fn fault(path: &str, why: &str) -> CompositionFault {
	CompositionFault {
		path: path.into(),
		why: why.into(),
	}
}

fn named(name: &Name) -> String {
	text(name).unwrap_or_default().into()
}

impl<T: Config> Pallet<T> {
	/// The interface of an actor of any chain, as far as this chain knows.
	pub fn interface_view(actor: ActorAddress) -> Option<InterfaceView> {
		let actor = joined(actor);
		let (code, interface) = Self::interface_at(&actor)?;
		let (chain, account) = split(&actor);
		Some(InterfaceView {
			code,
			interface,
			announced: Announced::<T>::get(chain, account).map(|known| known.at),
		})
	}

	/// Whether two ends could be connected now.
	///
	/// # Errors
	/// Where they don't fit, and why.
	pub fn check_connection(
		from: ActorAddress,
		output: String,
		to: ActorAddress,
		input: String,
	) -> Result<(), CompositionFault> {
		for (field, name) in [("output", &output), ("input", &input)] {
			if !asterism_interface::is_name(name) {
				return Err(fault(field, "not a name"));
			}
		}
		let (_, verdict) = Self::fitting(&joined(from), &output, &joined(to), &input);
		verdict.map_err(|unfit| match unfit {
			Unfit::UnknownSender => fault("from", "no interface is known here"),
			Unfit::UnknownRecipient => fault("to", "no interface is known here"),
			Unfit::Invalid => fault("", "an announced interface is not valid"),
			Unfit::Misfit(misfit) => fault(&misfit.path, &misfit.why.to_string()),
		})
	}

	/// Whether a pipeline, encoded, could be declared now.
	///
	/// # Errors
	/// Where it is at fault, and why.
	pub fn check_pipeline(encoded: Vec<u8>) -> Result<(), CompositionFault> {
		let pipeline =
			Pipeline::decode_all(&mut &encoded[..]).map_err(|_| fault("pipeline", "doesn't decode"))?;
		match Self::survey(&pipeline) {
			Ok((_, verdict)) => verdict.map_err(|error| fault(&error.path, &error.why.to_string())),
			Err(Error::TooManyActors) => Err(fault("stages", "there are too many actors")),
			Err(Error::InterfacesTooLong) => Err(fault("stages", "the interfaces are too long together")),
			Err(_) => Err(fault("stages", "an announced interface is not valid")),
		}
	}

	/// A connection on record.
	pub fn connection_view(id: Hash) -> Option<ConnectionView> {
		let Connection {
			owner,
			deposit,
			link,
			codes,
		} = Connections::<T>::get(id)?;
		let now = (Self::code_of(&link.from), Self::code_of(&link.to));
		Some(ConnectionView {
			owner,
			deposit,
			from: address(&link.from),
			output: named(&link.output),
			to: address(&link.to),
			input: named(&link.input),
			current: now == (Some(codes.0), Some(codes.1)),
		})
	}

	/// A pipeline on record.
	pub fn pipeline_view(id: Hash) -> Option<PipelineView> {
		let declared = Pipelines::<T>::get(id)?;
		let current = Self::is_current(&declared);
		let stages = declared.pipeline.stages.into_iter().map(|stage| StageView {
			role: match stage.role {
				Role::Map => StageRole::Map,
				Role::Filter => StageRole::Filter,
				Role::Reduce { key } => StageRole::Reduce { key },
			},
			replicas: stage.replicas.iter().map(address).collect(),
			input: stage.input,
			output: stage.output,
		});
		Some(PipelineView {
			owner: declared.owner,
			deposit: declared.deposit,
			stages: stages.collect(),
			runs: Runs::<T>::get(id).runs,
			current,
		})
	}
}
