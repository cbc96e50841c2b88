//! Files in other encodings, or in none.

use super::{Sample, refused, sales, sales_file, split};

pub(super) fn samples() -> Vec<Sample> {
    let text = || sales(5).cell(2, "customer_review", "Très bon téléphone, 很好").text();
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{}", text()).encode_utf16().flat_map(order).collect()
    };
    vec![
        sales_file(
            "bom.csv",
            "a UTF-8 byte order mark, as Excel writes it",
            "accepted; the mark is not part of the first column's name",
            split(5, 0),
            format!("\u{feff}{}", text()),
        ),
        sales_file(
            "bom_twice.csv",
            "two byte order marks, as a copied export has them",
            "accepted; both are removed",
            split(5, 0),
            format!("\u{feff}\u{feff}{}", text()),
        ),
        sales_file(
            "bom_only.csv",
            "a byte order mark and nothing else",
            "refused: the file is empty",
            refused("empty-file"),
            "\u{feff}",
        ),
        sales_file(
            "utf16le.csv",
            "UTF-16, little-endian, with a byte order mark",
            "accepted; the outputs are UTF-8",
            split(5, 0),
            utf16(u16::to_le_bytes, "\u{feff}"),
        ),
        sales_file(
            "utf16be.csv",
            "UTF-16, big-endian, with a byte order mark",
            "accepted; the outputs are UTF-8",
            split(5, 0),
            utf16(u16::to_be_bytes, "\u{feff}"),
        ),
        sales_file(
            "utf16_without_bom.csv",
            "UTF-16 without a byte order mark",
            "refused, naming the encoding that it looks like",
            refused("encoding-error"),
            utf16(u16::to_le_bytes, ""),
        ),
        sales_file(
            "not_utf8.csv",
            "one Latin-1 byte (`Caf\u{e9}`) in record 3",
            "that record is rejected, its bytes preserved; the others go on",
            split(4, 1),
            latin1(&sales(5).cell(3, "customer_review", "Caf\u{e9} owner and happy").text()),
        ),
    ]
}

/// As Latin-1; the text holds nothing beyond it.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}
