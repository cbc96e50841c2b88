//! What the processor does and costs on its way from S3 to S3: the released function between a Runtime API and an
//! S3 on loopback, one process for each file.
//!
//! `cargo bench -p bench --bench s3_path [-- SIZE…]` with sizes such as `300MB`, over HTTPS
//! with `--tls` and of short rows with `--narrow`; without sizes, all of the cases below.
//! It checks what went over the wire as well as memory, and exits with 1 when a gate is missed.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::files::{CONTRACT, generate, memory, parse_size};
use bench::program::{self, Usage};
use bench::report::{Gates, megabytes};
use bench::runtime_api::{RuntimeApi, Said};
use bench::s3::{BUCKET, Object, Recorded, S3};
use samples::{Expected, Spec};
use serde_json::{Value, json};

/// The most memory, in MB.
const MOST_MEMORY: f64 = 96.0;
/// How long the function may take for one file.
const PATIENCE: Duration = Duration::from_secs(600);
/// The contract of files of short rows.
const NARROW: &str = r#"{"name": "narrow", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]}}"#;
/// An output of at most so many bytes is one request: the size of the first part.
const FIRST_PART: u64 = 5 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;
/// The number of the last part of that size.
const LAST_SMALL_PART: u32 = 256;

struct Case {
    bytes: u64,
    bad_share: f64,
    tls: bool,
    /// Four bytes a row, every second one bad: each output is many times as large as the file.
    narrow: bool,
}

impl Case {
    fn dataset(&self) -> &'static str {
        if self.narrow { "narrow" } else { "smartphone_sales" }
    }

    fn input(&self) -> String {
        format!("input/{}/file.csv", self.dataset())
    }

    fn contract(&self) -> String {
        format!("contracts/{}.json", self.dataset())
    }

    fn generate(&self, at: &Path) -> io::Result<Expected> {
        if !self.narrow {
            return generate(at, &Spec { bad_share: self.bad_share, ..Spec::benchmark(self.bytes) });
        }
        let mut out = BufWriter::new(File::create(at)?);
        out.write_all(b"a,b\n")?;
        let pairs = self.bytes / 8;
        for _ in 0..pairs {
            out.write_all(b"1,2\n1,x\n")?;
        }
        out.flush()?;
        Ok(Expected { records: 2 * pairs, valid: pairs, rejected: pairs })
    }
}

/// What came of a case.
struct Done {
    usage: Usage,
    recorded: Vec<Recorded>,
    s3: S3,
}

fn main() -> io::Result<()> {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|size| parse_size(&size)).collect();
    let narrow = std::env::args().any(|argument| argument == "--narrow");
    let tls = std::env::args().any(|argument| argument == "--tls");
    let named = sizes.into_iter().map(|bytes| Case { narrow, tls, ..plain(bytes) });
    let mut cases: Vec<Case> = named.collect();
    if cases.is_empty() {
        cases = standard();
    }
    let processor = program::release("processor", &["lambda"])?;
    let folder = tempfile::Builder::new().prefix("gristmill-bench").tempdir_in(memory())?;
    let mut gates = Gates::default();
    println!("one cold process for each file; MB are 1,000,000 bytes");
    for case in cases {
        let input = folder.path().join("file.csv");
        let expected = case.generate(&input)?;
        let done = process(&processor, &case, &input, folder.path())?;
        show(&case, expected, &input, &done)?;
        check(&mut gates, &case, expected, &done)?;
        std::fs::remove_file(input)?;
    }
    drop(folder);
    std::process::exit(gates.exit_code());
}

fn standard() -> Vec<Case> {
    vec![
        plain(1_000_000),
        plain(10_000_000),
        plain(300_000_000),
        Case { tls: true, ..plain(300_000_000) },
        plain(1_000_000_000),
        Case { bad_share: 0.5, ..plain(1_000_000_000) },
        Case { bad_share: 1.0, ..plain(1_000_000_000) },
        Case { narrow: true, ..plain(150_000_000) },
    ]
}

fn plain(bytes: u64) -> Case {
    Case { bytes, bad_share: 0.05, tls: false, narrow: false }
}

/// Lets a fresh function process the file.
fn process(processor: &Path, case: &Case, input: &Path, folder: &Path) -> io::Result<Done> {
    let s3 = if case.tls { S3::start_with_tls(folder)? } else { S3::start()? };
    let contract = folder.join("narrow.json");
    std::fs::write(&contract, NARROW)?;
    s3.put_file(&case.contract(), if case.narrow { &contract } else { Path::new(CONTRACT) })?;
    let object = s3.put_file(&case.input(), input)?;
    let api = RuntimeApi::start()?;
    api.offer(arrival(&case.input(), &object));
    let (address, endpoint) = (api.address(), s3.endpoint());
    let certificate: PathBuf = s3.certificate().unwrap_or(Path::new("")).to_owned();
    let certificate = certificate.to_string_lossy();
    let mut variables = vec![
        ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("GRISTMILL_EVENT_BUS", "gristmill"),
        ("GRISTMILL_S3_PATH_STYLE", "true"),
    ];
    if case.tls {
        // The SDK trusts what the system trusts, and OpenSSL's variable names another file than the system's.
        variables.push(("SSL_CERT_FILE", &certificate));
    }
    let running = program::start(processor, "processor", &variables)?;
    loop {
        match api.next(PATIENCE)? {
            Said::Polled(_) => {}
            Said::Answered { body, .. } if body.contains("\"batchItemFailures\":[]") => break,
            other => return Err(io::Error::other(format!("the processor said {other:?}"))),
        }
    }
    Ok(Done { usage: running.end()?, recorded: s3.recorded(), s3 })
}

/// The queue message that says that the file has arrived.
fn arrival(key: &str, object: &Object) -> String {
    let event = json!({
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-06-01T08:00:00Z",
        "region": "eu-central-1",
        "resources": [format!("arn:aws:s3:::{BUCKET}")],
        "detail": {
            "version": "0",
            "bucket": { "name": BUCKET },
            "object": { "key": key, "size": object.size, "etag": object.etag, "sequencer": "00617F08299329D189" },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "reason": "PutObject",
        },
    });
    let record = json!({
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": event.to_string(),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:gristmill-process",
        "awsRegion": "eu-central-1",
    });
    json!({ "Records": [record] }).to_string()
}

fn show(case: &Case, expected: Expected, input: &Path, done: &Done) -> io::Result<()> {
    let size = megabytes(input.metadata()?.len());
    let (cpu, wall) = (done.usage.cpu.as_secs_f64(), done.usage.wall.as_secs_f64());
    println!(
        "\n{size:.0} MB of {} over {}, {} of {} records bad",
        case.dataset(),
        if case.tls { "HTTPS" } else { "HTTP" },
        expected.rejected,
        expected.records
    );
    println!("{cpu:.3} s CPU, {:.0} MB per CPU-second, {wall:.3} s wall", size / cpu);
    let mut counts = BTreeMap::new();
    for Recorded { operation, .. } in &done.recorded {
        *counts.entry(*operation).or_insert(0_u32) += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(operation, count)| format!("{count} {operation}")).collect();
    println!("{} requests: {}", done.recorded.len(), counts.join(", "));
    Ok(())
}

fn check(gates: &mut Gates, case: &Case, expected: Expected, done: &Done) -> io::Result<()> {
    println!("{}", gates.at_most("memory, MB", megabytes(done.usage.peak), MOST_MEMORY));
    let recorded = &done.recorded;
    let of = |operation: &'static str| recorded.iter().filter(move |request| request.operation == operation);
    let carry_bytes = || of("PutObject").chain(of("UploadPart"));
    let commits = || of("PutObject").chain(of("CompleteMultipartUpload"));
    let all = |mut requests: Box<dyn Iterator<Item = &Recorded> + '_>, name: &str, value: &str| {
        requests.all(|request| request.header(name) == Some(value))
    };

    println!(
        "{}",
        gates.holds("every request succeeded but those for what is not there", recorded.iter().all(good))
    );
    println!("{}", gates.holds("the manifest counts what the generator counted", counted(done, expected)?));
    println!("{}", gates.holds("no upload is left unfinished", done.s3.unfinished_uploads() == 0));
    let never = all(Box::new(commits()), "if-none-match", "*");
    println!("{}", gates.holds("every output is written on the condition that nothing is there", never));
    let unsigned = all(Box::new(carry_bytes()), "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    println!("{}", gates.holds("no body is hashed for its signature", unsigned));
    let crc = |request: &Recorded| request.header("x-amz-checksum-crc64nvme").is_some();
    println!(
        "{}",
        gates.holds(
            "every body and every output has its CRC-64/NVME",
            carry_bytes().chain(commits()).all(crc)
        )
    );
    let whole = all(Box::new(of("CreateMultipartUpload")), "x-amz-checksum-type", "FULL_OBJECT")
        && all(Box::new(of("CreateMultipartUpload")), "x-amz-checksum-algorithm", "CRC64NVME")
        && all(Box::new(of("CompleteMultipartUpload")), "x-amz-checksum-type", "FULL_OBJECT");
    println!("{}", gates.holds("the checksum of an output in parts is that of the whole", whole));
    println!("{}", gates.holds("an output below a part is one PutObject, a larger one has parts", cut(done)));
    println!("{}", gates.holds("parts grow with their number", grow(recorded)));
    println!("sizes of parts: {}", part_sizes(recorded));
    let reads = of("GetObject").filter(|request| request.key == case.input());
    println!(
        "{}",
        gates.holds(
            "the input is read once, pinned by its tag",
            reads.map(|get| get.header("if-match").is_some()).eq([true])
        )
    );
    println!("{}", gates.holds("one event is published", of("PutEvents").count() == 1));
    Ok(())
}

/// The processor asks whether the upload and its run are known, and is told that there is no such entry and no such
/// manifest.
fn good(request: &Recorded) -> bool {
    let is_before = ["ledger/", "manifests/"].iter().any(|prefix| request.key.starts_with(prefix));
    request.status == if request.operation == "GetObject" && is_before { 404 } else { 200 }
}

fn counted(done: &Done, expected: Expected) -> io::Result<bool> {
    let keys = done.s3.keys();
    let key = keys.iter().find(|key| key.starts_with("manifests/"));
    let Some(bench::s3::Kept::Bytes(bytes)) =
        key.and_then(|key| done.s3.object(key)).map(|object| object.kept)
    else {
        return Ok(false);
    };
    let manifest: Value = serde_json::from_slice(&bytes)?;
    let count = |pointer| manifest.pointer(pointer).and_then(Value::as_u64);
    Ok(count("/rows/total") == Some(expected.records)
        && count("/rows/valid") == Some(expected.valid)
        && count("/rows/rejected") == Some(expected.rejected))
}

fn is_output(key: &str) -> bool {
    !["input/", "contracts/"].iter().any(|prefix| key.starts_with(prefix))
}

fn cut(done: &Done) -> bool {
    let requests = |key: &str, operation: &str| {
        done.recorded.iter().filter(|request| request.key == key && request.operation == operation).count()
    };
    done.s3.keys().iter().filter(|key| is_output(key)).all(|key| {
        let size = done.s3.object(key).map_or(0, |object| object.size);
        if size <= FIRST_PART {
            requests(key, "PutObject") == 1 && requests(key, "CreateMultipartUpload") == 0
        } else {
            requests(key, "PutObject") == 0 && requests(key, "UploadPart") >= 2
        }
    })
}

/// Parts never shrink but for the last of an output, and those behind the first step are larger.
fn grow(recorded: &[Recorded]) -> bool {
    let mut outputs: BTreeMap<&str, Vec<(u32, u64)>> = BTreeMap::new();
    for request in recorded.iter().filter(|request| request.operation == "UploadPart") {
        outputs.entry(&request.key).or_default().push((request.part.unwrap_or_default(), request.bytes));
    }
    outputs.values_mut().all(|parts| {
        parts.sort_unstable();
        parts.pop();
        parts.is_sorted_by(|one, next| one.1 <= next.1)
            && parts.iter().all(|(number, bytes)| (*number > LAST_SMALL_PART) == (*bytes > FIRST_PART))
    })
}

/// Each size of a part, with the numbers of the parts that have it; last parts have any and are left out.
fn part_sizes(recorded: &[Recorded]) -> String {
    let mut sizes: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for request in recorded.iter().filter(|request| request.operation == "UploadPart") {
        if request.bytes % MEBIBYTE == 0 {
            let number = request.part.unwrap_or_default();
            let numbers = sizes.entry(request.bytes).or_insert((number, number));
            *numbers = (numbers.0.min(number), numbers.1.max(number));
        }
    }
    let told: Vec<String> = sizes
        .iter()
        .map(|(bytes, (first, last))| format!("{} MiB ({first} to {last})", bytes / MEBIBYTE))
        .collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}
