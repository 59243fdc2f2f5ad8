//! What stands before a member's header: pax records and GNU long names.
//!
//! Archives that mean one thing to us and another thing to the next reader are an old trick (CVE-2025-62518): a size in
//! a pax record that differs from the header's, two names, global names. Each of these is refused. Specification:
//! POSIX.1-2001 pax; the sizes are capped as in Go's reader.

use crate::{
    archive::{Error, path::shown},
    limits,
};

/// What extension headers said about the member that follows.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// Headers seen so far.
    count: usize,
    pax: bool,
    pax_name: Option<Vec<u8>>,
    pax_link: Option<Vec<u8>>,
    gnu_name: Option<Vec<u8>>,
    gnu_link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extensions {
    /// Takes in one extension header of type `flag` with its content.
    pub(super) fn add(&mut self, flag: u8, content: &[u8]) -> Result<(), Error> {
        self.count += 1;
        if self.count > limits::EXTENSION_HEADERS {
            return Err(Error::Header { member: self.subject(), fault: "too many extension headers" });
        }
        let result = match flag {
            b'g' => check_global(content),
            b'x' if std::mem::replace(&mut self.pax, true) => Err("two pax headers"),
            b'x' => self.add_records(content),
            _ => {
                let text = content.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                let place = if flag == b'L' { &mut self.gnu_name } else { &mut self.gnu_link };
                place.replace(text).map_or(Ok(()), |_| Err("two long names"))
            }
        };
        result.map_err(|fault| Error::Header { member: self.subject(), fault })
    }

    fn add_records(&mut self, content: &[u8]) -> Result<(), &'static str> {
        for record in Records(content) {
            let (key, value) = record?;
            let place = match key {
                b"path" => &mut self.pax_name,
                b"linkpath" => &mut self.pax_link,
                b"size" => {
                    let size = decimal(value).ok_or("the pax size is not a number")?;
                    if self.size.replace(size).is_some_and(|other| other != size) {
                        return Err("two pax sizes");
                    }
                    continue;
                }
                _ if key.starts_with(b"GNU.sparse.") => return Err("sparse files are not supported"),
                _ => continue,
            };
            if value.is_empty() || value.contains(&0) {
                return Err("a pax name is empty or contains NUL");
            }
            if place.replace(value.to_vec()).is_some() {
                return Err("two pax names");
            }
        }
        Ok(())
    }

    /// Whether there were any.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The member's name, where `name` is the one in its header.
    pub(super) fn name(&self, name: &[u8]) -> Result<Vec<u8>, Error> {
        choose(self.pax_name.as_ref(), self.gnu_name.as_ref(), name)
            .ok_or_else(|| Error::Header { member: self.subject(), fault: "two different long names" })
    }

    /// The target of a link, where `target` is the one in its header.
    pub(super) fn link(&self, target: &[u8]) -> Result<Vec<u8>, Error> {
        choose(self.pax_link.as_ref(), self.gnu_link.as_ref(), target)
            .ok_or_else(|| Error::Header { member: self.subject(), fault: "two different link targets" })
    }

    /// Fails unless the pax size, if any, is the one in the header.
    pub(super) fn check_size(&self, size: u64, name: &[u8]) -> Result<(), Error> {
        match self.size {
            Some(stated) if stated != size => Err(Error::Header {
                member: shown(name),
                fault: "the pax size differs from the size in the header",
            }),
            _ => Ok(()),
        }
    }

    fn subject(&self) -> String {
        let name = self.pax_name.as_ref().or(self.gnu_name.as_ref());
        name.map_or_else(|| "(unnamed)".to_owned(), |name| shown(name))
    }
}

/// The pax name, the GNU name or the short one; `None` if the long ones contradict each other.
fn choose(pax: Option<&Vec<u8>>, gnu: Option<&Vec<u8>>, short: &[u8]) -> Option<Vec<u8>> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) => (pax == gnu).then(|| pax.clone()),
        (Some(name), None) | (None, Some(name)) => Some(name.clone()),
        (None, None) => Some(short.to_vec()),
    }
}

/// Global records may not rename or resize what follows: Go ignores them there, others do not.
fn check_global(content: &[u8]) -> Result<(), &'static str> {
    for record in Records(content) {
        let (key, _) = record?;
        if matches!(key, b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse.") {
            return Err("a global pax header changes names or sizes");
        }
    }
    Ok(())
}

/// `<length> key=value\n`, one after the other.
struct Records<'a>(&'a [u8]);

type Record<'a> = (&'a [u8], &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = self.split();
        if record.is_none() {
            self.0 = &[];
        }
        Some(record.ok_or("malformed pax records"))
    }
}

impl<'a> Records<'a> {
    fn split(&mut self) -> Option<Record<'a>> {
        // Twenty digits hold every length there can be.
        let blank = self.0.iter().take(20).position(|byte| *byte == b' ')?;
        let length = usize::try_from(decimal(self.0.get(..blank)?)?).ok()?;
        let (record, rest) = self.0.split_at_checked(length)?;
        let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = record.split_at_checked(equals)?;
        if key.is_empty() || key.contains(&0) {
            return None;
        }
        self.0 = rest;
        Some((key, value.get(1..)?))
    }
}

/// Digits only: no sign, no blanks, no leading zero.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0'))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(content: &[u8]) -> &'static str {
        match Extensions::default().add(b'x', content) {
            Err(Error::Header { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn extension_records_are_read() {
        let mut extensions = Extensions::default();
        extensions.add(b'x', b"12 path=a/b\n18 mtime=1.234567\n9 size=7\n").unwrap();
        assert_eq!(extensions.name(b"short").unwrap(), b"a/b");
        assert!(extensions.check_size(7, b"").is_ok());
        assert!(extensions.check_size(8, b"").is_err());
    }

    #[test]
    fn extension_records_with_wrong_lengths_are_refused() {
        for content in [
            &b"11 path=a/b\n"[..],
            b"13 path=a/b\n",
            b"012 path=a/b\n",
            b"+12 path=a/b\n",
            b"-1 path=a/b\n",
            b"0 path=a/b\n",
            b"3 \n",
            b"5 a=\n\n",
            b"6 a=b\n\0",
            b"99999999999999999999 path=a\n",
            b"path=a\n",
            b"4 =\n",
            b"7 path\n",
        ] {
            assert_eq!(fault(content), "malformed pax records", "{:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn extension_that_contradicts_itself_is_refused() {
        assert_eq!(fault(b"9 size=7\n9 size=8\n"), "two pax sizes");
        assert_eq!(fault(b"10 path=a\n10 path=b\n"), "two pax names");
        assert_eq!(fault(b"8 path=\n"), "a pax name is empty or contains NUL");
        assert_eq!(fault(b"11 size=-1\n"), "the pax size is not a number");
        assert_eq!(fault(b"22 GNU.sparse.major=1\n"), "sparse files are not supported");
        let mut extensions = Extensions::default();
        extensions.add(b'x', b"10 path=a\n").unwrap();
        extensions.add(b'L', b"b\0").unwrap();
        assert!(extensions.name(b"c").is_err());
        assert!(extensions.add(b'x', b"10 path=a\n").is_err());
        assert!(extensions.add(b'L', b"b\0").is_err());
    }

    #[test]
    fn extension_headers_are_counted() {
        let mut extensions = Extensions::default();
        for _ in 0..limits::EXTENSION_HEADERS {
            extensions.add(b'g', b"13 comment=x\n").unwrap();
        }
        assert!(extensions.add(b'g', b"13 comment=x\n").is_err());
    }

    #[test]
    fn extension_that_is_global_may_not_name_members() {
        for content in [&b"10 path=a\n"[..], b"9 size=1\n", b"14 linkpath=a\n"] {
            assert!(Extensions::default().add(b'g', content).is_err());
        }
    }
}
