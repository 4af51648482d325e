use asterism_actor_abi::MAX_REASON;

/// Why an actor refuses a message. The sender of the message gets it, together with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(&'static str);

impl Refusal {
	/// The text of the reason, at most [`MAX_REASON`] bytes: what is longer is cut off.
	pub fn text(&self) -> &'static str {
		let mut end = self.0.len().min(MAX_REASON as usize);
		while !self.0.is_char_boundary(end) {
			end -= 1;
		}
		self.0.get(..end).unwrap_or_default()
	}
}

impl From<&'static str> for Refusal {
	fn from(reason: &'static str) -> Self {
		Self(reason)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_long_reason_is_cut_between_characters() {
		assert_eq!(Refusal::from("no").text(), "no");
		let umlauts: &'static str = "xäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü";
		assert_eq!(umlauts.len(), 139);
		assert_eq!(Refusal::from(umlauts).text().len(), 127);
	}
}
