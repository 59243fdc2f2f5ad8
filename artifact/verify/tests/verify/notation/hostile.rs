//! Envelopes that are made to keep us busy. Random ones are in `tests/fuzz`.

use oci_verify::{NOTATION_COSE_TYPE, Verdict};

use super::{judge, pki::Chain, trusting};
use crate::desk::blob;

#[test]
fn nested_cbor_is_bounded() {
    let policy = trusting(&Chain::usual());
    for byte in [0x81, 0xa1, 0xc1, 0xd8, 0x9f, 0xbf, 0x5b] {
        let mut bytes = vec![0xd2, 0x84, 0x40, 0xa1, 0x01];
        bytes.extend(std::iter::repeat_n(byte, 100_000));
        assert!(matches!(judge(&policy, &[blob(NOTATION_COSE_TYPE, &bytes)]), Verdict::Rejected(_)));
    }
}
