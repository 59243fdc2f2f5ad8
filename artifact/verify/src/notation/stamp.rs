//! What a timestamp says (RFC 3161, 2.4.2): about which bytes, when, and how exactly.

use jiff::{SignedDuration, Timestamp, civil};
use x509_cert::{
    der::{
        self, AnyRef, Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
        asn1::{ObjectIdentifier, OctetStringRef},
    },
    spki::AlgorithmIdentifierRef,
};

use super::{key::Hash, reason::TimestampFault};

/// The policy of ETSI whose timestamps are exact to a second where they do not say how exact they are.
const BASELINE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");

/// A point in time, and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) at: Timestamp,
    accuracy: SignedDuration,
}

impl Stamp {
    /// The first moment that it may mean.
    pub(super) fn from(self) -> Timestamp {
        self.at.checked_sub(self.accuracy).unwrap_or(Timestamp::MIN)
    }

    /// The last.
    pub(super) fn until(self) -> Timestamp {
        self.at.checked_add(self.accuracy).unwrap_or(Timestamp::MAX)
    }
}

struct Info<'a> {
    version: AnyRef<'a>,
    policy: ObjectIdentifier,
    hash: ObjectIdentifier,
    imprint: &'a [u8],
    at: AnyRef<'a>,
    accuracy: Option<AnyRef<'a>>,
}

/// The time of a `TSTInfo` that is about `message`.
pub(super) fn read(info: &[u8], message: &[u8]) -> Result<Stamp, TimestampFault> {
    let info = parse(info).map_err(|error| TimestampFault::Malformed(error.to_string()))?;
    if info.version.tag() != Tag::Integer || info.version.value() != [1] {
        return Err(TimestampFault::Version);
    }
    let hash = Hash::of(info.hash).ok_or_else(|| TimestampFault::Algorithm(info.hash.to_string()))?;
    if hash.over(message).as_ref() != info.imprint {
        return Err(TimestampFault::Imprint);
    }
    let unreadable = || TimestampFault::Malformed("its time is none".to_owned());
    let at = time(info.at).ok_or_else(unreadable)?;
    let accuracy = match info.accuracy {
        Some(accuracy) => duration(accuracy).ok_or_else(unreadable)?,
        None => SignedDuration::ZERO,
    };
    let accuracy =
        if accuracy.is_zero() && info.policy == BASELINE { SignedDuration::from_secs(1) } else { accuracy };
    Ok(Stamp { at, accuracy })
}

fn parse(info: &[u8]) -> der::Result<Info<'_>> {
    let mut reader = SliceReader::new(info)?;
    let parsed = reader.sequence(|reader| {
        let version = AnyRef::decode(reader)?;
        let policy = ObjectIdentifier::decode(reader)?;
        let (hash, imprint) = reader.sequence(|reader| {
            let hash = AlgorithmIdentifierRef::decode(reader)?.oid;
            Ok((hash, OctetStringRef::decode(reader)?.as_bytes()))
        })?;
        let _serial_number = AnyRef::decode(reader)?;
        let at = AnyRef::decode(reader)?;
        let mut accuracy = None;
        // Order, nonce, name and extensions say nothing about the time.
        while !reader.is_finished() {
            let next = AnyRef::decode(reader)?;
            if next.tag() == Tag::Sequence {
                accuracy = Some(next);
            }
        }
        Ok(Info { version, policy, hash, imprint, at, accuracy })
    })?;
    reader.finish(parsed)
}

/// A `GeneralizedTime` in UTC, which may have fractions of a second here (RFC 3161), unlike in certificates.
fn time(value: AnyRef<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(value.value()).ok().filter(|_| value.tag() == Tag::GeneralizedTime)?;
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) {
        return None;
    }
    let nanoseconds = match fraction {
        None => 0,
        Some(fraction) if (1..=9).contains(&fraction.len()) && digits(fraction) => {
            format!("{fraction:0<9}").parse::<i32>().ok()?
        }
        Some(_) => return None,
    };
    let part = |from: usize, until: usize| whole.get(from..until)?.parse::<i8>().ok();
    let year = whole.get(..4)?.parse::<i16>().ok()?;
    let date = civil::DateTime::new(
        year,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        nanoseconds,
    );
    date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `Accuracy`: seconds, thousandths, millionths.
fn duration(accuracy: AnyRef<'_>) -> Option<SignedDuration> {
    let mut reader = SliceReader::new(accuracy.value()).ok()?;
    let mut total = SignedDuration::ZERO;
    while !reader.is_finished() {
        let part = AnyRef::decode(&mut reader).ok()?;
        let number = number(part.value())?;
        total += match part.tag() {
            Tag::Integer => SignedDuration::from_secs(number),
            Tag::ContextSpecific { constructed: false, number: TagNumber::N0 } => {
                SignedDuration::from_millis(number)
            }
            Tag::ContextSpecific { constructed: false, number: TagNumber::N1 } => {
                SignedDuration::from_micros(number)
            }
            _ => return None,
        };
    }
    Some(total)
}

/// A number that is not negative, of at most four bytes.
fn number(bytes: &[u8]) -> Option<i64> {
    let sound = matches!(bytes.len(), 1..=4) && bytes.first().is_some_and(|first| *first < 0x80);
    sound.then(|| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_may_have_fractions() {
        let of = |text: &str| time(AnyRef::new(Tag::GeneralizedTime, text.as_bytes()).unwrap());
        assert_eq!(of("20260102030405Z"), Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(of("20260102030405.25Z"), Some("2026-01-02T03:04:05.25Z".parse().unwrap()));
        for wrong in
            ["20260102030405", "2026010203040Z", "20260102030405.Z", "20261302030405Z", "+0260102030405Z"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn accuracy_adds_its_parts() {
        let of = |bytes: &[u8]| duration(AnyRef::new(Tag::Sequence, bytes).unwrap());
        assert_eq!(
            of(&[2, 1, 2, 0x80, 2, 1, 0xf4, 0x81, 1, 7]),
            Some(SignedDuration::from_micros(2_500_007))
        );
        for wrong in [&[2, 1, 0x80][..], &[2, 0], &[0x82, 1, 1], &[2, 5, 0, 0, 0, 0, 1]] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
