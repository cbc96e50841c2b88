//! Text as a form encodes it: `+` is a space, `%XX` a byte of UTF-8.

use percent_encoding::percent_decode_str;

/// The text that was encoded; `None` where its bytes are no text.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
