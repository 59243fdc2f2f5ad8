//! Our reading of the environment's proxies and that of the real Go: the same proxy for the same URL.

use std::{
    fs::File,
    io::{BufWriter, Seek as _, Write as _},
    path::Path,
    process::Command,
};

use fastrand::Rng;
use oci_registry::Proxies;
use serde_json::{Value, json};

/// Lists of `NO_PROXY` that are made up of [`PIECES`].
const GENERATED: usize = 400;

/// As the URL library writes them: Go does not normalise what it is given, we only see what is.
const URLS: [&str; 44] = [
    "http://example.com/",
    "https://example.com/",
    "http://example.com:443/",
    "https://example.com:80/",
    "https://example.com:5000/",
    "https://example.com./",
    "https://sub.example.com/",
    "https://a.sub.example.com:5000/",
    "https://notexample.com/",
    "https://com/",
    "https://com./",
    "https://xn--mnchen-3ya.example/",
    "https://a.xn--mnchen-3ya.example/",
    "https://xn--strae-oqa.example/",
    "https://xn--4xa.example/",
    "https://xn--i-7iq.example/",
    "https://istanbul.example/",
    "https://under_score.example/",
    "http://localhost/",
    "https://localhost:5000/",
    "https://localhost./",
    "https://a.localhost/",
    "https://localhost.example.com/",
    "http://127.0.0.1:5000/",
    "https://127.255.255.254/",
    "https://128.0.0.1/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://10.1.2.3:5000/",
    "https://11.1.2.3/",
    "https://192.168.1.1/",
    "https://192.168.1.130/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]:5000/",
    "https://[::2]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a01:203]/",
    "https://[::10.1.2.3]/",
    "https://[fd00::1]/",
    "https://[fd00::1]:5000/",
    "https://[fd00:1::1]/",
    "https://[2001:db8::ff]/",
    "https://3.2.1.10.in-addr.arpa/",
];

/// Lists that somebody thought of.
const LISTS: [&str; 68] = [
    "",
    "*",
    " * ",
    "a,*,b",
    "**",
    "*,example.com",
    ",,,",
    " , ",
    "example.com",
    "EXAMPLE.com",
    "example.com.",
    ".example.com",
    ".example.com.",
    "..example.com",
    "*.example.com",
    "*example.com",
    "*.",
    "*..com",
    ".",
    ".com",
    "com",
    "om",
    "example.com:443",
    "example.com:80",
    "example.com:0443",
    "example.com:",
    "example.com:https",
    "*.example.com:5000",
    ".example.com:5000",
    ":443",
    ":",
    "example.com:443:443",
    "http://example.com",
    "example.com/",
    "example.com sub.example.com",
    "user@example.com",
    "localhost",
    "m\u{fc}nchen.example",
    ".m\u{fc}nchen.example",
    "*.M\u{dc}NCHEN.example:443",
    "stra\u{df}e.example",
    "\u{3c3}.example,\u{3a3}.EXAMPLE",
    "\u{130}stanbul.example",
    "xn--mnchen-3ya.example",
    "\u{ff11}\u{ff10}.1.2.3",
    "10.1.2.3",
    "10.1.2.3:443",
    "10.1.2.3:5000",
    "010.1.2.3",
    "10.1.2",
    "1.2.3",
    "10.0.0.0/8",
    "10.9.9.9/08",
    "10.0.0.0/+8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8:443",
    "0.0.0.0/0,::/0",
    "192.168.1.0/25",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/95",
    "::ffff:10.1.2.3",
    "[fd00::1]",
    "[fd00::1]:443",
    "[fd00::1]:",
    "[10.1.2.3]:443",
    "fd00::1,fd00:1::/32",
    "fe80::1%eth0,fe80::/10",
];

/// Pieces of entries, for lists that are mostly broken.
const PIECES: [&str; 32] = [
    "example",
    "sub",
    "com",
    "localhost",
    "a",
    ".",
    ".",
    ".",
    "*",
    "*.",
    ":",
    ":",
    ":443",
    ":5000",
    "/",
    "/8",
    "/64",
    "/0",
    "[",
    "]",
    "10",
    "1",
    "2.3",
    "10.1.2.3",
    "::",
    "fd00::1",
    "::ffff:",
    "ff",
    "%",
    " ",
    ",",
    ",",
];

/// Names and values.
type Environment = Vec<(&'static str, String)>;

/// What Go answers to each question.
fn ask(questions: &[(Environment, &[&str])]) -> Vec<Vec<String>> {
    let mut input = BufWriter::new(tempfile::tempfile().unwrap());
    for (variables, urls) in questions {
        let environment: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let question: Value = json!({ "environment": environment, "urls": urls });
        writeln!(input, "{question}").unwrap();
    }
    let mut input: File = input.into_inner().unwrap();
    input.rewind().unwrap();
    let output = Command::new("go")
        .args(["run", "."])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go/proxies"))
        .env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local")
        .stdin(input)
        .output()
        .expect("go runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What we answer: a proxy, or nothing.
fn ours(variables: &[(&str, String)], urls: &[&str]) -> Vec<String> {
    let read =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let proxies = Proxies::environment(read).unwrap();
    let shown = |url: &&str| proxies.for_url(&url.parse().unwrap()).map(ToString::to_string);
    urls.iter().map(|url| shown(url).unwrap_or_default()).collect()
}

/// Compares; answers how many URLs have a proxy, and how many have none, as six always have not: this computer's.
fn compare(environments: Vec<Environment>) -> (usize, usize) {
    let questions: Vec<_> = environments.into_iter().map(|variables| (variables, &URLS[..])).collect();
    let answers = ask(&questions);
    assert_eq!(answers.len(), questions.len());
    let (mut proxied, mut direct, mut wrong) = (0, 0, Vec::new());
    for ((variables, urls), go) in questions.iter().zip(answers) {
        for ((url, go), ours) in urls.iter().zip(go).zip(ours(variables, urls)) {
            match (go == ours, ours.is_empty()) {
                (false, _) => wrong.push(format!("{url} with {variables:?}: `{ours}`, in Go `{go}`")),
                (true, false) => proxied += 1,
                (true, true) => direct += 1,
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
    (proxied, direct)
}

fn excepting(list: &str) -> Environment {
    vec![
        ("HTTP_PROXY", "http://plain:1".to_owned()),
        ("HTTPS_PROXY", "http://secure:2".to_owned()),
        ("NO_PROXY", list.to_owned()),
    ]
}

#[test]
fn exceptions_mean_what_they_mean_to_go() {
    let (proxied, direct) = compare(LISTS.iter().map(|list| excepting(list)).collect());
    assert!(proxied > 1_000 && direct > 500, "{proxied} {direct}");
}

#[test]
fn exceptions_of_random_pieces_mean_what_they_mean_to_go() {
    let mut random = Rng::with_seed(0x9a0);
    let lists = (0..GENERATED).map(|_| {
        let pieces = random.usize(1..9);
        excepting(&(0..pieces).map(|_| PIECES[random.usize(..PIECES.len())]).collect::<String>())
    });
    let (proxied, direct) = compare(lists.collect());
    assert!(proxied > 10_000 && direct > 2_500, "{proxied} {direct}");
}

#[test]
fn exceptions_with_a_piece_put_in_mean_what_they_mean_to_go() {
    let mut random = Rng::with_seed(0x7e5);
    let lists = (0..GENERATED).map(|_| {
        let list: Vec<char> = LISTS[random.usize(..LISTS.len())].chars().collect();
        let (start, end) = list.split_at(random.usize(..=list.len()));
        let piece = PIECES[random.usize(..PIECES.len())];
        let cut = random.usize(..=end.len().min(2));
        excepting(&format!("{}{piece}{}", String::from_iter(start), String::from_iter(&end[cut..])))
    });
    let (proxied, direct) = compare(lists.collect());
    assert!(proxied > 10_000 && direct > 2_500, "{proxied} {direct}");
}

#[test]
fn variables_mean_what_they_mean_to_go() {
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"];
    let addresses =
        ["", "proxy", "proxy:3128", "http://proxy:81", "https://user:p%40ss@proxy", "socks5://[::1]:1080"];
    let exceptions = ["", "example.com", ".example.com", "10.0.0.0/8"];
    let mut random = Rng::with_seed(0x3128);
    let environments = (0..200).map(|_| {
        let mut some = names.to_vec();
        random.shuffle(&mut some);
        some.truncate(random.usize(1..=names.len()));
        let value = |name: &str, random: &mut Rng| {
            let values = if name.eq_ignore_ascii_case("no_proxy") { &exceptions[..] } else { &addresses };
            values[random.usize(..values.len())].to_owned()
        };
        some.into_iter().map(|name| (name, value(name, &mut random))).collect()
    });
    let (proxied, direct) = compare(environments.collect());
    assert!(proxied > 1_000 && direct > 1_000, "{proxied} {direct}");
}

#[test]
fn variables_that_we_refuse_are_no_proxy_to_go() {
    let cgi = vec![("HTTP_PROXY", "proxy".to_owned()), ("REQUEST_METHOD", "GET".to_owned())];
    let broken = vec![("HTTP_PROXY", "127.0.0.1:port".to_owned())];
    assert!(Proxies::environment(|name| (name == "HTTP_PROXY").then(|| broken[0].1.clone())).is_err());
    let urls = &["http://example.com/"][..];
    assert_eq!(ours(&cgi, urls), [""]);
    assert_eq!(ask(&[(cgi, urls), (broken, urls)]), [["refused"], [""]]);
}
