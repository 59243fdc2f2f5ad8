//! `Link: <…>; rel="next"`: the next page of a listing (RFC 8288, OCI distribution-spec 1.1).

use reqwest::header::{HeaderMap, LINK};
use url::Url;

use crate::{origin::Origin, redirect::RedirectFault};

/// The next page, if there is one. It must be of the same origin as this page.
pub(crate) fn next_page(headers: &HeaderMap, page: &Url) -> Result<Option<Url>, RedirectFault> {
    let Some(text) = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next)
    else {
        return Ok(None);
    };
    let target = page.join(text).map_err(|_| RedirectFault::NotHttp(text.chars().take(100).collect()))?;
    match Origin::of(&target) {
        Some(origin) if Some(&origin) == Origin::of(page).as_ref() => Ok(Some(target)),
        Some(origin) => Err(RedirectFault::OtherOrigin(origin.to_string())),
        None => Err(RedirectFault::NotHttp(text.chars().take(100).collect())),
    }
}

/// The target of the link whose relation is `next`.
fn next(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, parameters) = after.split_once('>')?;
        let end = parameters.find('<').unwrap_or(parameters.len());
        let own = parameters.get(..end).unwrap_or_default().to_ascii_lowercase();
        if own.split([';', ',']).any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next")) {
            return Some(target);
        }
        rest = parameters;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(value: &str) -> Result<Option<String>, RedirectFault> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, value.parse().unwrap());
        let url = "https://r.example/v2/a/tags/list?n=1".parse().unwrap();
        next_page(&headers, &url).map(|found| found.map(String::from))
    }

    #[test]
    fn next_page_is_resolved_against_this_page() {
        let next = Some("https://r.example/v2/a/tags/list?last=b&n=1".to_owned());
        assert_eq!(page(r#"</v2/a/tags/list?last=b&n=1>; rel="next""#).unwrap(), next);
        assert_eq!(page(r"<https://r.example/v2/a/tags/list?last=b&n=1>;rel=next").unwrap(), next);
        assert_eq!(page(r#"</p>; rel="prev", </v2/a/tags/list?last=b&n=1>; rel="next""#).unwrap(), next);
    }

    #[test]
    fn next_page_refuses_another_origin() {
        assert!(matches!(
            page(r#"<https://evil.example/x>; rel="next""#),
            Err(RedirectFault::OtherOrigin(_))
        ));
        assert!(matches!(page(r#"<http://r.example/x>; rel="next""#), Err(RedirectFault::OtherOrigin(_))));
        assert!(matches!(page(r#"<file:///etc>; rel="next""#), Err(RedirectFault::NotHttp(_))));
    }

    #[test]
    fn next_page_ignores_what_is_none() {
        for text in ["", "</x>", r#"</x>; rel="prev""#, "<unclosed; rel=next", "rel=next"] {
            assert_eq!(page(text).unwrap(), None, "{text}");
        }
    }
}
