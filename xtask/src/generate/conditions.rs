//! `docs/reference/conditions.md`: what a status and events can say.

use std::fmt::Write as _;

use oci_crds::conditions::{
    Reason, Told,
    condition::{self, GOOD},
    metadata,
};

use super::{cell, head};

const INTRODUCTION: &str = "
What `oci-controller` writes into the status of an `OCIRepository`, and tells by events. `Ready` is the sum of the other
conditions and has the reason and the message of what stands in the way. While it is False, the artifact that was stored last
stays served. An object without any condition has not been looked at by any controller: does one run, and is the object its
own (its labels, `--watch-label-selector`, `--watch-all-namespaces`)?

What to do step by step is in [When an object is not ready](../guide/troubleshooting.md); ways to log in are in
[Logging in](../guide/authentication.md), signatures in [Signatures](../guide/verification.md).
";

const EVENTS: &str = "
An event is about the object, and written when something becomes so, not at every run. The same is posted to
`--events-addr`, with the severity `info` for Normal and `error` for Warning. Notifications carry these annotations too.
";

pub(super) fn page() -> String {
    let mut text = head("Conditions and events") + INTRODUCTION;
    text.push_str("\n## Conditions\n\n| type | when all is well | what it says |\n| --- | --- | --- |\n");
    for (name, meaning) in condition::ALL {
        let well = if GOOD.contains(name) { "True" } else { "absent" };
        let _ = writeln!(text, "| `{name}` | {well} | {} |", sentence(meaning));
    }
    text.push_str(
        "\n`SourceVerified` is absent where no signature is asked for.\n\n## Reasons\n\n\
         | reason | conditions | event | what it means | what to do |\n| --- | --- | --- | --- | --- |\n",
    );
    for reason in Reason::ALL {
        let conditions: Vec<String> =
            reason.conditions().iter().map(|condition| format!("`{condition}`")).collect();
        let event = match reason.told() {
            Told::Never => "",
            Told::Normal => "Normal",
            Told::Warning => "Warning",
        };
        let cells = [&conditions.join(", "), event, &reason.meaning(), reason.remedy()].map(cell);
        let _ = writeln!(text, "| `{reason}` | {} |", cells.join(" | "));
    }
    let _ = write!(text, "\n## Events\n{EVENTS}\n## Annotations and labels\n\n");
    text.push_str("| name | what it is |\n| --- | --- |\n");
    for (name, meaning) in metadata::ALL {
        let _ = writeln!(text, "| `{name}` | {} |", cell(&sentence(meaning)));
    }
    text
}

/// The lines of a comment as one.
fn sentence(lines: &[&str]) -> String {
    lines.concat().trim().to_owned()
}
