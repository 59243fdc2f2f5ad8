//! Positions, scalars as kubectl reads them, and hostile documents.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;

fn documents(text: &str) -> Vec<Result<Tree<'_>, Problem>> {
    Documents::new(text).collect()
}

fn tree(text: &str) -> Tree<'_> {
    let mut all = documents(text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0).unwrap()
}

fn value(text: &str) -> Value {
    let tree = tree(text);
    tree.value(Id::ROOT).unwrap().0
}

fn problem(text: &str) -> Problem {
    let found = Documents::new(text)
        .find_map(|document| document.and_then(|tree| tree.value(Id::ROOT).map(drop)).err());
    found.unwrap_or_else(|| panic!("{text:.100} can be read"))
}

fn line(text: &str, path: &str) -> (usize, usize) {
    let tree = tree(text);
    let mark = tree.locate(Id::ROOT, path);
    (mark.line, mark.column)
}

/// Compared with `kubectl annotate --local -o json`, version 1.36.
#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    for (text, wanted) in [
        ("[yes, Y, on, True]", json!([true, true, true, true])),
        ("[n, off, NO, FALSE]", json!([false, false, false, false])),
        ("[yEs, oN, tRue]", json!(["yEs", "oN", "tRue"])),
        ("['yes', \"on\", !!str yes]", json!(["yes", "on", "yes"])),
        ("[~, null, NULL, nUll]", json!([null, null, null, "nUll"])),
        ("a:", json!({"a": null})),
        ("[5, +5, -5, -0]", json!([5, 5, -5, 0])),
        ("[017, 0o17, 0x1F, 0b11, -0b11, 00, 0_7]", json!([15, 15, 31, 3, -3, 0, 7])),
        ("[08, 1_000, 1__0]", json!([8, 1_000, 10])),
        ("[1e3, 1e+3, 5.0, 5., 0.0]", json!([1_000, 1_000, 5, 5, 0])),
        ("[1.10, .5, +.5, 1_0.5_0]", json!([1.1, 0.5, 0.5, 10.5])),
        ("[18446744073709551615, 99999999999999999999]", json!([u64::MAX, 1e20])),
        ("[2024-01-01, 2024-01-01T00:00:00Z]", json!(["2024-01-01", "2024-01-01T00:00:00Z"])),
        (
            "[1.2.3, 1:30, 12e999, 0x, 0xfg, 0b, 0o8]",
            json!(["1.2.3", "1:30", "12e999", "0x", "0xfg", "0b", "0o8"]),
        ),
        ("[e5, .e5, ., +]", json!(["e5", ".e5", ".", "+"])),
        ("[!!int \"5\", !!float 5, !foo 5]", json!([5, 5, "5"])),
        ("|\n text\n", json!("text\n")),
        (">-\n a\n b\n", json!("a b")),
        ("{yes: 1, 1: 2, 1.5: 3, 0x10: 4}", json!({"true": 1, "1": 2, "1.5": 3, "16": 4})),
    ] {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn scalars_that_are_no_json_are_refused() {
    for text in [".inf", "-.INF", ".nan", "!!binary aGk=", "!!int x", "{~: 1}", "{[a]: 1}", "{{a: b}: c}"] {
        problem(text);
    }
}

#[test]
fn merge_keys_are_followed_in_their_order() {
    let text = "x: &a {p: 1, q: 2}\nbefore: {<<: *a, p: 9}\nbehind: {p: 9, <<: *a}\n\
                list: {<<: [{p: 3}, {p: 4}]}\nquoted: {'<<': 1}\n";
    let value = value(text);
    assert_eq!(value["before"], json!({"p": 9, "q": 2}));
    assert_eq!(value["behind"], json!({"p": 1, "q": 2}));
    assert_eq!(value["list"], json!({"p": 3}));
    assert_eq!(value["quoted"], json!({"<<": 1}));
    for text in ["<<: 1", "<<: [1]", "a: &a [b: c]\n<<: *a\n"] {
        assert_eq!(problem(text).why, "`<<` takes a mapping or a list of mappings");
    }
    assert_eq!(line(text, "before.q"), (1, 17));
}

#[test]
fn repeated_fields_are_found_with_both_places() {
    let text = "a: 1\nspec:\n  url: x\n  tag: y\n  'url': z\n  list: [{k: 1, k: 2}]\n";
    let tree = tree(text);
    let (value, repeated) = tree.value(Id::ROOT).unwrap();
    assert_eq!(value["spec"]["url"], "z");
    let found: Vec<_> =
        repeated.iter().map(|twice| (twice.path.as_str(), twice.first.line, twice.again.line)).collect();
    assert_eq!(found, [("spec.url", 3, 5), ("spec.list[0].k", 6, 6)]);
    assert_eq!(line(text, "spec.url"), (5, 10));
}

#[test]
fn paths_are_located() {
    let text = "# comment\nspec:\n  url: \"oci://x\"\n  verify:\n    matchOIDCIdentity:\n      - issuer: a\n        \
                subject: |\n          text\n      -\n        issuer: b\n  none:\n  a.b:\n    c: 1\n  a: {b: 2, ü: 3, x: 4}\n";
    for (path, wanted) in [
        ("", (2, 1)),
        ("spec", (2, 1)),
        ("spec.url", (3, 8)),
        ("spec.url.deeper", (3, 8)),
        ("spec.verify", (4, 3)),
        ("spec.verify.provider", (4, 3)),
        ("spec.verify.matchOIDCIdentity[0]", (6, 9)),
        ("spec.verify.matchOIDCIdentity[0].subject", (8, 11)),
        ("spec.verify.matchOIDCIdentity[1].issuer", (10, 17)),
        ("spec.verify.matchOIDCIdentity[2].issuer", (5, 5)),
        ("spec.none", (11, 3)),
        ("spec.a.b.c", (13, 8)),
        ("spec.a.b", (12, 3)),
        ("spec.a.x", (14, 22)),
        ("metadata.name", (2, 1)),
    ] {
        assert_eq!(line(text, path), wanted, "{path}");
    }
}

#[test]
fn positions_count_from_the_start_of_the_file() {
    let text = "\u{feff}a: 1\r\n---\r\n# c\r\nb: 2\r\n...\r\n---\r\n";
    let all = documents(text);
    assert_eq!(all.len(), 3);
    let second = all[1].as_ref().unwrap();
    assert_eq!(second.locate(Id::ROOT, "b"), Mark { line: 4, column: 4 });
    let root = second.field(Id::ROOT, "b").unwrap().unwrap();
    assert_eq!(text.get(second.bytes(root.value)), Some("2"));
    assert!(documents("").is_empty());
    assert!(documents("# only a comment\n").is_empty());
}

#[test]
fn json_is_read_with_tabs_escapes_and_one_value_behind_another() {
    assert_eq!(value("{\n\t\"a\": [\n\t\t\"x\\/\\uD834\\uDD1E\"\n\t]\n}\n"), json!({"a": ["x/𝄞"]}));
    let long = "x".repeat(100_000);
    assert_eq!(value(&format!("{{\"a\":\"{long}\",\"b\":1}}"))["b"], 1);
    let text = "{\"a\": 1}{\"b\":\n  2}\n\n\t{\"c\": 3}\n";
    let all = documents(text);
    let places: Vec<_> = all
        .iter()
        .zip(["a", "b", "c"])
        .map(|(document, name)| {
            let tree = document.as_ref().unwrap();
            let id = tree.field(Id::ROOT, name).unwrap().unwrap().value;
            (tree.mark(id).line, tree.mark(id).column, text.get(tree.bytes(id)).unwrap())
        })
        .collect();
    assert_eq!(places, [(1, 7, "1"), (2, 3, "2"), (4, 8, "3")]);
}

#[test]
fn a_broken_document_does_not_hide_the_next() {
    for broken in
        ["a: [b\n", "a: \"b\n", "a: b\n\tc: d\n", "a: *x\n", "a: b: c\n", "- a\nb: c\n", "a: \u{7}\n"]
    {
        let text = format!("{broken}---\nx: y\n");
        let all = documents(&text);
        assert_eq!(all.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true], "{broken}");
        let last = all[1].as_ref().unwrap();
        assert_eq!(last.mark(Id::ROOT).line, broken.lines().count() + 2, "{broken}");
    }
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{before}]").unwrap();
    }
    assert_eq!(problem(&text).why, "aliases make the object too large to be read");
    let mut text = "a0: &a0 {x: 1}\n".to_owned();
    for level in 1..40 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} {{<<: [{before}]}}").unwrap();
    }
    assert_eq!(problem(&text).why, "aliases and merge keys make the document too large to be read");
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 20].join(", "));
    assert_eq!(problem(&text).why, "aliases make the object too large to be read");
}

#[test]
fn cycles_are_refused() {
    assert_eq!(problem("a: &a [*a]\n").why, "nested deeper than 128, its aliases followed");
    assert_eq!(problem("a: &a {b: *a}\n").why, "nested deeper than 128, its aliases followed");
    assert_eq!(problem("&a\n<<: *a\n").why, "`<<` nested deeper than 128");
}

#[test]
fn depth_is_bounded() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    value(&flow(DEPTH));
    assert_eq!(problem(&flow(DEPTH + 1)).why, "nested deeper than 128");
    problem(&"[".repeat(1 << 20));
    problem(&"{\"a\":".repeat(1 << 18));
    let block = (0..=DEPTH).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n");
    assert_eq!(problem(&block).why, "nested deeper than 128");
    problem(&"- ".repeat(100_000));
}

#[test]
fn size_is_bounded() {
    let text = format!("[{}]", "x,".repeat(NODES - 1));
    assert!(documents(&text)[0].is_ok());
    let text = format!("[{}]", "x,".repeat(NODES));
    assert_eq!(problem(&text).why, "more than 1000000 values in one document");
    let huge = "x".repeat(10 << 20);
    assert_eq!(value(&huge), json!(huge));
}

#[test]
fn hostile_texts_have_a_place() {
    for (text, line) in [
        ("a: \0b\n", 1),
        ("a: b\n\0", 2),
        ("a:\n\tb: c\n", 2),
        ("x: y\na: 'b\n", 2),
        ("x: y\na: [b\n", 2),
        ("a: \"\\q\"\n", 1),
        ("a: &\n", 1),
        ("%YAML 9.9.9\n---\na: b\n", 1),
        ("a: \u{fffe}\n", 1),
        ("a: \u{1b}[31m\n", 1),
        ("a: |9x\n", 1),
        ("}", 1),
        ("? : :\n : - ? \n", 2),
    ] {
        let problem = problem(text);
        assert!(!problem.why.is_empty(), "{text:?}");
        assert_eq!(problem.mark.line, line, "{text:?}: {problem:?}");
    }
}

/// Everything that is done with a text of a stranger.
fn exercise(text: &str) {
    for tree in Documents::new(text).filter_map(Result::ok) {
        for path in ["", "spec.list[1].c", "spec.list[99999999999999999999]", "spec.", "[0]", "spec..x", "a]"]
        {
            tree.locate(Id::ROOT, path);
        }
        // A problem is an answer as well.
        let _ = tree.value(Id::ROOT);
        let _ = tree.fields(Id::ROOT);
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let text = "\u{feff}%YAML 1.2\n--- &r !!map\nspec: &s {<<: [*r], 'a': \"\\u00e9\\n\", ? b : *r}\n\
                list:\r\n- a: |2-\n    x\n- {b: 0x1F, c: -1e5}\n- - ~\n...\n{\"j\": [1, ü]}\n--- >+\n x\n";
    exercise(text);
    for (end, _) in text.char_indices() {
        let (before, behind) = text.split_at(end);
        exercise(before);
        exercise(behind);
        for other in [
            "\0", "\t", "\n", "\r", "{", "]", "*r", "&r ", "!", "%", "\"", "'", "#", "- ", ": ", "\u{85}",
            "🦀",
        ] {
            exercise(&format!("{before}{other}{behind}"));
            let rest: String = behind.chars().skip(1).collect();
            exercise(&format!("{before}{other}{rest}"));
        }
    }
}
