//! One field of a record, as it stands in the file and as it reads.

use std::borrow::Cow;

use super::Layout;

/// One field of a record.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    raw: &'a [u8],
    layout: Layout,
}

impl<'a> Field<'a> {
    #[inline]
    pub(super) fn new(raw: &'a [u8], layout: Layout) -> Self {
        Self { raw, layout }
    }

    /// Its bytes as they stand in the file, quotes included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its text: without quotes, doubled quotes made single.
    ///
    /// Only a quoted field that has a doubled quote or text behind its closing quote is copied.
    #[must_use]
    #[inline]
    pub fn text(&self) -> Cow<'a, [u8]> {
        match self.raw.first() {
            Some(first)
                if *first == self.layout.quote || (*first == b' ' && self.layout.skip_initial_space) =>
            {
                decode(self.raw, self.layout)
            }
            _ => Cow::Borrowed(self.raw),
        }
    }

    /// Whether text follows the quote that closes it.
    #[must_use]
    pub fn has_text_after_quote(&self) -> bool {
        // As `decode` has it: spaces alone, and no tabs.
        let spaces = match self.layout.skip_initial_space {
            true => self.raw.iter().take_while(|byte| **byte == b' ').count(),
            false => 0,
        };
        let unspaced = self.raw.get(spaces..).unwrap_or_default();
        let Some(inside) = unspaced.strip_prefix(&[self.layout.quote]) else { return false };
        let mut quotes = memchr::memchr_iter(self.layout.quote, inside).peekable();
        while let Some(at) = quotes.next() {
            if quotes.peek() == Some(&(at + 1)) {
                quotes.next();
            } else {
                return at + 1 < inside.len();
            }
        }
        false
    }
}

/// Takes the quotes off a field.
#[must_use]
pub fn decode(raw: &[u8], layout: Layout) -> Cow<'_, [u8]> {
    let spaces = if layout.skip_initial_space { raw.iter().take_while(|b| **b == b' ').count() } else { 0 };
    let raw = raw.get(spaces..).unwrap_or_default();
    let Some(inside) = raw.strip_prefix(&[layout.quote]) else { return Cow::Borrowed(raw) };
    let first = memchr::memchr(layout.quote, inside);
    match first {
        Some(at) if at + 1 == inside.len() => Cow::Borrowed(inside.get(..at).unwrap_or_default()),
        _ => Cow::Owned(undouble(inside, layout.quote)),
    }
}

/// The text of a quoted field from behind its opening quote. What follows the closing quote is taken as it is,
/// as Python's and Rust's csv modules do.
fn undouble(inside: &[u8], quote: u8) -> Vec<u8> {
    let mut text = Vec::with_capacity(inside.len());
    let mut rest = inside;
    loop {
        let Some(at) = memchr::memchr(quote, rest) else {
            text.extend_from_slice(rest);
            return text;
        };
        let (before, after) = rest.split_at(at);
        text.extend_from_slice(before);
        match after.get(1) {
            Some(next) if *next == quote => {
                text.push(quote);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                text.extend_from_slice(after.get(1..).unwrap_or_default());
                return text;
            }
        }
    }
}
