//! The rules say about every case file what it says that they say.

use oci_crds::{lint, v1::Spec, validate};
use oci_testkit::cases::{self, Answerer};

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

#[test]
fn rules_find_what_each_case_names_and_nothing_else() {
    let mut wrong = Vec::new();
    for case in cases::all() {
        let judgement = lint::object(&case.object, &[]);
        let pair = |path: &validate::Path, code: validate::Code| (path.to_string(), code.to_string());
        let refused = sorted(judgement.refused.iter().map(|fault| pair(&fault.path, fault.code)).collect());
        let warned =
            sorted(judgement.warnings.iter().map(|warning| pair(&warning.path, warning.code)).collect());
        if refused != sorted(case.refused.clone()) || warned != sorted(case.warned.clone()) {
            wrong.push(format!("{}: refused {refused:?}, warned {warned:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn cases_have_names_of_their_own() {
    let mut names: Vec<String> = cases::all().into_iter().map(|case| case.name).collect();
    assert!(names.len() > 120, "{} cases were found", names.len());
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn cases_cover_every_code() {
    let seen: Vec<String> = cases::all()
        .into_iter()
        .flat_map(|case| case.refused.into_iter().chain(case.warned).map(|(_, code)| code))
        .collect();
    let missing: Vec<_> =
        validate::Code::ALL.iter().filter(|code| !seen.iter().any(|seen| seen == code.as_str())).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn admission_sees_what_lint_sees_where_the_schema_is_silent() {
    for case in cases::all().into_iter().filter(|case| case.by == Answerer::Webhook) {
        let spec: Spec = serde_json::from_value(case.object["spec"].clone()).unwrap();
        assert_eq!(validate::judge(&spec, None, &[]), lint::object(&case.object, &[]), "{}", case.name);
    }
}

#[test]
fn messages_are_short_and_on_one_line() {
    for case in cases::all() {
        let judgement = lint::object(&case.object, &[]);
        for fault in &judgement.refused {
            for text in [Some(&fault.message), fault.hint.as_ref()].into_iter().flatten() {
                assert!(!text.contains('\n') && !text.ends_with('.'), "{}: {text}", case.name);
            }
            assert!(fault.message.chars().count() < 300, "{}: {}", case.name, fault.message);
            assert!(!format!("{fault:?}").contains("hunter2"), "{}", case.name);
        }
        for warning in &judgement.warnings {
            assert!(warning.to_string().chars().count() <= 256, "{}: {warning}", case.name);
        }
    }
}

#[test]
fn controller_gets_a_parsed_spec_exactly_where_nothing_is_unusable() {
    for case in cases::all() {
        let Ok(spec) = serde_json::from_value::<Spec>(case.object["spec"].clone()) else {
            continue;
        };
        let report = validate::check(&spec);
        let unusable = report.faults.iter().any(|fault| fault.kind == validate::Kind::Unusable);
        assert_eq!(report.checked.is_none(), unusable, "{}: {:?}", case.name, report.faults);
    }
}
