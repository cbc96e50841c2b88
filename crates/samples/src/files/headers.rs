//! Files whose header is out of the ordinary.

use super::{Sample, refused, sales, sales_file, split};

pub(super) fn samples() -> Vec<Sample> {
    let mut samples = tolerated();
    samples.extend(refused_whole());
    samples
}

fn tolerated() -> Vec<Sample> {
    vec![
        sales_file(
            "columns_in_another_order.csv",
            "the columns back to front",
            "accepted: columns are found by name",
            split(6, 0),
            sales(6).every_line(|cells| cells.reverse()).text(),
        ),
        sales_file(
            "column_names_in_another_style.csv",
            "capitals and spaces in the header: ` Order_ID `, `PRICE`",
            "accepted: case and surrounding spaces of a name do not matter",
            split(5, 0),
            sales(5)
                .rename("order_id", " Order_ID ")
                .rename("price", "PRICE")
                .rename("region", "Region ")
                .text(),
        ),
        sales_file(
            "extra_column.csv",
            "a column `salesperson` that the contract does not know",
            "accepted: the column is carried through to the outputs",
            split(5, 0),
            with_column("salesperson", "Kim"),
        ),
        sales_file(
            "missing_optional_column.csv",
            "no `customer_review`",
            "accepted: the column is optional; the report has no sentiment",
            split(5, 0),
            sales(5).every_line(|cells| drop(cells.remove(7))).text(),
        ),
        sales_file(
            "header_only.csv",
            "a header and nothing below it",
            "completes with no rows: no model is asked, and a short mail says so",
            split(0, 0),
            sales(0).text(),
        ),
        sales_file(
            "repeated_header.csv",
            "two exports pasted together: the header again in the middle",
            "the second header is one rejected record, the rest goes on",
            split(6, 1),
            {
                let table = sales(6);
                let names = table.names();
                table.insert(4, names).text()
            },
        ),
    ]
}

/// Five sales with one more column behind the others.
fn with_column(name: &str, value: &str) -> String {
    let last = |names: &mut Vec<String>| {
        names.pop();
        names.push(name.to_owned());
    };
    sales(5).every_line(|cells| cells.push(value.to_owned())).header(last).text()
}

fn refused_whole() -> Vec<Sample> {
    let gets_missing = "refused: names the columns that were expected and what was found instead";
    let with_body = |first_lines: &str| {
        let text = sales(4).text();
        let body = text.split_once('\n').map_or("", |(_, body)| body).to_owned();
        format!("{first_lines}{body}")
    };
    vec![
        sales_file(
            "missing_column.csv",
            "no `price`",
            gets_missing,
            refused("missing-label"),
            sales(5).every_line(|cells| drop(cells.remove(5))).text(),
        ),
        sales_file(
            "no_header.csv",
            "records from the first line on",
            gets_missing,
            refused("missing-label"),
            with_body(""),
        ),
        sales_file(
            "preamble.csv",
            "a report's title and date above the header",
            "refused: the first line is not the header; the reason says to delete what stands above it",
            refused("missing-label"),
            format!("Sales report\nprinted 2025-12-31\n{}", sales(4).text()),
        ),
        sales_file(
            "duplicate_column.csv",
            "two columns called `price`",
            "refused: nobody can tell which of the two is meant",
            refused("duplicate-label"),
            with_column("price", "649"),
        ),
        sales_file(
            "blank_column_name.csv",
            "a column without a name",
            "refused: every column needs a name",
            refused("blank-label"),
            sales(5).every_line(|cells| cells.insert(3, String::new())).text(),
        ),
    ]
}
