use super::*;

fn source() -> SourceObject {
    SourceObject {
        bucket: "b".into(),
        key: "input/sales/May 2026.csv".into(),
        etag: ETag::parse("e1"),
        version_id: Some("v1".into()),
        size: 10,
    }
}

fn found(body: &'static str, length: usize) -> Reply {
    Reply::new(200, body)
        .with("content-length", length.to_string())
        .with("etag", "\"e1\"")
        .with("last-modified", "Mon, 01 Jun 2026 08:00:00 GMT")
}

async fn read_all(wire: &Wire, source: &SourceObject) -> Result<String, Fault> {
    let (_, mut body) = objects(wire).open(source).await?;
    let (mut all, mut buffer) = (Vec::new(), [0; 3]);
    loop {
        match body.read(&mut buffer).await? {
            0 => return Ok(String::from_utf8(all).unwrap()),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

#[tokio::test]
async fn a_read_is_pinned_to_version_and_tag() {
    let wire = Wire::replying([found("0123456789", 10)]);
    let (info, mut body) = objects(&wire).open(&source()).await.unwrap();
    assert_eq!((info.etag.as_str(), info.size), ("e1", 10));
    assert_eq!(info.last_modified.to_string(), "2026-06-01T08:00:00Z");
    let mut buffer = [0; 64];
    assert_eq!(body.read(&mut buffer).await.unwrap(), 10);
    assert_eq!(body.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(body.read(&mut buffer).await.unwrap(), 0, "the end stays the end");
    let sent = wire.only();
    assert!(sent.uri.contains("/input/sales/May%202026.csv?"), "{}", sent.uri);
    assert!(sent.uri.contains("versionId=v1"), "{}", sent.uri);
    assert_eq!(sent.header("if-match"), Some("\"e1\""));
    assert_eq!(sent.header("range"), None);
}

#[tokio::test]
async fn an_object_without_versions_is_pinned_by_its_tag_alone() {
    for version in [None, Some("null".to_owned())] {
        let wire = Wire::replying([found("0123456789", 10)]);
        read_all(&wire, &SourceObject { version_id: version, ..source() }).await.unwrap();
        assert!(!wire.only().uri.contains("versionId"));
        assert_eq!(wire.only().header("if-match"), Some("\"e1\""));
    }
}

#[tokio::test]
async fn what_became_of_an_object_is_told_apart() {
    for (status, code, expected) in [
        (404, "NoSuchKey", FaultKind::NotFound),
        (404, "NoSuchVersion", FaultKind::NotFound),
        (412, "PreconditionFailed", FaultKind::Changed),
        (403, "AccessDenied", FaultKind::Denied),
    ] {
        let wire = Wire::replying([Reply::error(status, code)]);
        let fault = objects(&wire).open(&source()).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (expected, code));
    }
}

#[tokio::test]
async fn a_body_that_breaks_goes_on_where_it_broke_with_the_same_pins() {
    let wire = Wire::replying([
        found("", 10).breaking_after(b"0123"),
        Reply::error(503, "SlowDown"),
        found("", 6).breaking_after(b"45"),
        found("6789", 4),
    ]);
    assert_eq!(read_all(&wire, &source()).await.unwrap(), "0123456789");
    let sent = wire.sent();
    let ranges: Vec<_> = sent.iter().map(|sent| sent.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=4-"), Some("bytes=4-"), Some("bytes=6-")]);
    assert!(sent.iter().all(|s| s.header("if-match") == Some("\"e1\"") && s.uri.contains("versionId=v1")));
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_taken_for_the_whole() {
    let wire = Wire::answering(|sent| match sent.header("range") {
        None => found("0123", 10),
        Some(_) => found("", 6),
    });
    let fault = read_all(&wire, &source()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert_eq!(wire.sent().len(), 5, "a few fruitless attempts, then the fault");
}

#[tokio::test]
async fn an_object_that_was_replaced_between_two_connections_is_changed() {
    let wire =
        Wire::replying([found("", 10).breaking_after(b"0123"), Reply::error(412, "PreconditionFailed")]);
    assert_eq!(read_all(&wire, &source()).await.unwrap_err().kind, FaultKind::Changed);
}

#[tokio::test]
async fn a_store_that_ignores_the_range_is_not_believed() {
    let wire = Wire::replying([found("", 10).breaking_after(b"0123"), found("0123456789", 10)]);
    let fault = read_all(&wire, &source()).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Invalid, "RangeIgnored"));
}

#[tokio::test]
async fn bytes_that_do_not_fit_their_checksum_are_a_fault() {
    let checksum = Checksum::of(b"something else");
    let reply = found("0123456789", 10).with("x-amz-checksum-crc64nvme", checksum.as_str());
    let wire = Wire::replying([reply]);
    let fault = read_all(&wire, &source()).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unavailable, "BodyChecksum"));
    assert_eq!(wire.only().header("x-amz-checksum-mode"), Some("ENABLED"));
}

#[tokio::test]
async fn an_output_is_opened_as_it_is_and_read_to_its_end_under_the_tag_it_had() {
    let wire = Wire::replying([found("", 10).breaking_after(b"0123"), found("456789", 6)]);
    let (info, mut body) = objects(&wire).open_output(&Location::new("b", "processed/x.csv")).await.unwrap();
    assert_eq!(info.size, 10);
    let mut buffer = [0; 64];
    assert_eq!(body.read(&mut buffer).await.unwrap(), 4);
    assert_eq!(body.read(&mut buffer).await.unwrap(), 6);
    assert_eq!(wire.sent()[0].header("if-match"), None);
    assert_eq!(wire.sent()[1].header("if-match"), Some("\"e1\""));
}

fn contract() -> Location {
    Location::new("b", "contracts/sales.json")
}

#[tokio::test]
async fn a_small_object_is_read_whole_unless_its_tag_is_known() {
    let wire = Wire::replying([found("{}", 2), Reply::new(304, "")]);
    let objects = objects(&wire);
    let Fetched::Found(small) = objects.fetch(&contract(), None).await.unwrap() else { panic!() };
    assert_eq!((small.bytes.as_slice(), small.info.etag.as_str()), (&b"{}"[..], "e1"));
    assert_eq!(objects.fetch(&contract(), Some(&small.info.etag)).await.unwrap(), Fetched::Unchanged);
    assert_eq!(wire.sent()[0].header("if-none-match"), None);
    assert_eq!(wire.sent()[1].header("if-none-match"), Some("\"e1\""));
}

#[tokio::test]
async fn only_a_missing_key_is_an_absent_object() {
    let wire = Wire::replying([Reply::error(404, "NoSuchKey")]);
    assert_eq!(objects(&wire).fetch(&contract(), None).await.unwrap(), Fetched::Absent);
    let wire = Wire::replying([Reply::error(404, "NoSuchBucket")]);
    assert_eq!(objects(&wire).fetch(&contract(), None).await.unwrap_err().kind, FaultKind::NotFound);
}

fn listing(keys: &[&str]) -> Reply {
    let contents: String = keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    Reply::new(
        200,
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"),
    )
}

#[tokio::test]
async fn a_forbidden_object_is_absent_only_when_it_is_not_listed() {
    // What lies beside it, with a longer name, says nothing of it.
    for (keys, absent) in [
        (&[][..], true),
        (&["contracts/sales.json.bak"], true),
        (&["contracts/sales.json", "contracts/sales.json.bak"], false),
    ] {
        let wire = Wire::replying([Reply::error(403, "AccessDenied"), listing(keys)]);
        match objects(&wire).fetch(&contract(), None).await {
            Ok(fetched) => assert!(absent && fetched == Fetched::Absent, "{keys:?}"),
            Err(fault) => assert!(!absent && fault.kind == FaultKind::Denied, "{keys:?}"),
        }
        assert!(wire.sent()[1].uri.contains("prefix=contracts%2Fsales.json"), "{}", wire.sent()[1].uri);
    }
    let wire = Wire::replying([Reply::error(403, "AccessDenied"), Reply::error(403, "AccessDenied")]);
    let fault = objects(&wire).fetch(&contract(), None).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation), (FaultKind::Denied, "GetObject"));
}

#[tokio::test]
async fn a_large_object_is_not_read_whole() {
    let wire = Wire::replying([found("", 4 * 1024 * 1024 + 1)]);
    let fault = objects(&wire).fetch(&contract(), None).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Invalid, "ObjectTooLarge"));
}

#[tokio::test]
async fn a_small_object_that_breaks_off_is_resumed_too() {
    let wire = Wire::replying([found("", 4).breaking_after(b"{}"), found("\n\n", 2)]);
    let Fetched::Found(small) = objects(&wire).fetch(&contract(), None).await.unwrap() else { panic!() };
    assert_eq!(small.bytes, b"{}\n\n");
    assert_eq!(wire.sent()[1].header("if-match"), Some("\"e1\""));
}

#[tokio::test]
async fn keys_are_listed_over_all_pages() {
    let page = |key: &str, token: &str| {
        let truncated = !token.is_empty();
        Reply::new(
            200,
            format!(
                "<ListBucketResult><IsTruncated>{truncated}</IsTruncated>\
                 <NextContinuationToken>{token}</NextContinuationToken>\
                 <Contents><Key>contracts/{key}</Key></Contents></ListBucketResult>"
            ),
        )
    };
    let wire = Wire::replying([page("a.json", "t1"), page("b.json", "")]);
    let keys = objects(&wire).list("b", "contracts/").await.unwrap();
    assert_eq!(keys, ["contracts/a.json", "contracts/b.json"]);
    assert!(wire.sent()[1].uri.contains("continuation-token=t1"));
}
