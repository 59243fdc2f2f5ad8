//! Why an expression is refused.

use crate::{
    Class, Classify,
    limits::{PATTERN_BYTES, PATTERN_DEPTH},
    name::digest::excerpt,
};

/// Why a text is no [`Pattern`](super::Pattern).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("regular expression `{text}`: {fault}{}", .offset.map(|at| format!(" at byte {at}")).unwrap_or_default())]
pub struct PatternError {
    /// The expression, cut.
    pub text: String,
    /// Where the fault is, in bytes from the start of the expression, if it is in one place.
    pub offset: Option<usize>,
    /// What is wrong.
    pub fault: PatternFault,
}

/// What is wrong with a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// Longer than we read; Go has no bound.
    #[error("it has {0} bytes, more than {PATTERN_BYTES}")]
    Long(usize),
    /// Deeper than we read; Go's bound is 1,000.
    #[error("it nests more than {PATTERN_DEPTH} levels deep")]
    Deep,
    /// Larger than we run, by memory, by repetitions or by sets of Unicode; Go's bound is 128 MiB.
    #[error("it is too large when compiled")]
    Large,
    /// A code point that no text has. Go accepts it, and then finds U+FFFD with it or nothing, by its position.
    #[error("a surrogate code point")]
    Surrogate,
    /// `\p{LC}` with the flag `i`: Go (1.26) forgets the mark U+0345 among the other cases of these letters.
    #[error("the category `LC` in ignored case")]
    CasedLetter,
    /// What the `regex` crate says about the translated expression. Nothing is known to lead here.
    #[error("it cannot be run: {0}")]
    Engine(String),
    /// A backslash with nothing after it.
    #[error("a backslash with nothing after it")]
    TrailingBackslash,
    /// A backslash before something that it gives no meaning.
    #[error("an invalid escape sequence")]
    Escape,
    /// `\1`.
    #[error("a back-reference")]
    BackReference,
    /// `(?=`, `(?!`, `(?<=`, `(?<!`.
    #[error("look-around")]
    LookAround,
    /// `(?` followed by something else than flags out of `imsU`, or a flag syntax that is broken.
    #[error("an unknown kind of group or flag")]
    Group,
    /// Not of letters, digits and underscores, or not closed.
    #[error("an invalid group name")]
    GroupName,
    /// `(` without `)`.
    #[error("an unclosed group")]
    UnclosedGroup,
    /// `)` without `(`.
    #[error("an unopened group")]
    UnopenedGroup,
    /// `[` without `]`.
    #[error("an unclosed character class")]
    UnclosedClass,
    /// `[b-a]`.
    #[error("a character range that ends before it begins")]
    ClassRange,
    /// `[[:foo:]]`.
    #[error("an unknown POSIX character class")]
    PosixClass,
    /// `\p{Foo}`.
    #[error("an unknown Unicode category or script")]
    Property,
    /// A repetition of nothing.
    #[error("a repetition of nothing")]
    RepeatNothing,
    /// `a**`, `a*+`.
    #[error("an invalid nested repetition operator")]
    RepeatRepeat,
    /// Above 1,000, also of nested repetitions multiplied, or the wrong way round.
    #[error("an invalid repeat count")]
    RepeatCount,
}

/// Short for inside.
pub(super) use PatternFault as Fault;

impl PatternFault {
    /// Whether Flux would run the expression: the fault is a bound of ours, or a meaning that we do not want to guess.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Long(_)
            | Self::Deep
            | Self::Large
            | Self::Surrogate
            | Self::CasedLetter
            | Self::Engine(_) => true,
            Self::TrailingBackslash
            | Self::Escape
            | Self::BackReference
            | Self::LookAround
            | Self::Group
            | Self::GroupName
            | Self::UnclosedGroup
            | Self::UnopenedGroup
            | Self::UnclosedClass
            | Self::ClassRange
            | Self::PosixClass
            | Self::Property
            | Self::RepeatNothing
            | Self::RepeatRepeat
            | Self::RepeatCount => false,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Long(_) | Self::Deep | Self::Large => {
                "write a shorter expression, with smaller repeat counts"
            }
            Self::Surrogate => r"write the character itself, or `\x{...}` with its code point",
            Self::CasedLetter => r"write `\p{L}`, or name the categories, as in `[\p{Lu}\p{Ll}\p{Lt}]`",
            Self::Engine(_) => "please report this expression, and write it in another way",
            Self::TrailingBackslash => r"write `\\` for a backslash",
            Self::Escape => {
                r"a backslash stands before punctuation, or begins one of Go's escapes such as `\d`, `\.`"
            }
            Self::BackReference | Self::LookAround => {
                "the syntax is that of Go's regexp (RE2), which has no look-around and no back-references"
            }
            Self::Group => "groups begin with `(`, `(?:`, `(?P<name>` or flags out of `imsU`, as in `(?i)`",
            Self::GroupName => "names of groups have letters, digits and underscores",
            Self::UnclosedGroup | Self::UnopenedGroup => r"write `\(` and `\)` for parentheses in the text",
            Self::UnclosedClass => r"write `\[` for a bracket in the text",
            Self::ClassRange => r"write `\-` for a hyphen in a character class",
            Self::PosixClass => "the names are those of POSIX, such as `[[:alnum:]]`, and `word`",
            Self::Property => {
                r"use a general category such as `\p{Lu}` or a script of one word such as `\p{Greek}`"
            }
            Self::RepeatNothing => r"write `\*`, `\+`, `\?` for these characters in the text",
            Self::RepeatRepeat => {
                "repeat a group instead, as in `(?:a+)*`; possessive operators do not exist"
            }
            Self::RepeatCount => "counts go up to 1000, those of nested repetitions multiplied",
        }
    }
}

impl PatternError {
    pub(super) fn new(text: &str, offset: Option<usize>, fault: PatternFault) -> Self {
        Self { text: excerpt(text), offset, fault }
    }
}

impl Classify for PatternError {
    fn reason(&self) -> &'static str {
        "RegexInvalid"
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        Some(self.fault.hint().to_owned())
    }
}
