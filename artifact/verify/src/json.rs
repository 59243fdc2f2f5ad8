//! JSON in which no object names a key twice.
//!
//! Readers disagree about which of two equal keys counts, so what one of them verified another would understand
//! differently. `serde` refuses them for the fields that it knows only.

use std::{cell::RefCell, collections::HashSet, fmt};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{Part, Reason};

/// Reads a value; unknown fields are the type's concern, double ones are refused everywhere.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], part: Part) -> Result<T, Reason> {
    unique(bytes, part)?;
    serde_json::from_slice(bytes).map_err(|error| Reason::malformed(part, &error))
}

/// Refuses a text that is no JSON, or in which some object names a key twice.
pub(crate) fn unique(bytes: &[u8], part: Part) -> Result<(), Reason> {
    let double = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Unique(&double).deserialize(&mut reader).and_then(|()| reader.end());
    match (double.into_inner(), read) {
        (Some(key), _) => Err(Reason::DoubleKey { part, key }),
        (None, read) => read.map_err(|error| Reason::malformed(part, &error)),
    }
}

/// Walks any value and leaves the first double key in the cell.
#[derive(Clone, Copy)]
struct Unique<'a>(&'a RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                self.0.replace(Some(key));
                return Err(A::Error::custom("a key twice"));
            }
            seen.insert(key);
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_refuses_a_double_key_at_any_depth() {
        for (text, double) in [
            (r#"{"a":1,"a":2}"#, "a"),
            (r#"{"x":[{"y":{"b":1,"c":[],"b":2}}]}"#, "b"),
            (r#"{"digest":1,"d\u0069gest":2}"#, "digest"),
        ] {
            let reason = unique(text.as_bytes(), Part::Payload).unwrap_err();
            assert_eq!(reason, Reason::DoubleKey { part: Part::Payload, key: double.to_owned() });
        }
        let fine = r#"{"a":{"a":null},"b":[1,-1,1.5,"",true,{"a":{}}],"A":0}"#;
        unique(fine.as_bytes(), Part::Payload).unwrap();
    }

    #[test]
    fn json_refuses_what_is_no_json() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} {}", "\u{feff}{}", "{\"a\":1,}", "nul", deep.as_str(), "\"\\ud800\""] {
            let reason = unique(text.as_bytes(), Part::Bundle).unwrap_err();
            assert!(matches!(reason, Reason::Malformed { part: Part::Bundle, .. }), "{text:.20} {reason:?}");
        }
        assert!(unique(b"\"\xff\"", Part::Bundle).is_err());
    }
}
