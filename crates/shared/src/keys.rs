//! What the objects of a run are called.

use crate::identity::RunId;

/// Where files to be processed are dropped.
pub const INPUT_PREFIX: &str = "input/";
/// Where contracts live, one JSON file per dataset.
pub const CONTRACTS_PREFIX: &str = "contracts/";
/// The longest stem of an output's name, in bytes.
pub const MAX_STEM_BYTES: usize = 80;

/// The object keys of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputKeys {
    /// `processed/<dataset>/<stem>-<run12>.csv`
    pub processed: String,
    /// `rejected/<dataset>/<stem>-<run12>.csv`
    pub rejected: String,
    /// `rejected/<dataset>/<stem>-<run12>.errors.csv`
    pub errors: String,
    /// `manifests/<run_id>.json`
    pub manifest: String,
}

impl OutputKeys {
    /// The keys for a run over `source_key`.
    #[must_use]
    pub fn of(dataset: &str, source_key: &str, run: &RunId) -> Self {
        let name = format!("{}/{}-{}", stem(dataset), stem(file_name(source_key)), run.short());
        Self {
            processed: format!("processed/{name}.csv"),
            rejected: format!("rejected/{name}.csv"),
            errors: format!("rejected/{name}.errors.csv"),
            manifest: manifest_key(run),
        }
    }
}

/// The key of a run's manifest.
#[must_use]
pub fn manifest_key(run: &RunId) -> String {
    format!("manifests/{run}.json")
}

/// The key of a dataset's contract.
#[must_use]
pub fn contract_key(dataset: &str) -> String {
    format!("{CONTRACTS_PREFIX}{dataset}.json")
}

/// The key of a reference file, which lies beside the contracts.
#[must_use]
pub fn reference_key(name: &str) -> String {
    format!("{CONTRACTS_PREFIX}{name}")
}

/// The dataset that a key names: the folder right below `input/`, if there is one.
#[must_use]
pub fn dataset_of(source_key: &str) -> Option<&str> {
    let below = source_key.strip_prefix(INPUT_PREFIX)?;
    let (dataset, rest) = below.split_once('/')?;
    (!dataset.is_empty() && !rest.is_empty()).then_some(dataset)
}

/// The last part of a key.
#[must_use]
pub fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// A name reduced to `[A-Za-z0-9._-]` and [`MAX_STEM_BYTES`], without its `.csv` ending.
///
/// Every other run of characters becomes one hyphen. The result is never empty and never `.` or `..`, so it
/// cannot leave its folder.
#[must_use]
pub fn stem(file_name: &str) -> String {
    let bare = strip_endings(file_name);
    let mut stem = String::with_capacity(bare.len().min(MAX_STEM_BYTES));
    for character in bare.chars() {
        if stem.len() == MAX_STEM_BYTES {
            break;
        }
        if character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-') {
            stem.push(character);
        } else if !stem.ends_with('-') {
            stem.push('-');
        }
    }
    if stem.chars().all(|c| matches!(c, '.' | '-')) { "file".to_owned() } else { stem }
}

fn strip_endings(name: &str) -> &str {
    let mut bare = name;
    for ending in [".gz", ".csv", ".tsv", ".txt"] {
        let cut = bare.len().saturating_sub(ending.len());
        if let (Some(head), Some(tail)) = (bare.get(..cut), bare.get(cut..))
            && tail.eq_ignore_ascii_case(ending)
            && !head.is_empty()
        {
            bare = head;
        }
    }
    bare
}

/// A key as it may stand in object metadata, which S3 sends as an HTTP header: percent-encoded where it is not
/// printable ASCII.
#[must_use]
pub fn metadata_value(key: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const UNSAFE: &AsciiSet = &CONTROLS.add(b'%').add(b' ').add(b'"').add(b'\\');
    utf8_percent_encode(key, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{ContractDigest, ETag};

    #[test]
    fn keys_are_readable_and_end_in_the_run() {
        let run =
            RunId::of("b", "input/sales/May 2024.csv", &ETag::parse("e"), &ContractDigest::of(b""), None);
        let keys = OutputKeys::of("sales", "input/sales/May 2024.csv", &run);
        assert_eq!(keys.processed, format!("processed/sales/May-2024-{}.csv", run.short()));
        assert_eq!(keys.errors, format!("rejected/sales/May-2024-{}.errors.csv", run.short()));
        assert_eq!(keys.manifest, format!("manifests/{run}.json"));
    }

    #[test]
    fn a_stem_cannot_leave_its_folder() {
        for (name, expected) in [
            ("..", "file"),
            ("a/../b", "a-..-b"),
            ("", "file"),
            ("日本語", "file"),
            ("Umsätze 2024.CSV", "Ums-tze-2024"),
            ("data.csv.gz", "data"),
            (".csv", ".csv"),
            ("a\r\nBcc: x", "a-Bcc-x"),
        ] {
            assert_eq!(stem(name), expected, "{name:?}");
        }
        assert_eq!(stem(&"x".repeat(1000)).len(), MAX_STEM_BYTES);
    }

    #[test]
    fn the_dataset_is_the_folder_below_input() {
        assert_eq!(dataset_of("input/sales/2024/x.csv"), Some("sales"));
        assert_eq!(dataset_of("input/x.csv"), None);
        assert_eq!(dataset_of("input//x.csv"), None);
        assert_eq!(dataset_of("other/sales/x.csv"), None);
    }

    #[test]
    fn metadata_is_printable_ascii() {
        assert_eq!(metadata_value("input/é 100%\r\n.csv"), "input/%C3%A9%20100%25%0D%0A.csv");
    }
}
