//! Unicode's general categories and scripts, by the names that Go knows.
//!
//! Names are compared as `unicodeTable` in Go's `regexp/syntax/parse.go` does since Go 1.25: without case, spaces, hyphens
//! and underscores, which makes scripts of several words (`Old_Italic`) unknown there, and therefore here.
//!
//! The tables are those of the `regex` crate (Unicode 16 in regex-syntax 0.8) and Go's are of its own version (Unicode
//! 15 in Go 1.26): characters that a later Unicode assigned, moved or gave other cases to differ, as they do between versions
//! of Go.

use super::{fault::Fault, source::Source};

/// General categories with their long names.
const CATEGORIES: [(&str, &[&str]); 37] = [
    ("C", &["other"]),
    ("Cc", &["cntrl", "control"]),
    ("Cf", &["format"]),
    ("Cn", &["unassigned"]),
    ("Co", &["privateuse"]),
    ("L", &["letter"]),
    ("LC", &["casedletter"]),
    ("Ll", &["lowercaseletter"]),
    ("Lm", &["modifierletter"]),
    ("Lo", &["otherletter"]),
    ("Lt", &["titlecaseletter"]),
    ("Lu", &["uppercaseletter"]),
    ("M", &["combiningmark", "mark"]),
    ("Mc", &["spacingmark"]),
    ("Me", &["enclosingmark"]),
    ("Mn", &["nonspacingmark"]),
    ("N", &["number"]),
    ("Nd", &["decimalnumber", "digit"]),
    ("Nl", &["letternumber"]),
    ("No", &["othernumber"]),
    ("P", &["punct", "punctuation"]),
    ("Pc", &["connectorpunctuation"]),
    ("Pd", &["dashpunctuation"]),
    ("Pe", &["closepunctuation"]),
    ("Pf", &["finalpunctuation"]),
    ("Pi", &["initialpunctuation"]),
    ("Po", &["otherpunctuation"]),
    ("Ps", &["openpunctuation"]),
    ("S", &["symbol"]),
    ("Sc", &["currencysymbol"]),
    ("Sk", &["modifiersymbol"]),
    ("Sm", &["mathsymbol"]),
    ("So", &["othersymbol"]),
    ("Z", &["separator"]),
    ("Zl", &["lineseparator"]),
    ("Zp", &["paragraphseparator"]),
    ("Zs", &["spaceseparator"]),
];

/// What every set of this module is written with.
pub(super) const START: &str = r"\p{";

/// What [`known`] answers for `LC`.
const CASED_LETTER: &str = r"\p{gc=LC}";

/// Scripts with a name of one word.
const SCRIPTS: &str = "adlam ahom arabic armenian avestan balinese bamum batak bengali bhaiksuki bopomofo brahmi braille \
    buginese buhid carian chakma cham cherokee chorasmian common coptic cuneiform cypriot cyrillic \
    deseret devanagari dogra duployan elbasan elymaic ethiopic georgian glagolitic gothic grantha greek \
    gujarati gurmukhi han hangul hanunoo hatran hebrew hiragana inherited javanese kaithi kannada \
    katakana kawi kharoshthi khmer khojki khudawadi lao latin lepcha limbu lisu lycian lydian mahajani \
    makasar malayalam mandaic manichaean marchen medefaidrin miao modi mongolian mro multani myanmar \
    nabataean nandinagari newa nko nushu ogham oriya osage osmanya palmyrene phoenician rejang runic \
    samaritan saurashtra sharada shavian siddham sinhala sogdian soyombo sundanese syriac tagalog \
    tagbanwa takri tamil tangsa tangut telugu thaana thai tibetan tifinagh tirhuta toto ugaritic vai \
    vithkuqi wancho yezidi yi";

/// The set of `\p` or `\P` (`negated`) whose name is next: `L` or `{^Greek}`. With the flag `i` it `folds`.
pub(super) fn read(source: &mut Source<'_>, negated: bool, folds: bool) -> Result<String, Fault> {
    let letter;
    let name = if source.eat("{") {
        source.until("}").ok_or(Fault::Property)?
    } else {
        letter = source.next().map(String::from).ok_or(Fault::Property)?;
        &letter
    };
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, !negated),
        None => (name, negated),
    };
    let key: String = name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect();
    let set = known(&key.to_ascii_lowercase()).ok_or(Fault::Property)?;
    if folds && set == CASED_LETTER {
        return Err(Fault::CasedLetter);
    }
    Ok(if negated { format!("[^{set}]") } else { set })
}

fn known(key: &str) -> Option<String> {
    Some(match key {
        "any" => r"\x{0}-\x{10FFFF}".into(),
        "ascii" => r"\x{0}-\x{7F}".into(),
        "assigned" => r"[^\p{gc=Cn}]".into(),
        // No text of Rust has surrogates.
        "cs" | "surrogate" => r"[^\x{0}-\x{10FFFF}]".into(),
        _ => match CATEGORIES
            .iter()
            .find(|(short, long)| short.eq_ignore_ascii_case(key) || long.contains(&key))
        {
            Some((short, _)) => format!(r"\p{{gc={short}}}"),
            None if key.is_empty() => return None,
            None => format!(r"\p{{sc={}}}", SCRIPTS.split(' ').find(|script| *script == key)?),
        },
    })
}
