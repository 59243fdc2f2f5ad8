//! Changing one member of `auths` in a text of JSON, and no other byte.
//!
//! The text was read by [`DockerConfig`](super::super::DockerConfig) before, so it is JSON of bounded depth with an
//! object (or nothing) under `auths`. What is added looks like its surroundings.

use std::ops::Range;

/// Which object of the file is changed.
const AUTHS: &str = "auths";
/// What docker indents with.
const TAB: &str = "\t";

/// Sets an entry: `auth` in base64, or docker's note that a store has the credential. `None` if the text is no object.
pub(super) fn set(text: &[u8], key: &str, auth: Option<&str>) -> Option<Vec<u8>> {
    let style = Style::of(text);
    let entry = match auth {
        Some(auth) => style.object(2, &style.member("auth", &quoted(auth))),
        None => "{}".to_owned(),
    };
    if text.trim_ascii().is_empty() {
        let auths = style.object(1, &style.member(key, &entry));
        return Some(style.object(0, &style.member(AUTHS, &auths)).into_bytes());
    }
    let root = Object::at(text, 0)?;
    let Some(auths) = root.last(AUTHS) else {
        let auths = style.object(1, &style.member(key, &entry));
        return Some(root.insert(text, &style, 0, AUTHS, &auths));
    };
    let Some(entries) = Object::at(text, auths.value.start) else {
        let fresh = style.object(1, &style.member(key, &entry));
        return Some(replaced(text, &auths.value, &fresh));
    };
    Some(match entries.last(key) {
        Some(old) => replaced(text, &old.value, &entry),
        None => entries.insert(text, &style, 1, key, &entry),
    })
}

/// Removes every entry whose key `goes`. `None` if there is none.
pub(super) fn remove(text: &[u8], goes: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    loop {
        let now = out.as_deref().unwrap_or(text);
        let entries = Object::at(now, 0)
            .and_then(|root| root.last(AUTHS).and_then(|auths| Object::at(now, auths.value.start)));
        let gone = entries.and_then(|entries| {
            let index = entries.members.iter().position(|member| goes(&member.key))?;
            entries.without(index)
        });
        match gone {
            Some(gone) => out = Some(replaced(now, &gone, "")),
            None => return out,
        }
    }
}

/// The keys of `auths`.
pub(super) fn keys(text: &[u8]) -> Vec<String> {
    let entries = Object::at(text, 0)
        .and_then(|root| root.last(AUTHS).and_then(|auths| Object::at(text, auths.value.start)));
    entries.into_iter().flat_map(|entries| entries.members).map(|member| member.key).collect()
}

/// How a text is laid out.
struct Style {
    /// The end of a line; `None` if everything is in one.
    newline: Option<&'static str>,
    unit: String,
}

impl Style {
    fn of(text: &[u8]) -> Self {
        let compact = text.trim_ascii();
        let lines = text.contains(&b'\n') || compact.is_empty() || compact == b"{}";
        let newline = if text.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
        let first = Object::at(text, 0).and_then(|root| root.members.first().map(|member| member.start));
        let before = first.and_then(|first| text.get(..first)).unwrap_or_default();
        let spaces: Vec<u8> =
            before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).copied().collect();
        let unit = String::from_utf8(spaces).unwrap_or_default();
        let unit = if unit.is_empty() || !before.contains(&b'\n') { TAB.to_owned() } else { unit };
        Self { newline: lines.then_some(newline), unit }
    }

    /// A new line at this depth.
    fn pad(&self, depth: usize) -> String {
        self.newline.map(|newline| format!("{newline}{}", self.unit.repeat(depth))).unwrap_or_default()
    }

    fn member(&self, key: &str, value: &str) -> String {
        let space = if self.newline.is_some() { " " } else { "" };
        format!("{}:{space}{value}", quoted(key))
    }

    /// An object of one member, itself at this depth.
    fn object(&self, depth: usize, member: &str) -> String {
        format!("{{{}{member}{}}}", self.pad(depth + 1), self.pad(depth))
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn replaced(text: &[u8], range: &Range<usize>, by: &str) -> Vec<u8> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    [before, by.as_bytes(), after].concat()
}

/// An object in the text.
struct Object {
    /// From its brace to its brace.
    range: Range<usize>,
    members: Vec<Member>,
}

struct Member {
    key: String,
    /// Where the key begins.
    start: usize,
    value: Range<usize>,
}

impl Object {
    /// The object that begins at `at`, after white space.
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let mut cursor = Cursor { text, at };
        cursor.space();
        let start = cursor.at;
        cursor.take(b'{')?;
        let mut members = Vec::new();
        loop {
            cursor.space();
            if cursor.take(b'}').is_some() {
                return Some(Self { range: start..cursor.at, members });
            }
            let key = cursor.value()?;
            cursor.space();
            cursor.take(b':')?;
            let value = cursor.value()?;
            let name = serde_json::from_slice(text.get(key.clone())?).ok()?;
            members.push(Member { key: name, start: key.start, value });
            cursor.space();
            let _ = cursor.take(b',');
        }
    }

    /// The member of that name; of several the last, which is the one that counts.
    fn last(&self, key: &str) -> Option<&Member> {
        self.members.iter().rev().find(|member| member.key == key)
    }

    fn insert(&self, text: &[u8], style: &Style, depth: usize, key: &str, value: &str) -> Vec<u8> {
        let member = style.member(key, value);
        match self.members.last() {
            Some(last) => {
                let end = last.value.end;
                replaced(text, &(end..end), &format!(",{}{member}", style.pad(depth + 1)))
            }
            None => replaced(text, &self.range, &style.object(depth, &member)),
        }
    }

    /// What has to go so that a member goes: with the comma before it, or after it.
    fn without(&self, index: usize) -> Option<Range<usize>> {
        let member = self.members.get(index)?;
        let before = index.checked_sub(1).and_then(|index| self.members.get(index));
        Some(match (before, self.members.get(index + 1)) {
            (Some(before), _) => before.value.end..member.value.end,
            (None, Some(next)) => member.start..next.start,
            (None, None) => self.range.start + 1..self.range.end - 1,
        })
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes over one value of any kind.
    fn value(&mut self) -> Option<Range<usize>> {
        self.space();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                _ => {
                    while self.peek().is_some_and(|b| !b" \t\r\n,:]}".contains(&b)) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let b = self.peek()?;
            self.at += if b == b'\\' { 2 } else { 1 };
            if b == b'"' {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_set(text: &str, key: &str, auth: Option<&str>) -> String {
        String::from_utf8(set(text.as_bytes(), key, auth).unwrap()).unwrap()
    }

    fn after_remove(text: &str, key: &str) -> Option<String> {
        remove(text.as_bytes(), |found| found == key).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn set_writes_a_new_file_as_docker_does() {
        let expected = "{\n\t\"auths\": {\n\t\t\"r.example\": {\n\t\t\t\"auth\": \"eA==\"\n\t\t}\n\t}\n}";
        for text in ["", " \n", "{}"] {
            assert_eq!(after_set(text, "r.example", Some("eA==")).trim_end(), expected, "{text:?}");
        }
    }

    #[test]
    fn set_changes_one_entry_and_no_other_byte() {
        let text = "{\n  \"z\" : [1,{\"auths\":2}, \"}\\\"\"],\n  \"auths\": {\n    \"a\": {\"auth\": \"old\"},\n    \
                    \"b\":  {}\n  },\n  \"HttpHeaders\": { \"k\":\"v\" }\n}\n";
        let (head, tail) = (
            "{\n  \"z\" : [1,{\"auths\":2}, \"}\\\"\"],\n  \"auths\": {\n    \"a\": ",
            "{\"auth\": \"old\"}",
        );
        assert!(text.starts_with(&format!("{head}{tail}")));
        let new = "{\n      \"auth\": \"new\"\n    }";
        assert_eq!(after_set(text, "a", Some("new")), text.replacen(tail, new, 1));
        let added = "\"b\":  {},\n    \"c\": {\n      \"auth\": \"new\"\n    }";
        assert_eq!(after_set(text, "c", Some("new")), text.replacen("\"b\":  {}", added, 1));
        assert_eq!(after_set(text, "c", None), text.replacen("\"b\":  {}", "\"b\":  {},\n    \"c\": {}", 1));
    }

    #[test]
    fn set_finds_its_way_in_odd_files() {
        for (text, expected) in [
            (r#"{"auths":null,"x":-1.5e3}"#, r#"{"auths":{"k":{"auth":"v"}},"x":-1.5e3}"#),
            (r#"{"x":true}"#, r#"{"x":true,"auths":{"k":{"auth":"v"}}}"#),
            (r#"{"auths":{}}"#, r#"{"auths":{"k":{"auth":"v"}}}"#),
            (r#"{"\u0061uths":{"\u006b":{}}}"#, r#"{"\u0061uths":{"\u006b":{"auth":"v"}}}"#),
            (r#"{"auths":{"k":1,"k":{}}}"#, r#"{"auths":{"k":1,"k":{"auth":"v"}}}"#),
            (
                "{\r\n\t\"x\": 1\r\n}",
                "{\r\n\t\"x\": 1,\r\n\t\"auths\": {\r\n\t\t\"k\": {\r\n\t\t\t\"auth\": \"v\"\r\n\t\t}\r\n\t}\r\n}",
            ),
        ] {
            assert_eq!(after_set(text, "k", Some("v")), expected);
        }
        assert_eq!(set(b"[]", "k", None), None);
        assert_eq!(after_set("{}", "a\"b", None).matches("a\\\"b").count(), 1);
    }

    #[test]
    fn remove_takes_the_entry_and_its_comma() {
        let text = "{\n\t\"auths\": {\n\t\t\"a\": {},\n\t\t\"b\": {\"x\": [\"}\"]},\n\t\t\"c\": {}\n\t},\n\t\"x\": 1\n}";
        assert_eq!(after_remove(text, "a").unwrap(), text.replace("\"a\": {},\n\t\t", ""));
        assert_eq!(after_remove(text, "b").unwrap(), text.replace(",\n\t\t\"b\": {\"x\": [\"}\"]}", ""));
        assert_eq!(after_remove(text, "c").unwrap(), text.replace(",\n\t\t\"c\": {}", ""));
        assert_eq!(after_remove(r#"{"auths": {"a":{}, "a":{}}}"#, "a").unwrap(), r#"{"auths": {}}"#);
        for text in [text, "{}", "", "[]", r#"{"auths":null}"#] {
            assert_eq!(after_remove(text, "d"), None);
        }
    }

    #[test]
    fn edits_are_read_back() {
        let text = after_set(&after_set("{}", "a", Some("x")), "b", None);
        assert_eq!(keys(text.as_bytes()), ["a", "b"]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::json!({"auths": {"a": {"auth": "x"}, "b": {}}}));
        assert_eq!(keys(after_remove(&text, "a").unwrap().as_bytes()), ["b"]);
    }
}
