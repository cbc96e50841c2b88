//! The grammar of records, one byte after another: for what the scan by blocks does not cover (records that are
//! too large to keep, and layouts with an escape character).

use super::Layout;

/// Where in a record a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    FieldStart,
    Unquoted,
    /// Behind an escape character outside quotes.
    Escaped,
    Quoted,
    /// Behind an escape character inside quotes.
    QuotedEscaped,
    /// A quote inside a quoted field: it closes the field or is the first of a doubled one.
    Quote,
    /// Text behind a closing quote.
    Behind,
}

/// What a byte does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// It opens a quoted field.
    Opens,
    /// It is the first of a text behind a closing quote.
    TextFollows,
    /// It ends a field.
    EndsField,
    /// It ends the record.
    EndsRecord,
}

impl State {
    /// Takes a byte.
    pub(super) fn step(&mut self, byte: u8, layout: &Layout) -> Effect {
        let (next, effect) = self.after(byte, layout);
        *self = next;
        effect
    }

    fn after(self, byte: u8, layout: &Layout) -> (Self, Effect) {
        let escapes = layout.escape == Some(byte);
        match self {
            Self::Escaped => (Self::Unquoted, Effect::None),
            Self::QuotedEscaped => (Self::Quoted, Effect::None),
            Self::Quoted if escapes => (Self::QuotedEscaped, Effect::None),
            Self::Quoted if byte == layout.quote => (Self::Quote, Effect::None),
            Self::Quoted => (Self::Quoted, Effect::None),
            Self::Quote if byte == layout.quote && layout.double_quote => (Self::Quoted, Effect::None),
            _ if byte == b'\n' || byte == b'\r' => (Self::FieldStart, Effect::EndsRecord),
            _ if byte == layout.delimiter => (Self::FieldStart, Effect::EndsField),
            Self::Quote => (Self::Behind, Effect::TextFollows),
            Self::Behind => (Self::Behind, Effect::None),
            Self::FieldStart if byte == layout.quote => (Self::Quoted, Effect::Opens),
            Self::FieldStart if byte == b' ' && layout.skip_initial_space => (Self::FieldStart, Effect::None),
            Self::FieldStart | Self::Unquoted if escapes => (Self::Escaped, Effect::None),
            Self::FieldStart | Self::Unquoted => (Self::Unquoted, Effect::None),
        }
    }

    /// Whether an input that ends here ends inside a quoted field.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Quoted | Self::QuotedEscaped)
    }

    /// Whether the byte stands in a quoted field, or behind the quote that may close one.
    pub(super) fn is_quoted(self) -> bool {
        self.is_open() || self == Self::Quote
    }
}

/// The text of a field: without quotes and escapes. A quote that is closed before more text opens nothing: it is text
/// itself.
pub(super) fn text(raw: &[u8], layout: &Layout) -> Vec<u8> {
    text_from(raw, State::FieldStart, layout).unwrap_or_else(|| {
        let spaces = raw.iter().take_while(|byte| **byte == b' ' && layout.skip_initial_space).count();
        let raw = raw.get(spaces..).unwrap_or_default();
        text_from(raw, State::Unquoted, layout).unwrap_or_else(|| raw.to_vec())
    })
}

/// The text as it reads from this state on; nothing where a quote is not closed at its end.
fn text_from(raw: &[u8], start: State, layout: &Layout) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(raw.len());
    let mut state = start;
    for &byte in raw {
        let before = state;
        let effect = state.step(byte, layout);
        let kept = match (before, state) {
            // The escape character, the opening quote, and a quote that may close: none of them is text.
            (_, State::Escaped | State::QuotedEscaped | State::Quote) => false,
            (State::FieldStart, State::FieldStart) => false,
            (_, State::Quoted) => effect != Effect::Opens,
            _ => true,
        };
        if effect == Effect::TextFollows {
            return None;
        }
        if kept {
            text.push(byte);
        }
    }
    (!state.is_open()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_without_quotes_and_escapes() {
        let backslash = Layout { escape: Some(b'\\'), ..Layout::default() };
        for (raw, expected) in [
            (&br#""a\"b""#[..], &br#"a"b"#[..]),
            (br#""a""b""#, br#"a"b"#),
            (br"a\,b", b"a,b"),
            (br#"\"a"#, br#""a"#),
            (br#""a\\""#, br"a\"),
            (br#""x"y"#, br#""x"y"#),
            (br#""x"\y"#, br#""x"y"#),
            (br#"5" screen"#, br#"5" screen"#),
            (b"", b""),
        ] {
            assert_eq!(text(raw, &backslash), expected, "{}", String::from_utf8_lossy(raw));
        }
        let spaced = Layout { skip_initial_space: true, double_quote: false, ..Layout::default() };
        assert_eq!(text(br#"  "a"b"#, &spaced), br#""a"b"#);
        assert_eq!(text(b"  a b", &spaced), b"a b");
    }
}
