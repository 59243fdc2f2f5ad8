//! Bytes that are changed at random, always in the same way: whatever comes, the answer is a verdict.

use oci_testkit::sigstore::{
    Kind, Owner,
    bundle::{sign, sign_stamped, sign_with},
    legacy,
};
use oci_verify::{BUNDLE_TYPE, Found, Keys, Material, TrustRoot, Verdict};

use crate::desk::{A, blob, by_keys, judge, legacies, signer, sigstore, usual};

/// Numbers that look random (xorshift).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    /// One to four bytes changed, removed or repeated.
    pub(crate) fn spoil(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for _ in 0..=self.next(4) {
            let place = self.next(out.len());
            match self.next(4) {
                0 => out[place] ^= 1 << self.next(8),
                1 => out[place] = b"\"{}[],:0\xff\0"[self.next(10)],
                2 => drop(out.drain(place..(place + 1 + self.next(8)).min(out.len() - 1).max(place))),
                _ => {
                    let end = (place + self.next(64)).min(out.len());
                    let copy = out[place..end].to_vec();
                    out.splice(place..place, copy);
                }
            }
        }
        out
    }
}

#[test]
fn spoilt_bundles_have_a_verdict() {
    let mut numbers = Numbers(0x5eed);
    let owner = Owner::new(Kind::P256);
    let keys = by_keys(&[("a.pub", &owner.pem())]);
    let usual = usual();
    let signer = signer();
    let good = [
        (&keys, sign_with(&owner, A)),
        (&usual, sign(sigstore(), &signer, A)),
        (&usual, sign_stamped(sigstore(), &signer, A)),
    ];
    for (policy, bundle) in good {
        let text = bundle.to_string().into_bytes();
        for _ in 0..400 {
            let layer = blob(BUNDLE_TYPE, &numbers.spoil(&text));
            let verdict =
                judge(policy, &Material { bundles: Found::Here(vec![layer]), ..Material::default() });
            assert!(matches!(verdict, Verdict::Verified(_) | Verdict::Rejected(_)), "{verdict}");
        }
    }
}

#[test]
fn spoilt_legacy_signatures_have_a_verdict() {
    let mut numbers = Numbers(0xfeed);
    let good = legacy::sign(sigstore(), &signer(), A);
    let usual = usual();
    for name in good.annotations.keys() {
        for _ in 0..200 {
            let mut signature = good.clone();
            let spoilt = numbers.spoil(good.annotations[name].as_bytes());
            signature.annotations.insert(name.clone(), String::from_utf8_lossy(&spoilt).into_owned());
            let verdict = judge(&usual, &legacies(vec![signature]));
            assert!(matches!(verdict, Verdict::Verified(_) | Verdict::Rejected(_)), "{verdict}");
        }
    }
    // Every byte of the payload is signed.
    for _ in 0..200 {
        let mut signature = good.clone();
        signature.payload = numbers.spoil(&good.payload);
        if signature.payload != good.payload {
            assert!(matches!(judge(&usual, &legacies(vec![signature])), Verdict::Rejected(_)));
        }
    }
}

#[test]
fn spoilt_keys_and_roots_are_read_or_refused() {
    let mut numbers = Numbers(0xbeef);
    let pem = Owner::new(Kind::Rsa).pem();
    let root = sigstore().trusted_root().to_string();
    for _ in 0..400 {
        let spoilt = numbers.spoil(pem.as_bytes());
        let keys = Keys::read([("a.pub", spoilt.as_slice())]);
        assert!(keys.names().count() + keys.faults().len() > 0);
        drop(TrustRoot::parse(&numbers.spoil(root.as_bytes())));
    }
}
