//! How the file is laid out.

use super::Dialect;
use super::node::{Node, Object};

/// The keys of a dialect that mean something here.
pub(super) const KEYS: [&str; 7] =
    ["$schema", "delimiter", "quoteChar", "doubleQuote", "header", "skipInitialSpace", "lineTerminator"];

/// The keys of Table Dialect that Gristmill cannot follow, and what to do instead.
const UNSUPPORTED: [(&str, &str); 15] = [
    ("commentChar", "remove the comment lines from the file, and this key"),
    ("commentRows", "remove the comment lines from the file, and this key"),
    ("escapeChar", "write a quote inside a quoted cell twice, as RFC 4180 has it, and remove this key"),
    ("nullSequence", "list the text under schema.missingValues"),
    ("headerRows", "keep one header row on top of the file, and remove this key"),
    ("headerJoin", "keep one header row on top of the file, and remove this key"),
    ("headerCase", "names in a header are compared without regard to case; remove this key"),
    ("property", "it is for JSON; remove this key"),
    ("itemType", "it is for JSON; remove this key"),
    ("itemKeys", "it is for JSON; remove this key"),
    ("sheetNumber", "save the sheet as CSV, and remove this key"),
    ("sheetName", "save the sheet as CSV, and remove this key"),
    ("table", "export the table as CSV, and remove this key"),
    ("caseSensitiveHeader", "names in a header are compared without regard to case; remove this key"),
    ("csvddfVersion", "remove this key"),
];

/// Reads `dialect`.
pub(super) fn read(root: &Object<'_>) -> Dialect {
    let mut dialect = Dialect::default();
    let Some(object) = root.get("dialect").and_then(|node| {
        node.object("a dialect: write an object such as {\"delimiter\": \";\"}, or leave it out")
    }) else {
        return dialect;
    };
    object.only(&KEYS, &UNSUPPORTED);
    dialect.delimiter = object.get("delimiter").and_then(|node| character(&node, "\";\""));
    if let Some(quote) = object.get("quoteChar").and_then(|node| character(&node, "\"'\"")) {
        dialect.quote = quote;
    }
    if dialect.delimiter == Some(dialect.quote)
        && let Some(node) = object.get("delimiter")
    {
        node.refuse("the delimiter is the quote character too: choose another one, such as \",\"");
    }
    only_true(&object, "doubleQuote", "a quote inside a quoted cell is written twice, as RFC 4180 has it");
    only_true(&object, "header", "a file without a header row is not supported yet: add one");
    dialect.skip_initial_space = object.flag("skipInitialSpace");
    if let Some(node) = object.get("lineTerminator")
        && !matches!(node.value.as_str(), Some("\n" | "\r\n"))
    {
        node.is_not("a line end: write \"\\n\" or \"\\r\\n\"; a file may have either, so it may be left out");
    }
    dialect
}

fn only_true(object: &Object<'_>, key: &str, why: &str) {
    if let Some(node) = object.get(key)
        && node.boolean() == Some(false)
    {
        node.refuse(format!("{key} can only be true: {why}"));
    }
}

fn character(node: &Node<'_>, example: &str) -> Option<u8> {
    let one = match node.value.as_str().map(str::as_bytes) {
        Some([byte]) if *byte == b'\t' || (byte.is_ascii() && !byte.is_ascii_control()) => Some(*byte),
        _ => None,
    };
    if one.is_none() {
        node.is_not(&format!("one printable ASCII character or a tab: write one such as {example}"));
    }
    one
}

/// Reads `encoding`.
pub(super) fn encoding(root: &Object<'_>) -> Option<String> {
    let node = root.get("encoding")?;
    let name = node.text("the name of an encoding: write \"utf-8\" or leave it out")?;
    if matches!(name.to_ascii_lowercase().as_str(), "utf-8" | "utf8") {
        return Some("utf-8".to_owned());
    }
    node.refuse(match is_iana_name(name) {
        true => {
            format!("the encoding {name} is not supported yet: save the files as UTF-8 and write \"utf-8\"")
        }
        false => "this is no name of an encoding: write \"utf-8\" or leave it out".to_owned(),
    });
    None
}

/// Whether a text looks like a name of the IANA character set registry (RFC 2978, section 2.3).
fn is_iana_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-^_`{}~:.()".contains(&b))
}
