//! Changes of bytes that are nearly right: of bytes, of the members of JSON, and of what is inside of base64.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use fastrand::Rng;
use serde_json::{Value, json};

/// A name that stands for one that is there already, until the text is made.
const TWICE: &str = "\u{1}twice";

/// A change of `seed`; `other` gives pieces. The same numbers give the same change.
pub fn mutate(seed: &[u8], other: &[u8], random: &mut Rng) -> Vec<u8> {
    if random.bool()
        && let Ok(mut json) = serde_json::from_slice::<Value>(seed)
        && json.is_object()
    {
        return members(&mut json, random);
    }
    let mut bytes = seed.to_vec();
    for _ in 0..random.usize(1..5) {
        change(&mut bytes, other, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let place = random.usize(..=bytes.len());
    let end = bytes.len().min(place + random.usize(1..64));
    match random.u8(..7) {
        0 if place < bytes.len() => bytes[place] ^= 1 << random.u8(..8),
        1 if place < bytes.len() => bytes[place] = random.u8(..),
        2 => bytes.insert(place, random.choice(*b"\"\\{}[]:,./@*-+\n\0\x7f\x80\xff09").unwrap()),
        3 => drop(bytes.drain(place..end)),
        4 if random.u8(..8) == 0 => bytes.truncate(place),
        5 => {
            let piece = bytes[place..end].to_vec();
            bytes.splice(place..place, piece);
        }
        _ => {
            let from = random.usize(..=other.len());
            let piece = &other[from..other.len().min(from + random.usize(1..64))];
            bytes.splice(place..end, piece.iter().copied());
        }
    }
}

/// Members dropped, repeated, exchanged, and changed.
fn members(json: &mut Value, random: &mut Rng) -> Vec<u8> {
    let mut twice = None;
    for _ in 0..random.usize(1..4) {
        let mut pointers = Vec::new();
        collect(json, &mut String::new(), &mut pointers);
        let (Some(at), Some(from)) = (random.choice(&pointers), random.choice(&pointers)) else { break };
        let (outer, name) = at.rsplit_once('/').unwrap();
        match random.u8(..6) {
            0 => remove(json.pointer_mut(outer).unwrap(), name),
            1 => {
                let value = json.pointer(from).unwrap().clone();
                if let Value::Object(object) = json.pointer_mut(outer).unwrap() {
                    object.insert(TWICE.to_owned(), value);
                    twice = Some(name.replace("~1", "/").replace("~0", "~"));
                }
            }
            2 => {
                let value = json.pointer(from).unwrap().clone();
                *json.pointer_mut(at).unwrap() = value;
            }
            3 => {
                let odd =
                    [json!(null), json!([]), json!({}), json!(-1), json!(1e300), json!(u64::MAX), json!("")];
                *json.pointer_mut(at).unwrap() = random.choice(odd).unwrap();
            }
            _ => text(json.pointer_mut(at).unwrap(), random),
        }
    }
    let out = json.to_string();
    // Members may be gone again, or be below one another.
    twice
        .map_or(out.clone(), |name| out.replace(&json!(TWICE).to_string(), &json!(name).to_string()))
        .into_bytes()
}

/// A text, or the bytes that it is the base64 of, changed.
fn text(value: &mut Value, random: &mut Rng) {
    let Value::String(text) = value else { return };
    let standard = STANDARD.decode(&*text).ok();
    let encoded =
        standard.map(|bytes| (bytes, true)).or_else(|| Some((URL_SAFE_NO_PAD.decode(&*text).ok()?, false)));
    match encoded {
        Some((inner, standard)) if inner.len() > 8 => {
            let inner = mutate(&inner, &inner, random);
            *text = if standard { STANDARD.encode(inner) } else { URL_SAFE_NO_PAD.encode(inner) };
        }
        _ => {
            let mut bytes = text.clone().into_bytes();
            change(&mut bytes, text.as_bytes(), random);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

fn remove(outer: &mut Value, name: &str) {
    match outer {
        Value::Object(object) => drop(object.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(array) => drop(name.parse().ok().map(|index: usize| array.remove(index))),
        _ => {}
    }
}

/// Where all members and elements are.
fn collect(value: &Value, at: &mut String, out: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(array) => {
            array.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => return,
    };
    for (name, value) in inner {
        let length = at.len();
        at.push('/');
        at.push_str(&name);
        out.push(at.clone());
        collect(value, at, out);
        at.truncate(length);
    }
}
