//! The little XML that clouds write: elements without attributes that matter, and without elements of their own name inside.

/// The text of the first element of this name below the first `inside`; `None` if there is none, or it has more than text.
pub fn text(xml: &str, inside: &str, name: &str) -> Option<String> {
    value(element(xml, inside)?.0, name)
}

/// The text of the first element of this name.
pub fn value(xml: &str, name: &str) -> Option<String> {
    unescape(element(xml, name)?.0.trim())
}

/// What is inside of each element of this name.
pub fn each<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (inside, after) = element(rest, name)?;
        rest = after;
        Some(inside)
    })
}

/// What is between the tags, and what comes after; namespaces and attributes of the opening one do not matter.
fn element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let mut rest = xml;
    loop {
        let (_, after) = rest.split_once('<')?;
        let Some(tag) = after.strip_prefix(name) else {
            rest = after;
            continue;
        };
        if !tag.starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace()) {
            rest = after;
            continue;
        }
        let (opening, content) = tag.split_once('>')?;
        if opening.ends_with('/') {
            return Some(("", content));
        }
        return content.split_once(&format!("</{name}>"));
    }
}

/// Text without markup, its references resolved.
fn unescape(text: &str) -> Option<String> {
    if text.contains('<') {
        return None;
    }
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next()?);
    for part in parts {
        let (reference, rest) = part.split_once(';')?;
        out.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => character(number)?,
        });
        out.push_str(rest);
    }
    Some(out)
}

fn character(reference: &str) -> Option<char> {
    let number = reference.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_found_below_its_parent() {
        let xml = "<?xml version='1.0'?><R xmlns=\"urn:x\"><Keys2><Id>no</Id></Keys2><Keys a='b'>\n <IdX>no</IdX>\
                   <Id> a&amp;b&lt;&#65;&#x42;&gt;&quot;&apos; </Id></Keys></R>";
        assert_eq!(text(xml, "Keys", "Id").unwrap(), "a&b<AB>\"'");
        assert_eq!(text(xml, "Keys", "Secret"), None);
        assert_eq!(text(xml, "Other", "Id"), None);
    }

    #[test]
    fn each_element_is_found_in_its_order() {
        let xml = "<L><B><N>a</N></B><Bs/><B/><B x='1'><N>b&amp;c</N></B></L>";
        let names: Vec<_> = each(xml, "B").map(|inside| value(inside, "N")).collect();
        assert_eq!(names, [Some("a".to_owned()), None, Some("b&c".to_owned())]);
        assert_eq!(each("<B>a</B><B>", "B").count(), 1);
    }

    #[test]
    fn text_of_broken_documents_is_none() {
        for xml in [
            "",
            "<",
            "<Keys",
            "<Keys><Id",
            "<Keys><Id>a",
            "<Keys><Id>a</Id>",
            "<Keys><Id><b/></Id></Keys>",
            "<Keys><Id>a&b</Id></Keys>",
            "<Keys><Id>&unknown;</Id></Keys>",
            "<Keys><Id>&#xD800;</Id></Keys>",
            "<Keys><Id>&#x;</Id></Keys>",
        ] {
            assert_eq!(text(xml, "Keys", "Id"), None, "{xml}");
        }
    }
}
