//! Things that are good for a while.

use std::time::Duration;

use jiff::Timestamp;
use oci_registry::Secret;

/// Something, and until when it is good; `None` where nobody said.
#[derive(Clone)]
pub(crate) struct Lease<T> {
    pub(crate) value: T,
    pub(crate) expires: Option<Timestamp>,
}

/// What a cloud lets an identity in with.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) proof: Proof,
    /// Who it is and where that was found, for messages.
    pub(crate) origin: String,
}

/// The proof itself.
#[derive(Clone)]
pub(crate) enum Proof {
    /// Keys that requests are signed with.
    Keys(Keys),
    /// A bearer token, and until when it is good.
    Token(Lease<Secret<String>>),
}

/// AWS's keys.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Not a secret, but not to be shown either.
    pub(crate) id: Secret<String>,
    pub(crate) secret: Secret<String>,
    /// Of keys that were made for a while.
    pub(crate) session: Option<Secret<String>>,
}

/// What the registry takes.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) credential: oci_registry::Credential,
    /// Where it is from, for messages.
    pub(crate) origin: String,
}

/// For how long something is used: four fifths of what is left, and no longer than `longest`. `None` if it is over, by
/// this clock.
pub(crate) fn life(expires: Option<Timestamp>, now: Timestamp, longest: Duration) -> Option<Duration> {
    let Some(expires) = expires else { return Some(longest) };
    let left = Duration::try_from(expires.duration_since(now)).ok().filter(|left| !left.is_zero())?;
    Some((left / 5 * 4).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_is_four_fifths_and_bounded() {
        let now = Timestamp::UNIX_EPOCH;
        let hour = Duration::from_hours(1);
        let at = |seconds| Some(Timestamp::from_second(seconds).unwrap());
        assert_eq!(life(at(100), now, hour), Some(Duration::from_secs(80)));
        assert_eq!(life(at(3_600 * 12), now, hour), Some(hour));
        assert_eq!(
            life(at(3_600 * 24 * 365 * 900), now, hour),
            Some(hour),
            "the far future is no reason to trust"
        );
        assert_eq!(life(None, now, hour), Some(hour));
        for over in [0, -1, -100_000] {
            assert_eq!(life(at(over), now, hour), None, "{over}");
        }
    }
}
