//! Files whose lines, quotes or records are out of the ordinary.

use super::{Sample, Table, refused, sales, sales_file, split};
use crate::{Dataset, Outcome};

pub(super) fn samples() -> Vec<Sample> {
    let mut samples = lines();
    samples.extend(delimiters());
    samples.extend(quotes());
    samples.extend(records());
    samples
}

fn lines() -> Vec<Sample> {
    let text = || sales(6).text();
    vec![
        sales_file(
            "crlf.csv",
            "lines that end in CR LF, as Windows writes them",
            "accepted; no CR is left in the last cell",
            split(6, 0),
            sales(6).text_with(b',', &["\r\n"]),
        ),
        sales_file(
            "mixed_line_endings.csv",
            "LF, CR LF and a lone CR in turn",
            "accepted; row and line numbers stay right",
            split(6, 0),
            sales(6).text_with(b',', &["\n", "\r\n", "\r"]),
        ),
        sales_file(
            "no_final_newline.csv",
            "the last line is not ended",
            "accepted; the last record counts like any other",
            split(6, 0),
            text().trim_end(),
        ),
        sales_file(
            "blank_lines.csv",
            "empty lines between the records and at the end",
            "empty lines are not records and are not counted",
            split(6, 0),
            format!("{}\n\n", text().replace('\n', "\n\n")),
        ),
        sales_file(
            "spaces_only_line.csv",
            "a line of spaces",
            "that line is one rejected record",
            split(6, 1),
            sales(6).insert(3, vec!["     ".to_owned()]).text(),
        ),
        sales_file("empty.csv", "no byte at all", "refused: the file is empty", refused("empty-file"), ""),
        sales_file(
            "only_newlines.csv",
            "line ends and nothing else",
            "refused: the file is empty",
            refused("empty-file"),
            "\n\n\r\n\n",
        ),
    ]
}

fn delimiters() -> Vec<Sample> {
    let gets = "accepted: the delimiter is found from the header and noted in the manifest";
    // A comma in a review shows that the file is not merely cut at the wrong place.
    let table = || sales(5).cell(2, "customer_review", "Good, but not for this price.");
    vec![
        sales_file(
            "semicolons.csv",
            "semicolons instead of commas",
            gets,
            split(5, 0),
            table().text_with(b';', &["\n"]),
        ),
        sales_file(
            "tabs.csv",
            "tabs instead of commas",
            gets,
            split(5, 0),
            table().text_with(b'\t', &["\n"]),
        ),
        sales_file(
            "pipes.csv",
            "vertical bars instead of commas",
            gets,
            split(5, 0),
            table().text_with(b'|', &["\n"]),
        ),
    ]
}

/// A table with a mark in one review, and what stands in the file in the mark's place, quotes and all.
fn with_raw_review(raw: &str) -> String {
    sales(5).cell(3, "customer_review", "REVIEW").text().replace("REVIEW", raw)
}

fn quotes() -> Vec<Sample> {
    let review =
        |text: &str| sales(5).cell(3, "customer_review", text).cell(5, "customer_review", "\"Best\" buy");
    vec![
        sales_file(
            "quoted_newlines.csv",
            "reviews with commas, line breaks (LF, CR LF, an empty line) and doubled quotes, properly quoted",
            "accepted as RFC 4180 has it; a line break in a cell does not end the record",
            split(5, 0),
            review("Pros: fast, light.\nCons: the \"free\" case.\r\n\r\nStill good.").text(),
        ),
        sales_file(
            "unterminated_quote.csv",
            "a quote opened in record 3 and never closed",
            "refused, with the line where the quote opens: what follows it cannot be trusted",
            refused("unterminated-quote"),
            with_raw_review("\"It works but"),
        ),
        sales_file(
            "unterminated_last_cell.csv",
            "a quote opened in the very last cell and never closed",
            "refused in the same way, although nothing follows it",
            refused("unterminated-quote"),
            sales(5).cell(5, "color", "COLOUR").text().replace("COLOUR", "\"Sand"),
        ),
        sales_file(
            "text_after_quote.csv",
            "`\"Great\" phone` with quotes around one word of the cell",
            "that record is rejected: its quoting has no single meaning",
            split(4, 1),
            with_raw_review("\"Great\" phone"),
        ),
        sales_file(
            "backslash_escapes.csv",
            "quotation marks escaped with a backslash instead of doubled",
            "that record is rejected: its quoting has no single meaning",
            split(4, 1),
            with_raw_review("\"Sold as \\\"new\\\" and it was not\""),
        ),
        sales_file(
            "quote_inside_field.csv",
            "a quotation mark inside an unquoted cell: `6.7\" screen`",
            "accepted; the mark is kept as it is",
            split(5, 0),
            with_raw_review("A 6.7\" screen in a 6\" case"),
        ),
    ]
}

fn records() -> Vec<Sample> {
    let total = "Total,,,,,2451.40,,,,,".split(',').map(str::to_owned).collect();
    vec![
        sales_file(
            "ragged_rows.csv",
            "records with one, several and nearly all cells missing, and with cells too many",
            "these records are rejected: cells missing or too many",
            split(3, 5),
            sales(8)
                .record(2, |cells| drop(cells.pop()))
                .record(3, |cells| cells.truncate(6))
                .record(5, |cells| cells.truncate(1))
                .record(6, |cells| cells.push("checked".to_owned()))
                .record(8, |cells| cells.extend(["", "", ""].map(str::to_owned)))
                .text(),
        ),
        sales_file(
            "total_line.csv",
            "a line with the total below the records",
            "the line is one rejected record and counts in no sum",
            split(6, 1),
            sales(6).insert(7, total).text(),
        ),
        sales_file(
            "all_rejected.csv",
            "not one record without a mistake",
            "completes; no model is asked, and the mail leads with the mistakes",
            split(0, 6),
            sales(6).column("price", &["$899", "abc", "0", "-5", "15000", ""]).text(),
        ),
        sales_file(
            "several_mistakes.csv",
            "a record that breaks four rules at once",
            "rejected once, with all four reasons",
            split(4, 1),
            sales(5)
                .cell(2, "date", "20/05/2024")
                .cell(2, "price", "-5")
                .cell(2, "region", "Europa")
                .cell(2, "ram", "8GB")
                .text(),
        ),
        Sample {
            name: "duplicate_keys.csv",
            dataset: Dataset::CustomerOrders,
            shows: "an order number used twice, and one used three times",
            gets: "the first record of each number stands; the later ones are rejected and name its row",
            outcome: Outcome::Split { valid: 5, rejected: 3 },
            bytes: Table::generated(Dataset::CustomerOrders, 8)
                .column("order_id", &["ORD-1", "ORD-2", "ORD-3", "ORD-2", "ORD-4", "ORD-3", "ORD-3", "ORD-5"])
                .text()
                .into_bytes(),
        },
    ]
}
