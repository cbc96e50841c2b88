//! Texts of a certain form: the formats of a `string`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_uri::Uri;
use uuid::Uuid;

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextForm {
    /// An e-mail address: `name@example.org`.
    Email,
    /// A URI: `https://example.org/page`.
    Uri,
    /// A UUID: `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`.
    Uuid,
    /// Bytes in base64: `SGVsbG8=`.
    Binary,
}

/// The longest address (RFC 5321, section 4.5.3.1.3, less the angle brackets), in bytes.
const MAX_ADDRESS_BYTES: usize = 254;
/// The longest part of an address before the `@` (RFC 5321, section 4.5.3.1.1), in bytes.
const MAX_LOCAL_BYTES: usize = 64;
/// The longest part of a domain between two points (RFC 1035, section 2.3.4), in bytes.
const MAX_LABEL_BYTES: usize = 63;
/// The length of a UUID with its hyphens.
const UUID_BYTES: usize = 36;

impl TextForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::Uri, Self::Uuid, Self::Binary];

    /// The format's name in a contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Uuid => "uuid",
            Self::Binary => "binary",
        }
    }

    /// Whether a text is of this form.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        match self {
            Self::Email => is_email(text),
            // RFC 3986: a scheme and what follows it, in ASCII.
            Self::Uri => Uri::parse(text).is_ok(),
            // The form of RFC 9562, section 4. The crate reads three more: without hyphens, in braces, as a URN.
            Self::Uuid => text.len() == UUID_BYTES && Uuid::try_parse(text).is_ok(),
            Self::Binary => STANDARD.decode(text).is_ok(),
        }
    }

    /// The text as equal values are equal: the letters of a UUID may be of either case (RFC 9562, section 4).
    #[must_use]
    pub fn canonical(self, text: &str) -> String {
        if self == Self::Uuid { text.to_ascii_lowercase() } else { text.to_owned() }
    }
}

/// Whether a text may be an e-mail address. Only sending to it can tell more.
///
/// The forms that people have: words joined by points (RFC 5322, `dot-atom`; RFC 6531 for letters beyond ASCII), an
/// `@`, and a domain of at least two labels, of which the last has two characters or more and ends in a letter. Quoted names (`"a b"@example.org`),
/// addresses of machines (`a@[192.0.2.1]`) and comments are not taken: in a file they are slips of the pen.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(is_word_character);
    text.len() <= MAX_ADDRESS_BYTES
        && local.len() <= MAX_LOCAL_BYTES
        && local.split('.').all(is_word)
        && domain.split('.').all(is_label)
        && domain.ends_with(char::is_alphabetic)
        && domain.rsplit_once('.').is_some_and(|(_, last)| last.chars().nth(1).is_some())
}

/// `atext` of RFC 5322, section 3.2.3, and the letters and digits of other scripts.
fn is_word_character(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
    } else {
        character.is_alphanumeric()
    }
}

/// One part of a domain: letters, digits and hyphens inside.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|character| character.is_alphanumeric() || character == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: TextForm, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form.holds(text), "{text:?} is of the form {}", form.as_str());
        }
        for text in bad {
            assert!(!form.holds(text), "{text:?} is not of the form {}", form.as_str());
        }
    }

    #[test]
    fn addresses() {
        let long = format!("{}@example.org", "x".repeat(64));
        let too_long = format!("{}@example.org", "x".repeat(65));
        let deep = format!("a@{}org", "label.".repeat(42));
        check(
            TextForm::Email,
            &["name@example.org", "a.b+c@x.y-z.co", "o'neil@example.org", "zoë@exämple.de", "1@2.de", &long],
            &[
                "",
                "a@",
                "@b.c",
                "a@b",
                "a b@c.de",
                "a@b@c.de",
                "a..b@c.de",
                ".a@c.de",
                "a.@c.de",
                "a@c..de",
                "a@.de",
                "a@c.de.",
                "a@-c.de",
                "a@c-.de",
                "a@c_d.ef",
                "a@1.2.3.4",
                "a@[192.0.2.1]",
                "\"a b\"@c.de",
                "a@c.de\n",
                "<a@c.de>",
                "mailto:a@c.de ",
                "a@c.de ",
                "a,b@c.de",
                "a@example.c0",
                &too_long,
                &deep,
            ],
        );
    }

    #[test]
    fn uris() {
        check(
            TextForm::Uri,
            &[
                "https://example.org",
                "https://example.org/a%20b?q=1#top",
                "mailto:a@b.c",
                "urn:isbn:0451450523",
                "ftp://[::1]:21/",
                "http://",
                "a:b",
                "HTTP://EXAMPLE.ORG",
            ],
            &[
                "",
                "example.org",
                "/a/b",
                "//example.org",
                "https://example.org/a b",
                "https://exämple.de",
                "https://example.org/%zz",
                "http://[::1",
                "1http://a",
                "C:\\temp",
                " https://example.org",
                "a:b\n",
            ],
        );
    }

    #[test]
    fn uuids() {
        check(
            TextForm::Uuid,
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"],
            &[
                "",
                "f81d4fae7dec11d0a76500a0c91e6bf6",
                "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
                "f81d4fae-7dec-11d0-a76500a0-c91e6bf6",
                " 81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            ],
        );
        let upper = TextForm::Uuid.canonical("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6");
        assert_eq!(upper, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
        assert_eq!(TextForm::Email.canonical("A@B.c"), "A@B.c");
    }

    #[test]
    fn bytes_in_base64() {
        check(
            TextForm::Binary,
            &["SGVsbG8=", "AAAA", "+/+/", "QQ=="],
            &["SGVsbG8", "SGVs bG8=", "A", "-_-_", "QR==", "=", "SGVsbG8=\n", "é"],
        );
    }
}
