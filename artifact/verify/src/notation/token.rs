//! Timestamps over signatures: tokens of RFC 3161, in the form of RFC 5652 and RFC 5816.

use cms::{
    cert::CertificateChoices,
    content_info::{CmsVersion, ContentInfo},
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use jiff::Timestamp;
use oci_artifact::limits::CHAIN_CERTIFICATES;
use x509_cert::{
    attr::Attribute,
    der::{
        Any, Decode as _, Encode as _, Reader as _, Tag, Tagged as _,
        asn1::{ObjectIdentifier, OctetString, OctetStringRef},
    },
    spki::AlgorithmIdentifierRef,
    time::Time,
};

use super::{
    NotationReason,
    certificate::Certificate,
    chain::{self, Purpose},
    key::{self, Hash},
    reason::TimestampFault,
    revocation, stamp,
    stamp::Stamp,
};
use crate::reason::excerpt;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// The time that a token proves for `message`: made by somebody who leads to one of `trusted`, and whose certificates
/// held at that time.
pub(super) fn verify(token: &[u8], message: &[u8], trusted: &[Certificate]) -> Result<Stamp, NotationReason> {
    let token = Token::parse(token).map_err(NotationReason::Timestamp)?;
    let stamp = stamp::read(&token.info, message).map_err(NotationReason::Timestamp)?;
    let signer = token.signer().map_err(NotationReason::Timestamp)?;
    token.check_signature(&signer).map_err(NotationReason::Timestamp)?;
    let chain = token.chain(signer, trusted)?;
    chain::check(&chain, Purpose::Timestamps)?;
    check_times(&chain, stamp.at)?;
    if let Some(time) = token.signing_time().map_err(NotationReason::Timestamp)? {
        check_times(&chain, time)?;
    }
    revocation::check(&chain)?;
    Ok(stamp)
}

/// Refuses a time at which a certificate does not hold.
pub(super) fn check_times(chain: &[Certificate], at: Timestamp) -> Result<(), NotationReason> {
    for certificate in chain {
        let (from, until) = (certificate.window().from(), certificate.window().until());
        if at < from || at > until {
            return Err(NotationReason::Outside { certificate: certificate.whose(), at, from, until });
        }
    }
    Ok(())
}

struct Token {
    info: Vec<u8>,
    signer: SignerInfo,
    certificates: Vec<Certificate>,
}

impl Token {
    fn parse(der: &[u8]) -> Result<Self, TimestampFault> {
        let content = ContentInfo::from_der(der).map_err(|error| malformed(&error))?;
        if content.content_type != SIGNED_DATA {
            return Err(TimestampFault::ContentType(content.content_type.to_string()));
        }
        let data: SignedData = content.content.decode_as().map_err(|error| malformed(&error))?;
        if data.version != CmsVersion::V3 {
            return Err(TimestampFault::Version);
        }
        let inner = &data.encap_content_info;
        if inner.econtent_type != TST_INFO {
            return Err(TimestampFault::ContentType(inner.econtent_type.to_string()));
        }
        let info = inner.econtent.as_ref().ok_or_else(|| malformed(&"it is empty"))?;
        let info: OctetString = info.decode_as().map_err(|error| malformed(&error))?;
        let mut signers = data.signer_infos.0.into_vec();
        let signer = match (signers.pop(), signers.len()) {
            (Some(signer), 0) => signer,
            (Some(_), more) => return Err(TimestampFault::Signers(more + 1)),
            (None, _) => return Err(TimestampFault::Signers(0)),
        };
        let mut certificates = Vec::new();
        for choice in data.certificates.iter().flat_map(|set| set.0.iter()) {
            let CertificateChoices::Certificate(certificate) = choice else {
                return Err(malformed(&"it holds another kind of certificates"));
            };
            if certificates.len() == CHAIN_CERTIFICATES {
                return Err(malformed(&"it holds too many certificates"));
            }
            let der = certificate.to_der().map_err(|error| malformed(&error))?;
            certificates.push(Certificate::parse(&der).map_err(|error| malformed(&error))?);
        }
        Ok(Self { info: info.as_bytes().to_vec(), signer, certificates })
    }

    /// The certificate that the signed attribute names by its digest (RFC 5035, 4), and the signer by its number.
    fn signer(&self) -> Result<Certificate, TimestampFault> {
        let named = self.attribute(SIGNING_CERTIFICATE)?.ok_or(TimestampFault::NoSigningCertificate)?;
        let (hash, digest) = first_certificate(named).ok_or(TimestampFault::NoSigningCertificate)?;
        let hash = match hash {
            None => Hash::Sha256,
            Some(oid) => Hash::of(oid).ok_or_else(|| TimestampFault::Algorithm(oid.to_string()))?,
        };
        let SignerIdentifier::IssuerAndSerialNumber(number) = &self.signer.sid else {
            return Err(TimestampFault::Version);
        };
        let found = self.certificates.iter().find(|one| hash.over(one.der()).as_ref() == digest.as_slice());
        let found = found.filter(|certificate| {
            let parsed = &certificate.parsed().tbs_certificate;
            parsed.issuer == number.issuer && parsed.serial_number == number.serial_number
        });
        found.cloned().ok_or(TimestampFault::SigningCertificate)
    }

    /// The content is what was signed, and the certificate's key signed it (RFC 5652, 5.4 and 5.6).
    fn check_signature(&self, certificate: &Certificate) -> Result<(), TimestampFault> {
        let hash = self.signer.digest_alg.oid;
        let hash = Hash::of(hash).ok_or_else(|| TimestampFault::Algorithm(hash.to_string()))?;
        let content_type = self.attribute(CONTENT_TYPE)?.ok_or(TimestampFault::Digest)?;
        if content_type.decode_as::<ObjectIdentifier>() != Ok(TST_INFO) {
            return Err(TimestampFault::Digest);
        }
        let digest = self.attribute(MESSAGE_DIGEST)?.ok_or(TimestampFault::Digest)?;
        let digest = digest.decode_as::<OctetStringRef<'_>>().map_err(|error| malformed(&error))?;
        if digest.as_bytes() != hash.over(&self.info).as_ref() {
            return Err(TimestampFault::Digest);
        }
        // As a SET, not with the tag that it has in the token.
        let attributes = self.signer.signed_attrs.as_ref().ok_or(TimestampFault::Digest)?;
        let signed = attributes.to_der().map_err(|error| malformed(&error))?;
        let algorithm = &self.signer.signature_algorithm;
        let signature = self.signer.signature.as_bytes();
        match key::made(algorithm, Some(hash), certificate.key(), &signed, signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TimestampFault::Signature),
            Err(unsupported) => Err(TimestampFault::Algorithm(unsupported)),
        }
    }

    /// From the signer to a trusted root, over certificates that came along.
    fn chain(
        &self,
        signer: Certificate,
        trusted: &[Certificate],
    ) -> Result<Vec<Certificate>, NotationReason> {
        let untrusted = NotationReason::Timestamp(TimestampFault::Untrusted(signer.whose()));
        let mut chain = vec![signer];
        while chain.len() <= CHAIN_CERTIFICATES {
            let Some(last) = chain.last() else { break };
            let ends = last.is_self_signed();
            if ends && trusted.iter().any(|one| one.der() == last.der()) {
                return Ok(chain);
            }
            let mut candidates = trusted.iter().chain(&self.certificates);
            let issuer = candidates.find(|one| !ends && one.der() != last.der() && last.is_issued_by(one));
            let Some(issuer) = issuer else { break };
            chain.push(issuer.clone());
        }
        Err(untrusted)
    }

    fn signing_time(&self) -> Result<Option<Timestamp>, TimestampFault> {
        let Some(value) = self.attribute(SIGNING_TIME)? else { return Ok(None) };
        let time = value.to_der().and_then(|der| Time::from_der(&der)).map_err(|error| malformed(&error))?;
        Timestamp::try_from(time.to_system_time()).map(Some).map_err(|error| malformed(&error))
    }

    /// The one value of a signed attribute that is there at most once.
    fn attribute(&self, oid: ObjectIdentifier) -> Result<Option<&Any>, TimestampFault> {
        let with = |attribute: &&Attribute| attribute.oid == oid;
        let mut all = self.signer.signed_attrs.iter().flat_map(|set| set.iter()).filter(with);
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(one), None) if one.values.len() == 1 => Ok(one.values.get(0)),
            _ => Err(malformed(&"a signed attribute has several values")),
        }
    }
}

/// The hash and the digest in the first `ESSCertIDv2`.
fn first_certificate(attribute: &Any) -> Option<(Option<ObjectIdentifier>, Vec<u8>)> {
    let read = attribute.sequence(|reader| {
        let first = reader.sequence(|reader| {
            let first = reader.sequence(|reader| {
                let hash = match reader.peek_tag()? {
                    Tag::Sequence => Some(AlgorithmIdentifierRef::decode(reader)?.oid),
                    _ => None,
                };
                let digest = OctetString::decode(reader)?.into_bytes();
                skip(reader)?;
                Ok((hash, digest))
            })?;
            skip(reader)?;
            Ok(first)
        })?;
        skip(reader)?;
        Ok(first)
    });
    read.ok().filter(|_| attribute.tag() == Tag::Sequence)
}

fn skip<'r>(reader: &mut impl x509_cert::der::Reader<'r>) -> x509_cert::der::Result<()> {
    while !reader.is_finished() {
        reader.tlv_bytes()?;
    }
    Ok(())
}

fn malformed(fault: &dyn std::fmt::Display) -> TimestampFault {
    TimestampFault::Malformed(excerpt(&fault.to_string()))
}
