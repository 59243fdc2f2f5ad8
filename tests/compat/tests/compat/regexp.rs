//! Our reading of regular expressions and that of the real Go: what we take, Go takes and finds in the same texts; what
//! only we refuse is one of the refusals that say so.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Seek as _, Write as _},
    path::Path,
    process::Command,
};

use fastrand::Rng;
use oci_artifact::name::{Pattern, PatternFault};
use serde_json::{Value, json};

/// Expressions that somebody thought of, one a line.
const PATTERNS: &str = include_str!("regexp/patterns.txt");
/// Generated expressions of each kind.
const GENERATED: usize = 2_000;

/// Texts that are tried with every expression.
const TEXTS: [&str; 72] = [
    "",
    "a",
    "b",
    "c",
    "A",
    "B",
    "k",
    "K",
    "s",
    "S",
    "\u{17f}",
    "\u{212a}",
    "1",
    "12",
    "_",
    "-",
    "]",
    "[",
    "^",
    "\\",
    "(",
    ")",
    "|",
    "{",
    "}",
    "&",
    "~",
    ".",
    "*",
    "E",
    "Q",
    "ab",
    "aa",
    "aab",
    "abc",
    "ABC",
    "ba",
    "a]",
    "a-b",
    "a&&b",
    "a{,2}",
    "a{2",
    "a{01}",
    "b]",
    "x",
    " ",
    "\t",
    "\n",
    "\x0b",
    "\x07",
    "\0",
    "\r\n",
    "a\nb",
    "\n\n",
    "a\u{e9}a",
    "\u{e9}",
    "\u{c9}",
    "\u{e9}\u{e9}",
    "\u{3a3}",
    "\u{3c3}\u{3c2}",
    "\u{663}",
    "\u{a0}",
    "\u{2028}",
    "\u{85}",
    "\u{fffd}",
    "\u{1f600}",
    "\u{10400}",
    "stra\u{df}e",
    "v1.2.3-rc.1",
    "1.20.300",
    "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1.0.0",
    "https://token.actions.githubusercontent.com",
];

/// Pieces of syntax, for expressions that are mostly broken.
const PIECES: [&str; 74] = [
    "a",
    "b",
    "A",
    "k",
    "1",
    "-",
    "_",
    " ",
    "\u{e9}",
    "\u{17f}",
    "\u{3a3}",
    ".",
    "^",
    "$",
    r"\A",
    r"\z",
    r"\b",
    r"\B",
    "(",
    "(?:",
    "(?i)",
    "(?i:",
    "(?s-m:",
    "(?m)",
    "(?-i)",
    "(?U)",
    "(?)",
    "(?P<n>",
    "(?<n1>",
    ")",
    ")",
    ")",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{1,3}",
    "{,2}",
    "{0}",
    "{2,}",
    "{01}",
    "{",
    "}",
    "[",
    "[^",
    "[",
    "]",
    "]",
    "]",
    "[[:alpha:]]",
    "[:^word:]",
    "a-c",
    "&&",
    "~~",
    "--",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\pN",
    r"\p{Greek}",
    r"\P{^Lu}",
    r"\Q",
    r"\E",
    r"\x41",
    r"\x{3A3}",
    r"\141",
    r"\0",
    r"\n",
    r"\.",
    r"\]",
];

/// What the Go program answers, one value for each question.
fn ask(questions: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut input = BufWriter::new(tempfile::tempfile().unwrap());
    for question in questions {
        writeln!(input, "{question}").unwrap();
    }
    let mut input: File = input.into_inner().unwrap();
    input.rewind().unwrap();
    let output = Command::new("go")
        .args(["run", "."])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go/regexp"))
        .env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local")
        .stdin(input)
        .output()
        .expect("go runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What Go says of each pattern: the matches as a row of `0` and `1`, or why it refuses.
fn go(patterns: &[String], texts: &[&str]) -> Vec<Result<String, String>> {
    let answers = ask(patterns.iter().enumerate().map(|(index, pattern)| match index {
        0 => json!({"pattern": pattern, "texts": texts}),
        _ => json!({"pattern": pattern}),
    }));
    assert_eq!(answers.len(), patterns.len());
    let result = |answer: Value| match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["matches"].as_str().unwrap().to_owned()),
    };
    answers.into_iter().map(result).collect()
}

fn matches(pattern: &Pattern, texts: &[&str]) -> String {
    texts.iter().map(|text| if pattern.is_match(text) { '1' } else { '0' }).collect()
}

/// Compares with Go; answers how many both take, and what only we refuse.
fn compare(patterns: &[String], texts: &[&str]) -> (usize, BTreeMap<&'static str, usize>) {
    let (mut both, mut ours) = (0, BTreeMap::new());
    let mut wrong = Vec::new();
    for (pattern, answer) in patterns.iter().zip(go(patterns, texts)) {
        match (Pattern::parse(pattern), answer) {
            (Ok(parsed), Ok(expected)) => {
                both += 1;
                let found = matches(&parsed, texts);
                let differing: Vec<&&str> = (texts.iter().zip(found.chars().zip(expected.chars())))
                    .filter_map(|(text, (ours, go))| (ours != go).then_some(text))
                    .collect();
                if !differing.is_empty() {
                    wrong.push(format!("`{pattern}` differs on {differing:?}"));
                }
            }
            (Ok(_), Err(error)) => wrong.push(format!("`{pattern}`: we take it, {error}")),
            (Err(error), Ok(_)) => match error.fault {
                PatternFault::Surrogate => *ours.entry("surrogate").or_default() += 1,
                PatternFault::CasedLetter => *ours.entry("cased letter").or_default() += 1,
                PatternFault::Large => *ours.entry("large").or_default() += 1,
                PatternFault::Deep => *ours.entry("deep").or_default() += 1,
                PatternFault::Long(_) => *ours.entry("long").or_default() += 1,
                _ => wrong.push(format!("Go takes it, {error}")),
            },
            (Err(_), Err(_)) => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ: {wrong:#?}", wrong.len(), patterns.len());
    (both, ours)
}

#[test]
fn patterns_mean_what_go_means() {
    let patterns: Vec<String> = PATTERNS.lines().map(str::to_owned).collect();
    let (both, ours) = compare(&patterns, &TEXTS);
    assert!(both > 500, "{both}");
    let expected = [("large", 2), ("surrogate", 8)];
    assert_eq!(ours, BTreeMap::from(expected));
}

#[test]
fn patterns_of_random_pieces_mean_what_go_means() {
    let mut random = Rng::with_seed(0x0c1);
    let patterns: Vec<String> = (0..GENERATED)
        .map(|_| (0..random.usize(2..9)).map(|_| PIECES[random.usize(..PIECES.len())]).collect())
        .collect();
    let (both, _) = compare(&patterns, &TEXTS);
    assert!(both > GENERATED / 5, "{both}");
}

#[test]
fn patterns_of_random_trees_mean_what_go_means() {
    let mut random = Rng::with_seed(0x60);
    let patterns: Vec<String> = (0..GENERATED).map(|_| tree(&mut random, 4)).collect();
    let (both, _) = compare(&patterns, &TEXTS);
    assert!(both > GENERATED * 3 / 4, "{both}");
}

#[test]
fn patterns_cut_and_joined_mean_what_go_means() {
    let mut random = Rng::with_seed(0xcafe);
    let lines: Vec<&str> = PATTERNS.lines().collect();
    let mut part = || {
        let line: Vec<char> = lines[random.usize(..lines.len())].chars().collect();
        let (one, two) = (random.usize(..=line.len()), random.usize(..=line.len()));
        line[one.min(two)..one.max(two)].iter().collect::<String>()
    };
    let patterns: Vec<String> = (0..GENERATED).map(|_| part() + &part() + &part()).collect();
    let (both, _) = compare(&patterns, &TEXTS);
    assert!(both > GENERATED / 4, "{both}");
}

/// An expression that is mostly valid.
fn tree(random: &mut Rng, depth: usize) -> String {
    let below = |random: &mut Rng| tree(random, depth - 1);
    if depth == 0 {
        let leaves = [
            "a", "b", "k", "S", "1", r"\.", r"\d", r"\W", r"\s", ".", "^", "$", r"\b", r"\B", "\u{e9}",
            "\u{3c3}", r"\n", r"\pL", r"\Qa*\E", "{", "(?i)",
        ];
        return random.choice(leaves).unwrap().to_owned();
    }
    match random.u8(..9) {
        0 | 1 => below(random) + &below(random),
        2 => format!("{}|{}", below(random), below(random)),
        3 => format!("({})", below(random)),
        4 => format!(
            "({}{})",
            random.choice(["?:", "?i:", "?s:", "?m-i:", "?-s:", "?<x>", "?U:"]).unwrap(),
            below(random)
        ),
        5 => format!(
            "{}{}",
            below(random),
            random.choice(["*", "+", "?", "*?", "{2}", "{0,2}", "{1,}"]).unwrap()
        ),
        6 => class(random),
        _ => tree(random, 0),
    }
}

fn class(random: &mut Rng) -> String {
    let members = [
        "a",
        "b-k",
        "A-Z",
        "-",
        "]",
        "[",
        "^",
        "&&",
        "~~",
        "--",
        r"\d",
        r"\W",
        r"\S",
        r"\pL",
        r"\P{Lu}",
        "[:alpha:]",
        "[:^space:]",
        r"\x{3A3}",
        r"\]",
        r"\\",
        "\u{e0}-\u{fd}",
        ".",
        "(",
        r"\0-\x20",
    ];
    let inside: String = (0..random.usize(1..4)).map(|_| *random.choice(&members).unwrap()).collect();
    format!("[{}{inside}]", random.choice(["", "^"]).unwrap())
}

/// Characters that got another case since Unicode 15, which Go 1.26 has.
const RECASED: &str = "\u{19b}\u{264}\u{390}\u{3b0}\u{1fd3}\u{1fe3}\u{fb05}\u{fb06}";

/// Characters that both assign a meaning to, as texts: the tables of Unicode have different versions.
fn characters() -> Vec<String> {
    let cased = |c: char| !c.to_lowercase().eq([c]) || !c.to_uppercase().eq([c]);
    let wanted = |c: &char| {
        !RECASED.contains(*c) && (u32::from(*c) < 0x250 || u32::from(*c).is_multiple_of(61) || cased(*c))
    };
    let all: Vec<String> = ('\0'..=char::MAX).filter(wanted).map(String::from).collect();
    let assigned = r"\p{Assigned}".to_owned();
    let pattern = Pattern::parse(&assigned).unwrap();
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    let go = go(&[assigned], &texts).remove(0).unwrap();
    let both = texts.iter().zip(go.chars()).filter(|(text, go)| *go == '1' && pattern.is_match(text));
    both.map(|(text, _)| (*text).to_owned()).collect()
}

#[test]
fn patterns_know_the_characters_that_go_knows() {
    let characters = characters();
    assert!(characters.len() > 5_000, "{}", characters.len());
    let texts: Vec<&str> = characters.iter().map(String::as_str).collect();
    let names = ask([json!({"names": true})].into_iter()).remove(0);
    let names = names["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let mut patterns: Vec<String> =
        names.flat_map(|name| [format!(r"\p{{{name}}}"), format!(r"(?i)\P{{{name}}}")]).collect();
    // Each character with its other cases.
    patterns.extend(texts.chunks(64).map(|chunk| {
        let codes = chunk
            .concat()
            .chars()
            .fold(String::new(), |codes, c| codes + &format!(r"\x{{{:x}}}", u32::from(c)));
        format!("(?i)[{codes}]")
    }));
    let (both, ours) = compare(&patterns, &texts);
    assert!(both > 300, "{both}");
    assert_eq!(ours, BTreeMap::from([("cased letter", 2)]));
}
