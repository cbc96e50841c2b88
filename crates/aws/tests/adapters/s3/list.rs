use shared::ports::{Inventory, ListingPlace, StoredVersion, VersionPage};

use super::*;

/// The first answer of the S3 API reference's examples for `ListObjectVersions`, cut to what lies below `input/`, in
/// the form that `encoding-type=url` asks for.
const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>b</Name>
  <Prefix>input/</Prefix>
  <KeyMarker/>
  <VersionIdMarker/>
  <MaxKeys>1000</MaxKeys>
  <EncodingType>url</EncodingType>
  <IsTruncated>false</IsTruncated>
  <Version>
    <Key>input/sales/May+2026+%2B+June+100%25.csv</Key>
    <VersionId>3/L4kqtJl40Nr8X8gdRQBpUMLUo</VersionId>
    <IsLatest>true</IsLatest>
    <LastModified>2026-06-01T08:00:00.000Z</LastModified>
    <ETag>"fba9dede5f27731c9771645a39863328"</ETag>
    <Size>434234</Size>
    <StorageClass>STANDARD</StorageClass>
    <Owner>
      <ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>
      <DisplayName>mtd@amazon.com</DisplayName>
    </Owner>
  </Version>
  <DeleteMarker>
    <Key>input/sales/second%01%C3%A4.csv</Key>
    <VersionId>03jpff543dhffds434rfdsFDN943fdsFkdmqnh892</VersionId>
    <IsLatest>true</IsLatest>
    <LastModified>2026-06-01T09:00:00.000Z</LastModified>
    <Owner>
      <ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>
      <DisplayName>mtd@amazon.com</DisplayName>
    </Owner>
  </DeleteMarker>
  <Version>
    <Key>input/sales/second%01%C3%A4.csv</Key>
    <VersionId>null</VersionId>
    <IsLatest>false</IsLatest>
    <LastModified>2026-06-01T08:30:00.000Z</LastModified>
    <ETag>"9b2cf535f27731c974343645a3985328"</ETag>
    <Size>0</Size>
    <StorageClass>STANDARD</StorageClass>
  </Version>
</ListVersionsResult>"#;

fn truncated(encoding: &str, markers: &str) -> Reply {
    Reply::new(
        200,
        format!(
            "<ListVersionsResult>{encoding}<IsTruncated>true</IsTruncated>{markers}</ListVersionsResult>"
        ),
    )
}

async fn versions(wire: &Wire, from: Option<&ListingPlace>) -> Result<VersionPage, Fault> {
    objects(wire).versions("b", "input/", from).await
}

#[tokio::test]
async fn versions_are_listed_with_their_keys_decoded_and_without_delete_markers() {
    let wire = Wire::replying([Reply::new(200, PAGE)]);
    let page = versions(&wire, None).await.unwrap();
    assert_eq!(page.next, None);
    let stored = |key: &str, etag: &str, version_id: Option<&str>, size, at: &str| StoredVersion {
        source: SourceObject {
            bucket: "b".into(),
            key: key.into(),
            etag: ETag::parse(etag),
            version_id: version_id.map(str::to_owned),
            size,
        },
        last_modified: at.parse().unwrap(),
        // The version without an id lies below a delete marker.
        is_latest: version_id.is_some(),
    };
    assert_eq!(
        page.versions,
        [
            stored(
                "input/sales/May 2026 + June 100%.csv",
                "fba9dede5f27731c9771645a39863328",
                Some("3/L4kqtJl40Nr8X8gdRQBpUMLUo"),
                434_234,
                "2026-06-01T08:00:00Z",
            ),
            // XML has no way to write the second character after "second".
            stored(
                "input/sales/second\u{1}ä.csv",
                "9b2cf535f27731c974343645a3985328",
                None,
                0,
                "2026-06-01T08:30:00Z",
            ),
        ]
    );
    let asked = wire.only().uri;
    for part in ["?versions", "encoding-type=url", "prefix=input%2F"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(!asked.contains("marker"), "{asked}");
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped() {
    let markers = "<NextKeyMarker>input/a+b%2B.csv</NextKeyMarker>\
                   <NextVersionIdMarker>v/1+</NextVersionIdMarker>";
    let encoding = "<EncodingType>url</EncodingType>";
    let wire = Wire::replying([truncated(encoding, markers), Reply::new(200, PAGE)]);
    let first = versions(&wire, None).await.unwrap();
    let place = ListingPlace { key: "input/a b+.csv".into(), version_id: Some("v/1+".into()) };
    assert_eq!((first.versions.len(), first.next.as_ref()), (0, Some(&place)));
    versions(&wire, first.next.as_ref()).await.unwrap();
    let asked = &wire.sent()[1].uri;
    assert!(asked.contains("key-marker=input%2Fa%20b%2B.csv"), "{asked}");
    assert!(asked.contains("version-id-marker=v%2F1%2B"), "{asked}");
}

#[tokio::test]
async fn keys_that_came_plain_are_not_decoded() {
    let wire = Wire::replying([truncated("", "<NextKeyMarker>input/a+b%2B.csv</NextKeyMarker>")]);
    let next = versions(&wire, None).await.unwrap().next.unwrap();
    assert_eq!(next, ListingPlace { key: "input/a+b%2B.csv".into(), version_id: None });
}

#[tokio::test]
async fn a_listing_that_cannot_be_followed_is_a_fault_and_no_end() {
    let url = "<EncodingType>url</EncodingType>";
    for (reply, code) in [
        (truncated(url, ""), "NoNextKeyMarker"),
        (truncated(url, "<NextKeyMarker>%ff</NextKeyMarker>"), "UnreadableKey"),
        (Reply::new(200, PAGE.replace("<Size>0</Size>", "")), "NoSize"),
        (
            Reply::new(200, PAGE.replace("<LastModified>2026-06-01T08:30:00.000Z</LastModified>", "")),
            "NoLastModified",
        ),
        (Reply::new(200, PAGE.replace("<IsLatest>false</IsLatest>", "")), "NoIsLatest"),
    ] {
        let fault = versions(&Wire::replying([reply]), None).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Internal, code));
    }
    let fault = versions(&Wire::replying([Reply::error(403, "AccessDenied")]), None).await.unwrap_err();
    assert_eq!((fault.operation, fault.kind), ("ListObjectVersions", FaultKind::Denied));
}

#[tokio::test]
async fn keys_are_listed_decoded_page_by_page() {
    let page = |more: &str, keys: &[&str]| {
        let keys: String = keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
        Reply::new(
            200,
            format!("<ListBucketResult><EncodingType>url</EncodingType>{more}{keys}</ListBucketResult>"),
        )
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let wire = Wire::replying([
        page(more, &["contracts/a+b.json"]),
        page("", &["contracts/%01.json", "ledger/2026-06-01/0f.json"]),
    ]);
    let keys = objects(&wire).list("b", "contracts/").await.unwrap();
    assert_eq!(keys, ["contracts/a b.json", "contracts/\u{1}.json", "ledger/2026-06-01/0f.json"]);
    assert!(wire.sent()[0].uri.contains("encoding-type=url"));
    assert!(wire.sent()[1].uri.contains("continuation-token=t"));
}
