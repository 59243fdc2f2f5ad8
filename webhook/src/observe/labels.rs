//! The values of labels. Whoever adds one adds a time series for ever.

use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

macro_rules! label {
    ($(#[doc = $about:literal] $name:ident { $(#[doc = $doc:literal] $variant:ident $text:literal,)+ })+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = $doc] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The value of the label.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
                encoder.write_str(self.as_str())
            }
        }
    )+};
}

label! {
    /// What is asked of the webhook.
    Endpoint {
        /// `/validate`
        Validate "validate",
        /// `/convert`
        Convert "convert",
    }
    /// What a reply said.
    Verdict {
        /// An object that was judged may be written.
        Allowed "allowed",
        /// Something that is not judged may be written.
        Passed "passed",
        /// An object may not be written.
        Refused "refused",
        /// Objects were converted.
        Converted "converted",
        /// Objects could not be converted.
        Failed "failed",
    }
    /// Why a request got no review as its answer.
    Cause {
        /// The body is no review.
        Malformed "malformed",
        /// The content type or encoding is another one.
        Unsupported "unsupported",
        /// The body is too large.
        TooLarge "too_large",
        /// Too many others were in work.
        Busy "busy",
        /// The body did not come, or the work was not done, in time.
        Deadline "deadline",
        /// The client went away while it sent the body.
        Aborted "aborted",
    }
}
