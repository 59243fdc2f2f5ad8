//! The places where an identity of this process may be, asked one after the other.

use oci_registry::auth::Passed;

use crate::error::IdentityError;

/// Why a place gave nothing.
#[derive(Debug)]
pub(crate) enum Miss {
    /// It has no identity, for this reason: the next place is asked.
    Nothing(String),
    /// It has one that does not work: to go on would be to log in as somebody else.
    Failed(IdentityError),
}

impl<E: Into<IdentityError>> From<E> for Miss {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Miss {
    /// The place has nothing.
    pub(crate) fn nothing(why: impl Into<String>) -> Self {
        Self::Nothing(why.into())
    }

    /// Goes on to the next place, or ends the walk.
    pub(crate) fn pass(self, place: &str, passed: &mut Vec<Passed>) -> Result<(), IdentityError> {
        match self {
            Self::Nothing(why) => {
                passed.push(Passed { source: place.to_owned(), why });
                Ok(())
            }
            Self::Failed(error) => Err(error),
        }
    }
}
