//! Encodings, archives and layouts through the whole stage: what comes in, what comes out, and that what was rejected
//! can be dropped again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests stop at the first surprise"
)]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_lite::future::block_on;
use jiff::Timestamp;
use processor::{Arrival, Outcome, Processor, Settings};
use serde_json::{Value, json};
use shared::intake::ArchiveLimits;
use shared::manifest::{Manifest, Status};
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::violation::{Code, FileCode};

/// The bucket with one contract, `people`: a name of one or more letters, and an age from 0 to 150.
struct World {
    objects: MemoryObjects,
    settings: Settings,
}

impl World {
    /// The contract, with further keys at its top.
    fn new(keys: &Value) -> Self {
        let mut contract = json!({
            "name": "people",
            "schema": {"fields": [
                {"name": "name", "type": "string", "constraints": {"required": true, "minLength": 2}},
                {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 150}}
            ]},
            "gristmill": {"provenance": ["source_row"]}
        });
        for (key, value) in keys.as_object().unwrap() {
            contract[key] = value.clone();
        }
        let objects = MemoryObjects::default();
        objects.put("b", "contracts/people.json", contract.to_string().as_bytes());
        Self { objects, settings: Settings::default() }
    }

    fn process(&self, name: &str, bytes: &[u8]) -> Manifest {
        let source = self.objects.put("b", &format!("input/people/{name}"), bytes);
        let processor = Processor::new(
            self.objects.clone(),
            MemoryEvents::default(),
            ManualClock::at(Timestamp::UNIX_EPOCH),
            self.settings,
        );
        let outcome = block_on(processor.process(&Arrival { source, nonce: None })).unwrap();
        let Outcome::Finished { manifest, .. } = outcome else { panic!("{outcome:?}") };
        *manifest
    }

    fn processed(&self, manifest: &Manifest) -> Vec<u8> {
        self.objects.get("b", &manifest.outputs.processed.as_ref().unwrap().key).unwrap()
    }

    fn rejected(&self, manifest: &Manifest) -> Vec<u8> {
        self.objects.get("b", &manifest.outputs.rejected.as_ref().unwrap().key).unwrap()
    }

    fn errors(&self, manifest: &Manifest) -> String {
        let key = &manifest.outputs.errors.as_ref().unwrap().key;
        String::from_utf8(self.objects.get("b", key).unwrap()).unwrap()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Replaces what occurs once.
fn corrected(bytes: &[u8], wrong: &str, right: &str) -> Vec<u8> {
    let at = bytes.windows(wrong.len()).position(|window| window == wrong.as_bytes()).unwrap();
    [&bytes[..at], right.as_bytes(), &bytes[at + wrong.len()..]].concat()
}

fn counts(manifest: &Manifest) -> (u64, u64) {
    (manifest.rows.valid, manifest.rows.rejected)
}

#[test]
fn an_encoding_that_the_contract_names_is_transcoded() {
    let world = World::new(&json!({"encoding": "windows-1252"}));
    let (stored, ..) = encoding_rs::WINDOWS_1252.encode("name,age\nÉloïse,33\nŠ€,44\nZoë,444\n");
    let manifest = world.process("a.csv", &stored);
    assert_eq!(counts(&manifest), (2, 1));
    let read_as = manifest.read_as.as_ref().unwrap();
    assert_eq!(read_as.encoding, "windows-1252");
    assert!(read_as.notes.iter().any(|note| note.contains("windows-1252")), "{:?}", read_as.notes);
    assert_eq!(world.processed(&manifest), "name,age,source_row\nÉloïse,33,1\nŠ€,44,2\n".as_bytes());

    // What comes back is UTF-8 now, and says so by its mark.
    let again = corrected(&world.rejected(&manifest), "444", "44");
    let manifest = world.process("again.csv", &again);
    assert_eq!(counts(&manifest), (1, 0));
    assert_eq!(world.processed(&manifest), "name,age,source_row\nZoë,44,1\n".as_bytes());
}

#[test]
fn bytes_that_mean_nothing_in_the_named_encoding_are_the_encoding_error_of_their_row() {
    let world = World::new(&json!({"encoding": "shift_jis"}));
    let manifest = world.process("a.csv", b"name,age\n\x83\x65\x83\x58,33\n\x85\x20\x41,44\nBob,55\n");
    assert_eq!(counts(&manifest), (2, 1));
    assert_eq!(manifest.violations[0].code, Code::EncodingError);
    assert_eq!(manifest.violations[0].column.as_deref(), Some("name"));
    assert_eq!(world.processed(&manifest), "name,age,source_row\nテス,33,1\nBob,55,3\n".as_bytes());
    // The byte that was not understood is still there, as U+DC85.
    assert!(world.rejected(&manifest).windows(3).any(|window| window == b"\xed\xb2\x85"));
}

#[test]
fn utf16_with_a_byte_order_mark_goes_before_the_contract() {
    for named in [json!({}), json!({"encoding": "utf-8"}), json!({"encoding": "windows-1252"})] {
        let world = World::new(&named);
        for big in [false, true] {
            let text = "\u{feff}name,age\r\n\"Zoë\r\n😀\",33\r\n愛,444\r\n";
            let bytes = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            let manifest = world.process(&format!("{big}.csv"), &bytes.collect::<Vec<u8>>());
            assert_eq!(counts(&manifest), (1, 1), "{named} {big}");
            let encoding = if big { "utf-16be" } else { "utf-16le" };
            assert_eq!(manifest.read_as.as_ref().unwrap().encoding, encoding);
            let processed = "name,age,source_row\n\"Zoë\r\n😀\",33,1\n";
            assert_eq!(world.processed(&manifest), processed.as_bytes());
            assert!(
                world.errors(&manifest).contains("2,4,age,constraint-error,444,"),
                "physical lines count"
            );
        }
    }
}

#[test]
fn utf16_without_a_mark_is_read_where_the_contract_names_it() {
    let bytes: Vec<u8> = "name,age\nZoë,33\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let world = World::new(&json!({"encoding": "utf-16le"}));
    assert_eq!(counts(&world.process("a.csv", &bytes)), (1, 0));
    let refused = World::new(&json!({})).process("a.csv", &bytes);
    assert_eq!(refused.code, Some(FileCode::EncodingError));
    assert!(refused.reason.unwrap().contains("UTF-16 (little endian)"));
}

#[test]
fn a_packed_file_gives_the_outputs_of_the_unpacked_one() {
    let world = World::new(&json!({}));
    let text: String = (0..50_000).map(|n| format!("Name {n},{}\n", n % 160)).collect();
    let text = format!("name,age\n{text}");
    let (first, second) = text.as_bytes().split_at(123_457);
    let members = [gzip(first), gzip(second)].concat();
    let plain = world.process("plain.csv", text.as_bytes());
    let packed = world.process("packed.csv.gz", &members);
    assert_eq!(counts(&packed), counts(&plain));
    assert!(counts(&plain).1 > 0);
    assert_eq!(world.processed(&packed), world.processed(&plain));
    assert_eq!(world.errors(&packed), world.errors(&plain));
    let notes = &packed.read_as.as_ref().unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("gzip")), "{notes:?}");
    assert!(packed.outputs.processed.unwrap().key.starts_with("processed/people/packed-"));
}

#[test]
fn a_damaged_archive_is_refused_wherever_the_damage_is_and_leaves_no_output() {
    let text: String = (0..60_000_u64).map(|n| format!("Name {},{}\n", n * n, n % 160)).collect();
    let whole = gzip(format!("name,age\n{text}").as_bytes());
    for end in [3, 9, 40, whole.len() / 2, whole.len() - 1] {
        let world = World::new(&json!({}));
        let manifest = world.process("a.csv.gz", &whole[..end]);
        assert_eq!(
            (manifest.status, manifest.code),
            (Status::Rejected, Some(FileCode::FormatError)),
            "{end}"
        );
        assert!(manifest.reason.unwrap().contains("cut off"), "{end}");
        let left: Vec<String> =
            world.objects.keys().into_iter().filter(|key| key.starts_with("processed/")).collect();
        assert!(left.is_empty(), "{end}: {left:?}");
    }
}

#[test]
fn a_bomb_is_refused_and_its_owner_is_told() {
    let mut world = World::new(&json!({}));
    let bomb = [gzip(b"name,age\n"), gzip(&b"Zoe,33\n".repeat(1_000_000))].concat();
    let manifest = world.process("ratio.csv.gz", &bomb);
    assert_eq!(manifest.code, Some(FileCode::FileTooLarge));
    assert!(manifest.reason.unwrap().contains("200 times its size"));
    assert!(manifest.outputs.processed.is_none());

    world.settings.archive =
        ArchiveLimits { unpacked_bytes: 5_000_000, ratio: 2_000, ..ArchiveLimits::STANDARD };
    let manifest = world.process("size.csv.gz", &bomb);
    assert_eq!(manifest.code, Some(FileCode::FileTooLarge));
    assert!(manifest.reason.unwrap().contains("more than 5000000 bytes"));
}

#[test]
fn what_is_packed_twice_or_is_a_tar_archive_is_named() {
    let world = World::new(&json!({}));
    let twice = world.process("twice.csv.gz", &gzip(&gzip(b"name,age\nZoe,33\n")));
    assert_eq!(twice.code, Some(FileCode::UnsupportedFormat));
    assert!(twice.reason.unwrap().contains("inside a gzip archive"));
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"data.csv");
    tar[257..262].copy_from_slice(b"ustar");
    let tar = world.process("a.tgz", &gzip(&tar));
    assert_eq!(tar.code, Some(FileCode::UnsupportedFormat));
    assert!(tar.reason.unwrap().contains("tar archive"));
    assert_eq!(world.process("empty.csv.gz", &gzip(b"")).code, Some(FileCode::EmptyFile));
}

/// A file that has one good and one bad record; the bad one corrected and dropped again.
#[track_caller]
fn round_trip(dialect: &Value, file: &str, processed: &str, rejected_record: &str) {
    let world = World::new(&json!({"dialect": dialect}));
    let manifest = world.process("a.csv", file.as_bytes());
    assert_eq!(counts(&manifest), (1, 1), "{dialect}: {:?}", manifest.reason);
    assert_eq!(String::from_utf8(world.processed(&manifest)).unwrap(), processed, "{dialect}");
    let rejected = String::from_utf8(world.rejected(&manifest)).unwrap();
    assert!(rejected.contains(rejected_record), "{dialect}: {rejected}");
    let again = corrected(rejected.as_bytes(), "444", "44");
    let manifest = world.process("again.csv", &again);
    assert_eq!(counts(&manifest), (1, 0), "{dialect}: {rejected}\n{:?}", manifest.reason);
}

#[test]
fn files_in_every_layout_are_split_and_what_was_rejected_comes_back() {
    let processed = "name,age,source_row\nZoe,33,1\n";
    round_trip(&json!({}), "name,age\nZoe,33\n\"A, \"\"b\"\"\",444\n", processed, "\"A, \"\"b\"\"\",444,2,");
    round_trip(
        &json!({"quoteChar": "'"}),
        "name,age\n'Zoe',33\n'O''Hara, X',444\n",
        processed,
        "'O''Hara, X',444,2,constraint-error,'age: ",
    );
    round_trip(
        &json!({"escapeChar": "\\", "doubleQuote": false}),
        "name,age\n\"Zoe\",33\n\"A \\\"b\\\"\",444\n",
        "name,age,source_row\nZoe,33,1\n",
        "\"A \\\"b\\\"\",444,2,",
    );
}

#[test]
fn an_escaped_delimiter_separates_nothing() {
    let world = World::new(&json!({"dialect": {"escapeChar": "\\", "quoteChar": ""}}));
    let manifest =
        world.process("a.csv", b"name,age\nZoe\\, Ann,33\n\"quoted\",44\nBo\\\nb,55\nOh\\\\,444\n");
    assert_eq!(counts(&manifest), (3, 1));
    let processed = String::from_utf8(world.processed(&manifest)).unwrap();
    assert_eq!(
        processed,
        "name,age,source_row\n\"Zoe, Ann\",33,1\n\"\"\"quoted\"\"\",44,2\n\"Bo\nb\",55,3\n"
    );
    let again = corrected(&world.rejected(&manifest), "444", "44");
    let manifest = world.process("again.csv", &again);
    assert_eq!(counts(&manifest), (1, 0));
    assert_eq!(world.processed(&manifest), b"name,age,source_row\nOh\\,44,1\n");
}

#[test]
fn a_file_without_quotes_keeps_them_as_text() {
    let world = World::new(&json!({"dialect": {"quoteChar": "", "delimiter": "\t"}}));
    let manifest = world.process("a.tsv", b"name\tage\n\"Zoe\t33\n5\" disk\t444\n");
    assert_eq!(counts(&manifest), (1, 1));
    assert_eq!(world.processed(&manifest), b"name\tage\tsource_row\n\"\"\"Zoe\"\t33\t1\n");
    let again = corrected(&world.rejected(&manifest), "444", "44");
    assert_eq!(counts(&world.process("again.tsv", &again)), (1, 0));
}

#[test]
fn comments_are_no_records_and_do_not_move_line_numbers() {
    let world = World::new(&json!({"dialect": {"commentChar": "#"}}));
    let manifest = world.process(
        "a.csv",
        b"\r\n# made by hand\r\n#\r\nname,age\r\n# a \"quote\r\nZoe,33\r\n\r\nBob,444\r\n#end",
    );
    assert_eq!(counts(&manifest), (1, 1));
    assert!(world.errors(&manifest).contains("\n2,8,age,"), "{}", world.errors(&manifest));
}

#[test]
fn a_header_further_down_is_found_and_what_is_above_it_passed_over() {
    let preamble = "Report of May,\nmade by \"us\",\n\nname,age\nZoe,33\nBob,444\n";
    let world = World::new(&json!({"dialect": {"headerRows": [4]}}));
    let manifest = world.process("a.csv", preamble.as_bytes());
    assert_eq!(counts(&manifest), (1, 1), "{:?}", manifest.reason);
    assert!(world.errors(&manifest).contains("\n2,6,age,"));
    // The rejected file has its header in its first line.
    let again = corrected(&world.rejected(&manifest), "444", "44");
    assert_eq!(counts(&world.process("again.csv", &again)), (1, 0));
    for (rows, code) in [(3, FileCode::FormatError), (1, FileCode::MissingLabel), (9, FileCode::FormatError)]
    {
        let world = World::new(&json!({"dialect": {"headerRows": [rows]}}));
        assert_eq!(world.process("a.csv", preamble.as_bytes()).code, Some(code), "{rows}");
    }
}

#[test]
fn a_name_over_two_rows_is_joined_and_a_row_of_units_is_passed_over() {
    let dialect = json!({"headerRows": [1, 2], "commentRows": [3], "headerJoin": ""});
    let world = World::new(&json!({"dialect": dialect}));
    let manifest = world.process("a.csv", b"na,\nme,age\n(text),(years)\nZoe,33\n");
    assert_eq!(counts(&manifest), (1, 0), "{:?}", manifest.reason);
    assert_eq!(world.processed(&manifest), b"name,age,source_row\nZoe,33,1\n");
}

#[test]
fn a_file_without_a_header_has_the_columns_of_its_contract() {
    let world = World::new(&json!({"dialect": {"header": false}}));
    let manifest = world.process("a.csv", b"Zoe,33\nBob,444\nAnn\n");
    assert_eq!(counts(&manifest), (1, 2), "{:?}", manifest.reason);
    assert_eq!(world.processed(&manifest), b"name,age,source_row\nZoe,33,1\n");
    assert!(world.errors(&manifest).contains("\n2,2,age,constraint-error,444,"));
    let again = corrected(&corrected(&world.rejected(&manifest), "444", "44"), "Ann,3", "Ann,5,3");
    assert_eq!(counts(&world.process("again.csv", &again)), (2, 0));
    assert_eq!(world.process("none.csv", b"\n\n").code, Some(FileCode::EmptyFile));
}

#[test]
fn a_text_that_names_the_tar_format_where_an_archive_does_is_a_text() {
    let world = World::new(&json!({}));
    let text = format!("name,age\n{},33\n", "x".repeat(248) + "ustar");
    assert_eq!(text.find("ustar"), Some(257));
    assert_eq!(counts(&world.process("a.csv", text.as_bytes())), (1, 0));
}
