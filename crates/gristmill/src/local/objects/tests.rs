use futures_lite::future::block_on;
use shared::checksum::Checksum;
use shared::ports::{Body as _, Upload as _, Written};

use super::*;

struct Place {
    directory: tempfile::TempDir,
    objects: FileObjects,
}

/// A directory with an input, a contract and an empty output directory.
fn place(input: &[u8]) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.csv");
    fs::write(&path, input).unwrap();
    let contracts = directory.path().join("contracts");
    fs::create_dir(&contracts).unwrap();
    fs::write(contracts.join("b.json"), "{}").unwrap();
    fs::write(contracts.join("a.json"), "{ }").unwrap();
    fs::write(contracts.join("README.md"), "").unwrap();
    let objects = FileObjects {
        input: InputFile::hashed(&path, "input/x.csv".to_owned(), &Progress::hidden()).unwrap(),
        contracts: ContractFiles::Directory(contracts),
        out: directory.path().join("out"),
        progress: Progress::hidden(),
    };
    Place { directory, objects }
}

fn at(key: &str) -> Location {
    Location::new("local", key)
}

fn write(objects: &FileObjects, key: &str, bytes: &[u8]) -> Result<Written, FaultKind> {
    block_on(async {
        let mut upload = objects.create(&at(key), Metadata::new()).await.map_err(|f| f.kind)?;
        upload.write(bytes).await.map_err(|f| f.kind)?;
        upload.finish(&Checksum::of(bytes), Metadata::new()).await.map_err(|f| f.kind)
    })
}

fn files(directory: &Path) -> Vec<String> {
    let mut names = names_in(directory).unwrap_or_default();
    names.sort();
    names
}

#[test]
fn an_output_is_written_once() {
    let place = place(b"");
    let folder = place.objects.out.join("processed/x");
    assert_eq!(write(&place.objects, "processed/x/y.csv", b"one"), Ok(Written::Created));
    assert_eq!(write(&place.objects, "processed/x/y.csv", b"one"), Ok(Written::AlreadyThere));
    assert_eq!(write(&place.objects, "processed/x/y.csv", b"two"), Err(FaultKind::Differs));
    assert_eq!(fs::read(folder.join("y.csv")).unwrap(), b"one");
    assert_eq!(files(&folder), ["y.csv"]);
}

#[test]
fn nothing_is_seen_of_an_output_before_it_is_finished_nor_after_it_is_given_up() {
    let place = place(b"");
    let folder = place.objects.out.join("rejected/x");
    block_on(async {
        let key = at("rejected/x/y.csv");
        let mut upload = place.objects.create(&key, Metadata::new()).await.unwrap();
        upload.write(b"one").await.unwrap();
        assert!(!folder.join("y.csv").exists());
        assert_eq!(files(&folder).len(), 1);
        upload.abort().await.unwrap();
        assert!(files(&folder).is_empty());
        drop(place.objects.create(&key, Metadata::new()).await.unwrap());
        assert!(files(&folder).is_empty(), "an upload that is forgotten is removed as well");
    });
}

#[test]
fn bytes_that_are_not_what_was_meant_are_not_placed() {
    let place = place(b"");
    block_on(async {
        let mut upload = place.objects.create(&at("processed/x/y.csv"), Metadata::new()).await.unwrap();
        upload.write(b"12").await.unwrap();
        let fault = upload.finish(&Checksum::of(b"21"), Metadata::new()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
    });
    assert!(files(&place.objects.out.join("processed/x")).is_empty());
}

#[test]
fn two_uploads_of_one_output_do_not_write_into_each_other() {
    let place = place(b"");
    block_on(async {
        let mut one = place.objects.create(&at("processed/x/y.csv"), Metadata::new()).await.unwrap();
        one.write(b"the first").await.unwrap();
        let mut other = place.objects.create(&at("processed/x/y.csv"), Metadata::new()).await.unwrap();
        other.write(b"second").await.unwrap();
        let finished = one.finish(&Checksum::of(b"the first"), Metadata::new()).await.unwrap();
        assert_eq!(finished, Written::Created);
        let fault = other.finish(&Checksum::of(b"second"), Metadata::new()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Differs);
    });
    let folder = place.objects.out.join("processed/x");
    assert_eq!(fs::read(folder.join("y.csv")).unwrap(), b"the first");
    assert_eq!(files(&folder), ["y.csv"]);
}

#[test]
fn a_source_that_was_changed_or_removed_is_not_read() {
    let place = place(b"a,b\n1,2\n");
    let (objects, source) = (&place.objects, place.objects.input.source().clone());
    let open = || block_on(objects.open(&source)).map(|_| ()).map_err(|f| f.kind);
    assert_eq!(open(), Ok(()));
    fs::write(place.directory.path().join("x.csv"), b"a,b\n1,2\n3,4\n").unwrap();
    assert_eq!(open(), Err(FaultKind::Changed));
    fs::remove_file(place.directory.path().join("x.csv")).unwrap();
    assert_eq!(open(), Err(FaultKind::NotFound));
}

#[test]
fn a_source_that_grows_while_it_is_read_is_noticed_at_its_end() {
    let place = place(b"a,b\n1,2\n");
    let read = block_on(async {
        let (_, mut body) = place.objects.open(place.objects.input.source()).await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(body.read(&mut buffer).await.unwrap(), 8);
        fs::write(place.directory.path().join("x.csv"), b"a,b\n1,2").unwrap();
        body.read(&mut buffer).await
    });
    assert_eq!(read.unwrap_err().kind, FaultKind::Changed);
}

#[test]
fn the_same_bytes_have_the_same_tag_and_others_another() {
    let tag = |bytes: &[u8]| place(bytes).objects.input.source().etag.clone();
    assert_eq!(tag(b"a"), tag(b"a"));
    assert_ne!(tag(b"a"), tag(b"b"));
}

#[test]
fn the_time_of_a_source_is_in_whole_seconds() {
    let place = place(b"a");
    let (info, _) = block_on(place.objects.open(place.objects.input.source())).unwrap();
    assert_eq!(info.last_modified.subsec_nanosecond(), 0);
    assert_eq!(info.size, 1);
}

#[test]
fn contracts_are_listed_in_order_and_fetched_unless_known() {
    let place = place(b"");
    let list = |prefix: &str| block_on(place.objects.list("local", prefix)).map_err(|f| f.kind);
    assert_eq!(list("contracts/").unwrap(), ["contracts/a.json", "contracts/b.json"]);
    assert_eq!(list("processed/"), Err(FaultKind::Invalid));
    let fetch = |key: &str, known: Option<&ETag>| block_on(place.objects.fetch(&at(key), known)).unwrap();
    let Fetched::Found(found) = fetch("contracts/a.json", None) else { panic!("not found") };
    assert_eq!(found.bytes, b"{ }");
    assert_eq!(fetch("contracts/a.json", Some(&found.info.etag)), Fetched::Unchanged);
    assert_eq!(fetch("contracts/none.json", None), Fetched::Absent);
    assert_eq!(fetch("manifests/none.json", None), Fetched::Absent);
}

#[test]
fn a_single_contract_is_the_only_one() {
    let mut place = place(b"");
    let path = place.directory.path().join("contracts/b.json");
    place.objects.contracts = ContractFiles::Single { dataset: "sales".to_owned(), path };
    let found = |key: &str| block_on(place.objects.fetch(&at(key), None)).unwrap() != Fetched::Absent;
    assert!(found("contracts/sales.json"));
    assert!(!found("contracts/b.json"));
    assert_eq!(block_on(place.objects.list("local", "contracts/")).unwrap(), ["contracts/sales.json"]);
}

#[test]
fn no_key_leads_out_of_the_output_directory() {
    let place = place(b"");
    for key in ["../x.csv", "processed/../../x", "/etc/x", "", "contracts/a.json"] {
        assert_eq!(write(&place.objects, key, b"x"), Err(FaultKind::Invalid), "{key:?}");
    }
    assert_eq!(
        block_on(place.objects.fetch(&at("contracts/../x.csv"), None)).unwrap(),
        Fetched::Absent,
        "nor out of the contracts"
    );
}

#[test]
fn an_output_is_read_back() {
    let place = place(b"");
    write(&place.objects, "processed/x/y.csv", b"one").unwrap();
    let mut buffer = [0; 8];
    let (info, mut body) = block_on(place.objects.open_output(&at("processed/x/y.csv"))).unwrap();
    assert_eq!((info.size, block_on(body.read(&mut buffer)).unwrap()), (3, 3));
    let missing = block_on(place.objects.open_output(&at("processed/x/z.csv")));
    assert_eq!(missing.unwrap_err().kind, FaultKind::NotFound);
}
