//! [`Secret`]: a value that cannot be printed.

/// A value that has neither `Display` nor `Debug` and is never serialised.
///
/// The only way out is [`Secret::expose`], so that every use can be found by its name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value; never to be logged or put into an error.
    pub fn expose(&self) -> &T {
        &self.0
    }
}
