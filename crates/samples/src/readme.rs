//! The README of `samples/`.

use std::fmt::Write as _;

use crate::{Outcome, Sample};

const INTRODUCTION: &str = "\
# Samples

Small inputs, each named by what it shows, and what Gristmill does with it. They are the golden test data as well.
Everything in them is invented: brands, models, people, readings and orders.

Do not edit these files or this page: `cargo run -p samples` writes them, and a test checks that they are what it
writes. The generator also makes benchmark files of any size:

```
cargo run --release -p samples -- bench smartphone_sales 100MB sales-100mb.csv
```

All are judged by `contracts/smartphone_sales.json` unless the data set is named, as in
`gristmill run --contract contracts/smartphone_sales.json samples/missing_column.csv`: without the option a file whose
header fits no contract is profiled instead. *Valid* and *rejected* count records; a file that is refused whole has a
code instead.

| file | what it shows | what Gristmill does with it | valid | rejected |
|---|---|---|---|---|
";

/// The README for these files, in Markdown.
pub fn readme(files: &[Sample]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for Sample { name, dataset, shows, gets, outcome, .. } in files {
        let dataset = match dataset.name() {
            "smartphone_sales" => String::new(),
            other => format!(" (`{other}`)"),
        };
        let (shows, gets) = (shows.replace('|', "\\|"), gets.replace('|', "\\|"));
        // Writing to a String cannot fail.
        let _ = match outcome {
            Outcome::Split { valid, rejected } => {
                writeln!(page, "| `{name}`{dataset} | {shows} | {gets} | {valid} | {rejected} |")
            }
            Outcome::Refused { code } => {
                writeln!(page, "| `{name}`{dataset} | {shows} | {gets} | `{code}` | |")
            }
        };
    }
    page
}
