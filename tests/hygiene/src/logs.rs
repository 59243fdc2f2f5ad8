//! The names of fields in the calls that write log lines.

/// The beginnings of these calls.
const CALLS: [&str; 6] = ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "info_span!("];

/// The fields of all `tracing::…!(…)` of a source.
pub fn fields(source: &str) -> Vec<String> {
    let calls = source.split("tracing::").skip(1);
    let arguments = calls.filter_map(|call| CALLS.iter().find_map(|begin| call.strip_prefix(begin)));
    arguments.flat_map(parts).filter_map(|part| field(&part)).collect()
}

/// The arguments of a call, up to its text.
fn parts(call: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (1_u32, false, false);
    let mut all = vec![String::new()];
    for c in call.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let Some(part) = all.last_mut() {
            part.push(c);
        }
    }
    all
}

/// The name in `name = value`, `?name`, `%name` and `name`; a text has none.
fn field(part: &str) -> Option<String> {
    let part = part.trim().trim_start_matches(['?', '%']);
    let name = part.split_once('=').map_or(part, |(name, _)| name.trim());
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    fits.then(|| name.to_owned())
}
