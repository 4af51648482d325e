use crate::{
	shape::{bit_order, refinement, Symbol},
	Fault, Interface, MessageType, ServiceLevel, Valid,
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use scale_info::{
	form::PortableForm, meta_type, Field, MetaType, Path, PortableRegistry, PortableType, Registry, Type,
	TypeDef, TypeInfo,
};

/// Builds the interface of an actor from the Rust types of its messages.
#[derive(Debug, Default)]
pub struct Builder {
	types: Registry,
	accepts: Vec<MessageType>,
	emits: Vec<MessageType>,
	service: Option<ServiceLevel>,
}

impl Builder {
	/// The actor accepts messages of type `T` by this name.
	pub fn accepts<T: TypeInfo + 'static>(mut self, name: &str) -> Self {
		let message = self.message(name, &meta_type::<T>());
		self.accepts.push(message);
		self
	}

	/// The actor emits messages of type `T` by this name.
	pub fn emits<T: TypeInfo + 'static>(self, name: &str) -> Self {
		self.emits_described(name, &meta_type::<T>())
	}

	/// The actor emits messages of the type that is described by this name.
	pub fn emits_described(mut self, name: &str, described: &MetaType) -> Self {
		let message = self.message(name, described);
		self.emits.push(message);
		self
	}

	/// What the actor promises.
	pub fn service(mut self, level: ServiceLevel) -> Self {
		self.service = Some(level);
		self
	}

	/// The interface, without ballast.
	///
	/// # Errors
	/// Those of [`Interface::validate`].
	pub fn build(self) -> Result<Valid<Interface>, Fault> {
		Interface {
			accepts: self.accepts,
			emits: self.emits,
			types: self.types.into(),
			service: self.service,
		}
		.strip()
		.validate()
	}

	fn message(&mut self, name: &str, described: &MetaType) -> MessageType {
		MessageType {
			name: name.into(),
			ty: self.types.register_type(described).id,
		}
	}
}

impl Interface {
	/// The interface without all that no verdict depends on, so that it is small: documentation, names of types, type
	/// parameters, and types that no message needs. Variants are put in the order of their indices, types in the order
	/// in which the messages need them.
	///
	/// It takes any interface; a reference to a type that isn't there stays one.
	pub fn strip(mut self) -> Self {
		let mut numbers = Numbers::default();
		for message in self.accepts.iter_mut().chain(&mut self.emits) {
			message.ty = numbers.number(&self.types, message.ty);
		}
		let mut types = Vec::new();
		// Each type is taken once, whatever it refers to.
		while let Some(ty) = numbers
			.order
			.get(types.len())
			.and_then(|old| self.types.resolve(*old))
		{
			let mut ty = bare(ty);
			references(&mut ty.type_def, |symbol| {
				*symbol = numbers.number(&self.types, symbol.id).into();
			});
			types.push(PortableType::new(crate::count(types.len()), ty));
		}
		self.types = PortableRegistry { types };
		self
	}
}

/// New numbers of types.
#[derive(Default)]
struct Numbers {
	/// The old numbers in the order of the new ones.
	order: Vec<u32>,
	new: BTreeMap<u32, u32>,
}

impl Numbers {
	fn number(&mut self, types: &PortableRegistry, old: u32) -> u32 {
		if types.resolve(old).is_none() {
			return u32::MAX;
		}
		let Numbers { order, new } = self;
		*new.entry(old).or_insert_with(|| {
			order.push(old);
			crate::count(order.len() - 1)
		})
	}
}

/// The type without ballast.
fn bare(ty: &Type<PortableForm>) -> Type<PortableForm> {
	let name = refinement(ty).or_else(|| bit_order(ty)).map(String::from);
	let mut def = ty.type_def.clone();
	match &mut def {
		TypeDef::Composite(composite) => composite.fields.iter_mut().for_each(bare_field),
		TypeDef::Variant(variant) => {
			variant.variants.sort_by_key(|variant| variant.index);
			for variant in &mut variant.variants {
				bare_name(&mut variant.name);
				variant.docs.clear();
				variant.fields.iter_mut().for_each(bare_field);
			}
		}
		_ => {}
	}
	Type {
		path: Path::from_segments_unchecked(name),
		type_params: Vec::new(),
		type_def: def,
		docs: Vec::new(),
	}
}

fn bare_field(field: &mut Field<PortableForm>) {
	field.name.iter_mut().for_each(bare_name);
	field.type_name = None;
	field.docs.clear();
}

/// A raw identifier is only how Rust spells the name.
fn bare_name(name: &mut String) {
	*name = name.trim_start_matches("r#").into();
}

/// Visits all references of a type to others, in their order.
fn references(def: &mut TypeDef<PortableForm>, mut visit: impl FnMut(&mut Symbol)) {
	match def {
		TypeDef::Composite(composite) => composite.fields.iter_mut().for_each(|field| visit(&mut field.ty)),
		TypeDef::Variant(variant) => variant
			.variants
			.iter_mut()
			.flat_map(|variant| &mut variant.fields)
			.for_each(|field| visit(&mut field.ty)),
		TypeDef::Sequence(sequence) => visit(&mut sequence.type_param),
		TypeDef::Array(array) => visit(&mut array.type_param),
		TypeDef::Tuple(tuple) => tuple.fields.iter_mut().for_each(visit),
		TypeDef::Primitive(_) => {}
		TypeDef::Compact(compact) => visit(&mut compact.type_param),
		TypeDef::BitSequence(bits) => {
			visit(&mut bits.bit_store_type);
			visit(&mut bits.bit_order_type);
		}
	}
}
