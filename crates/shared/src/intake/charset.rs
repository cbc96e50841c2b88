//! Encodings: which one a file is in, and its text as UTF-8.
//!
//! The encodings and their names are those of the Encoding Standard (<https://encoding.spec.whatwg.org>), as the
//! `encoding_rs` crate has them. Bytes that mean nothing in an encoding are not replaced: each stands as the
//! surrogate U+DC00 plus its value, in the three bytes that UTF-8 would have for it were it allowed (Python's
//! `surrogateescape`, PEP 383, extended to all bytes). That is no UTF-8, so the record becomes an encoding error, and
//! the bytes can be told from it.

use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

use super::{Held, Taken};

/// The first byte of an undecodable byte as it stands in decoded text.
const ESCAPED_LEAD: u8 = 0xed;
/// Less room than this may not take a character: it is decoded aside then.
const LEAST_ROOM: usize = 16;
/// The longest malformed sequence with what is read beyond it, in bytes (as `DecoderResult::Malformed` has them).
const TAIL: usize = 8;

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8, which is not decoded but checked record by record.
    pub const UTF_8: Self = Self(UTF_8);

    /// The encoding of this name, such as `windows-1252` or `shift_jis`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Encoding::for_label(name.as_bytes())?;
        // These two are of use to browsers only.
        (found != REPLACEMENT && found != X_USER_DEFINED).then_some(Self(found))
    }

    /// The encoding that a byte order mark at the start of a file names.
    #[must_use]
    pub fn marked(start: &[u8]) -> Option<Self> {
        match start {
            [0xef, 0xbb, 0xbf, ..] => Some(Self::UTF_8),
            [0xff, 0xfe, ..] => Some(Self(UTF_16LE)),
            [0xfe, 0xff, ..] => Some(Self(UTF_16BE)),
            _ => None,
        }
    }

    /// Its name, in small letters.
    #[must_use]
    pub fn name(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// Whether it is UTF-8.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self == Self::UTF_8
    }
}

/// Decodes a file piece by piece.
pub struct Transcoder {
    decoder: Decoder,
    held: Held,
    /// The last bytes that were decoded, newest last.
    tail: [u8; TAIL],
    /// What is to be given out before anything else is decoded: escaped bytes.
    ready: Vec<u8>,
    over: bool,
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder")
            .field("encoding", &self.decoder.encoding().name())
            .finish_non_exhaustive()
    }
}

impl Transcoder {
    /// Begins with what was read of the file, and whether that is all of it.
    #[must_use]
    pub fn new(charset: Charset, start: Vec<u8>, finished: bool) -> Self {
        Self {
            // A byte order mark becomes one in UTF-8, which the record reader drops.
            decoder: charset.0.new_decoder_without_bom_handling(),
            held: Held::of(start, finished),
            tail: [0; TAIL],
            ready: Vec::new(),
            over: false,
        }
    }

    /// Where the next bytes of the file go. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.held.space()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub fn filled(&mut self, bytes: usize) {
        self.held.filled(bytes);
    }

    /// Decodes as much as there is room for, which may be a single byte.
    pub fn read(&mut self, into: &mut [u8]) -> Taken {
        let mut aside = [0; LEAST_ROOM];
        loop {
            if !self.ready.is_empty() {
                return Taken::Bytes(self.give(into));
            }
            if self.over {
                return Taken::End;
            }
            if self.held.pending().is_empty() && !self.held.finished {
                return Taken::NeedInput;
            }
            let is_narrow = into.len() < LEAST_ROOM;
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                self.held.pending(),
                if is_narrow { &mut aside } else { &mut *into },
                self.held.finished,
            );
            if is_narrow {
                self.ready.extend_from_slice(aside.get(..written).unwrap_or_default());
            }
            self.remember(read);
            self.held.consume(read);
            match result {
                DecoderResult::InputEmpty => self.over = self.held.finished,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, beyond) => {
                    self.escape(usize::from(length), usize::from(beyond));
                }
            }
            if written > 0 && !is_narrow {
                return Taken::Bytes(written);
            }
        }
    }

    /// Keeps the last bytes that were decoded: a malformed sequence may have begun in an earlier piece.
    fn remember(&mut self, read: usize) {
        let pending = self.held.pending();
        let recent = pending.get(read.saturating_sub(TAIL)..read).unwrap_or_default();
        self.tail.rotate_left(recent.len());
        let kept = TAIL - recent.len();
        if let Some(newest) = self.tail.get_mut(kept..) {
            newest.copy_from_slice(recent);
        }
    }

    fn escape(&mut self, length: usize, beyond: usize) {
        let end = TAIL.saturating_sub(beyond);
        for byte in self.tail.get(end.saturating_sub(length)..end).unwrap_or_default() {
            self.ready.extend_from_slice(&[ESCAPED_LEAD, 0xb0 | (byte >> 6), 0x80 | (byte & 0x3f)]);
        }
    }

    fn give(&mut self, into: &mut [u8]) -> usize {
        let count = self.ready.len().min(into.len());
        for (to, from) in into.iter_mut().zip(self.ready.drain(..count)) {
            *to = from;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(charset: Charset, stored: &[u8], (piece, room): (usize, usize)) -> Vec<u8> {
        let mut pieces = stored.chunks(piece);
        let mut transcoder = Transcoder::new(charset, pieces.next().unwrap_or_default().to_vec(), false);
        let mut out = Vec::new();
        let mut space = vec![0; room];
        loop {
            match transcoder.read(&mut space) {
                Taken::Bytes(bytes) => out.extend_from_slice(&space[..bytes]),
                Taken::End => return out,
                Taken::NeedInput => {
                    let piece = pieces.next().unwrap_or_default();
                    transcoder.space()[..piece.len()].copy_from_slice(piece);
                    transcoder.filled(piece.len());
                }
            }
        }
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn names_are_those_of_the_encoding_standard() {
        for (name, expected) in [
            ("UTF-8", "utf-8"),
            ("latin1", "windows-1252"),
            ("cp1252", "windows-1252"),
            ("ISO-8859-15", "iso-8859-15"),
            ("sjis", "shift_jis"),
            ("utf-16", "utf-16le"),
        ] {
            assert_eq!(Charset::named(name).unwrap().name(), expected, "{name}");
        }
        for name in ["", "klingon", "iso-2022-kr", "x-user-defined"] {
            assert_eq!(Charset::named(name), None, "{name}");
        }
    }

    #[test]
    fn bytes_that_mean_nothing_are_escaped_and_nothing_else_is_lost() {
        let shift_jis = Charset::named("shift_jis").unwrap();
        // 0x85 0x20 is no character: the lead byte is escaped, the space stays.
        let decoded = decode(shift_jis, b"\x83\x65,\x85 ,b", (1, 16));
        assert_eq!(decoded, ["\u{30c6},".as_bytes(), b"\xed\xb2\x85 ,b"].concat());
        // A surrogate without its other half, and half a unit at the end.
        let lone = [utf16("a", true), vec![0xd8, 0x0a], utf16("b", true), vec![0x31]].concat();
        let decoded = decode(Charset::named("utf-16be").unwrap(), &lone, (3, 8));
        assert_eq!(decoded, b"a\xed\xb3\x98\xed\xb0\x8ab\xed\xb0\xb1");
        assert!(std::str::from_utf8(&decoded).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_in_an_encoding_is_read_back_however_it_is_cut(
            text in any::<String>(), piece in 1..40_usize, room in 1..40_usize, big in any::<bool>(),
        ) {
            let name = if big { "utf-16be" } else { "utf-16le" };
            let decoded = decode(Charset::named(name).unwrap(), &utf16(&text, big), (piece, room));
            prop_assert_eq!(decoded, text.as_bytes());
            let gb18030 = Charset::named("gb18030").unwrap();
            let (stored, _, unmappable) = gb18030.0.encode(&text);
            if !unmappable && gb18030.0.decode_without_bom_handling(&stored).0 == text {
                prop_assert_eq!(decode(gb18030, &stored, (piece, room)), text.as_bytes());
            }
        }

        #[test]
        fn any_bytes_are_decoded_alike_however_they_are_cut(
            stored in prop::collection::vec(any::<u8>(), 0..200), piece in 1..20_usize, room in 1..40_usize,
            name in prop::sample::select(vec!["shift_jis", "utf-16le", "euc-jp", "gb18030", "big5", "windows-1252", "iso-2022-jp", "euc-kr"]),
        ) {
            let charset = Charset::named(name).unwrap();
            let whole = decode(charset, &stored, (1 << 12, 1 << 12));
            prop_assert_eq!(decode(charset, &stored, (piece, room)), whole);
        }
    }
}
