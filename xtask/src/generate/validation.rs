//! `docs/reference/validation.md`: the rules, by who applies them.

use std::fmt::Write as _;

use oci_crds::validate::{Code, Kind};

use super::head;

const INTRODUCTION: &str = "
What is wrong with an `OCIRepository` is found when it is applied (by the webhook), at the desk
(`kubectl oci lint -f FILE`) and when it is run (by the controller), by the same rules. All faults are reported at once,
each with the path of its field and what to do.

An update is refused for *new* faults only: what the stored object already had does not stop an unrelated change, and is
repeated as a warning. Deletion, finalizers and writes of the status always pass. An administrator can turn the refusal
of a rule into a warning: `--warn-only=CODE,…` of the webhook and of `lint`.
";

/// The parts of the page: title, what they have in common, and whether a rule belongs there.
type Section = (&'static str, &'static str, fn(Code) -> bool);

const SECTIONS: [Section; 4] = [
    (
        "By the schema",
        "The API server itself refuses these before anybody else is asked; `lint` finds them as well.",
        is_schema,
    ),
    (
        "Cannot be run",
        "Such an object would be accepted by Flux and, with few exceptions, fail there at every run. Here the controller \
         stalls on one that is already stored.",
        |code| !is_schema(code) && code.kind() == Kind::Unusable,
    ),
    (
        "Does not mean what it seems to",
        "Flux runs these, but ignores what was written, or takes it for something else. An object that is already stored \
         keeps running with Flux's meaning.",
        |code| code.kind() == Kind::Refused,
    ),
    ("Warnings", "Never refused; `kubectl` prints them as it applies.", |code| code.kind() == Kind::Advice),
];

fn is_schema(code: Code) -> bool {
    code.field() == "*"
}

pub(super) fn page() -> String {
    let mut text = head("What is refused") + INTRODUCTION;
    for (title, about, belongs) in SECTIONS {
        let _ = write!(text, "\n## {title}\n\n{about}\n\n| code | field | meaning |\n| --- | --- | --- |\n");
        for code in Code::ALL.iter().filter(|code| belongs(**code)) {
            let _ = writeln!(text, "| `{code}` | `{}` | {} |", code.field(), code.meaning());
        }
    }
    text
}
