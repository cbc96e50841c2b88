//! Files that are called CSV and are something else.

use super::{Sample, refused, sales, sales_file, split};
use crate::Random;

const PDF: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n\
                   << /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>Sign in</title></head>\n<body>\n\
                    <p>Your session has expired, please <a href=\"/login\">sign in</a>.</p>\n</body>\n</html>\n";
const JSON: &str = "[\n  {\"order_id\": \"ORD1000001\", \"date\": \"2025-03-14\", \"price\": 649},\n  \
                    {\"order_id\": \"ORD1000002\", \"date\": \"2025-03-15\", \"price\": 249}\n]\n";

pub(super) fn samples() -> Vec<Sample> {
    let text = sales(5).text();
    let gets = "refused, naming the format that it looks like and how to save it as CSV";
    let gets_missing = "refused: none of the expected columns is there";
    vec![
        sales_file(
            "gzip.csv",
            "a gzip file without `.gz` in its name",
            "accepted: recognised by its first bytes and unpacked",
            split(5, 0),
            gzip(text.as_bytes()),
        ),
        sales_file(
            "gzip_cut_off.csv",
            "a gzip file whose end is missing, as after a broken upload",
            "refused: what is there may not be all",
            refused("format-error"),
            gzip(text.as_bytes()).into_iter().take(200).collect::<Vec<u8>>(),
        ),
        sales_file(
            "zip.csv",
            "a zip archive with a CSV in it",
            gets,
            refused("unsupported-format"),
            zip("sales.csv", text.as_bytes()),
        ),
        sales_file("pdf.csv", "a PDF document", gets, refused("unsupported-format"), PDF),
        sales_file(
            "random_bytes.csv",
            "bytes without a meaning",
            "refused: this is no text",
            refused("unsupported-format"),
            noise(600),
        ),
        sales_file(
            "web_page.csv",
            "the sign-in page of a portal, saved in place of the export",
            gets_missing,
            refused("missing-label"),
            PAGE,
        ),
        sales_file("json.csv", "records as JSON", gets_missing, refused("missing-label"), JSON),
    ]
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(11);
    // The first bits are set, so that no signature of a format can come up.
    [0xFB, 0xFA].into_iter().chain((2..bytes).map(|_| (random.bits() >> 56) as u8)).collect()
}

/// A gzip member with one stored block (RFC 1952, RFC 1951 section 3.2.4); `content` is below 64 KiB.
fn gzip(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    let mut bytes = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(content);
    bytes.extend(crc32(content).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    bytes
}

/// A zip archive with one stored file (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut shared = Vec::new();
    // Version 1.0, no flags, stored, and the first day that the format can express.
    for field in [10_u16, 0, 0, 0, 0x0021] {
        shared.extend(field.to_le_bytes());
    }
    for field in [crc32(content), content.len() as u32, content.len() as u32] {
        shared.extend(field.to_le_bytes());
    }
    shared.extend((name.len() as u16).to_le_bytes());
    shared.extend(0_u16.to_le_bytes());

    let local = [b"PK\x03\x04", shared.as_slice(), name.as_bytes(), content].concat();
    // Made by version 1.0; no comment, first disk, no attributes, and the file starts at 0.
    let directory =
        [b"PK\x01\x02", 10_u16.to_le_bytes().as_slice(), &shared, &[0; 14], name.as_bytes()].concat();
    let mut bytes = [local.as_slice(), &directory, b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0]].concat();
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend((local.len() as u32).to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// CRC-32 as gzip and zip use it (RFC 1952, section 8), bit by bit: the files are small.
fn crc32(content: &[u8]) -> u32 {
    !content.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_its_published_check_value() {
        // "Catalogue of parametrised CRC algorithms", CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
