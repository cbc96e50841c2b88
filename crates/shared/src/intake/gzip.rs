//! gzip as a stream (RFC 1952), with limits that a hostile archive runs into early.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use super::{Held, Taken};
use crate::violation::{FileCode, Verdict};

/// The first two bytes of every gzip member (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether a file begins as a gzip archive does.
#[must_use]
pub fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// What an archive may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes that it unpacks to.
    pub unpacked_bytes: u64,
    /// How many times its stored size it may unpack to. Deflate reaches 1,032 at most; tables reach 5 to 30.
    pub ratio: u64,
    /// Bytes that are unpacked before the ratio counts: a short table of equal rows is no attack.
    pub free_bytes: u64,
}

impl ArchiveLimits {
    /// 10 GiB; 200 times; the ratio counts from 1 MiB on.
    pub const STANDARD: Self =
        Self { unpacked_bytes: 10 * 1024 * 1024 * 1024, ratio: 200, free_bytes: 1024 * 1024 };
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// The stored bytes as the decoder reads them: where they run out, it is told to come back.
#[derive(Debug)]
struct Feed(Held);

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut pending = self.fill_buf()?;
        let count = pending.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.0.pending().is_empty() && !self.0.finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.0.pending())
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

/// Unpacks a gzip archive of any number of members, as `gzip -d` does.
#[derive(Debug)]
pub struct Gunzip {
    decoder: MultiGzDecoder<Feed>,
    limits: ArchiveLimits,
    stored: u64,
    unpacked: u64,
}

impl Gunzip {
    /// Begins with what was read of the archive.
    #[must_use]
    pub fn new(start: Vec<u8>, limits: ArchiveLimits) -> Self {
        let stored = start.len() as u64;
        let feed = Feed(Held::of(start, false));
        Self { decoder: MultiGzDecoder::new(feed), limits, stored, unpacked: 0 }
    }

    /// Where the next stored bytes go. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.decoder.get_mut().0.space()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the archive.
    pub fn filled(&mut self, bytes: usize) {
        self.stored += bytes as u64;
        self.decoder.get_mut().0.filled(bytes);
    }

    /// Unpacks as much as there is room for.
    ///
    /// # Errors
    /// The verdict over an archive that is damaged, cut off, or unpacks to more than is allowed.
    pub fn read(&mut self, into: &mut [u8]) -> Result<Taken, Verdict> {
        loop {
            return match self.decoder.read(into) {
                Ok(0) => Ok(Taken::End),
                Ok(bytes) => {
                    self.unpacked += bytes as u64;
                    self.check_limits()?;
                    Ok(Taken::Bytes(bytes))
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(Taken::NeedInput),
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::UnexpectedEof => Err(self.damaged("ends in the middle: it was cut off")),
                    _ => Err(self.damaged("is damaged, or something else follows it")),
                },
            };
        }
    }

    fn check_limits(&self) -> Result<(), Verdict> {
        let ArchiveLimits { unpacked_bytes, ratio, free_bytes } = self.limits;
        if self.unpacked > unpacked_bytes {
            return Err(Verdict::new(
                FileCode::FileTooLarge,
                format!(
                    "the gzip archive unpacks to more than {unpacked_bytes} bytes, which is the limit. Split the file \
                     and send the parts"
                ),
            ));
        }
        let consumed = self.stored - self.decoder.get_ref().0.pending().len() as u64;
        if self.unpacked > free_bytes && self.unpacked > consumed.saturating_mul(ratio) {
            return Err(Verdict::new(
                FileCode::FileTooLarge,
                format!(
                    "the gzip archive unpacks to more than {ratio} times its size, as no table of values does. If it \
                     is one, send it unpacked"
                ),
            ));
        }
        Ok(())
    }

    fn damaged(&self, how: &str) -> Verdict {
        Verdict::new(
            FileCode::FormatError,
            format!(
                "the gzip archive {how} (after {} unpacked bytes). Pack the file again and send it whole",
                self.unpacked
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Unpacks what is fed in pieces into a space of another size.
    fn unpack(
        stored: &[u8],
        (piece, room): (usize, usize),
        limits: ArchiveLimits,
    ) -> Result<Vec<u8>, Verdict> {
        let mut pieces = stored.chunks(piece);
        let mut gunzip = Gunzip::new(pieces.next().unwrap_or_default().to_vec(), limits);
        let mut out = Vec::new();
        let mut space = vec![0; room];
        loop {
            match gunzip.read(&mut space)? {
                Taken::Bytes(bytes) => out.extend_from_slice(&space[..bytes]),
                Taken::End => return Ok(out),
                Taken::NeedInput => {
                    let piece = pieces.next().unwrap_or_default();
                    gunzip.space()[..piece.len()].copy_from_slice(piece);
                    gunzip.filled(piece.len());
                }
            }
        }
    }

    #[test]
    fn members_are_unpacked_however_the_input_is_cut() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|n| format!("{n},{}\n", n * n).into_bytes()).collect();
        let (first, second) = text.split_at(12_345);
        let stored = [packed(first), packed(b""), packed(second)].concat();
        for sizes in [(1, 100_000), (7, 13), (1 << 20, 1 << 20), (64, 1)] {
            assert_eq!(unpack(&stored, sizes, ArchiveLimits::STANDARD).unwrap(), text, "{sizes:?}");
        }
    }

    #[test]
    fn an_archive_that_is_cut_off_anywhere_is_refused() {
        let stored = packed(b"a,b\n1,2\n3,4\n");
        for end in 2..stored.len() {
            let verdict = unpack(&stored[..end], (5, 64), ArchiveLimits::STANDARD).unwrap_err();
            assert_eq!(verdict.code, FileCode::FormatError, "{end}: {verdict}");
            assert!(verdict.reason.contains("cut off"), "{end}: {verdict}");
        }
    }

    #[test]
    fn a_wrong_checksum_and_trailing_bytes_are_refused() {
        let mut stored = packed(b"a,b\n1,2\n");
        let trailing = [&stored[..], b"rubbish behind it"].concat();
        assert_eq!(
            unpack(&trailing, (9, 64), ArchiveLimits::STANDARD).unwrap_err().code,
            FileCode::FormatError
        );
        let crc = stored.len() - 8;
        stored[crc] ^= 1;
        let verdict = unpack(&stored, (9, 64), ArchiveLimits::STANDARD).unwrap_err();
        assert!(verdict.reason.contains("damaged"), "{verdict}");
    }

    #[test]
    fn a_bomb_runs_into_its_limits() {
        let limits = ArchiveLimits { unpacked_bytes: 1 << 20, ratio: 200, free_bytes: 1 << 16 };
        let bomb = packed(&vec![b'a'; 1 << 19]);
        let verdict = unpack(&bomb, (100, 4096), limits).unwrap_err();
        assert_eq!(verdict.code, FileCode::FileTooLarge);
        assert!(verdict.reason.contains("200 times"), "{verdict}");
        // The same below the size from which the ratio counts.
        assert_eq!(unpack(&packed(&vec![b'a'; 1 << 16]), (100, 4096), limits).unwrap().len(), 1 << 16);
        let random: Vec<u8> =
            (0..(1_u32 << 20) + 1).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let verdict = unpack(&packed(&random), (4096, 4096), limits).unwrap_err();
        assert!(verdict.reason.contains("1048576 bytes"), "{verdict}");
    }
}
