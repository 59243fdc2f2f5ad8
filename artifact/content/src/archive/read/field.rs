//! The fields of a tar header, read strictly.
//!
//! The `tar` crate knows where the fields are; the numbers are parsed here, because it cuts what does not fit into
//! 64 bits (a size of 2^64 + 5 would be 5, and another reader would go on at another place).

use tar::Header;

const CHECKSUM: std::ops::Range<usize> = 148..156;
const MAGIC: std::ops::Range<usize> = 257..263;

/// What a header says about the member, apart from its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// The type flag as it is; the `tar` crate shows the old flag NUL as `0`.
    pub(super) flag: u8,
    pub(super) size: u64,
    pub(super) executable: bool,
}

pub(super) fn parse(block: &[u8; 512]) -> Result<Fields, &'static str> {
    if !checksum_holds(block) {
        return Err("wrong checksum");
    }
    let header = Header::from_byte_slice(block);
    // Go looks for a prefix of the name whatever the version is, others do not.
    if header.as_ustar().is_none() && block.get(MAGIC) == Some(b"ustar\0") {
        return Err("unknown version of ustar");
    }
    let header = header.as_old();
    let size = number(&header.size).ok_or("the size is not a number that fits")?;
    let mode = number(&header.mode).ok_or("the mode is not a number that fits")?;
    let [flag] = header.linkflag;
    Ok(Fields { flag, size, executable: mode & 0o111 != 0 })
}

/// The sum of all bytes, with blanks in the place of the sum itself.
pub(super) fn checksum_holds(block: &[u8]) -> bool {
    let field = block.get(CHECKSUM).unwrap_or_default();
    let all: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = field.iter().map(|byte| u64::from(*byte)).sum();
    number(field) == Some(all - own + 8 * u64::from(b' '))
}

/// Octal digits between blanks and NULs, or a positive big-endian number behind the byte 0x80.
fn number(field: &[u8]) -> Option<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        if *first != 0x80 {
            return None;
        }
        return rest.iter().try_fold(0_u64, |value, byte| {
            value.checked_mul(256).and_then(|value| value.checked_add(u64::from(*byte)))
        });
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at + 1);
    field.get(start..end)?.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8).and_then(|value| value.checked_add(u64::from(byte - b'0'))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_number_is_octal() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"  644 \0\0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"77777777777\0"), Some((8 << 30) - 1));
        for bad in [&b"+644"[..], b"-1", b"0x1f", b"68", b"6 4", b"6\x004"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn field_number_may_be_binary_and_positive() {
        let binary = |value: u128| {
            let mut field = [0; 12];
            field.copy_from_slice(&value.to_be_bytes()[4..]);
            field[0] |= 0x80;
            number(&field)
        };
        assert_eq!(binary(5), Some(5));
        assert_eq!(binary(u128::from(u64::MAX)), Some(u64::MAX));
        assert_eq!(binary(u128::from(u64::MAX) + 6), None);
        assert_eq!(number(&[0xff; 12]), None);
    }
}
