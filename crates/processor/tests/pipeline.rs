//! The processor on ports in memory: verdicts, repeats, and a failure at every step.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers stop at the first surprise"
)]

mod meddled;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::future::block_on;
use processor::{Arrival, Outcome, Processor, Settings};
use samples::Sample;
use shared::identity::ETag;
use shared::manifest::{Manifest, Status};
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::ports::{FaultKind, SourceObject};
use shared::rows::{Layout, Limits, Reader, Step};
use shared::validate::KeyLimits;
use shared::violation::FileCode;

use crate::meddled::Meddled;

const CONTRACTS: [(&str, &str); 4] = [
    ("smartphone_sales", include_str!("../../../contracts/smartphone_sales.json")),
    ("health_metrics", include_str!("../../../contracts/health_metrics.json")),
    ("customer_orders", include_str!("../../../contracts/customer_orders.json")),
    ("shipments", include_str!("../../../contracts/shipments.json")),
];

/// The list of ports that the contract of shipments refers to.
const PORTS: &str = include_str!("../../../contracts/ports.csv");

const ORDERS: &str = "order_id,customer_name,email,product_category,product_name,quantity,unit_price,order_date,customer_location\n\
    A1,Ann,ann@example.com,Books,Atlas,2,10.50,2024-05-20,Oslo\n\
    A2,Bob,bob@example.com,Books,Atlas,0,10.50,2024-05-20,Oslo\n\
    A3,Cy,cy@example.com,Games,Chess,1,20,2024-05-21,Rome\n";

struct World {
    objects: MemoryObjects,
    events: MemoryEvents,
    processor: Processor<MemoryObjects, MemoryEvents, ManualClock>,
}

impl World {
    fn new() -> Self {
        let (objects, events) = (MemoryObjects::new(), MemoryEvents::new());
        let now = "2024-05-20T12:00:00Z".parse().unwrap();
        objects.set_now(now);
        for (name, text) in CONTRACTS {
            objects.put("b", &format!("contracts/{name}.json"), text);
        }
        objects.put("b", "contracts/ports.csv", PORTS);
        let processor =
            Processor::new(objects.clone(), events.clone(), ManualClock::at(now), Settings::default());
        Self { objects, events, processor }
    }

    fn drop_file(&self, key: &str, bytes: impl AsRef<[u8]>) -> SourceObject {
        self.objects.put("b", key, bytes)
    }

    fn process(&self, source: &SourceObject) -> Outcome {
        block_on(self.processor.process(&Arrival { source: source.clone(), nonce: None })).unwrap()
    }

    fn manifest(&self, source: &SourceObject) -> Manifest {
        match self.process(source) {
            Outcome::Finished { manifest, .. } => *manifest,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that was written, by key.
    fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let ours = |key: &String| !key.starts_with("input/") && !key.starts_with("contracts/");
        self.objects
            .keys()
            .into_iter()
            .filter(ours)
            .map(|key| (key.clone(), self.objects.get("b", &key).unwrap()))
            .collect()
    }

    fn text(&self, key: &str) -> String {
        String::from_utf8(self.objects.get("b", key).unwrap()).unwrap()
    }
}

/// The raw records of a CSV, the header first.
fn raw_records(bytes: &[u8], delimiter: char) -> Vec<Vec<u8>> {
    let layout = Layout { delimiter: u8::try_from(delimiter).unwrap(), ..Layout::default() };
    let mut reader = Reader::with_block(layout, Limits::STANDARD, bytes.len());
    reader.space()[..bytes.len()].copy_from_slice(bytes);
    reader.filled(bytes.len());
    reader.filled(0);
    let mut records = Vec::new();
    while let Step::Record(record) = reader.next_record() {
        records.push(record.raw.to_vec());
    }
    records
}

/// The record without its last `count` cells.
fn without_last(raw: &[u8], count: usize, delimiter: char) -> (Vec<u8>, Vec<Vec<u8>>) {
    let layout = Layout { delimiter: u8::try_from(delimiter).unwrap(), ..Layout::default() };
    let mut reader = Reader::with_block(layout, Limits::STANDARD, raw.len() + 8);
    reader.space()[..raw.len()].copy_from_slice(raw);
    reader.filled(raw.len());
    reader.filled(0);
    let Step::Record(record) = reader.next_record() else { panic!("no record") };
    let cells = record.fields().skip(record.width - count).map(|field| field.text().into_owned()).collect();
    (record.prefix(record.width - count).unwrap().to_vec(), cells)
}

/// The text of a sample: unpacked, and in UTF-8 where it is in UTF-16.
fn text_of(stored: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if stored.starts_with(b"\x1f\x8b") {
        flate2::read::MultiGzDecoder::new(stored).read_to_end(&mut bytes).unwrap();
    } else {
        bytes = stored.to_vec();
    }
    let units = |read: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        String::from_utf16(&pairs.iter().map(|pair| read(*pair)).collect::<Vec<_>>()).unwrap().into_bytes()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => bytes,
    }
}

/// The input records put together again from both outputs, by row number.
fn rebuilt(world: &World, manifest: &Manifest) -> BTreeMap<u64, Vec<u8>> {
    let read_as = manifest.read_as.as_ref().unwrap();
    let mut rows = BTreeMap::new();
    let derived = manifest.contract.descriptor["gristmill"]["derive"].as_array().map_or(0, Vec::len);
    // source_file, source_row, received_at, run_id behind derived columns; source_row, codes, reasons.
    let outputs =
        [(&manifest.outputs.processed, derived + 4, derived + 1), (&manifest.outputs.rejected, 3, 0)];
    for (output, added, row_at) in outputs {
        let Some(output) = output else { continue };
        let bytes = world.objects.get("b", &output.key).unwrap();
        assert_eq!(bytes.len() as u64, output.bytes);
        let records = raw_records(&bytes, read_as.delimiter);
        assert_eq!(records.len() as u64 - 1, output.records);
        for record in records.iter().skip(1) {
            let (raw, cells) = without_last(record, added, read_as.delimiter);
            let row = String::from_utf8(cells[row_at].clone()).unwrap().parse().unwrap();
            assert!(rows.insert(row, raw).is_none(), "row {row} twice");
        }
    }
    rows
}

#[test]
fn every_sample_gets_its_verdict_and_every_record_is_in_one_output() {
    let mut wrong = Vec::new();
    for Sample { name, dataset, outcome, bytes, .. } in samples::files() {
        let world = World::new();
        let source = world.drop_file(&format!("input/{}/{name}", dataset.name()), &bytes);
        let manifest = world.manifest(&source);
        let found = match manifest.status {
            Status::Completed => {
                let rows = rebuilt(&world, &manifest);
                assert_eq!(rows.len() as u64, manifest.rows.total, "{name}");
                let read_as = manifest.read_as.as_ref().unwrap();
                for (row, raw) in raw_records(&text_of(&bytes), read_as.delimiter).iter().skip(1).enumerate()
                {
                    assert_eq!(rows.get(&(row as u64 + 1)), Some(raw), "{name}, row {}", row + 1);
                }
                format!("split {} / {}", manifest.rows.valid, manifest.rows.rejected)
            }
            Status::Rejected => {
                assert!(manifest.outputs.processed.is_none(), "{name}");
                assert_eq!(world.outputs().len(), 1, "{name}: nothing but the manifest");
                format!("refused {}", manifest.code.unwrap())
            }
            Status::Held => "held".to_owned(),
        };
        let expected = match outcome {
            samples::Outcome::Split { valid, rejected } => format!("split {valid} / {rejected}"),
            samples::Outcome::Refused { code } => format!("refused {code}"),
        };
        if found != expected {
            wrong.push(format!("{name}: {found} instead of {expected}; {:?}", manifest.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_is_split_into_processed_rejected_and_errors() {
    let world = World::new();
    let source = world.drop_file("input/customer_orders/May orders.csv", ORDERS);
    let manifest = world.manifest(&source);
    let short = manifest.run_id.short();
    assert_eq!(
        world.text(&format!("processed/customer_orders/May-orders-{short}.csv")),
        format!(
            "order_id,customer_name,email,product_category,product_name,quantity,unit_price,order_date,customer_location,total,source_file,source_row,received_at,run_id\n\
             A1,Ann,ann@example.com,Books,Atlas,2,10.50,2024-05-20,Oslo,21,input/customer_orders/May orders.csv,1,2024-05-20T12:00:00Z,{0}\n\
             A3,Cy,cy@example.com,Games,Chess,1,20,2024-05-21,Rome,20,input/customer_orders/May orders.csv,3,2024-05-20T12:00:00Z,{0}\n",
            manifest.run_id
        )
    );
    assert_eq!(
        world.text(&format!("rejected/customer_orders/May-orders-{short}.csv")),
        "order_id,customer_name,email,product_category,product_name,quantity,unit_price,order_date,customer_location,source_row,rejection_codes,rejection_reasons\n\
         A2,Bob,bob@example.com,Books,Atlas,0,10.50,2024-05-20,Oslo,2,constraint-error,\"quantity: \"\"0\"\" is below the minimum 1\"\n"
    );
    assert_eq!(
        world.text(&format!("rejected/customer_orders/May-orders-{short}.errors.csv")),
        "source_row,source_line,column,code,value,reason\n\
         2,3,quantity,constraint-error,0,\"quantity: \"\"0\"\" is below the minimum 1\"\n"
    );
    let metadata = world.objects.metadata("b", &manifest.outputs.processed.as_ref().unwrap().key).unwrap();
    assert_eq!(metadata["source-key"], "input/customer_orders/May%20orders.csv");
    assert_eq!(metadata["record-count"], "2");
    assert_eq!(metadata["run-id"], manifest.run_id.as_str());
}

#[test]
fn a_second_delivery_writes_nothing_and_publishes_again() {
    let world = World::new();
    let source = world.drop_file("input/customer_orders/x.csv", ORDERS);
    let first = world.process(&source);
    let written = world.outputs();
    let second = world.process(&source);
    let (
        Outcome::Finished { manifest: a, duplicate: false },
        Outcome::Finished { manifest: b, duplicate: true },
    ) = (first, second)
    else {
        panic!("not one run and one duplicate")
    };
    assert_eq!(a, b);
    assert_eq!(world.outputs(), written);
    let published = world.events.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], published[1]);
    for key in written.keys() {
        assert_eq!(world.objects.version_count("b", key), 1, "{key}");
    }
}

#[test]
fn the_same_bytes_again_are_the_same_run_and_other_bytes_are_not() {
    let world = World::new();
    let first = world.drop_file("input/customer_orders/x.csv", ORDERS);
    let again = world.drop_file("input/customer_orders/x.csv", ORDERS);
    assert_ne!(first.version_id, again.version_id);
    let (a, b) = (world.manifest(&first).run_id, world.manifest(&again).run_id);
    assert_eq!(a, b);
    let other = world.drop_file("input/customer_orders/x.csv", ORDERS.replace("A3", "A4"));
    assert_ne!(world.manifest(&other).run_id, a);
    let elsewhere = world.drop_file("input/customer_orders/y.csv", ORDERS);
    assert_ne!(world.manifest(&elsewhere).run_id, a);
}

#[test]
fn a_failure_at_any_call_is_an_error_and_the_retry_ends_as_if_nothing_had_happened() {
    let source = |world: &World| world.drop_file("input/customer_orders/x.csv", ORDERS);
    let calm = World::new();
    let expected = calm.manifest(&source(&calm));
    let (mut failures, calls) = (0, ["open", "read", "fetch", "create", "write", "finish", "publish"]);
    for call in calls {
        for answer_lost in [false, true] {
            // The first, the second, … such call fails, until one run makes no further such call.
            for nth in 0..20 {
                let world = World::new();
                let arrival = Arrival { source: source(&world), nonce: None };
                if !world.fail(call, nth, answer_lost) {
                    break;
                }
                let first = block_on(world.processor.process(&arrival));
                if first.is_ok() {
                    break;
                }
                failures += 1;
                let unpublished = world.events.published().is_empty();
                assert!(unpublished || answer_lost, "{call} {nth}: announced although it failed");
                let retried = world.manifest(&arrival.source);
                assert_eq!(retried, expected, "{call} {nth}");
                assert_eq!(world.outputs(), calm.outputs(), "{call} {nth}");
                for key in world.outputs().keys() {
                    assert_eq!(world.objects.version_count("b", key), 1, "{call} {nth}: {key}");
                }
            }
        }
    }
    assert!(failures >= 15, "only {failures} failures were tried");
}

impl World {
    /// Lets the call after `nth` good ones fail. `false` where that cannot be asked for.
    fn fail(&self, call: &'static str, nth: usize, answer_lost: bool) -> bool {
        let is_write = matches!(call, "create" | "write" | "finish" | "publish");
        if answer_lost && !is_write {
            return false;
        }
        match (call, answer_lost) {
            ("publish", false) => self.events.fail_after(call, nth, FaultKind::Unavailable),
            ("publish", true) => self.events.lose_answer_after(call, nth),
            (_, false) => self.objects.fail_after(call, nth, FaultKind::Unavailable),
            (_, true) => self.objects.lose_answer_after(call, nth),
        }
        true
    }
}

#[test]
fn an_object_that_was_replaced_or_deleted_is_not_half_read() {
    let world = World::new();
    let mut source = world.drop_file("input/customer_orders/x.csv", ORDERS);
    // Without a version to pin, only the tag tells that another file stands there now.
    source.version_id = None;
    world.drop_file("input/customer_orders/x.csv", ORDERS.replace("A3", "A4"));
    assert_eq!(world.process(&source), Outcome::Superseded);
    world.objects.remove("b", "input/customer_orders/x.csv");
    assert_eq!(world.process(&source), Outcome::SourceGone);
    assert!(world.outputs().is_empty());
    assert!(world.events.published().is_empty());
}

#[test]
fn a_file_right_below_input_finds_its_contract_by_its_header() {
    let world = World::new();
    let manifest = world.manifest(&world.drop_file("input/x.csv", ORDERS));
    assert_eq!(manifest.dataset, "customer_orders");
    assert!(!manifest.contract.inferred);
}

#[test]
fn a_file_that_nearly_fits_a_contract_is_told_what_is_missing() {
    let world = World::new();
    let manifest = world.manifest(&world.drop_file("input/x.csv", ORDERS.replace("order_id,", "order,")));
    assert_eq!((manifest.status, manifest.code), (Status::Rejected, Some(FileCode::MissingLabel)));
    assert_eq!(manifest.dataset, "customer_orders");
    assert!(manifest.reason.unwrap().contains("the required column order_id"));
    // Few columns, but all of them a contract's.
    let few = world.manifest(&world.drop_file("input/y.csv", "order_id,quantity,unit_price\nA1,2,10.5\n"));
    assert_eq!((few.code, few.dataset.as_str()), (Some(FileCode::MissingLabel), "customer_orders"));
}

#[test]
fn a_file_that_no_contract_fits_is_profiled() {
    let world = World::new();
    let manifest = world.manifest(&world.drop_file("input/x.csv", "a;b\n1;2\n3\n4;5\n"));
    assert_eq!(manifest.status, Status::Completed);
    assert!(manifest.contract.inferred);
    assert_eq!((manifest.rows.valid, manifest.rows.rejected), (2, 1));
    assert_eq!(manifest.dataset, processor::UNMATCHED);
    assert_eq!(manifest.read_as.unwrap().delimiter, ';');
    // An output of ours that is dropped as a file is carried through, its added columns included.
    let processed = world.text(&manifest.outputs.processed.unwrap().key);
    let again = world.manifest(&world.drop_file("input/again.csv", processed));
    assert_eq!((again.rows.valid, again.rows.rejected), (2, 0));
}

#[test]
fn a_contract_that_is_put_into_the_bucket_works_at_once_and_a_corrected_one_makes_a_new_run() {
    let world = World::new();
    let file = "sku,price\nA,5\nB,x\n";
    let source = world.drop_file("input/parts/x.csv", file);
    let before = world.manifest(&source);
    assert!(before.contract.inferred);
    let contract = r#"{"name":"parts","schema":{"fields":[{"name":"sku","type":"string"},{"name":"price","type":"TYPE"}]}}"#;
    world.objects.put("b", "contracts/parts.json", contract.replace("TYPE", "number"));
    let judged = world.manifest(&source);
    assert_eq!((judged.rows.valid, judged.rows.rejected), (1, 1));
    world.objects.put("b", "contracts/parts.json", contract.replace("TYPE", "string"));
    let corrected = world.manifest(&source);
    assert_eq!((corrected.rows.valid, corrected.rows.rejected), (2, 0));
    assert_ne!(corrected.run_id, judged.run_id);
}

#[test]
fn a_broken_contract_is_a_verdict_that_lists_its_problems() {
    let world = World::new();
    world.objects.put(
        "b",
        "contracts/parts.json",
        r#"{"name":"parts","schema":{"fields":[{"name":"a","type":"money"}]}}"#,
    );
    let manifest = world.manifest(&world.drop_file("input/parts/x.csv", "a\n1\n"));
    assert_eq!((manifest.status, manifest.code), (Status::Rejected, Some(FileCode::ContractError)));
    assert!(manifest.reason.unwrap().contains("/schema/fields/0/type"));
}

#[test]
fn a_file_with_too_many_rejected_records_is_held() {
    let world = World::new();
    let contract = r#"{"name":"parts","schema":{"fields":[{"name":"a","type":"integer"}]},"gristmill":{"routing":{"results":["a@example.com"],"max_rejected_ratio":0.5}}}"#;
    world.objects.put("b", "contracts/parts.json", contract);
    let held = world.manifest(&world.drop_file("input/parts/x.csv", "a\n1\nx\ny\n"));
    assert_eq!((held.status, held.code), (Status::Held, Some(FileCode::TooManyRejected)));
    assert!(
        held.reason.as_ref().unwrap().starts_with("2 of 3 rows were rejected (66.7 %)"),
        "{:?}",
        held.reason
    );
    // A share that is just allowed is not held back.
    let passed = world.manifest(&world.drop_file("input/parts/y.csv", "a\n1\nx\n"));
    assert_eq!(passed.status, Status::Completed);
}

#[test]
fn a_header_alone_completes_without_rows() {
    let world = World::new();
    let header = ORDERS.lines().next().unwrap();
    let manifest = world.manifest(&world.drop_file("input/customer_orders/x.csv", header));
    assert_eq!((manifest.status, manifest.code), (Status::Completed, Some(FileCode::NoRows)));
    assert_eq!(world.outputs().len(), 1);
}

#[test]
fn a_corrected_rejected_file_is_accepted_and_its_added_columns_are_ignored() {
    let world = World::new();
    let manifest = world.manifest(&world.drop_file("input/customer_orders/x.csv", ORDERS));
    let rejected = world.text(&manifest.outputs.rejected.unwrap().key);
    let corrected = rejected.replace("Atlas,0,", "Atlas,4,");
    let again = world.manifest(&world.drop_file("input/customer_orders/x-fixed.csv", corrected));
    assert_eq!((again.rows.valid, again.rows.rejected), (1, 0));
    let processed = world.text(&again.outputs.processed.unwrap().key);
    assert!(!processed.contains("rejection_"), "{processed}");
    assert!(
        processed.contains("A2,Bob,bob@example.com,Books,Atlas,4,10.50,2024-05-20,Oslo,42,"),
        "{processed}"
    );
}

#[test]
fn an_output_with_other_bytes_is_never_overwritten() {
    let world = World::new();
    let source = world.drop_file("input/customer_orders/x.csv", ORDERS);
    let expected = world.manifest(&source).outputs.processed.unwrap().key;
    let other = World::new();
    other.objects.put("b", &expected, "something else");
    let source = other.drop_file("input/customer_orders/x.csv", ORDERS);
    let error = block_on(other.processor.process(&Arrival { source, nonce: None })).unwrap_err();
    assert_eq!(error.error_type(), "Port.OutputDiffers");
    assert_eq!(other.text(&expected), "something else");
    assert!(other.events.published().is_empty());
}

#[test]
fn a_replay_with_a_nonce_is_a_run_of_its_own() {
    let world = World::new();
    let source = world.drop_file("input/customer_orders/x.csv", ORDERS);
    let first = world.manifest(&source);
    let forced = Arrival { source, nonce: Some("again".to_owned()) };
    let Outcome::Finished { manifest, duplicate } = block_on(world.processor.process(&forced)).unwrap()
    else {
        panic!("not finished")
    };
    assert!(!duplicate);
    assert_ne!(manifest.run_id, first.run_id);
    assert_eq!(manifest.rows, first.rows);
}

#[test]
fn a_folder_marker_is_no_file() {
    let world = World::new();
    let source = SourceObject {
        bucket: "b".into(),
        key: "input/".into(),
        etag: ETag::parse("e"),
        version_id: None,
        size: 0,
    };
    assert_eq!(world.process(&source), Outcome::Ignored);
}

#[test]
fn a_file_over_the_limit_is_refused_before_its_rows_are_read() {
    let mut world = World::new();
    world.processor.settings.max_file_bytes = 10;
    let manifest = world.manifest(&world.drop_file("input/customer_orders/x.csv", ORDERS));
    assert_eq!(manifest.code, Some(FileCode::FileTooLarge));
}

#[test]
fn how_the_input_is_cut_changes_nothing() {
    let whole = World::new();
    let (_, bytes) = ("", samples::files().swap_remove(0).bytes);
    let expected = whole.manifest(&whole.drop_file("input/smartphone_sales/x.csv", &bytes));
    for size in [1, 7, 64, 4096] {
        let world = World::new();
        world.objects.set_read_size(size);
        let manifest = world.manifest(&world.drop_file("input/smartphone_sales/x.csv", &bytes));
        assert_eq!(manifest, expected);
        assert_eq!(world.outputs(), whole.outputs());
    }
}

const TRIPS: &str = r#"{"name":"trips","schema":{"fields":[{"name":"trip","type":"integer"},{"name":"country","type":"string"}],"primaryKey":["trip"],"foreignKeys":[{"fields":["country"],"reference":{"resource":"countries","fields":["code"]}}]},"gristmill":{"routing":{"results":["a@example.com"]}}}"#;

#[test]
fn a_value_must_stand_in_the_reference_file_and_another_file_makes_another_run() {
    let world = World::new();
    world.objects.put("b", "contracts/trips.json", TRIPS);
    world.objects.put("b", "contracts/countries.csv", "code,name\nNO,Norway\nIT,Italy\n");
    let source = world.drop_file("input/trips/x.csv", "trip,country\n1,NO\n2,XX\n3,\n");
    let first = world.manifest(&source);
    assert_eq!((first.rows.valid, first.rows.rejected), (2, 1));
    assert_eq!(
        world.text(&first.outputs.errors.as_ref().unwrap().key),
        "source_row,source_line,column,code,value,reason\n\
         2,3,country,foreign-key,XX,\"country: \"\"XX\"\" is none of the 2 values of code in countries.csv\"\n"
    );
    let references = &first.contract.references;
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].name, "countries.csv");
    // printf 'code,name\nNO,Norway\nIT,Italy\n' | sha256sum
    assert_eq!(
        references[0].sha256.as_deref(),
        Some("9365dc544f91dc1f98f68f9cef625d10da6ba1e231ac3540b80e245402ea6ec2")
    );
    // Nothing changed: the same run. A longer list: another one, although the contract's own bytes are the same.
    assert_eq!(world.manifest(&source), first);
    world.objects.put("b", "contracts/countries.csv", "code,name\nNO,Norway\nIT,Italy\nXX,Nowhere\n");
    let second = world.manifest(&source);
    assert_eq!((second.rows.valid, second.rows.rejected), (3, 0));
    assert_ne!(second.run_id, first.run_id);
    // The old list again is the old run.
    world.objects.put("b", "contracts/countries.csv", "code,name\nNO,Norway\nIT,Italy\n");
    assert_eq!(world.manifest(&source), first);
}

#[test]
fn a_reference_file_that_is_missing_or_broken_is_the_contracts_verdict_until_it_is_put_right() {
    let world = World::new();
    world.objects.put("b", "contracts/trips.json", TRIPS);
    let in_folder = world.drop_file("input/trips/x.csv", "trip,country\n1,NO\n");
    // The header decides; a contract that only lacks its file is not passed over.
    let by_header = world.drop_file("input/x.csv", "trip,country\n1,NO\n");
    let mut runs = Vec::new();
    for (file, what) in [
        (None, "there is no file countries.csv beside the contract"),
        (Some("name\nNorway\n".to_owned()), "there is no column"),
        (Some(format!("code\n{}", "N".repeat(1024 * 1024))), "at most 1048576 are allowed"),
        (Some(format!("code\n{}", "N".repeat(5 * 1024 * 1024))), "at most 1048576 are allowed"),
    ] {
        if let Some(file) = file {
            world.objects.put("b", "contracts/countries.csv", file);
        }
        for source in [&in_folder, &by_header] {
            let manifest = world.manifest(source);
            assert_eq!((manifest.status, manifest.code), (Status::Rejected, Some(FileCode::ContractError)));
            assert_eq!(manifest.dataset, "trips");
            let reason = manifest.reason.unwrap();
            assert!(reason.contains("contracts/trips.json") && reason.contains(what), "{reason}");
            assert!(reason.contains("/schema/foreignKeys/0/reference/"), "{reason}");
            // The contract is there, so its owner can be written to.
            assert_eq!(manifest.contract.descriptor["name"], "trips");
        }
        runs.push(world.manifest(&in_folder).run_id);
    }
    world.objects.put("b", "contracts/countries.csv", "code\nNO\n");
    for source in [&in_folder, &by_header] {
        let manifest = world.manifest(source);
        assert_eq!((manifest.status, manifest.rows.valid), (Status::Completed, 1));
        runs.push(manifest.run_id);
    }
    runs.dedup();
    assert_eq!(runs.len(), 5, "{runs:?}");
}

#[test]
fn a_reference_file_is_no_contract_and_a_failed_read_of_it_is_no_verdict() {
    let world = World::new();
    world.objects.put("b", "contracts/trips.json", TRIPS);
    world.objects.put("b", "contracts/countries.csv", "code\nNO\n");
    let source = world.drop_file("input/x.csv", "trip,country\n1,NO\n");
    // The contracts are fetched in order, each reference file after its contract. This one is the last.
    world.objects.fail_after("fetch", CONTRACTS.len() + 2, FaultKind::Unavailable);
    let arrival = Arrival { source: source.clone(), nonce: None };
    assert!(block_on(world.processor.process(&arrival)).is_err());
    assert!(world.outputs().is_empty());
    let manifest = world.manifest(&source);
    assert_eq!((manifest.dataset.as_str(), manifest.rows.valid), ("trips", 1));
    // A header that nearly fits it is judged by it too.
    let near = world.manifest(&world.drop_file("input/y.csv", "voyage,country\n1,NO\n"));
    assert_eq!((near.dataset.as_str(), near.code), ("trips", Some(FileCode::MissingLabel)));
}

/// Orders of which some numbers occur again, and some rows are wrong otherwise.
fn many_orders(rows: usize) -> String {
    let mut file = ORDERS.lines().next().unwrap().to_owned();
    file.push('\n');
    for row in 0..rows {
        let (number, quantity) = (if row % 10 == 9 { row / 2 } else { row }, row % 7);
        file.push_str(&format!(
            "N{number},Ann,ann@example.com,Books,Atlas,{quantity},10.50,2024-05-20,\"Oslo, Norway\"\n"
        ));
    }
    file
}

fn few_keys(table: usize, filter_bytes: usize) -> Settings {
    Settings { keys: KeyLimits { table, filter_bytes }, ..Settings::default() }
}

#[test]
fn a_file_with_more_keys_than_are_remembered_is_read_again_and_comes_out_the_same() {
    let unlimited = World::new();
    let file = many_orders(3_000);
    let expected = unlimited.manifest(&unlimited.drop_file("input/customer_orders/x.csv", &file));
    assert!(expected.codes["primary-key"] >= 150, "{:?}", expected.codes);
    for (table, filter_bytes, read_size) in
        [(400, 64 * 1024, usize::MAX), (400, 64 * 1024, 1000), (1_000, 1024, 64)]
    {
        let mut world = World::new();
        world.processor.settings = few_keys(table, filter_bytes);
        world.objects.set_read_size(read_size);
        let manifest = world.manifest(&world.drop_file("input/customer_orders/x.csv", &file));
        assert_eq!(manifest, expected);
        assert_eq!(world.outputs(), unlimited.outputs());
        assert_eq!(world.events.published(), unlimited.events.published());
    }
    let mut world = World::new();
    world.processor.settings = few_keys(100, 64 * 1024);
    let refused = world.manifest(&world.drop_file("input/customer_orders/x.csv", &file));
    assert_eq!((refused.status, refused.code), (Status::Rejected, Some(FileCode::TooManyKeys)));
    assert_eq!(world.outputs().len(), 1, "nothing but the manifest");
    let reason = refused.reason.unwrap();
    assert!(
        reason.contains("more than 100 keys of the file occur again") && reason.contains("split the file"),
        "{reason}"
    );
}

#[test]
fn a_source_that_is_replaced_or_deleted_between_the_passes_leaves_no_output() {
    for removed in [false, true] {
        let mut world = World::new();
        world.processor.settings = few_keys(400, 64 * 1024);
        // Without a version to pin, only the tag tells that another file stands there.
        let mut source = world.drop_file("input/customer_orders/x.csv", many_orders(3_000));
        source.version_id = None;
        let outcome = {
            // The file is replaced, or removed, after it was read once.
            let opened = AtomicUsize::new(0);
            let meddling = |call: &'static str, key: &str| {
                if call == "open" && opened.fetch_add(1, Ordering::SeqCst) == 1 {
                    if removed {
                        world.objects.remove(&source.bucket, key);
                    } else {
                        world.objects.put(&source.bucket, key, "another");
                    }
                }
            };
            let objects = Meddled { objects: world.objects.clone(), meddling };
            let now = "2024-05-20T12:00:00Z".parse().unwrap();
            let processor =
                Processor::new(objects, world.events.clone(), ManualClock::at(now), world.processor.settings);
            block_on(processor.process(&Arrival { source: source.clone(), nonce: None })).unwrap()
        };
        assert_eq!(outcome, if removed { Outcome::SourceGone } else { Outcome::Superseded });
        assert!(world.outputs().is_empty());
        assert!(world.events.published().is_empty());
    }
}

#[test]
fn a_failure_in_any_pass_is_an_error_and_the_retry_ends_as_if_nothing_had_happened() {
    let file = many_orders(3_000);
    let world = || {
        let mut world = World::new();
        world.processor.settings = few_keys(400, 64 * 1024);
        world
    };
    let calm = world();
    let expected = calm.manifest(&calm.drop_file("input/customer_orders/x.csv", &file));
    let mut failures = 0;
    for call in ["open", "read", "create", "write", "finish"] {
        for nth in 0..10 {
            let world = world();
            let source = world.drop_file("input/customer_orders/x.csv", &file);
            world.objects.fail_after(call, nth, FaultKind::Unavailable);
            if block_on(world.processor.process(&Arrival { source: source.clone(), nonce: None })).is_ok() {
                break;
            }
            failures += 1;
            assert!(world.events.published().is_empty());
            assert_eq!(world.manifest(&source), expected, "{call} {nth}");
            assert_eq!(world.outputs(), calm.outputs(), "{call} {nth}");
        }
    }
    assert!(failures >= 8, "only {failures} failures were tried");
}

#[test]
fn a_file_that_fails_gates_is_held_and_each_of_them_is_named() {
    let world = World::new();
    let contract = r#"{"name":"parts","schema":{"missingValues":["","-"],"fields":[{"name":"a","type":"integer"},{"name":"b"},{"name":"c","missingValues":["","?"]}]},"gristmill":{"routing":{"results":["a@example.com"],"min_rows":4,"min_filled":{"c":0.5,"b":0.75}}}}"#;
    world.objects.put("b", "contracts/parts.json", contract);
    let good =
        world.manifest(&world.drop_file("input/parts/x.csv", "a,b,c\n1,x,x\n2,x,\nx,,\n3,-,y\n4,z,?\n"));
    assert_eq!((good.status, good.code), (Status::Completed, None));
    let held = world.manifest(&world.drop_file("input/parts/y.csv", "a,b\n1,x\n2,-\n"));
    assert_eq!((held.status, held.code), (Status::Held, Some(FileCode::TooFewRows)));
    let reason = held.reason.clone().unwrap();
    for figure in [
        "the file has 2 rows; the contract holds a file back below 4",
        "c has a value in 0 of 2 valid rows (0 %); the contract holds a file back below 50 %",
        "b has a value in 1 of 2 valid rows (50 %); the contract holds a file back below 75 %",
    ] {
        assert!(reason.contains(figure), "{reason}");
    }
    assert!(held.outputs.processed.is_some(), "it is split all the same");
    let shared::events::PipelineEvent::FileRejected(event) = held.event() else {
        panic!("not announced as held")
    };
    assert_eq!((event.code.as_str(), event.reason), ("too-few-rows", reason));
    // A file without rows is held too.
    let none = world.manifest(&world.drop_file("input/parts/z.csv", "a,b,c\n"));
    assert_eq!((none.status, none.code), (Status::Held, Some(FileCode::TooFewRows)));
}
