//! PEM as OpenSSL and Go write and read it: blocks between lines, whatever stands around them.
//!
//! RFC 7468 in its lax form. The bits behind the last byte may be anything, as Go has it; a strict reader would refuse
//! keys that work with Flux.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

const LAX: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// A block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// What it says it is, such as `PUBLIC KEY`.
    pub(crate) label: &'a str,
    /// Its bytes; `None` if they are not base64, or nothing ends it.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Bytes of base64 in a line.
const LINE: usize = 64;

/// A block, as Go writes it.
pub(crate) fn write(label: &str, bytes: &[u8]) -> String {
    let mut out = format!("{BEGIN}{label}{DASHES}\n");
    for (index, c) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out + "\n" + END + label + DASHES + "\n"
}

/// All blocks of a text, in order.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = text.lines().map(str::trim);
    std::iter::from_fn(move || {
        let label = lines.by_ref().find_map(|line| line.strip_prefix(BEGIN)?.strip_suffix(DASHES))?;
        let mut body = String::new();
        let mut ended = false;
        for line in lines.by_ref() {
            if line.starts_with(DASHES) {
                let end = line.strip_prefix(END).and_then(|end| end.strip_suffix(DASHES));
                ended = end == Some(label);
                break;
            }
            // Headers of encrypted keys; such a block is never read further than its label.
            if !line.contains(':') {
                body.push_str(line);
            }
        }
        let bytes = LAX.decode(&body).ok().filter(|_| ended);
        Some(Block { label, bytes })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_finds_blocks_between_other_text() {
        let text = "words\n-----BEGIN A-----\r\nAQID\r\nBA==\r\n-----END A-----\n-----BEGIN B C-----\nAA==\n-----END B C-----";
        let found: Vec<_> = blocks(text).collect();
        assert_eq!(found[0], Block { label: "A", bytes: Some(vec![1, 2, 3, 4]) });
        assert_eq!(found[1], Block { label: "B C", bytes: Some(vec![0]) });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn pem_reads_what_it_writes() {
        for length in [0, 1, 47, 48, 49, 96, 200] {
            let bytes = vec![7; length];
            let text = write("A B", &bytes);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            assert_eq!(blocks(&text).collect::<Vec<_>>(), [Block { label: "A B", bytes: Some(bytes) }]);
        }
    }

    #[test]
    fn pem_takes_any_bits_behind_the_last_byte() {
        let found: Vec<_> = blocks("-----BEGIN A-----\nAB==\n-----END A-----").collect();
        assert_eq!(found, [Block { label: "A", bytes: Some(vec![0]) }]);
    }

    #[test]
    fn pem_has_no_bytes_where_a_block_is_broken() {
        for text in [
            "-----BEGIN A-----\nAQID",
            "-----BEGIN A-----\nAQID\n-----END B-----",
            "-----BEGIN A-----\nA!ID\n-----END A-----",
            "-----BEGIN A-----\nAQI\n-----END A-----",
        ] {
            assert_eq!(blocks(text).collect::<Vec<_>>(), [Block { label: "A", bytes: None }], "{text}");
        }
        assert_eq!(blocks("no block\n-----BEGIN A").count(), 0);
    }
}
