//! The committed files of `samples/` are what the generator writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use samples::{Outcome, files, readme};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

#[test]
fn every_committed_file_is_what_the_generator_writes() {
    for sample in files() {
        let committed = fs::read(folder().join(sample.name)).unwrap_or_default();
        assert!(
            committed == sample.bytes,
            "samples/{} is out of date: run `cargo run -p samples`",
            sample.name
        );
    }
    assert_eq!(fs::read_to_string(folder().join("README.md")).unwrap(), readme(&files()));
}

#[test]
fn nothing_else_is_committed() {
    let present: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "README.md")
        .collect();
    let listed: BTreeSet<String> = files().iter().map(|sample| sample.name.to_owned()).collect();
    assert_eq!(present, listed);
}

#[test]
fn names_are_unique_and_small_files_are_small() {
    let files = files();
    let names: BTreeSet<_> = files.iter().map(|sample| sample.name).collect();
    assert_eq!(names.len(), files.len());
    for sample in files.iter().skip(3) {
        assert!(sample.bytes.len() < 6_000, "{} has {} bytes", sample.name, sample.bytes.len());
        if let Outcome::Split { valid, rejected } = sample.outcome {
            assert!(valid + rejected <= 20, "{}", sample.name);
        }
    }
}

#[test]
fn no_file_is_the_plain_one_under_another_name() {
    let files = files();
    let contents: BTreeSet<_> = files.iter().map(|sample| &sample.bytes).collect();
    assert_eq!(contents.len(), files.len());
}

#[test]
fn samples_that_differ_in_one_cell_do_contain_it() {
    let contains = |name: &str, needle: &[u8]| {
        let files = files();
        let sample = files.iter().find(|sample| sample.name == name).unwrap();
        sample.bytes.windows(needle.len()).any(|window| window == needle)
    };
    assert!(contains("unterminated_quote.csv", b",\"It works but,"));
    assert!(contains("text_after_quote.csv", b",\"Great\" phone,"));
    assert!(contains("backslash_escapes.csv", br#","Sold as \"new\" and it was not","#));
    assert!(contains("quote_inside_field.csv", br#",A 6.7" screen in a 6" case,"#));
    assert!(contains("unterminated_last_cell.csv", b",\"Sand\n"));
    assert!(contains("duplicate_keys.csv", b"\nORD-3,"));
    assert!(contains("not_utf8.csv", b",Caf\xe9 owner and happy,"));
    assert!(contains("dates.csv", b",45432,"));
    assert!(contains("numbers.csv", b",1e400,"));
    assert!(contains("column_names_in_another_style.csv", b" Order_ID ,date"));
    assert!(contains("duplicate_column.csv", b",color,price\n"));
}
