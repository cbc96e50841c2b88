//! One field of a record, as it stands in the file and as it reads.

use std::borrow::Cow;

use super::Layout;
use super::automaton::{self, Effect, State};

/// One field of a record.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    raw: &'a [u8],
    layout: &'a Layout,
}

impl<'a> Field<'a> {
    #[inline]
    pub(super) fn new(raw: &'a [u8], layout: &'a Layout) -> Self {
        Self { raw, layout }
    }

    /// Its bytes as they stand in the file, quotes included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its text: without quotes, doubled quotes made single.
    ///
    /// Only a quoted field that has a doubled quote in it is copied.
    #[must_use]
    #[inline]
    pub fn text(&self) -> Cow<'a, [u8]> {
        match self.raw.first() {
            Some(first) if *first == self.layout.quote || !self.layout.has_usual_text() => {
                decode(self.raw, self.layout)
            }
            _ => Cow::Borrowed(self.raw),
        }
    }

    /// Whether it begins with a quote that is not closed at its end: that quote is text then.
    #[must_use]
    pub fn has_stray_quote(&self) -> bool {
        let spaces = if self.layout.skip_initial_space { spaces(self.raw) } else { 0 };
        let Some((quote, inside)) = self.raw.get(spaces..).and_then(<[u8]>::split_first) else {
            return false;
        };
        if *quote != self.layout.quote {
            return false;
        }
        let mut state = State::Quoted;
        for byte in inside {
            if state.step(*byte, self.layout) == Effect::TextFollows {
                return true;
            }
        }
        state != State::Quote
    }
}

fn spaces(raw: &[u8]) -> usize {
    raw.iter().take_while(|byte| **byte == b' ').count()
}

/// Takes the quotes off a field.
#[must_use]
fn decode<'a>(raw: &'a [u8], layout: &Layout) -> Cow<'a, [u8]> {
    if !layout.has_usual_quotes() {
        return Cow::Owned(automaton::text(raw, layout));
    }
    let spaces = if layout.skip_initial_space { spaces(raw) } else { 0 };
    let raw = raw.get(spaces..).unwrap_or_default();
    let Some(inside) = raw.strip_prefix(&[layout.quote]) else { return Cow::Borrowed(raw) };
    let first = memchr::memchr(layout.quote, inside);
    match first {
        Some(at) if at + 1 == inside.len() => Cow::Borrowed(inside.get(..at).unwrap_or_default()),
        _ => undouble(inside, layout.quote).map_or(Cow::Borrowed(raw), Cow::Owned),
    }
}

/// The text of a quoted field from behind its opening quote; nothing where it is not closed at its end.
fn undouble(inside: &[u8], quote: u8) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(inside.len());
    let mut rest = inside;
    loop {
        let (before, after) = rest.split_at(memchr::memchr(quote, rest)?);
        text.extend_from_slice(before);
        match after.get(1) {
            None => return Some(text),
            Some(next) if *next == quote => {
                text.push(quote);
                rest = after.get(2..).unwrap_or_default();
            }
            Some(_) => return None,
        }
    }
}
