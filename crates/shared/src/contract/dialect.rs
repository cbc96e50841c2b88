//! How the file is laid out (Table Dialect, Data Package v2, <https://datapackage.org/standard/table-dialect/>).

use super::node::{Node, Object, shown};
use super::{Dialect, HeaderRows, Heading};
use crate::intake::Charset;
use crate::rows::NO_QUOTE;

/// The keys of a dialect that mean something here.
pub(super) const KEYS: [&str; 14] = [
    "$schema",
    "delimiter",
    "quoteChar",
    "doubleQuote",
    "escapeChar",
    "nullSequence",
    "header",
    "headerRows",
    "headerJoin",
    "commentChar",
    "commentRows",
    "skipInitialSpace",
    "lineTerminator",
    "caseSensitiveHeader",
];

/// The keys of Table Dialect that Gristmill cannot follow, and what to do instead.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("headerCase", "names in a header are compared without regard to case; remove this key"),
    ("property", "it is for JSON; remove this key"),
    ("itemType", "it is for JSON; remove this key"),
    ("itemKeys", "it is for JSON; remove this key"),
    ("sheetNumber", "save the sheet as CSV, and remove this key"),
    ("sheetName", "save the sheet as CSV, and remove this key"),
    ("table", "export the table as CSV, and remove this key"),
    ("csvddfVersion", "remove this key"),
];

/// The last row that a header may stand in. The header has to be found in what is read before the contract is
/// chosen.
const MAX_HEADER_ROW: u64 = 100;

/// Reads `dialect`.
pub(super) fn read(root: &Object<'_>) -> Dialect {
    let Some(object) = root.get("dialect").and_then(|node| {
        node.object("a dialect: write an object such as {\"delimiter\": \";\"}, or leave it out")
    }) else {
        return Dialect::default();
    };
    object.only(&KEYS, &UNSUPPORTED);
    let mut dialect = Dialect { skip_initial_space: object.flag("skipInitialSpace"), ..Dialect::default() };
    if let Some(node) = object.get("delimiter") {
        delimiter(&node, &mut dialect);
    }
    quotes(&object, &mut dialect);
    dialect.comment = object.get("commentChar").and_then(|node| character(&node, "\"#\""));
    dialect.null_sequence = object
        .get("nullSequence")
        .and_then(|node| node.text("a text that stands for no value: write one such as \"NULL\""))
        .map(str::to_owned);
    dialect.heading = heading(&object);
    if object.flag("caseSensitiveHeader")
        && let Some(node) = object.get("caseSensitiveHeader")
    {
        node.refuse(
            "caseSensitiveHeader can only be false: names in a header are compared without regard to case",
        );
    }
    if let Some(node) = object.get("lineTerminator")
        && !matches!(node.value.as_str(), Some("\n" | "\r\n" | "\r"))
    {
        node.is_not(
            "a line end: write \"\\n\", \"\\r\\n\" or \"\\r\"; a file may have any, so it may be left out",
        );
    }
    distinct(&object, &dialect);
    dialect
}

/// One character, or one with spaces behind it: these are dropped then.
fn delimiter(node: &Node<'_>, dialect: &mut Dialect) {
    let text = node.value.as_str().unwrap_or_default();
    match text.trim_end_matches(' ').as_bytes() {
        [byte] if text.len() > 1 && is_character(*byte) => {
            dialect.delimiter = Some(*byte);
            dialect.skip_initial_space = true;
        }
        _ => dialect.delimiter = character(node, "\";\""),
    }
}

fn quotes(object: &Object<'_>, dialect: &mut Dialect) {
    if let Some(node) = object.get("quoteChar") {
        dialect.quote = match node.value.as_str() {
            Some("") => NO_QUOTE,
            _ => character(&node, "\"'\", or \"\" where cells are never quoted").unwrap_or(dialect.quote),
        };
    }
    if let Some(node) = object.get("doubleQuote") {
        dialect.double_quote = node.boolean().unwrap_or(true);
    }
    if let Some(node) = object.get("escapeChar") {
        dialect.escape = match node.value.as_str() {
            Some("") => None,
            _ => character(&node, "\"\\\\\""),
        };
    }
    // A quote that escapes itself is a doubled quote.
    if dialect.escape == Some(dialect.quote) {
        dialect.escape = None;
        dialect.double_quote = true;
    }
}

/// Refuses two roles of one character.
fn distinct(object: &Object<'_>, dialect: &Dialect) {
    let roles = [
        ("quoteChar", Some(dialect.quote), "quote character"),
        ("escapeChar", dialect.escape, "escape character"),
        ("commentChar", dialect.comment, "comment character"),
    ];
    for (key, byte, what) in roles {
        if byte.is_some()
            && byte == dialect.delimiter
            && let Some(node) = object.get("delimiter").or_else(|| object.get(key))
        {
            node.refuse(format!("the delimiter is the {what} too: choose another one, such as \",\""));
        }
    }
    if dialect.comment.is_some()
        && (dialect.comment == Some(dialect.quote) || dialect.comment == dialect.escape)
        && let Some(node) = object.get("commentChar")
    {
        node.refuse("the comment character has another role too: choose another one, such as \"#\"");
    }
}

fn heading(object: &Object<'_>) -> Heading {
    let mut heading = Heading::default();
    if let Some(node) = object.get("headerRows") {
        heading.rows = match rows(&node) {
            rows if rows == [1] => HeaderRows::First,
            rows => HeaderRows::At(rows),
        };
        if node.value.as_array().is_some_and(Vec::is_empty) {
            node.refuse("the list is empty: write {\"header\": false} where a file has no header");
        }
    }
    if object.get("header").and_then(|node| node.boolean()) == Some(false) {
        heading.rows = HeaderRows::Absent;
        if let Some(node) = object.get("headerRows") {
            node.refuse("header is false, so no row can hold the header: remove one of the two");
        }
    }
    if let Some(text) = object.get("headerJoin").and_then(|node| node.text("a text such as \" \"")) {
        text.clone_into(&mut heading.join);
    }
    if let Some(node) = object.get("commentRows") {
        heading.comment_rows = rows(&node);
        on_top(&node, &heading);
    }
    heading
}

/// Rows from 1, each above the one before.
fn rows(node: &Node<'_>) -> Vec<u64> {
    let expected = "a list of row numbers: write one such as [1, 2]; the first row is 1";
    let mut rows = Vec::new();
    for item in node.items(expected, usize::try_from(MAX_HEADER_ROW).unwrap_or(usize::MAX)) {
        match item.value.as_u64() {
            Some(row)
                if (1..=MAX_HEADER_ROW).contains(&row) && rows.last().is_none_or(|last| *last < row) =>
            {
                rows.push(row);
            }
            _ => item.is_not(&format!(
                "a row number from 1 to {MAX_HEADER_ROW} above the one before it: write {}",
                rows.last().map_or(1, |last| last + 1)
            )),
        }
    }
    rows
}

/// Only rows above the first one of data can be passed over: further down a row number is a matter of how the rows
/// before it were read.
fn on_top(node: &Node<'_>, heading: &Heading) {
    let mut next = heading.rows.last() + 1;
    for row in &heading.comment_rows {
        if *row == next {
            next += 1;
        } else if *row > next {
            node.refuse(format!(
                "row {row} lies between rows of data, where no row can be passed over: list only rows above the \
                 first row of data, or use commentChar"
            ));
            return;
        }
    }
    let header = match &heading.rows {
        HeaderRows::At(rows) => rows.as_slice(),
        HeaderRows::First => &[1],
        HeaderRows::Absent => &[],
    };
    if let Some(row) = header.iter().find(|row| heading.comment_rows.contains(row)) {
        node.refuse(format!("row {row} is a header row too: list it once"));
    }
}

fn is_character(byte: u8) -> bool {
    byte == b'\t' || (byte.is_ascii() && !byte.is_ascii_control())
}

fn character(node: &Node<'_>, example: &str) -> Option<u8> {
    let one = match node.value.as_str().map(str::as_bytes) {
        Some([byte]) if is_character(*byte) => Some(*byte),
        _ => None,
    };
    if one.is_none() {
        node.is_not(&format!("one printable ASCII character or a tab: write one such as {example}"));
    }
    one
}

/// Reads `encoding`.
pub(super) fn encoding(root: &Object<'_>) -> Option<Charset> {
    let node = root.get("encoding")?;
    let name = node.text("the name of an encoding: write \"utf-8\" or leave it out")?;
    let found = match name.to_ascii_lowercase().as_str() {
        // Python's name for UTF-8 with a byte order mark, which is read in any case.
        "utf-8-sig" | "utf_8_sig" => Some(Charset::UTF_8),
        lower => Charset::named(lower).or_else(|| Charset::named(&lower.replace('_', "-"))),
    };
    if found.is_none() {
        node.refuse(format!(
            "{} is no encoding that can be read: write one of the names of the Encoding Standard, such as \"utf-8\", \
             \"utf-16le\", \"windows-1252\", \"iso-8859-2\", \"shift_jis\" or \"gb18030\"",
            shown(node.value)
        ));
    }
    found
}
