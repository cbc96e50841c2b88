//! Writes the files of `samples/`, or a benchmark file of any size.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use samples::{Dataset, LongText, Spec};

const USAGE: &str = "\
usage: samples                                       rewrite the files of samples/
       samples bench <dataset> <size> <file> [...]   write a benchmark file and print what it holds, as JSON

datasets: smartphone_sales, health_metrics, customer_orders, shipments, smoke_test
size:     at least so many bytes: 500, 10kB, 100MB, 1GB, or KiB, MiB, GiB
options:  --all-bad       a mistake in every record
          --long-line     one record of 1 MiB (a review over the limit)
          --long-fields   every thousandth review is as long as the limit allows
          --seed <n>      other choices; 1 unless told";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(said) => {
            // A closed pipe is the reader's choice, not a failure.
            let _ = writeln!(io::stdout(), "{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "samples: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    match arguments {
        [] => rewrite(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")),
        [command, dataset, size, path, options @ ..] if command == "bench" => {
            let dataset =
                Dataset::named(dataset).ok_or_else(|| format!("no data set `{dataset}`\n{USAGE}"))?;
            let bytes = parse_size(size).ok_or_else(|| format!("`{size}` is not a size\n{USAGE}"))?;
            bench(dataset, &with_options(Spec::benchmark(bytes), options)?, Path::new(path))
        }
        [flag] if flag == "--help" || flag == "-h" => Ok(USAGE.to_owned()),
        _ => Err(USAGE.into()),
    }
}

/// Writes every sample into `folder` and removes the CSV files that no longer belong there.
fn rewrite(folder: &Path) -> Result<String, Box<dyn Error>> {
    let files = samples::files();
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let known = files.iter().any(|sample| sample.name == name);
        if !known && path.extension().is_some_and(|extension| extension == "csv") {
            fs::remove_file(&path)?;
        }
    }
    for sample in &files {
        fs::write(folder.join(sample.name), &sample.bytes)?;
    }
    fs::write(folder.join("README.md"), samples::readme(&files))?;
    Ok(format!("{} files and their README", files.len()))
}

fn bench(dataset: Dataset, spec: &Spec, path: &Path) -> Result<String, Box<dyn Error>> {
    let file = File::create(path).map_err(|error| format!("cannot create {}: {error}", path.display()))?;
    let mut out = BufWriter::new(file);
    let expected = dataset.write(&mut out, spec)?;
    let bytes = out.into_inner()?.metadata()?.len();
    let samples::Expected { records, valid, rejected } = expected;
    Ok(format!(r#"{{"bytes":{bytes},"records":{records},"valid":{valid},"rejected":{rejected}}}"#))
}

fn with_options(mut spec: Spec, options: &[String]) -> Result<Spec, Box<dyn Error>> {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.as_str() {
            "--all-bad" => spec.bad_share = 1.0,
            "--long-line" => spec.long_text = LongText::OneRecord,
            "--long-fields" => spec.long_text = LongText::JustWithinLimit,
            "--seed" => spec.seed = options.next().ok_or("--seed needs a number")?.parse()?,
            other => return Err(format!("no option `{other}`\n{USAGE}").into()),
        }
    }
    Ok(spec)
}

/// Reads `100MB` and the like; decimal units unless the `i` says otherwise.
fn parse_size(text: &str) -> Option<u64> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit_at)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_decimal_and_binary_units() {
        assert_eq!(parse_size("100MB"), Some(100_000_000));
        assert_eq!(parse_size("1GiB"), Some(1_073_741_824));
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("MB"), None);
        assert_eq!(parse_size("10 apples"), None);
    }

    #[test]
    fn unknown_options_are_refused() {
        let refused = with_options(Spec::benchmark(1), &["--fast".to_owned()]);
        assert!(refused.unwrap_err().to_string().starts_with("no option `--fast`"));
    }

    #[test]
    fn all_bad_leaves_no_valid_record() {
        let spec = with_options(Spec::benchmark(100_000), &["--all-bad".to_owned()]).unwrap();
        let expected = Dataset::SmartphoneSales.write(&mut Vec::new(), &spec).unwrap();
        assert_eq!((expected.valid, expected.rejected), (0, expected.records));
    }
}
