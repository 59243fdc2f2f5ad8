//! What to do next about self-issued certificates, as a table.

use std::time::Duration;

use jiff::Timestamp;
use oci_webhook::tls::issue::{Facts, Leaf, Lifetimes, Reason, Span, Step, next};

const DAY: i64 = 24 * 3_600;

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + number * DAY).unwrap()
}

fn span(from: i64, until: i64) -> Span {
    Span { from: day(from), until: day(until) }
}

fn leaf(from: i64, until: i64, issuer: Option<usize>) -> Leaf {
    Leaf { span: span(from, until), issuer, names: true }
}

/// One authority of 365 days, a certificate of 30, both new, published.
fn usual() -> Facts {
    Facts {
        authorities: vec![span(0, 365)],
        signer: Some(0),
        leaf: Some(leaf(0, 30, Some(0))),
        published: true,
    }
}

/// A new authority in front of one that is due.
fn changing() -> Facts {
    Facts {
        authorities: vec![span(244, 609), span(0, 365)],
        signer: Some(0),
        leaf: Some(leaf(240, 270, Some(1))),
        published: true,
    }
}

#[track_caller]
fn at(number: i64, facts: &Facts, step: Step) {
    assert_eq!(next(facts, &Lifetimes::default(), day(number)), step, "{facts:?}");
}

#[test]
fn next_waits_while_everything_is_fresh() {
    at(1, &usual(), Step::Wait);
    at(19, &usual(), Step::Wait);
}

#[test]
fn next_begins_where_nothing_can_be_kept() {
    at(0, &Facts::default(), Step::Begin(Reason::Missing));
    at(1, &Facts { signer: None, leaf: None, ..usual() }, Step::Begin(Reason::Missing));
    at(366, &Facts { leaf: Some(leaf(340, 365, Some(0))), ..usual() }, Step::Begin(Reason::Ended));
    at(300, &Facts { leaf: None, ..usual() }, Step::Begin(Reason::Due));
    // A certificate of nobody's is worth as much as none.
    at(1, &Facts { signer: None, leaf: Some(leaf(0, 30, None)), ..usual() }, Step::Begin(Reason::Missing));
}

#[test]
fn next_renews_a_certificate_at_two_thirds() {
    at(20, &usual(), Step::Renew(Reason::Due));
    at(31, &usual(), Step::Renew(Reason::Ended));
    at(1, &Facts { leaf: None, ..usual() }, Step::Renew(Reason::Missing));
    at(1, &Facts { leaf: Some(leaf(0, 30, None)), ..usual() }, Step::Renew(Reason::Missing));
    // Whoever trusts the authority trusts the new certificate, published just now or not.
    at(20, &Facts { published: false, ..usual() }, Step::Renew(Reason::Due));
}

#[test]
fn next_renews_a_certificate_that_lacks_a_name() {
    let lacking = Some(Leaf { names: false, ..leaf(0, 30, Some(0)) });
    at(1, &Facts { leaf: lacking, ..usual() }, Step::Renew(Reason::Names));
}

#[test]
fn next_publishes_what_differs() {
    at(1, &Facts { published: false, ..usual() }, Step::Publish);
    at(245, &Facts { published: false, ..changing() }, Step::Publish);
}

#[test]
fn next_puts_a_new_authority_beside_the_old_one() {
    let old = Facts { leaf: Some(leaf(240, 270, Some(0))), ..usual() };
    at(243, &old, Step::Wait);
    at(244, &old, Step::Extend(Reason::Due));
    // Its key is lost, but the certificate is still trusted.
    at(1, &Facts { signer: None, ..usual() }, Step::Extend(Reason::Missing));
}

#[test]
fn next_issues_from_a_new_authority_only_when_it_is_published_and_known() {
    at(245, &changing(), Step::Renew(Reason::Authority));
    at(245, &Facts { published: false, ..changing() }, Step::Publish);
    // Published, but a moment ago.
    at(244, &changing(), Step::Wait);
}

#[test]
fn next_takes_out_an_authority_that_has_ended() {
    let after = Facts { leaf: Some(leaf(360, 390, Some(0))), ..changing() };
    at(364, &after, Step::Wait);
    at(365, &after, Step::Trim);
}

#[test]
fn next_settles_in_step_with_the_lifetimes() {
    let short = Lifetimes { leaf: Duration::from_secs(30), authority: Duration::from_secs(90) };
    assert_eq!((short.backdate(), short.settling()), (Duration::from_secs(3), Duration::from_secs(1)));
    let usual = Lifetimes::default();
    assert_eq!((usual.backdate(), usual.settling()), (Duration::from_hours(1), Duration::from_mins(1)));
}
