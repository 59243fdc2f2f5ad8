//! Reading the project's documents: headings, links and tables.

use std::collections::BTreeSet;

/// The text without what stands in fences, line by line, so that numbers of lines stay.
pub fn prose(text: &str) -> Vec<&str> {
    let mut fence = None;
    let line = |line| {
        let bare = str::trim_start(line);
        let marks = ["```", "~~~"].into_iter().find(|marks| bare.starts_with(marks));
        match (fence, marks) {
            (None, Some(_)) => {
                fence = marks;
                ""
            }
            (Some(open), Some(close)) if open == close => {
                fence = None;
                ""
            }
            (Some(_), _) => "",
            (None, None) => line,
        }
    };
    text.lines().map(line).collect()
}

/// What `#…` can name in a document, as GitHub makes it from headings.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in prose(text) {
        let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        else {
            continue;
        };
        let anchor = anchor(heading);
        let free = (1..=all.len()).map(|count| format!("{anchor}-{count}")).find(|next| !all.contains(next));
        match free {
            Some(next) if all.contains(&anchor) => all.insert(next),
            _ => all.insert(anchor),
        };
    }
    all
}

fn anchor(heading: &str) -> String {
    // Of a link only its text counts.
    let mut text = String::new();
    for (index, part) in heading.split("](").enumerate() {
        let rest = if index == 0 { part } else { part.split_once(')').map_or("", |(_, rest)| rest) };
        text.push_str(rest);
    }
    let kept = text.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Where the links of a document lead, with the number of the line.
pub fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in prose(text).into_iter().enumerate() {
        let line = without_code(line);
        let inline =
            line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let defined =
            line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        // Behind a space there is a title.
        let targets = inline.chain(defined).filter_map(|target| target.split_whitespace().next());
        found.extend(targets.map(|target| (index + 1, target.to_owned())));
    }
    found
}

/// Without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// What stands in backticks at the beginning of the rows of the tables under a heading.
pub fn names(text: &str, heading: &str) -> BTreeSet<String> {
    let mut below = false;
    let mut found = BTreeSet::new();
    for line in prose(text) {
        if let Some(title) = line.strip_prefix("## ") {
            below = title == heading;
        }
        let Some(cell) = line.strip_prefix("| ").and_then(|row| row.split(" | ").next()).filter(|_| below)
        else {
            continue;
        };
        found.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    found
}
