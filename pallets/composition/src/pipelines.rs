//! Pipelines: declaring them, and sending batches to their first stage.

use super::*;
use alloc::{collections::BTreeMap, rc::Rc};

/// The actors of a pipeline in all its stages.
pub(crate) fn actors(pipeline: &Pipeline) -> u32 {
	let replicas = pipeline.stages.iter().map(|stage| stage.replicas.len());
	replicas
		.fold(0, usize::saturating_add)
		.try_into()
		.unwrap_or(u32::MAX)
}

/// What was read to check a pipeline.
#[derive(Debug, Default)]
pub(crate) struct Survey {
	/// The different interfaces by their encoding, each with a number of its own.
	known: BTreeMap<Vec<u8>, (usize, Rc<Valid<Interface>>)>,
	/// Their bytes together.
	bytes: u32,
	/// The hash of code, and the number of the interface, of each actor in order.
	actors: Vec<(Hash, usize)>,
	/// Why the survey ended before its time.
	fault: Option<SurveyFault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SurveyFault {
	/// The interfaces are too long together.
	TooLong,
	/// An interface that another chain announced isn't valid.
	Invalid,
}

impl Survey {
	/// The interface of an actor. One that several actors have is decoded once.
	fn look_up<T: Config>(&mut self, address: &Address) -> Option<Rc<Valid<Interface>>> {
		let (code, encoded) = Pallet::<T>::interface_at(address)?;
		if let Some((number, interface)) = self.known.get(&encoded) {
			self.actors.push((code, *number));
			return Some(interface.clone());
		}
		let bytes = self.bytes.saturating_add(encoded.len() as u32);
		if bytes > MAX_BYTES {
			self.fault = Some(SurveyFault::TooLong);
			return None;
		}
		self.bytes = bytes;
		let Ok(interface) = Valid::<Interface>::from_bytes(&encoded) else {
			self.fault = Some(SurveyFault::Invalid);
			return None;
		};
		let (number, interface) = (self.known.len(), Rc::new(interface));
		self.known.insert(encoded, (number, interface.clone()));
		self.actors.push((code, number));
		Some(interface)
	}

	/// How many messages were compared at most: two for each stage, and for each replica that isn't like the first of its stage.
	fn comparisons(&self, pipeline: &Pipeline) -> u32 {
		let mut rest = &self.actors[..];
		let mut compared = 0u32;
		for stage in &pipeline.stages {
			let (now, later) = rest.split_at(stage.replicas.len().min(rest.len()));
			let first = now.first().map(|(_, number)| number);
			let others = now.iter().filter(|(_, number)| Some(number) != first).count() as u32;
			compared = compared.saturating_add(others.saturating_add(1).saturating_mul(2));
			rest = later;
		}
		compared
	}
}

impl<T: Config> Pallet<T> {
	/// The id of an account's pipeline.
	pub fn pipeline_id(owner: &AccountId, pipeline: &Pipeline) -> Hash {
		Hash::from((b"asterism/pipeline", owner, pipeline).using_encoded(blake2_256))
	}

	/// The most that declaring a pipeline of so many actors takes.
	pub(crate) fn declare_weight(actors: u32) -> Weight {
		// One with more is refused at once.
		let actors = actors.min(MAX_ACTORS);
		T::WeightInfo::declare(actors, MAX_BYTES, actors.saturating_mul(2))
	}

	/// The most that running with so many items takes.
	pub(crate) fn run_weight(items: u32) -> Weight {
		let closing = T::Messages::closing_weight().saturating_mul(items.into());
		T::WeightInfo::run(items).saturating_add(closing)
	}

	/// Checks a pipeline with what is known here of its actors.
	///
	/// # Errors
	/// [`Error::TooManyActors`], [`Error::InterfacesTooLong`], [`Error::InvalidInterface`].
	pub(crate) fn survey(pipeline: &Pipeline) -> Result<(Survey, Result<(), PipelineError>), Error<T>> {
		ensure!(actors(pipeline) <= MAX_ACTORS, Error::<T>::TooManyActors);
		let mut survey = Survey::default();
		let verdict = pipeline.check(|address| survey.look_up::<T>(address));
		match survey.fault {
			None => Ok((survey, verdict)),
			Some(SurveyFault::TooLong) => Err(Error::InterfacesTooLong),
			Some(SurveyFault::Invalid) => Err(Error::InvalidInterface),
		}
	}

	/// Declares a pipeline, or says why not; returns what that took.
	pub(crate) fn do_declare(owner: AccountId, pipeline: Pipeline) -> Result<Weight, DispatchError> {
		let (survey, verdict) = Self::survey(&pipeline)?;
		let used = T::WeightInfo::declare(
			survey.actors.len() as u32,
			survey.bytes,
			survey.comparisons(&pipeline),
		);
		if let Err(error) = verdict {
			Self::deposit_event(Event::PipelineRefused { owner, error });
			return Ok(used);
		}
		let id = Self::pipeline_id(&owner, &pipeline);
		ensure!(!Pipelines::<T>::contains_key(id), Error::<T>::AlreadyDeclared);
		Self::note(&owner, |holdings| {
			ensure!(
				holdings.pipelines < T::MaxPipelines::get(),
				Error::<T>::TooManyPipelines
			);
			holdings.pipelines = holdings.pipelines.saturating_add(1);
			Ok(())
		})?;
		let codes: Vec<Hash> = survey.actors.iter().map(|(code, _)| *code).collect();
		let mut declared = Declared {
			owner: owner.clone(),
			deposit: 0,
			pipeline,
			codes: CodeHashes::try_from(codes).map_err(|_| Error::<T>::TooManyActors)?,
		};
		declared.deposit = Self::deposit(2, declared.encoded_size());
		T::Currency::hold(&HoldReason::Pipeline.into(), &owner, declared.deposit)?;
		Pipelines::<T>::insert(id, declared);
		Self::deposit_event(Event::Declared { pipeline: id, owner });
		Ok(used)
	}

	pub(crate) fn do_withdraw(owner: AccountId, id: Hash) -> DispatchResult {
		let declared = Pipelines::<T>::get(id).ok_or(Error::<T>::UnknownPipeline)?;
		ensure!(declared.owner == owner, Error::<T>::NotOwner);
		T::Currency::release(
			&HoldReason::Pipeline.into(),
			&owner,
			declared.deposit,
			Precision::BestEffort,
		)?;
		Pipelines::<T>::remove(id);
		Runs::<T>::remove(id);
		Self::note(&owner, |holdings| {
			holdings.pipelines = holdings.pipelines.saturating_sub(1);
			Ok(())
		})?;
		Self::deposit_event(Event::Withdrawn { pipeline: id, owner });
		Ok(())
	}

	/// Whether all actors have the code that a pipeline was checked with, as far as this chain knows.
	pub(crate) fn is_current(declared: &Declared) -> bool {
		declared
			.actors()
			.all(|(address, code)| Self::code_of(address) == Some(*code))
	}

	/// Sends a batch to the first stage. Not to be called but in a transaction of storage, as calls are.
	pub(crate) fn do_run(by: AccountId, id: Hash, batch: Batch, value: Balance, gas: u64) -> DispatchResult {
		let declared = Pipelines::<T>::get(id).ok_or(Error::<T>::UnknownPipeline)?;
		ensure!(!batch.is_empty(), Error::<T>::EmptyBatch);
		ensure!(Self::is_current(&declared), Error::<T>::Changed);
		// A pipeline on record has a stage.
		let first = declared
			.pipeline
			.stages
			.first()
			.ok_or(Error::<T>::UnknownPipeline)?;
		let replicas = first.replicas.len() as u32;
		let Progress { runs, mut next } = Runs::<T>::get(id);
		let mut items = Vec::with_capacity(batch.len());
		for Item { key, body } in batch {
			let place = replica(&first.role, &key, next.into(), replicas) as usize;
			let to = first.replicas.get(place).ok_or(Error::<T>::UnknownPipeline)?;
			items.push(T::Deliver::deliver(by.clone(), *to, value, gas, body)?);
			next = next.saturating_add(1).checked_rem(replicas).unwrap_or(0);
		}
		let progress = Progress {
			runs: runs.wrapping_add(1),
			next,
		};
		Runs::<T>::insert(id, progress);
		Self::deposit_event(Event::Ran {
			pipeline: id,
			by,
			run: runs,
			items,
		});
		Ok(())
	}
}
