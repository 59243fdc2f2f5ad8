//! distribution behind https: private authority, client certificates.

use std::fs;

use oci_testkit::real::{Distribution, Mode};

use crate::{
    bench::{Bench, ORIGIN},
    login::every_command_works,
};

/// A bench that has the certificates as files.
fn secured(mode: Mode) -> (Bench, Distribution) {
    let (bench, registry) = (Bench::new(), Distribution::start(mode).unwrap());
    let tls = registry.tls.as_ref().unwrap();
    for (name, pem) in
        [("ca.pem", &tls.ca_pem), ("cert.pem", &tls.client_cert_pem), ("key.pem", &tls.client_key_pem)]
    {
        fs::write(bench.path(name), pem).unwrap();
    }
    (bench, registry)
}

const CLIENT: [&str; 6] = ["--ca-file", "ca.pem", "--cert-file", "cert.pem", "--key-file", "key.pem"];

#[test]
fn private_authority_is_trusted_when_named() {
    let (bench, registry) = secured(Mode::Tls);
    every_command_works(&bench, &registry, &["--ca-file", "ca.pem"]);
    let (from, to) = (registry.url("org/app:v1"), registry.url("prod/app:v1"));
    bench.ok(&["copy", "artifact", &from, &to, "--ca-file", "ca.pem"]);
    let name = format!("{}/org/app:v1", registry.host());
    let theirs = bench.oras(&["manifest", "fetch", "--ca-file", "ca.pem", &name]);
    let ours = bench.ok(&["inspect", "artifact", &from, "--raw", "--ca-file", "ca.pem"]).stdout;
    assert_eq!(ours.as_bytes(), theirs);
}

#[test]
fn private_authority_that_is_not_named_is_an_error_with_a_hint() {
    let (bench, registry) = secured(Mode::Tls);
    let url = registry.url("app:v1");
    let errors = bench.fails(&[&["push", "artifact", &url, "-f", "app"], &ORIGIN[..]].concat());
    assert!(errors.contains("hint: ") && errors.contains("--ca-file"), "{errors}");
    bench.fails(&["pull", "artifact", &url, "-o", "out"]);
    bench.fails(&["copy", "artifact", &url, "oci-layout://layout:v1"]);
}

#[test]
fn insecure_registry_skips_the_authority() {
    let (bench, registry) = secured(Mode::Tls);
    every_command_works(&bench, &registry, &["--insecure-registry"]);
}

#[test]
fn client_certificate_opens_the_registry() {
    let (bench, registry) = secured(Mode::MutualTls);
    every_command_works(&bench, &registry, &CLIENT);
    let name = format!("{}/org/app", registry.host());
    let tags = bench.oras(&[&["repo", "tags", &name], &CLIENT[..]].concat());
    assert_eq!(String::from_utf8(tags).unwrap().lines().collect::<Vec<_>>(), ["stable", "v1"]);
}

#[test]
fn missing_client_certificate_is_an_error_of_the_connection() {
    let (bench, registry) = secured(Mode::MutualTls);
    for flags in [&CLIENT[..2], &["--insecure-registry"]] {
        let url = registry.url("app:v1");
        let errors = bench.fails(&[&["push", "artifact", &url, "-f", "app"], &ORIGIN[..], flags].concat());
        assert!(errors.contains("CertificateRequired"), "{errors}");
    }
}
