use super::*;

fn output() -> Location {
    Location::new("b", "processed/sales/May.csv")
}

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn write(wire: &Wire, bytes: &[u8]) -> Result<Written, Fault> {
    let mut upload = objects(wire).create(&output(), metadata(&[("run-id", "r1")])).await?;
    // Cut otherwise than the parts are.
    for piece in bytes.chunks(3) {
        upload.write(piece).await?;
    }
    upload.finish(&Checksum::of(bytes), metadata(&[("record-count", "717")])).await
}

fn stored(checksum: &Checksum) -> Reply {
    Reply::new(200, "").with("x-amz-checksum-crc64nvme", checksum.as_str()).with("etag", "\"e9\"")
}

fn operation(sent: &Sent) -> &'static str {
    match (sent.method.as_str(), sent.uri.as_str()) {
        ("PUT", uri) if uri.contains("partNumber=") => "part",
        ("PUT", _) => "put",
        ("POST", uri) if uri.contains("uploads") => "create",
        ("POST", _) => "complete",
        ("DELETE", _) => "abort",
        ("HEAD", _) => "head",
        ("GET", _) => "get",
        _ => "?",
    }
}

fn operations(wire: &Wire) -> Vec<&'static str> {
    wire.sent().iter().map(operation).collect()
}

#[tokio::test]
async fn a_small_output_is_one_conditional_request_with_its_checksum() {
    let wire = Wire::replying([Reply::new(200, "")]);
    assert_eq!(write(&wire, b"01234567").await.unwrap(), Written::Created);
    let sent = wire.only();
    assert_eq!(operation(&sent), "put");
    assert_eq!(sent.body, b"01234567");
    assert_eq!(sent.header("if-none-match"), Some("*"));
    assert_eq!(sent.header("x-amz-checksum-crc64nvme"), Some(Checksum::of(b"01234567").as_str()));
    assert_eq!(sent.header("content-type"), Some("text/csv"));
    assert_eq!(sent.header("x-amz-meta-run-id"), Some("r1"));
    assert_eq!(sent.header("x-amz-meta-record-count"), Some("717"), "late metadata too");
    assert_eq!(sent.header("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"), "no hash of the body");
    assert_eq!(sent.header("content-md5"), None);
    let signed = sent.header("authorization").unwrap();
    assert!(signed.contains("x-amz-checksum-crc64nvme"), "the checksum itself is signed: {signed}");
}

#[tokio::test]
async fn an_empty_output_and_a_json_one_are_written_too() {
    let wire = Wire::replying([Reply::new(200, "")]);
    let manifest = Location::new("b", "manifests/r1.json");
    let upload = objects(&wire).create(&manifest, Metadata::new()).await.unwrap();
    upload.finish(&Checksum::of(b""), Metadata::new()).await.unwrap();
    assert_eq!(wire.only().header("content-type"), Some("application/json"));
    assert!(wire.only().body.is_empty());
    let wire = Wire::replying([Reply::new(200, "")]);
    let settled = Location::new("b", "ledger/2026-11-21/4f8a.settled");
    let upload = objects(&wire).create(&settled, Metadata::new()).await.unwrap();
    upload.finish(&Checksum::of(b""), Metadata::new()).await.unwrap();
    assert_eq!(wire.only().header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_conflict_with_another_writer_is_tried_again() {
    let conflict = || Reply::error(409, "ConditionalRequestConflict");
    let wire = Wire::replying([conflict(), conflict(), Reply::new(200, "")]);
    assert_eq!(write(&wire, b"0123").await.unwrap(), Written::Created);
    assert!(wire.sent().iter().all(|sent| sent.body == b"0123"));

    let wire = Wire::answering(move |_| conflict());
    assert_eq!(write(&wire, b"0123").await.unwrap_err().kind, FaultKind::Contended);
    assert_eq!(wire.sent().len(), 5);
}

#[tokio::test]
async fn an_output_that_is_there_already_with_the_same_bytes_is_done() {
    let wire = Wire::replying([Reply::error(412, "PreconditionFailed"), stored(&Checksum::of(b"0123"))]);
    assert_eq!(write(&wire, b"0123").await.unwrap(), Written::AlreadyThere);
    assert_eq!(wire.sent()[1].header("x-amz-checksum-mode"), Some("ENABLED"));
}

#[tokio::test]
async fn an_output_that_is_there_with_other_bytes_is_never_overwritten() {
    let wire = Wire::replying([Reply::error(412, "PreconditionFailed"), stored(&Checksum::of(b"9999"))]);
    let fault = write(&wire, b"0123").await.unwrap_err();
    assert_eq!((fault.kind, fault.operation), (FaultKind::Differs, "PutObject"));
    assert_eq!(operations(&wire), ["put", "head"]);
}

#[tokio::test]
async fn a_store_that_keeps_no_checksum_of_ours_is_read_back() {
    for (body, expected) in [("0123", Ok(Written::AlreadyThere)), ("9999", Err(FaultKind::Differs))] {
        let no_checksum = "olov5Q==";
        let there = |body: &str| {
            Reply::new(200, body)
                .with("etag", "\"e9\"")
                .with("content-length", "4")
                .with("last-modified", "Mon, 01 Jun 2026 08:00:00 GMT")
        };
        let head = Reply::new(200, "")
            .with("etag", "\"e9\"")
            .with("content-length", "4")
            .with("x-amz-checksum-crc64nvme", no_checksum);
        let wire = Wire::replying([Reply::error(412, "PreconditionFailed"), head, there(body)]);
        assert_eq!(write(&wire, b"0123").await.map_err(|fault| fault.kind), expected);
        assert_eq!(wire.sent()[2].header("if-match"), Some("\"e9\""));
    }
}

/// A store that takes parts, and answers the completion as told.
fn store(completion: impl Fn() -> Reply + Send + 'static) -> Wire {
    Wire::answering(move |sent| match operation(sent) {
        "create" => Reply::new(200, STARTED),
        "part" => Reply::new(200, "").with("etag", format!("\"p{}\"", sent.body.len())),
        "complete" => completion(),
        "abort" => Reply::new(204, ""),
        "head" => stored(&Checksum::of(b"0123456789abcdefgh")),
        other => panic!("{other}"),
    })
}

const STARTED: &str =
    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";

fn completed() -> Reply {
    Reply::new(200, "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>")
}

#[tokio::test]
async fn a_large_output_goes_in_parts_and_appears_only_at_the_end() {
    let wire = store(completed);
    assert_eq!(write(&wire, b"0123456789abcdefgh").await.unwrap(), Written::Created);
    let sent = wire.sent();
    assert_eq!(operations(&wire), ["create", "part", "part", "part", "complete"]);

    assert_eq!(sent[0].header("x-amz-checksum-algorithm"), Some("CRC64NVME"));
    assert_eq!(sent[0].header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(sent[0].header("x-amz-meta-run-id"), Some("r1"));
    assert_eq!(sent[0].header("content-type"), Some("text/csv"));

    let mut parts: Vec<&Sent> = sent[1..4].iter().collect();
    parts.sort_by_key(|part| part.uri.clone());
    for (part, (number, bytes)) in parts.iter().zip([(1, "01234567"), (2, "89abcdef"), (3, "gh")]) {
        assert!(part.uri.contains(&format!("partNumber={number}&uploadId=u1")), "{}", part.uri);
        assert_eq!(part.text(), bytes);
        assert_eq!(part.header("x-amz-checksum-crc64nvme"), Some(Checksum::of(bytes.as_bytes()).as_str()));
        assert_eq!(part.header("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
    }

    let complete = &sent[4];
    assert_eq!(complete.header("if-none-match"), Some("*"));
    assert_eq!(
        complete.header("x-amz-checksum-crc64nvme"),
        Some(Checksum::of(b"0123456789abcdefgh").as_str())
    );
    assert_eq!(complete.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(complete.header("x-amz-mp-object-size"), Some("18"));
    let body = complete.text();
    let places: Vec<_> =
        (1..=3).map(|n| body.find(&format!("<PartNumber>{n}</PartNumber>")).unwrap()).collect();
    assert!(places.is_sorted(), "{body}");
    assert!(body.contains("<ChecksumCRC64NVME>"), "{body}");
}

#[tokio::test]
async fn a_large_output_that_is_there_already_is_done_and_leaves_no_parts() {
    let wire = store(|| Reply::error(412, "PreconditionFailed"));
    assert_eq!(write(&wire, b"0123456789abcdefgh").await.unwrap(), Written::AlreadyThere);
    assert_eq!(operations(&wire)[4..], ["complete", "head", "abort"]);
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_recognised() {
    let wire = store(|| Reply::error(404, "NoSuchUpload"));
    assert_eq!(write(&wire, b"0123456789abcdefgh").await.unwrap(), Written::AlreadyThere);
}

#[tokio::test]
async fn a_completion_that_fails_inside_a_200_is_a_failure() {
    let wire = store(|| Reply::new(200, "<Error><Code>InvalidPart</Code><Message>m</Message></Error>"));
    let fault = write(&wire, b"0123456789abcdefgh").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Invalid, "InvalidPart"));
    assert_eq!(operations(&wire).last(), Some(&"abort"));
}

#[tokio::test]
async fn a_conflict_at_the_completion_gives_the_delivery_back() {
    let wire = store(|| Reply::error(409, "ConditionalRequestConflict"));
    let fault = write(&wire, b"0123456789abcdefgh").await.unwrap_err();
    assert_eq!((fault.kind, fault.operation), (FaultKind::Contended, "CompleteMultipartUpload"));
    assert_eq!(operations(&wire)[4..], ["complete", "abort"], "S3 wants a new upload, not a repetition");
}

#[tokio::test]
async fn a_part_that_fails_removes_the_others() {
    let wire = Wire::answering(|sent| match operation(sent) {
        "create" => Reply::new(200, STARTED),
        "part" => Reply::error(403, "AccessDenied"),
        "abort" => Reply::new(204, ""),
        other => panic!("{other}"),
    });
    let fault = write(&wire, &[7; 64]).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation), (FaultKind::Denied, "UploadPart"));
    let operations = operations(&wire);
    assert_eq!(operations.last(), Some(&"abort"));
    assert_eq!(operations.iter().filter(|operation| **operation == "abort").count(), 1);
}

#[tokio::test]
async fn an_upload_that_failed_cannot_be_finished() {
    let wire = Wire::answering(|sent| match operation(sent) {
        "create" => Reply::error(403, "AccessDenied"),
        other => panic!("{other}"),
    });
    let mut upload = objects(&wire).create(&output(), Metadata::new()).await.unwrap();
    assert_eq!(upload.write(&[7; 9]).await.unwrap_err().kind, FaultKind::Denied);
    let fault = upload.finish(&Checksum::of(&[7; 9]), Metadata::new()).await.unwrap_err();
    assert_eq!(fault.code, "UploadFailedBefore");
    assert_eq!(operations(&wire), ["create"], "nothing is written");
}

#[tokio::test]
async fn giving_up_removes_the_parts() {
    let wire = store(|| panic!("nothing is completed"));
    let mut upload = objects(&wire).create(&output(), Metadata::new()).await.unwrap();
    upload.write(&[7; 20]).await.unwrap();
    upload.abort().await.unwrap();
    let sent = wire.sent();
    let last = sent.last().unwrap();
    assert_eq!(operation(last), "abort");
    assert!(last.uri.contains("uploadId=u1"), "{}", last.uri);

    let wire = Wire::replying([]);
    let upload = objects(&wire).create(&output(), Metadata::new()).await.unwrap();
    upload.abort().await.unwrap();
    assert!(wire.sent().is_empty(), "nothing had gone out");
}

#[tokio::test]
async fn at_most_two_parts_are_in_flight() {
    let wire = store(completed);
    write(&wire, &[7; 80]).await.unwrap();
    let parts = operations(&wire).iter().filter(|operation| **operation == "part").count();
    assert_eq!((parts, wire.most_in_flight()), (10, 2));
}
