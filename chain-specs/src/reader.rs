//! Reads TOML values field by field, so that each error names the field's path.

use crate::error::{shown, Error, Problem};
use toml::{Table, Value};

/// A table that is being read.
pub(crate) struct Reader {
	path: String,
	table: Table,
}

/// The name of a TOML type with its article.
pub(crate) fn type_name(value: &Value) -> &'static str {
	match value {
		Value::String(_) => "a string",
		Value::Integer(_) => "an integer",
		Value::Float(_) => "a float",
		Value::Boolean(_) => "a boolean",
		Value::Datetime(_) => "a date",
		Value::Array(_) => "an array",
		Value::Table(_) => "a table",
	}
}

/// A key as it stands in a path: quoted when it isn't bare.
pub(crate) fn key_in_path(key: &str) -> String {
	let bare = !key.is_empty()
		&& key
			.chars()
			.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
	if bare {
		shown(key)
	} else {
		format!("\"{}\"", shown(key))
	}
}

impl Reader {
	/// Starts with a table.
	///
	/// # Errors
	/// The table has a field that is not one of `known`.
	pub(crate) fn new(path: &str, table: Table, known: &'static [&'static str]) -> Result<Self, Error> {
		let reader = Reader {
			path: path.into(),
			table,
		};
		let unknown = reader
			.table
			.keys()
			.find(|key| !known.contains(&key.as_str()))
			.cloned();
		match unknown {
			Some(key) => Err(Error::field(reader.at(&key), Problem::Unknown { known })),
			None => Ok(reader),
		}
	}

	/// Starts with a value that should be a table.
	pub(crate) fn of(path: &str, value: Value, known: &'static [&'static str]) -> Result<Self, Error> {
		match value {
			Value::Table(table) => Self::new(path, table, known),
			other => Err(Error::field(
				path,
				Problem::Type {
					expected: "a table",
					got: type_name(&other),
				},
			)),
		}
	}

	/// The path of a field of this table.
	pub(crate) fn at(&self, field: &str) -> String {
		let field = key_in_path(field);
		if self.path.is_empty() {
			field
		} else {
			format!("{}.{field}", self.path)
		}
	}

	/// Whether there is such a field that was not read yet.
	pub(crate) fn has(&self, field: &str) -> bool {
		self.table.contains_key(field)
	}

	/// A value that may be missing.
	pub(crate) fn optional(&mut self, field: &str) -> Option<Value> {
		self.table.remove(field)
	}

	/// A value that must be there.
	pub(crate) fn required(&mut self, field: &str, expected: &'static str) -> Result<Value, Error> {
		let value = self.table.remove(field);
		value.ok_or_else(|| Error::field(self.at(field), Problem::Missing { expected }))
	}

	/// A string that must be there.
	pub(crate) fn string(&mut self, field: &str, expected: &'static str) -> Result<String, Error> {
		let value = self.required(field, expected)?;
		string(&self.at(field), value, expected)
	}

	/// A string that may be missing.
	pub(crate) fn optional_string(
		&mut self,
		field: &str,
		expected: &'static str,
	) -> Result<Option<String>, Error> {
		self.optional(field)
			.map(|value| string(&self.at(field), value, expected))
			.transpose()
	}

	/// An integer that may be missing.
	pub(crate) fn optional_integer(
		&mut self,
		field: &str,
		expected: &'static str,
	) -> Result<Option<i64>, Error> {
		self.optional(field)
			.map(|value| integer(&self.at(field), value, expected))
			.transpose()
	}

	/// An integer that must be there.
	pub(crate) fn integer(&mut self, field: &str, expected: &'static str) -> Result<i64, Error> {
		let value = self.required(field, expected)?;
		integer(&self.at(field), value, expected)
	}

	/// The elements of an array with their paths; none if the field is missing.
	pub(crate) fn elements(
		&mut self,
		field: &str,
		expected: &'static str,
	) -> Result<Vec<(String, Value)>, Error> {
		let path = self.at(field);
		match self.optional(field) {
			None => Ok(Vec::new()),
			Some(Value::Array(values)) => Ok(values
				.into_iter()
				.enumerate()
				.map(|(i, value)| (format!("{path}[{i}]"), value))
				.collect()),
			Some(other) => Err(Error::field(
				path,
				Problem::Type {
					expected,
					got: type_name(&other),
				},
			)),
		}
	}

	/// The entries of a table with free keys, in the order of the keys, with their paths; none if it is missing.
	pub(crate) fn entries(
		&mut self,
		field: &str,
		expected: &'static str,
	) -> Result<Vec<(String, String, Value)>, Error> {
		let path = self.at(field);
		match self.optional(field) {
			None => Ok(Vec::new()),
			Some(Value::Table(table)) => Ok(table
				.into_iter()
				.map(|(key, value)| (format!("{path}.{}", key_in_path(&key)), key, value))
				.collect()),
			Some(other) => Err(Error::field(
				path,
				Problem::Type {
					expected,
					got: type_name(&other),
				},
			)),
		}
	}
}

/// A value that should be a string.
pub(crate) fn string(path: &str, value: Value, expected: &'static str) -> Result<String, Error> {
	match value {
		Value::String(text) => Ok(text),
		other => Err(Error::field(
			path,
			Problem::Type {
				expected,
				got: type_name(&other),
			},
		)),
	}
}

/// A value that should be an integer.
fn integer(path: &str, value: Value, expected: &'static str) -> Result<i64, Error> {
	match value {
		Value::Integer(number) => Ok(number),
		other => Err(Error::field(
			path,
			Problem::Type {
				expected,
				got: type_name(&other),
			},
		)),
	}
}
