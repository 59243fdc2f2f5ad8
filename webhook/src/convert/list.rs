//! The list of objects, cut while it is read.
//!
//! Cutting needs no version to convert to, so nothing of an object is kept but four numbers, and of those that cannot be
//! converted only the first: a list of sixty million zeros takes no more memory than its text.

use std::fmt;

use oci_crds::convert;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Where an object and its version lie, counted from the beginning of the first object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) start: u32,
    /// Where the version begins.
    pub(super) version: u32,
    /// Where it ends.
    pub(super) after: u32,
    pub(super) end: u32,
}

/// What was found in a list.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    first: Option<&'a str>,
    /// Of all objects, if there is no fault.
    pub(super) cuts: Vec<Cut>,
    pub(super) count: usize,
    pub(super) fault: Option<Fault<'a>>,
}

/// The first object that cannot be converted.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    pub(super) object: &'a str,
    pub(super) index: usize,
    pub(super) error: convert::Error,
}

impl<'a> Objects<'a> {
    /// Where in the bytes that the list was read from the cuts are counted from.
    pub(super) fn origin(&self, body: &[u8]) -> usize {
        self.first.map_or(0, |first| distance(body, first.as_bytes()))
    }

    /// Takes one more object; nothing if it lies where no cut can point to.
    fn push(&mut self, object: &'a str) -> Option<()> {
        let index = self.count;
        self.count += 1;
        if self.fault.is_some() {
            return Some(());
        }
        let first = *self.first.get_or_insert(object);
        match convert::around(object) {
            Ok((before, after)) => {
                let start = distance(first.as_bytes(), object.as_bytes());
                let end = start.checked_add(object.len())?;
                self.cuts.push(Cut {
                    start: u32::try_from(start).ok()?,
                    version: u32::try_from(start.checked_add(before.len())?).ok()?,
                    after: u32::try_from(end.checked_sub(after.len())?).ok()?,
                    end: u32::try_from(end).ok()?,
                });
            }
            Err(error) => {
                self.cuts = Vec::new();
                self.fault = Some(Fault { object, index, error });
            }
        }
        Some(())
    }
}

/// How far behind the beginning of `whole` its part begins: raw values are parts of the text that they are read from.
fn distance(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr())
}

impl<'de: 'a, 'a> Deserialize<'de> for Objects<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Cutter)
    }
}

struct Cutter;

impl<'de> Visitor<'de> for Cutter {
    type Value = Objects<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut objects = Objects::default();
        while let Some(object) = list.next_element::<&RawValue>()? {
            objects.push(object.get()).ok_or_else(|| A::Error::custom("the list is longer than 4 GiB"))?;
        }
        Ok(objects)
    }
}
